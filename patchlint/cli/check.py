"""``patchlint check``: the main job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli import output
from patchlint.outside.console import read_input

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import TextIO

    from patchlint.integrations.config import Settings
    from patchlint.model.finding import Report
    from patchlint.model.kernel import Rule
    from patchlint.report.style import Style
    from patchlint.run import Options

USAGE_ERROR: Final = 2
#: inputs may stand before and after options
MIXED: Final = True
#: formats in which standard error stays empty unless the check itself failed
SILENT: Final = frozenset({"terse", "b4", "b4-check"})
#: formats that print the rules' own texts
NEEDS_RULES: Final = frozenset({"sarif", "html"})
#: formats that show the inputs that could not be read themselves
SHOWS_ERRORS: Final = frozenset({"terminal"})
#: formats that show what the repository sets and that may hide findings
SHOWS_SETTINGS: Final = frozenset(
    {"terminal", "json", "b4", "b4-check", "junit", "github", "html", "sarif"}
)
#: formats that are one document, which a program reads whatever came of the check
DOCUMENTS: Final = frozenset({"json", "sarif", "junit", "gitlab", "rdjson", "html", "b4"})
#: formats for b4, which shows what is in them and takes each line of standard error for a failure
FOR_B4: Final = frozenset({"b4", "b4-check"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the output contract."""
    parser.epilog = """\
examples:
  patchlint check series.mbox
  patchlint check --format terse 0001-fs-defer-the-release.patch
  patchlint check --tree ~/linux v6.12..topic

exit status: 0 nothing at or above --fail-on, 1 findings, 2 could not check: nothing found, and
an input, a mail or a patch could not be read, or the check was given up;
with --format nipa 0, 250 for warnings, 1 for errors, as NIPA reads them"""
    parser.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help="mbox (also .gz, .xz), Maildir, mail, .patch file, folder of "
        "those, public-inbox epoch, git range (A..B; A is one commit, of a branch its newest), "
        "or - for standard input",
    )
    add_check_options(parser)
    from patchlint.report.render import FORMATS

    parser.add_argument(
        "--format",
        choices=list(FORMATS),
        default="terminal",
        help="how to print (default: terminal)",
    )
    output.declare(parser)
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "note", "never"),
        help="exit 1 from this level on (default: warning)",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit 2 when any input could not be read or checked to its end",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"))
    parser.add_argument(
        "--baseline", metavar="FILE", help="findings that are known already and do not count"
    )
    parser.add_argument(
        "--write-baseline",
        action="store_true",
        help="add what is found to the file of --baseline, and exit 0",
    )


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Options that every command which checks has in common."""
    from patchlint.cli.numbers import not_below_zero

    parser.add_argument(
        "--tree",
        metavar="DIR",
        action="append",
        default=[],
        help="kernel source: git repository (DIR@REVISION) or folder (default: the "
        "repository of the working directory when it is a kernel tree); repeatable: "
        "the one that fits is read",
    )
    parser.add_argument("--no-tree", action="store_true", help="use the mails alone")
    parser.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="use this rule only (repeatable)"
    )
    parser.add_argument(
        "--not-rule",
        action="append",
        default=[],
        metavar="ID",
        help="leave this rule out (repeatable)",
    )
    parser.add_argument(
        "--rules", action="append", default=[], metavar="DIR", help="further rules of your own"
    )
    parser.add_argument(
        "--time-limit",
        type=not_below_zero,
        metavar="SECONDS",
        help="for one series; what was found until then is told (default: 60, 0 for none)",
    )
    parser.add_argument("--jobs", type=not_below_zero, metavar="N", help="worker processes")
    parser.add_argument("--quiet", action="store_true", help="no summary, no progress")
    parser.add_argument("--verbose", action="store_true", help="notes and limitations in full")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; the exit status is that of the output contract."""
    inputs = list(arguments.input)
    refused = _refused(arguments, inputs)
    if refused:
        print(refused, file=sys.stderr)
        return USAGE_ERROR
    if not output.spares(arguments.output, inputs):
        return USAGE_ERROR
    inputs = inputs or ["-"]
    stdin = read_input() if "-" in inputs else None
    from patchlint import run as pipeline
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.integrations.config import ConfigError
    from patchlint.outside import activity
    from patchlint.ruleset.load import RuleError

    try:
        settings = settings_of(arguments)
        options = options_of(arguments, settings)
        with activity.shown(_terminal(arguments)):
            report = pipeline.check(inputs, options, stdin)
        _offer_index(arguments, pipeline.tree_path(options), activity.seconds("search"))
    except (RuleError, ConfigError, CannotCheck) as problem:
        print(f"patchlint: {problem}", file=sys.stderr)
        if arguments.format in DOCUMENTS:
            _print_failure(arguments, inputs[0], str(problem))
        return USAGE_ERROR
    for ignored in settings.problems if arguments.format not in SILENT else ():
        print(f"patchlint: {ignored}", file=sys.stderr)
    if arguments.write_baseline:
        return _write_baseline(arguments.baseline, report)
    if settings.accepted or settings.heeds_authors:
        from patchlint.integrations.accept import without

        report = without(report, settings)
    report = _with_settings(report, settings)
    return _told(arguments, report, settings, options)


