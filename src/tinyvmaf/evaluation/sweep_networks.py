# SPDX-License-Identifier: Apache-2.0
"""The networks of a sweep: those of its folds, of single splits, and what judges their training.

A network of a fold never receives a row of the sources that it is judged on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyvmaf.evaluation.doubling import doubling, halved
from tinyvmaf.evaluation.folds import Fold
from tinyvmaf.evaluation.learning import learning_curve
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import Progress
from tinyvmaf.training.recipes import Recipe

if TYPE_CHECKING:
    from tinyvmaf.training.fitting import Fitted

SINGLE_SPLIT: Mapping[str, str] = {
    "vmaf_tiny_small": "mlp_small",
    "vmaf_tiny_medium": "mlp_medium",
}
"""Names of the single-split baselines, as the published study calls them -> their arch."""


@dataclass(frozen=True, slots=True)
class SweepNetworks:
    """What was trained.

    Attributes:
        table: The rows that it was trained on.
        arch: Of the networks of folds.
        recipe: How all were trained.
        folds: Held out, one after the other.
        of_folds: (Positions held out, seed) -> its network.
        single: Name of a single-split baseline -> its network, trained without the last fold.
        doubling: What twice the steps change.
        learning_curve: The error against the number of training sources, None if nobody asked.
    """

    table: FeatureTable
    arch: str
    recipe: Recipe
    folds: Sequence[Fold]
    of_folds: "Mapping[Any, Fitted]"
    single: "Mapping[str, Fitted]"
    doubling: dict[str, Any]
    learning_curve: list[dict[str, Any]] | None

    @property
    def validation(self) -> Fold:
        """What single splits leave out, as the published study does: the last source by name."""
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
    from tinyvmaf.training.fitting import fit

    def train(
        arch: str, chosen: Sequence[Fold], seeds: Sequence[int], recipe: Recipe = recipe
    ) -> "dict[Any, Fitted]":
        return fit(
            features=table.features,
            target=table.target,
            source_index=table.source_index,
            held_out=[fold.positions for fold in chosen],
            seeds=seeds,
            feature_names=table.info.features,
            arch=arch,
            recipe=recipe,
            progress=progress,
        )

    first, last = seeds[0], folds[-1]
    of_folds = train(arch, folds, seeds)
    single = {
        name: of_folds[last.positions, first]
        if each == arch
        else train(each, [last], [first])[last.positions, first]
        for name, each in SINGLE_SPLIT.items()
    }
    half = train(arch, folds, [first], halved(recipe))
    return SweepNetworks(
        table=table,
        arch=arch,
        recipe=recipe,
        folds=folds,
        of_folds=of_folds,
        single=single,
        doubling=doubling(table, half=half, whole=of_folds, folds=folds, seed=first),
        learning_curve=learning_curve(
            table, arch=arch, recipe=recipe, seed=first, progress=progress
        )
        if with_learning_curve
        else None,
    )
