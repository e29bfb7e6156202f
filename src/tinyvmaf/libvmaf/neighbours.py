# SPDX-License-Identifier: Apache-2.0
"""The frames around a frame that its score depends on."""

from collections.abc import Iterable, Sequence
from typing import Final

from tinyvmaf.libvmaf.teacher import BUILT_IN, Teacher

_REACH: Final = 1
# Of the models for high frame rates, whose motion is averaged over a longer window.
_WIDE_REACH: Final = 4


def reach(teacher: Teacher) -> int:
    """Frames to either side of a frame that its score depends on.

    Measured against passes over all frames: 1 for the built-in models of v0.6.1 and v1, 4 for
    those for high frame rates. A model from a file may be of either kind.
    """
    narrow = teacher.path is None and teacher.name in BUILT_IN and "_hfr_" not in teacher.name
    return _REACH if narrow else _WIDE_REACH


def with_neighbours(frames: Iterable[int], *, n_frames: int, teacher: Teacher) -> tuple[int, ...]:
    """The frames of a clip of `n_frames` that the scores of `frames` depend on, in order."""
    near = reach(teacher)
    return tuple(
        sorted(
            {
                frame
                for middle in frames
                for frame in range(max(0, middle - near), min(n_frames, middle + near + 1))
            }
        )
    )


def select(frames: Sequence[int], *, near: int) -> str:
    """Ffmpeg's filter that keeps `frames` and all that are at most `near` frames away."""
    wanted = "+".join(f"between(n,{max(0, frame - near)},{frame + near})" for frame in frames)
    return f"select='{wanted}'"
