# SPDX-License-Identifier: Apache-2.0
"""Typed records of the commands that write a feature table: extraction, import of logs, opinions.

The published schemas and the reference of records are generated from these classes.
"""

from dataclasses import dataclass

EXTRACT_SCHEMA = "tinyvmaf.extract/1"
IMPORT_SCHEMA = "tinyvmaf.import/1"
JOIN_SCHEMA = "tinyvmaf.join/1"


@dataclass(frozen=True, slots=True)
class FailedPair:
    """A pair without rows in the table.

    Attributes:
        pair: Its source and clip, as `source/clip`.
        reason: The failure, its cause and the cure, in one line.
    """

    pair: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExtractRecord:
    """A feature table that was extracted from a corpus.

    Attributes:
        schema: Name and version of this record.
        table: The file or folder that was written; None for a table in memory.
        rows: Its frames.
        sources: Its sources.
        clips: Its clips.
        sha256: Hash of the rows and the teacher; None for a table in parts.
        teacher: The model that labelled the frames.
        computed: Pairs that were scored now.
        cached: Pairs whose scores were in the cache.
        failed: Pairs that could not be scored.
        notes: Conversions and accepted findings, each after the pair's name.
    """

    schema: str
    table: str | None
    rows: int
    sources: int
    clips: int
    sha256: str | None
    teacher: str
    computed: int
    cached: int
    failed: tuple[FailedPair, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnusedFile:
    """A file without rows in the table.

    Attributes:
        file: The file.
        reason: The failure, or why it was left out, in one line.
    """

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """A feature table that was made from logs of libvmaf.

    Attributes:
        schema: Name and version of this record.
        table: The file or folder that was written; None for a table in memory.
        rows: Its frames.
        sources: Its sources.
        clips: Its clips.
        sha256: Hash of the rows and the teacher; None for a table in parts.
        teacher: The model that labelled the frames, or `unknown`.
        libvmaf: Version of libvmaf; None if the logs do not record it.
        arithmetic: Arithmetic of libvmaf's features, `integer` or `float`; None if unknown.
        features: The feature columns, in order.
        labels: Columns with one value per clip.
        failed: Logs that are incomplete or unreadable.
        left_out: Files that the pattern, the manifest or their folders do not name.
        without_opinion: Clips without an opinion score, as `source/clip`, if opinions were joined.
        without_log: Clips of the opinions file that have no log.
    """

    schema: str
    table: str | None
    rows: int
    sources: int
    clips: int
    sha256: str | None
    teacher: str
    libvmaf: str | None
    arithmetic: str | None
    features: tuple[str, ...]
    labels: tuple[str, ...]
    failed: tuple[UnusedFile, ...]
    left_out: tuple[UnusedFile, ...]
    without_opinion: tuple[str, ...]
    without_log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JoinRecord:
    """A feature table to which opinion scores were joined.

    Attributes:
        schema: Name and version of this record.
        table: The file that was written; None for a table in memory.
        clips: Its clips.
        judged: Clips with an opinion score.
        sha256: Hash of the rows and the teacher.
        labels: Columns with one value per clip.
        without_opinion: Clips without an opinion score, as `source/clip`.
        without_row: Clips of the opinions file that are not in the table.
    """

    schema: str
    table: str | None
    clips: int
    judged: int
    sha256: str
    labels: tuple[str, ...]
    without_opinion: tuple[str, ...]
    without_row: tuple[str, ...]
