"""HTML out of templates, with nothing in it that a stranger's text could do.

Whatever a template prints is brought to one line, its hidden characters spelled out, and
escaped; what is to stay as it stands (source lines) says so with a filter.  Each page
forbids itself to load or run anything but its own style and script, so that text that
slipped through would still do nothing.

jinja2 is imported here, and this module by the formats that print HTML, when they do.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct

from patchlint.model.context import DEFERRED
from patchlint.model.history import day
from patchlint.model.link import mail_link
from patchlint.report import text, words
from patchlint.report.lookup import gaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from patchlint.model.effect import Promise, Step
    from patchlint.model.finding import HunkLine

_SIDES: Final = {"+": ("add", "+"), "-": ("del", "-")}


class Leg(Struct, frozen=True):
    """Steps of a chain that run in one context; ``handed`` when another handed over to it."""

    handed: bool
    tint: str
    steps: Sequence[Step]
    #: what leads to the first step, where the one before does not
    piece: str = ""


class Row(Struct, frozen=True):
    """A line of a hunk; ``gap`` when lines of the diff were left out before it."""

    gap: bool
    side: str
    sign: str
    marked: bool
    old: int | str
    new: int | str
    text: str


def asset(package: str, name: str) -> str:
    """Return a text file that ships in ``package``."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def digest(source: str) -> str:
    """Return ``source`` as a policy names a style or script that stands in the page."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def environment(templates: Mapping[str, str]) -> Environment:
    """Return the environment of ``templates`` (name -> package that has it)."""

    def load(name: str) -> str | None:
        package = templates.get(name)
        return None if package is None else asset(package, f"templates/{name}")

    made = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "article": words.article,
        "block": _block,
        "confirmed_by": words.confirmed_by,
        "context": words.context,
        "count": text.count,
        "day": day,
        "ends": words.ENDS.__getitem__,
        "fate": words.fate_apart,
        "guarantee": words.guarantee,
        "legs": legs,
        "link": mail_link,
        "record": words.record,
        "rows": rows,
        "source": _source,
        "sure": words.sure,
    }
    return made


def _one_line(value: Any) -> Any:
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return value if value.isspace() else text.line(value)


def _source(value: str) -> Markup:
    return escape(text.source(value))


def _block(value: str) -> Markup:
    return escape("\n".join(text.source(part) for part in value.split("\n")))


def legs(promise: Promise, before: Promise) -> list[Leg]:
    """Cut a chain where it is handed over: what follows runs in the context that runs it.

    And where another piece of it begins.
    """
    chain = promise.chain
    turn = next((i for i, step in enumerate(chain) if step.function == promise.callback), None)
    if not promise.callback:
        turn = None
    apart = words.pieces(promise)
    cuts = sorted({0, turn or 0, *apart})
    return [
        Leg(
            handed=start == turn and start > 0,
            tint=_tint(before.context if turn and start < turn else promise.context),
            steps=chain[start:end],
            piece=apart.get(start, ""),
        )
        for start, end in pairwise([*cuts, len(chain)])
    ]


def _tint(context: str) -> str:
    return "deferred" if context in DEFERRED else context


def rows(hunk: Sequence[HunkLine]) -> Iterator[Row]:
    """Yield the lines of a hunk as a table shows them."""
    apart = gaps(hunk)
    path = ""
    for index, line in enumerate(hunk):
        if line.path != path:
            path = line.path
            yield Row(
                gap=True, side="same", sign=" ", marked=False, old="", new="", text=f"{path}:"
            )
        side, sign = _SIDES.get(line.kind, ("same", " "))
        old = "" if line.old is None else line.old
        new = "" if line.new is None else line.new
        yield Row(index in apart, side, sign, line.marked, old, new, line.text)
