# SPDX-License-Identifier: Apache-2.0
"""Scoring of one pair, from the check to the result, in any mode.

The pictures of a short pair are compared when the pass that scores it has made them, before any
number is given; those of a long one while ffmpeg already runs, and a refusal ends the run. With
`sync` they are compared first.
"""

import shlex
import time
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.files import check_writable, working_folder
from tinyvmaf.libvmaf import pass_pictures
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.media.pictures import frame_times
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.pairs.looking import is_short
from tinyvmaf.pairs.proof import verify
from tinyvmaf.process.programs import stopped_when_interrupted
from tinyvmaf.progress import SILENT, Progress, Task
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.scoring.log_file import LogHead, log_format, write_log
from tinyvmaf.scoring.mode import EXACT, FrameScores, Job, Mode
from tinyvmaf.scoring.pooling import Pooled, WorstFrame, pool, worst_frames
from tinyvmaf.scoring.result import Score

_PACKAGES: Final = ("numpy", "onnxruntime")
# Frames from which on the first results take a while.
_LONG: Final = 600


@dataclass(frozen=True, slots=True)
class LogFile:
    """File for frame scores, and its libvmaf layout; None derives it from the suffix."""

    path: Path
    layout: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Scores pairs; safe to share between threads.

    Attributes:
        mode: The mode of scoring.
        engine: The ffmpeg to use.
        options: The command's options that reproduce this scorer.
        allowed: Findings that the user accepts by name.
        sync: True if shifted frames are matched by their pictures instead of refused.
        crop: The part of the pictures that is compared, as `check` takes it.
        excerpt: The time range that is compared.
        threads: Threads that ffmpeg may use for one pair.
        progress: Receives the number of frames done.
    """

    mode: Mode
    engine: FfmpegEngine
    options: tuple[str, ...] = ()
    allowed: AbstractSet[Allowance] = frozenset()
    sync: bool = False
    crop: str | None = None
    excerpt: Excerpt = WHOLE
    threads: int = 1
    progress: Progress = SILENT

    def score(self, pair: Pair, *, log: LogFile | None = None) -> Score:
        """Score one pair.

        Raises:
            TinyVmafError: it cannot be read, does not fit, or ffmpeg failed.
        """
        layout = None
        if log is not None:
            check_writable(log.path)
            layout = log_format(log.path, log.layout)
        started = time.perf_counter()
        with (
            working_folder() as folder,
            ThreadPoolExecutor(1) as aside,
        ):
            checked = self.check(pair)
            job = self.job(checked, folder)
            if is_short(checked):
                found = self._run(replace(job, pictures=True), None)
                sight = pass_pictures.read(checked, folder)
                checked = verify(checked, allowed=self.allowed, sight=sight)
            else:
                looking = aside.submit(verify, checked, allowed=self.allowed)
                with stopped_when_interrupted(aside, [looking]):
                    found = self._run(job, looking)
                    checked = looking.result()
            seconds = time.perf_counter() - started
            if log is not None and layout is not None:
                write_log(
                    log.path,
                    layout=layout,
                    head=self._head(checked, len(found.scores) / seconds),
                    scores=found.scores,
                    measured=found.log,
                )
        notes = (*checked.notes, *found.notes, *job.engine.remarks)
        return self.result(checked, found, seconds=seconds, notes=notes)

    def job(self, pair: CheckedPair, folder: Path) -> Job:
        """The job of scoring a checked pair in `folder`."""
        damaged = Allowance.DAMAGED in self.allowed
        engine = replace(self.engine, allow_damaged=damaged, remarks=[])
        # A decoder's concealment of damage depends on its threads.
        threads = 1 if damaged else self.threads
        return Job(pair=pair, engine=engine, folder=folder, threads=threads)

    def check(self, pair: Pair) -> CheckedPair:
        """Check a pair with the user's options.

        Raises:
            MediaError, MisalignedError: as `pairs.check`.
        """
        return check(
            pair,
            allowed=self.allowed,
            sync=self.sync,
            crop=self.crop,
            excerpt=self.excerpt,
            progress=self.progress,
        )

    def _run(self, job: Job, looking: "Future[CheckedPair] | None") -> FrameScores:
        """Run the mode; stop it as soon as the pictures show that the pair does not fit."""
        watched = _Watched(self.progress, job)

        def on_frame(count: int) -> None:
            if looking is not None and looking.done():
                looking.result()  # raises the refusal of the pair
            watched.reach(count)

        try:
            return self.mode.score(job, on_frame=on_frame)
        finally:
            watched.finish()

    def _head(self, pair: CheckedPair, fps: float) -> LogHead:
        width, height = pair.size
        return LogHead(libvmaf=self.engine.ffmpeg.libvmaf, fps=fps, width=width, height=height)

    def result(
        self, pair: CheckedPair, found: FrameScores, *, seconds: float, notes: tuple[str, ...]
    ) -> Score:
        """The score of a pair, from the mode's result."""
        reference, distorted = pair.reference.video.path, pair.distorted.video.path
        times_s = _times(pair, len(found.scores))
        arguments = ["tinyvmaf", "score", str(reference), str(distorted), *self.options]
        if self.excerpt == WHOLE:
            arguments += pair.pair.excerpt.options
        if found.sampling is not None:
            arguments += ["--seed", str(found.sampling.seed)]
        return Score(
            reference=reference,
            distorted=distorted,
            mode=EXACT if found.exact_by else self.mode.name,
            model=found.exact_by or self.mode.model,
            vmaf=_pooled(found),
            interval=found.interval,
            applicability=found.applicability,
            frame_scores=found.scores,
            times_s=times_s,
            worst_frames=_worst(found, times_s),
            seconds=seconds,
            notes=notes,
            command=command_line(arguments),
            ffmpeg_command=shlex.join(found.command),
            versions={**versions(*_PACKAGES), **self.engine.versions},
            sampling=found.sampling,
            verdict=found.verdict,
        )


