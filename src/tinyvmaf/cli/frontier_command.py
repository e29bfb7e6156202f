# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf frontier`: cost and error of every scoring method, on a corpus or its table."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.options import FfmpegPath, Jobs, Json
from tinyvmaf.typed_json import to_json

_COLUMNS = ("method", "ms", "cheaper", "RMSE", "interval", "covered")


def frontier(
    root: Annotated[
        Path, typer.Argument(help="A corpus, or a feature table of one (then with --costs).")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model of reduced features; repeatable.  [all shipped ones]"),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Out-of-fold predictions MODEL.parquet, for models trained on these sources."
        ),
    ] = None,
    replicates: Annotated[
        int, typer.Option(help="Samples that are drawn of every clip.", min=1)
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the first replicate.", min=0)] = 0,
    cpu_pairs: Annotated[
        int, typer.Option(help="Pairs that are timed, those with the largest pictures.", min=1)
    ] = 3,
    cpu: Annotated[
        Path | None,
        typer.Option(help="Corpus whose pairs are timed.  [ROOT]"),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(help="Take CPU times from this costs.json instead of measuring them."),
    ] = None,
    for_error: Annotated[
        float | None, typer.Option(help="Recommend the cheapest method with at most this RMSE.")
    ] = None,
    for_budget: Annotated[
        float | None,
        typer.Option(help="Recommend the best method within this share of libvmaf's CPU time."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for frontier.json, .md, .svg and costs.json."),
    ] = None,
    jobs: Jobs = None,
    ffmpeg: FfmpegPath = None,
    as_json: Json = False,
) -> None:
    """Measure CPU time, error, coverage and interval width of every scoring method."""
    from tinyvmaf.frontier.measuring import frontier as measure
    from tinyvmaf.report.frontier_report import rows, sentences, write_frontier

    found = measure(
        root,
        models=model or (),
        predictions=predictions or (),
        replicates=replicates,
        seed=seed,
        costs=costs,
        timed=cpu,
        n_timed=cpu_pairs,
        jobs=jobs,
        ffmpeg=ffmpeg,
        progress=TERMINAL,
    )
    for failure in found.failures:
        TERMINAL.fail(f"failed: {failure.pair.name}: {failure.error}")
    if output is not None:
        write_frontier(found, output)
        TERMINAL.note(f"{output / 'frontier.json'}, frontier.md, frontier.svg, costs.json written")
    if as_json:
        show_json(to_json(found.record))
        return
    short = [[row[index] for index in (0, 1, 2, 3, 5, 6)] for row in rows(found.record)]
    show_table({name: "left" if name == "method" else "right" for name in _COLUMNS}, short)
    show("")
    for sentence in sentences(found.record, error=for_error, budget=for_budget):
        show(sentence)
