# SPDX-License-Identifier: Apache-2.0
"""The score of a pair over time, as a self-contained page or a picture.

The page is as wide as the window, follows the reader's light or dark setting, and marks a moment
when it is chosen from the list below the chart. Nothing is fetched.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.extras import install_command
from tinyvmaf.files import write_bytes, write_text
from tinyvmaf.report.html import chart_page
from tinyvmaf.report.plain_charts import moment_text, plain_curve, plain_page, time_ticks
from tinyvmaf.report.theme import PAGE, PAPER, Theme
from tinyvmaf.scoring.result import Score
from tinyvmaf.text import drawn

if TYPE_CHECKING:
    import altair as alt

FORMATS: Final = ("html", "png", "svg")

_WIDTH: Final = 860
_HEIGHT: Final = 260
# More points than a screen shows; a longer video is drawn as means and extremes of intervals.
_MAX_POINTS: Final = 1500
_SCALE: Final = 2
_HOUR_S: Final = 3600

_CLOCK: Final = (
    "(datum.value >= 3600 ? floor(datum.value / 3600) + ':' : '')"
    " + (datum.value >= 3600 ? format(floor(datum.value % 3600 / 60), '02d')"
    " : floor(datum.value / 60)) + ':' + format(floor(datum.value % 60), '02d')"
)
"""Vega's expression of a time as h:mm:ss, or m:ss below an hour."""


def has_report() -> bool:
    """True if the extra `report` is installed, so that charts are drawn by Vega."""
    return not _missing()


def check_plot(path: Path) -> None:
    """Refuse a plot that cannot be drawn, before the work for it.

    Raises:
        UsageError: the suffix is none of `FORMATS`, or it is PNG without the extra `report`.
    """
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        expected = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"{path}: a plot's name ends with one of {expected}")
    if path.suffix.lower() == ".png" and (missing := _missing()):
        raise UsageError(
            f"{path}: a PNG needs {' and '.join(missing)}, not installed; add it with: "
            f"{install_command('report')}; .svg and .html need nothing"
        )


def _missing() -> list[str]:
    return [name for name in ("altair", "vl_convert") if find_spec(name) is None]


def write_curve(score: Score, path: Path) -> None:
    """Draw the frames' scores over time into `path`; in a plain form without the extra `report`.

    Raises:
        UsageError: as `check_plot`, or the file cannot be written.
    """
    check_plot(path)
    if not has_report():
        as_page = path.suffix.lower() == ".html"
        write_text(path, plain_page(score) if as_page else plain_curve(score))
        return
    moments = [(item.time_s, moment_text(item)) for item in score.worst_frames]
    save_chart(
        curve(score, theme=PAGE if path.suffix.lower() == ".html" else PAPER),
        path,
        title=score.distorted.name,
        caption=_caption(score),
        moments=moments,
    )


def save_chart(
    chart: "alt.LayerChart | alt.FacetChart",
    path: Path,
    *,
    title: str,
    caption: str = "",
    moments: list[tuple[float, str]] | None = None,
) -> None:
    """Write a chart as the suffix of `path` says.

    Args:
        chart: With the theme of a page for `.html`, else that of paper.
        path: The output file.
        title: Title of the page.
        caption: Text below the chart of a page.
        moments: Times in seconds and their words, which a reader of a page can choose.

    Raises:
        UsageError: as `check_plot`, or the file cannot be written.
    """
    check_plot(path)
    spec = drawn(chart.to_dict())
    if path.suffix.lower() == ".html":
        page = chart_page(spec, title=title, caption=caption, moments=moments or [])
        write_text(path, page)
        return
    import vl_convert

    svg = vl_convert.vegalite_to_svg(spec)
    if path.suffix.lower() == ".svg":
        write_text(path, svg)
    else:
        write_bytes(path, vl_convert.svg_to_png(svg, scale=_SCALE))


