# SPDX-License-Identifier: Apache-2.0
"""Verification of the claims of a model and its card.

A `Verification` of a model, with or without a feature table, has one check for each claim. A model
that fails raises no error: its first failure is a check that did not pass, and checks that depend
on it are skipped.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyvmaf.errors import ModelError, TinyVmafError
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.models.beside import check_hash, read_beside
from tinyvmaf.models.card import SCHEMA, read_card
from tinyvmaf.models.model import Model, check_golden, find_model, open_model
from tinyvmaf.models.safety import check_file

VERIFICATION_SCHEMA = "tinyvmaf.verification/1"


@dataclass(frozen=True, slots=True)
class Check:
    """One claim of a model or its card.

    Attributes:
        name: `file`, `card`, `hash`, `order`, `golden` or `table`.
        passed: True if the claim holds.
        words: The finding, in words.
    """

    name: str
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class TableError:
    """A model's error on a feature table, in VMAF points over frames.

    Attributes:
        rmse: Root mean square error.
        mae: Mean absolute error.
        bias: Mean error, predicted minus target.
        largest: Largest absolute error.
        n_frames: Frames of the table.
        n_sources: Sources of the table.
        seen: Sources that the model was trained on, which bias the error downwards.
    """

    rmse: float
    mae: float
    bias: float
    largest: float
    n_frames: int
    n_sources: int
    seen: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"RMSE {self.rmse:.4f}, MAE {self.mae:.4f}, bias {self.bias:+.4f}, "
            f"largest {self.largest:.4f} VMAF over {self.n_frames} frames of {self.n_sources} "
            f"sources, {len(self.seen)} of them seen in training"
        )


@dataclass(frozen=True, slots=True)
class VerificationRecord:
    """The checks of a model's file, its card and its scores.

    Attributes:
        schema: Name and version of this record.
        path: The model's file.
        passed: True if every claim holds.
        checks: The checks, in the order in which they were made.
        error: The error on the table; None without a table, or if that check failed.
    """

    schema: str
    path: str
    passed: bool
    checks: tuple[Check, ...]
    error: TableError | None


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a model.

    Attributes:
        path: The model's file.
        checks: In the order in which they were made.
        error: The error on the table; None without a table, or if that check failed.
    """

    path: Path
    checks: tuple[Check, ...]
    error: TableError | None = None

    @property
    def passed(self) -> bool:
        """True if every claim holds."""
        return all(check.passed for check in self.checks)

    @property
    def record(self) -> VerificationRecord:
        """The record, `tinyvmaf.verification/1`."""
        return VerificationRecord(
            VERIFICATION_SCHEMA, str(self.path), self.passed, self.checks, self.error
        )


def verify(
    path_or_name: Path | str, *, table: FeatureTable | Path | str | None = None
) -> Verification:
    """Check a model's file, card, hash and golden vectors and, given a table, compute its error.

    Raises:
        UsageError: there is no such file and no shipped model of that name.
    """
    path = find_model(path_or_name)
    steps = {"file": _file, "card": _card, "hash": _hash, "order": _order, "golden": _golden}
    checks: list[Check] = []
    for name, step in steps.items():
        try:
            checks.append(Check(name, passed=True, words=step(path)))
        except ModelError as error:
            checks.append(Check(name, passed=False, words=str(error)))
            return Verification(path=path, checks=tuple(checks))
    if table is None:
        return Verification(path=path, checks=tuple(checks))
    try:
        measured = table_error(open_model(path), as_table(table))
    except TinyVmafError as error:
        checks.append(Check("table", passed=False, words=str(error)))
        return Verification(path=path, checks=tuple(checks))
    checks.append(Check("table", passed=True, words=str(measured)))
    return Verification(path=path, checks=tuple(checks), error=measured)


def table_error(model: Model, table: FeatureTable) -> TableError:
    """The model's error on the frames of `table`.

    Raises:
        ModelError: the table's teacher is not the model's, or a score is not finite.
        UsageError: a feature that the model reads is missing in the table.
    """
    trained = model.card.training_sources if model.card is not None else ()
    if model.card is not None and model.card.teacher != table.info.teacher:
        raise ModelError(
            f"{model.name} was trained on {model.card.teacher}, the table is labelled by "
            f"{table.info.teacher}; extract it again with `teacher='{model.card.teacher}'`"
        )
    wrong = model.predict(table.rows) - table.target
    return TableError(
        rmse=float(np.sqrt(np.mean(wrong**2))),
        mae=float(np.mean(np.abs(wrong))),
        bias=float(np.mean(wrong)),
        largest=float(np.max(np.abs(wrong))),
        n_frames=len(wrong),
        n_sources=len(table.sources),
        seen=tuple(name for name in table.sources if name in trained),
    )


def _file(path: Path) -> str:
    checked = check_file(path)
    return f"ONNX with {checked.n_features} features, nothing in it that is not allowed"


def _card(path: Path) -> str:
    card = read_card(path.with_suffix(".json"))
    return f"{SCHEMA}, {card.name}: {card.arch} with {card.n_params} parameters"


def _hash(path: Path) -> str:
    checked = check_file(path)
    check_hash(read_beside(path), checked, path=path)
    return f"SHA-256 {checked.sha256}"


def _order(path: Path) -> str:
    return f"reads {', '.join(open_model(path).features)}"


def _golden(path: Path) -> str:
    card = read_card(path.with_suffix(".json"))
    largest = check_golden(open_model(path), card)
    return f"{len(card.golden.vmaf)} rows, largest difference {largest:.6f} VMAF"
