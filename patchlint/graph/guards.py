"""Guards: the tests that stand above an effect, taken apart and made comparable.

A condition becomes *atoms*: one test with its sign each.  ``!(a && b)`` taken is no atom
set of its own but one atom; ``a && b`` taken is two.  Atoms are compared by what they ask
(:attr:`Atom.head`), since variables are renamed and pointers turned into members; they are
evaluated where a caller passes a constant.

Errs towards unequal heads for one question asked in two words, which makes a finding too
many, and towards equal ones for one function asked of two objects, which misses one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from patchlint.model.brackets import one_group
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from patchlint.model.context import Context
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import KernelFacts

_WRAPPED: Final = re.compile(r"^(?:un)?likely\s*\(")
_CALLED: Final = re.compile(r"([A-Za-z_]\w*)\s*\(")
_MEMBER: Final = re.compile(r"[A-Za-z_]\w*")
#: what a test of a member of whatever object asks
_LAST_MEMBER: Final = re.compile(r"^[^&|=<>!?+*/-]*(?:->[^&|=<>!?+*/-]*)*(?:->|\.)\s*[A-Za-z_]\w*$")
_CONSTANT: Final = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b(?!\s*\()")
_WORD: Final = re.compile(r"(?<![\w.>])[A-Za-z_]\w*\b")
#: a variable or a member, which needs no brackets anywhere
_UNBROKEN: Final = re.compile(r"[A-Za-z_]\w*(?:(?:->|\.)[A-Za-z_]\w*)*")
#: a member of what an address leads to
_OF_ADDRESS: Final = lazy(r"\(\s*&\s*([A-Za-z_]\w*)\s*\)->")
#: a variable, a member, a call or a group
_PLAIN: Final = lazy(r"^!?[\w.>\-]*(?:\([^()]*\))?$")
_COMPARED: Final = re.compile(r"^(.+?)\s*(==|!=)\s*(NULL|0|false|true)$")
_EQUAL: Final = lazy(r"^(\w+)\s*(==|!=)\s*(\w+)$")
#: a number that something is held against
_EQUALS: Final = re.compile(r"[=!]=\s*(\d+)\b")
_CHOICE: Final = lazy(r"^([^?:]+)\?\s*(\w+)\s*:\s*(\w+)$")
_CHOSEN: Final = lazy(r"^\(([^?:]+)\?\s*(\w+)\s*:\s*(\w+)\)\s*((?:[=!]=|&)\s*\w+)$")
_MASKED: Final = lazy(r"^\(?([\w| ]+?)\)?\s*&\s*\(?([\w| ]+?)\)?$")
#: a test of several flags of one word at once: any of them makes it come out true
_FLAGS: Final = lazy(r"^((?:->|[^&|=<>!?])+?)\s*&\s*\(\s*([A-Z]\w*(?:\s*\|\s*[A-Z]\w*)+)\s*\)$")
_NUMBER: Final = lazy(r"^(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*$")
#: comparisons and what holds otherwise; the longer ones are tried first
_OPPOSITES: Final = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<="}
_NOT_ASKED: Final = frozenset({"likely", "unlikely", "READ_ONCE", "sizeof", "if", "while"})
_FALSE: Final = frozenset({"false", "0", "NULL"})
_TRUE: Final = frozenset({"true"})
#: what all tests of "was it the last reference" ask
LAST_REFERENCE: Final = "the last reference"
#: how a test of the preprocessor begins
CONFIGURED: Final = "defined "
#: a value put in the place of a parameter is not longer than this
_LONGEST: Final = 120


class Atom(Struct, frozen=True, gc=False):
    """One test with its sign.

    ``text`` is what is tested, without negation; ``head`` what it asks, the same whatever
    the variables are called.  ``path:line`` is where the test stands; ``early`` is set for
    a guard that leaves before, as in :class:`~patchlint.model.facts.Condition`.  ``terms`` are
    the places of what was put in for a flag or a parameter: that decides as well.
    """

    text: str
    positive: bool
    head: str
    path: str
    line: int
    early: bool = False
    terms: tuple[tuple[str, int], ...] = ()
    #: what is asked, and the answer: worked out here, since it is what atoms are compared by
    sign: tuple[str, bool] = ("", False)

    def __post_init__(self) -> None:
        """Set :attr:`sign`."""
        force_setattr(self, "sign", (self.head, self.positive))

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Where it stands, and where what it asks was put together."""
        return ((self.path, self.line), *self.terms)

    @property
    def turned(self) -> Atom:
        """The same test, come out otherwise."""
        return replace(self, positive=not self.positive)

    @property
    def opposite(self) -> tuple[str, bool]:
        """The sign of the same test, come out otherwise."""
        return self.head, not self.positive

    def within(self, function: Function) -> bool:
        """Whether it stands in a function's own lines."""
        return self.path == function.path and function.line <= self.line <= function.end


