"""What the text of a mail says of a patch: that it was taken or refused, that it moved work.

All here is pure: text in, words out.  Quoted lines are not the author's, code in an answer is a
proposal and no opinion, and the name of a function is not yet a word about when it runs.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.archive import headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: an identifier that is no short word
IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{3,}")
_ERRNO: Final = re.compile(r"\bE[A-Z]{3,}\b")
#: words for a deferral
_DEFERRAL: Final = re.compile(
    r"\b(?:work ?-?queues?|wq|work ?-?items?|works?truct|delayed works?|kworkers?"
    r"|async(?:hronous\w*)?\b(?! (?:i/?os?|reads?|writes?|requests?|copy|copies|bios?|crypt\w*)\b)"
    r"|defer\w*|\w+_work(?:_\w+)?|(?:drain|flush)_\w*work\w*"
    r"|flush(?:ing|ed|es)? (?:the |that |this |its )?(?:work|queue)\w*"
    r"|rcu|grace periods?|\w+_rcu(?:_\w+)?|rcu_\w+|kthreads?"
    r"|kernel threads?|worker threads?|tasklets?|task_?work)\b",
    re.IGNORECASE,
)
#: words of time beside a name
_LATE: Final = re.compile(
    r"\b(?:too late|later|wait(?:s|ed|ing)?|still)\b"
    r"|\b(?:never|not|only|when|until|till|after|before|finally)\b.{0,60}"
    r"\b(?:called|invoked|runs?|run|released|freed|executed)\b",
    re.IGNORECASE,
)
#: words of order, in a fix
_ORDER: Final = re.compile(
    r"\b(?:flush\w*|wait\w*|a?synchron\w*|sync|rcu\w*|re-?queue\w*|queued|delay\w*|drain\w*|defer\w*"
    r"|cancel\w*(?: (?:the|that|its|any|this))?(?: \w+)? (?:work|timer|tasklet)\w*"
    r"|cancel_\w*(?:work|timer)\w*|too late|still (?:in use|running|pending|busy)|work ?queues?"
    r"|work ?items?|workers?|kworkers?|(?:from|in|by) (?:the |a |our )?(?:\w+ )?work)\b",
    re.IGNORECASE,
)
#: so far into a line the name of a trailer reaches
_TRAILER: Final = 20
#: a line of a crash
_DUMP: Final = re.compile(
    r"\s*(?:\[[ .\d]+\]|CPU:|Workqueue:|Call Trace|RIP|Hardware name|rcu:|INFO:|BUG:|WARNING:)"
    r"|.*\+0x[0-9a-f]"
)
#: a line of code that somebody proposes
_CODE: Final = re.compile(r"\s*(?:[+-]\s*)?(?:[\w\s*&>.,()\[\]=!|<-]*[;{}]|#\w.*|\w+:)\s*$")
#: words of somebody who is not content
_DOUBT: Final = re.compile(
    r"\?|\b(?:why|not|instead|should|remov\w*|ugly|problem\w*|rac[ey]\w*|deadlock\w*|hang\w*|worr\w+"
    r"|concern\w*|doubt\w*|block\w*|uaf|use-after-free|leak\w*|busy|wrong|broken|safe)\b|n't\b",
    re.IGNORECASE,
)
#: what somebody asks who looks at a line of the move
_ASKED: Final = re.compile(
    r"\b(?:why|when|what|where|who|how)\b[^.]*\?|\b(?:rac[ey]\w*|deadlock\w*|hang\w*|uaf"
    r"|use-after-free|leak\w*|busy|unsafe|too late|too early|wait\w*|order\w*|concurren\w+"
    r"|lifetime)\b",
    re.IGNORECASE,
)
#: somebody who doubts that a patch goes the right way
_ASTRAY: Final = re.compile(
    r"(?:\bnot|n't) (?:\w+ ){0,2}(?:sure|convinced|think|believe|see|like|get)\b[^.?]{0,60}"
    r"\b(?:right|good|correct|need\w*|necessary|worth|way|idea|approach|this|why|point)\b"
    r"|\b(?:wrong|ugly|better|other|another|different|simpler|alternative) "
    r"(?:way|approach|place|direction|solution|hack|idea)\b"
    r"|\b(?:is there|isn't there)\b[^.]{0,40}\bway\b|\bwhy (?:not|don't|do we|do you|is this)\b"
    r"|\bi(?:'d| would) (?:prefer|rather)\b",
    re.IGNORECASE,
)
#: what a line of a reply begins with that says that a patch was taken
_TAKEN: Final = re.compile(
    r"\W*(?:(?:thanks?(?: you)?|thx|ok(?:ay)?|both|all|now|the|this|these|series|patch(?:es)?"
    r"(?: \d+(?:-\d+)?)?|i(?:'ve| have|'ll| will)?|we(?:'ve| have)?|it(?:'s| is)?|has|have|been"
    r"|was|were|is|are|and|so|looks? good|applies|whole|entire)\b[\s,.;:!-]*)*"
    r"(?:applied|queued|merged|pushed|picked(?: it)? up|committed|taken"
    r"|(?<=ll )(?:apply|queue|merge|pick|take) (?:it|this|these|them|the (?:series|patch))"
    r"(?!.*\b(?:if|once|when|after|unless|until)\b))\b"
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
#: what somebody says who means more than one patch
_SERIES: Final = re.compile(r"\b(?:series|both|all|patches|set)\b", re.IGNORECASE)
#: what somebody says who tried a patch in vain
_FAILED: Final = re.compile(
    r"\bstill (?:\w+ ){0,3}?(?:hang|crash|fail|see|saw|seen|happen|reproduc|there|the same|observ"
    r"|trigger|hit|get|exist|has|have|meet)\w*"
    r"|\b(?:(?:does|did|do|is) ?n[o']t|not) (?:\w+ )?(?:help|work|fix|solve|make)"
    r"|\beven with (?:this|the|your|that) (?:patch|change|diff|fix|hack)\b"
    r"|\bno (?:luck|difference|change|help)\b|\bsame (?:issue|problem|hang|crash|error)\b",
    re.IGNORECASE,
)
_ROBOT: Final = re.compile(
    r"\bbot\b|bot[+@]|^lkp@|robot|syzbot|^oliver\.sang@|patchwork", re.IGNORECASE
)
_LONGEST: Final = 200
#: so many quoted lines above a remark are what it is about
_NEAR: Final = 4


class Topic(Struct, frozen=True):
    """What a finding is about: names that tell, errors of user space.

    ``deferring`` says that the title of the patch is about the deferral itself.
    """

    names: frozenset[str]
    errors: frozenset[str]
    deferring: bool


def topic(names: Iterable[str | None], symptoms: str, title: str) -> Topic:
    """Return what a finding of these ``names`` is about.  A plain word (``request``) is none."""
    return Topic(
        frozenset(name for name in names if name and "_" in name),
        frozenset(_ERRNO.findall(symptoms)),
        _DEFERRAL.search(title.replace("_", " ")) is not None,
    )


def heard(body: str, about: Topic, author: str, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Yield what a reply says of a patch, as an outcome and the line that says so.

    To a ``whole`` series nothing is said of one patch but that all were taken or refused.
    """
    lines = _own_lines(body)
    robot = _ROBOT.search(headers.address(author)) is not None
    taken = next((one for one in _beginnings(lines) if _TAKEN.match(one[:_LONGEST])), None)
    if taken is not None:
        yield "merged", taken
    refused = next((one for one in _unquoted(body) if _REFUSED.match(one[:_LONGEST])), None)
    if refused is not None:
        yield "dropped", refused
    if not (whole or robot):
        line = _speaking(lines, about) or _beside(body, about)
        if line is not None:
            yield "discussed", line


