# SPDX-License-Identifier: Apache-2.0
"""Grouping of pairs that share a decode of their reference."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video

Group = tuple[Pair, ...]
"""Pairs of one reference that are scored in one decode."""

# Every comparison keeps its own frames in memory: a group has at most two of 1080p.
_MOST_PIXELS = 2 * 1920 * 1080
# Minimum number of groups for each worker, so that none idles long at the end.
_TURNS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a pair's reference; zeros if it cannot be read.

    Attributes:
        n_frames: Number of frames.
        n_pixels: Pixels per frame.
    """

    n_frames: int = 0
    n_pixels: int = 0

    @property
    def cost(self) -> int:
        """Cost of scoring the pair, relative to others."""
        return self.n_frames * self.n_pixels


def size_of(pair: Pair) -> Size:
    """The size of a pair's reference; zero if it cannot be read."""
    try:
        info = probe(pair.reference)
    except TinyVmafError:
        return Size()  # reported when the pair is scored
    return Size(info.n_frames, info.width * info.height)


def groups(sizes: Mapping[Pair, Size], *, at_once: int, n_workers: int) -> list[Group]:
    """All pairs, those of one reference together, the most expensive group first.

    Args:
        sizes: The pairs.
        at_once: The most pairs that one decode can serve.
        n_workers: Groups that are scored in parallel; every worker gets some.
    """
    at_once = min(at_once, len(sizes) // (_TURNS * n_workers))
    sharing: dict[Video, list[Pair]] = defaultdict(list)
    for pair in sizes:
        sharing[pair.reference].append(pair)
    found: list[Group] = []
    for pairs in sharing.values():
        most = max(1, min(at_once, _MOST_PIXELS // max(1, sizes[pairs[0]].n_pixels)))
        n_groups = math.ceil(len(pairs) / most)
        found += [tuple(pairs[number::n_groups]) for number in range(n_groups)]
    return sorted(found, key=lambda group: -sum(sizes[pair].cost for pair in group))
