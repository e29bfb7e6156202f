# SPDX-License-Identifier: Apache-2.0
"""Parts of a pair in which the distorted video stands still or shows something else.

In go small pictures of matched frames, out come frame numbers. No offset explains a frozen picture,
so that it must be found before offsets are. A coarse encode, which keeps older pictures too, has a
large error everywhere; a frozen picture starts with the usual one and then falls behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from tinyvmaf.media.small_pictures import SmallPictures

# Squared grey levels: two pictures that differ by less are the same one, rounded.
_STILL: Final = 0.5
# Of the reference's own change: what an encode lets through of it is a motion, if a coarse one.
_MOVES: Final = 0.02
_STEPS: Final = 3
# How often the usual error the reference moves away from a frozen picture.
_FALLEN_BEHIND: Final = 8.0
_FRAMES: Final = 3
# One less the correlation with the reference.
_UNLIKE: Final = 0.1
_UNLIKE_FLOOR: Final = 0.002
_ERROR_FLOOR: Final = 2.0
# Coarse encodes of restless scenes reach 11 times what their best tenth of frames has.
_BEST: Final = 0.1
_BEYOND: Final = 15.0
# In grey levels; flat pictures resemble nothing.
_CONTRAST: Final = 3.0


Matched = tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]]
"""Numbers of the reference's and of the distorted video's frames that belong together."""

Frames = tuple[int, int]
"""The first and the last frame of a part of the distorted video."""


def frozen(
    reference: SmallPictures, distorted: SmallPictures, matched: Matched
) -> tuple[Frames, ...]:
    """The parts that repeat the picture before them while the reference moves on.

    Args:
        reference: Its small pictures; some frames may be missing.
        distorted: The same of the distorted video.
        matched: Numbers of the reference's and of the distorted video's frames that belong
            together.
    """
    ours, theirs, numbers = _seen(reference, distorted, matched)
    if len(numbers) <= _STEPS:
        return ()
    change, shown = (_squared(side[1:], side[:-1]) for side in (ours, theirs))
    error = _squared(ours, theirs)
    still = (shown <= np.maximum(_STILL, _MOVES * change)) & (np.diff(numbers) == 1)
    usual = float(np.median(error)) + 1
    found: list[Frames] = []
    for start, stop in _runs(still):
        behind = error[start : stop + 1].max() - error[start]
        in_place = error[start] <= _FALLEN_BEHIND * usual
        if stop - start >= _STEPS and in_place and behind > _FALLEN_BEHIND * usual:
            found.append((int(numbers[start + 1]), int(numbers[stop])))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Strange:
    """A part of the distorted video that hardly resembles the reference.

    Attributes:
        first, last: Numbers of its frames, both included.
        likeness: Median correlation of its pictures with those of the reference, in [-1, 1].
    """

    first: int
    last: int
    likeness: float


def strange(
    reference: SmallPictures, distorted: SmallPictures, matched: Matched
) -> tuple[Strange, ...]:
    """The parts that hardly resemble the reference, in a pair that agrees elsewhere.

    Something else is shown there, or the stream is damaged in a way that no decoder noticed. The
    matching must be right: where frames are shifted, those at a cut are strange too.

    Args:
        reference: Its small pictures; some frames may be missing.
        distorted: The same of the distorted video.
        matched: Numbers of the reference's and of the distorted video's frames that belong
            together.
    """
    ours, theirs, numbers = _seen(reference, distorted, matched)
    norms = [np.sqrt(_product(side, side)) for side in (ours, theirs)]
    told = np.minimum(*norms) > _CONTRAST
    if not told.any():
        return ()
    unlike = 1 - _product(ours, theirs) / np.maximum(norms[0] * norms[1], 1e-6)
    error = _squared(ours, theirs)
    # The best frames show what this encode is capable of. Dark ones have small errors, and flat
    # ones correlate badly; a strange one is beyond the others in both.
    usual = float(np.quantile(unlike[told], _BEST)), float(np.quantile(error[told], _BEST))
    far = (unlike > _UNLIKE) & (unlike > _BEYOND * (usual[0] + _UNLIKE_FLOOR))
    far &= told & (error > _BEYOND * (usual[1] + _ERROR_FLOOR))
    return tuple(
        Strange(
            int(numbers[start]), int(numbers[stop - 1]), 1 - float(np.median(unlike[start:stop]))
        )
        for start, stop in _runs(far)
        if stop - start >= _FRAMES
    )


def _seen(
    reference: SmallPictures, distorted: SmallPictures, matched: Matched
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n p"], Int[np.ndarray, " n"]]:
    """Matched pictures of both without their brightness, and the distorted frames' numbers."""
    seen = np.isin(matched[0], reference.frames) & np.isin(matched[1], distorted.frames)
    sides: list[Float[np.ndarray, "n p"]] = []
    for pictures, frames in ((reference, matched[0]), (distorted, matched[1])):
        rows = np.searchsorted(pictures.frames, frames[seen])
        values = pictures.pictures[rows].astype(np.float32)
        sides.append(values - values.mean(axis=1, keepdims=True))
    return sides[0], sides[1], matched[1][seen]


def _product(one: Float[np.ndarray, "n p"], other: Float[np.ndarray, "n p"]) -> np.ndarray:
    """The mean product of each two pictures."""
    return np.einsum("np,np->n", one, other) / one.shape[1]


def _squared(one: Float[np.ndarray, "n p"], other: Float[np.ndarray, "n p"]) -> np.ndarray:
    """The mean squared difference of each two pictures."""
    step = one - other
    return _product(step, step)


def _runs(true: Bool[np.ndarray, " n"]) -> Iterator[tuple[int, int]]:
    """The first place, and one past the last, of adjacent true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