def last_reference(asked: str, path: str, line: int) -> Atom:
    """The test that ``asked()`` makes before it runs what it was given."""
    return Atom(asked, positive=True, head=LAST_REFERENCE, path=path, line=line)


def _bare(text: str) -> str:
    text = " ".join(text.split())
    while True:
        if one_group(text):
            text = text[1:-1].strip()
        elif (found := _WRAPPED.match(text)) and one_group(text[found.end() - 1 :]):
            text = text[found.end() : -1].strip()
        else:
            return text


@lru_cache(maxsize=4096)
def normal(text: str) -> tuple[str, bool]:
    """A test without its negations, and whether it is asked positively."""
    positive = True
    text = _bare(text)
    while True:
        before = text
        if text.startswith("!") and not text.startswith("!=") and _covers(text[1:]):
            positive, text = not positive, _bare(text[1:])
        compared = _COMPARED.match(text)
        if compared and _covers(compared[1]):
            same = (compared[2] == "==") == (compared[3] == "true")
            positive, text = positive == same, _bare(compared[1])
        choice = _choice(text) if "?" in text else None
        if choice is not None:
            positive, text = positive == choice[1], choice[0]
        if text == before:
            return text, positive


def _choice(text: str) -> tuple[str, bool] | None:
    """What decides a choice of two constants that are told apart, and with which sign.

    ``(lazy ? LATER : NOW) == LATER`` and ``(lazy ? LATER : 0) & LATER`` ask for ``lazy``,
    ``lazy ? 0 : 1`` for the opposite.
    """
    compared = _CHOSEN.match(text)
    chosen = compared or _CHOICE.match(text)
    if chosen is None:
        return None
    against = f" {compared[4]}" if compared is not None else ""
    first, second = (_plain_value(f"{chosen[side]}{against}") for side in (2, 3))
    if first is None or second is None or first == second:
        return None
    return _bare(chosen[1]), first


