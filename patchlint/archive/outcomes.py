"""What happened next: what an archive says of a finding after its patch was sent.

Looked for are: a reply that speaks of what the finding speaks of; one that refuses the patch,
takes it back, or says that it was taken; a newer version, with the finding or without; a
backport; a revert; a later ``Fixes:`` trailer with the title of the patch in a mail that speaks
of what moved.  Titles tie mails to commits, so that a patch that was renamed when it was merged
is not found again, and two patches of one title are one.  Most patches are merged without a
mail: absence of an outcome means that this archive is silent, not that the finding was wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from patchlint.archive import headers
from patchlint.mail import subject as subjects
from patchlint.model.mail import RawMail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from patchlint.archive.engine import Engine
    from patchlint.archive.progress import Progress
    from patchlint.archive.sources import Shelf
    from patchlint.archive.store import Store

#: replies of one patch that are read, and levels of replies to replies
_MOST_REPLIES: Final = 100
_DEEPEST: Final = 12
#: later versions that are looked at
_MOST_VERSIONS: Final = 5
_REVERT: Final = re.compile(r'^Revert\s+"(.+)"\s*$', re.IGNORECASE)
#: a subject of a patch that was merged already: for a stable kernel
_BACKPORT: Final = re.compile(
    r"\[[^\]]*(?:\b[2-9]\.\d{1,3}\b|AUTOSEL|\bstable\b|backport)[^\]]*\]", re.IGNORECASE
)
#: mails that are searched at once
_BATCH: Final = 400
_WORD: Final = re.compile(rb"[A-Za-z_]\w{3,}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{3,}")
_ERRNO: Final = re.compile(r"\bE[A-Z]{3,}\b")
#: words for a deferral
_DEFERRAL: Final = re.compile(
    r"\b(?:work ?-?queues?|work ?-?items?|delayed works?|kworkers?|asynchronous\w*|async|defer\w*"
    r"|\w+_work(?:_\w+)?|drain_workqueue|flush_(?:work|workqueue|scheduled_work)"
    r"|flush(?:ing|ed|es)? (?:the |that |this |its )?(?:work|queue)\w*"
    r"|rcu|grace periods?|call_rcu|kfree_rcu\w*|synchronize_\w*rcu\w*|rcu_barrier|kthreads?"
    r"|kernel threads?|tasklets?|task_?work)\b",
    re.IGNORECASE,
)
#: words of time beside a name
_LATE: Final = re.compile(r"\b(?:too late|later|wait(?:s|ed|ing)?|still)\b", re.IGNORECASE)
#: words of order, in a fix
_ORDER: Final = re.compile(
    r"\b(?:flush\w*|wait\w*|cancel\w*|a?synchron\w*|sync|rcu\w*|queue[ds]?|queuing|delay\w*|drain\w*"
    r"|too late|still (?:in use|running|pending|busy)|work ?queues?|work ?items?)\b",
    re.IGNORECASE,
)
#: so far into a line the name of a trailer reaches
_TRAILER: Final = 20
#: a line of a crash
_DUMP: Final = re.compile(
    r"\s*(?:\[[ .\d]+\]|CPU:|Workqueue:|Call Trace|RIP|Hardware name|rcu:|INFO:|BUG:|WARNING:)"
    r"|.*\+0x[0-9a-f]"
)
#: words of somebody who is not content
_DOUBT: Final = re.compile(
    r"\?|\b(?:why|not|instead|should|remov\w*|ugly|problem\w*|rac[ey]\w*|deadlock\w*|hang\w*|worr\w+"
    r"|concern\w*|doubt\w*|block\w*|uaf|use-after-free|leak\w*|busy|wrong|broken|safe)\b|n't\b",
    re.IGNORECASE,
)
#: what a line of a reply begins with that says that a patch was taken
_TAKEN: Final = re.compile(
    r"\W*(?:(?:thanks?(?: you)?|thx|ok(?:ay)?|both|all|now|the|this|these|series|patch(?:es)?"
    r"(?: \d+(?:-\d+)?)?|i(?:'ve| have|'ll| will)?|we(?:'ve| have)?|it(?:'s| is)?|has|have|been"
    r"|was|were|is|are|and|so|looks? good|applies|whole|entire)\b[\s,.;:!-]*)*"
    r"(?:applied|queued|merged|pushed|picked(?: it)? up|committed|taken)\b"
    r"(?=\W*$|[.,;:!()]|\s+(?:to|into|in|for|up|onto|with|as|thanks?|by|and|now|this|both|all|it"
    r"|the (?:series|patch)|patch(?:es)?|series|manually|locally)\b)",
    re.IGNORECASE,
)
_TRAILED: Final = re.compile(r"\s*nac?ked-by:", re.IGNORECASE)
#: what a line begins with that refuses a patch, or takes it back
_REFUSED: Final = re.compile(
    r"\W*(?:nac?ked-by:|(?:self[- ])?nac?k\b"
    r"|(?:please,? )?(?:ignore|disregard|drop|discard) (?:this|the|my)\b (?:\w+ )?"
    r"(?:patch|series|one|version)"
    r"|i(?:'ll| will|'d| would)? (?:drop|withdraw|revert)\w* (?:this|the|it)\b)",
    re.IGNORECASE,
)
_ROBOT: Final = re.compile(
    r"\bbot\b|bot[+@]|^lkp@|robot|syzbot|^oliver\.sang@|patchwork", re.IGNORECASE
)
#: the end of a title that is looked at first
_TAIL: Final = 12
_LONGEST: Final = 200
_SILENT: Final = (
    "nothing in this archive: no reply that speaks of it or says that it was taken, no newer "
    "version, backport, revert or Fixes: with its title; other lists are not known"
)

_SERIES: Final = (
    "SELECT subject FROM series WHERE expected > 1 AND id IN (SELECT series FROM findings)"
)
_FIXES: Final = (
    'SELECT title, fixes.message_id, fixes."commit", messages.subject, messages.date, locator,'
    " kind, place, name FROM fixes"
    " JOIN messages ON messages.message_id = fixes.message_id"
    " JOIN sources ON sources.id = messages.source ORDER BY messages.id"
)

Row = tuple[int, str, str | None, str | None, float | None, str]


class _Post(Struct, frozen=True):
    """A later patch mail whose title is one that a finding has."""

    message_id: str
    subject: str
    date: float | None
    version: int
    sender: str
    revert: bool
    backport: bool
    thread: int | None


class _Trace(Struct):
    """What the patches of one thread do with a callback: define it, or find it in a tree."""

    thread: int
    mail: _Post
    defined: bool = False
    stood: bool = False


class _Posts(Struct):
    """Patch mails and cover letters by the titles that findings ask for."""

    by_title: dict[str, list[_Post]] = field(default_factory=lambda: defaultdict(list))
    #: patches whose ``Fixes:`` names a title, by that
    fixes: dict[str, list[sqlite3.Row]] = field(default_factory=lambda: defaultdict(list))
    #: by callback, in the order of the archive
    traces: dict[str, dict[int, _Trace]] = field(default_factory=dict)

    def newer(self, title: str, sender: str, version: int, date: float | None) -> list[_Post]:
        """Return later versions of a title by its sender, the next one first."""
        later = [
            post
            for post in self.by_title.get(title, ())
            if not (post.revert or post.backport)
            and (
                (post.version > version and _after(post.date, date, equal=True))
                or (post.sender == sender and post.version == version and _after(post.date, date))
            )
        ]
        return sorted(later, key=lambda post: (post.version, post.date or 0.0, post.message_id))

    def reverts(self, title: str, date: float | None) -> list[_Post]:
        """Return reverts of a title that came after ``date``."""
        return [
            post
            for post in self.by_title.get(title, ())
            if post.revert and _after(post.date, date, equal=True)
        ]

    def backports(self, title: str, date: float | None, own: str | None) -> list[_Post]:
        """Return backports of a title that came after ``date``, or its own mail ``own``."""
        return [
            post
            for post in self.by_title.get(title, ())
            if post.backport and (post.message_id == own or _after(post.date, date))
        ]


def _after(one: float | None, other: float | None, *, equal: bool = False) -> bool:
    if one is None or other is None:
        return one is not None or equal
    return one > other or (equal and one == other)


def mine(store: Store, shelf: Shelf, engine: Engine, progress: Progress) -> None:
    """Look for the outcomes of all findings and put them into ``store``."""
    findings = list(store.rows("SELECT * FROM findings ORDER BY id"))
    if findings:
        progress.stage("looking what came of findings", len(findings))
        # made late: an index that grows with each mail costs more than one made at once
        with store.transaction() as connection:
            connection.execute(
                "CREATE INDEX IF NOT EXISTS messages_parent ON messages (in_reply_to)"
            )
    wanted = {_title(row["subject"]) for row in findings}
    wanted.update(_title(row["subject"]) for row in store.rows(_SERIES))
    posts = _posts(store, wanted - {""})
    for row in store.rows(_FIXES):
        posts.fixes[_folded(row["title"])].append(row)
    posts.traces = _traces(store, shelf, {row["after_callback"] or "" for row in findings} - {""})
    rows: list[Row] = []
    for finding in findings:
        found = list(_of(finding, store, shelf, engine, posts))
        rows.extend(found or [(finding["id"], "unknown", None, None, None, _SILENT)])
        progress.advance(1)
    store.set_outcomes(rows)


def _of(
    finding: sqlite3.Row, store: Store, shelf: Shelf, engine: Engine, posts: _Posts
) -> Iterator[Row]:
    yield from _replies(finding, store, shelf, engine)
    title = _title(finding["subject"])
    answer = subjects.parse(finding["subject"]).is_reply
    if title and not answer:
        yield from _versions(finding, title, store, shelf, engine, posts)
        yield from _by_title(finding, title, shelf, engine, posts)
    traces = list(_traced(finding, posts))
    for _, kind, _, subject, _, _ in traces if answer else ():
        if kind == "superseded" and subject:
            yield from _by_title(finding, _title(subject), shelf, engine, posts)
    yield from traces
    if answer and not traces:
        mail = (finding["message_id"], finding["subject"], finding["date"])
        own = posts.traces.get(finding["after_callback"] or "", {}).get(finding["thread"])
        if own is not None and own.defined:
            text = f"proposes {finding['after_callback']}() in an answer; no patch here has it"
            yield (finding["id"], "dropped", *mail, text)
        else:
            yield (finding["id"], "discussed", *mail, "was proposed in an answer")


def _by_title(
    finding: sqlite3.Row, title: str, shelf: Shelf, engine: Engine, posts: _Posts
) -> Iterator[Row]:
    """What later mails say of the commit of that title."""
    for post in posts.reverts(title, finding["date"]):
        yield _row(finding, "reverted", post, f'a later mail reverts "{title}"')
    for post in posts.backports(title, finding["date"], finding["message_id"]):
        yield _row(finding, "kept", post, "was merged: this is a backport of it")
    yield from _fixes(finding, title, shelf, engine, posts)


def _fixes(
    finding: sqlite3.Row, title: str, shelf: Shelf, engine: Engine, posts: _Posts
) -> Iterator[Row]:
    """Later patches that name this one in a ``Fixes:``.

    One that speaks of what moved mends that; any of them shows that the patch was merged.
    """
    topic = _topic(finding)
    for fix in posts.fixes.get(title, ()):
        if fix["message_id"] == finding["message_id"] or not _after(
            fix["date"], finding["date"], equal=True
        ):
            continue
        kind, text = "kept", f"was merged as {fix['commit']}: this fixes something else of it"
        if _mends(_body(fix, shelf, engine) or "", fix["subject"], topic.names):
            kind, text = "fixed", f"says that it fixes {fix['commit']}, which has this title"
        yield (finding["id"], kind, fix["message_id"], fix["subject"], fix["date"], text)


def _mends(body: str, subject: str, names: frozenset[str]) -> bool:
    """Whether a fix is about the move: it names it, changes it, or speaks of order."""
    message, _, diff = body.partition("\n---\n")
    # its Fixes: has the title of what it fixes, which may say anything
    said = [subject, *(line for line in message.splitlines() if ":" not in line[:_TRAILER])]
    changed = [line for line in diff.splitlines() if line.startswith(("+", "-"))]
    words = {word for line in (*said, *changed) for word in _IDENTIFIER.findall(line)}
    return not names.isdisjoint(words) or any(_ORDER.search(line) for line in said)


def _body(row: sqlite3.Row, shelf: Shelf, engine: Engine) -> str | None:
    """Return the text of a mail, None when it is gone."""
    data = shelf.fetch(_source(row), [row["locator"]]).get(row["locator"])
    if data is None:
        return None
    mail = engine.decode(RawMail(row["name"], data))
    return f"{mail.body}"


def _row(finding: sqlite3.Row, kind: str, post: _Post, text: str) -> Row:
    return (finding["id"], kind, post.message_id, post.subject, post.date, text)


# --- titles --------------------------------------------------------------------------


def _title(subject: str) -> str:
    """Return the subject without brackets, folded; empty for one that has nothing else."""
    return _folded(subjects.parse(subject).title)


def _folded(title: str) -> str:
    """Return a title as titles are compared: case, blanks and underscores say nothing."""
    return " ".join(title.lower().replace("_", " ").split())


def _posts(store: Store, wanted: set[str]) -> _Posts:
    """Return all patch mails with a wanted title, and reverts of it, in one pass."""
    posts = _Posts()
    if not wanted:
        return posts
    ends = {title[-_TAIL:] for title in wanted}
    tails = (*ends, *(f'{end}"' for end in ends))
    for row in store.rows(
        "SELECT message_id, subject, author, date, thread FROM messages WHERE patch ORDER BY id"
    ):
        if not _folded(row["subject"]).endswith(tails):
            continue
        spoken = subjects.parse(row["subject"])
        title = " ".join(spoken.title.split())
        revert = _REVERT.match(title)
        title = _folded(revert.group(1) if revert else title)
        if title in wanted and not spoken.is_reply:
            posts.by_title[title].append(_post(row))
    return posts


def _post(row: sqlite3.Row) -> _Post:
    spoken = subjects.parse(row["subject"])
    return _Post(
        row["message_id"],
        row["subject"],
        row["date"],
        spoken.version,
        headers.address(row["author"]),
        _REVERT.match(" ".join(spoken.title.split())) is not None,
        _BACKPORT.search(row["subject"]) is not None,
        row["thread"],
    )


def _versions(
    finding: sqlite3.Row, title: str, store: Store, shelf: Shelf, engine: Engine, posts: _Posts
) -> Iterator[Row]:
    """Yield what the next version says of the finding."""
    own = store.value("SELECT author FROM messages WHERE message_id = ?", (finding["message_id"],))
    sender = headers.address(own or finding["author"])
    (series,) = store.rows("SELECT * FROM series WHERE id = ?", (finding["series"],))
    date, version = finding["date"], series["version"] or 1
    newer = posts.newer(title, sender, version, date)
    whole = _title(series["subject"])
    others = posts.newer(whole, sender, version, date) if whole not in {"", title} else []
    if not newer and others and others[0].version > version:
        newer = _called_alike(title, others[0], store)
        if not newer:
            text = f"version {others[0].version} of the series has no patch of this title"
            yield _row(finding, "superseded", others[0], text)
    started: frozenset[str] = frozenset()
    for post in newer[:_MOST_VERSIONS]:
        if _again(finding, post, store):
            yield _row(finding, "kept", post, f"version {post.version} has the finding too")
            return
        started = started or _started(finding, finding["message_id"], store, shelf, engine)
        left = started & _started(finding, post.message_id, store, shelf, engine)
        if left:  # the finding is gone, the move is not
            text = f"version {post.version} of the patch adds {min(left)}() too"
            yield _row(finding, "kept", post, text)
            return
    if newer and started:
        text = f"version {newer[0].version} of the patch no longer has the finding"
        yield _row(finding, "dropped", newer[0], text)
    elif newer:
        text = f"version {newer[0].version} of the patch came"
        yield _row(finding, "superseded", newer[0], text)


def _called_alike(title: str, cover: _Post, store: Store) -> list[_Post]:
    """Return the patch of a series whose title is this one but for what stands before it."""
    found = []
    for row in store.rows(
        "SELECT message_id, subject, author, date, thread FROM messages"
        " WHERE thread = ? AND patch ORDER BY id",
        (cover.thread,),
    ):
        other = _title(row["subject"])
        shorter, longer = sorted((title, other), key=len)
        alike = len(shorter) >= _TAIL and longer.endswith(shorter)
        if alike and subjects.parse(row["subject"]).version == cover.version:
            found.append(_post(row))
    return found


def _started(
    finding: sqlite3.Row, message_id: str | None, store: Store, shelf: Shelf, engine: Engine
) -> frozenset[str]:
    """Return what a patch mail adds of the move: the callback, else the mechanism.

    A mechanism is known to anybody, and counts in a patch that names the function as well.
    """
    row = next(
        store.rows(
            "SELECT locator, kind, place, name FROM messages"
            " JOIN sources ON sources.id = messages.source WHERE message_id = ?",
            (message_id,),
        ),
        None,
    )
    body = (_body(row, shelf, engine) if row is not None else None) or ""
    lines = (line for line in body.splitlines() if line.startswith("+"))
    added = {name for line in lines for name in _IDENTIFIER.findall(line)}
    callback, mechanism = finding["after_callback"], finding["after_mechanism"]
    if callback in added:
        return frozenset((callback,))
    if mechanism in added and finding["function"] in _IDENTIFIER.findall(body):
        return frozenset((mechanism,))
    return frozenset()


def _again(finding: sqlite3.Row, post: _Post, store: Store) -> bool:
    """Whether a newer posting has the finding, though its function may be called otherwise."""
    return bool(
        store.value(
            "SELECT 1 FROM findings AS later"
            " JOIN series ON series.id = later.series"
            " JOIN messages ON messages.thread = later.thread"
            " WHERE messages.message_id = ? AND series.version = ? AND later.id <> ?"
            " AND (later.message_id = ? OR later.message_id <> ?)"
            " AND (later.fingerprint = ? OR (later.path = ? AND (later.function = ?"
            " OR later.cleanup = ? OR later.after_callback = ?))) LIMIT 1",
            (
                post.message_id,
                post.version,
                finding["id"],
                post.message_id,
                finding["message_id"],
                finding["fingerprint"],
                finding["path"],
                finding["function"],
                finding["cleanup"],
                finding["after_callback"],
            ),
        )
    )


# --- callbacks -----------------------------------------------------------------------


def _traces(store: Store, shelf: Shelf, wanted: set[str]) -> dict[str, dict[int, _Trace]]:
    """Return where patches of the archive name callbacks that findings have.

    One pass over the bytes of all patch mails; what is encoded for transfer is not read.
    """
    found: dict[str, dict[int, _Trace]] = {name: {} for name in wanted}
    names = {name.encode() for name in wanted}
    batch: list[sqlite3.Row] = []
    query = (
        "SELECT message_id, subject, author, date, thread, locator, kind, place, name FROM messages"
        " JOIN sources ON sources.id = messages.source WHERE patch AND thread IS NOT NULL"
        " ORDER BY messages.id"
    )
    for row in store.rows(query) if wanted else ():
        batch.append(row)
        if len(batch) == _BATCH:
            _trace(batch, shelf, names, found)
            batch = []
    _trace(batch, shelf, names, found)
    return found


def _trace(
    batch: Iterable[sqlite3.Row],
    shelf: Shelf,
    names: set[bytes],
    found: dict[str, dict[int, _Trace]],
) -> None:
    places: dict[Any, list[sqlite3.Row]] = {}
    for row in batch:
        places.setdefault(_source(row), []).append(row)
    for source, rows in places.items():
        mails = shelf.fetch(source, [row["locator"] for row in rows])
        for row in rows:
            data = mails.get(row["locator"], b"")
            for name in names.intersection(_WORD.findall(data)):
                _mark(row, data, name, found[name.decode()])


def _mark(row: sqlite3.Row, data: bytes, name: bytes, into: dict[int, _Trace]) -> None:
    lines = [line for line in data.split(b"\n") if name in line and name in _WORD.findall(line)]
    defined = any(re.match(rb"\+(?:\w[\w\s*]*[\s*])?" + name + rb"\(", line) for line in lines)
    stood = any(line[:1] in {b"-", b" "} for line in lines)
    if defined or stood:
        trace = into.setdefault(row["thread"], _Trace(row["thread"], _post(row)))
        trace.defined |= defined
        trace.stood |= stood


def _traced(finding: sqlite3.Row, posts: _Posts) -> Iterator[Row]:
    """What later patches say of a callback that the patch of a finding adds.

    One that adds it as well takes its place; one that finds it in place shows that it was
    merged.
    """
    traces = posts.traces.get(finding["after_callback"] or "", {})
    own = traces.get(finding["thread"])
    if own is None or not own.defined:
        return
    began = finding["date"]
    if any(
        one.stood and not one.defined and not _after(one.mail.date, began)
        for one in traces.values()
    ):
        return  # it was there before
    title = _title(finding["subject"])
    versions = {post.thread for post in posts.by_title.get(title, ())}
    callback = finding["after_callback"]
    for one in sorted(traces.values(), key=lambda one: one.mail.date or 0.0):
        if one.thread in versions or one.thread == own.thread or not _after(one.mail.date, began):
            continue
        if one.defined and not one.mail.backport:
            text = f"defines {callback}() under another title"
            yield _row(finding, "superseded", one.mail, text)
            return
        text = f"was merged: {callback}() is in the tree that this was made for"
        yield _row(finding, "kept", one.mail, text)
        return


# --- replies -------------------------------------------------------------------------


def _replies(finding: sqlite3.Row, store: Store, shelf: Shelf, engine: Engine) -> Iterator[Row]:
    topic = _topic(finding)
    cover = store.value("SELECT cover_message_id FROM series WHERE id = ?", (finding["series"],))
    seen = set()
    for parent in dict.fromkeys((finding["message_id"], cover)):
        for row in _below(store, parent):
            if row["message_id"] in seen:
                continue
            seen.add(row["message_id"])
            body = _body(row, shelf, engine)
            if body is None:
                continue
            for kind, line in _heard(body, topic, row["author"], whole=parent == cover):
                yield (
                    finding["id"], kind, row["message_id"], row["subject"], row["date"],
                    " ".join(line.split())[:_LONGEST],
                )  # fmt: skip


def _heard(body: str, topic: _Topic, author: str, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Yield what a reply says of a patch, and the line that does.

    To a ``whole`` series nothing is said of one patch but that all were taken or refused.
    """
    lines = _own_lines(body)
    robot = _ROBOT.search(headers.address(author)) is not None
    taken = next((one for one in _beginnings(lines) if _TAKEN.match(one[:_LONGEST])), None)
    if taken is not None:
        yield "kept", taken
    refused = next((one for one in _unquoted(body) if _REFUSED.match(one[:_LONGEST])), None)
    if refused is not None:
        yield "dropped", refused
    if not (whole or robot):
        line = _speaking(lines, topic)
        if line is not None:
            yield "discussed", line


