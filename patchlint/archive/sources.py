"""Where an archive's mails lie: public-inbox epochs, mboxes, Maildirs, folders of mails.

A source is cut into *portions*, small picklable descriptions of some of its mails in
order.  A portion of a git repository or of a Maildir names its mails and the process
that works on it reads them; a portion of an mbox carries them.  Each mail has a
*locator* with which its source finds it again.
"""

from __future__ import annotations

import io
import lzma
import os
import tempfile
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self, cast

from msgspec import Struct, field

from patchlint.model.problem import InputError
from patchlint.outside.git import refusal
from patchlint.outside.names import given, kept, shown
from patchlint.outside.programs import PIPE, ProgramError, read_git, said, stream_git

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Kind = Literal["git", "maildir", "mbox"]

#: a mail larger than this is not read: recorded as a limitation
MOST_BYTES: Final = 16 << 20
#: mails of a portion, and bytes of a portion that carries its mails
PORTION_MAILS: Final = 2500
PORTION_BYTES: Final = 4 << 20
#: in the state of a source: keys of mails that were not there when they were to be read
ABSENT: Final = "absent"
_CHUNK: Final = 1 << 20
#: bytes of a file that tell what it is
_HEAD: Final = 1 << 16
_EPOCH_HEAD: Final = "HEAD"
_ZIP: Final = b"PK\x03\x04"
#: where an archive of tar says that it is one
_TAR: Final = slice(257, 262)


class SourceError(Exception):
    """An input that is no archive, or one that cannot be read.  The text says why."""


class Source(Struct, frozen=True):
    """One archive: ``place`` is an absolute path, ``name`` what the user called it.

    Both are text that a store can keep; :func:`patchlint.outside.names.given` makes the path.
    """

    kind: Kind
    place: str
    name: str


class Raw(Struct, frozen=True):
    """One mail's bytes.  ``data`` is None when it was larger than :data:`MOST_BYTES`.

    ``deleted`` is set for a mail that public-inbox took out of the archive, ``absent`` for
    one that the archive names and does not have (a partial clone, or damaged).
    """

    locator: str
    data: bytes | None
    size: int
    deleted: bool = False
    absent: bool = False


class Portion(Struct, frozen=True):
    """Some mails of a source, in order.

    ``keys`` are trees of commits (git) or file names (Maildir) for the reader to look up,
    or ``mails`` holds the mails themselves.  ``state`` is what to remember of the source
    once this portion and all before it are in the store.
    """

    source: Source
    keys: tuple[str, ...] = ()
    mails: tuple[Raw, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys) + len(self.mails)

    def halves(self) -> tuple[Portion, Portion]:
        """Two portions that together are this one; only the second moves the state on."""
        keys, mails = len(self.keys) // 2, len(self.mails) // 2
        return (
            Portion(self.source, self.keys[:keys], self.mails[:mails]),
            Portion(self.source, self.keys[keys:], self.mails[mails:], self.state),
        )


def find(
    inputs: Sequence[str],
    passed_over: list[str] | None = None,
    refused: list[InputError] | None = None,
) -> list[Source]:
    """The archives that ``inputs`` name; an inbox folder stands for all its epochs.

    Files of a folder of mails that are none go to ``passed_over``, inputs that are no archive to
    ``refused``.  Raises :class:`SourceError` for such an input where there is nowhere to put it,
    or no other.
    """
    found: list[Source] = []
    errors: list[SourceError] = []
    for name in inputs:
        try:
            found += _find(Path(name), shown(name), [] if passed_over is None else passed_over)
        except SourceError as error:
            if refused is None:
                raise
            errors.append(error)
            said = str(error).removeprefix(f"{shown(name)}: ")
            refused.append(InputError(shown(name), said))
    if errors and not found:
        raise errors[0]
    return list(dict.fromkeys(found))


