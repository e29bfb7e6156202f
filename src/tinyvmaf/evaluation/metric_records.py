# SPDX-License-Identifier: Apache-2.0
"""Records of measured errors: of every fold, over all folds, and of finished models.

A number that does not exist is None, with its reason in `undefined`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinyvmaf.stats.metrics import MetricName
from tinyvmaf.typed_json import OMIT


class _ByName:
    """A record whose fields include the metrics."""

    __slots__ = ()

    def of(self, metric: MetricName) -> float | None:
        """The value of `metric`."""
        return getattr(self, metric)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The table that was evaluated.

    Attributes:
        rows: Frames.
        sources: Contents.
        clips: Distorted versions of all contents.
        sha256: Hash of the rows and the teacher.
        origin: File, corpus or sample that the table came from; empty if unknown.
        versions: Versions of ffmpeg, libvmaf and tinyvmaf when the rows were computed.
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
class MetricValues(_ByName):
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
        """Metrics of one level: `frame`, or `clip` for clip means."""
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
        """Metrics of one level: `frame`, or `clip` for clip means."""
        return self.frame if level == "frame" else self.clip


@dataclass(frozen=True, slots=True)
class ModelCell(_ByName):
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


@dataclass(frozen=True, slots=True)
class ModelConcat(_ByName):
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
