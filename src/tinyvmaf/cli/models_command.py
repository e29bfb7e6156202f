# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf models list | show | path | export | verify | repair`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.options import FeatureOrder, Json, feature_order
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.models.card import Card, Range
    from tinyvmaf.models.model import Model

app = typer.Typer(
    help="List, show, export, verify and repair models.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A shipped model, or an ONNX file.")
]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Name the shipped models, with their size and their error on held-out sources."""
    from tinyvmaf.models.descriptions import list_models as shipped

    found = shipped()
    if as_json:
        show_json(to_json(found))
        return
    columns = {
        "model": "left",
        "arch": "left",
        "parameters": "right",
        "LOSO RMSE": "right",
        "teacher": "left",
        "sources": "right",
        "sha256": "left",
        "path": "left",
    }
    rows = [
        [
            model.name,
            model.arch,
            str(model.n_params),
            f"{model.loso_rmse:.3f}" if model.loso_rmse is not None else "unknown",
            model.teacher,
            str(model.n_training_sources),
            model.sha256[:12],
            model.path,
        ]
        for model in found.models
    ]
    show_table(columns, rows)


@app.command("show")
def show_model(model: ModelName, features: FeatureOrder = None, as_json: Json = False) -> None:
    """Show a model's inputs, its training sources and its measured error."""
    from tinyvmaf.models.descriptions import describe_model
    from tinyvmaf.models.model import load_model

    loaded = load_model(model, features=feature_order(features))
    if as_json:
        show_json(to_json(describe_model(loaded)))
        return
    for name, value in _lines(loaded):
        show(f"{name:<18}{value}")


@app.command("path")
def print_path(model: ModelName) -> None:
    """Print the path of a model's file, for other programs; its card is beside it."""
    from tinyvmaf.models.model import model_path

    show(str(model_path(model)))


@app.command("export")
def export_model(
    model: ModelName,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")],
    to: Annotated[
        str,
        typer.Option(
            help="onnx for any program; libvmaf for stock ffmpeg (arch svr); vmafx for VMAFx."
        ),
    ] = "onnx",
    distil: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE|sample",
            help="For --to libvmaf: distil support vectors from a network on this feature table.",
        ),
    ] = None,
    features: FeatureOrder = None,
) -> None:
    """Write a model's files for other programs: model, card, golden vectors as CSV, licence."""
    from tinyvmaf.corpus.sample import NAME, sample_path
    from tinyvmaf.training.distillation import export_model as export

    found = export(
        model,
        output,
        to=to,
        distil_on=sample_path() if str(distil) == NAME else distil,
        features=feature_order(features),
    )
    if found.distilled is not None:
        TERMINAL.note(str(found.distilled))
    for path in found.files:
        show(str(path))


@app.command("verify")
def verify_model(
    model: ModelName,
    table: Annotated[
        Path | None, typer.Option(help="Feature table; the model's error on it is computed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a model's hash, card and golden vectors, and its error on a table."""
    from tinyvmaf.models.verify import verify

    found = verify(model, table=table)
    if as_json:
        show_json(to_json(found.record))
    else:
        for check in found.checks:
            show(f"{'ok' if check.passed else 'FAILED':<8}{check.name:<8}{check.words}")
    if not found.passed:
        raise typer.Exit(1)


@app.command("repair")
def repair_model(
    model: Annotated[Path, typer.Argument(help="An ONNX file whose external data was renamed.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The self-contained file to write.  [the plan is shown]",
        ),
    ] = None,
) -> None:
    """Find the renamed external data of a model, and write one self-contained file."""
    from tinyvmaf.models.repair import repair_model as repair

    plan = repair(model, output=output)
    for step in plan.steps:
        TERMINAL.note(step)
    if output is None:
        TERMINAL.note("nothing is written; give -o FILE to write the repaired model")
    else:
        show(f"{output}")


def _lines(model: "Model") -> list[tuple[str, str]]:
    """A summary of a model for people."""
    lines = [
        ("model", model.name),
        ("features", ", ".join(model.features)),
        ("sha256", model.sha256),
        ("path", str(model.path)),
    ]
    card = model.card
    if card is None:
        return [*lines, ("card", "none: its training and its error are unknown")]
    lines += [
        ("arch", f"{card.arch}, {card.n_params} parameters"),
        ("teacher", card.teacher),
        ("trained on", f"{len(card.training_sources)} sources: {', '.join(card.training_sources)}"),
        ("error, unseen", _error(card)),
    ]
    if card.training_rmse is not None:
        lines.append(("error, training", f"RMSE {card.training_rmse:.3f} (in-sample)"))
    lines += [(f"  {name}", _range(limits)) for name, limits in card.domain.items()]
    lines += [("licence", card.licence), *(("note", note) for note in card.notes)]
    return lines


def _range(limits: "Range") -> str:
    return (
        f"{limits.minimum:.4g} to {limits.maximum:.4g} in training, "
        f"mostly (1 to 99 %) {limits.p1:.4g} to {limits.p99:.4g}"
    )


def _error(card: "Card") -> str:
    if card.loso is None:
        return f"unknown: {card.loso_absent}"
    loso = card.loso
    return (
        f"RMSE {loso.rmse:.3f} ± {loso.rmse_std:.3f} over {loso.n_sources} held-out sources, "
        f"worst {loso.worst_rmse:.3f} ({loso.worst_source}); run {loso.run}"
    )
