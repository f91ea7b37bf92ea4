"""Searches a tree for words with the programs that are at hand, and gives names as they come."""

from __future__ import annotations

import os
import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from patchlint.outside.git import environment, reading
from patchlint.outside.programs import ProgramError, stream

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    Complain = Callable[[bytes], None]


class Wanted(NamedTuple):
    """What files are searched for; see :meth:`patchlint.patch.trees.Tree.files_with`."""

    #: whole words
    words: tuple[str, ...] = ()
    #: members that are called, written without spaces
    members: tuple[str, ...] = ()
    #: functions and macros, in lines that can define them
    defined: tuple[str, ...] = ()


#: a file, and names out of what is wanted that may be in it
Found = tuple[str, frozenset[str]]


#: bytes of standard error that are read
_COMPLAINTS: Final = 1 << 16


class Command(NamedTuple):
    """A program's arguments.  It prints lines that match: a path, NUL, and the line itself.

    With ``keeps`` a line counts that matches that.
    """

    arguments: list[str]
    keeps: re.Pattern[bytes] | None = None


#: commands that give an answer together
Way = list[Command]


def ripgrep(wanted: Wanted) -> Way:
    """Return the way by rg, which is the fastest."""
    called = [_of_word(word) for word in wanted.words]
    called += [part for member in wanted.members for part in _of_member(member)]
    way = [Command([*_RG, *_either(some), "."]) for some in _parts(called)]
    # an expression for such lines is slow to search for, and words are not
    for some in _parts([_of_word(name) for name in wanted.defined]):
        keeps = re.compile(
            definition(_alternatives([one.text for one in some])).encode("utf-8", "surrogateescape")
        )
        way.append(Command([*_RG, *_either(some), "."], keeps))
    return way


_RG: Final = (
    *("rg", "--no-config", "--no-ignore", "--no-heading", "--text", "-H", "-N", "-0"),
    "-g*.[ch]",
)

#: rg looks for this many strings at once with vector instructions, and not for more ...
_AT_ONCE: Final = 48
#: ... when they have not more bytes than this together
_BYTES: Final = 240
#: so that of more than those it is shown the first bytes alone
_HEAD: Final = 4


class _Text(NamedTuple):
    """A string to look for, and whether a word ends with it."""

    text: str
    word: bool


def _of_word(word: str) -> _Text:
    """Return what to look for to find a word; errs towards longer words that end so."""
    return _Text(word, word=True)


def _of_member(member: str) -> tuple[_Text, _Text]:
    """Return what to look for to find calls of a member."""
    return _Text(f".{member}(", word=False), _Text(f"->{member}(", word=False)


def _parts(strings: Sequence[_Text]) -> Iterator[Sequence[_Text]]:
    for at in range(0, len(strings), _AT_ONCE):
        yield strings[at : at + _AT_ONCE]


def _either(strings: Sequence[_Text]) -> list[str]:
    """Return options that rg is fast with."""
    whole = sum(len(one.text) for one in strings) <= _BYTES
    if whole and all(one.word for one in strings):
        return ["-w", "-F", *(part for one in strings for part in ("-e", one.text))]
    return ["-e", "|".join(_expression(one, whole=whole) for one in strings)]


def _expression(string: _Text, *, whole: bool) -> str:
    """Return an expression for one string, whose first bytes alone are a fixed string."""
    text, end = string.text, r"\b" if string.word else ""
    if whole or len(text) <= _HEAD + 1:
        return re.escape(text) + end
    # what may be there twice is no part of a fixed string any more
    head, next_, tail = text[:_HEAD], text[_HEAD], text[_HEAD + 1 :]
    return f"{re.escape(head)}{re.escape(next_)}+{re.escape(tail)}{end}"


