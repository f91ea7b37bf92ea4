"""What the workers of a scan send back: picklable, and as small as the store needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.archive.sources import Source
    from patchlint.model.finding import Finding, SeriesRef
    from patchlint.model.problem import InputError, Limitation


#: what a mail is to a series, 0 for nothing
PATCH: Final = 1
COVER: Final = 2


class Row(NamedTuple):
    """One mail as the survey saw it.

    ``patch`` says whether the mail may belong to a series: ``PATCH`` when it has hunks, or the
    subject of a patch, ``COVER`` when it has that of a cover letter alone.  ``words`` is what
    its words are good for (see the prefilter).
    ``keys`` are what ties it to a thread, ``fixes`` the commits that it says it mends:
    title and abbreviated id.  ``digest`` tells a patch with words from another one of its
    Message-ID; it is empty for any other mail.
    """

    message_id: str
    locator: str
    size: int
    subject: str
    author: str
    date: float | None
    in_reply_to: str | None
    references: str
    patch: int
    words: int
    keys: tuple[str, ...]
    fixes: tuple[tuple[str, str], ...] = ()
    digest: str = ""


class Survey(Struct, frozen=True):
    """A portion's rows; ``deleted`` are ids that the archive took back.

    ``absent`` are the keys of mails that the archive names and does not have.
    """

    rows: tuple[Row, ...]
    deleted: tuple[str, ...] = ()
    limitations: tuple[Limitation, ...] = ()
    errors: tuple[InputError, ...] = ()
    absent: tuple[str, ...] = ()


class Wanted(Struct, frozen=True):
    """A mail of a thread to be checked.

    ``words`` as in :class:`Row`; ``data`` is set when the mail travels with the task.
    """

    message_id: str
    source: Source
    locator: str
    words: int
    data: bytes | None = None


class Thread(Struct, frozen=True):
    """A thread to be checked: its patch mails and cover letters, oldest first."""

    id: int
    mails: tuple[Wanted, ...]


class Checked(Struct, frozen=True):
    """One series with what was found in it.  ``words`` are the known names it speaks."""

    series: SeriesRef
    author: str
    date: float | None
    subsystem: str
    words: tuple[str, ...]
    findings: tuple[Finding, ...]
    limitations: tuple[Limitation, ...]
    errors: tuple[InputError, ...]


class Verdict(Struct, frozen=True):
    """What came of a thread.  ``digest`` says under which rules (see ``reach``)."""

    thread: int
    digest: str
    series: tuple[Checked, ...] = ()
    limitations: tuple[Limitation, ...] = ()
    errors: tuple[InputError, ...] = ()


class Failure(Struct, frozen=True):
    """A task that was not done: its worker died, hung, or met a bug (``text`` says)."""

    text: str
    timed_out: bool = False


Options = dict[str, Any]
