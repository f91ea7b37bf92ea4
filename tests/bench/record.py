"""Keeps the record in rules/record/: judged findings, known repairs, outcomes counted by hand.

usage: record.py import FILE... --store STORE...     judgements into judged.tsv
       record.py misses FILE...                      repairs into misses.tsv
       record.py again --store STORE... [--write] [--new] [--minutes N]
                                                     what the program says of each row today
       record.py repaired --store STORE... [--write] [--minutes N]
                                                     what it says of what repairs mended
       record.py outcomes FILE --store STORE... [--write]
                                                     the mining held against a hand count;
                                                     mined anew with --write
       record.py sample --store STORE... --seed N    findings to be judged, by level

Files have tab-separated columns with a header.  Of a judgement: message_id, list, date, rule,
level, confidence, function, cleanup, verdict, outcome, line, and short where others may be told of
it; of a repair: repair_id, list, date, repaired_id, family, found, level, reason; of a count:
message_id, outcome, and function if known.  outcomes.tsv beside this has four draws that were
counted by hand.  Rows of the first two were looked at while the mining was made; 17 of 20 and 8
of 13 of the others were equal when they were counted, and their kinds of errors were mended after
that.  `first` is the count before it was put right, for the reason in `note`.
Stores are those that `patchlint scan --store` makes; they know where the mails lie.  What is
judged twice in two ways is undecided.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from patchlint import __version__
from patchlint.archive import changes, judge
from patchlint.archive import outcomes as mining
from patchlint.archive.engine import Pipeline, Settings
from patchlint.archive.progress import Quiet
from patchlint.archive.reach import Reach
from patchlint.archive.sources import Shelf
from patchlint.archive.store import Store
from patchlint.mail import subject as subjects
from patchlint.model.finding import LEVELS
from patchlint.model.record import OUTCOMES, VERDICTS, Judgement, Miss, folder, title_digest
from patchlint.ruleset import record
from patchlint.ruleset.load import load

FOLDER = Path(__file__).parents[2] / "rules" / record.FOLDER
JUDGED = "judged.tsv"
MISSES = "misses.tsv"
HEAD = {
    Judgement: "Findings in archives, judged against thread and source; see ARCHITECTURE.md.",
    Miss: "Patches that a later one repaired, and whether they are found; see ARCHITECTURE.md.",
}
#: what judges say of a level, as a verdict on the move: (of a note, word) -> verdict
VERDICT = {(True, "right"): "info", (True, "should-be-loud"): "right"}
#: seconds for a series: a record is no place for a check that was cut short
ENOUGH = 900.0
#: so many outcomes are to be mined as they are counted
GOOD = 0.9
#: so many findings of each level a list and a run
SAMPLE = {"error": 40, "warning": 40, "note": 20}


def cells(path):
    """The rows of a file as dicts; cells without white space around them."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {
                name.strip(): " ".join((value or "").split()) for name, value in row.items() if name
            }


def found_in(stores):
    """All findings of the stores by the Message-ID of their mail, with the mail's subject."""
    found = {}
    for path in stores:
        with Store(path, write=False) as store:
            for row in store.rows("SELECT * FROM findings"):
                found.setdefault(row["message_id"], []).append(dict(row))
    return found


def subjects_of(stores, ids):
    """The subjects of mails by their Message-ID."""
    told = {}
    for path in stores:
        with Store(path, write=False) as store:
            for one in ids:
                subject = store.value("SELECT subject FROM messages WHERE message_id = ?", (one,))
                told.setdefault(one, subject) if subject else None
    return told


def nearest(rows, function, cleanup, rule):
    """The finding that a judgement speaks of, None where no one fits."""
    fitting = [
        row
        for row in rows
        if function in {row["function"], ""} or (cleanup and row["cleanup"] == cleanup)
    ]
    return max(
        fitting,
        key=lambda row: (
            row["function"] == function,
            row["cleanup"] == cleanup,
            row["rule"] == rule,
            -LEVELS.index(row["level"]),
        ),
        default=None,
    )


