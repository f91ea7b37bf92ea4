"""``patchlint explain NAME``: a rule's documentation, or what is known of a function."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from patchlint.model.kernel import (
        Activation,
        Cleanup,
        KernelFacts,
        Registration,
        Rule,
        Ruleset,
        Source,
        Twin,
        Wait,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = """\
example:
  patchlint explain mount-put-deferred

The name of a kernel function prints what the tables know of it: as a release, as
something that defers, as a wait.

exit status: 0, or 2 when the name is not known or a rule cannot be used"""
    parser.add_argument(
        "name", metavar="RULE", help="a rule's id or a part of it, or a kernel function"
    )
    parser.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="DIR",
        help="further rules of your own, laid out as the shipped ones",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what is known of the name."""
    from patchlint.integrations.config import ConfigError, rule_folders
    from patchlint.ruleset.load import RuleError, load

    try:
        ruleset = load([Path(folder) for folder in rule_folders(arguments.rules)])
    except (ConfigError, RuleError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    name = arguments.name.removesuffix("()")
    said = explain(ruleset, name)
    if said is None and _is_path(arguments.name):
        told = "is a file, no rule and no function: patchlint check and patchlint facts read files"
        print(f"patchlint: {arguments.name} {told}", file=sys.stderr)
        return 2
    alike = [] if said else rules_like(ruleset, name)
    if len(alike) == 1:
        print(f"patchlint: {name}: {alike[0].id}", file=sys.stderr)
        said = _rule(ruleset.kernel, alike[0])
    if alike and not said:
        print(f"patchlint: {name} may be one of these rules:", file=sys.stderr)
        for rule in alike:
            print(f"  {rule.id:{max(len(one.id) for one in alike)}}  {rule.title}", file=sys.stderr)
        return 2
    if said is None:
        print(f"patchlint: {_unknown(ruleset, arguments.name)}", file=sys.stderr)
        return 2
    print(said)
    return 0


def _is_path(name: str) -> bool:
    """Whether a name is that of a file, and no part of a rule's."""
    try:
        return Path(name).is_file() or ("/" in name and Path(name).exists())
    except (OSError, ValueError):
        return False


def rules_like(ruleset: Ruleset, name: str) -> list[Rule]:
    """Return the rules that a part of an id may mean: those that begin so, else hold it."""
    wanted = name.lower().replace("_", "-").strip("-[] ")
    if not wanted:
        return []
    begin = [rule for rule in ruleset.rules if rule.id.startswith(wanted)]
    return begin or [rule for rule in ruleset.rules if wanted in rule.id]


def explain(ruleset: Ruleset, name: str) -> str | None:
    """Return the text for a rule or function, None when nothing is known of ``name``."""
    for rule in ruleset.rules:
        if rule.id == name:
            return _rule(ruleset.kernel, rule)
    counter = name if name.startswith("->") else f"->{name}"
    for one in (name, counter):
        parts = list(_known(ruleset.kernel, one))
        if parts:
            return "\n".join([one if one == counter else f"{one}()", *parts])
    return None


def _rule(kernel: KernelFacts, rule: Rule) -> str:
    from patchlint.ruleset.events import plain

    if rule.documentation.strip():
        return rule.documentation.strip()
    return "\n".join(
        [
            f"{rule.id}: {rule.title} ({rule.loudest})",
            *(f"  symptom: {one}" for one in rule.symptoms),
            *(f"  instead: {plain(kernel, one)}" for one in rule.advice),
        ]
    )


def _known(kernel: KernelFacts, name: str) -> Iterable[str]:
    for row in _cleanups(kernel, name):
        yield _cleanup(kernel, row)
    for twin in kernel.twins.values():
        if name in (twin.direct, twin.deferred):
            yield _twin(twin)
    if (registration := kernel.registrations.get(name)) is not None:
        yield _registration(registration)
    if (activation := kernel.activations.get(name)) is not None:
        yield _activation(activation)
    if (wait := kernel.waits.get(name)) is not None:
        yield _wait(wait)
    if (call := kernel.system_calls.get(name)) is not None:
        ends = ", ".join("all that hangs on it" if one == "anything" else one for one in call.ends)
        yield f"  system call {call.called}(2); can end: {ends}\n{_source(call.source)}"
    if name in kernel.list_adds:
        yield "  puts an item on a list: who drains the list does the work"
    if name in kernel.list_drains:
        yield "  takes items off a list or walks it"


def _cleanups(kernel: KernelFacts, name: str) -> list[Cleanup]:
    """The rows of a cleanup; where kernels differ, of the newest first."""
    from patchlint.model.kernel import Cleanup

    older = [
        row
        for table, called, row in kernel.variants
        if table == "cleanups" and called == name and isinstance(row, Cleanup)
    ]
    newest = kernel.cleanups.get(name)
    return [*([newest] if newest is not None else []), *(r for r in older if r is not newest)]


_KINDS = {
    "ctx": "looks at its context and defers itself outside of a task",
    "sync": "works inside the call",
    "wrap": "calls one that looks at its context",
    "async": "defers itself in any context",
    "memory": "frees memory only",
    "inherit": "runs a callback in its caller's context",
    "share": "a counter against a limit: what lowers it gives a share back",
}


def _cleanup(kernel: KernelFacts, known: Cleanup) -> str:
    from patchlint.ruleset.events import plain

    lines = [
        f"  releases {known.releases}",
        f"  family {known.family}; {_KINDS[known.kind]}",
        *([f"  {_when(known)}"] if known.kind != "memory" else []),
        f"  why it matters: {plain(kernel, known.why)}",
        *(f"  symptom: {plain(kernel, one)}" for one in known.symptoms),
        *(f"  symptom with {constant}: {one}" for constant, one in known.symptoms_with),
        *(f"  instead: {plain(kernel, one)}" for one in known.advice),
    ]
    if not known.visible:
        lines.append("  user space does not see when it is late")
    return "\n".join([*lines, _source(known.source), *_seen(known)])


def _when(known: Cleanup) -> str:
    """Say by when it is done, in a task and elsewhere."""
    from patchlint.report.words import GUARANTEES

    task, deferred = GUARANTEES[known.task], GUARANTEES[known.deferred]
    if task == deferred:
        return f"{task}, wherever it runs"
    return f"in a task {task}; in a kernel thread or work item {deferred}"


def _seen(known: Cleanup) -> Iterable[str]:
    """Say on which running kernels the row was watched, where it was."""
    if known.seen:
        others = [f"{one}()" for one in known.final if one != known.name]
        done = f"in {' or '.join(others)}" if others else "when it returns"
        yield f"  seen on {', '.join(known.seen)}: done {done}"


def _twin(known: Twin) -> str:
    return (
        f"  {known.deferred}() does what {known.direct}() does, but in {known.runs_in}() "
        f"({known.context}, {known.guarantee})\n{_source(known.source)}"
    )


def _registration(known: Registration) -> str:
    where = known.context or "its caller's context"
    does = "binds a callback and starts it" if known.activates else "binds a callback"
    waits = ", and waits for it" if known.waits else ""
    return (
        f"  {does}{waits}; the callback runs in {where} ({known.guarantee})\n"
        f"{_source(known.source)}"
    )


def _activation(known: Activation) -> str:
    keeps = "; keeps the promise for the current task" if known.keeps else ""
    return (
        f"  starts a bound callback, which runs in {known.context} "
        f"({known.guarantee}){keeps}\n{_source(known.source)}"
    )


def _wait(known: Wait) -> str:
    does = "restores the promise" if known.restores else "does not restore the promise"
    return f"  waits ({known.kind}); {does}: {known.trap}\n{_source(known.source)}"


def _source(source: Source) -> str:
    bounds = "".join(
        [
            f", since {source.since}" if source.since else "",
            f", until {source.until}" if source.until else "",
        ]
    )
    return f"  seen in {source.evidence or source.file}{bounds}"


def _unknown(ruleset: Ruleset, name: str) -> str:
    from difflib import get_close_matches

    kernel = ruleset.kernel
    known = [
        *(rule.id for rule in ruleset.rules),
        *kernel.cleanups,
        *kernel.registrations,
        *kernel.activations,
        *kernel.waits,
        *kernel.twins,
    ]
    near = get_close_matches(name, known, n=1)
    return f"nothing is known of '{name}'" + (
        f"; did you mean '{near[0]}'?" if near else " (see patchlint rules)"
    )
