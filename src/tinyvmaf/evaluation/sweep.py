# SPDX-License-Identifier: Apache-2.0
"""The networks of a sweep: its folds, its single splits, and checks of their training.

A network of a fold never receives a row of the sources that it is judged on. Twice the steps show
whether training went far enough; subsets of the sources show whether more content would help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.folds import Fold
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.stats.metrics import rmse
from tinyvmaf.training.archs import SVR
from tinyvmaf.training.recipes import Recipe

if TYPE_CHECKING:
    from tinyvmaf.models.support_vectors import Regressor
    from tinyvmaf.training.fitting import Fitted

SINGLE_SPLIT: Mapping[str, str] = {
    "vmaf_tiny_small": "mlp_small",
    "vmaf_tiny_medium": "mlp_medium",
}
"""Names of the single-split baselines, as the published study calls them -> their arch."""

REPEATS = 5
"""Subsets of each size in the learning curve, or all of them if there are fewer."""

_POINTS = 5

MOST_DOUBLED = 8
"""Folds, evenly spaced, that are also trained with half the steps."""


@dataclass(frozen=True, slots=True)
class SweepNetworks:
    """The trained networks of a sweep.

    Attributes:
        table: The rows that they were trained on.
        arch: Arch of the networks of folds.
        recipe: The training settings of all.
        folds: Held out, one after the other.
        of_folds: (Positions held out, seed) -> its network.
        single: Name of a single-split baseline -> its network, trained without the last fold.
        doubling: The held-out error with half the steps and with all of them; None without steps.
        learning_curve: The error against the number of training sources; None if not asked for.
    """

    table: FeatureTable
    arch: str
    recipe: Recipe
    folds: Sequence[Fold]
    of_folds: "Mapping[tuple[tuple[int, ...], int], Fitted]"
    single: "Mapping[str, Fitted]"
    doubling: dict[str, Any] | None
    learning_curve: list[dict[str, Any]] | None

    @property
    def n_params(self) -> int:
        """Trained parameters of a model; of support vectors, whose number differs, the most."""
        return max(item.network.n_params for item in self.of_folds.values())

    @property
    def validation(self) -> Fold:
        """The fold that single splits leave out: the last source, as in the published study."""
        return self.folds[-1]

    def export_fold(self, fold: Fold, *, seed: int, path: Path) -> Model:
        """Write the network of a fold to `path`, and load it back."""
        item = self.of_folds[fold.positions, seed]
        return self._export(item, path, unseen=fold, arch=self.arch, seed=seed)

    def export_single(self, name: str, *, seed: int, path: Path) -> Model:
        """Write a single-split baseline to `path`, and load it back."""
        arch = SINGLE_SPLIT[name]
        return self._export(self.single[name], path, unseen=self.validation, arch=arch, seed=seed)

    def _export(self, item: "Fitted", path: Path, *, unseen: Fold, arch: str, seed: int) -> Model:
        return export_model(
            item.network,
            path=path,
            table=self.table,
            training_sources=[name for name in self.table.sources if name not in unseen.sources],
            arch=arch,
            recipe=asdict(self.recipe),
            seed=seed,
            training_rmse=item.train_rmse,
            loso=f"a model of one fold: it did not see {unseen.words}",
        )


def train_sweep(
    table: FeatureTable,
    folds: Sequence[Fold],
    *,
    arch: str,
    recipe: Recipe,
    seeds: Sequence[int],
    with_learning_curve: bool,
    progress: Progress,
) -> SweepNetworks:
    """Train every network of a sweep.

    Raises:
        UsageError: unknown arch.
        TinyVmafError: training diverged.
    """
    from tinyvmaf.training.fitting import Wanted, fit_all

    first, last = seeds[0], folds[-1].positions
    held_out = [fold.positions for fold in folds]
    # The slowest networks first, so that none of them is left for one core at the end.
    others = [name for name in reversed(list(SINGLE_SPLIT)) if SINGLE_SPLIT[name] != arch]
    wanted = [Wanted(SINGLE_SPLIT[name], recipe, [last], [first]) for name in others]
    wanted.append(Wanted(arch, recipe, held_out, seeds))
    doubled = held_out[:: -(-len(held_out) // MOST_DOUBLED)]
    if arch != SVR:
        wanted.append(Wanted(arch, halved(recipe), doubled, [first]))
    fitted = fit_all(table, wanted, progress=progress)
    of_folds = fitted[len(others)]
    of_others = {name: each[last, first] for name, each in zip(others, fitted, strict=False)}
    single = {name: of_others.get(name, of_folds[last, first]) for name in SINGLE_SPLIT}
    doubling = None
    if arch != SVR:
        half = fitted[-1]
        doubling = {
            "steps": half[doubled[0], first].steps,
            "folds": len(doubled),
            "rmse": _mean_error(table, half, doubled, seed=first),
            "doubled_rmse": _mean_error(table, of_folds, doubled, seed=first),
        }
    curve = None
    if with_learning_curve:
        curve = learning_curve(table, arch=arch, recipe=recipe, seed=first, progress=progress)
    return SweepNetworks(
        table=table,
        arch=arch,
        recipe=recipe,
        folds=folds,
        of_folds=of_folds,
        single=single,
        doubling=doubling,
        learning_curve=curve,
    )


def halved(recipe: Recipe) -> Recipe:
    """The recipe with half its steps.

    Training with half the steps costs a third of training with twice the steps, and shows a larger
    change, since each doubling changes less than the one before.
    """
    return replace(
        recipe,
        steps=None if recipe.steps is None else max(1, recipe.steps // 2),
        epochs=None if recipe.epochs is None else max(1, recipe.epochs // 2),
    )


def subset_sizes(n_sources: int) -> tuple[int, ...]:
    """Numbers of training sources, from two to all but one, evenly spaced on the log scale."""
    sizes = np.geomspace(min(2, n_sources - 1), n_sources - 1, _POINTS)
    return tuple(sorted({round(size) for size in sizes.tolist()}))


def subsets(n_sources: int, rng: np.random.Generator) -> dict[int, list[tuple[int, ...]]]:
    """Number of training sources -> the sources that random subsets of that size leave out."""
    return {size: _unseen(n_sources, size, rng) for size in subset_sizes(n_sources)}


def learning_curve(
    table: FeatureTable, *, arch: str, recipe: Recipe, seed: int, progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """Train on random subsets of the sources and judge each model on all others.

    Returns:
        A point per size: `n_sources`, mean over `n_repeats` subsets of the mean RMSE of the unseen
        sources in VMAF points (`rmse_mean`), the smallest and largest (`rmse_low`, `rmse_high`).
    """
    from tinyvmaf.training.fitting import fit

    rng = np.random.default_rng(seed)
    chosen = subsets(len(table.sources), rng)
    fitted = fit(
        table,
        arch=arch,
        recipe=recipe,
        held_out=[unseen for several in chosen.values() for unseen in several],
        seeds=[seed],
        progress=progress,
    )
    points: list[dict[str, Any]] = []
    for size, several in chosen.items():
        errors = [_mean_error(table, fitted, [unseen], seed=seed) for unseen in several]
        points.append(
            {
                "n_sources": size,
                "rmse_mean": float(np.mean(errors)),
                "rmse_low": min(errors),
                "rmse_high": max(errors),
                "n_repeats": len(errors),
            }
        )
    return points


def source_error(table: FeatureTable, network: "Regressor", position: int) -> float:
    """RMSE of a network on the frames of one source, in VMAF points."""
    own = table.blocks[position]
    return rmse(predicted=network.predict(table.features[own]), target=table.target[own]) or 0.0


def _mean_error(
    table: FeatureTable,
    fitted: "Mapping[tuple[tuple[int, ...], int], Fitted]",
    held_out: Sequence[tuple[int, ...]],
    *,
    seed: int,
) -> float:
    """Mean over the held-out sources of the RMSE of their frames."""
    return float(
        np.mean(
            [
                source_error(table, fitted[positions, seed].network, position)
                for positions in held_out
                for position in positions
            ]
        )
    )


def _unseen(n_sources: int, size: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The sources left by distinct random subsets of that size: a repeat would count one twice."""
    found: dict[tuple[int, ...], None] = {}
    while len(found) < min(REPEATS, comb(n_sources, size)):
        found[tuple(sorted(rng.permutation(n_sources)[size:].tolist()))] = None
    return list(found)
