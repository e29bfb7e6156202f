# SPDX-License-Identifier: Apache-2.0
"""Plain drawings: SVG and pages without scripts, for installations without the extra `report`."""

from collections.abc import Iterable
from html import escape
from typing import Final

import numpy as np

from tinyvmaf.report.theme import PAPER
from tinyvmaf.text import one_line

N_TICKS: Final = 8
_STEPS: Final = (1, 2, 5, 10)

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<style>body{{margin:1rem;background:{surface};font:14px/1.5 {font};color:{ink}}}
svg{{max-width:100%;height:auto}}
@media (prefers-color-scheme: dark){{html{{background:#111;filter:invert(1) hue-rotate(180deg)}}}}
</style></head>
<body>{drawing}
{below}</body></html>
"""


def plain_page_of(drawing: str, *, title: str, below: str) -> str:
    """A page that holds a drawing and no script.

    Args:
        drawing: SVG.
        title: Title of the page, as plain text.
        below: HTML below the drawing.
    """
    return _PAGE.format(
        title=escape(one_line(title)),
        surface=PAPER.surface,
        ink=PAPER.ink,
        font=escape(PAPER.font),
        drawing=drawing,
        below=below,
    )


def svg(
    lines: Iterable[str], *, size: tuple[int, int], title: str, subtitle: str, left: float
) -> str:
    """A drawing on paper, with a title and a line of less importance above it.

    Args:
        lines: Elements of the drawing.
        size: Width and height, in pixels.
        title: First line.
        subtitle: Second line.
        left: Where both begin.
    """
    width, height = size
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    font = f'font-family="{PAPER.font}" font-size="12"'
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>',
        f'<rect width="{width}" height="{height}" fill="{PAPER.surface}"/>',
        text(left, 20.0, title, fill=PAPER.ink, more='font-size="14"'),
        text(left, 38.0, subtitle, fill=PAPER.muted),
        *lines,
        "</svg>\n",
    )
    return "\n".join(whole)


def ticks(low: float, high: float) -> list[float]:
    """Some round numbers from low to high."""
    if high <= low:
        return [round(low, 3)]
    rough = (high - low) / N_TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough * (1 - 1e-9))
    numbers = range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)
    return [float(round(number * step, 9)) for number in numbers]


def text(
    x: float, y: float, words: str, *, fill: str, anchor: str = "start", more: str = ""
) -> str:
    """Words at a place, in one line."""
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" {more}'
    return f"<text {place}>{escape(one_line(words))}</text>"
