# SPDX-License-Identifier: Apache-2.0
"""A frontier for readers: a Markdown table, a chart, a recommendation in words, and their files."""

import json
from pathlib import Path
from typing import Any

from tinyvmaf.frontier.frontier_record import FrontierRecord, MethodRecord
from tinyvmaf.frontier.measuring import Frontier, recommend
from tinyvmaf.report.theme import PAPER
from tinyvmaf.swap import write_together
from tinyvmaf.text import drawn
from tinyvmaf.text import markdown as escape
from tinyvmaf.typed_json import to_json

_WIDTH = 640
_HEIGHT = 420


def write_frontier(found: Frontier, folder: Path) -> None:
    """Write `frontier.json`, `.md`, `.svg` and `costs.json`, all at once.

    Raises:
        UsageError: the folder cannot be written.
    """
    import vl_convert

    contents = {
        "frontier.json": json.dumps(to_json(found.record), indent=1) + "\n",
        "frontier.md": markdown(found.record),
        "frontier.svg": vl_convert.vegalite_to_svg(chart(found.record)),
        "costs.json": json.dumps(to_json(found.costs), indent=1) + "\n",
    }
    write_together({folder / name: text.encode() for name, text in contents.items()})


def rows(record: FrontierRecord) -> list[list[str]]:
    """The cells of the table, one row per method, the cheapest first; `HEADS` has the headings."""
    full = _full(record)
    return [
        [
            method.name,
            f"{method.cpu_ms:.1f}",
            f"{full / method.cpu_ms:.1f}",
            _number(method.rmse),
            _number(method.bias, "+.2f"),
            "" if method.half_width is None else f"± {method.half_width:.2f}",
            _share(method.covered),
            f"{_share(method.worst_covered)} {method.worst_source or ''}".strip(),
            _share(method.fell_back / method.replicates),
        ]
        for method in record.methods
    ]


HEADS = (
    *("method", "ms", "cheaper", "RMSE", "bias", "interval", "covered", "worst source"),
    "fell back",
)
"""Headings of `rows`: CPU time of a 1080p frame, VMAF points, shares of replicates."""


def markdown(record: FrontierRecord) -> str:
    """The table as Markdown."""
    lines = [f"| {' | '.join(HEADS)} |", "| --- |" + " --: |" * (len(HEADS) - 1)]
    lines += [f"| {' | '.join(map(escape, row))} |" for row in rows(record)]
    return "\n".join(lines) + "\n"


def sentences(
    record: FrontierRecord, *, error: float | None = None, budget: float | None = None
) -> list[str]:
    """Recommended methods for an error or a budget; by default for errors of 1 and of 0.5."""
    wishes = [(error, budget)] if error or budget else [(1.0, None), (0.5, None)]
    return [_sentence(record, error=error, budget=budget) for error, budget in wishes]


def chart(record: FrontierRecord) -> dict[str, Any]:
    """Vega-Lite of error against cost; methods without an error or a cost are left out."""
    import altair as alt

    points = [
        {"cpu_ms": method.cpu_ms, "rmse": method.rmse, "method": method.name, "kind": _kind(method)}
        for method in record.methods
        if method.rmse
    ]
    kinds = list(dict.fromkeys(_kind(method) for method in record.methods if method.rmse))
    legend = alt.Legend(orient="bottom", columns=3, title=None)
    scale = alt.Scale(type="log", nice=False, padding=12)
    base = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("cpu_ms:Q", title="CPU, ms per 1080p frame", scale=scale),
        y=alt.Y("rmse:Q", title="RMSE of the clip score, VMAF points", scale=scale),
        color=alt.Color("kind:N", sort=kinds, legend=legend),
    )
    marks = base.mark_point(filled=True, size=70).encode(tooltip=["method:N"])
    rows_of_exact = base.transform_filter("test(/, [0-9]+ exact$/, datum.method)")
    lines = rows_of_exact.mark_line(opacity=0.5)
    full = alt.Chart(alt.Data(values=[{"cpu_ms": _full(record)}])).mark_rule(strokeDash=[4, 3])
    title = alt.TitleParams(
        "Error against cost",
        subtitle=(
            f"{len(record.sources)} sources, {record.clips} clips, {record.replicates} replicates; "
            "dashed: libvmaf on every frame"
        ),
        anchor="start",
    )
    whole = alt.layer(lines, marks, full.encode(x="cpu_ms:Q")).properties(
        width=_WIDTH, height=_HEIGHT, title=title
    )
    return drawn(whole.configure(**PAPER.config()).to_dict())


def _kind(method: MethodRecord) -> str:
    name = str(method.name).partition(",")[0]
    if name.startswith("every"):
        return "every Nth frame"
    return "PSNR, SSIM" if name.startswith("regression") else str(method.model or name)


def _sentence(record: FrontierRecord, *, error: float | None, budget: float | None) -> str:
    method = recommend(record, error=error, budget=budget)
    wish = f"an RMSE of {error:g}" if error else f"{budget:.0%} of libvmaf's CPU time"
    if method is None:
        return f"For {wish}: no method that was measured."
    times = _full(record) / method.cpu_ms
    return f"For {wish}: {method.name}, RMSE {method.rmse:.2f}, {times:.1f} times cheaper."


def _full(record: FrontierRecord) -> float:
    return float(record.cpu_ms["canonical6"])


def _number(value: float | None, style: str = ".2f") -> str:
    return "" if value is None else format(value, style)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
