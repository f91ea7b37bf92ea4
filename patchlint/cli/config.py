"""``patchlint config``: show what holds and where it comes from; accept findings."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from patchlint.integrations.config import Settings

EPILOG: Final = """\
examples:
  patchlint config                                    what holds, and where from
  patchlint config accept 3f2a9c04d1 --reason "freed by the caller, see v2"
  patchlint config accept 3f2a9c04d1 --remove
  git config --global patchlint.failOn error

Nearest wins, from far to near: defaults; git's system and global configuration;
~/.config/patchlint/config.toml; .git/config; git -c; PATCHLINT_* in the
environment; options.  Names are the same everywhere: fail-on in the file is
patchlint.failOn for git and PATCHLINT_FAIL_ON in the environment.  A tracked file
or a mail never configures anything.

exit status: 0, or 2 when the configuration cannot hold or be written
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options and sub-commands of ``config``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--format", choices=("terminal", "json"), default="terminal", help="how to print"
    )
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND")
    accept = commands.add_parser("accept", help="accept a finding, with a reason")
    accept.add_argument("fingerprint", metavar="FINGERPRINT", help="as the finding shows it")
    what = accept.add_mutually_exclusive_group(required=True)
    what.add_argument("--reason", metavar="TEXT", help="why it is fine; required to accept")
    what.add_argument("--remove", action="store_true", help="no longer accept it")
    where = accept.add_mutually_exclusive_group()
    where.add_argument(
        "--global",
        action="store_const",
        const="global",
        dest="scope",
        help="for all your repositories; the default outside of a repository",
    )
    where.add_argument(
        "--local",
        action="store_const",
        const="local",
        dest="scope",
        help="in .git/config; the default inside of a repository",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the configuration, or change what is accepted."""
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.outside.programs import ProgramError

    try:
        if arguments.config_command == "accept":
            return _accept(arguments)
        settings = load_settings()
    except (ConfigError, ProgramError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.format == "json":
        print(json.dumps(_as_json(settings), indent=2))
    else:
        _show(settings)
    return 0


def _accept(arguments: argparse.Namespace) -> int:
    from patchlint.integrations import accept
    from patchlint.outside import programs

    fingerprint = arguments.fingerprint.strip()
    refused = _no_fingerprint(fingerprint, stored=arguments.remove)
    if refused:
        print(f"patchlint: {refused}", file=sys.stderr)
        return 2
    inside, _ = programs.quick_git("rev-parse", "--git-dir")
    scope = arguments.scope or ("local" if inside == 0 else "global")
    if arguments.remove:
        if not accept.drop(fingerprint, scope):
            print(f"patchlint: {fingerprint} is not accepted ({scope})", file=sys.stderr)
            return 2
        print(f"no longer accepted ({scope}): {fingerprint}")
        return 0
    reason = " ".join(arguments.reason.split())
    if not reason:
        print("patchlint: give a reason: it is shown whenever the finding is", file=sys.stderr)
        return 2
    accept.add(fingerprint, reason, scope)
    print(f"accepted ({scope}): {fingerprint} {reason}")
    return 0


def _no_fingerprint(text: str, *, stored: bool) -> str:
    """Why ``text`` is no fingerprint, "" where it may be one.

    What was ``stored`` before such words were refused can be taken out.
    """
    from patchlint.integrations import accept

    if not text or " " in text:
        return f"{text!r} is not a fingerprint"
    if len(text) < accept.SHORTEST:
        return f"{text} is too short: give at least {accept.SHORTEST} characters"
    if stored or accept.FINGERPRINT.fullmatch(text):
        return ""
    return (
        f"{text!r} is not a fingerprint: that has hexadecimal digits alone,"
        f" {accept.LONGEST} at most"
    )


def _as_json(settings: Settings) -> dict[str, Any]:
    from patchlint.integrations.config import SINGLE, config_file

    return {
        "schema": "patchlint-config/1",
        "file": config_file(),
        "settings": {
            setting.name: {
                "value": (setting.values[-1] if setting.values else None)
                if setting.name in SINGLE
                else list(setting.values),
                "origin": setting.origin,
            }
            for setting in settings.settings
        },
        "accepted": [
            {"fingerprint": one.fingerprint, "reason": one.reason, "origin": one.origin}
            for one in settings.accepted
        ],
        "problems": list(settings.problems),
    }


def _show(settings: Settings) -> None:
    rows = [
        (setting.name, ", ".join(setting.values) or "-", setting.origin)
        for setting in settings.settings
    ]
    names = max(len(name) for name, _, _ in rows)
    values = max(len(value) for _, value, _ in rows)
    for name, value, origin in rows:
        print(f"{name:<{names}}  {value:<{values}}  {origin}")
    for one in settings.accepted:
        print(f"accepted  {one.fingerprint}  {one.reason}  ({one.origin})")
    for problem in settings.problems:
        print(f"patchlint: {problem}", file=sys.stderr)
