# SPDX-License-Identifier: Apache-2.0
"""Swapped arguments, by signs that sharpened or denoised encodes do not show.

A reference that is smaller or has the lower bitrate is a sign. More detail is none alone, since
sharpening adds it, but is one beside more bits. One sign is a warning, two are a refusal.
"""

from collections.abc import Generator
from typing import Final

import numpy as np

from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.finding import Allowance, Finding
from tinyvmaf.pairs.looking import Sight

_MORE_BITS: Final = 1.2
_MORE_DETAIL: Final = 1.1
_SIGNS_TO_REFUSE: Final = 2
_LOSSLESS: Final = frozenset(
    {
        "ffv1",
        "ffvhuff",
        "huffyuv",
        "magicyuv",
        "png",
        "rawvideo",
        "utvideo",
        "v210",
        "wrapped_avframe",
    }
)


def swapped(pair: CheckedPair, sight: Sight) -> Generator[Finding]:
    """The finding that reference and distorted may be swapped."""
    reference, distorted = pair.reference.info, pair.distorted.info
    signs: list[str] = []
    if distorted.width * distorted.height > reference.width * reference.height:
        signs.append(f"is smaller ({reference.size} against {distorted.size})")
    # Lossless copies tell by their size what is hard to pack, not what is pristine.
    lossless = reference.codec in _LOSSLESS and distorted.codec in _LOSSLESS
    if not lossless and distorted.bitrate_kbps > _MORE_BITS * reference.bitrate_kbps:
        details = [
            float(np.mean([seen.close_ups[frames[place]].detail for frames in sight.close]))
            for place, seen in enumerate((sight.reference, sight.distorted))
            if sight.close and reference.size == distorted.size
        ]
        if details and details[1] > _MORE_DETAIL * details[0]:
            signs.append(
                f"shows less detail ({details[0]:.1f} grey levels from pixel to pixel "
                f"against {details[1]:.1f})"
            )
        # A decoded copy of an encode is large whatever it shows.
        if signs or distorted.codec not in _LOSSLESS:
            signs.append(
                f"has the lower bitrate ({reference.bitrate_kbps:.0f} kbit/s "
                f"against {distorted.bitrate_kbps:.0f})"
            )
    cropped = pair.reference.conversion.crop or pair.distorted.conversion.crop
    if signs and cropped is None:
        yield Finding(
            f"reference {' and '.join(signs)}",
            "if the two are swapped, name the pristine video first",
            Allowance.SWAPPED if len(signs) >= _SIGNS_TO_REFUSE else None,
        )
