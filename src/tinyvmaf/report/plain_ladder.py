# SPDX-License-Identifier: Apache-2.0
"""The rate-quality curve of a ladder as plain SVG, for installations without the extra `report`."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import numpy as np

from tinyvmaf.report.drawing import plain_page_of, svg, text, ticks
from tinyvmaf.report.theme import PAPER
from tinyvmaf.scoring.encodes import Ladder, Rung

_WIDTH: Final = 760
_PLOT_HEIGHT: Final = 320
_LEFT, _TOP, _RIGHT, _BOTTOM = 48.0, 56.0, 24.0, 46.0
_LEGEND_LINE: Final = 18.0
_COLOURS: Final = (PAPER.accent, PAPER.other, "#7a3b69", "#4a6b2a", "#a5452f", "#44546a")
_ROUND: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


def plain_ladder_page(ladder: Ladder) -> str:
    """A page that holds the drawing and the encodes as a list, and no script."""
    items = "".join(f"<li>{escape(_words(rung))}</li>" for rung in ladder.rungs)
    title = f"{ladder.reference.name}: VMAF over bitrate"
    return plain_page_of(plain_ladder(ladder), title=title, below=f"<ol>{items}</ol>")


def plain_ladder(ladder: Ladder) -> str:
    """The drawing: score over bitrate with intervals, a curve for each codec and size."""
    curves: dict[str, list[Rung]] = {}
    for rung in ladder.rungs:
        curves.setdefault(f"{rung.codec} {rung.width}x{rung.height}", []).append(rung)
    height = _TOP + _PLOT_HEIGHT + _BOTTOM + _LEGEND_LINE * len(curves)
    return svg(
        _Plot(ladder.rungs, curves).lines(),
        size=(_WIDTH, round(height)),
        title=f"Encodes of {ladder.reference.name}",
        subtitle=f"bars: intervals at {ladder.level:.0%}",
        left=_LEFT,
    )


def _words(rung: Rung) -> str:
    return (
        f"{rung.score.distorted.name}: {rung.bitrate_kbps:.0f} kbps, "
        f"VMAF {rung.score.vmaf.mean:.2f} ± {rung.half_width:.2f}"
    )


class _Plot:
    """The lines of the drawing within its frame."""

    def __init__(self, rungs: Sequence[Rung], curves: dict[str, list[Rung]]) -> None:
        self._curves = curves
        rates = np.log([rung.bitrate_kbps for rung in rungs])
        room = 0.05 * (np.ptp(rates) or 1.0)
        self._first, self._last = float(rates.min() - room), float(rates.max() + room)
        lowest = min(rung.score.vmaf.mean - rung.half_width for rung in rungs)
        # The axis begins at a round number below the worst encode.
        self._floor = min(90.0, max(0.0, 10 * float(np.floor(lowest / 10))))

    def lines(self) -> Iterator[str]:
        yield from self._axes()
        for number, (name, rungs) in enumerate(self._curves.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            points = " ".join(f"{self._x(r):.1f},{self._y(r.score.vmaf.mean):.1f}" for r in rungs)
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            for rung in rungs:
                yield from self._point(rung, colour)
            y = _TOP + _PLOT_HEIGHT + _BOTTOM + _LEGEND_LINE * number
            yield f'<circle cx="{_LEFT + 4}" cy="{y - 4:.1f}" r="4" fill="{colour}"/>'
            yield text(_LEFT + 16, y, name, fill=PAPER.ink)

    def _point(self, rung: Rung, colour: str) -> Iterator[str]:
        x, mean, half = self._x(rung), rung.score.vmaf.mean, rung.half_width
        top, bottom = self._y(min(100.0, mean + half)), self._y(max(self._floor, mean - half))
        yield f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{colour}" stroke-width="2"/>'
        place = f'cx="{x:.1f}" cy="{self._y(mean):.1f}" r="4"'
        title = f"<title>{escape(_words(rung))}</title>"
        yield f'<circle {place} fill="{colour}">{title}</circle>'

    def _axes(self) -> Iterator[str]:
        right, bottom = _WIDTH - _RIGHT, _TOP + _PLOT_HEIGHT
        for value in ticks(self._floor, 100.0):
            y = self._y(value)
            yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{PAPER.rule}"/>'
            yield text(_LEFT - 8, y + 4, f"{value:g}", fill=PAPER.muted, anchor="end")
        for rate in _round_rates(self._first, self._last):
            x = self._place(float(np.log(rate)))
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="{PAPER.rule}"/>'
            yield text(x, bottom + 18, f"{rate:g}", fill=PAPER.muted, anchor="middle")
        name = "bitrate of the video stream, kbps (logarithmic)"
        yield text(right, bottom + 34, name, fill=PAPER.ink, anchor="end")
        yield text(_LEFT - 8, _TOP - 12, "VMAF", fill=PAPER.ink, anchor="end")

    def _x(self, rung: Rung) -> float:
        return self._place(float(np.log(rung.bitrate_kbps)))

    def _place(self, log_rate: float) -> float:
        share = (log_rate - self._first) / (self._last - self._first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return _TOP + (100.0 - value) / (100.0 - self._floor) * _PLOT_HEIGHT


def _round_rates(first: float, last: float) -> list[float]:
    """Round rates between two logarithms of rates, ascending."""
    low, high = np.exp(first), np.exp(last)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    rates = [float(digit * 10.0**power) for power in powers for digit in _ROUND]
    return [rate for rate in rates if low <= rate <= high]
