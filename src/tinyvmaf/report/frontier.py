# SPDX-License-Identifier: Apache-2.0
"""A frontier for readers: a Markdown table, a chart, and a recommendation in words."""

from collections.abc import Mapping
from typing import Any

from tinyvmaf.frontier.frontier_record import recommend
from tinyvmaf.report.theme import PAPER
from tinyvmaf.text import drawn
from tinyvmaf.text import markdown as escape

_WIDTH = 640
_HEIGHT = 420


def rows(record: Mapping[str, Any]) -> list[list[str]]:
    """The cells of the table, one row per method, the cheapest first; `HEADS` has the headings."""
    full = _full(record)
    return [
        [
            way["name"],
            f"{way['cpu_ms']:.1f}",
            f"{full / way['cpu_ms']:.1f}",
            _number(way["rmse"]),
            _number(way["bias"], "+.2f"),
            "" if way["half_width"] is None else f"± {way['half_width']:.2f}",
            _share(way["covered"]),
            f"{_share(way['worst_covered'])} {way['worst_source'] or ''}".strip(),
            _share(way["left_to_libvmaf"] / way["draws"]),
        ]
        for way in record["ways"]
    ]


HEADS = ("way", "ms", "cheaper", "RMSE", "bias", "interval", "covered", "worst source", "left")
"""Headings of `rows`: CPU time of a 1080p frame, VMAF points, shares of replicates."""


def markdown(record: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    lines = [f"| {' | '.join(HEADS)} |", "| --- |" + " --: |" * (len(HEADS) - 1)]
    lines += [f"| {' | '.join(map(escape, row))} |" for row in rows(record)]
    return "\n".join(lines) + "\n"


def sentences(
    record: Mapping[str, Any], *, error: float | None = None, budget: float | None = None
) -> list[str]:
    """Recommended methods for an error or a budget; by default for errors of 1 and of 0.5."""
    wishes = [(error, budget)] if error or budget else [(1.0, None), (0.5, None)]
    return [_sentence(record, error=error, budget=budget) for error, budget in wishes]


def chart(record: Mapping[str, Any]) -> dict[str, Any]:
    """Vega-Lite of error against cost; methods without an error or a cost are left out."""
    import altair as alt

    points = [
        {"cpu_ms": way["cpu_ms"], "rmse": way["rmse"], "way": way["name"], "kind": _kind(way)}
        for way in record["ways"]
        if way["rmse"]
    ]
    kinds = list(dict.fromkeys(point["kind"] for point in points))
    legend = alt.Legend(orient="bottom", columns=3, title=None)
    scale = alt.Scale(type="log", nice=False, padding=12)
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("cpu_ms:Q", title="CPU, ms per 1080p frame", scale=scale),
        y=alt.Y("rmse:Q", title="RMSE of the clip score, VMAF points", scale=scale),
        color=alt.Color("kind:N", sort=kinds, legend=legend),
    )
    marks = base.mark_point(filled=True, size=70).encode(tooltip=["way:N"])
    rows_of_exact = base.transform_filter("test(/, [0-9]+ exact$/, datum.way)")
    lines = rows_of_exact.mark_line(opacity=0.5)
    full = alt.Chart(alt.Data(values=[{"cpu_ms": _full(record)}])).mark_rule(strokeDash=[4, 3])
    title = alt.TitleParams(
        "Error against cost",
        subtitle=(
            f"{len(record['sources'])} sources, {record['clips']} clips, {record['draws']} draws; "
            "dashed: libvmaf on every frame"
        ),
        anchor="start",
    )
    whole = alt.layer(lines, marks, full.encode(x="cpu_ms:Q")).properties(
        width=_WIDTH, height=_HEIGHT, title=title
    )
    return drawn(whole.configure(**PAPER.config()).to_dict())


def _kind(way: Mapping[str, Any]) -> str:
    name = str(way["name"]).partition(",")[0]
    if name.startswith("every"):
        return "every Nth frame"
    return "PSNR, SSIM" if name.startswith("regression") else str(way["model"] or name)


def _sentence(record: Mapping[str, Any], *, error: float | None, budget: float | None) -> str:
    way = recommend(record, error=error, budget=budget)
    wish = f"an RMSE of {error:g}" if error else f"{budget:.0%} of libvmaf's CPU time"
    if way is None:
        return f"For {wish}: no way that was measured."
    times = _full(record) / way["cpu_ms"]
    return f"For {wish}: {way['name']}, RMSE {way['rmse']:.2f}, {times:.1f} times cheaper."


def _full(record: Mapping[str, Any]) -> float:
    return float(record["cpu_ms"]["canonical6"])


def _number(value: float | None, style: str = ".2f") -> str:
    return "" if value is None else format(value, style)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
