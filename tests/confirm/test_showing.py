"""What guests say, and what is said of those that say nothing.

The virtual machine is a stand-in here that writes a console: these are the ways in which one
ends.  A real one boots under PATCHLINT_BOOT (see ``test_in_a_guest.py``).
"""

from __future__ import annotations

import json
import subprocess

import pytest
from test_claims import EXAMPLE
from test_cpio import image
from test_script import going_through, made

from patchlint.cli.main import main
from patchlint.confirm import build, guest, show

WISH = show.Wish(None, 3, 20)
VERDICT = "    1 x lamp_put() ..."
SAID = f"SeaBIOS\r\n{guest.HELLO}\r\n{VERDICT}\r\nresult: LATE\r\npatchlint: status 1\r\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Install a stand-in for QEMU: ``say`` is what its console shows, by accelerator."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "qemu-system-x86_64"
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(guest, "_kvm", lambda: False)
    monkeypatch.setattr(guest, "busybox", lambda: b"\x7fELF")

    def make(tcg, kvm="", then=""):
        (folder / "tcg").write_bytes(tcg.encode())
        (folder / "kvm").write_bytes(kvm.encode())
        path.write_text(
            "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -accel) way=$2;;"
            " file:*console) console=${1#file:};; esac; shift; done\n"
            f'cat "{folder}/$way" >"$console"\n{then}\n'
        )
        path.chmod(0o755)

    return make


@pytest.fixture
def kernel(tmp_path):
    image(tmp_path / "bzImage", "6.1.0")
    return tmp_path / "bzImage"


@pytest.mark.parametrize(
    ("plan", "command", "words"),
    [
        (going_through("mount"), None, ""),
        (made(), None, " --example"),
        (made(family="structural", cleanup="lamp_put"), None, ""),
        (made(), "umount -l '/a b'", """ sh -c 'umount -l '"'"'/a b'"'"''"""),
    ],
    ids=["reproducer", "example", "nothing", "command"],
)
def test_a_guest_runs_what_is_known_to_run(plan, command, words):
    assert show._arguments(plan, show.Wish(command, 3, 20)) == words


@pytest.mark.parametrize(("status", "ours"), [(0, 0), (1, 1), (2, 2), (3, 2), (127, 2)])
def test_the_script_s_status_becomes_ours(machine, kernel, status, ours):
    machine(SAID.replace("status 1", f"status {status}"))
    seen = show.boot(made(), kernel, None, WISH)
    assert seen == show.Seen("6.1.0, emulated (TCG)", (VERDICT, "result: LATE"), ours)
    assert show.one(seen).splitlines()[-1] == "  result: LATE"


def test_a_kernel_that_does_not_come_up_on_kvm_is_emulated(machine, kernel, monkeypatch):
    monkeypatch.setattr(guest, "_kvm", lambda: True)
    machine(SAID, kvm="SeaBIOS\n")
    assert show.boot(made(), kernel, None, WISH).title == "6.1.0, emulated (TCG)"
    machine("", kvm=SAID)
    assert show.boot(made(), kernel, None, WISH).title == "6.1.0, KVM"


def test_a_guest_that_ends_early_or_never_is_said(machine, kernel):
    machine(f"{guest.HELLO}\nkernel panic\n")
    with pytest.raises(guest.GuestError, match=r"6\.1\.0: the guest ended early.*kernel panic"):
        show.boot(made(), kernel, None, WISH)
    machine("", then="exec sleep 60")
    with pytest.raises(guest.GuestError, match="ran out of time"):
        show.boot(made(), kernel, None, show.Wish(None, 1, 0.1))
    machine("", then="echo 'no such machine' >&2; exit 1")
    with pytest.raises(guest.GuestError, match="does not start: no such machine"):
        show.boot(made(), kernel, None, WISH)


def test_two_guests_stand_side_by_side():
    left = show.Seen("without the series", ("in time " * 12, "x"), 0)
    right = show.Seen("with the series", ("LATE",), 1)
    lines = show.beside(left, right).splitlines()
    assert lines[0].split("|")[1] == " with the series"
    assert [line.index("|") for line in lines[:2]] == [lines[0].index("|")] * 2
    assert lines[1].endswith("| LATE")
    assert any(line.startswith("x ") for line in lines)


PATCH = """\
--- a/lamp.c
+++ b/lamp.c
@@ -1,2 +1,2 @@
 int lamp;
-int shade;
+int bulb;
"""


def test_a_series_is_applied_and_taken_off_again(tmp_path):
    place = build.Place(tmp_path)
    place.source.mkdir()
    lamp = place.source / "lamp.c"
    lamp.write_text("int lamp;\nint shade;\n")
    second = PATCH.replace("-int shade", "-int bulb").replace("+int bulb", "+int socket")
    with build.patched(place, [PATCH, second]):
        assert lamp.read_text() == "int lamp;\nint socket;\n"
    assert lamp.read_text() == "int lamp;\nint shade;\n"
    with (
        pytest.raises(guest.GuestError, match="patch 2 of 2 does not apply"),
        build.patched(place, [PATCH, PATCH]),
    ):
        pass
    assert lamp.read_text() == "int lamp;\nint shade;\n"
    assert [one.name for one in place.source.iterdir()] == ["lamp.c"]


