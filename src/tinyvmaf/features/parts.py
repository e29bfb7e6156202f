# SPDX-License-Identifier: Apache-2.0
"""A feature table as a folder of Parquet files, for corpora whose rows do not fit into memory.

`part-00000.parquet`, ... are written as rows arrive, each sealed; `index.json` is written last,
lists them with their hashes, and carries its own hash. Without it, or with a part that does not
match, the folder is not a table. A new table replaces the old one when it is complete.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.files import check_writable, remove_leftovers, write_text
from tinyvmaf.parquet import write_parquet
from tinyvmaf.storage import address, is_remote
from tinyvmaf.swap import complete, rewritten

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "tinyvmaf.parts/1"
INDEX = "index.json"
ROWS_A_PART = 2**18

_PART = re.compile(r"part-\d{5,}\.parquet")


def is_parts(folder: Path) -> bool:
    """True if `folder` is a table in parts, finished or not."""
    return folder.is_dir() and bool((folder / INDEX).is_file() or _parts_in(folder))


def is_parts_output(path: Path) -> bool:
    """True if a table at `path` is written in parts: a folder, or a new name without suffix."""
    return path.is_dir() or not (path.suffix or path.exists())


def check_output(path: Path) -> None:
    """Refuse a table, a file or a folder for parts, that could not be written.

    Raises:
        UsageError: it cannot be written, or the folder holds something else.
    """
    if not is_parts_output(path):
        check_writable(path)
        return
    is_new = not path.exists()
    check_folder(path)
    if is_new:
        # A failed extraction leaves no folder; the first rows make it again.
        with suppress(OSError):
            path.rmdir()


def check_folder(folder: Path) -> list[Path]:
    """The parts in a folder; a folder that cannot hold a table is refused.

    Raises:
        UsageError: it is in a store, cannot be written, or holds something else.
    """
    if is_remote(folder):
        raise UsageError(
            f"cannot write {address(folder)}: parts need a local folder; name one with `output`, "
            "or one file that ends with .parquet"
        )
    check_writable(folder / INDEX)
    remove_leftovers(folder)
    parts = _parts_in(folder)
    known = {INDEX, *(path.name for path in parts)}
    others = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if others:
        raise UsageError(
            f"cannot write {folder}: it holds {others[0]}, which is not part of a table; name a "
            "new folder with `output`, or one file that ends with .parquet"
        )
    return parts


def write_parts(rows: "Iterable[pl.DataFrame]", info: Mapping[str, Any], folder: Path) -> None:
    """Write rows that come in pieces to `folder`; an earlier table stays until the end.

    Raises:
        UsageError: the folder cannot be written, is in a store, holds something else, or another
            command writes into it.
    """
    check_folder(folder)
    with rewritten(folder, head=INDEX, is_ours=_is_ours) as new:
        coming, listed = iter(rows), list[dict[str, Any]]()
        for number, first in enumerate(coming):
            path, part = new / f"part-{number:05}.parquet", _Part(first, coming)
            write_parquet(part, path)
            listed.append({"name": path.name, "rows": part.n_rows, "sha256": _hash_file(path)})
        n_rows = sum(part["rows"] for part in listed)
        record = {"schema": SCHEMA, "info": dict(info), "rows": n_rows, "parts": listed}
        write_text(new / INDEX, json.dumps({**record, "sha256": _hash(record)}, indent=2) + "\n")


def _is_ours(path: PurePath) -> bool:
    return str(path) == INDEX or _PART.fullmatch(str(path)) is not None


class _Part:
    """Yields the pieces of one part, and counts their rows."""

    def __init__(self, first: "pl.DataFrame", coming: "Iterator[pl.DataFrame]") -> None:
        self._pieces = chain([first], coming)
        self.n_rows = 0

    def __iter__(self) -> "Iterator[pl.DataFrame]":
        while self.n_rows < ROWS_A_PART and (piece := next(self._pieces, None)) is not None:
            self.n_rows += piece.height
            yield piece


def scan_parts(folder: Path) -> "tuple[pl.LazyFrame, dict[str, Any]]":
    """The rows of a table in parts, as a lazy frame, and their origin.

    Every part is hashed before any Parquet reader sees it.

    Raises:
        SchemaError: the table is unfinished, or index or a part is missing or damaged.
    """
    import polars as pl

    complete(folder / INDEX)
    try:
        record = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        seal = record.pop("sha256")
        whole = seal == _hash(record) and record["schema"] == SCHEMA
    except FileNotFoundError as error:
        raise SchemaError(
            f"{folder}: the table was not finished (no {INDEX}); extract again, which goes on with "
            "what is cached"
        ) from error
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise SchemaError(f"{folder}: damaged {INDEX} ({error}); extract again") from error
    if not whole:
        raise SchemaError(f"{folder}: {INDEX} was changed, or is of another version; extract again")
    listed = {part["name"]: part["sha256"] for part in record["parts"]}
    found = {path.name for path in _parts_in(folder)}
    for name in sorted(found ^ set(listed)):
        what = "is not there" if name in listed else f"is not in {INDEX}"
        raise SchemaError(f"{folder}: {name} {what}; extract again")
    for name, seal in listed.items():
        if _hash_file(folder / name) != seal:
            raise SchemaError(f"{folder}: {name} was changed; extract again")
    rows = pl.scan_parquet([folder / name for name in listed], glob=False)
    return rows, record["info"]


def _parts_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _PART.fullmatch(path.name))


def _hash(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