def judgement(row, finding, subject, families, version):
    """A row of the record out of one of a judge's file."""
    finding = finding or {}
    known = {
        "family": finding.get("family") or next(iter(families.get(row["rule"], ())), ""),
        "mechanism": finding.get("after_mechanism") or "",
        "folder": folder(finding["path"]) if finding else "",
        "fingerprint": finding.get("fingerprint", ""),
    }
    return Judgement(
        message_id=row["message_id"].strip("<>"),
        list=row["list"],
        date=row["date"][:10],
        title=title_digest(subjects.parse(finding.get("subject") or subject).title),
        rule=row["rule"],
        function=row["function"].removesuffix("()"),
        cleanup=row["cleanup"].removesuffix("()"),
        level=row["level"],
        confidence=row["confidence"],
        version=version,
        today="",
        verdict=VERDICT.get(
            (row["level"] == "note", row["verdict"].lower()), row["verdict"].lower()
        ),
        outcome=row["outcome"].lower() or "unknown",
        line=row["line"],
        short=row.get("short", ""),
        **known,
    )


def bring(arguments):
    """Take judgements over."""
    families = {rule.id: rule.families for rule in load().rules}
    given = [row for path in arguments.files for row in cells(path)]
    found = found_in(arguments.store)
    titles = subjects_of(arguments.store, {row["message_id"].strip("<>") for row in given})
    held = {_key(one): one for one in record.rows(arguments.folder / JUDGED, Judgement)}
    new, unsure, refused = {}, 0, 0
    for row in given:
        message_id = row["message_id"].strip("<>")
        finding = nearest(
            found.get(message_id, ()),
            row["function"].removesuffix("()"),
            row["cleanup"].removesuffix("()"),
            row["rule"],
        )
        if finding is None and message_id not in titles:
            print(f"{message_id} {row['function']}: in no store", file=sys.stderr)
        one = judgement(row, finding, titles.get(message_id, ""), families, arguments.version)
        if one.verdict not in VERDICTS or one.outcome not in OUTCOMES or one.level not in LEVELS:
            print(f"{message_id}: {one.verdict} {one.outcome} {one.level}?", file=sys.stderr)
            refused += 1
            continue
        other = new.get(_key(one))
        if other is not None and other.verdict != one.verdict:
            one = replace(one, verdict="undecided")
            unsure += 1
        new[_key(one)] = one
    for key, one in new.items():
        old = held.get(key)
        more = (
            {
                "today": old.today,
                "version": old.version,
                "short": one.short or old.short,
            }
            if old
            else {}
        )
        held[key] = replace(one, **more)
    write(arguments.folder / JUDGED, sorted(held.values(), key=_order), Judgement)
    print(f"{len(new)} judgements, {unsure} of them judged twice in two ways, {refused} refused;")
    print(f"{len(held)} in {arguments.folder / JUDGED}")
    return 0


def _key(one):
    return one.message_id, one.function, one.cleanup, one.rule


def _order(one):
    return one.date, one.message_id, one.function, one.cleanup, one.rule


def write(path, rows, kind):
    """Write a table."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(record.table(rows, kind, HEAD[kind]), encoding="utf-8")


def bring_misses(arguments):
    """Take known repairs over."""
    held = {
        (one.repair_id, one.repaired_id): one
        for one in record.rows(arguments.folder / MISSES, Miss)
    }
    for path in arguments.files:
        for row in cells(path):
            one = Miss(**{name: row.get(name, "") for name in Miss.__struct_fields__})
            level, _, more = one.level.partition(" ")
            one = replace(
                one,
                repair_id=one.repair_id.strip("<>"),
                repaired_id=one.repaired_id.strip("<>"),
                date=one.date[:10],
                found=one.found.lower(),
                level=level if level in LEVELS else "",
                reason=f"{one.reason} {more if more.startswith('(') else ''}".strip(),
            )
            held[one.repair_id, one.repaired_id] = one
    rows = sorted(held.values(), key=lambda one: (one.date, one.repair_id))
    write(arguments.folder / MISSES, rows, Miss)
    print(f"{len(held)} in {arguments.folder / MISSES}")
    return 0


class Unheld(Pipeline):
    """The real stages with rules that their record makes no note of, for one mail's series."""

    #: the mail whose series are checked
    wanted: str | None = None

    def may_matter(self, series, words):
        """See :class:`Engine`."""
        ours = any(patch.message_id == self.wanted for patch in series.patches)
        return ours and super().may_matter(series, words)

    def rules(self):
        """See :class:`Engine`."""
        if self._rules is None:
            rules = load()
            self._rules = replace(
                rules, rules=tuple(replace(rule, held=None) for rule in rules.rules)
            )
        return self._rules


