"""What happened next: what an archive says of a finding after its patch was sent.

An outcome is what came of the *move* that a finding tells, in all postings of its change:

- ``reverted``: a revert, or a later patch that takes the deferral out and calls directly again;
- ``fixed``: a later ``Fixes:`` with its title in a mail that speaks of what moved;
- ``dropped``: refused or taken back, or the next version has none of what the patch brought;
- ``merged``: applied, backported, or in the tree that a later patch was made for;
- ``kept``: in a version that came later;
- ``discussed``: somebody spoke of when it runs, in an answer to any posting of it;
- ``superseded``: a patch of another title took its place, with the move or without;
- ``unknown``: nothing of all that.  Most patches are merged without a mail: absence of an
  outcome means that this archive is silent, not that the finding was wrong.

Titles tie mails to commits (``posts``), names that a patch brought tie it to later ones
(``traces``), and ``talk`` reads what people say.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.archive import codec, talk, traces
from patchlint.archive.posts import called_alike, gather, of_thread, source_of, title_of
from patchlint.mail import subject as subjects
from patchlint.model.effect import Step
from patchlint.model.mail import RawMail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from patchlint.archive.engine import Engine
    from patchlint.archive.posts import Post, Posts
    from patchlint.archive.progress import Progress
    from patchlint.archive.sources import Shelf
    from patchlint.archive.store import Store
    from patchlint.archive.traces import Trace, Traces

#: outcomes by which a move lasted
_LASTS: Final = frozenset({"merged", "kept"})
#: replies of one patch that are read
_MOST_REPLIES: Final = 100
#: later versions, and patches of one series, that are looked at
_MOST_VERSIONS: Final = 5
_MOST_PATCHES: Final = 60
#: texts that are kept in memory
_MOST_BODIES: Final = 1000
#: postings of one change whose replies are read
_MOST_POSTINGS: Final = 12
#: seconds after which a patch that meets a name was not made for a series that waits
_SETTLED: Final = 45 * 86400.0
_LONGEST: Final = 200
_SILENT: Final = "no answer to the point, newer version, revert or Fixes: in this archive"
_SERIES: Final = (
    "SELECT subject FROM series WHERE expected > 1 AND id IN (SELECT series FROM findings)"
)

Row = tuple[int, str, str | None, str | None, float | None, str]


class _Archive(Struct):
    """All that is asked while outcomes are looked for."""

    store: Store
    shelf: Shelf
    engine: Engine
    posts: Posts
    traces: Traces = field(default_factory=dict)
    #: what each patch mail with a finding brings
    brought: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: mails that answer one, by that
    answers: dict[str, list[sqlite3.Row]] = field(default_factory=lambda: defaultdict(list))
    #: calls that put off to a context, by that
    deferring: dict[str, frozenset[str]] = field(default_factory=dict)
    #: the text of mails by their ids, kept while one finding after the other asks for them
    bodies: dict[str, str] = field(default_factory=dict)

    def body(self, row: sqlite3.Row) -> str | None:
        """Return the text of a mail, None when it is gone."""
        data = self.shelf.fetch(source_of(row), [row["locator"]]).get(row["locator"])
        if data is None:
            return None
        return f"{self.engine.decode(RawMail(row['name'], data)).body}"

    def patch(self, message_id: str | None) -> str:
        """Return the text of a patch mail, empty when there is none."""
        if message_id is None:
            return ""
        if message_id not in self.bodies:
            if len(self.bodies) >= _MOST_BODIES:
                self.bodies.clear()
            found = self.store.rows(
                "SELECT locator, kind, place, name FROM messages"
                " JOIN sources ON sources.id = messages.source WHERE message_id = ?",
                (message_id,),
            )
            self.bodies[message_id] = next((self.body(row) or "" for row in found), "")
        return self.bodies[message_id]

    def ways(self, finding: sqlite3.Row) -> frozenset[str]:
        """Return the calls that put something off to where the finding's release went."""
        context = finding["after_context"]
        if context not in self.deferring:
            kernel = self.engine.rules().kernel
            starts = {
                one.name: one.context for one in kernel.registrations.values() if one.activates
            }
            starts.update((one.name, one.context) for one in kernel.activations.values())
            starts.update((one.deferred, one.context) for one in kernel.twins.values())
            names = {name for name, where in starts.items() if where == context}
            self.deferring[context] = frozenset(names)
        return self.deferring[context] | {finding["after_mechanism"] or ""}

    def series(self, post: Post) -> list[str]:
        """Return the texts of the patches of the series that a patch mail is of."""
        together = [
            one
            for one in of_thread(post.thread, self.store)
            if one.version == post.version and one.sender == post.sender
        ]
        return [self.patch(one.message_id) for one in together[:_MOST_PATCHES]]


