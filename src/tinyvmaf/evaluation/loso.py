# SPDX-License-Identifier: Apache-2.0
"""Leave-one-source-out: train every fold, predict what it has not seen, keep all of it in a run.

Predictions are made by the exported models through ONNX Runtime, so that what is evaluated is what
can be shipped. The models of a fold never receive a row of the source that they are judged on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.applicability import applicability
from tinyvmaf.evaluation.baselines import (
    PER_FOLD,
    baseline_rows,
    per_fold_baselines,
    predict_all,
    run_rows,
    seen_sources,
)
from tinyvmaf.evaluation.folds import Fold, leave_one_source_out
from tinyvmaf.evaluation.learning import learning_curve
from tinyvmaf.evaluation.metrics import rmse
from tinyvmaf.evaluation.record import evaluate_run
from tinyvmaf.evaluation.run import (
    FoldFacts,
    Run,
    RunFacts,
    folder_name,
    refuse_other_table,
    write_run,
)
from tinyvmaf.features.sets import KEYS, TARGET
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
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Leave one source out and evaluate: what `tinyvmaf loso` does, without its report.

    Args:
        table: The frames, such as `read_table` gives them.
        folder: Gets the run's files.
        arch: One of `training.networks.ARCHS`.
        recipe: Name or file of a recipe, or the recipe itself.
        seeds: Sweeps over all folds, with the seeds 0, 1, ...
        progress: Told of training steps.

    Returns:
        The record `tinyvmaf.loso/1`, as in `loso_<arch>_eval.json`.

    Raises:
        SplitError: too few sources.
        UsageError: unknown arch or recipe, or the folder cannot be written.
    """
    settings = load_recipe(recipe) if isinstance(recipe, str) else recipe
    run = sweep(
        table,
        folder=Path(folder),
        arch=arch,
        recipe=settings,
        seeds=range(seeds),
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
        baselines: Models to set beside it.
        beside: Runs on the same table to set beside it, by name.
        with_learning_curve: Also train on subsets of the sources.
        table_origin: Where the table came from, for the reader.
        extract_s: Seconds that making the table took.
        progress: Told of training steps.

    Raises:
        SplitError: too few sources.
        UsageError: unknown arch, or the folder cannot be written.
    """
    import polars as pl

    from tinyvmaf.training.fitting import fit

    folds = leave_one_source_out(table.sources)
    about_table = _about(table, table_origin)
    for other in (beside or {}).values():
        refuse_other_table(about_table, other.facts.table)
    _refuse_twins([arch, *PER_FOLD, *SINGLE_SPLIT, *(m.name for m in baselines), *(beside or ())])
    started = time.perf_counter()

    def train(
        arch: str, chosen: Sequence[Fold], seeds: Sequence[int], recipe: Recipe = recipe
    ) -> "dict[Any, Fitted]":
        return fit(
            features=table.features,
            target=table.target,
            source_index=table.source_index,
            held_out=[(fold.index,) for fold in chosen],
            seeds=seeds,
            feature_names=table.info.features,
            arch=arch,
            recipe=recipe,
            progress=progress,
        )

    fitted = train(arch, folds, seeds)
    # The published study's split: one source, the last by name, is for validation only.
    validation = folds[-1]
    single = {
        name: fitted[(validation.index,), seeds[0]]
        if each == arch
        else train(each, [validation], seeds[:1])[(validation.index,), seeds[0]]
        for name, each in SINGLE_SPLIT.items()
    }
    halved = train(arch, folds, seeds[:1], _halved(recipe))
    doubling = _doubling(table, fitted, halved, folds, seeds[0])
    curve = (
        learning_curve(table, arch=arch, recipe=recipe, seed=seeds[0], progress=progress)
        if with_learning_curve
        else None
    )
    trained = time.perf_counter()

    def export(item: "Fitted", path: Path, held_out: Fold, arch: str, seed: int) -> Model:
        return export_model(
            item.network,
            path=path,
            table=table,
            training_sources=[name for name in table.sources if name != held_out.source],
            arch=arch,
            recipe=asdict(recipe),
            seed=seed,
            training_rmse=item.train_rmse,
            loso=f"a model of one fold: it did not see {held_out.source}",
        )

    predictions = pl.concat(
        _predict_fold(
            table, fold, seed, export(fitted[(fold.index,), seed], path, fold, arch, seed)
        )
        for fold in folds
        for position, seed in enumerate(seeds)
        for path in (_model_path(folder, fold, arch, seed=None if position == 0 else seed),)
    )
    held_out = dict.fromkeys(table.sources, "heldout")
    rows = [
        baseline_rows(table, model=name, predicted=values, seen=held_out)
        for name, values in per_fold_baselines(table).items()
    ]
    described = dict(PER_FOLD)
    for name, item in single.items():
        path = folder / "baselines" / f"{name}.onnx"
        model = export(item, path, validation, SINGLE_SPLIT[name], seeds[0])
        seen = {**dict.fromkeys(table.sources, "train"), validation.source: "val"}
        predicted = predict_all(model, table)
        rows.append(baseline_rows(table, model=name, predicted=predicted, seen=seen))
        described[name] = f"{SINGLE_SPLIT[name]} trained once; {validation.source} for validation"
    for model in baselines:
        seen = seen_sources(model.card, table.sources)
        predicted = predict_all(model, table)
        rows.append(baseline_rows(table, model=model.name, predicted=predicted, seen=seen))
        described[model.name] = f"given; sha256 {model.sha256[:12]}"
    for name, other in (beside or {}).items():
        rows.append(run_rows(other, model=name))
        described[name] = f"{other.facts.arch}, recipe {other.facts.recipe}, held out as here"
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
            FoldFacts(fold.source, seed, item.n_train, item.steps, item.train_rmse)
            for fold in folds
            for seed in seeds
            for item in (fitted[(fold.index,), seed],)
        ),
        baselines=described,
        applicability=_applicability(table),
        doubling=doubling,
        learning_curve=curve,
        seconds={
            "extract": round(extract_s, 3),
            "train": round(trained - started, 3),
            "evaluate": round(time.perf_counter() - trained, 3),
        },
        command=command_line(),
        versions=versions("jax", "jaxlib", "numpy", "onnxruntime", "polars", "scipy"),
    )
    run = Run(facts, predictions, pl.concat(rows))
    write_run(run, folder)
    return run


def _doubling(
    table: FeatureTable,
    fitted: "Mapping[Any, Fitted]",
    halved: "Mapping[Any, Fitted]",
    folds: Sequence[Fold],
    seed: int,
) -> Mapping[str, Any]:
    """What doubling the steps did: every fold with half the recipe's steps, against all of them.

    From half to all costs a third of what all to twice would, and can only look worse: the more
    steps there were, the less the next doubling changes.
    """

    def error(models: "Mapping[Any, Fitted]") -> float:
        errors: list[float] = []
        for fold in folds:
            own = table.source_index == fold.index
            predicted = models[(fold.index,), seed].network.predict(table.features[own])
            errors.append(rmse(predicted=predicted, target=table.target[own]) or 0.0)
        return float(np.mean(errors))

    return {
        "steps": halved[(folds[0].index,), seed].steps,
        "folds": len(folds),
        "rmse": error(halved),
        "doubled_rmse": error(fitted),
    }


def _halved(recipe: Recipe) -> Recipe:
    """The recipe with half its steps."""
    return replace(
        recipe,
        steps=None if recipe.steps is None else max(1, recipe.steps // 2),
        epochs=None if recipe.epochs is None else max(1, recipe.epochs // 2),
    )


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


def _applicability(table: FeatureTable) -> dict[str, dict[str, float]]:
    found = applicability(features=table.features, source_index=table.source_index)
    return {source: asdict(item) for source, item in zip(table.sources, found, strict=True)}


def _refuse_twins(names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise UsageError(f"two models are called {', '.join(twins)}; rename the file or the run")


def _model_path(folder: Path, fold: Fold, arch: str, *, seed: int | None) -> Path:
    """`<arch>_final.onnx` is the first seed's: a rule fixed before anything is known of them."""
    suffix = "final" if seed is None else f"seed{seed}"
    return folder / folder_name(fold.source) / f"{arch}_{suffix}.onnx"


def _predict_fold(table: FeatureTable, fold: Fold, seed: int, model: Model) -> "pl.DataFrame":
    """Out-of-fold predictions of one model: the held-out source's rows only."""
    import polars as pl

    rows = table.rows.filter(pl.col("source") == fold.source)
    return rows.select(
        *KEYS,
        pl.lit(seed, dtype=pl.Int64).alias("seed"),
        TARGET,
        pl.Series("predicted", model.predict(rows)),
    )
