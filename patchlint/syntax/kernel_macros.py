"""Rewrites kernel C so that a plain C grammar can read it; length and lines stay.

Which words are macros, and what to do with them, is data (``rules/kernel/macros.toml``).
An entry's ``action`` is one of these
(:mod:`patchlint.syntax.actions`):

=================  ==========================================================================
``blank``          the word becomes spaces (``__user``)
``blank-call``     the word and the parentheses after it become spaces (``__releases(lock)``)
``blank-args``     what stands in the parentheses becomes spaces (``asm_goto(...)``)
``blank-asm``      word, qualifiers and parentheses become spaces (``asm volatile (...)``)
``word``           the parentheses after the word become spaces (``typeof(x)``)
``static``         the word becomes ``static`` when it is as long (``STATIC``)
``blank-prefix``   the word becomes spaces when a word or string follows (``KERN_ERR``)
``type-args``      arguments that are types become identifiers (``container_of(p, struct s, m)``)
``keyword-call``   likewise, for a word that the grammar treats as a keyword (``offsetof``)
``loop``           a loop head becomes ``while (...)`` (``list_for_each(...)``)
``loop-end``       what follows the block of a ``do`` becomes ``while (...)``
``scoped``         the same, for a block that runs once (``scoped_guard(class, ...)``)
``statement``      a declaration by macro becomes a call: storage words before it become
                   spaces, type arguments identifiers, a missing semicolon is made up for
``local``          ``statement``; inside of a function it declares a variable of its own
``variable``       ``M(type, name)`` becomes ``type name``
``array``          ``M(name, size)`` becomes ``long name[size]``
``header``         ``M(name, type a)`` followed by a block becomes ``long name(type a)``
``header-pairs``   ``M(name, type, a, ...)`` becomes ``long name(type a, ...)``
``syscall``        likewise, and the function is an entry of kind ``syscall``
``scope-free``     ``blank-call``, and the variable before it is released at scope exit
``scope-class``    a call; the variable it declares is released at scope exit
``scope-guard``    a call; what it takes is released at scope exit
``define-free``    blank, and what it defines holds for the file: ``(name, type, release)``
``define-class``   likewise: ``(name, type, release, constructor, ...)``
``define-guard``   likewise: ``(name, ..., constructor, release)``
``free F``         not a word of its own: ``F`` is what ``scope-free`` of this name calls
``class F [C]``    likewise for ``scope-class``; ``C`` is the constructor
``guard F [C]``    likewise for ``scope-guard`` and ``scoped``
=================  ==========================================================================

Besides, without any table: conditional directives that cut through an expression, an
initializer or a statement are resolved for their first branch, ranges of ``case`` become
expressions, ``struct s`` and ``100baseT`` among arguments become identifiers, a call in
column 0 is closed when it lacks a semicolon and is a function's header when a body follows,
and a statement that is a call followed by a block or an indented statement is a loop.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.syntax import actions, conditionals
from patchlint.syntax.edit import DIRECTIVE, Edit, ScopeExit, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.kernel import Macro

#: The actions that are look-ups for scope exits and rewrite nothing.
_RELEASES: Final = frozenset({"free", "class", "guard"})

#: All actions that an entry of the table may name (their first word).
ACTIONS: Final = frozenset(actions.ACTIONS) | _RELEASES

#: How the actions begin of what defines a release at the end of a scope.
_DEFINES: Final = "define-"

#: How many words a table remembers: this bounds memory and changes no result.
_REMEMBERED: Final = 200_000

_TOKEN: Final = re.compile(
    rb"[A-Za-z_]\w*"
    # what is not closed is one with all that it could have: else each mark in it is tried
    rb"|/(?:\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/|\*.*+|/[^\n]*+)"
    rb'|"(?:[^"\\\n]|\\.)*+"?'
    rb"|\n(?:(?P<directive>[ \t]*#[ \t]*"
    rb"(?:define[ \t]+\w+(?:\([^)\n]*\))?|(?:\\\r?\n|[^\n])*))"
    rb"|(?:static[ \t]+(?:inline[ \t]+)?)?(?P<column0>[A-Za-z_]\w*)(?=\())"
    rb"|'(?:[^'\\\n]|\\.)++'?"
    rb"|(?P<range>\.\.\.)",
    re.DOTALL,
)
_COLUMN0: Final = re.compile(rb"(?:static[ \t]+(?:inline[ \t]+)?)?([A-Za-z_]\w*)(?=\()")
_NO_WORD: Final = frozenset(b"/\"'\n")
_CASE: Final = re.compile(rb"\bcase\b[^;{}]*\Z")


class Table(Struct, frozen=True):
    """The macro table, ready for look-ups by word.

    ``releases`` maps (kind, class name) to the names that the release and, if known, the
    constructor have.  ``seen`` holds the names and remembers what other words were; those
    among them that define what is released at the end of a scope are in ``defining`` as well.
    """

    patterns: tuple[tuple[re.Pattern[bytes], str], ...]
    releases: dict[tuple[str, str], tuple[str, ...]]
    seen: dict[bytes, str]
    defining: list[bytes]

    def action(self, word: bytes) -> str:
        """Give the action for a word, ``""`` for a word that is no macro."""
        known = self.seen.get(word)
        if known is None:
            known = next((does for like, does in self.patterns if like.fullmatch(word)), "")
            if len(self.seen) < _REMEMBERED:
                self.seen[word] = known
                if known.startswith(_DEFINES):
                    self.defining.append(word)
        return known


class Prepared(Struct, frozen=True):
    """Rewritten text of the same length, and the releases at scope exit that it hides.

    ``releases`` are those that the text defines itself, as in :class:`Table`.
    """

    text: bytes
    scope_exits: tuple[ScopeExit, ...]
    releases: dict[tuple[str, str], tuple[str, ...]]
    #: classes that the text defines: line, name, type, and what their scope's end does
    scope_bodies: tuple[tuple[int, bytes, bytes, bytes], ...] = ()


@lru_cache(maxsize=8)
def _compile(entries: tuple[tuple[str, str, bool], ...]) -> Table:
    names: dict[bytes, str] = {}
    patterns: list[tuple[re.Pattern[bytes], str]] = []
    releases: dict[tuple[str, str], tuple[str, ...]] = {}
    for pattern, action, regex in entries:
        kind, *targets = action.split()
        if kind in {"free", "class", "guard"}:
            releases[kind, pattern] = tuple(targets)
        elif regex:
            patterns.append((re.compile(pattern.encode()), action))
        else:
            names[pattern.encode()] = action
    defining = [word for word, action in names.items() if action.startswith(_DEFINES)]
    return Table(tuple(patterns), releases, names, defining)


def compile_table(macros: Sequence[Macro]) -> Table:
    """Make a table out of the rules' macros.  Same macros, same table."""
    global _last  # noqa: PLW0603 - files ask with the same macros one after another
    if _last is None or _last[0] is not macros:
        entries = tuple((macro.pattern, macro.action, macro.regex) for macro in macros)
        _last = (macros, _compile(entries))
    return _last[1]


