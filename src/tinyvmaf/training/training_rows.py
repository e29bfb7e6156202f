# SPDX-License-Identifier: Apache-2.0
"""The rows that folds train on: blocks, statistics of each source, and shuffled batches.

Rows are sorted by source, so that a held-out source is one block. A fold names the positions of the
sources that it holds out; its means, deviations and batches are made from the blocks of the other
sources, which are read once and never copied. A held-out source takes no part in a sum, not even by
rounding, as it would if it were subtracted from a total.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Int64

from tinyvmaf.errors import SplitError
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.support_vectors import Regressor

# Small enough to stay in the cache, and for OpenBLAS to use no threads of its own: with 4096 rows
# a prediction takes 25 times longer, because its threads compete with ours for the cores.
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start` .. `stop - 1`: those of one source."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def batches(
    training: Int64[np.ndarray, " n_train"],
    *,
    batch: int,
    chunk: int,
    generator: np.random.Generator,
) -> Iterator[Int32[np.ndarray, "chunk batch"]]:
    """Endless iterator over row numbers, `chunk` steps at a time; a batch may span two passes.

    Args:
        training: The row numbers, of eight bytes each: NumPy shuffles those almost twice as fast as
            four, into the same order.
        batch: Rows of a step.
        chunk: Steps.
        generator: Decides the order.
    """
    wanted = chunk * batch
    pass_ = training.copy()
    left = pass_[:0]
    while True:
        parts: list[Int32[np.ndarray, " m"]] = []
        missing = wanted
        while missing:
            if not len(left):
                generator.shuffle(pass_)
                left = pass_
            # A copy: the next pass is shuffled in place.
            parts.append(left[:missing].astype(np.int32))
            left = left[missing:]
            missing -= len(parts[-1])
        yield np.concatenate(parts).reshape(chunk, batch)


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and squared deviation of rows.

    Attributes:
        n: Rows.
        mean: Mean of every column.
        squares: Sum of squared deviations from the mean, of every column.
    """

    n: int
    mean: Float[np.ndarray, " columns"]
    squares: Float[np.ndarray, " columns"]

    @property
    def scale(self) -> Float[np.ndarray, " columns"]:
        """Deviation of every column (ddof 0); 1 where a column is constant but for rounding."""
        deviation = np.sqrt(self.squares / self.n)
        constant = deviation <= 1e-7 * np.abs(self.mean)
        return np.where(constant, 1.0, deviation)


def moments(
    features: Float[np.ndarray, "n n_features"], target: Float[np.ndarray, " n"]
) -> Moments:
    """Moments of the rows of one source in float64: the features' columns, then the target."""
    mean = np.append(features.mean(axis=0), target.mean())
    squares = np.append(
        np.square(features - mean[:-1]).sum(axis=0), np.square(target - mean[-1]).sum()
    )
    return Moments(len(target), mean, squares)


def combine(parts: Sequence[Moments]) -> Moments:
    """Moments of the rows of several sources together, at least one.

    Source: Chan, Golub, LeVeque (1983), the pairwise update for the variance.
    """
    n = sum(part.n for part in parts)
    mean = np.sum([part.n / n * part.mean for part in parts], axis=0)
    squares = np.sum(
        [part.squares + part.n * np.square(part.mean - mean) for part in parts], axis=0
    )
    return Moments(n, mean, squares)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows, sorted by source.

    Attributes:
        features, target: As they came.
        blocks: The block of each source.
        moments: Moments of each source's rows.
    """

    features: Float[np.ndarray, "n n_features"]
    target: Float[np.ndarray, " n"]
    blocks: tuple[Block, ...]
    moments: tuple[Moments, ...]

    def check_fold(self, held_out: Collection[int]) -> None:
        """Refuse a fold that names unknown sources or leaves nothing to train on.

        Raises:
            SplitError: the fold is refused.
        """
        unknown = [position for position in held_out if not 0 <= position < len(self.blocks)]
        if unknown:
            raise SplitError(
                f"held-out sources {unknown} do not exist; expected 0 to {len(self.blocks) - 1}"
            )
        if len(set(held_out)) == len(self.blocks):
            raise SplitError(
                f"all {len(self.blocks)} sources are held out, so there are no rows to train on; "
                "keep at least one"
            )

    def training_blocks(self, held_out: Collection[int]) -> list[Block]:
        """The blocks that a fold trains on."""
        return [block for k, block in enumerate(self.blocks) if k not in held_out]

    def training_rows(self, held_out: Collection[int]) -> Int64[np.ndarray, " n_train"]:
        """Numbers of the rows that a fold trains on, rising."""
        blocks = self.training_blocks(held_out)
        return np.concatenate([np.arange(own.start, own.stop, dtype=np.int64) for own in blocks])

    def n_train(self, held_out: Collection[int]) -> int:
        """Number of rows that a fold trains on."""
        return sum(map(len, self.training_blocks(held_out)))

    def training_moments(self, held_out: Collection[int]) -> Moments:
        """Statistics of the rows that a fold trains on."""
        return combine([part for k, part in enumerate(self.moments) if k not in held_out])

    def train_rmse(self, network: Regressor, held_out: Collection[int]) -> float:
        """Error of a fold's network on the rows that it trained on, in VMAF points."""
        total = 0.0
        for block in self.training_blocks(held_out):
            for start in range(block.start, block.stop, _ROWS_AT_ONCE):
                part = slice(start, min(start + _ROWS_AT_ONCE, block.stop))
                error = network.predict(self.features[part]) - self.target[part]
                total += float(np.square(error).sum())
        return float(np.sqrt(total / self.n_train(held_out)))

    def matrix(self) -> Float32[np.ndarray, "n columns"]:
        """Features and target side by side: a sampled row is then contiguous in memory."""
        matrix = np.empty((len(self.target), self.features.shape[1] + 1), np.float32)
        matrix[:, :-1] = self.features
        matrix[:, -1] = self.target
        return matrix


def split_by_source(table: FeatureTable) -> Rows:
    """Find the sources' blocks and their statistics.

    Raises:
        SplitError: the rows are not sorted by source, as they are in every table that was read or
            made by `features.table`.
    """
    if len(table.blocks) != len(table.sources):
        raise SplitError(
            f"rows are not sorted by source: {len(table.sources)} sources lie in "
            f"{len(table.blocks)} blocks; sort them by source, clip and frame"
        )
    features, target = table.features, table.target
    return Rows(
        features=features,
        target=target,
        blocks=tuple(Block(own.start, own.stop) for own in table.blocks),
        moments=tuple(moments(features[own], target[own]) for own in table.blocks),
    )
