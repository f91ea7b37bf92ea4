"""One sweep over the nodes that matter, in text order, that collects the facts.

A stack of byte ranges says what stands above the current node: its function, the branches
taken, the loop, the switch, the object initialized.  There is no recursion over the tree,
so that no nesting is too deep.  Names that a rewriting made come from the rewritten code,
all other texts from the file as it came.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import adler32, crc32

from msgspec.structs import replace

from patchlint.model.facts import (
    GAP,
    Assignment,
    Call,
    Condition,
    Exit,
    FileMacro,
    Function,
    Initializer,
    Parameter,
    Setting,
    Store,
)
from patchlint.model.pattern import lazy
from patchlint.syntax.declarators import (
    callee,
    declared_name,
    function_declarator,
    is_prototype,
    type_text,
    unwrapped,
)
from patchlint.syntax.edit import arguments
from patchlint.syntax.macro_bodies import PASTED
from patchlint.syntax.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from patchlint.syntax.kernel_macros import Prepared, Table
    from patchlint.syntax.parse import Node

Known = tuple[tuple[int, int], ...]
#: start, -end, order, -size, serial number (no two alike), kind, node, more
_Event = tuple[int, int, int, int, int, str, "Node | None", object]

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_PLAIN: Final = re.compile(r"&?\s*[A-Za-z_]\w*")
_WORD_BEFORE: Final = lazy(r"([A-Za-z_]\w*)\s*\Z")
#: whether the preprocessor knows a name, with its brackets or without
_DEFINED: Final = lazy(r"\bdefined\s*\(?\s*(\w+)\s*\)?")
_TAIL: Final = re.compile(r"(?:\s|/\*.*?\*/|//[^\n]*|\})*", re.DOTALL)
_COMPLEX: Final = re.compile(r"[(\[{\"'/]")
_LITERALS: Final = frozenset(
    {"number_literal", "string_literal", "char_literal", "concatenated_string"}
)
_PLAIN_EVENTS: Final = (
    "function",
    "call",
    "loop",
    "switch",
    "case",
    "leave",
    "label",
    "assign",
    "update",
    "declaration",
    "object",
    "literal",
    "pair",
    "struct",
    "typedef",
)

#: What comes first of the events for one range.
_ORDER: Final = {"branch": 0, "test": 1, "side": 2, "if": 3, "exit": 4}

#: No longer value of an assignment is told.
_LONGEST_VALUE: Final = 160

#: Nor one that is returned: it is longer where a helper only answers a question.
_LONGEST_ANSWER: Final = 400

#: A test's text is cut after so many bytes, and so many conditions are told of a call.
_LONGEST_TEST: Final = 2000
#: a member of a variable: no pointer leads to it
_OWN_MEMBER: Final = re.compile(r"^([A-Za-z_]\w*)\.[A-Za-z_]\w*$")
#: cases that a default is told by; one of more is only told from them
_MOST_CASES: Final = 12
_MOST_CONDITIONS: Final = 200

# What a frame on the stack stands for.
_OTHER, _FUNCTION, _BRANCH, _LOOP, _CASE, _SWITCH, _OBJECT = range(7)

_Object = tuple[str, str, tuple[str, ...]]


class _Guard:
    """An if statement under way: its test, and whether its sides leave the block."""

    __slots__ = ("else_leaves", "last", "line", "test_end", "text", "then_leaves", "with_else")

    def __init__(self, text: str, line: int, test_end: int, *, with_else: bool) -> None:
        self.text = text
        self.line = line
        #: the line that the test ends on
        self.last = line
        self.test_end = test_end
        self.with_else = with_else
        self.then_leaves = False
        self.else_leaves = False


class _Switch(NamedTuple):
    """A switch under way: what it asks for, its cases with their lines, the empty ones above."""

    subject: str
    cases: tuple[tuple[str, int], ...]
    together: tuple[str, ...] = ()

    def conditions(self, labels: Sequence[str], line: int) -> list[Condition]:
        """What holds behind some labels, of which "" is the default: no other case does."""
        subject = self.subject
        if "" not in labels:
            text = " || ".join(f"{subject} == {label}" for label in labels)
            return [Condition(text, taken=True, line=line)]
        others = [one for one in self.cases if one[0] not in labels]
        if len(others) > _MOST_CASES:
            return [Condition(f"{subject} == default", taken=True, line=line)]
        return [Condition(f"{subject} == {label}", taken=False, line=at) for label, at in others]


class _Frame:
    """What stands above: the end of a range, its meaning, and what to restore after it.

    Set for some kinds alone: ``side`` of a branch, whether it is the taken one;
    ``subject`` of a switch;
    ``object`` of an initializer, its type, its variable and the members above.
    """

    __slots__ = ("conditions", "end", "guard", "kind", "left", "object", "side", "subject")
    side: bool
    subject: _Switch
    object: _Object

    def __init__(self, end: int, kind: int, conditions: tuple[Condition, ...]) -> None:
        self.end = end
        self.kind = kind
        self.conditions = conditions
        #: end of the last jump that stands directly in this branch
        self.left = -1
        self.guard: _Guard | None = None


class _Body:
    """A function under way."""

    __slots__ = (
        "assignments",
        "calls",
        "declarator",
        "exits",
        "label",
        "locals",
        "names",
        "node",
        "own",
        "results",
        "settings",
        "spans",
        "stores",
    )

    def __init__(self, node: Node, declarator: Node | None, own: list[Parameter]) -> None:
        self.node = node
        self.declarator = declarator
        self.own = own
        self.names = {parameter.name for parameter in own}
        self.locals: list[Parameter] = []
        self.calls: list[Call] = []
        self.assignments: list[Assignment] = []
        self.exits: list[Exit] = []
        self.stores: list[Store] = []
        self.results: list[str] = []
        self.settings: list[Setting] = []
        self.spans: dict[tuple[int, int], None] = {}
        self.label: str | None = None


class Sweep:
    """Collects the facts of one parsed text; read the lists after :meth:`run`.

    ``known`` are the line intervals whose facts count, in order, None for all; ``headers`` further
    lines that may hold a function's header.  With ``macros`` set the functions are bodies
    of macros.
    """

    def __init__(
        self,
        path: str,
        prepared: Prepared,
        original: bytes,
        table: Table,
        *,
        known: Known | None = None,
        headers: frozenset[int] = frozenset(),
        macros: bool = False,
    ) -> None:
        self.path = path
        self.text = Text(original)
        self.code = Text(prepared.text)
        self.exits = prepared.scope_exits
        self.releases = {**table.releases, **prepared.releases}
        self.table = table
        self.known = known
        self._known_from = [first for first, _ in known or ()]
        self.headers = headers
        self.of_macros = macros
        self.functions: list[Function] = []
        self.macros: list[FileMacro] = []
        self.initializers: list[Initializer] = []
        self.globals: list[Parameter] = []
        self.fields: list[tuple[str, str, str, int]] = []
        self.declared: list[str] = []
        self._stack: list[_Frame] = []
        self._conditions: tuple[Condition, ...] = ()
        self._body: _Body | None = None
        self._loops = 0
        self._test_end = -1
        self._at = 0
        self._exit_line, self._exit_end = 1, 0
        self._assigned: dict[int, str] = {}
        self._declared_type = ""
        #: first bytes of the calls whose value nothing here uses
        self._statements: set[int] = set()

    def run(self, found: dict[str, list[Node]]) -> None:
        """Read the facts off captured nodes."""
        handlers: dict[str, Callable[[int, Node, object], None]] = {
            name: getattr(self, f"_on_{name}") for name in (*_PLAIN_EVENTS, *_ORDER)
        }
        stack = self._stack
        self._statements = {node.start_byte for node in found.get("statement", ())}
        for start, end, _order, _size, _serial, kind, node, extra in self._events(found):
            while stack and stack[-1].end <= start:
                self._pop()
            self._at = start
            handlers[kind](-end, node, extra)  # type: ignore[arg-type]
        while stack:
            self._pop()

    # -- events ----------------------------------------------------------------------

    def _events(self, found: dict[str, list[Node]]) -> list[_Event]:
        events: list[_Event] = []
        for order, kind in enumerate(_PLAIN_EVENTS, 10):
            for node in found.get(kind, ()):
                size = -node.descendant_count
                serial = len(events)
                start, end = node.start_byte, node.end_byte
                events.append((start, -end, order, size, serial, kind, node, None))

        def add(start: int, end: int, kind: str, extra: object) -> None:
            events.append((start, -end, _ORDER[kind], 0, len(events), kind, None, extra))

        self._if_events(found.get("if", ()), add)
        self._config_events(found.get("config", ()), add)
        self._expression_events(found, add)
        for node in found.get("loop", ()):
            test = node.child_by_field_name("condition")
            if test is not None and self._unchanged(node):
                add(test.start_byte, test.end_byte, "test", None)
        for exit_ in self.exits:
            add(exit_.offset, exit_.offset, "exit", exit_.name)
        events.sort()
        return events

    def _if_events(
        self,
        nodes: Sequence[Node],
        add: Callable[[int, int, str, object], None],
    ) -> None:
        """Add if statements and their sides."""
        for node in nodes:
            test = node.child_by_field_name("condition")
            then = node.child_by_field_name("consequence")
            if test is None or then is None:
                continue
            other = node.child_by_field_name("alternative")
            text, line, test_end = self._test_text(test), test.start_point[0] + 1, test.end_byte
            guard = _Guard(text, line, test_end, with_else=other is not None)
            guard.last = test.end_point[0] + 1
            add(node.start_byte, node.end_byte, "if", guard)
            add(then.start_byte, then.end_byte, "branch", (guard, True))
            if other is not None:
                add(other.start_byte, other.end_byte, "branch", (guard, False))

    def _config_events(
        self, nodes: Sequence[Node], add: Callable[[int, int, str, object], None]
    ) -> None:
        """Add conditionals of the preprocessor: like an if, whose test the configuration is."""
        for node in nodes:
            test = node.child_by_field_name("condition") or node.child_by_field_name("name")
            if test is None:
                continue
            other = node.child_by_field_name("alternative")
            last = node.children[-1]
            end = last.start_byte if last.type == "#endif" else node.end_byte
            word = self.code.chars[node.start_byte : test.start_byte]
            text = _DEFINED.sub(r"defined(\1)", self._source(test))
            if "def" in word:
                text = f"{'!' if 'ndef' in word else ''}defined({text})"
            # what stands behind a 0 asks for itself, and the guard of a header asks nothing
            if text == "0" or ("ndef" in word and _defines(node, test)):
                continue
            line = test.start_point[0] + 1
            guard = _Guard(text[:_LONGEST_TEST], line, -1, with_else=other is not None)
            add(test.end_byte, other.start_byte if other else end, "branch", (guard, True))
            if other is not None:
                add(other.start_byte, min(other.end_byte, end), "branch", (guard, False))

    def _expression_events(
        self, found: dict[str, list[Node]], add: Callable[[int, int, str, object], None]
    ) -> None:
        """Add the sides of ``?:`` and the right sides of ``&&`` and ``||``."""
        for node in found.get("ternary", ()):
            test = node.child_by_field_name("condition")
            if test is None:
                continue
            text, line = self._test_text(test), test.start_point[0] + 1
            for name, taken in (("consequence", True), ("alternative", False)):
                side = node.child_by_field_name(name)
                if side is not None:
                    add(side.start_byte, side.end_byte, "side", Condition(text, taken, line))
        chars = self.text.chars
        for node in found.get("logic", ()):
            right = node.child_by_field_name("right")
            if right is None:
                continue
            start, end = right.start_byte, right.end_byte
            if chars.find("(", start, end) < 0:
                continue
            left = node.child_by_field_name("left")
            if left is not None:
                both = chars.find("&&", left.end_byte, start) >= 0
                text, line = self._test_text(left), left.start_point[0] + 1
                add(start, end, "side", Condition(text, both, line))

    def _test_text(self, node: Node) -> str:
        while node.type == "parenthesized_expression" and node.named_child_count == 1:
            inner = node.named_child(0)
            if inner is None:
                break
            node = inner
        start = node.start_byte
        return self.text.folded(start, min(node.end_byte, start + _LONGEST_TEST))

    # -- the stack -------------------------------------------------------------------

    def _push(self, end: int, kind: int) -> _Frame:
        frame = _Frame(end, kind, self._conditions)
        self._stack.append(frame)
        return frame

    def _at_file_scope(self) -> bool:
        """Whether nothing stands above but conditionals of the preprocessor."""
        return self._body is None and all(frame.kind == _BRANCH for frame in self._stack)

    def _pop(self) -> None:
        frame = self._stack.pop()
        inside, self._conditions = self._conditions, frame.conditions
        kind = frame.kind
        if kind == _BRANCH:
            self._finish_branch(frame, inside[len(frame.conditions) + 1 :])
        elif kind == _LOOP:
            self._loops -= 1
        elif kind == _FUNCTION:
            self._finish_function()

    def _finish_branch(self, frame: _Frame, inside: tuple[Condition, ...]) -> None:
        """Note whether a side left, and after the last what then holds in the block.

        ``inside`` is what else held at the end of the side: who did not come to that end left
        from within, as in ``if (a) { if (b) return; }``.
        """
        guard = frame.guard
        if guard is None:
            return
        if frame.left >= 0:
            tail = _TAIL.match(self.code.chars, frame.left)
            if tail is not None and tail.end() >= frame.end:
                if frame.side:
                    guard.then_leaves = True
                else:
                    guard.else_leaves = True
                inside = ()
        last = not (frame.side and guard.with_else)
        if last and guard.then_leaves != guard.else_leaves:
            self._add_condition(Condition(guard.text, guard.else_leaves, guard.line, early=True))
        for one in inside:
            if one.early:
                side = f"({guard.text})" if frame.side else f"!({guard.text})"
                left = f"!({one.text})" if one.taken else f"({one.text})"
                text = f"{side} && {left}"
                if len(text) <= _LONGEST_TEST:
                    self._add_condition(Condition(text, taken=False, line=one.line, early=True))

    def _add_condition(self, condition: Condition) -> None:
        if len(self._conditions) < _MOST_CONDITIONS:
            self._conditions = (*self._conditions, condition)

    def _knows(self, line: int) -> bool:
        if self.known is None:
            return True
        at = bisect_right(self._known_from, line)
        return at > 0 and line <= self.known[at - 1][1]

    def _source(self, node: Node) -> str:
        return self.text.folded(node.start_byte, node.end_byte)

    def _type(self, kind: Node, declarator: Node | None = None) -> str:
        """Give a type's text; ``long`` may be a rewriting's own."""
        return type_text(
            self.code if kind.type == "sized_type_specifier" else self.text, kind, declarator
        )

    def _unchanged(self, node: Node) -> bool:
        """Whether a node's first bytes are the file's own, not a rewriting's."""
        start = node.start_byte
        return self.text.data[start : start + 4] == self.code.data[start : start + 4]

    def _word(self, node: Node) -> str:
        """Give the word of the file at a node's start."""
        match = _NAME.match(self.text.chars, node.start_byte)
        return match.group() if match else ""

    def _arguments(self, node: Node) -> tuple[str, ...]:
        """Give the texts of an argument list."""
        start, end = node.start_byte, node.end_byte
        raw = self.text.chars[start + 1 : end - 1]
        if not raw:
            return ()
        if not _COMPLEX.search(raw) and (self.text.ascii or raw.isascii()):
            if "," in raw:
                return tuple([" ".join(piece.split()) for piece in raw.split(",")])
            folded = " ".join(raw.split())
            return (folded,) if folded else ()
        if "," not in raw:
            folded = self.text.folded(start + 1, end - 1)
            return (folded,) if folded else ()
        spans = self._spans(start, end)
        return spans or tuple([self._source(child) for child in node.named_children])

    def _spans(self, opening: int, end: int = -1) -> tuple[str, ...]:
        """Give the arguments in the parenthesis at ``opening`` (ending at ``end``)."""
        found = arguments(self.text.data, opening)
        if found is None or (end >= 0 and found.closing != end - 1):
            return ()
        return tuple([self.text.folded(*span) for span in found.spans])

    # -- branches --------------------------------------------------------------------

    def _on_test(self, end: int, _node: Node, _extra: object) -> None:
        self._test_end = max(self._test_end, end)

    def _on_if(self, _end: int, _node: Node, guard: _Guard) -> None:
        self._test_end = max(self._test_end, guard.test_end)
        self._span(guard.line, guard.last)

    def _on_branch(self, end: int, _node: Node, extra: tuple[_Guard, bool]) -> None:
        frame = self._push(end, _BRANCH)
        frame.guard, frame.side = extra
        self._add_condition(Condition(frame.guard.text, frame.side, frame.guard.line))

    def _on_side(self, end: int, _node: Node, condition: Condition) -> None:
        self._push(end, _OTHER)
        self._add_condition(condition)

    def _on_loop(self, end: int, node: Node, _extra: object) -> None:
        if not self._unchanged(node) and self._macro_loop(node):
            self._push(end, _OTHER)
            return
        self._push(end, _LOOP)
        self._loops += 1

    def _macro_loop(self, node: Node) -> bool:
        """Report a loop macro as a call.  Whether it is a block that runs once."""
        word = self._word(node)
        opening = self.text.chars.find("(", node.start_byte)
        args = self._spans(opening) if opening >= 0 else ()
        line = node.start_point[0] + 1
        self._add_call(word, args, line)
        once = self.table.action(word.encode()) == "scoped"
        if once and args:
            self._release("guard", args[0], args[1:], None, line)
        return once

    def _on_switch(self, end: int, node: Node, _extra: object) -> None:
        frame = self._push(end, _SWITCH)
        test = node.child_by_field_name("condition")
        body = node.child_by_field_name("body")
        cases = [
            (self._source(value), child.start_point[0] + 1)
            for child in (body.named_children if body is not None else ())
            if child.type == "case_statement"
            and (value := child.child_by_field_name("value")) is not None
        ]
        frame.subject = _Switch(self._test_text(test) if test is not None else "", tuple(cases))

    def _on_case(self, end: int, node: Node, _extra: object) -> None:
        switch = next((frame for frame in reversed(self._stack) if frame.kind == _SWITCH), None)
        value = node.child_by_field_name("value")
        self._push(end, _CASE)
        if switch is None:
            return
        together = (*switch.subject.together, "" if value is None else self._source(value))
        empty = node.named_child_count == (0 if value is None else 1)
        for condition in switch.subject.conditions(together, node.start_point[0] + 1):
            self._add_condition(condition)
        switch.subject = switch.subject._replace(together=together if empty else ())

    def _on_leave(self, end: int, node: Node, _extra: object) -> None:
        if self._stack:
            self._stack[-1].left = end
        body = self._body
        if body is None:
            return
        line = node.start_point[0] + 1
        if self.known is None or self._knows(line):
            text, value = node.type.partition("_")[0], ""
            if text == "goto":
                label = node.child_by_field_name("label")
                text = f"goto {self._source(label)}" if label is not None else text
            elif text == "return" and node.named_child_count:
                result = node.named_child(0)
                if result is not None and result.end_byte - result.start_byte <= _LONGEST_ANSWER:
                    value = self._source(result)
                    body.results.append(value)
            body.exits.append(Exit(text, line, self._conditions, value))

    def _on_label(self, _end: int, node: Node, _extra: object) -> None:
        if self._body is None:
            return
        label = node.child_by_field_name("label")
        self._body.label = self._source(label) if label is not None else None
        self._conditions = tuple([one for one in self._conditions if not one.early])

    # -- functions -------------------------------------------------------------------

    def _on_function(self, end: int, node: Node, _extra: object) -> None:
        if self._body is not None:
            return
        self._push(end, _FUNCTION)
        declarator = function_declarator(node.child_by_field_name("declarator"))
        self._body = _Body(node, declarator, self._parameters(declarator))

    def _parameters(self, declarator: Node | None) -> list[Parameter]:
        listed = declarator.child_by_field_name("parameters") if declarator is not None else None
        result: list[Parameter] = []
        for child in listed.named_children if listed is not None else ():
            if child.type != "parameter_declaration":
                continue
            kind = child.child_by_field_name("type")
            inner = child.child_by_field_name("declarator")
            name = declared_name(inner)
            if kind is not None and name is not None:
                type_ = "" if self.of_macros else self._type(kind, inner)
                result.append(Parameter(type_, self.text.plain(name.start_byte, name.end_byte)))
        return result

    def _finish_function(self) -> None:
        body, self._body = self._body, None
        if body is None or body.declarator is None:
            return
        node, declarator = body.node, body.declarator
        body.calls = list(self._through_locals(body))
        name = declared_name(declarator)
        kind = node.child_by_field_name("type")
        if name is None or kind is None:
            return
        line = name.start_point[0] + 1
        end = node.end_point[0] + 1
        if not self._knows(line) and line not in self.headers:
            return
        at = bisect_right(self._known_from, line) - 1
        complete = self.known is None or (at >= 0 and end <= self.known[at][1])
        stars = self.code.chars.count("*", kind.end_byte, declarator.start_byte)
        returns = self.code.folded(kind.start_byte, kind.end_byte)
        # a repaired hunk has a word where it shows no type
        returns = "" if returns == GAP else returns
        header = self.code.chars[node.start_byte : name.start_byte]
        written = self.text.chars[node.start_byte : name.start_byte]
        entry = None
        if not self._unchanged(node) and self.table.action(self._word(node).encode()) == "syscall":
            entry = "syscall"
        self.functions.append(
            Function(
                name=self.code.plain(name.start_byte, name.end_byte),
                path=self.path,
                line=line,
                end=self._last_known(line, end),
                static=self.of_macros or "static" in header.split(),
                returns="macro" if self.of_macros else returns + " " * (stars > 0) + "*" * stars,
                parameters=tuple(body.own),
                locals=tuple(body.locals),
                calls=tuple(body.calls),
                assignments=tuple(body.assignments),
                complete=complete,
                errors=node.has_error,
                entry=entry,
                body_digest=self._digest(node),
                exits=tuple(body.exits),
                stores=tuple(body.stores),
                results=tuple(body.results),
                settings=tuple(body.settings),
                spans=tuple(body.spans),
                cut=not self._knows(end),
                marks=() if written == header else _blanked(written, header),
            )
        )

    def _last_known(self, line: int, end: int) -> int:
        """Give ``end``, or the last known line before it when that is in a gap."""
        if self.known is None or self._knows(end):
            return end
        at = bisect_left(self.known, end, key=lambda part: part[1]) - 1
        return self.known[at][1] if at >= 0 and self.known[at][1] >= line else line

    def _digest(self, node: Node) -> str:
        """Give a hash of the body's text, white space left out."""
        body = node.child_by_field_name("body")
        if body is None:
            return ""
        text = self.text.data[body.start_byte : body.end_byte].translate(None, b" \t\n\r\f\v")
        # two sums that fail differently: hashlib would load all of OpenSSL at every start
        return f"{crc32(text):08x}{adler32(text):08x}"

    # -- calls -----------------------------------------------------------------------

    def _on_call(self, end: int, node: Node, _extra: object) -> None:
        function = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        if function is None or listed is None:
            return
        indirect = False
        kind = function.type
        if kind != "identifier":
            if kind == "call_expression":
                self._constructor_call(function, listed)
                return
            indirect = True
            function = callee(function)
            if function is None:
                return
        line = function.start_point[0] + 1
        start = function.start_byte
        name = self.text.plain(start, function.end_byte)
        if self._body is None:
            if self._at_file_scope() and self._knows(line):
                self._push(end, _OTHER)
                self.macros.append(FileMacro(name, self._arguments(listed), line))
            return
        indirect = indirect or name in self._body.names
        assigned = self._assigned.get(node.start_byte) if self._assigned else None
        statement = node.start_byte in self._statements
        self._span(line, listed.end_point[0] + 1)
        arguments_ = self._arguments(listed)
        if arguments_ and self.table.action(name.encode()) == "local" and self._knows(line):
            before = self.text.chars[self.text.chars.rfind("\n", 0, start) + 1 : start]
            if "static" not in before.split():
                self._body.locals.append(Parameter(name, arguments_[0]))
                self._body.names.add(arguments_[0])
        self._add_call(
            name, arguments_, line, indirect=indirect, assigned=assigned, statement=statement
        )

    def _add_call(
        self,
        name: str,
        args: tuple[str, ...],
        line: int,
        *,
        indirect: bool = False,
        assigned: str | None = None,
        implicit: bool = False,
        statement: bool = False,
    ) -> None:
        body = self._body
        if body is None or (self.known is not None and not self._knows(line)) or PASTED in name:
            return
        body.calls.append(
            Call(
                name,
                args,
                line,
                self._conditions,
                indirect,
                body.label,
                assigned,
                self._at < self._test_end,
                self._loops > 0,
                implicit,
                statement or implicit,
            )
        )

    def _span(self, first: int, last: int) -> None:
        """Note the lines of a call or a test, where these are several."""
        if last > first and self._body is not None:
            self._body.spans[first, last] = None

    def _constructor_call(self, inner: Node, listed: Node) -> None:
        """Read ``CLASS(name, variable)(args)`` and ``guard(name)(args)``."""
        action = self.table.action(self._word(inner).encode())
        names = inner.child_by_field_name("arguments")
        if names is None or not action.startswith("scope-"):
            return
        line = inner.start_point[0] + 1
        parts = self._arguments(names)
        outer = self._arguments(listed)
        if not parts:
            return
        if action == "scope-class":
            self._release("class", parts[0], outer, parts[-1], line)
        else:
            self._release("guard", parts[0], outer, None, line)

    def _release(
        self, kind: str, name: str, args: tuple[str, ...], variable: str | None, line: int
    ) -> None:
        """Report what a scope's declaration constructs, and what its end releases."""
        known = self.releases.get((kind, name))
        if not known:
            return
        release, *constructors = known
        for constructor in constructors:
            self._add_call(constructor, args, line, assigned=variable)
        self._add_call(release, args if variable is None else (variable,), line, implicit=True)

    def _on_exit(self, end: int, _node: Node, name: bytes) -> None:
        near = self.text.chars[max(0, end - 200) : end]
        match = _WORD_BEFORE.search(near)
        class_name = name.decode("utf-8", "replace")
        release = (self.releases.get(("free", class_name)) or (class_name,))[0]
        self._exit_line += self.text.data.count(b"\n", self._exit_end, end)
        self._exit_end = end
        line = self._exit_line
        self._add_call(release, (match[1],) if match else (), line, implicit=True)

    def _through_locals(self, body: _Body) -> Iterator[Call]:
        """The calls of a body, those through a local variable by the functions that it was set to.

        Control is taken to go down the text.  A variable that gets anything but functions, or is
        set in a loop or below, leaves its calls as they are.
        """
        own = {parameter.name for parameter in body.own}
        for call in body.calls:
            if call.indirect and call.callee in body.names - own:
                yield from _by_value(body, call) or (call,)
            else:
                yield call

    # -- assignments and declarations ------------------------------------------------

    def _note_value(self, target: str, value: Node) -> None:
        """Remember whose value a call is, or report a plain name as assigned."""
        value = unwrapped(value)
        kind = value.type
        if kind == "call_expression":
            self._assigned[value.start_byte] = target
        elif kind == "conditional_expression":
            for side in ("consequence", "alternative"):
                inner = value.child_by_field_name(side)
                if inner is not None and inner.type != "conditional_expression":
                    self._note_value(target, inner)
            return
        if self._body is None or value.end_byte - value.start_byte > _LONGEST_VALUE:
            return
        line = value.start_point[0] + 1
        if kind not in _LITERALS and self._knows(line):
            raw = self._source(value)
            if _PLAIN.fullmatch(raw):
                raw = raw.replace(" ", "")
            self._body.assignments.append(Assignment(target, raw, line))

    def _store(self, target: Node, op: str, value: Node | None, line: int) -> None:
        """Report a write: what a local variable is set to, or a store that others can see."""
        body = self._body
        if body is None or not self._knows(line):
            return
        said = ""
        if value is not None and value.end_byte - value.start_byte <= _LONGEST_VALUE:
            said = self._source(value)
        name = self._source(target)
        local = target.type == "identifier" and name in body.names
        member = _OWN_MEMBER.match(name) if not local and "." in name else None
        if local or (member is not None and member[1] in body.names):
            body.settings.append(Setting(name, op, said, line, self._conditions, self._loops > 0))
        if not local:
            body.stores.append(Store(name, op, said, line, self._conditions))

    def _on_update(self, _end: int, node: Node, _extra: object) -> None:
        target = node.child_by_field_name("argument")
        if target is not None:
            # the parser's own text of a node asks for all text anew
            op = "++" if "++" in self._source(node) else "--"
            self._store(unwrapped(target), op, None, node.start_point[0] + 1)

    def _on_assign(self, end: int, node: Node, _extra: object) -> None:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        if left is None or right is None:
            return
        if self._body is None:
            opening = left.end_byte
            line = node.start_point[0] + 1
            if (
                self._at_file_scope()
                and self.text.chars.startswith("(", opening)
                and self._knows(line)
            ):
                self.macros.append(FileMacro(self._source(left), self._spans(opening), line))
            if self._at_file_scope():
                self._push(end, _OTHER)
            return
        self._note_value(self._source(left), right)
        op = node.child_by_field_name("operator")
        said = op.type if op is not None else "="
        self._store(unwrapped(left), said, right, node.start_point[0] + 1)

    def _on_declaration(self, end: int, node: Node, _extra: object) -> None:
        kind = node.child_by_field_name("type")
        if kind is None:
            return
        self._declared_type = self._type(kind)
        for declarator in node.children_by_field_name("declarator"):
            value = None
            inner: Node | None = declarator
            if declarator.type == "init_declarator":
                value = declarator.child_by_field_name("value")
                inner = declarator.child_by_field_name("declarator")
            name = declared_name(inner)
            if name is not None and inner is not None:
                self._declare(name, inner, value)
        if self._body is None:
            self._push(end, _OTHER)

    def _declare(self, name: Node, declarator: Node, value: Node | None) -> None:
        """Note one declared name, and what it is initialized with."""
        text = self.text.plain(name.start_byte, name.end_byte)
        type_ = self._declared_type
        if declarator.type != "identifier" and function_declarator(declarator) is not None:
            type_ += " (*)()"
        known = self.known is None or self._knows(name.start_point[0] + 1)
        if self._body is not None:
            if known:
                self._body.locals.append(Parameter(type_, text))
                self._body.names.add(text)
            if value is not None:
                self._note_value(text, value)
                if known:
                    self._store(name, "=", unwrapped(value), name.start_point[0] + 1)
        elif known and is_prototype(declarator):
            self.declared.append(text)
        elif known:
            self.globals.append(Parameter(type_, text))
            if value is not None and value.type == "call_expression":
                self._initialized_by(value)

    def _initialized_by(self, value: Node) -> None:
        """Note a macro that makes the value of a file's object: ``= __ATTR(name, ...)``."""
        made, listed = (value.child_by_field_name(one) for one in ("function", "arguments"))
        if made is not None and made.type == "identifier" and listed is not None:
            line = made.start_point[0] + 1
            self.macros.append(FileMacro(self._source(made), self._arguments(listed), line))

    # -- initializers ----------------------------------------------------------------

    def _on_object(self, end: int, node: Node, _extra: object) -> None:
        name = declared_name(node)
        variable = self._source(name) if name is not None else ""
        self._push(end, _OBJECT).object = (self._declared_type, variable, ())

    def _on_literal(self, end: int, node: Node, _extra: object) -> None:
        descriptor = node.child_by_field_name("type")
        kind = descriptor.child_by_field_name("type") if descriptor is not None else None
        type_ = self._type(kind) if kind is not None else ""
        self._push(end, _OBJECT).object = (type_, "", ())

    def _on_pair(self, end: int, node: Node, _extra: object) -> None:
        value = node.child_by_field_name("value")
        if value is None or value.type in _LITERALS:
            return
        members = tuple(
            [
                self._source(child)[1:].strip()
                for child in node.children_by_field_name("designator")
                if child.type == "field_designator"
            ]
        )
        struct, variable, outer = next(
            (frame.object for frame in reversed(self._stack) if frame.kind == _OBJECT), ("", "", ())
        )
        if value.type == "initializer_list":
            self._push(end, _OBJECT).object = (struct, variable, (*outer, *members))
            return
        line = node.start_point[0] + 1
        if members and self._knows(line):
            owner = ".".join((struct, *outer, *members[:-1]))
            fact = Initializer(owner, variable, members[-1], self._source(value), line)
            self.initializers.append(fact)

    # -- types -----------------------------------------------------------------------

    def _on_struct(self, _end: int, node: Node, _extra: object) -> None:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is not None and body is not None:
            self._add_fields(f"{node.type.partition('_')[0]} {self._source(name)}", body)

    def _on_typedef(self, _end: int, node: Node, _extra: object) -> None:
        kind = node.child_by_field_name("type")
        body = kind.child_by_field_name("body") if kind is not None else None
        if kind is None or body is None or kind.type == "enum_specifier":
            return
        if kind.child_by_field_name("name") is not None:
            return
        for declarator in node.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if name is not None:
                self._add_fields(self._source(name), body)

    def _add_fields(self, owner: str, body: Node) -> None:
        """Add the members; those of unnamed structs and unions inside as the owner's own."""
        pending = [body]
        while pending:
            for child in pending.pop().named_children:
                if child.type.startswith("preproc_"):
                    pending.append(child)
                if child.type != "field_declaration":
                    continue
                kind = child.child_by_field_name("type")
                if kind is None:
                    continue
                inner = kind.child_by_field_name("body")
                if inner is not None and kind.child_by_field_name("name") is None:
                    pending.append(inner)
                for declarator in child.children_by_field_name("declarator"):
                    name = declared_name(declarator)
                    if name is not None and self._knows(name.start_point[0] + 1):
                        type_ = self._type(kind, declarator)
                        line = name.start_point[0] + 1
                        self.fields.append((owner, self._source(name), type_, line))


