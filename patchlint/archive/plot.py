"""Bar charts as SVG text, drawn by hand; PNG through matplotlib where that is installed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from patchlint.model.finding import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: told apart without colour as well: dark, middle, light
_COLORS: Final = {"error": "#b3261e", "warning": "#e08a00", "note": "#9bb7d4"}
_LEFT: Final = 190
_WIDTH: Final = 460
_BAR: Final = 18
_GAP: Final = 6
_TOP: Final = 46
_MOST: Final = 30


def svg(bars: Sequence[tuple[str, Mapping[str, int]]], title: str) -> str:
    """Return a chart with one bar a line, split by level; all text is in it, no scripts.

    Of more than thirty bars the first thirty are drawn, and the chart says so.
    """
    shown = list(bars)[:_MOST]
    largest = max((sum(counts.values()) for _, counts in shown), default=0) or 1
    height = _TOP + len(shown) * (_BAR + _GAP) + 30
    total = _LEFT + _WIDTH + 70
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height}"'
            f' viewBox="0 0 {total} {height}" font-family="sans-serif" font-size="12" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{total}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-size="14">{escape(title)}</text>',
        *_legend(),
    ]
    for place, (name, counts) in enumerate(shown):
        parts.extend(_bar(_TOP + place * (_BAR + _GAP), name, counts, largest))
    if len(bars) > len(shown):
        rest = f"and {len(bars) - len(shown)} more"
        parts.append(f'<text x="8" y="{height - 10}" fill="#555555">{rest}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def _legend() -> list[str]:
    found = []
    for place, level in enumerate(LEVELS):
        x = _LEFT + place * 90
        found.append(f'<rect x="{x}" y="26" width="10" height="10" fill="{_COLORS[level]}"/>')
        found.append(f'<text x="{x + 15}" y="35">{level}</text>')
    return found


def _bar(y: int, name: str, counts: Mapping[str, int], largest: int) -> list[str]:
    label = name if len(name) <= 28 else name[:27] + "…"  # noqa: PLR2004 - what fits the margin
    parts = [f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>']
    x = float(_LEFT)
    for level in LEVELS:
        number = counts.get(level, 0)
        if number:
            width = _WIDTH * number / largest
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}"'
                f' fill="{_COLORS[level]}"><title>{escape(name)}: {number} {level}</title></rect>'
            )
            x += width
    parts.append(f'<text x="{x + 6:.1f}" y="{y + 13}">{sum(counts.values())}</text>')
    return parts


def png(bars: Sequence[tuple[str, Mapping[str, int]]], title: str, path: str) -> None:
    """Write the chart as PNG.  Raises ImportError when matplotlib is not installed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = list(bars)[:_MOST]
    figure, axes = plt.subplots(figsize=(8, 1 + 0.3 * max(1, len(shown))))
    left = [0] * len(shown)
    names = [name for name, _ in shown]
    for level in LEVELS:
        numbers = [counts.get(level, 0) for _, counts in shown]
        axes.barh(names, numbers, left=left, color=_COLORS[level], label=level)
        left = [one + other for one, other in zip(left, numbers, strict=True)]
    axes.invert_yaxis()
    axes.set_title(title)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
