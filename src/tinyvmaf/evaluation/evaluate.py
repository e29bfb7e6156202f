# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a run, and of finished models on a table, as records.

A run's record is computed from its files alone; reports only print it. Fold values are means over
seeds; every aggregate says over how many folds it is. A metric that does not exist is None, with
its reason in `undefined`.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.baselines import CONSTANT, predict_all, seen_sources
from tinyvmaf.evaluation.findings import findings
from tinyvmaf.evaluation.metric_records import (
    Aggregates,
    FoldRecord,
    MetricValues,
    ModelCell,
    ModelConcat,
    ModelRecord,
    OverFolds,
    PooledMetrics,
    TableFacts,
)
from tinyvmaf.evaluation.predictions import (
    Level,
    MeasuredFold,
    baseline_rows,
    by_seed,
    by_source,
    clip_means,
    keyed,
    measure_folds,
    measure_rows,
    of_model,
)
from tinyvmaf.evaluation.records import (
    EVALUATION_SCHEMA,
    LOSO_SCHEMA,
    EvaluationRecord,
    LosoRecord,
    folds_html,
)
from tinyvmaf.evaluation.run_evidence import gather_evidence
from tinyvmaf.evaluation.run_files import RunFiles, protocol, read_files, table_facts
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.stats.metrics import CORRELATIONS, METRICS, Metrics, aggregate

if TYPE_CHECKING:
    import polars as pl


def evaluate(
    table: FeatureTable | Path | str,
    models: Sequence[Model | Path | str],
    *,
    features: Sequence[str] | None = None,
) -> EvaluationRecord:
    """Evaluate finished models on a table, without training anything.

    Args:
        table: The frames, or where their table is.
        models: Models, files or shipped names; at least one.
        features: Order of the inputs, for models that do not record it.

    Returns:
        Each model per source (with its role in training), per clip and on all frames together.

    Raises:
        UsageError: no model is given, or one reads a feature that the table does not have.
    """
    import polars as pl

    if not models:
        raise UsageError("no model given; name at least one")
    table = as_table(table)
    loaded = [
        model if isinstance(model, Model) else load_model(str(model), features=features)
        for model in models
    ]
    described = {model.name: f"sha256 {model.sha256[:12]}" for model in loaded}
    keys = keyed(table)
    rows = pl.concat(
        baseline_rows(
            keys,
            model=model.name,
            models=list(described),
            predicted=predict_all(model, table),
            seen=seen_sources(model.card, table.sources),
        )
        for model in loaded
    )
    return EvaluationRecord(
        schema=EVALUATION_SCHEMA,
        teacher=table.info.teacher,
        table=TableFacts(
            rows=table.rows.height,
            sources=len(table.sources),
            clips=table.n_clips,
            sha256=table.sha256,
        ),
        models=evaluate_models(rows, described),
    )


def evaluate_run(run: RunFiles) -> LosoRecord:
    """The record of `run`."""
    facts = run.facts
    measured = measure_folds(run.predictions)
    folds = _folds(run, measured)
    seeds = by_seed(run.predictions)
    found = gather_evidence(run, measured)
    pooled = PooledMetrics(
        frame=_over_seeds([measure_rows(rows) for rows in seeds]),
        clip=_over_seeds([measure_rows(clip_means(rows)) for rows in seeds]),
    )
    return LosoRecord(
        schema=LOSO_SCHEMA,
        arch=facts.arch,
        n_params=facts.n_params,
        recipe=facts.recipe,
        recipe_settings=dict(facts.recipe_settings),
        seeds=facts.seeds,
        teacher=facts.teacher,
        features=facts.features,
        table=table_facts(facts),
        protocol=protocol(facts),
        folds=folds,
        aggregate=Aggregates(
            frame=_over_folds(folds, "frame"), clip=_over_folds(folds, "clip"), pooled=pooled
        ),
        baselines=evaluate_models(run.baselines, facts.baselines),
        evidence=found,
        findings=findings(found, arch=facts.arch),
        seconds=dict(facts.seconds),
        command=facts.command,
        versions=dict(facts.versions),
    )


def evaluate_models(rows: "pl.DataFrame", described: Mapping[str, str]) -> tuple[ModelRecord, ...]:
    """Models on whole tables: per source with what they knew of it, and all frames together.

    Args:
        rows: `model, seen, source, clip, frame, vmaf, predicted`.
        described: Model -> its description; models come in this order.
    """
    return tuple(
        _model_record(of_model(rows, model), model, words) for model, words in described.items()
    )