def _print_failure(arguments: argparse.Namespace, name: str, problem: str) -> None:
    """Print the document that a program waits for, with nothing in it but why."""
    from patchlint import __version__
    from patchlint.model.finding import Report
    from patchlint.model.problem import InputError
    from patchlint.report.style import Style

    report = Report(__version__, (), (), (), (InputError(name, problem),))
    _print(arguments, report, Style())


def _refused(arguments: argparse.Namespace, inputs: Sequence[str]) -> str | None:
    """Why nothing can be done with these arguments, None where something can."""
    if arguments.write_baseline and not arguments.baseline:
        return "patchlint: --write-baseline needs --baseline FILE"
    if not inputs and sys.stdin.isatty():
        return "usage: patchlint check [OPTIONS] INPUT... (see patchlint check --help)"
    return None


def _told(
    arguments: argparse.Namespace, report: Report, settings: Settings, options: Options
) -> int:
    """Print the report, and on standard error what does not show in it; the exit status."""
    from patchlint import run as pipeline

    rules = pipeline.load_rules(options).rules if arguments.format in NEEDS_RULES else ()
    style = _style(arguments, settings, rules, pipeline.tree_path(options))
    if not _print(arguments, report, style):
        return USAGE_ERROR
    status = exit_status(report, settings.fail_on, strict=arguments.strict)
    if arguments.format == "nipa" and not _failed(report, strict=arguments.strict):
        from patchlint.report.nipa import nipa

        return nipa(report)[0]
    _say_doubts(arguments, report, status)
    if not report.series and arguments.format not in SILENT:
        _give_hints(report, pipeline.tree_path(options))
    return status


def _say_doubts(arguments: argparse.Namespace, report: Report, status: int) -> None:
    """Say on standard error what was not checked, unless the reader sees it in the report."""
    from patchlint.report.lookup import (
        PARTLY,
        given_up,
        in_part,
        lost,
        set_nearby,
        unfinished,
        unsure,
    )

    if arguments.format not in SHOWS_SETTINGS or arguments.output is not None:
        for limitation in set_nearby(report):
            print(f"patchlint: {limitation.message}", file=sys.stderr)
    # b4 is shown what was not read beside what was
    failed = status == USAGE_ERROR and not (arguments.format in FOR_B4 and report.series)
    # where a finding is told, or b4 is, silence passes nothing; one patch of a series may be
    # given on purpose
    heard = arguments.format in FOR_B4 or not (unsure(report) and in_part(report))
    if arguments.format in SILENT and heard and not failed:
        return
    shown = arguments.format in SHOWS_ERRORS and arguments.output is None
    for error in report.errors if not shown else ():
        print(f"patchlint: {error.told}", file=sys.stderr)
    for limitation in lost(report) if not shown else ():
        print(f"patchlint: {PARTLY}: {limitation.told}", file=sys.stderr)
    # on a terminal the summary counts them, and --verbose tells them
    if not shown or (failed and not arguments.verbose):
        for limitation in unfinished(report) if failed else given_up(report):
            if not limitation.lost:
                print(f"patchlint: {limitation.told}", file=sys.stderr)


def _terminal(arguments: argparse.Namespace) -> TextIO | None:
    """Where to show what is being done: standard error, if somebody looks at it."""
    if arguments.quiet or arguments.format in SILENT or not sys.stderr.isatty():
        return None
    from patchlint.outside.console import bare

    return bare(sys.stderr)


def _offer_index(arguments: argparse.Namespace, tree: str | None, seconds: float) -> None:
    """Say once of a tree that searching it took long, and what would help."""
    if tree is None or not seconds or _terminal(arguments) is None:
        return
    from patchlint.index.offer import after_search

    said = after_search(tree, seconds)
    if said is not None:
        print(f"patchlint: {said}", file=sys.stderr)


def _give_hints(report: Report, tree: str | None) -> None:
    from patchlint.cli.hints import hint

    for name in dict.fromkeys(error.input for error in report.errors):
        helps = None if name == "-" else hint(name, tree)
        if helps:
            print(f"patchlint: {name}: {helps}", file=sys.stderr)


