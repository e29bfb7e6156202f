# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf evaluate`: models on a table, with what each had seen of every source."""

from typing import Annotated, Any

import typer

from tinyvmaf.cli.console import show, show_json, show_table
from tinyvmaf.cli.options import Json
from tinyvmaf.cli.tables import Sample, open_table


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
        typer.Option(help="Order of the inputs, for models that do not tell; comma-separated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate models on a table: per source, per clip, and all frames together."""
    from pathlib import Path

    from tinyvmaf.errors import UsageError
    from tinyvmaf.evaluation.models import evaluate_on
    from tinyvmaf.models.model import load_model

    table, models = (None, arguments) if sample else (Path(arguments[0]), arguments[1:])
    if not models:
        raise UsageError("no model given: `tinyvmaf evaluate TABLE MODEL...`")
    opened = open_table(table, sample=sample)
    order = None if features is None else features.split(",")
    record = evaluate_on(opened.table, [load_model(name, features=order) for name in models])
    if as_json:
        show_json(record)
    else:
        _print(record)


def _print(record: dict[str, Any]) -> None:
    from tinyvmaf.report.numbers import number

    columns = {"source": "left", "seen": "left", "frames": "right", "PLCC": "right",
               "SROCC": "right", "RMSE": "right", "MAE": "right", "clip RMSE": "right"}  # fmt: skip
    for model in record["models"]:
        concat: dict[str, Any] = {"source": "all frames", **model["concat"]}
        cells: list[dict[str, Any]] = [*model["per_source"], concat]
        rows = [
            [
                cell["source"],
                cell["seen"] if isinstance(cell["seen"], str) else "+".join(cell["seen"]),
                str(cell["n_frames"]),
                *(number(name, cell[name]) for name in ("plcc", "srocc", "rmse", "mae")),
                number("rmse", cell["clip"]["rmse"]),
            ]
            for cell in cells
        ]
        show(f"{model['model']}: {model['what']}")
        show_table(columns, rows)
