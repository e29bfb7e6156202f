# SPDX-License-Identifier: Apache-2.0
"""The cache of libvmaf runs, by content: what was computed once is never computed again.

An entry's key is a hash of everything that changes the result; the names and places of files do
not. An entry is written aside and renamed, and carries a checksum: a damaged one counts as missing.
Many processes may share one cache.
"""

import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.features.log import Log
from tinyvmaf.files import read_bytes, remove_leftovers, write_bytes
from tinyvmaf.provenance import sha256
from tinyvmaf.storage import absolute, is_remote

ENVIRONMENT_VARIABLE = "TINYVMAF_CACHE"

_MAGIC = b"tinyvmaf.cache/1 "
_CHUNK_BYTES = 1 << 20


class DamagedEntry(Exception):  # noqa: N818 (never leaves the features floor)
    """An entry whose bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of computed logs and of the hashes of files that were seen before."""

    folder: Path

    def load(self, key: str) -> Log | None:
        """The log under `key`, None if there is none.

        Raises:
            DamagedEntry: there is one, but not as it was written.
        """
        path = self._entry(key)
        try:
            data = read_bytes(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"cannot read the cache entry {path}: {error.strerror}") from error
        head, _, body = data.partition(b"\n")
        if head != _MAGIC + sha256(body).encode():
            raise DamagedEntry(path)
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return dict(arrays)

    def store(self, key: str, log: Log) -> None:
        """Keep `log` under `key`."""
        body = io.BytesIO()
        np.savez_compressed(body, **log)  # pyright: ignore[reportArgumentType]
        data = body.getvalue()
        _keep(self._entry(key), _MAGIC + sha256(data).encode() + b"\n" + data)

    def content_hash(self, path: Path) -> str:
        """A 128-bit hash of a local file's content; remembered until the file changes."""
        stat = path.stat()
        state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        memo = self.folder / "hashes" / f"{sha256(os.fsencode(path.resolve()))[:32]}.json"
        try:
            known = json.loads(read_bytes(memo))
            if known["state"] == state:
                return str(known["hash"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not seen before, or damaged: hashing again costs time only
        value = hash_file(path)
        _keep(memo, json.dumps({"state": state, "hash": value}).encode())
        return value

    def _entry(self, key: str) -> Path:
        return self.folder / "runs" / key[:2] / key


def cache_key(parts: Mapping[str, object]) -> str:
    """A hash of everything that changes a result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def open_cache(folder: Path | None = None) -> Cache:
    """The cache at `folder`, at `TINYVMAF_CACHE`, or in the user's cache folder.

    What killed processes were writing there is removed.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    chosen = absolute(folder or Path(os.environ.get(ENVIRONMENT_VARIABLE) or _user_folder()))
    if is_remote(chosen):
        return Cache(chosen)
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        for inside in (chosen / "hashes", *(chosen / "runs").glob("*")):
            remove_leftovers(inside)
    except OSError as error:
        raise UsageError(
            f"cannot use the cache {chosen}: {error.strerror}; "
            f"name another folder with {ENVIRONMENT_VARIABLE}"
        ) from error
    return Cache(chosen)


def _keep(path: Path, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except UsageError as error:
        raise UsageError(
            f"the cache is not writable ({error.__cause__}); "
            f"free space or name another folder with {ENVIRONMENT_VARIABLE}"
        ) from error


def _user_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tinyvmaf"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinyvmaf"


def hash_file(path: Path) -> str:
    """A 128-bit hash of the file's content."""
    import xxhash

    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
