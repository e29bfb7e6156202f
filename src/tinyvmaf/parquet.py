# SPDX-License-Identifier: Apache-2.0
"""Parquet files that prove to be whole: written row group by row group, and sealed.

Equal rows and metadata give equal bytes, however the rows lie in memory. What is written is never
held in memory twice: a table may be larger than what is left of it.
"""

import hashlib
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from tinyvmaf.files import written_aside

if TYPE_CHECKING:
    import polars as pl

_SEAL = "tinyvmaf.sha256:"
_DIGITS = 64
# Set, because the default depends on how the rows lie in memory.
_ROW_GROUP = 2**18


def write_parquet(
    rows: "pl.DataFrame | pl.LazyFrame", path: Path, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write `rows` to `path` as compressed Parquet, whole or not at all.

    Categories are written as text: what a name is stored as concerns nobody who reads the file.

    Raises:
        UsageError: the file cannot be written, or the disk is full.
    """
    import polars as pl

    sealed = {**(metadata or {}), "seal": _SEAL + "0" * _DIGITS}
    with written_aside(path) as aside:
        with aside.open("wb", buffering=0) as raw:
            file = _Watched(raw)
            try:
                rows.lazy().with_columns(
                    pl.col(pl.Enum, pl.Categorical).cast(pl.String)
                ).sink_parquet(
                    # Polars needs no more of a file than `_Watched` has.
                    cast("IO[bytes]", file),
                    compression="zstd",
                    compression_level=9,
                    row_group_size=_ROW_GROUP,
                    metadata=sealed,
                    maintain_order=True,
                )
            except pl.exceptions.PolarsError as error:
                # Polars reports a full disk as if the data were wrong.
                raise (file.error or error) from error
        with aside.open("r+b") as raw, mmap.mmap(raw.fileno(), 0) as data:
            at = _seal_at(data)
            data[at : at + _DIGITS] = _digest(data, at)


def seal_is_broken(path: Path) -> bool:
    """Whether the Parquet file carries the seal of `write_parquet` and its bytes do not fit it.

    Asked before any reader sees the file: one flipped bit can make a Parquet reader ask for so much
    memory that the process ends. Files of other programs carry no seal.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = _seal_at(data)
        return at >= len(_SEAL) and data[at : at + _DIGITS] != _digest(data, at)


class _Watched:
    """A file for Polars that remembers what the disk said."""

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
        """Nothing waits: the file has no buffer."""

    def close(self) -> None:
        """Closed by whoever opened it."""


def _seal_at(data: mmap.mmap) -> int:
    """Where the seal's digits are; less than the mark's length if there is none."""
    return data.rfind(_SEAL.encode()) + len(_SEAL)


def _digest(data: mmap.mmap, at: int) -> bytes:
    """The hash of a file whose seal is still zeros, as hexadecimal digits."""
    digest = hashlib.sha256()
    with memoryview(data) as view:
        for part in (view[:at], b"0" * _DIGITS, view[at + _DIGITS :]):
            digest.update(part)
            if isinstance(part, memoryview):
                part.release()
    return digest.hexdigest().encode()
