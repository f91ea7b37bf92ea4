"""``patchlint mcp``: tools for machines that review, over standard input and output."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from patchlint.cli.numbers import seconds

EPILOG: Final = """\
examples:
  patchlint index ~/linux
  patchlint mcp --tree ~/linux

A program that reviews starts this itself, and speaks the Model Context Protocol with it:
  {"mcpServers": {"patchlint": {"command": "patchlint", "args": ["mcp", "--tree", "/linux"]}}}

tools: check_patch, contexts_of, effects_of, callers, explain; they only read.

exit status: 0 the client went away, 2 the server could not start"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``mcp``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--tree",
        metavar="DIR",
        help="kernel source, the one tree that the tools read (default: as for check)",
    )
    where.add_argument(
        "--no-tree", action="store_true", help="only check_patch, on hunks alone, and explain"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="longest that one question may take (default: 120)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client goes away; 2 when the server cannot start."""
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.patch.trees import TreeError, open_tree
    from patchlint.run import Options, tree_path

    try:
        given = {"tree": (arguments.tree,)} if arguments.tree else {}
        settings = load_settings(given)
        tree = tree_path(Options(tree=settings.tree, no_tree=arguments.no_tree))
        if tree is not None:
            open_tree(tree)
        elif not arguments.no_tree:
            return _fail("which tree? give --tree DIR, or --no-tree to check hunks alone")
    except (ConfigError, TreeError) as error:
        return _fail(str(error))
    try:
        from patchlint.integrations.mcp_server import server
    except ImportError:
        return _fail("the server needs the SDK: pip install 'patchlint[mcp]'")
    from patchlint.integrations.desk import Desk, Limits, bound_memory

    limits = Limits(seconds=arguments.timeout)
    bound_memory(limits)
    server(Desk(tree, limits)).run("stdio")
    return 0


def _fail(message: str) -> int:
    print(f"patchlint: {message}", file=sys.stderr)
    return 2
