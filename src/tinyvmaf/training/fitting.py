# SPDX-License-Identifier: Apache-2.0
"""Fitting many networks at once: every fold and every seed, through one compiled program.

`fit` takes a table and the sources that each fold holds out, and returns finished networks. All
training goes through it: the sweep, a single model, the shipped models, the learning curve, nested
folds, scikit-learn's estimator. The rows are copied to the device once. A network's start
and the order of its batches depend on its seed and its held-out sources alone, so that a fold
trained by itself is bit for bit the fold of the sweep. A held-out row takes no part in scaling or
in any step.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32

from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.extras import missing_extra
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.network import Layer, Network
from tinyvmaf.models.support_vectors import Regressor
from tinyvmaf.progress import SILENT, Progress, Task
from tinyvmaf.training.archs import SVR, check_arch, layer_sizes
from tinyvmaf.training.recipes import Recipe
from tinyvmaf.training.svr_fitting import fit_folds
from tinyvmaf.training.training_rows import Rows, batches, split_by_source

try:
    import jax

    from tinyvmaf.training.compiled_steps import (
        CHUNK,
        Chunk,
        Program,
        Scale,
        initial,
        program,
        unpack,
    )
except ModuleNotFoundError as error:
    raise missing_extra("train", what="training", modules=[error.name or "jax"]) from error


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network, or support vectors, with figures of its training.

    Attributes:
        network: Ready to predict or to export.
        train_rmse: On its own training rows, in VMAF points.
        steps: Steps of the optimiser; 0 for support vectors, which have none.
        n_train: Training rows.
    """

    network: Regressor
    train_rmse: float
    steps: int
    n_train: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Networks to fit: one for every set of held-out sources and every seed.

    Attributes:
        arch: One of `archs.ARCHS`, or `svr`, which is the same for every seed.
        recipe: The training settings.
        held_out: Positions in a table's sources that a network must not see; `()` trains on all.
        seeds: Seeds of the start and the order of batches, each 0 or more.
    """

    arch: str
    recipe: Recipe
    held_out: Sequence[tuple[int, ...]] = ((),)
    seeds: Sequence[int] = (0,)

    @property
    def jobs(self) -> list[tuple[tuple[int, ...], int]]:
        """(Held-out positions, seed) of every network, once each."""
        return list(dict.fromkeys((out, seed) for out in self.held_out for seed in self.seeds))


def fit(
    table: FeatureTable,
    *,
    arch: str,
    recipe: Recipe,
    held_out: Sequence[tuple[int, ...]] = ((),),
    seeds: Sequence[int] = (0,),
    progress: Progress = SILENT,
) -> dict[tuple[tuple[int, ...], int], Fitted]:
    """Fit one network for every set of held-out sources and every seed, as `fit_all` does.

    Returns:
        For every (held-out positions, seed) its network.
    """
    (fitted,) = fit_all(table, [Wanted(arch, recipe, held_out, seeds)], progress=progress)
    return fitted


def fit_all(
    table: FeatureTable, wanted: Sequence[Wanted], *, progress: Progress = SILENT
) -> list[dict[tuple[tuple[int, ...], int], Fitted]]:
    """Fit networks of several shapes and recipes side by side, so that no core waits for a shape.

    Args:
        table: The rows; the networks read `table.info.features`, in that order.
        wanted: The networks; the first begin while the programs of the next are compiled.
        progress: Receives the steps, from several threads but one at a time.

    Returns:
        For each of `wanted` its networks by (held-out positions, seed).

    Raises:
        UsageError: there is no such arch, or a seed is negative.
        SplitError: the rows are not sorted by source, a held-out position does not exist, or a fold
            leaves no rows to train on.
        TinyVmafError: training diverged.
    """
    rows = split_by_source(table)
    for each in wanted:
        check_arch(each.arch)
        if any(seed < 0 for seed in each.seeds):
            raise UsageError(f"seeds {list(each.seeds)}: expected 0 or more")
        for out in each.held_out:
            rows.check_fold(out)
    of_steps = [each for each in wanted if each.arch != SVR]
    n_steps = sum(
        each.recipe.n_steps(rows.n_train(out)) for each in of_steps for out, _ in each.jobs
    )
    n_jobs = sum(len(each.jobs) for each in of_steps)
    machines = {
        number: _support_vectors(table, rows, each, progress=progress)
        for number, each in enumerate(wanted)
        if each.arch == SVR
    }
    if not of_steps:
        return list(machines.values())
    matrix = jax.device_put(rows.matrix(), jax.local_devices(backend="cpu")[0])
    watched = _Watched(progress.task("train", total=float(n_steps), unit="steps"))
    pool = ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, n_jobs)))
    try:
        futures: dict[int, dict[tuple[tuple[int, ...], int], Future[Fitted]]] = {}
        for number, each in enumerate(wanted):
            if each.arch == SVR:
                continue
            sizes = layer_sizes(each.arch, len(table.info.features))
            sweep = _Sweep(
                rows=rows,
                matrix=matrix,
                feature_names=table.info.features,
                sizes=sizes,
                recipe=each.recipe,
                program=program(
                    sizes=sizes,
                    activation=each.recipe.activation,
                    loss=each.recipe.loss,
                    beta2=each.recipe.beta2,
                    batch=each.recipe.batch,
                    n_rows=len(table.target),
                ),
                watched=watched,
            )
            futures[number] = {job: pool.submit(sweep.fit_one, *job) for job in each.jobs}
        networks = {
            number: {job: future.result() for job, future in own.items()}
            for number, own in futures.items()
        }
    finally:
        # Reached early by a network that diverged or by Ctrl-C: the others can stop.
        watched.stop()
        pool.shutdown(cancel_futures=True)
        watched.task.finish()
    return [{**machines, **networks}[number] for number in range(len(wanted))]


def _support_vectors(
    table: FeatureTable, rows: Rows, wanted: Wanted, *, progress: Progress
) -> dict[tuple[tuple[int, ...], int], Fitted]:
    """Fit once for every set of held-out sources; the result does not depend on a seed."""
    held_out = list(dict.fromkeys(wanted.held_out))
    watched = _Watched(progress.task("train", total=float(len(held_out)), unit="models"))
    try:
        machines = fit_folds(
            rows,
            held_out,
            names=table.info.features,
            standardised=wanted.recipe.scaling == "standard",
            on_fold=partial(watched.advance, 1),
        )
    finally:
        watched.task.finish()
    fitted = {
        out: Fitted(machine, rows.train_rmse(machine, sorted(set(out))), 0, rows.n_train(out))
        for out, machine in machines.items()
    }
    return {(out, seed): fitted[out] for out, seed in wanted.jobs}


def learning_rates(recipe: Recipe, n_steps: int) -> Float32[np.ndarray, " n_steps"]:
    """The learning rate of every step, above 0."""
    if recipe.schedule == "constant":
        return np.full(n_steps, recipe.learning_rate, np.float32)
    part = np.arange(n_steps) / n_steps
    return (recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * part))).astype(np.float32)


class _Watched:
    """Progress that many threads report to, with a flag that asks them to stop."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def advance(self, steps: int) -> bool:
        """Report steps; return False if training should stop."""
        with self._lock:
            self.task.advance(float(steps))
        return not self._stopped.is_set()

    def stop(self) -> None:
        self._stopped.set()


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Data shared by the networks of one call, read-only; `fit_one` runs in many threads."""

    rows: Rows
    matrix: jax.Array
    feature_names: tuple[str, ...]
    sizes: tuple[int, ...]
    recipe: Recipe
    program: Program
    watched: _Watched

    def fit_one(self, held_out: tuple[int, ...], seed: int) -> Fitted:
        out = sorted(set(held_out))
        n_train = self.rows.n_train(out)
        n_steps = self.recipe.n_steps(n_train)
        scale = self._scale(out)
        # Positions are counted from 1: NumPy treats the seeds [s] and [s, 0] as equal.
        generator = np.random.default_rng([seed, *(position + 1 for position in out)])
        state = self.program.start(
            initial(self.sizes, initialisation=self.recipe.initialisation, generator=generator)
        )
        drawn = batches(
            self.rows.training_rows(out),
            batch=self.recipe.batch,
            chunk=CHUNK,
            generator=generator,
        )
        rates = learning_rates(self.recipe, n_steps)
        for done in range(0, n_steps, CHUNK):
            now = rates[done : done + CHUNK]
            chunk = Chunk(next(drawn), np.resize(now, CHUNK), np.asarray(len(now), np.int32))
            state = self.program.steps(state, self.matrix, scale, chunk)
            jax.block_until_ready(state)
            if not self.watched.advance(len(now)):
                break
        network = self._network(np.asarray(state.params), scale, seed)
        return Fitted(network, self.rows.train_rmse(network, out), n_steps, n_train)

    def _scale(self, held_out: Sequence[int]) -> Scale:
        mean, scale = np.zeros(self.matrix.shape[1]), np.ones(self.matrix.shape[1])
        if self.recipe.scaling == "standard":
            seen = self.rows.training_moments(held_out)
            mean, scale = seen.mean, seen.scale
        mean, scale = mean.astype(np.float32), scale.astype(np.float32)
        return Scale(mean[:-1, None], scale[:-1, None], np.asarray(mean[-1]), np.asarray(scale[-1]))

    def _network(
        self, params: Float32[np.ndarray, " n_params"], scale: Scale, seed: int
    ) -> Network:
        if not np.isfinite(params).all():
            raise TinyVmafError(
                f"training diverged: with recipe {self.recipe.name} and seed {seed} the weights "
                f"are no longer finite; lower learning_rate, which is {self.recipe.learning_rate}"
            )
        return Network(
            features=self.feature_names,
            shift=scale.shift[:, 0],
            scale=scale.scale[:, 0],
            layers=tuple(
                Layer(np.array(weight.T), np.array(bias[:, 0]))
                for weight, bias in unpack(params, sizes=self.sizes)
            ),
            activation=self.recipe.activation,
            target_shift=float(scale.target_shift),
            target_scale=float(scale.target_scale),
        )
