"""Our own small C, read with the shipped tables: graphs, and comparisons of two of them."""

from __future__ import annotations

import difflib
from functools import cache

from patchlint.graph.build import build
from patchlint.graph.comparison import Comparison
from patchlint.graph.downgrades import find
from patchlint.graph.follow import lines_of
from patchlint.graph.reach.way import Way
from patchlint.graph.summary import Summaries
from patchlint.model.image import FilePair, Image
from patchlint.ruleset.load import load
from patchlint.ruleset.prefilter import candidate
from patchlint.syntax.facts import extract_text

PATH = "fs/lamp.c"


@cache
def shipped():
    """The shipped rules, read once."""
    return load(cached=False)


def kernel():
    return shipped().kernel


@cache
def facts(path, text):
    return extract_text(path, text.encode(), kernel().macros)


def files(source):
    """``source`` as path -> text; a text alone is one file."""
    return {PATH: source} if isinstance(source, str) else source


def graph(source):
    """The graph of one text, or of files by path in the order given."""
    return build([facts(path, text) for path, text in files(source).items()], kernel())


def function(of, name, path=PATH):
    found = of.find(name, path)
    assert found is not None, name
    return found


def kept(before, after):
    """The lines that stay, pre line to post line, counted from 1."""
    matcher = difflib.SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return {
        block.a + place + 1: block.b + place + 1
        for block in matcher.get_matching_blocks()
        for place in range(block.size)
    }


def compare(before, after, *, renamed=None, message="", titles=(), ways=None, bodies=None):
    """Both sides compared; ``renamed`` leads from an old path to the new one."""
    old, new = graph(before), graph(after)
    return Comparison(
        old,
        new,
        lines_of(pairs(before, after, renamed), old, new),
        message=message,
        titles=tuple(titles),
        ways=ways,
        bodies=None if bodies is None else lambda: bodies,
    )


def way(*chain, **told):
    """A certain way from what user space calls to the last function of a chain."""
    known = {
        "kind": "file operation",
        "context": "task",
        "strength": "certain",
        "reaches_user": True,
        "why": "it is .release",
        "ends": ("device",),
    }
    return Way(name=chain[0], chain=chain, **(known | told))


def pairs(before, after, renamed=None):
    """Each file on both sides; ``renamed`` leads from an old path to the new one."""
    old, new = files(before), files(after)
    origin = {to: name for name, to in (renamed or {}).items()}
    return [
        FilePair(
            path,
            origin.get(path),
            image(origin.get(path, path), old.get(origin.get(path, path))),
            image(path, text),
            kept(old.get(origin.get(path, path), ""), text),
            (1,),
        )
        for path, text in new.items()
    ]


def image(path, text):
    """A whole image, None for a file that is not there."""
    if text is None:
        return None
    return Image(path, text.encode(), ((1, text.count("\n") + 1),), whole=True)


def diff(before, after):
    """All lines of all files on both sides, as one diff."""
    old, new = files(before), files(after)
    parts = ["@@ -1 +1 @@\n"]
    for path in dict.fromkeys((*old, *new)):
        ends = [of.get(path, "").split("\n") for of in (old, new)]
        lines = difflib.unified_diff(*ends, n=max(map(len, ends)), lineterm="")
        told = [line for line in lines if not line.startswith(("@@", "---", "+++"))]
        parts += [f"{line}\n" for line in told or [f" {line}" for line in ends[0]]]
    return "".join(parts)


def downgrades(before, after, **more):
    """What is found; whatever it is, the filter of words must not hold it back."""
    found = find(compare(before, after, **more))
    if found:
        assert candidate(diff(before, after).encode())
    return found


def summary(source, name="f", path=PATH):
    """The summary of one function."""
    built = graph(source)
    return Summaries(built).of(function(built, name, path))


def edges(of):
    """Deferrals as (function, mechanism, callback), in the graph's order."""
    return [(d.function.name, d.mechanism, d.callback) for d in of.deferrals]
