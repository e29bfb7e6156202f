# SPDX-License-Identifier: Apache-2.0
import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.metrics import (
    CORRELATIONS,
    aggregate,
    bias,
    krocc,
    mae,
    measure,
    plcc,
    rmse,
    srocc,
    undefined_reason,
)

CORRELATION_FUNCTIONS = {"plcc": plcc, "srocc": srocc, "krocc": krocc}
FUNCTIONS = {**CORRELATION_FUNCTIONS, "rmse": rmse, "mae": mae, "bias": bias}


def naive_plcc(x, y):
    mx, my = sum(x) / len(x), sum(y) / len(y)
    xy = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return xy / math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))


def naive_ranks(x):
    return [sum(b < a for b in x) + (1 + sum(b == a for b in x)) / 2 for a in x]


def naive_tau_b(x, y):
    total = tied_x = tied_y = 0
    for i in range(len(x)):
        for j in range(i):
            a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            total += a * b
            tied_x += a != 0
            tied_y += b != 0
    return total / math.sqrt(tied_x * tied_y)


NAIVE = {
    "plcc": naive_plcc,
    "srocc": lambda x, y: naive_plcc(naive_ranks(x), naive_ranks(y)),
    "krocc": naive_tau_b,
    "rmse": lambda x, y: math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / len(x)),
    "mae": lambda x, y: sum(abs(a - b) for a, b in zip(x, y, strict=True)) / len(x),
    "bias": lambda x, y: sum(a - b for a, b in zip(x, y, strict=True)) / len(x),
}


def drawn(kind, n, seed):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 100, n)
    predicted = target + rng.normal(0, 10, n)
    if kind == "tied":
        return np.round(predicted / 10), np.round(target / 10)
    if kind == "saturated":
        return np.clip(predicted * 1.5, 0, 100), np.clip(target * 1.5, 0, 100)
    return predicted, target


@pytest.mark.parametrize("kind", ["plain", "tied", "saturated"])
@pytest.mark.parametrize("n", [2, 3, 10, 61])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_its_definition(name, n, kind):
    predicted, target = drawn(kind, n, seed=0)
    found = FUNCTIONS[name](predicted=predicted, target=target)
    assert found == pytest.approx(NAIVE[name](predicted.tolist(), target.tolist()), abs=1e-12)


@pytest.mark.parametrize("kind", ["plain", "tied", "saturated"])
def test_equals_scipy_and_sklearn(kind):
    predicted, target = drawn(kind, 500, seed=3)
    assert asdict(measure(predicted=predicted, target=target)) == {
        "plcc": pytest.approx(stats.pearsonr(predicted, target).statistic, abs=1e-12),
        "srocc": pytest.approx(stats.spearmanr(predicted, target).statistic, abs=1e-12),
        "krocc": pytest.approx(stats.kendalltau(predicted, target).statistic, abs=1e-12),
        "rmse": pytest.approx(root_mean_squared_error(target, predicted), abs=1e-12),
        "mae": pytest.approx(mean_absolute_error(target, predicted), abs=1e-12),
        "bias": pytest.approx(predicted.mean() - target.mean(), abs=1e-12),
        "n": 500,
        "undefined": {},
    }


SCORES = st.lists(st.integers(0, 10_000), min_size=4, max_size=30)


@st.composite
def pairs(draw):
    target = draw(SCORES)
    predicted = draw(st.lists(st.integers(0, 10_000), min_size=len(target), max_size=len(target)))
    assume(len(set(target)) > 1)
    assume(len(set(predicted)) > 1)
    return np.array(predicted) / 100, np.array(target) / 100


@given(pairs())
def test_correlations_are_symmetric_and_bounded(pair):
    x, y = pair
    for function in CORRELATION_FUNCTIONS.values():
        one = function(predicted=x, target=y)
        assert -1 <= one <= 1
        assert one == pytest.approx(function(predicted=y, target=x), abs=1e-12)


@given(pairs(), st.floats(0.01, 100), st.floats(-100, 100))
def test_plcc_ignores_an_affine_map_and_turns_with_its_sign(pair, slope, offset):
    x, y = pair
    straight = plcc(predicted=x, target=y)
    assert plcc(predicted=slope * x + offset, target=y) == pytest.approx(straight, abs=1e-8)
    assert plcc(predicted=-slope * x + offset, target=y) == pytest.approx(-straight, abs=1e-8)


@given(pairs())
def test_rank_correlations_ignore_every_monotone_map(pair):
    x, y = pair
    for function in (srocc, krocc):
        straight = function(predicted=x, target=y)
        assert function(predicted=np.cbrt(x), target=y**3) == pytest.approx(straight, abs=1e-12)


@given(pairs(), st.floats(-50, 50))
def test_errors_move_as_they_should(pair, shift):
    x, y = pair
    found = measure(predicted=x, target=y)
    moved = bias(predicted=x + shift, target=y)
    assert moved == pytest.approx(found.bias + shift, abs=1e-9)
    assert abs(found.bias) <= found.mae + 1e-12
    assert found.mae <= found.rmse + 1e-12
    assert found.rmse == pytest.approx(rmse(predicted=y, target=x))
    assert found.bias == pytest.approx(-bias(predicted=y, target=x))


