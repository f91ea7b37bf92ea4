"""The record of the rules in numbers: a table to read, and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import to_builtins

from patchlint.report.as_json import dump
from patchlint.report.text import count, line, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.model.stats import Group, Share, Stats

_HEADS: Final = (
    "judged", "right", "info", "wrong", "open", "level deserved", "loud today, right", "ends",
)  # fmt: skip
_LEGEND: Final = (
    "right: user space lost a promise; info: the release moved, but nobody could rely on it, so"
    " that a note is what it deserves; wrong: it did not move; open: could not be decided; ends:"
    " what came of the right ones"
)


def table(stats: Stats) -> str:
    """Return the numbers for reading: all, by rule, by level, by confidence, and the repairs."""
    if not stats.total.track.judged:
        return "nothing was judged yet\n"
    about = f"{count(stats.total.track.judged, 'finding')} of {count(stats.lists, 'list')}"
    lines = [f"{about}, judged against thread and source; bounds are Wilson's for 95 %"]
    lines += wrap(_LEGEND, 100)
    for name in ("rule", "level", "confidence"):
        some = [group for group in stats.groups[name] if group.track.judged]
        if name == "level":
            some = [*some, stats.total]
        lines += ["", *_columns([(name, *_HEADS), *map(_row, some)])]
    silent = [one.track.rule for one in stats.groups["rule"] if not one.track.judged]
    if silent:
        lines += ["", f"not judged yet: {', '.join(silent)}"]
    if any(group.held for group in stats.groups["rule"]):
        lines += ["", "held: a note from hunks alone, until its record is better"]
    lines += _moved(stats)
    lines += ["", *_repairs(stats)]
    return "".join(f"{text.rstrip()}\n" for text in lines)


def _row(group: Group) -> tuple[str, ...]:
    track = group.track
    name = f"{line(track.rule)} (held)" if group.held else line(track.rule)
    numbers = (track.judged, track.right, track.info, track.wrong, track.undecided)
    return (
        name,
        *map(str, numbers),
        _percent(group.share),
        f"{group.loud.right} of {group.loud.decided}: {_percent(group.loud)}",
        ", ".join(f"{number} {end}" for end, number in track.ends.items()),
    )


def _percent(share: Share) -> str:
    if share.part is None:
        return "-"
    return f"{share.part:.0%} ({share.low:.0%} to {share.high:.0%})"


def _columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if cell.isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        yield "  ".join(cells)


def _moved(stats: Stats) -> Iterable[str]:
    """Yield how the program of today tells what was judged at another level."""
    for verdict, level, today, number in stats.changed:
        said = "not found" if today == "none" else f"a {today}"
        if today == "error":
            said = "an error"
        yield f"{number} {verdict}, judged as {level}: {said} today"


def _repairs(stats: Stats) -> Iterator[str]:
    if not stats.known:
        return
    told = stats.repairs
    noted = sum(one.found == "note" for one in stats.unfound)
    yield (
        f"{count(stats.known, 'repair')} and reverts are known; of {told.decided} whose patch is"
        f" there to be found, {told.right} are told loudly and {noted} as a note: {_percent(told)}"
    )
    yield ", ".join(
        f"{line(family)} {share.right} of {share.decided}"
        for family, share in stats.families
        if share.decided
    )
    for miss in stats.unfound:
        what = "a note" if miss.found == "note" else "not found"
        repair = f"{line(miss.date)} {line(miss.family)} <{line(miss.repair_id)}>"
        yield f"  {what}: {repair}: {line(miss.reason)}"


def as_json(stats: Stats) -> str:
    """Return the numbers as JSON."""
    return dump(
        {
            "findings": _group(stats.total),
            "lists": stats.lists,
            "by": {name: [_group(one) for one in some] for name, some in stats.groups.items()},
            "today": [
                {"verdict": verdict, "judged_as": level, "today": today, "number": number}
                for verdict, level, today, number in stats.changed
            ],
            "repairs": _share(stats.repairs)
            | {
                "known": stats.known,
                "families": {name: _share(one) for name, one in stats.families},
            },
            "misses": to_builtins(stats.unfound),
        }
    )


def _group(group: Group) -> dict[str, Any]:
    track = group.track
    return {
        "name": track.rule,
        "held": group.held,
        "judged": track.judged,
        "right": track.right,
        "info": track.info,
        "wrong": track.wrong,
        "undecided": track.undecided,
        "precision": _share(group.share),
        "loud": _share(group.loud),
        "outcomes": dict(track.ends),
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "right": share.right,
        "of": share.decided,
        "share": share.part,
        "low": share.low,
        "high": share.high,
    }
