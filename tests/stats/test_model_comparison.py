# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.stats.model_comparison import compare_models, decide

METRICS = ("plcc", "srocc", "rmse")


@pytest.fixture(scope="module")
def scores(digest):
    return {
        arch: {metric: digest[arch][metric] for metric in METRICS}
        for arch in ("mlp_small", "mlp_medium")
    }


@pytest.fixture(scope="module")
def published(scores):
    found = compare_models(scores, metrics=METRICS)
    return {each.metric: each for each in found}


def test_small_does_not_win_the_published_ranking(published):
    plcc, srocc = published["plcc"], published["srocc"]
    assert [round(c.p, 3) for c in (plcc, srocc)] == [0.043, 0.184]
    assert [round(c.p_adjusted, 3) for c in (plcc, srocc)] == [0.117, 0.367]
    assert (plcc.outcome, srocc.outcome) == ("not resolved", "not resolved")
    assert (plcc.robust, srocc.robust) == (False, False)


def test_medium_wins_the_published_rmse_in_all_folds(published):
    rmse = published["rmse"]
    assert (rmse.outcome, rmse.robust) == ("B better", True)
    assert (rmse.k, rmse.k_eff, rmse.a_better_in) == (9, 9, 0)
    assert (round(rmse.p, 4), round(rmse.p_adjusted, 4)) == (0.0039, 0.0039)
    told = (rmse.effect, rmse.effect_low, rmse.effect_high)
    assert [round(x, 2) for x in told] == [1.39, 1.22, 1.55]
    assert rmse.effect_is == "ratio"


def test_swapping_the_models_swaps_the_verdict(scores):
    pairs = [("mlp_small", "mlp_medium"), ("mlp_medium", "mlp_small")]
    one, other = compare_models(scores, metrics=["rmse"], pairs=pairs)
    assert (one.outcome, other.outcome) == ("B better", "A better")
    assert other.effect == pytest.approx(1 / one.effect)
    assert other.effect_low == pytest.approx(1 / one.effect_high)
    assert other.difference_low == pytest.approx(-one.difference_high)
    assert other.p_adjusted == one.p_adjusted
    assert (one.a_better_in, other.a_better_in) == (0, 9)


def models(seed, *, effect, k=9, spread=0.3):
    rng = np.random.default_rng(seed)
    content = rng.normal(1.0, 0.5, k)
    a = np.exp(content + rng.normal(effect, spread, k))
    return {"a": {"rmse": a.tolist()}, "b": {"rmse": np.exp(content).tolist()}}


@given(st.integers(0, 10_000), st.floats(-1, 1), st.sampled_from([6, 9, 12]))
def test_no_verdict_contradicts_its_numbers(seed, effect, k):
    (found,) = compare_models(models(seed, effect=effect, k=k), metrics=["rmse"])
    if found.outcome == "A better":
        assert found.effect < found.effect_high < 1
        assert found.p_adjusted < found.alpha
    elif found.outcome == "B better":
        assert found.effect > found.effect_low > 1
        assert found.p_adjusted < found.alpha
    elif found.outcome == "equivalent":
        assert -found.margin <= found.difference_low <= found.difference_high <= found.margin
    else:
        assert found.p_adjusted >= found.alpha
    assert not found.robust or found.outcome in ("A better", "B better")
    assert found.effect_low <= found.effect <= found.effect_high


def test_the_same_model_is_equivalent_to_itself():
    scores = models(0, effect=0)
    (found,) = compare_models({"a": scores["a"], "same": scores["a"]}, metrics=["rmse"])
    assert (found.outcome, found.p, found.p_adjusted) == ("equivalent", 1.0, 1.0)
    assert (found.effect, found.resolvable, found.p_nadeau_bengio) == (1.0, 1.0, 1.0)


def test_five_sources_resolve_nothing_however_large_the_difference():
    (found,) = compare_models(models(0, effect=3, k=5, spread=0.01), metrics=["rmse"])
    assert (found.outcome, found.effect_low, found.p) == ("not resolved", None, 2 / 32)


