# SPDX-License-Identifier: Apache-2.0
"""Engines that run libvmaf: ffmpeg's filter here, libvmaf's own program in `vmaf_program`.

Both turn a checked pair into logs. On raw video their logs are equal; ffmpeg also reads every
container and scales.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from tinyvmaf.errors import MediaError, ToolFailed, UsageError
from tinyvmaf.libvmaf.condition import check_room, check_size, check_steady, damaged
from tinyvmaf.libvmaf.graph import LOG_CSV, log_name
from tinyvmaf.libvmaf.logs import Log, read_log_parts
from tinyvmaf.libvmaf.pixels import read_pixel_parts
from tinyvmaf.libvmaf.sets import FeatureSet
from tinyvmaf.libvmaf.shared_decode import Logs, Request, place, shared_arguments
from tinyvmaf.libvmaf.teacher import Teacher, check_teacher, place_teacher
from tinyvmaf.libvmaf.vmaf_program import ENVIRONMENT_VARIABLE, find_vmaf
from tinyvmaf.media.diagnostics import Diagnostics
from tinyvmaf.media.ffmpeg import Ffmpeg, find_ffmpeg, run_ffmpeg
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.process.programs import check_timeout
from tinyvmaf.progress import OnFrame

_GRAPH = "graph"
_LONGEST_ARGUMENT = 100_000
"""Characters of one argument; Linux starts no program with one above 128 kB."""

PART_FRAMES = 256
"""Frames of a log in memory at once; tables of many more would take most of the memory."""


@runtime_checkable
class Engine(Protocol):
    """A way to run libvmaf."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of the programs and libraries that compute; part of every cache key."""
        ...

    @property
    def at_once(self) -> int:
        """Distorted videos that it can compare to one decode of their reference."""
        ...

    def check(self, teacher: Teacher) -> None:
        """Refuse a teacher that the engine does not have, before any work."""
        ...

    def score(
        self,
        requests: Sequence[Request],
        *,
        teacher: Teacher,
        folder: Path,
        on_frame: OnFrame,
    ) -> Logs:
        """Make the logs of distorted videos that share one reference.

        The logs lie in `folder`, and are read there as their parts are asked for. An error does not
        say which request it is about.
        """
        ...