def listed(
    folder: str, ways: Iterable[Way], wanted: Wanted, complain: Complain | None = None
) -> Generator[Found, None, bool]:
    """Give the files of ``folder`` in which programs find what is wanted, as they come.

    A file may be given more than once, with other names each time.  Returns whether a way
    worked; a program that is missing or refuses leads to the next.  ``complain`` is given
    what a program writes to standard error.
    """
    names = _by_bytes(wanted)
    told: dict[str, set[str]] = {}
    for way in ways:
        for command in way:
            worked = yield from _found(command, folder, names, told, complain)
            if not worked:
                break
        else:
            return True
    return False


def _found(
    command: Command,
    folder: str,
    names: Mapping[bytes, str],
    told: dict[str, set[str]],
    complain: Complain | None,
) -> Generator[Found, None, bool]:
    """Give what one program finds and ``told`` has not, and put it there."""
    # a file, since a pipe would have to be read beside the other
    errors = open(os.memfd_create("errors"), "w+b") if complain is not None else None  # noqa: PTH123, SIM115
    try:
        process = stream(command.arguments, cwd=folder, environ=environment(folder), errors=errors)
    except ProgramError:
        if errors is not None:
            errors.close()
        return False
    try:
        for name, lines in _files(process):
            kept = lines if command.keeps is None else filter(command.keeps.match, lines)
            here = _names_in(kept, names)
            path = name.decode("utf-8", "surrogateescape").removeprefix("./")
            before = told.setdefault(path, set())
            if not here <= before:
                yield path, here - before
                before |= here
    finally:
        process.kill()  # it may not have come to its end
        process.wait()
        if errors is not None and complain is not None:
            with errors:
                errors.seek(0)
                complain(errors.read(_COMPLAINTS))
    return process.returncode in {0, 1}


_WORD: Final = re.compile(rb"\w+").findall


def _by_bytes(wanted: Wanted) -> dict[bytes, str]:
    """Return all names that are wanted, by their bytes."""
    return {name.encode("utf-8", "surrogateescape"): name for name in chain.from_iterable(wanted)}


def _names_in(lines: Iterable[bytes], names: Mapping[bytes, str]) -> frozenset[str]:
    """Return those of ``names`` that are words of some lines."""
    return frozenset(names[word] for line in lines for word in _WORD(line) if word in names)


def _files(process: subprocess.Popen[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """Give the files that a program names, each with lines of it, until it has ended."""
    out, left = process.stdout, b""
    if out is None:  # pragma: no cover - PIPE was asked for
        return
    with out:
        while data := out.read1():  # type: ignore[attr-defined]
            *whole, left = (left + data).split(b"\n")
            files: dict[bytes, list[bytes]] = {}
            for entry in whole:
                name, _, line = entry.partition(b"\0")
                files.setdefault(name, []).append(line)
            yield from files.items()
    process.wait()


def _alternatives(words: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, words))})"


def definition(word: str) -> str:
    """Return an expression for lines that can define what an expression stands for."""
    return rf"^(?:\w.*|[ \t]*#[ \t]*define[ \t]+|)\b{word}\b"


def expression(wanted: Wanted) -> str:
    """Return one expression for all that is wanted, as Python and git grep -P read it."""
    parts = []
    if wanted.words:
        parts.append(rf"\b{_alternatives(wanted.words)}\b")
    if wanted.members:
        parts.append(rf"(?:->|\.){_alternatives(wanted.members)}\(")
    if wanted.defined:
        parts.append(definition(_alternatives(wanted.defined)))
    return "|".join(parts)


class Matcher:
    """Finds what is wanted in a text, without any program."""

    def __init__(self, wanted: Wanted) -> None:
        self._names = _by_bytes(wanted)
        self._either = re.compile(expression(wanted).encode("utf-8", "surrogateescape"))

    def __call__(self, text: bytes) -> frozenset[str]:
        """Return the names that may be in ``text``."""
        return _names_in(filter(self._either.search, text.split(b"\n")), self._names)


class Asking(NamedTuple):
    """Options for git grep, and what a line of its answer has to match as well."""

    options: list[str]
    keeps: re.Pattern[bytes] | None = None


