# SPDX-License-Identifier: Apache-2.0
"""Sealed Parquet files, written one row group at a time.

Equal rows and metadata give equal bytes, however the rows are chunked in memory. Written data is
never held in memory twice, and rows that come in pieces never all at once.
"""

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from tinyvmaf.errors import ToolFailed
from tinyvmaf.files import written_aside
from tinyvmaf.process.isolation import ask

if TYPE_CHECKING:
    import polars as pl

_SEAL = "tinyvmaf.sha256:"
_DIGITS = 64
_MAGIC = b"PAR1"
_CHUNK_BYTES = 2**18
# Fixed, because the default depends on the chunks in memory; some groups are held at once.
_ROW_GROUP = 2**13


def write_parquet(
    rows: "pl.DataFrame | pl.LazyFrame | Iterable[pl.DataFrame]",
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `rows` to `path` as compressed Parquet, atomically.

    Categories are written as text, so that readers need not know them.

    Args:
        rows: All rows, or an iterable of at least one piece.
        path: The file.
        metadata: Key-value metadata of the file.

    Raises:
        UsageError: the file cannot be written, or the disk is full.
    """
    import polars as pl

    sealed = {**(metadata or {}), "seal": _SEAL + "0" * _DIGITS}
    pieces = _Pieces()
    whole = isinstance(rows, pl.DataFrame | pl.LazyFrame)
    table = rows.lazy() if whole else pieces.scan(rows)
    with written_aside(path) as aside:
        with aside.open("wb", buffering=0) as raw:
            file = _Watched(raw)
            try:
                table.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String)).sink_parquet(
                    # Polars needs only the methods that `_Watched` has.
                    cast("IO[bytes]", file),
                    compression="zstd",
                    compression_level=9,
                    row_group_size=_ROW_GROUP,
                    metadata=sealed,
                    maintain_order=True,
                )
            except pl.exceptions.PolarsError as error:
                # Polars reports a full disk, and errors of the pieces, as errors of the data.
                raise (file.error or pieces.error or error) from error
        with aside.open("r+b") as sealing:
            at = _seal_at(sealing)
            digest = _digest(sealing, at)
            sealing.seek(at)
            sealing.write(digest)


def damage(path: Path) -> str | None:
    """The reason why the Parquet file must not be read; None if it is safe.

    One flipped bit can make a Parquet reader request so much memory that the process is killed. The
    seal of a file of `write_parquet` proves that it is intact. A file of another program has none
    and is first read in a subprocess.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    if not path.stat().st_size:
        return "it is empty"
    with path.open("rb") as file:
        at = _seal_at(file)
        if at >= len(_SEAL):
            digest = _digest(file, at)
            file.seek(at)
            return None if file.read(_DIGITS) == digest else "its bytes were changed"
        file.seek(-min(len(_MAGIC), path.stat().st_size), os.SEEK_END)
        if file.read() != _MAGIC:
            return None  # every reader refuses at once what is not Parquet, or truncated
    try:
        ask(_read, path)
    except ToolFailed:
        return "it crashes whatever reads it"
    return None


def _read(path: Path) -> None:
    """Read the file one column at a time, to see whether a reader crashes; errors are ignored."""
    import polars as pl

    with suppress(pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        rows = pl.scan_parquet(path, glob=False)
        for name in rows.collect_schema():
            rows.select(name).collect()


class _Watched:
    """A file for Polars that records the disk's error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            written = 0
            with memoryview(data) as view:
                while written < len(view):
                    written += self._file.write(view[written:])
        except OSError as error:
            self.error = error
            raise
        return written

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""

    def close(self) -> None:
        """Do nothing: the file is closed by its opener."""


class _Pieces:
    """Pieces of a table for Polars, with a record of the error that ended them."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def scan(self, pieces: "Iterable[pl.DataFrame]") -> "pl.LazyFrame":
        from polars.io.plugins import register_io_source

        coming = iter(pieces)
        first = next(coming)
        # All columns and rows are written, whatever Polars requests.
        return register_io_source(
            lambda *_: self._watch(chain([first], coming)), schema=first.schema
        )

    def _watch(self, pieces: "Iterator[pl.DataFrame]") -> "Iterator[pl.DataFrame]":
        try:
            yield from pieces
        except Exception as error:
            self.error = error
            raise


def _seal_at(file: BinaryIO) -> int:
    """Offset of the seal's digits; less than the mark's length if there is none."""
    # Searched from the end, so that little is read into memory.
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.rfind(_SEAL.encode()) + len(_SEAL)


def _digest(file: BinaryIO, at: int) -> bytes:
    """The hash of a file whose seal is still zeros, as hexadecimal digits."""
    before, after = _chunks(file, 0, at), _chunks(file, at + _DIGITS, file.seek(0, os.SEEK_END))
    digest = hashlib.sha256()
    for chunk in chain(before, [b"0" * _DIGITS], after):
        digest.update(chunk)
    return digest.hexdigest().encode()


def _chunks(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    for position in range(start, stop, _CHUNK_BYTES):
        yield file.read(min(_CHUNK_BYTES, stop - position))
