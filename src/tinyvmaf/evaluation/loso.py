# SPDX-License-Identifier: Apache-2.0
"""Leave-one-source-out: train every fold, predict what it has not seen, keep all of it in a run.

Predictions are made by the exported models through ONNX Runtime, so that what is evaluated is what
can be shipped. The models of a fold never receive a row of the source that they are judged on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.applicability import applicability
from tinyvmaf.evaluation.baselines import (
    PER_FOLD,
    beside_rows,
    describe,
    per_fold_baselines,
    predict_all,
    seen_sources,
)
from tinyvmaf.evaluation.doubling import doubling, halved
from tinyvmaf.evaluation.folds import Fold, grouped, make_folds
from tinyvmaf.evaluation.learning import learning_curve
from tinyvmaf.evaluation.predictions import baseline_rows, keyed, predicted_rows
from tinyvmaf.evaluation.record import evaluate_run
from tinyvmaf.evaluation.run import (
    FoldFacts,
    Run,
    RunFacts,
    folder_name,
    refuse_other_table,
    write_run,
)
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.training.networks import n_params
from tinyvmaf.training.recipes import Recipe, load_recipe

if TYPE_CHECKING:
    import polars as pl

    from tinyvmaf.training.fitting import Fitted

SINGLE_SPLIT: Mapping[str, str] = {
    "vmaf_tiny_small": "mlp_small",
    "vmaf_tiny_medium": "mlp_medium",
}
"""Names of the single-split baselines, as the published study calls them -> their arch."""


def loso(
    table: FeatureTable,
    *,
    folder: Path | str,
    arch: str = "mlp_small",
    recipe: str | Recipe = "default",
    seeds: int = 1,
    folds: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Leave one source out and evaluate: what `tinyvmaf loso` does, without its report.

    Args:
        table: The frames, such as `read_table` gives them.
        folder: Gets the run's files.
        arch: One of `training.networks.ARCHS`.
        recipe: Name or file of a recipe, or the recipe itself.
        seeds: Sweeps over all folds, with the seeds 0, 1, ...
        folds: Put whole sources into so many folds; by default each source is left out alone.
        progress: Told of training steps.

    Returns:
        The record `tinyvmaf.loso/1`, as in `loso_<arch>_eval.json`.

    Raises:
        SplitError: too few sources, or a number of folds that they do not allow.
        UsageError: unknown arch or recipe, or the folder cannot be written.
    """
    settings = load_recipe(recipe) if isinstance(recipe, str) else recipe
    run = sweep(
        table,
        folder=Path(folder),
        arch=arch,
        recipe=settings,
        seeds=range(seeds),
        folds=folds,
        progress=progress,
    )
    return evaluate_run(run)


