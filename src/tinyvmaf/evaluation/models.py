# SPDX-License-Identifier: Apache-2.0
"""Evaluating finished models on a table, without training anything."""

from collections.abc import Sequence
from typing import Any

from tinyvmaf.evaluation.baselines import predict_all, seen_sources
from tinyvmaf.evaluation.predictions import baseline_rows, keyed
from tinyvmaf.evaluation.record import evaluate_models
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.model import Model

SCHEMA = "tinyvmaf.evaluation/1"


def evaluate_on(table: FeatureTable, models: Sequence[Model]) -> dict[str, Any]:
    """Each model per source (with what it had seen), per clip and on all frames together.

    Raises:
        UsageError: a model reads a feature that the table does not have.
    """
    import polars as pl

    described = {model.name: f"sha256 {model.sha256[:12]}" for model in models}
    keys = keyed(table)
    rows = pl.concat(
        baseline_rows(
            keys,
            model=model.name,
            models=list(described),
            predicted=predict_all(model, table),
            seen=seen_sources(model.card, table.sources),
        )
        for model in models
    )
    return {
        "schema": SCHEMA,
        "teacher": table.info.teacher,
        "table": {
            "rows": table.rows.height,
            "sources": len(table.sources),
            "clips": table.n_clips,
            "sha256": table.sha256,
        },
        "models": evaluate_models(rows, described),
    }
