"""Expressions that name a deferral object or a list, made comparable.

``&d->rwork`` in a function where ``d`` is a ``struct deferred *`` and ``&dead->rwork``
in another are the same object *kind*: member ``rwork`` of that struct.  Where a type is
not visible in the image, members of the same name match inside one file only; that errs
towards a missed edge across files and a wrong one between equally named members of two
structs of one file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.model.brackets import one_group
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from patchlint.model.facts import Function

_CAST: Final = re.compile(r"^\(\s*(?:const\s+)?(?:struct|union|void|\w+_t)\b[^()]*\)\s*")
_INDEX: Final = re.compile(r"\[[^\[\]]*\]")
_PATH: Final = re.compile(r"^[A-Za-z_]\w*(?:\s*(?:->|\.)\s*[A-Za-z_]\w*)*$")
_CALLED: Final = re.compile(r"^([A-Za-z_]\w*)\s*\([^()]*\)$")
_SPLIT: Final = re.compile(r"\s*(->|\.)\s*")
_QUALIFIERS: Final = re.compile(r"\b(?:const|volatile|static|struct|union|extern|register)\b")
_VARIABLE: Final = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")
_TAIL: Final = lazy(r"(?:->|\.)\s*([A-Za-z_]\w*)\s*$")

#: members that tell one place of a struct from another
_SEVERAL: Final = 2

#: (struct, member) -> type text
Fields = dict[tuple[str, str], str]
#: struct -> the source files that define one of that name
Homes = dict[str, set[str]]
_NOWHERE: Final[frozenset[str]] = frozenset()


class ObjectRef(Struct, frozen=True):
    """What an expression points at.

    ``keys`` are the member names it may be known by (``dwork`` and ``work`` for
    ``&x->dwork.work``), or the variable's name when ``plain``.  ``owner`` is the struct
    that holds the member, None when the image does not show it.  ``held`` are members
    with their structs, those inside of others where an image defines them: ``&port->line[i].work``
    is the ``work`` of a line as well.
    """

    keys: frozenset[str]
    owner: str | None
    plain: bool
    path: str
    function: str | None
    text: str
    local: bool = False
    held: tuple[tuple[str, str], ...] = ()


def struct_name(type_text: str | None) -> str | None:
    """The bare struct or typedef name of a type text, None when there is none."""
    if not type_text:
        return None
    bare = _QUALIFIERS.sub(" ", type_text).replace("*", " ").split()
    return bare[-1] if bare else None


def struct_of(function: Function, variable: str) -> str | None:
    """The struct that a parameter or local points to or is, None where that is not told."""
    told = function.type_of(variable)
    return struct_name(told) if told is not None and "struct" in told.split() else None


def variables(texts: Iterable[str]) -> set[str]:
    """The variables that arguments or tests speak of, without members."""
    return {word for text in texts for word in _VARIABLE.findall(text)}


def share_variable(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether two lists of arguments or tests speak of one variable."""
    return not variables(some).isdisjoint(variables(others))


def form_of(function: Function) -> str:
    """What a function returns and is given, by the bare names of types: ``int inode file``."""
    structs = [struct_name(parameter.type) or "" for parameter in function.parameters]
    return " ".join([*function.returns.split()[-1:], *structs])


def is_release(counted: Collection[str], function: Function) -> bool:
    """Whether a function has the form of what a put runs for the last reference: counted alone."""
    return (
        len(function.parameters) == 1
        and function.returns.split()[-1:] == ["void"]
        and struct_name(function.parameters[0].type) in counted
    )


def strip_expression(text: str) -> str:
    """``text`` without casts, address-of, dereference, outer parentheses, indices."""
    current = text.strip()
    while True:
        before = current
        current = _CAST.sub("", current).lstrip("&*").strip()
        if one_group(current):
            current = current[1:-1].strip()
        current = _INDEX.sub("", current)
        if current == before:
            return current


def parted(target: str) -> tuple[str, str]:
    """What has a member, and the member: ``a.b`` and ``c`` of ``a->b.c``, "" of a variable."""
    base, _, last = target.replace("->", ".").rpartition(".")
    return base, last