class _Watched:
    """Progress of one pair.

    That of a short clip is shown once its first frames are done: bars take time to draw.
    """

    def __init__(self, progress: Progress, job: Job) -> None:
        self._progress = progress
        self._name = job.pair.distorted.video.path.name
        self._n_frames = job.pair.n_frames
        self._done = 0
        self._task: Task | None = None
        if self._n_frames > _LONG:
            self.reach(0)

    def reach(self, count: int) -> None:
        reached = min(count, self._n_frames)
        if reached < self._done:
            # A further round of sampling begins anew, with a rate of its own.
            self.finish()
            self._task, self._done = None, 0
        if self._task is None:
            total = float(self._n_frames)
            self._task = self._progress.task(self._name, total=total, unit="frames")
        self._task.advance(float(reached - self._done))
        self._done = reached

    def finish(self) -> None:
        if self._task is not None:
            self._task.finish()


def _pooled(found: FrameScores) -> Pooled:
    # The estimate of the mean has an interval; figures of predicted scores have none.
    return pool(found.scores) if found.sampling is None else Pooled(found.sampling.mean)


def _worst(found: FrameScores, times_s: Float[np.ndarray, " n_frames"]) -> tuple[WorstFrame, ...]:
    """The worst moments; in a sample, only frames with an exact score."""
    if found.sampling is None:
        return worst_frames(found.scores, times_s)
    known = np.full(len(found.scores), np.inf)
    known[list(found.sampling.exact)] = list(found.sampling.exact.values())
    return worst_frames(known, times_s, n=found.n_worst)


def _times(pair: CheckedPair, n_frames: int) -> Float[np.ndarray, " n_frames"]:
    """Times of the compared frames in the distorted video, in seconds."""
    skipped = pair.matching.runs[0].distorted
    info = pair.distorted.info
    if not info.constant_rate:
        times = frame_times(pair.distorted.video)[skipped : skipped + n_frames]
        if len(times) == n_frames:
            return times
    times = np.arange(skipped, skipped + n_frames, dtype=np.float64)
    times /= float(info.frame_rate)
    return times
