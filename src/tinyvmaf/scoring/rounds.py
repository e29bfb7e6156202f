# SPDX-License-Identifier: Apache-2.0
"""The ffmpeg passes behind a sampled score: a first round of all frames, further ones of a few.

What the first round keeps lies in the job's folder; a further round takes its frames from there if
it can, and decodes the pair again if it cannot.
"""

import shutil
from typing import Final

import numpy as np

from tinyvmaf.libvmaf.graph import command
from tinyvmaf.libvmaf.neighbours import reach
from tinyvmaf.libvmaf.scattered import read_sampled, sampled_graph
from tinyvmaf.libvmaf.sets import FeatureSet
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import frame_bytes
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.all_frames import merged_parts
from tinyvmaf.scoring.mode import Job
from tinyvmaf.scoring.proxy import Proxy
from tinyvmaf.stats.survey import Cheap, Estimate, Sample, estimate

# On the disk, for as long as a pair is scored: 57 frames of 1080p. More cost much more each.
_SPARE_BYTES: Final = 2**30


class Rounds:
    """What has been computed of one pair so far.

    Attributes:
        exact: The exact scores of the frames that have one.
        cheap: The cheap measures of every frame, after the first round.
        command: The ffmpeg command of the first round.
        n_decodes: How often the pair was decoded.
    """

    def __init__(self, job: Job, teacher: Teacher, proxy: Proxy) -> None:
        self.exact: dict[int, float] = {}
        self.cheap = Cheap(np.empty((0, 0)), (), ())
        self.command: tuple[str, ...] = ()
        self.n_decodes = 0
        self._job = job
        self._teacher = teacher
        self._proxy = proxy
        self._spare: SpareFrames | None = None

    @property
    def n_frames(self) -> int:
        """Of the pair."""
        return self._job.pair.n_frames

    @property
    def n_pixels(self) -> int:
        """Of one frame, as it is compared."""
        width, height = self._job.pair.size
        return width * height

    @property
    def n_spare(self) -> int:
        """How many frames the first decode kept for later, neighbours not counted."""
        return len(self._spare.frames) if self._spare is not None else 0

    def has_room(self, n_spare: int) -> bool:
        """Whether the folder of the job may take so many frames with their neighbours."""
        pair = self._job.pair
        width, height = pair.size
        window = 2 * (2 * reach(self._teacher) + 1)
        needed = n_spare * window * frame_bytes(pair.pix_fmt, width=width, height=height)
        return needed <= min(_SPARE_BYTES, shutil.disk_usage(self._job.folder).free // 2)

    def first_round(self, sample: Sample, *, spare: Sample, on_frame: OnFrame) -> None:
        """The proxy's measures of every frame and exact scores of the sample, in one decode.

        The frames that only `spare` has are kept for further rounds.
        """
        sets = self._proxy.sets
        later = tuple(sorted(set(spare.frames) - set(sample.frames)))
        if later:
            self._spare = SpareFrames(later, n_frames=self.n_frames, teacher=self._teacher)
        self.command = self._decode(sample.frames, sets, spare=self._spare, on_frame=on_frame)
        parts = [self._proxy.measure(part) for part in merged_parts(self._job, sets)]
        self.cheap = self._proxy.cheap(np.concatenate(parts))

    def further_round(self, sample: Sample, *, on_frame: OnFrame) -> None:
        """The exact scores that a finer sample needs in addition."""
        missing = tuple(frame for frame in sample.frames if frame not in self.exact)
        if self._spare is not None and self._spare.holds(missing):
            self._rescore(missing, self._spare, on_frame=on_frame)
        elif missing:
            self._decode(missing, (), on_frame=on_frame)

    def estimate(self, sample: Sample) -> Estimate:
        """What is known of the exact mean."""
        return estimate(sample, cheap=self.cheap, exact=self.exact)

    def _decode(
        self,
        frames: tuple[int, ...],
        sets: tuple[FeatureSet, ...],
        *,
        spare: SpareFrames | None = None,
        on_frame: OnFrame,
    ) -> tuple[str, ...]:
        job = self._job
        graph = sampled_graph(
            frames,
            pair=job.pair,
            teacher=self._teacher,
            threads=job.threads,
            sets=sets,
            spare=spare,
        )
        arguments = command(graph, job.pair, threads=job.threads)
        if spare is not None:
            arguments += outputs()
        job.engine.run(arguments, teacher=self._teacher, folder=job.folder, on_frame=on_frame)
        self.exact.update(read_sampled(job.folder, frames, teacher=self._teacher))
        self.n_decodes += 1
        return (str(job.engine.ffmpeg.path), *arguments)

    def _rescore(self, frames: tuple[int, ...], spare: SpareFrames, *, on_frame: OnFrame) -> None:
        """Score frames that were kept."""
        job, places = self._job, spare.places(frames)
        kept = spare.pair(job.pair, job.folder)
        graph = sampled_graph(places, pair=kept, teacher=self._teacher, threads=job.threads)
        arguments = command(graph, kept, threads=job.threads)
        job.engine.run(arguments, teacher=self._teacher, folder=job.folder, on_frame=on_frame)
        found = read_sampled(job.folder, places, teacher=self._teacher)
        self.exact.update(
            {frame: found[place] for frame, place in zip(frames, places, strict=True)}
        )
