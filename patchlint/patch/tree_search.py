"""Searches a tree for words with the programs that are at hand, and gives names as they come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from patchlint.patch.git_objects import environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Iterable, Iterator, Sequence

#: What a word is searched as; see :meth:`patchlint.patch.trees.Tree.files_with`.
Wanted = Literal["word", "member", "definition"]

#: commands that give an answer together
Way = list[list[str]]


def ripgrep(words: Sequence[str], what: Wanted) -> Way:
    """Return the way by rg, which is the fastest."""
    step = {"word": _AT_ONCE, "member": _AT_ONCE // 2, "definition": 1}[what]
    parts = [words[at : at + step] for at in range(0, len(words), step)]
    return [
        [
            *("rg", "--no-config", "--no-ignore", "-0", "-l", "-g*.[ch]"),
            *(["-e", definition(some[0])] if what == "definition" else _fixed(some, what)),
            ".",
        ]
        for some in parts
    ]


#: rg looks for this many strings at once with vector instructions, and not for more.
_AT_ONCE: Final = 12


def listed(folder: str, ways: Iterable[Way]) -> Generator[str, None, bool]:
    """Give each name once that programs list in ``folder``, as it comes.

    Returns whether a way worked; a program that is missing or refuses leads to the next.
    """
    told: set[str] = set()
    for way in ways:
        for command in way:
            worked = yield from _names(command, folder, told)
            if not worked:
                break
        else:
            return True
    return False


def _names(command: list[str], folder: str, told: set[str]) -> Generator[str, None, bool]:
    """Give the names that one program lists and that are not in ``told``, and put them there."""
    import subprocess

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment(),
        )
    except OSError:
        return False
    try:
        for name in _split(process):
            path = name.decode("utf-8", "surrogateescape").removeprefix("./")
            if path not in told:
                told.add(path)
                yield path
    finally:
        process.kill()  # it may not have come to its end
        process.wait()
    return process.returncode in {0, 1}


def _split(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Give what a program writes, without the NUL behind each, until it has ended."""
    out, left = process.stdout, b""
    if out is None:  # pragma: no cover - PIPE was asked for
        return
    with out:
        while data := out.read1():  # type: ignore[attr-defined]
            *names, left = (left + data).split(b"\0")
            yield from names
    process.wait()


def _fixed(words: Sequence[str], what: Wanted) -> list[str]:
    """Return options of rg and git grep alike; all programs find fixed strings the fastest."""
    if what != "member":
        return ["-w", "-F", *(part for word in words for part in ("-e", word))]
    return ["-F", *(part for word in words for part in ("-e", f"->{word}(", "-e", f".{word}("))]


def definition(word: str) -> str:
    """Return an expression for lines that can define ``word``; one word, or rg is slow."""
    return rf"^(?:\w.*|[ \t]*#[ \t]*define[ \t]+|)\b{word}\b"


def patterns(words: Sequence[str], what: Wanted) -> Iterator[list[str]]:
    """Give options for git grep: the best first, then what every git knows."""
    either = "|".join(map(re.escape, words))
    if what == "definition":
        yield ["-P", "-e", definition(f"(?:{either})")]
    elif what == "word" and len(words) > _MANY_WORDS:
        yield ["-P", "-e", rf"\b(?:{either})\b"]
    yield _fixed(words, what)


#: git looks for fewer fixed words than this faster than for one expression.
_MANY_WORDS: Final = 40