def again(arguments):
    """Check the judged mails again and say what is found in them today."""
    held = record.rows(arguments.folder / JUDGED, Judgement)
    wanted = {
        one.message_id
        for one in held
        if (one.loud or not arguments.loud) and not (one.today and arguments.new)
    }
    today = checked(arguments.store, wanted, arguments)
    for message_id in sorted(wanted - today.keys()):
        print(f"in no store, or not reached: {message_id}")
    rows, moved = [], Counter()
    taken = {_key(one) for one in held}
    for one in held:
        if one.message_id not in today:
            rows.append(one)
            continue
        near = nearest(today[one.message_id], one.function, one.cleanup, one.rule)
        level = near["level"] if near else "none"
        moved[one.verdict, one.level, level] += 1
        if level != (one.today or one.level):
            print(f"{one.verdict} {one.level} -> {level}: {one.message_id} {one.function}")
        rows.append(retold(one, near, taken))
    for (verdict, level, now), number in sorted(moved.items()):
        print(f"{number:4} {verdict:9} {level:7} -> {now}")
    judged = record.precision([one for one in held if one.level != "note"])
    told = record.precision([one for one in rows if one.loud], today=True)
    for name, one in (("as judged", judged), ("today", told)):
        print(f"loud {name}: {one.right} of {one.decided} right, {one.low:.2f} to {one.high:.2f}")
    if arguments.write:
        write(arguments.folder / JUDGED, sorted(rows, key=_order), Judgement)
    return 0


def retold(one, near, taken):
    """The row as the program tells its finding today: by its rule, and by what it says moved.

    A rule answers for what it tells.  It is the same move where one function loses it by one
    mechanism; a finding that has a row of its own (its key is ``taken``) keeps that.
    """
    if near is None:
        return replace(one, today="none")
    told = replace(
        one,
        today=near["level"],
        rule=near["rule"],
        family=near["family"],
        cleanup=near["cleanup"],
        mechanism=near["after_mechanism"] or "",
        fingerprint=near["fingerprint"],
    )
    same = (near["function"], told.mechanism) == (one.function, one.mechanism)
    if not same or (_key(told) in taken and _key(told) != _key(one)):
        return replace(one, today=near["level"])
    taken.add(_key(told))
    return told


def repaired(arguments):
    """Check what known repairs mended again, and say which of it is found today.

    Any finding in the mail counts, whatever it speaks of: an approximation, which errs
    towards found.
    """
    held = record.rows(arguments.folder / MISSES, Miss)
    wanted = {one.repaired_id for one in held if "@" in one.repaired_id and one.found != "n/a"}
    today = checked(arguments.store, wanted, arguments)
    rows = []
    for one in held:
        if one.found == "n/a" or one.repaired_id not in today:
            rows.append(one)
            continue
        levels = {finding["level"] for finding in today[one.repaired_id]}
        level = next((name for name in ("error", "warning", "note") if name in levels), "")
        found = "note" if level == "note" else "yes" if level else "no"
        reason = one.reason
        if found != one.found:
            print(f"{one.found} -> {found} {level}: {one.repaired_id} {one.reason}")
            if "yes" in (found, one.found):
                reason = "found" if found == "yes" else "found by an earlier comparison"
        rows.append(replace(one, found=found, level=level, reason=reason))
    print(Counter(one.found for one in rows))
    if arguments.write:
        write(arguments.folder / MISSES, rows, Miss)
    return 0


def checked(stores, wanted, arguments):
    """What is found today in each wanted mail that a store has, as far as time suffices."""
    end = time.monotonic() + 60 * arguments.minutes
    settings = Settings(limit=arguments.limit)
    engine = Unheld(settings)
    reach = Reach(engine.rules(), "again")
    today = {}
    with suppress(KeyboardInterrupt):
        for path in stores:
            with Store(path, write=False) as store, Shelf() as shelf:
                for message_id in sorted(wanted - today.keys()):
                    thread = store.value(
                        "SELECT thread FROM messages WHERE message_id = ?", (message_id,)
                    )
                    began = time.monotonic()
                    if thread is None or began > end:
                        continue
                    engine.wanted = message_id
                    verdict = judge.judge(store.thread(thread), shelf, engine, reach, settings)
                    print(f"{len(today)} of {len(wanted)}", file=sys.stderr)
                    if time.monotonic() - began < settings.limit:  # else it was cut short
                        today[message_id] = said(verdict, message_id)
    return today


