# SPDX-License-Identifier: Apache-2.0
"""A run with its evaluation, as `loso` returns it and `read_run` reads it."""

from functools import cached_property
from pathlib import Path

from tinyvmaf.evaluation.evaluate import evaluate_run
from tinyvmaf.evaluation.records import LosoRecord, folds_html
from tinyvmaf.evaluation.run_files import RunFiles, read_files


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
