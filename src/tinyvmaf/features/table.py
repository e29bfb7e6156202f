# SPDX-License-Identifier: Apache-2.0
"""The feature table: one row per frame, in Parquet, with its origin in the file's metadata.

Its schema is in `features.schema`; a table that breaks it is refused.
"""

import hashlib
import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.corpus.sources import References
from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.features.parts import INDEX, scan_parts
from tinyvmaf.features.schema import conforming
from tinyvmaf.files import check_writable, is_file, local_copy
from tinyvmaf.libvmaf.sets import CANONICAL6, TARGET
from tinyvmaf.parquet import damage, write_parquet
from tinyvmaf.storage import address, is_remote
from tinyvmaf.stored_folder import local_folder
from tinyvmaf.text import html_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SCHEMA = "tinyvmaf.table/1"
_METADATA_KEY = "tinyvmaf"
_HASHED_ROWS = 2**14
_SHOWN_ROWS = 10
_OPTIONAL = ("references", "labels", "arithmetic")


@dataclass(frozen=True, slots=True)
class TableInfo:
    """The origin of a table's rows.

    Attributes:
        teacher: Name of the model that labelled the rows; one table has one teacher.
        features: The feature columns, in order.
        versions: Versions of ffmpeg, libvmaf and tinyvmaf that computed the rows.
        corpus: Fingerprint of the clips' content, or None if unknown.
        notes: Accepted findings and conversions, in words.
        references: Source -> hashes of its references' content; empty if unknown.
        labels: The columns that hold one value a clip, such as `mos` or `encoder`.
        arithmetic: Arithmetic of libvmaf's features, `integer` or `float`; None if unknown.
    """

    teacher: str
    features: tuple[str, ...] = CANONICAL6
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    corpus: str | None = None
    notes: tuple[str, ...] = ()
    references: References = field(default_factory=dict[str, tuple[str, ...]])
    labels: tuple[str, ...] = ()
    arithmetic: str | None = None

    def record(self) -> dict[str, Any]:
        """The metadata of a table; empty fields are left out, for older readers."""
        fields = asdict(self)
        return {name: fields[name] for name in fields if fields[name] or name not in _OPTIONAL}


@dataclass(frozen=True, repr=False)
class FeatureTable:
    """A validated table in memory.

    Attributes:
        rows: Polars frame with the columns of the schema, sorted by source, clip, frame.
        info: Origin of the rows.
    """

    rows: "pl.DataFrame"
    info: TableInfo

    @cached_property
    def features(self) -> Float[np.ndarray, "n n_features"]:
        """The features, in the order of `info.features`."""
        return self.rows.select(self.info.features).to_numpy()

    @cached_property
    def target(self) -> Float[np.ndarray, " n"]:
        """The teacher's scores, in [0, 100]."""
        return self.rows[TARGET].to_numpy()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources, sorted."""
        return tuple(sorted(self.rows["source"].unique().to_list()))

    @cached_property
    def source_index(self) -> Int[np.ndarray, " n"]:
        """The position in `sources` of every row's source; never decreasing."""
        # Rows are sorted, so a change of name begins the next source.
        return self.rows["source"].rle_id().to_numpy().astype(np.int32)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """The adjacent rows of every source of `sources`."""
        stops = np.cumsum(np.bincount(self.source_index)).tolist()
        return tuple(starmap(slice, pairwise((0, *stops))))

    @cached_property
    def clips(self) -> "pl.DataFrame":
        """One row per clip, sorted: `source`, `clip`, `n_frames` and the labels."""
        import polars as pl

        clips = self.rows.group_by("source", "clip", maintain_order=True)
        labels = (pl.col(name).first() for name in self.info.labels)
        return clips.agg(pl.len().alias("n_frames"), *labels)

    @cached_property
    def n_clips(self) -> int:
        """Number of clips."""
        return self.rows.select("source", "clip").n_unique()

    def to_pandas(self) -> "pd.DataFrame":
        """The rows as a pandas data frame; it needs pandas alone."""
        import pandas as pd

        return pd.DataFrame({name: self.rows[name].to_numpy() for name in self.rows.columns})

    def __repr__(self) -> str:
        return (
            f"<FeatureTable {self.rows.height} frames of {self.n_clips} clips of "
            f"{len(self.sources)} sources, teacher {self.info.teacher}>"
        )

    def _repr_html_(self) -> str:
        some = self.rows.head(_SHOWN_ROWS)
        rows = html_table(some.columns, some.iter_rows())
        return f"<p>{html.escape(repr(self)[1:-1])}</p>{rows}"

    @cached_property
    def sha256(self) -> str:
        """Hash of the rows and the teacher, the same for equal content in any file."""
        return _hash(self.info.teacher, self.rows.columns, lambda name: [self.rows[name]])


