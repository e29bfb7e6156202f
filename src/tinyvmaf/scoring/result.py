# SPDX-License-Identifier: Apache-2.0
"""The score of a pair: figures, their uncertainty, and the means to reproduce them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.scoring.applicability import Applicability
from tinyvmaf.scoring.mode import Interval, ModelName, Sampling, ThresholdAnswer
from tinyvmaf.scoring.pooling import Pooled, WorstFrame
from tinyvmaf.scoring.score_record import (
    SCORE_SCHEMA,
    ExactFrame,
    PooledScore,
    SamplingRecord,
    ScoreRecord,
)
from tinyvmaf.stats.shares import unseen_probability
from tinyvmaf.storage import address
from tinyvmaf.text import html_table
from tinyvmaf.typed_json import to_json

UNSEEN_SHARES: Final = (0.1, 0.01)
"""Shares of frames for which a sampled result has the probability of missing an event."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Score:
    """The score of a distorted video against its reference.

    Attributes:
        reference, distorted: The files.
        mode: Mode of scoring: `exact`, `model` or `sampled`.
        model: The model that made the scores.
        vmaf: The clip's score, pooled over frames.
        interval: Interval for the exact mean; None if `vmaf` is exact or nothing is known.
        applicability: Position in the model's training range; None without a tiny model.
        frame_scores: Score of each frame, in [0, 100].
        times_s: Time of each frame in the distorted video, in seconds.
        worst_frames: The worst moments, the worst first.
        seconds: Duration of the scoring.
        notes: Warnings, accepted findings and conversions.
        command: The command that reproduces this result.
        ffmpeg_command: The ffmpeg command inside it.
        versions: Versions of ffmpeg, libvmaf, tinyvmaf and other packages involved.
        sampling: The sample behind an estimated mean; None if every frame was scored alike. The
            scores of other frames are then predicted, and `worst_frames` are exact ones.
        verdict: The answer, if a question was asked.
    """

    reference: Path
    distorted: Path
    mode: str
    model: ModelName
    vmaf: Pooled
    interval: Interval | None
    applicability: Applicability | None
    frame_scores: Float[np.ndarray, " n_frames"]
    times_s: Float[np.ndarray, " n_frames"]
    worst_frames: tuple[WorstFrame, ...]
    seconds: float
    notes: tuple[str, ...]
    command: str
    ffmpeg_command: str
    versions: Mapping[str, str]
    sampling: Sampling | None = None
    verdict: ThresholdAnswer | None = None

    @property
    def fps(self) -> float:
        """Frames scored per second."""
        return len(self.frame_scores) / self.seconds

    def __repr__(self) -> str:
        half = "" if self.sampling is None else f" ± {self.sampling.half_width:.2f}"
        n_frames = len(self.frame_scores)
        return f"<Score VMAF {self.vmaf.mean:.2f}{half}, {n_frames} frames, mode {self.mode}>"

    def _repr_html_(self) -> str:
        interval = self.interval
        ends = "" if interval is None else f"{interval.low:.2f} to {interval.high:.2f}"
        row = (
            self.distorted.name,
            f"{self.vmaf.mean:.2f}",
            ends,
            len(self.frame_scores),
            self.mode,
        )
        return html_table(("distorted", "VMAF", "interval", "frames", "mode"), [row])

    def record(self) -> dict[str, Any]:
        """The result as JSON of schema `tinyvmaf.score/1`; frames are left to the log."""
        return to_json(self.typed_record())

    def typed_record(self) -> ScoreRecord:
        """The result as a typed record."""
        interval = self.interval
        return ScoreRecord(
            schema=SCORE_SCHEMA,
            reference=address(self.reference),
            distorted=address(self.distorted),
            vmaf=PooledScore(
                **asdict(self.vmaf),
                interval=(interval.low, interval.high) if interval else None,
                level=interval.level if interval else None,
                guarantee=interval.guarantee if interval else None,
            ),
            mode=self.mode,
            sampling=_sampling(self.sampling) if self.sampling else None,
            decision=self.verdict,
            model=self.model,
            frames=len(self.frame_scores),
            worst_frames=self.worst_frames,
            applicability=self.applicability,
            notes=self.notes,
            fps=self.fps,
            command=self.command,
            ffmpeg_command=self.ffmpeg_command,
            versions=self.versions,
        )


def _sampling(sampling: Sampling) -> SamplingRecord:
    n_drawn = len(sampling.strata_frames)
    return SamplingRecord(
        seed=sampling.seed,
        method=sampling.method,
        auxiliary=sampling.auxiliary,
        looks=sampling.n_looks,
        decodes=sampling.n_decodes,
        decoded_frames=sampling.n_decoded,
        outlier_frames=sampling.n_outliers,
        half_width=sampling.half_width,
        percentiles=sampling.percentiles,
        unseen_probability={
            f"{share:g}": unseen_probability(share, n_exact=n_drawn) for share in UNSEEN_SHARES
        },
        times_cheaper=sampling.times_cheaper,
        times_cheaper_measured=sampling.times_cheaper_measured,
        cpu_s=sampling.cpu_s,
        libvmaf_cpu_s=sampling.libvmaf_cpu_s,
        exact_frames=tuple(ExactFrame(frame, vmaf) for frame, vmaf in sampling.exact.items()),
    )
