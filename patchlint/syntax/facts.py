"""Reads facts off C text in one sweep over the nodes that matter, in text order.

A stack of ranges says what stands above the current node: its function, the branches
taken, the loop, the switch.  There is no recursion over the tree, so that no nesting is
too deep, and all texts are taken from the file as it came, not as it was rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from patchlint.model.facts import (
    Assignment,
    Call,
    Condition,
    Exit,
    FileFacts,
    FileMacro,
    Function,
    Initializer,
    Parameter,
)
from patchlint.syntax import kernel_macros
from patchlint.syntax.kernel_macros import Prepared, Table, compile_table, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.model.image import Image
    from patchlint.model.kernel import Macro
    from patchlint.syntax.parse import Node

Known = Sequence[tuple[int, int]]

_COMMENT: Final = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)
_NAME: Final = re.compile(rb"[A-Za-z_]\w*")
_PLAIN: Final = re.compile(rb"&?\s*[A-Za-z_]\w*")
_WORD_BEFORE: Final = re.compile(rb"([A-Za-z_]\w*)\s*\Z")
_TAIL: Final = re.compile(rb"(?:\s|/\*.*?\*/|//[^\n]*|\})*", re.DOTALL)
_COMPLEX: Final = re.compile(rb"[(\[{\"'/]")
_LITERALS: Final = frozenset(
    {"number_literal", "string_literal", "char_literal", "concatenated_string", "initializer_list"}
)
_UNWRAP: Final = frozenset({"parenthesized_expression", "cast_expression"})

#: Sorts an event before all others at its place.
_FIRST: Final = -(1 << 62)

# What a frame on the stack stands for.
_PLAIN_FRAME, _FUNCTION, _BRANCH, _TEST, _LOOP, _BLOCK, _SWITCH = range(7)


def extract(image: Image, macros: Sequence[Macro]) -> FileFacts:
    """Give the facts of an image: only what stands on lines that it knows.

    Never raises; text that is no C gives few facts or none.
    """
    known = None if image.whole else image.known
    return extract_text(image.path, image.text, macros, known, image.headers)


def extract_text(
    path: str,
    text: bytes,
    macros: Sequence[Macro],
    known: Known | None = None,
    headers: frozenset[int] = frozenset(),
) -> FileFacts:
    """Give the facts of a file's text; ``known`` None means that all its lines are real."""
    table = compile_table(macros)
    prepared = rewrite(text, table)
    return _Sweep(path, text, prepared, table, known, headers).run()


def fold(raw: bytes) -> str:
    """Give source text on one line: comments gone, white space folded."""
    if b"/" in raw:
        raw = _COMMENT.sub(b" ", raw)
    return b" ".join(raw.split()).decode("utf-8", "replace")


class _Frame:
    """What stands above: a range of bytes, its meaning, and what to restore after it."""

    __slots__ = ("conditions", "end", "kind", "left", "switch", "test")

    def __init__(self, end: int, kind: int, conditions: tuple[Condition, ...]) -> None:
        self.end = end
        self.kind = kind
        self.conditions = conditions
        self.left = -1
        self.switch: tuple[str, str] = ("", "")
        self.test: _Guard | None = None


class _Guard:
    """An if statement under way: whether its sides leave the block."""

    __slots__ = ("else_leaves", "home", "line", "text", "then_leaves")

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.line = line
        self.then_leaves = False
        self.else_leaves = False
        #: the frame that the statement stands in; what it guards ends with that frame
        self.home: _Frame | None = None


class _Body:
    """A function under way."""

    __slots__ = (
        "assignments",
        "calls",
        "exits",
        "label",
        "locals",
        "names",
        "node",
        "parameters",
    )

    def __init__(self, node: Node, parameters: list[Parameter]) -> None:
        self.node = node
        self.parameters = parameters
        self.names = {parameter.name for parameter in parameters}
        self.locals: list[Parameter] = []
        self.calls: list[Call] = []
        self.assignments: list[Assignment] = []
        self.exits: list[Exit] = []
        self.label: str | None = None


_Event = tuple[int, int, int, str, "Node | None", object]


