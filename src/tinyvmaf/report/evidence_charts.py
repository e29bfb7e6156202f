# SPDX-License-Identifier: Apache-2.0
"""Charts of the evidence: the learning curve and the paired comparisons."""

from typing import Any, Literal

from tinyvmaf.evaluation.baselines import CONSTANT
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.chart import Chart, data, finished, ticks
from tinyvmaf.report.numbers import TITLES, number, verdict
from tinyvmaf.report.theme import Theme

_CURVE_HEIGHT = 260
_ROW_HEIGHT = 24
# Verdicts that name no better model.
_UNRESOLVED = ("not resolved", "too few sources")
_EQUIVALENT = "equivalent"


def learning_curve(record: LosoRecord, theme: Theme) -> Chart | None:
    """The error on held-out sources against the number of sources trained on."""
    import altair as alt

    curve = record.evidence and record.evidence.learning_curve
    if not curve:
        return None
    rows = [
        {
            "n_sources": point.n_sources,
            "rmse_mean": point.rmse_mean,
            "rmse_low": point.rmse_low,
            "rmse_high": point.rmse_high,
        }
        for point in curve
    ]
    base = data(rows).encode(
        alt.X(
            "n_sources:Q",
            title="sources trained on",
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(zero=False),
        )
    )
    rmse = alt.Y("rmse_mean:Q", title="RMSE on held-out sources", scale=alt.Scale(zero=True))
    tooltip = [
        alt.Tooltip("n_sources:Q", title="sources"),
        alt.Tooltip("rmse_mean:Q", title="RMSE", format=".3f"),
        alt.Tooltip("rmse_low:Q", title="low", format=".3f"),
        alt.Tooltip("rmse_high:Q", title="high", format=".3f"),
    ]
    chart = alt.layer(
        base.mark_area(opacity=0.16, color=theme.accent, aria=False).encode(
            alt.Y("rmse_low:Q"), alt.Y2("rmse_high:Q")
        ),
        base.mark_line(color=theme.accent, strokeWidth=2, aria=False).encode(rmse),
        base.mark_circle(size=60, color=theme.accent, opacity=1, aria=False).encode(
            rmse, tooltip=tooltip
        ),
    )
    words = "RMSE on held-out sources against the number of sources trained on: " + ", ".join(
        f"{number('rmse', row['rmse_mean'])} with {row['n_sources']}" for row in rows
    )
    spec = finished(chart, theme, words=f"{words}.", height=_CURVE_HEIGHT)
    return Chart("learning_curve", "Would more sources help?", f"{words}.", spec)


def forest(record: LosoRecord, theme: Theme, kind: Literal["ratio", "difference"]) -> Chart | None:
    """Every paired comparison with its interval: errors as ratios, correlations as differences."""
    import altair as alt

    rows = _comparisons(record, kind)
    if not rows:
        return None
    first = record.arch
    if kind == "ratio":
        name, heading, side, neutral = "comparison_errors", "Errors compared", "lower", 1.0
        title = f"ratio of errors, {first} over the other"
        scale = alt.Scale(type="log", nice=False, padding=12)
        ends = [row[name] for row in rows for name in ("effect", "low", "high") if row[name]]
        axis = alt.Axis(values=ticks([*ends, neutral]))
    else:
        name, side, neutral = "comparison_correlations", "higher", 0.0
        heading, title = "Correlations compared", f"atanh difference, {first} less the other"
        scale, axis = alt.Scale(zero=False), alt.Axis(tickCount=6)
    kinds = {row["kind"] for row in rows}
    unresolved = [kind for kind in _UNRESOLVED if kind in kinds] or [_UNRESOLVED[0]]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(
            domain=["resolved", _EQUIVALENT, *unresolved],
            range=[theme.accent, theme.other, *(theme.muted for _ in unresolved)],
        ),
        legend=alt.Legend(),
    )
    tooltip = [
        alt.Tooltip("models:N", title="models"),
        alt.Tooltip("comparison:N", title="by"),
        alt.Tooltip("effect:Q", title=kind, format=".3f"),
        alt.Tooltip("low:Q", title="low", format=".3f"),
        alt.Tooltip("high:Q", title="high", format=".3f"),
        alt.Tooltip("verdict:N", title="verdict"),
    ]
    effect = alt.X("effect:Q", title=title, scale=scale, axis=axis)
    base = data(rows).encode(alt.Y("comparison:N", sort=None, title=None))
    neutral_line = data([{"effect": neutral}]).mark_rule(
        color=theme.ink, strokeDash=[3, 3], aria=False
    )
    layers = [
        neutral_line.encode(effect),
        base.mark_rule(strokeWidth=2, aria=False).encode(
            alt.X("low:Q", title=title), alt.X2("high:Q"), colour
        ),
        base.mark_point(filled=True, size=70, opacity=1, aria=False).encode(
            effect, colour, tooltip=tooltip
        ),
    ]
    if all(row["low"] is None for row in rows):
        # Vega warns of an axis without an end.
        del layers[1]
    chart = alt.layer(*layers)
    words = f"Forest plot of {len(rows)} paired comparisons; {side} is better for {first}: " + (
        "; ".join(f"{row['comparison']}: {row['verdict']}" for row in rows)
    )
    spec = finished(chart, theme, words=f"{words}.", height=_ROW_HEIGHT * len(rows))
    return Chart(name, heading, f"{words}.", spec)


def _comparisons(record: LosoRecord, kind: str) -> list[dict[str, Any]]:
    """The rows of one kind, without the constant, which would only stretch the axis."""
    return [
        {
            "comparison": f"{row.level} {TITLES[row.metric]}, {row.b}",
            "models": f"{row.a} against {row.b}",
            "effect": row.effect,
            "low": row.low,
            "high": row.high,
            "verdict": (words := verdict(row)),
            "kind": words if words in (*_UNRESOLVED, _EQUIVALENT) else "resolved",
        }
        for row in (record.evidence and record.evidence.comparisons) or ()
        if (row.effect_kind == "ratio") == (kind == "ratio") and row.b != CONSTANT
    ]
