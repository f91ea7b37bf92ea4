from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_maker import DIFF, FIXTURES, mail, patch

from patchlint.mail import inputs as module
from patchlint.mail import mbox
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError, Limitation

SEPARATOR = b"From ada@example.org Mon Jan  1 10:00:00 2024\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def mails_of(*names: object, stdin: bytes | None = None) -> list[RawMail]:
    found = list(read_inputs([str(name) for name in names], stdin))
    assert all(isinstance(one, RawMail) for one in found), found
    return [one for one in found if isinstance(one, RawMail)]


def errors_of(*names: object, stdin: bytes | None = None) -> list[InputError]:
    found = read_inputs([str(name) for name in names], stdin)
    return [one for one in found if isinstance(one, InputError)]


def two() -> bytes:
    return b"".join(SEPARATOR + mbox.escape(patch(f"[PATCH {i}/2] x")) + b"\n" for i in (1, 2))


PACKS = pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, lzma.compress, bz2.compress],
    ids=["plain", "gz", "xz", "bz2"],
)


@PACKS
def test_mbox_plain_and_packed(pack: object, tmp_path: Path) -> None:
    path = tmp_path / "two.mbox"
    path.write_bytes(pack(two()))  # type: ignore[operator]
    first, second = mails_of(path)
    assert first.data == patch("[PATCH 1/2] x") + b"\n"
    assert (first.line, second.input) == (1, str(path))
    assert path.suffix == ".mbox"


@PACKS
def test_standard_input_and_pipes_may_be_packed(pack: object, tmp_path: Path) -> None:
    data = pack(two())  # type: ignore[operator]
    assert len(mails_of("-", stdin=data)) == 2
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert [one.data for one in mails_of(pipe)] == [one.data for one in mails_of("-", stdin=data)]
    writer.join()


def test_a_zip_on_standard_input() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.patch", patch("[PATCH] x"))
    (one,) = mails_of("-", stdin=packed.getvalue())
    assert one.data == patch("[PATCH] x")


def test_line_ends_of_old_machines() -> None:
    (one,) = mails_of("-", stdin=patch("[PATCH] x").replace(b"\n", b"\r"))
    assert one.data == patch("[PATCH] x")


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.patch")
    (tmp_path / "b.patch").write_bytes(patch("[PATCH] x"))
    assert len([one for one in read_inputs([str(tmp_path)]) if isinstance(one, RawMail)]) == 1
    (error,) = errors_of(tmp_path)
    assert "no file but a pipe" in error.message


def test_one_part_of_a_maildir(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "1").write_bytes(patch("[PATCH] x"))
    (tmp_path / "new" / "2").symlink_to("gone")
    assert [one.subject for one in map(decode, _mails(tmp_path / "new"))] == ["[PATCH] x"]
    for folder in (tmp_path, tmp_path / "new"):
        (error,) = errors_of(folder)
        assert (error.input, error.message) == (
            str(tmp_path / "new" / "2"),
            "cannot be read: No such file or directory",
        )


def _mails(folder: Path) -> list[RawMail]:
    return [one for one in read_inputs([str(folder)]) if isinstance(one, RawMail)]


