# SPDX-License-Identifier: Apache-2.0
"""Checked pairs of files that need not exist, for tests of what is made from them."""

from fractions import Fraction
from pathlib import Path

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.pairs.checked import CheckedPair, Conversion, Matching, Side

PLAIN = VideoInfo(192, 108, "yuv420p", Fraction(25), n_frames=8, start_s=0.0, codec="h264")
REFERENCE = Video(Path("/in/reference.mp4"))
DISTORTED = Video(Path("/in/distorted.mp4"))
AS_IT_IS = Conversion()


def checked(
    *,
    reference=REFERENCE,
    distorted=DISTORTED,
    info=PLAIN,
    matching=None,
    reference_conversion=AS_IT_IS,
    distorted_conversion=AS_IT_IS,
):
    """A pair of two videos of the same properties, by default compared frame by frame."""
    return CheckedPair(
        Pair.of_files(reference=reference, distorted=distorted),
        Side(reference, info, conversion=reference_conversion),
        Side(distorted, info, conversion=distorted_conversion),
        matching or Matching.by_number(info.n_frames),
    )
