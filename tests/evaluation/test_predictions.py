# SPDX-License-Identifier: Apache-2.0
"""Rows of many models: those of one are found without a copy, however they lie."""

import numpy as np
import polars as pl
import pytest

from tinyvmaf.evaluation.predictions import of_model

MODELS = ("constant", "least_squares", "neighbours")


@pytest.fixture
def rows():
    return pl.DataFrame(
        {"model": np.repeat(MODELS, 5), "predicted": np.arange(15, dtype=np.float64)}
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_rows_of_a_model_that_lie_together_are_a_view(rows, model):
    found = of_model(rows, model)
    assert found.equals(rows.filter(model=model))
    assert np.shares_memory(found["predicted"].to_numpy(), rows["predicted"].to_numpy())


@pytest.mark.parametrize("model", MODELS)
def test_the_rows_of_a_model_that_lie_scattered_are_found_in_their_order(rows, model):
    mixed = rows.sample(fraction=1.0, shuffle=True, seed=3)
    assert of_model(mixed, model).equals(mixed.filter(model=model))


def test_a_model_without_rows_has_none(rows):
    assert of_model(rows, "other").is_empty()
    assert of_model(rows.clear(), "constant").is_empty()
