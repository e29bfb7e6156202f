# SPDX-License-Identifier: Apache-2.0
"""The score of a pair over time, as a self-contained page or a picture."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.files import written_aside
from tinyvmaf.report.theme import PAPER
from tinyvmaf.scoring.result import Score

if TYPE_CHECKING:
    import altair as alt

FORMATS: Final = ("html", "png", "svg")

_WIDTH: Final = 860
_HEIGHT: Final = 260
# More points than this no screen shows; a longer video is drawn as means and extremes of stretches.
_MAX_POINTS: Final = 1500
_SCALE: Final = 2


def check_plot(path: Path) -> None:
    """Refuse a plot that cannot be drawn, before the work for it.

    Raises:
        UsageError: the suffix is none of `FORMATS`, or the extra `report` is not installed.
    """
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        expected = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path}: a plot's name ends with one of {expected}")
    missing = [name for name in ("altair", "vl_convert") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"a plot needs {' and '.join(missing)}, not installed: pip install 'tinyvmaf[report]'"
        )


def write_curve(score: Score, path: Path) -> None:
    """Draw the frames' scores over time into `path`.

    Raises:
        UsageError: as `check_plot`, or the file cannot be written.
    """
    check_plot(path)
    chart = curve(score)
    with written_aside(path) as aside:
        match path.suffix.lower():
            case ".html":
                # Everything that draws is inside, so that the page works without a network.
                chart.save(str(aside), format="html", inline=True)
            case ".svg":
                chart.save(str(aside), format="svg")
            case _:
                chart.save(str(aside), format="png", scale_factor=_SCALE)


def curve(score: Score) -> "alt.LayerChart | alt.FacetChart":
    """The chart: score over time, its mean, and the worst moments."""
    import altair as alt

    time_axis = alt.X(
        "time_s:Q", title="time in the distorted video, s", scale=alt.Scale(nice=False)
    )
    height = alt.Y("mean:Q", title="VMAF", scale=alt.Scale(domain=[_floor(score), 100]))
    points = alt.Chart(alt.Data(values=_points(score))).encode(x=time_axis)
    band = points.mark_area(color=PAPER.accent, opacity=0.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = points.mark_line(color=PAPER.accent, strokeWidth=1.5).encode(y=height)
    mean = alt.Chart(alt.Data(values=[{"mean": score.vmaf.mean}])).encode(y="mean:Q")
    worst = alt.Chart(
        alt.Data(values=[{"time_s": item.time_s, "mean": item.vmaf} for item in score.worst_frames])
    )
    marks = worst.mark_circle(color=PAPER.other, size=60).encode(
        x="time_s:Q", y="mean:Q", tooltip=["time_s:Q", "mean:Q"]
    )
    rule = mean.mark_rule(color=PAPER.muted, strokeDash=[4, 3])
    figures = f"mean {score.vmaf.mean:.2f}; {score.model.name}, mode {score.mode}"
    title = alt.TitleParams(score.distorted.name, subtitle=figures, anchor="start")
    return (
        alt.layer(band, line, rule, marks)
        .properties(width=_WIDTH, height=_HEIGHT, title=title)
        .configure(**PAPER.config())
    )


def _points(score: Score) -> list[dict[str, Any]]:
    """One point a frame, or for long videos one a stretch with its mean and extremes."""
    n_points = min(_MAX_POINTS, len(score.frame_scores))
    stretches = zip(
        np.array_split(score.times_s, n_points),
        np.array_split(score.frame_scores, n_points),
        strict=True,
    )
    return [
        {
            "time_s": round(float(times.mean()), 4),
            "mean": round(float(scores.mean()), 4),
            "low": round(float(scores.min()), 4),
            "high": round(float(scores.max()), 4),
        }
        for times, scores in stretches
    ]


def _floor(score: Score) -> float:
    """Where the axis begins: a round number below the worst frame."""
    return max(0.0, 10 * float(np.floor(score.frame_scores.min() / 10)))
