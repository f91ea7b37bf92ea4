"""Facts of a file that another state of it has in part: functions are not read twice.

A function whose lines all stand in both states, and that nothing around it changes the
meaning of, is taken over with its lines moved; only the rest is parsed.  Errs towards
reading again: how a parser gets over an error depends on all that stands around, so a file
with one is read whole.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from patchlint.model.facts import (
    Assignment,
    Call,
    Condition,
    Exit,
    FileFacts,
    Function,
    Setting,
    Store,
)
from patchlint.syntax.facts import extract_text
from patchlint.syntax.kernel_macros import compile_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patchlint.model.image import Image
    from patchlint.model.kernel import Macro

#: ends of lines that no function's header goes on from
_ENDS: Final = b";}/\\:"
_first_of: Final = itemgetter(0)


def extract_beside(
    image: Image,
    other: Image,
    known: FileFacts,
    kept: Mapping[int, int],
    macros: Sequence[Macro],
) -> FileFacts:
    """Give the facts of ``image`` as ``extract`` does, with the help of another state's.

    ``known`` are the facts of ``other``; ``kept`` has the lines of it that stand in
    ``image``, by their numbers there.  Both images are whole.
    """
    if known.errors:
        return extract_text(image.path, image.text, macros)
    runs = _runs(kept)
    there, here = other.text.split(b"\n"), image.text.split(b"\n")
    taken: list[Function] = []
    done = 0
    busy = _lines_of_objects(known)
    if not _defines_scopes(there, here, kept, macros):
        for function in known.functions:
            first = _first_line(function, there)
            shift = _shift(first, function.end, runs)
            if shift is None or first <= done or not _stands_alone(function, first, there, busy):
                continue
            taken.append(_moved(function, shift, image.path))
            here[first - 1 + shift : function.end + shift] = [b""] * (function.end - first + 1)
            done = function.end
    rest = extract_text(image.path, b"\n".join(here), macros)
    if rest.errors:
        return extract_text(image.path, image.text, macros)
    functions = sorted((*rest.functions, *taken), key=lambda function: function.line)
    return replace(rest, functions=tuple(functions))


def _lines_of_objects(known: FileFacts) -> list[int]:
    return [one.line for one in known.initializers] + [line for *_, line in known.fields]


def _defines_scopes(
    there: Sequence[bytes], here: Sequence[bytes], kept: Mapping[int, int], macros: Sequence[Macro]
) -> bool:
    """Whether a changed line may define what is released at the end of a scope."""
    words = compile_table(macros).defining
    stayed = set(kept.values())
    changed = [text for number, text in enumerate(there, 1) if number not in kept]
    changed += [text for number, text in enumerate(here, 1) if number not in stayed]
    return any(word in text for text in changed for word in words)


def _first_line(function: Function, lines: Sequence[bytes]) -> int:
    """The first line of a function's header, which may begin above its name."""
    first = function.line
    while first > 1 and (above := lines[first - 2].strip()):
        if above[:1] in b"#/*" or above[-1:] in _ENDS:
            break
        first -= 1
    return first


class _Run(NamedTuple):
    """Lines that stand together in both states, and how many lines further down here."""

    first: int
    last: int
    shift: int


def _runs(kept: Mapping[int, int]) -> list[_Run]:
    """The kept lines without gaps, in the order of the other state."""
    runs: list[_Run] = []
    first = last = shift = 0
    for there, here in sorted(kept.items()):
        if there != last + 1 or here - there != shift:
            if last:
                runs.append(_Run(first, last, shift))
            first, shift = there, here - there
        last = there
    return [*runs, _Run(first, last, shift)] if last else runs


def _shift(first: int, last: int, runs: Sequence[_Run]) -> int | None:
    """By how many lines a function moved, with the line above it; None if it is not whole."""
    at = bisect_right(runs, first, key=_first_of) - 1
    if at < 0 or not runs[at].first < max(first, 2) <= last <= runs[at].last:
        return None
    return runs[at].shift


def _stands_alone(
    function: Function, first: int, lines: Sequence[bytes], busy: Sequence[int]
) -> bool:
    """Whether a function's own lines say all about it, and tell of nothing else."""
    if not function.complete or function.returns == "macro":
        return False
    last = function.end
    if lines[last - 1].strip() != b"}" or any(first <= line <= last for line in busy):
        return False
    text = b"\n".join(lines[first - 1 : last])
    # what stands in the brackets of a macro is not a function's header alone
    bare = text.find(b"(") >= text.find(function.name.encode()) >= 0
    return bare and b"#" not in text and b"extern" not in text


def _moved(function: Function, shift: int, path: str) -> Function:
    """The function ``shift`` lines further down in the file at ``path``."""
    if not shift:
        return function if function.path == path else replace(function, path=path)
    conditions: dict[int, tuple[Condition, ...]] = {}

    def above(of: tuple[Condition, ...]) -> tuple[Condition, ...]:
        moved = conditions.get(id(of))
        if moved is None:
            moved = conditions[id(of)] = tuple(
                [Condition(c.text, c.taken, c.line + shift, c.early) for c in of]
            )
        return moved

    calls = [
        Call(
            c.callee, c.args, c.line + shift, above(c.conditions), c.indirect, c.label,
            c.assigned, c.tested, c.in_loop, c.implicit, c.statement,
        )
        for c in function.calls
    ]  # fmt: skip
    return replace(
        function,
        path=path,
        line=function.line + shift,
        end=function.end + shift,
        calls=tuple(calls),
        assignments=tuple(
            [Assignment(a.target, a.value, a.line + shift) for a in function.assignments]
        ),
        settings=tuple(
            [
                Setting(s.target, s.op, s.value, s.line + shift, above(s.conditions), s.in_loop)
                for s in function.settings
            ]
        ),
        spans=tuple([(first + shift, last + shift) for first, last in function.spans]),
        exits=tuple(
            [Exit(e.text, e.line + shift, above(e.conditions), e.value) for e in function.exits]
        ),
        stores=tuple(
            [
                Store(s.target, s.op, s.value, s.line + shift, above(s.conditions))
                for s in function.stores
            ]
        ),
    )
