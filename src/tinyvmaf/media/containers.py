# SPDX-License-Identifier: Apache-2.0
"""Opening a local video file and finding its video stream.

A file may name no other file: results about a video are kept by the state of its own file.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.errors import MediaError
from tinyvmaf.media.video import Video

if TYPE_CHECKING:
    import av.container
    import av.video.stream

_PLAYLISTS = frozenset({"concat", "dash", "hls", "imf"})

FileState = tuple[int, int, int]
"""Size, time of the last change, and number of a file."""


def file_state(path: Path) -> FileState:
    """Size, modification time and inode of a file, which change when the file does.

    Raises:
        MediaError: it is missing, empty, or no file.
    """
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, expected a video file")
    if not path.is_file():
        # Opening a pipe would wait for its writer, and it can be read only once.
        raise MediaError(f"{path}: is not a regular file; save the video to a file first")
    state = path.stat()
    if state.st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    return state.st_size, state.st_mtime_ns, state.st_ino


def video_state(video: Video) -> FileState:
    """State of all files of `video`, which changes when one of them does.

    Raises:
        MediaError: one is missing, empty, or no file.
    """
    if video.sequence is None:
        return file_state(video.path)
    states = [file_state(path) for path in video.files]
    digest = hashlib.sha256(repr(states).encode()).digest()
    return (
        sum(state[0] for state in states),
        max(state[1] for state in states),
        int.from_bytes(digest[:8]),
    )


def open_container(video: Video) -> "av.container.InputContainer":
    """Open a video; it may name no other file.

    Raises:
        MediaError: it is a playlist.
        FFmpegError: it is not a video.
    """
    import av

    name, options = video.demuxer
    container = av.open(
        video.address, format=name, options={"protocol_whitelist": "file", **options}
    )
    if container.format.name in _PLAYLISTS:
        container.close()
        raise MediaError(
            f"{video.path}: is a playlist ({container.format.name}), which names other files; "
            "expected the video itself"
        )
    return container


def video_stream(
    path: Path, container: "av.container.InputContainer"
) -> "av.video.stream.VideoStream":
    """The video stream that ffmpeg's `V:0` means: the first that is not a cover picture.

    Raises:
        MediaError: there is none.
    """
    import av.stream

    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    kinds = sorted({stream.type for stream in container.streams} - {"video"})
    if container.streams.video:
        kinds.append("a cover picture")
    found = ", ".join(kinds) or "nothing"
    raise MediaError(f"{path}: holds no video stream, only {found}")
