# SPDX-License-Identifier: Apache-2.0
"""Videos as the material of sampling: decoding from end to end, or seeking to sampled moments.

The reference is decoded once for several encodes. Pictures that the first decode keeps are in the
folder of each encode, and later rounds take their frames from there; for other frames the videos
are sought or, where that costs more, decoded once more.
"""

import shutil
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from tinyvmaf.errors import NotSeekable
from tinyvmaf.libvmaf import pass_pictures
from tinyvmaf.libvmaf.graph import command, command_of
from tinyvmaf.libvmaf.neighbours import reach
from tinyvmaf.libvmaf.scattered import read_sampled, sampled_graph, shared_sampled_graph
from tinyvmaf.libvmaf.sets import MIN_REDUCED, FeatureSet
from tinyvmaf.libvmaf.sought import n_to_decode, score_frames_of
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.video import frame_bytes
from tinyvmaf.pairs.checked import frames_of
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.all_frames import merged_parts
from tinyvmaf.scoring.auxiliary import (
    PACKETS,
    AbstractVariables,
    NoVariables,
    SignalVariables,
    packet_sizes,
    packet_variables,
)
from tinyvmaf.scoring.costs import FULL_HD, Costs
from tinyvmaf.scoring.mode import Job
from tinyvmaf.scoring.plan import Facts, Method, max_spare
from tinyvmaf.stats.strata import Sample
from tinyvmaf.stats.survey import Auxiliary, no_auxiliary

_SHARE_OF_DISK: Final = 0.5
# Evenly spaced moments, to estimate the mean cost of seeking.
_PROBES: Final = 64


