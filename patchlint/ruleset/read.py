"""Rule folders in, checked plain rows out: everything that needs a TOML parser.

The rows are lists of plain values in the order of the nouns' fields, so that the cache
can keep them as they are (see :mod:`patchlint.ruleset.cache`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from patchlint.model.effect import STRUCTURAL
from patchlint.model.kernel import release
from patchlint.ruleset import schema
from patchlint.ruleset.errors import RuleError, unreadable
from patchlint.ruleset.guards import guards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

#: kind of cleanup -> guarantees in a task and in a deferred context
_GUARANTEES: Final = {
    "ctx": ("before-return-to-user", "eventually"),
    "wrap": ("before-return-to-user", "eventually"),
    "sync": ("before-call-returns", "before-call-returns"),
    "inherit": ("before-call-returns", "before-call-returns"),
    "memory": ("before-call-returns", "before-call-returns"),
    "async": ("eventually", "eventually"),
    "share": ("before-call-returns", "before-call-returns"),
}

#: what tells an event
_OF_EVENT: Final = ("calls", "kinds", "operations")

Row = dict[str, Any]
Compiled = dict[str, Any]


def compile_rules(roots: Sequence[Path]) -> Compiled:
    """All rules and tables of ``roots`` as plain data; later roots override by name.

    Raises RuleError for the first thing that is wrong.
    """
    digest = hashlib.sha256()
    gathered = _Gathered()
    for root in roots:
        if not root.is_dir():
            raise RuleError(root, "no such folder of rules")
        tables, rules = [*_tables(root)], sorted(root.glob("*.toml"))
        if not (tables or rules or (root / "record").is_dir()):
            raise RuleError(root, "no rule (*.toml) and no table (kernel/*.toml) is in it")
        for file in tables:
            _read_table(file, digest, gathered)
        for file in rules:
            _read_rule(file, digest, gathered)
    return gathered.compiled(digest.hexdigest()[:16])


def _tables(root: Path) -> Iterator[Path]:
    folder = root / "kernel"
    # families first: the cleanups take their words from there
    yield from sorted(folder.glob("families.toml"))
    yield from sorted(p for p in folder.glob("*.toml") if p.name != "families.toml")
    yield from sorted((folder / "cleanups").glob("*.toml"))


class _Gathered:
    """Rows of all roots by table and name, with the file that each came from."""

    def __init__(self) -> None:
        self.families: dict[str, Row] = {}
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in schema.ROWS}
        self.structure: dict[str, Any] = {}
        self.rules: dict[str, Row] = {}

    def compiled(self, digest: str) -> Compiled:
        """Plain data in the order that :mod:`patchlint.ruleset.build` expects."""
        rows = {name: list(table.values()) for name, table in self.tables.items()}
        later: dict[str, list[str]] = {}
        for twin in rows["twin"]:
            later.setdefault(twin["direct"], []).append(twin["deferred"])
        kernel: Compiled = {
            "families": {
                name: [
                    row["symptoms"],
                    row["advice"],
                    row["why"],
                    row.get("core"),
                    row.get("rest"),
                    row.get("rest_symptoms"),
                ]
                for name, row in self.families.items()
            },
            "cleanups": [_cleanup(row, later.get(row["name"], [])) for row in rows["cleanup"]],
            "twins": [_twin(row) for row in rows["twin"]],
            "registrations": [_registration(row) for row in rows["registration"]],
            "activations": [_activation(row) for row in rows["activation"]],
            "waits": [_wait(row) for row in rows["wait"]],
            "times": {
                row["name"]: row["time"]
                for row in (*rows["activation"], *rows["wait"])
                if "time" in row
            },
            "points": [row["name"] for row in rows["activation"] if row.get("point")],
            "durations": {row["name"]: row["unit"] for row in rows["duration"]},
            "instead": {
                row["mechanism"]: [
                    row["advice"],
                    row.get("own", row["advice"]),
                    row.get("asking", row["advice"]),
                ]
                for row in rows["instead"]
            },
            "entries": [_entry(row) for row in rows["entry"]],
            "events": [
                [
                    row["name"],
                    row["said"],
                    *(row.get(key, []) for key in _OF_EVENT),
                    row.get("often", False),
                ]
                for row in rows["event"]
            ],
            "system_calls": [_system_call(row) for row in rows["syscall"]],
            "unflagged": [[row["flag"], row["made"], _source(row)] for row in rows["unflagged"]],
            "own_holds": [
                [row["name"], row["argument"], row["value"], _source(row)]
                for row in rows["own_hold"]
            ],
            "hubs": [[row["name"], row["kind"], row["event"], _source(row)] for row in rows["hub"]],
            "proofs": [
                [row["name"], row["pattern"], row["calls"], _source(row)] for row in rows["proof"]
            ],
            "resources": {
                name: row["resources"] for name, row in self.families.items() if "resources" in row
            },
            "while_idle": [name for name, row in self.families.items() if row.get("while_idle")],
            "alone": [name for name, row in self.families.items() if row.get("alone")],
            "brief": {
                name: row["brief_in"] for name, row in self.families.items() if "brief_in" in row
            },
            "macros": [_macro(row) for row in rows["macro"]],
            "hints": [_hint(row) for row in rows["hint"]],
            "container_macros": {
                row["name"]: [row["pointer_arg"], row["type_arg"], row["member_arg"]]
                for row in rows["container"]
            },
            "callback_types": {row["type"]: row["registration"] for row in rows["callback"]},
            "slots": {
                f"{row['struct']}.{row['member']}": row["registration"] for row in rows["slot"]
            },
            "initializers": [
                [row["name"], row["struct"], row["member"], row["value"], _source(row)]
                for row in rows["initializer"]
            ],
            "completers": {row["name"]: row["object_arg"] for row in rows["completer"]},
            "frames": {row["name"]: row["context"] for row in rows["frame"]},
            "prefixes": [row["name"] for row in rows["prefix"]],
            "workloads": [_workload(row) for row in rows["workload"]],
            "setups": [[row["name"], row["modules"], row["config"]] for row in rows["setup"]],
        }
        known = [row["name"] for row in rows["cleanup"]]
        for key in schema.STRUCTURE:
            given = self.structure.get(key.name)
            if key.check is schema.regexes:
                kernel[key.name] = [[one, guards(one, known)] for one in given or ()]
            else:
                kernel[key.name] = given if given is not None else []
        rules = [self.rules[name] for name in sorted(self.rules)]
        return {"digest": digest, "kernel": kernel, "rules": rules, "words": _words(kernel)}


def _visible(row: Row) -> bool:
    return bool(row.get("visible", row["kind"] != "memory"))


def _cleanup(row: Row, twins: list[str]) -> list[Any]:
    # None stands for the family's own words
    task, deferred = _GUARANTEES[row["kind"]]
    visible = _visible(row)
    return [
        row["name"],
        row["family"],
        row["kind"],
        row.get("task", task),
        row.get("deferred", deferred),
        visible,
        row["releases"],
        row.get("symptoms"),
        row.get("advice"),
        row.get("why"),
        _source(row),
        row.get("callback_arg"),
        twins,
        row.get("final", []),
        row.get("probe"),
        row.get("seen", []),
        row.get("waited_in", []),
        row.get("ended_by", []),
        row.get("bare_in", []),
        [*row.get("symptoms_with", {}).items()],
    ]


def _read_table(file: Path, digest: Any, gathered: _Gathered) -> None:
    data, text = _parse(file, digest)
    if file.parent.name == "cleanups":
        _read_cleanups(file, data, text, gathered)
    elif file.stem == "families":
        for name, row in data.items():
            _check(file, text, f"[{name}]", row, schema.FAMILY)
            gathered.families[name] = row
    elif file.stem == "structural":
        _check(file, text, "", data, schema.STRUCTURE)
        _merge(gathered.structure, data)
    elif file.stem in schema.FILES:
        allowed = schema.FILES[file.stem]
        if file.stem == "cleanups":
            _read_cleanups(file, data, text, gathered)
        else:
            _read_rows(file, data, text, allowed, gathered)
    else:
        raise RuleError(
            file,
            "unknown table" + schema.suggest(file.stem, [*schema.FILES, "families", "structural"]),
        )


def _read_cleanups(file: Path, data: Row, text: str, gathered: _Gathered) -> None:
    family, known = data.pop("family", None), gathered.families
    if family is not None:
        _check_family(file, text, family, known)
    for row in _rows(file, data, text, "cleanup"):
        own = row.pop("family", family)
        if own not in known:
            raise RuleError(
                file,
                f"{row.get('name')}: family '{own}' is unknown{schema.suggest(own, known)}",
                _line_of(text, row),
            )
        _check(file, text, "", row, schema.CLEANUP)
        _add(
            file,
            text,
            gathered.tables["cleanup"],
            row["name"],
            {**row, "family": own, "_file": str(file)},
        )


def _read_rows(
    file: Path, data: Row, text: str, allowed: tuple[str, ...], gathered: _Gathered
) -> None:
    for name in allowed:
        table = gathered.tables[name]
        for row in _rows(file, data, text, name, allowed):
            _check(file, text, "", row, schema.ROWS[name])
            kept = {**row, "_file": str(file)}
            if name == "macro":
                # one macro may need two rewritings
                table[f"{_identity(name, row)} {row['action']}"] = kept
            else:
                _add(file, text, table, _identity(name, row), kept)


def _rows(file: Path, data: Row, text: str, name: str, allowed: tuple[str, ...] = ()) -> list[Row]:
    for key in data:
        if key not in (allowed or (name,)):
            raise RuleError(
                file,
                f"unknown table '{key}'{schema.suggest(key, allowed or (name,))}",
                _line(text, key),
            )
    rows = data.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RuleError(file, f"'{name}' must be a list of tables: [[{name}]]", _line(text, name))
    return [dict(row) for row in rows]


def _identity(table: str, row: Row) -> str:
    if table == "entry":
        return ".".join(row.get(key, "") for key in ("struct", "member", "macro"))
    if table == "hint":
        return f"{row.get('kind')} {row.get('pattern')} {row.get('context')}"
    if table == "macro":
        return str(row.get("name") or row.get("regex"))
    if table == "initializer":
        return f"{row.get('name')} {row.get('member')}"
    if table == "slot":
        return f"{row.get('struct')}.{row.get('member')}"
    keys = {
        "twin": "deferred",
        "callback": "type",
        "workload": "family",
        "instead": "mechanism",
    }
    return str(row.get(keys.get(table, "name")))


def _add(file: Path, text: str, table: dict[str, Row], name: str, row: Row) -> None:
    if name not in table:
        table[name] = row
        return
    known = [table.pop(key) for key in [*table] if key.split("\0")[0] == name]
    own = [old for old in known if _root(old["_file"]) == _root(str(file))]
    for old in own:
        if not _apart(old, row):
            where = "twice" if old["_file"] == str(file) else f"as well as in {old['_file']}"
            raise RuleError(file, f"'{name}' stands here {where}", _line_of(text, row, last=True))
    *older, newest = sorted([*own, row], key=lambda one: _bounds(one)[0])
    for one in older:
        table[f"{name}\0{one['until']}"] = one
    table[name] = newest


def _bounds(row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last kernel that a row speaks of."""
    since, until = row.get("since"), row.get("until")
    return release(since) if since else (0, 0), release(until) if until else (1000, 0)