def _find(path: Path, name: str, passed_over: list[str]) -> list[Source]:
    if not path.exists():
        raise SourceError(f"{name}: no such file or folder")
    place = _place(path)
    if path.is_file():
        if (why := _no_archive(path)) is not None:
            raise SourceError(f"{name}: no mbox, and {why}")
        return [Source("mbox", place, name)]
    repository = _repository(path)
    if repository is not None:
        if not _names_mail(_place(repository), _EPOCH_HEAD):
            raise SourceError(
                f"{name}: a repository, but no public-inbox epoch: its last commit holds no mail; "
                "patchlint check --tree DIR A..B checks commits"
            )
        return [Source("git", _place(repository), name)]
    epochs = path / "git"
    if not epochs.is_dir():
        epochs = path
    numbered = sorted(
        (entry for entry in epochs.glob("*.git") if entry.stem.isdecimal()),
        key=lambda entry: int(entry.stem),
    )
    if numbered:
        return [Source("git", _place(epoch), f"{name}/{epoch.name}") for epoch in numbered]
    if (path / "cur").is_dir() or (path / "new").is_dir():
        return [Source("maildir", place, name)]
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    others = [entry for entry in files if _no_archive(entry) is not None]
    if len(others) < len(files):
        passed_over += [f"{name}/{shown(entry.name)}" for entry in others]
        mails = [entry for entry in files if entry not in others]
        return [Source("mbox", _place(one), f"{name}/{shown(one.name)}") for one in mails]
    raise SourceError(f"{name}: neither an epoch, an mbox, a Maildir nor a folder of mails")


def _place(path: Path) -> str:
    return kept(str(path.resolve()))


def _no_archive(path: Path) -> str | None:
    """Why a file holds no mail, None where it does, or where reading it will tell.

    An empty file is an mbox that nothing was delivered to.
    """
    from patchlint.mail import inputs, mbox

    try:
        with opened(_place(path)) as stream:
            head = stream.read(_HEAD).lstrip()
    except SourceError:
        return None
    if not head or mbox.is_separator(mbox.bare(head.partition(b"\n")[0] + b"\n")):
        return None
    if head.startswith(_ZIP) or head[_TAR] == b"ustar":
        return None
    return inputs.no_text(head)


def _repository(path: Path) -> Path | None:
    for place in (path, path / ".git"):
        if (place / "HEAD").is_file() and (place / "objects").is_dir():
            return place
    return None


# --- cutting into portions ---------------------------------------------------------


def plan(source: Source, state: Mapping[str, Any]) -> tuple[int | None, Iterator[Portion]]:
    """Return what of ``source`` is new since ``state``, oldest first, and how many mails.

    The number is None when only reading would tell.  Raises :class:`SourceError` when the
    source cannot be read.
    """
    if source.kind == "git":
        revisions = _revisions(source.place, state.get("tip"))
        again = tuple(state.get(ABSENT, ()))
        first = [Portion(source, keys=again)] if again else []
        return len(again) + len(revisions.commits), chain(first, _commits(source, revisions))
    if source.kind == "maildir":
        files = _new_files(source, state.get("last", ""))
        return len(files), _files(source, files)
    return None, _split(source, state)


def still_named(source: Source, state: Mapping[str, Any]) -> dict[str, Any]:
    """``state`` without those absent mails that a rewritten history names no more."""
    absent = state.get(ABSENT, ())
    named = set(_revisions(source.place, None).trees) if absent else set()
    left = [key for key in absent if key in named]
    return {**{key: value for key, value in state.items() if key != ABSENT}, **of_absent(left)}


def of_absent(keys: Sequence[str]) -> dict[str, Any]:
    """What the state of a source says of mails that are not there: nothing where there are none."""
    return {ABSENT: [*keys]} if keys else {}


class _Revisions(NamedTuple):
    """Commits, oldest first, and the tree of each."""

    commits: Sequence[str] = ()
    trees: Sequence[str] = ()


def _revisions(place: str, tip: str | None) -> _Revisions:
    """Commits after ``tip``; all of them when history was rewritten."""
    status, out, errors = _ask(place, "rev-parse", "--verify", "--quiet", _EPOCH_HEAD)
    if status and (refused := refusal(errors, place)):
        raise SourceError(f"{place}: {refused}")
    if status or tip == out.decode("ascii", "replace").strip():
        return _Revisions()
    if tip is not None and _ask(place, "merge-base", "--is-ancestor", tip, _EPOCH_HEAD)[0]:
        tip = None
    span = _EPOCH_HEAD if tip is None else f"{tip}..{_EPOCH_HEAD}"
    status, out, errors = _ask(
        place, "rev-list", "--reverse", "--first-parent", "--format=%T", span, "--"
    )
    if status:
        raise SourceError(f"{place}: {said(errors)}")
    words = out.decode("ascii", "replace").split()  # "commit", its id and its tree's
    return _Revisions(words[1::3], words[2::3])