def curve(score: Score, *, theme: Theme = PAPER) -> "alt.LayerChart | alt.FacetChart":
    """The chart: score over time, its mean with its interval, exact frames, the worst moments."""
    import altair as alt

    end = float(score.times_s[-1]) if len(score.times_s) else 0.0
    name = "time, h:mm:ss" if end >= _HOUR_S else "time, m:ss"
    ticks = time_ticks(float(score.times_s[0]), end, most=6)
    time_axis = alt.X(
        "time_s:Q",
        title=f"{name}, in the distorted video",
        scale=alt.Scale(nice=False, domain=[float(score.times_s[0]), max(end, 1e-3)]),
        axis=alt.Axis(labelExpr=_CLOCK, values=ticks, grid=False),
    )
    height = alt.Y("mean:Q", title="VMAF", scale=alt.Scale(domain=[_floor(score), 100]))
    points = alt.Chart(alt.Data(values=_points(score))).encode(x=time_axis)
    layers: list[Any] = []
    if score.interval is not None:
        ends = [{"low": score.interval.low, "high": score.interval.high}]
        band = alt.Chart(alt.Data(values=ends)).mark_rect(color=theme.other, opacity=0.25)
        layers.append(band.encode(y=alt.Y("low:Q", title="VMAF"), y2="high:Q"))
    spread = points.mark_area(color=theme.accent, opacity=0.2)
    layers.append(spread.encode(y=alt.Y("low:Q", title="VMAF"), y2="high:Q"))
    dashes = [2, 2] if score.sampling is not None else [1, 0]
    line = points.mark_line(color=theme.accent, strokeWidth=1.5, strokeDash=dashes)
    layers.append(line.encode(y=height))
    mean = alt.Chart(alt.Data(values=[{"mean": score.vmaf.mean}]))
    layers.append(mean.mark_rule(color=theme.other, strokeWidth=1.5).encode(y="mean:Q"))
    if score.sampling is not None:
        known = [
            {"time_s": round(float(score.times_s[frame]), 4), "mean": round(value, 3)}
            for frame, value in score.sampling.exact.items()
        ]
        exact = alt.Chart(alt.Data(values=known)).mark_circle(color=theme.accent, size=22)
        layers.append(exact.encode(x="time_s:Q", y="mean:Q", tooltip=["time_s:Q", "mean:Q"]))
    worst = alt.Chart(
        alt.Data(values=[{"time_s": item.time_s, "mean": item.vmaf} for item in score.worst_frames])
    )
    marks = worst.mark_circle(color=theme.ink, size=60)
    layers.append(marks.encode(x="time_s:Q", y="mean:Q", tooltip=["time_s:Q", "mean:Q"]))
    # A page sets it when a moment is chosen.
    moment = alt.param(name="moment", value=-1)
    chosen = worst.mark_rule(color=theme.ink, strokeWidth=2)
    layers.append(chosen.encode(x="time_s:Q").transform_filter("datum.time_s == moment"))
    title = alt.TitleParams(
        score.distorted.name, subtitle=_subtitle(score), anchor="start", color=theme.ink
    )
    width: Any = "container" if theme is PAGE else _WIDTH
    return (
        alt.layer(*layers)
        .add_params(moment)
        .properties(width=width, height=_HEIGHT, title=title)
        .configure(**theme.config())
        .configure_title(color=theme.ink, subtitleColor=theme.muted, limit=1200)
    )


def _subtitle(score: Score) -> str:
    if score.sampling is None:
        return f"mean {score.vmaf.mean:.2f}; {score.model.name}, mode {score.mode}"
    level = f"{score.interval.level:.0%}" if score.interval is not None else ""
    return f"mean {score.vmaf.mean:.1f} ± {score.sampling.half_width:.1f} ({level})"


def _caption(score: Score) -> str:
    if score.sampling is None:
        return f"Every frame was scored with {score.model.name}."
    return (
        f"Dots are exact scores of {len(score.sampling.exact)} of {len(score.frame_scores)} "
        "frames; the dashed line is a likely course between them, not a score. The line across is "
        "the mean, the band its interval. The moments listed are the lowest exact scores."
    )


def _points(score: Score) -> list[dict[str, Any]]:
    """One point per frame, or for long videos one per interval with its mean and extremes."""
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
    """The lower end of the axis: a round number below the worst frame."""
    return max(0.0, 10 * float(np.floor(score.frame_scores.min() / 10)))