class VideoMaterial:
    """One reference and its encodes.

    Attributes:
        commands: The ffmpeg command of every encode's first round; empty if it was sought.
        notes: Notes for the user on the method.
        n_decodes: Number of decodes of the videos from end to end.
        n_decoded: Frames decoded, of the reference and all encodes together.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        teacher: Teacher,
        variables: AbstractVariables | None,
        costs: Costs,
        on_frame: OnFrame,
    ) -> None:
        """Take pairs that are compared at one size and have equally many frames.

        `variables` are the user's choice of auxiliary variables, None for the method's own.
        """
        self.commands: list[tuple[str, ...]] = [() for _ in jobs]
        self.notes: tuple[str, ...] = ()
        self.n_decodes = 0
        self.n_decoded = 0
        self._teacher = teacher
        self._chosen = variables
        self._variables: AbstractVariables = variables or SignalVariables()
        self._costs = costs
        self._on_frame = on_frame
        self._spare: SpareFrames | None = None
        self._exact: list[dict[int, float]] = [{} for _ in jobs]
        self._auxiliary: list[Auxiliary] = []
        self._folder = jobs[0].folder
        # Every encode has its own folder beside the others.
        self._jobs = [
            replace(job, folder=self._folder / _tag(number)) for number, job in enumerate(jobs)
        ]
        for job in self._jobs:
            job.folder.mkdir(exist_ok=True)
        self._facts = self._count()

    @property
    def facts(self) -> Facts:
        """Numbers about the pairs."""
        return self._facts

    @property
    def frame_rate(self) -> Fraction:
        """Frame rate of the reference."""
        return self._jobs[0].pair.reference.info.frame_rate

    @property
    def kept(self) -> AbstractSet[int]:
        """The frames that the first decode scored or kept."""
        return set(self._exact[0]) | set(self._spare.frames if self._spare is not None else ())

    @property
    def n_spare(self) -> int:
        """Frames that the first decode kept, neighbours not counted."""
        return len(self._spare.frames) if self._spare is not None else 0

    def auxiliary_name(self, method: Method) -> str:
        """The name of a method's auxiliary variables."""
        if method is Method.SEEK and self._chosen is None:
            return PACKETS
        return self._variables.name.name

    def first_round(self, sample: Sample, *, spare: Sample, method: Method) -> Method:
        """Compute auxiliary variables of every frame and exact scores of the sample."""
        everything = range(len(self._jobs))
        if method is Method.SEEK:
            try:
                self._seek(sample.frames, everything, verify=2)
            except NotSeekable as error:
                self.notes = (*self.notes, f"all frames were decoded: {error}")
            else:
                self._auxiliary = [self._packets(job) for job in self._jobs]
                return Method.SEEK
        later = tuple(sorted(set(spare.frames) - set(sample.frames)))
        if later:
            self._spare = SpareFrames(later, n_frames=sample.n_frames, teacher=self._teacher)
        sets = self._variables.sets
        self._decode(sample.frames, everything, sets=sets, spare=self._spare)
        self._auxiliary = [
            self._measured(job, sets) if sets else self._packets(job) for job in self._jobs
        ]
        return Method.DECODE

    def score(self, frames: Sequence[int], *, of: Sequence[int], method: Method) -> None:
        """Score further frames: from kept pictures, by seeking, or with one more decode."""
        spare = self._spare
        kept = tuple(f for f in frames if spare is not None and spare.holds([f]))
        others = tuple(sorted(set(frames).difference(kept)))
        if kept and spare is not None:
            for number in of:
                self._rescore(kept, number, spare)
        if not others:
            return
        if method is Method.SEEK or self._sought_is_cheaper(others, of):
            try:
                self._seek(others, of, verify=0 if method is Method.SEEK else 1)
            except NotSeekable as error:
                self.notes = (*self.notes, f"all frames were decoded: {error}")
                if method is Method.SEEK:
                    # Scores from earlier seeking may be wrong, too.
                    others = tuple(sorted({*others, *(f for n in of for f in self._exact[n])}))
            else:
                return
        self._decode(others, of)

    def auxiliary(self, encode: int) -> Auxiliary:
        """The variables of an encode."""
        return self._auxiliary[encode]

    def exact(self, encode: int) -> Mapping[int, float]:
        """The scores of an encode."""
        return self._exact[encode]

    def _count(self) -> Facts:
        pair = self._jobs[0].pair
        width, height = pair.size
        window = 2 * reach(self._teacher) + 1
        n_bytes = frame_bytes(pair.pix_fmt, width=width, height=height)
        free = shutil.disk_usage(self._folder).free * _SHARE_OF_DISK / len(self._jobs)
        divisor = max((item.divisor for item in self._variables.sets), default=1)
        visit = self._frames_a_visit()
        method = None
        if self._chosen is not None and self._chosen.sets:
            method = Method.DECODE
        elif isinstance(self._chosen, NoVariables) and self._chosen.word == PACKETS:
            method = Method.SEEK if visit is not None else Method.DECODE
        return Facts(
            n_frames=pair.n_frames,
            n_pixels=width * height,
            passes=tuple(item.name for item in self._variables.sets),
            decoded_a_visit=visit,
            n_encodes=len(self._jobs),
            sizes_fit=divisor == 1 or min(width, height) // divisor >= MIN_REDUCED,
            max_spare=min(
                max_spare(n_bytes, window=window) // len(self._jobs),
                int(free // (2 * window * n_bytes)),
            ),
            method=method,
        )

    def _frames_a_visit(self) -> float | None:
        """Frames of each video that one sampled moment decodes, None if one cannot be sought."""
        n_frames = self._jobs[0].pair.n_frames
        probes = np.unique(np.linspace(0, n_frames - 1, _PROBES).astype(np.int64)).tolist()
        counts: list[float] = []
        for job in self._jobs:
            sides = (job.pair.reference, job.pair.distorted)
            if any(frame_index(side.video).fault is not None for side in sides):
                return None
            counts += n_to_decode(job.pair, probes, teacher=self._teacher)
        return float(np.mean(counts)) / len(probes)

    def _sought_is_cheaper(self, frames: Sequence[int], of: Sequence[int]) -> bool:
        """True if seeking to `frames` costs less than one more decode from end to end."""
        if self._facts.decoded_a_visit is None:
            return False
        pair = self._jobs[of[0]].pair
        decoded = sum(n_to_decode(pair, frames, teacher=self._teacher)) / 2
        scale = self._facts.n_pixels / FULL_HD
        sought = decoded * self._costs.decoding + len(frames) * self._costs.spare_frame
        return sought * scale < self._facts.n_frames * self._costs.decoding * scale

    def _packets(self, job: Job) -> Auxiliary:
        """Packet sizes as auxiliary variables, unless the user chose none."""
        if isinstance(self._chosen, NoVariables) and self._chosen.word != PACKETS:
            return no_auxiliary(job.pair.n_frames)
        matching = job.pair.matching
        sides = (
            (job.pair.distorted, matching.distorted),
            (job.pair.reference, matching.reference),
        )
        sizes = [
            packet_sizes(frame_index(side.video))[frames_of(stretches)] for side, stretches in sides
        ]
        return packet_variables(np.concatenate(sizes, axis=1))

    def _measured(self, job: Job, sets: Sequence[FeatureSet]) -> Auxiliary:
        parts = [self._variables.columns(part) for part in merged_parts(job, sets)]
        return self._variables.auxiliary(np.concatenate(parts))

    def _seek(self, frames: Sequence[int], of: Sequence[int], *, verify: int) -> None:
        n_frames, n_wanted = self._facts.n_frames, len(frames)

        def on_frame(count: int) -> None:
            self._on_frame(min(n_frames, count * n_frames // n_wanted))

        found = score_frames_of(
            [self._jobs[number].pair for number in of],
            frames,
            engine=self._jobs[0].engine,
            teacher=self._teacher,
            threads=self._jobs[0].threads,
            verify=verify,
            on_frame=on_frame,
        )
        for number, each in zip(of, found, strict=True):
            self._exact[number].update(each.scores)
            self.n_decoded += sum(each.decoded)

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
            # The first decode of one pair makes the pictures by which it is proven.
            pictures = jobs[0].pictures and len(self._jobs) == 1 and not self.n_decodes
            graph = shared_sampled_graph(
                frames,
                pairs={_tag(number): self._jobs[number].pair for number in numbers},
                teacher=self._teacher,
                threads=jobs[0].threads,
                sets=sets,
                spare=spare,
                inputs=pass_pictures.PADS if pictures else (),
            )
            if pictures:
                graph = ";".join([*pass_pictures.pieces(jobs[0].pair), graph])
            reference = jobs[0].pair.reference.video
            videos = [*(job.pair.distorted.video for job in jobs), reference]
            arguments = command_of(graph, videos, threads=jobs[0].threads)
            if spare is not None:
                arguments += [word for number in numbers for word in outputs(_tag(number))]
            if pictures:
                arguments += pass_pictures.outputs()
            self._run(arguments, jobs, self._folder)
            self.n_decoded += len(videos) * self._facts.n_frames
            for number in numbers:
                folder = self._jobs[number].folder
                found = read_sampled(folder, frames, teacher=self._teacher)
                self._exact[number].update(found)
                if not self.commands[number]:
                    self.commands[number] = (str(engine.ffmpeg.path), *arguments)
        self.n_decodes += 1

    def _rescore(self, frames: tuple[int, ...], number: int, spare: SpareFrames) -> None:
        """Score kept frames of an encode."""
        job, places = self._jobs[number], spare.places(frames)
        kept = spare.pair(job.pair, job.folder)
        graph = sampled_graph(places, pair=kept, teacher=self._teacher, threads=job.threads)
        # Kept raw pictures: decoder messages about them are not about the videos.
        self._run(command(graph, kept, threads=job.threads), [job], job.folder, own=True)
        found = read_sampled(job.folder, places, teacher=self._teacher)
        self._exact[number].update(
            {frame: found[place] for frame, place in zip(frames, places, strict=True)}
        )

    def _run(
        self, arguments: Sequence[str], jobs: Sequence[Job], folder: Path, *, own: bool = False
    ) -> None:
        # Later rounds count their frames from 0 again, and progress never goes back.
        n_frames = self._facts.n_frames
        on_frame = self._on_frame if not self.n_decodes else lambda _: self._on_frame(n_frames)
        jobs[0].engine.run(
            arguments,
            teacher=self._teacher,
            folder=folder,
            on_frame=on_frame,
            pairs=[] if own else [job.pair for job in jobs],
        )


def _tag(number: int) -> str:
    return f"encode{number}"
