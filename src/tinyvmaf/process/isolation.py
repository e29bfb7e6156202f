# SPDX-License-Identifier: Apache-2.0
"""Running a function in a subprocess, to free its memory and contain crashes.

An MP4 has an index of all its frames, which libavformat unpacks to some 80 bytes a frame when it
opens the file. For a few minutes of video that is little; the index of a day of video is read in
a subprocess, one file after the other, which returns only the result.
"""

import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar, TypeVarTuple

from tinyvmaf.errors import TinyVmafError
from tinyvmaf.files import working_folder
from tinyvmaf.process.programs import run

LONG_INDEX_BYTES: Final = 256 * 1024
"""About ten minutes of video, or twenty thousand frames."""

_FIRST_BOXES: Final = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide"})
_INDEX_BOXES: Final = frozenset({b"moov", b"moof"})
_HEAD_BYTES: Final = 16
_CHILD: Final = "from tinyvmaf.process.isolation import main; main()"

_turn = Lock()
_Ts = TypeVarTuple("_Ts")
_T = TypeVar("_T")


def look_at(path: Path, function: Callable[[*_Ts], _T], *args: *_Ts) -> _T:
    """Result of `function` for the file at `path`; in a subprocess if its index is long.

    Args:
        path: The file that `function` opens.
        function: As `ask` takes it.
        *args: Its arguments.

    Raises:
        TinyVmafError: what `function` raises.
        ToolFailed: the process ended without an answer.
    """
    return ask(function, *args) if has_long_index(path) else function(*args)


def ask(function: Callable[[*_Ts], _T], *args: *_Ts) -> _T:
    """Result of `function`, run in a subprocess.

    Args:
        function: One of a module, not of another function.
        *args: Its arguments; they and its result must be picklable.

    Raises:
        TinyVmafError: what `function` raises.
        ToolFailed: the process ended without an answer.
    """
    with _turn:
        return ask_beside(function, *args)


def ask_beside(function: Callable[[*_Ts], _T], *args: *_Ts) -> _T:
    """As `ask`, but in parallel with others: for work that takes time and little memory.

    Raises:
        TinyVmafError: what `function` raises.
        ToolFailed: the process ended without an answer.
    """
    with working_folder() as folder:
        request, answer = folder / "request", folder / "answer"
        request.write_bytes(pickle.dumps((function, args)))
        run([sys.executable, "-c", _CHILD, str(request), str(answer)])
        # The file comes from our own child, and no other user can write into the folder.
        with answer.open("rb") as file:
            found, error = pickle.load(file)  # noqa: S301
    if error is not None:
        raise error
    return found


def main() -> None:
    """Answer the request whose file is the first argument, into the file that is the second."""
    request, answer = (Path(name) for name in sys.argv[1:])
    function, args = pickle.loads(request.read_bytes())  # noqa: S301 (of our own making)
    try:
        found, error = function(*args), None
    except TinyVmafError as raised:
        found, error = None, raised
    with answer.open("wb") as file:
        pickle.dump((found, error), file)


def has_long_index(path: Path) -> bool:
    """True for an MP4 or MOV whose index is longer than `LONG_INDEX_BYTES`."""
    n_bytes = 0
    try:
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            position = 0
            while position < size and n_bytes <= LONG_INDEX_BYTES:
                file.seek(position)
                kind, length = _box(file.read(_HEAD_BYTES), left=size - position)
                if length == 0 or (position == 0 and kind not in _FIRST_BOXES):
                    return False
                n_bytes += length if kind in _INDEX_BOXES else 0
                position += length
    except OSError:
        return False  # the next reader reports the error
    return n_bytes > LONG_INDEX_BYTES


def _box(head: bytes, *, left: int) -> tuple[bytes, int]:
    """Name and length of the box that begins with `head`; the length is 0 if it is none."""
    if len(head) < 8:  # noqa: PLR2004 (the shortest head of ISO 14496-12)
        return b"", 0
    length, kind = struct.unpack(">I4s", head[:8])
    if length == 0:
        return kind, left
    if length == 1:
        length = int.from_bytes(head[8:])
    return kind, length if length >= 8 else 0  # noqa: PLR2004