def _apart(one: Row, other: Row) -> bool:
    """Whether two rows speak of different kernels."""
    (since, until), (begin, end) = _bounds(one), _bounds(other)
    return until < begin or end < since


def _root(file: str) -> str:
    return file.rpartition("/kernel/")[0]


def _check_family(file: Path, text: str, family: str, known: Collection[str]) -> None:
    """Raise for a family that is not declared, with the one that may be meant."""
    if family not in known:
        said = f"unknown family '{family}'{schema.suggest(family, known)}"
        raise RuleError(file, said, _line(text, f'"{family}"'))


def _read_rule(file: Path, digest: Any, gathered: _Gathered) -> None:
    data, text = _parse(file, digest)
    _check(file, text, "", data, schema.RULE)
    known = [*gathered.families, STRUCTURAL]
    for family in data.get("families", ()):
        _check_family(file, text, family, known)
    if not (data.get("families") or data.get("cleanups") or data.get("shape")):
        raise RuleError(
            file, "says neither 'families' nor 'cleanups' nor 'shape': it can never speak"
        )
    beside = file.with_suffix(".md")
    prose = beside.read_bytes() if beside.is_file() else b""
    digest.update(prose)
    gathered.rules[file.stem] = {
        **{key.name: data.get(key.name) for key in schema.RULE},
        "id": file.stem,
        "documentation": prose.decode("utf-8", "replace"),
    }


