# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf train`: one model, on all sources or on all but one."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.cli.loso_command import Arch, Inputs, RecipeName, TargetName
from tinyvmaf.cli.options import Jobs, PixFmt, Size
from tinyvmaf.cli.table_argument import Sample, TableArgument, open_table

OUT_DIR_VARIABLE = "VMAF_TRAIN_OUT_DIR"


def train(
    table: TableArgument = None,
    sample: Sample = False,
    model_arch: Arch = "mlp_small",
    recipe: RecipeName = "default",
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training rows.  [the recipe's]")
    ] = None,
    val_source: Annotated[
        str | None, typer.Option(help="Source that is held out; the model never sees it.")
    ] = None,
    features: Inputs = None,
    target: TargetName = "vmaf",
    seed: Annotated[int, typer.Option(help="Seed of the initial weights and the batches.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=f"The ONNX file.  [<arch>_final.onnx in {OUT_DIR_VARIABLE}, else in runs/train]",
        ),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Teacher, if a corpus is extracted.  [vmaf_v0.6.1]")
    ] = None,
    jobs: Jobs = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
) -> None:
    """Train one model; with --val-source it is the model of that fold."""
    from tinyvmaf.files import check_writable
    from tinyvmaf.text import number
    from tinyvmaf.training.recipes import check_training
    from tinyvmaf.training.train import check_target
    from tinyvmaf.training.train import train as train_one

    check_target(target, arch=model_arch)
    settings = check_training(model_arch, recipe, epochs=epochs)
    path = output or _default_path(model_arch)
    opened = open_table(
        table, sample=sample, teacher=teacher, jobs=jobs, size=size, pix_fmt=pix_fmt
    )
    check_writable(path)
    trained = train_one(
        opened.table,
        path=path,
        arch=model_arch,
        recipe=settings,
        features=features,
        target=target,
        seed=seed,
        val_source=val_source,
        progress=TERMINAL,
    )
    show(f"{path}: {trained.n_params} parameters, train RMSE {trained.train_rmse:.3f}")
    if trained.held_out is not None:
        rmse, plcc = trained.held_out.rmse, trained.held_out.plcc
        show(f"held-out {val_source}: RMSE {number('rmse', rmse)}, PLCC {number('plcc', plcc)}")


def _default_path(arch: str) -> Path:
    return Path(os.environ.get(OUT_DIR_VARIABLE) or "runs/train") / f"{arch}_final.onnx"
