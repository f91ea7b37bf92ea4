"""``patchlint confirm FINDING``: a script that shows a finding on a running kernel."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patchlint.cli import output
from patchlint.cli.check import add_check_options, options_of, settings_of
from patchlint.cli.numbers import above_zero

if TYPE_CHECKING:
    import argparse

    from patchlint.confirm.claim import Claim
    from patchlint.confirm.plan import Plan
    from patchlint.model.kernel import Ruleset

USAGE_ERROR: Final = 2
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{4,16}")
_STORE: Final = b"SQLite format 3\0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = """\
examples:
  patchlint check --format json series.mbox > report.json; patchlint confirm report.json
  patchlint confirm 9e8f3d69cc5a2305 series.mbox > show.sh; sudo sh show.sh
  patchlint confirm series.mbox --boot /boot/vmlinuz-6.12.0 --command 'umount -l /mnt'
  patchlint confirm series.mbox --build ~/linux

FINDING is any mix of a fingerprint (or its beginning) and where it is from: a report in
JSON, a series as for patchlint check, a store of patchlint scan, - for a report or a mail
on standard input.  Without a fingerprint the loudest finding is taken.

exit status: 0 a script was printed, or the guest did all releases in time; 1 the guest did
some late; 2 no finding, or it could not be shown"""
    parser.add_argument(
        "finding", nargs="+", metavar="FINDING", help="fingerprint, JSON report, series, store"
    )
    output.declare(parser)
    parser.add_argument("--boot", metavar="KERNEL", help="run it in QEMU on this kernel image")
    parser.add_argument(
        "--modules", metavar="DIR", help="with --boot: lib/modules/VERSION of that kernel"
    )
    parser.add_argument(
        "--build",
        metavar="DIR",
        help="kernel source: build a tiny kernel without and with the series, show both "
        "(runs the build files of tree and series)",
    )
    parser.add_argument(
        "--series", metavar="INPUT", help="with --build: the series, where FINDING is a report"
    )
    parser.add_argument(
        "--command", metavar="TEXT", help="with --boot, --build: run this, not the reproducer"
    )
    parser.add_argument(
        "--runs", type=above_zero, default=10, metavar="N", help="rounds (default: 10)"
    )
    parser.add_argument(
        "--seconds",
        type=above_zero,
        default=600,
        metavar="N",
        help="that a guest may take (default: 600)",
    )
    add_check_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the script, or what a guest says."""
    from patchlint import run as pipeline
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.confirm import plan as plans
    from patchlint.confirm.claim import ClaimError
    from patchlint.confirm.guest import GuestError
    from patchlint.integrations.config import ConfigError
    from patchlint.ruleset.load import RuleError

    if not output.spares(arguments.output, arguments.finding):
        return USAGE_ERROR
    try:
        options = options_of(arguments, settings_of(arguments))
        ruleset = pipeline.load_rules(options)
        plan = plans.make(_claim(arguments), ruleset.kernel)
        for one in filter(None, (*plan.missing, plan.lacks)):
            print(f"patchlint: {one}", file=sys.stderr)
        if plan.nothing and (arguments.boot or arguments.build):
            return USAGE_ERROR
        if arguments.boot or arguments.build:
            return _show(arguments, plan, ruleset)
    except (RuleError, ConfigError, CannotCheck, ClaimError, GuestError, OSError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return USAGE_ERROR
    return _print(arguments, plan)


def _print(arguments: argparse.Namespace, plan: Plan) -> int:
    from patchlint.confirm.script import script

    if arguments.output is not None:
        return 0 if output.write(script(plan), arguments.output) else USAGE_ERROR
    sys.stdout.write(script(plan))
    return 0


def _claim(arguments: argparse.Namespace) -> Claim:
    """Return the finding that is meant, and say which others there are."""
    from patchlint.confirm.claim import ClaimError, choose

    fingerprint: str | None = None
    inputs: list[str] = []
    for word in arguments.finding:
        if _FINGERPRINT.fullmatch(word) and not Path(word).exists():
            if fingerprint is not None:
                raise ClaimError("one finding at a time: two fingerprints were given")
            fingerprint = word
        else:
            inputs.append(word)
    if not inputs:
        if sys.stdin.isatty():
            raise ClaimError(
                f"where is {fingerprint} from? Give the report, the series or the store as well"
            )
        inputs = ["-"]
    claims = _claims(arguments, inputs)
    chosen = choose(claims, fingerprint)
    others = dict.fromkeys(one.fingerprint for one in claims if one != chosen)
    others.pop(chosen.fingerprint, None)
    if others and fingerprint is None and not arguments.quiet:
        print(
            f"patchlint: of {len(others) + 1} findings this is {chosen.fingerprint}, the loudest; "
            f"others: {', '.join(list(others)[:10])}",
            file=sys.stderr,
        )
    return chosen


def _claims(arguments: argparse.Namespace, inputs: list[str]) -> list[Claim]:
    from patchlint import run as pipeline
    from patchlint.confirm import claim

    found: list[Claim] = []
    series: list[str] = []
    stdin: bytes | None = None
    for name in inputs:
        if name == "-":
            try:
                stdin = sys.stdin.buffer.read()
            except OSError as closed:
                print(f"patchlint: standard input: {closed.strerror}", file=sys.stderr)
                stdin = b""
            data = stdin
        else:
            path = Path(name)
            data = _head(path) if path.is_file() else b""
        if data.startswith(_STORE):
            found += _stored(name)
        elif data.lstrip()[:1] == b"{":
            found += claim.of_json(data if name == "-" else Path(name).read_bytes(), name)
        else:
            series.append(name)
    if series:
        options = options_of(arguments, settings_of(arguments))
        report = pipeline.check(series, options, stdin)
        for error in report.errors:
            print(f"patchlint: {error.told}", file=sys.stderr)
        found += claim.of_findings(report.findings)
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(4096)


def _stored(name: str) -> tuple[Claim, ...]:
    from patchlint.archive import ask
    from patchlint.archive.store import Store, StoreError
    from patchlint.confirm import claim

    try:
        with Store(name, write=False) as store:
            return claim.of_findings(ask.findings(store, ask.Question()).findings)
    except StoreError as error:
        raise claim.ClaimError(str(error)) from None


def _show(arguments: argparse.Namespace, plan: Plan, ruleset: Ruleset) -> int:
    from patchlint.confirm import show

    wish = show.Wish(arguments.command, arguments.runs, arguments.seconds)
    setup = ruleset.kernel.setups.get("trace")
    if arguments.boot:
        modules = Path(arguments.modules) if arguments.modules else None
        seen = show.boot(plan, Path(arguments.boot), modules, wish)
        print(show.one(seen))
        return seen.status
    given = [arguments.series] if arguments.series else arguments.finding
    series = [one for one in given if Path(one).exists()]
    stock, patched = show.build(plan, setup, Path(arguments.build), series, wish)
    print(show.beside(stock, patched))
    return patched.status
