# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a run as one JSON record, `tinyvmaf.loso/1`, computed from its files alone.

Reports only print what stands here. Fold values are means over seeds; every aggregate says over
how many folds it is. A metric that does not exist is null, with its reason in `undefined`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinyvmaf.evaluation.baselines import CONSTANT
from tinyvmaf.evaluation.metrics import MetricName, Metrics, aggregate, measure
from tinyvmaf.evaluation.run import Run
from tinyvmaf.features.sets import TARGET

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "tinyvmaf.loso/1"

METRICS: tuple[MetricName, ...] = ("plcc", "srocc", "krocc", "rmse", "mae", "bias")

Record = dict[str, Any]


def evaluate_run(run: Run) -> Record:
    """The record of `run`."""
    facts = run.facts
    folds = _folds(run)
    return {
        "schema": SCHEMA,
        "arch": facts.arch,
        "n_params": facts.n_params,
        "recipe": facts.recipe,
        "recipe_settings": dict(facts.recipe_settings),
        "seeds": list(facts.seeds),
        "teacher": facts.teacher,
        "features": list(facts.features),
        "table": dict(facts.table),
        "folds": folds,
        "aggregate": {
            "frame": _aggregate(folds, "frame"),
            "clip": _aggregate(folds, "clip"),
            "pooled": {
                "frame": _over_seeds([_measured(rows) for rows in _by_seed(run.predictions)]),
                "clip": _over_seeds(
                    [_measured(clip_means(rows)) for rows in _by_seed(run.predictions)]
                ),
            },
        },
        "baselines": evaluate_models(run.baselines, facts.baselines),
        "seconds": dict(facts.seconds),
        "command": facts.command,
        "versions": dict(facts.versions),
    }


def evaluate_models(rows: "pl.DataFrame", described: Mapping[str, str]) -> list[Record]:
    """Models on whole tables: per source with what they knew of it, and all frames together.

    Args:
        rows: `model, seen, source, clip, frame, vmaf, predicted`.
        described: Model -> what it is, in words; models come in this order.
    """
    import polars as pl

    return [
        _model_record(rows.filter(pl.col("model") == model), model, words)
        for model, words in described.items()
    ]


def clip_means(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Mean target and mean prediction of every clip: libvmaf's default pooling, on both sides."""
    import polars as pl

    return (
        rows.group_by("source", "clip", maintain_order=True)
        .agg(pl.col(TARGET).mean(), pl.col("predicted").cast(pl.Float64).mean())
        .sort("source", "clip")
    )


def _folds(run: Run) -> list[Record]:
    import polars as pl

    records: list[Record] = []
    for source in sorted(run.predictions["source"].unique().to_list()):
        rows = run.predictions.filter(pl.col("source") == source)
        seeds = _by_seed(rows)
        trained = [fold for fold in run.facts.folds if fold.source == source]
        records.append(
            {
                "source": source,
                "n_frames": seeds[0].height,
                "n_clips": seeds[0]["clip"].n_unique(),
                "n_train": trained[0].n_train,
                "frame": _over_seeds([_measured(part) for part in seeds]),
                "clip": _over_seeds([_measured(clip_means(part)) for part in seeds]),
                "train_rmse": float(np.mean([fold.train_rmse for fold in trained])),
            }
        )
    return records


def _by_seed(rows: "pl.DataFrame") -> list["pl.DataFrame"]:
    return rows.partition_by("seed", maintain_order=True)


def _measured(rows: "pl.DataFrame") -> Metrics:
    return measure(predicted=rows["predicted"].to_numpy(), target=rows[TARGET].to_numpy())


def _over_seeds(measured: Sequence[Metrics]) -> Record:
    """Each metric's mean over the seeds where it exists for all of them."""
    record: Record = {}
    for name in METRICS:
        values = [getattr(item, name) for item in measured]
        record[name] = None if None in values else float(np.mean(values))
    undefined = {name: reason for item in measured for name, reason in item.undefined.items()}
    if undefined:
        record["undefined"] = undefined
    return record


def _aggregate(folds: Sequence[Record], level: str) -> Record:
    record: Record = {}
    for name in METRICS:
        found = aggregate([fold[level][name] for fold in folds], metric=name)
        worst = None if found.worst_fold is None else folds[found.worst_fold]["source"]
        record[name] = {
            "mean": found.mean,
            "std": found.std,
            "worst": found.worst,
            "worst_source": worst,
            "k": found.k,
            "k_eff": found.k_eff,
        }
    return record


def _model_record(rows: "pl.DataFrame", model: str, words: str) -> Record:
    per_source = [
        {
            "source": part["source"][0],
            "seen": part["seen"][0],
            "n_frames": part.height,
            "n_clips": part["clip"].n_unique(),
            **_model_metrics(part, model),
            "clip": _model_metrics(clip_means(part), model),
        }
        for part in rows.partition_by("source", maintain_order=True)
    ]
    seen = sorted({cast("str", cell["seen"]) for cell in per_source})
    return {
        "model": model,
        "what": words,
        "per_source": per_source,
        "concat": {
            "seen": seen,
            "n_frames": rows.height,
            **_model_metrics(rows, model),
            "clip": _model_metrics(clip_means(rows), model),
        },
    }


def _model_metrics(rows: "pl.DataFrame", model: str) -> Record:
    record = _over_seeds([_measured(rows)])
    if model == CONSTANT:
        # Leaving out a high source lowers the mean of the others: over folds the constant is
        # anticorrelated with the target by construction, which says nothing.
        reason = "the constant differs between folds only because they are folds"
        correlations = ("plcc", "srocc", "krocc")
        record |= dict.fromkeys(correlations)
        record["undefined"] = record.get("undefined", {}) | dict.fromkeys(correlations, reason)
    return record
