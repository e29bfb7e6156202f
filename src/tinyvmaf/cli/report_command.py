# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf report`: a run's report again, from its files alone, or the page of a model."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import Json
from tinyvmaf.errors import UsageError
from tinyvmaf.typed_json import to_json


def report(
    run: Annotated[
        Path | None, typer.Argument(help="The folder that `tinyvmaf loso` wrote.")
    ] = None,
    model_page: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Instead of a run: write a page that runs this model in the browser on libvmaf's "
            "logs.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="For --model-page: the HTML file.  [MODEL.html]"),
    ] = None,
    runtime: Annotated[
        Path,
        typer.Option(
            "--onnxruntime-web", help="For --model-page: folder of the npm package onnxruntime-web."
        ),
    ] = Path("node_modules/onnxruntime-web"),
    as_json: Json = False,
) -> None:
    """Write a run's report again, byte for byte; or a page that runs a model in the browser."""
    if model_page is not None:
        if run is not None or as_json:
            raise UsageError("--model-page stands alone: it takes neither a run nor --json")
        _write_model_page(model_page, output, runtime)
        return
    if run is None:
        raise UsageError("name the folder of a run, or a model with --model-page")
    if output is not None:
        raise UsageError("-o is for --model-page; the report of a run is written into its folder")
    from tinyvmaf.report.digest import report as write_again
    from tinyvmaf.storage import address

    digest = write_again(run)
    if digest.missing:
        TERMINAL.note(digest.missing)
    if as_json:
        show_json(to_json(digest.record))
        return
    for path in (digest.json, digest.markdown, digest.html):
        if path is not None:
            show(address(path))


def _write_model_page(name: str, output: Path | None, runtime: Path) -> None:
    from tinyvmaf.extras import require
    from tinyvmaf.models.model import load_model
    from tinyvmaf.report.model_page import write_model_page

    require("report", what="tinyvmaf report --model-page")
    model = load_model(name)
    path = output or Path(f"{model.path.stem}.html")
    write_model_page(model, path, runtime=runtime)
    show(str(path))
