# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a run as one JSON record, `tinyvmaf.loso/1`, computed from its files alone.

Reports only print what stands here. Fold values are means over seeds; every aggregate says over
how many folds it is. A metric that does not exist is null, with its reason in `undefined`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinyvmaf.evaluation.baselines import CONSTANT
from tinyvmaf.evaluation.evidence import gather_evidence
from tinyvmaf.evaluation.findings import findings
from tinyvmaf.evaluation.measured import (
    MeasuredFold,
    by_seed,
    clip_means,
    measure_folds,
    measure_rows,
)
from tinyvmaf.evaluation.predictions import by_source, of_model
from tinyvmaf.evaluation.run import Run, RunFacts
from tinyvmaf.stats.metrics import MetricName, Metrics, aggregate

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "tinyvmaf.loso/1"

METRICS: tuple[MetricName, ...] = ("plcc", "srocc", "krocc", "rmse", "mae", "bias")

Record = dict[str, Any]


def evaluate_run(run: Run) -> Record:
    """The record of `run`."""
    facts = run.facts
    measured = measure_folds(run.predictions)
    folds = _folds(run, measured)
    seeds = by_seed(run.predictions)
    found = gather_evidence(run, measured)
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
        "protocol": protocol(facts),
        "folds": folds,
        "aggregate": {
            "frame": _aggregate(folds, "frame"),
            "clip": _aggregate(folds, "clip"),
            "pooled": {
                "frame": _over_seeds([measure_rows(rows) for rows in seeds]),
                "clip": _over_seeds([measure_rows(clip_means(rows)) for rows in seeds]),
            },
        },
        "baselines": evaluate_models(run.baselines, facts.baselines),
        "evidence": found,
        "findings": findings(found, arch=facts.arch),
        "seconds": dict(facts.seconds),
        "command": facts.command,
        "versions": dict(facts.versions),
    }


def protocol(facts: RunFacts) -> Record:
    """How sources were held out: each alone, or whole sources in folds, which are then listed."""
    return {
        "name": "folds of whole sources" if facts.held_out else "leave-one-source-out",
        "n_folds": len(facts.held_out) or len({fold.source for fold in facts.folds}),
        "held_out": [list(fold) for fold in facts.held_out],
    }


def evaluate_models(rows: "pl.DataFrame", described: Mapping[str, str]) -> list[Record]:
    """Models on whole tables: per source with what they knew of it, and all frames together.

    Args:
        rows: `model, seen, source, clip, frame, vmaf, predicted`.
        described: Model -> what it is, in words; models come in this order.
    """
    return [
        _model_record(of_model(rows, model), model, words) for model, words in described.items()
    ]


def _folds(run: Run, measured: Sequence[MeasuredFold]) -> list[Record]:
    records: list[Record] = []
    number = {
        source: number
        for number, sources in enumerate(run.facts.held_out, start=1)
        for source in sources
    }
    for fold in measured:
        trained = [facts for facts in run.facts.folds if facts.source == fold.source]
        records.append(
            {
                "source": fold.source,
                **({"fold": number[fold.source]} if number else {}),
                "n_frames": fold.n_frames,
                "n_clips": fold.n_clips,
                "n_train": trained[0].n_train,
                "frame": _over_seeds(fold.frame),
                "clip": _over_seeds(fold.clip),
                "train_rmse": float(np.mean([facts.train_rmse for facts in trained])),
            }
        )
    return records


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
        for part in by_source(rows)
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
    record = _over_seeds([measure_rows(rows)])
    if model == CONSTANT:
        # Leaving out a high source lowers the mean of the others: over folds the constant is
        # anticorrelated with the target by construction, which says nothing.
        reason = "the constant differs between folds only because they are folds"
        correlations = ("plcc", "srocc", "krocc")
        record |= dict.fromkeys(correlations)
        record["undefined"] = record.get("undefined", {}) | dict.fromkeys(correlations, reason)
    return record