def _parse(file: Path, digest: Any) -> tuple[Row, str]:
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        raise RuleError(file, f"is no TOML: {error}", int(place[1]) if place else None) from None
    digest.update(file.name.encode())
    digest.update(raw)
    return data, text


def _check(file: Path, text: str, header: str, row: Mapping[str, Any], keys: schema.Row) -> None:
    if not isinstance(row, dict):
        raise RuleError(file, f"'{header}' must be a table", _line(text, header))
    found = schema.complaints(row, keys)
    if not found:
        return
    first = found[0]
    line = _line(text, header) if header else _line_of(text, row)
    if first.key is not None and line is not None:
        line = _line_of_key(text, first.key, line)
    name = row.get("name") or row.get("deferred") or row.get("macro") or row.get("member")
    raise RuleError(file, f"{name}: {first.message}" if name else first.message, line)


def _line(text: str, needle: str) -> int | None:
    """Line of the first ``needle``, None if there is none."""
    return next(
        (number for number, line in enumerate(text.splitlines(), 1) if needle in line), None
    )


def _line_of_key(text: str, key: str, start: int) -> int:
    """Line at or after ``start`` that sets ``key``; ``start`` when none is seen to."""
    lines = text.splitlines()
    return next(
        (
            number
            for number in range(start, len(lines) + 1)
            if re.search(rf"(?<![\w-]){re.escape(key)}\s*=", lines[number - 1])
        ),
        start,
    )