def mine(store: Store, shelf: Shelf, engine: Engine, progress: Progress) -> None:
    """Look for the outcomes of all findings and put them into ``store``."""
    findings = list(store.rows("SELECT * FROM findings ORDER BY id"))
    if findings:
        progress.stage("looking what came of findings", len(findings))
    wanted = {title_of(row["subject"]) for row in findings}
    wanted.update(title_of(row["subject"]) for row in store.rows(_SERIES))
    archive = _Archive(store, shelf, engine, gather(store, wanted - {""}))
    for row in findings:
        chain = _chain(row)
        name = row["message_id"] or ""
        held = archive.brought.get(name, ())
        new = traces.brought(archive.patch(row["message_id"]), chain)
        archive.brought[name] = (*held, *(one for one in new if one not in held))
    names = {name for some in archive.brought.values() for name in some}
    names.update(row["after_callback"] or "" for row in findings)
    archive.traces = traces.follow(store, shelf, names - {""})
    _answers(archive, findings)
    rows: list[Row] = []
    for finding in findings:
        found = _lasting(dict.fromkeys(_of(finding, archive)))
        rows.extend(found or [(finding["id"], "unknown", None, None, None, _SILENT)])
        progress.advance(1)
    store.set_outcomes(rows)


def _lasting(rows: Iterable[Row]) -> list[Row]:
    """Return what counts: who refused a posting has not refused one that came later."""
    told = list(rows)
    kept = max((date or 0.0 for _, kind, _, _, date, _ in told if kind in _LASTS), default=0.0)
    return [row for row in told if row[1] != "dropped" or (row[4] or 0.0) >= kept]


def _chain(finding: sqlite3.Row) -> list[str]:
    return [step.function for step in codec.load_all(Step, finding["after_chain_json"])]


def _of(finding: sqlite3.Row, archive: _Archive) -> Iterator[Row]:
    title = title_of(finding["subject"])
    mail = archive.store.value(
        "SELECT subject FROM messages WHERE message_id = ?", (finding["message_id"],)
    )
    # a patch that is attached to an answer has a title of its own
    answer = any(subjects.parse(one or "").is_reply for one in (finding["subject"], mail))
    yield from _replies(finding, "" if answer else title, archive)
    if title and not answer:
        yield from _versions(finding, title, archive)
        yield from _by_title(finding, title, archive)
    traced = list(_traced(finding, title, archive))
    for _, kind, _, subject, _, _ in traced:
        if kind == "superseded" and subject:
            yield from _by_title(finding, title_of(subject), archive)
    yield from traced
    yield from _taken_out(finding, archive)
    if answer and not any(kind in {*_LASTS, "superseded"} for _, kind, *_ in traced):
        yield from _tried(finding, archive)


def _by_title(finding: sqlite3.Row, title: str, archive: _Archive) -> Iterator[Row]:
    """What later mails say of the commit of that title."""
    for post in archive.posts.reverts(title, finding["date"]):
        yield _row(finding, "reverted", post, f'a later mail reverts "{title}"')
    for post in archive.posts.backports(title, finding["date"], finding["message_id"]):
        yield _row(finding, "merged", post, "this is a backport of it")
    yield from _fixes(finding, title, archive)


def _fixes(finding: sqlite3.Row, title: str, archive: _Archive) -> Iterator[Row]:
    """Later patches that name this one in a ``Fixes:``.

    One that speaks of what moved mends that; any of them shows that the patch was merged.
    """
    started = (finding["after_callback"], finding["after_mechanism"])
    told = {post.message_id for post in archive.posts.reverts(title, finding["date"])}
    told.add(finding["message_id"])
    for fix in archive.posts.fixes.get(title, ()):
        date, began = fix["date"], finding["date"]
        if fix["message_id"] in told or (date or 0.0) < (began or 0.0):
            continue
        kind, text = "merged", f"this fixes something else of {fix['commit']}, which has this title"
        if talk.mends(archive.body(fix) or "", fix["subject"], started):
            kind, text = "fixed", f"says that it fixes {fix['commit']}, which has this title"
        yield (finding["id"], kind, fix["message_id"], fix["subject"], date, text)


