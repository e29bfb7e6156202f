# SPDX-License-Identifier: Apache-2.0
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.conformal import (
    coverage_by_source,
    hcp_radius,
)


def scores_of(seed, *, k=9):
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(k), rng.integers(1, 12, k))
    return np.abs(rng.normal(0, rng.uniform(1, 4, k)[source])), source


def naive_quantile(values, sources, alpha):
    """The smallest value with enough mass, in exact arithmetic; the rest of it is at infinity."""
    k, mass = len(set(sources)), Fraction(0)
    for value, source in sorted(zip(values, sources, strict=True)):
        mass += Fraction(1, (k + 1) * sources.count(source))
        if mass >= 1 - alpha:
            return value
    return math.inf


def test_nine_sources_give_the_largest_residual_at_90_percent_and_nothing_at_95():
    for seed in range(20):
        scores, source = scores_of(seed)
        assert hcp_radius(scores=scores, source_index=source, alpha=0.1) == scores.max()
        assert hcp_radius(scores=scores, source_index=source, alpha=0.05) == math.inf


@given(st.integers(0, 500), st.integers(2, 12), st.integers(1, 9))
def test_the_radius_equals_its_definition_in_exact_arithmetic(seed, k, tenths):
    scores, source = scores_of(seed, k=k)
    found = hcp_radius(scores=scores, source_index=source, alpha=tenths / 10)
    assert found == naive_quantile(scores.tolist(), source.tolist(), Fraction(tenths, 10))


@given(st.integers(0, 500))
def test_the_radius_ignores_repeated_frames(seed):
    scores, source = scores_of(seed)
    once = hcp_radius(scores=scores, source_index=source, alpha=0.2)
    many = hcp_radius(scores=np.repeat(scores, 7), source_index=np.repeat(source, 7), alpha=0.2)
    assert many == once


@pytest.mark.parametrize(("k", "alpha"), [(9, 0.1), (12, 1 / 13), (19, 0.05)])
def test_the_smallest_alpha_is_the_smallest_with_a_finite_radius(k, alpha):
    scores, source = scores_of(0, k=k)
    assert 1 / (k + 1) == pytest.approx(alpha)
    at = hcp_radius(scores=scores, source_index=source, alpha=1 / (k + 1))
    below = hcp_radius(scores=scores, source_index=source, alpha=1 / (k + 1) - 1e-6)
    assert (at, below) == (scores.max(), math.inf)


def test_new_sources_are_covered_as_promised():
    rng = np.random.default_rng(0)
    k, clips, covered = 9, 10, []
    for _ in range(1000):
        spread = rng.lognormal(0, 0.6, k + 1)
        errors = np.abs(rng.normal(rng.normal(0, spread)[:, None], spread[:, None], (k + 1, clips)))
        radius = hcp_radius(
            scores=errors[:k].ravel(), source_index=np.repeat(np.arange(k), clips), alpha=0.2
        )
        covered.append((errors[k] <= radius).mean())
    assert 0.8 - 0.01 < np.mean(covered) < 0.9


def test_coverage_by_source_uses_the_other_sources():
    source = np.repeat(np.arange(10), 2)
    scores = np.repeat(np.arange(10.0), 2)
    found = coverage_by_source(scores=scores, source_index=source, alpha=0.1)
    assert found == (1.0,) * 9 + (0.0,)


def test_coverage_needs_two_sources():
    with pytest.raises(SchemaError) as caught:
        coverage_by_source(scores=np.ones(2), source_index=np.zeros(2, dtype=int), alpha=0.5)
    assert str(caught.value) == (
        "coverage needs a radius from other sources; found a single source"
    )


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_alpha_is_a_rate(alpha):
    with pytest.raises(SchemaError) as caught:
        hcp_radius(scores=np.ones(2), source_index=np.arange(2), alpha=alpha)
    assert str(caught.value) == f"alpha is {alpha}; a miss rate lies between 0 and 1"


def test_scores_must_be_finite():
    with pytest.raises(SchemaError) as caught:
        hcp_radius(scores=np.array([1.0, np.nan]), source_index=np.arange(2), alpha=0.4)
    assert str(caught.value) == "a score is not finite; give |target - predicted| of every row"