@dataclass(frozen=True, slots=True)
class FfmpegEngine:
    """Ffmpeg's filter `libvmaf`.

    Attributes:
        ffmpeg: The program.
        stall_s: A pair is given up after this many seconds without a new frame: storage that does
            not answer would otherwise block a job for ever. None waits.
        allow_damaged: True if damaged videos are compared as the decoder conceals them.
        remarks: Gets a line for every damaged video.
    """

    ffmpeg: Ffmpeg
    stall_s: float | None = None
    allow_damaged: bool = False
    remarks: list[str] = field(default_factory=list[str], compare=False, repr=False)

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of ffmpeg and of the libvmaf inside."""
        return {"ffmpeg": self.ffmpeg.version, "libvmaf": self.ffmpeg.libvmaf}

    @property
    def at_once(self) -> int:
        """More would save little time, and take more memory."""
        return 4

    def check(self, teacher: Teacher) -> None:
        """Refuse a teacher that this build's libvmaf does not have."""
        check_teacher(teacher, self.ffmpeg.path)

    def score(
        self,
        requests: Sequence[Request],
        *,
        teacher: Teacher,
        folder: Path,
        on_frame: OnFrame,
    ) -> Logs:
        """Decode every video once; any container, scaled to the reference's size where needed."""
        places = [folder / place(number) for number in range(len(requests))]
        for each in places:
            each.mkdir()
        self.run(
            shared_arguments(requests, teacher=teacher),
            teacher=teacher,
            folder=folder,
            on_frame=on_frame,
            pairs=[request.pair for request in requests],
        )
        return tuple(
            tuple(read_set_parts(item, each) for item in request.sets)
            for request, each in zip(requests, places, strict=True)
        )

    def run(
        self,
        arguments: Sequence[str],
        *,
        teacher: Teacher,
        folder: Path,
        on_frame: OnFrame,
        pairs: Sequence[CheckedPair] = (),
    ) -> Path:
        """Run ffmpeg with these arguments in `folder`; return the log that they name.

        Args:
            arguments: Arguments of ffmpeg.
            teacher: The model.
            folder: Folder for the logs.
            on_frame: Told how many frames are done.
            pairs: The pairs to decode, all with one reference: first every distorted video, then
                the reference. Empty for pictures of our own making.

        Raises:
            ToolFailed: ffmpeg failed, or libvmaf wrote no log.
            MediaError: a video is damaged, or changes in the middle.
            UsageError: the folder is full.
        """
        check_size(pairs)
        place_teacher(teacher, folder)
        heard = Diagnostics()
        try:
            said = run_ffmpeg(
                self.ffmpeg.path,
                _with_long_graph_in_file(arguments, folder),
                cwd=folder,
                on_frame=on_frame,
                stall_s=self.stall_s,
                diagnostics=heard,
            )
        except ToolFailed:
            check_room(folder)
            check_steady(heard, pairs)
            raise
        check_room(folder)
        check_steady(heard, pairs)
        for remark in damaged(heard, pairs):
            if not self.allow_damaged:
                raise MediaError(
                    f"{remark}; `allow=['damaged']` scores it as the decoder conceals it"
                )
            self.remarks.append(f"{remark} (accepted)")
        if not any(folder.rglob("*.csv")) and not any(folder.rglob("*.txt")):
            # Happens with pictures that are too small for a model's features: ffmpeg exits with 0.
            reason = said.splitlines()[0] if said else "it gave no reason"
            raise ToolFailed(
                f"libvmaf wrote no log: {reason}",
                command=[str(self.ffmpeg.path), *arguments],
                returncode=0,
                stderr_tail=said,
            )
        return folder / LOG_CSV


def _with_long_graph_in_file(arguments: Sequence[str], folder: Path) -> list[str]:
    """The arguments; a graph that is too long for one is put into a file of `folder`."""
    words = list(arguments)
    place = words.index("-filter_complex")
    if len(words[place + 1]) > _LONGEST_ARGUMENT:
        (folder / _GRAPH).write_text(words[place + 1])
        words[place : place + 2] = ["-/filter_complex", _GRAPH]
    return words


def read_set_parts(feature_set: FeatureSet, folder: Path) -> Generator[Log]:
    """The log of a set that ffmpeg made in `folder`, in parts of equally many frames for all sets.

    Raises:
        SchemaError: it is damaged or not a whole log.
    """
    if feature_set.by_libvmaf:
        return read_log_parts(folder / log_name(feature_set), part_frames=PART_FRAMES)
    return read_pixel_parts(folder, feature_set.features, part_frames=PART_FRAMES)


def find_engine(
    name: str | None = None, *, ffmpeg: Path | None = None, stall_s: float | None = None
) -> Engine:
    """The engine called `ffmpeg` or `vmaf`; by default ffmpeg, or vmaf if `VMAF_BIN` is set.

    Args:
        name: Which one.
        ffmpeg: The program to use.
        stall_s: Seconds without a new frame after which ffmpeg is stopped; not for `vmaf`.

    Raises:
        UsageError: there is no engine of that name, or no time is given.
        ToolNotFound, ToolLacksFeature: its program cannot be used.
    """
    chosen = name or ("vmaf" if os.environ.get(ENVIRONMENT_VARIABLE) else "ffmpeg")
    check_timeout(stall_s)
    if chosen == "ffmpeg":
        return FfmpegEngine(find_ffmpeg(ffmpeg), stall_s)
    if chosen == "vmaf":
        return find_vmaf()
    raise UsageError(f"unknown engine {chosen!r}; expected ffmpeg or vmaf")
