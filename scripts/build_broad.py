# SPDX-License-Identifier: Apache-2.0
"""Build the broad corpus from fetched sources and extract its feature tables.

    python scripts/build_broad.py sources broad

encodes `sources/{clips,synthetic,photographs}` with `corpora/ladder.toml` and writes
`broad/{clips,synthetic,photographs}.parquet` and all of them together as `broad/broad.parquet`.
`--kind hold_out` makes `broad/hold_out.parquet` alone, with the default ladder, and refuses to put
it with the others. What is finished is kept, so a stopped build goes on where it was.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from source_list import Source, read_sources
from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.errors import TinyVmafError, ToolFailed, UsageError
from tinyvmaf.features.table import FeatureTable, make_table, read_table, write_table
from tinyvmaf.libvmaf.teacher import DEFAULT
from tinyvmaf.process.programs import run
from tinyvmaf.provenance import sha256

LADDER = Path(__file__).resolve().parent.parent / "corpora" / "ladder.toml"
HOLD_OUT: Final = "hold_out"
FRAMES: Final = {"clips": 120, "synthetic": 24, "photographs": 18, HOLD_OUT: 120}
"""Frames of every clip at most: real sources also judge how well sampled frames tell of a clip."""

_TRAINING: Final = tuple(kind for kind in FRAMES if kind != HOLD_OUT)


def build_broad(
    sources: Annotated[Path, typer.Argument(help="Folder that fetch_sources.py filled.")],
    output: Annotated[Path, typer.Argument(help="Folder of the corpora and tables.")],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(FRAMES)}; repeatable.  [all but {HOLD_OUT}]"),
    ] = None,
    photographs: Annotated[
        int, typer.Option(help="How many photographs, evenly over the list.", min=1)
    ] = 32,
    features: Annotated[
        str, typer.Option(help="Feature sets.")
    ] = "canonical6,half,quarter,signal,ssim",
    teacher: Annotated[str, typer.Option(help="The libvmaf model that labels.")] = DEFAULT,
    frames: Annotated[
        int | None, typer.Option(help="Frames of every clip at most.  [by kind]", min=1)
    ] = None,
    jobs: Annotated[int, typer.Option(help="Clips at once.", min=1)] = 2,
) -> None:
    """Encode, extract, and put the tables of all kinds together."""
    kinds = tuple(kind or _TRAINING)
    unknown = sorted(set(kinds) - set(FRAMES))
    if unknown:
        raise UsageError(f"--kind {', '.join(unknown)}: expected one of {', '.join(FRAMES)}")
    listed = read_sources()
    for name in kinds:
        chosen = [source for source in listed if source.folder == name]
        if name == "photographs":
            chosen = _evenly(chosen, photographs)
        most = min(frames or FRAMES[name], FRAMES[name])
        videos = [sources / name / f"{item.name}.mkv" for item in chosen]
        _build(name, videos, output, frames=most, jobs=jobs)
        table = str(output / f"{name}.parquet")
        # Noise gives an encode more detail than its reference has, as if the two were swapped.
        options = ["--teacher", teacher, "--features", features, "--jobs", str(jobs)]
        options += ["--allow", "swapped"]
        _tinyvmaf("extract", str(output / name), "-o", table, *options)
    if HOLD_OUT not in kinds:
        table = together([read_table(output / f"{name}.parquet") for name in kinds])
        write_table(table, output / "broad.parquet")
        show(
            f"{output / 'broad.parquet'}: {table.rows.height} frames of {table.n_clips} clips of "
            f"{len(table.sources)} sources"
        )


def together(tables: Sequence[FeatureTable]) -> FeatureTable:
    """One table of the rows of all, which were made by the same tools for the same teacher.

    Raises:
        UsageError: teacher, features or versions differ.
    """
    made = [(item.info.teacher, item.info.features, item.info.versions) for item in tables]
    if any(other != made[0] for other in made):
        raise UsageError("the tables have different teachers, features or versions; extract again")
    corpus = sha256("".join(item.info.corpus or "" for item in tables).encode())
    notes = tuple(note for item in tables for note in item.info.notes)
    info = replace(tables[0].info, corpus=corpus, notes=notes)
    return make_table(pl.concat([item.rows for item in tables]), info)


def _build(kind: str, videos: Sequence[Path], output: Path, *, frames: int, jobs: int) -> None:
    missing = [path.stem for path in videos if not path.is_file()]
    if missing:
        raise UsageError(f"no reference of {', '.join(missing)}; run fetch_sources.py first")
    # The hold-out is encoded with the default ladder: distortions that training has not seen.
    ladder = [] if kind == HOLD_OUT else ["--ladder", str(LADDER)]
    names = [str(path) for path in videos]
    options = [*ladder, "--frames", str(frames), "--jobs", str(jobs)]
    _tinyvmaf("corpus", "build", *names, "-o", str(output / kind), *options)


def _evenly(sources: Sequence[Source], count: int) -> list[Source]:
    """`count` of the sources, evenly spaced; the list goes from large pictures to small ones."""
    count = min(count, len(sources))
    return [sources[position * len(sources) // count] for position in range(count)]


def _tinyvmaf(*arguments: str) -> None:
    program = Path(sys.executable).with_name("tinyvmaf")
    TERMINAL.note(f"tinyvmaf {' '.join(arguments)}")
    try:
        run([str(program), *arguments], on_line=TERMINAL.note)
    except ToolFailed as error:
        TERMINAL.fail(error.stderr_tail)
        raise


if __name__ == "__main__":
    try:
        typer.run(build_broad)
    except TinyVmafError as error:
        TERMINAL.fail(str(error))
        sys.exit(error.exit_status)
