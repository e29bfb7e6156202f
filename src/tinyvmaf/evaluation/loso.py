# SPDX-License-Identifier: Apache-2.0
"""Leave-one-source-out: train every fold, predict its held-out sources, and write a run.

Predictions are made by the exported models through ONNX Runtime, so that the evaluated models
are those that can be shipped. The models of a fold never receive a row of the source that they are
judged on.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.baselines import (
    PER_FOLD,
    beside_rows,
    describe,
    per_fold_baselines,
    predict_all,
    seen_sources,
)
from tinyvmaf.evaluation.evaluate import Run, read_run
from tinyvmaf.evaluation.folds import Fold, grouped, make_folds
from tinyvmaf.evaluation.predictions import baseline_rows, keyed, predicted_rows
from tinyvmaf.evaluation.run_files import (
    RECORD,
    FoldFacts,
    RunFacts,
    folder_name,
    is_of_a_run,
    refuse_other_table,
    run_folder,
    write_run,
)
from tinyvmaf.evaluation.splits import group_splits, nested_choice
from tinyvmaf.evaluation.sweep import SINGLE_SPLIT, SweepNetworks, train_sweep
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.stats.dissimilarity import applicability
from tinyvmaf.storage import address
from tinyvmaf.stored_folder import local_folder
from tinyvmaf.training.archs import check_arch
from tinyvmaf.training.feature_choice import choose_features
from tinyvmaf.training.recipes import Recipe, as_recipe

if TYPE_CHECKING:
    import polars as pl


def loso(
    table: FeatureTable | Path | str,
    *,
    folder: Path | str,
    arch: str = "mlp_small",
    recipe: str | Recipe = "default",
    features: str | Sequence[str] | None = None,
    seeds: int | Sequence[int] = 1,
    folds: int | None = None,
    baselines: Sequence[Model | Path | str] = (),
    learning_curve: bool = False,
    group: str | None = None,
    nested: Sequence[str | Recipe] = (),
    table_origin: str = "",
    extract_s: float = 0.0,
    complete: Callable[[Run, Path], object] | None = None,
    progress: Progress = SILENT,
) -> Run:
    """Leave each source out: train, predict the held-out source, and write the run.

    Args:
        table: The frames, or where their table is; every source is held out once.
        folder: Gets the run's files; it may be in an object store.
        arch: One of `training.archs.ARCHS`.
        recipe: Name or file of a recipe, or the recipe itself.
        features: Inputs of the networks, as `choose_features` takes them; by default those of the
            table's teacher.
        seeds: Sweeps over all folds, with the seeds 0, 1, ...; or the seeds themselves.
        folds: Put whole sources into this many folds; by default each source is left out alone.
        baselines: Models (files or shipped names) and folders of runs on the same table, to set
            beside it.
        learning_curve: Also train on subsets of the sources.
        group: A label of the table, such as `encoder`: also hold out its values, alone and together
            with the source.
        nested: Recipes, at least two: also choose one of them inside the training sources of every
            fold, and judge the choice on the held-out source.
        table_origin: Origin of the table, for the reader.
        extract_s: Seconds that making the table took.
        complete: Called with the run and the folder that will replace `folder`, to write files that
            belong to the run, such as its report.
        progress: Receives the training steps.

    Returns:
        The run; `run.record` is its evaluation, and `report` writes the digest.

    Raises:
        SplitError: too few sources, two names of one content, or a number of folds that they do not
            allow.
        UsageError: unknown arch, recipe or baseline, fewer than one seed, two models of one name,
            or the folder cannot be written.
    """
    check_arch(arch)
    settings = as_recipe(recipe)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise UsageError(f"seeds {seeds}: expected 1 or more")
    choices = [as_recipe(each) for each in nested]
    table_origin = table_origin or ("" if isinstance(table, FeatureTable) else address(Path(table)))
    choice = choose_features(as_table(table), features)
    table = choice.table
    if choice.note:
        progress.note(choice.note)
    refuse_twins(table.sources, references=table.info.references)
    held_out = make_folds(table.sources, n_rows=[_length(own) for own in table.blocks], k=folds)
    about_table = _about(table, table_origin)
    models, beside = _beside(baselines)
    for other in beside.values():
        refuse_other_table(about_table, other.facts.table)
    names = [*PER_FOLD, *SINGLE_SPLIT, *(model.name for model in models), *beside]
    _refuse_twins([arch, *names])
    stored = local_folder(Path(folder), send=True, head=RECORD, is_ours=is_of_a_run)
    with stored as local, run_folder(local) as new:
        run = _sweep(
            table,
            held_out,
            folder=new,
            arch=arch,
            recipe=settings,
            seeds=chosen,
            models=models,
            beside=beside,
            with_learning_curve=learning_curve,
            group=group,
            nested=choices,
            about_table=about_table,
            extract_s=extract_s,
            progress=progress,
        )
        if complete is not None:
            complete(run, new)
    return run


def _sweep(
    table: FeatureTable,
    held_out: Sequence[Fold],
    *,
    folder: Path,
    arch: str,
    recipe: Recipe,
    seeds: tuple[int, ...],
    models: Sequence[Model],
    beside: Mapping[str, Run],
    with_learning_curve: bool,
    group: str | None,
    nested: Sequence[Recipe],
    about_table: dict[str, Any],
    extract_s: float,
    progress: Progress,
) -> Run:
    """Train, predict and write the run to `folder`."""
    import polars as pl

    names = [*PER_FOLD, *SINGLE_SPLIT, *(model.name for model in models), *beside]
    started = time.perf_counter()
    # Imported first, since threads that import packages of one another may lock each other out.
    import_module("tinyvmaf.training.fitting")
    with ThreadPoolExecutor(1) as pool:
        meanwhile = pool.submit(_without_networks, table, held_out)
        networks = train_sweep(
            table,
            held_out,
            arch=arch,
            recipe=recipe,
            seeds=seeds,
            with_learning_curve=with_learning_curve,
            progress=progress,
        )
        applicable, per_fold = meanwhile.result()
    splits = choice = None
    if group is not None:
        splits = group_splits(
            table, group=group, arch=arch, recipe=recipe, seed=seeds[0], progress=progress
        )
    if nested:
        choice = nested_choice(table, nested, arch=arch, seed=seeds[0], progress=progress)
    trained = time.perf_counter()
    keys = keyed(table)
    predicted = _predict_folds(networks, seeds, folder)

    def beside_it(model: str, predicted: np.ndarray, seen: Mapping[str, str]) -> "pl.DataFrame":
        return baseline_rows(keys, model=model, models=names, predicted=predicted, seen=seen)

    unseen = dict.fromkeys(table.sources, "heldout")
    rows = [beside_it(*found, unseen) for found in per_fold]
    last = networks.validation
    for name in SINGLE_SPLIT:
        path = folder / "baselines" / f"{name}.onnx"
        model = networks.export_single(name, seed=seeds[0], path=path)
        seen = dict.fromkeys(table.sources, "train") | dict.fromkeys(last.sources, "val")
        rows.append(beside_it(name, predict_all(model, table), seen))
    for model in models:
        seen = seen_sources(model.card, table.sources)
        rows.append(beside_it(model.name, predict_all(model, table), seen))
    rows += [beside_rows(other, model=name, models=names) for name, other in beside.items()]
    single = {
        name: f"{each} trained once; {last.words} for validation"
        for name, each in SINGLE_SPLIT.items()
    }
    facts = RunFacts(
        arch=arch,
        n_params=networks.n_params,
        recipe=recipe.name,
        recipe_settings=asdict(recipe),
        seeds=seeds,
        teacher=table.info.teacher,
        features=table.info.features,
        table=about_table,
        folds=_fold_facts(networks, seeds),
        held_out=grouped(held_out),
        baselines={**PER_FOLD, **single, **describe(models, beside)},
        applicability=applicable,
        doubling=networks.doubling,
        learning_curve=networks.learning_curve,
        splits=splits,
        nested=choice,
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


def _beside(given: Sequence[Model | Path | str]) -> tuple[list[Model], dict[str, Run]]:
    """Split the baselines of a sweep into models and runs."""
    models: list[Model] = []
    runs: dict[str, Run] = {}
    for each in given:
        if isinstance(each, Model):
            models.append(each)
        elif (Path(each) / RECORD).is_file():
            runs[Path(each).resolve().name] = read_run(Path(each))
        else:
            models.append(load_model(str(each)))
    return models, runs


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


def _without_networks(
    table: FeatureTable, folds: Sequence[Fold]
) -> tuple[dict[str, dict[str, float]], list[tuple[str, Float[np.ndarray, " n"]]]]:
    """Parts of a run that need no network: applicability, and the baselines of every fold."""
    found = applicability(
        features=table.features,
        source_index=table.source_index,
        held_out=[fold.positions for fold in folds],
    )
    by_source = {source: asdict(item) for source, item in zip(table.sources, found, strict=True)}
    baselines = list(per_fold_baselines(table, folds))
    # What judges the run takes a second to import.
    import_module("scipy.stats")
    return by_source, baselines


def _refuse_twins(names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise UsageError(f"two models are called {', '.join(twins)}; rename the file or the run")


def _model_path(folder: Path, fold: Fold, arch: str, *, seed: int | None) -> Path:
    """`<arch>_final.onnx` is the first seed's, a rule fixed before any result is known."""
    suffix = "final" if seed is None else f"seed{seed}"
    return folder / folder_name(fold.name) / f"{arch}_{suffix}.onnx"
