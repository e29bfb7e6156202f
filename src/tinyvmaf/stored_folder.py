# SPDX-License-Identifier: Apache-2.0
"""Folders in object stores: fetched as a whole, and changed all at once.

A store changes single objects only. New files are therefore stored aside, and a list of them, one
object, completes the change; then they are copied into place. Readers take what the list names
from aside, so that a command that is killed leaves them the old files or the new ones. Two
commands that change one folder at the same time are not kept apart: stores have no locks.
"""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from tinyvmaf.errors import UsageError
from tinyvmaf.files import naming, working_folder
from tinyvmaf.storage import (
    address,
    copy_remote,
    fetch_remote,
    is_remote,
    list_remote,
    read_remote,
    remove_remote,
    send_remote,
    write_remote,
)

_ASIDE = ".tinyvmaf-"
_LIST = Path(f"{_ASIDE}new.json")
_LOOKS = 5
# Nobody uploads for longer; what is older was left by a command that was killed.
_LONGEST_S = 24 * 3600


@contextmanager
def local_folder(
    path: Path,
    *,
    fetch: bool = False,
    send: bool = False,
    head: str = "",
    is_ours: Callable[[PurePath], bool] | None = None,
) -> Generator[Path]:
    """Yield `path` itself, or a local folder in place of one in an object store.

    Args:
        path: The folder.
        fetch: Download the store's files first, all of one state.
        send: Upload the folder's files at the end, unless an error occurred; readers see all of
            them or none.
        head: The file without which nothing in the store's folder is ours.
        is_ours: Returns True for a path, relative to the folder, of one of our files; those that
            are not sent again are removed.

    Raises:
        UsageError: the store cannot be reached, or the disk is full.
    """
    if not is_remote(path):
        yield path
        return
    with working_folder() as folder:
        local = folder / path.name
        local.mkdir()
        if fetch:
            _fetch(path, local)
        with naming(path, local):
            yield local
        if send:
            _send(local, path, head=head, is_ours=is_ours or (lambda _: False))


def _fetch(path: Path, local: Path) -> None:
    """Download all files of a stored folder; again, if another command changed it meanwhile."""
    for _ in range(_LOOKS):
        before = _stored(path)
        change = _change(path) if _LIST in before else None
        found = {name: path / name for name in before if name != _LIST}
        if change is not None:
            found = {name: place for name, place in found.items() if str(name) not in change.gone}
            found |= {Path(name): path / change.aside / name for name in change.files}
        try:
            for name, place in found.items():
                (local / name).parent.mkdir(parents=True, exist_ok=True)
                fetch_remote(place, local / name)
        except FileNotFoundError:
            pass  # it was moved into its place
        else:
            if _stored(path) == before:
                return
        shutil.rmtree(local)
        local.mkdir()
    raise UsageError(
        f"{address(path)}: another command is changing it; wait for it, then try again"
    )


def _stored(path: Path) -> dict[Path, str]:
    """The files of a stored folder, without those that are stored aside."""
    return {
        name: version
        for name, version in list_remote(path).items()
        if name == _LIST or not name.parts[0].startswith(_ASIDE)
    }


@dataclass(frozen=True, slots=True)
class _Change:
    """A complete change of a stored folder.

    Attributes:
        aside: The folder in it that holds the new files.
        files: Their names.
        gone: The names of files that the change removes.
    """

    aside: str
    files: tuple[str, ...]
    gone: tuple[str, ...]


def _change(path: Path) -> _Change | None:
    """The change that is complete but not in place yet; None if there is none."""
    try:
        found: dict[str, Any] = json.loads(read_remote(path / _LIST))
        return _Change(found["aside"], tuple(found["files"]), tuple(found["gone"]))
    except (FileNotFoundError, ValueError):
        return None  # none, or half a list, in a store that is a file system


def _send(local: Path, path: Path, *, head: str, is_ours: Callable[[PurePath], bool]) -> None:
    """Upload the files of `local` aside, complete the change, and move them into place."""
    if (pending := _change(path)) is not None:
        _settle(path, pending)
    now = int(time.time())
    there = list_remote(path)
    for name in there:
        began = name.parts[0].removeprefix(_ASIDE).partition("-")[0]
        if name.parts[0] != began and began.isdigit() and int(began) < now - _LONGEST_S:
            remove_remote(path / name)
    aside = f"{_ASIDE}{now}-{secrets.token_hex(4)}"
    # Deeper files first: a run's record marks it as complete, and takes its place last.
    found = [name.relative_to(local) for name in local.rglob("*") if name.is_file()]
    names = sorted(found, key=lambda name: (-len(name.parts), name))
    for name in names:
        send_remote(local / name, path / aside / name)
    old = {name for name in there if Path(head) in there and is_ours(name)} - set(names)
    change = _Change(aside, tuple(map(str, names)), tuple(sorted(map(str, old))))
    write_remote(path / _LIST, json.dumps(asdict(change)).encode())
    _settle(path, change)


def _settle(path: Path, change: _Change) -> None:
    """Move the files of a complete change into place; every step can be repeated."""
    for name in change.files:
        copy_remote(path / change.aside / name, path / name)
    for name in change.gone:
        remove_remote(path / name)
    if _change(path) == change:
        remove_remote(path / _LIST)
    for name in change.files:
        remove_remote(path / change.aside / name)
