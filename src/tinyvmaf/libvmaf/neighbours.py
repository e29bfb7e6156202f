# SPDX-License-Identifier: Apache-2.0
"""The frames around a frame that its score depends on, and the packing of frames with them.

Scattered frames become short videos in which libvmaf scores each as in the whole one: a score needs
the frame and, for motion, its neighbours; `n_subsample` computes the costly features at multiples
of a distance only.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tinyvmaf.libvmaf.teacher import BUILT_IN, Teacher

MOST_MOMENTS: Final = 32
"""Frames that one run of libvmaf scores at most."""
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
    """Ffmpeg's filter that keeps `frames` and all that are at most `near` frames away.

    Example:
        >>> select([0, 7, 8, 20], near=1)
        "select='if(lt(n,19),if(lt(n,6),between(n,0,1),between(n,6,9)),between(n,19,21))'"
    """
    runs = _runs(frames, near=near)
    return f"select='{any_of([(run[0], 'between(n,{},{})'.format(*run)) for run in runs])}'"


def _runs(frames: Iterable[int], *, near: int) -> list[tuple[int, int]]:
    """First and last frames of the runs that `frames` and their neighbours make, in order."""
    found: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        first, last = max(0, frame - near), frame + near
        if found and first <= found[-1][1] + 1:
            first = found.pop()[0]
        found.append((first, last))
    return found


def any_of(runs: Sequence[tuple[int, str]]) -> str:
    """An expression that is true if frame `n` is in one of several runs.

    Ffmpeg reads at most 100 terms in a row, and would compute all of them for every frame; halving
    needs as many steps as the number of runs has binary digits.

    Args:
        runs: The first frame of each, in order, and an expression for its frames.
    """
    if len(runs) == 1:
        return runs[0][1]
    middle = len(runs) // 2
    return f"if(lt(n,{runs[middle][0]}),{any_of(runs[:middle])},{any_of(runs[middle:])})"


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
