# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf table import | compact`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import Jobs, Json
from tinyvmaf.storage import address
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.features.log_import import Imported

PARTIAL = 3
_SHOWN = 5

app = typer.Typer(
    help="Import, join and compact feature tables.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def table() -> None:
    """Import, join and compact feature tables."""


@app.command("compact")
def compact_table(
    parts: Annotated[Path, typer.Argument(help="The folder that `extract -o FOLDER` wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The Parquet file to write.")],
) -> None:
    """Write a table in parts as one file, the same bytes as if it had been written at once."""
    from tinyvmaf.features.table import compact_table as compact

    found = compact(parts, output=output)
    show(f"{address(output)}: {found.rows.height} frames of {found.n_clips} clips")


@app.command("import")
def import_logs(
    logs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="LOG...",
            help="Logs of libvmaf (JSON, XML, CSV, also .gz), and folders that hold some.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The table to write: a Parquet file, or a folder (no suffix) for parts.",
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Pattern of the names, such as '{source}_{kbps}kbps_{height}p_{encoder}.json'."
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="CSV file: columns source and log, clip or distorted; the others are labels."
        ),
    ] = None,
    opinions: Annotated[
        Path | None,
        typer.Option(help="CSV file of opinion scores, joined by the names of the clips."),
    ] = None,
    features: Annotated[
        str, typer.Option(help="canonical6, all, or names of the logs' columns with commas.")
    ] = "canonical6",
    score: Annotated[str, typer.Option(help="The column that holds the teacher's score.")] = "vmaf",
    teacher: Annotated[
        str | None, typer.Option(help="The model's name, for logs that do not record it.")
    ] = None,
    libvmaf: Annotated[
        str | None, typer.Option(help="Libvmaf's version, for logs that do not record it.")
    ] = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Make a feature table from libvmaf's logs; by default a folder is a source."""
    from tinyvmaf.errors import UsageError
    from tinyvmaf.features.log_import import read_logs

    if output is None:
        raise UsageError("no output given: name the table to write with -o TABLE.parquet")
    if not logs and manifest is None:
        raise UsageError("no logs given: name files or folders, or a --manifest with a column log")
    imported = read_logs(
        logs or [],
        output=output,
        pattern=pattern,
        manifest=manifest,
        opinions=opinions,
        features=features,
        score=score,
        teacher=teacher,
        libvmaf=libvmaf,
        jobs=jobs,
        progress=TERMINAL,
    )
    _name_the_rest(imported)
    _report(imported, output, opinions=opinions is not None, as_json=as_json)
    if imported.failures or imported.left_out:
        raise typer.Exit(PARTIAL)


def _name_the_rest(imported: "Imported") -> None:
    from tinyvmaf.features.log_rows import UNKNOWN

    for problem in imported.left_out:
        TERMINAL.note(f"left out: {problem.path}: {problem.reason}")
    for failure in imported.failures:
        TERMINAL.fail(f"failed: {failure.error}")
    for clip in imported.without_opinion:
        TERMINAL.note(f"no opinion: clip {clip}")
    _name_unused(imported.without_log, "log")
    if imported.info.teacher == UNKNOWN:
        TERMINAL.note(
            "the logs do not name the model of their scores: the teacher is unknown; "
            "name it with --teacher, such as --teacher vmaf_v0.6.1"
        )


def _name_unused(clips: Sequence[str], what: str) -> None:
    """List the clips of a file of opinions that were not needed; it often covers other tests."""
    if clips:
        some = ", ".join(clips[:_SHOWN])
        rest = f" and {len(clips) - _SHOWN} more (--json names all)" if len(clips) > _SHOWN else ""
        TERMINAL.note(f"no {what} of {len(clips)} clips of the opinions: {some}{rest}")


def _report(imported: "Imported", output: Path, *, opinions: bool, as_json: bool) -> None:
    if as_json:
        show_json(to_json(imported.record))
        return
    judged = imported.n_clips - len(imported.without_opinion)
    show(
        f"{address(output)}: {_counted(imported.n_rows, 'frame')} of "
        f"{_counted(imported.n_clips, 'clip')} of {_counted(imported.n_sources, 'source')}, "
        f"teacher {imported.info.teacher}"
        + (f", opinions of {_counted(judged, 'clip')}" if opinions else "")
    )


def _counted(value: int, noun: str) -> str:
    return f"{value} {noun}" if value == 1 else f"{value} {noun}s"


@app.command("join")
def join_table(
    table: Annotated[Path, typer.Argument(help="A feature table, a file or in parts.")],
    opinions: Annotated[
        Path, typer.Argument(help="CSV file of opinion scores, joined by the names of the clips.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The Parquet file to write.")],
    as_json: Json = False,
) -> None:
    """Join opinion scores to the clips of a table, and write it with them."""
    from tinyvmaf.features.opinions import join_opinions

    joined = join_opinions(table, opinions, output=output)
    for clip in joined.without_opinion:
        TERMINAL.note(f"no opinion: clip {clip}")
    _name_unused(joined.without_row, "row")
    if as_json:
        show_json(to_json(joined.record))
        return
    judged = joined.table.n_clips - len(joined.without_opinion)
    show(f"{address(output)}: opinions of {judged} of {joined.table.n_clips} clips")
