# SPDX-License-Identifier: Apache-2.0
"""Plain charts, for installations without the extra `report`: SVG, and pages without scripts.

The score of a pair over time, and the rate-quality curve of a ladder.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

import numpy as np

from tinyvmaf.report.theme import PAPER
from tinyvmaf.scoring.ladder_result import Ladder, Rung
from tinyvmaf.scoring.pooling import WorstFrame
from tinyvmaf.scoring.result import Score
from tinyvmaf.text import one_line

_N_TICKS: Final = 8
_STEPS: Final = (1, 2, 5, 10)
_WIDTH: Final = 920
_HEIGHT: Final = 350
_LEFT, _TOP, _RIGHT, _BOTTOM = 48.0, 56.0, 16.0, 42.0
# More points than a screen shows; a longer video is drawn as means and extremes of intervals.
_MAX_POINTS: Final = 1500
_MINUTE_S: Final = 60
_TIME_STEPS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800)
_HOUR_S: Final = 3600
_LADDER_WIDTH: Final = 760
_PLOT_HEIGHT: Final = 320
_LADDER_LEFT, _LADDER_TOP, _LADDER_RIGHT, _LADDER_BOTTOM = 48.0, 56.0, 24.0, 46.0
_LEGEND_LINE: Final = 18.0
_COLOURS: Final = (PAPER.accent, PAPER.other, "#7a3b69", "#4a6b2a", "#a5452f", "#44546a")
_ROUND: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)

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


def _page(drawing: str, *, title: str, below: str) -> str:
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


def _svg(
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
        _text(left, 20.0, title, fill=PAPER.ink, more='font-size="14"'),
        _text(left, 38.0, subtitle, fill=PAPER.muted),
        *lines,
        "</svg>\n",
    )
    return "\n".join(whole)


def _ticks(low: float, high: float) -> list[float]:
    """Some round numbers from low to high."""
    if high <= low:
        return [round(low, 3)]
    rough = (high - low) / _N_TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough * (1 - 1e-9))
    numbers = range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)
    return [float(round(number * step, 9)) for number in numbers]


def _text(
    x: float, y: float, words: str, *, fill: str, anchor: str = "start", more: str = ""
) -> str:
    """Words at a place, in one line."""
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" {more}'
    return f"<text {place}>{escape(one_line(words))}</text>"


def plain_page(score: Score) -> str:
    """A page that holds the drawing and no script."""
    title = f"{score.distorted.name}: VMAF over time"
    caption = "The moments listed are the lowest scores; dots in the chart mark them."
    if score.sampling is not None:
        caption = (
            f"Small dots are exact scores of {len(score.sampling.exact)} of "
            f"{len(score.frame_scores)} frames; the line between them is a likely course, not a "
            "score. The band is the interval of the mean. The moments listed are the lowest exact "
            "scores."
        )
    moments = "".join(f"<li>{escape(moment_text(item))}</li>" for item in score.worst_frames)
    below = f"<p>{caption}</p>\n<ol>{moments}</ol>"
    return _page(plain_curve(score), title=title, below=below)


def moment_text(item: WorstFrame) -> str:
    """A bad moment in words: its time, score and frame."""
    return f"{clock(item.time_s)} · VMAF {item.vmaf:.2f} · frame {item.frame}"


def clock(seconds: float) -> str:
    """A time as h:mm:ss.s, or m:ss.s below an hour."""
    hours, rest = divmod(seconds, _HOUR_S)
    minutes, rest = divmod(rest, 60)
    return (
        f"{int(hours)}:{int(minutes):02}:{rest:04.1f}" if hours else f"{int(minutes)}:{rest:04.1f}"
    )


def plain_curve(score: Score) -> str:
    """The drawing: score over time with the extremes of intervals, its mean, the worst moments."""
    figures = f"mean {score.vmaf.mean:.2f}; {score.model.name}, mode {score.mode}"
    return _svg(
        _CurvePlot(score).lines(),
        size=(_WIDTH, _HEIGHT),
        title=score.distorted.name,
        subtitle=figures,
        left=_LEFT,
    )


class _CurvePlot:
    """The lines of the drawing within its frame."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._first, self._last = float(score.times_s[0]), float(score.times_s[-1])
        # The axis begins at a round number below the worst frame.
        self._floor = min(90.0, max(0.0, 10 * float(np.floor(score.frame_scores.min() / 10))))

    def lines(self) -> Iterator[str]:
        yield from self._axes()
        n_points = min(_MAX_POINTS, len(self._score.frame_scores))
        times = [part.mean() for part in np.array_split(self._score.times_s, n_points)]
        parts = np.array_split(self._score.frame_scores, n_points)
        if n_points < len(self._score.frame_scores):
            high = [self._place(t, part.max()) for t, part in zip(times, parts, strict=True)]
            low = [self._place(t, part.min()) for t, part in zip(times, parts, strict=True)]
            area = " ".join((*high, *reversed(low)))
            yield f'<polygon points="{area}" fill="{PAPER.accent}" opacity="0.2"/>'
        line = " ".join(self._place(t, part.mean()) for t, part in zip(times, parts, strict=True))
        stroke = f'fill="none" stroke="{PAPER.accent}" stroke-width="1.5" stroke-linejoin="round"'
        yield f'<polyline points="{line}" {stroke}/>'
        mean = self._y(self._score.vmaf.mean)
        yield from self._sample()
        yield _rule(mean, f'stroke="{PAPER.muted}" stroke-dasharray="4 3"')
        for item in self._score.worst_frames:
            x, y = self._x(item.time_s), self._y(item.vmaf)
            title = escape(moment_text(item))
            yield (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{PAPER.other}">'
                f"<title>{title}</title></circle>"
            )

    def _sample(self) -> Iterator[str]:
        """The interval of the mean and the frames whose score is exact."""
        if self._score.interval is not None:
            top, bottom = (
                self._y(self._score.interval.high),
                self._y(max(self._floor, self._score.interval.low)),
            )
            size = f'width="{_WIDTH - _LEFT - _RIGHT}" height="{bottom - top:.1f}"'
            look = f'fill="{PAPER.other}" opacity="0.25"'
            yield f'<rect x="{_LEFT}" y="{top:.1f}" {size} {look}/>'
        if self._score.sampling is not None:
            for frame, value in self._score.sampling.exact.items():
                x, y = self._x(float(self._score.times_s[frame])), self._y(value)
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{PAPER.accent}"/>'

    def _axes(self) -> Iterator[str]:
        for value in _ticks(self._floor, 100.0):
            y = self._y(value)
            yield _rule(y, f'stroke="{PAPER.rule}"')
            yield _text(_LEFT - 8, y + 4, f"{value:g}", fill=PAPER.muted, anchor="end")
        bottom = _HEIGHT - _BOTTOM
        for value in time_ticks(self._first, self._last):
            x = self._x(value)
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="{PAPER.rule}"/>'
            label = f"{value:g}" if self._last < _MINUTE_S else clock(value).removesuffix(".0")
            yield _text(x, bottom + 18, label, fill=PAPER.muted, anchor="middle")
        unit = "s" if self._last < _MINUTE_S else "h:mm:ss" if self._last >= _HOUR_S else "m:ss"
        name = f"time in the distorted video, {unit}"
        yield _text(_WIDTH - _RIGHT, bottom + 36, name, fill=PAPER.ink, anchor="end")
        yield _text(_LEFT - 8, _TOP - 12, "VMAF", fill=PAPER.ink, anchor="end")

    def _place(self, time_s: float, value: float) -> str:
        return f"{self._x(time_s):.1f},{self._y(value):.1f}"

    def _x(self, time_s: float) -> float:
        share = (time_s - self._first) / ((self._last - self._first) or 1.0)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (100.0 - value) / (100.0 - self._floor)
        return _TOP + share * (_HEIGHT - _TOP - _BOTTOM)


