# SPDX-License-Identifier: Apache-2.0
import statistics

import numpy as np
import pytest

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.seeds import seed_mean, seed_spread


def test_seed_mean_is_taken_on_the_scale():
    assert seed_mean([[1.0, 4.0], [4.0, 4.0]], metric="rmse") == pytest.approx((2.0, 4.0))
    halfway = np.tanh((np.arctanh(0.5) + np.arctanh(0.9)) / 2)
    assert seed_mean([[0.5], [0.9]], metric="plcc") == pytest.approx((halfway,))


def test_a_fold_that_one_seed_lacks_has_no_mean():
    assert seed_mean([[1.0, None], [1.0, 2.0]], metric="rmse") == (pytest.approx(1.0), None)


def test_seeds_must_have_the_same_folds():
    with pytest.raises(SchemaError) as caught:
        seed_mean([[1.0, 2.0], [1.0]], metric="rmse")
    assert str(caught.value) == "rmse: seeds have [2, 1] folds; every seed has every fold"


def test_spread_equals_its_definition():
    values = np.random.default_rng(0).uniform(1, 5, size=(5, 9))
    found = seed_spread(values)
    by_fold = [statistics.stdev(values[:, fold]) for fold in range(9)]
    headline = statistics.stdev([statistics.fmean(seed) for seed in values])
    assert found.by_fold == pytest.approx(by_fold)
    assert found.headline_se == pytest.approx(headline / 5**0.5)


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_no_spread(seeds):
    assert seed_spread(np.random.default_rng(0).uniform(1, 5, (seeds, 9))) is None