def hash_table(path: Path) -> str:
    """The `sha256` of the table in a file of `write_rows`, one piece in memory at a time."""
    import polars as pl

    with local_copy(path) as local:
        info = json.loads(pl.read_parquet_metadata(local)[_METADATA_KEY])
        rows = pl.scan_parquet(local, glob=False)
        n_rows = rows.select(pl.len()).collect().item()

        def pieces(name: str) -> "Iterator[pl.Series]":
            for start in range(0, n_rows, _HASHED_ROWS):
                yield rows.select(name).slice(start, _HASHED_ROWS).collect()[name]

        return _hash(info["teacher"], rows.collect_schema().names(), pieces)


def hash_written(output: Path | None, table: FeatureTable | None) -> str | None:
    """The `sha256` of a table in memory or in a file; None for parts, whose order may differ."""
    if table is not None:
        return table.sha256
    return None if output is None or output.is_dir() else hash_table(output)


def _hash(
    teacher: str, columns: Sequence[str], pieces: "Callable[[str], Iterable[pl.Series]]"
) -> str:
    """Hash of a table whose columns come in pieces."""
    digest = hashlib.sha256(teacher.encode())
    digest.update(b"\1" + json.dumps(columns).encode())
    for name in columns:
        digest.update(b"\1")
        if name in ("source", "clip"):
            for names in _joined(pieces(name)):
                digest.update(names)
            continue
        for piece in pieces(name):
            if piece.dtype.to_python() is str:
                digest.update(json.dumps(piece.to_list()).encode())
            else:
                digest.update(np.ascontiguousarray(piece.to_numpy()).data)
    return digest.hexdigest()


def _joined(pieces: "Iterable[pl.Series]") -> Iterator[bytes]:
    """Yield the names joined by zero bytes, in pieces; rows of a clip are adjacent."""
    between = b""
    for names in pieces:
        for length, name in names.rle().struct.unnest().iter_rows():
            yield between + name.encode()
            between = b"\0"
            yield (between + name.encode()) * (length - 1)


def make_table(rows: "pl.DataFrame", info: TableInfo, *, origin: str = "table") -> FeatureTable:
    """Check `rows` against the schema and sort them.

    Args:
        rows: Any frame with at least the columns of the schema; others are left out.
        info: Origin of the rows.
        origin: Named in errors, such as the file's path.

    Raises:
        SchemaError: a column is missing or of the wrong type, a value is missing, not finite or
            (the teacher's score) outside [0, 100], a label changes within a clip, a row is there
            twice, or there are no rows.
    """
    checked = conforming(rows, info.features, origin=origin, labels=info.labels)
    return FeatureTable(rows=checked, info=info)


def as_table(table: "FeatureTable | Path | str") -> FeatureTable:
    """The table itself, or the one read from a path.

    Raises:
        UsageError: as `read_table`.
        SchemaError: as `read_table`.
    """
    return table if isinstance(table, FeatureTable) else read_table(table)


