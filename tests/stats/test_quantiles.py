# SPDX-License-Identifier: Apache-2.0
"""Without SciPy the quantiles are the same to ten digits."""

import pytest
from scipy import special

from tinyvmaf.stats import quantiles
from tinyvmaf.stats.quantiles import at_most, beta_quantile, student_quantile


@pytest.fixture(autouse=True, params=[False, True])
def has_scipy(request, monkeypatch):
    monkeypatch.setattr(quantiles, "HAS_SCIPY", request.param)


@pytest.mark.parametrize("degrees_of_freedom", [1.0, 1.5, 4.0, 9.7, 30.0, 1000.0, 1e6])
@pytest.mark.parametrize("probability", [0.01, 0.3, 0.5, 0.8, 0.95, 0.975, 0.9999])
def test_student(degrees_of_freedom, probability):
    expected = special.stdtrit(degrees_of_freedom, probability)
    found = student_quantile(probability, degrees_of_freedom=degrees_of_freedom)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-7)


@pytest.mark.parametrize("n", [1, 7, 100, 5000])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.9])
def test_binomial(n, share):
    for count in {0, n // 3, n - 1, n}:
        expected = special.bdtr(float(count), n, share)
        assert at_most(count, n=n, share=share) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b"), [(1.0, 1.0), (1.0, 30.0), (3.0, 2.5), (40.0, 1.0), (200.0, 300.0), (0.5, 0.5)]
)
@pytest.mark.parametrize("probability", [0.001, 0.05, 0.5, 0.95, 0.999])
def test_beta(a, b, probability):
    expected = special.betaincinv(a, b, probability)
    assert beta_quantile(probability, a=a, b=b) == pytest.approx(expected, rel=1e-9)