def test_single_mail(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(patch("[PATCH] x", mid="one@example.org"))
    (one,) = mails_of(path)
    assert decode(one).message_id == "one@example.org"


def test_bare_mail_is_never_split(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(mail("x", "From ada@example.org Mon Jan  1 10:00:00 2024\nstill the body\n"))
    assert len(mails_of(path)) == 1


def test_format_patch_file_gives_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "0001-x.patch"
    path.write_bytes(f"From {COMMIT} Mon Sep 17 00:00:00 2001\n".encode() + patch("[PATCH] x"))
    (one,) = mails_of(path)
    assert one.commit == COMMIT
    assert decode(one).commit == COMMIT


def test_bare_diff_is_a_patch(tmp_path: Path) -> None:
    path = tmp_path / "x.diff"
    path.write_text(DIFF)
    (one,) = mails_of(path)
    assert decode(one).diff_start == 0


def test_folder_of_patches_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"{number}-x.patch").write_bytes(patch(f"[PATCH {number}/10] x"))
    subjects = [decode(one).number for one in mails_of(tmp_path)]
    assert subjects == [1, 9, 10]


def test_maildir_reads_cur_and_new(tmp_path: Path) -> None:
    for part, name in (("cur", "1.a:2,S"), ("new", "2.b"), ("tmp", "3.c")):
        (tmp_path / part).mkdir()
        (tmp_path / part / name).write_bytes(patch(f"[PATCH] {part}"))
    assert [decode(one).subject for one in mails_of(tmp_path)] == ["[PATCH] cur", "[PATCH] new"]


@pytest.mark.parametrize("data", [patch("[PATCH] x"), two()], ids=["mail", "mbox"])
def test_standard_input(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    given_mails = mails_of("-", stdin=data)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert mails_of("-") == given_mails
    assert given_mails[0].input == "-"


def test_crlf_mbox_is_split(tmp_path: Path) -> None:
    path = tmp_path / "crlf.mbox"
    path.write_bytes(two().replace(b"\n", b"\r\n"))
    assert [decode(one).number for one in mails_of(path)] == [1, 2]


def git(folder: Path, *arguments: str, text: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=folder,
        input=text,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def epoch(tmp_path: Path) -> Path:
    """A public-inbox epoch with two mails and a deletion between them."""
    folder = tmp_path / "inbox" / "git" / "0.git"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare")
    parent: list[str] = []
    for name, data in (("m", patch("[PATCH] a")), ("d", b"gone"), ("m", patch("[PATCH] b"))):
        blob = git(folder, "hash-object", "-w", "--stdin", text=data)
        tree = git(folder, "mktree", text=f"100644 blob {blob}\t{name}\n".encode())
        parent = ["-p", git(folder, "commit-tree", tree, "-m", name, *parent)]
    git(folder, "update-ref", "HEAD", parent[1])
    return folder


def test_public_inbox_epoch_and_inbox_folder(epoch: Path) -> None:
    inbox = epoch.parent.parent
    for name in (epoch, inbox):
        found = mails_of(name)
        assert [decode(one).subject for one in found] == ["[PATCH] a", "[PATCH] b"]
        assert all(one.commit is None for one in found)


def test_public_inbox_newest_and_after(epoch: Path) -> None:
    from patchlint.mail import public_inbox

    everything = list(public_inbox.read_commits("inbox", epoch))
    assert len(everything) == 2
    newest = list(public_inbox.read_commits("inbox", epoch, newest=1))
    assert newest == everything[1:]
    after = list(public_inbox.read_commits("inbox", epoch, after=everything[0][0]))
    assert after == everything[1:]


def test_message_id_and_url_go_to_the_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    from patchlint.mail import lore

    asked: list[str] = []

    def fetch(name: str) -> bytes:
        asked.append(name)
        return two()

    monkeypatch.setattr(lore, "fetch", fetch)
    names = ["<a/b@example.org>", "a@example.org", "https://lore.example.org/demo/a@example.org/"]
    assert len(mails_of(*names)) == 6
    assert asked == names


def test_reflog_name_is_no_message_id() -> None:
    (error,) = errors_of("HEAD@{1}")
    assert "needs a tree" in error.message


BAD = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n\n", "empty"),
    "binary": (bytes(range(256)) * 50, "binary"),
    "bundle": (
        b"# v2 git bundle\n" + b"1" * 40 + b" HEAD\n\nPACK\0\0\0\2",
        "(a git bundle), not a mail",
    ),
    "pack": (b"PACK\0\0\0\2\0\0\0\3", "binary data (a git pack), not a mail"),
    "packed picture": (gzip.compress(b"\x89PNG\r\n\x1a\n\0\0"), "(a PNG picture), not a mail"),
    "prose": (b"Dear all,\nthis is no mail.\n" * 20, "neither a mail nor a patch"),
    "separator only": (SEPARATOR, "empty message"),
    "cut gzip": (gzip.compress(two() * 50)[:-40], "cut short"),
    "cut xz": (lzma.compress(two() * 50)[:-40], "cut short"),
    "bad gzip": (b"\x1f\x8b\x08\x00garbage that is no deflate stream", "damaged"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_input_is_an_error_and_the_rest_is_read(case: str, tmp_path: Path) -> None:
    data, text = BAD[case]
    bad, good = tmp_path / "bad.mbox", tmp_path / "good.eml"
    bad.write_bytes(data)
    good.write_bytes(patch("[PATCH] x"))
    found = list(read_inputs([str(bad), str(good)]))
    (error,) = [one for one in found if isinstance(one, InputError)]
    assert error.input == str(bad)
    assert text in error.message
    last = found[-1]
    assert isinstance(last, RawMail)
    assert last.input == str(good)


def test_mails_before_the_cut_of_a_packed_mbox_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.mbox.gz"
    noise = "".join(f"{number:x}" for number in range(60000))
    whole = SEPARATOR + mail("one", "text\n") + b"\n" + SEPARATOR + mail("two", noise)
    path.write_bytes(gzip.compress(whole)[:-2000])
    first, *_rest, last = read_inputs([str(path)])
    assert isinstance(first, RawMail)
    assert decode(first).subject == "one"
    assert isinstance(last, InputError)


def test_garbage_between_two_mails_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "some.mbox"
    data = SEPARATOR + patch("[PATCH] a") + b"\n" + SEPARATOR + b"\0\1\2 noise\n\n"
    path.write_bytes(data + SEPARATOR + patch("[PATCH] b"))
    found = list(read_inputs([str(path)]))
    assert [type(one).__name__ for one in found] == ["RawMail", "InputError", "RawMail"]
    error = found[1]
    assert isinstance(error, InputError)
    line = data[: data.index(b"\0")].count(b"\n")
    assert error.line == line


def test_missing_file_and_missing_folder() -> None:
    (error,) = errors_of("/nonexistent/series.mbox")
    assert "no such file" in error.message


def test_name_with_a_nul_byte() -> None:
    assert len(errors_of("a\0b")) == 1


def test_empty_folder(tmp_path: Path) -> None:
    (error,) = errors_of(tmp_path)
    assert "no mail in this folder" in error.message


def test_a_folder_in_a_folder_is_not_called_empty(tmp_path: Path) -> None:
    for name in ("1.patch", "v2/0001-x.patch", "old/deep/a.eml", "notes/todo.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(patch(f"[PATCH] {name}") if "todo" not in name else b"x\n")
    found = list(read_inputs([str(tmp_path)]))
    assert [one.input for one in found if isinstance(one, RawMail)] == [str(tmp_path / "1.patch")]
    lost, other = [one for one in found if isinstance(one, Limitation)]
    assert lost.message.endswith("folders with patches in it, which are not read: old/, v2/")
    assert lost.lost
    assert other.message.endswith("holds no patch, passed over: notes/")


def test_an_empty_maildir_is_one(tmp_path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    (error,) = errors_of(tmp_path)
    assert error.message == "no mail in this folder (a Maildir that is empty)"


def test_unreadable_folder_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "_folder", refuse)
    (error,) = errors_of(tmp_path)
    assert error.message == "cannot be read: Permission denied"


def test_unreadable_file_in_a_folder_does_not_stop_the_rest(tmp_path: Path) -> None:
    (tmp_path / "1.patch").symlink_to(tmp_path / "nowhere")
    (tmp_path / "2.patch").write_bytes(patch("[PATCH] x"))
    error, good = read_inputs([str(tmp_path)])
    assert isinstance(error, InputError)
    assert isinstance(good, RawMail)


def test_a_mailbox_without_mails_is_said() -> None:
    (one,) = read_inputs(["-"], b"\1\1\1\1\n\1\1\1\1\n")
    assert isinstance(one, InputError)
    assert "no mail" in one.message


@given(st.binary(max_size=400))
@example(b"\1\1\1\1")
def test_any_bytes_are_read_or_named(data: bytes) -> None:
    found = list(read_inputs(["-"], data))
    assert found
    for one in found:
        assert one.input == "-"


@pytest.mark.parametrize("path", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_fixtures_have_no_errors(path: Path) -> None:
    assert mails_of(path)


def test_files_of_a_folder_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    named = ("a.patch.txt", "b.dif", "c.PATCH", "d.msg", "e~", "f.txt", "g.zip")
    for name in named:
        (tmp_path / name).write_bytes(patch(f"[PATCH] {name}"))
    (tmp_path / "b.dif").write_bytes(DIFF.encode())
    with zipfile.ZipFile(tmp_path / "g.zip", "w") as archive:
        archive.writestr("g.patch", patch("[PATCH] g"))
    (tmp_path / "c.PATCH~").write_bytes(patch("[PATCH] an older one"))
    (tmp_path / "h.patch.zst").write_bytes(b"\x28\xb5\x2f\xfdx")
    (tmp_path / "README").write_text("Some words.\n")
    (tmp_path / ".hidden").write_bytes(patch("[PATCH] hidden"))
    (tmp_path / "more").mkdir()
    found = list(read_inputs([str(tmp_path)]))
    mails = [Path(one.input).name for one in found if isinstance(one, RawMail)]
    assert mails == list(named)
    lost, others = (one for one in found if isinstance(one, Limitation))
    assert (lost.lost, others.lost) == (True, False)
    assert lost.message.endswith("not read: h.patch.zst")
    assert others.message.endswith("passed over: README, c.PATCH~, more/")


def test_many_files_that_are_passed_over_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_bytes(patch("[PATCH] x"))
    for number in range(9):
        (tmp_path / f"{number}.log").write_text("words\n")
    (one,) = (one for one in read_inputs([str(tmp_path)]) if isinstance(one, Limitation))
    assert one.message.endswith("0.log, 1.log, 2.log, 3.log, 4.log and 4 more")
