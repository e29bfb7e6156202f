# SPDX-License-Identifier: Apache-2.0
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.training.training_rows import Block, Rows, batches, combine, moments


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    data=st.data(),
)
def test_training_rows_are_those_of_the_other_sources_in_order(sizes, data):
    source_index = np.repeat(np.arange(len(sizes)), sizes)
    out = data.draw(st.sets(st.integers(0, len(sizes) - 1), max_size=len(sizes) - 1))
    stops = np.cumsum(sizes).tolist()
    blocks = tuple(Block(stop - size, stop) for stop, size in zip(stops, sizes, strict=True))
    rows = Rows(np.zeros((stops[-1], 1)), np.zeros(stops[-1]), blocks, ())
    found = rows.training_rows(sorted(out))
    assert found.tolist() == np.flatnonzero(~np.isin(source_index, sorted(out))).tolist()
    assert len(found) == rows.n_train(sorted(out))


def test_every_pass_shows_every_training_row_once():
    train = [row for row in range(57) if not (10 <= row < 15 or 40 <= row < 42)]
    chunks = batches(
        np.array(train, np.int64), batch=8, chunk=25, generator=np.random.default_rng(3)
    )
    drawn = np.concatenate([chunk.ravel() for chunk in islice(chunks, 2)])
    assert drawn.shape == (400,)
    assert drawn.dtype == np.int32
    passes = drawn.reshape(8, 50)
    assert all(sorted(one.tolist()) == train for one in passes)
    assert not np.array_equal(passes[0], passes[1])


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
