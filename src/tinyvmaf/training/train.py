# SPDX-License-Identifier: Apache-2.0
"""Training one model, on every source or as the model of one fold, and writing it with its card."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.stats.metrics import Metrics, measure
from tinyvmaf.training.archs import check_arch
from tinyvmaf.training.feature_choice import choose_features
from tinyvmaf.training.recipes import Recipe, as_recipe


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model and its figures.

    Attributes:
        n_params: Weights and biases.
        model: Loaded back from the file that was written.
        train_rmse: On its own training rows, in VMAF points.
        held_out: Its metrics on the held-out source; None if it was trained on all.
    """

    n_params: int
    model: Model
    train_rmse: float
    held_out: Metrics | None

    def __repr__(self) -> str:
        return (
            f"<Trained {self.model.name}, {self.n_params} parameters, "
            f"train RMSE {self.train_rmse:.3f}>"
        )


def train(
    table: FeatureTable | Path | str,
    *,
    path: Path | str,
    arch: str = "mlp_small",
    recipe: str | Recipe = "default",
    features: str | Sequence[str] | None = None,
    seed: int = 0,
    val_source: str | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train one model and write it as an ONNX file, with its card beside it.

    With `val_source` it is the same model as that fold's in `loso` with the same recipe and seed.

    Args:
        table: The frames, or the path of their table.
        path: The `.onnx` file; the card gets the suffix `.json`.
        arch: One of `training.archs.ARCHS`.
        recipe: Name or file of a recipe, or the recipe itself.
        features: Inputs of the network, as `choose_features` takes them; by default those of the
            table's teacher.
        seed: Of the initial weights and the batches, 0 or more.
        val_source: A source that the model must not see; it is judged there.
        progress: Receives the training steps.

    Raises:
        SplitError: two sources are one content.
        UsageError: unknown arch, recipe or source, it is the only source, or the file cannot be
            written.
    """
    from tinyvmaf.training.fitting import fit

    check_arch(arch)
    settings = as_recipe(recipe)
    choice = choose_features(as_table(table), features)
    table = choice.table
    if choice.note:
        progress.note(choice.note)
    if val_source is not None and val_source not in table.sources:
        raise UsageError(f"no source {val_source!r}; this table has {', '.join(table.sources)}")
    refuse_twins(table.sources, references=table.info.references)
    training = [source for source in table.sources if source != val_source]
    if not training:
        raise UsageError(f"{val_source} is the only source; nothing would be left to train on")
    position = None if val_source is None else table.sources.index(val_source)
    held_out = () if position is None else (position,)
    fitted = fit(
        table, arch=arch, recipe=settings, held_out=[held_out], seeds=[seed], progress=progress
    )[held_out, seed]
    model = export_model(
        fitted.network,
        path=Path(path),
        table=table,
        training_sources=training,
        arch=arch,
        recipe=asdict(settings),
        seed=seed,
        training_rmse=fitted.train_rmse,
        loso="trained once; `tinyvmaf loso` measures the recipe on held-out sources",
    )
    metrics = None
    if position is not None:
        own = table.blocks[position]
        predicted = model.predict(table.rows[own])
        metrics = measure(predicted=predicted, target=table.target[own])
    return Trained(fitted.network.n_params, model, fitted.train_rmse, metrics)
