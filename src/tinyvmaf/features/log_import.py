# SPDX-License-Identifier: Apache-2.0
"""Import of existing libvmaf logs into a feature table, in parallel and in pieces.

An incomplete log is named, and the others are kept. Logs of different teachers, versions of libvmaf
or arithmetic (integer, float) in one table are refused. Missing information is not guessed: the
teacher is `unknown` unless the user names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.pair import Problem
from tinyvmaf.execution.opening import open_executor
from tinyvmaf.features.log_names import name_logs
from tinyvmaf.features.log_rows import FailedLog, LogRows, Wanted
from tinyvmaf.features.opinions import Joined, join_to_logs
from tinyvmaf.features.parts import check_output, is_parts_output, write_parts
from tinyvmaf.features.table import (
    FeatureTable,
    TableInfo,
    hash_written,
    make_table,
    write_rows,
)
from tinyvmaf.features.table_records import (
    IMPORT_SCHEMA,
    ImportRecord,
    UnusedFile,
)
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.storage import address


@dataclass(frozen=True, slots=True, repr=False)
class Imported:
    """The result of an import.

    Attributes:
        info: Origin of the rows.
        n_rows, n_clips, n_sources: Size of the table.
        failures: Logs that are incomplete or unreadable.
        left_out: Files that the pattern, the manifest or their folders do not name.
        without_opinion: Clips without an opinion score, if opinions were joined.
        without_log: Clips of the opinions file that have no log.
        output: The file or folder that was written; None if the table is in memory.
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
    output: Path | None = None
    table: FeatureTable | None = None

    @property
    def record(self) -> ImportRecord:
        """The record, `tinyvmaf.import/1`."""
        info = self.info
        return ImportRecord(
            schema=IMPORT_SCHEMA,
            table=None if self.output is None else address(self.output),
            rows=self.n_rows,
            sources=self.n_sources,
            clips=self.n_clips,
            sha256=hash_written(self.output, self.table),
            teacher=info.teacher,
            libvmaf=info.versions.get("libvmaf"),
            arithmetic=info.arithmetic,
            features=info.features,
            labels=info.labels,
            failed=tuple(UnusedFile(address(item.path), str(item.error)) for item in self.failures),
            left_out=tuple(UnusedFile(address(item.path), item.reason) for item in self.left_out),
            without_opinion=self.without_opinion,
            without_log=self.without_log,
        )

    def __repr__(self) -> str:
        return (
            f"<Imported {self.n_rows} frames of {self.n_clips} clips of {self.n_sources} sources, "
            f"{len(self.failures)} logs failed>"
        )


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
        pattern: Pattern of the file names, as in `name_logs`.
        manifest: A CSV file with the names; without either, folders name the sources.
        opinions: A CSV file of opinion scores that are joined by the names of the clips.
        features: `canonical6`, names of columns separated by commas, or `all` that the first log
            has.
        score: The column that holds the teacher's score.
        teacher: The model's name, for logs that do not record it.
        libvmaf: Its version, likewise.
        jobs: Processes at once; all cores by default.
        progress: Receives the number of logs read.

    Raises:
        UsageError: a file does not exist, or the table cannot be written.
        CorpusError: no log could be used, or the manifest or the opinions are wrong.
        SchemaError: logs of different teachers, versions or arithmetic.
    """
    path = None if output is None else Path(output)
    if path is not None:
        check_output(path)
    paths = [logs] if isinstance(logs, Path | str) else logs
    named = name_logs(
        [Path(path) for path in paths],
        pattern=pattern,
        manifest=None if manifest is None else Path(manifest),
    )
    joined = Joined(named.logs) if opinions is None else join_to_logs(named.logs, Path(opinions))
    task = progress.task("import", total=float(len(joined.logs)), unit="logs")
    rows = LogRows(joined.logs, Wanted(features, score, teacher, libvmaf), task)
    executor = open_executor(jobs=jobs)
    try:
        with executor:
            pieces = rows.begin(executor)
            table = None
            if path is None:
                import polars as pl

                table = make_table(pl.concat(pieces), rows.info())
            elif is_parts_output(path):
                write_parts(pieces, rows.info().record(), path)
            else:
                write_rows(pieces, rows.info(), path)
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
        output=path,
        table=table,
    )
