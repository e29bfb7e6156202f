# SPDX-License-Identifier: Apache-2.0
"""Typed records: `tinyvmaf.loso/1`, `tinyvmaf.compare/1` and `tinyvmaf.evaluation/1`.

A record is made from a run's files and goes to JSON key by key (`to_json`) and back (`from_json`).
A number that does not exist is None, with its reason in `undefined`. Reports and findings read the
fields; nothing reads a record by string keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from tinyvmaf.stats.intervals import Interval
from tinyvmaf.stats.metrics import MetricName
from tinyvmaf.stats.p1401 import ClipBlock
from tinyvmaf.text import html_table
from tinyvmaf.typed_json import OMIT

LOSO_SCHEMA = "tinyvmaf.loso/1"
COMPARE_SCHEMA = "tinyvmaf.compare/1"
EVALUATION_SCHEMA = "tinyvmaf.evaluation/1"
OPINION_SCHEMA = "tinyvmaf.opinions/1"

Verdict = Literal["a_better", "b_better", "equivalent", "not_resolved"]


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The table that was evaluated.

    Attributes:
        rows: Frames.
        sources: Contents.
        clips: Distorted versions of all contents.
        sha256: Hash of the rows and the teacher.
        origin: File, corpus or sample that the table came from; empty if unknown.
        versions: Of ffmpeg, libvmaf and tinyvmaf when the rows were computed.
        notes: Number of notes on what was allowed or converted.
    """

    rows: int
    sources: int
    clips: int
    sha256: str
    origin: str = field(default="", metadata=OMIT)
    versions: Mapping[str, str] = field(default_factory=dict[str, str], metadata=OMIT)
    notes: int = field(default=0, metadata=OMIT)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The protocol by which sources were held out.

    Attributes:
        name: `leave-one-source-out` or `folds of whole sources`.
        n_folds: Number of folds.
        held_out: The sources of every fold, if folds hold several; else empty.
    """

    name: str
    n_folds: int
    held_out: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricValues:
    """Metrics of one set of rows; means over the seeds.

    Attributes:
        plcc: Pearson correlation in [-1, 1].
        srocc: Spearman rank correlation in [-1, 1].
        krocc: Kendall rank correlation (tau-b) in [-1, 1].
        rmse: Root mean squared error in VMAF points.
        mae: Mean absolute error in VMAF points.
        bias: Mean of predicted minus target in VMAF points.
        undefined: For every metric that is None the reason.
    """

    plcc: float | None
    srocc: float | None
    krocc: float | None
    rmse: float | None
    mae: float | None
    bias: float | None
    undefined: Mapping[str, str] = field(default_factory=dict[str, str], metadata=OMIT)

    def of(self, metric: MetricName) -> float | None:
        """The value of `metric`."""
        return getattr(self, metric)


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """One held-out source.

    Attributes:
        source: Its name.
        n_frames: Frames that were judged.
        n_clips: Clips that were judged.
        n_train: Frames that its networks trained on.
        frame: Metrics over frames.
        clip: Metrics over clip means.
        train_rmse: RMSE on the training rows in VMAF points, mean over seeds.
        fold: Number of its fold from 1, if folds hold several sources; else None.
    """

    source: str
    n_frames: int
    n_clips: int
    n_train: int
    frame: MetricValues
    clip: MetricValues
    train_rmse: float
    fold: int | None = field(default=None, metadata=OMIT)


@dataclass(frozen=True, slots=True)
class OverFolds:
    """One metric over the folds.

    Attributes:
        mean: Arithmetic mean of the folds where it exists.
        std: Their standard deviation, ddof 1.
        worst: The smallest correlation, the largest error, the bias farthest from 0.
        worst_source: The source of `worst`.
        k: Folds.
        k_eff: Folds where the metric exists.
    """

    mean: float | None
    std: float | None
    worst: float | None
    worst_source: str | None
    k: int
    k_eff: int


@dataclass(frozen=True, slots=True)
class PooledMetrics:
    """Metrics of all held-out predictions as one set.

    Attributes:
        frame: Over frames.
        clip: Over clip means.
    """

    frame: MetricValues
    clip: MetricValues

    def at(self, level: str) -> MetricValues:
        """Those over frames, or those over clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Metrics over all folds.

    Attributes:
        frame: Metric over frames -> its mean, spread and worst over folds.
        clip: The same over clip means.
        pooled: All held-out predictions as one set.
    """

    frame: Mapping[str, OverFolds]
    clip: Mapping[str, OverFolds]
    pooled: PooledMetrics

    def at(self, level: str) -> Mapping[str, OverFolds]:
        """Those over frames, or those over clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class ModelCell:
    """A model on one source.

    Attributes:
        source: Its name.
        seen: The model's use of it: `train`, `val`, `heldout` or `unknown`.
        n_frames: Frames.
        n_clips: Clips.
        plcc, srocc, krocc: Correlations over frames in [-1, 1].
        rmse, mae, bias: Errors over frames in VMAF points.
        clip: Metrics over clip means.
        undefined: For every metric that is None the reason.
    """

    source: str
    seen: str
    n_frames: int
    n_clips: int
    plcc: float | None
    srocc: float | None
    krocc: float | None
    rmse: float | None
    mae: float | None
    bias: float | None
    clip: MetricValues
    undefined: Mapping[str, str] = field(default_factory=dict[str, str], metadata=OMIT)

    def of(self, metric: MetricName) -> float | None:
        """The value of `metric`."""
        return getattr(self, metric)


