# SPDX-License-Identifier: Apache-2.0
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyvmaf.stats.paired import (
    detectable_effects,
    nadeau_bengio_p,
    sign_flip,
    smallest_p,
    subset_interval,
    wilcoxon_p,
)


def published_differences(digest):
    small, medium = digest["mlp_small"], digest["mlp_medium"]
    forward = {"plcc": np.arctanh, "srocc": np.arctanh, "rmse": np.log}
    return np.array([f(small[m]) - f(medium[m]) for m, f in forward.items()])


def test_sign_flip_of_the_published_folds(digest):
    found = sign_flip(published_differences(digest))
    assert [round(p, 5) for p in found.p] == [0.04297, 0.18359, 0.00391]
    assert [round(p, 5) for p in found.p_max_t] == [0.11719, 0.36719, 0.00391]
    assert (found.exact, found.patterns) == (True, 512)


def test_subset_interval_of_the_published_rmse_ratio(digest):
    low, high = subset_interval(published_differences(digest)[2])
    assert (round(np.exp(low), 4), round(np.exp(high), 4)) == (1.2216, 1.5531)


def test_nadeau_bengio_of_the_published_folds(digest):
    plcc, _, rmse = published_differences(digest)
    assert round(nadeau_bengio_p(plcc), 2) == 0.18
    assert round(nadeau_bengio_p(rmse), 3) == 0.003


DIFFERENCES = st.lists(st.integers(-20, 20), min_size=1, max_size=8).map(
    lambda values: np.array(values) / 7
)


def naive_sign_flip(d):
    observed = abs(sum(d))
    flipped = [
        abs(sum(s * x for s, x in zip(signs, d, strict=True)))
        for signs in product((1, -1), repeat=len(d))
    ]
    return sum(value >= observed - 1e-9 for value in flipped) / len(flipped)


@given(DIFFERENCES)
def test_sign_flip_equals_its_definition(d):
    assert sign_flip(d[None]).p[0] == pytest.approx(naive_sign_flip(d.tolist()))


def test_sign_flip_equals_scipy():
    d = np.random.default_rng(0).normal(0.4, 1, 9)
    expected = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flip(d[None]).p[0] == expected.pvalue


@given(DIFFERENCES)
def test_p_is_a_multiple_of_two_patterns_and_never_zero(d):
    p = sign_flip(d[None]).p[0]
    assert p > 0
    assert p * 2 ** len(d) % 2 == 0


@given(DIFFERENCES, st.sampled_from([-1, 0.001, 1000]))
def test_tests_ignore_sign_and_scale(d, factor):
    family, scaled = np.array([d, d[::-1] ** 2]), np.array([factor * d, d[::-1] ** 2])
    assert sign_flip(scaled) == sign_flip(family)


def naive_max_t(family):
    def statistic(d):
        spread = max(np.std(d, ddof=1), 1e-12)
        return abs(np.mean(d)) / spread

    observed = [statistic(d) * (1 - 1e-9) for d in family]
    patterns = [np.array(signs) for signs in product((1, -1), repeat=family.shape[1])]
    largest = [max(statistic(signs * d) for d in family) for signs in patterns]
    return [np.mean([value >= threshold for value in largest]) for threshold in observed]


@given(st.integers(0, 500))
def test_max_t_equals_its_definition(seed):
    family = np.random.default_rng(seed).normal(0.5, 1, size=(3, 6))
    found = sign_flip(family)
    assert found.p_max_t == pytest.approx(naive_max_t(family))
    assert all(adjusted >= p for p, adjusted in zip(found.p, found.p_max_t, strict=True))


def test_a_family_of_one_needs_no_adjustment():
    found = sign_flip(np.array([[1.0, 2.0, 3.0, -1.0]]))
    assert found.p == found.p_max_t


def test_equal_differences_are_the_strongest_evidence():
    assert sign_flip(np.full((1, 6), 0.3)).p == (2 / 64,)


def test_no_difference_has_p_one():
    found = sign_flip(np.array([np.zeros(6), np.full(6, 1.0)]))
    assert found.p == (1.0, 2 / 64)


def test_a_source_without_a_difference_cannot_strengthen_a_test():
    d = np.array([0.3, 0.2, 0.5, 0.1])
    whole = sign_flip(d[None]).p[0]
    assert sign_flip(np.array([[*d, np.nan]])).p[0] == whole


