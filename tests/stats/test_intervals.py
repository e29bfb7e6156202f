# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.intervals import (
    POOLED,
    fold_interval,
    jackknife_interval,
    nadeau_bengio_interval,
    pooled_intervals,
)
from tinyvmaf.stats.metrics import bias, mae, plcc, rmse, srocc

STATISTICS = {"plcc": plcc, "srocc": srocc, "rmse": rmse, "mae": mae, "bias": bias}
FORWARD = {
    "plcc": np.arctanh,
    "srocc": np.arctanh,
    "rmse": np.log,
    "mae": np.log,
    "bias": lambda x: x,
}
INVERSE = {"plcc": np.tanh, "srocc": np.tanh, "rmse": np.exp, "mae": np.exp, "bias": lambda x: x}


@pytest.mark.parametrize(
    ("metric", "digits", "expected"),
    [("plcc", 4, (0.9865, 0.9748, 0.9928)), ("rmse", 2, (14.74, 12.96, 16.76))],
)
def test_published_folds_have_these_intervals(digest, metric, digits, expected):
    found = fold_interval(digest["mlp_small"][metric], metric=metric)
    assert tuple(round(x, digits) for x in (found.estimate, found.low, found.high)) == expected
    assert (found.k, found.level, found.method) == (9, 0.95, "t over folds")


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_fold_interval_is_scipys_t_interval_on_the_scale(level):
    values = [3.0, 5.0, 4.0, 9.0]
    found = fold_interval(values, metric="rmse", level=level)
    x = np.log(values)
    low, high = stats.t.interval(level, 3, x.mean(), stats.sem(x))
    assert (found.low, found.high) == pytest.approx((np.exp(low), np.exp(high)))
    assert found.estimate == pytest.approx(stats.gmean(values))


def test_nine_normal_folds_are_covered_at_the_nominal_level():
    drawn = np.random.default_rng(0).normal(size=(1000, 9))
    found = [fold_interval(folds.tolist(), metric="bias") for folds in drawn]
    assert np.mean([each.low <= 0 <= each.high for each in found]) == pytest.approx(0.95, abs=0.02)


def test_undefined_folds_are_not_counted():
    found = fold_interval([3.0, None, 5.0], metric="rmse")
    assert found.k == 2
    assert found == fold_interval([3.0, 5.0], metric="rmse")


def test_one_fold_has_no_interval():
    assert fold_interval([3.0, None], metric="rmse") is None
    assert nadeau_bengio_interval([], metric="rmse") is None


def test_perfect_folds_have_a_finite_interval():
    found = fold_interval([1.0, 1.0, 0.999], metric="plcc")
    assert -1 < found.low < found.high <= 1


def test_nadeau_bengio_widens_by_its_factor(digest):
    values = digest["mlp_small"]["rmse"]
    narrow = fold_interval(values, metric="rmse")
    wide = nadeau_bengio_interval(values, metric="rmse")
    factor = np.log(wide.high / wide.low) / np.log(narrow.high / narrow.low)
    assert factor == pytest.approx(np.sqrt(1 + 9 / 8))
    assert wide.estimate == narrow.estimate
    same = nadeau_bengio_interval(values, metric="rmse", test_share=0.0)
    assert (same.low, same.high) == (narrow.low, narrow.high)


def test_jackknife_of_a_mean_is_the_t_interval():
    x = np.array([3.0, -1.0, 4.0, 1.0, 5.0])
    found = jackknife_interval(
        full=float(x.mean()),
        without=[float(np.delete(x, i).mean()) for i in range(5)],
        metric="bias",
    )
    low, high = stats.t.interval(0.95, 4, x.mean(), stats.sem(x))
    assert (found.low, found.high) == pytest.approx((low, high))


def drawn(seed, kind):
    rng = np.random.default_rng(seed)
    source = rng.permutation(np.repeat([3, 5, 8, 9], [6, 20, 4, 11]))
    target = rng.uniform(0, 100, len(source))
    predicted = target + rng.normal(0, 10, 10)[source] + rng.normal(0, 5, len(source))
    if kind == "tied":
        return np.clip(np.round(predicted, -1), 0, 60), np.clip(np.round(target, -1), 0, 60), source
    return predicted, target, source


