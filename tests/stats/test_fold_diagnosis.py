# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyvmaf.stats.fold_diagnosis import (
    error_shares,
    outlier_tests,
    range_corrected,
    target_range,
)


def pair(seed):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 100, 30)
    return rng.uniform(0.2, 2) * target + rng.normal(0, 10, 30) + rng.normal(0, 20), target


@given(st.integers(0, 1000))
def test_shares_sum_to_one_and_equal_their_definition(seed):
    p, y = pair(seed)
    found = error_shares(predicted=p, target=y)
    r, mse = np.corrcoef(p, y)[0, 1], ((p - y) ** 2).mean()
    assert found.bias + found.slope + found.residual == pytest.approx(1)
    assert found.bias == pytest.approx((p.mean() - y.mean()) ** 2 / mse)
    assert found.slope == pytest.approx((p.std() - r * y.std()) ** 2 / mse)
    assert found.residual == pytest.approx((1 - r * r) * y.var() / mse)
    assert found.calibration_slope == pytest.approx(stats.linregress(p, y).slope)


@given(st.integers(0, 1000))
def test_bias_and_slope_are_what_a_straight_line_removes(seed):
    p, y = pair(seed)
    line = stats.linregress(p, y)
    after = ((line.slope * p + line.intercept - y) ** 2).mean() / ((p - y) ** 2).mean()
    found = error_shares(predicted=p, target=y)
    assert found.bias + found.slope == pytest.approx(1 - after)


@pytest.mark.parametrize(
    ("predicted", "target", "shares"),
    [
        ([1, 1, 1], [0, 3, 6], (4, 0, 6)),
        ([0, 3, 6], [1, 1, 1], (4, 6, 0)),
        ([2, 2], [1, 1], (1, 0, 0)),
    ],
    ids=["constant prediction", "constant target", "both"],
)
def test_shares_of_constants(predicted, target, shares):
    found = error_shares(predicted=np.array(predicted), target=np.array(target))
    whole = sum(shares)
    assert (found.bias, found.slope, found.residual) == pytest.approx([s / whole for s in shares])


def test_no_error_has_no_shares():
    assert error_shares(predicted=np.arange(3.0), target=np.arange(3.0)) is None
    assert error_shares(predicted=np.array([]), target=np.array([])) is None


def test_target_range_counts_saturated_rows():
    found = target_range(np.array([0.0, 50.0, 100.0, 100.0]))
    assert (found.at_bottom, found.at_top) == (0.25, 0.5)
    assert found.sd == np.std([0, 50, 100, 100])


def test_range_correction_of_a_narrow_fold():
    assert round(range_corrected(0.9266, sd=13.0, reference_sd=25.0), 3) == 0.978
    assert range_corrected(0.9, sd=20.0, reference_sd=20.0) == pytest.approx(0.9)
    assert range_corrected(0.9, sd=0.0, reference_sd=20.0) is None


@given(st.floats(-0.99, 0.99), st.floats(1, 40), st.floats(1, 40))
def test_range_correction_keeps_the_residuals(r, sd, reference):
    corrected = range_corrected(r, sd=sd, reference_sd=reference)
    slope, residual = r * sd, (1 - r * r) * sd**2  # of predictions with unit spread
    assert corrected == pytest.approx(
        (slope / sd) * reference / np.hypot((slope / sd) * reference, np.sqrt(residual)), abs=1e-9
    )


def test_foxbird_is_not_an_outlier_in_the_published_folds(digest):
    found = {
        arch: outlier_tests(digest[arch]["plcc"], metric="plcc")
        for arch in ("mlp_small", "mlp_medium")
    }
    fox = digest["mlp_small"]["source"].index("FoxBird")
    assert round(found["mlp_small"][fox].p_adjusted, 2) == 0.11
    assert found["mlp_medium"][fox].p_adjusted == 1.0


def test_the_deleted_t_is_a_two_sample_t_test_with_one_against_the_rest():
    values = [3.0, 5.0, 4.0, 9.0, 3.5]
    for i, found in enumerate(outlier_tests(values, metric="rmse")):
        others = np.log(np.delete(values, i))
        expected = stats.ttest_ind([np.log(values[i])], others)
        assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue))
        assert found.p_adjusted == pytest.approx(min(1, 5 * found.p))


def test_a_fold_far_from_equal_others_is_not_tested():
    assert outlier_tests([1.0, 1.0, 5.0], metric="rmse")[2] is None
    assert outlier_tests([1.0, 2.0], metric="rmse") == (None, None)


def test_folds_without_a_value_keep_their_place():
    found = outlier_tests([3.0, None, 5.0, 4.0], metric="rmse")
    assert [test is None for test in found] == [False, True, False, False]
    assert found[3] == outlier_tests([3.0, 5.0, 4.0], metric="rmse")[2]


def test_one_wild_fold_is_found():
    found = outlier_tests([2.0, 2.1, 1.9, 2.05, 1.95, 20.0], metric="rmse")
    assert [test.p_adjusted < 0.05 for test in found] == [False] * 5 + [True]
