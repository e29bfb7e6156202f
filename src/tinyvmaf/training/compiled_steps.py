# SPDX-License-Identifier: Apache-2.0
"""The compiled training program: some steps of one network.

Everything that differs between folds, seeds and lengths of training is an argument: row numbers,
learning rates, scaling, parameters. One compilation therefore serves them all, and a network's
result cannot depend on the others that are trained at the same time.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32, Int, Int32

from tinyvmaf.kept import kept_folder, processor
from tinyvmaf.models.network import Activation
from tinyvmaf.training.recipes import Initialisation, Loss

Vector = Float[Array | np.ndarray, " n_params"]
Layers = list[tuple[Float[Array | np.ndarray, "_ _"], Float[Array | np.ndarray, "_ 1"]]]
"""A weight [n_out, n_in] and a bias [n_out, 1] for every layer."""

_ACTIVATE: dict[Activation, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}

CHUNK = 512
"""Steps per call: enough to make the overhead negligible, few enough to show progress."""


class State(NamedTuple):
    """State between steps: the parameters as one vector, and the optimiser's state."""

    params: Vector
    memory: Any


class Scale(NamedTuple):
    """A fold's scaling: columns for features, numbers for the target."""

    shift: Float32[np.ndarray, "n_features 1"]
    scale: Float32[np.ndarray, "n_features 1"]
    target_shift: Float32[np.ndarray, ""]
    target_scale: Float32[np.ndarray, ""]


class Chunk(NamedTuple):
    """Input of up to `CHUNK` steps; only the first `n_steps` entries are used."""

    rows: Int32[np.ndarray, "chunk batch"]
    rates: Float32[np.ndarray, " chunk"]
    n_steps: Int32[np.ndarray, ""]


class Program(NamedTuple):
    """`start` makes a state from parameters, `steps` advances it."""

    start: Callable[[Float32[np.ndarray, " n_params"]], State]
    steps: Callable[[State, Array, Scale, Chunk], State]


def unpack(params: Vector, *, sizes: tuple[int, ...]) -> Layers:
    """The layers that a vector of parameters holds, one after the other, weight before bias."""
    layers: Layers = []
    at = 0
    for n_in, n_out in pairwise(sizes):
        weight = params[at : at + n_in * n_out].reshape(n_out, n_in)
        at += n_in * n_out
        layers.append((weight, params[at : at + n_out].reshape(n_out, 1)))
        at += n_out
    return layers


def forward(
    layers: Layers, inputs: Float[Array, "n_features n"], *, activation: Activation
) -> Float[Array | np.ndarray, " n"]:
    """The network's output on scaled inputs, before it is scaled back to VMAF points.

    Rows lie along the last axis: the small matrices then multiply long ones, and a step takes a
    third less time on a CPU than with rows along the first axis.
    """
    hidden = inputs
    for weight, bias in layers[:-1]:
        hidden = _ACTIVATE[activation](jnp.asarray(weight @ hidden + bias))
    weight, bias = layers[-1]
    return (weight @ hidden + bias)[0]


def residual(
    *,
    predicted: Float[Array | np.ndarray, " n"],
    target: Float[Array, " n"],
    scale: Scale,
    loss: Loss,
) -> Float[Array, " n"]:
    """The residuals of the loss in units of the scaled target; `target` is in VMAF points."""
    difference = jnp.asarray(predicted) - (target - scale.target_shift) / scale.target_scale
    if loss == "mse":
        return difference
    difference = jnp.where(target >= 100, jnp.minimum(difference, 0), difference)  # noqa: PLR2004
    return jnp.where(target <= 0, jnp.maximum(difference, 0), difference)


def initial(
    sizes: tuple[int, ...], *, initialisation: Initialisation, generator: np.random.Generator
) -> Float32[np.ndarray, " n_params"]:
    """Parameters to start from, in the order of `unpack`."""
    parts: list[Float[np.ndarray, " m"]] = []
    for n_in, n_out in pairwise(sizes):
        width = n_in**-0.5
        if initialisation == "lecun_normal":
            parts += [generator.normal(0, width, n_in * n_out), np.zeros(n_out)]
        else:
            parts += [generator.uniform(-width, width, m) for m in (n_in * n_out, n_out)]
    return np.concatenate(parts).astype(np.float32)


@contextmanager
def _compilations_kept() -> Generator[None]:
    """Keep compiled programs in the user's cache, and restore the user's settings afterwards."""
    folder = kept_folder(f"programs-{processor()}")
    if folder is None or getattr(jax.config, "jax_compilation_cache_dir", None):
        yield
        return
    ours = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in ours}
    for name, value in ours.items():
        jax.config.update(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


@lru_cache(maxsize=16)
def program(
    *,
    sizes: tuple[int, ...],
    activation: Activation,
    loss: Loss,
    beta2: float,
    batch: int,
    n_rows: int,
) -> Program:
    """Compile the training of one shape on tables of `n_rows` rows for the CPU.

    Networks this small train fastest with one per core: an accelerator would be idle most of the
    time.
    """
    cpu = jax.local_devices(backend="cpu")[0]
    adam = optax.scale_by_adam(b2=beta2)

    def steps(state: State, data: Float[Array, "n columns"], scale: Scale, chunk: Chunk) -> State:
        def cost(params: Float[Array, " n_params"], drawn: Float[Array, "columns batch"]) -> Array:
            inputs = (drawn[:-1] - scale.shift) / scale.scale
            predicted = forward(unpack(params, sizes=sizes), inputs, activation=activation)
            return jnp.mean(
                residual(predicted=predicted, target=drawn[-1], scale=scale, loss=loss) ** 2
            )

        def step(i: Int[Array, ""], state: State) -> State:
            gradient = jax.grad(cost)(state.params, data[jnp.asarray(chunk.rows)[i]].T)
            direction, memory = adam.update(gradient, state.memory)
            rate = jnp.asarray(chunk.rates)[i]
            return State(state.params - rate * cast("Array", direction), memory)

        return jax.lax.fori_loop(0, chunk.n_steps, step, state)

    def start(params: Float32[np.ndarray, " n_params"]) -> State:
        # Adam's moments are zero at first. Zeros from NumPy: JAX would compile a program for them.
        memory = jax.eval_shape(adam.init, params)
        return State(params, jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), memory))

    n_columns = sizes[0] + 1
    on_cpu = jax.sharding.SingleDeviceSharding(cpu)
    data = jax.ShapeDtypeStruct((n_rows, n_columns), np.float32, sharding=on_cpu)
    column, number = np.zeros((sizes[0], 1), np.float32), np.zeros((), np.float32)
    chunk = Chunk(
        np.zeros((CHUNK, batch), np.int32), np.zeros(CHUNK, np.float32), np.zeros((), np.int32)
    )
    params = np.zeros(sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)), np.float32)
    with _compilations_kept():
        compiled = (
            jax.jit(steps)
            .lower(start(params), data, Scale(column, column, number, number), chunk)
            # One thread a network: the cores are busy with the other networks, and sums that are
            # split over threads would not be repeatable.
            .compile(compiler_options={"xla_cpu_multi_thread_eigen": False})
        )
    return Program(start=start, steps=compiled)
