# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.errors import SchemaError
from tinyvmaf.evaluation.gate import training_gate


@pytest.mark.parametrize(
    ("errors", "outcome", "reason"),
    [
        ((15.5, 15.4, 5.0), "undertrained", "train RMSE 15.50 is not below 2 VMAF points"),
        ((2.0, None, None), "undertrained", "train RMSE 2.00 is not below 2 VMAF points"),
        (
            (1.4, None, None),
            "unchecked",
            "train RMSE 1.40; the effect of twice the steps was not measured",
        ),
        (
            (1.4, 2.0, 1.8),
            "undertrained",
            "train RMSE 1.40, but twice the steps change the held-out RMSE by -0.200 (-10.0%)",
        ),
        (
            (1.4, 2.0, 2.04),
            "trained",
            "train RMSE 1.40; twice the steps change the held-out RMSE by +0.040 (+2.0%)",
        ),
    ],
)
def test_the_training_gate(errors, outcome, reason):
    train, heldout, doubled = errors
    found = training_gate(train_rmse=train, heldout_rmse=heldout, doubled_rmse=doubled)
    assert (found.outcome, found.reason, found.train_rmse) == (outcome, reason, train)


def test_a_large_share_of_a_tiny_error_passes_the_gate():
    found = training_gate(train_rmse=0.3, heldout_rmse=0.5, doubled_rmse=0.46)
    assert (found.outcome, found.change) == ("trained", pytest.approx(-0.08))
    assert training_gate(train_rmse=0.3, heldout_rmse=0.5, doubled_rmse=0.44).outcome == (
        "undertrained"
    )


def test_the_gate_needs_both_held_out_errors():
    with pytest.raises(SchemaError) as caught:
        training_gate(train_rmse=1.0, heldout_rmse=2.0)
    assert str(caught.value) == (
        "give the held-out RMSE with the steps of the recipe and with twice them"
    )
    with pytest.raises(SchemaError) as caught:
        training_gate(train_rmse=1.0, heldout_rmse=0.0, doubled_rmse=1.0)
    assert str(caught.value) == "held-out RMSE is 0.0, expected a positive error"
