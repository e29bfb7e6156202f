# SPDX-License-Identifier: Apache-2.0
"""Opinion scores as the target: leave-one-source-out at clip level, against a map of the teacher.

The input is a table whose label `mos` holds mean opinion scores; the result is a record of models
that read a clip's mean features, its mean teacher score, or both. Everything is fitted on the
training sources: the monotone cubic that must be beaten, a ridge regression whose strength is
chosen by leaving out one training source at a time, and the support vectors of
`train(target="mos")`, judged as libvmaf runs them. With few clips a network would overfit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from tinyvmaf.evaluation.compare import compare_scores
from tinyvmaf.evaluation.evidence_records import CurvePoint
from tinyvmaf.evaluation.findings import comparison_findings
from tinyvmaf.evaluation.folds import leave_one_source_out
from tinyvmaf.evaluation.metric_records import MetricValues
from tinyvmaf.evaluation.records import OPINION_SCHEMA, OpinionModel, OpinionRecord
from tinyvmaf.evaluation.sweep import subsets
from tinyvmaf.features.schema import MOS_CI
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.stats.mapping import PARAMETERS, fit_opinion_map
from tinyvmaf.stats.metrics import Metrics, aggregate, measure
from tinyvmaf.stats.p1401 import clip_block
from tinyvmaf.stats.scales import held_off
from tinyvmaf.training.archs import SVR
from tinyvmaf.training.feature_choice import choose_features
from tinyvmaf.training.opinion_fitting import (
    clip_means,
    clip_scores,
    fit_opinions,
    judged_frames,
)

BASELINE = "teacher_map"
FEATURES = "features"
BOTH = "features_and_teacher"
MODELS: Mapping[str, str] = {
    BASELINE: "monotone cubic of the clip's mean teacher score (ITU-T P.1401)",
    FEATURES: "ridge regression on the clip's mean features",
    BOTH: "ridge regression on the clip's mean features and its mean teacher score",
    SVR: "support vectors on the clip's mean features; applied to every frame and averaged, as "
    "libvmaf does",
}
"""Models of opinion scores -> their descriptions; the first is the baseline to beat."""

MARGINS: Mapping[str, float] = {"rmse": 0.05, "plcc": 0.005, "srocc": 0.005}
"""Negligible differences: points of a five-point scale, and correlation."""

_STRENGTHS = np.geomspace(1e-3, 1e3, 13)

Predict = Callable[[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]], Float[np.ndarray, " wanted"]]
"""(Clips to train on, clips to predict) -> the opinion scores of the latter."""


@dataclass(frozen=True, slots=True)
class _Clips:
    """Clips with opinions.

    Attributes:
        names: Names of the features.
        features: Mean features, a row per clip.
        frames: Features of every frame, sorted by clip.
        clip: Position of every frame's clip.
        teacher: Mean teacher scores.
        mos: Mean opinion scores.
        half_width: Half width of their 95 % intervals; None if one is missing.
        source: Position of each clip's source.
        sources: Their names.
        without: Clips of the table without opinion scores.
    """

    names: tuple[str, ...]
    features: Float[np.ndarray, "n f"]
    frames: Float[np.ndarray, "frames f"]
    clip: Int[np.ndarray, " frames"]
    teacher: Float[np.ndarray, " n"]
    mos: Float[np.ndarray, " n"]
    half_width: Float[np.ndarray, " n"] | None
    source: Int[np.ndarray, " n"]
    sources: tuple[str, ...]
    without: int


def loso_opinions(
    table: FeatureTable | Path | str,
    *,
    features: str | Sequence[str] | None = None,
    learning_curve: bool = True,
    table_origin: str = "",
) -> OpinionRecord:
    """Predict mean opinion scores of sources that were left out.

    Args:
        table: The frames, with the label `mos`, or where their table is.
        features: Inputs of the models, as `choose_features` takes them; by default those of the
            table's teacher.
        learning_curve: Also fit on subsets of the sources.
        table_origin: Origin of the table, for the reader.

    Raises:
        UsageError: the table has no opinion scores, lacks a feature, or a score lies outside
            [0, 100].
        SplitError: fewer than three sources have some.
        SchemaError: a fold has too few clips for the map, or their scores do not vary.
    """
    table = choose_features(as_table(table), features).table
    clips = _clips_of(table)
    leave_one_source_out(clips.sources)
    models = _models(clips)
    held_out = {name: _out_of_fold(clips, predict) for name, predict in models.items()}
    measured = {name: _by_source(clips, values) for name, values in held_out.items()}
    scores = {
        name: {
            metric: [held_off(getattr(each, metric), metric=metric, n=each.n) for each in by_source]
            for metric in MARGINS
        }
        for name, by_source in measured.items()
    }
    comparisons = compare_scores(
        scores,
        family={metric: ("clip", metric) for metric in ("rmse", "plcc", "srocc")},
        pairs=[(name, BASELINE) for name in MODELS if name != BASELINE],
        margins=MARGINS,
    )
    return OpinionRecord(
        schema=OPINION_SCHEMA,
        teacher=table.info.teacher,
        features=table.info.features,
        table_sha256=table.sha256,
        table_origin=table_origin,
        sources=clips.sources,
        n_clips=len(clips.mos),
        n_without_opinion=clips.without,
        models=tuple(_model(clips, name, held_out[name], measured[name]) for name in MODELS),
        comparisons=comparisons,
        learning_curve={name: _curve(clips, models[name]) for name in MODELS}
        if learning_curve
        else None,
        findings=tuple(comparison_findings(comparisons)),
        command=command_line(),
        versions=versions("numpy", "polars", "scipy"),
    )


def _clips_of(table: FeatureTable) -> _Clips:
    import polars as pl

    judged = judged_frames(table)
    first = np.flatnonzero(np.diff(judged.clip, prepend=-1))
    half_width = None
    if MOS_CI in table.info.labels:
        widths = judged.rows[MOS_CI].cast(pl.Float64)[first]
        half_width = None if widths.null_count() else widths.to_numpy()
    sources = judged.rows["source"]
    return _Clips(
        names=table.info.features,
        features=clip_means(judged.features, judged.clip),
        frames=judged.features,
        clip=judged.clip,
        teacher=clip_means(judged.rows[TARGET].to_numpy(), judged.clip),
        mos=judged.mos,
        half_width=half_width,
        source=sources.rle_id().to_numpy().astype(np.int64)[first],
        sources=tuple(sources.unique(maintain_order=True).to_list()),
        without=judged.n_without,
    )


def _models(clips: _Clips) -> dict[str, Predict]:
    """Model -> its predictions of some clips, after training on others."""

    def teacher_map(
        train: Bool[np.ndarray, " n"], wanted: Bool[np.ndarray, " n"]
    ) -> Float[np.ndarray, " wanted"]:
        found = fit_opinion_map(predicted=clips.teacher[train], mos=clips.mos[train])
        return found(clips.teacher[wanted])

    def ridge(inputs: Float[np.ndarray, "n f"]) -> Predict:
        def predict(
            train: Bool[np.ndarray, " n"], wanted: Bool[np.ndarray, " n"]
        ) -> Float[np.ndarray, " wanted"]:
            return _ridge(inputs, clips.mos, clips.source, train)[wanted]

        return predict

    def svr(
        train: Bool[np.ndarray, " n"], wanted: Bool[np.ndarray, " n"]
    ) -> Float[np.ndarray, " wanted"]:
        machine = fit_opinions(
            features=clips.features[train], mos=clips.mos[train], names=clips.names
        )
        own = wanted[clips.clip]
        return clip_scores(machine, clips.frames[own], clips.clip[own])

    both = np.column_stack([clips.features, clips.teacher])
    return {
        BASELINE: teacher_map,
        FEATURES: ridge(clips.features),
        BOTH: ridge(both),
        SVR: svr,
    }


def _ridge(
    inputs: Float[np.ndarray, "n f"],
    mos: Float[np.ndarray, " n"],
    source: Int[np.ndarray, " n"],
    train: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Predictions for all clips; the strength is chosen by leaving out training sources in turn."""
    errors = np.zeros(len(_STRENGTHS))
    known = np.unique(source[train])
    for left in known if len(known) > 1 else ():
        inner, judged = train & (source != left), train & (source == left)
        predicted = _ridge_path(inputs, mos, inner)
        errors += np.square(predicted[:, judged] - mos[judged]).mean(axis=1)
    return _ridge_path(inputs, mos, train)[int(errors.argmin()) if errors.any() else -1]


