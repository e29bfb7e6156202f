# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of files, and temporary folders.

A file is written under a temporary name in its own folder and renamed when it is complete. A full
disk or a read-only folder raises a clear `UsageError`; an earlier file stays.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.storage import (
    address,
    check_remote,
    fetch_remote,
    is_remote,
    is_remote_file,
    read_remote,
    send_remote,
    write_remote,
)

# Only folders that `working_folder` made, and locked, have such a name.
_WORKING = "tinyvmaf-work-"
_OURS, _ASIDE = ".tinyvmaf-", ".part"


@contextmanager
def written_aside(path: Path) -> Generator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` on success, else it is removed.

    For an address in an object store the local file is uploaded.

    Raises:
        UsageError: the folder cannot be made or written, or the disk is full.
    """
    if is_remote(path):
        with working_folder() as folder:
            local = folder / path.name
            yield local
            send_remote(local, path)
        return
    try:
        check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = _make_aside(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield aside
        # mkstemp's file is private to its owner; an artefact gets the usual permissions.
        aside.chmod(0o666 & ~_umask())
        aside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        aside.unlink(missing_ok=True)
        os.close(handle)


def _make_aside(folder: Path) -> tuple[int, Path]:
    """A new file, and the lock that marks it as in use."""
    sweep_leftovers(folder)
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_OURS, suffix=_ASIDE)
        if _lock(handle, name):
            return handle, Path(name)


@contextmanager
def folder_aside(parent: Path) -> Generator[Path]:
    """Yield a temporary folder in `parent`, removed with its content at the end.

    Raises:
        OSError: the folder cannot be made.
    """
    sweep_leftovers(parent)
    while True:
        name = tempfile.mkdtemp(dir=parent, prefix=_OURS, suffix=_ASIDE)
        try:
            lock = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if _lock(lock, name):
            break
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(lock)


def _lock(handle: int, name: str) -> bool:
    """Lock a new file; close it and return False if another command removed it as a leftover."""
    # Some network file systems have no locks: leftovers stay there.
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if Path(name).stat().st_ino == os.fstat(handle).st_ino:
            return True
    os.close(handle)
    return False


def read_bytes(path: Path) -> bytes:
    """The content of the file at `path`, which may be an address in an object store.

    Raises:
        OSError: it cannot be read; `FileNotFoundError` if it is not there.
        UsageError: the store cannot be reached.
    """
    return read_remote(path) if is_remote(path) else path.read_bytes()


def is_file(path: Path) -> bool:
    """True if there is a file at `path`, which may be an address in an object store."""
    return is_remote_file(path) if is_remote(path) else path.is_file()


@contextmanager
def local_copy(path: Path) -> Generator[Path]:
    """Yield `path` itself, or a temporary copy of an object in a store.

    Raises:
        FileNotFoundError: the store does not hold it.
        UsageError: the store cannot be reached, or the disk is full.
    """
    if not is_remote(path):
        yield path
        return
    with working_folder() as folder:
        local = folder / path.name
        fetch_remote(path, local)
        with naming(path, local):
            yield local


@contextmanager
def naming(path: Path, local: Path) -> Generator[None]:
    """Make errors name the address instead of the temporary copy."""
    try:
        yield
    except TinyVmafError as error:
        error.args = (str(error).replace(str(local), address(path)), *error.args[1:])
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    if is_remote(path):
        write_remote(path, data)
        return
    with written_aside(path) as aside:
        aside.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    write_bytes(path, text.encode())


def append_text(path: Path, text: str) -> None:
    """Append `text` to the file at `path`, atomically unless the process crashes.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            rest = text.encode()
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError:
                os.truncate(path, size)
                raise
    except OSError as error:
        raise cannot_write(path, error) from error


@cache
def sweep_leftovers(folder: Path) -> None:
    """As `remove_leftovers`, once for every folder, which may hold other files."""
    remove_leftovers(folder, pattern=f"{_OURS}*{_ASIDE}")


def remove_leftovers(folder: Path, *, pattern: str = f".*{_ASIDE}") -> None:
    """Remove temporary files of killed processes in `folder`; files in use are locked."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
            finally:
                os.close(handle)


def check_replaceable(path: Path) -> None:
    """Refuse to replace anything but a regular file.

    Raises:
        UsageError: `path` is not a regular file.
    """
    # Renaming over a device, such as /dev/null, would remove it from the whole system.
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise UsageError(f"cannot write {path}: it is {kind}; name a file with -o")


def _umask() -> int:
    # The only portable way to read the umask is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cannot_write(path: Path, error: OSError) -> UsageError:
    """The error that says why `path` could not be written, and what to do."""
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        reason = f"{error.filename} is not a folder"
    return UsageError(f"cannot write {path}: {reason}; free space or choose another output with -o")


@contextmanager
def working_folder() -> Generator[Path]:
    """Yield a temporary folder for the files of one step.

    Folders of killed processes are removed, too: a folder in use is locked by its process.

    Raises:
        UsageError: no temporary folder can be written, or its disk is full.
    """
    try:
        _sweep(Path(tempfile.gettempdir()))
        lock, folder = _make_working_folder()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"cannot make a temporary folder: {reason}; name another place with TMPDIR"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make_working_folder() -> tuple[int, Path]:
    """A new folder, and the lock that marks it as in use."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_WORKING))
        # Until it is locked, another process may remove it as a leftover.
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return lock, folder
            os.close(lock)


@cache
def _sweep(place: Path) -> None:
    """Remove unused working folders, once for every parent."""
    for folder in place.glob(f"{_WORKING}*"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid == os.getuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def check_writable(path: Path) -> None:
    """Refuse an output that cannot be written before the work for it begins.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    if is_remote(path):
        check_remote(path)
        return
    try:
        check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error
