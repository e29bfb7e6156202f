# SPDX-License-Identifier: Apache-2.0
"""Scoring one pair from preflight to result, in whatever mode.

The pictures of the two beginnings are compared while ffmpeg already works, so that this care costs
next to no time; what it refuses ends the work. With `sync` they are compared first.
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

from tinyvmaf.errors import MisalignedError
from tinyvmaf.files import check_writable, working_folder
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.media.pictures import frame_times
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.alignment import Allowance
from tinyvmaf.pairs.beginnings import judge, look_at_both, shift_words
from tinyvmaf.pairs.check import Preflight, preflight
from tinyvmaf.pairs.finding import refusals, refuse, warnings
from tinyvmaf.progress import SILENT, Progress, Task
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.scoring.log_file import LogHead, log_format, write_log
from tinyvmaf.scoring.mode import EXACT, FrameScores, Job, Mode
from tinyvmaf.scoring.pooling import Pooled, pool, worst_frames
from tinyvmaf.scoring.result import Score

_PACKAGES: Final = ("numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where frame scores go, and in which of libvmaf's layouts; None takes the file's suffix."""

    path: Path
    layout: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Scores pairs; one object serves many, also at once.

    Attributes:
        mode: How.
        engine: With which ffmpeg.
        options: The command's options that give this scorer again.
        allowed: What the user accepts by name.
        sync: Whether a shift is made good instead of refused.
        threads: What ffmpeg may use for one pair.
        progress: Told of frames.
    """

    mode: Mode
    engine: FfmpegEngine
    options: tuple[str, ...] = ()
    allowed: AbstractSet[Allowance] = frozenset()
    sync: bool = False
    threads: int = 1
    progress: Progress = SILENT

    def score(self, *, reference: Video, distorted: Video, log: LogFile | None = None) -> Score:
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
            pair = self._preflight(reference, distorted)
            looking = aside.submit(self._look, pair)
            job = Job(pair=pair, engine=self.engine, folder=folder, threads=self.threads)
            found = self._run(job, looking)
            seen = looking.result()
            seconds = time.perf_counter() - started
            if log is not None and layout is not None:
                write_log(
                    log.path,
                    layout=layout,
                    head=self._head(pair, len(found.scores) / seconds),
                    scores=found.scores,
                    measured=found.log,
                )
        notes = (*pair.notes, *seen, *found.notes)
        return self._result(pair, found, seconds=seconds, notes=notes)

    def _preflight(self, reference: Video, distorted: Video) -> Preflight:
        skip = self._shift(reference, distorted) if self.sync else 0
        try:
            return preflight(
                reference=reference, distorted=distorted, allowed=self.allowed, skip=skip
            )
        except MisalignedError as error:
            shift = 0 if self.sync else self._shift(reference, distorted)
            if shift == 0:
                raise
            raise MisalignedError(
                f"{error}; {shift_words(shift)}: --sync leaves that out"
            ) from error

    def _shift(self, reference: Video, distorted: Video) -> int:
        return look_at_both(reference=reference, distorted=distorted).shift.frames

    def _run(self, job: Job, looking: "Future[tuple[str, ...]]") -> FrameScores:
        """Run the mode; stop it as soon as the pictures say that the pair does not fit."""
        watched = _Watched(self.progress, job)

        def on_frame(count: int) -> None:
            if looking.done():
                looking.result()  # raises what was found against the pair
            watched.reach(count)

        try:
            return self.mode.score(job, on_frame=on_frame)
        finally:
            watched.finish()

    def _look(self, pair: Preflight) -> tuple[str, ...]:
        """What the pictures say, in words.

        Raises:
            MisalignedError: they say that the pair must not be scored.
        """
        reference, distorted = pair.reference, pair.distorted
        seen = look_at_both(reference=reference.video, distorted=distorted.video)
        skipped = pair.alignment.skip_reference - pair.alignment.skip_distorted
        findings = list(judge(seen, reference=reference, distorted=distorted, skipped=skipped))
        refuse(refusals(findings, self.allowed))
        return warnings(findings, self.allowed)

    def _head(self, pair: Preflight, fps: float) -> LogHead:
        info = pair.reference.info
        return LogHead(
            libvmaf=self.engine.ffmpeg.libvmaf, fps=fps, width=info.width, height=info.height
        )

    def _result(
        self, pair: Preflight, found: FrameScores, *, seconds: float, notes: tuple[str, ...]
    ) -> Score:
        reference, distorted = pair.reference.video.path, pair.distorted.video.path
        times_s = _times(pair, len(found.scores))
        arguments = ["tinyvmaf", "score", str(reference), str(distorted), *self.options]
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
            worst_frames=worst_frames(found.scores, times_s),
            seconds=seconds,
            notes=notes,
            command=command_line(arguments),
            ffmpeg_command=shlex.join(found.command),
            versions={**versions(*_PACKAGES), **self.engine.versions},
            sampling=found.sampling,
        )


class _Watched:
    """Progress of one pair, announced when its first frames are there: bars take time to make."""

    def __init__(self, progress: Progress, job: Job) -> None:
        self._progress = progress
        self._name = job.pair.distorted.video.path.name
        self._n_frames = job.pair.alignment.n_frames
        self._done = 0
        self._task: Task | None = None

    def reach(self, count: int) -> None:
        if self._task is None:
            total = float(self._n_frames)
            self._task = self._progress.task(self._name, total=total, unit="frames")
        reached = min(count, self._n_frames)
        self._task.advance(float(reached - self._done))
        self._done = reached

    def finish(self) -> None:
        if self._task is not None:
            self._task.finish()


def _pooled(found: FrameScores) -> Pooled:
    pooled = pool(found.scores)
    # The estimate of the mean has a guarantee; the mean of a likely course has none.
    return pooled if found.sampling is None else replace(pooled, mean=found.sampling.mean)


def _times(pair: Preflight, n_frames: int) -> Float[np.ndarray, " n_frames"]:
    """When the distorted video shows the frames that were compared, in seconds."""
    skipped = pair.alignment.skip_distorted
    info = pair.distorted.info
    if not info.constant_rate:
        times = frame_times(pair.distorted.video)[skipped : skipped + n_frames]
        if len(times) == n_frames:
            return times
    times = np.arange(skipped, skipped + n_frames, dtype=np.float64)
    times /= float(info.frame_rate)
    return times