def askings(wanted: Wanted) -> Iterator[Asking]:
    """Give what git grep may be asked: the best first, then what every git knows."""
    words = [*wanted.words, *wanted.defined]
    members = [one.text for member in wanted.members for one in _of_member(member)]
    many = len(words) + len(members) > _MANY_STRINGS
    if many:
        yield Asking(["-P", "-e", expression(wanted)])
    strings = [part for text in (*words, *members) for part in ("-e", text)]
    whole = [] if members else ["-w"]
    plain = not (wanted.defined or (words and members))
    yield Asking([*whole, "-F", *strings], None if plain else _line_of(wanted))


#: git looks for so many fixed strings, each by itself, faster than for one expression
_MANY_STRINGS: Final = 30


def _line_of(wanted: Wanted) -> re.Pattern[bytes]:
    """Return what matches from its beginning a line that has what is wanted."""
    anywhere = expression(wanted._replace(defined=()))
    defined = definition(_alternatives(wanted.defined)) if wanted.defined else ""
    either = "|".join(filter(None, (anywhere and f".*?(?:{anywhere})", defined)))
    return re.compile(either.encode("utf-8", "surrogateescape"))


class GitSearch(NamedTuple):
    """Searches a git repository: its work tree, or its commit ``name``."""

    repository: str
    name: str
    #: is given what git says on standard error of a commit that it cannot read whole
    complain: Complain | None = None

    def work_tree(self, wanted: Wanted) -> Iterator[Found]:
        """Give what the work tree has, whatever is committed."""
        ways = chain([ripgrep(wanted)], self._git(["--full-name"], wanted, ["--", *_C_FILES]))
        if not (yield from listed(self.repository, ways, wanted)):
            # that nothing was found would be a guess
            raise ProgramError(f"{self.repository}: no program can search it")

    def commit(self, wanted: Wanted, paths: Sequence[str]) -> Iterator[Found]:
        """Give what files of the commit have: those of ``paths``, or all for none."""
        return self._commit(wanted, [f":(literal){path}" for path in paths] or _C_FILES)

    def commit_folder(self, wanted: Wanted, folder: str) -> Iterator[Found]:
        """Give what files of one folder of the commit have, without the folders in it."""
        inside = re.sub(r"([*?\[\\])", r"\\\1", f"{folder}/" if folder else "")
        return self._commit(wanted, [f":(glob){inside}*.[ch]"])

    def _commit(self, wanted: Wanted, specs: Sequence[str]) -> Iterator[Found]:
        ways = self._git(["--full-name"], wanted, [self.name, "--", *specs])
        complain = self.complain if hasattr(os, "memfd_create") else None
        for path, names in listed(self.repository, ways, wanted, complain):
            yield path.partition(":")[2], names

    def _git(self, options: Sequence[str], wanted: Wanted, places: Sequence[str]) -> Iterator[Way]:
        return _git(self.repository, options, wanted, places)


def folder_search(folder: str, wanted: Wanted) -> Generator[Found, None, bool]:
    """Give what a plain folder has; returns whether there was a program to search with."""
    ways = chain(
        [ripgrep(wanted)], _git(folder, ["--no-index"], wanted, ["--", ":(glob)**/*.[ch]"])
    )
    return (yield from listed(folder, ways, wanted))


def _git(
    place: str, options: Sequence[str], wanted: Wanted, places: Sequence[str]
) -> Iterator[Way]:
    """Give the ways by git grep, the best first."""
    # it is started in that folder, where a relative name would lead on from there
    place = str(Path(place).absolute())
    for asking in askings(wanted):
        arguments = reading(place, *_GREP, *options, *asking.options, *places)
        yield [Command(arguments, asking.keeps)]


_C_FILES: Final = ("*.c", "*.h")

#: git's own search, printing as a :class:`Command` does whatever is configured
_GREP: Final = (
    *("grep", "--no-textconv", "--no-color", "--no-line-number", "--no-column", "--no-break"),
    # text whatever attributes of the repository say, as for rg
    *("--no-heading", "-z", "--text"),
)
