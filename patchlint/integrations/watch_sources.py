"""Where a list is followed: public-inbox epochs, a Maildir, or an archive on the web.

A source is asked again and again; what it answers with is new since the position that
it gave the last time, or may come twice: the store knows a mail by its message-id.
"""

from __future__ import annotations

import json
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from patchlint.mail import inputs, mbox, public_inbox
from patchlint.model.mail import RawMail
from patchlint.outside import mirror, programs
from patchlint.report.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Seconds of overlap between two questions to a web archive: its index lags behind.
_OVERLAP: Final = 3600
#: in a position: commits of mails that were not there, by epoch
_ABSENT: Final = "absent mails"
#: with more of them the source counts as one that cannot be read
_MOST_ABSENT: Final = 1000
#: of them so many are named
_NAMED: Final = 3
#: how public-inbox says that nothing is new; of a list that it does not have it says less
_NOTHING: Final = (404, "No results found")


class SourceError(Exception):
    """The source cannot be read now, or not all of it; the text says why.

    ``done`` is what was done with what could be read.
    """

    done: tuple[str, ...] = ()


class Source(Protocol):
    """Something that mails come from."""

    def poll(self, position: str) -> Iterator[tuple[str, RawMail]]:
        """Yield new mails, each with the position to go on from once it is kept.

        The position is empty where the one before still holds; a mail without a byte
        only brings a position.  Raises ``SourceError`` when the source cannot be read.
        """


def open_source(name: str, backlog: int) -> Source:
    """Return the source called ``name``: a folder, or a URL.

    ``backlog`` limits what is read of the past when there is no position yet: the last
    so many mails of an epoch; of a web archive the last day, or nothing when it is 0.
    """
    if name.startswith(("http://", "https://")):
        return WebArchive(name.rstrip("/"), backlog)
    path = Path(name)
    if (path / "cur").is_dir() and (path / "new").is_dir():
        return Maildir(path)
    if public_inbox.epochs(path):
        return Epochs(path, backlog)
    raise SourceError(f"{name} is no Maildir, no public-inbox folder or epoch, and no URL")


class Epochs(Struct, frozen=True):
    """A public-inbox folder or one epoch; fetched first where it is a mirror."""

    path: Path
    backlog: int

    def poll(self, position: str) -> Iterator[tuple[str, RawMail]]:
        """Yield the mails of commits behind the last one that was read of each epoch.

        A mail that an epoch names and does not have is remembered and asked for again each
        time: a repository may be mended, or fetch it.  Raises ``SourceError`` for those at the end.
        """
        heads: dict[str, Any] = json.loads(position) if position else {}
        absent: dict[str, list[str]] = heads.setdefault(_ABSENT, {})
        for epoch in public_inbox.epochs(self.path):
            _fetch(epoch)
            after = heads.get(epoch.name)
            missing = absent.setdefault(epoch.name, [])
            if after is not None and not _has_descended(epoch, after):
                after = None  # the archive was rewritten: read the newest again
                missing.clear()
            newest = self.backlog if after is None else None
            again = public_inbox.read_named(str(epoch), epoch, tuple(missing))
            new = public_inbox.read_commits(str(epoch), epoch, newest=newest, after=after)
            for commit, mail in chain(again, new):
                known = commit in missing
                if isinstance(mail, RawMail) and known:
                    missing.remove(commit)
                elif not isinstance(mail, RawMail) and not known:
                    if not commit or len(missing) >= _MOST_ABSENT:
                        raise SourceError(f"{mail.input}: {mail.message}")
                    missing.append(commit)
                if not known:
                    heads[epoch.name] = commit
                if isinstance(mail, RawMail):
                    yield json.dumps(heads), mail
            yield json.dumps(heads), RawMail(str(epoch), b"")
        if any(absent.values()):
            raise SourceError(self._lacking(absent))

    def _lacking(self, absent: Mapping[str, Sequence[str]]) -> str:
        """Say which mails are not there."""
        named = [f"{name} {commit[:12]}" for name, commits in absent.items() for commit in commits]
        more = ", ..." if len(named) > _NAMED else ""
        mails = f"{count(len(named), 'mail')} ({', '.join(named[:_NAMED])}{more})"
        return (
            f"{self.path}: {mails} cannot be read (a partial clone, or damaged);"
            " the next look tries again"
        )


class Maildir(Struct, frozen=True):
    """A Maildir, as ``lei`` or any delivery fills it; nothing in it is changed."""

    path: Path

    def poll(self, position: str) -> Iterator[tuple[str, RawMail]]:
        """Yield the mails whose files are not known by name.  Flags may change freely."""
        known: set[str] = set(json.loads(position)) if position else set()
        for part in ("cur", "new"):
            for file in sorted((self.path / part).iterdir()):
                name = file.name.partition(":")[0]
                if name in known or file.name.startswith("."):
                    continue
                try:
                    data = file.read_bytes()
                except FileNotFoundError:  # moved from new to cur just now
                    continue
                known.add(name)
                yield "", RawMail(str(file), data)
        yield json.dumps(sorted(known)), RawMail(str(self.path), b"")


class WebArchive(Struct, frozen=True):
    """A public-inbox archive on the web, asked for what it received since the last time."""

    url: str
    backlog: int

    def poll(self, position: str) -> Iterator[tuple[str, RawMail]]:
        """Yield the mails received since an hour before the last question."""
        now = int(time.time())
        since = int(position) - _OVERLAP if position else now - (86_400 if self.backlog else 0)
        data = _posted(f"{self.url}/?x=m&q=rt:{since}..")
        for mail in _mails(self.url, data):
            yield "", mail
        yield str(now), RawMail(self.url, b"")


def _mails(url: str, data: bytes) -> Iterator[RawMail]:
    """The mails of an answer; raises ``SourceError`` for one that is no mbox.

    A page of somebody in between (a portal, a guard against robots) is no answer of the archive:
    what came in while it was shown would never be asked for again.
    """
    if not data.strip():
        return
    if not mbox.is_separator(data.lstrip().partition(b"\n")[0] + b"\n"):
        raise SourceError(f"{url}: the answer is no mbox")
    for item in inputs.read_inputs(["-"], data):
        if isinstance(item, RawMail):
            yield item


def _posted(url: str) -> bytes:
    """Return the mbox that a search gives; empty when nothing was found."""
    import gzip
    import zlib

    from patchlint.integrations import web

    try:
        data = web.ask(url, search=True).body
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except web.WebError as error:
        status, said = _NOTHING
        if error.status == status and said in str(error):
            return b""
        raise SourceError(str(error)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{url}: {error}") from error


def _fetch(epoch: Path) -> None:
    """Bring a mirror up to date; an archive that has no remote is the original."""
    try:
        mirror.fetch(str(epoch))
    except (programs.ProgramError, OSError) as error:
        raise SourceError(f"{epoch}: {error}") from error


def _has_descended(epoch: Path, commit: str) -> bool:
    return programs.read_git(str(epoch), "merge-base", "--is-ancestor", commit, "HEAD")[0] == 0
