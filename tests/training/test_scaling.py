# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tinyvmaf.training.scaling import combine, moments


def test_combined_moments_are_those_of_the_rows_together():
    generator = np.random.default_rng(0)
    parts = [generator.normal(50 * k, 1 + k, (n, 4)) for k, n in enumerate((5, 1, 300))]
    together = combine([moments(part[:, :3], part[:, 3]) for part in parts])
    rows = np.concatenate(parts)
    assert together.n == 306
    np.testing.assert_allclose(together.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(together.scale, rows.std(axis=0), rtol=1e-12)


def test_a_large_offset_does_not_drown_the_deviation():
    rows = 1e6 + np.random.default_rng(1).normal(size=(1000, 2))
    found = combine(
        [moments(rows[:400, :1], rows[:400, 1]), moments(rows[400:, :1], rows[400:, 1])]
    )
    np.testing.assert_allclose(found.scale, rows.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
def test_a_constant_column_is_not_scaled(value):
    found = moments(np.full((7, 1), value), np.arange(7.0))
    assert found.scale.tolist() == [1.0, 2.0]
