# SPDX-License-Identifier: Apache-2.0
"""The rows of all sources as the folds share them: blocks and statistics of each, no copies.

A fold names the positions of the sources that it holds out; everything that it asks for here is
made from the blocks of the other sources.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from tinyvmaf.errors import SplitError
from tinyvmaf.models.network import Network
from tinyvmaf.training.batches import Block, blocks
from tinyvmaf.training.scaling import Moments, combine, moments

# Small enough to stay in the cache, and for OpenBLAS to use no threads of its own: with 4096 rows
# a prediction takes 25 times longer, because its threads fight over the cores with ours.
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows, sorted by source.

    Attributes:
        features, target: As they came.
        blocks: Where each source's rows are.
        moments: Of each source's rows.
    """

    features: Float[np.ndarray, "n n_features"]
    target: Float[np.ndarray, " n"]
    blocks: tuple[Block, ...]
    moments: tuple[Moments, ...]

    def check_fold(self, held_out: Collection[int]) -> None:
        """Refuse a fold that names unknown sources or leaves nothing to train on.

        Raises:
            SplitError: it does.
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

    def n_train(self, held_out: Collection[int]) -> int:
        """How many rows a fold trains on."""
        return sum(map(len, self.training_blocks(held_out)))

    def training_moments(self, held_out: Collection[int]) -> Moments:
        """Statistics of the rows that a fold trains on."""
        return combine([part for k, part in enumerate(self.moments) if k not in held_out])

    def train_rmse(self, network: Network, held_out: Collection[int]) -> float:
        """Error of a fold's network on the rows that it trained on, in VMAF points."""
        total = 0.0
        for block in self.training_blocks(held_out):
            for start in range(block.start, block.stop, _ROWS_AT_ONCE):
                part = slice(start, min(start + _ROWS_AT_ONCE, block.stop))
                error = network.predict(self.features[part]) - self.target[part]
                total += float(np.square(error).sum())
        return float(np.sqrt(total / self.n_train(held_out)))

    def matrix(self) -> Float32[np.ndarray, "n columns"]:
        """Features and target side by side: a drawn row is then one place in memory."""
        matrix = np.empty((len(self.target), self.features.shape[1] + 1), np.float32)
        matrix[:, :-1] = self.features
        matrix[:, -1] = self.target
        return matrix


def split_by_source(
    *,
    features: Float[np.ndarray, "n n_features"],
    target: Float[np.ndarray, " n"],
    source_index: Int[np.ndarray, " n"],
) -> Rows:
    """Find the sources' blocks and their statistics.

    Raises:
        SplitError: there are no rows, or they are not sorted by source.
    """
    steps = np.diff(source_index, prepend=-1)
    if not len(steps) or steps[0] != 1 or not np.isin(steps, (0, 1)).all():
        raise SplitError(
            "rows are not sorted by source: expected source positions 0, 1, 2, ... in order, each "
            f"at least once; found {np.unique(source_index).tolist()[:10]}; sort them by source"
        )
    found = blocks(source_index)
    parts = [slice(block.start, block.stop) for block in found]
    return Rows(
        features=features,
        target=target,
        blocks=found,
        moments=tuple(moments(features[part], target[part]) for part in parts),
    )