def _row(finding: sqlite3.Row, kind: str, post: Post, text: str) -> Row:
    if post.message_id == finding["message_id"]:  # it says so itself
        return (finding["id"], kind, None, None, post.date, text)
    return (finding["id"], kind, post.message_id, post.subject, post.date, text)


# --- versions ------------------------------------------------------------------------


def _versions(finding: sqlite3.Row, title: str, archive: _Archive) -> Iterator[Row]:
    """Yield what the next versions say of the finding."""
    store, posts = archive.store, archive.posts
    (series,) = store.rows("SELECT * FROM series WHERE id = ?", (finding["series"],))
    date, version, own = finding["date"], series["version"] or 1, finding["message_id"]
    mine = next((one for one in of_thread(finding["thread"], store) if one.message_id == own), None)
    newer = posts.newer(title, version, date, own)
    whole = title_of(series["subject"])
    covers = [] if whole in {"", title} else posts.newer(whole, version, date, own)
    if not newer and covers and covers[0].version > version:
        newer = called_alike(title, covers[0], store)
        if not newer:
            yield _renamed(finding, mine, covers[0], archive)
            return
    passed: Post | None = None
    for post in newer[:_MOST_VERSIONS]:
        called = f"version {post.version}" if post.version > version else "a later posting"
        if _again(finding, post, store):
            yield _row(finding, "kept", post, f"{called} has the finding too")
            return
        left = _left(finding, mine, post, archive)
        if left:  # the finding is gone, the move is not
            yield _row(finding, "kept", post, f"{called} adds {min(left)}() too")
            return
        if passed is None and (post.version > version or (mine and post.sender == mine.sender)):
            passed = post
    if passed is None:
        return
    if _adds(finding, [archive.patch(own)], archive):
        text = f"version {passed.version} of the patch no longer has the finding"
        yield _row(finding, "dropped", passed, text)
    elif not _started(finding, mine, archive):  # else it is of patches that nobody looked at
        text = f"version {passed.version} of the patch came"
        yield _row(finding, "superseded", passed, text)


def _renamed(finding: sqlite3.Row, mine: Post | None, cover: Post, archive: _Archive) -> Row:
    """Return what a next version says that has no patch of this title."""
    left = _left(finding, mine, cover, archive)
    if left:
        text = f"version {cover.version} of the series adds {min(left)}() under another title"
        return _row(finding, "kept", cover, text)
    text = f"version {cover.version} of the series has no patch of this title"
    return _row(finding, "superseded", cover, text)


def _left(finding: sqlite3.Row, mine: Post | None, post: Post, archive: _Archive) -> frozenset[str]:
    """Return what the series of ``post`` still adds of the move."""
    if not _started(finding, mine, archive):
        return frozenset()
    return _adds(finding, archive.series(post), archive)


def _started(finding: sqlite3.Row, mine: Post | None, archive: _Archive) -> frozenset[str]:
    """Return what a patch, else its whole series, adds of the move."""
    own = _adds(finding, [archive.patch(finding["message_id"])], archive)
    return own if own or mine is None else _adds(finding, archive.series(mine), archive)


def _adds(finding: sqlite3.Row, bodies: Iterable[str], archive: _Archive) -> frozenset[str]:
    """Return what patches add of the move: its callback, what starts one in that context.

    What starts a callback is known to anybody, and counts in a patch that names the function.
    """
    return frozenset(name for body in bodies for name in _added(finding, body, archive))


def _added(finding: sqlite3.Row, body: str, archive: _Archive) -> frozenset[str]:
    callback, ways = finding["after_callback"], archive.ways(finding)
    if not (callback and callback in body) and finding["function"] not in body:
        return frozenset()
    lines = (line for line in body.splitlines() if line.startswith("+"))
    added = {name for line in lines for name in talk.IDENTIFIER.findall(line)}
    found = {callback} & added
    if finding["function"] in talk.IDENTIFIER.findall(body):
        found |= ways & added
    return frozenset(found)


def _again(finding: sqlite3.Row, post: Post, store: Store) -> bool:
    """Whether a newer posting has the finding, though its function may be called otherwise."""
    return bool(
        store.value(
            "SELECT 1 FROM findings AS later"
            " JOIN messages ON messages.thread = later.thread"
            " WHERE messages.message_id = ? AND later.id <> ?"
            " AND later.message_id <> ?"
            " AND (later.date >= ? OR later.date IS NULL)"
            " AND (later.fingerprint = ? OR (later.path = ? AND (later.function = ?"
            " OR later.cleanup = ? OR later.after_callback = ?))) LIMIT 1",
            (
                post.message_id,
                finding["id"],
                finding["message_id"],
                finding["date"],
                finding["fingerprint"],
                finding["path"],
                finding["function"],
                finding["cleanup"],
                finding["after_callback"],
            ),
        )
    )