def settings_of(arguments: argparse.Namespace) -> Settings:
    """What holds: the command line over the user's configuration over the defaults."""
    from patchlint.integrations.config import ConfigError, load_settings

    if "" in arguments.tree:  # what a script makes of a variable that is not set
        raise ConfigError("--tree names nothing; --no-tree uses the mails alone")
    given = {
        "fail-on": getattr(arguments, "fail_on", None),
        "tree": arguments.tree[0] if arguments.tree else None,
        "jobs": arguments.jobs,
        "time-limit": arguments.time_limit,
        "color": getattr(arguments, "color", None),
        "baseline": getattr(arguments, "baseline", None),
    }
    if getattr(arguments, "write_baseline", False):
        given["baseline"] = ""
    layer = {name: (str(value),) for name, value in given.items() if value is not None}
    layer |= {
        "rule": tuple(arguments.rule),
        "not-rule": tuple(arguments.not_rule),
        "rules": tuple(arguments.rules),
    }
    return load_settings(layer)


def options_of(arguments: argparse.Namespace, settings: Settings) -> Options:
    """The pipeline's options for the settings that hold."""
    from patchlint.run import Options

    return Options(
        tree=None if arguments.no_tree else settings.tree,
        no_tree=arguments.no_tree,
        rules=settings.all("rules"),
        only=settings.all("rule"),
        without=settings.all("not-rule"),
        jobs=settings.number("jobs"),
        limit=settings.number("time-limit") or None,
        others=() if arguments.no_tree else tuple(arguments.tree[1:]),
    )


def _write_baseline(path: str, report: Report) -> int:
    """Write what was found to the baseline at ``path``; 2 when that or the check failed."""
    from patchlint.integrations import baseline
    from patchlint.integrations.config import ConfigError

    for error in report.errors:
        print(f"patchlint: {error.told}", file=sys.stderr)
    if not report.series:
        return USAGE_ERROR
    try:
        held = baseline.write(path, report.findings)
    except (ConfigError, OSError) as error:
        said = getattr(error, "strerror", None)
        print(f"patchlint: {f'{path}: {said}' if said else error}", file=sys.stderr)
        return USAGE_ERROR
    from patchlint.report.text import count

    print(f"patchlint: {path} holds {count(held, 'known finding')}", file=sys.stderr)
    return 0


def _with_settings(report: Report, settings: Settings) -> Report:
    """The report with what the repository's own configuration may hide, as limitations."""
    said = settings.of_repository
    if not said:
        return report
    from msgspec.structs import replace

    from patchlint.model.problem import CONFIG, Limitation

    more = tuple(Limitation(CONFIG, text) for text in said)
    return replace(report, limitations=(*report.limitations, *more))


def exit_status(report: Report, fail_on: str, *, strict: bool = False) -> int:
    """0, 1 or 2 as the output contract says."""
    from patchlint.model.finding import LEVELS

    if _failed(report, strict=strict):
        return USAGE_ERROR
    loud = () if fail_on == "never" else LEVELS[: LEVELS.index(fail_on) + 1]
    if any(finding.level in loud for finding in report.findings):
        return 1
    # of what could not be read nobody knows that it has none
    return USAGE_ERROR if report.errors else 0


def _failed(report: Report, *, strict: bool) -> bool:
    """Whether there was nothing to check, or with ``strict`` not all of it."""
    from patchlint.report.lookup import in_part, unchecked, unfinished

    if not report.series or unchecked(report):
        return True
    return strict and bool(in_part(report) or unfinished(report))


def _style(
    arguments: argparse.Namespace, settings: Settings, rules: Sequence[Rule], tree: str | None
) -> Style:
    from patchlint.report.style import Style

    wanted = settings.one("color")
    to_terminal = output.to_terminal(arguments.output)
    width = 100
    if to_terminal:
        import shutil

        width = shutil.get_terminal_size().columns
    repository = ""
    if tree is not None and arguments.format == "sarif":
        from patchlint.integrations import repository as repositories

        repository = repositories.uri(tree)
    return Style(
        color=output.colored(wanted, arguments.output),
        width=width,
        terminal=to_terminal,
        verbose=arguments.verbose,
        quiet=arguments.quiet,
        notes=settings.fail_on == "note",
        complaints=settings.one("wrong-to"),
        rules={rule.id: rule for rule in rules},
        rule_url=settings.one("rule-url"),
        link_url=settings.one("link-url"),
        repository=repository,
    )


def _print(arguments: argparse.Namespace, report: Report, style: Style) -> bool:
    from patchlint.outside.console import write_report
    from patchlint.report.render import render

    text = render(report, arguments.format, style)
    if arguments.output is None:
        write_report(text, color=style.color, commands=arguments.format == "github")
        return True
    return output.write(text, arguments.output)
