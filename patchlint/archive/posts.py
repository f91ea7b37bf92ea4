"""Patch mails of an archive by their title: versions of one change, reverts, backports.

Titles tie mails to commits, so that a patch that was renamed when it was merged is not found
again, and two patches of one title are one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.archive import headers
from patchlint.archive.sources import Source
from patchlint.mail import subject as subjects

if TYPE_CHECKING:
    import sqlite3

    from patchlint.archive.store import Store

_REVERT: Final = re.compile(r'^Revert\s+"(.+)"\s*$', re.IGNORECASE)
#: a subject of a patch that was merged already: for a stable kernel
_BACKPORT: Final = re.compile(
    r"\[[^\]]*(?:\b[2-9]\.\d{1,3}\b|AUTOSEL|\bstable\b|backport)[^\]]*\]", re.IGNORECASE
)
#: the end of a title that is looked at first
_TAIL: Final = 12
_FIXES: Final = (
    'SELECT title, fixes.message_id, fixes."commit", messages.subject, messages.date, locator,'
    " kind, place, name FROM fixes"
    " JOIN messages ON messages.message_id = fixes.message_id"
    " JOIN sources ON sources.id = messages.source ORDER BY messages.id"
)
#: the columns of a mail that :func:`post_of` reads
COLUMNS: Final = "message_id, subject, author, date, thread, in_reply_to"


class Post(Struct, frozen=True):
    """A patch mail, or the cover letter of a series."""

    message_id: str
    subject: str
    date: float | None
    version: int
    sender: str
    revert: bool
    backport: bool
    thread: int | None
    parent: str | None

    def after(self, moment: float | None) -> bool:
        """Whether it came after a moment; one without a date never does."""
        return self.date is not None and (moment is None or self.date > moment)


class Posts(Struct):
    """Patch mails and cover letters by the titles that are asked for."""

    by_title: dict[str, list[Post]] = field(default_factory=lambda: defaultdict(list))
    #: patches whose ``Fixes:`` names a title, by that
    fixes: dict[str, list[sqlite3.Row]] = field(default_factory=lambda: defaultdict(list))

    def others(self, title: str, own: str | None) -> list[Post]:
        """Return all postings of a title but the mail ``own``, in order of time."""
        found = [
            post
            for post in self.by_title.get(title, ())
            if not (post.revert or post.backport) and post.message_id != own
        ]
        return sorted(found, key=lambda post: (post.date or 0.0, post.version, post.message_id))

    def newer(self, title: str, version: int, date: float | None, own: str | None) -> list[Post]:
        """Return the postings of a title that follow that mail of ``version``.

        Many count versions in the cover letter alone, and who sends again counts nothing.
        """
        return [
            post
            for post in self.others(title, own)
            if post.after(date) or (post.date == date and post.version > version)
        ]

    def reverts(self, title: str, date: float | None) -> list[Post]:
        """Return reverts of a title that came after ``date``, or with it."""
        return [
            post
            for post in self.by_title.get(title, ())
            if post.revert and (post.after(date) or post.date == date)
        ]

    def backports(self, title: str, date: float | None, own: str | None) -> list[Post]:
        """Return backports of a title that came after ``date``, or its own mail ``own``."""
        return [
            post
            for post in self.by_title.get(title, ())
            if post.backport and (post.message_id == own or post.after(date))
        ]


def gather(store: Store, wanted: set[str]) -> Posts:
    """Return all patch mails with a wanted title, and what reverts or fixes it."""
    posts = Posts()
    for row in store.rows(_FIXES):
        posts.fixes[folded(row["title"])].append(row)
    if not wanted:
        return posts
    ends = {title[-_TAIL:] for title in wanted}
    tails = (*ends, *(f'{end}"' for end in ends))
    query = f"SELECT {COLUMNS} FROM messages WHERE patch ORDER BY id"  # noqa: S608 - our own names
    for row in store.rows(query):
        if not folded(row["subject"]).endswith(tails):
            continue
        spoken = subjects.parse(row["subject"])
        whole = " ".join(spoken.title.split())
        revert = _REVERT.match(whole)
        name = folded(revert.group(1) if revert else whole)
        if name in wanted and not spoken.is_reply:
            posts.by_title[name].append(post_of(row))
    return posts


def called_alike(title: str, cover: Post, store: Store) -> list[Post]:
    """Return patches of a series whose title is this one but for what stands before it."""
    found = []
    for post in of_thread(cover.thread, store):
        shorter, longer = sorted((title, title_of(post.subject)), key=len)
        alike = len(shorter) >= _TAIL and longer.endswith(shorter)
        if alike and post.version in {1, cover.version}:
            found.append(post)
    return found


def of_thread(thread: int | None, store: Store) -> list[Post]:
    """Return the patch mails of a thread in the order of the archive."""
    query = f"SELECT {COLUMNS} FROM messages WHERE thread = ? AND patch ORDER BY id"  # noqa: S608
    return [post_of(row) for row in store.rows(query, (thread,))]


def post_of(row: sqlite3.Row) -> Post:
    """Return the patch mail of a row that has :data:`COLUMNS`."""
    spoken = subjects.parse(row["subject"])
    return Post(
        row["message_id"],
        row["subject"],
        row["date"],
        spoken.version,
        headers.address(row["author"]),
        _REVERT.match(" ".join(spoken.title.split())) is not None,
        _BACKPORT.search(row["subject"]) is not None,
        row["thread"],
        row["in_reply_to"],
    )


def source_of(row: sqlite3.Row) -> Source:
    """Return where the mail of a row lies."""
    return Source(row["kind"], row["place"], row["name"])


def title_of(subject: str) -> str:
    """Return the subject without brackets, folded; empty for one that has nothing else."""
    return folded(subjects.parse(subject).title)


def folded(title: str) -> str:
    """Return a title as titles are compared: case, blanks and underscores say nothing."""
    return " ".join(title.lower().replace("_", " ").split())
