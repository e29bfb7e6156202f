# SPDX-License-Identifier: Apache-2.0
"""Finished runs against each other, on one table: one family of paired tests over its sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.contrasts import compare_runs
from tinyvmaf.evaluation.evidence import judge_training
from tinyvmaf.evaluation.findings import (
    comparison_findings,
    protocol_findings,
    undertrained_finding,
)
from tinyvmaf.evaluation.measured import measure_folds
from tinyvmaf.evaluation.record import protocol
from tinyvmaf.evaluation.run import read_run, refuse_other_table

SCHEMA = "tinyvmaf.compare/1"


def compare_folders(folders: Sequence[Path]) -> dict[str, Any]:
    """Compare the runs in `folders`, each named after its folder; by its path if names repeat.

    Raises:
        UsageError: fewer than two, one twice, no run in a folder, or runs on other tables.
        SchemaError: a run is damaged.
    """
    if len(folders) < 2:  # noqa: PLR2004 (a pair)
        raise UsageError(f"comparing needs at least two runs, got {len(folders)}")
    if len({folder.resolve() for folder in folders}) != len(folders):
        raise UsageError("a run is named twice; compare different runs")
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) != len(names):
        names = [str(folder) for folder in folders]
    runs = dict(zip(names, map(read_run, folders), strict=True))
    first = next(iter(runs.values())).facts.table
    for run in runs.values():
        refuse_other_table(first, run.facts.table)
    gates = {name: judge_training(run) for name, run in runs.items()}
    comparisons = compare_runs({name: measure_folds(run.predictions) for name, run in runs.items()})
    return {
        "schema": SCHEMA,
        "table": dict(first),
        "runs": [
            {
                "name": name,
                "arch": run.facts.arch,
                "n_params": run.facts.n_params,
                "recipe": run.facts.recipe,
                "seeds": list(run.facts.seeds),
                "protocol": protocol(run.facts)["name"],
                "n_folds": protocol(run.facts)["n_folds"],
                "gate": gates[name],
            }
            for name, run in runs.items()
        ],
        "comparisons": comparisons,
        "findings": [
            *(
                undertrained_finding(
                    name, gate, "Its comparisons judge its training, not its arch."
                )
                for name, gate in gates.items()
                if not gate["passed"]
            ),
            *protocol_findings({name: run.facts.held_out for name, run in runs.items()}),
            *comparison_findings(comparisons),
        ],
    }