def _covers(text: str) -> bool:
    """Whether a sign before ``text`` is one of all of it."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if depth == 0 and (
            char in "|?"
            or text.startswith("&&", place)
            or (char in "=<>" and text[place - 1] != "-")
        ):
            return False
    return True


@lru_cache(maxsize=4096)
def _split(text: str, joint: str) -> tuple[str, ...]:
    parts, depth, start, place = [], 0, 0, 0
    while place < len(text):
        char = text[place]
        depth += (char in "([") - (char in ")]")
        if depth == 0 and text.startswith(joint, place):
            parts.append(text[start:place])
            start = place = place + 2
            continue
        place += 1
    return (*parts, text[start:])


def _sides(text: str, joint: str) -> tuple[str, ...]:
    """The tests that ``joint`` puts together: ``a || b``, and ``x & (A | B)`` as well."""
    flags = _FLAGS.match(text) if joint == "||" and "|" in text else None
    if flags is not None:
        return tuple(f"{flags[1]} & {flag.strip()}" for flag in flags[2].split("|"))
    return _split(text, joint)


def pieces(text: str, *, taken: bool) -> list[tuple[str, bool]]:
    """The tests that must all have come out so for ``text`` to have come out as ``taken``."""
    found: list[tuple[str, bool]] = []
    todo = [(text, taken)]
    while todo:
        raw, wanted = todo.pop()
        bare, positive = normal(raw)
        wanted = wanted == positive
        parts = _sides(bare, "&&" if wanted else "||")
        if len(parts) > 1:
            todo.extend((part, wanted) for part in reversed(parts))
        else:
            found.append((bare, wanted))
    return found


def head(text: str, last_references: Iterable[str] = ()) -> str:
    """What a test asks: the function called, else the last member; with its constants.

    Of tests that are put together it is what each of them asks.
    """
    joined = _joined(text)
    if joined is not None:
        joint, parts = joined
        sides = (
            ("" if same else "!") + head(bare, last_references) for bare, same in map(normal, parts)
        )
        return f" {joint} ".join(sorted(sides))
    member = _LAST_MEMBER.search(text)
    called = (
        []
        if member is not None
        else [name for name in _CALLED.findall(text) if name not in _NOT_ASKED]
    )
    if any(name in last_references for name in called):
        return LAST_REFERENCE
    constants = " ".join(sorted({*_CONSTANT.findall(text), *_EQUALS.findall(text)}))
    names = called or [n for n in _MEMBER.findall(text) if not _CONSTANT.fullmatch(n)]
    asked = names[0] if called else (names[-1] if names else text)
    return f"{asked} {constants}".strip()


@lru_cache(maxsize=4096)
def choices(
    text: str, positive: bool, last_references: frozenset[str]
) -> frozenset[tuple[str, bool]]:
    """What one test asks, and the answers, any one of which makes it come out as it did.

    ``a || b`` that held has two, every other test the one that it is.
    """
    joint = "||" if positive else "&&"
    if joint[0] not in text:
        return frozenset({(head(text, last_references), positive)})
    found: set[tuple[str, bool]] = set()
    for part in _sides(text, joint):
        bare, same = normal(part)
        wanted = same == positive
        if bare == text:
            return frozenset({(head(text, last_references), positive)})
        # of two that have to hold together each is asked
        found |= choices(bare, wanted, last_references)
    return frozenset(found)


def atoms(kernel: KernelFacts, condition: Condition, path: str, text: str = "") -> list[Atom]:
    """The atoms of a branch; ``text`` is its test with locals and helpers put in, if known."""
    puts = kernel.refcount_puts
    return [
        Atom(piece, sign, head(piece, puts), path, condition.line, condition.early)
        for piece, sign in pieces(text or condition.text, taken=condition.taken)
    ]


def told(
    kernel: KernelFacts, atom: Atom, text: str, terms: Iterable[tuple[str, int]]
) -> tuple[Atom, ...] | bool:
    """A test with what it asks put in, from ``terms``; True or False when that decides it."""
    decided = evaluate(text)
    if decided is not None:
        return decided == atom.positive
    return _apart(kernel, atom, text, taken=atom.positive, terms=(*atom.terms, *terms))


def _apart(
    kernel: KernelFacts, atom: Atom, text: str, *, taken: bool, terms: tuple[tuple[str, int], ...]
) -> tuple[Atom, ...]:
    """The atoms of ``text``, which came out as ``taken``, where ``atom`` stands."""
    puts = kernel.refcount_puts
    return tuple(
        Atom(piece, sign, _head(piece, puts), atom.path, atom.line, atom.early, terms)
        for piece, sign in pieces(text, taken=taken)
    )


def is_plain(text: str) -> bool:
    """Whether a sign or a joint before a test is one of all of it, without brackets."""
    return _PLAIN.match(text) is not None


def evaluate(text: str) -> bool | None:
    """What a test of constants comes to, None when it has none or they do not tell."""
    text, positive = normal(text)
    answer = _plain_value(text)
    return None if answer is None else answer == positive


def is_value(text: str) -> bool:
    """Whether an argument is a constant: a number, a truth, ``NULL``, a name in capitals."""
    return (
        text in _FALSE
        or text in _TRUE
        or _NUMBER.match(text) is not None
        or _CONSTANT.fullmatch(text) is not None
    )


def constants_of(calls: Iterable[Call]) -> set[tuple[str, ...]]:
    """The constants that each call passes, in their places."""
    return {tuple(arg if is_value(arg) else "" for arg in call.args) for call in calls}


def _plain_value(text: str) -> bool | None:
    if text in _FALSE or text in _TRUE:
        return text in _TRUE
    if _NUMBER.match(text):
        # what counts is whether a digit is none: 0600 is octal, which int() does not take
        return text.rstrip("uUlL").lower().removeprefix("0x").strip("0") != ""
    chosen = _CHOSEN.match(text)
    if chosen and (answer := evaluate(chosen[1])) is not None:
        return _plain_value(f"{chosen[2] if answer else chosen[3]} {chosen[4]}")
    equal = _EQUAL.match(text)
    if equal and all(_CONSTANT.fullmatch(one) or _NUMBER.match(one) for one in equal.group(1, 3)):
        return (equal[1] == equal[3]) == (equal[2] == "==")
    joined = _joined(text)
    return _masked_value(text) if joined is None else _value_of_sides(*joined)


def _value_of_sides(joint: str, parts: tuple[str, ...]) -> bool | None:
    """What the sides of an "or", or of an "and", come to together."""
    decides, answers = joint == "||", [evaluate(part) for part in parts]
    if decides in answers:
        return decides
    return None if None in answers else not decides


def _joined(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The sides of an "or", or of an "and", with which of them it is; None for one test."""
    for joint in ("||", "&&"):
        parts = _split(text, joint) if joint in text else ()
        if len(parts) > 1:
            return joint, parts
    return None