def _folds(run: RunFiles, measured: Sequence[MeasuredFold]) -> tuple[FoldRecord, ...]:
    number = {
        source: number
        for number, sources in enumerate(run.facts.held_out, start=1)
        for source in sources
    }
    records: list[FoldRecord] = []
    for fold in measured:
        trained = [facts for facts in run.facts.folds if facts.source == fold.source]
        records.append(
            FoldRecord(
                source=fold.source,
                n_frames=fold.n_frames,
                n_clips=fold.n_clips,
                n_train=trained[0].n_train,
                frame=_over_seeds(fold.frame),
                clip=_over_seeds(fold.clip),
                train_rmse=float(np.mean([facts.train_rmse for facts in trained])),
                fold=number.get(fold.source),
            )
        )
    return tuple(records)


def _over_seeds(measured: Sequence[Metrics]) -> MetricValues:
    """Each metric's mean over the seeds where it exists for all of them."""

    def mean(values: Sequence[float | None]) -> float | None:
        return None if None in values else float(np.mean(cast("list[float]", values)))

    undefined = {name: reason for item in measured for name, reason in item.undefined.items()}
    return MetricValues(
        plcc=mean([item.plcc for item in measured]),
        srocc=mean([item.srocc for item in measured]),
        krocc=mean([item.krocc for item in measured]),
        rmse=mean([item.rmse for item in measured]),
        mae=mean([item.mae for item in measured]),
        bias=mean([item.bias for item in measured]),
        undefined=undefined,
    )


def _over_folds(folds: Sequence[FoldRecord], level: Level) -> dict[str, OverFolds]:
    record: dict[str, OverFolds] = {}
    for name in METRICS:
        values = [(fold.frame if level == "frame" else fold.clip).of(name) for fold in folds]
        found = aggregate(values, metric=name)
        record[name] = OverFolds(
            mean=found.mean,
            std=found.std,
            worst=found.worst,
            worst_source=None if found.worst_fold is None else folds[found.worst_fold].source,
            k=found.k,
            k_eff=found.k_eff,
        )
    return record


def _model_record(rows: "pl.DataFrame", model: str, words: str) -> ModelRecord:
    cells: list[ModelCell] = []
    for part in by_source(rows):
        own = _model_metrics(part, model)
        cells.append(
            ModelCell(
                source=part["source"][0],
                seen=part["seen"][0],
                n_frames=part.height,
                n_clips=part["clip"].n_unique(),
                plcc=own.plcc,
                srocc=own.srocc,
                krocc=own.krocc,
                rmse=own.rmse,
                mae=own.mae,
                bias=own.bias,
                clip=_model_metrics(clip_means(part), model),
                undefined=own.undefined,
            )
        )
    whole = _model_metrics(rows, model)
    return ModelRecord(
        model=model,
        what=words,
        per_source=tuple(cells),
        concat=ModelConcat(
            seen=tuple(sorted({cell.seen for cell in cells})),
            n_frames=rows.height,
            plcc=whole.plcc,
            srocc=whole.srocc,
            krocc=whole.krocc,
            rmse=whole.rmse,
            mae=whole.mae,
            bias=whole.bias,
            clip=_model_metrics(clip_means(rows), model),
            undefined=whole.undefined,
        ),
    )


def _model_metrics(rows: "pl.DataFrame", model: str) -> MetricValues:
    found = _over_seeds([measure_rows(rows)])
    if model != CONSTANT:
        return found
    # Leaving out a high source lowers the mean of the others: over folds the constant is
    # anticorrelated with the target by construction, which says nothing.
    reason = "the constant differs between folds only because they are folds"
    return MetricValues(
        plcc=None,
        srocc=None,
        krocc=None,
        rmse=found.rmse,
        mae=found.mae,
        bias=found.bias,
        undefined={**found.undefined, **dict.fromkeys(CORRELATIONS, reason)},
    )


class Run(RunFiles):
    """A sweep in memory: the contents of its files, and `record`, which is computed from them."""

    @cached_property
    def record(self) -> LosoRecord:
        """The evaluation, `tinyvmaf.loso/1`."""
        return evaluate_run(self)

    def __repr__(self) -> str:
        sources = len({fold.source for fold in self.facts.folds})
        return f"<Run {self.facts.arch}, {sources} held-out sources, seeds {self.facts.seeds}>"

    def _repr_html_(self) -> str:
        return folds_html(self.record)


def read_run(folder: Path) -> Run:
    """Read a run that `loso` wrote.

    Raises:
        UsageError: there is no run in this folder.
        SchemaError: a file of it is damaged or of another version.
    """
    found = read_files(folder)
    return Run(found.facts, found.predictions, found.baselines)