def time_ticks(first: float, last: float, *, most: int = _N_TICKS) -> list[float]:
    """Some times from first to last, in seconds: round ones of a clock from a minute on."""
    if last < _MINUTE_S:
        return _ticks(first, last)
    step = next((s for s in _TIME_STEPS_S if (last - first) / s <= most), _TIME_STEPS_S[-1])
    return [float(step * n) for n in range(int(np.ceil(first / step)), int(last // step) + 1)]


def _rule(y: float, stroke: str) -> str:
    return f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" {stroke}/>'


def plain_ladder_page(ladder: Ladder) -> str:
    """A page that holds the drawing and the encodes as a list, and no script."""
    items = "".join(f"<li>{escape(_words(rung))}</li>" for rung in ladder.rungs)
    title = f"{ladder.reference.name}: VMAF over bitrate"
    return _page(plain_ladder(ladder), title=title, below=f"<ol>{items}</ol>")


def plain_ladder(ladder: Ladder) -> str:
    """The drawing: score over bitrate with intervals, a curve for each codec and size."""
    curves: dict[str, list[Rung]] = {}
    for rung in ladder.rungs:
        curves.setdefault(f"{rung.codec} {rung.width}x{rung.height}", []).append(rung)
    height = _LADDER_TOP + _PLOT_HEIGHT + _LADDER_BOTTOM + _LEGEND_LINE * len(curves)
    return _svg(
        _LadderPlot(ladder.rungs, curves).lines(),
        size=(_LADDER_WIDTH, round(height)),
        title=f"Encodes of {ladder.reference.name}",
        subtitle=f"bars: intervals at {ladder.level:.0%}",
        left=_LADDER_LEFT,
    )


def _words(rung: Rung) -> str:
    return (
        f"{rung.score.distorted.name}: {rung.bitrate_kbps:.0f} kbps, "
        f"VMAF {rung.score.vmaf.mean:.2f} ± {rung.half_width:.2f}"
    )


class _LadderPlot:
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
            y = _LADDER_TOP + _PLOT_HEIGHT + _LADDER_BOTTOM + _LEGEND_LINE * number
            yield f'<circle cx="{_LADDER_LEFT + 4}" cy="{y - 4:.1f}" r="4" fill="{colour}"/>'
            yield _text(_LADDER_LEFT + 16, y, name, fill=PAPER.ink)

    def _point(self, rung: Rung, colour: str) -> Iterator[str]:
        x, mean, half = self._x(rung), rung.score.vmaf.mean, rung.half_width
        top, bottom = self._y(min(100.0, mean + half)), self._y(max(self._floor, mean - half))
        yield f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{colour}" stroke-width="2"/>'
        place = f'cx="{x:.1f}" cy="{self._y(mean):.1f}" r="4"'
        title = f"<title>{escape(_words(rung))}</title>"
        yield f'<circle {place} fill="{colour}">{title}</circle>'

    def _axes(self) -> Iterator[str]:
        right, bottom = _LADDER_WIDTH - _LADDER_RIGHT, _LADDER_TOP + _PLOT_HEIGHT
        for value in _ticks(self._floor, 100.0):
            y = self._y(value)
            yield f'<path d="M{_LADDER_LEFT} {y:.1f}H{right}" stroke="{PAPER.rule}"/>'
            yield _text(_LADDER_LEFT - 8, y + 4, f"{value:g}", fill=PAPER.muted, anchor="end")
        for rate in _round_rates(self._first, self._last):
            x = self._place(float(np.log(rate)))
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="{PAPER.rule}"/>'
            yield _text(x, bottom + 18, f"{rate:g}", fill=PAPER.muted, anchor="middle")
        name = "bitrate of the video stream, kbps (logarithmic)"
        yield _text(right, bottom + 34, name, fill=PAPER.ink, anchor="end")
        yield _text(_LADDER_LEFT - 8, _LADDER_TOP - 12, "VMAF", fill=PAPER.ink, anchor="end")

    def _x(self, rung: Rung) -> float:
        return self._place(float(np.log(rung.bitrate_kbps)))

    def _place(self, log_rate: float) -> float:
        share = (log_rate - self._first) / (self._last - self._first)
        return _LADDER_LEFT + share * (_LADDER_WIDTH - _LADDER_LEFT - _LADDER_RIGHT)

    def _y(self, value: float) -> float:
        return _LADDER_TOP + (100.0 - value) / (100.0 - self._floor) * _PLOT_HEIGHT


def _round_rates(first: float, last: float) -> list[float]:
    """Round rates between two logarithms of rates, ascending."""
    low, high = np.exp(first), np.exp(last)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    rates = [float(digit * 10.0**power) for power in powers for digit in _ROUND]
    return [rate for rate in rates if low <= rate <= high]
