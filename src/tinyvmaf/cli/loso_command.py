# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf loso`: train every fold, predict its held-out sources, write the digest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.extract_command import PARTIAL
from tinyvmaf.cli.options import Jobs, Json, PixFmt, Size
from tinyvmaf.cli.table_argument import Opened, Sample, TableArgument, open_table
from tinyvmaf.errors import UsageError
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.report.digest import Digest

Arch = Annotated[
    str, typer.Option("--model-arch", help="linear, mlp_small, mlp_mid, mlp_medium, svr.")
]
RecipeName = Annotated[str, typer.Option("--recipe", help="default, digest, or a TOML file.")]

Inputs = Annotated[
    str | None,
    typer.Option(
        "--features",
        help="Inputs: columns or feature sets, separated by commas, or all.  [the teacher's own]",
    ),
]

TargetName = Annotated[
    str,
    typer.Option(
        "--target", help="vmaf, or mos: opinion scores of clips, which the table must hold."
    ),
]


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
        typer.Option(
            help="Put whole sources into this many folds.  [each source is left out alone]"
        ),
    ] = None,
    features: Inputs = None,
    target: TargetName = "vmaf",
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="A model (file or name) or a run to compare with; repeatable."),
    ] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also train on subsets of the sources.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(help="Also hold out each value of this label of the table, such as encoder."),
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(help="Recipes to choose from, separated by commas; with --nested."),
    ] = None,
    nested: Annotated[
        bool,
        typer.Option("--nested", help="Also choose one of --recipes inside every fold."),
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
    from tinyvmaf.evaluation.loso import loso as run_loso
    from tinyvmaf.files import check_writable
    from tinyvmaf.report.digest import Digest, write_digest
    from tinyvmaf.report.html import library_made
    from tinyvmaf.training.recipes import check_training

    if (recipes is not None) != nested:
        raise UsageError("--recipes A.toml,B.toml and --nested go together: give both or neither")
    if target not in {"vmaf", "mos"}:
        raise UsageError(f"--target {target}: expected vmaf or mos")
    if target == "mos":
        given = {
            "--folds": folds, "--baseline": baseline, "--group": group, "--recipes": recipes,
            "--epochs": epochs,
        }  # fmt: skip
        if senseless := [name for name, value in given.items() if value]:
            raise UsageError(
                f"--target mos evaluates its own models and takes no {', '.join(senseless)}"
            )
    # Names and the output are checked before anything slow begins.
    settings = check_training(model_arch, recipe, epochs=epochs)
    folder = output or Path("runs") / f"loso_{model_arch}"
    check_writable(folder / "run.json")
    opened = open_table(
        table, sample=sample, teacher=teacher, jobs=jobs, size=size, pix_fmt=pix_fmt
    )
    if target == "mos":
        _opinions(opened, folder, features=features, as_json=as_json)
        return
    digests: list[Digest] = []
    with library_made():
        run_loso(
            opened.table,
            folder=folder,
            arch=model_arch,
            recipe=settings,
            features=features,
            seeds=seeds,
            folds=folds,
            baselines=baseline or (),
            learning_curve=learning_curve,
            group=group,
            nested=recipes.split(",") if recipes and nested else (),
            table_origin=opened.origin,
            extract_s=opened.extract_s,
            complete=lambda run, new: digests.append(write_digest(run, new, named=folder)),
            progress=TERMINAL,
        )
    (digest,) = digests
    if digest.missing:
        TERMINAL.note(digest.missing)
    if as_json:
        show_json(to_json(digest.record))
    else:
        print_digest(digest, folder)
    if opened.partial:
        raise typer.Exit(PARTIAL)


def _opinions(opened: Opened, folder: Path, *, features: str | None, as_json: bool) -> None:
    """Predict opinion scores and print the path of the report."""
    from tinyvmaf.evaluation.mos_folds import loso_opinions
    from tinyvmaf.report.numbers import number
    from tinyvmaf.report.opinion_report import write_opinion_report
    from tinyvmaf.storage import address
    from tinyvmaf.stored_folder import local_folder

    record = loso_opinions(opened.table, features=features, table_origin=opened.origin)
    with local_folder(folder, send=True) as local:
        written = write_opinion_report(record, local)
    if as_json:
        show_json(to_json(record))
        return
    columns: dict[str, str] = dict.fromkeys(("model", "RMSE", "PLCC", "SROCC"), "right")
    columns["model"] = "left"
    rows = [
        [
            model.model,
            number("rmse", model.rmse),
            number("plcc", model.plcc),
            number("srocc", model.srocc),
        ]
        for model in record.models
    ]
    show_table(columns, rows)
    for finding in record.findings:
        show(f"- {finding.sentence}")
    show("")
    show(address(folder / written.name))


def print_digest(digest: "Digest", folder: Path) -> None:
    """Print the folds and the path of the digest in `folder`."""
    from tinyvmaf.report.inference import undertrained
    from tinyvmaf.report.numbers import number
    from tinyvmaf.storage import address

    record = digest.record
    columns: dict[str, str] = dict.fromkeys(
        ("held out", "frames", "PLCC", "SROCC", "RMSE", "clip RMSE"), "right"
    )
    columns["held out"] = "left"
    rows = [
        [
            fold.source,
            str(fold.n_frames),
            number("plcc", fold.frame.plcc),
            number("srocc", fold.frame.srocc),
            number("rmse", fold.frame.rmse),
            number("rmse", fold.clip.rmse),
        ]
        for fold in record.folds
    ]
    frame, clip = record.aggregate.frame, record.aggregate.clip
    rows += [
        [
            label,
            "",
            *(number(name, getattr(frame[name], label)) for name in ("plcc", "srocc", "rmse")),
            number("rmse", getattr(clip["rmse"], label)),
        ]
        for label in ("mean", "std")
    ]
    show_table(columns, rows)
    if reason := undertrained(record):
        TERMINAL.note(
            f"{record.arch} is undertrained: {reason}. The table says nothing of unseen content"
        )
    folds = record.protocol.held_out
    if folds:
        show("")
        show(f"{len(folds)} folds of whole sources: a source's models saw none of its fold")
    written = address(folder / (digest.html or digest.markdown).name)
    show("")
    show(f"{record.arch}, {record.n_params} parameters: {written}")
