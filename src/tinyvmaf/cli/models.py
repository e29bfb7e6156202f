# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf models list | show | verify | repair`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.options import Json

if TYPE_CHECKING:
    from tinyvmaf.models.card import Card, Range
    from tinyvmaf.models.model import Model
    from tinyvmaf.models.verify import Verification

app = typer.Typer(
    help="Look at models, check them, mend them.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A shipped model, or an ONNX file.")
]
FeatureOrder = Annotated[
    str | None,
    typer.Option(
        "--features",
        metavar="A,B,...",
        help="Order of the input's columns, for a file that does not say it.",
    ),
]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Name the shipped models, with their size and their error on held-out sources."""
    from tinyvmaf.models import zoo
    from tinyvmaf.models.card import read_card

    cards = [read_card(zoo.path_of(name).with_suffix(".json")) for name in zoo.names()]
    if as_json:
        show_json({"schema": "tinyvmaf.models/1", "models": [_summary(card) for card in cards]})
        return
    columns = {
        "model": "left",
        "arch": "left",
        "parameters": "right",
        "LOSO RMSE": "right",
        "teacher": "left",
        "sources": "right",
        "sha256": "left",
    }
    rows = [
        [
            card.name,
            card.arch,
            str(card.n_params),
            f"{card.loso.rmse:.3f}" if card.loso is not None else "unknown",
            card.teacher,
            str(len(card.training_sources)),
            card.sha256[:12],
        ]
        for card in cards
    ]
    show_table(columns, rows)


@app.command("show")
def show_model(model: ModelName, features: FeatureOrder = None, as_json: Json = False) -> None:
    """Say what a model eats, what it was trained on, and what is known of its error."""
    from tinyvmaf.models.model import load_model

    loaded = load_model(model, features=features.split(",") if features else None)
    if as_json:
        show_json(_record(loaded))
        return
    for name, value in _lines(loaded):
        show(f"{name:<18}{value}")


@app.command("verify")
def verify_model(
    model: ModelName,
    table: Annotated[
        Path | None, typer.Option(help="Feature table; the model's error on it is computed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute hash, card, golden vectors and error again, and say what does not hold."""
    from tinyvmaf.features.table import read_table
    from tinyvmaf.models.verify import verify

    found = verify(model, table=read_table(table) if table is not None else None)
    if as_json:
        show_json(_verification(found))
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
            "-o", "--output", help="The self-contained file to write; without it, only look."
        ),
    ] = None,
) -> None:
    """Find the data that a model lost, and write one self-contained file."""
    from tinyvmaf.models.repair import carry_out, plan_repair

    plan = plan_repair(model)
    TERMINAL.note(str(plan))
    if output is None:
        TERMINAL.note("nothing is written; give -o FILE to write the mended model")
        return
    carry_out(plan, output=output)
    show(f"{output}")


def _summary(card: "Card") -> dict[str, Any]:
    return {
        "name": card.name,
        "arch": card.arch,
        "n_params": card.n_params,
        "loso_rmse": card.loso.rmse if card.loso is not None else None,
        "teacher": card.teacher,
        "n_training_sources": len(card.training_sources),
        "sha256": card.sha256,
    }


def _record(model: "Model") -> dict[str, Any]:
    return {
        "schema": "tinyvmaf.model/1",
        "name": model.name,
        "features": list(model.features),
        "sha256": model.sha256,
        "card": asdict(model.card) if model.card is not None else None,
    }


def _verification(found: "Verification") -> dict[str, Any]:
    return {
        "schema": "tinyvmaf.verification/1",
        "path": str(found.path),
        "passed": found.passed,
        "checks": [asdict(check) for check in found.checks],
        "error": asdict(found.error) if found.error is not None else None,
    }


def _lines(model: "Model") -> list[tuple[str, str]]:
    """What a person wants to know first."""
    lines = [
        ("model", model.name),
        ("features", ", ".join(model.features)),
        ("sha256", model.sha256),
    ]
    card = model.card
    if card is None:
        return [*lines, ("card", "none: nothing is known of its training or its error")]
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
