# SPDX-License-Identifier: Apache-2.0
"""The score of a pair over time, as a self-contained page or a picture."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.files import write_bytes, write_text
from tinyvmaf.report.chart import Chart
from tinyvmaf.report.document import Document, Figure, Section
from tinyvmaf.report.html import page
from tinyvmaf.report.points import NO_POINTS
from tinyvmaf.report.theme import PAGE, PAPER, Theme
from tinyvmaf.scoring.result import Score
from tinyvmaf.text import drawn, one_line

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
    if path.suffix.lower() == ".html":
        write_text(path, _page(score))
        return
    import vl_convert

    svg = vl_convert.vegalite_to_svg(drawn(curve(score).to_dict()))
    if path.suffix.lower() == ".svg":
        write_text(path, svg)
    else:
        write_bytes(path, vl_convert.svg_to_png(svg, scale=_SCALE))


def _page(score: Score) -> str:
    """A page as a report's, with its policy: everything that draws is inside."""
    words = f"The score of {score.distorted.name} over time"
    chart = Chart("curve", words, alt=words, spec=curve(score, theme=PAGE).to_dict())
    caption = "The line is the mean of a stretch, the band its extremes; dots are the worst frames."
    document = Document(
        title=words,
        headline=(f"VMAF {score.vmaf.mean:.2f}", _figures(score)),
        warning="",
        figures=(),
        sections=(Section("curve", words, (Figure("curve", caption),)),),
    )
    return page(document, [chart], NO_POINTS, pictures="")


def curve(score: Score, *, theme: Theme = PAPER) -> "alt.LayerChart | alt.FacetChart":
    """The chart: score over time, its mean, and the worst moments."""
    import altair as alt

    time_axis = alt.X(
        "time_s:Q", title="time in the distorted video, s", scale=alt.Scale(nice=False)
    )
    height = alt.Y("mean:Q", title="VMAF", scale=alt.Scale(domain=[_floor(score), 100]))
    points = alt.Chart(alt.Data(values=_points(score))).encode(x=time_axis)
    band = points.mark_area(color=theme.accent, opacity=0.2).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = points.mark_line(color=theme.accent, strokeWidth=1.5).encode(y=height)
    mean = alt.Chart(alt.Data(values=[{"mean": score.vmaf.mean}])).encode(y="mean:Q")
    worst = alt.Chart(
        alt.Data(values=[{"time_s": item.time_s, "mean": item.vmaf} for item in score.worst_frames])
    )
    marks = worst.mark_circle(color=theme.other, size=60).encode(
        x="time_s:Q", y="mean:Q", tooltip=["time_s:Q", "mean:Q"]
    )
    rule = mean.mark_rule(color=theme.muted, strokeDash=[4, 3])
    title = alt.TitleParams(
        one_line(score.distorted.name), subtitle=one_line(_figures(score)), anchor="start"
    )
    return (
        alt.layer(band, line, rule, marks)
        .properties(width=_WIDTH, height=_HEIGHT, title=title)
        .configure(**theme.config())
    )


def _figures(score: Score) -> str:
    return f"mean {score.vmaf.mean:.2f}; {score.model.name}, mode {score.mode}"


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