def _ridge_path(
    inputs: Float[np.ndarray, "n f"], mos: Float[np.ndarray, " n"], train: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, "strengths n"]:
    """Predictions at every strength, within the range of the training scores.

    Source: Hoerl and Kennard (1970), through the singular value decomposition.
    """
    x, y = inputs[train], mos[train]
    sd = x.std(axis=0)
    scale = np.where(sd > 0, sd, 1.0)
    u, s, vt = np.linalg.svd((x - x.mean(axis=0)) / scale, full_matrices=False)
    shrunk = s / (np.square(s) + _STRENGTHS[:, None] * len(y))
    weights = (shrunk * (u.T @ (y - y.mean()))) @ vt
    predicted = weights @ ((inputs - x.mean(axis=0)) / scale).T + y.mean()
    return np.clip(predicted, y.min(), y.max())


def _out_of_fold(clips: _Clips, predict: Predict) -> Float[np.ndarray, " n"]:
    held_out = np.empty(len(clips.mos))
    for position in range(len(clips.sources)):
        own = clips.source == position
        held_out[own] = predict(~own, own)
    return held_out


def _by_source(clips: _Clips, predicted: Float[np.ndarray, " n"]) -> list[Metrics]:
    return [
        measure(predicted=predicted[own], target=clips.mos[own])
        for position in range(len(clips.sources))
        for own in (clips.source == position,)
    ]