def _blanked(written: str, header: str) -> tuple[str, ...]:
    """The words of a function's header that the macro table takes away, as they stand there."""
    kept = set(_NAME.findall(header))
    return tuple(word for word in _NAME.findall(written) if word not in kept)


def _defines(node: Node, name: Node) -> bool:
    """Whether a conditional begins with the definition of what it asks for."""
    first = next((one for one in node.named_children if one.id != name.id), None)
    made = first.child_by_field_name("name") if first is not None else None
    is_one = first is not None and first.type == "preproc_def"
    return is_one and made is not None and made.text == name.text


def _by_value(body: _Body, call: Call) -> list[Call]:
    """A call through a local variable, as calls of what that was set to; empty if not known."""
    settings = [one for one in body.settings if one.target == call.callee]
    found: list[Call] = []
    for one in settings:
        value = one.value.lstrip("&")
        if one.line >= call.line or one.in_loop or one.op != "=" or not _NAME.fullmatch(value):
            return []
        # who sets it anew under one test takes those who pass that from what it was before
        others = [c for c in one.under(call.conditions) if not c.early]
        if not others:
            found = []
        elif len(others) > 1:
            return []
        for turned in (replace(c, taken=not c.taken) for c in others):
            found = [replace(b, conditions=(*b.conditions, turned)) for b in found]
        if value in body.names:
            return []
        if value != "NULL":
            conditions = (*call.conditions, *others)
            found.append(replace(call, callee=value, indirect=False, conditions=conditions))
    return found
