# SPDX-License-Identifier: Apache-2.0
"""Videos on disk: how to pass one to ffmpeg, and its properties.

A `Video` is a path and, for raw YUV, the geometry that the file itself cannot tell; the path may be
the pattern of a picture sequence.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from tinyvmaf.errors import UsageError
from tinyvmaf.media.sequence import DEFAULT_RATE, PictureSequence, escaped, find_sequence

RAW_SUFFIXES = (".yuv", ".raw")

# Suffixes that make libavformat read a name as a pattern, and the signs of one.
_PICTURE_SUFFIXES = (
    ".jpeg .jpg .jps .mpo .ljpg .jls .png .pns .mng .ppm .pnm .pgm .pgmyuv .pbm .pam .pfm .phm "
    ".mpg1-img .mpg2-img .mpg4-img .y .bmp .tga .tiff .tif .sgi .ptx .pcd .pcx .pic .pct .pict "
    ".sun .ras .rs .im1 .im8 .im24 .sunras .jpx .jp2 .j2c .jpc .j2k .dpx .exr .gem .hdr .ico .jxl "
    ".jxs .pix .qoi .svg .svgz .vbn .webp .xbm .xface .xpm .xwd .gif .avif .fits"
)
_PICTURES = frozenset(_PICTURE_SUFFIXES.split())
_OF_PATTERNS = frozenset("%*?{[")

PIXEL_FORMATS = tuple(
    f"yuv{sampling}p{depth}"
    for sampling in ("420", "422", "444")
    for depth in ("", "10le", "12le", "16le")
)
"""Pixel formats that libvmaf reads, in ffmpeg's names."""


def plain_format(pix_fmt: str) -> str:
    """The pixel format without its range: yuvj420p is yuv420p with full range."""
    return pix_fmt.replace("yuvj", "yuv")


def can_be_turned(pix_fmt: str) -> bool:
    """True if rows may become columns: chroma is subsampled equally in both directions."""
    import av

    sides = {(part.width, part.height) for part in av.VideoFormat(pix_fmt, 64, 64).components}
    return all(width == height for width, height in sides)


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
        frame_rate: Frames per second; None if it was not given: then that of the video that it is
            compared with, or else 25.
    """

    width: int
    height: int
    pix_fmt: str = "yuv420p"
    frame_rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise UsageError(f"a video of {self.width}x{self.height} pixels: expected 1x1 or more")
        if self.pix_fmt not in PIXEL_FORMATS:
            raise UsageError(
                f"unknown pixel format {self.pix_fmt!r} for raw video; "
                f"expected one of {', '.join(PIXEL_FORMATS)}"
            )
        if self.frame_rate is not None and self.frame_rate <= 0:
            raise UsageError(f"a frame rate of {self.frame_rate}: expected more than 0")

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that name it."""
        rate = () if self.frame_rate is None else ("--fps", str(self.frame_rate))
        return ("--size", f"{self.width}x{self.height}", "--pix-fmt", self.pix_fmt, *rate)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return frame_bytes(self.pix_fmt, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True)
class Video:
    """A video on disk.

    Attributes:
        path: The file, or the pattern of a picture sequence.
        raw: The geometry of raw YUV, None for every container.
        sequence: The pictures of a sequence, None for a single file.
    """

    path: Path
    raw: RawFormat | None = None
    sequence: PictureSequence | None = None

    @property
    def timed(self) -> bool:
        """True if the times of its frames are known, from the file or from the user."""
        untimed = self.raw or self.sequence
        return untimed is None or untimed.frame_rate is not None

    def at_rate(self, frame_rate: Fraction) -> "Video":
        """The same raw file or picture sequence, shown at a frame rate."""
        if self.raw is not None:
            return replace(self, raw=replace(self.raw, frame_rate=frame_rate))
        if self.sequence is not None:
            return replace(self, sequence=replace(self.sequence, frame_rate=frame_rate))
        return self

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""
        if self.sequence is None:
            return (self.path,)
        return tuple(self.sequence.pictures(self.path))

    @property
    def address(self) -> str:
        """The name under which libavformat opens it, and nothing but local files."""
        # An absolute `file:` path is never read as an option or as a protocol.
        path = self.path.absolute() if self.sequence is None else escaped(self.path)
        return f"file:{path}"

    @property
    def demuxer(self) -> tuple[str | None, dict[str, str]]:
        """Libavformat's demuxer, None if it finds that out, and the demuxer's options."""
        if self.raw is not None:
            return "rawvideo", {
                "pixel_format": self.raw.pix_fmt,
                "video_size": f"{self.raw.width}x{self.raw.height}",
                "framerate": str(self.raw.frame_rate or DEFAULT_RATE),
            }
        if self.sequence is not None:
            return "image2", {
                "pattern_type": "sequence",
                "start_number": str(self.sequence.first),
                "framerate": str(self.sequence.frame_rate or DEFAULT_RATE),
            }
        if self.path.suffix.lower() in _PICTURES and set(self.address) & _OF_PATTERNS:
            # Left alone it would read all files that the name matches as a pattern.
            return "image2", {"pattern_type": "none"}
        return None, {}

    def arguments(self) -> list[str]:
        """Ffmpeg's arguments that open this video as an input, and nothing but local files."""
        name, options = self.demuxer
        words = ["-protocol_whitelist", "file"]
        words += ["-f", name] if name is not None else []
        for option, value in options.items():
            words += [f"-{option}", value]
        return [*words, "-i", self.address]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Properties of a video, known without decoding it.

    Attributes:
        width, height: In pixels, as stored.
        pix_fmt: Ffmpeg's name, such as `yuv420p10le`.
        frame_rate: Frames per second, the average over the file.
        n_frames: Frames, by packets or by file size.
        start_s: Time of the first frame.
        codec: Ffmpeg's name of the decoder.
        color_range: `limited`, `full` or None if the file does not say.
        matrix: Makes luma and chroma of RGB, such as `bt709` or `bt601`; None if the file does not
            say.
        transfer: Transfer characteristic, such as `smpte2084`, or None if the file does not say.
        bitrate_kbps: Size of the video's packets over its duration.
        constant_rate: True if all packets last equally long.
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
    matrix: str | None = None
    bitrate_kbps: float = 0.0
    constant_rate: bool = True

    @property
    def levels(self) -> str:
        """Its colour range; `limited` if the file does not say."""
        is_full = self.color_range == "full" or self.pix_fmt.startswith("yuvj")
        return "full" if is_full else "limited"

    @property
    def duration_s(self) -> float:
        """Length at the average frame rate."""
        return float(self.n_frames / self.frame_rate)

    @property
    def size(self) -> str:
        """For people: `640x360`."""
        return f"{self.width}x{self.height}"


def as_video(path: Path, raw: RawFormat | None) -> Video:
    """The file as a video; only raw YUV takes the geometry.

    A pattern such as `frame_%04d.png` that is not a file is a picture sequence.

    Args:
        path: The file or the pattern.
        raw: The geometry of raw YUV.

    Raises:
        UsageError: raw YUV without a geometry.
        MediaError: a picture sequence without pictures, or with a gap.
    """
    if path.suffix.lower() not in RAW_SUFFIXES:
        return Video(path, sequence=find_sequence(path))
    if raw is None:
        raise UsageError(f"{path}: raw YUV needs `raw`")
    return Video(path, raw)
