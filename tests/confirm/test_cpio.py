"""The root file system of a guest, held against a program that unpacks it."""

from __future__ import annotations

import lzma
import shutil
import subprocess

import pytest

from patchlint.confirm import cpio, guest
from patchlint.confirm.modules import gather

UNPACK = ["cpio", "-i", "-d"] if shutil.which("cpio") else ["busybox", "cpio", "-i", "-d"]


def test_what_is_packed_comes_out(tmp_path):
    data = cpio.archive(
        [
            cpio.file("init", b"#!/bin/sh\n", run=True),
            cpio.file("lib/modules/lamp.ko", b"\0\1\2"),
            cpio.file("lib/modules/empty", b""),
            cpio.link("bin/sh", "busybox"),
            cpio.folder("lib"),
            cpio.folder("proc"),
        ]
    )
    assert len(data) % 4 == 0
    subprocess.run(UNPACK, cwd=tmp_path, input=data, check=True, capture_output=True)
    assert (tmp_path / "init").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "lib/modules/lamp.ko").read_bytes() == b"\0\1\2"
    assert (tmp_path / "lib/modules/empty").read_bytes() == b""
    assert (tmp_path / "bin/sh").readlink().name == "busybox"
    assert (tmp_path / "proc").is_dir()


def module(*, needs="", soft=""):
    return b"\x7fELF\0depends=" + needs.encode() + b"\0" + soft.encode() + b"\0"


def test_modules_come_with_what_they_need_and_before_it(tmp_path):
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "lamp-core.ko").write_bytes(module())
    (tmp_path / "kernel" / "lamp.ko.xz").write_bytes(lzma.compress(module(needs="lamp-core,wire")))
    (tmp_path / "modules.builtin").write_text("kernel/drivers/wire.ko\n")
    found = gather(tmp_path, ["lamp", "lamp_core", "absent"])
    assert [name for name, _ in found.files] == ["lamp_core", "lamp"]
    assert all(data.startswith(b"\x7fELF") for _, data in found.files)
    assert found.missing == ("absent",)


def image(path, release):
    head = bytearray(0x400)
    head[0x202:0x206] = b"HdrS"
    head[0x20E:0x210] = (0x300 - 512).to_bytes(2, "little")
    words = f"{release} (someone@somewhere) #1 SMP".encode() if release else b""
    head[0x300 : 0x300 + len(words)] = words
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head)


def test_a_kernel_is_found_with_its_modules(tmp_path):
    image(tmp_path / "boot" / "vmlinuz-6.1.0-56-amd64", "6.1.0-56-amd64")
    (tmp_path / "lib" / "modules" / "6.1.0-56-amd64").mkdir(parents=True)
    for given in (tmp_path, tmp_path / "boot" / "vmlinuz-6.1.0-56-amd64"):
        kernel = guest.find_kernel(given)
        assert (kernel.release, kernel.version) == ("6.1.0-56-amd64", "6.1.0")
        assert kernel.modules == tmp_path / "lib" / "modules" / "6.1.0-56-amd64"
    image(tmp_path / "bzImage", "6.1.0")
    assert guest.find_kernel(tmp_path / "bzImage").modules is None


def test_a_package_wants_to_be_unpacked(tmp_path):
    (tmp_path / "linux-image.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(guest.GuestError, match="unpack the package"):
        guest.find_kernel(tmp_path / "linux-image.deb")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.with_name("other").mkdir(), "no such kernel image"),
        (lambda path: path.mkdir(), "no kernel image here"),
        (lambda path: path.write_bytes(b"\0" * 2000), "no x86 kernel image"),
        (lambda path: path.write_bytes(b"MZ"), "no x86 kernel image"),
        (lambda path: image(path, ""), "says no version"),
        (
            lambda path: [image(path / "boot" / f"vmlinuz-{n}", n) for n in "12"],
            "which of vmlinuz-1, vmlinuz-2",
        ),
    ],
)
def test_what_is_no_kernel_is_said(tmp_path, make, said):
    make(tmp_path / "k")
    with pytest.raises(guest.GuestError, match=said):
        guest.find_kernel(tmp_path / "k")
