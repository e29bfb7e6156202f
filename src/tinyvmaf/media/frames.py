# SPDX-License-Identifier: Apache-2.0
"""What the first frames of a video tell, and when each frame is shown.

Rotation and interlacing are in the frames, not in the headers that `probe` reads: `first_frame`
decodes one. `look` decodes a beginning, as small grey pictures. `frame_times` reads the time stamps
of all packets without decoding.
"""

from array import array
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

# At the top although it is heavy: two threads that import it at once meet a half-made module.
import av
import av.container
import av.error
import numpy as np
from jaxtyping import Float, UInt8

from tinyvmaf.errors import MediaError
from tinyvmaf.media.video import Video, VideoInfo, probe, video_stream

THUMBNAIL = (64, 36)
"""Width and height of the small pictures."""

# Full size is needed to see detail, but a few frames of the beginning and their middle suffice.
_DETAIL_EVERY = 10
_DETAIL_CROP = 512


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """What the first frame says of the whole video.

    Attributes:
        rotation: Degrees that a player turns the stored picture by, counterclockwise.
        interlaced: Whether it says that it is two fields.
    """

    rotation: int
    interlaced: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The beginning of a video.

    Attributes:
        thumbnails: Grey, upright pictures of `THUMBNAIL` size, one a frame.
        detail: Mean absolute difference of neighbouring pixels in the middle of the picture, in
            grey levels; compares videos of one size.
    """

    thumbnails: UInt8[np.ndarray, "n_frames height width"]
    detail: float


def first_frame(video: Video) -> FirstFrame:
    """Decode one frame of `video`.

    Raises:
        MediaError: it cannot be opened or decoded, or has no frame.
    """
    with _opened(video) as container:
        stream = video_stream(video.path, container)
        # Threads for frames delay the first one.
        stream.thread_type = "SLICE"
        for frame in container.decode(stream):
            return FirstFrame(rotation=frame.rotation, interlaced=frame.interlaced_frame)
    raise MediaError(f"{video.path}: no frame could be decoded")


def upright(video: Video) -> VideoInfo:
    """What `probe` knows of `video`, with the size in which it is shown and ffmpeg hands it on.

    Raises:
        MediaError: as `probe`, or no frame can be decoded.
    """
    info = probe(video)
    if first_frame(video).rotation % 180 == 0:
        return info
    return replace(info, width=info.height, height=info.width)


def look(video: Video, *, n_frames: int) -> Look:
    """Decode the first `n_frames` of `video`, or all if it has fewer.

    Raises:
        MediaError: it cannot be opened or decoded, or has no frame.
    """
    thumbnails: list[UInt8[np.ndarray, "height width"]] = []
    details: list[float] = []
    with _opened(video) as container:
        stream = video_stream(video.path, container)
        stream.thread_type = "AUTO"
        for number, frame in enumerate(container.decode(stream)):
            thumbnails.append(_thumbnail(frame))
            if number % _DETAIL_EVERY == 0:
                details.append(_detail(frame))
            if len(thumbnails) == n_frames:
                break
    if not thumbnails:
        raise MediaError(f"{video.path}: no frame could be decoded")
    return Look(thumbnails=np.stack(thumbnails), detail=float(np.mean(details)))


def frame_times(video: Video) -> Float[np.ndarray, " n_frames"]:
    """Seconds from the first frame to every frame, in the order of showing."""
    if video.raw is not None:
        n_frames = video.path.stat().st_size // video.raw.frame_bytes
        return np.arange(n_frames) / float(video.raw.frame_rate)
    with _opened(video) as container:
        stream = video_stream(video.path, container)
        stamps = array(
            "q",
            (
                packet.pts
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard and packet.pts is not None
            ),
        )
        base = float(stream.time_base or Fraction(1))
    times = np.sort(np.asarray(stamps, dtype=np.float64)) * base
    return times - times[:1].sum()


@contextmanager
def _opened(video: Video) -> Generator[av.container.InputContainer]:
    raw = video.raw
    options = (
        {}
        if raw is None
        else {
            "pixel_format": raw.pix_fmt,
            "video_size": f"{raw.width}x{raw.height}",
            "framerate": str(raw.frame_rate),
        }
    )
    try:
        with av.open(
            f"file:{video.path.absolute()}",
            format="rawvideo" if raw is not None else None,
            options=options,
        ) as container:
            yield container
    except av.error.FFmpegError as error:
        raise MediaError(f"{video.path}: not a readable video: {error.strerror}") from error


def _thumbnail(frame: av.VideoFrame) -> UInt8[np.ndarray, "height width"]:
    """The picture as players show it, small."""
    turns = frame.rotation // 90
    width, height = THUMBNAIL if turns % 2 == 0 else THUMBNAIL[::-1]
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return np.rot90(small.to_ndarray(), turns)


def _detail(frame: av.VideoFrame) -> float:
    grey = frame.reformat(format="gray").to_ndarray()
    top = max(0, (grey.shape[0] - _DETAIL_CROP) // 2)
    left = max(0, (grey.shape[1] - _DETAIL_CROP) // 2)
    middle = grey[top : top + _DETAIL_CROP, left : left + _DETAIL_CROP].astype(np.int16)
    steps = [np.abs(np.diff(middle, axis=axis)) for axis in (0, 1) if middle.shape[axis] > 1]
    return float(sum(step.mean() for step in steps))