@dataclass(frozen=True, slots=True)
class ModelConcat:
    """A model on all frames together.

    Attributes:
        seen: Its use of the sources (`train`, `val`, `heldout`, `unknown`), each word once.
        n_frames: Frames.
        plcc, srocc, krocc: Correlations over frames in [-1, 1].
        rmse, mae, bias: Errors over frames in VMAF points.
        clip: Metrics over clip means.
        undefined: For every metric that is None the reason.
    """

    seen: tuple[str, ...]
    n_frames: int
    plcc: float | None
    srocc: float | None
    krocc: float | None
    rmse: float | None
    mae: float | None
    bias: float | None
    clip: MetricValues
    undefined: Mapping[str, str] = field(default_factory=dict[str, str], metadata=OMIT)

    def of(self, metric: MetricName) -> float | None:
        """The value of `metric`."""
        return getattr(self, metric)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model that is not part of the sweep.

    Attributes:
        model: Its name.
        what: Its description.
        per_source: Its metrics on every source.
        concat: Its metrics on all frames together.
    """

    model: str
    what: str
    per_source: tuple[ModelCell, ...]
    concat: ModelConcat


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
        """Those over frames, or those over clip means."""
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
        """Those over frames, or those over clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """Models A and B on the same held-out sources, by one metric.

    Attributes:
        a, b: The models.
        level: `frame` or `clip`.
        metric: Compared by.
        n_sources: Sources where both have the metric.
        a_better_in: Sources where A is the better one.
        b_better_in: Sources where B is the better one.
        effect: Mean paired difference, as `effect_kind` says.
        low, high: Its exact 95 % interval; None with fewer than six sources.
        effect_kind: `ratio` (A / B), `difference of atanh` or `difference`.
        difference: Mean of A - B in the metric's unit.
        difference_low, difference_high: Its exact 90 % interval.
        p: Of the sign-flip test.
        p_adjusted: The same, adjusted for all comparisons of the family (max-T).
        exact: True if all sign patterns were gone through.
        mde: Smallest effect that the adjusted test resolves with 80 % power, by simulation of this
            test in this family; None if no effect can reach the level with so many sources.
        margin: Differences within it count as none, in the metric's unit.
        alpha: Level of the verdict.
        equivalent: True if the verdict is `equivalent`.
        verdict: `a_better`, `b_better`, `equivalent` or `not_resolved`.
        robust: True if a win is confirmed by the Nadeau-Bengio test.
        nadeau_bengio_p: p value of that test.
        wilcoxon_p: p value of the signed-rank test.
        smallest_p: The smallest p value that so many sources allow.
    """

    a: str
    b: str
    level: Literal["frame", "clip"]
    metric: MetricName
    n_sources: int
    a_better_in: int
    b_better_in: int
    effect: float | None
    low: float | None
    high: float | None
    effect_kind: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p: float
    p_adjusted: float
    exact: bool
    mde: float | None
    margin: float | None
    alpha: float
    equivalent: bool
    verdict: Verdict
    robust: bool
    nadeau_bengio_p: float | None
    wilcoxon_p: float | None
    smallest_p: float

    @property
    def is_resolvable(self) -> bool:
        """True if some effect could have reached the level with so many sources."""
        return self.smallest_p < self.alpha