def sweep(
    table: FeatureTable,
    *,
    folder: Path,
    arch: str,
    recipe: Recipe,
    seeds: Sequence[int],
    folds: int | None = None,
    baselines: Sequence[Model] = (),
    beside: Mapping[str, Run] | None = None,
    with_learning_curve: bool = False,
    table_origin: str = "",
    extract_s: float = 0.0,
    progress: Progress = SILENT,
) -> Run:
    """Train, predict and write the run.

    Args:
        table: The frames; every source is held out once.
        folder: Gets the run's files.
        arch: One of `training.networks.ARCHS`.
        recipe: How to train.
        seeds: One sweep over all folds each; at least one.
        folds: Put whole sources into so many folds; by default each source is left out alone.
        baselines: Models to set beside it.
        beside: Runs on the same table to set beside it, by name.
        with_learning_curve: Also train on subsets of the sources.
        table_origin: Where the table came from, for the reader.
        extract_s: Seconds that making the table took.
        progress: Told of training steps.

    Raises:
        SplitError: too few sources, or a number of folds that they do not allow.
        UsageError: unknown arch, or the folder cannot be written.
    """
    import polars as pl

    from tinyvmaf.training.fitting import fit

    held_out = make_folds(table.sources, n_rows=[_length(own) for own in table.blocks], k=folds)
    about_table = _about(table, table_origin)
    for other in (beside or {}).values():
        refuse_other_table(about_table, other.facts.table)
    names = [*PER_FOLD, *SINGLE_SPLIT, *(model.name for model in baselines), *(beside or ())]
    _refuse_twins([arch, *names])
    started = time.perf_counter()

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

    fitted = train(arch, held_out, seeds)
    # The published study's split: one source, the last by name, is for validation only.
    validation = held_out[-1]
    single = {
        name: fitted[validation.positions, seeds[0]]
        if each == arch
        else train(each, [validation], seeds[:1])[validation.positions, seeds[0]]
        for name, each in SINGLE_SPLIT.items()
    }
    half = train(arch, held_out, seeds[:1], halved(recipe))
    doubled = doubling(table, half=half, whole=fitted, folds=held_out, seed=seeds[0])
    curve = (
        learning_curve(table, arch=arch, recipe=recipe, seed=seeds[0], progress=progress)
        if with_learning_curve
        else None
    )
    trained = time.perf_counter()

    def export(item: "Fitted", path: Path, unseen: Fold, arch: str, seed: int) -> Model:
        return export_model(
            item.network,
            path=path,
            table=table,
            training_sources=[name for name in table.sources if name not in unseen.sources],
            arch=arch,
            recipe=asdict(recipe),
            seed=seed,
            training_rmse=item.train_rmse,
            loso=f"a model of one fold: it did not see {_words(unseen)}",
        )

    keys = keyed(table)
    predicted: dict[tuple[int, int], np.ndarray] = {}
    for fold in held_out:
        for number, seed in enumerate(seeds):
            path = _model_path(folder, fold, arch, seed=None if number == 0 else seed)
            model = export(fitted[fold.positions, seed], path, fold, arch, seed)
            for position in fold.positions:
                own = table.features[table.blocks[position]]
                predicted[position, seed] = model.predict(own)

    def beside_it(model: str, predicted: np.ndarray, seen: Mapping[str, str]) -> "pl.DataFrame":
        return baseline_rows(keys, model=model, models=names, predicted=predicted, seen=seen)

    unseen = dict.fromkeys(table.sources, "heldout")
    rows = [beside_it(*found, unseen) for found in per_fold_baselines(table, held_out)]
    described = dict(PER_FOLD)
    for name, item in single.items():
        path = folder / "baselines" / f"{name}.onnx"
        model = export(item, path, validation, SINGLE_SPLIT[name], seeds[0])
        seen = dict.fromkeys(table.sources, "train") | dict.fromkeys(validation.sources, "val")
        rows.append(beside_it(name, predict_all(model, table), seen))
        described[name] = f"{SINGLE_SPLIT[name]} trained once; {_words(validation)} for validation"
    for model in baselines:
        seen = seen_sources(model.card, table.sources)
        rows.append(beside_it(model.name, predict_all(model, table), seen))
    rows += [beside_rows(other, model=name, models=names) for name, other in (beside or {}).items()]
    described |= describe(baselines, beside or {})
    facts = RunFacts(
        arch=arch,
        n_params=n_params(arch, len(table.info.features)),
        recipe=recipe.name,
        recipe_settings=asdict(recipe),
        seeds=tuple(seeds),
        teacher=table.info.teacher,
        features=table.info.features,
        table=about_table,
        folds=tuple(
            FoldFacts(source, seed, item.n_train, item.steps, item.train_rmse)
            for source, fold in sorted(
                (source, fold) for fold in held_out for source in fold.sources
            )
            for seed in seeds
            for item in (fitted[fold.positions, seed],)
        ),
        held_out=grouped(held_out),
        baselines=described,
        applicability=_applicability(table, held_out),
        doubling=doubled,
        learning_curve=curve,
        seconds={
            "extract": round(extract_s, 3),
            "train": round(trained - started, 3),
            "evaluate": round(time.perf_counter() - trained, 3),
        },
        command=command_line(),
        versions=versions("jax", "jaxlib", "numpy", "onnxruntime", "polars", "scipy"),
    )
    run = Run(facts, predicted_rows(keys, table.blocks, predicted), pl.concat(rows))
    write_run(run, folder)
    return run


def _length(block: slice) -> int:
    return block.stop - block.start


def _words(fold: Fold) -> str:
    """A fold's sources, in words."""
    if len(fold.sources) == 1:
        return fold.sources[0]
    return f"the {len(fold.sources)} sources of fold {fold.name}"


def _about(table: FeatureTable, origin: str) -> dict[str, Any]:
    return {
        "rows": table.rows.height,
        "sources": len(table.sources),
        "clips": table.n_clips,
        "sha256": table.sha256,
        "origin": origin,
        "versions": dict(table.info.versions),
        "notes": len(table.info.notes),
    }


def _applicability(table: FeatureTable, folds: Sequence[Fold]) -> dict[str, dict[str, float]]:
    found = applicability(
        features=table.features,
        source_index=table.source_index,
        held_out=[fold.positions for fold in folds],
    )
    return {source: asdict(item) for source, item in zip(table.sources, found, strict=True)}


def _refuse_twins(names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise UsageError(f"two models are called {', '.join(twins)}; rename the file or the run")


def _model_path(folder: Path, fold: Fold, arch: str, *, seed: int | None) -> Path:
    """`<arch>_final.onnx` is the first seed's: a rule fixed before anything is known of them."""
    suffix = "final" if seed is None else f"seed{seed}"
    return folder / folder_name(fold.name) / f"{arch}_{suffix}.onnx"
