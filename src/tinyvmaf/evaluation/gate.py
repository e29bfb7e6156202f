# SPDX-License-Identifier: Apache-2.0
"""The training gate: models with a high error on their training rows cannot be judged on others."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinyvmaf.errors import SchemaError
from tinyvmaf.evaluation.evidence_records import Doubling, Gate
from tinyvmaf.evaluation.run_files import RunFiles
from tinyvmaf.typed_json import from_json

MAX_TRAIN_RMSE = 2.0
"""VMAF points; since the teacher is a function of the features, a trained model gets below."""

MAX_CHANGE = 0.05
"""Relative change of the held-out RMSE by twice the steps that still counts as converged."""

MAX_POINTS = 0.05
"""A smaller change in VMAF points always passes: near zero the relative change is noise."""


@dataclass(frozen=True, slots=True)
class TrainingGate:
    """The verdict of the training gate: converged models, or undertrained ones.

    Attributes:
        outcome: `unchecked` if the training error is low but twice the steps were not tried.
        train_rmse: On the models' own training rows, in VMAF points.
        change: Relative change of the held-out RMSE by twice the steps, negative if it fell.
        reason: The verdict in words.
    """

    outcome: Literal["trained", "undertrained", "unchecked"]
    train_rmse: float
    change: float | None
    reason: str


def training_gate(
    *, train_rmse: float, heldout_rmse: float | None = None, doubled_rmse: float | None = None
) -> TrainingGate:
    """Judge training by the error on its own rows and by what twice the steps would change.

    Args:
        train_rmse: Mean over folds and seeds, in VMAF points.
        heldout_rmse: RMSE of the same models on their held-out sources.
        doubled_rmse: The same after twice the steps; None if that was not tried.

    Raises:
        SchemaError: only one of the held-out errors is given, or one is not positive.
    """
    if (heldout_rmse is None) != (doubled_rmse is None):
        raise SchemaError("give the held-out RMSE with the steps of the recipe and with twice them")
    change, points = None, 0.0
    if heldout_rmse is not None and doubled_rmse is not None:
        if heldout_rmse <= 0:
            raise SchemaError(f"held-out RMSE is {heldout_rmse}, expected a positive error")
        change = doubled_rmse / heldout_rmse - 1
        points = doubled_rmse - heldout_rmse
    fit = f"train RMSE {train_rmse:.2f}"
    effect = f"twice the steps change the held-out RMSE by {points:+.3f} ({change or 0.0:+.1%})"
    if train_rmse >= MAX_TRAIN_RMSE:
        outcome, reason = "undertrained", f"{fit} is not below {MAX_TRAIN_RMSE:g} VMAF points"
    elif change is None:
        outcome, reason = "unchecked", f"{fit}; the effect of twice the steps was not measured"
    elif abs(change) >= MAX_CHANGE and abs(points) >= MAX_POINTS:
        outcome, reason = "undertrained", f"{fit}, but {effect}"
    else:
        outcome, reason = "trained", f"{fit}; {effect}"
    return TrainingGate(outcome, train_rmse, change=change, reason=reason)


def judge_training(run: RunFiles) -> Gate:
    """The training gate of `run`."""
    told = run.facts.doubling
    found = training_gate(
        train_rmse=float(np.mean([fold.train_rmse for fold in run.facts.folds])),
        heldout_rmse=told["rmse"] if told else None,
        doubled_rmse=told["doubled_rmse"] if told else None,
    )
    return Gate(
        passed=found.outcome != "undertrained",
        outcome=found.outcome,
        train_rmse=found.train_rmse,
        limit=MAX_TRAIN_RMSE,
        doubling=None
        if told is None
        else from_json(Doubling, {**told, "change": found.change}, at="doubling"),
        reason=found.reason,
    )
