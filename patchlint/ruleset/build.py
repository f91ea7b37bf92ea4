"""Plain rows in, the nouns of :mod:`patchlint.model.kernel` out.  Checks nothing."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from patchlint.model.kernel import (
    Activation,
    Cleanup,
    ContextHint,
    EntryPoint,
    Event,
    Hub,
    Instead,
    KernelFacts,
    Macro,
    Made,
    OwnHold,
    Proof,
    Registration,
    Rule,
    Ruleset,
    Setup,
    Source,
    SystemCall,
    Twin,
    Unflagged,
    Wait,
    Workload,
)
from patchlint.model.pattern import any_of, lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.model.kernel import Row
    from patchlint.ruleset.read import Compiled

#: a reason is not longer than this; of a longer one the family's own words are enough
_LONGEST_WHY: Final = 180


def ruleset(data: Compiled) -> Ruleset:
    """Make the ruleset that ``data`` (see :mod:`patchlint.ruleset.read`) describes."""
    return Ruleset(tuple(map(_rule, data["rules"])), _kernel(data["kernel"]), data["digest"])


def _kernel(data: Compiled) -> KernelFacts:
    cleanups = _cleanups(data)
    return KernelFacts(
        cleanups={row.name: row for row in cleanups},
        twins={row[1]: _twin(row) for row in data["twins"]},
        registrations={row[0]: _registration(row) for row in data["registrations"]},
        activations={row[0]: _activation(row) for row in data["activations"]},
        waits={row[0]: Wait(*_sourced(row)) for row in data["waits"]},
        times=dict(data["times"]),
        points=frozenset(data["points"]),
        durations=dict(data["durations"]),
        instead={name: Instead(*row) for name, row in data["instead"].items()},
        list_adds={name: (item, target) for name, (item, target) in data["list_adds"].items()},
        list_drains=dict(data["list_drains"]),
        container_macros={
            name: (pointer, kind, member)
            for name, (pointer, kind, member) in data["container_macros"].items()
        },
        callback_types=dict(data["callback_types"]),
        teardown=any_of(data["teardown"]),
        not_teardown=any_of(data["not_teardown"]),
        variants=(
            *_variants("cleanups", [(row.name, row) for row in cleanups]),
            *_variants("twins", [(row[1], _twin(row)) for row in data["twins"]]),
            *_variants("registrations", [(r[0], _registration(r)) for r in data["registrations"]]),
            *_variants("activations", [(r[0], _activation(r)) for r in data["activations"]]),
            *_variants("waits", [(row[0], Wait(*_sourced(row))) for row in data["waits"]]),
        ),
        held_against=tuple(data["held_against"]),
        entries=tuple(_entry(row) for row in data["entries"]),
        events=tuple(map(_event, data["events"])),
        system_calls={row[0]: _system_call(row) for row in data["system_calls"]},
        hubs={row[0]: Hub(*_sourced(row)) for row in data["hubs"]},
        unflagged={row[0]: Unflagged(*_sourced(row)) for row in data["unflagged"]},
        own_holds={row[0]: OwnHold(*_sourced(row)) for row in data["own_holds"]},
        proofs=tuple(
            Proof(name, lazy(pattern), tuple(calls), Source(*source))
            for name, pattern, calls, source in data["proofs"]
        ),
        resources={name: tuple(kinds) for name, kinds in data["resources"].items()},
        alone=frozenset(data["alone"]),
        while_idle=frozenset(data["while_idle"]),
        brief={name: frozenset(contexts) for name, contexts in data["brief"].items()},
        macros=tuple(Macro(*_sourced(row)) for row in data["macros"]),
        hints=tuple(ContextHint(row[0], lazy(row[1]), *row[2:]) for row in data["hints"]),
        deferral_types=frozenset(data["deferral_types"]),
        allocation=any_of(data["allocation"]),
        obtains=any_of(data["obtains"]),
        constructor=any_of(data["constructor"]),
        puts=any_of(data["puts"]),
        final=any_of(data["final"]),
        counted={name: frozenset(puts) for name, puts in dict(data["counted"]).items()},
        claimed_by={name: frozenset(ops) for name, ops in dict(data["claimed_by"]).items()},
        internal_files=frozenset(data["internal_files"]),
        unseen_there=tuple(data["unseen_there"]),
        last_puts=frozenset(data["last_puts"]),
        ending_forms=frozenset(data["ending_forms"]),
        holding_forms=frozenset(data["holding_forms"]),
        error_path=any_of(data["error_path"]),
        error_value=any_of(data["error_value"]),
        refcount_puts=frozenset(data["refcount_puts"]),
        refcount_gets=frozenset(data["refcount_gets"]),
        initializers=_by_macro(data["initializers"]),
        completers=dict(data["completers"]),
        harmless=any_of(data["harmless"]),
        later=any_of(data["later"]),
        visits=any_of(data["visits"]),
        notices=any_of(data["notices"]),
        asks_for_any=any_of(data["asks_for_any"]),
        calms=any_of(data["calms"]),
        locks=any_of(data["locks"]),
        unlocks=any_of(data["unlocks"]),
        each_processor=frozenset(data["each_processor"]),
        coming_up=frozenset(data["coming_up"]),
        going_away=frozenset(data["going_away"]),
        asks_to_stop=frozenset(data["asks_to_stop"]),
        takes=frozenset(data["takes"]),
        lookups=frozenset(data["lookups"]),
        reference_words={
            word: frozenset(ends) for word, ends in dict(data["reference_words"]).items()
        },
        references={name: frozenset(ends) for name, ends in dict(data["references"]).items()},
        accessors=dict(data["accessors"]),
        lowers=dict(data["lowers"]),
        clears=dict(data["clears"]),
        gives_number=dict(data["gives_number"]),
        takes_number=dict(data["takes_number"]),
        slots=dict(data["slots"]),
        frames=dict(data["frames"]),
        prefixes=tuple(data["prefixes"]),
        workloads={row[0]: Workload(*map(_frozen, row)) for row in data["workloads"]},
        setups={row[0]: Setup(*map(_frozen, row)) for row in data["setups"]},
    )


def _by_macro(rows: list[list[Any]]) -> dict[str, tuple[Made, ...]]:
    found: dict[str, tuple[Made, ...]] = {}
    for row in rows:
        made = Made(*_sourced(row))
        found[made.macro] = (*found.get(made.macro, ()), made)
    return found


def _variants(table: str, rows: list[tuple[str, Row]]) -> Iterator[tuple[str, str, Row]]:
    """Give the rows of names that have several, each with its table and name."""
    many = Counter(name for name, _ in rows)
    return ((table, name, row) for name, row in rows if many[name] > 1)


#: how a release goes about it, behind the thing that it releases (", waiting for its users")
_HOW: Final = re.compile(
    r", (?:\w+ing|through|by|in|as|off|on|when|from|before|after|written|finished|inline)\b.*"
)
#: what is said of it behind a comma
_ADDED: Final = re.compile(r", (?:with|and|its)\b")
_AS: Final = re.compile(r"what (\w+)\(\) releases")


#: what helps with a counter that is lowered late
_LOWER: Final = (
    "lower it in the call, where the object is ended, and leave only memory to the callback"
)


def _cleanups(data: Compiled) -> list[Cleanup]:
    found = []
    things = {row[0]: row[6] for row in data["cleanups"]}
    for row in data["cleanups"]:
        symptoms, advice, why, core, rest, rest_symptoms = data["families"][row[1]]
        name, kind, visible, releases = row[0], row[2], row[5], row[6]
        if kind == "memory" and not visible:
            family = data["families"].get("memory", data["families"][row[1]])
            symptoms, advice, why = family[:3]
        elif kind == "share":
            # no function has this name, and none that has it may be taken for the counter
            name = f"->{name}"
            # the family's advice is for what is released, which a count may outlive
            advice = (_LOWER,)
        elif not visible:
            why = f"{name}() releases {releases}; user space cannot tell that it is late"
            symptoms = advice = ()
        elif core is None:
            full = f"{name}() releases {releases}; {why}"
            why = full if len(full) <= _LONGEST_WHY else why
        elif name not in core:
            # the family's words are of its core: of others it says who meets what they release
            advice = ()
            symptoms = symptoms if rest_symptoms is None else rest_symptoms
            why = rest.replace("{}", _closed(_thing(releases, things))) if rest else why
        fields = [
            name,
            *row[1:7],
            tuple(symptoms if row[7] is None else row[7]),
            tuple(advice if row[8] is None else row[8]),
            why if row[9] is None else row[9],
            Source(*row[10]),
            row[11],
            tuple(row[12]),
            tuple(row[13]),
            row[14],
            tuple(row[15]),
            tuple(row[16]),
            frozenset(row[17]),
            frozenset(row[18]),
            tuple((constant, said) for constant, said in row[19]),
        ]
        made = Cleanup(*fields)
        if kind == "share" and row[9] is None:
            counts = f"{made.told} counts {releases}"
            made = replace(made, why=f"{counts}: the next one fails while it is too high")
        found.append(made)
    return found


def _thing(releases: str, things: dict[str, str]) -> str:
    """What is released, without how that is done and by which function."""
    through = _AS.fullmatch(releases)
    return _HOW.sub("", things.get(through[1], releases) if through else releases)


def _closed(thing: str) -> str:
    """A thing in the middle of a sentence: what is added behind a comma ends with one."""
    return f"{thing}," if _ADDED.search(thing) else thing


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _sourced(row: list[Any]) -> list[Any]:
    """Return the fields of a row that ends in its source."""
    return [*row[:-1], Source(*row[-1])]


def _twin(row: list[Any]) -> Twin:
    direct, deferred, mechanism, context, guarantee, runs_in, by, source = row
    return Twin(direct, deferred, mechanism, context, guarantee, runs_in, Source(*source), by)


def _event(row: list[Any]) -> Event:
    name, said, calls, kinds, operations, often = row
    return Event(name, said, frozenset(calls), frozenset(kinds), frozenset(operations), often)


def _entry(row: list[Any]) -> EntryPoint:
    struct, member, macro, contexts, kind, user, source, ends, *more = row
    where = Source(*source)
    held = tuple(contexts)
    return EntryPoint(struct, member, macro, held, kind, user, where, tuple(ends), *more)


def _system_call(row: list[Any]) -> SystemCall:
    name, called, ends, to_end, commands, by, source = row
    where = Source(*source)
    return SystemCall(name, called, tuple(ends), where, to_end, frozenset(commands), tuple(by))


def _registration(row: list[Any]) -> Registration:
    also = tuple((argument, context) for argument, context in row[10])
    fields = [*row[:8], Source(*row[8]), row[9], also]
    return Registration(*fields)


def _activation(row: list[Any]) -> Activation:
    fields = [*row[:7], frozenset(row[7]), Source(*row[8])]
    return Activation(*fields)


def _rule(row: dict[str, Any]) -> Rule:
    return Rule(
        id=row["id"],
        title=row["title"],
        families=tuple(row["families"] or ()),
        cleanups=tuple(row["cleanups"] or ()),
        shape=row["shape"],
        level=row["level"],
        symptoms=tuple(row["symptoms"] or ()),
        advice=tuple(row["advice"] or ()),
        documentation=row["documentation"],
        priority=row["priority"] or 0,
        held=row["held"],
    )