def _unquoted(body: str) -> Iterator[str]:
    """Yield the lines of a reply that no line of a diff is quoted above: they mean all of it."""
    diff = False
    for line in body.partition("\n-- \n")[0].splitlines():
        if line.lstrip().startswith((">", "|")):
            diff = line.lstrip("> |")[:1] in {"+", "-", "@"} or (diff and bool(line.strip("> |")))
        elif not diff or _TRAILED.match(line):
            yield line


def _beginnings(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that a sentence begins: a word at the end of one may be wrapped."""
    before = ""
    for line in lines:
        if not before.strip() or before.rstrip().endswith((".", "!", ":", ",", "?")):
            yield line
        before = line


def _speaking(lines: Iterable[str], topic: _Topic) -> str | None:
    """Return the line that speaks of the move: of a deferral, by a name of it or with doubt.

    An error that user space would see needs no more.
    """
    for part in _paragraphs(lines):
        text = "\n".join(part)
        words = set(_IDENTIFIER.findall(text))
        named = not topic.names.isdisjoint(words)
        if _DEFERRAL.search(text) and (named or _DOUBT.search(text)):
            return next(one for one in part if _DEFERRAL.search(one))
        if named and _LATE.search(text):
            return next(one for one in part if _LATE.search(one))
        if not topic.errors.isdisjoint(words):
            return next(
                one for one in part if not topic.errors.isdisjoint(_IDENTIFIER.findall(one))
            )
    return None


def _paragraphs(lines: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in lines:
        if line.strip() and not _DUMP.match(line):
            part.append(line)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _source(row: sqlite3.Row) -> Any:
    from patchlint.archive.sources import Source

    return Source(row["kind"], row["place"], row["name"])


def _below(store: Store, message_id: str | None) -> list[sqlite3.Row]:
    """Return replies to a mail and to its replies that are no patches themselves."""
    if message_id is None:
        return []
    return list(
        store.rows(
            "WITH RECURSIVE below (message_id, depth) AS ("  # noqa: S608 - our own numbers
            " VALUES (?, 0) UNION SELECT messages.message_id, depth + 1"
            " FROM messages JOIN below ON messages.in_reply_to = below.message_id"
            f" WHERE depth < {_DEEPEST} AND NOT patch LIMIT {_MOST_REPLIES})"
            " SELECT messages.message_id, subject, author, date, locator, kind, place, name"
            " FROM below JOIN messages USING (message_id)"
            " JOIN sources ON sources.id = messages.source"
            " WHERE depth > 0 ORDER BY messages.id",
            (message_id,),
        )
    )


class _Topic(Struct, frozen=True):
    """What a reply to the point speaks of."""

    names: frozenset[str]
    errors: frozenset[str]


def _topic(finding: sqlite3.Row) -> _Topic:
    """Return the names that tell: a plain word (``request``) is none."""
    columns = ("cleanup", "function", "after_callback", "after_mechanism")
    names = frozenset(finding[name] for name in columns if finding[name] and "_" in finding[name])
    return _Topic(names, frozenset(_ERRNO.findall(finding["symptoms_json"])))


def _own_lines(body: str) -> list[str]:
    """Return the lines of a reply that its author wrote, empty ones for those that are quoted."""
    return [
        "" if line.lstrip().startswith((">", "|")) else line
        for line in body.partition("\n-- \n")[0].splitlines()
    ]
