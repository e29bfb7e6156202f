# SPDX-License-Identifier: Apache-2.0
import json

import altair as alt
import numpy as np
import pytest
import vl_convert
from altair.utils.schemapi import validate_jsonschema

from tests.report.conftest import typed
from tinyvmaf.report.chart import by_error, ticks
from tinyvmaf.report.digest import charts
from tinyvmaf.report.theme import PAGE, PAPER

ALWAYS = ["folds_rmse", "folds_plcc", "predictions", "residuals", "clips"]
OF_EVIDENCE = ["learning_curve", "comparison_errors", "comparison_correlations"]


@pytest.fixture
def drawn(record, points):
    return {chart.name: chart for chart in charts(typed(record), points, PAPER)}


def values(spec):
    """Every inline row of a chart, in its order."""
    if isinstance(spec, dict):
        found = spec["values"] if "values" in spec and isinstance(spec["values"], list) else []
        rows = [row for row in found if isinstance(row, dict)]
        return rows + [row for value in spec.values() for row in values(value)]
    return [row for part in spec for row in values(part)] if isinstance(spec, list) else []


def test_every_chart_that_there_is_data_for(drawn):
    assert list(drawn) == ALWAYS + OF_EVIDENCE


@pytest.mark.parametrize("theme", [PAPER, PAGE])
def test_charts_follow_the_schema_of_vega_lite(record, points, theme):
    """They are not checked while they are made, since that takes longer than making them."""
    for chart in charts(typed(record), points, theme):
        validate_jsonschema(chart.spec, alt.load_schema())


def test_without_evidence_its_charts_are_left_out(bare_record, points):
    assert [chart.name for chart in charts(typed(bare_record), points, PAPER)] == ALWAYS


def test_every_fold_is_a_dot_with_its_value(drawn, record):
    rows = [row for row in values(drawn["folds_rmse"].spec) if row.get("series") == "mlp_small"]
    found = {row["source"]: row["value"] for row in rows}
    assert found == {fold["source"]: fold["frame"]["rmse"] for fold in record["folds"]}
    for row in rows:
        assert row["low"] < row["value"] < row["high"]
        # One standard deviation of 0.1 to either side, on the log scale.
        assert row["high"] / row["low"] == pytest.approx(np.exp(0.2 / row["value"]))


def test_the_constant_is_not_drawn_among_the_folds(drawn):
    series = {row.get("series") for row in values(drawn["folds_rmse"].spec)} - {None}
    assert "constant" not in series
    assert {"mlp_small", "least_squares"} < series


def test_sources_stand_in_the_order_of_their_error(record):
    errors = {fold["source"]: fold["frame"]["rmse"] for fold in record["folds"]}
    assert [errors[source] for source in by_error(typed(record))] == sorted(errors.values())


def test_the_words_name_the_best_and_the_worst_source(drawn, record):
    order = by_error(typed(record))
    words = drawn["folds_rmse"].alt
    assert words.index(f"({order[0]})") < words.index(f"({order[-1]})")


def test_a_forest_says_what_the_record_says(drawn, record, points):
    rows = values(drawn["comparison_errors"].spec)[-2:]
    assert [row["verdict"] for row in rows] == ["mlp_small is better", "not resolved"]
    assert [row["kind"] for row in rows] == ["resolved", "not resolved"]
    assert [row["low"] for row in rows] == [0.6, 0.9]
    record["evidence"]["comparisons"][1]["verdict"] = "equivalent"
    again = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    assert values(again["comparison_errors"].spec)[-1]["kind"] == "equivalent"
    correlations = values(drawn["comparison_correlations"].spec)[-1]
    assert correlations["verdict"] == "least_squares is better"


def test_a_forest_of_too_few_sources_says_so_and_has_no_axis_without_an_end(record, points):
    for row in record["evidence"]["comparisons"]:
        row.update(verdict="not_resolved", low=None, high=None, smallest_p=0.125)
    made = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    for name in ("comparison_errors", "comparison_correlations"):
        layers = made[name].spec["layer"]
        encodings = [layer["encoding"] for layer in layers]
        # Vega warns of intervals that are all missing.
        assert [encoding["x"]["field"] for encoding in encodings] == ["effect", "effect"]
        assert encodings[-1]["color"]["scale"]["domain"][2:] == ["too few sources"]


def test_a_chart_is_the_same_on_page_and_paper_but_for_colours_and_type(record, points):
    on_page = {chart.name: chart for chart in charts(typed(record), points, PAGE)}
    for chart in charts(typed(record), points, PAPER):
        text = json.dumps(on_page[chart.name].spec, ensure_ascii=False)
        for role in ("ink", "muted", "rule", "accent", "other", "surface", "font"):
            text = text.replace(f'"{getattr(PAGE, role)}"', f'"{getattr(PAPER, role)}"')
        assert json.loads(text) == chart.spec


def test_a_fold_without_a_correlation_is_left_out_of_its_chart(record, points):
    record["folds"][0]["frame"]["plcc"] = None
    made = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    rows = [row for row in values(made["folds_plcc"].spec) if row.get("series") == "mlp_small"]
    assert len(rows) == 3


def test_without_any_correlation_there_is_no_chart_of_them(record, points):
    for fold in record["folds"]:
        fold["frame"]["plcc"] = None
    assert "folds_plcc" not in [chart.name for chart in charts(typed(record), points, PAPER)]


def test_no_name_gets_into_code(record, points):
    """Vega-Lite would write a sort by name as an expression, and names break expressions."""
    names = {fold["source"] for fold in record["folds"]} - {"Bird"}

    def code(part, key=""):
        if isinstance(part, dict):
            return [text for name, value in part.items() for text in code(value, name)]
        if isinstance(part, list):
            return [text for value in part for text in code(value, key)]
        return [part] if key in {"expr", "signal", "update", "test"} else []

    for chart in charts(typed(record), points, PAGE):
        vega = vl_convert.vegalite_to_vega(chart.spec)
        vega = {key: value for key, value in vega.items() if key not in {"data", "description"}}
        texts = [text for text in code(vega) if isinstance(text, str)]
        assert not [text for text in texts if any(name[:8] in text for name in names)]


def axis(chart):
    """The scale of a fold chart's dots."""
    return chart.spec["layer"][-1]["encoding"]["x"]["scale"]


def test_errors_far_apart_are_told_apart_on_a_log_axis(record, points):
    near = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    assert axis(near["folds_rmse"]) == {"zero": True}
    record["folds"][0]["frame"]["rmse"] = 0.01
    far = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    assert axis(far["folds_rmse"])["type"] == "log"


def test_a_correlation_of_one_has_a_place_on_the_axis(record, points):
    record["folds"][0]["frame"]["plcc"] = 1.0
    made = {chart.name: chart for chart in charts(typed(record), points, PAPER)}
    rows = [row for row in values(made["folds_plcc"].spec) if row.get("printed") == "1.0000"]
    assert [row["at"] for row in rows] == [1e-9]


@pytest.mark.parametrize(
    ("held", "places"),
    [
        ([0.008, 6.0], [0.01, 0.1, 1.0]),
        ([0.4, 3.0], [0.5, 1.0, 2.0]),
        ([0.06, 1.2], [0.1, 0.2, 0.5, 1.0]),
        ([0.65, 1.05], [0.7, 0.8, 0.9, 1.0]),
        ([1e-7, 2e-2], [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]),
    ],
)
def test_a_log_axis_is_marked_at_round_numbers(held, places):
    assert ticks(held) == pytest.approx(places)
