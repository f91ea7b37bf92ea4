"""Where patches of an archive add, meet and take out the names that a patch brought.

One pass over the bytes of all patch mails; what is encoded for transfer is not read.  A name
that a patch brings and that a later patch meets was merged between the two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.archive.posts import post_of, source_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from patchlint.archive.posts import Post
    from patchlint.archive.sources import Shelf
    from patchlint.archive.store import Store

#: mails that are searched at once
_BATCH: Final = 400
_WORD: Final = re.compile(rb"[A-Za-z_]\w{3,}")
#: names that are followed for one patch, and from which length on one tells something
_MOST_NAMES: Final = 12
_SHORTEST: Final = 8
_TOKEN: Final = re.compile(r"[A-Za-z_]\w+")
#: a line of a diff that brings a function, a macro or a type
_DEFINES: Final = re.compile(
    r"\+(?:(?=\w[\w\s*]*[\s*]\w+\()(?!return\b|else\b)\w[\w\s*]*[\s*]|#\s*define\s+"
    r"|(?:struct|union|enum)\s+(?=\w+\s*\{))(\w+)"
)
#: the header of a hunk that stands in a type, and a member that comes there
_TYPE: Final = re.compile(r"@@ (?:typedef )?(?:struct|union)\b[^(]*$")
_MEMBER: Final = re.compile(r"\+[ \t]+[\w \t*]+[ \t*](\w+)(?:\[[^]]*\])?(?: ?: ?\d+)?;")
#: what stands before the name in a line that begins a function
_BEFORE: Final = rb"(?:\w[\w\s*]*[\s*])?"

#: traces of a name by thread, in the order of the archive
Traces = dict[str, dict[int, "Trace"]]


class Trace(Struct):
    """What the patches of one thread do with a name.

    ``defined`` and ``undefined`` say that a line which begins a function of that name comes or
    goes, ``added`` that any line with it comes, ``stood`` that it was there before.
    """

    thread: int
    mail: Post
    files: set[str]
    defined: bool = False
    undefined: bool = False
    added: bool = False
    stood: bool = False


def brought(body: str, chain: Iterable[str]) -> tuple[str, ...]:
    """Return names that the patch ``body`` defines, those of ``chain`` before others.

    Functions, macros, types, members: what it calls may be anybody's.  A name that stands in
    any line that it found is not new.
    """
    lines = body.splitlines()
    found = {
        name for line in lines if line.startswith(("-", " ", "@@")) for name in _TOKEN.findall(line)
    }
    wanted = set(chain)
    defined: dict[str, None] = {}
    inside = False  # of a type that was there
    for line in lines:
        if line.startswith("@@"):
            inside = _TYPE.search(line) is not None
        elif match := _DEFINES.match(line) or (inside and _MEMBER.match(line)):
            defined[match[1]] = None
    names = [name for name in defined if name not in found and "_" in name]
    names.sort(key=lambda name: (name not in wanted, len(name) < _SHORTEST))
    return tuple(names[:_MOST_NAMES])


def follow(store: Store, shelf: Shelf, wanted: set[str]) -> Traces:
    """Return where patches of the archive name ``wanted`` identifiers, by name and thread."""
    found: Traces = {name: {} for name in wanted}
    names = {name.encode() for name in wanted}
    batch: list[sqlite3.Row] = []
    query = (
        "SELECT message_id, subject, author, date, thread, in_reply_to, locator, kind, place, name"
        " FROM messages JOIN sources ON sources.id = messages.source"
        " WHERE patch AND thread IS NOT NULL ORDER BY messages.id"
    )
    for row in store.rows(query) if wanted else ():
        batch.append(row)
        if len(batch) == _BATCH:
            _read(batch, shelf, names, found)
            batch = []
    _read(batch, shelf, names, found)
    return found


def _read(batch: Iterable[sqlite3.Row], shelf: Shelf, names: set[bytes], found: Traces) -> None:
    places: dict[Any, list[sqlite3.Row]] = defaultdict(list)
    for row in batch:
        places[source_of(row)].append(row)
    for source, rows in places.items():
        mails = shelf.fetch(source, [row["locator"] for row in rows])
        for row in rows:
            data = mails.get(row["locator"], b"")
            for name in names.intersection(_WORD.findall(data)):
                _mark(row, data, name, found[name.decode()])


def _mark(row: sqlite3.Row, data: bytes, name: bytes, into: dict[int, Trace]) -> None:
    begins = re.compile(rb"([+-])" + _BEFORE + name + rb"\(")
    path = b""
    for line in data.split(b"\n"):
        if line.startswith((b"+++ ", b"--- ")):
            if not line.startswith(b"/dev/", 4):
                path = line[4:].strip().partition(b"/")[2] or path
            continue
        if name not in line or line[:1] not in {b"+", b"-", b" "} or not path:
            continue
        if name not in _WORD.findall(line):
            continue
        trace = into.get(row["thread"])
        if trace is None:
            trace = into[row["thread"]] = Trace(row["thread"], post_of(row), set())
        trace.files.add(path.decode("utf-8", "replace"))
        begun = begins.match(line)
        trace.defined |= begun is not None and begun[1] == b"+"
        trace.undefined |= begun is not None and begun[1] == b"-"
        trace.added |= line[:1] == b"+"
        trace.stood |= line[:1] != b"+"


def later(traces: Mapping[int, Trace], began: float | None) -> Iterator[Trace]:
    """Yield the traces of mails after the moment ``began``, in order of time."""
    for one in sorted(traces.values(), key=lambda one: one.mail.date or 0.0):
        if one.mail.date is not None and (began is None or one.mail.date > began):
            yield one
