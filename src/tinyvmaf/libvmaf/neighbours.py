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
