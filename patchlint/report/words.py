"""What the names of contexts and guarantees mean, in words for reading."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from patchlint.model.effect import STRUCTURAL
from patchlint.model.history import day
from patchlint.model.link import mail_link
from patchlint.model.pattern import lazy
from patchlint.report.lookup import untold
from patchlint.report.text import columns, count, cut, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.context import Context, Guarantee
    from patchlint.model.effect import EntryChain, Promise
    from patchlint.model.finding import Finding, Level
    from patchlint.model.history import Event, History
    from patchlint.model.record import Judgement, Outcome

CONTEXTS: Final[dict[Context, str]] = {
    "task": "task",
    "user-worker": "user worker",
    "kthread": "kernel thread",
    "workqueue": "work item",
    "rcu-callback": "RCU callback",
    "softirq": "softirq",
    "hardirq": "hard interrupt",
    "unknown": "caller not seen",
}
GUARANTEES: Final[dict[Guarantee, str]] = {
    "before-call-returns": "done when the call returns",
    "before-return-to-user": "done before return to user space",
    "after-wait": "waited for in the same call",
    "after-grace-period": "done after a grace period",
    "eventually": "done some time later",
}
#: what came of an earlier finding that is told beside another one; of others nothing is told
ENDS: Final[dict[Outcome, str]] = {
    "reverted": "was reverted",
    "fixed": "was fixed later",
    "dropped": "was dropped",
    "discussed": "was discussed",
    "merged": "was merged",
    "kept": "was merged",
    "superseded": "was replaced",
    "unknown": "was posted",
}
#: what came of a change, where its versions are not named
FATES: Final[dict[Outcome, str]] = {
    "reverted": "reverted",
    "fixed": "fixed later",
    "dropped": "dropped",
    "discussed": "discussed",
    "merged": "merged",
    "kept": "still in a later version",
    "superseded": "replaced",
    "unknown": "unknown",
}


#: what a judge saw who did not tell the one from the other
_LASTED: Final = "merged, or in a later version"
#: the version that an event tells of
_VERSION: Final = lazy(r"\bversion (\d+)\b")
#: how the evidence tells of a release that it is judged by its name
_UNLISTED: Final = "is in no table"
#: how the evidence tells of what is judged by its place alone
_UNKNOWN: Final = "is not known: judged by where it stood"
#: what is known by its place and is no function
_THING: Final = lazy(rf"what (the .+) does {_UNKNOWN}$")
#: how a step of a chain is told that calls the next one
_CALLS: Final = "calls "
#: contexts in which a function is called back, and those that never return to user space
_CALLED_BACK: Final = frozenset({"workqueue", "rcu-callback", "softirq", "hardirq"})
_NO_RETURN: Final = _CALLED_BACK | {"kthread"}


def told(
    promise: Promise, arrow: str = "→", room: int | None = None, level: Level = "warning"
) -> str:
    """``work item (queue_work() → done_fn()): done some time later``.

    Where there is less ``room`` than that takes, in columns, the callback alone is named.
    ``level`` is that of the finding: a note takes nobody for a task.
    """
    names = (promise.mechanism, promise.callback, promise.last)
    said = _told(promise, names, arrow, level)
    if room is not None and columns(said) > room and promise.callback:
        return _told(promise, names[1:], arrow, level)
    return said


def context(promise: Promise, level: Level = "warning") -> str:
    """``work item``; louder than a note, an old path that nobody shows is taken for a task's.

    Where callers are seen, the first of them is named: of that one nobody knows who calls it.
    Where there are too many of them to follow all, that is said.
    """
    if promise.context != "unknown":
        return CONTEXTS[promise.context]
    if promise.mechanism or promise.callback:
        return line(promise.by) or "whoever runs it"
    taken = "" if level == "note" else ", taken for a task"
    if promise.many:
        return f"more callers of {line(promise.many)}() than were followed{taken}"
    first = promise.chain[0] if promise.chain else None
    if first is not None and first.note.startswith(_CALLS) and first.function.isidentifier():
        return f"caller of {line(first.function)}() not seen{taken}"
    return CONTEXTS["unknown"] + taken


def guarantee(promise: Promise) -> str:
    """By when it is done, as it reads in that context."""
    if promise.wait:
        return promise.wait
    if promise.delay:
        return f"{GUARANTEES[promise.guarantee]}, put off by {line(promise.delay)}"
    if promise.guarantee == "before-call-returns" and promise.context in _CALLED_BACK:
        return "done when the callback returns"
    if promise.guarantee == "before-return-to-user" and promise.context in _NO_RETURN:
        return "put off there too, where nothing returns to user space"
    return GUARANTEES[promise.guarantee]


#: how a message tells of a branch whose test is too long for it, and columns of the test elsewhere
_ONE_BRANCH: Final = " on one branch"
_LONGEST_TEST: Final = 160


def headline(finding: Finding) -> str:
    """The message with the branch on which it holds, where nothing else is told of a finding."""
    said, test = line(finding.message), untold(finding)
    if not test:
        return said
    when = f" when `{cut(line(test), _LONGEST_TEST)}`"
    if _ONE_BRANCH in said:
        return said.replace(_ONE_BRANCH, when, 1)
    return f"{said},{when}"


def elsewhere(first: Finding, others: Sequence[Finding]) -> str:
    """``a() (fs/a.c:12), b() (fs/b.c:7)``: where the same holds that is told of ``first``.

    Of those that it holds for at the very line of the first the names are enough.
    """
    told = dict.fromkeys(
        called(one.function) + ("" if _at(one) == _at(first) else f" ({line(one.path)}:{one.line})")
        for one in others
    )
    return ", ".join(told)


def _at(finding: Finding) -> tuple[str, int]:
    return finding.path, finding.line


def called(name: str) -> str:
    """``fput()``; what is no function's name stays as it is."""
    name = line(name)
    return f"{name}()" if name.isidentifier() else name


