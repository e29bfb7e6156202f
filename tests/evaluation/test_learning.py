# SPDX-License-Identifier: Apache-2.0
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import root_mean_squared_error

from tests.evaluation.tables import smooth_table
from tinyvmaf.evaluation.sweep import REPEATS, learning_curve, subset_sizes
from tinyvmaf.training import fitting
from tinyvmaf.training.recipes import load_recipe, with_epochs

RECIPE = with_epochs(load_recipe("default"), 10)


@given(st.integers(3, 60))
def test_sizes_go_from_two_to_all_but_one(n_sources):
    sizes = subset_sizes(n_sources)
    assert (sizes[0], sizes[-1]) == (2, n_sources - 1)
    assert list(sizes) == sorted(set(sizes))
    assert len(sizes) <= 5


def test_sizes_are_even_on_the_log_scale():
    assert subset_sizes(33) == (2, 4, 8, 16, 32)
    assert subset_sizes(3) == (2,)


class Spy:
    """Stands in for training: the model of a subset answers with a constant of its own."""

    def __init__(self, table):
        self.table = table
        self.judged = []

    def fit(self, table, *, held_out, seeds, **settings):
        assert table is self.table
        self.held_out, self.seeds, self.settings = list(held_out), list(seeds), settings
        return {(out, seed): self.fitted(out) for out in held_out for seed in seeds}

    def fitted(self, out):
        def predict(features):
            (source,) = {
                int(self.table.source_index[np.flatnonzero((self.table.features == row).all(1))[0]])
                for row in features
            }
            self.judged.append((out, source, len(features)))
            return np.full(len(features), 10.0 * len(out) + sum(out), dtype=np.float32)

        return SimpleNamespace(network=SimpleNamespace(predict=predict))


@pytest.fixture
def spied(monkeypatch):
    """Points of a table of seven sources, and the spy that was trained."""
    table = smooth_table(n_sources=7, n_clips=2, n_frames=5)
    spy = Spy(table)
    monkeypatch.setattr(fitting, "fit", spy.fit)
    return learning_curve(table, arch="mlp_small", recipe=RECIPE, seed=3), spy


def test_a_model_is_judged_on_all_that_it_did_not_see_and_on_nothing_else(spied):
    _, spy = spied
    assert len(spy.judged) == sum(len(out) for out in spy.held_out)
    for out in spy.held_out:
        assert [source for each, source, _ in spy.judged if each == out] == sorted(out)
    assert {rows for _, _, rows in spy.judged} == {10}


def test_subsets_of_a_size_are_distinct(spied):
    points, spy = spied
    assert len(set(spy.held_out)) == len(spy.held_out)
    for point in points:
        of_size = [out for out in spy.held_out if 7 - len(out) == point["n_sources"]]
        assert len(of_size) == point["n_repeats"] == REPEATS
    assert spy.seeds == [3]


def test_points_are_means_and_ranges_over_subsets_of_means_over_sources(spied):
    points, spy = spied
    assert [point["n_sources"] for point in points] == list(subset_sizes(7))
    table = spy.table
    for point in points:
        errors = []
        for out in spy.held_out:
            if 7 - len(out) != point["n_sources"]:
                continue
            constant = 10.0 * len(out) + sum(out)
            targets = [table.target[table.source_index == source] for source in out]
            errors.append(
                np.mean([root_mean_squared_error(t, np.full(len(t), constant)) for t in targets])
            )
        assert point == {
            "n_sources": point["n_sources"],
            "rmse_mean": pytest.approx(np.mean(errors)),
            "rmse_low": pytest.approx(min(errors)),
            "rmse_high": pytest.approx(max(errors)),
            "n_repeats": REPEATS,
        }


def test_a_small_corpus_has_no_more_repeats_than_subsets(monkeypatch):
    table = smooth_table(n_sources=3, n_clips=2, n_frames=5)
    spy = Spy(table)
    monkeypatch.setattr(fitting, "fit", spy.fit)
    (point,) = learning_curve(table, arch="mlp_small", recipe=RECIPE, seed=0)
    assert sorted(spy.held_out) == [(0,), (1,), (2,)]
    assert (point["n_sources"], point["n_repeats"]) == (2, comb(3, 2))


def test_real_models_give_the_same_curve_again():
    table = smooth_table(n_sources=4, n_clips=2, n_frames=10)
    curves = [learning_curve(table, arch="mlp_small", recipe=RECIPE, seed=0) for _ in range(2)]
    assert curves[0] == curves[1]
    for point in curves[0]:
        assert 0 < point["rmse_low"] <= point["rmse_mean"] <= point["rmse_high"]
