# SPDX-License-Identifier: Apache-2.0
"""Levels that were stretched or squeezed by mistake: full and limited range mixed up."""

from typing import Final

import numpy as np

from tinyvmaf.pairs.looking import Sight

# Full over limited range: 255 levels instead of 219, and black at 0 instead of 16.
_STRETCH: Final = 255 / 219
_STRETCH_TOLERANCE: Final = 0.04
_BLACK: Final = 16.0
_BLACK_TOLERANCE: Final = 5.0
_SAME_PICTURE: Final = 0.97
_MOST: Final = 40


def stretched(sight: Sight) -> str | None:
    """The range that the distorted video's levels have, if it is not the one that is flagged."""
    ours, theirs = sight.matched
    rows = [
        np.searchsorted(seen.frames, frames)
        for seen, frames in ((sight.reference, ours), (sight.distorted, theirs))
    ]
    seen = np.flatnonzero(
        np.isin(ours, sight.reference.frames) & np.isin(theirs, sight.distorted.frames)
    )
    if not len(seen):
        return None
    seen = seen[:: max(1, len(seen) // _MOST)]
    x = sight.reference.pictures[rows[0][seen]].ravel().astype(np.float64)
    y = sight.distorted.pictures[rows[1][seen]].ravel().astype(np.float64)
    # Stretched levels that do not fit are cut, and tell nothing.
    inside = (y > 2) & (y < 253) & (x > 2) & (x < 253)  # noqa: PLR2004
    x, y = x[inside], y[inside]
    if len(x) < _MOST or x.std() < 1 or y.std() < 1:
        return None
    (variance, covariance), (_, other) = np.cov(x, y)
    if covariance < _SAME_PICTURE * np.sqrt(variance * other):
        return None
    # The line of least squares; a general solver takes fifty times as long on so many pixels.
    slope = covariance / variance
    offset = y.mean() - slope * x.mean()
    for word, gain, black in (
        ("full", _STRETCH, -_BLACK * _STRETCH),
        ("limited", 1 / _STRETCH, _BLACK),
    ):
        same_gain = abs(slope / gain - 1) < _STRETCH_TOLERANCE
        if same_gain and abs(offset - black) < _BLACK_TOLERANCE:
            return word
    return None
