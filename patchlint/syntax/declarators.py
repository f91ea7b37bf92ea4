"""Reads names and types off the declarators of C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from patchlint.syntax.parse import Node
    from patchlint.syntax.text import Text

_NAMES: Final = frozenset({"identifier", "field_identifier", "type_identifier"})
_WRAPPED: Final = frozenset({"parenthesized_declarator", "attributed_declarator"})
_PASSED: Final = frozenset({"parenthesized_expression", "cast_expression"})


def _inner(node: Node) -> Node | None:
    """Give the declarator inside a declarator."""
    inner = node.child_by_field_name("declarator")
    if inner is None and node.type in _WRAPPED:
        for child in node.named_children:
            if child.type in _NAMES or child.type.endswith("declarator"):
                return child
    return inner


def declared_name(node: Node | None) -> Node | None:
    """Give the identifier that a declarator declares, None for an abstract one."""
    while node is not None:
        if node.type in _NAMES:
            return node
        node = _inner(node)
    return None


def function_declarator(node: Node | None) -> Node | None:
    """Give the innermost function declarator, None when nothing is called there."""
    found = None
    while node is not None:
        kind = node.type
        if kind in _NAMES:
            break
        if kind == "function_declarator":
            found = node
        node = _inner(node)
    return found


def is_prototype(declarator: Node) -> bool:
    """Whether a declarator declares a function rather than a variable."""
    current: Node | None = declarator
    while current is not None and current.type == "pointer_declarator":
        current = current.child_by_field_name("declarator")
    if current is None or current.type != "function_declarator":
        return False
    inner = current.child_by_field_name("declarator")
    return inner is not None and inner.type != "parenthesized_declarator"


def type_text(text: Text, kind: Node, declarator: Node | None = None) -> str:
    """Give a type's text without its members; a function pointer ends in ``(*)()``."""
    if kind.type.endswith("_specifier"):
        body = kind.child_by_field_name("body")
        end = kind.end_byte if body is None else body.start_byte
    else:
        end = kind.end_byte
    result = text.folded(kind.start_byte, end)
    if declarator is not None and function_declarator(declarator) is not None:
        result += " (*)()"
    return result


def unwrapped(node: Node) -> Node:
    """Give the expression inside parentheses and casts."""
    while node.type in _PASSED:
        inner = node.child_by_field_name("value")
        if inner is None:
            inner = node.named_child(0) if node.named_child_count else None
        if inner is None:
            break
        node = inner
    return node


def callee(node: Node) -> Node | None:
    """Give the node that names what an indirect call calls, None when nothing does."""
    current: Node | None = node
    while current is not None:
        kind = current.type
        if kind in _NAMES:
            return current
        if kind == "field_expression":
            current = current.child_by_field_name("field")
        elif kind in ("pointer_expression", "subscript_expression"):
            current = current.child_by_field_name("argument")
        elif kind in _PASSED:
            inner = unwrapped(current)
            current = None if inner is current or inner == current else inner
        else:
            return None
    return None