def _ask(place: str, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run git on an archive; raises :class:`SourceError` when there is no git."""
    try:
        return read_git(given(place), *arguments)
    except ProgramError as error:
        raise SourceError(f"{place}: {error}") from error


def _commits(source: Source, revisions: _Revisions) -> Iterator[Portion]:
    commits, trees = revisions
    for start in range(0, len(commits), PORTION_MAILS):
        end = min(start + PORTION_MAILS, len(commits))
        # git finds a mail by its tree in six sevenths of the time that the commit takes
        yield Portion(source, keys=tuple(trees[start:end]), state={"tip": commits[end - 1]})


def _new_files(source: Source, last: str) -> list[tuple[str, str]]:
    """New files of a Maildir by name: a delivery's name starts with its time."""
    names: list[tuple[str, str]] = []
    for folder in ("cur", "new"):
        directory = Path(given(source.place)) / folder
        if directory.is_dir():
            names.extend(
                (entry.name.split(":")[0], kept(f"{folder}/{entry.name}"))
                for entry in os.scandir(directory)
                if entry.is_file()
            )
    return sorted(pair for pair in names if pair[0] > last)


def _files(source: Source, names: Sequence[tuple[str, str]]) -> Iterator[Portion]:
    for start in range(0, len(names), PORTION_MAILS):
        part = names[start : start + PORTION_MAILS]
        yield Portion(
            source, keys=tuple(locator for _, locator in part), state={"last": part[-1][0]}
        )


def _split(source: Source, state: Mapping[str, Any]) -> Iterator[Portion]:
    """The mails of an mbox; nothing when the file is the one that was read to its end."""
    stamp = _stamp(source.place)
    if state.get("complete") and state.get("stamp") == stamp:
        return
    done = state.get("done", 0) if state.get("stamp") == stamp else 0
    held: list[Raw] = []
    size = 0
    number = 0
    damage: SourceError | None = None
    try:
        for number, data in enumerate(split_mails(source.place), 1):
            if number <= done:
                continue
            large = len(data) > MOST_BYTES
            held.append(Raw(str(number), None if large else data, len(data)))
            size += 0 if large else len(data)
            if size >= PORTION_BYTES or len(held) >= PORTION_MAILS:
                yield Portion(source, mails=tuple(held), state={"stamp": stamp, "done": number})
                held, size = [], 0
    except SourceError as error:
        damage = error
    # what stands before the damage is kept
    end = {} if damage else {"complete": True}
    yield Portion(source, mails=tuple(held), state={"stamp": stamp, "done": number, **end})
    if damage:
        raise damage


def _stamp(place: str) -> list[int]:
    status = Path(given(place)).stat()
    return [status.st_size, status.st_mtime_ns]


@contextmanager
def opened(place: str) -> Iterator[IO[bytes]]:
    """Open the file at ``place``, decompressed when its first bytes say so.

    Raises :class:`SourceError` when reading it fails.
    """
    import bz2
    import gzip
    import zlib

    try:
        with Path(given(place)).open("rb") as stream:
            magic = stream.read(6)
            stream.seek(0)
            if magic.startswith(b"\x1f\x8b"):
                yield cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
            elif magic.startswith(b"BZh"):
                yield cast("IO[bytes]", bz2.BZ2File(stream))
            elif magic == b"\xfd7zXZ\x00":
                yield cast("IO[bytes]", lzma.LZMAFile(stream))  # noqa: SIM115 - it ends with the file under it
            else:
                yield stream
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise SourceError(f"{place}: cannot be read: {error}") from error


def split_mails(place: str) -> Iterator[bytes]:
    """The messages of an mbox one by one, or the one message of a mail file.

    Split as the mail stage splits.  Of a message longer than :data:`MOST_BYTES` a little
    more than that is kept, so that its length tells.
    """
    for _, data in _split_placed(place):
        yield data


def _split_placed(place: str) -> Iterator[tuple[int | None, bytes]]:
    """The messages of :func:`split_mails`, each with where the file has it, None for nowhere.

    Nowhere is also where a message stands otherwise than it is read: packed, escaped, cut.
    """
    from patchlint.mail import mbox

    with opened(place) as stream:
        first = stream.readline(_CHUNK)
        while first and not first.strip():
            first = stream.readline(_CHUNK)
        if not first:
            return
        if not mbox.is_separator(mbox.bare(first)):
            for data in _other_form(first + stream.read(MOST_BYTES + 1)):
                yield None, data
            return
        damage: list[Exception] = []
        #: by the line of its separator, where the text of a message begins
        begins = {1: stream.tell()}
        packed = not isinstance(stream, io.BufferedReader)
        data, offset = b"", 0
        for message in mbox.split(_bounded(first, stream, damage, begins)):
            begin = begins.pop(message.line)
            if offset:
                yield _as_it_lies(offset, begin - len(message.separator), data, packed), data
            data, offset = message.data, begin
        if offset:
            yield _as_it_lies(offset, stream.tell(), data, packed), data
        if damage:
            raise damage[0]


def _as_it_lies(offset: int, end: int, data: bytes, packed: bool) -> int | None:
    """Where a file has a message byte for byte between two places, None where it has not."""
    return None if packed or end - offset != len(data) else offset


def _other_form(data: bytes) -> Iterator[bytes]:
    """The mails of a file that is no mbox: one mail, an archive of files, what git prints."""
    from patchlint.mail.inputs import read_inputs
    from patchlint.model.mail import RawMail

    if len(data) > MOST_BYTES:
        yield data
        return
    failed = ""
    for item in read_inputs(["-"], data):
        if isinstance(item, RawMail):
            yield item.data
        elif isinstance(item, InputError):
            failed = failed or item.message
    if failed:
        raise OSError(failed)


def _bounded(
    first: bytes, stream: IO[bytes], damage: list[Exception], begins: dict[int, int]
) -> Iterator[bytes]:
    """The lines of an mbox, but for those far behind the start of their message.

    They end where packed data is damaged: what is wrong goes to ``damage``.  Where the text
    behind a separator begins goes to ``begins``, by the number of its line.
    """
    from patchlint.mail import mbox
    from patchlint.mail.bounded import is_damage

    yield first
    size = 0
    number = 1
    place = begins[number]
    while True:
        try:
            line = stream.readline(_CHUNK)
        except Exception as error:
            if not is_damage(error):
                raise
            damage.append(error)
            return
        if not line:
            return
        place += len(line)
        if line.startswith(b"From ") and mbox.is_separator(line):
            size = 0
        # the separator counts here and not in the message: keep enough that it is too long
        if size <= MOST_BYTES + _CHUNK:
            number += 1
            if line.startswith((b"From ", b"\0From ")):
                begins[number] = place
            yield line
        size += len(line)


# --- reading -----------------------------------------------------------------------


def read(portion: Portion) -> Iterator[Raw]:
    """The mails of a portion, in its order.  Only one mail is held at a time."""
    if portion.mails or not portion.keys:
        yield from portion.mails
    elif portion.source.kind == "git":
        yield from _read_trees(portion.source.place, portion.keys)
    else:
        for key in portion.keys:
            yield from _read_file(portion.source.place, key)


def has(source: Source, keys: Sequence[str]) -> bool:
    """Whether this machine's copy of ``source`` is new enough to have the last of ``keys``."""
    if source.kind != "git":
        return Path(given(source.place), given(keys[-1])).is_file()
    return _ask(source.place, "cat-file", "-e", f"{keys[-1]}^{{tree}}")[0] == 0


def _read_trees(place: str, trees: Iterable[str]) -> Iterator[Raw]:
    """Each tree's blob ``m``; its blob ``d`` as a deletion when it has no ``m``."""
    without: list[str] = []
    yield from _cat(place, [f"{tree}:m" for tree in trees], without)
    if without:
        neither: list[str] = []
        gone = [f"{name.removesuffix(':m')}:d" for name in without]
        for raw in _cat(place, gone, neither):
            yield Raw(raw.locator, raw.data, raw.size, deleted=True)
        for name in neither:
            tree = name.removesuffix(":d")
            if _names_mail(place, tree):
                yield Raw(tree, None, 0, absent=True)


def _names_mail(place: str, tree: str) -> bool:
    """Whether a tree says that it has a mail; also where that cannot be read."""
    status, out, _ = _ask(place, "ls-tree", "--name-only", tree)
    return status != 0 or not {b"m", b"d"}.isdisjoint(out.split())


def _cat(place: str, names: Sequence[str], missing: list[str]) -> Iterator[Raw]:
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{name}\n" for name in names).encode())
        wanted.seek(0)
        with stream_git(
            given(place), "cat-file", "--batch", "--buffer", stdin=wanted, bufsize=_CHUNK
        ) as process:
            out = process.stdout
            if out is None:  # pragma: no cover - PIPE was asked for
                raise SourceError(f"{place}: git has no output")
            try:
                yield from _answers(out, names, missing)
            finally:
                out.close()
                process.kill()


def _answers(out: IO[bytes], names: Iterable[str], missing: list[str]) -> Iterator[Raw]:
    for name in names:
        header = out.readline()
        if not header:
            raise SourceError("git cat-file ended early: the repository is damaged")
        fields = header.split()
        if len(fields) != 3 or fields[1] != b"blob":  # noqa: PLR2004 - id, type, size
            missing.append(name)
            if len(fields) == 3 and fields[2].isdigit():  # noqa: PLR2004
                _skip(out, int(fields[2]) + 1)
            continue
        size = int(fields[2])
        if size > MOST_BYTES:
            _skip(out, size + 1)
            yield Raw(fields[0].decode(), None, size)
            continue
        data = out.read(size)
        out.read(1)
        yield Raw(fields[0].decode(), data, size)


def _skip(out: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(out.read(min(size, _CHUNK))) or size


def _read_file(place: str, key: str) -> Iterator[Raw]:
    """A Maildir's mail; its flags may have changed since, which renames the file."""
    folder = given(place)
    path = Path(folder, given(key))
    if not path.is_file():
        base = path.name.split(":")[0]
        moved = [*Path(folder, "cur").glob(f"{base}*"), *Path(folder, "new").glob(f"{base}*")]
        if not moved:
            return
        path = moved[0]
    size = path.stat().st_size
    yield Raw(key, None if size > MOST_BYTES else path.read_bytes(), size)


class Shelf:
    """Finds mails again by locator.

    Keeps one ``git cat-file`` for each repository, and of each mbox where its mails lie.  A
    context manager: leaving it ends those processes.
    """

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._mboxes: dict[str, _Placed] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait()
        self._processes.clear()
        for mbox in self._mboxes.values():
            mbox.close()
        self._mboxes.clear()

    def fetch(self, source: Source, locators: Sequence[str]) -> dict[str, bytes]:
        """The mails at ``locators``; one that is gone or too large is left out."""
        if source.kind == "git":
            return self._from_git(source.place, locators)
        if source.kind == "mbox":
            return self._from_mbox(source.place, locators)
        found = chain.from_iterable(_read_file(source.place, key) for key in locators)
        return {raw.locator: raw.data for raw in found if raw.data is not None}

    def _from_mbox(self, place: str, locators: Sequence[str]) -> dict[str, bytes]:
        known = self._mboxes.get(place)
        if known is not None and known.stamp != _stamp(place):
            known.close()
            known = None
        if known is None:
            known = self._mboxes[place] = _Placed(place)
        return known.fetch(locators)

    def _from_git(self, place: str, locators: Sequence[str]) -> dict[str, bytes]:
        process = self._processes.get(place)
        if process is None or process.poll() is not None:
            process = stream_git(given(place), "cat-file", "--batch", stdin=PIPE)
            self._processes[place] = process
        if process.stdin is None or process.stdout is None:  # pragma: no cover
            return {}
        found: dict[str, bytes] = {}
        # few enough names at a time that they fit the pipe while git writes its answers
        for start in range(0, len(locators), 200):
            part = locators[start : start + 200]
            process.stdin.write("".join(f"{locator}\n" for locator in part).encode())
            process.stdin.flush()
            for raw in _answers(process.stdout, part, []):
                if raw.data is not None:
                    found[raw.locator] = raw.data
        return found


class _Placed:
    """Where each mail of an mbox lies, so that none is looked for from its first line on.

    A mail that the file has in another form than it is read in lies in a temporary copy.
    """

    def __init__(self, place: str) -> None:
        self.stamp = _stamp(place)
        self._place = place
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        #: of each mail whether the copy has it, where, and its size
        self._mails: list[tuple[bool, int, int]] = []
        try:
            for offset, data in _split_placed(place):
                copied = offset is None and len(data) <= MOST_BYTES
                at = self._copy.tell() if offset is None else offset
                if copied:
                    self._copy.write(data)
                self._mails.append((copied, at, len(data)))
        except SourceError:
            # what stands before the damage is had
            if not self._mails:
                raise

    def close(self) -> None:
        """Give the copy back."""
        self._copy.close()

    def fetch(self, locators: Iterable[str]) -> dict[str, bytes]:
        """The mails at ``locators``, without those that are too large."""
        found: dict[str, bytes] = {}
        with Path(given(self._place)).open("rb") as stream:
            for number in sorted({int(locator) for locator in locators}):
                if not 0 < number <= len(self._mails):
                    continue
                copied, offset, size = self._mails[number - 1]
                if size <= MOST_BYTES:
                    source = self._copy if copied else stream
                    source.seek(offset)
                    found[str(number)] = source.read(size)
        return found


def numbered(place: str, locators: Iterable[str]) -> Iterator[Raw]:
    """Give the mails of an mbox at ``locators``, in one reading of it."""
    wanted = {int(locator) for locator in locators}
    last = max(wanted, default=0)
    for number, data in enumerate(split_mails(place), 1):
        if number in wanted and len(data) <= MOST_BYTES:
            yield Raw(str(number), data, len(data))
        if number >= last:
            return