def read_table(path: Path | str) -> FeatureTable:
    """Read and check a feature table: a file, or a folder of parts.

    Raises:
        UsageError: there is no such table.
        SchemaError: a file is not Parquet, or breaks the schema; mixed teachers or versions too; a
            table in parts was not finished, or is not what its index lists.
    """
    import polars as pl

    path = Path(path)
    if is_remote(path):
        if is_file(path / INDEX):
            with local_folder(path, fetch=True) as local:
                return read_table(local)
        if not is_file(path):
            raise UsageError(f"{address(path)}: no such table")
        with local_copy(path) as local:
            return read_table(local)
    if path.is_dir():
        return _read_parts(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such table; make one with `tinyvmaf extract ROOT -o {path}`")
    try:
        if reason := damage(path):
            raise SchemaError(f"{path}: not a readable Parquet table: {reason}{_of_logs(path)}")
        metadata = pl.read_parquet_metadata(path)
        # Brackets in a name are not pattern.
        rows = pl.read_parquet(path, memory_map=False, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # Polars panics on some damaged files, with a BaseException.
        reason = str(error).splitlines()[0]
        raise SchemaError(
            f"{path}: not a readable Parquet table: {reason}{_of_logs(path)}"
        ) from error
    return make_table(rows, _info(metadata.get(_METADATA_KEY), rows, path), origin=str(path))


def _of_logs(path: Path) -> str:
    """The way from a log of libvmaf to a table, for a file that is one by its suffix."""
    if path.suffix not in {".json", ".xml", ".gz"}:
        return ""
    return "; `tinyvmaf table import` makes a table of libvmaf's logs"


def _read_parts(folder: Path) -> FeatureTable:
    import polars as pl

    rows, info = scan_parts(folder)
    found = _info(json.dumps({"schema": SCHEMA, **info}), pl.DataFrame(), folder)
    try:
        return make_table(rows.collect(), found, origin=str(folder))
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{folder}: parts that do not fit together: {error}") from error


def write_table(table: FeatureTable, path: Path) -> None:
    """Write `table` to `path` atomically.

    Raises:
        UsageError: the file cannot be written.
    """
    write_rows(table.rows, table.info, path)


def compact_table(parts: Path | str, *, output: Path | str) -> FeatureTable:
    """Write a table in parts as one file, the same bytes as if it had been written at once.

    Args:
        parts: The folder that holds the parts.
        output: The Parquet file.

    Raises:
        UsageError: there is no table, or the file cannot be written.
        SchemaError: the table is damaged.
    """
    check_writable(Path(output))
    table = read_table(parts)
    write_table(table, Path(output))
    return table


def write_rows(rows: "pl.DataFrame | Iterable[pl.DataFrame]", info: TableInfo, path: Path) -> None:
    """Write checked and sorted rows, which may come in one or more pieces.

    Raises:
        UsageError: the file cannot be written.
    """
    record = json.dumps({"schema": SCHEMA, **info.record()}, sort_keys=True)
    write_parquet(rows, path, metadata={_METADATA_KEY: record})


def _info(record: str | None, rows: "pl.DataFrame", path: Path) -> TableInfo:
    """The table's origin from its metadata, or from a `teacher` column that another tool wrote."""
    if record is None:
        column = rows["teacher"].unique().to_list() if "teacher" in rows.columns else [None]
        teachers = sorted("unknown" if name is None else str(name) for name in column)
        if len(teachers) > 1:
            names = ", ".join(teachers)
            raise SchemaError(
                f"{path}: labelled by {len(teachers)} teachers ({names}); "
                "a table has one: split it, or extract again with `teacher`"
            )
        return TableInfo(teacher=teachers[0])
    try:
        fields: dict[str, Any] = json.loads(record)
        if fields.pop("schema") != SCHEMA:
            raise SchemaError(f"{path}: written with another schema than {SCHEMA}; extract again")
        fields["features"] = tuple(fields["features"])
        fields["notes"] = tuple(fields["notes"])
        # Older tables have none.
        known = fields.get("references", {})
        fields["references"] = {name: tuple(hashes) for name, hashes in known.items()}
        fields["labels"] = tuple(fields.get("labels", ()))
        names = (fields["teacher"], *fields["features"], *fields["labels"])
        if not all(isinstance(name, str) for name in names):
            raise SchemaError(f"{path}: damaged metadata (no names); extract again")
        return TableInfo(**fields)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path}: damaged metadata ({error}); extract again") from error
