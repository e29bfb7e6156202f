# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf loso`: train every fold, predict what it has not seen, write the digest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.extract import PARTIAL
from tinyvmaf.cli.options import Jobs, Json, PixFmt, Size
from tinyvmaf.cli.tables import Opened, Sample, TableArgument, open_table

if TYPE_CHECKING:
    from tinyvmaf.report.digest import Digest
    from tinyvmaf.training.recipes import Recipe

Arch = Annotated[str, typer.Option("--model-arch", help="linear, mlp_small, mlp_mid, mlp_medium.")]
RecipeName = Annotated[str, typer.Option("--recipe", help="default, digest, or a TOML file.")]


def loso(
    table: TableArgument = None,
    sample: Sample = False,
    model_arch: Arch = "mlp_small",
    recipe: RecipeName = "default",
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training rows.  [the recipe's]")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Sweeps over all folds, seeds 0, 1, ...")] = 1,
    folds: Annotated[
        int | None,
        typer.Option(help="Put whole sources into so many folds.  [each source is left out alone]"),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="A model (file or name) or a run to set beside it; repeatable."),
    ] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also train on subsets of the sources.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The run's folder.  [runs/loso_<arch>]")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Teacher, if a corpus is extracted.  [vmaf_v0.6.1]")
    ] = None,
    jobs: Jobs = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
    as_json: Json = False,
) -> None:
    """Leave each source out, or folds of sources: train, predict, and write run and digest."""
    from tinyvmaf.files import check_writable, local_folder

    # Names and the output are checked before anything slow begins.
    settings = check_names(model_arch, recipe, epochs)
    folder = output or Path("runs") / f"loso_{model_arch}"
    check_writable(folder / "run.json")
    opened = open_table(
        table, sample=sample, teacher=teacher, jobs=jobs, size=size, pix_fmt=pix_fmt
    )
    with local_folder(folder, send=True) as local:
        digest = run_loso(
            opened,
            folder=local,
            arch=model_arch,
            recipe=settings,
            seeds=seeds,
            folds=folds,
            baselines=baseline or [],
            learning_curve=learning_curve,
        )
    if as_json:
        show_json(digest.record)
    else:
        print_digest(digest, folder)
    if opened.partial:
        raise typer.Exit(PARTIAL)


def check_names(arch: str, recipe: str, epochs: int | None) -> "Recipe":
    """The recipe, after making sure that arch and recipe exist."""
    from tinyvmaf.training.networks import check_arch
    from tinyvmaf.training.recipes import load_recipe, with_epochs

    check_arch(arch)
    settings = load_recipe(recipe)
    return settings if epochs is None else with_epochs(settings, epochs)


def run_loso(
    opened: Opened,
    *,
    folder: Path,
    arch: str,
    recipe: "Recipe",
    seeds: int = 1,
    folds: int | None = None,
    baselines: list[str] | None = None,
    learning_curve: bool = False,
) -> "Digest":
    """Sweep with progress and write the digest."""
    from tinyvmaf.errors import UsageError
    from tinyvmaf.evaluation.folds import make_folds
    from tinyvmaf.evaluation.loso import sweep
    from tinyvmaf.evaluation.run import RECORD, read_run, run_folder
    from tinyvmaf.models.model import load_model
    from tinyvmaf.report.digest import write_digest

    if seeds < 1:
        raise UsageError(f"--seeds {seeds}: expected 1 or more")
    table = opened.table
    make_folds(table.sources, n_rows=[own.stop - own.start for own in table.blocks], k=folds)
    runs = {name: Path(name) for name in baselines or () if (Path(name) / RECORD).is_file()}
    with run_folder(folder) as new:
        run = sweep(
            table,
            folder=new,
            arch=arch,
            recipe=recipe,
            seeds=range(seeds),
            folds=folds,
            baselines=[load_model(name) for name in baselines or () if name not in runs],
            beside={path.resolve().name: read_run(path) for path in runs.values()},
            with_learning_curve=learning_curve,
            table_origin=opened.origin,
            extract_s=opened.extract_s,
            progress=TERMINAL,
        )
        digest = write_digest(run, new, named=folder)
    if digest.missing:
        TERMINAL.note(digest.missing)
    return digest


def print_digest(digest: "Digest", folder: Path) -> None:
    """The folds, and where in `folder` the digest is."""
    from tinyvmaf.report.numbers import number
    from tinyvmaf.storage import address

    record = digest.record
    columns: dict[str, str] = dict.fromkeys(
        ("held out", "frames", "PLCC", "SROCC", "RMSE", "clip RMSE"), "right"
    )
    columns["held out"] = "left"
    rows = [
        [
            fold["source"],
            str(fold["n_frames"]),
            *(number(name, fold["frame"][name]) for name in ("plcc", "srocc", "rmse")),
            number("rmse", fold["clip"]["rmse"]),
        ]
        for fold in digest.record["folds"]
    ]
    frame, clip = (digest.record["aggregate"][level] for level in ("frame", "clip"))
    rows += [
        [
            label,
            "",
            *(number(name, frame[name][label]) for name in ("plcc", "srocc", "rmse")),
            number("rmse", clip["rmse"][label]),
        ]
        for label in ("mean", "std")
    ]
    show_table(columns, rows)
    folds = record["protocol"]["held_out"]
    if folds:
        show(f"\n{len(folds)} folds of whole sources: a source's models saw none of its fold")
    written = address(folder / (digest.html or digest.markdown).name)
    show(f"\n{digest.record['arch']}, {digest.record['n_params']} parameters: {written}")
