# SPDX-License-Identifier: Apache-2.0
"""What one decode of a reference does for one pair or several."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.libvmaf.graph import command_of, compare
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import VideoInfo
from tinyvmaf.pairs.alignment import Alignment

Logs = tuple[tuple[Generator[Log], ...], ...]
"""For each comparison, the parts of the log of each of its sets; whoever reads them closes them."""


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


def place(number: int) -> str:
    """The folder of a comparison's logs, within the one that ffmpeg runs in."""
    return f"{number}"


def shared_arguments(comparisons: Sequence[Comparison], *, teacher: Teacher) -> list[str]:
    """Ffmpeg's arguments that decode a reference once for all that are compared to it.

    The logs of comparison N, from 0, go to the folder `place(N)`, which must be there.
    """
    distorted = [item.pair.distorted for item in comparisons]
    reference = comparisons[0].pair.reference
    return command_of(_shared_graph(comparisons, teacher), [*distorted, reference])


def _shared_graph(comparisons: Sequence[Comparison], teacher: Teacher) -> str:
    """The distorted videos are inputs 0, 1, ..., their reference is the last."""
    reference = f"{len(comparisons)}:V:0"
    copies = [f"shared{number}" for number in range(len(comparisons))]
    split = [f"[{reference}]split={len(copies)}{''.join(f'[{copy}]' for copy in copies)}"]
    if len(copies) == 1:
        copies, split = [reference], []
    compared = (
        compare(
            (f"{number}:V:0", copy),
            (f"distorted{number}", f"reference{number}"),
            alignment=item.alignment,
            teacher=teacher,
            threads=1,
            sets=item.sets,
            folder=f"{place(number)}/",
        )
        for number, (item, copy) in enumerate(zip(comparisons, copies, strict=True))
    )
    return ";".join([*split, *compared])
