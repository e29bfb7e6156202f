# SPDX-License-Identifier: Apache-2.0
"""Atomic changes of several files: a model and its card, a run and its digest.

They are written into a temporary folder. A folder that holds nothing else is exchanged for it in
one step of the file system. Elsewhere the finished folder is renamed to mark it as complete, then
each file is moved into place; `complete`, called by every reader, finishes an interrupted change.
"""

import fcntl
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from tinyvmaf.errors import UsageError
from tinyvmaf.files import cannot_write, check_replaceable, folder_aside, write_bytes
from tinyvmaf.storage import is_remote

_NEW = "new"
_GONE = "gone.json"
_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE

IsOurs = Callable[[PurePath], bool]


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files of one folder so that a reader that calls `complete` sees all of them or none.

    Args:
        contents: Path -> its content; the first is the path that readers pass to `complete`.

    Raises:
        UsageError: they cannot be written; earlier files stay.
    """
    first = next(iter(contents))
    if is_remote(first):
        for path, data in contents.items():
            write_bytes(path, data)
        return
    folder = first.parent
    try:
        for path in contents:
            check_replaceable(path)
        folder.mkdir(parents=True, exist_ok=True)
        with folder_aside(folder) as aside:
            new = aside / _NEW
            new.mkdir()
            for path, data in contents.items():
                (new / path.name).write_bytes(data)
            with _locked(folder):
                _finish(first)
                _commit(aside, first, gone=[])
    except OSError as error:
        raise cannot_write(first, error) from error


@contextmanager
def rewritten(folder: Path, *, head: str, is_ours: IsOurs) -> Generator[Path]:
    """Yield an empty folder; on success its files replace ours in `folder`, all at once.

    Other files in `folder` stay. Files of ours that are not written again are removed.

    Args:
        folder: Made if it is not there; no other command may write into it meanwhile.
        head: The file that readers pass to `complete`; without it nothing in `folder` is ours.
        is_ours: Returns True for a path, relative to `folder`, of one of our files.

    Raises:
        UsageError: it cannot be written, or another command writes into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        _take(lock, folder)
        _finish(folder / head)
        stays = _must_stay(folder, is_ours)
        with folder_aside(folder if stays else folder.resolve().parent) as aside:
            new = aside / _NEW
            new.mkdir()
            try:
                yield new
            except UsageError as error:
                # Readers ignore the temporary folder.
                raise UsageError(str(error).replace(str(new), str(folder))) from error
            new.chmod(folder.stat().st_mode & 0o7777)
            if not (_is_ours_alone(folder, is_ours) and not stays and _exchange(new, folder)):
                was_ours = (folder / head).exists()
                gone = [str(path) for path in _ours(folder, is_ours)] if was_ours else []
                _commit(aside, folder / head, gone=gone)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        os.close(lock)


def complete(path: Path) -> None:
    """Finish an interrupted change of `path` and of the files that change with it.

    Raises:
        UsageError: it cannot be written here.
    """
    if not (path.name and _ready(path).is_dir()):
        return
    try:
        with _locked(path.parent):
            _finish(path)
    except OSError as error:
        raise UsageError(
            f"{path}: a change of it was interrupted and cannot be ended here: {error.strerror}; "
            "read it once where its folder can be written"
        ) from error


def _ready(path: Path) -> Path:
    return path.with_name(f".{path.name}.ready")


def _commit(aside: Path, path: Path, *, gone: list[str]) -> None:
    """Commit the change by a renaming; every later step can be repeated."""
    new = aside / _NEW
    kept = {str(found.relative_to(new)) for found in new.rglob("*")}
    (aside / _GONE).write_text(json.dumps(sorted(set(gone) - kept)), encoding="utf-8")
    aside.rename(_ready(path))
    _finish(path)


def _finish(path: Path) -> None:
    """Move the complete files into place, unless there are none or another process did so."""
    ready, folder = _ready(path), path.parent
    new = ready / _NEW
    if not ready.is_dir():
        return
    names = [found.relative_to(new) for found in sorted(new.rglob("*")) if found.is_file()]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).replace(folder / name)
    for name in json.loads((ready / _GONE).read_text(encoding="utf-8")):
        (folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            (folder / name).parent.rmdir()  # if nothing else is in it
    with folder_aside(folder) as aside:
        # In one step, so that a half-removed folder is not taken for an interrupted change.
        ready.rename(aside / ready.name)


def _must_stay(folder: Path, is_ours: IsOurs) -> bool:
    """True if the folder cannot be exchanged for another one."""
    inside = Path.cwd().is_relative_to(folder.resolve())
    return (
        inside
        or folder.is_mount()
        or not os.access(folder.resolve().parent, os.W_OK)
        or not _is_ours_alone(folder, is_ours)
    )


def _is_ours_alone(folder: Path, is_ours: IsOurs) -> bool:
    for path in folder.iterdir():
        inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
        for found in inside:
            is_folder = found.is_dir() and not found.is_symlink()
            if not is_folder and not is_ours(found.relative_to(folder)):
                return False
    return True


def _ours(folder: Path, is_ours: IsOurs) -> Iterator[PurePath]:
    for path in folder.iterdir():
        inside = path.glob("*") if path.is_dir() and not path.is_symlink() else [path]
        names = (found.relative_to(folder) for found in inside if found.is_file())
        yield from (name for name in names if is_ours(name))


def _exchange(new: Path, folder: Path) -> bool:
    """Exchange the names of two folders in one step; False where that is not supported."""
    import ctypes

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False  # no Linux, or an old C library
    names = os.fsencode(new), os.fsencode(folder.resolve())
    return rename(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Hold the lock that serialises changes of `folder`."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Some network file systems have no locks.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"cannot write {folder}: another command is writing into it; wait for it, or choose "
            "another output with -o"
        ) from error
    except OSError:
        return  # a file system without locks
