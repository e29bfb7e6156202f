# SPDX-License-Identifier: Apache-2.0
"""One libvmaf pass over all frames of a pair at full size, and its log, read in parts."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.features.graph import ffmpeg_arguments
from tinyvmaf.features.log import Log, read_log_parts
from tinyvmaf.features.scorer import prove_complete
from tinyvmaf.features.sets import TARGET
from tinyvmaf.features.teacher import Teacher
from tinyvmaf.scoring.mode import Job, OnFrame


@dataclass(frozen=True, slots=True)
class FullPass:
    """A pass that has been run.

    Attributes:
        job: What it was run for.
        command: The ffmpeg command; its log goes to the folder in which it runs.
        log: What it wrote.
    """

    job: Job
    command: tuple[str, ...]
    log: Path

    def parts(self) -> Generator[Log]:
        """The log's columns, some thousand frames at a time.

        Raises:
            SchemaError: the log is not what it should be.
            ToolFailed: it has not exactly the frames of the pair.
        """
        n_scored = 0
        for part in read_log_parts(self.log):
            n_scored += len(part[TARGET])
            yield part
        pair = job_pair(self.job)
        prove_complete(pair, self.job.pair.alignment, n_scored=n_scored)


def run_full_pass(job: Job, *, teacher: Teacher, on_frame: OnFrame) -> FullPass:
    """Run libvmaf over the whole pair.

    Raises:
        ToolFailed: ffmpeg did not end well.
    """
    pair = job_pair(job)
    arguments = ffmpeg_arguments(
        reference=pair.reference,
        distorted=pair.distorted,
        alignment=job.pair.alignment,
        teacher=teacher,
        threads=job.threads,
    )
    log = job.engine.run(arguments, teacher=teacher, folder=job.folder, on_frame=on_frame)
    return FullPass(job=job, command=(str(job.engine.ffmpeg.path), *arguments), log=log)


def job_pair(job: Job) -> Pair:
    """The pair of a job, named after its files."""
    reference, distorted = job.pair.reference.video, job.pair.distorted.video
    return Pair(
        source=reference.path.stem,
        clip=distorted.path.stem,
        reference=reference,
        distorted=distorted,
    )
