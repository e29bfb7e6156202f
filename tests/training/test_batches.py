# SPDX-License-Identifier: Apache-2.0
from itertools import islice

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.training.batches import Block, batches, blocks, rows_of


def test_a_source_is_one_block():
    assert blocks(np.array([0, 0, 1, 2, 2, 2])) == (Block(0, 2), Block(2, 3), Block(3, 6))


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    data=st.data(),
)
def test_positions_are_the_training_rows_in_order(sizes, data):
    source_index = np.repeat(np.arange(len(sizes)), sizes)
    out = data.draw(st.sets(st.integers(0, len(sizes) - 1), max_size=len(sizes) - 1))
    train = np.flatnonzero(~np.isin(source_index, sorted(out)))
    found = blocks(source_index)
    positions = np.arange(len(train), dtype=np.int32)
    rows = rows_of(positions, held_out=[found[k] for k in sorted(out)])
    assert rows.tolist() == train.tolist()
    assert rows.dtype == np.int32


def test_every_pass_shows_every_training_row_once():
    chunks = batches(
        n_train=50,
        held_out=[Block(10, 15), Block(40, 42)],
        batch=8,
        chunk=25,
        generator=np.random.default_rng(3),
    )
    drawn = np.concatenate([chunk.ravel() for chunk in islice(chunks, 2)])
    assert drawn.shape == (400,)
    train = [row for row in range(57) if not (10 <= row < 15 or 40 <= row < 42)]
    passes = drawn.reshape(8, 50)
    assert all(sorted(one.tolist()) == train for one in passes)
    assert not np.array_equal(passes[0], passes[1])
