"""The rewritings that the macro table names: each edits what stands at one word.

An action takes the text under rewriting and the range of the word, and gives the position
from which words are looked up again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.model.pattern import lazy
from patchlint.syntax.edit import Edit, ScopeExit, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Action = Callable[[Edit, int, int], int]

_STORAGE: Final = re.compile(rb"(?:^|\n)[ \t]*((?:(?:static|extern|const|inline|volatile)\s+)+)\Z")
_LAST_WORD: Final = re.compile(rb"([A-Za-z_]\w*)\s*\Z")
_ASM_WORDS: Final = lazy(
    rb"(?:\s|volatile\b|__volatile__\b|__volatile\b|goto\b|inline\b|__inline\b)*"
)
_KEYWORDS: Final = frozenset(
    b"if for while switch return sizeof else do case goto typedef struct union enum".split()
)
_BEFORE_STATEMENT: Final = frozenset(b";{}:)")
_NUMBER: Final = lazy(rb"\d+(?:[uUlL]+|[eE]\d+[fFlL]?|[fF])")
_HEADER_WORDS: Final = re.compile(rb"\n([A-Za-z_][\w \t*]*(?:\n[A-Za-z_*][\w \t*]*)?)\(")
_QUALIFIERS: Final = frozenset(
    b"static inline extern const volatile unsigned signed struct union enum register".split()
)
_ARITHMETIC: Final = frozenset(b"unsigned signed long short int char double".split())
_ANNOTATION: Final = lazy(rb"__\w+|[A-Z][A-Z0-9_]+")
_WORD: Final = re.compile(rb"\w+")
_LOUD: Final = re.compile(rb"[A-Z_][A-Z0-9_]+")
_CALLED: Final = lazy(rb"([A-Za-z_]\w*)\s*\(")
_BLOCK_CALL: Final = re.compile(
    rb"\n([ \t]+)(?!(?:if|for|while|switch|return|else|do)\b)([A-Za-z_]\w*)[ \t]?"
    rb"\([^;{}\n]*\)[ \t]*(?:\{[ \t]*(?=\n)|\n\1[ \t]+(?=[A-Za-z_*]))"
)
_LOOSE_CALL: Final = re.compile(
    rb"^[ \t]+([A-Z][A-Z0-9_]+[ \t]?\((?:[^;{}()\n]|\([^;{}()\n]*\))*\))"
    rb"[ \t]*(?=\n[ \t]*[A-Za-z_}])",
    re.MULTILINE,
)
_ODD_ARGUMENT: Final = re.compile(
    rb"([(,])\s*(?:((?:struct|union|enum)\s+\w+[\s*]*)"
    rb"|(?!0[xXbB])(\d+[A-Za-z_]\w*)\s*)(?=([,)]))"
)


def _blank(edit: Edit, start: int, end: int) -> int:
    if edit.out.startswith(edit.text[start:end], start):
        edit.blank(start, end)
    return end


def _blank_prefix(edit: Edit, start: int, end: int) -> int:
    following = edit.following(end)
    if following.isalnum() or following in (b"_", b'"'):
        edit.blank(start, end)
    return end


def _blank_call(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    end = end if call is None else call[1] + 1
    edit.blank(start, end)
    return end


def _blank_args(edit: Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    edit.blank(call[0] + 1, call[1])
    return call[1]


def _blank_asm(edit: Edit, start: int, end: int) -> int:
    words = _ASM_WORDS.match(edit.text, end)
    return _blank_call(edit, start, words.end() if words else end)


def _word(edit: Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    edit.blank(end, call[1] + 1)
    return call[1] + 1


def _static(edit: Edit, start: int, end: int) -> int:
    if end - start == len(b"static"):
        edit.out[start:end] = b"static"
    return end


def _type_args(edit: Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is not None:
        edit.type_arguments(call[2])
    return end


def _keyword_call(edit: Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is not None:
        edit.out[end - 1] = ord("0")
        edit.type_arguments(call[2])
    return end


def _loop(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or end - start < len(b"while"):
        return end
    opening, closing, spans = call
    following = edit.following(closing + 1)
    if not (following.isalnum() or following in (b"_", b"{", b"*", b"(", b"+", b"-", b"#")):
        edit.type_arguments(spans)
        return end
    if not edit.out.startswith(edit.text[start:end], start):
        return end
    before = edit.before(start)
    last = _LAST_WORD.search(before)
    if (
        before
        and before[-1] not in _BEFORE_STATEMENT
        and not (last and last[1] in (b"else", b"do"))
    ):
        return end
    edit.blank(start, opening)
    edit.out[start : start + 5] = b"while"
    if spans:
        edit.type_arguments(spans)
    else:
        edit.blank(start, closing + 1)
        edit.out[start : start + 8] = b"while(1)"
        if closing + 1 - start < len(b"while(1)"):
            edit.out[start : closing + 1] = edit.text[start : closing + 1]
    return end


def _loop_end(edit: Edit, start: int, end: int) -> int:
    if edit.before(start)[-1:] == b"}" and end - start >= len(b"while") and edit.opening(end):
        edit.blank(start, end)
        edit.out[start : start + 5] = b"while"
    return end


def _statement(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    opening, closing, spans = call
    before = bytes(edit.out[max(0, start - 120) : start])
    storage = _STORAGE.search(before)
    column0 = start == 0 or edit.text[start - 1 : start] == b"\n"
    if storage:
        first = start - len(storage[1])
        edit.blank(first, start)
        column0 = first == 0 or edit.text[first - 1 : first] == b"\n"
    edit.type_arguments(spans)
    if column0 and edit.following(closing + 1) == b"{":
        _header_name(edit, start, end)
    elif column0:
        _close(edit, opening, closing, spans)
    return end


def _close(edit: Edit, opening: int, closing: int, spans: Sequence[Span]) -> None:
    """Make ``name=argument;`` of a call in column 0 that no semicolon follows."""
    after = edit.skip_space(closing + 1)
    text = edit.text
    following = text[after : after + 1]
    if following and not (following.isalnum() or following in (b"_", b"#", b"}")):
        return
    if following and text[after - 1 : after] != b"\n" and text[after : after + 1] != b"#":
        return
    if not spans:
        return
    edit.out[opening] = ord("=")
    edit.out[closing] = ord(";")
    for span in spans[1:]:
        edit.out[span.start - 1] = ord("+")


def _variable(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or len(call[2]) < 2:  # noqa: PLR2004  a type and a name
        return end
    opening, closing, spans = call
    edit.blank(start, opening + 1)
    edit.blank(spans[0].end, spans[0].end + 1)
    edit.blank(spans[1].end, closing + 1)
    return end


def _array(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or len(call[2]) < 2 or end - start < len(b"long"):  # noqa: PLR2004
        return end
    opening, closing, spans = call
    edit.blank(start, opening + 1)
    edit.out[start : start + 4] = b"long"
    edit.out[spans[0].end] = ord("[")
    edit.blank(spans[1].start, closing)
    edit.out[closing] = ord("]")
    return closing


def _header_name(edit: Edit, start: int, end: int) -> list[Span] | None:
    """Make ``long name(`` of ``M(name,``; give the arguments after the name."""
    call = edit.call(end)
    type_ = b"long" if end - start > len(b"long") else b"int"
    if call is None or not call.spans or end - start <= len(type_):
        return None
    opening, _, spans = call
    name = edit.text[slice(*spans[0])]
    if not _WORD.fullmatch(name.strip()):
        return None
    word = edit.text.index(name.strip(), spans[0].start)
    if len(spans) == 1 and edit.text[word - 1 : word] == b"\n":
        return None  # no room for the brackets
    edit.blank(start, opening + 1)
    edit.out[start : start + len(type_)] = type_
    if len(spans) == 1:
        last = word - 1 + len(name.strip())
        edit.out[word - 1 : last] = name.strip()
        edit.out[last] = ord("(")
        return []
    edit.out[spans[0].end] = ord("(")
    return spans[1:]


def _header(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call and edit.following(call[1] + 1) == b"{":
        _header_name(edit, start, end)
    return end


def _header_pairs(edit: Edit, start: int, end: int) -> int:
    spans = _header_name(edit, start, end) or []
    index = 0
    while index < len(spans):
        span = spans[index]
        opening = edit.text.find(b"(", *span)
        if opening >= 0:
            closing = edit.text.rfind(b")", *span)
            for position in (opening, closing):
                if position >= 0:
                    edit.out[position] = ord(" ")
            index += 1
            continue
        if edit.text[span.end : span.end + 1] == b",":
            edit.out[span.end] = ord(" ")
        index += 2
    return end


def _scope_free(edit: Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or not call[2]:
        return end
    edit.scope_exits.append(ScopeExit(start, edit.text[slice(*call[2][0])].strip()))
    return _blank_call(edit, start, end)


def _scope_call(_edit: Edit, _start: int, end: int) -> int:
    return end


def _define(kind: str, release: int, constructor: int | None) -> Action:
    """Make the action that reads a scope-exit class off its definition, and blanks that.

    ``release`` and ``constructor`` count arguments.  The last thing called in one is what
    it calls: ``if (_T) fput(_T)``.
    """

    def action(edit: Edit, start: int, end: int) -> int:
        call = edit.call(end)
        if call is None:
            return end
        texts = [edit.text[slice(*span)] for span in call.spans]
        wanted = [release] if constructor is None else [release, constructor]
        if len(texts) > 2:  # noqa: PLR2004  name, type, release
            # a file may have a macro of its own by that name, with fewer arguments
            called = [_CALLED.findall(texts[index]) for index in wanted if index < len(texts)]
            if called[0]:
                name = texts[0].strip().decode("utf-8", "replace")
                edit.releases[kind, name] = tuple([one[-1].decode() for one in called if one])
            if constructor is None and release > 0:
                line = edit.text.count(b"\n", 0, start) + 1
                name_, kind_, body = (part.strip() for part in texts[:3])
                edit.scope_bodies.append((line, name_, kind_, body))
        edit.blank(start, call.closing + 1)
        return call.closing + 1

    return action


def column_zero(edit: Edit, start: int, end: int) -> int:
    """Make sense of a call in column 0, which may stand after ``static``.

    Before a body it is a header that has the name as its first argument, or an annotation
    when a header stands before it.  Else it is a declaration; a missing ``;`` is made up for.
    """
    word = edit.text[start:end]
    call = None if word in _KEYWORDS else edit.call(end)
    if call is None:
        return end
    storage = start > 0 and edit.text[start - 1 : start] != b"\n"
    if storage and not _LOUD.fullmatch(word):
        return end
    before = b"" if storage else edit.before(start)
    if edit.following(call.closing + 1) == b"{":
        if before[-1:] == b")":
            edit.blank(start, call.closing + 1)
            return call.closing + 1
        if _LOUD.fullmatch(word) and (not before or before[-1:] in b";}"):
            _header_name(edit, start, end)
    elif storage:
        return _statement(edit, start, end)
    elif not before or before[-1:] in b";}":
        edit.type_arguments(call.spans)
        _close(edit, *call)
    return end


def odd_arguments(edit: Edit) -> None:
    """Make identifiers of arguments that are none: ``struct name *``, ``100baseT``."""
    text = edit.text
    for match in _ODD_ARGUMENT.finditer(text):
        if match[3]:
            if not _NUMBER.fullmatch(match[3]):
                edit.out[match.start(3)] = ord("_")
            continue
        start, end = match.span(2)
        if match[1] == b"(" and match[4] == b")":
            word = _LAST_WORD.search(text, max(0, match.start() - 60), match.start())
            if word is None or word[1] in _KEYWORDS or word.end(1) != match.start():
                continue
        if edit.out.startswith(match[2] + match[4], start):
            edit.type_arguments([Span(start, end)])


def block_calls(edit: Edit) -> None:
    """Make a loop of each statement that is a call followed by a block or by its body."""
    for match in _BLOCK_CALL.finditer(edit.text):
        _loop(edit, *match.span(2))


def loose_calls(edit: Edit) -> None:
    """Blank macro calls that stand as statements without a semicolon.

    Only loud names, alone on their lines, before a line that begins a statement no further in.
    What such a macro does is not known either way.
    """
    for match in _LOOSE_CALL.finditer(edit.text):
        start, end = match.span(1)
        if edit.before(start)[-1:] in (b";", b"{", b"}") and edit.out.startswith(match[1], start):
            edit.blank(start, end)


def header_annotations(edit: Edit) -> None:
    """Blank words of a function's header that can only be annotations.

    A header has a type and a name; what is more and looks like a macro is one.
    """
    for match in _HEADER_WORDS.finditer(b"\n" + bytes(edit.out)):
        words = list(_WORD.finditer(match[1]))
        if len(words) < 3:  # noqa: PLR2004  an annotation, a type and a name
            continue
        names = [word for word in words if word[0] not in _QUALIFIERS]
        arithmetic = sum(word[0] in _ARITHMETIC for word in words)
        more = (
            len(names)
            - 2
            - max(0, arithmetic - 1)
            + sum(word[0] in _ARITHMETIC and word[0] in _QUALIFIERS for word in words)
        )
        for word in names[:-1]:
            if more > 0 and _ANNOTATION.fullmatch(word[0]):
                start = match.start(1) - 1
                edit.blank(start + word.start(), start + word.end())
                more -= 1


#: Action name -> rewriting.
ACTIONS: Final[dict[str, Action]] = {
    "blank": _blank,
    "blank-call": _blank_call,
    "blank-args": _blank_args,
    "blank-asm": _blank_asm,
    "word": _word,
    "static": _static,
    "blank-prefix": _blank_prefix,
    "type-args": _type_args,
    "keyword-call": _keyword_call,
    "loop": _loop,
    "loop-end": _loop_end,
    "scoped": _loop,
    "statement": _statement,
    "local": _statement,
    "variable": _variable,
    "array": _array,
    "header": _header,
    "header-pairs": _header_pairs,
    "syscall": _header_pairs,
    "scope-free": _scope_free,
    "scope-class": _scope_call,
    "scope-guard": _scope_call,
    "define-free": _define("free", 2, None),
    "define-class": _define("class", 2, 3),
    "define-guard": _define("guard", -1, -2),
}
