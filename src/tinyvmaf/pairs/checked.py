# SPDX-License-Identifier: Apache-2.0
"""A pair that was checked: which frames belong together and what is converted before comparing.

`check` makes a `CheckedPair` out of a `Pair`; extraction and scoring take nothing else, so that a
table and a score of the same two videos rest on the same frames, converted in the same way.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.media.orientation import UPRIGHT, Orientation
from tinyvmaf.media.video import Video, VideoInfo, plain_format
from tinyvmaf.pairs.finding import Allowance


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames of both videos that belong together.

    Attributes:
        reference, distorted: The first frame of the run in each video, counted from 0 in the order
            of showing.
        n_frames: Frames that are compared.
        reference_step, distorted_step: Distance of compared frames in each video; 2 takes every
            second frame.
    """

    reference: int
    distorted: int
    n_frames: int
    reference_step: int = 1
    distorted_step: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames of one video that a run compares: `n_frames` from `first` on, every `step`th."""

    first: int
    n_frames: int
    step: int = 1

    @property
    def last(self) -> int:
        """The last frame that is compared."""
        return self.first + (self.n_frames - 1) * self.step

    @property
    def frames(self) -> Int[np.ndarray, " n_frames"]:
        """All of them."""
        return self.first + self.step * np.arange(self.n_frames)


@dataclass(frozen=True, slots=True)
class Matching:
    """Which frame of the distorted video is compared with which frame of the reference.

    Attributes:
        runs: One or more, in order of time; they do not overlap in either video.
    """

    runs: tuple[Run, ...]

    @classmethod
    def by_number(cls, n_frames: int, *, reference: int = 0, distorted: int = 0) -> "Matching":
        """Frame by frame, from a first frame of each video on."""
        return cls((Run(reference, distorted, n_frames),))

    @property
    def n_frames(self) -> int:
        """Frames that are compared."""
        return sum(run.n_frames for run in self.runs)

    @property
    def reference(self) -> tuple[Stretch, ...]:
        """The compared frames of the reference."""
        return tuple(Stretch(run.reference, run.n_frames, run.reference_step) for run in self.runs)

    @property
    def distorted(self) -> tuple[Stretch, ...]:
        """The compared frames of the distorted video."""
        return tuple(Stretch(run.distorted, run.n_frames, run.distorted_step) for run in self.runs)


def frames_of(stretches: tuple[Stretch, ...]) -> Int[np.ndarray, " n_frames"]:
    """The frames of all stretches, in order."""
    return np.concatenate([stretch.frames for stretch in stretches])


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle of a picture, in pixels of the picture as shown."""

    width: int
    height: int
    left: int
    top: int

    def __str__(self) -> str:
        """As `--crop` takes it."""
        return f"{self.width}:{self.height}:{self.left}:{self.top}"


@dataclass(frozen=True, slots=True)
class Conversion:
    """The steps that bring one video to what libvmaf compares.

    Attributes:
        crop: The part of the picture that is compared, None for all of it.
        size: Width and height that it is scaled to (bicubic), None if it has that size.
        pix_fmt: The pixel format that it is converted to, None if it has that format.
        color_range: `limited` or `full` if its levels are converted to that range, else None.
        matrix: `bt709` or `bt601`, by which RGB becomes YUV; None for what is YUV.
        from_range: The range that its levels have, where the file says otherwise; else None.
    """

    crop: Crop | None = None
    size: tuple[int, int] | None = None
    pix_fmt: str | None = None
    color_range: str | None = None
    matrix: str | None = None
    from_range: str | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One video of a pair.

    Attributes:
        video: The file.
        info: Its properties; width and height as shown.
        orientation: How the stored picture is turned and mirrored to be shown.
        interlaced: True if it is flagged as interlaced.
        conversion: The steps before libvmaf.
    """

    video: Video
    info: VideoInfo
    orientation: Orientation = UPRIGHT
    interlaced: bool = False
    conversion: Conversion = field(default_factory=Conversion)


@dataclass(frozen=True, slots=True)
class CheckedPair:
    """A pair that may be scored.

    Attributes:
        pair: The two videos under their names.
        reference, distorted: The two videos with what is known of them.
        matching: Which frames are compared.
        notes: Remarks that every result of this pair must carry.
        accepted: Names under which findings were accepted.
    """

    pair: Pair
    reference: Side
    distorted: Side
    matching: Matching
    notes: tuple[str, ...] = ()
    accepted: frozenset[Allowance] = frozenset()

    @property
    def n_frames(self) -> int:
        """Frames that are compared."""
        return self.matching.n_frames

    @property
    def size(self) -> tuple[int, int]:
        """Width and height at which the pictures are compared, in pixels."""
        crop = self.reference.conversion.crop
        if self.reference.conversion.size is not None:
            return self.reference.conversion.size
        if crop is not None:
            return crop.width, crop.height
        return self.reference.info.width, self.reference.info.height

    @property
    def pix_fmt(self) -> str:
        """The pixel format in which the pictures are compared."""
        return self.reference.conversion.pix_fmt or plain_format(self.reference.info.pix_fmt)
