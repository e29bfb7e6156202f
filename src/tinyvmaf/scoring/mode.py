# SPDX-License-Identifier: Apache-2.0
"""Inputs and results of every mode of scoring.

A mode turns an aligned pair into a score for every frame, and says how far to believe their mean.
It decides itself what ffmpeg computes; the caller has checked the pair and gives it a folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.applicability import Applicability

EXACT: Final = "exact"
MODEL: Final = "model"
SAMPLED: Final = "sampled"
MODES: Final = (EXACT, MODEL, SAMPLED)
"""The words for `--mode`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One pair to be scored.

    Attributes:
        pair: The videos and how they are compared.
        engine: The ffmpeg to use.
        folder: An empty one that lives as long as the job.
        threads: What ffmpeg may use.
    """

    pair: CheckedPair
    engine: FfmpegEngine
    folder: Path
    threads: int


@dataclass(frozen=True, slots=True)
class ModelName:
    """What made the scores.

    Attributes:
        name: Of the model.
        sha256: Of its file; None for a model that is part of libvmaf, whose version stands for it.
    """

    name: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the exact mean of the clip is expected, with what probability, and why.

    Attributes:
        low, high: In VMAF points, within [0, 100].
        level: The probability that is aimed at.
        guarantee: What is promised, as weak as it is.
    """

    low: float
    high: float
    level: float
    guarantee: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """The sample behind an estimated mean.

    Attributes:
        mean: The estimate, in VMAF points, within [0, 100].
        half_width: Of its interval, before that is cut to [0, 100].
        seed: Of the random numbers; the same seed draws the same frames.
        method: How exact scores were had: `decode` (both videos decoded) or `seek`.
        auxiliary: The auxiliary variables.
        n_looks: Rounds of drawing and looking.
        n_decodes: Decodes of both videos from end to end.
        n_decoded: Frames decoded of both videos together.
        n_outliers: Frames that formed a part of their own.
        exact: Exact scores by frame number, of the frames that were computed.
        strata_frames: The frames that were drawn with equal probability.
        percentiles: Confidence intervals of the 1st, 5th and 10th percentile, None where the sample
            is too small.
        times_cheaper: CPU time of libvmaf on every frame over ours, estimated from measured parts.
        cpu_s: CPU seconds of all programs, None if several pairs were scored at once.
        libvmaf_cpu_s: Estimated CPU seconds of libvmaf on every frame.
    """

    mean: float
    half_width: float
    seed: int
    method: str
    auxiliary: str
    n_looks: int
    n_decodes: int
    n_decoded: int
    n_outliers: int
    exact: Mapping[int, float]
    strata_frames: tuple[int, ...]
    percentiles: Mapping[str, tuple[float, float] | None]
    times_cheaper: float
    cpu_s: float | None
    libvmaf_cpu_s: float


@dataclass(frozen=True, slots=True)
class ThresholdAnswer:
    """The answer to a question about a score.

    Attributes:
        at_least: The threshold, in VMAF points.
        percentile: The percentile that was asked about, in percent; None for the mean.
        answer: `yes`, `no` or `too close to call`.
        reason: The figures behind it, in words.
    """

    at_least: float
    percentile: float | None
    answer: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameScores:
    """What a mode found.

    Attributes:
        scores: Of every frame, in [0, 100].
        command: The ffmpeg command that computed them.
        log: Libvmaf's CSV log of all frames, None if the mode did not make one.
        interval: Where the exact mean is expected; None if the mean is exact or nothing is known.
        applicability: Whether the model knows such content; None if no model was used.
        notes: What a user should know.
        sampling: The sample, if the mean was estimated; the scores are then a likely course.
        exact_by: The teacher, if a mode that would sample has left all frames to it.
        verdict: The answer, if a question was asked.
        n_worst: The worst moments that are wanted of a sample.
    """

    scores: Float[np.ndarray, " n_frames"]
    command: tuple[str, ...]
    log: Path | None = None
    interval: Interval | None = None
    applicability: Applicability | None = None
    notes: tuple[str, ...] = ()
    sampling: Sampling | None = None
    exact_by: ModelName | None = None
    verdict: ThresholdAnswer | None = None
    n_worst: int = 5


@runtime_checkable
class Mode(Protocol):
    """A way of scoring."""

    @property
    def name(self) -> str:
        """The word for `--mode`."""
        ...

    @property
    def model(self) -> ModelName:
        """What makes the scores."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that give this mode again."""
        ...

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse what this ffmpeg cannot do, before any work."""
        ...

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Score every frame of one pair."""
        ...
