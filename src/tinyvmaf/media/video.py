# SPDX-License-Identifier: Apache-2.0
"""Videos on disk: how to hand one to ffmpeg, and what can be known of it without decoding.

A `Video` is a path and, for raw YUV, the geometry that the file itself cannot tell. `probe` reads
headers and packets only. What is not readable video is refused with what was found instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.errors import MediaError, UsageError
from tinyvmaf.media.apart import look_at
from tinyvmaf.media.packets import PacketTally
from tinyvmaf.media.y4m import y4m_frames

if TYPE_CHECKING:
    import av.container
    import av.video.stream

RAW_SUFFIXES = (".yuv", ".raw")

PIXEL_FORMATS = tuple(
    f"yuv{sampling}p{depth}"
    for sampling in ("420", "422", "444")
    for depth in ("", "10le", "12le", "16le")
)
"""What libvmaf reads, in ffmpeg's names."""


# The cache knows a video by the content of its file, and only local files are ever read.
_PLAYLISTS = frozenset({"concat", "dash", "hls", "imf"})


def frame_bytes(pix_fmt: str, *, width: int, height: int) -> int:
    """Bytes of one uncompressed planar frame without padding."""
    import av

    components = av.VideoFormat(pix_fmt, width, height).components
    return sum(part.width * part.height * -(-part.bits // 8) for part in components)


@dataclass(frozen=True, slots=True)
class RawFormat:
    """The geometry of a raw YUV file.

    Attributes:
        width, height: In pixels.
        pix_fmt: One of `PIXEL_FORMATS`.
        frame_rate: Frames per second.
    """

    width: int
    height: int
    pix_fmt: str = "yuv420p"
    frame_rate: Fraction = Fraction(25)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise UsageError(f"a video of {self.width}x{self.height} pixels: expected 1x1 or more")
        if self.pix_fmt not in PIXEL_FORMATS:
            raise UsageError(
                f"unknown pixel format {self.pix_fmt!r} for raw video; "
                f"expected one of {', '.join(PIXEL_FORMATS)}"
            )
        if self.frame_rate <= 0:
            raise UsageError(f"a frame rate of {self.frame_rate}: expected more than 0")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return frame_bytes(self.pix_fmt, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True)
class Video:
    """A video file; `raw` holds the geometry of raw YUV and is None for every container."""

    path: Path
    raw: RawFormat | None = None

    def arguments(self) -> list[str]:
        """Ffmpeg's arguments that open this file as an input, and nothing but a local file."""
        # An absolute `file:` path is never read as an option, a protocol or a pattern.
        source = ["-i", f"file:{self.path.absolute()}"]
        if self.raw is None:
            return ["-protocol_whitelist", "file", *source]
        geometry = ["-f", "rawvideo", "-pixel_format", self.raw.pix_fmt]
        geometry += ["-video_size", f"{self.raw.width}x{self.raw.height}"]
        geometry += ["-framerate", str(self.raw.frame_rate)]
        return ["-protocol_whitelist", "file", *geometry, *source]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a video without decoding it.

    Attributes:
        width, height: In pixels, as stored.
        pix_fmt: Ffmpeg's name, such as `yuv420p10le`.
        frame_rate: Frames per second, the average over the file.
        n_frames: Frames, by packets or by file size.
        start_s: Time of the first frame.
        codec: Ffmpeg's name of the decoder.
        color_range: `limited`, `full` or None if the file does not say.
        transfer: Transfer characteristic, such as `smpte2084`, or None if the file does not say.
        bitrate_kbps: Size of the video's packets over its duration.
        constant_rate: Whether all packets last equally long.
    """

    width: int
    height: int
    pix_fmt: str
    frame_rate: Fraction
    n_frames: int
    start_s: float
    codec: str
    color_range: str | None = None
    transfer: str | None = None
    bitrate_kbps: float = 0.0
    constant_rate: bool = True

    @property
    def duration_s(self) -> float:
        """Length at the average frame rate."""
        return float(self.n_frames / self.frame_rate)

    @property
    def size(self) -> str:
        """For people: `640x360`."""
        return f"{self.width}x{self.height}"


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
