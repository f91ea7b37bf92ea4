"""Holds the laws of the comparison against real series.

    python tests/bench/law_bench.py [--draw N --seed S] [--laws a,b] [--tree TREE] INPUT...

INPUT is mailboxes and folders of them.  With ``--draw`` it is epochs of archives, of which N
mails that the filter lets pass are drawn.  Each series is remade in ways that must not matter
(``remade.py``) and analysed again; what differs is printed, with the counts of each law.
``--tree`` takes only series that apply to that tree, and gives them more context, line by line,
up to the whole files.

    same        one side of a patch, written otherwise or renamed: nothing at all
    revert      a series, and what takes it back: nothing loud; the way back alone: none of it
    order       files shuffled, hunks further down, independent neighbours exchanged: the same
    rename      every name that no table knows, exchanged for one without a meaning: the same
    bare        own names, telling ones too, without a meaning: what a table knows stays
    context     fewer lines around: nothing is louder
    split       a patch cut in two between two hunks: the same losses
    both        both sides written otherwise (braces, do-while, casts, tests): the same
    wrap        added statements behind new helpers: the same losses
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import remade
from remade import Made, Words

from patchlint.analysis.series import analyse
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.model.mail import RawMail
from patchlint.patch.diff import parse
from patchlint.ruleset.load import load
from patchlint.ruleset.prefilter import candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from patchlint.model.effect import Downgrade

RULES = load()
KERNEL = RULES.kernel
WORDS = Words(KERNEL)
Said = tuple[str, ...]


def found(made: Made) -> tuple[Downgrade, ...]:
    """What is found in a series by its hunks alone."""
    return analyse(made.series, made.files, RULES).downgrades


def loud(downgrades: tuple[Downgrade, ...]) -> list[Downgrade]:
    return [one for one in downgrades if one.level_cap != "note"]


def losses(downgrades: tuple[Downgrade, ...]) -> set[Said]:
    """What is lost loudly, and by whom."""
    return {(one.function, one.cleanup) for one in loud(downgrades)}


def callbacks(downgrades: tuple[Downgrade, ...]) -> set[str]:
    """What does it later, of the loud ones."""
    return {one.after.callback or one.after.mechanism or one.function for one in loud(downgrades)}


def told(downgrades: tuple[Downgrade, ...]) -> list[Said]:
    """All that must not change when nothing but the look does."""
    return sorted(
        (
            one.function, one.cleanup, one.level_cap, one.confidence, one.after.mechanism or "",
            one.after.callback or "", ",".join(sorted(one.also)),
        )
        for one in downgrades
    )  # fmt: skip


def differ(one: object, other: object) -> str:
    """How two answers differ, "" when they do not."""
    if one == other:
        return ""
    a, b = (x if isinstance(x, (list, set)) else [x] for x in (one, other))
    lost, more = [x for x in a if x not in b], [x for x in b if x not in a]
    return f"gone {lost} come {more}"


class Bench:
    """All laws over one series after the other."""

    def __init__(self, laws: set[str], seed: int) -> None:
        self.laws = laws
        self.seed = seed
        self.counts: Counter[tuple[str, str]] = Counter()

    def hold(self, made: Made, name: str) -> None:
        rng = random.Random(f"{self.seed} {name}")  # noqa: S311
        base = found(made)
        self.counts["series", "all"] += 1
        self.counts["series", "with findings"] += bool(base)
        self.counts["series", "loud"] += bool(loud(base))
        for law, way, answer in self._answers(made, base, rng):
            self.counts[law, f"{way}: held"] += not answer
            if answer:
                self.counts[law, f"{way}: BROKEN"] += 1
                print(f"{law}/{way} {name}: {answer}", flush=True)

    def _answers(
        self, made: Made, base: tuple[Downgrade, ...], rng: random.Random
    ) -> Iterator[tuple[str, str, str]]:
        for law, answers in LAWS.items():
            if law in self.laws:
                for way, answer in answers(made, base, rng):
                    yield law, way, answer


def same(made: Made, _base, rng) -> Iterator[tuple[str, str]]:
    """A patch that changes the look alone."""
    names = remade.own_names(made, WORDS)
    chosen = rng.sample(sorted(names), min(len(names), 6))
    called = [n for n in sorted(names) if any(f"{n}(" in text for _, text in made.texts())]
    chosen += rng.sample(called, min(len(called), 4))

    def other(name: str) -> Callable[[str], str]:
        return lambda text: re.sub(rf"\b{name}\b", names[name], text)

    looks = rng.sample(sorted(remade.BOTH.items()), 4)
    ways = [*((f"renamed {name}", other(name)) for name in chosen), *looks]
    for side in ("pre", "post"):
        for what, change in ways:
            way = what.partition(" ")[0]
            one = remade.standing(made, side, change, anywhere=way == "renamed")
            if one is not None:
                answer = told(found(one))
                yield f"{side} {way}", f"{what}: said {answer}" if answer else ""


def revert(made: Made, base, _rng) -> Iterator[tuple[str, str]]:
    both = losses(found(remade.and_back(made)))
    yield "and back", f"said {both}" if both else ""
    back = losses(found(remade.backwards(made)))
    twice = back & losses(base)
    yield "backwards", f"said both ways {twice}" if twice else ""


def order(made: Made, base, rng) -> Iterator[tuple[str, str]]:
    yield "shifted", differ(told(base), told(found(remade.shifted(made))))
    if any(len(files) > 1 for files in made.files.values()):
        yield "files", differ(told(base), told(found(remade.shuffled(made, rng))))
    other = remade.exchanged(made, rng)
    if other is not None:
        yield "exchanged", differ(losses(base), losses(found(other)))


def rename(made: Made, base, _rng) -> Iterator[tuple[str, str]]:
    names = remade.own_names(made, WORDS)
    back = {new: old for old, new in names.items()}
    again = [
        tuple(remade._WORD.sub(lambda x: back.get(x[0], x[0]), word) for word in one)
        for one in told(found(remade.renamed(made, names)))
    ]
    # what moved besides is told in the order of names
    yield "all", differ(sorted(map(_sorted, told(base))), sorted(map(_sorted, again)))


def _sorted(said: Said) -> Said:
    return (*said[:-1], ",".join(sorted(said[-1].split(","))))


def bare(made: Made, base, _rng) -> Iterator[tuple[str, str]]:
    """The findings that a table's row makes must not rest on any other name."""
    seen: dict[str, None] = {}
    for _, text in made.texts():
        seen.update(dict.fromkeys(remade._WORD.findall(text)))
    names = {
        name: f"zq{n}"
        for n, name in enumerate(seen)
        if WORDS.may_change(name) and not KERNEL.harmless.search(name)
    }  # fmt: skip
    rows = sorted((one.cleanup, one.level_cap) for one in loud(base) if one.family != "structural")
    after = sorted((one.cleanup, one.level_cap) for one in loud(found(remade.renamed(made, names))))
    gone = list((Counter(rows) - Counter(after)).elements())
    yield "all", f"gone {gone}" if gone else ""


