"""Runs a confirm script in a guest: on a kernel that is given, or on two that were built."""

from __future__ import annotations

import re
import shlex
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.confirm import cpio, guest
from patchlint.confirm.script import script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patchlint.confirm.plan import Plan
    from patchlint.model.kernel import Setup

_STATUS: Final = re.compile(r"^patchlint: status (\d+)$", re.MULTILINE)
_COMMANDS: Final = """\
export RUNS=%(runs)d SETTLE=%(settle)d
sh /confirm.sh%(command)s
echo "patchlint: status $?"
"""
_SETTLE: Final = 2
_COLUMN: Final = 76
#: the script's statuses as ours: nothing seen and no tracing are both "could not show"
_OURS: Final = {0: 0, 1: 1}
_COULD_NOT: Final = 2


class Wish(Struct, frozen=True):
    """What to run: ``command`` instead of the reproducer, ``runs`` rounds, a time limit."""

    command: str | None
    runs: int
    seconds: float


class Seen(Struct, frozen=True):
    """What a guest said: a heading, its lines, and 0 in time, 1 late, 2 not shown."""

    title: str
    lines: tuple[str, ...]
    status: int


def boot(plan: Plan, image: Path, modules: Path | None, wish: Wish, title: str = "") -> Seen:
    """Boot ``image`` and run the script in it.

    Raises GuestError when that cannot be done, or when the guest does not come to its end.
    """
    kernel = guest.find_kernel(image, modules)
    wanted = plan.workload.modules if plan.workload is not None else ()
    commands = _COMMANDS % {"runs": wish.runs, "settle": _SETTLE, "command": _arguments(plan, wish)}
    files = [cpio.file("confirm.sh", script(plan).encode("utf-8", "replace"), run=True)]
    packed, missing = guest.initramfs(kernel, wanted, commands, files)
    outcome = guest.boot(kernel, packed, wish.seconds)
    said = outcome.console.partition(guest.HELLO)[2].strip("\n")
    ended = _STATUS.search(said)
    if ended is None:
        last = outcome.console.strip().splitlines()[-3:]
        why = "ran out of time" if not outcome.finished else "ended early"
        raise guest.GuestError(f"{kernel.release}: the guest {why}; its last words: {last}")
    lines = said[: ended.start()].splitlines()
    if missing:
        lines.insert(0, f"no such modules: {', '.join(missing)}")
    how = "KVM" if outcome.accelerator == "kvm" else "emulated (TCG)"
    heading = f"{title or kernel.release}, {how}"
    return Seen(heading, tuple(lines), _OURS.get(int(ended[1]), _COULD_NOT))


def _arguments(plan: Plan, wish: Wish) -> str:
    """Return what the script is called with: where nothing better is known, for its example."""
    if wish.command:
        return f" sh -c {shlex.quote(wish.command)}"
    return " --example" if plan.reproducer and not plan.shown else ""


def one(seen: Seen) -> str:
    """Return what one guest said, under its heading."""
    return "\n".join([seen.title, *(f"  {line}" for line in seen.lines)])


def beside(left: Seen, right: Seen) -> str:
    """Return what two guests said in two columns."""
    columns = [
        [part for line in (seen.title, *seen.lines) for part in _cut(line)]
        for seen in (left, right)
    ]
    width = min(_COLUMN, max(map(len, columns[0]), default=0))
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(f"{a:{width}} | {b}".rstrip() for a, b in rows)


def _cut(line: str) -> list[str]:
    import textwrap

    return textwrap.wrap(line, _COLUMN, subsequent_indent="      ") or [""]


def build(
    plan: Plan, setup: Setup | None, tree: Path, series: Sequence[str], wish: Wish
) -> tuple[Seen, Seen]:
    """Build a tiny kernel of ``tree`` without and with the series, run the script on both.

    Raises GuestError when a program is missing, a build fails or the series does not apply.
    """
    from patchlint.confirm import build as builds

    config = (*(setup.config if setup else ()), *(plan.workload.config if plan.workload else ()))
    place = builds.prepare(tree, config)
    patches = builds.patches(series)
    stock = boot(plan, builds.image(place, "stock"), None, wish, "without the series")
    with builds.patched(place, patches):
        image = builds.image(place, "patched")
    return stock, boot(plan, image, None, wish, "with the series")
