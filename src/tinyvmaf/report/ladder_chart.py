# SPDX-License-Identifier: Apache-2.0
"""The rate-quality curve of a ladder, as a self-contained page or a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tinyvmaf.files import write_text
from tinyvmaf.report.curve import check_plot, has_report, save_chart
from tinyvmaf.report.plain_charts import plain_ladder, plain_ladder_page
from tinyvmaf.report.theme import PAGE, PAPER, Theme
from tinyvmaf.scoring.ladder_result import Ladder

if TYPE_CHECKING:
    import altair as alt

_HEIGHT: Final = 360
_WIDTH: Final = 640


def write_ladder_chart(ladder: Ladder, path: Path) -> None:
    """Draw the scores over the bitrate, with their intervals as bars, into `path`.

    Without the extra `report` the drawing is plain.

    Raises:
        UsageError: as `check_plot`, or the file cannot be written.
    """
    check_plot(path)
    if not has_report():
        as_page = path.suffix.lower() == ".html"
        write_text(path, plain_ladder_page(ladder) if as_page else plain_ladder(ladder))
        return
    theme = PAGE if path.suffix.lower() == ".html" else PAPER
    save_chart(ladder_chart(ladder, theme=theme), path, title=ladder.reference.name)


def ladder_chart(ladder: Ladder, *, theme: Theme = PAPER) -> "alt.LayerChart | alt.FacetChart":
    """The chart: one point an encode, one curve for each codec and size."""
    import altair as alt

    points = [_point(rung) for rung in ladder.rungs]
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X(
            "kbps:Q",
            title="bitrate of the video stream, kbps (logarithmic)",
            scale=alt.Scale(type="log", nice=False, padding=16),
        ),
        color=alt.Color("curve:N", legend=alt.Legend(orient="bottom", title=None, columns=2)),
        tooltip=["encode:N", "kbps:Q", "vmaf:Q", "interval:N"],
    )
    scores = alt.Y("vmaf:Q", title="VMAF", scale=alt.Scale(zero=False, nice=True))
    lines = base.mark_line(strokeWidth=1.5).encode(y=scores)
    marks = base.mark_point(filled=True, size=60).encode(y=scores)
    bars = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title="VMAF"), y2="high:Q")
    title = alt.TitleParams(
        f"Encodes of {ladder.reference.name}",
        subtitle=f"bars: intervals at {ladder.level:.0%}",
        anchor="start",
    )
    width: Any = "container" if theme is PAGE else _WIDTH
    return (
        alt.layer(lines, bars, marks)
        .properties(width=width, height=_HEIGHT, title=title)
        .configure(**theme.config())
        .configure_title(color=theme.ink, subtitleColor=theme.muted)
    )


def _point(rung: Any) -> dict[str, Any]:  # noqa: ANN401
    mean, half = rung.score.vmaf.mean, rung.half_width
    return {
        "encode": rung.score.distorted.name,
        "curve": f"{rung.codec} {rung.width}x{rung.height}",
        "kbps": round(rung.bitrate_kbps, 2),
        "vmaf": round(mean, 3),
        "low": round(max(0.0, mean - half), 3),
        "high": round(min(100.0, mean + half), 3),
        "interval": f"± {half:.2f}",
    }
