"""The form of each table: which keys a row has, of which type, and what they may say.

Checks return complaints and raise nothing; the loader adds file and line.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, get_args

from msgspec import Struct

from patchlint.model.context import GUARANTEES, Context
from patchlint.model.kernel import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CONTEXTS: Final = frozenset(get_args(Context))
RESOURCES: Final = frozenset(get_args(Resource))
KINDS: Final = frozenset({"ctx", "sync", "wrap", "async", "memory", "inherit", "share"})
WAIT_KINDS: Final = frozenset(
    {"object", "queue", "completion", "event", "rcu", "grace-period", "async", "other"}
)
HINT_KINDS: Final = frozenset({"parameter", "returns", "name", "trace", "condition"})
SHAPES: Final = frozenset(
    {
        "twin",
        "rcu-release",
        "lost-wait",
        "moved-body",
        "task-work-to-workqueue",
    }
)
LEVELS: Final = frozenset({"error", "warning", "note"})

_VERSION: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_ARGUMENTS: Final = 16


class Key(Struct, frozen=True):
    """One key of a row: ``check`` returns what is wrong with a value, None if nothing."""

    name: str
    check: Callable[[Any], str | None]
    required: bool = True


class Complaint(Struct, frozen=True):
    """What is wrong with a row; ``key`` is where, None for the row as a whole."""

    key: str | None
    message: str


def text(value: Any) -> str | None:
    """Demand a string that says something."""
    return None if isinstance(value, str) and value.strip() else "must be a text"


def sentence(value: Any) -> str | None:
    """Demand a sentence with a place for what is released."""
    good = isinstance(value, str) and value.count("{}") == 1
    return None if good else "must be a text with {} for what is released"


def flag(value: Any) -> str | None:
    """Demand a boolean."""
    return None if isinstance(value, bool) else "must be true or false"


def texts(value: Any) -> str | None:
    """Demand a list of strings, none of them empty."""
    good = isinstance(value, list) and all(text(one) is None for one in value)
    return None if good else "must be a list of texts"


def word(value: Any) -> str | None:
    """Demand a C identifier."""
    good = isinstance(value, str) and _WORD.fullmatch(value)
    return None if good else "must be an identifier"


def words(value: Any) -> str | None:
    """Demand a list of C identifiers."""
    good = isinstance(value, list) and all(word(one) is None for one in value)
    return None if good else "must be a list of identifiers"


def forms(value: Any) -> str | None:
    """Demand a list of forms of functions: what one returns, and the structs it is given."""
    good = isinstance(value, list) and all(
        isinstance(one, str) and one and words(one.split(" ")) is None for one in value
    )
    return None if good else "must be a list of identifiers with blanks between them"


def number(value: Any) -> str | None:
    """Demand an argument's index, from 0."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _ARGUMENTS
    return None if good else "must be the number of an argument, from 0"


def whole(value: Any) -> str | None:
    """Demand an integer."""
    return None if isinstance(value, int) and not isinstance(value, bool) else "must be a number"


def version(value: Any) -> str | None:
    """Demand a kernel version."""
    good = isinstance(value, str) and _VERSION.fullmatch(value)
    return None if good else "must be a kernel version such as '6.1'"


def versions(value: Any) -> str | None:
    """Demand a list of kernel versions, none of them twice."""
    good = isinstance(value, list) and all(version(one) is None for one in value)
    return None if good and len(set(value)) == len(value) else "must be a list of kernel versions"


def path(value: Any) -> str | None:
    """Demand a file of the kernel tree, without ``..`` and not absolute."""
    good = (
        isinstance(value, str)
        and value
        and not value.startswith("/")
        and ".." not in value.split("/")
    )
    return None if good else "must be a path inside of the kernel tree"


def regex(value: Any) -> str | None:
    """Demand a regular expression that compiles."""
    if not isinstance(value, str) or not value:
        return "must be a regular expression"
    try:
        re.compile(value)
    except re.error as error:
        return f"is no regular expression: {error}"
    return None


def regexes(value: Any) -> str | None:
    """Demand a list of regular expressions."""
    if not isinstance(value, list):
        return "must be a list of regular expressions"
    return next((wrong for one in value if (wrong := regex(one))), None)