def test_sources_where_one_model_has_no_metric_are_counted():
    a = {"plcc": [0.9, None, 0.95, 0.9, 0.8, 0.99, 0.9]}
    b = {"plcc": [0.8, 0.9, 0.9, 0.8, 0.7, 0.9, 0.85]}
    (found,) = compare_models({"a": a, "b": b}, metrics=["plcc"])
    assert (found.k, found.k_eff, found.a_better_in, found.p) == (7, 6, 6, 2 / 64)


def test_no_common_source_leaves_nothing_to_say():
    (found,) = compare_models({"a": {"plcc": [None]}, "b": {"plcc": [0.9]}}, metrics=["plcc"])
    assert (found.k, found.k_eff, found.effect, found.p) == (1, 0, None, 1.0)
    assert found.outcome == "not resolved"


def test_every_pair_is_compared_in_order():
    scores = {name: {"rmse": [1.0, 2.0, float(i)]} for i, name in enumerate("xyz")}
    found = compare_models(scores, metrics=["rmse"])
    assert [(c.a, c.b) for c in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert compare_models({"x": scores["x"]}, metrics=["rmse"]) == ()


def test_a_larger_family_has_larger_adjusted_p():
    scores = models(3, effect=0.3)
    rng = np.random.default_rng(0)
    alone = compare_models(scores, metrics=["rmse"])[0]
    noise = {"rmse": np.exp(rng.normal(1, 0.5, 9)).tolist()}
    family = compare_models({**scores, "c": noise}, metrics=["rmse"])
    assert family[0].p == alone.p
    assert family[0].p_adjusted >= alone.p_adjusted


def test_more_than_sixteen_sources_are_said_to_be_sampled():
    (found,) = compare_models(models(0, effect=0.5, k=20), metrics=["rmse"])
    assert (found.exact, found.outcome) == (False, "B better")


def test_models_must_have_the_same_sources():
    with pytest.raises(SchemaError) as caught:
        compare_models({"a": {"rmse": [1.0]}, "b": {"rmse": [1.0, 2.0]}}, metrics=["rmse"])
    assert str(caught.value) == "rmse has 1 and 2 sources; compare the same sources"


def test_a_bias_is_not_compared():
    scores = {"bias": [1.0, 2.0]}
    with pytest.raises(UsageError):
        compare_models({"a": scores, "b": scores}, metrics=["bias"])


@pytest.mark.parametrize(
    ("interval", "p", "higher", "outcome"),
    [
        ((0.1, 0.3), 0.01, True, "A better"),
        ((0.1, 0.3), 0.01, False, "B better"),
        ((-0.3, -0.1), 0.01, True, "B better"),
        ((-0.3, -0.1), 0.01, False, "A better"),
        ((0.1, 0.3), 0.05, True, "not resolved"),
        ((-0.1, 0.3), 0.01, True, "not resolved"),
        ((0.0, 0.3), 0.01, True, "not resolved"),
        (None, 0.01, True, "not resolved"),
    ],
)
def test_a_winner_needs_the_interval_and_p(interval, p, higher, outcome):
    assert decide(interval=interval, p=p, alpha=0.05, higher_is_better=higher) == outcome


@pytest.mark.parametrize(
    ("equivalence", "margin", "p", "outcome"),
    [
        ((-0.1, 0.2), 0.2, 0.5, "equivalent"),
        ((-0.1, 0.21), 0.2, 0.5, "not resolved"),
        ((-0.1, 0.2), 0.2, 0.01, "A better"),
        ((0.0, 0.0), None, 0.5, "not resolved"),
        (None, 0.2, 0.5, "not resolved"),
    ],
)
def test_equivalence_needs_the_interval_inside_the_margin(equivalence, margin, p, outcome):
    found = decide(
        interval=(0.1, 0.3),
        p=p,
        alpha=0.05,
        higher_is_better=True,
        equivalence=equivalence,
        margin=margin,
    )
    assert found == outcome