def refer(text: str, function: Function | None, path: str, fields: Fields) -> ObjectRef | None:
    """What ``text`` points at, None for an expression that names nothing."""
    bare = strip_expression(text)
    name = function.name if function else None
    called = _CALLED.match(bare)
    if called is not None:
        # an accessor that nobody shows gives the same object wherever it is called
        return ObjectRef(
            frozenset({f"{called[1]}()"}), None, plain=True, path=path, function=name, text=bare
        )
    if not _PATH.match(bare):
        tail = _TAIL.search(bare)
        if tail is None:
            return None
        return ObjectRef(
            frozenset({tail.group(1)}), None, plain=False, path=path, function=name, text=bare
        )
    parts = _SPLIT.split(bare)
    names, joints = parts[::2], parts[1::2]
    if len(names) == 1:
        local = function is not None and function.type_of(names[0]) is not None
        return ObjectRef(
            frozenset(names), None, plain=True, path=path, function=name, text=bare, local=local
        )
    owner = struct_name(function.type_of(names[0])) if function else None
    keys = {names[-1]}
    owners: list[str | None] = [owner]
    for member in names[1:-1]:
        owner = struct_name(fields.get((owner, member))) if owner else None
        owners.append(owner)
    position = len(names) - 1
    held: list[tuple[str, str]] = []
    # x->dwork.work is the work item inside a delayed work: both names mean it
    while position > 1 and joints[position - 1] == ".":
        holder = owners[position - 1]
        if holder is not None and (holder, names[position]) in fields:
            held.append((names[position], holder))
        position -= 1
        keys.add(names[position])
    owner = owners[position - 1]
    if owner is not None:
        held.append((names[position], owner))
    return ObjectRef(
        frozenset(keys),
        owner,
        plain=False,
        path=path,
        function=name,
        text=bare,
        held=tuple(held),
    )


def member(owner: str, path_text: str, path: str) -> ObjectRef:
    """The object that ``container_of(ptr, struct owner, path_text)`` names."""
    names = [n for n in re.split(r"->|\.", path_text.replace(" ", "")) if n]
    return ObjectRef(
        frozenset(names),
        owner,
        plain=False,
        path=path,
        function=None,
        text=f"{owner}.{path_text}",
        held=((names[0], owner),) if names else (),
    )


def same(
    one: ObjectRef, other: ObjectRef, homes: Homes, common: Mapping[str, int] | None = None
) -> bool:
    """Whether two expressions can name the same object (see the module on errors).

    A struct that is defined in a source file is known in that file alone: ``homes`` says which
    are.  ``common`` counts to how many callbacks a member name is bound; a name bound to one in the
    whole series matches across files even when one owner is unknown.
    """
    if one.plain != other.plain or not alike(one, other):
        return False
    if one.plain:
        here = one.path == other.path and one.function == other.function
        return here or not (one.local or other.local)
    first, second = _owners(one, other)
    if first and second and first != second:
        return False
    if one.path == other.path:
        return True
    private = any(
        not homes.get(owner or "", _NOWHERE).isdisjoint((one.path, other.path))
        for owner in (first, second)
    )
    once = common is not None and all(common.get(k, 0) <= 1 for k in one.keys & other.keys)
    return not private and (bool(first and second) or once)


def alike(one: ObjectRef, other: ObjectRef) -> bool:
    """Whether two names of objects may be of one: of members in members all that both tell.

    ``rx.done`` and ``tx.done`` of one struct are not; ``dwork.work`` is, of ``dwork`` and ``work``.
    """
    if min(len(one.keys), len(other.keys)) < _SEVERAL:
        return not one.keys.isdisjoint(other.keys)
    short, long = sorted((_inside(one), _inside(other)), key=len)
    return short in (long[: len(short)], long[-len(short) :])


def _inside(one: ObjectRef) -> list[str]:
    """The members by which an object is known, the outermost first."""
    return [name for name in re.split(r"->|\.", one.text.replace(" ", "")) if name in one.keys]


def _owners(one: ObjectRef, other: ObjectRef) -> tuple[str | None, str | None]:
    """The structs by which two members are held against each other: of a name of both."""
    both = next((holder for key, holder in one.held if (key, holder) in other.held), None)
    return (both, both) if both else (one.owner, other.owner)