def took_all(line: str) -> bool:
    """Whether a line by which a patch was taken says so of its whole series."""
    return _SERIES.search(line) is not None


def failed(body: str) -> str | None:
    """Return the line in which somebody says that a trial did not help, None where none does."""
    return next((line for line in _own_lines(body) if _FAILED.search(line[:_LONGEST])), None)


def mends(body: str, subject: str, started: Iterable[str | None]) -> bool:
    """Whether a fix is about the move: it names or changes what ``started`` it, or tells order.

    The function that lost, and the call that moved, may be mended in any other way.
    """
    message, _, diff = body.partition("\n---\n")
    # its Fixes: has the title of what it fixes, which may say anything
    told = (line for line in message.splitlines() if ":" not in line[:_TRAILER])
    said = [subject, *(line for line in told if not _DUMP.match(line))]
    changed = [line for line in diff.splitlines() if line.startswith(("+", "-"))]
    words = {word for line in (*said, *changed) for word in IDENTIFIER.findall(line)}
    return not words.isdisjoint(started) or any(_ORDER.search(line) for line in said)


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


def _speaking(lines: Iterable[str], about: Topic) -> str | None:
    """Return the line that speaks of the move: of a deferral, by a name of it or with doubt.

    An error that user space would see needs no more.  Where the patch says itself that it
    defers, who doubts its way doubts the deferral.
    """
    for part in _paragraphs(lines):
        words = set(IDENTIFIER.findall("\n".join(part)))
        named = not about.names.isdisjoint(words)
        deferral = [
            one
            for one, following in zip_longest(part, part[1:], fillvalue="")
            if _deferral(one, following, about)
        ]
        if deferral and (named or _DOUBT.search("\n".join(part))):
            return deferral[0]
        if named and (late := next((one for one in part if _LATE.search(one)), None)):
            return late
        for one in part:
            if not about.errors.isdisjoint(IDENTIFIER.findall(one)):
                return one
        if about.deferring and _ASTRAY.search(" ".join(part)):
            return next((one for one in part if _DOUBT.search(one)), part[0])
    return None


def _deferral(line: str, following: str, about: Topic) -> bool:
    """Whether a line has a word for a deferral that is no name of the patch's own.

    What the word is said of may stand in the line that follows.
    """
    return any(
        one.start() < len(line) and one.group() not in about.names
        for one in _DEFERRAL.finditer(f"{line} {following.lstrip()}")
    )


def _beside(body: str, about: Topic) -> str | None:
    """Return what is asked right below a quoted line that the move changes."""
    quoted: list[str] = []
    fresh = False
    for line in body.partition("\n-- \n")[0].splitlines():
        bare = line.lstrip()
        if bare.startswith((">", "|")):
            if fresh:
                quoted, fresh = [], False
            quoted.append(bare.lstrip("> |"))
        elif bare and not _CODE.match(line):
            fresh = True
            near = [one for one in quoted if one.strip()][-_NEAR:]
            changed = [one for one in near if one.startswith(("+", "-"))]
            names = {word for one in changed for word in IDENTIFIER.findall(one)}
            if not about.names.isdisjoint(names) and _ASKED.search(line):
                return line
    return None


def _paragraphs(lines: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in lines:
        if line.strip() and not _DUMP.match(line):
            if not _CODE.match(line):
                part.append(line)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _own_lines(body: str) -> list[str]:
    """Return the lines of a reply that its author wrote, empty ones for those that are quoted."""
    return [
        "" if line.lstrip().startswith((">", "|")) else line
        for line in body.partition("\n-- \n")[0].splitlines()
    ]
