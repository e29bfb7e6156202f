# SPDX-License-Identifier: Apache-2.0
"""Positions of the frames of a Y4M file by its markers, without reading the pictures.

A file that ends in the middle of a frame, or whose markers are not where they must be, is refused:
ffmpeg would play what is there and say nothing.
"""

from array import array
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from tinyvmaf.errors import MediaError

_MARKER = b"FRAME"
# The longest header line that is still believed; real ones have less than 200 bytes.
_LINE_LIMIT = 4096


def y4m_positions(path: Path, *, frame_bytes: int) -> Int64[np.ndarray, " n_frames"]:
    """Byte position of each picture of `frame_bytes` bytes in the Y4M file at `path`.

    Raises:
        MediaError: a marker is missing or the last frame is cut short.
    """
    size = path.stat().st_size
    found = array("q")
    with path.open("rb") as file:
        position = len(file.readline(_LINE_LIMIT))
        while position < size:
            file.seek(position)
            line = file.readline(_LINE_LIMIT)
            if not line.startswith(_MARKER) or not line.endswith(b"\n"):
                raise MediaError(
                    f"{path}: damaged Y4M: no frame marker at byte {position}, after "
                    f"{len(found)} frames; the file was cut, or its header tells the wrong geometry"
                )
            picture = position + len(line)
            position = picture + frame_bytes
            if position > size:
                raise MediaError(
                    f"{path}: damaged Y4M: frame {len(found)} is cut short, "
                    f"{position - size} of {frame_bytes} bytes are missing"
                )
            found.append(picture)
    return np.array(found, dtype=np.int64)
