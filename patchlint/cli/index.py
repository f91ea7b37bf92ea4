"""``patchlint index``: builds, shows and prunes the index of kernel trees."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Self

from patchlint.cli.numbers import not_below_zero
from patchlint.report.text import count

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from patchlint.index.store import TreeRow

EPILOG: Final = """\
examples:
  patchlint index ~/linux
  patchlint index ~/linux --revision v6.12 --jobs 4
  patchlint index --status
  patchlint index --prune --keep 2

The index makes questions about a whole tree (who calls this, where is its address taken)
some hundred times as fast; without it they are answered by searching the tree.  After a
pull or a change of branch give the same command again: only changed files are read.
The newest three commits of a repository are kept; --prune --keep N keeps N trees, the newest
of each repository or folder before any second one, and drops what only others had.
It is kept below $XDG_CACHE_HOME/patchlint, else ~/.cache/patchlint.

exit status: 0, or 2 when the tree could not be read or the index not written"""

COULD_NOT: Final = 2

_KEEP: Final = 3
_MEGABYTE: Final = 1_000_000

#: Without a bar a line is printed at most this often, in seconds.
_EVERY: Final = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``index``."""
    parser.epilog = EPILOG
    parser.add_argument("tree", nargs="?", metavar="TREE", help="git repository or plain folder")
    parser.add_argument("--revision", metavar="REV", help="commit to index (default: HEAD)")
    parser.add_argument(
        "--jobs", type=not_below_zero, metavar="N", help="worker processes (default: CPUs)"
    )
    parser.add_argument("--status", action="store_true", help="list the trees that are indexed")
    parser.add_argument("--prune", action="store_true", help="drop old trees, give room back")
    parser.add_argument(
        "--keep",
        type=not_below_zero,
        default=_KEEP,
        metavar="N",
        help="trees that --prune keeps, newest of each first (default: 3)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> int:
    """Build, show or prune; 2 when that could not be done."""
    import sqlite3

    from patchlint.patch.trees import TreeError

    if arguments.tree is None and not (arguments.status or arguments.prune):
        print("patchlint index: give a TREE, --status or --prune", file=sys.stderr)
        return COULD_NOT
    try:
        if arguments.tree is not None and not arguments.status:
            _build_anew(arguments)
        if arguments.prune:
            _prune(arguments.keep)
        if arguments.status:
            return _status(arguments.tree)
    except (TreeError, sqlite3.Error) as error:
        print(f"patchlint index: {error}", file=sys.stderr)
        return COULD_NOT
    except OSError as error:
        if error.filename is None:  # of what is printed, not of the index
            raise
        print(f"patchlint index: {error.filename}: {error.strerror}", file=sys.stderr)
        return COULD_NOT
    return 0


def _build_anew(arguments: argparse.Namespace) -> None:
    """Build; an index that is damaged is made again, since all of it can be."""
    import sqlite3

    try:
        _build(arguments)
    except (sqlite3.Error, ValueError) as error:
        from patchlint.outside.seal import discard, tells_damage

        if not tells_damage(error):  # in use, or the disk is full
            raise
        from patchlint.index.store import index_path
        from patchlint.ruleset.load import load

        path = index_path(load().kernel.macros)
        print(f"patchlint index: {path}: {error}; it is made anew", file=sys.stderr)
        discard(path)
        _build(arguments)


def _build(arguments: argparse.Namespace) -> None:
    import os

    from patchlint.index.build import build
    from patchlint.patch.trees import open_tree
    from patchlint.ruleset.load import load

    tree = open_tree(arguments.tree, arguments.revision)
    jobs = arguments.jobs or os.cpu_count() or 1
    began = time.monotonic()
    with _Progress(quiet=arguments.quiet) as progress:
        built = build(tree, load().kernel.macros, jobs, progress.tell)
    print(
        f"{tree.name}: {count(built.files, 'file')}, {built.read} read"
        f" in {time.monotonic() - began:.1f} s; {_size(built.path)} in {built.path}"
    )


def _prune(keep: int) -> None:
    from patchlint.index.store import Store

    here = _current()
    for path in sorted([*here.parent.glob("index-*.sqlite*"), *here.parent.glob("answers-*")]):
        if not path.name.startswith(here.name):
            path.unlink()
            print(f"removed {path}")
    if here.is_file():
        with Store(here) as store:
            trees, files = store.prune(keep)
        dropped = f"{count(trees, 'tree')} and {count(files, 'file')}"
        print(f"dropped {dropped}; {_size(here)} left in {here}")


def _status(tree: str | None) -> int:
    from patchlint.index.store import Store, tree_key
    from patchlint.patch.trees import open_tree

    here = _current()
    wanted = None if tree is None else tree_key(open_tree(tree))
    rows: list[TreeRow] = []
    if here.is_file():
        with Store(here) as store:
            rows = [row for row in store.trees() if wanted in {None, row.key}]
    if not rows:
        print("no index" if tree is None else f"no index of {tree} as it is now")
        return 0
    for row in rows:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.made))
        print(f"{row.key}  {made}  {row.files} files  {row.origin}")
    print(f"{_size(here)} in {here}")
    return 0


def _current() -> Path:
    from patchlint.index.store import index_path
    from patchlint.ruleset.load import load

    return index_path(load().kernel.macros)


def _size(path: Path) -> str:
    return f"{path.stat().st_size / _MEGABYTE:.1f} MB"


class _Progress:
    """A bar where rich is installed, else a line now and then; nothing without a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._update: Callable[[int, int], None] = self._line
        self._stop: Callable[[], None] = lambda: None
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._shown:
            self._start_bar()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def tell(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` files are read."""
        if self._shown:
            self._update(done, total)

    def _start_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
        except ImportError:
            return
        bar = Progress(
            "indexing",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task("indexing", total=None)
        bar.start()
        self._stop = bar.stop
        self._update = lambda done, total: bar.update(task, completed=done, total=total)

    def _line(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said >= _EVERY or done == total:
            self._said = now
            print(f"indexing: {done} of {total} files", file=sys.stderr)