@pytest.mark.parametrize("kind", ["plain", "tied"])
@pytest.mark.parametrize("metric", POOLED)
def test_pooled_intervals_equal_leaving_rows_out(metric, kind):
    predicted, target, source = drawn(0, kind)
    found = pooled_intervals(predicted=[predicted], target=target, source_index=source)[metric]

    def on_scale(rows):
        value = STATISTICS[metric](predicted=predicted[rows], target=target[rows])
        return FORWARD[metric](value)

    full = on_scale(np.ones(len(source), bool))
    left = np.array([on_scale(source != k) for k in (3, 5, 8, 9)])
    half = stats.t.ppf(0.975, 3) * np.sqrt(3 / 4 * ((left - left.mean()) ** 2).sum())
    expected = [INVERSE[metric](x) for x in (full, full - half, full + half)]
    assert [found.estimate, found.low, found.high] == pytest.approx(expected)
    assert (found.k, found.method) == (4, "delete-one-source jackknife, t")


@given(st.integers(0, 1000), st.permutations(range(4)))
def test_pooled_intervals_ignore_the_order_of_rows_and_names_of_sources(seed, renamed):
    predicted, target, source = drawn(seed, "tied")
    order = np.random.default_rng(seed).permutation(len(source))
    names = np.zeros(10, dtype=int)
    names[[3, 5, 8, 9]] = renamed
    one = pooled_intervals(predicted=[predicted], target=target, source_index=source)
    other = pooled_intervals(
        predicted=[predicted[order]], target=target[order], source_index=names[source][order]
    )
    for metric in POOLED:
        assert other[metric].low == pytest.approx(one[metric].low, abs=1e-9)
        assert other[metric].high == pytest.approx(one[metric].high, abs=1e-9)


def test_more_frames_of_the_same_sources_do_not_narrow_the_interval():
    predicted, target, source = drawn(1, "plain")
    one = pooled_intervals(predicted=[predicted], target=target, source_index=source)
    many = pooled_intervals(
        predicted=[np.tile(predicted, 50)],
        target=np.tile(target, 50),
        source_index=np.tile(source, 50),
    )
    for metric in POOLED:
        assert many[metric].low == pytest.approx(one[metric].low)


def test_a_constant_has_intervals_of_its_errors_only():
    target = np.arange(12.0)
    found = pooled_intervals(
        predicted=[np.full(12, 0.1)], target=target, source_index=np.repeat([0, 1, 2], 4)
    )
    assert found["plcc"] is None
    assert found["srocc"] is None
    assert found["rmse"].estimate == pytest.approx(rmse(predicted=np.full(12, 0.1), target=target))


def test_a_correlation_that_rests_on_one_source_has_no_interval():
    predicted = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 3.0])
    found = pooled_intervals(
        predicted=[predicted], target=np.arange(6.0), source_index=np.array([0, 0, 1, 1, 2, 2])
    )
    assert found["plcc"] is None
    assert found["srocc"] is None


def test_one_source_has_no_interval():
    predicted, target, source = drawn(0, "plain")
    found = pooled_intervals(predicted=[predicted], target=target, source_index=source * 0)
    assert found == dict.fromkeys(POOLED)


def test_rows_without_a_source_are_refused():
    with pytest.raises(SchemaError) as caught:
        pooled_intervals(
            predicted=[np.zeros(3)], target=np.zeros(3), source_index=np.zeros(2, dtype=int)
        )
    assert str(caught.value) == "3 rows have 2 group numbers; give one for each, and rows"


def test_ranks_that_all_agree_have_no_interval():
    rng = np.random.default_rng(3)
    target = rng.uniform(20, 90, 30)
    index = np.repeat(np.arange(5), 6)

    def intervals(predicted):
        return pooled_intervals(predicted=[predicted], target=target, source_index=index)

    found = intervals(target * 0.9 + 1)
    assert found["srocc"] is None
    assert found["plcc"] is not None
    swapped = target.copy()
    order = np.argsort(target)
    swapped[order[[3, 4]]] = swapped[order[[4, 3]]]
    found = intervals(swapped)
    assert found["srocc"].low < found["srocc"].estimate < 1