@dataclass(frozen=True, slots=True)
class RankingRow:
    """Pairs of clips of one source that a model puts in the teacher's order.

    Attributes:
        model: Its name.
        threshold: Only pairs whose targets differ by more count, in VMAF points.
        accuracy: Mean over sources of the share in the right order, in [0, 1].
        low, high: Its 95 % interval.
        n_pairs: Pairs of all sources.
        n_errors: Pairs in the wrong order; a tie counts half.
    """

    model: str
    threshold: float
    accuracy: float | None
    low: float | None
    high: float | None
    n_pairs: int
    n_errors: float


@dataclass(frozen=True, slots=True)
class OptimismRow:
    """A single-split model on sources that it has seen, less the folds that did not see them.

    Attributes:
        model: Its name.
        arch: Its shape, the same as that of the folds.
        metric: Compared by.
        effect: Mean difference, seen less held out, in VMAF points.
        low, high: Its exact 95 % interval; None with fewer than six sources.
        per_source: Source -> difference.
    """

    model: str
    arch: str
    metric: str
    effect: float
    low: float | None
    high: float | None
    per_source: Mapping[str, float]


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
class SplitRow:
    """Every frame predicted by networks that had not seen its source, its group, or both.

    Attributes:
        split: Held out: `source`, `group` or `both`.
        group: Name of the label that groups the clips.
        source_seen: True if the networks trained on other clips of the frame's source.
        group_seen: True if the networks trained on other clips of the frame's group.
        networks: Networks that were trained.
        rmse: Mean over sources of their RMSE, in VMAF points.
        std: Standard deviation over sources, ddof 1.
        by_source: Source -> RMSE.
        by_group: Value of the label -> RMSE of its frames.
    """

    split: Literal["source", "group", "both"]
    group: str
    source_seen: bool
    group_seen: bool
    networks: int
    rmse: float
    std: float | None
    by_source: Mapping[str, float]
    by_group: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """A recipe that nested folds could choose.

    Attributes:
        recipe: Its name.
        rmse: Mean RMSE over the outer folds if it were always taken, in VMAF points.
        chosen_in: Outer folds that chose it.
        settings: The recipe itself.
    """

    recipe: str
    rmse: float
    chosen_in: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NestedFold:
    """The choice of one outer fold.

    Attributes:
        source: Held out.
        recipe: Chosen by the inner folds.
        inner_rmse: Its mean RMSE over the inner folds, in VMAF points.
        rmse: Its RMSE on the held-out source.
    """

    source: str
    recipe: str
    inner_rmse: float
    rmse: float


@dataclass(frozen=True, slots=True)
class NestedChoice:
    """The error of choosing a recipe by its error: nested leave-one-source-out.

    Attributes:
        recipes: Those that could be chosen.
        rmse: Mean over the outer folds of the chosen recipe's RMSE, in VMAF points.
        std: Standard deviation over the outer folds, ddof 1.
        folds: The choice of every outer fold.
    """

    recipes: tuple[RecipeRow, ...]
    rmse: float
    std: float
    folds: tuple[NestedFold, ...]


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
        splits: Other splits than by source; None if they were not asked for.
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
        kind: Of evidence, such as `comparison` or `outlier`.
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


