# SPDX-License-Identifier: Apache-2.0
"""Charts of the errors: by source (metrics of every fold), by clip and by frame."""

import math
from typing import TYPE_CHECKING, Any

from tinyvmaf.evaluation.baselines import CONSTANT
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.chart import POINTS, ROW_HEIGHT, Chart, data, finished, source_rows, ticks
from tinyvmaf.report.numbers import TITLES, count, number
from tinyvmaf.report.points import Points
from tinyvmaf.report.theme import Theme
from tinyvmaf.stats.metrics import MetricName

if TYPE_CHECKING:
    import altair as alt

# Errors whose ratio is larger than this are drawn on a log axis.
_FAR_APART = 10
# A correlation of 1 is infinitely far out on its axis: it is drawn here.
_CLOSEST = 1e-9
_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross")


def folds(record: LosoRecord, theme: Theme, metric: MetricName) -> Chart | None:
    """A metric of every held-out source, with baselines that did not see it either."""
    import altair as alt

    rows = [*_own(record, metric), *_baselines(record, metric)]
    known = sorted((row["value"], row["source"]) for row in rows if row["series"] == record.arch)
    if not known:
        return None
    series = list(dict.fromkeys(row["series"] for row in rows))
    legend = alt.Legend() if len(series) > 1 else None
    others = [(theme.other, theme.muted)[index % 2] for index in range(len(series) - 1)]
    shapes = [_SHAPES[index % len(_SHAPES)] for index in range(len(series))]
    value = _axis(metric, [row["at"] for row in rows])
    base = data(rows).encode(source_rows(record))
    dots = base.mark_point(filled=True, size=64, opacity=0.95, aria=False).encode(
        value,
        alt.Color(
            "series:N",
            scale=alt.Scale(domain=series, range=[theme.accent, *others]),
            legend=legend,
        ),
        alt.Shape("series:N", scale=alt.Scale(domain=series, range=shapes), legend=legend),
        tooltip=[
            alt.Tooltip("source:N", title="source"),
            alt.Tooltip("series:N", title="model"),
            alt.Tooltip("printed:N", title=TITLES[metric]),
        ],
    )
    seeds = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(color=theme.accent, strokeWidth=2, aria=False)
        .encode(alt.X("low:Q"), alt.X2("high:Q"))
    )
    spread = [seeds] if any("low" in row for row in rows) else []
    words = (
        f"Dot plot of the {TITLES[metric]} of {record.arch} on each of {len(known)} held-out "
        f"sources, from {number(metric, known[0][0])} ({known[0][1]}) to "
        f"{number(metric, known[-1][0])} ({known[-1][1]})."
    )
    chart = alt.layer(*_mean(record, theme, metric), *spread, dots)
    height = ROW_HEIGHT * len(record.folds)
    spec = finished(chart, theme, words=words, height=height)
    return Chart(f"folds_{metric}", f"{TITLES[metric]} on every held-out source", words, spec)


def clip_errors(record: LosoRecord, points: Points, theme: Theme) -> Chart:
    """The error of every clip's mean score."""
    import altair as alt

    error = alt.X(
        "error:Q",
        title="mean predicted \N{MINUS SIGN} mean teacher",
        axis=alt.Axis(tickCount=7),
    )
    tooltip = [
        alt.Tooltip("source:N", title="source"),
        alt.Tooltip("clip:N", title="clip"),
        alt.Tooltip("teacher:Q", title="teacher", format=".2f"),
        alt.Tooltip("predicted:Q", title="predicted", format=".2f"),
        alt.Tooltip("error:Q", title="error", format="+.2f"),
    ]
    zero = data([{"error": 0}]).mark_rule(color=theme.ink, aria=False).encode(alt.X("error:Q"))
    dots = (
        data(list(points.by_clip))
        .mark_circle(size=46, opacity=0.6, color=theme.accent, aria=False)
        .encode(error, source_rows(record), tooltip=tooltip)
    )
    worst = max(points.by_clip, key=lambda clip: abs(clip["error"]))
    n_clips, n_drawn = points.n_clips, len(points.by_clip)
    thinned = f" ({count(n_drawn)} are shown)" if n_drawn < n_clips else ""
    words = (
        f"Error of each of {count(n_clips)} clips{thinned}, a row a source. The largest is "
        f"{worst['error']:+.2f} VMAF points, clip {worst['clip']} of {worst['source']}."
    )
    height = ROW_HEIGHT * len(record.folds)
    spec = finished(alt.layer(zero, dots), theme, words=words, height=height)
    return Chart("clips", "Error by clip", words, spec)


