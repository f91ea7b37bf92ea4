"""Answers the questions of programs about one tree, within limits.

Each question is one run of patchlint in a process of its own, with a bound on its time,
memory and answer: nothing that is asked, or that a tree holds, stops the one who answers.
Questions are text and names, never a path outside of the tree or an address to fetch.
"""

from __future__ import annotations

import json
import os
import sys
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Sequence


class Limits(Struct, frozen=True):
    """What one question may cost: seconds, bytes in, bytes out, and bytes of memory."""

    seconds: float = 120.0
    question: int = 2 << 20
    answer: int = 60_000
    memory: int = 6 << 30
    at_once: int = 2


class Refused(Exception):  # noqa: N818 - a question that has no answer, with the reason
    """A question that cannot be answered; the text says why."""


class Desk:
    """Answers the questions about one tree, each in a process of its own."""

    def __init__(self, tree: str | None, limits: Limits) -> None:
        self._tree = tree
        self._limits = limits
        self._room = BoundedSemaphore(limits.at_once)

    def check(self, patch: str, rules: Sequence[str]) -> dict[str, Any]:
        """Return the report on a patch mail, an mbox of a series, or a diff alone."""
        data = patch.encode("utf-8", "surrogateescape")
        if len(data) > self._limits.question:
            raise Refused(f"the patch is longer than {self._limits.question} bytes")
        where = ["--tree", self._tree] if self._tree else ["--no-tree"]
        chosen = [word for rule in rules for word in ("--rule", _name(rule, "rule"))]
        arguments = ["check", "--format", "json", *where, *chosen, "--", "-"]
        answer: dict[str, Any] = _object(self._run(arguments, data, accept=(0, 1)))
        return _fitting(answer, "findings", self._limits.answer)

    def graph(self, function: str, path: str, *options: str) -> dict[str, Any]:
        """Return what ``patchlint graph`` tells of a function of the tree."""
        if not self._tree:
            raise Refused("the server was started without a tree")
        place = ["--path", _inside(path)] if path else []
        name = _name(function.removesuffix("()"), "function")
        arguments = ["graph", name, "--tree", self._tree, *place, *options, "--format", "json"]
        answer = _object(self._run(arguments))
        return _fitting(_shallow(answer, self._limits.answer), "contexts", self._limits.answer)

    def explain(self, name: str) -> str:
        """Return what is known of a rule or a kernel function, as text."""
        return self._run(["explain", _name(name.removesuffix("()"), "name")])

    def _run(
        self, arguments: Sequence[str], data: bytes = b"", accept: Sequence[int] = (0,)
    ) -> str:
        argv = [sys.executable, "-P", "-m", "patchlint.cli.main", *arguments]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with self._room:
            try:
                status, out, errors = programs.finished(
                    argv, stdin=data, environ=environ, patience=self._limits.seconds
                )
            except programs.ProgramError as error:
                raise Refused(_why(error, self._limits)) from error
        if status not in accept:
            raise Refused(programs.said(errors).removeprefix("patchlint: ") or "no answer")
        text = out.decode("utf-8", "replace")
        return text if arguments[0] != "explain" else text[: self._limits.answer]


def _why(error: Exception, limits: Limits) -> str:
    if "timed out" in str(error):
        return (
            f"no answer within {limits.seconds:g} s; 'patchlint index TREE' makes questions to "
            "a tree fast"
        )
    return "the question could not be asked"


def _name(text: str, what: str) -> str:
    """Return ``text`` if it is a name, of C or of a rule."""
    longest = 128
    plain = text if what == "function" else text[:1] + text[1:].replace("-", "_")
    if not (plain.isascii() and plain.isidentifier() and len(text) <= longest):
        raise Refused(f"not the name of a {what}: {text[:longest]!r}")
    return text


def _inside(path: str) -> str:
    """Return ``path`` if it stays below the top of the tree."""
    parts = path.split("/")
    if not path.isprintable() or ".." in parts or path.startswith(("/", "-")):
        raise Refused(f"not a path of the tree: {path[:200]!r}")
    return path


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused("no answer")
    return value


def _fitting(answer: dict[str, Any], key: str, most: int) -> dict[str, Any]:
    """Return ``answer`` with as much of the list under ``key`` as fits; the rest is counted."""
    whole = answer.get(key)
    if not isinstance(whole, list):
        return answer
    kept = list(whole)
    while kept and len(json.dumps({**answer, key: kept})) > most:
        kept = kept[: len(kept) // 2]
    return {**answer, key: kept, "left_out": len(whole) - len(kept)}


def _shallow(answer: dict[str, Any], most: int) -> dict[str, Any]:
    """Return ``answer`` without the lower branches of its tree, until that fits."""
    tree, depth = answer["tree"], 12
    while depth > 1 and len(json.dumps(tree)) > most // 2:
        depth -= 1
        tree = _cut(answer["tree"], depth)
    return {**answer, "tree": tree}


def _cut(branch: dict[str, Any], depth: int) -> dict[str, Any]:
    if depth == 0 and branch["branches"]:
        return {**branch, "branches": [], "left_out": len(branch["branches"])}
    return {**branch, "branches": [_cut(one, depth - 1) for one in branch["branches"]]}


def bound_memory(limits: Limits) -> None:
    """Bound the memory of this process and of those that it starts."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = limits.memory if hard == resource.RLIM_INFINITY else min(limits.memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