_last: tuple[Sequence[Macro], Table] | None = None


def prepare(text: bytes, macros: Sequence[Macro]) -> bytes:
    """Give ``text`` rewritten for a C grammar: same length, newlines at the same places."""
    return rewrite(text, compile_table(macros)).text


def rewrite(text: bytes, table: Table) -> Prepared:
    """Rewrite ``text`` and keep what the rewriting hides.  Never raises."""
    edit = Edit(text)
    directives: list[Span] = []
    resume = 0
    first = DIRECTIVE.match(text)
    if first:
        directives.append(Span(*first.span()))
        resume = first.end()
    column0 = _COLUMN0.match(text)
    if column0:
        resume = _column0(edit, table, *column0.span(1))
    known = table.seen.get
    for match in _TOKEN.finditer(text, resume):
        action = known(match[0])
        if action == "":
            continue
        if action is None:
            special = match.lastgroup
            if special is None:
                start = match.start()
                if text[start] in _NO_WORD:
                    continue
                action = table.action(match[0])
            elif match.start() >= resume:
                resume = _special(edit, table, match, special, directives)
                continue
        if action and match.start() >= resume:
            resume = actions.ACTIONS[action](edit, *match.span())
    actions.odd_arguments(edit)
    actions.block_calls(edit)
    actions.loose_calls(edit)
    actions.header_annotations(edit)
    conditionals.resolve(edit, directives)
    return Prepared(
        bytes(edit.out), tuple(edit.scope_exits), edit.releases, tuple(edit.scope_bodies)
    )


def _special(
    edit: Edit, table: Table, match: re.Match[bytes], special: str, directives: list[Span]
) -> int:
    """Treat a directive, a call in column 0, or ``...``."""
    start, end = match.span(special)
    if special == "directive":
        directives.append(Span(start, end))
        return start
    if special == "range":
        if _CASE.search(edit.text, max(0, start - 80), start):
            edit.out[start:end] = b" | "
        return start
    return _column0(edit, table, start, end)


def _column0(edit: Edit, table: Table, start: int, end: int) -> int:
    """Treat a call in column 0: by its table entry, else as a macro that lacks ``;``."""
    action = actions.ACTIONS.get(table.action(edit.text[start:end]))
    return action(edit, start, end) if action else actions.column_zero(edit, start, end)
