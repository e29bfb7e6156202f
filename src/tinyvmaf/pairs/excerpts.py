# SPDX-License-Identifier: Apache-2.0
"""The part of a long reference that a distorted video shows, found by pictures.

In go a long reference and a shorter distorted video, out comes the frame of the reference that the
distorted video begins with. Only keyframes of the reference are decoded, so that a film takes some
seconds.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.small_pictures import some_pictures
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.looking import closer_of

# Keyframes of the reference and frames of the distorted video that are decoded at most.
_KEYFRAMES: Final = 2000
_FRAMES: Final = 600
# Correlation of pictures that show the same, and how much less all others must have.
_SAME: Final = 0.98
_CLEARLY: Final = 0.01
# In grey levels; flat pictures resemble everything.
_CONTRAST: Final = 3.0


def start_of_excerpt(pair: CheckedPair) -> int | None:
    """The frame of the reference that the first frame of the distorted video shows.

    Returns:
        None if no examined keyframe of the reference is shown, or several places fit.

    Raises:
        MediaError: one of the videos cannot be decoded.
    """
    index = frame_index(pair.reference.video)
    keys = np.flatnonzero(index.keyframe)
    if index.fault is not None or not len(keys):
        return None
    windows = [(key, key) for key in keys[:: -(-len(keys) // _KEYFRAMES)].tolist()]
    ours = some_pictures(pair.reference.video, windows, closer_of(pair.reference))
    last = min(pair.distorted.info.n_frames, _FRAMES) - 1
    theirs = some_pictures(pair.distorted.video, [(0, last)], closer_of(pair.distorted))
    alike = _unit(theirs.pictures) @ _unit(ours.pictures).T
    starts = ours.frames[None, :] - theirs.frames[:, None]
    alike[starts < 0] = -1.0
    best = float(alike.max())
    start = int(starts.flat[alike.argmax()])
    # Frames beside the right one resemble a keyframe, too.
    elsewhere = np.abs(starts - start) > _FRAMES // 10
    if best < _SAME or (alike[elsewhere] > best - _CLEARLY).any():
        return None
    return start


def _unit(pictures: UInt8[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
    """Pictures without their brightness, of norm 1; zeros where they are flat."""
    values = pictures.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    flat = norms < _CONTRAST * values.shape[1] ** 0.5
    return np.where(flat, 0.0, values / np.maximum(norms, 1e-6))
