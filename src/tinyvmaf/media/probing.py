# SPDX-License-Identifier: Apache-2.0
"""What can be known of a video without decoding it: from its headers and packets.

What is not readable video is refused with what was found instead.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.errors import MediaError
from tinyvmaf.media.packets import PacketTally
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video, VideoInfo, frame_bytes
from tinyvmaf.media.y4m import y4m_frames
from tinyvmaf.process.isolation import look_at

if TYPE_CHECKING:
    import av.container
    import av.video.stream

# The cache knows a video by the content of its file, and only local files are ever read.
_PLAYLISTS = frozenset({"concat", "dash", "hls", "imf"})


def probe(video: Video) -> VideoInfo:
    """Read what is known of `video` without decoding it.

    Raises:
        MediaError: the file is missing, empty, no video, or a raw size that is no whole number of
            frames.
    """
    return _probe_once(video, file_state(video.path))


def file_state(path: Path) -> tuple[int, int, int]:
    """What changes when the file does.

    Raises:
        MediaError: it is missing, empty, or no file.
    """
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, expected a video file")
    if not path.is_file():
        # Opening a pipe would wait for whoever writes into it, and it can be read only once.
        raise MediaError(f"{path}: is no regular file; save the video to a file first")
    state = path.stat()
    if state.st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    return state.st_size, state.st_mtime_ns, state.st_ino


@lru_cache(maxsize=4096)
def _probe_once(video: Video, state: tuple[int, int, int]) -> VideoInfo:
    # One reference belongs to many pairs, and counting its packets reads all of it.
    del state
    if video.raw is not None:
        return probe_raw(video.path, video.raw)
    return look_at(video.path, _probe_container, video.path)


def probe_raw(path: Path, raw: RawFormat) -> VideoInfo:
    """What its size tells of a raw file.

    Raises:
        MediaError: it is no whole number of frames.
    """
    size = path.stat().st_size
    frames, rest = divmod(size, raw.frame_bytes)
    if rest or not frames:
        raise MediaError(
            f"{path}: {size} bytes are no whole number of {raw.width}x{raw.height} {raw.pix_fmt} "
            f"frames ({raw.frame_bytes} bytes each: {frames} frames and {rest} bytes over); "
            "say the right geometry with --size WxH and --pix-fmt"
        )
    return VideoInfo(
        width=raw.width,
        height=raw.height,
        pix_fmt=raw.pix_fmt,
        frame_rate=raw.frame_rate,
        n_frames=frames,
        start_s=0.0,
        codec="rawvideo",
        bitrate_kbps=float(size * 8 / 1000 * raw.frame_rate / frames),
    )


def open_container(path: Path) -> "av.container.InputContainer":
    """Open a file that is no raw video; it may name no other file.

    Raises:
        MediaError: it is a playlist.
        FFmpegError: it is no video.
    """
    import av

    container = av.open(f"file:{path.absolute()}", options={"protocol_whitelist": "file"})
    if container.format.name in _PLAYLISTS:
        container.close()
        raise MediaError(
            f"{path}: is a playlist ({container.format.name}), which names other files; "
            "expected the video itself"
        )
    return container


def _probe_container(path: Path) -> VideoInfo:
    import av.error

    try:
        with open_container(path) as container:
            stream = video_stream(path, container)
            return describe(path, container, stream)
    except av.error.FFmpegError as error:
        hint = " (raw YUV needs --size WxH)" if path.suffix.lower() in RAW_SUFFIXES else ""
        raise MediaError(f"{path}: not a readable video: {error.strerror}{hint}") from error


def video_stream(
    path: Path, container: "av.container.InputContainer"
) -> "av.video.stream.VideoStream":
    """The video stream that ffmpeg's `V:0` means: the first that is no cover picture."""
    import av.stream

    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    kinds = sorted({stream.type for stream in container.streams}) or ["nothing"]
    raise MediaError(f"{path}: holds no video stream, only {', '.join(kinds)}")


def describe(
    path: Path,
    container: "av.container.InputContainer",
    stream: "av.video.stream.VideoStream",
    *,
    on_packet: "Callable[[av.Packet[av.video.stream.VideoStream]], None] | None" = None,
) -> VideoInfo:
    """What headers and packets tell of an open file, which is read to its end.

    Args:
        path: The file.
        container: The file, open.
        stream: Its video.
        on_packet: Called with every packet of the video; never for Y4M, which is not read.

    Raises:
        MediaError: it cannot be decoded or holds no frame.
    """
    codec = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate
    if not codec.pix_fmt or not rate:
        raise MediaError(f"{path}: its video stream cannot be decoded (codec {codec.name})")
    tally = PacketTally()
    if container.format.name == "yuv4mpegpipe":
        picture = frame_bytes(str(codec.pix_fmt), width=codec.width, height=codec.height)
        tally.n_frames = y4m_frames(path, frame_bytes=picture)
        tally.n_bytes = path.stat().st_size
    else:
        for packet in container.demux(stream):
            tally.add(packet)
            if on_packet is not None:
                on_packet(packet)
    if tally.n_frames == 0:
        raise MediaError(f"{path}: its video stream holds no frame")
    return VideoInfo(
        width=codec.width,
        height=codec.height,
        pix_fmt=codec.pix_fmt,
        frame_rate=rate,
        n_frames=tally.n_frames,
        start_s=float(tally.start * stream.time_base) if stream.time_base else 0.0,
        codec=codec.name,
        color_range={1: "limited", 2: "full"}.get(int(codec.color_range)),
        transfer=_transfer(int(codec.color_trc)),
        bitrate_kbps=float(tally.n_bytes * 8 / 1000 * rate / tally.n_frames),
        constant_rate=tally.constant_rate,
    )


def _transfer(value: int) -> str | None:
    known = {14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67", 1: "bt709"}
    return known.get(value)


def count_frames(video: Video) -> int:
    """Frames that really come out of the decoder: exact where packets only suggest.

    Slow (everything is decoded); for streams whose packets are not frames, such as field-coded
    interlaced video, or damaged ones.
    """
    if video.raw is not None:
        return probe(video).n_frames
    return look_at(video.path, _decode_all, video.path)


def _decode_all(path: Path) -> int:
    import av.error

    try:
        with open_container(path) as container:
            stream = video_stream(path, container)
            stream.thread_type = "AUTO"
            return sum(1 for _ in container.decode(stream))
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: decoding fails: {error.strerror}") from error
