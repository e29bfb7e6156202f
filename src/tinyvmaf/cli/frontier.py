# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf frontier`: cost and error of every method of scoring, on a corpus or its table."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.extract import name_failures
from tinyvmaf.cli.options import FfmpegPath, Jobs, Json

if TYPE_CHECKING:
    import polars as pl

    from tinyvmaf.corpus.pair import Pair
    from tinyvmaf.features.table import FeatureTable

_LEVEL = 0.9
_COLUMNS = ("way", "ms", "cheaper", "RMSE", "interval", "covered")


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
        typer.Option(help="Out-of-fold predictions MODEL.parquet, for sources it was trained on."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Replicates of every clip.", min=1)] = 10,
    seed: Annotated[int, typer.Option(help="Of the first replicate.", min=0)] = 0,
    cpu_pairs: Annotated[
        int, typer.Option(help="Pairs whose CPU time is measured, the largest pictures.", min=1)
    ] = 3,
    cpu: Annotated[
        Path | None,
        typer.Option(help="Corpus whose pairs are timed: decoding is a part of the cost.  [ROOT]"),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(help="Take CPU time from such a file (costs.json) instead of measuring it."),
    ] = None,
    for_error: Annotated[
        float | None, typer.Option(help="Recommend the cheapest way of at most this RMSE.")
    ] = None,
    for_budget: Annotated[
        float | None, typer.Option(help="Recommend the best way within this share of the CPU time.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for frontier.json, .md, .svg and costs.json."),
    ] = None,
    jobs: Jobs = None,
    ffmpeg: FfmpegPath = None,
    as_json: Json = False,
) -> None:
    """Measure CPU time against error, coverage and interval width, for every way of scoring."""
    from tinyvmaf.frontier.frontier_record import frontier_record
    from tinyvmaf.frontier.judged_models import cheap_model, cheap_models, judge_model
    from tinyvmaf.provenance import command_line
    from tinyvmaf.report.frontier import rows, sentences

    # Models, predictions and figures are checked before anything slow begins.
    models = tuple(map(cheap_model, model)) if model else cheap_models()
    held_out = _predictions(predictions or [], [item.name for item in models])
    figures = _read_costs(costs) if costs is not None else None
    table, failed = _table(root, jobs=jobs, ffmpeg=ffmpeg)
    if figures is None:
        figures = _measure(cpu or root, cpu_pairs, ffmpeg=ffmpeg, failed=failed)
    cpu_s = {name: value / 1000 for name, value in figures["cpu_ms"].items()}
    judged = [judge_model(table, item, predictions=held_out.get(item.name)) for item in models]
    record = {
        **frontier_record(table, judged, cpu=cpu_s, draws=draws, seed=seed, level=_LEVEL),
        "cpu_pairs": figures["cpu_pairs"],
        "cpu_date": figures["date"],
        "date": datetime.now(UTC).date().isoformat(),
        "command": command_line(),
        "versions": dict(table.info.versions),
    }
    if output is not None:
        _write(record, figures, output)
    if as_json:
        show_json(record)
        return
    short = [[row[index] for index in (0, 1, 2, 3, 5, 6)] for row in rows(record)]
    show_table({name: "left" if name == "way" else "right" for name in _COLUMNS}, short)
    show("")
    for sentence in sentences(record, error=for_error, budget=for_budget):
        show(sentence)


def _table(
    root: Path, *, jobs: int | None, ffmpeg: Path | None
) -> "tuple[FeatureTable, frozenset[str]]":
    """The table of a corpus, and the names of the pairs that could not be extracted."""
    from tinyvmaf.features.extraction import extract
    from tinyvmaf.features.table import read_table
    from tinyvmaf.frontier.frontier_record import SETS

    if root.suffix == ".parquet":
        return read_table(root), frozenset()
    extraction = extract(
        root, features=SETS, engine="ffmpeg", ffmpeg=ffmpeg, jobs=jobs, progress=TERMINAL
    )
    name_failures(extraction)
    return extraction.table, frozenset(item.pair.name for item in extraction.failures)


def _measure(
    root: Path, count: int, *, ffmpeg: Path | None, failed: "frozenset[str]"
) -> "dict[str, Any]":
    """The content of `costs.json`, measured on the pairs of `root` with the largest pictures."""
    from tinyvmaf.corpus.reading import read_corpus
    from tinyvmaf.errors import UsageError
    from tinyvmaf.frontier.cpu_time import measure_cpu
    from tinyvmaf.media.ffmpeg import find_ffmpeg
    from tinyvmaf.provenance import versions
    from tinyvmaf.scoring.costs import costs_record

    if root.suffix == ".parquet":
        raise UsageError(f"{root}: a table has no CPU time; give --cpu CORPUS or --costs FILE")
    pairs = [pair for pair in read_corpus(root).pairs if pair.name not in failed]
    measured = _largest(pairs, count)
    found = find_ffmpeg(ffmpeg)
    spent = measure_cpu(measured, ffmpeg=found, progress=TERMINAL)
    return costs_record(
        {name: value * 1000 for name, value in spent.items()},
        cpu_pairs=[pair.name for pair in measured],
        date=datetime.now(UTC).date().isoformat(),
        versions={**versions(), "ffmpeg": found.version, "libvmaf": found.libvmaf},
    )


def _read_costs(path: Path) -> "dict[str, Any]":
    from tinyvmaf.errors import SchemaError, UsageError
    from tinyvmaf.scoring.costs import SCHEMA

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--costs {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SchemaError(f"--costs {path}: not readable JSON: {error}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise SchemaError(f"--costs {path}: expected schema {SCHEMA}")
    return found


def _predictions(paths: "list[Path]", names: list[str]) -> "dict[str, pl.DataFrame]":
    """Out-of-fold predictions by the name of their model."""
    from tinyvmaf.errors import UsageError
    from tinyvmaf.frontier.judged_models import read_predictions

    for path in paths:
        if path.stem not in names:
            raise UsageError(
                f"--predictions {path}: there is no model {path.stem} to be judged; "
                f"expected one of {', '.join(names)} before the suffix"
            )
    return {path.stem: read_predictions(path) for path in paths}


def _largest(pairs: "list[Pair]", count: int) -> "list[Pair]":
    """One clip of each of the sources with the largest pictures."""
    from tinyvmaf.media.probing import probe

    first = {pair.source: pair for pair in reversed(pairs)}
    info = {name: probe(pair.reference) for name, pair in first.items()}
    by_size = sorted(first, key=lambda name: (-info[name].width * info[name].height, name))
    return [first[name] for name in by_size[:count]]


def _write(record: "dict[str, Any]", figures: "dict[str, Any]", folder: Path) -> None:
    import vl_convert

    from tinyvmaf.report.frontier import chart, markdown
    from tinyvmaf.swap import write_together

    contents = {
        "json": json.dumps(record, indent=1) + "\n",
        "md": markdown(record),
        "svg": vl_convert.vegalite_to_svg(chart(record)),
    }
    files = {folder / f"frontier.{kind}": text.encode() for kind, text in contents.items()}
    files[folder / "costs.json"] = (json.dumps(figures, indent=1) + "\n").encode()
    write_together(files)
    TERMINAL.note(f"{folder / 'frontier.json'}, frontier.md, frontier.svg and costs.json written")
