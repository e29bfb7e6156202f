# SPDX-License-Identifier: Apache-2.0
"""Packing of scattered frames into short videos, so that libvmaf scores each as in the whole one.

The input is frame numbers, the output the frame at each place. A score needs the frame and, for
motion, its neighbours; `n_subsample` computes the costly features at multiples of a distance only.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

MOST_MOMENTS: Final = 32
"""Frames that one run of libvmaf scores at most."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Frames that one run of libvmaf scores.

    Attributes:
        wanted: Compared frames whose scores are read, in order.
        slots: The compared frame that stands at each place of the packed videos.
        every: Libvmaf computes places 0, `every`, 2 `every`, ...
        first: The number of computed places before the first wanted one: 0 or 1.
    """

    wanted: tuple[int, ...]
    slots: tuple[int, ...]
    every: int
    first: int


def portions(
    frames: Collection[int], *, n_frames: int, near: int, at_most: int = MOST_MOMENTS
) -> list[Portion]:
    """Pack `frames` of a clip of `n_frames` with `near` neighbours to either side.

    Every wanted frame stands at a multiple of the distance `every`, with its neighbours around it;
    frame 0 first, since it has no motion, and the last frame last.

    Example:
        >>> portions([0, 7], n_frames=9, near=1)[0].slots
        (0, 1, 6, 7, 8)
        >>> portions([8], n_frames=9, near=1)[0].slots
        (7, 7, 7, 8)
    """
    last = n_frames - 1
    every = 2 * near + 1
    found: list[Portion] = []
    wanted: list[int] = []
    slots: list[int] = []

    def finish() -> None:
        if wanted:
            found.append(Portion(tuple(wanted), tuple(slots), every, int(wanted[0] != 0)))
        wanted.clear()
        slots.clear()

    for frame in sorted(set(frames)):
        window = range(max(0, frame - near), min(last, frame + near) + 1)
        if 0 < frame < near:
            # A window that begins before frame 0 cannot stand behind others.
            found.append(Portion((frame,), tuple(window), frame, 1))
            continue
        if not wanted and frame:
            slots += [window[0]] * (every - near)
        wanted.append(frame)
        slots += window
        if len(wanted) == at_most or frame + near > last:
            finish()
    finish()
    return found