def _axis(metric: str, values: list[float]) -> "alt.X":
    """A log axis if errors differ widely or for correlations, which lie close to 1."""
    import altair as alt

    title = f"{TITLES[metric]} on the held-out source"
    if metric == "rmse":
        if min(values) <= 0 or max(values) < _FAR_APART * min(values):
            zero = alt.Scale(zero=True)
            return alt.X("at:Q", title=title, scale=zero, axis=alt.Axis(tickCount=6))
        log = alt.Scale(type="log", nice=False, padding=12)
        return alt.X("at:Q", title=title, scale=log, axis=alt.Axis(values=ticks(values)))
    # The axis shows 1 - value; its labels show the value.
    scale = alt.Scale(type="log", nice=False, reverse=True, padding=12)
    left = "format(1 - datum.value, '.9~f')"
    # A reversed axis starts on the right, where its title belongs.
    axis = alt.Axis(values=ticks(values), labelExpr=left, titleAnchor="start", titleAlign="right")
    return alt.X("at:Q", title=title, scale=scale, axis=axis)


def _at(metric: str, value: float) -> float:
    """Position of a value on the axis of its chart."""
    return value if metric == "rmse" else max(1 - value, _CLOSEST)


def _row(series: str, source: str, metric: str, value: float) -> dict[str, Any]:
    return {
        "series": series,
        "source": source,
        "value": value,
        "at": _at(metric, value),
        "printed": number(metric, value),
    }


def _own(record: LosoRecord, metric: MetricName) -> list[dict[str, Any]]:
    """The sweep's own values, with one standard deviation between seeds where it is known."""
    diagnosis = (record.evidence and record.evidence.diagnosis) or ()
    # The spread between seeds is of the RMSE.
    spreads = {row.source: row.seed_sd for row in diagnosis if metric == "rmse"}
    rows: list[dict[str, Any]] = []
    for fold in record.folds:
        value, spread = fold.frame.of(metric), spreads.get(fold.source)
        if value is None:
            continue
        row = _row(record.arch, fold.source, metric, value)
        if spread is not None and value > 0:
            # Taken on the log scale, so that it never reaches below 0.
            ratio = math.exp(spread / value)
            row |= {"low": value / ratio, "high": value * ratio}
        rows.append(row)
    return rows


def _baselines(record: LosoRecord, metric: MetricName) -> list[dict[str, Any]]:
    """Held-out cells, without the constant, whose errors would only stretch the axis."""
    return [
        _row(baseline.model, cell.source, metric, value)
        for baseline in record.baselines
        for cell in baseline.per_source
        for value in (cell.of(metric),)
        if baseline.model != CONSTANT and cell.seen == "heldout" and value is not None
    ]


def _mean(record: LosoRecord, theme: Theme, metric: str) -> list[Any]:
    """A band behind all rows: the confidence interval of the mean over sources."""
    import altair as alt

    mean = record.evidence.intervals.frame.get(metric) if record.evidence else None
    if mean is None:
        return []
    ends = {"low": mean.low, "estimate": mean.estimate, "high": mean.high}
    band = data([{name: _at(metric, value) for name, value in ends.items()}])
    return [
        band.mark_rect(opacity=0.13, color=theme.accent, aria=False).encode(
            alt.X("low:Q"), alt.X2("high:Q")
        ),
        band.mark_rule(color=theme.accent, strokeWidth=1.5, aria=False).encode(alt.X("estimate:Q")),
    ]


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