def _undecided(text: str) -> str:
    """A test without the sides whose constants leave it to the others."""
    joined = _joined(text)
    if joined is None:
        return text
    left = [part.strip() for part in joined[1] if evaluate(part) is None]
    return f" {joined[0]} ".join(left) if len(left) < len(joined[1]) else text


def _masked_value(text: str) -> bool | None:
    """What ``FLAGS & MASK`` comes to; two different flags have no bit in common."""
    masked = _MASKED.match(text)
    if masked is None:
        return None
    left, right = ({w.strip() for w in masked[side].split("|")} for side in (1, 2))
    if {"0"} in (left, right):
        return False
    if left & right:
        return True
    return False if all(_CONSTANT.fullmatch(one) for one in left | right) else None


def put_in(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the arguments of a call in the place of parameters."""
    if not values:
        return text

    def value(found: re.Match[str]) -> str:
        given = values.get(found[0])
        if given is None or len(given) > _LONGEST:
            return found[0]
        return given if _UNBROKEN.fullmatch(given) or given.isdigit() else f"({given})"

    said = _WORD.sub(value, text)
    return _OF_ADDRESS.sub(r"\1.", said) if "&" in said else said


def renamed(text: str, names: Mapping[str, str]) -> str:
    """``text`` with identifiers by their new names."""
    if not names or names.keys().isdisjoint(_MEMBER.findall(text)):
        return text
    return _MEMBER.sub(lambda found: names.get(found[0], found[0]), text)


def lifted(
    atom: Atom, values: Mapping[str, str], kernel: KernelFacts, place: tuple[str, int]
) -> tuple[Atom, ...] | bool:
    """An atom in the terms of the caller, who calls at ``place``, one or several.

    True or False when the caller's constants decide it.
    """
    given = tuple([(name, values[name]) for name in _variables(atom.text) if name in values])
    if not given:
        return (atom,)
    text, positive, answer = _told_with(atom.text, given)
    if answer is not None:
        return (answer == positive) == atom.positive
    taken = atom.positive == positive
    return _apart(kernel, atom, text, taken=taken, terms=(*atom.terms, place))


@lru_cache(maxsize=16384)
def _variables(text: str) -> tuple[str, ...]:
    """The words of a test that a caller's arguments may stand for, each once."""
    return tuple(dict.fromkeys(_WORD.findall(text)))


@lru_cache(maxsize=16384)
def _told_with(text: str, given: tuple[tuple[str, str], ...]) -> tuple[str, bool, bool | None]:
    """A test with arguments put in: its text, whether it is not turned, and what it comes to."""
    bare, positive = normal(put_in(text, dict(given)))
    answer = _plain_value(bare)
    if answer is None and (rest := _undecided(bare)) != bare:
        bare, turned = normal(rest)
        positive = positive == turned
    return bare, positive, answer


@lru_cache(maxsize=16384)
def _head(text: str, last_references: frozenset[str]) -> str:
    """The same as :func:`head`, worked out once."""
    return head(text, last_references)


def said(atom: Atom) -> str:
    """An atom as a maintainer would write it."""
    opposite = None if atom.positive else _opposite(atom.text)
    return opposite or _negated(atom)


def _negated(atom: Atom) -> str:
    if atom.positive:
        return atom.text
    simple = re.match(r"^[\w.>\-]+(\([^()]*\))?$", atom.text)
    return f"!{atom.text}" if simple else f"!({atom.text})"


@lru_cache(maxsize=16384)
def _opposite(text: str) -> str | None:
    """``a >= b`` of ``a < b``, None of what is not one comparison."""
    depth = 0
    found: list[tuple[int, str]] = []
    place = 0
    while place < len(text):
        char = text[place]
        depth += (char in "([") - (char in ")]")
        if depth == 0:
            if char in "?|^" or text.startswith("&&", place):
                return None
            sign = next((s for s in _OPPOSITES if text.startswith(s, place)), None)
            if sign is not None and text[place - 1 : place + 1] != "->":
                shift = text.startswith((f"{sign}{sign}", f"{sign}="), place)
                if len(sign) == 1 and shift:
                    return None
                found.append((place, sign))
                place += len(sign) - 1
        place += 1
    if len(found) != 1:
        return None
    ((place, sign),) = found
    return text[:place] + _OPPOSITES[sign] + text[place + len(sign) :]


def leaves_failed(kernel: KernelFacts, atom: Atom) -> bool:
    """Whether who does not pass an early guard is one for whom something failed."""
    if not atom.early:
        return False
    turned = said(atom.turned)
    return kernel.error_path.search(turned) is not None


def asked_contexts(kernel: KernelFacts, atom: Atom) -> frozenset[Context]:
    """The contexts, none of them a task, that a test leaves alone; none for other tests."""
    parts = _sides(atom.text, "||" if atom.positive else "&&")
    if len(parts) > 1:
        inner = [
            [
                asked_contexts(kernel, replace(atom, text=text, positive=sign))
                for text, sign in pieces(part, taken=atom.positive)
            ]
            for part in parts
        ]
        if all(any(found) for found in inner):
            return frozenset().union(*(one for found in inner for one in found))
        return frozenset()
    words = _negated(atom)
    return frozenset(
        h.context for h in kernel.hints if h.kind == "condition" and h.pattern.search(words)
    )


def parted_by_context(kernel: KernelFacts, atom: Atom) -> bool:
    """Whether a side of a test, taken either way, leaves what is no task alone."""
    return any(
        asked_contexts(kernel, replace(atom, text=text, positive=positive))
        for text in _sides_within(atom.text)
        for positive in (True, False)
    )


def _sides_within(text: str) -> Iterator[str]:
    """The single tests that a test puts together, whatever it comes to."""
    bare, _positive = normal(text)
    for joint in ("||", "&&"):
        parts = _sides(bare, joint)
        if len(parts) > 1:
            for part in parts:
                yield from _sides_within(part)
            return
    yield bare


def asks_for_context(kernel: KernelFacts, atom: Atom) -> bool:
    """Whether a test leaves only what is no task: tasks then do as before."""
    return bool(asked_contexts(kernel, atom))