@dataclass(frozen=True, slots=True)
class LosoRecord:
    """The evaluation of a run, `tinyvmaf.loso/1`.

    Attributes:
        schema: Name and version of this record.
        arch: Name of the network's shape.
        n_params: Weights and biases.
        recipe: Name of the recipe.
        recipe_settings: The recipe itself.
        seeds: One sweep over all folds each.
        teacher: The model that labelled the frames.
        features: Inputs of the networks, in order.
        table: The table that was evaluated.
        protocol: The protocol by which sources were held out.
        folds: Every held-out source, sorted by name.
        aggregate: Metrics over all folds.
        baselines: Models that are not part of the sweep.
        evidence: Intervals, tests and diagnosis.
        findings: Sentences made from the evidence, the most important first.
        seconds: Stage -> wall time in seconds.
        command: The call that made the run.
        versions: Package -> version.
    """

    schema: str
    arch: str
    n_params: int
    recipe: str
    recipe_settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    teacher: str
    features: tuple[str, ...]
    table: TableFacts
    protocol: Protocol
    folds: tuple[FoldRecord, ...]
    aggregate: Aggregates
    baselines: tuple[ModelRecord, ...]
    evidence: Evidence | None = field(default=None, metadata=OMIT)
    findings: tuple[Finding, ...] = field(default=(), metadata=OMIT)
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        rmse = self.aggregate.frame["rmse"]
        error = "undefined" if rmse.mean is None else f"{rmse.mean:.3f}"
        return f"<LosoRecord {self.arch}: RMSE {error} over {rmse.k_eff} held-out sources>"

    def _repr_html_(self) -> str:
        return folds_html(self)


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run that takes part in a comparison.

    Attributes:
        name: Of its folder.
        arch: Name of the network's shape.
        n_params: Weights and biases.
        recipe: Name of the recipe.
        seeds: One sweep over all folds each.
        protocol: The protocol by which sources were held out.
        n_folds: Number of folds.
        gate: The training gate.
    """

    name: str
    arch: str
    n_params: int
    recipe: str
    seeds: tuple[int, ...]
    protocol: str
    n_folds: int
    gate: Gate


@dataclass(frozen=True, slots=True)
class CompareRecord:
    """Runs against each other, `tinyvmaf.compare/1`.

    Attributes:
        schema: Name and version of this record.
        table: The table of all runs.
        runs: Those that were compared.
        comparisons: Every pair by every metric.
        findings: Sentences made from them.
    """

    schema: str
    table: TableFacts
    runs: tuple[ComparedRun, ...]
    comparisons: tuple[ComparisonRow, ...]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"<CompareRecord {', '.join(run.name for run in self.runs)}>"

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(each.sentence)}</li>' for each in self.findings)}</ul>"


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """Models on a table, `tinyvmaf.evaluation/1`.

    Attributes:
        schema: Name and version of this record.
        teacher: The model that labelled the frames.
        table: The table.
        models: The models with their metrics.
    """

    schema: str
    teacher: str
    table: TableFacts
    models: tuple[ModelRecord, ...]

    def __repr__(self) -> str:
        return f"<EvaluationRecord {', '.join(model.model for model in self.models)}>"


@dataclass(frozen=True, slots=True)
class OpinionModel:
    """A model of opinion scores on held-out sources.

    Attributes:
        model: Its name.
        what: Its description.
        per_source: Source -> metrics of its clips.
        rmse: Mean over sources, in points of the opinion scale.
        rmse_std: Standard deviation over sources, ddof 1.
        plcc: Mean over sources.
        srocc: Mean over sources.
        p1401: The statistics of ITU-T P.1401 over all clips.
    """

    model: str
    what: str
    per_source: Mapping[str, MetricValues]
    rmse: float | None
    rmse_std: float | None
    plcc: float | None
    srocc: float | None
    p1401: ClipBlock


@dataclass(frozen=True, slots=True)
class OpinionRecord:
    """Models of opinion scores, left-out sources, `tinyvmaf.opinions/1`.

    Attributes:
        schema: Name and version of this record.
        teacher: The model that labelled the frames.
        features: Features of the table.
        table_sha256: Hash of the table.
        table_origin: File, corpus or sample that the table came from; empty if unknown.
        sources: Those that were held out in turn.
        n_clips: Clips with opinions.
        n_without_opinion: Clips that were left out because they have no opinion scores.
        models: The models; the first is the map of the teacher that must be beaten.
        comparisons: Every model against that map.
        learning_curve: Model -> its error against the number of training sources.
        findings: Sentences made from the comparisons.
        command: The call that made the record.
        versions: Package -> version.
    """

    schema: str
    teacher: str
    features: tuple[str, ...]
    table_sha256: str
    table_origin: str
    sources: tuple[str, ...]
    n_clips: int
    n_without_opinion: int
    models: tuple[OpinionModel, ...]
    comparisons: tuple[ComparisonRow, ...]
    learning_curve: Mapping[str, tuple[CurvePoint, ...]] | None
    findings: tuple[Finding, ...]
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        return f"<OpinionRecord {len(self.sources)} sources, {self.n_clips} clips>"


def folds_html(record: LosoRecord) -> str:
    """The held-out sources as a small table, for notebooks."""

    def cell(value: float | None, digits: int) -> str:
        return "\N{EN DASH}" if value is None else f"{value:.{digits}f}"

    rows = [
        (
            fold.source,
            fold.n_frames,
            cell(fold.frame.plcc, 4),
            cell(fold.frame.rmse, 3),
            cell(fold.clip.rmse, 3),
        )
        for fold in record.folds
    ]
    heads = ("held out", "frames", "PLCC", "RMSE", "clip RMSE")
    return f"<p>{escape(repr(record)[1:-1])}</p>{html_table(heads, rows)}"
