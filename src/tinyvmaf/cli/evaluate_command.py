# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf evaluate`: models on a table, and which of its sources each was trained on."""

from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import show, show_json, show_table
from tinyvmaf.cli.options import Json
from tinyvmaf.cli.table_argument import Sample, open_table
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.evaluation.records import EvaluationRecord


def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[TABLE] MODEL...",
            help="A feature table, unless --sample is given, and models: files or shipped names.",
        ),
    ],
    sample: Sample = False,
    features: Annotated[
        str | None,
        typer.Option(help="Order of the inputs, for models that do not record it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate models on a table: per source, per clip, and all frames together."""
    from pathlib import Path

    from tinyvmaf.errors import UsageError
    from tinyvmaf.evaluation.evaluate import evaluate as evaluate_models

    table, models = (None, arguments) if sample else (Path(arguments[0]), arguments[1:])
    if not models:
        raise UsageError("no model given: `tinyvmaf evaluate TABLE MODEL...`")
    opened = open_table(table, sample=sample)
    order = None if features is None else features.split(",")
    record = evaluate_models(opened.table, models, features=order)
    if as_json:
        show_json(to_json(record))
    else:
        _print(record)


def _print(record: "EvaluationRecord") -> None:
    from tinyvmaf.report.numbers import number

    columns = {"source": "left", "seen": "left", "frames": "right", "PLCC": "right",
               "SROCC": "right", "RMSE": "right", "MAE": "right", "clip RMSE": "right"}  # fmt: skip
    for model in record.models:
        concat = model.concat
        cells = [(cell.source, cell.seen, cell) for cell in model.per_source]
        rows = [
            [
                name,
                seen,
                str(cell.n_frames),
                number("plcc", cell.plcc),
                number("srocc", cell.srocc),
                number("rmse", cell.rmse),
                number("mae", cell.mae),
                number("rmse", cell.clip.rmse),
            ]
            for name, seen, cell in (*cells, ("all frames", "+".join(concat.seen), concat))
        ]
        show(f"{model.model}: {model.what}")
        show_table(columns, rows)