def _line_of(text: str, row: Mapping[str, Any], *, last: bool = False) -> int | None:
    """Line on which a row says its name, its pattern or another text of its own."""
    for key in ("name", "deferred", "pattern", "regex", "member", "macro", "type"):
        value = row.get(key)
        if isinstance(value, str):
            found = [
                number
                for number, line in enumerate(text.splitlines(), 1)
                if re.search(rf"\b{key}\s*=\s*[\"']{re.escape(value)}[\"']", line)
            ]
            if found:
                return found[-1 if last else 0]
    return 1


def _merge(into: dict[str, Any], given: Row) -> None:
    for name, value in given.items():
        if isinstance(value, dict):
            into[name] = {**into.get(name, {}), **value}
        else:
            into[name] = [*into.get(name, []), *value]


def _source(row: Row) -> list[Any]:
    return [
        row["file"],
        row["evidence"],
        *(row.get(key) for key in ("since", "until", "moved")),
    ]


def _twin(row: Row) -> list[Any]:
    return [
        row["direct"],
        row["deferred"],
        row["mechanism"],
        row["context"],
        row["guarantee"],
        row["runs_in"],
        row.get("by", ""),
        _source(row),
    ]


def _registration(row: Row) -> list[Any]:
    return [
        row["name"],
        row.get("object"),
        row.get("callback"),
        row.get("context"),
        row["guarantee"],
        row.get("activates", False),
        row.get("waits", False),
        row["mechanism"],
        _source(row),
        row.get("object_is_name", False),
        row.get("also", []),
    ]