class _Sweep:
    def __init__(
        self,
        path: str,
        text: bytes,
        prepared: Prepared,
        table: Table,
        known: Known | None,
        headers: frozenset[int],
    ) -> None:
        self.path = path
        self.text = text
        self.code = prepared.text
        self.exits = prepared.scope_exits
        self.table = table
        self.known = known
        self.headers = headers
        self.stack: list[_Frame] = []
        self.conditions: tuple[Condition, ...] = ()
        self.body: _Body | None = None
        self.loops = 0
        self.tests = 0
        self.assigned: dict[int, str] = {}
        self.functions: list[Function] = []
        self.macros: list[FileMacro] = []
        self.initializers: list[Initializer] = []
        self.globals: list[Parameter] = []
        self.fields: list[tuple[str, str, str, int]] = []
        self.declared: list[str] = []
        self.bodies: list[tuple[int, bytes, bytes, bytes]] = []
        self.pending_case = ""

    def run(self) -> FileFacts:
        from patchlint.syntax import parse

        root = parse.parse(self.code)
        self.sweep(self.events(parse.captures(root)))
        self.macro_bodies()
        self.functions.sort(key=lambda function: function.line)
        return FileFacts(
            self.path,
            tuple(self.functions),
            tuple(self.macros),
            tuple(self.initializers),
            tuple(self.globals),
            tuple(self.fields),
            tuple(self.declared),
        )

    # -- small helpers ---------------------------------------------------------------

    def knows(self, line: int) -> bool:
        if self.known is None:
            return True
        return any(first <= line <= last for first, last in self.known)

    def source(self, node: Node) -> str:
        return fold(self.text[node.start_byte : node.end_byte])

    def macro_word(self, node: Node) -> bytes:
        """Give the word that stood where a rewritten statement stands now."""
        match = _NAME.match(self.text, node.start_byte)
        return match.group() if match else b""

    def arguments(self, node: Node) -> tuple[str, ...]:
        """Give the texts of an argument list."""
        raw = self.text[node.start_byte + 1 : node.end_byte - 1]
        if b"," not in raw:
            folded = fold(raw)
            return (folded,) if folded else ()
        if not _COMPLEX.search(raw):
            return tuple([fold(piece) for piece in raw.split(b",")])
        found = kernel_macros.arguments(self.text, node.start_byte)
        if found is not None and found[0] == node.end_byte - 1:
            return tuple([fold(self.text[span.start : span.end]) for span in found[1]])
        return tuple([self.source(child) for child in node.named_children])

    # -- events ----------------------------------------------------------------------

    def events(self, found: dict[str, list[Node]]) -> list[_Event]:
        events: list[_Event] = []
        add = events.append
        for kind in (
            "function",
            "call",
            "switch",
            "case",
            "loop",
            "block",
            "leave",
            "label",
            "assign",
            "pair",
            "declaration",
            "struct",
            "typedef",
            "literal",
            "macro",
        ):
            for node in found.get(kind, ()):
                add((node.start_byte, -node.end_byte, 1, kind, node, None))
        self.branch_events(found, add)
        for exit_ in self.exits:
            add((exit_.offset, -exit_.offset, 2, "exit", None, exit_.name))
        events.sort(key=lambda event: event[:3])
        return events

    def branch_events(self, found: dict[str, list[Node]], add: Callable[[_Event], None]) -> None:
        """Add the parts of branches: tests, and sides with the condition that holds there."""
        for node in found.get("if", ()):
            test = node.child_by_field_name("condition")
            then = node.child_by_field_name("consequence")
            if test is None or then is None:
                continue
            guard = _Guard(self.test_text(test), test.start_point[0] + 1)
            add((node.start_byte, -node.end_byte, 1, "if", None, guard))
            add((test.start_byte, -test.end_byte, 0, "test", None, None))
            add((then.start_byte, -then.end_byte, 0, "then", None, guard))
            other = node.child_by_field_name("alternative")
            if other is not None:
                add((other.start_byte, -other.end_byte, 0, "else", None, guard))
            add((node.end_byte, _FIRST, 0, "endif", None, guard))
        for node in found.get("ternary", ()):
            test = node.child_by_field_name("condition")
            if test is None:
                continue
            text, line = self.test_text(test), test.start_point[0] + 1
            for name, taken in (("consequence", True), ("alternative", False)):
                side = node.child_by_field_name(name)
                if side is not None:
                    condition = Condition(text, taken, line)
                    add((side.start_byte, -side.end_byte, 0, "side", None, condition))
        for node in found.get("logic", ()):
            left = node.child_by_field_name("left")
            right = node.child_by_field_name("right")
            if left is None or right is None:
                continue
            both = self.text[left.end_byte : right.start_byte].find(b"&&") >= 0
            condition = Condition(self.test_text(left), both, left.start_point[0] + 1)
            add((right.start_byte, -right.end_byte, 0, "side", None, condition))
        for node in found.get("loop", ()):
            test = node.child_by_field_name("condition")
            if test is not None:
                add((test.start_byte, -test.end_byte, 0, "test", None, None))

    def test_text(self, node: Node) -> str:
        while node.type == "parenthesized_expression" and node.named_child_count == 1:
            node = node.named_children[0]
        return self.source(node)

    # -- the sweep -------------------------------------------------------------------

    def sweep(self, events: list[_Event]) -> None:
        handlers: dict[str, Callable[[int, Node, object], None]] = {
            name: getattr(self, f"on_{name}") for name in {event[3] for event in events}
        }
        stack = self.stack
        for start, end, _order, kind, node, extra in events:
            while stack and stack[-1].end <= start:
                self.pop()
            handlers[kind](-end, node, extra)  # type: ignore[arg-type]
        while stack:
            self.pop()

    def push(self, end: int, kind: int) -> _Frame:
        frame = _Frame(end, kind, self.conditions)
        self.stack.append(frame)
        return frame

    def pop(self) -> None:
        frame = self.stack.pop()
        self.conditions = frame.conditions
        if frame.kind == _LOOP:
            self.loops -= 1
        elif frame.kind == _TEST:
            self.tests -= 1
        elif frame.kind == _FUNCTION:
            self.finish_function()
        elif frame.kind == _BRANCH and frame.test is not None and frame.left >= 0:
            tail = _TAIL.match(self.code, frame.left)
            if tail and tail.end() >= frame.end:
                if frame.switch[0] == "then":
                    frame.test.then_leaves = True
                else:
                    frame.test.else_leaves = True

    def on_test(self, end: int, _node: Node, _extra: object) -> None:
        self.push(end, _TEST)
        self.tests += 1

    def on_then(self, end: int, _node: Node, extra: object) -> None:
        self.branch(end, extra, "then")

    def on_else(self, end: int, _node: Node, extra: object) -> None:
        self.branch(end, extra, "else")

    def branch(self, end: int, extra: object, side: str) -> None:
        assert isinstance(extra, _Guard)  # noqa: S101  the events are made above
        frame = self.push(end, _BRANCH)
        frame.test = extra
        frame.switch = (side, "")
        self.conditions = (*self.conditions, Condition(extra.text, side == "then", extra.line))

    def on_endif(self, _end: int, _node: Node, extra: object) -> None:
        assert isinstance(extra, _Guard)  # noqa: S101
        home = self.stack[-1] if self.stack else None
        if extra.home is home and extra.then_leaves != extra.else_leaves:
            taken = extra.else_leaves
            self.conditions = (
                *self.conditions,
                Condition(extra.text, taken, extra.line, early=True),
            )

    def on_side(self, end: int, _node: Node, extra: object) -> None:
        assert isinstance(extra, Condition)  # noqa: S101
        self.push(end, _PLAIN_FRAME)
        self.conditions = (*self.conditions, extra)

    def on_if(self, _end: int, _node: Node, extra: object) -> None:
        assert isinstance(extra, _Guard)  # noqa: S101
        extra.home = self.stack[-1] if self.stack else None

    def on_block(self, end: int, _node: Node, _extra: object) -> None:
        self.push(end, _BLOCK)

    def on_loop(self, end: int, node: Node, _extra: object) -> None:
        if node.type == "while_statement" and not self.code.startswith(
            b"while", node.start_byte
        ):  # pragma: no cover  a grammar's surprise
            return
        scoped = False
        if (
            self.text[node.start_byte : node.start_byte + 5]
            != self.code[node.start_byte : node.start_byte + 5]
        ):
            scoped = self.macro_loop(node)
        if not scoped:
            self.push(end, _LOOP)
            self.loops += 1

    def macro_loop(self, node: Node) -> bool:
        """Report a loop macro as a call; whether it is a block that runs once."""
        word = self.macro_word(node)
        action = self.table.action(word)
        opening = self.text.find(b"(", node.start_byte)
        found = kernel_macros.arguments(self.text, opening) if opening >= 0 else None
        args: tuple[str, ...] = ()
        if found is not None:
            args = tuple([fold(self.text[span.start : span.end]) for span in found[1]])
        line = node.start_point[0] + 1
        name = word.decode("ascii", "replace")
        self.add_call(name, args, line)
        if action == "scoped" and args:
            self.scope_release("guard", args[0], args[1:], None, line)
        return action == "scoped"

    def on_switch(self, end: int, node: Node, _extra: object) -> None:
        frame = self.push(end, _SWITCH)
        test = node.child_by_field_name("condition")
        frame.switch = (self.test_text(test) if test is not None else "", "")

    def on_case(self, end: int, node: Node, _extra: object) -> None:
        switch = next((frame for frame in reversed(self.stack) if frame.kind == _SWITCH), None)
        value = node.child_by_field_name("value")
        label = self.source(value) if value is not None else "default"
        subject = switch.switch[0] if switch else ""
        text = f"{subject} == {label}"
        if switch and switch.switch[1]:
            text = f"{switch.switch[1]} || {text}"
        last = node.named_child_count == (1 if value is not None else 0)
        if switch:
            switch.switch = (subject, text if last else "")
        self.push(end, _BLOCK)
        self.conditions = (
            *self.conditions,
            Condition(text, taken=True, line=node.start_point[0] + 1),
        )

    def on_leave(self, end: int, node: Node, _extra: object) -> None:
        line = node.start_point[0] + 1
        if self.body is not None and self.knows(line):
            words = self.source(node).rstrip("; ").split()
            text = " ".join(words[:2]) if words[0] == "goto" else words[0]
            self.body.exits.append(Exit(text.rstrip(";"), line, self.conditions))
        for frame in reversed(self.stack):
            if frame.kind == _BRANCH:
                frame.left = end
                return
            if frame.kind != _BLOCK and frame.kind != _PLAIN_FRAME:
                return

    def on_label(self, _end: int, node: Node, _extra: object) -> None:
        if self.body is None:
            return
        label = node.child_by_field_name("label")
        self.body.label = self.source(label) if label is not None else None
        self.conditions = tuple([one for one in self.conditions if not one.early])

    # -- functions -------------------------------------------------------------------

    def on_function(self, end: int, node: Node, _extra: object) -> None:
        if self.body is not None:
            return
        self.push(end, _FUNCTION)
        declarator = _innermost(node.child_by_field_name("declarator"), "function_declarator")
        listed = declarator.child_by_field_name("parameters") if declarator is not None else None
        self.body = _Body(node, self.parameters(listed) if listed is not None else [])

    def parameters(self, listed: Node) -> list[Parameter]:
        result = []
        for child in listed.named_children:
            if child.type != "parameter_declaration":
                continue
            kind = child.child_by_field_name("type")
            declarator = child.child_by_field_name("declarator")
            if kind is None or declarator is None:
                continue
            name = _declared_name(declarator)
            if name is not None:
                result.append(Parameter(self.type_text(kind, declarator), self.source(name)))
        return result

    def type_text(self, kind: Node, declarator: Node | None) -> str:
        """Give the type's text; a function pointer ends in ``(*)()``."""
        body = kind.child_by_field_name("body")
        end = body.start_byte if body is not None else kind.end_byte
        text = fold(self.text[kind.start_byte : end])
        if declarator is not None and _innermost(declarator, "function_declarator") is not None:
            text += " (*)()"
        return text

    def finish_function(self) -> None:
        body, self.body = self.body, None
        if body is None:
            return
        node = body.node
        declarator = _innermost(node.child_by_field_name("declarator"), "function_declarator")
        name = _declared_name(declarator) if declarator is not None else None
        kind = node.child_by_field_name("type")
        if declarator is None or name is None or kind is None:
            return
        line = name.start_point[0] + 1
        if not self.knows(line) and line not in self.headers:
            return
        end = node.end_point[0] + 1
        complete = True
        if self.known is not None:
            complete = any(first <= line and end <= last for first, last in self.known)
            if not self.knows(end):
                end = max(
                    (min(last, end) for first, last in self.known if first <= end), default=line
                )
                end = max(end, line)
        stars = self.code[kind.end_byte : declarator.start_byte].count(b"*")
        returns = fold(self.code[kind.start_byte : kind.end_byte])
        returns += " " + "*" * stars if stars else ""
        header = self.code[node.start_byte : name.start_byte]
        entry = None
        if not self.text.startswith(header[:4], node.start_byte):
            action = self.table.action(self.macro_word(node))
            entry = "syscall" if action == "syscall" else None
        self.functions.append(
            Function(
                name=self.code[name.start_byte : name.end_byte].decode("utf-8", "replace"),
                path=self.path,
                line=line,
                end=end,
                static=b"static" in header.split(),
                returns=returns,
                parameters=tuple(body.parameters),
                locals=tuple(body.locals),
                calls=tuple(body.calls),
                assignments=tuple(body.assignments),
                complete=complete,
                errors=node.has_error,
                entry=entry,
                body_digest=self.digest(node),
                exits=tuple(body.exits),
            )
        )

    def digest(self, node: Node) -> str:
        """Give a hash of the body's text, white space folded."""
        body = node.child_by_field_name("body")
        if body is None:
            return ""
        words = self.text[body.start_byte : body.end_byte].split()
        return blake2b(b" ".join(words), digest_size=8).hexdigest()

    # -- calls -----------------------------------------------------------------------

    def on_call(self, end: int, node: Node, _extra: object) -> None:
        function = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        if function is None or listed is None:
            return
        line = node.start_point[0] + 1
        if function.type == "call_expression":
            self.constructor_call(node, function, listed, line)
            return
        indirect = function.type != "identifier"
        if indirect:
            function = _callee(function)
            if function is None:
                return
            line = function.start_point[0] + 1
        name = self.text[function.start_byte : function.end_byte].decode("utf-8", "replace")
        args = self.arguments(listed)
        if self.body is None:
            if self.stack or not self.knows(line):
                return
            self.push(end, _PLAIN_FRAME)
            self.macros.append(FileMacro(name, args, line))
            return
        if not indirect and name in self.body.names:
            indirect = True
        self.add_call(
            name, args, line, indirect=indirect, assigned=self.assigned.get(node.start_byte)
        )

    def add_call(
        self,
        name: str,
        args: tuple[str, ...],
        line: int,
        *,
        indirect: bool = False,
        assigned: str | None = None,
        implicit: bool = False,
    ) -> None:
        if self.body is None or not self.knows(line):
            return
        self.body.calls.append(
            Call(
                callee=name,
                args=args,
                line=line,
                conditions=self.conditions,
                indirect=indirect,
                label=self.body.label,
                assigned=assigned,
                tested=self.tests > 0,
                in_loop=self.loops > 0,
                implicit=implicit,
            )
        )

    def constructor_call(self, _node: Node, inner: Node, listed: Node, line: int) -> None:
        """Read ``CLASS(name, variable)(args)`` and ``guard(name)(args)``."""
        word = self.macro_word(inner)
        action = self.table.action(word)
        names = inner.child_by_field_name("arguments")
        if names is None or not action.startswith("scope-"):
            return
        outer = self.arguments(listed)
        parts = self.arguments(names)
        if not parts:
            return
        if action == "scope-class":
            variable = parts[1] if len(parts) > 1 else ""
            self.scope_release("class", parts[0], outer, variable, line)
        else:
            self.scope_release("guard", parts[0], outer, None, line)

    def scope_release(
        self, kind: str, name: str, args: tuple[str, ...], variable: str | None, line: int
    ) -> None:
        known = self.table.releases.get((kind, name))
        if not known:
            return
        release, *constructors = known
        for constructor in constructors:
            self.add_call(constructor, args, line, assigned=variable)
        self.add_call(release, args if variable is None else (variable,), line, implicit=True)

    def on_exit(self, end: int, _node: Node, extra: object) -> None:
        assert isinstance(extra, bytes)  # noqa: S101
        near = self.text[max(0, end - 200) : end]
        match = _WORD_BEFORE.search(near)
        name = extra.decode("utf-8", "replace")
        release = (self.table.releases.get(("free", name)) or (name,))[0]
        args = (match[1].decode(),) if match else ()
        self.add_call(release, args, self.text.count(b"\n", 0, end) + 1, implicit=True)

    # -- assignments and declarations ------------------------------------------------

    def note_assigned(self, target: str, value: Node) -> None:
        while value.type in _UNWRAP:
            inner = value.child_by_field_name("value") or (
                value.named_children[0] if value.named_child_count else None
            )
            if inner is None:
                return
            value = inner
        if value.type == "call_expression":
            self.assigned[value.start_byte] = target
            return
        raw = self.text[value.start_byte : value.end_byte]
        if self.body is not None and _PLAIN.fullmatch(raw):
            line = value.start_point[0] + 1
            if self.knows(line):
                self.body.assignments.append(Assignment(target, fold(raw).replace(" ", ""), line))

    def on_assign(self, end: int, node: Node, _extra: object) -> None:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        if left is None or right is None:
            return
        if self.body is None and not self.stack:
            self.push(end, _PLAIN_FRAME)
            opening = left.end_byte
            if self.text[opening : opening + 1] == b"(":
                found = kernel_macros.arguments(self.text, opening)
                line = node.start_point[0] + 1
                if found is not None and self.knows(line):
                    args = tuple([fold(self.text[a:b]) for a, b in found[1]])
                    self.macros.append(FileMacro(self.source(left), args, line))
            return
        self.note_assigned(self.source(left), right)

    def on_declaration(self, end: int, node: Node, _extra: object) -> None:
        kind = node.child_by_field_name("type")
        if kind is None:
            return
        inside = self.body is not None
        for declarator in node.children_by_field_name("declarator"):
            value = None
            inner: Node | None = declarator
            if declarator.type == "init_declarator":
                value = declarator.child_by_field_name("value")
                inner = declarator.child_by_field_name("declarator")
            name = _declared_name(inner) if inner is not None else None
            if name is None or inner is None:
                continue
            text = self.text[name.start_byte : name.end_byte].decode("utf-8", "replace")
            known = self.knows(name.start_point[0] + 1)
            if inside and self.body is not None:
                if known:
                    self.body.locals.append(Parameter(self.type_text(kind, inner), text))
                    self.body.names.add(text)
                if value is not None:
                    self.note_assigned(text, value)
            elif known and _is_prototype(inner):
                self.declared.append(text)
            elif known:
                self.globals.append(Parameter(self.type_text(kind, inner), text))
        if not inside:
            self.push(end, _PLAIN_FRAME)

    # -- initializers ----------------------------------------------------------------

    def on_pair(self, _end: int, node: Node, _extra: object) -> None:
        value = node.child_by_field_name("value")
        if value is None or value.type in _LITERALS:
            return
        members = [
            self.source(child)[1:].strip()
            for child in node.children_by_field_name("designator")
            if child.type == "field_designator"
        ]
        line = node.start_point[0] + 1
        if not members or not self.knows(line):
            return
        struct, variable, outer = self.object_of(node)
        if len(members) > 1 or outer:
            struct = ".".join((struct, *outer, *members[:-1]))
        self.initializers.append(
            Initializer(struct, variable, members[-1], self.source(value), line)
        )

    def object_of(self, node: Node) -> tuple[str, str, list[str]]:
        """Give type text and variable of the object initialized, and the members above."""
        outer: list[str] = []
        current = node.parent
        while current is not None:
            kind = current.type
            if kind == "initializer_pair":
                outer[:0] = [
                    self.source(child)[1:].strip()
                    for child in current.children_by_field_name("designator")
                    if child.type == "field_designator"
                ]
            elif kind == "init_declarator":
                name = _declared_name(current)
                parent = current.parent
                type_ = parent.child_by_field_name("type") if parent is not None else None
                return (
                    self.type_text(type_, None) if type_ is not None else "",
                    self.source(name) if name is not None else "",
                    outer,
                )
            elif kind == "compound_literal_expression":
                type_ = current.child_by_field_name("type")
                type_ = type_.child_by_field_name("type") if type_ is not None else None
                return self.type_text(type_, None) if type_ is not None else "", "", outer
            elif kind not in ("initializer_list", "ERROR"):
                break
            current = current.parent
        return "", "", outer

    def on_literal(self, end: int, node: Node, extra: object) -> None:
        """Nothing: its pairs look up at it."""

    # -- types -----------------------------------------------------------------------

    def on_struct(self, _end: int, node: Node, _extra: object) -> None:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            return
        self.add_fields(f"{node.type.partition('_')[0]} {self.source(name)}", body)

    def on_typedef(self, _end: int, node: Node, _extra: object) -> None:
        kind = node.child_by_field_name("type")
        body = kind.child_by_field_name("body") if kind is not None else None
        if kind is None or body is None or kind.child_by_field_name("name") is not None:
            return
        for declarator in node.children_by_field_name("declarator"):
            name = _declared_name(declarator)
            if name is not None:
                self.add_fields(self.source(name), body)

    def add_fields(self, owner: str, body: Node) -> None:
        """Add the members, those of unnamed structs and unions inside as the owner's own."""
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
                    name = _declared_name(declarator)
                    if name is None:
                        continue
                    line = name.start_point[0] + 1
                    if self.knows(line):
                        type_ = self.type_text(kind, declarator)
                        self.fields.append((owner, self.source(name), type_, line))

    # -- macros with code in them ----------------------------------------------------

    def on_macro(self, _end: int, node: Node, _extra: object) -> None:
        """Nothing yet."""

    def macro_bodies(self) -> None:
        """Nothing yet."""


