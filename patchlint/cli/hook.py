"""``patchlint hook``: put git hooks in place, take them out, run them."""

from __future__ import annotations

import argparse
import sys
from typing import Final

EPILOG: Final = """\
examples:
  patchlint hook install                         check before each git send-email
  patchlint hook install --hook pre-push --fail-on error
  patchlint hook remove                          put things back as they were

A finding at --fail-on or above stops git.  To go on anyway: git send-email
--no-validate, git push --no-verify.  A hook that stands there already is kept
and runs first.
"""

STATUS: Final = """\
exit status: 0 git goes on, 1 findings stop it, 2 the check itself failed, 130 stopped by
Ctrl-C, and git stops too"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands of ``hook``."""
    parser.epilog = f"{EPILOG}\n{STATUS}; of install and remove 0 done, 2 not done"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="hook_command", metavar="COMMAND", required=True)
    install = commands.add_parser("install", help="put hooks in place")
    remove = commands.add_parser("remove", help="take the hooks out again")
    for command in (install, remove):
        command.epilog = "exit status: 0 done, 2 not done"
    for command in (install, remove):
        command.add_argument(
            "--repo", metavar="DIR", help="the repository; default: the one you stand in"
        )
        command.add_argument(
            "--hook",
            action="append",
            dest="hooks",
            choices=("sendemail-validate", "applypatch-msg", "pre-push"),
            help="which hook, repeatable; default: sendemail-validate to install, all to remove",
        )
    install.add_argument(
        "--fail-on",
        choices=("error", "warning", "note", "never"),
        default="",
        help="the level that stops git; default: as configured, warning if not",
    )
    run = commands.add_parser("run", help="do what the hook does; git runs this")
    run.epilog = STATUS
    run.add_argument("--fail-on", choices=("error", "warning", "note", "never"))
    run.add_argument("name", metavar="NAME", help="the name of the hook")
    run.add_argument(
        "hook_arguments", metavar="ARG", nargs=argparse.REMAINDER, help="what git hands over"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the sub-command says."""
    if arguments.hook_command == "run":
        return _run(arguments)
    from patchlint.integrations import hooks

    names = arguments.hooks
    try:
        if arguments.hook_command == "install":
            changes = hooks.install(
                names or ["sendemail-validate"], arguments.repo, arguments.fail_on
            )
        else:
            changes = hooks.remove(names or list(hooks.HOOKS), arguments.repo)
    except hooks.HookError as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    for change in changes:
        if names or arguments.hook_command == "install" or change.what != "is not there":
            print(f"{change.hook}: {change.what}: {change.path}")
    _say_where(arguments.hook_command, {change.path for change in changes}, arguments.repo)
    if arguments.hook_command == "install":
        _offer_index(arguments.repo)
    return 0


def _offer_index(repository: str | None) -> None:
    from patchlint.index.offer import beforehand
    from patchlint.integrations import trees

    said = beforehand(trees.top(repository))
    if said is not None:
        print(said)


def _say_where(command: str, paths: set[str], repository: str | None) -> None:
    """Tell of a hook folder that reaches further than one clone of one repository."""
    import os

    from patchlint.integrations import trees
    from patchlint.outside import programs

    if command != "install":
        return
    configured = programs.git(
        "config", "--show-scope", "--get", "core.hooksPath", cwd=repository, accept=(0, 1)
    )
    scope = configured.split("\t")[0]
    if scope in {"global", "system"}:
        print(f"core.hooksPath is set ({scope}): the hook runs for all your repositories")
    top = trees.top(repository)
    inside = top is not None and any(
        os.path.commonpath([top, path]) == top and "/.git/" not in path for path in paths
    )
    if inside:
        print("core.hooksPath is a folder of the work tree: take care not to commit the hook")


def _run(arguments: argparse.Namespace) -> int:
    from patchlint.integrations.hook_run import main

    fail_on = ["--fail-on", arguments.fail_on] if arguments.fail_on else []
    rest = arguments.hook_arguments
    return main([arguments.name, *fail_on, *([] if rest[:1] == ["--"] else ["--"]), *rest])
