# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tinyvmaf.models.network import Layer, Network
from tinyvmaf.training.compiled_steps import Scale, forward, initial, residual


def scale(n_features=6, *, shift=0.0, by=1.0):
    column = np.zeros((n_features, 1), np.float32)
    return Scale(column, column + 1, np.asarray(shift, np.float32), np.asarray(by, np.float32))


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", [1.0, -1.0, 0.2]), ("saturated_mse", [0.0, 0.0, 0.2])]
)
def test_beyond_the_clip_nothing_is_learned(loss, expected):
    found = residual(
        predicted=jnp.array([6.0, -6.0, 0.2], jnp.float32),
        target=jnp.array([100.0, 0.0, 50.0], jnp.float32),
        scale=scale(shift=50, by=10),
        loss=loss,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_inside_the_clip_both_losses_are_the_same():
    for value, target in ((4.0, 100.0), (-4.0, 0.0), (6.0, 99.9), (-6.0, 0.1)):
        mse, saturated = (
            residual(
                predicted=jnp.array([value], jnp.float32),
                target=jnp.array([target], jnp.float32),
                scale=scale(shift=50, by=10),
                loss=loss,
            )
            for loss in ("mse", "saturated_mse")
        )
        assert mse.item() == saturated.item()


def test_beyond_the_clip_the_gradient_is_zero():
    gradient = jax.grad(
        lambda p: residual(
            predicted=p, target=jnp.array([100.0]), scale=scale(by=50.0), loss="saturated_mse"
        ).sum()
    )
    assert gradient(jnp.array([2.5])).item() == 0
    assert gradient(jnp.array([1.5])).item() == 1


@pytest.mark.parametrize("activation", ["relu", "silu", "tanh"])
@pytest.mark.parametrize("sizes", [(6, 1), (6, 16, 8, 1), (6, 64, 32, 1)])
def test_the_trained_network_and_the_exported_one_are_the_same(activation, sizes):
    generator = np.random.default_rng(5)
    layers = [
        (
            generator.normal(0, n_in**-0.5, (n_out, n_in)).astype(np.float32),
            generator.normal(size=(n_out, 1)).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    ]
    features = generator.normal(size=(500, 6)) * 10.0 ** generator.integers(-2, 4, (500, 1))
    network = Network(
        features=tuple("abcdef"),
        shift=np.full(6, 0.5, np.float32),
        scale=np.full(6, 2.0, np.float32),
        layers=tuple(Layer(weight.T, bias[:, 0]) for weight, bias in layers),
        activation=activation,
        target_shift=60.0,
        target_scale=20.0,
    )
    inputs = (features.astype(np.float32).T - 0.5) / 2
    trained = forward(
        [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers],
        jnp.asarray(inputs),
        activation=activation,
    )
    expected = np.clip(np.asarray(trained) * 20 + 60, 0, 100)
    assert np.abs(network.predict(features) - expected).max() <= 1e-3


def test_starts_have_the_width_that_their_name_says():
    for name in ("lecun_normal", "uniform_fan_in"):
        params = initial((400, 100, 1), initialisation=name, generator=np.random.default_rng(0))
        assert params.shape == (400 * 100 + 100 + 100 + 1,)
        assert params.dtype == np.float32
        weights, biases = params[: 400 * 100], params[400 * 100 :][:100]
        if name == "lecun_normal":
            assert weights.std() == pytest.approx(400**-0.5, rel=0.02)
            assert not biases.any()
        else:
            assert np.abs(params[:40_100]).max() == pytest.approx(400**-0.5, rel=1e-3)
            assert weights.std() == pytest.approx((3 * 400) ** -0.5, rel=0.02)
            assert biases.any()