# --- names ---------------------------------------------------------------------------


def _traced(finding: sqlite3.Row, title: str, archive: _Archive) -> Iterator[Row]:
    """What later patches say of names that the patch of a finding brought.

    One that defines its callback as well takes its place; one that meets a name of it shows
    that it was merged.
    """
    posts = archive.posts.by_title.get(title, ())
    versions = {post.thread for post in posts}
    began = finding["date"]
    first_of_all = min((post.date for post in posts if post.date is not None), default=began)
    callback = finding["after_callback"] or ""
    names = archive.brought.get(finding["message_id"] or "", ())
    ordered = sorted(names, key=lambda name: name != callback)
    for name in ordered:
        found = archive.traces.get(name, {})
        own = found.get(finding["thread"])
        if own is None or not own.added or _was_there(own, found, first_of_all):
            continue
        others = [
            one
            for one in traces.later(found, began)
            if one.thread not in versions and one.thread != own.thread and one.files & own.files
        ]
        first = others[0] if others else None
        met = next((one for one in others if _meets(one, own, began)), None)
        if first is not None and own.defined and first.defined and not first.mail.backport:
            yield _row(finding, "superseded", first.mail, f"defines {name}() under another title")
            if name != callback:  # what was merged is the other patch, and may do it otherwise
                return
        if first is not None and not own.defined and first.added and not first.stood:
            continue  # a member that another patch brings, or uses
        if met is not None:
            called = f"{name}()" if own.defined else name
            text = f"{called} stands in the tree that this patch was made for"
            yield _row(finding, "merged", met.mail, text)
            return


def _was_there(own: Trace, found: Mapping[int, Trace], began: float | None) -> bool:
    """Whether a patch from before met that name in the same file."""
    return any(
        one.stood and not one.added and one.files & own.files and not one.mail.after(began)
        for one in found.values()
        if one is not own
    )


def _meets(one: Trace, own: Trace, began: float | None) -> bool:
    """Whether a thread finds a name in its tree: not in a series that it was posted on top of."""
    if not one.stood or one.added:
        return one.mail.backport
    settled = began is None or (one.mail.date or 0.0) - began > _SETTLED
    return settled or one.mail.sender != own.mail.sender


def _taken_out(finding: sqlite3.Row, archive: _Archive) -> Iterator[Row]:
    """A later patch that takes out what the patch brought to defer, and calls directly again."""
    brought = set(archive.brought.get(finding["message_id"] or "", ()))
    for name in dict.fromkeys((*_chain(finding), finding["after_callback"] or "")):
        found = archive.traces.get(name, {})
        own = found.get(finding["thread"])
        if name not in brought or own is None or not own.defined:
            continue
        for one in traces.later(found, finding["date"]):
            if one.thread == own.thread or one.defined or not one.undefined:
                continue
            if any(_calls_again(finding, name, body) for body in archive.series(one.mail)):
                text = f"takes {name}() out again and calls {finding['cleanup']}() directly"
                yield _row(finding, "reverted", one.mail, text)
                return


def _calls_again(finding: sqlite3.Row, name: str, body: str) -> bool:
    """Whether a diff calls the cleanup where it takes a call of ``name`` or the mechanism away."""
    lines = body.splitlines()
    called = f"{finding['cleanup']}("
    gone = {name, finding["after_mechanism"]}
    return any(
        line.startswith("-")
        and following.startswith("+")
        and called in following
        and finding["cleanup"] in talk.IDENTIFIER.findall(following)
        and not gone.isdisjoint(talk.IDENTIFIER.findall(line))
        for line, following in pairwise(lines)
    )


def _tried(finding: sqlite3.Row, archive: _Archive) -> Iterator[Row]:
    """What came of a patch that stood in an answer: most are trials, and nobody posts them."""
    for row in _below(archive, finding["message_id"]):
        line = talk.failed(archive.body(row) or "")
        if line is not None:
            mail = (row["message_id"], row["subject"], row["date"])
            yield (finding["id"], "dropped", *mail, _cut(line))
            return
    if finding["after_callback"] in _adds(finding, [archive.patch(finding["message_id"])], archive):
        text = f"proposes {finding['after_callback']}() in an answer; no patch here has it"
        yield (finding["id"], "dropped", None, None, finding["date"], text)


