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

from tinyvmaf.evaluation.baselines import (
    CLOSED_FORM,
    CONSTANT,
    LEAST_SQUARES,
    baseline_rows,
    constant,
    least_squares,
    predict_all,
    seen_sources,
)
from tinyvmaf.evaluation.folds import Fold, leave_one_source_out
from tinyvmaf.evaluation.run import FoldFacts, Run, RunFacts, folder_name, write_run
from tinyvmaf.features.sets import KEYS, TARGET
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import Model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.training.networks import n_params
from tinyvmaf.training.recipes import Recipe

if TYPE_CHECKING:
    import polars as pl

    from tinyvmaf.training.fitting import Fitted

SINGLE_SPLIT: Mapping[str, str] = {
    "vmaf_tiny_small": "mlp_small",
    "vmaf_tiny_medium": "mlp_medium",
}
"""Names of the single-split baselines, as the published study calls them -> their arch."""


def sweep(
    table: FeatureTable,
    *,
    folder: Path,
    arch: str,
    recipe: Recipe,
    seeds: Sequence[int],
    baselines: Sequence[Model] = (),
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
    started = time.perf_counter()

    def train(arch: str, chosen: Sequence[Fold], seeds: Sequence[int]) -> "dict[Any, Fitted]":
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
    rows = [
        baseline_rows(table, model=name, predicted=values, seen=held_out)
        for held_out in (dict.fromkeys(table.sources, "heldout"),)
        for name, values in (
            (CONSTANT, constant(table)),
            (LEAST_SQUARES, least_squares(table)),
        )
    ]
    described = dict(CLOSED_FORM)
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
    facts = RunFacts(
        arch=arch,
        n_params=n_params(arch, len(table.info.features)),
        recipe=recipe.name,
        recipe_settings=asdict(recipe),
        seeds=tuple(seeds),
        teacher=table.info.teacher,
        features=table.info.features,
        table={
            "rows": table.rows.height,
            "sources": len(table.sources),
            "clips": table.n_clips,
            "sha256": table.sha256,
            "origin": table_origin,
            "versions": dict(table.info.versions),
            "notes": len(table.info.notes),
        },
        folds=tuple(
            FoldFacts(fold.source, seed, item.n_train, item.steps, item.train_rmse)
            for fold in folds
            for seed in seeds
            for item in (fitted[(fold.index,), seed],)
        ),
        baselines=described,
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
