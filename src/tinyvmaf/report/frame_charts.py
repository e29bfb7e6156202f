# SPDX-License-Identifier: Apache-2.0
"""Charts with one dot per frame: predicted against teacher, and the error over the score range."""

from typing import TYPE_CHECKING

from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.chart import POINTS, Chart, data, finished
from tinyvmaf.report.numbers import count
from tinyvmaf.report.points import Points
from tinyvmaf.report.theme import Theme

if TYPE_CHECKING:
    import altair as alt

_PANEL = 112
_PANELS_IN_A_ROW = 5
_RESIDUALS_HEIGHT = 300


def scatter(record: LosoRecord, points: Points, theme: Theme) -> Chart:
    """Predicted against teacher, one panel per source."""
    import altair as alt

    x, y = (
        channel(
            f"{name}:Q",
            title=name,
            scale=alt.Scale(domain=[0, 100], nice=False),
            axis=alt.Axis(values=[0, 50, 100]),
        )
        for channel, name in ((alt.X, "teacher"), (alt.Y, "predicted"))
    )
    line = (
        data([{"teacher": 0, "predicted": 0}, {"teacher": 100, "predicted": 100}])
        .mark_line(color=theme.muted, strokeWidth=1, aria=False)
        .encode(x, y)
    )
    dots = (
        alt.Chart()
        .mark_circle(size=14, opacity=0.55, color=theme.accent, aria=False)
        .encode(x, y, tooltip=_tooltip())
    )
    grid = (
        alt.layer(line, dots)
        .properties(width=_PANEL, height=_PANEL)
        .facet(
            facet=alt.Facet("source:N", sort=alt.EncodingSortField("order", op="min"), title=None),
            columns=_PANELS_IN_A_ROW,
            data=alt.NamedData(POINTS),
        )
        # Every panel has its own axis, so that an incomplete last row has its axes, too.
        .resolve_axis(x="independent")
    )
    words = (
        f"Scatter plots, one for each of {len(record.folds)} sources: the score that "
        f"{record.arch} predicts for a frame of a source that it never saw, against the "
        f"teacher's score, with the line where both are equal. {shown(points)}"
    )
    spec = finished(grid, theme, words=words)
    title = "Predicted against teacher"
    return Chart("predictions", title, words, spec, uses_points=True, is_grid=True)


def residuals(points: Points, theme: Theme) -> Chart:
    """The error of every frame over the teacher's score."""
    import altair as alt

    teacher = alt.X(
        "teacher:Q",
        title="teacher's score",
        scale=alt.Scale(zero=False, domainMax=100),
        axis=alt.Axis(tickCount=6),
    )
    error = alt.Y("error:Q", title="predicted \N{MINUS SIGN} teacher, VMAF points")
    zero = data([{"error": 0}]).mark_rule(color=theme.ink, aria=False).encode(alt.Y("error:Q"))
    dots = (
        alt.Chart(alt.NamedData(POINTS))
        .mark_circle(size=12, opacity=0.22, color=theme.muted, aria=False)
        .encode(teacher, error, tooltip=_tooltip())
    )
    bins = data(list(points.by_score)).encode(alt.X("middle:Q"))
    band = bins.mark_area(opacity=0.2, color=theme.accent, aria=False).encode(
        alt.Y("q05:Q"), alt.Y2("q95:Q")
    )
    median = bins.mark_line(color=theme.accent, strokeWidth=2, aria=False).encode(alt.Y("q50:Q"))
    words = (
        "Error of every held-out frame over the teacher's score, with the median and the range of "
        f"the middle 90 % of all frames. {shown(points)}"
    )
    chart = alt.layer(band, zero, dots, median)
    spec = finished(chart, theme, words=words, height=_RESIDUALS_HEIGHT)
    return Chart("residuals", "Error over the score range", words, spec, uses_points=True)


def shown(points: Points) -> str:
    """Return a sentence on the number of frames that are drawn."""
    if len(points.frames) == points.n_frames:
        return f"All {count(points.n_frames)} frames are shown."
    return (
        f"{count(len(points.frames))} of {count(points.n_frames)} frames are shown, evenly spaced, "
        "and each source's largest errors."
    )


def _tooltip() -> list["alt.Tooltip"]:
    import altair as alt

    return [
        alt.Tooltip("source:N", title="source"),
        alt.Tooltip("clip:N", title="clip"),
        alt.Tooltip("frame:Q", title="frame"),
        alt.Tooltip("teacher:Q", title="teacher", format=".2f"),
        alt.Tooltip("predicted:Q", title="predicted", format=".2f"),
        alt.Tooltip("error:Q", title="error", format="+.2f"),
    ]
