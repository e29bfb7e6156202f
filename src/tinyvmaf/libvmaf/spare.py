# SPDX-License-Identifier: Apache-2.0
"""Frames whose exact scores may be wanted later, kept as raw pictures while a pair is decoded.

Decoding a pair again costs as much as dozens of exact scores, keeping a frame with its neighbours
less than a third of one. The pictures are kept as libvmaf takes them, so the scores computed from
them are those of the pair itself. They lie in the folder of the pass and go with it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinyvmaf.libvmaf.neighbours import reach, select, with_neighbours
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.checked import CheckedPair, Matching, Side

INPUTS: Final = ("distorted", "reference")
"""The names of a graph's inputs, in order."""

SPARE: Final = "spare"
"""The name of the branch in a graph."""


@dataclass(frozen=True, slots=True)
class SpareFrames:
    """The frames of a pair that are kept.

    Attributes:
        frames: The frames whose scores can be computed later, in order; at least one.
        n_frames: Number of frames of the pair.
        teacher: The model that scores them.
    """

    frames: tuple[int, ...]
    n_frames: int
    teacher: Teacher

    @property
    def kept(self) -> tuple[int, ...]:
        """The frames that are kept, neighbours included, in order."""
        return with_neighbours(self.frames, n_frames=self.n_frames, teacher=self.teacher)

    def pair(self, whole: CheckedPair, folder: Path) -> CheckedPair:
        """The two videos of kept frames in `folder`; nothing is left to convert."""
        width, height = whole.size
        sides = {
            name: Side(
                _kept_video(folder, name),
                replace(
                    whole.reference.info,
                    width=width,
                    height=height,
                    pix_fmt=whole.pix_fmt,
                    n_frames=len(self.kept),
                ),
            )
            for name in INPUTS
        }
        return replace(whole, matching=Matching.by_number(len(self.kept)), **sides)

    def holds(self, frames: Collection[int]) -> bool:
        """True if the scores of all of `frames` can be computed from the kept pictures."""
        return set(frames) <= set(self.frames)

    def places(self, frames: Collection[int]) -> tuple[int, ...]:
        """The numbers that `frames` have among the kept ones."""
        place = {frame: index for index, frame in enumerate(self.kept)}
        return tuple(place[frame] for frame in frames)

    def pieces(self, conversions: dict[str, list[str]]) -> list[str]:
        """The piece of a graph for each pad `NAME_spare`; it ends in a pad `NAME_kept`.

        Args:
            conversions: Pad -> the filters that bring it to what libvmaf compares.
        """
        keep = select(self.frames, near=reach(self.teacher))
        return [
            f"[{name}_{SPARE}]{','.join([keep, 'setpts=N', *convert])}[{name}_kept]"
            for name, convert in conversions.items()
        ]


def tagged_inputs(tag: str) -> tuple[str, str]:
    """The names of a pair's inputs in a graph of several pairs: distorted, reference."""
    return f"{tag}{INPUTS[0]}", f"{tag}{INPUTS[1]}"


def outputs(tag: str = "") -> list[str]:
    """Ffmpeg's arguments that write the pads `NAME_kept` into the folder of the pass, or `tag`."""
    folder = f"{tag}/" if tag else ""
    return [
        argument
        for name, side in zip(INPUTS, tagged_inputs(tag), strict=True)
        for argument in (
            *("-map", f"[{side}_kept]", "-c:v", "rawvideo", "-fps_mode", "passthrough"),
            *("-f", "nut", folder + _file(name)),
        )
    ]


def _kept_video(folder: Path, name: str) -> Video:
    """The video that was written from the pad `NAME_kept`."""
    return Video(folder / _file(name))


def _file(name: str) -> str:
    return f"{name}.nut"
