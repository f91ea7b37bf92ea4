"""``patchlint facts FILE``: what the syntax stage reads off a C file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from patchlint.model.facts import Call, FileFacts, Function


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = """\
examples:
  patchlint facts fs/namespace.c
  patchlint facts fs/namespace.c --function umount
  patchlint facts drivers/block/loop.c --format json
  patchlint facts --tree ~/linux --derive --under fs/nfsd/

exit status: 0, or 2 when the file cannot be read or is no C source"""
    parser.add_argument("file", metavar="FILE", nargs="?", help="a C file, or - for standard input")
    parser.add_argument("--tree", metavar="DIR", help="with --derive: the kernel source")
    parser.add_argument(
        "--derive",
        action="store_true",
        help="propose table rows: functions that reach a known cleanup, deferred twins",
    )
    parser.add_argument(
        "--under", metavar="DIR", default="", help="with --derive: only files below DIR"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print (default: text)"
    )
    parser.add_argument(
        "--function",
        action="append",
        default=[],
        metavar="NAME",
        help="print this function alone; may be repeated",
    )
    parser.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="DIR",
        help="further rules of your own, laid out as the shipped ones",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the facts of one file, or proposals from a tree."""
    if arguments.derive:
        return _derive(arguments)
    if arguments.file is None:
        print("patchlint: give a C file, or --tree DIR --derive", file=sys.stderr)
        return 2
    from patchlint.cli import source
    from patchlint.integrations.config import ConfigError, rule_folders
    from patchlint.ruleset.load import RuleError, load
    from patchlint.syntax.facts import extract_functions, extract_text

    path: str = arguments.file
    try:
        text = source.read(path)
        macros = load([Path(folder) for folder in rule_folders(arguments.rules)]).kernel.macros
    except (source.NoSourceError, ConfigError, RuleError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.function:
        facts = extract_functions(path, text, frozenset(arguments.function), macros)
        missing = set(arguments.function) - {function.name for function in facts.functions}
        for name in sorted(missing):
            print(f"patchlint: {path}: no function {name}", file=sys.stderr)
        if missing and not facts.functions:
            return 2
    else:
        facts = extract_text(path, text, macros)
        try:
            source.hold(path, facts)
        except source.NoSourceError as error:
            print(f"patchlint: {error}", file=sys.stderr)
            return 2
    if arguments.format == "json":
        print(as_json(facts))
    else:
        print("\n".join(as_text(facts)))
    return 0


def _derive(arguments: argparse.Namespace) -> int:
    """Print proposals as TOML rows, each with its evidence."""
    from patchlint.cli.trees import Asked
    from patchlint.index.proposals import propose
    from patchlint.integrations.config import ConfigError, rule_folders
    from patchlint.patch.trees import TreeError
    from patchlint.ruleset.load import RuleError, load

    if not arguments.tree:
        print("patchlint: --derive needs --tree", file=sys.stderr)
        return 2
    try:
        ruleset = load([Path(folder) for folder in rule_folders(arguments.rules)])
        asked = Asked(arguments.tree, ruleset.kernel.macros)
    except (ConfigError, TreeError, RuleError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    for proposal in propose(asked.tree, asked.facts, ruleset, arguments.under):
        print(proposal.toml(), flush=True)
    asked.say()
    return 0


def as_json(facts: FileFacts) -> str:
    """Give the facts as one JSON object with the fields' own names."""
    import json

    from msgspec import to_builtins

    return json.dumps(to_builtins(facts), indent=1)


def as_text(facts: FileFacts) -> Iterator[str]:
    """Give the lines of the readable form, functions first."""
    for function in facts.functions:
        yield from _function(function)
    for macro in facts.macros:
        yield f"{macro.line}: {macro.name}({', '.join(macro.args)})"
    for one in facts.initializers:
        yield f"{one.line}: {one.struct} {one.variable} .{one.member} = {one.value}"
    for parameter in facts.globals:
        yield f"global: {parameter.type} {parameter.name}"
    for struct, member, kind, line in facts.fields:
        yield f"{line}: {struct} has {kind} {member}"
    if facts.declared:
        yield f"declared: {', '.join(facts.declared)}"


def _function(function: Function) -> Iterator[str]:
    notes = [
        function.entry or "",
        "" if function.complete else "incomplete",
        "parse errors" if function.errors else "",
    ]
    told = "".join(f" [{note}]" for note in notes if note)
    parameters = ", ".join(f"{one.type} {one.name}".strip() for one in function.parameters)
    static = "static " if function.static else ""
    yield (
        f"{function.line}-{function.end}: {static}{function.returns} "
        f"{function.name}({parameters}){told}"
    )
    for call in function.calls:
        yield f"  {call.line}: {_call(call)}"
    for one in function.assignments:
        yield f"  {one.line}: {one.target} = {one.value}"


def _call(call: Call) -> str:
    """Give a call with all that is known of where it stands."""
    marks = [
        word
        for word, holds in (
            ("indirect", call.indirect),
            ("at scope exit", call.implicit),
            ("tested", call.tested),
            ("in loop", call.in_loop),
        )
        if holds
    ]
    if call.label:
        marks.append(f"after {call.label}:")
    marks.extend(
        f"{'if' if one.taken else 'unless'} {one.text}{' (before)' if one.early else ''}"
        for one in call.conditions
    )
    target = f"{call.assigned} = " if call.assigned else ""
    told = f"  [{'; '.join(marks)}]" if marks else ""
    return f"{target}{call.callee}({', '.join(call.args)}){told}"