def _activation(row: Row) -> list[Any]:
    return [
        row["name"],
        row["object"],
        row.get("queue"),
        row["context"],
        row["guarantee"],
        row["mechanism"],
        row.get("keeps", False),
        row.get("keeps_not_with", []),
        _source(row),
    ]


def _wait(row: Row) -> list[Any]:
    return [
        row["name"],
        row["kind"],
        row.get("object"),
        row["restores"],
        row["trap"],
        row.get("bounded", False),
        row.get("signal", False),
        row.get("weaker", []),
        _source(row),
    ]


def _entry(row: Row) -> list[Any]:
    return [
        row.get("struct", ""),
        row.get("member", ""),
        row.get("macro", ""),
        row["contexts"],
        row["kind"],
        row["reaches_user"],
        _source(row),
        row.get("ends", []),
        row.get("commands", False),
        row.get("event", ""),
        row.get("request", ""),
        row.get("function", ""),
        row.get("boot", False),
    ]


def _system_call(row: Row) -> list[Any]:
    more = [row.get("to_end", False), row.get("end_commands", []), row.get("by", [])]
    return [row["name"], row.get("called", row["name"]), row["ends"], *more, _source(row)]


def _macro(row: Row) -> list[Any]:
    return [row.get("name") or row["regex"], row["action"], "regex" in row, _source(row)]


def _workload(row: Row) -> list[Any]:
    return [
        row["family"],
        row["shows"],
        row.get("final", []),
        row.get("script"),
        row.get("modules", []),
        row.get("config", []),
        row["suites"],
        row.get("through", []),
    ]


def _hint(row: Row) -> list[Any]:
    return [
        row["kind"],
        row["pattern"],
        row["context"],
        row["strength"],
        row["why"],
    ]


_IDENTIFIER: Final = re.compile(r"(?<!\\)\b[A-Za-z_]\w{3,}")


def _deferring(kernel: Compiled) -> set[str]:
    """Words of which one is in every function that runs deferred by its parameters or slot."""
    types = {
        word
        for kind, pattern, context, *_ in kernel["hints"]
        if kind == "parameter" and context != "task"
        for word in _IDENTIFIER.findall(pattern)
    }
    slots = {slot.partition(".")[2] for slot in kernel["slots"]}
    return (types | slots) - {"struct", "void"}


def _words(kernel: Compiled) -> Compiled:
    """Gather what the byte filter looks for; see :mod:`patchlint.ruleset.prefilter`."""
    mechanisms = {
        # one without a context runs its callback in the caller: nothing is deferred
        *(row[0] for row in kernel["registrations"] if row[3] is not None),
        *(row[0] for row in kernel["activations"]),
        *(row[0] for row in kernel["waits"]),
        *(row[1] for row in kernel["twins"]),
        *kernel["list_adds"],
        *kernel["deferral_types"],
        *kernel["callback_types"],
    }
    return {
        "mechanisms": sorted(mechanisms),
        "deferred": sorted(_deferring(kernel)),
        "cleanups": sorted(
            {
                *(row[0] for row in kernel["cleanups"] if row[2] != "memory"),
                # what ends with a scope is released under the name of its class
                *(
                    name
                    for name, action, regex, _ in kernel["macros"]
                    if action.startswith("scope") and not regex
                ),
            }
        ),
        "weaker": sorted(
            # row: name, family, kind, guarantee in a task, guarantee elsewhere, visible
            {row[0] for row in kernel["cleanups"] if row[3] != "before-call-returns" and row[5]}
        ),
        "names": [row[1] for row in kernel["hints"] if row[0] == "name" and row[2] != "task"],
        "returns": [row[1] for row in kernel["hints"] if row[0] == "returns"],
        "last_puts": sorted(kernel["last_puts"]),
        "later": [one for one, _ in kernel["later"]],
        "teardown": [one for one, _ in kernel["teardown"]],
        "not_teardown": [one for one, _ in kernel["not_teardown"]],
        "kernel_places": [one for one, _ in kernel["kernel_places"]],
        "shared_places": [one for one, _ in kernel["shared_places"]],
    }