def _cut(line: str) -> str:
    return " ".join(line.split())[:_LONGEST]


# --- replies -------------------------------------------------------------------------


def _replies(finding: sqlite3.Row, title: str, archive: _Archive) -> Iterator[Row]:
    """What people said of a change: to this posting of it, to others, and to their series."""
    about = _topic(finding)
    seen = set()
    for parent, (whole, own) in _asked(finding, title, archive).items():
        cover = whole and _is_cover(parent, archive.store)
        for row in _below(archive, parent):
            if row["message_id"] in seen:
                continue
            seen.add(row["message_id"])
            body = archive.body(row)
            if body is None:
                continue
            for kind, line in talk.heard(body, about, row["author"], whole=whole):
                if kind == "dropped" and not own:
                    continue  # the fate of another posting is its own
                if whole and not cover and not talk.took_all(line):
                    continue  # it is said of the patch that the others answer
                yield (
                    finding["id"], kind, row["message_id"], row["subject"], row["date"], _cut(line)
                )  # fmt: skip


def _asked(
    finding: sqlite3.Row, title: str, archive: _Archive
) -> dict[str | None, tuple[bool, bool]]:
    """Return the mails whose answers count, and of each whether it stands for a whole series.

    And whether that is the posting of the finding.
    """
    (series,) = archive.store.rows("SELECT * FROM series WHERE id = ?", (finding["series"],))
    cover = series["cover_message_id"]
    asked = {finding["message_id"]: (False, True), cover: (series["expected"] > 1, True)}
    others = archive.posts.others(title, finding["message_id"]) if title else []
    for post in others[-_MOST_POSTINGS:]:
        asked.setdefault(post.message_id, (False, False))
        asked.setdefault(post.parent, (True, False))
    asked.setdefault(_first(series), (True, False))
    return asked


def _is_cover(message_id: str | None, store: Store) -> bool:
    subject = store.value("SELECT subject FROM messages WHERE message_id = ?", (message_id,))
    return subjects.parse(subject or "").number == 0


def _first(series: sqlite3.Row) -> str | None:
    """Return the first patch of a series without a cover: who takes all answers that one."""
    if series["cover_message_id"] is not None:
        return None
    return next((one["message_id"] for one in codec.parse(series["patches_json"])), None)


def _answers(archive: _Archive, findings: Iterable[sqlite3.Row]) -> None:
    """Gather what answers the mails of findings, of their covers and other postings.

    A mail in between may be on another list, so all that a mail refers to counts.
    """
    wanted = {row["message_id"] for row in findings}
    for posts in archive.posts.by_title.values():
        wanted.update(post.message_id for post in posts)
        wanted.update(post.parent for post in posts)
    for row in archive.store.rows("SELECT * FROM series WHERE id IN (SELECT series FROM findings)"):
        wanted.update((row["cover_message_id"], _first(row)))
    answered: dict[str, str] = {}
    for row in archive.store.rows(
        'SELECT message_id, in_reply_to, subject, author, date, "references", locator, kind, place,'
        " name FROM messages JOIN sources ON sources.id = messages.source"
        " WHERE NOT patch ORDER BY messages.id"
    ):
        above = [row["in_reply_to"], *reversed(row["references"].split())]
        nearest = next(
            (place for place, one in enumerate(above) if one in wanted or one in answered), None
        )
        if nearest is not None and not _any_patch(above[:nearest], archive.store):
            to = answered.get(above[nearest], above[nearest])
            answered[row["message_id"]] = to
            archive.answers[to].append(row)


def _any_patch(ids: Iterable[str | None], store: Store) -> bool:
    """Whether one of some mails is a patch: what answers that is no answer to those above it."""
    query = "SELECT patch FROM messages WHERE message_id = ?"
    return any(store.value(query, (one,)) for one in ids if one)


def _below(archive: _Archive, message_id: str | None) -> list[sqlite3.Row]:
    """Return replies to a mail and to its replies that are no patches themselves."""
    return archive.answers.get(message_id or "", [])[:_MOST_REPLIES]


def _topic(finding: sqlite3.Row) -> talk.Topic:
    columns = ("cleanup", "function", "after_callback", "after_mechanism")
    return talk.topic(
        (finding[name] for name in columns), finding["symptoms_json"], finding["subject"]
    )
