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
from jaxtyping import Float

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
from tinyvmaf.evaluation.folds import Fold, grouped, make_folds
from tinyvmaf.evaluation.predictions import baseline_rows, keyed, predicted_rows
from tinyvmaf.evaluation.record import evaluate_run
from tinyvmaf.evaluation.run import (
    FoldFacts,
    Run,
    RunFacts,
    folder_name,
    refuse_other_table,
    run_folder,
    write_run,
)
from tinyvmaf.evaluation.sweep_networks import SINGLE_SPLIT, SweepNetworks, train_sweep
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.training.networks import n_params
from tinyvmaf.training.recipes import Recipe, load_recipe

if TYPE_CHECKING:
    import polars as pl


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
    with run_folder(Path(folder)) as new:
        run = sweep(
            table,
            folder=new,
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

    held_out = make_folds(table.sources, n_rows=[_length(own) for own in table.blocks], k=folds)
    about_table = _about(table, table_origin)
    for other in (beside or {}).values():
        refuse_other_table(about_table, other.facts.table)
    names = [*PER_FOLD, *SINGLE_SPLIT, *(model.name for model in baselines), *(beside or ())]
    _refuse_twins([arch, *names])
    started = time.perf_counter()
    networks = train_sweep(
        table,
        held_out,
        arch=arch,
        recipe=recipe,
        seeds=seeds,
        with_learning_curve=with_learning_curve,
        progress=progress,
    )
    trained = time.perf_counter()
    keys = keyed(table)
    predicted = _predict_folds(networks, seeds, folder)

    def beside_it(model: str, predicted: np.ndarray, seen: Mapping[str, str]) -> "pl.DataFrame":
        return baseline_rows(keys, model=model, models=names, predicted=predicted, seen=seen)

    unseen = dict.fromkeys(table.sources, "heldout")
    rows = [beside_it(*found, unseen) for found in per_fold_baselines(table, held_out)]
    last = networks.validation
    for name in SINGLE_SPLIT:
        path = folder / "baselines" / f"{name}.onnx"
        model = networks.export_single(name, seed=seeds[0], path=path)
        seen = dict.fromkeys(table.sources, "train") | dict.fromkeys(last.sources, "val")
        rows.append(beside_it(name, predict_all(model, table), seen))
    for model in baselines:
        seen = seen_sources(model.card, table.sources)
        rows.append(beside_it(model.name, predict_all(model, table), seen))
    rows += [beside_rows(other, model=name, models=names) for name, other in (beside or {}).items()]
    single = {
        name: f"{each} trained once; {last.words} for validation"
        for name, each in SINGLE_SPLIT.items()
    }
    facts = RunFacts(
        arch=arch,
        n_params=n_params(arch, len(table.info.features)),
        recipe=recipe.name,
        recipe_settings=asdict(recipe),
        seeds=tuple(seeds),
        teacher=table.info.teacher,
        features=table.info.features,
        table=about_table,
        folds=_fold_facts(networks, seeds),
        held_out=grouped(held_out),
        baselines={**PER_FOLD, **single, **describe(baselines, beside or {})},
        applicability=_applicability(table, held_out),
        doubling=networks.doubling,
        learning_curve=networks.learning_curve,
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


def _predict_folds(
    networks: SweepNetworks, seeds: Sequence[int], folder: Path
) -> dict[tuple[int, int], Float[np.ndarray, " own"]]:
    """(Position of a source, seed) -> the scores of its rows, by models that did not see it."""
    table = networks.table
    predicted: dict[tuple[int, int], np.ndarray] = {}
    for fold in networks.folds:
        for number, seed in enumerate(seeds):
            path = _model_path(folder, fold, networks.arch, seed=None if number == 0 else seed)
            model = networks.export_fold(fold, seed=seed, path=path)
            for position in fold.positions:
                predicted[position, seed] = model.predict(table.features[table.blocks[position]])
    return predicted


def _fold_facts(networks: SweepNetworks, seeds: Sequence[int]) -> tuple[FoldFacts, ...]:
    return tuple(
        FoldFacts(source, seed, item.n_train, item.steps, item.train_rmse)
        for source, fold in sorted(
            (source, fold) for fold in networks.folds for source in fold.sources
        )
        for seed in seeds
        for item in (networks.of_folds[fold.positions, seed],)
    )


def _length(block: slice) -> int:
    return block.stop - block.start


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