def test_what_a_build_lacks_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda name: None if name == "flex" else name)
    with pytest.raises(guest.GuestError, match="these programs are missing: flex"):
        build.prepare(tmp_path, ())
    monkeypatch.setattr(build.shutil, "which", lambda name: name)
    with pytest.raises(guest.GuestError, match="no git repository of the kernel"):
        build.prepare(tmp_path, ())
    (tmp_path / "empty.mbox").write_text("")
    with pytest.raises(guest.GuestError, match="there is no series"):
        build.patches([str(tmp_path / "empty.mbox")])


#: a tree whose make does what is asked of it in a moment
MAKEFILE = """\
tinyconfig:
\techo CONFIG_LAMP=n >$(O)/.config
olddefconfig:
\tsed -i /NO_SUCH/d $(O)/.config
bzImage:
\tmkdir -p $(O)/arch/x86/boot && cp lamp.c $(O)/arch/x86/boot/bzImage
"""


def test_a_tree_is_built_without_and_with_the_series(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "_PROGRAMS", ("make", "git", "tar", "patch"))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Makefile").write_text(MAKEFILE)
    (tree / "lamp.c").write_text("int lamp;\nint shade;\n")
    git = ["git", "-C", tree, "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    place = build.prepare(tree, ("LAMP", "NO_SUCH"))
    assert "no such options, or they need others: NO_SUCH" in capsys.readouterr().err
    assert build.image(place, "stock").read_text() == "int lamp;\nint shade;\n"
    with build.patched(place, [PATCH]):
        assert build.image(place, "patched").read_text() == "int lamp;\nint bulb;\n"
    assert build.image(build.prepare(tree, ("LAMP", "NO_SUCH")), "again").read_text() == (
        "int lamp;\nint shade;\n"
    )
    (place.source / "Makefile").write_text("bzImage:\n\techo no lamp >&2; false\n")
    with pytest.raises(guest.GuestError, match=r"make bzImage failed; see .*no lamp"):
        build.image(place, "broken")
    assert not (tree / "arch").exists()


MAIL = f"""\
From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
From: "A. Author" <author@example.org>
Date: Mon, 2 Mar 2026 10:00:00 +0000
Subject: [PATCH] lamp: a bulb, no shade
Message-ID: <lamp-1@example.org>

---
diff --git a/lamp.c b/lamp.c
{PATCH}"""


def test_the_command_shows_both_kernels(tmp_path, monkeypatch, capsys, machine):
    """Two guests from one tree; what they say comes from the stand-in, the late one second."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "_PROGRAMS", ("make", "git", "tar", "patch"))
    machine(
        SAID.replace("LATE", "in time").replace("status 1", "status 0"),
        then=f'sed "s/in time/LATE/; s/status 0/status 1/" -i "{tmp_path}/bin/tcg"',
    )
    tree = tmp_path / "tree"
    image(tree / "image", "6.1.0")
    (tree / "Makefile").write_text(MAKEFILE.replace("cp lamp.c", "cp image"))
    (tree / "lamp.c").write_text("int lamp;\nint shade;\n")
    git = ["git", "-C", tree, "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "lamp.mbox").write_text(MAIL)
    words = ["confirm", str(EXAMPLE), "--no-tree", "--series", str(tmp_path / "lamp.mbox")]
    assert main([*words, "--build", str(tree)]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert [part.strip() for part in first.split("|")] == [
        "without the series, emulated (TCG)",
        "with the series, emulated (TCG)",
    ]
    assert [part.strip() for part in last.split("|")] == ["result: in time", "result: LATE"]


@pytest.mark.usefixtures("alone")
def test_no_kernel_is_booted_where_nothing_can_be_shown(kernel, tmp_path, capsys):
    finding = {
        "rule": "lamp-late", "level": "warning", "function": "unlamp", "message": "late",
        "fingerprint": "00112233aabbccdd", "family": "key", "cleanup": "->qnkeys",
        "before": {}, "after": {},
    }  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(finding))
    assert main(["confirm", str(tmp_path / "report.json"), "--boot", str(kernel)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "nothing of this finding can be shown on a running kernel" in said.err


@pytest.mark.usefixtures("alone")
def test_the_command_boots_a_kernel_that_is_given(kernel, machine, capsys):
    machine(SAID)
    assert main(["confirm", str(EXAMPLE), "--boot", str(kernel)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "6.1.0, emulated (TCG)",
        f"  {VERDICT}",
        "  result: LATE",
    ]
    assert main(["confirm", str(EXAMPLE), "--boot", str(kernel.with_name("none"))]) == 2
    assert "no such kernel image" in capsys.readouterr().err
