# SPDX-License-Identifier: Apache-2.0
"""Composition offsets of an MP4 or MOV: how much later than decoded each frame is shown.

libavformat's index lists when frames are decoded, and reads these offsets without showing them.
They are in the box `ctts` of the track; nothing else of the file is read. Anything odd gives None,
and the caller reads the packets instead.
"""

import struct
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from jaxtyping import Int64

_TO_SAMPLES: Final = (b"mdia", b"minf", b"stbl")
_TRACK_ID_AT: Final = {0: 12, 1: 20}


def composition_offsets(
    path: Path, *, track: int, n_frames: int
) -> Int64[np.ndarray, " n_frames"] | None:
    """The offsets of a track's samples, in its time base; zeros if the track lists none.

    Args:
        path: The file.
        track: The track's number, which is the stream's id.
        n_frames: Samples of the track.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _of_track(file, path.stat().st_size, track=track, n_frames=n_frames)
    except (OSError, struct.error, ValueError, IndexError, KeyError):
        return None


def _of_track(
    file: BinaryIO, size: int, *, track: int, n_frames: int
) -> Int64[np.ndarray, " n_frames"] | None:
    for kind, start, end in _boxes(file, 0, size):
        if kind != b"moov":
            continue
        for inner, first, last in _boxes(file, start, end):
            if inner == b"trak" and _track_id(file, first, last) == track:
                return _offsets(file, first, last, n_frames=n_frames)
    return None


def _track_id(file: BinaryIO, start: int, end: int) -> int | None:
    for kind, first, last in _boxes(file, start, end):
        if kind == b"tkhd":
            file.seek(first)
            head = file.read(min(24, last - first))
            place = _TRACK_ID_AT[head[0]]
            return int.from_bytes(head[place : place + 4])
    return None


def _offsets(
    file: BinaryIO, start: int, end: int, *, n_frames: int
) -> Int64[np.ndarray, " n_frames"] | None:
    for name in _TO_SAMPLES:
        found = next((box for box in _boxes(file, start, end) if box[0] == name), None)
        if found is None:
            return None
        _, start, end = found
    for kind, first, last in _boxes(file, start, end):
        # No run is empty, so that there are at most as many as samples.
        if kind == b"ctts" and last - first <= 8 + 8 * n_frames:
            file.seek(first + 4)
            runs = np.frombuffer(file.read((last - first - 4) // 8 * 8 + 4), dtype=">i4")
            runs = runs[1 : 1 + 2 * int(runs[0])].reshape(-1, 2)
            counts = runs[:, 0].astype(np.int64)
            if counts.min(initial=1) < 1 or counts.sum() != n_frames:
                return None
            return np.repeat(runs[:, 1].astype(np.int64), counts)
        if kind == b"ctts":
            return None
    return np.zeros(n_frames, dtype=np.int64)


def _boxes(file: BinaryIO, start: int, end: int) -> Generator[tuple[bytes, int, int]]:
    """Name, first byte of the content and end of every box."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        n_head = 8
        if length == 1:
            length, n_head = int.from_bytes(head[8:16]), 16
        elif length == 0:
            length = end - start
        if length < n_head or start + length > end:
            return
        yield kind, start + n_head, start + length
        start += length