def sure(finding: Finding) -> str:
    """How sure a finding is, and what that rests on."""
    # a family may be that of the function around a call that no table knows; of what is known a
    # task makes a finding surer still
    a_task = finding.before.context == "task"
    named = any(
        text.startswith(f"{called(finding.cleanup)} {_UNLISTED}") or text.endswith(_UNKNOWN)
        for text in finding.evidence
    )
    known = finding.family != STRUCTURAL and not named and not finding.before.wait
    what = f"what {called(finding.cleanup)} does"
    judged = f"only its name says {what}"
    unknown = next(filter(None, map(_THING.match, finding.evidence)), None)
    if unknown is not None:
        # a number, a bit, a store: no name of a function says anything
        judged = f"no table knows what {line(unknown[1])} is to user space"
    if finding.before.wait and finding.level != "note":
        did = "a task waited, but" if a_task else "nothing shows who waited, and"
        why = f"{did} what was done by the end of the wait is not known"
    elif finding.level == "note":
        why = "the evidence says what speaks against it"
    elif finding.confidence == "high":
        why = f"{what} is known, and so is that a task did it"
    elif finding.confidence == "low":
        why = judged
        if known:
            why = f"{what} is known, but only the name of a helper says that it is done later"
    elif known:
        why = f"{what} is known, but nothing shows who called the old path"
    elif a_task:
        why = f"a task did it, but {judged}"
    else:
        why = f"{judged}, and nothing shows who called the old path"
    return f"{finding.confidence} confidence: {why}"


def confirmed_by(finding: Finding) -> str:
    """``patchlint confirm 9e8f3d69cc5a2305 SERIES``: what prints a script that shows a finding."""
    return f"patchlint confirm {line(finding.fingerprint)} SERIES"


def article(name: str) -> str:
    """``a work item``, ``an RCU callback``."""
    if name.startswith(("whoever", "the ")):
        return name
    return f"an {name}" if name.startswith("RCU") else f"a {name}"


def _told(promise: Promise, names: Sequence[str | None], arrow: str, level: Level) -> str:
    if promise.wait and promise.mechanism:
        return line(promise.wait)
    way = [f"{line(name)}()" for name in names if name]
    by = f" ({f' {arrow} '.join(way)})" if way else ""
    return f"{context(promise, level)}{by}: {guarantee(promise)}"


#: how a step of a chain is told that starts the function of the next one
_STARTS: Final = lazy(r" (?:runs|hands it to) (\w+\(\))")


def pieces(promise: Promise) -> dict[int, str]:
    """The steps with which a second piece of a chain begins, each with what leads to it.

    What somebody waits for is started by somebody else: who waits does not call that one.
    """
    chain = promise.chain
    found = {}
    for place, (last, step) in enumerate(pairwise(chain), start=1):
        starts = _STARTS.search(step.note)
        if starts is None or not step.function.isidentifier() or step.function == last.function:
            continue
        if f"{step.function}()" not in last.note:
            waited = ", which is waited for," if promise.guarantee == "after-wait" else ""
            found[place] = f"{line(starts[1])}{waited} is started by"
    return found