def context(made: Made, base, _rng) -> Iterator[tuple[str, str]]:
    """What is released is told better with more lines, by whom and how as well."""
    before = {word for one in loud(base) for word in _marks(one)}
    for lines in (1, 0):
        less = [
            (one.function, one.cleanup)
            for one in loud(found(remade.narrowed(made, lines)))
            if before.isdisjoint(_marks(one))
        ]
        yield f"{lines} of it", f"quiet with more {less}" if less else ""


def _marks(one: Downgrade) -> set[str]:
    """What a finding is known by, however much is shown of it."""
    return {f"{one.function}()", f"!{one.cleanup}", f"={one.after.callback or one.function}"}


def split(made: Made, base, rng) -> Iterator[tuple[str, str]]:
    for _ in range(2):
        other = remade.split(made, rng)
        if other is not None:
            yield "in two", differ(callbacks(base), callbacks(found(other)))


def both(made: Made, base, rng) -> Iterator[tuple[str, str]]:
    before = told(base)
    ways = sorted(remade.BOTH) if base else rng.sample(sorted(remade.BOTH), 2)
    for way in ways:
        yield way, differ(before, told(found(remade.both(made, way))))


def wrap(made: Made, base, _rng) -> Iterator[tuple[str, str]]:
    releases = {one.cleanup for one in loud(base)}
    wanted = {
        "start": lambda name: name in KERNEL.activations,
        "release": lambda name: name in releases,
    }
    for way, which in wanted.items():
        other = remade.wrapped(made, which)
        if other is not None:
            yield way, differ({x[1] for x in losses(base)}, {x[1] for x in losses(found(other))})


LAWS: dict[str, Callable[..., Iterator[tuple[str, str]]]] = {
    one.__name__: one for one in (same, revert, order, rename, bare, context, split, both, wrap)
}


# -- series ------------------------------------------------------------------------------------


def read(names: list[str]) -> Iterator[tuple[str, Made]]:
    """The series in mailboxes, each with a name."""
    for name in names:
        mails = [decode(m) for m in read_inputs([name], None) if isinstance(m, RawMail)]
        for number, series in enumerate(group(mails)):
            yield f"{Path(name).name}#{number}", made_of(series)


def made_of(series) -> Made:
    return Made(series, {p.number: parse(p.diff).files for p in series.patches})


def draw(epochs: list[str], count: int, seed: int) -> Iterator[tuple[str, Made]]:
    """Patch mails of archives that the filter lets pass, drawn at random."""
    rng = random.Random(seed)  # noqa: S311
    per = -(-count // len(epochs))
    for epoch in epochs:
        git = ["git", f"--git-dir={epoch}"]
        commits = subprocess.run(
            [*git, "rev-list", "--all"], capture_output=True, check=True, text=True
        ).stdout.split()
        rng.shuffle(commits)
        taken = 0
        for commit in commits:
            data = subprocess.run(
                [*git, "cat-file", "blob", f"{commit}:m"], capture_output=True, check=False
            ).stdout
            if b"\n@@ -" not in data or not candidate(data):
                continue
            for series in group([decode(RawMail(epoch, data))]):
                yield f"{Path(epoch).parent.name}:{commit[:12]}", made_of(series)
                taken += 1
            if taken >= per:
                break


def main() -> None:
    """Hold all laws, print what breaks them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--laws", default=",".join(LAWS))
    parser.add_argument("--loud", action="store_true", help="only series with a loud finding")
    options = parser.parse_args()
    bench = Bench(set(options.laws.split(",")), options.seed)
    series = (
        draw(options.inputs, options.draw, options.seed) if options.draw else read(options.inputs)
    )
    started = time.perf_counter()
    for name, made in series:
        if options.loud and not loud(found(made)):
            continue
        bench.hold(made, name)
    for (law, way), count in sorted(bench.counts.items()):
        if count:
            print(f"{law:8} {way:40} {count}")
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
