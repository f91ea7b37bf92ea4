"""Mails and series, as the mail stage hands them on."""

from __future__ import annotations

from msgspec import Struct, field


class RawMail(Struct, frozen=True):
    """The bytes of one message, still encoded, and where they came from.

    ``input`` is the name the user gave; ``line`` is the line of ``input`` on which the
    message starts (1 for a file that is one mail, None where lines mean nothing);
    ``commit`` is the commit id for a patch that comes out of a git range or out of a
    file that ``git format-patch`` wrote, else None.  ``place`` is the number and the total
    of a patch whose place in its series its source tells (a quilt ``series`` file), whatever
    its subject says.  ``amiss`` says what its source could not give with it.
    """

    input: str
    data: bytes
    line: int | None = None
    commit: str | None = None
    place: tuple[int, int] | None = None
    amiss: tuple[str, ...] = ()


class Mail(Struct, frozen=True):
    """One message, decoded: headers that matter, and the text of its patch.

    ``message_id`` and the ids in ``references`` are without angle brackets.
    ``body`` is the decoded text (LF line ends, no transfer encoding, PGP armour taken
    off, format=flowed undone, in-body header block taken off) that holds the message
    and, from character ``diff_start`` on, the diff; ``diff_start`` is None for a mail
    without a patch of its own (cover letters, replies that only quote a diff).
    ``problems`` says what was amiss with the message (cut short, mended), ``unread`` which
    parts of it that may hold a patch are not read, ``absent`` what its source left out beside it.
    ``total`` is None as well where a subject says ``1/?``; ``minor`` is the 1 of a ``v3.1``
    that replaces single patches of v3.
    ``author`` is who wrote the patch, ``sender`` who sent it (the From header).
    ``attached`` holds the patches of a mail that carries several files, each with a
    message and a diff of its own; they take the place of the mail in its series.
    """

    input: str
    message_id: str
    subject: str
    author: str
    date: float | None
    in_reply_to: str | None
    references: tuple[str, ...]
    body: str
    diff_start: int | None
    version: int
    number: int | None
    total: int | None
    prefixes: tuple[str, ...] = ()
    line: int | None = None
    commit: str | None = None
    is_reply: bool = False
    problems: tuple[str, ...] = ()
    sender: str = ""
    attached: tuple[Mail, ...] = ()
    minor: int = 0
    unread: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class Patch(Struct, frozen=True):
    """One patch of a series.

    ``message`` is the commit message without the diff; ``diff`` is the diff text alone,
    LF line ends.  ``number`` counts from 1 as in ``[PATCH n/m]``; a lone patch is 1.
    ``unread`` says what of its mail may hold a patch as well and is not read.
    """

    number: int
    message_id: str | None
    commit: str | None
    subject: str
    author: str
    date: float | None
    message: str
    diff: str
    input: str
    line: int | None = None
    unread: tuple[str, ...] = ()


class Series(Struct, frozen=True):
    """The unit of analysis: one version of one series, in order, gaps named.

    ``expected`` is the m of ``n/m`` (1 for a lone patch); ``missing`` holds the numbers
    that were not in the input.  ``base_commit`` and ``prerequisites`` come from the
    trailers that ``git format-patch --base`` writes.  ``remarks`` say what is not certain
    about how the series was put together.
    """

    subject: str
    version: int
    patches: tuple[Patch, ...]
    expected: int
    missing: tuple[int, ...]
    cover_message_id: str | None = None
    base_commit: str | None = None
    prerequisites: tuple[str, ...] = ()
    cover: str = ""
    references: tuple[str, ...] = field(default=())
    remarks: tuple[str, ...] = ()
