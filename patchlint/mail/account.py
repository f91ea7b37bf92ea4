"""What became of the mails that are in no series: nothing of the input goes without a word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from patchlint.mail import subject as subjects
from patchlint.model.pattern import lazy
from patchlint.model.problem import InputError, Limitation, about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.mail import Mail

#: the shortlog and the sums that ``git format-patch`` puts into a cover letter
_SHORTLOG = lazy(r"\n\S[^\n]* \(\d+\):\n {2}\S")
_KINDS = ("answer", "cover letter", "patch without a diff", "mail without a patch")


def amiss(mails: Sequence[Mail]) -> list[Limitation]:
    """What of the mails could not be read; answers to patches hold nothing to check.

    What is not read beside a patch is told with its series, what is not in place of one by
    :func:`unread`.
    """
    told = {id(mail) for mail in _broken(mails)}
    return [
        Limitation(
            "mail",
            about(mail.subject, said),
            message_id=mail.message_id or None,
            lost=what == "lost",
            absent=what == "absent",
        )
        for mail in mails
        if not mail.is_reply
        for what, some in (("absent", mail.absent), ("", mail.problems), ("lost", mail.unread))
        if what != "lost" or (mail.diff_start is None and id(mail) not in told)
        for said in some
    ]


def unread(mails: Sequence[Mail]) -> list[InputError]:
    """The mails that are called a patch and hold none, unless another copy does."""
    return [
        InputError(
            mail.input,
            about(mail.subject, f"there is no diff in this patch; {_instead(mail)}"),
            mail.message_id or None,
            mail.line,
        )
        for mail in _broken(mails)
    ]


def _broken(mails: Sequence[Mail]) -> list[Mail]:
    """The mails that :func:`unread` tells."""
    suspects = [mail for mail in mails if mail.diff_start is None and kind(mail) == _KINDS[2]]
    if not suspects:
        return []
    whole = {mail.message_id for mail in mails if mail.diff_start is not None and mail.message_id}
    return [
        mail for mail in suspects if mail.message_id not in whole and not _is_answered(mail, mails)
    ]


def _instead(mail: Mail) -> str:
    """Why a patch may have no diff."""
    # what is there, and not read, says more than a guess
    unread = [*mail.unread, *(one for one in mail.problems if one.startswith("HTML without"))]
    return "; ".join(unread) or "the mail may be cut short"


def kind(mail: Mail) -> str:
    """What a mail without a diff is, in words."""
    if mail.is_reply:
        return _KINDS[0]
    if mail.number == 0:
        return _KINDS[1]
    spoken = subjects.parse(mail.subject)
    if mail.attached or not (spoken.is_patch or spoken.number is not None):
        return _KINDS[3]
    if mail.number is None and _SHORTLOG.search("\n" + mail.body) is not None:
        return _KINDS[1]
    return _KINDS[2]


def _is_answer_to(mail: Mail, other: Mail) -> bool:
    one, two = subjects.parse(mail.subject), subjects.parse(other.subject)
    return (one.title, one.number, one.version) == (two.title, two.number, two.version)


def _is_answered(mail: Mail, mails: Sequence[Mail]) -> bool:
    """Whether a mail answers a patch of its own name: what it has besides is talk."""
    if mail.in_reply_to is None:
        return False
    return any(
        other.message_id in mail.references
        and other.diff_start is not None
        and _is_answer_to(mail, other)
        for other in mails
    )


def nothing(mails: Sequence[Mail], name: str, *, alone: bool) -> list[InputError]:
    """Say of an input in which no patch was what was there instead.

    What ``unread`` told of is not told again; with ``alone`` there is always something said.
    """
    rest = [mail for mail in mails if mail.diff_start is None and kind(mail) != _KINDS[2]]
    if not rest and not alone:
        return []
    counts = Counter(map(kind, rest))
    there = [_counted(counts[one], one) for one in _KINDS if counts[one]]
    found = f"only {' and '.join(there)}" if there else "there is no mail in it"
    return [InputError(rest[0].input if rest else name, f"no patch to check: {found}")]


def _counted(number: int, what: str) -> str:
    noun, blank, rest = what.partition(" without")
    return f"{number} {noun}{'s' if number > 1 else ''}{blank}{rest}"
