# SPDX-License-Identifier: Apache-2.0
"""What a decode has to do for one pair."""

from dataclasses import dataclass

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.features.alignment import Alignment
from tinyvmaf.features.sets import FULL, FeatureSet
from tinyvmaf.media.video import VideoInfo


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair, how it is compared, and what is wanted of it.

    Attributes:
        info: Describes the reference.
        sets: The feature sets to compute.
    """

    pair: Pair
    info: VideoInfo
    alignment: Alignment
    sets: tuple[FeatureSet, ...] = (FULL,)
