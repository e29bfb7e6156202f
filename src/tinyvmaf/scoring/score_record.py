# SPDX-License-Identifier: Apache-2.0
"""Typed records of the JSON of `score`: of a pair, of a pair that failed, and of a ladder.

The published schemas and `docs/reference/records.md` are generated from these classes. A value
that does not exist is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyvmaf.scoring.applicability import Applicability
from tinyvmaf.scoring.mode import ModelName, ThresholdAnswer
from tinyvmaf.scoring.pooling import WorstFrame
from tinyvmaf.scoring.target import Target

SCORE_SCHEMA = "tinyvmaf.score/1"
FAILURE_SCHEMA = "tinyvmaf.failure/1"
LADDER_SCHEMA = "tinyvmaf.ladder/1"


@dataclass(frozen=True, slots=True)
class PooledScore:
    """The clip's score, pooled over its frames, with the interval of its mean.

    Attributes:
        mean: Arithmetic mean in [0, 100], libvmaf's default.
        harmonic_mean: Harmonic mean; None, like all that follow, if only some frames are known.
        min: Score of the worst frame.
        p1, p5, p10: 1st, 5th and 10th percentile over frames.
        interval: Ends of the interval in which the exact mean is expected; None if `mean` is exact
            or nothing is known.
        level: Nominal coverage of the interval in (0, 1).
        guarantee: The guarantee on the interval's coverage, in words.
    """

    mean: float
    harmonic_mean: float | None
    min: float | None
    p1: float | None
    p5: float | None
    p10: float | None
    interval: tuple[float, float] | None
    level: float | None
    guarantee: str | None


@dataclass(frozen=True, slots=True)
class ExactFrame:
    """A frame that libvmaf itself has scored.

    Attributes:
        frame: Its number, from 0 on, among the frames that were compared.
        vmaf: Its score in [0, 100].
    """

    frame: int
    vmaf: float


@dataclass(frozen=True, slots=True)
class SamplingRecord:
    """The sample behind an estimated mean.

    Attributes:
        seed: Seed of the random numbers; the same seed samples the same frames.
        method: Method for exact scores: `decode` (both videos decoded) or `seek`.
        auxiliary: The auxiliary variables of every frame.
        looks: Number of sampling rounds, each with a look at the interval.
        decodes: Decodes of both videos from end to end.
        decoded_frames: Frames decoded, of both videos together.
        outlier_frames: Frames in the stratum of outliers.
        half_width: Half the width of the interval, before it is cut to [0, 100].
        percentiles: Name -> ends of the confidence interval of a percentile over frames, None where
            the sample is too small.
        unseen_probability: Share of frames -> probability that the sample misses such an event.
        times_cheaper: CPU time of libvmaf on every frame over ours, estimated from measured parts.
        times_cheaper_measured: The same with our CPU time as measured; None where it was not.
        cpu_s: CPU time of all programs; None if several pairs were scored at once.
        libvmaf_cpu_s: Estimated CPU time of libvmaf on every frame.
        exact_frames: The frames that libvmaf scored.
    """

    seed: int
    method: str
    auxiliary: str
    looks: int
    decodes: int
    decoded_frames: int
    outlier_frames: int
    half_width: float
    percentiles: Mapping[str, tuple[float, float] | None]
    unseen_probability: Mapping[str, float]
    times_cheaper: float
    times_cheaper_measured: float | None
    cpu_s: float | None
    libvmaf_cpu_s: float
    exact_frames: tuple[ExactFrame, ...]


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """The score of a pair.

    Attributes:
        schema: Name and version of this record.
        reference, distorted: Path or address of the video.
        vmaf: The clip's score.
        mode: Mode of scoring: `exact`, `model` or `sampled`.
        sampling: The sample behind an estimated mean; None if every frame was scored alike.
        decision: The answer, if a question was asked.
        model: The model that made the scores.
        frames: Frames that were compared.
        worst_frames: The worst moments, the worst first, at least half a second apart.
        applicability: Position in the model's training range; None without a tiny model.
        notes: Warnings, conversions and accepted findings.
        fps: Frames scored per second, checks included.
        command: The command that reproduces this result.
        ffmpeg_command: The ffmpeg command inside it.
        versions: Package or program -> version.
    """

    schema: str
    reference: str
    distorted: str
    vmaf: PooledScore
    mode: str
    sampling: SamplingRecord | None
    decision: ThresholdAnswer | None
    model: ModelName
    frames: int
    worst_frames: tuple[WorstFrame, ...]
    applicability: Applicability | None
    notes: tuple[str, ...]
    fps: float
    command: str
    ffmpeg_command: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A pair without a score.

    Attributes:
        schema: Name and version of this record.
        reference, distorted: Path or address of the video.
        error: The failure, its cause and the cure, in one line.
    """

    schema: str
    reference: str
    distorted: str
    error: str


@dataclass(frozen=True, slots=True)
class DifferenceRecord:
    """The mean score of one encode minus that of another.

    Attributes:
        mean: The difference.
        half_width: Half the width of its confidence interval; 0 if all frames are known.
        resolved: True if the interval excludes 0.
    """

    mean: float
    half_width: float
    resolved: bool


@dataclass(frozen=True, slots=True)
class RungRecord:
    """One encode of a ladder.

    Attributes:
        codec: Ffmpeg's name of its decoder.
        width, height: Picture size, in pixels.
        bitrate_kbps: Bitrate of its video stream.
        crf: The constant rate factor in its file name; None without one.
        difference: Its mean score minus that of the encode that the ladder is compared with; None
            for that encode itself.
        score: Its score.
    """

    codec: str
    width: int
    height: int
    bitrate_kbps: float
    crf: float | None
    difference: DifferenceRecord | None
    score: ScoreRecord


@dataclass(frozen=True, slots=True)
class FailedEncode:
    """An encode of a ladder without a score.

    Attributes:
        distorted: The file.
        error: The failure, its cause and the cure, in one line.
    """

    distorted: str
    error: str


@dataclass(frozen=True, slots=True)
class LadderRecord:
    """Encodes of one reference, scored on the same frames.

    Attributes:
        schema: Name and version of this record.
        reference: The file.
        against: The encode that differences are taken from; None if no encode has a score.
        level: Nominal coverage of all intervals.
        encodes: The encodes that have a score, by codec, size and bitrate.
        targets: The bitrate at which each codec and size reaches the target, if one was given.
        failures: The encodes without a score.
        seconds: Duration of the scoring.
    """

    schema: str
    reference: str
    against: str | None
    level: float
    encodes: tuple[RungRecord, ...]
    targets: tuple[Target, ...]
    failures: tuple[FailedEncode, ...]
    seconds: float
