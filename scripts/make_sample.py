# SPDX-License-Identifier: Apache-2.0
"""Make the bundled sample again: real clips, the default ladder, libvmaf, one table and its card.

    python scripts/make_sample.py work

fetches the clips named here into `work/sources`, builds `work/corpus` and extracts the table with
tinyvmaf's own commands, and writes `src/tinyvmaf/corpus/sample/`. What is finished is kept, so a
stopped run goes on where it was. Sources of the hold-out are refused.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from clip_labels import labelled
from fetch_sources import RECORD, fetch
from source_list import Source, read_sources
from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.corpus.manifest import NAME
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.errors import TinyVmafError, ToolFailed
from tinyvmaf.features.table import FeatureTable, read_table, write_table
from tinyvmaf.files import write_text
from tinyvmaf.process.programs import run
from tinyvmaf.provenance import file_sha256

SOURCES = (
    "BigBuckBunny",
    "Bikes",
    "Bricks",
    "Carphone",
    "City",
    "ClockAndCat",
    "Earth",
    "FishTank",
    "Opossum",
    "Pedestrians",
    "RocketLaunch",
    "Skyline",
    "SmilingWoman",
    "Treadmill",
)
FRAMES = 94
SCHEMA = "tinyvmaf.sample/1"


def make_sample(
    work: Annotated[Path, typer.Argument(help="Folder for packages, references and clips.")],
    jobs: Annotated[int, typer.Option(help="Clips at once.", min=1)] = 2,
) -> None:
    """Fetch, encode, extract, and write the sample and its card."""
    sources = [source for source in read_sources() if source.name in SOURCES]
    held_out = [source.name for source in sources if source.hold_out]
    if held_out:
        raise typer.BadParameter(f"{', '.join(held_out)} are held out")
    references, corpus, output = work / "sources", work / "corpus", sample_path()
    fetch(references, only=list(SOURCES), threads=jobs)
    videos = [str(references / "clips" / f"{source.name}.mkv") for source in sources]
    _tinyvmaf("corpus", "build", *videos, "-o", str(corpus), *_with(jobs, frames=FRAMES))
    _tinyvmaf("extract", str(corpus), "-o", str(output), *_with(jobs))
    write_table(labelled(read_table(output)), output)
    table = read_table(output)
    made = json.loads((references / RECORD).read_text())
    card = _card(table, corpus, [_origin(source, made[source.name]) for source in sources])
    write_text(output.with_name("card.json"), json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    show(f"{output}: {table.rows.height} frames, {output.stat().st_size} bytes")


def _tinyvmaf(*arguments: str) -> None:
    program = Path(sys.executable).with_name("tinyvmaf")
    TERMINAL.note(f"tinyvmaf {' '.join(arguments)}")
    try:
        run([str(program), *arguments], on_line=TERMINAL.note)
    except ToolFailed as error:
        TERMINAL.fail(error.stderr_tail)
        raise


def _with(jobs: int, *, frames: int | None = None) -> list[str]:
    return [*(["--frames", str(frames)] if frames else []), "--jobs", str(jobs)]


def _card(table: FeatureTable, corpus: Path, sources: list[dict[str, Any]]) -> dict[str, Any]:
    scores = {
        (source, clip): mean
        for source, clip, mean in table.rows.group_by("source", "clip")
        .agg(pl.col("vmaf").mean())
        .iter_rows()
    }
    with (corpus / NAME).open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["source"], row["clip"]))
    here = f"{corpus.absolute()}/"
    clips = [
        {
            "source": row["source"],
            "clip": row["clip"],
            "vmaf": round(scores[row["source"], row["clip"]], 3),
            "command": row["command"].replace(here, ""),
        }
        for row in rows
    ]
    return {
        "schema": SCHEMA,
        "table": {
            "rows": table.rows.height,
            "sources": len(table.sources),
            "clips": table.n_clips,
            "sha256": table.sha256,
            "file_sha256": file_sha256(sample_path()),
        },
        "teacher": table.info.teacher,
        "features": list(table.info.features),
        "labels": list(table.info.labels),
        "versions": dict(table.info.versions),
        "frames_per_clip": FRAMES,
        "commands": [
            "python scripts/make_sample.py WORK",
            f"tinyvmaf corpus build REFERENCE... -o CORPUS --frames {FRAMES}",
            "tinyvmaf extract CORPUS -o sample.parquet",
        ],
        "ladder": "the default ladder, src/tinyvmaf/corpus/ladder.toml",
        "sources": sources,
        "clips": clips,
    }


def _origin(source: Source, made: dict[str, Any]) -> dict[str, Any]:
    origin = source.origin
    assert origin is not None  # noqa: S101 (the sample has no synthetic sources)
    return {
        "name": source.name,
        "registry": origin.registry,
        "package": origin.package,
        "version": origin.version,
        "file": origin.file,
        "sha256": origin.sha256,
        "licence": origin.licence,
        "start": source.start,
        "size": made["size"],
        "fps": str(source.fps),
        "reference_sha256": made["sha256"],
    }


if __name__ == "__main__":
    try:
        typer.run(make_sample)
    except TinyVmafError as error:
        TERMINAL.fail(str(error))
        sys.exit(error.exit_status)
