# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.mapping import fit_opinion_map

KINDS = ["cubic", "logistic"]


def opinions(seed, n=60):
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(10, 95, n)
    return predicted, 1 + 4 / (1 + np.exp(-(predicted - 50) / 12)) + rng.normal(0, 0.2, n)


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 200))
@settings(max_examples=20)
def test_a_map_never_falls_and_keeps_the_ranks(kind, seed):
    predicted, mos = opinions(seed)
    fitted = fit_opinion_map(predicted=predicted, mos=mos, kind=kind)
    grid = np.linspace(predicted.min(), predicted.max(), 500)
    assert (np.diff(fitted(grid)) >= -1e-6).all()
    mapped = fitted(predicted)
    assert stats.spearmanr(mapped, predicted).statistic == pytest.approx(1, abs=1e-3)
    assert np.std(mapped - mos) < 0.3


def test_the_cubic_is_least_squares_where_that_is_monotone():
    predicted, noisy = opinions(1)
    mos = noisy + predicted / 20
    fitted = fit_opinion_map(predicted=predicted, mos=mos, kind="cubic")
    free = np.polynomial.Polynomial.fit(predicted, mos, 3)
    assert (free.deriv()(np.linspace(predicted.min(), predicted.max(), 101)) > 0).all()
    assert fitted(predicted) == pytest.approx(free(predicted), abs=2e-3)


def test_the_logistic_finds_the_curve_that_made_the_data():
    predicted = np.linspace(0, 100, 40)
    mos = 1 + 4 / (1 + np.exp(-(predicted - 45) / 10))
    fitted = fit_opinion_map(predicted=predicted, mos=mos, kind="logistic")
    assert fitted(predicted) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_carries_the_unit_of_opinions(kind):
    predicted, mos = opinions(2)
    five = fit_opinion_map(predicted=predicted, mos=mos, kind=kind)
    hundred = fit_opinion_map(predicted=predicted, mos=20 * mos + 3, kind=kind)
    assert hundred(predicted) == pytest.approx(20 * five(predicted) + 3, abs=0.05)


def test_the_cubic_stays_level_outside_its_range():
    predicted, mos = opinions(3)
    fitted = fit_opinion_map(predicted=predicted, mos=mos, kind="cubic")
    ends = np.array([predicted.min(), predicted.max()])
    assert fitted(np.array([-1000.0, 1000.0])) == pytest.approx(fitted(ends))


@pytest.mark.parametrize(
    ("predicted", "found"),
    [(np.arange(4.0), "4 clips"), (np.ones(6), "predicted is constant at 1")],
)
def test_too_little_to_fit_is_refused(predicted, found):
    with pytest.raises(SchemaError) as caught:
        fit_opinion_map(predicted=predicted, mos=np.arange(float(len(predicted))))
    assert str(caught.value) == (
        f"no map to opinion scores: {found}; it needs 5 clips whose scores vary"
    )
