# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.utils.estimator_checks import check_estimator

from tinyvmaf.training.estimator import TinyVmafRegressor
from tinyvmaf.training.recipes import load_recipe

SHORT = replace(load_recipe("default"), batch=16, steps=20)


def test_scikit_learn_accepts_it():
    check_estimator(
        TinyVmafRegressor(arch="linear", recipe=SHORT),
        on_skip=None,
        expected_failed_checks={
            "check_do_not_raise_errors_in_init_or_set_params": (
                "these tests run with annotations enforced, so nonsense is refused at once"
            ),
            "check_methods_sample_order_invariance": (
                "asks for 1e-7, which is finer than the float32 that models compute in"
            ),
        },
    )


def test_it_learns_in_leave_one_group_out(rows, quick):
    predicted = cross_val_predict(
        TinyVmafRegressor(recipe=quick),
        rows.features,
        rows.target,
        groups=rows.source_index,
        cv=LeaveOneGroupOut(),
    )
    assert np.sqrt(np.mean((predicted - rows.target) ** 2)) < 3
    assert predicted.min() >= 0
    assert predicted.max() <= 100


def test_it_refuses_an_unknown_recipe(rows):
    with pytest.raises(ValueError, match=r"^unknown recipe 'best'"):
        TinyVmafRegressor(recipe="best").fit(rows.features, rows.target)
