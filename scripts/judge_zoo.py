# SPDX-License-Identifier: Apache-2.0
"""Measure the models that ship on the hold-out, beside others, once they are final.

    python scripts/build_broad.py sources broad --kind hold_out
    python scripts/judge_zoo.py broad/hold_out.parquet --peer vmaf_tiny_v2.onnx

writes `docs/models/hold_out.json`, or `hold_out_TEACHER.json` for a table of another teacher, from
which `model_pages.py` makes the pages. The models of the table's teacher are measured. A model
whose card names a source of the table among its training sources is refused.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import polars as pl
import typer

from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.evaluation.card_figures import radius
from tinyvmaf.features.table import FeatureTable, read_table
from tinyvmaf.files import write_text
from tinyvmaf.libvmaf.sets import CANONICAL6, TARGET
from tinyvmaf.libvmaf.teacher import DEFAULT
from tinyvmaf.models import zoo
from tinyvmaf.models.card import Card
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.provenance import versions
from tinyvmaf.scoring.applicability import DomainWatch, Verdict
from tinyvmaf.scoring.score import LEVEL

RESULT: Final = Path(__file__).resolve().parent.parent / "docs" / "models" / "hold_out.json"
SCHEMA: Final = "tinyvmaf.hold-out/1"


def judge_zoo(
    table: Annotated[Path, typer.Argument(help="The hold-out's table.")],
    *,
    peer: Annotated[
        list[Path] | None, typer.Option(help="Another's ONNX file on the same six; repeatable.")
    ] = None,
) -> None:
    """Score the table with every model and write what they were missed by."""
    rows = read_table(table)
    models = [load_model(name) for name in zoo.names()]
    models = [
        model
        for model in models
        if model.card is not None
        and model.card.teacher == rows.info.teacher
        and set(model.features) <= set(rows.info.features)
    ]
    peers = [load_model(path, features=CANONICAL6) for path in peer or ()]
    record = {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "table": {
            "rows": rows.rows.height,
            "clips": rows.n_clips,
            "sources": list(rows.sources),
            "sha256": rows.sha256,
            "teacher": rows.info.teacher,
        },
        "models": [_measure(model, rows) for model in (*models, *peers)],
        "versions": {**rows.info.versions, **versions("onnxruntime")},
    }
    write_text(result_of(rows.info.teacher), json.dumps(record, indent=1) + "\n")
    for item in record["models"]:
        show(f"{item['name']}: RMSE {item['rmse']:.4f}, largest {item['largest']:.4f}")


def result_of(teacher: str) -> Path:
    """The record of the hold-out that `teacher` labelled."""
    return RESULT if teacher == DEFAULT else RESULT.with_name(f"hold_out_{teacher}.json")


def _measure(model: Model, table: FeatureTable) -> dict[str, Any]:
    card = model.card
    if card is not None and set(card.training_sources) & set(table.sources):
        raise UsageError(f"{model.name} was trained on a source of the hold-out")
    predicted = model.predict(table.rows).astype(np.float64)
    rows = table.rows.with_columns(wrong=pl.Series(predicted) - pl.col(TARGET))
    clips = rows.group_by("source", "clip").agg(pl.col("wrong").mean())
    return {
        "name": model.name,
        "sha256": model.sha256,
        "shipped": card is not None,
        **_errors(rows, clips),
        "per_source": {
            source: _errors(
                rows.filter(pl.col("source") == source), clips.filter(pl.col("source") == source)
            )
            for source in table.sources
        },
        "intervals": None if card is None else _intervals(card, rows),
    }


def _errors(rows: pl.DataFrame, clips: pl.DataFrame) -> dict[str, float]:
    wrong, clip_wrong = rows["wrong"].to_numpy(), clips["wrong"].to_numpy()
    return {
        "rmse": float(np.sqrt(np.mean(wrong**2))),
        "bias": float(wrong.mean()),
        "largest": float(np.abs(wrong).max()),
        "clip_rmse": float(np.sqrt(np.mean(clip_wrong**2))),
        "clip_largest": float(np.abs(clip_wrong).max()),
    }


def _intervals(card: Card, rows: pl.DataFrame) -> dict[str, Any]:
    """How many clips the interval covers; `score` withholds it outside the training's range."""
    half_width = radius(card.calibration, level=LEVEL)
    covered: list[dict[str, Any]] = []
    for clip in rows.partition_by("source", "clip", maintain_order=True):
        watch = DomainWatch(card.domain)
        watch.add(clip.select(card.features).to_numpy())
        covered.append(
            {
                "source": clip["source"][0],
                "inside": abs(float(clip["wrong"].to_numpy().mean())) <= half_width,
                "given": watch.verdict().verdict is not Verdict.OUTSIDE,
            }
        )
    given = [item for item in covered if item["given"]]
    return {
        "level": LEVEL,
        "half_width": half_width,
        "clips": len(covered),
        "given": len(given),
        "covered": sum(item["inside"] for item in given),
        "covered_of_all": sum(item["inside"] for item in covered),
        "per_source": {
            name: float(np.mean([item["inside"] for item in covered if item["source"] == name]))
            for name in sorted({item["source"] for item in covered})
        },
    }


if __name__ == "__main__":
    try:
        typer.run(judge_zoo)
    except TinyVmafError as error:
        TERMINAL.fail(str(error))
        sys.exit(error.exit_status)