@given(arrays(np.float64, st.integers(2, 20), elements=st.floats(0, 100)), st.floats(0, 100))
def test_a_constant_has_no_correlation(target, level):
    predicted = np.full(len(target), level)
    found = measure(predicted=predicted, target=target)
    assert (found.plcc, found.srocc, found.krocc) == (None, None, None)
    assert found.undefined == dict.fromkeys(CORRELATIONS, f"predicted is constant at {level:g}")
    assert found.rmse == pytest.approx(root_mean_squared_error(target, predicted))


def test_reasons_are_told_in_words():
    two = np.array([1.0, 2.0])
    assert undefined_reason(predicted=two, target=two) is None
    assert undefined_reason(predicted=two, target=np.array([7.5, 7.5])) == (
        "target is constant at 7.5"
    )
    assert undefined_reason(predicted=two[:1], target=two[:1]) == (
        "1 row; a correlation needs at least 2"
    )


def test_the_mean_of_a_constant_that_rounds_is_still_a_constant():
    predicted = np.full(7, 0.1) + np.arange(7) * 1e-17
    assert plcc(predicted=predicted, target=np.arange(7.0)) is None


def test_one_row_has_errors_but_no_correlation():
    found = measure(predicted=np.array([3.0]), target=np.array([5.0]))
    assert (found.rmse, found.mae, found.bias, found.plcc) == (2, 2, -2, None)
    assert set(found.undefined) == set(CORRELATIONS)


def test_no_rows_have_nothing():
    found = measure(predicted=np.array([]), target=np.array([]))
    assert {getattr(found, name) for name in FUNCTIONS} == {None}
    assert found.undefined == {
        **dict.fromkeys(CORRELATIONS, "0 rows; a correlation needs at least 2"),
        **dict.fromkeys(("rmse", "mae", "bias"), "no rows"),
    }


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_magnitudes_keep_their_correlation(scale):
    x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 3.0])
    assert plcc(predicted=x * scale, target=y) == pytest.approx(naive_plcc(x, y))


@pytest.mark.parametrize("function", [*FUNCTIONS.values(), measure, undefined_reason])
def test_lengths_must_agree(function):
    with pytest.raises(SchemaError) as caught:
        function(predicted=np.zeros(3), target=np.zeros(2))
    assert str(caught.value) == (
        "predicted has 3 rows, target has 2; give one prediction for every target"
    )


@pytest.mark.parametrize("function", [*FUNCTIONS.values(), measure, undefined_reason])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_must_be_finite(function, value):
    with pytest.raises(SchemaError) as caught:
        function(predicted=np.zeros(3), target=np.array([0, value, value]))
    assert str(caught.value) == (
        f"target is {value} in row 1, expected a finite number (2 such rows)"
    )


def test_float32_predictions_are_measured_in_float64():
    predicted, target = drawn("plain", 1000, seed=1)
    narrow = predicted.astype(np.float32)
    assert measure(predicted=narrow, target=target) == measure(
        predicted=narrow.astype(np.float64), target=target
    )


@pytest.mark.parametrize(
    ("arch", "metric", "mean", "std"),
    [
        ("mlp_small", "plcc", 0.9808, 0.0214),
        ("mlp_small", "srocc", 0.9848, 0.0176),
        ("mlp_small", "rmse", 14.907, 2.218),
        ("mlp_medium", "plcc", 0.9727, 0.0202),
        ("mlp_medium", "srocc", 0.9794, 0.0156),
        ("mlp_medium", "rmse", 10.848, 2.302),
        ("linear", "plcc", 0.3679, 0.0773),
        ("linear", "srocc", 0.4861, 0.0975),
        ("linear", "rmse", 57.868, 5.867),
    ],
)
def test_aggregate_gives_the_published_figures(digest, arch, metric, mean, std):
    found = aggregate(digest[arch][metric], metric=metric)
    last_digit = 1.01e-3 if metric == "rmse" else 1.01e-4  # the printed folds are rounded
    digits = 3 if metric == "rmse" else 4
    assert abs(round(found.mean, digits) - mean) < last_digit
    assert abs(round(found.std, digits) - std) < last_digit
    assert (found.k, found.k_eff) == (9, 9)


@pytest.mark.parametrize(
    ("metric", "worst", "fold"),
    [("plcc", -0.5, 2), ("rmse", 0.9, 3), ("mae", 0.9, 3), ("bias", 0.9, 3)],
)
def test_the_worst_fold_knows_the_metrics_direction(metric, worst, fold):
    found = aggregate([0.1, None, -0.5, 0.9], metric=metric)
    assert (found.worst, found.worst_fold) == (worst, fold)


def test_the_worst_bias_keeps_its_sign():
    assert aggregate([1.0, -3.0, 2.0], metric="bias").worst == -3.0


def test_undefined_folds_are_counted_not_dropped():
    found = aggregate([None, 0.9, None], metric="plcc")
    assert (found.k, found.k_eff, found.mean, found.std) == (3, 1, 0.9, None)
    nothing = aggregate([None, None], metric="plcc")
    assert (nothing.k, nothing.k_eff, nothing.mean, nothing.worst) == (2, 0, None, None)


def test_a_fold_that_is_not_a_number_is_refused():
    with pytest.raises(SchemaError) as caught:
        aggregate([1.0, float("nan")], metric="rmse")
    assert str(caught.value) == ("rmse over folds: found [1.0, nan]; a fold is a number or None")


def test_importing_the_metrics_does_not_load_scipy():
    code = "import sys, tinyvmaf.stats.metrics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
