"""A plan in, the POSIX script out that shows it: shell, awk and tracefs, nothing else."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.confirm.plan import Plan

_PLACE: Final = re.compile(r"@([A-Z]+)@")
_WIDTH: Final = 88
_NOTHING: Final = """\
reproducer() {
	echo "no workload is known that goes through %s: give a command that does" >&2
	return 2
}"""


def script(plan: Plan) -> str:
    """Return the script's text.  Nothing of the finding gets into it but names and comments."""
    finals = dict.fromkeys(final for release, final in plan.finals if final != release)
    workload = plan.workload
    parts = {
        "ABOUT": "\n".join(_about(plan)),
        "SUITES": "\n".join(_suites(plan)),
        "ENTRIES": " ".join(plan.entries),
        "RELEASES": " ".join(plan.releases),
        "FINALS": " ".join(finals),
        "CALLBACKS": " ".join(plan.callbacks),
        "PLAN": "\n".join(plan_lines(plan)),
        "FUNCTION": next((one for one in plan.entries if one == plan.claim.function), ""),
        "REPRODUCER": (
            workload.script
            if plan.shown and workload and workload.script
            else _NOTHING % plan.wanted
        ).strip(),
        "FOLD": _quoted(program("fold.awk")),
        "JUDGE": _quoted(program("judge.awk")),
        "TELL": _quoted(program("tell.awk")),
    }
    return _PLACE.sub(lambda place: parts[place[1]], _text("confirm.sh"))


def runs(plan: Plan) -> str:
    """One sentence on what the script runs where it is given no command."""
    if plan.workload is not None and plan.shown:
        return f"Without a command it runs its reproducer: {plan.workload.shows}."
    return f"No workload is known that goes through {plan.wanted}: give it a command that does."


def plan_lines(plan: Plan) -> list[str]:
    """Return the plan as ``judge.awk`` reads it."""
    return [
        *(f"frame {name} {context}" for name, context in plan.frames),
        *(f"final {release} {final}" for release, final in plan.finals),
    ]


@cache
def program(name: str) -> str:
    """Return an awk program of this package without its comments and empty lines."""
    lines = _text(name).splitlines()
    return "\n".join(one for one in lines if one.strip() and not one.lstrip().startswith("#"))


def _text(name: str) -> str:
    return files("patchlint.confirm").joinpath(name).read_text("utf-8")


def _quoted(text: str) -> str:
    """Return ``text`` as it stands between single quotes in a shell."""
    return text.replace("'", "'\\''")


def _about(plan: Plan) -> Iterable[str]:
    claim = plan.claim
    yield from _comment(f"patchlint confirm {claim.fingerprint} [{claim.rule}]")
    yield from _comment(claim.message)
    yield "#"
    if plan.workload is not None and plan.shown:
        yield from _comment(f"Reproducer: {plan.workload.shows}")
    elif plan.workload is not None:
        yield from _comment(
            f"No reproducer goes through {plan.wanted}; one of its family: {plan.workload.shows}"
        )
    for one in plan.missing:
        yield from _comment(f"Not known: {one}")


def _suites(plan: Plan) -> Iterable[str]:
    yield "#"
    if plan.workload is None or not plan.workload.suites:
        yield from _comment("No public suite is known for this family.")
        return
    yield from _comment("Public suites of the area, to run as they are or as COMMAND:")
    for suite in plan.workload.suites:
        yield from _comment(f"  {suite}")


def _comment(text: str) -> list[str]:
    """Return ``text`` as comment lines; whatever is no printable character becomes a '?'."""
    import textwrap

    plain = "".join(one if one.isprintable() else "?" for one in text)
    indent = " " * (len(plain) - len(plain.lstrip()))
    lines = textwrap.wrap(
        plain.strip(), _WIDTH, break_long_words=False, break_on_hyphens=False
    ) or [""]
    return [f"# {indent}{line}".rstrip() for line in lines]
