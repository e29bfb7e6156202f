# SPDX-License-Identifier: Apache-2.0
"""Training one model, on every source or as the model of one fold, and writing it with its card."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import UsageError
from tinyvmaf.features.schema import MOS
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.stats.metrics import Metrics, measure
from tinyvmaf.training.archs import SVR, check_arch
from tinyvmaf.training.feature_choice import choose_features
from tinyvmaf.training.opinion_fitting import (
    SETTINGS,
    clip_means,
    clip_scores,
    fit_opinions,
    judged_frames,
)
from tinyvmaf.training.recipes import Recipe, as_recipe

OF_OPINIONS = (
    "predicts mean opinion scores, on the scale of their study: trained on the mean features of "
    "clips; a clip's score is the mean of those of its frames"
)
"""The note on the card of a model of opinions."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model and its figures.

    Attributes:
        n_params: Weights and biases.
        model: Loaded back from the file that was written.
        train_rmse: On its own training rows, in VMAF points; on its training clips, in points of
            the opinion scale, if it predicts opinions.
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
    target: str = TARGET,
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
        target: `vmaf`, or `mos`: the mean opinion scores of clips, for the arch `svr` alone, whose
            settings are then its own. The model's output has the scale of the opinions.
        seed: Seed of the initial weights and the batches, 0 or more.
        val_source: A source that the model must not see; it is judged there.
        progress: Receives the training steps.

    Raises:
        SplitError: two sources are one content.
        UsageError: unknown arch, recipe, target or source, it is the only source, or the file
            cannot be written; the table has no opinion scores, or some outside [0, 100].
    """
    check_arch(arch)
    check_target(target, arch=arch)
    settings = as_recipe(recipe)
    choice = choose_features(as_table(table), features)
    table = choice.table
    if choice.note:
        progress.note(choice.note)
    if val_source is not None and val_source not in table.sources:
        raise UsageError(f"no source {val_source!r}; this table has {', '.join(table.sources)}")
    refuse_twins(table.sources, references=table.info.references)
    if target == MOS:
        return _train_on_opinions(table, path=Path(path), seed=seed, val_source=val_source)
    from tinyvmaf.training.fitting import fit

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


def check_target(target: str, *, arch: str) -> None:
    """Refuse a target that is unknown, or that an arch cannot learn.

    Raises:
        UsageError: the target is neither `vmaf` nor `mos`, or is `mos` for a network.
    """
    if target not in {TARGET, MOS}:
        raise UsageError(f"target {target!r}: expected {TARGET} or {MOS}")
    if target == MOS and arch != SVR:
        raise UsageError(
            f"the target {MOS} is for the arch {SVR}: a study has too few clips for {arch}"
        )


def _train_on_opinions(
    table: FeatureTable, *, path: Path, seed: int, val_source: str | None
) -> Trained:
    """Train support vectors on the opinion scores of clips."""
    judged = judged_frames(table)
    source = judged.rows["source"].to_numpy()
    own = source != val_source
    if not own.any():
        raise UsageError(f"{val_source} is the only source with opinions; no other can be trained")
    names = table.info.features
    clips = clip_means(judged.features, judged.clip)
    training = np.unique(judged.clip[own])
    machine = fit_opinions(features=clips[training], mos=judged.mos[training], names=names)
    scores = clip_scores(machine, judged.features, judged.clip)
    train_rmse = float(np.sqrt(np.mean(np.square(scores - judged.mos)[training])))
    model = export_model(
        machine,
        path=path,
        table=table,
        training_sources=sorted(set(source[own].tolist())),
        arch=SVR,
        recipe={"name": "opinions", **asdict(SETTINGS)},
        seed=seed,
        training_rmse=train_rmse,
        loso="trained once; `tinyvmaf loso --target mos` measures it on held-out sources",
        teacher=MOS,
        notes=(OF_OPINIONS,),
    )
    metrics = None
    if not own.all():
        held_out = np.unique(judged.clip[~own])
        metrics = measure(predicted=scores[held_out], target=judged.mos[held_out])
    return Trained(machine.n_params, model, train_rmse, metrics)