def said(verdict, message_id):
    """What was found in one mail of a thread."""
    names = ("function", "cleanup", "rule", "level", "family", "fingerprint")
    return [
        {name: getattr(one, name) for name in names} | {"after_mechanism": one.after.mechanism}
        for series in verdict.series
        for one in series.findings
        if one.message_id == message_id
    ]


def outcomes(arguments):
    """Hold what is mined of the fate of changes against a count by hand."""
    for path in arguments.store if arguments.write else ():
        with Store(path) as store, Shelf() as shelf:
            mining.mine(store, shelf, Pipeline(Settings()), Quiet())
    mined = {}
    for change in changes.gather(arguments.store, judged=False).changes:
        for posting in change.postings:
            mined.setdefault(posting.message_id, []).append(change)
    right, table = 0, Counter()
    rows = [row for path in arguments.files for row in cells(path)]
    for number, row in enumerate(rows):
        some = mined.get(row["message_id"].strip("<>"), [])
        fates = [one.outcome for one in some if one.finding.function == row.get("function")]
        fates = fates or [one.outcome for one in some]
        said = min(fates, key=OUTCOMES.index, default="none")
        hand = row["outcome"].lower()
        table[hand, said] += 1
        # who counted did not tell a merge from a version that has it too
        same = said == hand or {said, hand} == {"merged", "kept"}
        right += same
        if not same:
            print(f"{number} by hand {hand}, mined {said}: {row['message_id']} {row.get('note')}")
            for event in [event for one in some for event in one.events][:6]:
                print(f"    {event.kind}: {event.evidence[:90]} <{event.message_id}>")
    for (hand, said), number in sorted(table.items()):
        print(f"{number:4} {hand:10} mined as {said}")
    print(f"{right} of {len(rows)} right")
    return int(right < GOOD * len(rows))


def sample(arguments):
    """Print findings to be judged, the same for one seed, some of each level."""
    rng = random.Random(arguments.seed)  # noqa: S311 - which ones is no secret
    print(
        "message_id\tlist\tdate\trule\tlevel\tconfidence\tfunction\tcleanup\tverdict\toutcome\tline"
    )
    drawn = set()  # a change that went to several lists is drawn for one of them
    for path in arguments.store:
        found = sorted(changes.gather([path]).changes, key=lambda one: one.key)
        found = [one for one in found if one.key not in drawn]
        for level, most in SAMPLE.items():
            some = [one for one in found if one.finding.level == level]
            for one in rng.sample(some, min(most, len(some))):
                drawn.add(one.key)
                finding = one.finding
                told = (
                    finding.message_id, ",".join(one.lists), changes.day(one.last.date),
                    finding.rule, finding.level, finding.confidence, finding.function,
                    finding.cleanup, "", one.outcome, "",
                )  # fmt: skip
                print("\t".join(map(str, told)))
    return 0


def main():
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=tuple(COMMANDS))
    parser.add_argument("files", nargs="*")
    parser.add_argument("--store", action="append", default=[])
    parser.add_argument("--version", default=__version__, help="of the program that was judged")
    parser.add_argument("--write", action="store_true", help="keep what is found")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="(default: rules/record)")
    parser.add_argument("--loud", action="store_true", help="only what was no note")
    parser.add_argument("--new", action="store_true", help="only what was never run again")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="what is not reached stays as it is"
    )
    parser.add_argument(
        "--limit", type=float, default=ENOUGH, help="seconds for a series; one cut short is left"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return COMMANDS[arguments.what](arguments)


COMMANDS = {
    "import": bring,
    "misses": bring_misses,
    "again": again,
    "repaired": repaired,
    "outcomes": outcomes,
    "sample": sample,
}


if __name__ == "__main__":
    sys.exit(main())