def entries(points: Sequence[EntryChain], most: int, own: str = "") -> str:
    """``umount(2): a_put_super, a_kill_sb; close, exit (syscall); 3 more``: ``most`` names.

    What an operation is called for in words of user space comes before its name, and stands
    alone where the name is that of the function itself, ``own``.  Others are told by kind.  One
    more of what was told already comes behind what was not.
    """
    found = dict.fromkeys((line(one.event), line(one.kind), line(one.name)) for one in points)
    told_of: set[str] = set()
    names: list[tuple[str, str, str]] = []
    again: list[tuple[str, str, str]] = []
    for one in found:
        (again if one[0] in told_of else names).append(one)
        told_of |= {one[0]} - {""}
    names += again
    groups: dict[tuple[str, str], list[str]] = {}
    for event, kind, name in islice(names, most):
        held = groups.setdefault((event, "" if event else kind), [])
        held += [] if event and name == own else [name]
    told = [_grouped(event, kind, some) for (event, kind), some in groups.items()]
    if len(names) > most:
        told.append(f"{len(names) - most} more")
    return "; ".join(told)


def _grouped(event: str, kind: str, names: Sequence[str]) -> str:
    if not event:
        return f"{', '.join(names)} ({kind})"
    return f"{event}: {', '.join(names)}" if names else event


def precedent(one: Judgement, link: str) -> str:
    """``mntput() in nest_drop(), linux-nest 2019-05-01, was dropped: why; https://...``."""
    place = f"{called(one.cleanup)} in {called(one.function)}"
    said = f"{place}, {line(one.list)} {line(one.date)}, {ENDS[one.outcome]}"
    said += f": {line(one.line).rstrip('.')}" if one.line else ""
    return f"{said}; {mail_link(one.message_id, link)}"


#: what a record counts, by the level of the finding that it is told with
_COUNTED: Final[dict[Level, str]] = {"error": "warnings", "warning": "warnings", "note": "notes"}


#: known ends from which on their share is told
_FEWEST_ENDS: Final = 5


def record(finding: Finding) -> str:
    """``12 of 17 judged warnings of this rule were right; 3 of 5 ... were fixed, ...``.

    Counts, not a share: a reader sees on how many it rests.  A note is right where the release
    moved as told, whether or not user space relied on it.  "" where too little was judged.
    """
    track = finding.track
    decided = track.judged - track.undecided if track is not None else 0
    if track is None or not decided:
        return ""
    note = finding.level == "note"
    right = track.right + (track.info if note else 0)
    said = f"{right} of {decided} judged {_COUNTED[finding.level]} of this rule were right"
    if track.known >= _FEWEST_ENDS and not note:
        said += (
            f"; {track.undone} of {track.known} with a known end were fixed, dropped or reverted"
        )
    return said


def remembered(finding: Finding, link: str) -> list[tuple[str, str]]:
    """What the record and an archive know beside a finding, each under its name."""
    said = []
    if finding.precedent:
        said.append(("earlier", precedent(finding.precedent, link)))
    if share := record(finding):
        said.append(("record", share))
    if finding.history:
        said.append(("posted", posted(finding.history, link)))
        said.append(("outcome", fate(finding.history, link)))
    return said


def posted(history: History, link: str) -> str:
    """``2024-05-20, linux-nest; 3 postings since 2024-05-01; https://...``."""
    last = history.last
    said = [", ".join(one for one in (day(last.date), *map(line, history.lists)) if one)]
    if len(history.postings) > 1:
        first = day(history.postings[0].date)
        since = f" since {first}" if first else ""
        said.append(f"{count(len(history.postings), 'posting')}{since}")
    said.append(mail_link(last.message_id, link) or line(last.commit))
    return "; ".join(part for part in said if part)


def fated(history: History) -> str:
    """``reverted``, ``still in v3``, ``v4 posted, then nothing``: what came of it, in short."""
    event = history.told
    if history.outcome != "kept" or event is None:
        return FATES[history.outcome]
    if not event.message_id:  # the last of its own postings, or what a judge saw
        return line(event.evidence) if event.date is not None else _LASTED
    version = _VERSION.search(event.evidence)
    return f"still in v{version[1]}" if version else FATES["kept"]


def fate(history: History, link: str) -> str:
    """``dropped 2024-06-01: version 3 no longer has the finding; https://...``."""
    said, event = fate_apart(history)
    where = mail_link(event.message_id, link) if event else ""
    return f"{said}; {where}" if where else said


def fate_apart(history: History) -> tuple[str, Event | None]:
    """What :func:`fate` says, and the event whose mail says so, None for a posting of its own.

    A merge has the day on which a mail showed it.
    """
    event, said = history.told, fated(history)
    if event is None or said == line(event.evidence):
        return said, None
    if event.date is not None:
        said += f"{', seen' if event.kind == 'merged' else ''} {day(event.date)}"
    return f"{said}: {line(event.evidence)}", None if event.message_id in _own(history) else event


def _own(history: History) -> set[str]:
    return {one.message_id for one in history.postings}


def archived(finding: Finding, link: str) -> str:
    """Return what an archive says of a finding, for the end of its one sentence.

    An empty text for a finding that is of none.
    """
    history = finding.history
    if history is None:
        return ""
    return f" ({posted(history, link)}; {fated(history)})"
