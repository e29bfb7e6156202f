# SPDX-License-Identifier: Apache-2.0
"""One decode of a reference for one pair or several."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from tinyvmaf.libvmaf.graph import command_of, compare
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.pairs.checked import CheckedPair

Logs = tuple[tuple[Generator[Log], ...], ...]
"""For each request, the parts of the log of each of its sets; the reader closes them."""


@dataclass(frozen=True, slots=True)
class Request:
    """The feature sets that are wanted of a pair."""

    pair: CheckedPair
    sets: tuple[FeatureSet, ...] = (FULL,)


def place(number: int) -> str:
    """The folder of a request's logs, within the one that ffmpeg runs in."""
    return f"{number}"


def shared_arguments(requests: Sequence[Request], *, teacher: Teacher) -> list[str]:
    """Ffmpeg's arguments that decode a reference once for all that are compared to it.

    The logs of request N, from 0, go to the folder `place(N)`, which must be there.
    """
    distorted = [item.pair.distorted.video for item in requests]
    reference = requests[0].pair.reference.video
    return command_of(_shared_graph(requests, teacher), [*distorted, reference])


def _shared_graph(requests: Sequence[Request], teacher: Teacher) -> str:
    """The distorted videos are inputs 0, 1, ..., their reference is the last."""
    reference = f"{len(requests)}:V:0"
    copies = [f"shared{number}" for number in range(len(requests))]
    split = [f"[{reference}]split={len(copies)}{''.join(f'[{copy}]' for copy in copies)}"]
    if len(copies) == 1:
        copies, split = [reference], []
    compared = (
        compare(
            (f"{number}:V:0", copy),
            (f"distorted{number}", f"reference{number}"),
            pair=item.pair,
            teacher=teacher,
            threads=1,
            sets=item.sets,
            folder=f"{place(number)}/",
        )
        for number, (item, copy) in enumerate(zip(requests, copies, strict=True))
    )
    return ";".join([*split, *compared])
