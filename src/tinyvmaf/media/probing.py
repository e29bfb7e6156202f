# SPDX-License-Identifier: Apache-2.0
"""Properties of a video, from its headers and packets, without decoding.

A file that is not a readable video is refused, with what was found instead.
"""

from array import array
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from tinyvmaf.errors import MediaError
from tinyvmaf.media.containers import FileState, open_container, video_state, video_stream
from tinyvmaf.media.index import KEPT, FrameIndex, OnShare, read_index, regular_index
from tinyvmaf.media.sequence import DEFAULT_RATE
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video, VideoInfo, frame_bytes
from tinyvmaf.process.isolation import look_at

if TYPE_CHECKING:
    import av.container
    import av.video.stream

# 5 and 6 are one matrix under two names.
_MATRICES = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020",
    10: "bt2020c",
}


def probe(video: Video) -> VideoInfo:
    """Read the properties of `video` without decoding it.

    Raises:
        MediaError: the file is missing, empty, no video, or a raw size that is not a whole number
            of frames.
    """
    return _probe_once(video, video_state(video))


@lru_cache(maxsize=4096)
def _probe_once(video: Video, state: FileState) -> VideoInfo:
    # One reference belongs to many pairs, and counting its packets reads all of it.
    if video.raw is not None:
        return probe_raw(video.path, video.raw)
    info, index = look_at(video.path, _probe_container, video)
    KEPT.put((video, state), index)
    return info


def frame_index(video: Video, *, on_share: OnShare | None = None) -> FrameIndex:
    """The index of `video`'s frames, made once for each state of its file.

    Args:
        video: The video.
        on_share: Called now and then with the share of the file that has been read.

    Raises:
        MediaError: as `probe`.
    """
    key = video, video_state(video)
    found = KEPT.get(key)
    if found is None:
        found = (
            _raw_index(video.path, video.raw) if video.raw else _index_container(video, on_share)
        )
        KEPT.put(key, found)
    return found


def _raw_index(path: Path, raw: RawFormat) -> FrameIndex:
    positions = np.arange(probe_raw(path, raw).n_frames, dtype=np.int64) * raw.frame_bytes
    return regular_index(
        positions, frame_bytes=raw.frame_bytes, frame_rate=raw.frame_rate or DEFAULT_RATE
    )


def _index_container(video: Video, on_share: OnShare | None) -> FrameIndex:
    with _readable(video.path), open_container(video) as container:
        stream = video_stream(video.path, container)
        return describe(video, container, stream, on_share=on_share)[1]


def probe_raw(path: Path, raw: RawFormat) -> VideoInfo:
    """Properties of a raw file, from its size and geometry.

    Raises:
        MediaError: it is not a whole number of frames.
    """
    size = path.stat().st_size
    frames, rest = divmod(size, raw.frame_bytes)
    if rest or not frames:
        raise MediaError(
            f"{path}: {size} bytes are not a whole number of {raw.width}x{raw.height} "
            f"{raw.pix_fmt} frames ({raw.frame_bytes} bytes each: {frames} frames "
            f"and {rest} bytes over); give the right geometry with `raw`"
        )
    return VideoInfo(
        width=raw.width,
        height=raw.height,
        pix_fmt=raw.pix_fmt,
        frame_rate=raw.frame_rate or DEFAULT_RATE,
        n_frames=frames,
        start_s=0.0,
        codec="rawvideo",
        bitrate_kbps=float(size * 8 / 1000 * (raw.frame_rate or DEFAULT_RATE) / frames),
    )


def _probe_container(video: Video) -> tuple[VideoInfo, FrameIndex]:
    with _readable(video.path), open_container(video) as container:
        stream = video_stream(video.path, container)
        return describe(video, container, stream)


@contextmanager
def _readable(path: Path) -> Generator[None]:
    import av.error

    try:
        yield
    except av.error.FFmpegError as error:
        hint = " (raw YUV needs `raw`)" if path.suffix.lower() in RAW_SUFFIXES else ""
        raise MediaError(f"{path}: not a readable video: {error.strerror}{hint}") from error


def describe(
    video: Video,
    container: "av.container.InputContainer",
    stream: "av.video.stream.VideoStream",
    *,
    on_packet: "Callable[[av.Packet[av.video.stream.VideoStream]], None] | None" = None,
    on_share: OnShare | None = None,
) -> tuple[VideoInfo, FrameIndex]:
    """Properties of an open file, from its headers and packets.

    Args:
        video: The video.
        container: Its file, open.
        stream: Its video.
        on_packet: Called with every packet of the video; never where they need not be read.
        on_share: Called now and then with the share that has been read.

    Raises:
        MediaError: it cannot be decoded or holds no frame.
    """
    path, codec = video.path, stream.codec_context
    rate = stream.average_rate or stream.guessed_rate
    if not codec.pix_fmt or not rate:
        raise MediaError(f"{path}: its video stream cannot be decoded (codec {codec.name})")
    n_bytes = sum(file.stat().st_size for file in video.files)
    if container.format.name == "yuv4mpegpipe":
        picture = frame_bytes(str(codec.pix_fmt), width=codec.width, height=codec.height)
        positions = y4m_positions(path, frame_bytes=picture)
        index = regular_index(positions, frame_bytes=picture, frame_rate=rate)
    else:
        index = read_index(
            video, container, stream, n_bytes=n_bytes, on_packet=on_packet, on_share=on_share
        )
        n_bytes = index.n_bytes
    if index.n_frames == 0:
        raise MediaError(f"{path}: its video stream holds no frame")
    info = VideoInfo(
        width=codec.width,
        height=codec.height,
        pix_fmt=codec.pix_fmt,
        frame_rate=rate,
        n_frames=index.n_frames,
        start_s=index.start_s,
        codec=codec.name,
        color_range={1: "limited", 2: "full"}.get(int(codec.color_range)),
        transfer=_transfer(int(codec.color_trc)),
        matrix=_MATRICES.get(int(codec.colorspace)),
        bitrate_kbps=float(n_bytes * 8 / 1000 * rate / index.n_frames),
        constant_rate=index.constant_rate,
    )
    return info, index


def _transfer(value: int) -> str | None:
    known = {14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67", 1: "bt709"}
    return known.get(value)


def count_frames(video: Video) -> int:
    """Number of frames that the decoder returns: exact where the number of packets is a guess.

    Slow (everything is decoded); for streams whose packets are not frames, such as field-coded
    interlaced video, or damaged ones.
    """
    if video.raw is not None:
        return probe(video).n_frames
    return look_at(video.path, _decode_all, video)


def _decode_all(video: Video) -> int:
    import av.error

    try:
        with open_container(video) as container:
            stream = video_stream(video.path, container)
            stream.thread_type = "AUTO"
            return sum(1 for _ in container.decode(stream))
    except av.error.FFmpegError as error:
        raise MediaError(f"{video.path}: decoding fails: {error.strerror}") from error


_MARKER = b"FRAME"
# The longest header line that is accepted; real ones have less than 200 bytes.
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
                    f"{len(found)} frames; the file was cut, or its header has the wrong geometry"
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
