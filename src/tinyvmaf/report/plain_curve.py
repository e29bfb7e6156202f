# SPDX-License-Identifier: Apache-2.0
"""The score of a pair over time as plain SVG, for installations without the extra `report`."""

from collections.abc import Iterator
from html import escape
from typing import Final

import numpy as np

from tinyvmaf.report.drawing import N_TICKS, plain_page_of, svg, text, ticks
from tinyvmaf.report.theme import PAPER
from tinyvmaf.scoring.pooling import WorstFrame
from tinyvmaf.scoring.result import Score

_WIDTH: Final = 920
_HEIGHT: Final = 350
_LEFT, _TOP, _RIGHT, _BOTTOM = 48.0, 56.0, 16.0, 42.0
# More points than a screen shows; a longer video is drawn as means and extremes of intervals.
_MAX_POINTS: Final = 1500
_MINUTE_S: Final = 60
_TIME_STEPS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800)
_HOUR_S: Final = 3600


def plain_page(score: Score) -> str:
    """A page that holds the drawing and no script."""
    title = f"{score.distorted.name}: VMAF over time"
    caption = "The moments listed are the lowest scores; dots in the chart mark them."
    if score.sampling is not None:
        caption = (
            f"Small dots are exact scores of {len(score.sampling.exact)} of "
            f"{len(score.frame_scores)} frames; the line between them is a likely course and no "
            "score. The band is the interval of the mean. The moments listed are the lowest exact "
            "scores."
        )
    moments = "".join(f"<li>{escape(moment_text(item))}</li>" for item in score.worst_frames)
    below = f"<p>{caption}</p>\n<ol>{moments}</ol>"
    return plain_page_of(plain_curve(score), title=title, below=below)


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
    return svg(
        _Plot(score).lines(),
        size=(_WIDTH, _HEIGHT),
        title=score.distorted.name,
        subtitle=figures,
        left=_LEFT,
    )


class _Plot:
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
        for value in ticks(self._floor, 100.0):
            y = self._y(value)
            yield _rule(y, f'stroke="{PAPER.rule}"')
            yield text(_LEFT - 8, y + 4, f"{value:g}", fill=PAPER.muted, anchor="end")
        bottom = _HEIGHT - _BOTTOM
        for value in time_ticks(self._first, self._last):
            x = self._x(value)
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="{PAPER.rule}"/>'
            label = f"{value:g}" if self._last < _MINUTE_S else clock(value).removesuffix(".0")
            yield text(x, bottom + 18, label, fill=PAPER.muted, anchor="middle")
        unit = "s" if self._last < _MINUTE_S else "h:mm:ss" if self._last >= _HOUR_S else "m:ss"
        name = f"time in the distorted video, {unit}"
        yield text(_WIDTH - _RIGHT, bottom + 36, name, fill=PAPER.ink, anchor="end")
        yield text(_LEFT - 8, _TOP - 12, "VMAF", fill=PAPER.ink, anchor="end")

    def _place(self, time_s: float, value: float) -> str:
        return f"{self._x(time_s):.1f},{self._y(value):.1f}"

    def _x(self, time_s: float) -> float:
        share = (time_s - self._first) / ((self._last - self._first) or 1.0)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (100.0 - value) / (100.0 - self._floor)
        return _TOP + share * (_HEIGHT - _TOP - _BOTTOM)


def time_ticks(first: float, last: float, *, most: int = N_TICKS) -> list[float]:
    """Some times from first to last, in seconds: round ones of a clock from a minute on."""
    if last < _MINUTE_S:
        return ticks(first, last)
    step = next((s for s in _TIME_STEPS_S if (last - first) / s <= most), _TIME_STEPS_S[-1])
    return [float(step * n) for n in range(int(np.ceil(first / step)), int(last // step) + 1)]


def _rule(y: float, stroke: str) -> str:
    return f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" {stroke}/>'
