# SPDX-License-Identifier: Apache-2.0
"""External data: weights that an ONNX file keeps in a second file beside it.

Nothing outside the model's folder is ever opened: no absolute path, no `..`, no link that leads
out, no device or pipe. The length is known from the tensor's shape before anything is read.
"""

import errno
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from tinyvmaf.errors import ModelError, UnsafeModelError

if TYPE_CHECKING:
    from onnx import TensorProto

_BYTES_A_FLOAT = 4


@dataclass(frozen=True, slots=True)
class ExternalRange:
    """The location of a tensor's bytes: `length` bytes at `offset` in the file `location`."""

    location: str
    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the range."""
        return self.offset + self.length


def is_external(tensor: "TensorProto") -> bool:
    """True if the tensor refers to another file for its values."""
    return tensor.data_location == tensor.EXTERNAL or len(tensor.external_data) > 0


def external_range(tensor: "TensorProto") -> ExternalRange:
    """The range that a float32 tensor names.

    Raises:
        UnsafeModelError: the entry is malformed, its numbers are negative, or its length is not
            that of the tensor's shape.
    """
    name = shown(tensor.name)
    entries = {entry.key: entry.value for entry in tensor.external_data}
    needed = math.prod(tensor.dims) * _BYTES_A_FLOAT
    offset = _number(entries.get("offset", "0"), f"the offset of {name}")
    length = _number(entries.get("length", str(needed)), f"the length of {name}")
    if not entries.get("location"):
        raise UnsafeModelError(f"{name} is external but names no file; export the model again")
    if length != needed:
        raise UnsafeModelError(
            f"{name} names {length} bytes of external data, its shape {list(tensor.dims)} "
            f"needs {needed}; export the model again"
        )
    return ExternalRange(location=entries["location"], offset=offset, length=length)


def locate(location: str, *, folder: Path) -> Path:
    """The file that `location` names, with links resolved, inside `folder`.

    Raises:
        UnsafeModelError: the location leads, or tries to lead, out of the folder.
        ModelError: there is no such file.
    """
    if (
        PurePosixPath(location).is_absolute()
        or PureWindowsPath(location).anchor
        or ".." in PureWindowsPath(location).parts
        or not location.isprintable()
    ):
        raise UnsafeModelError(
            f"its external data is {shown(location)}; a model may only name files beside it"
        )
    try:
        path = (folder / location).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise UnsafeModelError(
                f"its external data {shown(location)} is a link out of the model's folder; "
                "copy the file there if you trust it"
            )
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:
        # A link to itself is a RuntimeError before Python 3.13, and an OSError from then on.
        number = error.errno if isinstance(error, OSError) else errno.ELOOP
        raise ModelError(
            f"its external data {shown(location)} cannot be read: {os.strerror(number or 0)}; "
            "if the file was renamed, `tinyvmaf models repair` finds it"
        ) from error
    if not stat.S_ISREG(mode):
        raise UnsafeModelError(f"its external data {shown(location)} is not a regular file")
    return path


def read_range(span: ExternalRange, *, folder: Path) -> bytes:
    """The bytes of `span`.

    Raises:
        UnsafeModelError: the location is not allowed.
        ModelError: the file is missing or too short.
    """
    path = locate(span.location, folder=folder)
    with path.open("rb") as file:
        available = path.stat().st_size
        if span.end > available:
            raise ModelError(
                f"its external data {shown(span.location)} has {available} bytes, "
                f"the model needs {span.end}; the file is truncated or another model's"
            )
        file.seek(span.offset)
        return file.read(span.length)


def shown(text: str, *, longest: int = 60) -> str:
    """A text from a file made printable: quoted, on one line, shortened, no control codes."""
    return ascii(text if len(text) <= longest else text[:longest] + "...")


def _number(text: str, what: str) -> int:
    # int() would also read "1_0", " 1" and other scripts' digits.
    longest = 18
    if not (text.isascii() and text.isdigit() and len(text) <= longest):
        raise UnsafeModelError(f"{what} is {shown(text)}, expected a whole number of bytes")
    return int(text)
