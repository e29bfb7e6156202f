# SPDX-License-Identifier: Apache-2.0
"""Which rows each step of a fold sees: shuffled passes over the training rows, as row numbers.

Rows are sorted by source, so a held-out source is one block. Passes shuffle the positions
0 .. n_train - 1, and a position is mapped to its row by stepping over the held-out blocks. A fold
therefore costs one shuffled list of numbers while it trains, never a copy of rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start` .. `stop - 1`: those of one source."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def blocks(source_index: Int[np.ndarray, " n"]) -> tuple[Block, ...]:
    """The block of every source, in order; `source_index` never decreases and skips no source."""
    starts = np.flatnonzero(np.diff(source_index, prepend=-1))
    stops = np.append(starts[1:], len(source_index))
    return tuple(
        Block(start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    )


def rows_of(
    positions: Int32[np.ndarray, "..."], *, held_out: Sequence[Block]
) -> Int32[np.ndarray, "..."]:
    """The rows at positions among the training rows, given the held-out blocks in order.

    Example:
        >>> rows_of(np.arange(4, dtype=np.int32), held_out=[Block(1, 3)]).tolist()
        [0, 3, 4, 5]
    """
    rows = positions
    for block in held_out:
        rows = np.where(rows >= block.start, rows + np.int32(len(block)), rows)
    return rows


def batches(
    *,
    n_train: int,
    held_out: Sequence[Block],
    batch: int,
    chunk: int,
    generator: np.random.Generator,
) -> Iterator[Int32[np.ndarray, "chunk batch"]]:
    """Row numbers for `chunk` steps at a time, without end; a batch may span two passes."""
    wanted = chunk * batch
    pass_ = np.arange(n_train, dtype=np.int32)
    left = pass_[:0]
    while True:
        parts: list[Int32[np.ndarray, " m"]] = []
        missing = wanted
        while missing:
            if not len(left):
                generator.shuffle(pass_)
                left = pass_
            # A copy: the next pass is shuffled in place.
            parts.append(left[:missing].copy())
            left = left[missing:]
            missing -= len(parts[-1])
        yield rows_of(np.concatenate(parts).reshape(chunk, batch), held_out=held_out)
