# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf compare`: runs on one table, paired over the same sources."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import show, show_json
from tinyvmaf.cli.options import Json
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.evaluation.records import CompareRecord

Runs = Annotated[list[Path], typer.Argument(metavar="RUN_A RUN_B...", help="Runs of `loso`.")]


def compare(runs: Runs, as_json: Json = False) -> None:
    """Compare runs on held-out sources: effects, intervals, adjusted tests, verdicts."""
    from tinyvmaf.evaluation.compare import compare as compare_folders

    record = compare_folders(runs)
    if as_json:
        show_json(to_json(record))
    else:
        _print(record)


def _print(record: "CompareRecord") -> None:
    for run in record.runs:
        show(f"{run.name}: {run.arch}, recipe {run.recipe}; {run.gate.reason}")
    show("")
    for finding in record.findings:
        show(f"- {finding.sentence}")