def _innermost(node: Node | None, kind: str) -> Node | None:
    """Give the innermost declarator of a kind, looking through stars and parentheses."""
    found = None
    while node is not None:
        if node.type == kind:
            found = node
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("parenthesized_declarator", "attributed_declarator"):
            inner = next(
                (
                    child
                    for child in node.named_children
                    if "declarator" in child.type or child.type.endswith("identifier")
                ),
                None,
            )
        node = inner
    return found


def _declared_name(node: Node) -> Node | None:
    """Give the identifier that a declarator declares."""
    current: Node | None = node
    while current is not None:
        if current.type in ("identifier", "field_identifier", "type_identifier"):
            return current
        inner = current.child_by_field_name("declarator")
        if inner is None and current.type in ("parenthesized_declarator", "attributed_declarator"):
            inner = next(
                (
                    child
                    for child in current.named_children
                    if "declarator" in child.type or child.type.endswith("identifier")
                ),
                None,
            )
        current = inner
    return None


def _is_prototype(declarator: Node) -> bool:
    """Whether a declarator declares a function rather than a variable."""
    current: Node | None = declarator
    while current is not None and current.type == "pointer_declarator":
        current = current.child_by_field_name("declarator")
    if current is None or current.type != "function_declarator":
        return False
    inner = current.child_by_field_name("declarator")
    return inner is not None and inner.type != "parenthesized_declarator"


def _callee(node: Node) -> Node | None:
    """Give the node that names what an indirect call calls."""
    current: Node | None = node
    while current is not None:
        kind = current.type
        if kind in ("identifier", "field_identifier"):
            return current
        if kind == "field_expression":
            current = current.child_by_field_name("field")
        elif kind in ("pointer_expression", "subscript_expression"):
            current = current.child_by_field_name("argument")
        elif kind in ("parenthesized_expression", "cast_expression"):
            value = current.child_by_field_name("value")
            current = value or (current.named_children[0] if current.named_child_count else None)
        else:
            return None
    return None
