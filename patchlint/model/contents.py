"""What a file is that holds no text, by its first bytes."""

from __future__ import annotations

from typing import Final

#: first bytes of kinds of files that come to hand beside mails; longer ones first
_KINDS: Final = (
    (b"# v2 git bundle\n", "a git bundle"),
    (b"# v3 git bundle\n", "a git bundle"),
    (b"PACK\0\0\0", "a git pack"),
    (b"\xfftOc\0\0\0", "the index of a git pack"),
    (b"DIRC\0\0\0", "the index of a git work tree"),
    (b"CGPH\x01", "a commit graph of git"),
    (b"MIDX\x01", "the index of several git packs"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x7fELF", "an ELF file"),
    (b"!<arch>\n", "an ar archive or a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"\x5d\0\0", "compressed with lzma"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\xd0\xcf\x11\xe0", "an Office document or an Outlook message (.msg)"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\xcb\x0d\x0d\x0a", "compiled Python"),
)
#: where a tar archive says that it is one
_TAR: Final = 257
#: what every file of these kinds has, whatever its bytes: text as people would send it
_ALWAYS: Final = frozenset({"a git bundle", "a PDF document", "an ar archive or a Debian package"})


def kind(head: bytes) -> str | None:
    """Return what a file that begins with ``head`` is when it is no text, as ``an ELF file``.

    Empty for what has NULs and no name, None for text.
    """
    named = next((name for start, name in _KINDS if head.startswith(start)), None)
    if head[_TAR : _TAR + 5] == b"ustar":
        named = "a tar archive"
    if named is not None and (named in _ALWAYS or not _reads_as_text(head)):
        return named
    return "" if b"\0" in head else None


def binary(head: bytes) -> str | None:
    """Say of what is no text that it is none, and what it is; None for text."""
    named = kind(head)
    if named is None:
        return None
    return f"binary data ({named})" if named else "binary data"


def packed(head: bytes) -> str | None:
    """Return what a file is that other files are packed in, as ``a zip archive``; else None."""
    named = kind(head)
    return named if named and ("archive" in named or named.startswith("compressed")) else None


def _reads_as_text(head: bytes) -> bool:
    """Whether there is nothing in it that no text has."""
    try:
        # the last character may be cut
        head[: max(len(head) - 4, 4)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(byte < 0x20 and byte not in b"\t\n\v\f\r\x1b" for byte in head)  # noqa: PLR2004
