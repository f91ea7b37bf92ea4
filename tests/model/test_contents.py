"""What is no text is called by its name, and no text is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from patchlint.model.contents import binary, kind


def _git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def test_files_of_git_are_known(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "f.c").write_text("int a;\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "one")
    _git(tmp_path, "repack", "-a", "-d", "-q")
    for version in (2, 3):
        _git(tmp_path, "bundle", "create", "-q", f"--version={version}", "one.bundle", "main")
        assert kind((tmp_path / "one.bundle").read_bytes()) == "a git bundle"
    packs = tmp_path / ".git" / "objects" / "pack"
    assert kind(next(packs.glob("*.pack")).read_bytes()) == "a git pack"
    assert kind(next(packs.glob("*.idx")).read_bytes()) == "the index of a git pack"
    assert kind((tmp_path / ".git" / "index").read_bytes()) == "the index of a git work tree"


def test_what_libraries_write_is_known() -> None:
    text = b"some text\n" * 20
    assert kind(gzip.compress(text)) == "compressed with gzip"
    assert kind(lzma.compress(text)) == "compressed with xz"
    assert kind(bz2.compress(text)) == "compressed with bzip2"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.patch", text)
    assert kind(packed.getvalue()) == "a zip archive"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(__file__)
    assert kind(packed.getvalue()) == "a tar archive"
    assert binary(Path(sys.executable).read_bytes()[:4096]) == "binary data (an ELF file)"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"From: a@example.org\n",
        b"BZhang found this.\n",
        b"GIF87 and GIF89a are formats\n",
        "Rar! \u00e9".encode(),
        b"\x1b[1mdiff --git a/x.c b/x.c\x1b[m\n",
        b"int f(void)\n{\n\treturn 0;\n}\f\n",
    ],
)
def test_text_is_text_whatever_it_begins_with(text: bytes) -> None:
    assert kind(text) is None
    assert binary(text) is None


def test_what_nobody_knows_is_binary() -> None:
    assert kind(bytes(range(256))) == ""
    assert binary(bytes(range(256))) == "binary data"
