"""Edges up through arguments: a function that is given to a registration, a macro or a helper.

A helper that keeps it in a member binds it there, any other runs it for its caller.  Errs towards
too many: one that keeps it elsewhere counts as running it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.bindings import function_name
from patchlint.graph.objects import parted, struct_of
from patchlint.graph.reach.entries import add_callback, add_entry
from patchlint.graph.reach.entry_text import given
from patchlint.graph.reach.state import Bound
from patchlint.graph.reach.tables import is_in_macro_table
from patchlint.model.tree import AddressUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.contexts import Strength
    from patchlint.graph.reach.state import Node, Walk
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts


def through_image_arguments(walk: Walk, node: Node, own: Function | None) -> bool:
    """Go on to whoever gives the function away in the images; whether anybody does."""
    given = [
        (caller, call)
        for caller, call in walk.given(node.name)
        if caller.path == node.path or own is None or not own.static
    ]
    for caller, call in given:
        place = next(i for i, text in enumerate(call.args) if function_name(text) == node.name)
        use = AddressUse(
            node.name,
            caller.path,
            call.line,
            "argument",
            caller.name,
            callee=call.callee,
            argument=place,
        )
        through_argument(walk, node, use)
    return bool(given)


def through_argument(walk: Walk, node: Node, use: AddressUse) -> None:
    """Go on from a function that is given to a call: to its entry, its member, or who gave it."""
    kernel = walk.kernel
    registration = kernel.registrations.get(use.callee)
    place = f"{use.callee}() at {use.path}:{use.line}"
    if registration is not None and registration.context is not None:
        add_callback(walk, node, registration.context, place)
        return
    macro = next((e for e in kernel.entries if e.macro and e.macro == use.callee), None)
    if macro is not None:
        if _is_function_of(kernel, use):
            beside = given(walk.text(use.path), use.callee, node.name)
            add_entry(walk, node, macro, f"given to {place}", beside)
        return
    if _is_variable(walk, node, use) or is_in_macro_table(walk, node, use):
        return
    if (kept := _kept_in(walk, node, use)) is not None:
        walk.bound.append(kept)
        return
    # a release given to kref_put(), or a callback to some iterator: runs in the caller
    strength: Strength = node.strength if use.callee in kernel.cleanups else "likely"
    if use.function:
        above = node.caller(use.function, use.path, use.line)
        walk.push(replace(above, strength=strength, guard=(), gives=None))
    else:
        walk.ends.append(node.name)


def prepare_helpers(walk: Walk, nodes: Iterable[Node]) -> None:
    """Look the helpers up at once that functions are given to, as far as searches are left.

    One that is not looked up counts as running what it is given for its caller, as any does that
    does not keep it: errs towards too many callers.
    """
    uses = (use for node in nodes for use in walk.tree.address_taken(node.name, node.path))
    met = {
        (use.callee, use.path)
        for use in uses
        if use.kind == "argument" and use.callee not in walk.declaring and not _told(walk, use)
    }
    lacking = walk.lacking({f"={name}" for name in walk.tree.undefined_near(met)})
    walk.unread |= {name.removeprefix("=") for name in lacking}
    walk.tree.prepare_definitions(one for one in met if one[0] not in walk.unread)


def _told(walk: Walk, use: AddressUse) -> bool:
    """Whether a table tells what becomes of a function that is given to a call."""
    registration = walk.kernel.registrations.get(use.callee)
    told = registration is not None and registration.context is not None
    return told or any(e.macro == use.callee for e in walk.kernel.entries)


def _is_function_of(kernel: KernelFacts, use: AddressUse) -> bool:
    """Whether a macro takes a function in that place: ``__ATTR()`` is given a file's name first."""
    made = kernel.initializers.get(use.callee, ())
    return use.argument < 0 or not made or any(f"{{{use.argument}}}" == one.value for one in made)


def _is_variable(walk: Walk, node: Node, use: AddressUse) -> bool:
    """Whether a name that a call is given is a variable of the function around it."""
    holder = walk.function(use.function, use.path) if use.function else None
    return holder is not None and any(
        one.name == node.name for one in (*holder.parameters, *holder.locals)
    )


def _kept_in(walk: Walk, node: Node, use: AddressUse) -> Bound | None:
    """The member in which a helper keeps the function that it is given; None where it does not.

    Whoever calls through that member runs it, and not who gave it: that was a registration.  A
    helper that calls what it is given as well, or hands it on, runs it for its caller.
    """
    if use.callee in walk.unread:
        return None
    helper = walk.tree.definition(use.callee, use.path)
    if helper is None or not 0 <= use.argument < len(helper.parameters):
        return None
    name = helper.parameters[use.argument].name
    if any(name in (call.callee, *call.args) for call in helper.calls):
        return None
    target = next((one.target for one in helper.stores if one.value.strip() == name), "")
    base, member = parted(target)
    struct = struct_of(helper, base) if base.isidentifier() else None
    return Bound(node, struct, member, helper.path) if struct is not None else None
