# SPDX-License-Identifier: Apache-2.0
"""The mode `exact`: libvmaf's own score of every frame. Nothing is estimated."""

from contextlib import closing
from dataclasses import dataclass

from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.all_frames import joined, run_all_frames
from tinyvmaf.scoring.mode import EXACT, FrameScores, Job, ModelName


@dataclass(frozen=True, slots=True)
class ExactMode:
    """Scores every frame with the teacher."""

    teacher: Teacher

    @property
    def name(self) -> str:
        """The value of `--mode`."""
        return EXACT

    @property
    def model(self) -> ModelName:
        """The teacher; one that is part of libvmaf has no file to hash."""
        return ModelName(self.teacher.name, self.teacher.sha256)

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that select this mode."""
        return ("--mode", EXACT, "--teacher", str(self.teacher.path or self.teacher.name))

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse a teacher that this build's libvmaf does not have."""
        engine.check(self.teacher)

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Run libvmaf over the pair."""
        run = run_all_frames(job, teacher=self.teacher, on_frame=on_frame)
        with closing(run.parts()) as parts:
            scores = joined(part[TARGET] for part in parts)
        return FrameScores(scores=scores, command=run.command, log=run.log)
