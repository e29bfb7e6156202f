# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinyvmaf.errors import SplitError, TinyVmafError, ToolNotFound, UsageError
from tinyvmaf.training import fitting
from tinyvmaf.training.recipes import load_recipe

FOLDS = [(0,), (1,), (2,), (3,), ()]


@pytest.fixture(scope="module")
def fit(table_of):
    """Fit on the rows, some of whose arrays may be changed."""

    def fit(rows, recipe, *, held_out=FOLDS, seeds=(0, 3), arch="mlp_small", **changed):
        table = table_of(**{**vars(rows), **changed})
        return fitting.fit(table, arch=arch, recipe=recipe, held_out=held_out, seeds=seeds)

    return fit


def numbers(fitted):
    """Everything that makes the network, bit for bit."""
    network = fitted.network
    arrays = [network.shift, network.scale]
    arrays += [array for layer in network.layers for array in (layer.weight, layer.bias)]
    return (
        b"".join(array.tobytes() for array in arrays),
        network.target_shift,
        network.target_scale,
        fitted.train_rmse,
    )


@pytest.fixture(scope="module")
def sweep(fit, rows, quick):
    return fit(rows, quick)


def test_every_fold_and_seed_gets_its_own_network(sweep):
    assert list(sweep) == [(out, seed) for out in FOLDS for seed in (0, 3)]
    assert len({numbers(fitted) for fitted in sweep.values()}) == len(sweep)


def test_a_network_says_what_it_was_trained_on(sweep, rows, quick):
    fitted = sweep[(2,), 0]
    assert (fitted.n_train, fitted.steps) == (570 - 200, quick.steps)
    assert fitted.network.features == rows.feature_names
    assert fitted.network.n_params == 257
    train = rows.source_index != 2
    np.testing.assert_allclose(fitted.network.shift, rows.features[train].mean(0), rtol=1e-6)
    np.testing.assert_allclose(fitted.network.scale, rows.features[train].std(0), rtol=1e-6)
    assert fitted.network.target_shift == pytest.approx(rows.target[train].mean(), rel=1e-6)
    error = fitted.network.predict(rows.features[train]) - rows.target[train]
    assert fitted.train_rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)


def test_training_learns(sweep, rows):
    for (out, _), fitted in sweep.items():
        held_out = np.isin(rows.source_index, out)
        assert fitted.train_rmse < 3
        if out:
            error = fitted.network.predict(rows.features[held_out]) - rows.target[held_out]
            assert np.sqrt(np.mean(error**2)) < 4


def test_two_sweeps_are_the_same_bit_for_bit(fit, sweep, rows, quick):
    again = fit(rows, quick)
    assert {job: numbers(fitted) for job, fitted in again.items()} == {
        job: numbers(fitted) for job, fitted in sweep.items()
    }


@pytest.mark.parametrize("out", FOLDS)
def test_a_fold_by_itself_is_the_fold_of_the_sweep(fit, sweep, rows, quick, out):
    alone = fit(rows, quick, held_out=[out], seeds=[3])
    assert list(alone) == [(out, 3)]
    assert numbers(alone[out, 3]) == numbers(sweep[out, 3])


@pytest.mark.parametrize("out", [(1,), (0, 3)])
def test_what_is_held_out_changes_nothing(fit, rows, quick, out):
    """Every value of the held-out rows is replaced; the network must not notice."""
    held_out = np.isin(rows.source_index, out)
    features, target = rows.features.copy(), rows.target.copy()
    features[held_out] = 1e6 * np.random.default_rng(1).normal(size=features[held_out].shape)
    target[held_out] = 13
    for recipe in (quick, replace(load_recipe("digest"), batch=32, epochs=2)):
        before = fit(rows, recipe, held_out=[out], seeds=[0])
        after = fit(rows, recipe, held_out=[out], seeds=[0], features=features, target=target)
        assert numbers(before[out, 0]) == numbers(after[out, 0])


def test_a_source_that_fingerprints_its_target_cannot_be_guessed(table_of, quick):
    """Features name the source, the target is a constant of it: no skill on a source not seen."""
    generator = np.random.default_rng(11)
    source_index = np.repeat(np.arange(8), 60)
    features = generator.normal(size=(8, 6))[source_index] + generator.normal(0, 0.01, (480, 6))
    target = generator.uniform(10, 90, 8)[source_index]
    table = table_of(features=features, target=target, source_index=source_index)
    fitted = fitting.fit(
        table, arch="mlp_small", recipe=quick, held_out=[(k,) for k in range(8)], seeds=[0]
    )
    assert max(item.train_rmse for item in fitted.values()) < 1
    errors = [
        np.sqrt(np.mean((item.network.predict(features[mine]) - target[mine]) ** 2))
        for ((k,), _), item in fitted.items()
        for mine in (source_index == k,)
    ]
    assert np.mean(errors) > np.std(target) / 2


def test_more_folds_or_another_order_change_nothing(fit, sweep, rows, quick):
    turned = fit(rows, quick, held_out=FOLDS[::-1], seeds=(3, 0))
    assert all(numbers(turned[job]) == numbers(sweep[job]) for job in sweep)