def one_of(allowed: Iterable[str]) -> Callable[[Any], str | None]:
    """Return a check for one of some words."""
    known = sorted(allowed)

    def check(value: Any) -> str | None:
        if value in known:
            return None
        return f"must be one of {', '.join(known)}{suggest(value, known)}"

    return check


def some_of(allowed: Iterable[str], *, empty: bool = False) -> Callable[[Any], str | None]:
    """Return a check for a list of some words; with ``empty`` of none as well."""
    single = one_of(allowed)

    def check(value: Any) -> str | None:
        if not isinstance(value, list) or not (value or empty):
            return "must be a list" + ("" if empty else " that is not empty")
        return next((wrong for one in value if (wrong := single(one))), None)

    return check


def pairs(value: Any) -> str | None:
    """Demand a list of (argument, context)."""
    context = one_of(CONTEXTS)
    good = isinstance(value, list) and all(
        isinstance(one, list)
        and len(one) == len(("argument", "context"))
        and number(one[0]) is None
        and context(one[1]) is None
        for one in value
    )
    return None if good else "must be a list of [argument, context]"


def template(value: object) -> str:
    """Want a name with arguments of a macro in it: ``{0}_store``."""
    if isinstance(value, str) and re.fullmatch(r"\w*(?:\{\d\}\w*)+", value):
        return ""
    return f"must be a name with arguments in it, as {{0}}_store, not {value!r}"


def texts_by_constant(value: object) -> str | None:
    """Want a table from constants of C to texts."""
    good = isinstance(value, dict) and all(
        name.isupper() and word(name) is None and text(said) is None for name, said in value.items()
    )
    return None if good else "must be a table of CONSTANT = text"


def words_by_word(value: object) -> str:
    """Want a table from words to lists of words."""
    if not isinstance(value, dict):
        return f"must be a table of word = [word, ...], not {value!r}"
    wrong = next((name for name in value if word(name) or words(value[name])), None)
    return "" if wrong is None else f"'{wrong}' must be a word with a list of words"


