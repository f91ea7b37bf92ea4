"""Finds the command and runs it; each command is one module beside this one.

A command module has ``add_arguments(parser)`` and ``run(arguments) -> int``; it is
imported only when its command is given, so that the hook starts fast.
"""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

#: command -> (module in this package, one line for ``--help``)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "check": ("check", "check patch mails, series or a git range"),
    "explain": ("explain", "print a rule's documentation"),
    "rules": ("rules", "list the rules"),
    "facts": ("facts", "print the facts read off a C file, or derive new ones from a tree"),
    "graph": ("graph", "show callers, contexts and cleanup effects of a function"),
    "index": ("index", "build, show or prune the index of a kernel tree"),
    "mcp": ("mcp", "answer the questions of machines that review"),
    "hook": ("hook", "install, remove or run the git hooks"),
    "b4": ("b4", "checks for b4, and their set-up"),
    "watch": ("watch", "follow a list and draft replies"),
    "patchwork": ("patchwork", "post checks to a patchwork server"),
    "config": ("config", "show the configuration that holds, and where it comes from"),
    "scan": ("scan", "check whole archives into a store"),
    "findings": ("findings", "ask a store for findings"),
    "site": ("site", "write static pages from stores"),
    "stats": ("stats", "count the findings of a store"),
    "export": ("export", "write a store as JSON Lines, CSV or Parquet"),
    "confirm": ("confirm", "print or run a script that shows a finding on a running kernel"),
    "compare": ("compare", "compare the findings of two versions of a series"),
    "completions": ("completions", "print shell completions"),
    "man": ("man", "print the manual page"),
}

USAGE_ERROR: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status (see the output contract)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = _take_debug(arguments)
    from patchlint.outside import console

    with console.guarded():
        try:
            status = _run(arguments)
            sys.stdout.flush()
        except KeyboardInterrupt:
            return _stopped()
        except BrokenPipeError:
            # the reader of a pipe went away: that is its choice, not an error of ours
            console.drop_output()
            return 0
        except Exception as error:  # noqa: BLE001 - no failure may look like findings
            return _unexpected(error, debug=debug)
        return status


#: 128 and the number of SIGINT, as shells have it
INTERRUPTED: Final = 130


def _stopped() -> int:
    """Say in one line that the user stopped it; the status that shells know."""
    print("patchlint: stopped", file=sys.stderr)
    return INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    if arguments[:2] == ["hook", "run"] and not "".join(arguments[2:3]).startswith("-"):
        # the hook stands between a developer and the send: no parser, no table of commands
        from patchlint.integrations.hook_run import main as run_hook

        return run_hook(arguments[2:])
    from patchlint.cli import dispatch

    return dispatch.run(arguments, COMMANDS)


def _take_debug(arguments: list[str]) -> bool:
    """Take ``--debug`` out of the options, wherever it stands in them; whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [one for one in arguments[:end] if one != "--debug"]
    found = len(options) != end
    arguments[:end] = options
    return found


def _unexpected(error: Exception, *, debug: bool) -> int:
    """Tell of a failure in one line, with ``debug`` where it came from as well; return 2."""
    from patchlint.outside import console

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        # no file of ours: standard output is closed, or full
        console.drop_output()
        print(f"patchlint: the output could not be written: {error.strerror}", file=sys.stderr)
    elif isinstance(error, OSError) and error.filename is not None:
        print(f"patchlint: {error.filename}: {error.strerror}", file=sys.stderr)
    else:
        from patchlint.outside.programs import told

        what = told(error)[:_SAID]
        print(f"patchlint: could not finish: {what} (--debug shows where)", file=sys.stderr)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        console.drop_output()
    return USAGE_ERROR


#: of the text of an unexpected failure so much is told
_SAID: Final = 300


def script() -> int:
    """Run as a program of its own: :func:`main`, with the collector out of the way.

    Starting makes many objects and leaves them to the end of the process; looking through
    them for cycles, again and again and once more at the exit, takes a fifth of a short run.
    Whatever is not a check of some mails may run for long, and is collected as usual.
    """
    try:
        return _script()
    except KeyboardInterrupt:  # before or behind what main() guards
        return _stopped()


def _script() -> int:
    short = sys.argv[1:2] == ["check"]
    if short:
        gc.set_threshold(50_000, 20, 20)
        _import_msgspec()
    status = main()
    gc.freeze()
    if short and not _LAST_WORDS.intersection(sys.modules):
        _end(status)
    return status


#: modules that have something to do when the interpreter ends
_LAST_WORDS: Final = frozenset(
    {"multiprocessing", "concurrent.futures", "logging", "threading", "coverage"}
)


def _end(status: int) -> None:
    """End the process without taking its objects apart, which would take a while.

    What was printed is out, or its failure is told, when :func:`main` returns.
    """
    import os

    os._exit(status)


#: modules for values that no mail has: what of msgspec's imports a short check can spare
_SPARED: Final = ("uuid", "decimal", "textwrap")


def _import_msgspec() -> None:
    """Import msgspec without what a short check does not need of it.

    That is typing_extensions, as where it is not installed (its names are for annotations
    that others write), and the modules of types that no value here is of.
    Their import takes a sixth of a short run.
    """
    if "msgspec" in sys.modules:
        return
    absent: dict[str, object] = {"typing_extensions": None}
    absent |= {name: _stand_in(name) for name in _SPARED}
    absent = {name: one for name, one in absent.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        import msgspec  # noqa: F401
    finally:
        for name in absent:
            del sys.modules[name]


class _Nothing(type):
    """A class that has any attribute, and that no value is of."""

    def __getattr__(cls, name: str) -> _Nothing:
        return cls


def _stand_in(name: str) -> object:
    module = type(sys)(name)
    nothing = _Nothing("nothing", (), {})
    module.__getattr__ = lambda _: nothing  # type: ignore[method-assign]
    return module


if __name__ == "__main__":
    sys.exit(script())
