# SPDX-License-Identifier: Apache-2.0
"""Records of the evidence behind a run's errors: the training gate, intervals and diagnosis.

They are None where the training gate was not passed: nothing is inferred from undertrained models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tinyvmaf.evaluation.comparison_records import ComparisonRow, OptimismRow, RankingRow
from tinyvmaf.evaluation.split_records import NestedChoice, SplitRow
from tinyvmaf.stats.intervals import Interval
from tinyvmaf.stats.p1401 import ClipBlock
from tinyvmaf.typed_json import OMIT


@dataclass(frozen=True, slots=True)
class Doubling:
    """The held-out error after half the steps and after all of them.

    Attributes:
        steps: Half the recipe's steps.
        folds: Folds that were trained with either number of steps.
        rmse: Mean RMSE on the held-out sources after half the steps, in VMAF points.
        doubled_rmse: The same after all steps.
        change: Relative change from the former to the latter.
    """

    steps: int
    folds: int
    rmse: float
    doubled_rmse: float
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """The training gate.

    Attributes:
        passed: False for models that are undertrained.
        outcome: `trained`, `undertrained`, or `unchecked` if twice the steps were not tried.
        train_rmse: On the models' own training rows, in VMAF points.
        limit: The training RMSE that must not be reached.
        doubling: The effect of twice the steps; None if it was not tried.
        reason: The verdict in words.
    """

    passed: bool
    outcome: Literal["trained", "undertrained", "unchecked"]
    train_rmse: float
    limit: float
    doubling: Doubling | None
    reason: str


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The unit of inference, and the effective number of independent errors.

    Attributes:
        n_sources: Sources, the unit of inference.
        n_clips: Clips.
        n_frames: Frames.
        icc_clip: Intraclass correlation of errors within clips.
        icc_source: Intraclass correlation of errors within sources.
        n_eff_clip: Effective number of frames by the former.
        n_eff_source: Effective number of frames by the latter.
    """

    n_sources: int
    n_clips: int
    n_frames: int
    icc_clip: float | None
    icc_source: float | None
    n_eff_clip: float | None
    n_eff_source: float | None


@dataclass(frozen=True, slots=True)
class RmseWeighting:
    """The RMSE of all folds together in VMAF points, mean over seeds.

    Attributes:
        frame_weighted: Every frame counts once.
        source_weighted: Every source counts once.
    """

    frame_weighted: float
    source_weighted: float


@dataclass(frozen=True, slots=True)
class PooledParts:
    """The pooled PLCC as a sum, mean over seeds.

    Attributes:
        within: Its part from within the sources.
        between: Its part from between the sources.
    """

    within: float
    between: float


@dataclass(frozen=True, slots=True)
class SeedErrors:
    """The spread of the RMSE between seeds; it needs three seeds.

    Attributes:
        n: Seeds.
        sd_per_fold: Standard deviation over seeds of every fold's RMSE; None below three seeds.
        se_headline: Standard error of the fold mean over seeds; None below three seeds.
    """

    n: int
    sd_per_fold: tuple[float, ...] | None
    se_headline: float | None


Intervals = Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True)
class PooledIntervals:
    """Intervals of the pooled metrics.

    Attributes:
        frame: Metric over frames -> jackknife interval.
        clip: The same over clip means.
    """

    frame: Intervals
    clip: Intervals

    def at(self, level: str) -> Intervals:
        """Metrics of one level: `frame`, or `clip` for clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class IntervalsRecord:
    """Confidence intervals over sources.

    Attributes:
        frame: Metric over frames -> interval of its mean over folds on the stabilised scale.
        clip: The same over clip means.
        pooled: Intervals of the pooled metrics.
        nadeau_bengio: Intervals widened for shared training sources.
        rmse_weighting: The RMSE of all folds together.
        pooled_parts: The pooled PLCC as a sum; None where it is undefined.
        seeds: The spread between seeds.
    """

    frame: Intervals
    clip: Intervals
    pooled: PooledIntervals
    nadeau_bengio: Intervals
    rmse_weighting: RmseWeighting
    pooled_parts: PooledParts | None
    seeds: SeedErrors

    def at(self, level: str) -> Intervals:
        """Metrics of one level: `frame`, or `clip` for clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class DiagnosisRow:
    """Diagnosis of one held-out source.

    Attributes:
        source: Its name.
        rmse: Over frames in VMAF points, mean over seeds.
        bias_share: Share of the squared error that is a difference of means.
        slope_share: Share that is a spread which does not fit the correlation.
        residual_share: Share that no straight line removes.
        sd_teacher: Standard deviation of the teacher's scores.
        saturated_share: Share of frames at 0 or 100.
        corrected_plcc: PLCC corrected to the typical range of scores.
        dissimilarity: Median dissimilarity of its features to those of the training sources.
        outside_share: Share of its frames beyond the threshold of dissimilarity.
        flagged: True if the median lies beyond the threshold.
        ols_rmse: RMSE of least squares on the same fold.
        knn_rmse: RMSE of nearest neighbours on the same fold.
        deleted_t_p: p value that it is an outlier among the folds, adjusted for their number.
        seed_sd: Standard deviation of its RMSE over seeds; None below three seeds.
    """

    source: str
    rmse: float | None
    bias_share: float | None
    slope_share: float | None
    residual_share: float | None
    sd_teacher: float
    saturated_share: float
    corrected_plcc: float | None
    dissimilarity: float | None
    outside_share: float | None
    flagged: bool
    ols_rmse: float | None
    knn_rmse: float | None
    deleted_t_p: float | None
    seed_sd: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The error on unseen sources after training on some of the sources.

    Attributes:
        n_sources: Training sources.
        rmse_mean: Mean RMSE of the unseen sources over all subsets, in VMAF points.
        rmse_low: Smallest of a subset.
        rmse_high: Largest of a subset.
        n_repeats: Subsets.
    """

    n_sources: int
    rmse_mean: float
    rmse_low: float
    rmse_high: float
    n_repeats: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Intervals, tests and diagnosis; None where the training gate was not passed.

    Attributes:
        gate: The training gate.
        unit: The unit of inference.
        intervals: Confidence intervals over sources.
        comparisons: The sweep's model against every baseline on held-out sources.
        ranking: Order of the clips of one source.
        optimism: Effect of having seen a source.
        diagnosis: Diagnosis of every source.
        learning_curve: Error against the number of training sources; None if it was not asked for.
        p1401: The statistics of ITU-T P.1401.
        splits: Other splits than by source; None if they were not asked for, empty if they or
            `nested` were and the training gate was not passed.
        nested: The choice of a recipe inside the folds; None if it was not asked for.
    """

    gate: Gate
    unit: SampleSize
    intervals: IntervalsRecord
    comparisons: tuple[ComparisonRow, ...] | None = None
    ranking: tuple[RankingRow, ...] | None = None
    optimism: tuple[OptimismRow, ...] | None = None
    diagnosis: tuple[DiagnosisRow, ...] | None = None
    learning_curve: tuple[CurvePoint, ...] | None = None
    p1401: ClipBlock | None = None
    splits: tuple[SplitRow, ...] | None = field(default=None, metadata=OMIT)
    nested: NestedChoice | None = field(default=None, metadata=OMIT)


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence that is a function of one part of the evidence.

    Attributes:
        kind: Kind of evidence, such as `comparison` or `outlier`.
        subject: The model or source that it is about.
        verdict: In a word.
        sentence: In words.
        data: The numbers that it was made from.
    """

    kind: str
    subject: str
    verdict: str
    sentence: str
    data: Mapping[str, Any]
