# SPDX-License-Identifier: Apache-2.0
"""From logs of libvmaf that are already there to a feature table, many at once and piece by piece.

A log that is not whole is named, and the others are kept. Logs of different teachers, versions of
libvmaf or arithmetic (integer, float) in one table are refused. What a log does not say is not
guessed: its teacher is `unknown` until it is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.pair import Problem
from tinyvmaf.execution.opening import open_executor
from tinyvmaf.features.log_names import name_logs
from tinyvmaf.features.log_rows import FailedLog, LogRows, Wanted
from tinyvmaf.features.opinions import Joined, join_opinions
from tinyvmaf.features.parts import is_parts_output, write_parts
from tinyvmaf.features.table import FeatureTable, TableInfo, make_table, write_rows
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Attributes:
        info: Where the rows come from.
        n_rows, n_clips, n_sources: What the table holds.
        failures: Logs that are not whole.
        left_out: Files that have no name by the pattern, the manifest or their folders.
        without_opinion: Clips nobody was asked about, if opinions were joined.
        without_log: Clips of the opinions that no log has.
        table: The table, if it was not written to a file.
    """

    info: TableInfo
    n_rows: int
    n_clips: int
    n_sources: int
    failures: tuple[FailedLog, ...]
    left_out: tuple[Problem, ...]
    without_opinion: tuple[str, ...]
    without_log: tuple[str, ...]
    table: FeatureTable | None = None


def read_logs(
    logs: "Path | str | Sequence[Path | str]",
    *,
    output: Path | str | None = None,
    pattern: str | None = None,
    manifest: Path | str | None = None,
    opinions: Path | str | None = None,
    features: str = "canonical6",
    score: str = TARGET,
    teacher: str | None = None,
    libvmaf: str | None = None,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Imported:
    """Make a feature table of logs of libvmaf: JSON, XML or CSV, of version 1.3 or later.

    Args:
        logs: Logs, and folders that hold some.
        output: The table to write, a file or a folder for parts; otherwise it stays in memory.
        pattern: What the names of the files say, as `name_logs` takes it.
        manifest: A CSV file that says it, likewise; without either, folders name the sources.
        opinions: A CSV file of opinion scores that are joined by the names of the clips.
        features: `canonical6`, names of columns separated by commas, or `all` that the first log
            has.
        score: The column that holds the teacher's score.
        teacher: The model's name, for logs that do not say it.
        libvmaf: Its version, likewise.
        jobs: Processes at once; all cores by default.
        progress: Told of logs.

    Raises:
        UsageError: a file is not there, or the table cannot be written.
        CorpusError: no log could be used, or the manifest or the opinions are wrong.
        SchemaError: logs of different teachers, versions or arithmetic.
    """
    paths = [logs] if isinstance(logs, Path | str) else logs
    named = name_logs(
        [Path(path) for path in paths],
        pattern=pattern,
        manifest=None if manifest is None else Path(manifest),
    )
    joined = Joined(named.logs) if opinions is None else join_opinions(named.logs, Path(opinions))
    task = progress.task("import", total=float(len(joined.logs)), unit="logs")
    rows = LogRows(joined.logs, Wanted(features, score, teacher, libvmaf), task)
    executor = open_executor(jobs=jobs)
    try:
        with executor:
            pieces = rows.begin(executor)
            table = None
            if output is None:
                import polars as pl

                table = make_table(pl.concat(pieces), rows.info())
            elif is_parts_output(Path(output)):
                write_parts(pieces, rows.info().record(), Path(output))
            else:
                write_rows(pieces, rows.info(), Path(output))
    finally:
        task.finish()
    return Imported(
        info=rows.info(),
        n_rows=rows.n_rows,
        n_clips=len(rows.clips),
        n_sources=len(rows.sources),
        failures=tuple(rows.failures),
        left_out=named.left_out,
        without_opinion=tuple(clip for clip in joined.without_opinion if clip in rows.clips),
        without_log=joined.without_log,
        table=table,
    )
