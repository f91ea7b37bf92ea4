"""What happened next: what an archive says of a finding after its patch was sent.

Five things are looked for: a reply that speaks of what the finding speaks of; a newer
version of the patch, with the finding or without; a revert; a later ``Fixes:`` trailer
with the title of the patch.  Titles tie mails to commits, so that a patch that was
renamed when it was merged is not found again, and two patches of one title are one.
Whether a patch was merged at all is known from no mail: absence of an outcome means that
this archive is silent, not that the finding was wrong.
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
_REVERT: Final = re.compile(r'^Revert\s+"(.+)"\s*$', re.IGNORECASE)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{3,}")
_ERRNO: Final = re.compile(r"\bE[A-Z]{3,}\b")
#: the end of a title that is looked at first
_TAIL: Final = 12
_LONGEST: Final = 200
_SILENT: Final = (
    "nothing in this archive: no reply that speaks of it, no newer version, revert or Fixes: "
    "with its title; whether it was merged, and other lists, are not known"
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


class _Posts(Struct):
    """Patch mails and cover letters by the titles that findings ask for."""

    by_title: dict[str, list[_Post]] = field(default_factory=lambda: defaultdict(list))

    def newer(self, title: str, sender: str, version: int, date: float | None) -> list[_Post]:
        """Return later versions of a title by its sender, the next one first."""
        later = [
            post
            for post in self.by_title.get(title, ())
            if post.sender == sender
            and not post.revert
            and (post.version > version or (post.version == version and _after(post.date, date)))
        ]
        return sorted(later, key=lambda post: (post.version, post.date or 0.0, post.message_id))

    def reverts(self, title: str, date: float | None) -> list[_Post]:
        """Return reverts of a title that came after ``date``."""
        return [
            post
            for post in self.by_title.get(title, ())
            if post.revert and _after(post.date, date, equal=True)
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
    posts = _posts(store, {_title(row["subject"]) for row in findings})
    rows: list[Row] = []
    for finding in findings:
        found = list(_of(finding, store, shelf, engine, posts))
        rows.extend(found or [(finding["id"], "unknown", None, None, None, _SILENT)])
        progress.advance(1)
    store.set_outcomes(rows)


def _of(
    finding: sqlite3.Row, store: Store, shelf: Shelf, engine: Engine, posts: _Posts
) -> Iterator[Row]:
    title = _title(finding["subject"])
    yield from _replies(finding, store, shelf, engine)
    if not title:
        return
    yield from _versions(finding, title, store, posts)
    for post in posts.reverts(title, finding["date"]):
        yield _row(finding, "reverted", post, f'a later mail reverts "{title}"')
    for fix in store.rows(
        'SELECT fixes.message_id, fixes."commit", subject, date FROM fixes'
        " JOIN messages ON messages.message_id = fixes.message_id"
        " WHERE title = ? ORDER BY messages.id",
        (title,),
    ):
        if fix["message_id"] != finding["message_id"] and _after(
            fix["date"], finding["date"], equal=True
        ):
            text = f"says that it fixes {fix['commit']}, which has this title"
            yield (finding["id"], "fixed", fix["message_id"], fix["subject"], fix["date"], text)


def _row(finding: sqlite3.Row, kind: str, post: _Post, text: str) -> Row:
    return (finding["id"], kind, post.message_id, post.subject, post.date, text)


# --- titles --------------------------------------------------------------------------


def _title(subject: str) -> str:
    """Return the subject without brackets and blanks, empty for one that has nothing else."""
    return " ".join(subjects.parse(subject).title.split())


def _posts(store: Store, wanted: set[str]) -> _Posts:
    """Return all patch mails with a wanted title, and reverts of it, in one pass."""
    posts = _Posts()
    if not wanted:
        return posts
    ends = {title[-_TAIL:] for title in wanted}
    tails = (*ends, *(f'{end}"' for end in ends))
    for row in store.rows(
        "SELECT message_id, subject, author, date FROM messages WHERE patch ORDER BY id"
    ):
        if not row["subject"].endswith(tails):
            continue
        spoken = subjects.parse(row["subject"])
        title = " ".join(spoken.title.split())
        revert = _REVERT.match(title)
        if revert:
            title = revert.group(1)
        if title in wanted and not spoken.is_reply:
            posts.by_title[title].append(
                _Post(
                    row["message_id"], row["subject"], row["date"], spoken.version,
                    headers.address(row["author"]), revert is not None,
                )
            )  # fmt: skip
    return posts


def _versions(finding: sqlite3.Row, title: str, store: Store, posts: _Posts) -> Iterator[Row]:
    """Whether the next version of the patch still has the finding."""
    own = store.value("SELECT author FROM messages WHERE message_id = ?", (finding["message_id"],))
    sender = headers.address(own or finding["author"])
    version = store.value("SELECT version FROM series WHERE id = ?", (finding["series"],))
    newer = posts.newer(title, sender, version or 1, finding["date"])
    if not newer:
        return
    post = newer[0]
    again = store.value(
        "SELECT 1 FROM findings AS later JOIN messages ON messages.thread = later.thread"
        " WHERE messages.message_id = ? AND later.fingerprint = ? AND later.id <> ? LIMIT 1",
        (post.message_id, finding["fingerprint"], finding["id"]),
    )
    if again:
        yield _row(finding, "kept", post, f"version {post.version} has the same finding")
    else:
        text = f"version {post.version} of the patch no longer has the finding"
        yield _row(finding, "dropped", post, text)


# --- replies -------------------------------------------------------------------------


def _replies(finding: sqlite3.Row, store: Store, shelf: Shelf, engine: Engine) -> Iterator[Row]:
    words = _telling(finding)
    for row in _below(store, finding["message_id"]):
        data = shelf.fetch(_source(row), [row["locator"]]).get(row["locator"])
        if data is None:
            continue
        body = engine.decode(RawMail(row["name"], data)).body
        line = next((one for one in _own_lines(body) if _speaks(one, words)), None)
        if line is not None:
            yield (
                finding["id"], "discussed", row["message_id"], row["subject"], row["date"],
                " ".join(line.split())[:_LONGEST],
            )  # fmt: skip


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
            " SELECT messages.message_id, subject, date, locator, kind, place, name"
            " FROM below JOIN messages USING (message_id)"
            " JOIN sources ON sources.id = messages.source"
            " WHERE depth > 0 ORDER BY messages.id",
            (message_id,),
        )
    )


def _telling(finding: sqlite3.Row) -> frozenset[str]:
    """Return the names that a reply to the point would use: not every word of a symptom."""
    names = [finding[name] for name in ("cleanup", "function", "after_callback", "after_mechanism")]
    errors = _ERRNO.findall(finding["symptoms_json"])
    return frozenset(name for name in (*names, *errors) if name)


def _own_lines(body: str) -> Iterable[str]:
    """Return the lines of a reply that its author wrote."""
    return [line for line in body.splitlines() if not line.lstrip().startswith((">", "|"))]


def _speaks(line: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(_IDENTIFIER.findall(line))
