# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import checked, is_constant


def test_whole_numbers_become_float64_and_floats_are_not_copied():
    target = np.array([1.0, 2.0])
    predicted, same = checked(predicted=np.array([1, 2]), target=target)
    assert predicted.dtype == np.float64
    assert same is target


def test_the_first_bad_row_is_named_with_its_side():
    with pytest.raises(SchemaError) as caught:
        checked(predicted=np.array([0.0, -np.inf]), target=np.array([np.nan, 0.0]))
    assert str(caught.value) == "predicted is -inf in row 1, expected a finite number (1 such rows)"


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([5.0], True),
        ([0.1] * 7, True),
        ([0.0, 0.0], True),
        ([1.0, 1.0 + 1e-15], True),
        ([1.0, 1.0 + 1e-12], False),
        ([0.0, 1e-300], False),
        ([-1.0, 1.0], False),
    ],
)
def test_constants_are_known_although_their_mean_is_rounded(values, constant):
    assert is_constant(np.array(values)) is constant
