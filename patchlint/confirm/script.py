"""A plan in, the POSIX script out that shows it: shell, awk and tracefs, nothing else."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from patchlint.model.hidden import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.confirm.plan import Plan

_PLACE: Final = re.compile(r"@([A-Z]+)@")
_WIDTH: Final = 88
#: what the statuses of a script mean, of releases and of a wait
_STATUS: Final = """\
0 each last release was done before the return to user space, 1 some were not, \
2 none was seen, or nothing of what leads to them, 3 this machine cannot trace"""
_STATUS_OF_A_WAIT: Final = """\
0 the function waited each time that it ran, 1 not each time, 2 it was not seen to run, \
3 this machine cannot trace"""


def script(plan: Plan) -> str:
    """Return the script's text.  Nothing of the finding gets into it but names and comments."""
    finals = dict.fromkeys(final for release, final in plan.finals if final != release)
    parts = {
        "ABOUT": "\n".join(_about(plan)),
        "USAGE": "\n".join(_usage(plan)),
        "SUITES": "\n".join(_suites(plan)),
        "ENTRIES": " ".join(plan.entries),
        "CALLS": " ".join(plan.calls),
        "PREFIXES": " ".join(plan.prefixes),
        "RELEASES": " ".join(plan.releases),
        "FINALS": " ".join(finals),
        "CALLBACKS": " ".join(plan.callbacks),
        "PLAN": "\n".join(plan_lines(plan)),
        "FUNCTION": next((one for one in plan.entries if one == plan.claim.function), ""),
        "WAITS": "yes" if plan.waits else "",
        "STATUS": "\n".join(
            _comment(f"exit status: {_STATUS_OF_A_WAIT if plan.waits else _STATUS}")
        ),
        "OWN": "yes" if plan.shown else "",
        "DEMAND": plan.nothing or plan.demand(),
        "NOTHING": "yes" if plan.nothing else "",
        "REPRODUCER": plan.reproducer,
        "FOLD": _quoted(program("fold.awk")),
        "JUDGE": _quoted(program("judge.awk")),
        "TELL": _quoted(program("tell.awk")),
        "WAITED": _quoted(program("waited.awk")),
    }
    text = _PLACE.sub(lambda place: parts[place[1]], _text("confirm.sh"))
    return text.replace("\n\n\n\n", "\n\n", 1)  # where there is no reproducer


def runs(plan: Plan) -> str:
    """One sentence on what the script runs where it is given no command."""
    if plan.nothing:
        return _sentence(plan.nothing)
    if plan.workload is not None and plan.shown:
        return f"Without a command it runs its reproducer: {plan.workload.shows}."
    return _sentence(plan.demand("it"))


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
    release = _called(plan.releases)
    shown = f"in which context {release} runs, and whether before the return to user space"
    if plan.waits:
        shown = f"whether {claim.function}() calls {release} each time that it runs"
    told = (
        f"Shows on a running kernel {shown}. It does not know which series the kernel has: run"
        " it without and with the patch."
    )
    yield from _comment(_sentence(plan.nothing) if plan.nothing else told)
    for one in plan.missing:
        yield from _comment(_sentence(one))


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _usage(plan: Plan) -> Iterable[str]:
    """How to call it: each way is there only where it does something."""
    shows = plan.workload.shows if plan.workload is not None else ""
    if plan.nothing:
        yield from _way("sh THIS_SCRIPT", "says so and ends with status 2")
        return
    if plan.shown:
        yield from _way("sh THIS_SCRIPT", f"runs the reproducer below: {shows}")
        yield from _way("sh THIS_SCRIPT COMMAND [ARG...]", "runs a command of yours instead")
        return
    yield from _way(
        "sh THIS_SCRIPT COMMAND [ARG...]",
        f"runs a command that goes through {plan.wanted}: no reproducer that does is known",
    )
    if plan.reproducer:
        yield from _way(
            "sh THIS_SCRIPT --example",
            f"runs the reproducer of the family, to be changed until it does: {shows}",
        )


def _way(call: str, does: str) -> Iterable[str]:
    yield f"#   {call}"
    yield from _comment(f"      {does}")


def _called(names: Iterable[str]) -> str:
    return " and ".join(f"{name}()" for name in names) or "the release"


def _suites(plan: Plan) -> Iterable[str]:
    if plan.workload is None or not plan.workload.suites:
        yield from _comment("The release is in no table: no public suite is known for it.")
        return
    yield from _comment(
        f"Public suites of the area ({plan.workload.family}), to run beside it or as COMMAND:"
    )
    for suite in plan.workload.suites:
        yield from _comment(f"  {suite}")


def _comment(text: str) -> list[str]:
    """Return ``text`` as comment lines; whatever is no printable character becomes a '?'."""
    import textwrap

    plain = "".join(one if one.isprintable() else "?" for one in HIDDEN.sub("?", text))
    indent = " " * (len(plain) - len(plain.lstrip()))
    lines = textwrap.wrap(
        plain.strip(), _WIDTH, break_long_words=False, break_on_hyphens=False
    ) or [""]
    return [f"# {indent}{line}".rstrip() for line in lines]
