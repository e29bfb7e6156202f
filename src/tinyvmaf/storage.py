# SPDX-License-Identifier: Apache-2.0
"""Access to object stores: `s3://bucket/key` and all other addresses that fsspec supports.

An address travels as a `Path`, which folds its two slashes into one (`s3:/bucket/key`); it can be
joined, split and pickled like any other, and is unfolded here. A local path imports nothing.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyvmaf.errors import UsageError
from tinyvmaf.extras import missing_extra

if TYPE_CHECKING:
    from upath import UPath

# Time limits for a store that does not answer. Amazon's own add up to five minutes.
_CONNECT_S = 5
_SILENT_S = 15
_TRIES = 2
# What stores tell of an object that is another one after it was written again.
_VERSION = ("ETag", "etag", "size", "LastModified", "mtime", "created")
# One letter would be a drive on Windows.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)


def is_remote(path: Path) -> bool:
    """True if `path` stands for an address such as `s3://bucket/key`."""
    return _ADDRESS.fullmatch(str(path)) is not None


def address(path: Path) -> str:
    """The address that `path` stands for, with both slashes.

    Example:
        >>> address(Path("s3://bucket/corpus") / "clip.mp4")
        's3://bucket/corpus/clip.mp4'
    """
    found = _ADDRESS.fullmatch(str(path))
    if found is None:
        return str(path)
    scheme, rest = found.groups()
    return f"{scheme}:///{rest}" if scheme == "file" else f"{scheme}://{rest}"


def absolute(path: Path) -> Path:
    """`path` for a process with another working folder; an address is the same everywhere."""
    return path if is_remote(path) else path.absolute()


def listed(text: str, *, folder: Path) -> Path:
    """The path that a list in `folder` means by `text`: relative to it, absolute, or an address.

    Raises:
        UsageError: the address is in a store that the command line did not name.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return folder / text
    if _store(text) == _store(str(folder)) is not None:
        return Path(text)
    raise UsageError(
        f"{text} is in a store that the command line does not name, so that nothing is fetched "
        "from there; copy it here, or put the list into the same store"
    )


def _store(text: str) -> tuple[str, str] | None:
    found = _ADDRESS.fullmatch(text)
    return None if found is None else (found[1], found[2].partition("/")[0])


def read_remote(path: Path) -> bytes:
    """The content stored at the address.

    Raises:
        FileNotFoundError: there is nothing.
        UsageError: it cannot be read.
    """
    with _reaching(path, "read") as place:
        return place.read_bytes()


def write_remote(path: Path, data: bytes) -> None:
    """Store `data` at the address, which object stores do atomically.

    Raises:
        UsageError: it cannot be written.
    """
    with _reaching(path, "written") as place:
        if place.protocol == "file":
            place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def is_remote_file(path: Path) -> bool:
    """True if something is stored at the address."""
    with _reaching(path, "read") as place:
        # Another process may have written it since the listing was cached.
        place.fs.invalidate_cache()
        try:
            return place.fs.info(place.path)["type"] == "file"
        except FileNotFoundError:
            return False


def check_remote(path: Path) -> None:
    """Refuse an address that cannot be written, by a trial write beside it.

    Raises:
        UsageError: it cannot be written.
    """
    trial = path.with_name(f".{path.name}.part")
    write_remote(trial, b"")
    with _reaching(trial, "written") as place:
        place.fs.rm_file(place.path)


def fetch_remote(path: Path, target: Path) -> None:
    """Copy the object at the address to the local file `target`, in pieces.

    Raises:
        FileNotFoundError: there is nothing.
        UsageError: it cannot be read.
    """
    with _reaching(path, "read") as place:
        place.fs.get_file(place.path, str(target))


def send_remote(source: Path, path: Path) -> None:
    """Store the local file `source` at the address, in pieces.

    Raises:
        UsageError: it cannot be written.
    """
    with _reaching(path, "written") as place:
        if place.protocol == "file":
            place.parent.mkdir(parents=True, exist_ok=True)
        place.fs.put_file(str(source), place.path)


def copy_remote(source: Path, path: Path) -> None:
    """Copy the object at one address to another one of the same store, inside the store.

    Raises:
        UsageError: it cannot be copied.
    """
    with _reaching(path, "written") as place, _reaching(source, "read") as original:
        if place.protocol == "file":
            place.parent.mkdir(parents=True, exist_ok=True)
        place.fs.cp_file(original.path, place.path)


def remove_remote(path: Path) -> None:
    """Remove the object at the address, if there is one.

    Raises:
        UsageError: it cannot be removed.
    """
    with _reaching(path, "removed") as place, suppress(FileNotFoundError):
        place.fs.rm_file(place.path)


def list_remote(path: Path) -> dict[Path, str]:
    """The paths stored below the address, relative to it, each with a mark of its version.

    Raises:
        UsageError: the store cannot be reached.
    """
    with _reaching(path, "read") as place:
        place.fs.invalidate_cache()
        root = place.path.rstrip("/") + "/"
        try:
            found: Any = place.fs.find(place.path, detail=True)
        except FileNotFoundError:
            return {}
        return {
            Path(name.removeprefix(root)): " ".join(str(facts.get(key)) for key in _VERSION)
            for name, facts in sorted(found.items())
            if name.startswith(root)
        }


@contextmanager
def _reaching(path: Path, done: str) -> "Generator[UPath]":
    where = address(path)
    if find_spec("upath") is None:
        raise missing_extra("cloud", what=f"{where}: an object store", modules=["upath"])
    from upath import UPath

    try:
        place = UPath(where, **_limits(where.partition(":")[0]))
        if place.protocol == "s3":
            # Without this, it would retry five times what was already retried.
            setattr(place.fs, "retries", 1)  # noqa: B010 (its base class has none)
        yield place
    except FileNotFoundError as error:
        if done == "read":
            raise
        raise UsageError(f"{where}: cannot be {done}: {_reason(error)}") from error
    except Exception as error:  # every store has exceptions of its own
        raise UsageError(f"{where}: cannot be {done}: {_reason(error)}") from error


def _limits(scheme: str) -> dict[str, Any]:
    """The time limits of a store, as options of its fsspec package."""
    if scheme == "s3":
        limits = {"connect_timeout": _CONNECT_S, "read_timeout": _SILENT_S}
        return {"config_kwargs": {**limits, "retries": {"total_max_attempts": _TRIES}}}
    if scheme in {"http", "https"}:
        from aiohttp import ClientTimeout

        timeout = ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENT_S)
        return {"client_kwargs": {"timeout": timeout}}
    return {}


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