def test_many_sources_are_sampled_reproducibly_and_it_is_said():
    d = np.random.default_rng(1).normal(0.6, 1, (1, 20))
    found = sign_flip(d, seed=7)
    assert (found.exact, found.patterns) == (False, 65536)
    assert found == sign_flip(d, seed=7)
    expected = stats.permutation_test(
        (d[0],),
        np.mean,
        permutation_type="samples",
        n_resamples=50_000,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    assert found.p[0] == pytest.approx(expected.pvalue, abs=0.004)


def naive_subset_means(d):
    subsets = [s for s in product((0, 1), repeat=len(d)) if any(s)]
    return sorted(np.mean([x for x, chosen in zip(d, s, strict=True) if chosen]) for s in subsets)


@pytest.mark.parametrize(("k", "level", "tail"), [(6, 0.95, 1), (9, 0.95, 12), (5, 0.9, 1)])
def test_subset_interval_equals_its_definition(k, level, tail):
    d = np.random.default_rng(k).normal(size=k)
    means = naive_subset_means(d)
    assert subset_interval(d, level=level) == pytest.approx((means[tail - 1], means[-tail]))


@given(st.integers(0, 2000), st.floats(0, 1.5))
def test_the_interval_leaves_out_zero_exactly_where_the_test_resolves(seed, effect):
    d = np.random.default_rng(seed).normal(effect, 1, 7)
    low, high = subset_interval(d)
    assert (low > 0 or high < 0) == (sign_flip(d[None]).p[0] < 0.05)


def test_five_sources_have_no_interval_at_95_percent():
    assert subset_interval(np.arange(5.0)) is None


def test_the_interval_of_many_sources_comes_from_random_subsets():
    d = np.random.default_rng(0).normal(0, 1, 20)
    low, high = subset_interval(d, seed=1)
    assert (low, high) == subset_interval(d, seed=1)
    reference = stats.t.interval(0.95, 19, d.mean(), stats.sem(d))
    assert (low, high) == pytest.approx(reference, abs=0.08)


def test_nadeau_bengio_without_shared_training_is_the_t_test():
    d = np.random.default_rng(3).normal(0.5, 1, 9)
    assert nadeau_bengio_p(d, test_share=0.0) == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
    assert nadeau_bengio_p(d) > nadeau_bengio_p(d, test_share=0.0)


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.1, 0.0)])
def test_nadeau_bengio_of_equal_differences(value, p):
    assert nadeau_bengio_p(np.full(9, value)) == p


def test_wilcoxon_is_exact_without_ties():
    d = np.random.default_rng(3).normal(0.5, 1, 9)
    assert wilcoxon_p(d) == stats.wilcoxon(d, method="exact").pvalue


def naive_wilcoxon(d):
    ranks = stats.rankdata(np.abs(d))
    half = ranks.sum() / 2
    observed = abs(ranks[np.array(d) > 0].sum() - half)
    sums = [
        sum(r for r, up in zip(ranks, ups, strict=True) if up)
        for ups in product((0, 1), repeat=len(d))
    ]
    return np.mean([abs(s - half) >= observed - 1e-9 for s in sums])


@pytest.mark.parametrize("d", [[1, 1, 2, -1, 3, 3], [2, 2, 2], [1, -1, 4, 4, 5, 6, -2]])
def test_wilcoxon_goes_through_all_signs_with_ties(d):
    assert wilcoxon_p(np.array(d, dtype=float)) == pytest.approx(naive_wilcoxon(d))


def test_wilcoxon_drops_zeros():
    assert wilcoxon_p(np.zeros(5)) == 1.0
    assert wilcoxon_p(np.array([0.0, 1.0, 2.0, 3.0])) == wilcoxon_p(np.array([1.0, 2.0, 3.0]))


def made_up(tests, k, *, seed=0):
    """Differences of a family whose metrics are correlated, as they are of one model."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=k) * 0.7 + rng.normal(size=(tests, k)) * 0.7


def power_of(d, test, effect, *, n=2000, seed=1):
    """Share of made-up families with this effect in one test where its adjusted p is below 5 %."""
    rng = np.random.default_rng(seed)
    covariance = np.cov(d) if len(d) > 1 else np.array([[d.var(ddof=1)]])
    drawn = rng.multivariate_normal(np.zeros(len(d)), covariance, size=(n, d.shape[1]))
    drawn = drawn.transpose(0, 2, 1)
    drawn[:, test] += effect
    return np.mean([sign_flip(each).p_max_t[test] < 0.05 for each in drawn])


@pytest.mark.parametrize("k", [2, 4, 5])
def test_fewer_than_six_sources_resolve_nothing(k):
    """Five sources allow no p below 2 / 32, so that no effect is large enough."""
    assert detectable_effects(made_up(3, k)) == (None, None, None)
    assert smallest_p(k) == 2 / 2**k > 0.05


@pytest.mark.parametrize(("tests", "k"), [(1, 6), (1, 9), (4, 6), (4, 8), (1, 12)])
def test_the_detectable_effect_has_the_power_that_it_names(tests, k):
    """The t test's formula, used before, promised 80 % where six sources have 57 %."""
    d = made_up(tests, k)
    effect = detectable_effects(d)[0]
    assert power_of(d, 0, effect) == pytest.approx(0.8, abs=0.035)


def test_a_test_without_a_spread_resolves_everything_and_disturbs_no_other():
    d = made_up(2, 7)
    still = np.vstack([d, np.full(7, 0.25)])
    assert detectable_effects(still)[2] == 0
    assert detectable_effects(still)[0] == pytest.approx(detectable_effects(d)[0], rel=0.25)


def test_sources_without_a_difference_do_not_count():
    d = made_up(2, 8)
    d[1, :3] = np.nan
    first, second = detectable_effects(d)
    assert first is not None
    assert second is None
