# SPDX-License-Identifier: Apache-2.0
"""Inputs and results of every mode of scoring.

A mode turns a checked pair into a score for every frame, with the uncertainty of their mean. It
decides what ffmpeg computes; the caller has checked the pair and provides a folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.applicability import Applicability

EXACT: Final = "exact"
MODEL: Final = "model"
SAMPLED: Final = "sampled"
MODES: Final = (EXACT, MODEL, SAMPLED)
"""The values of `--mode`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One pair to be scored.

    Attributes:
        pair: The videos and how they are compared.
        engine: The ffmpeg to use.
        folder: An empty folder that exists as long as the job.
        threads: Number of threads that ffmpeg may use.
        pictures: Whether a pass over all frames writes small pictures of them into `folder`.
    """

    pair: CheckedPair
    engine: FfmpegEngine
    folder: Path
    threads: int
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class ModelName:
    """The model that made the scores.

    Attributes:
        name: The model's name.
        sha256: Hash of its file; None for a model of libvmaf, which its version identifies.
    """

    name: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Interval for the clip's exact mean, with its nominal coverage and guarantee.

    Attributes:
        low, high: Ends, in VMAF points, within [0, 100].
        level: Nominal coverage.
        guarantee: The guarantee on the coverage, in words.
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
        half_width: Half the width of its interval, before it is cut to [0, 100].
        seed: Seed of the random numbers; the same seed samples the same frames.
        method: Method for exact scores: `decode` (both videos decoded) or `seek`.
        auxiliary: The auxiliary variables.
        n_looks: Number of sampling rounds, each with a look at the interval.
        n_decodes: Decodes of both videos from end to end.
        n_decoded: Frames decoded, of both videos together.
        n_outliers: Frames in the stratum of outliers.
        exact: Exact scores by frame number, of the frames that were computed.
        strata_frames: The frames that were sampled with equal probability.
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

    @property
    def times_cheaper_measured(self) -> float | None:
        """Estimated CPU time of libvmaf on every frame over the CPU time that we took."""
        return self.libvmaf_cpu_s / self.cpu_s if self.cpu_s else None


@dataclass(frozen=True, slots=True)
class ThresholdAnswer:
    """The answer to a question about a score.

    Attributes:
        at_least: The threshold, in VMAF points.
        percentile: The percentile in question, in percent; None for the mean.
        answer: `yes`, `no` or `too close to call`.
        reason: The figures behind it, in words.
    """

    at_least: float
    percentile: float | None
    answer: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameScores:
    """The result of a mode.

    Attributes:
        scores: Score of every frame, in [0, 100].
        command: The ffmpeg command that computed them.
        log: Libvmaf's CSV log of all frames, None if the mode did not make one.
        interval: Interval for the exact mean; None if the mean is exact or nothing is known.
        applicability: Position in the model's training range; None if no model was used.
        notes: Notes for the user.
        sampling: The sample, if the mean was estimated; `scores` are then predictions.
        exact_by: The teacher, if the mode `sampled` fell back to scoring all frames with it.
        verdict: The answer, if a question was asked.
        n_worst: Number of worst moments to report for a sample.
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

    @property
    def mean(self) -> float:
        """The mean score, estimated or exact."""
        return self.sampling.mean if self.sampling is not None else float(self.scores.mean())

    @property
    def half_width(self) -> float:
        """Half the width of its interval; 0 if the mean is exact."""
        return self.sampling.half_width if self.sampling is not None else 0.0


@runtime_checkable
class Mode(Protocol):
    """A method of scoring."""

    @property
    def name(self) -> str:
        """The value of `--mode`."""
        ...

    @property
    def model(self) -> ModelName:
        """The model that makes the scores."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that select this mode."""
        ...

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse a mode that this ffmpeg cannot run, before any work."""
        ...

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Score every frame of one pair."""
        ...


def check_level(level: float) -> float:
    """The level, if it is valid.

    Raises:
        UsageError: it is not a probability between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"`level={level:g}`: expected a probability between 0 and 1, such as 0.9")
    return level