def numbers_by_word(length: int) -> Callable[[Any], str | None]:
    """Return a check for a table from function names to ``length`` arguments each."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return "must be a table of functions"
        for name, given in value.items():
            many = [given] if length == 1 else given
            if (
                word(name)
                or not isinstance(many, list)
                or len(many) != length
                or any(number(one) for one in many)
            ):
                return f"{name}: must be " + (
                    "the number of an argument" if length == 1 else f"{length} argument numbers"
                )
        return None

    return check


def suggest(value: Any, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` or nothing."""
    near = get_close_matches(str(value), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


_GUARANTEE: Final = one_of(GUARANTEES)
_CONTEXT: Final = one_of(CONTEXTS)
_SOURCE: Final = (
    Key("file", path),
    Key("evidence", text),
    Key("since", version, required=False),
    Key("until", version, required=False),
    Key("moved", path, required=False),
)

Row = tuple[Key, ...]

FAMILY: Final[Row] = (
    Key("title", text),
    Key("resources", some_of(RESOURCES, empty=True), required=False),
    Key("alone", flag, required=False),
    Key("while_idle", flag, required=False),
    Key("brief_in", some_of(CONTEXTS), required=False),
    Key("core", words, required=False),
    Key("symptoms", texts),
    Key("advice", texts),
    Key("why", text),
    Key("rest", sentence, required=False),
    Key("rest_symptoms", texts, required=False),
)
CLEANUP: Final[Row] = (
    Key("name", word),
    Key("kind", one_of(KINDS)),
    Key("releases", text),
    Key("task", _GUARANTEE, required=False),
    Key("deferred", _GUARANTEE, required=False),
    Key("visible", flag, required=False),
    Key("symptoms", texts, required=False),
    Key("advice", texts, required=False),
    Key("why", text, required=False),
    Key("callback_arg", number, required=False),
    Key("final", words, required=False),
    Key("probe", text, required=False),
    Key("seen", versions, required=False),
    Key("waited_in", some_of(CONTEXTS), required=False),
    Key("ended_by", words, required=False),
    Key("bare_in", some_of(CONTEXTS), required=False),
    Key("symptoms_with", texts_by_constant, required=False),
    *_SOURCE,
)
ROWS: Final[dict[str, Row]] = {
    "cleanup": CLEANUP,
    "twin": (
        Key("direct", word),
        Key("deferred", word),
        Key("mechanism", text),
        Key("context", _CONTEXT),
        Key("guarantee", _GUARANTEE),
        Key("runs_in", word),
        Key("by", text, required=False),
        *_SOURCE,
    ),
    "registration": (
        Key("name", word),
        Key("object", number, required=False),
        Key("callback", number, required=False),
        Key("context", _CONTEXT, required=False),
        Key("guarantee", _GUARANTEE),
        Key("activates", flag, required=False),
        Key("waits", flag, required=False),
        Key("mechanism", text),
        Key("object_is_name", flag, required=False),
        Key("also", pairs, required=False),
        *_SOURCE,
    ),
    "activation": (
        Key("name", word),
        Key("object", number),
        Key("queue", number, required=False),
        Key("time", number, required=False),
        Key("point", flag, required=False),
        Key("context", _CONTEXT),
        Key("guarantee", _GUARANTEE),
        Key("mechanism", text),
        Key("keeps", flag, required=False),
        Key("keeps_not_with", words, required=False),
        *_SOURCE,
    ),
    "duration": (Key("name", word), Key("unit", text), *_SOURCE),
    "instead": (
        Key("mechanism", text),
        Key("advice", text),
        Key("own", text, required=False),
        Key("asking", text, required=False),
    ),
    "wait": (
        Key("name", word),
        Key("kind", one_of(WAIT_KINDS)),
        Key("object", number, required=False),
        Key("time", number, required=False),
        Key("restores", flag),
        Key("bounded", flag, required=False),
        Key("signal", flag, required=False),
        Key("weaker", words, required=False),
        Key("trap", text),
        *_SOURCE,
    ),
    "entry": (
        Key("struct", word, required=False),
        Key("member", word, required=False),
        Key("macro", word, required=False),
        Key("function", word, required=False),
        Key("boot", flag, required=False),
        Key("contexts", some_of(CONTEXTS)),
        Key("kind", text),
        Key("reaches_user", flag),
        Key("ends", some_of(RESOURCES), required=False),
        Key("commands", flag, required=False),
        Key("event", text, required=False),
        Key("request", word, required=False),
        *_SOURCE,
    ),
    "syscall": (
        Key("name", word),
        Key("called", word, required=False),
        Key("ends", some_of(RESOURCES)),
        Key("to_end", flag, required=False),
        Key("end_commands", words, required=False),
        Key("by", words, required=False),
        *_SOURCE,
    ),
    "proof": (Key("name", word), Key("pattern", regex), Key("calls", words), *_SOURCE),
    "unflagged": (Key("flag", word), Key("made", word), *_SOURCE),
    "own_hold": (Key("name", word), Key("argument", number), Key("value", text), *_SOURCE),
    "hub": (Key("name", word), Key("kind", text), Key("event", text), *_SOURCE),
    "hint": (
        Key("kind", one_of(HINT_KINDS)),
        Key("pattern", regex),
        Key("context", _CONTEXT),
        Key("strength", one_of({"certain", "likely"})),
        Key("why", text),
    ),
    "macro": (
        Key("name", text, required=False),
        Key("regex", regex, required=False),
        Key("action", text),
        *_SOURCE,
    ),
    "initializer": (
        Key("name", word),
        Key("struct", word),
        Key("member", word),
        Key("value", template),
        *_SOURCE,
    ),
    "container": (
        Key("name", word),
        Key("pointer_arg", number),
        Key("type_arg", number),
        Key("member_arg", number),
        *_SOURCE,
    ),
    "callback": (Key("type", word), Key("registration", word), *_SOURCE),
    "slot": (
        Key("struct", word),
        Key("member", word),
        Key("registration", word),
        *_SOURCE,
    ),
    "completer": (Key("name", word), Key("object_arg", number), *_SOURCE),
    "event": (
        Key("name", text),
        Key("said", text),
        Key("calls", words, required=False),
        Key("kinds", texts, required=False),
        Key("operations", texts, required=False),
        Key("often", flag, required=False),
    ),
    "frame": (Key("name", word), Key("context", _CONTEXT), *_SOURCE),
    "prefix": (Key("name", word), *_SOURCE),
    "workload": (
        Key("family", text),
        Key("shows", text),
        Key("through", texts, required=False),
        Key("final", words, required=False),
        Key("script", text, required=False),
        Key("modules", texts, required=False),
        Key("config", texts, required=False),
        Key("suites", texts),
    ),
    "setup": (Key("name", text), Key("modules", texts), Key("config", texts)),
}
STRUCTURE: Final[Row] = (
    Key("teardown", regexes),
    Key("not_teardown", regexes),
    Key("harmless", regexes, required=False),
    Key("later", regexes, required=False),
    Key("visits", regexes, required=False),
    Key("notices", regexes, required=False),
    Key("asks_for_any", regexes, required=False),
    Key("calms", regexes, required=False),
    Key("locks", regexes, required=False),
    Key("unlocks", regexes, required=False),
    Key("each_processor", words, required=False),
    Key("coming_up", words, required=False),
    Key("going_away", words, required=False),
    Key("asks_to_stop", words, required=False),
    Key("takes", words, required=False),
    Key("lookups", words, required=False),
    Key("references", words_by_word, required=False),
    Key("reference_words", words_by_word, required=False),
    Key("accessors", numbers_by_word(1), required=False),
    Key("deferral_types", words),
    Key("allocation", regexes, required=False),
    Key("obtains", regexes, required=False),
    Key("constructor", regexes, required=False),
    Key("puts", regexes, required=False),
    Key("final", regexes, required=False),
    Key("counted", words_by_word, required=False),
    Key("claimed_by", words_by_word, required=False),
    Key("internal_files", words, required=False),
    Key("unseen_there", texts, required=False),
    Key("last_puts", words, required=False),
    Key("ending_forms", forms, required=False),
    Key("holding_forms", forms, required=False),
    Key("error_path", regexes),
    Key("error_value", regexes, required=False),
    Key("lowers", numbers_by_word(1), required=False),
    Key("clears", numbers_by_word(1), required=False),
    Key("gives_number", numbers_by_word(1), required=False),
    Key("takes_number", numbers_by_word(1), required=False),
    Key("refcount_puts", words),
    Key("refcount_gets", words, required=False),
    Key("kernel_places", regexes, required=False),
    Key("shared_places", regexes, required=False),
    Key("held_against", versions, required=False),
    Key("list_adds", numbers_by_word(2)),
    Key("list_drains", numbers_by_word(1)),
)
RULE: Final[Row] = (
    Key("title", text),
    Key("level", one_of(LEVELS)),
    Key("held", one_of(frozenset({"note"})), required=False),
    Key("families", texts, required=False),
    Key("cleanups", words, required=False),
    Key("shape", one_of(SHAPES), required=False),
    Key("symptoms", texts, required=False),
    Key("advice", texts, required=False),
    Key("priority", whole, required=False),
)

#: the files of rules/kernel/ and what each may hold
FILES: Final[dict[str, tuple[str, ...]]] = {
    "cleanups": ("cleanup",),
    "twins": ("twin",),
    "mechanisms": ("registration", "activation", "duration", "instead"),
    "waits": ("wait",),
    "entries": ("entry", "syscall", "proof", "hub", "unflagged", "own_hold"),
    "events": ("event",),
    "hints": ("hint",),
    "macros": ("macro",),
    "objects": ("container", "callback", "slot", "completer", "initializer"),
    "probes": ("frame", "prefix", "workload", "setup"),
}


def complaints(row: Mapping[str, Any], keys: Row) -> list[Complaint]:
    """Everything that is wrong with one row, in the order of its keys."""
    known = {key.name: key for key in keys}
    found = [
        Complaint(name, f"unknown key '{name}'{suggest(name, known)}")
        for name in row
        if name not in known
    ]
    for key in keys:
        if key.name not in row:
            if key.required:
                found.append(Complaint(None, f"the key '{key.name}' is missing"))
        elif wrong := key.check(row[key.name]):
            found.append(Complaint(key.name, f"'{key.name}' {wrong}"))
    since, until = row.get("since"), row.get("until")
    if (
        isinstance(since, str)
        and isinstance(until, str)
        and not version(since)
        and not version(until)
        and _ordered(since) > _ordered(until)
    ):
        found.append(Complaint("since", f"'since' {since} is later than 'until' {until}"))
    return found


def _ordered(text_: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text_.split("."))
