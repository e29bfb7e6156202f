# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
from scipy import stats

from tinyvmaf.errors import SchemaError
from tinyvmaf.evaluation.clip_differences import (
    correlation_difference,
    error_variance_p,
    outliers_p,
)


def models(rng, n=40, *, noise_a=5.0, noise_b=5.0, shared=5.0):
    target = rng.uniform(20, 90, n)
    common = rng.normal(0, shared, n)
    a, b = (target + common + rng.normal(0, noise, n) for noise in (noise_a, noise_b))
    return a, b, target


def test_the_difference_changes_sign_with_the_models():
    a, b, target = models(np.random.default_rng(0))
    one = correlation_difference(a=a, b=b, target=target)
    other = correlation_difference(a=b, b=a, target=target)
    assert one.estimate == pytest.approx(
        np.corrcoef(a, target)[0, 1] - np.corrcoef(b, target)[0, 1]
    )
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


def test_zous_published_form_is_kept():
    a, b, target = models(np.random.default_rng(1))
    r1, r2, r12 = (np.corrcoef(x, y)[0, 1] for x, y in ((a, target), (b, target), (a, b)))
    (l1, u1), (l2, u2) = (stats.pearsonr(x, target).confidence_interval() for x in (a, b))
    c = ((r12 - r1 * r2 / 2) * (1 - r1**2 - r2**2 - r12**2) + r12**3) / ((1 - r1**2) * (1 - r2**2))
    low = r1 - r2 - math.sqrt((r1 - l1) ** 2 + (u2 - r2) ** 2 - 2 * c * (r1 - l1) * (u2 - r2))
    high = r1 - r2 + math.sqrt((u1 - r1) ** 2 + (r2 - l2) ** 2 - 2 * c * (u1 - r1) * (r2 - l2))
    found = correlation_difference(a=a, b=b, target=target)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_equal_models_differ_in_five_percent_of_samples():
    rng = np.random.default_rng(0)
    found = [
        correlation_difference(a=a, b=b, target=t) for a, b, t in (models(rng) for _ in range(300))
    ]
    assert np.mean([i.low <= 0 <= i.high for i in found]) == pytest.approx(0.95, abs=0.03)


def test_dependence_makes_the_interval_narrower():
    rng = np.random.default_rng(2)
    apart = correlation_difference(
        **dict(zip(("a", "b", "target"), models(rng, shared=0), strict=True))
    )
    close = correlation_difference(
        **dict(zip(("a", "b", "target"), models(rng, noise_a=1, noise_b=1, shared=5), strict=True))
    )
    assert close.high - close.low < apart.high - apart.low


def test_differences_that_do_not_exist():
    a, b, target = models(np.random.default_rng(3))
    assert correlation_difference(a=target, b=b, target=target) is None
    assert correlation_difference(a=np.ones(40), b=b, target=target) is None
    assert correlation_difference(a=a[:3], b=b[:3], target=target[:3]) is None


def test_equal_variances_are_rejected_in_five_percent_of_samples():
    rng = np.random.default_rng(1)
    p = [error_variance_p(a=a, b=b, target=t) for a, b, t in (models(rng) for _ in range(500))]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.02)


def test_unequal_variances_are_found_and_offsets_do_not_matter():
    a, b, target = models(np.random.default_rng(2), noise_a=2, noise_b=6, shared=1)
    p = error_variance_p(a=a, b=b, target=target)
    assert p < 0.001
    assert error_variance_p(a=a + 10, b=b, target=target) == pytest.approx(p)
    assert error_variance_p(a=b, b=a, target=target) == pytest.approx(p)


def test_the_same_errors_have_no_test():
    a, _, target = models(np.random.default_rng(2))
    assert error_variance_p(a=a, b=a, target=target) is None


def test_outliers_are_compared_clip_by_clip():
    a = np.array([True] * 8 + [False] * 12)
    b = np.array([True] * 2 + [False] * 17 + [True])
    assert outliers_p(a=a, b=b) == pytest.approx(2 * (math.comb(7, 0) + math.comb(7, 1)) / 2**7)
    assert outliers_p(a=a, b=a) == 1.0


def test_outliers_need_the_same_clips():
    with pytest.raises(SchemaError) as caught:
        outliers_p(a=np.array([True]), b=np.array([True, False]))
    assert str(caught.value) == "A has 1 clips, B has 2; give the same clips"