def test_shapes_and_recipes_that_are_fitted_side_by_side_are_those_fitted_alone(
    table_of, rows, quick
):
    table = table_of(**vars(rows))
    slow = replace(quick, name="slow", steps=quick.steps // 2)
    wanted = [
        fitting.Wanted("mlp_mid", quick, [(1,)]),
        fitting.Wanted("svr", quick, [(0,)]),
        fitting.Wanted("mlp_small", slow, FOLDS[:2], (0, 3)),
    ]
    together = fitting.fit_all(table, wanted)
    for each, found in zip(wanted, together, strict=True):
        alone = fitting.fit(
            table, arch=each.arch, recipe=each.recipe, held_out=each.held_out, seeds=each.seeds
        )
        assert list(found) == list(alone) == each.jobs
        own = rows.features[:9]
        for job in found:
            np.testing.assert_array_equal(
                found[job].network.predict(own), alone[job].network.predict(own)
            )
            assert found[job].steps == alone[job].steps


def test_whole_sources_can_be_held_out_together(fit, rows, quick):
    fitted = fit(rows, quick, held_out=[(0, 2), (2, 0)], seeds=[0])
    assert fitted[(0, 2), 0].n_train == 90 + 130
    assert numbers(fitted[(0, 2), 0]) == numbers(fitted[(2, 0), 0])


def test_epochs_are_passes_over_the_rows_of_the_fold(fit, rows):
    recipe = replace(load_recipe("digest"), batch=32, epochs=2)
    fitted = fit(rows, recipe, held_out=[(1,), ()], seeds=[0])
    assert fitted[(1,), 0].steps == -(-2 * 480 // 32)
    assert fitted[(), 0].steps == -(-2 * 570 // 32)
    assert not fitted[(), 0].network.shift.any()
    assert fitted[(), 0].network.scale.tolist() == [1] * 6


def test_linear_training_reaches_least_squares(fit, rows):
    unclipped = 60 + (rows.features - rows.features.mean(0)) @ [20, -5, 3, 8, 1, 0.2]
    recipe = replace(load_recipe("default"), loss="mse", batch=64, steps=1500)
    fitted = fit(rows, recipe, held_out=[()], seeds=[0], arch="linear", target=unclipped)
    assert fitted[(), 0].network.n_params == 7
    assert fitted[(), 0].train_rmse < 0.02


def test_a_constant_feature_does_no_harm(fit, rows, quick):
    features = rows.features.copy()
    features[:, 2] = 0.7
    fitted = fit(rows, quick, held_out=[(0,)], seeds=[0], features=features)
    assert fitted[(0,), 0].train_rmse < 3


def test_the_learning_rate_falls_from_its_start_to_nothing():
    recipe = replace(load_recipe("default"), learning_rate=0.5)
    rates = fitting.learning_rates(recipe, 1000)
    assert rates[0] == 0.5
    assert rates[500] == pytest.approx(0.25)
    assert 0 < rates[-1] < 1e-5
    assert (np.diff(rates) < 0).all()
    assert set(fitting.learning_rates(replace(recipe, schedule="constant"), 9)) == {0.5}


def test_progress_counts_every_step_once(table_of, rows, quick):
    class Recorder:
        total, done, finished = 0.0, 0.0, 0

        def task(self, name, *, total, unit):
            assert (name, unit) == ("train", "steps")
            self.total = total
            return self

        def note(self, message):
            raise AssertionError(message)

        def advance(self, amount):
            self.done += amount

        def finish(self):
            self.finished += 1

    recorder = Recorder()
    fitting.fit(
        table_of(**vars(rows)),
        arch="linear",
        recipe=quick,
        held_out=FOLDS,
        seeds=[0],
        progress=recorder,
    )
    assert recorder.total == recorder.done == quick.steps * len(FOLDS)
    assert recorder.finished == 1


def test_training_that_diverges_is_an_error(fit, rows):
    recipe = replace(load_recipe("digest"), batch=32, epochs=5, learning_rate=1e38)
    with pytest.raises(TinyVmafError) as caught:
        fit(rows, recipe, held_out=[()], seeds=[4])
    assert str(caught.value) == (
        "training diverged: with recipe digest and seed 4 the weights are no longer finite; "
        "lower learning_rate, which is 1e+38"
    )


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ((4,), "held-out sources [4] do not exist; expected 0 to 3"),
        ((-1,), "held-out sources [-1] do not exist; expected 0 to 3"),
        (
            (0, 1, 2, 3),
            "all 4 sources are held out, so there are no rows to train on; keep at least one",
        ),
    ],
)
def test_folds_that_cannot_be_are_refused(fit, rows, quick, out, message):
    with pytest.raises(SplitError) as caught:
        fit(rows, quick, held_out=[out])
    assert str(caught.value) == message


def test_rows_that_are_not_sorted_by_source_are_refused(fit, rows, quick):
    three = {"features": rows.features[:3], "target": rows.target[:3]}
    with pytest.raises(SplitError) as caught:
        fit(rows, quick, **three, source_index=[0, 1, 0])
    assert str(caught.value) == (
        "rows are not sorted by source: 2 sources lie in 3 blocks; sort them by source, clip and "
        "frame"
    )


def test_negative_seeds_and_unknown_archs_are_refused(fit, rows, quick):
    with pytest.raises(UsageError) as caught:
        fit(rows, quick, seeds=[0, -1])
    assert str(caught.value) == "seeds [0, -1]: expected 0 or more"
    with pytest.raises(UsageError, match=r"^unknown arch 'cnn'; "):
        fit(rows, quick, arch="cnn")


def test_without_jax_the_message_names_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "tinyvmaf.training.fitting")
    monkeypatch.delitem(sys.modules, "tinyvmaf.training.compiled_steps", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ToolNotFound, match=r"^training needs jax, not installed; add it with: pip"):
        __import__("tinyvmaf.training.fitting")


def test_recipes_and_sizes_do_not_load_jax():
    code = (
        "import sys, tinyvmaf.training.recipes, tinyvmaf.training.archs;"
        "tinyvmaf.training.recipes.load_recipe('default');"
        "sys.exit(bool({'jax', 'optax', 'sklearn', 'scipy', 'polars'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