def _model(
    clips: _Clips, name: str, predicted: Float[np.ndarray, " n"], measured: Sequence[Metrics]
) -> OpinionModel:
    def mean(metric: str) -> float | None:
        values = [getattr(each, metric) for each in measured]
        return aggregate(values, metric="rmse").mean

    # The map was fitted inside the folds; its parameters are taken off as P.1401 does.
    block = clip_block(
        predicted=predicted,
        target=clips.mos,
        half_width=clips.half_width,
        dof=PARAMETERS if name == BASELINE else 0,
    )
    spread = aggregate([each.rmse for each in measured], metric="rmse")
    return OpinionModel(
        model=name,
        what=MODELS[name],
        per_source={
            source: MetricValues(
                plcc=each.plcc,
                srocc=each.srocc,
                krocc=each.krocc,
                rmse=each.rmse,
                mae=each.mae,
                bias=each.bias,
                undefined=each.undefined,
            )
            for source, each in zip(clips.sources, measured, strict=True)
        },
        rmse=spread.mean,
        rmse_std=spread.std,
        plcc=mean("plcc"),
        srocc=mean("srocc"),
        p1401=block,
    )


def _curve(clips: _Clips, predict: Predict) -> tuple[CurvePoint, ...]:
    rng = np.random.default_rng(0)
    points: list[CurvePoint] = []
    for size, chosen in subsets(len(clips.sources), rng).items():
        errors: list[float] = []
        for unseen in chosen:
            train = ~np.isin(clips.source, unseen)
            predicted = np.empty(len(clips.mos))
            predicted[~train] = predict(train, ~train)
            by_source = [
                float(np.sqrt(np.square(predicted[own] - clips.mos[own]).mean()))
                for position in unseen
                for own in (clips.source == position,)
            ]
            errors.append(float(np.mean(by_source)))
        points.append(
            CurvePoint(size, float(np.mean(errors)), min(errors), max(errors), len(errors))
        )
    return tuple(points)
