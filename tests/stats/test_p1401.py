# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy import stats

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.p1401 import clip_block, correlation_interval, rmse_interval


def clips(seed=0, n=70):
    rng = np.random.default_rng(seed)
    target = rng.uniform(20, 95, n)
    return target + rng.normal(1, 4, n), target


def test_the_correlation_interval_is_scipys():
    predicted, target = clips()
    found = clip_block(predicted=predicted, target=target).plcc
    reference = stats.pearsonr(predicted, target)
    bounds = reference.confidence_interval(0.95)
    assert found.estimate == pytest.approx(reference.statistic)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))


def test_spearmans_interval_is_wider_by_its_own_variance():
    predicted, target = clips()
    found = clip_block(predicted=predicted, target=target).srocc
    rho = stats.spearmanr(predicted, target).statistic
    half = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / 67)
    assert found.estimate == pytest.approx(rho)
    assert (found.low, found.high) == pytest.approx(
        (np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half))
    )


def test_the_rmse_interval_is_that_of_a_normal_variance():
    found = rmse_interval(3.0, dof=20)
    assert stats.chi2.cdf(20 * 9 / found.low**2, 20) == pytest.approx(0.975)
    assert stats.chi2.cdf(20 * 9 / found.high**2, 20) == pytest.approx(0.025)


def test_the_rmse_interval_covers_independent_normal_errors():
    errors = np.random.default_rng(0).normal(0, 2, size=(2000, 15))
    intervals = [rmse_interval(float(np.sqrt(np.mean(e**2))), dof=15) for e in errors]
    assert np.mean([i.low <= 2 <= i.high for i in intervals]) == pytest.approx(0.95, abs=0.015)


def test_parameters_of_a_map_cost_degrees_of_freedom():
    predicted, target = clips(n=20)
    free, mapped = (clip_block(predicted=predicted, target=target, dof=dof) for dof in (0, 4))
    squares = np.square(predicted - target).sum()
    assert free.rmse.estimate == pytest.approx(np.sqrt(squares / 20))
    assert mapped.rmse.estimate == pytest.approx(np.sqrt(squares / 16))
    assert (mapped.dof, mapped.n) == (4, 20)


def test_outliers_exceed_the_targets_own_uncertainty():
    target = np.full(10, 50.0) + np.arange(10)
    error = np.array([0, 1, 1, 2, 3, 3.5, -4, -5, 6, 0])
    found = clip_block(predicted=target + error, target=target, half_width=np.full(10, 3.0))
    bounds = stats.binomtest(4, 10).proportion_ci(method="wilson")
    assert found.outlier_ratio.estimate == 0.4
    assert (found.outlier_ratio.low, found.outlier_ratio.high) == (bounds.low, bounds.high)
    assert found.rmse_star == pytest.approx(np.sqrt((0.5**2 + 1 + 2**2 + 3**2) / 10))
    assert found.rmse_star < found.rmse.estimate


def test_rmse_star_without_uncertainty_is_the_rmse():
    predicted, target = clips()
    found = clip_block(predicted=predicted, target=target, half_width=np.zeros(70))
    assert found.rmse_star == pytest.approx(found.rmse.estimate)


def test_the_block_says_what_it_assumes():
    predicted, target = clips()
    found = clip_block(predicted=predicted, target=target)
    assert found.assumption == "P.1401, clips treated as independent"
    assert (found.outlier_ratio, found.rmse_star) == (None, None)


def test_correlations_that_have_no_interval():
    assert correlation_interval(0.9, n=3) is None
    assert correlation_interval(None, n=30) is None
    perfect = correlation_interval(1.0, n=30)
    assert (perfect.low, perfect.high) == (1.0, 1.0)
    constant = clip_block(predicted=np.ones(8), target=np.arange(8.0))
    assert (constant.plcc, constant.srocc) == (None, None)


def test_fewer_clips_than_parameters_are_refused():
    with pytest.raises(SchemaError) as caught:
        clip_block(predicted=np.arange(4.0), target=np.arange(4.0), dof=4)
    assert str(caught.value) == ("4 clips and a map of 4 parameters; give more clips than those")
