# SPDX-License-Identifier: Apache-2.0
"""Videos as the material of sampling: the ffmpeg passes behind a sampled score.

In go one reference and its encodes; the reference is decoded once for several of them. What the
first round keeps lies in the folder of each encode: a further round takes its frames from there if
it can, and decodes again if it cannot.
"""

import shutil
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from tinyvmaf.libvmaf.graph import command, command_of
from tinyvmaf.libvmaf.neighbours import reach
from tinyvmaf.libvmaf.scattered import read_sampled, sampled_graph, shared_sampled_graph
from tinyvmaf.libvmaf.sets import MIN_REDUCED, FeatureSet
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import frame_bytes
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.all_frames import merged_parts
from tinyvmaf.scoring.auxiliary import AbstractVariables
from tinyvmaf.scoring.mode import Job
from tinyvmaf.scoring.plan import Facts, Method, max_spare
from tinyvmaf.stats.survey import Auxiliary, Sample, no_auxiliary

_SHARE_OF_DISK: Final = 0.5


class VideoMaterial:
    """One reference and its encodes.

    Attributes:
        commands: The ffmpeg command of every encode's first round.
        n_decodes: How often the videos were decoded from end to end.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        teacher: Teacher,
        variables: AbstractVariables,
        on_frame: OnFrame,
    ) -> None:
        """Take the pairs; they are compared at one size and have equally many frames."""
        self.commands: list[tuple[str, ...]] = [() for _ in jobs]
        self.n_decodes = 0
        self._teacher = teacher
        self._variables = variables
        self._on_frame = on_frame
        self._spare: SpareFrames | None = None
        self._exact: list[dict[int, float]] = [{} for _ in jobs]
        self._auxiliary: list[Auxiliary] = []
        self._folder = jobs[0].folder
        # Every encode has a folder of its own, beside those of the others.
        self._jobs = [
            replace(job, folder=self._folder / _tag(number)) for number, job in enumerate(jobs)
        ]
        for job in self._jobs:
            job.folder.mkdir(exist_ok=True)

    @property
    def facts(self) -> Facts:
        """Numbers about the pairs."""
        pair = self._jobs[0].pair
        width, height = pair.size
        window = 2 * reach(self._teacher) + 1
        n_bytes = frame_bytes(pair.pix_fmt, width=width, height=height)
        free = shutil.disk_usage(self._folder).free * _SHARE_OF_DISK / len(self._jobs)
        divisor = max((item.divisor for item in self._variables.sets), default=1)
        return Facts(
            n_frames=pair.n_frames,
            n_pixels=width * height,
            passes=tuple(item.name for item in self._variables.sets),
            n_encodes=len(self._jobs),
            sizes_fit=divisor == 1 or min(width, height) // divisor >= MIN_REDUCED,
            max_spare=min(
                max_spare(n_bytes, window=window) // len(self._jobs),
                int(free // (2 * window * n_bytes)),
            ),
            method=Method.DECODE,
        )

    @property
    def frame_rate(self) -> Fraction:
        """Of the reference."""
        return self._jobs[0].pair.reference.info.frame_rate

    @property
    def auxiliary_name(self) -> str:
        """The name of the auxiliary variables."""
        return self._variables.name.name

    @property
    def n_decoded(self) -> int:
        """Frames decoded of one encode and of the reference together."""
        return 2 * self.n_decodes * self.facts.n_frames

    @property
    def kept(self) -> AbstractSet[int]:
        """The frames that the first decode scored or kept."""
        return set(self._exact[0]) | set(self._spare.frames if self._spare is not None else ())

    @property
    def n_spare(self) -> int:
        """Frames that the first decode kept, neighbours not counted."""
        return len(self._spare.frames) if self._spare is not None else 0

    def first_round(self, sample: Sample, *, spare: Sample, method: Method) -> None:
        """The auxiliary variables of every frame and exact scores of the sample, in one decode."""
        del method
        sets = self._variables.sets
        later = tuple(sorted(set(spare.frames) - set(sample.frames)))
        if later:
            self._spare = SpareFrames(later, n_frames=sample.n_frames, teacher=self._teacher)
        everything = range(len(self._jobs))
        self._decode(sample.frames, everything, sets=sets, spare=self._spare)
        for job in self._jobs:
            if not sets:
                self._auxiliary.append(no_auxiliary(sample.n_frames))
                continue
            parts = [self._variables.columns(part) for part in merged_parts(job, sets)]
            self._auxiliary.append(self._variables.auxiliary(np.concatenate(parts)))

    def score(self, frames: Sequence[int], *, of: Sequence[int], method: Method) -> None:
        """Score further frames, out of what was kept or with one more decode."""
        del method
        if not frames:
            return
        kept = tuple(f for f in frames if self._spare is not None and self._spare.holds([f]))
        others = tuple(f for f in frames if f not in set(kept))
        if kept and self._spare is not None:
            for number in of:
                self._rescore(kept, number, self._spare)
        if others:
            self._decode(others, of)

    def auxiliary(self, encode: int) -> Auxiliary:
        """The variables of an encode."""
        return self._auxiliary[encode]

    def exact(self, encode: int) -> Mapping[int, float]:
        """The scores of an encode."""
        return self._exact[encode]

    def _decode(
        self,
        frames: Sequence[int],
        of: Sequence[int],
        *,
        sets: Sequence[FeatureSet] = (),
        spare: SpareFrames | None = None,
    ) -> None:
        engine = self._jobs[0].engine
        for first in range(0, len(of), engine.at_once):
            numbers = of[first : first + engine.at_once]
            jobs = [self._jobs[number] for number in numbers]
            graph = shared_sampled_graph(
                frames,
                pairs={_tag(number): self._jobs[number].pair for number in numbers},
                teacher=self._teacher,
                threads=jobs[0].threads,
                sets=sets,
                spare=spare,
            )
            reference = jobs[0].pair.reference.video
            videos = [*(job.pair.distorted.video for job in jobs), reference]
            arguments = command_of(graph, videos, threads=jobs[0].threads)
            if spare is not None:
                arguments += [word for number in numbers for word in outputs(_tag(number))]
            self._run(arguments, jobs[0], self._folder)
            for number in numbers:
                folder = self._jobs[number].folder
                found = read_sampled(folder, frames, teacher=self._teacher)
                self._exact[number].update(found)
                if not self.commands[number]:
                    self.commands[number] = (str(engine.ffmpeg.path), *arguments)
        self.n_decodes += 1

    def _rescore(self, frames: tuple[int, ...], number: int, spare: SpareFrames) -> None:
        """Score frames of an encode that were kept."""
        job, places = self._jobs[number], spare.places(frames)
        kept = spare.pair(job.pair, job.folder)
        graph = sampled_graph(places, pair=kept, teacher=self._teacher, threads=job.threads)
        self._run(command(graph, kept, threads=job.threads), job, job.folder)
        found = read_sampled(job.folder, places, teacher=self._teacher)
        self._exact[number].update(
            {frame: found[place] for frame, place in zip(frames, places, strict=True)}
        )

    def _run(self, arguments: Sequence[str], job: Job, folder: Path) -> None:
        # Later rounds count their frames from 0 again, and progress never goes back.
        n_frames = job.pair.n_frames
        on_frame = self._on_frame if not self.n_decodes else lambda _: self._on_frame(n_frames)
        job.engine.run(arguments, teacher=self._teacher, folder=folder, on_frame=on_frame)


def _tag(number: int) -> str:
    return f"encode{number}"
