# SPDX-License-Identifier: Apache-2.0
"""The cache of libvmaf runs, keyed by content, so that nothing is computed twice.

An entry's key is a hash of everything that changes the result, which excludes the paths of files.
An entry is written under a temporary name and renamed, and carries a checksum: a damaged one counts
as missing. Logs are written and read in parts, so that memory does not grow with the video. Many
processes may share one cache.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.files import local_copy, read_bytes, remove_leftovers, write_bytes, written_aside
from tinyvmaf.kept import CACHE_VARIABLE, user_folder
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.provenance import sha256
from tinyvmaf.storage import absolute, is_remote

ENVIRONMENT_VARIABLE = CACHE_VARIABLE

# A line of this and a checksum, then compressed data: names in JSON, then rows of numbers.
_MAGIC = b"tinyvmaf.cache/2 "
# Entries of the first version hold NumPy arrays; they can still be read.
_FIRST = b"tinyvmaf.cache/1 "
_DIGITS = 64
_NUMBER = np.dtype("<f8")
_PART_FRAMES = 1024
_CHUNK_BYTES = 1 << 17


class DamagedEntry(Exception):  # noqa: N818 (never leaves `features`)
    """A cache entry whose checksum does not match its content."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of computed logs and of the hashes of known files."""

    folder: Path

    def holds(self, key: str) -> bool:
        """True if there is a log under `key`.

        Raises:
            DamagedEntry: there is one, but it is damaged.
        """
        with ExitStack() as opened:
            return self._open(key, opened) is not None

    def load(self, key: str) -> Generator[Log]:
        """Yield the log under `key` in parts, once the whole entry was verified.

        Raises:
            UsageError: the entry was removed or damaged since `holds` found it.
        """
        with ExitStack() as opened:
            try:
                file = self._open(key, opened)
            except DamagedEntry:
                file = None
            if file is None:
                raise UsageError(
                    f"the cache entry {self._entry(key)} is gone or damaged since it was made; "
                    "run the same command again (workers of a cluster share one cache)"
                )
            yield from _read(file)

    def store(self, key: str, parts: Iterable[Log]) -> None:
        """Store a log under `key`; nothing is stored if its parts end with an error."""
        try:
            with written_aside(self._entry(key)) as aside, aside.open("w+b") as file:
                _write(file, parts)
        except UsageError as error:
            raise _not_writable(error) from error

    def content_hash(self, path: Path) -> str:
        """A 128-bit hash of a local file's content, remembered until the file changes."""
        stat = path.stat()
        state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        memo = self.folder / "hashes" / f"{sha256(os.fsencode(path.resolve()))[:32]}.json"
        try:
            known = json.loads(read_bytes(memo))
            if known["state"] == state:
                return str(known["hash"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # unknown or damaged: hash again
        value = hash_file(path)
        try:
            write_bytes(memo, json.dumps({"state": state, "hash": value}).encode())
        except UsageError as error:
            raise _not_writable(error) from error
        return value

    def recall(self, key: str) -> Any:  # noqa: ANN401 (any JSON value)
        """The JSON value stored under `key`; None if it is missing or damaged."""
        try:
            return json.loads(read_bytes(self._memo(key)))
        except (OSError, ValueError):
            return None

    def remember(self, key: str, value: object) -> None:
        """Store a small JSON value under `key`."""
        try:
            write_bytes(self._memo(key), json.dumps(value).encode())
        except UsageError as error:
            raise _not_writable(error) from error

    def _memo(self, key: str) -> Path:
        return self.folder / "checks" / key[:2] / f"{key}.json"

    def _open(self, key: str, opened: ExitStack) -> BinaryIO | None:
        """The verified entry's file, positioned after its first line; None if there is none."""
        path = self._entry(key)
        try:
            local = opened.enter_context(local_copy(path))
            file = opened.enter_context(local.open("rb"))
            head = file.readline(len(_MAGIC) + _DIGITS + 1)
            seal = hashlib.file_digest(file, "sha256").hexdigest().encode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"cannot read the cache entry {path}: {error.strerror}") from error
        if head not in {magic + seal + b"\n" for magic in (_MAGIC, _FIRST)}:
            raise DamagedEntry(path)
        file.seek(0)
        return file

    def _entry(self, key: str) -> Path:
        return self.folder / "runs" / key[:2] / key


def _write(file: BufferedRandom, parts: Iterable[Log]) -> None:
    head = file.write(_MAGIC + b"0" * _DIGITS + b"\n")
    # No file name and no time, so that equal logs give equal bytes.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as body:
        for number, part in enumerate(parts):
            if number == 0:
                body.write(json.dumps(list(part)).encode() + b"\n")
            body.write(np.column_stack(list(part.values())).astype(_NUMBER).tobytes())
    file.seek(head)
    seal = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(len(_MAGIC))
    file.write(seal.encode())


def _read(file: BinaryIO) -> Generator[Log]:
    if file.readline().startswith(_FIRST):
        yield from _read_first(file)
        return
    with gzip.GzipFile(fileobj=file) as body:
        names = json.loads(body.readline())
        while data := body.read(_PART_FRAMES * len(names) * _NUMBER.itemsize):
            rows = np.frombuffer(data, _NUMBER).reshape(-1, len(names))
            yield dict(zip(names, np.ascontiguousarray(rows.T, np.float64), strict=True))


def _read_first(file: BinaryIO) -> Generator[Log]:
    with np.load(file, allow_pickle=False) as arrays:
        log: Log = dict(arrays)
    n_frames = len(next(iter(log.values())))
    for start in range(0, n_frames, _PART_FRAMES):
        part = slice(start, start + _PART_FRAMES)
        yield {name: values[part] for name, values in log.items()}


def cache_key(parts: Mapping[str, object]) -> str:
    """A hash of everything that changes a result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def open_cache(folder: Path | None = None) -> Cache:
    """The cache at `folder`, at `TINYVMAF_CACHE`, or in the user's cache folder.

    Temporary files of killed processes are removed.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    chosen = absolute(folder or Path(os.environ.get(ENVIRONMENT_VARIABLE) or user_folder()))
    if is_remote(chosen):
        return Cache(chosen)
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        for inside in (chosen / "hashes", *chosen.glob("runs/*"), *chosen.glob("checks/*")):
            remove_leftovers(inside)
    except OSError as error:
        raise UsageError(
            f"cannot use the cache {chosen}: {error.strerror}; "
            f"name another folder with {ENVIRONMENT_VARIABLE}"
        ) from error
    return Cache(chosen)


def _not_writable(error: UsageError) -> UsageError:
    return UsageError(
        f"the cache is not writable ({error.__cause__}); "
        f"free space or name another folder with {ENVIRONMENT_VARIABLE}"
    )


def hash_file(path: Path) -> str:
    """A 128-bit hash of the file's content."""
    import xxhash

    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
