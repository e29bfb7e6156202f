# SPDX-License-Identifier: Apache-2.0
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from tests.evaluation.tables import smooth_table
from tinyvmaf.evaluation.baselines import constant, least_squares, seen_sources
from tinyvmaf.evaluation.folds import leave_one_source_out


def folds_of(table):
    return leave_one_source_out(table.sources)


def test_least_squares_equals_sklearn_through_the_same_folds():
    table = smooth_table()
    expected = cross_val_predict(
        LinearRegression(),
        table.features,
        table.target,
        groups=table.source_index,
        cv=LeaveOneGroupOut(),
    )
    np.testing.assert_allclose(
        least_squares(table, folds_of(table)), np.clip(expected, 0, 100), atol=1e-8
    )


def test_the_constant_is_the_mean_of_the_other_sources():
    table = smooth_table()
    predicted = constant(table, folds_of(table))
    for index in range(len(table.sources)):
        own = table.source_index == index
        np.testing.assert_allclose(predicted[own], table.target[~own].mean())


def test_without_a_card_nothing_is_known_of_a_source():
    assert seen_sources(None, ["A", "B"]) == {"A": "unknown", "B": "unknown"}
