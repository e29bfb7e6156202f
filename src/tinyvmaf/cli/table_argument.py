# SPDX-License-Identifier: Apache-2.0
"""The TABLE argument of verbs: a file or parts, a corpus to extract first, or `--sample`."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL
from tinyvmaf.cli.extract_command import name_failures
from tinyvmaf.cli.options import raw_format
from tinyvmaf.errors import UsageError
from tinyvmaf.storage import address

if TYPE_CHECKING:
    from tinyvmaf.features.table import FeatureTable

TableArgument = Annotated[
    Path | None,
    typer.Argument(
        envvar="VMAF_DATA_ROOT",
        metavar="TABLE|ROOT",
        help="A feature table (a file or in parts), or a corpus that is extracted first.",
    ),
]
Sample = Annotated[bool, typer.Option("--sample", help="Use the table that comes with tinyvmaf.")]


@dataclass(frozen=True, slots=True)
class Opened:
    """A table, its origin, the seconds that it took to make, and whether it is complete."""

    table: "FeatureTable"
    origin: str
    extract_s: float = 0.0
    partial: bool = False


def open_table(
    path: Path | None,
    *,
    sample: bool,
    teacher: str | None = None,
    jobs: int | None = None,
    size: str | None = None,
    pix_fmt: str | None = None,
    ffmpeg: Path | None = None,
) -> Opened:
    """The table that a verb was given.

    Raises:
        UsageError: neither a path nor `--sample`, or a table of another teacher.
    """
    from tinyvmaf.features.parts import is_parts
    from tinyvmaf.features.table import read_table

    if sample:
        from tinyvmaf.corpus.sample import NAME, sample_path

        opened = Opened(read_table(sample_path()), NAME)
    elif path is None:
        raise UsageError("no table given: name a Parquet file or a corpus, or use --sample")
    elif (path.is_dir() and not is_parts(path)) or path.suffix == ".csv":
        from tinyvmaf.features.extraction import extract
        from tinyvmaf.libvmaf.teacher import DEFAULT

        started = time.perf_counter()
        extraction = extract(
            path,
            teacher=teacher or DEFAULT,
            ffmpeg=ffmpeg,
            raw=raw_format(size, pix_fmt),
            jobs=jobs,
            progress=TERMINAL,
        )
        name_failures(extraction)
        seconds = time.perf_counter() - started
        return Opened(extraction.table, address(path), seconds, partial=bool(extraction.failures))
    else:
        opened = Opened(read_table(path), address(path))
    found = opened.table.info.teacher
    if teacher is not None and teacher != found:
        raise UsageError(
            f"{opened.origin} was labelled by {found}, not by {teacher}; extract again"
        )
    return opened
