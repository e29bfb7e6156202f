# SPDX-License-Identifier: Apache-2.0
"""The first frames of a video, and the presentation times of all frames.

Rotation and interlacing are in the frames, not in the headers that `probe` reads: `first_frame`
decodes one. `beginning` opens a file once for all that must be known before it is scored: it counts
the packets and decodes a few frames on the way. `look` decodes more of them, as small grey
pictures. `frame_times` reads the time stamps of all packets without decoding.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Event
from typing import Final

# At the top although it is heavy: two threads that import it at once meet a half-made module.
import av
import av.container
import av.error
import av.video.stream
import numpy as np
from jaxtyping import Float, UInt8

from tinyvmaf.errors import MediaError, ToolStopped
from tinyvmaf.media.containers import FileState, open_container, video_state, video_stream
from tinyvmaf.media.index import KEPT, NO_TIME, FrameIndex, OnShare
from tinyvmaf.media.orientation import UPRIGHT, Orientation, orientation_of
from tinyvmaf.media.probing import describe, frame_index, probe, probe_raw
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.process.isolation import ask, has_long_index, look_at
from tinyvmaf.process.programs import stopped_with_programs
from tinyvmaf.progress import SILENT, Progress

THUMBNAIL: Final = (64, 36)
"""Width and height of the small pictures."""

QUICK_FRAMES: Final = 6
"""Frames that `beginning` decodes; most pairs need no more."""

# Full size is needed to see detail, but a few frames of the beginning and their middle suffice.
_DETAIL_EVERY: Final = 5
_DETAIL_CROP: Final = 512
# Reading a file of this size takes long enough to show progress.
_LARGE_MB: Final = 50


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """Properties of a video that its first frame shows.

    Attributes:
        orientation: How a player turns and mirrors the stored picture; None for a display matrix
            that is neither quarter turns nor mirrors.
        interlaced: True if it says that it is two fields.
    """

    orientation: Orientation | None
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


@dataclass(frozen=True, slots=True)
class Beginning:
    """Properties, first frame and first pictures of a video, from opening it once.

    Attributes:
        info: The result of `probe`.
        first: Properties of the first frame.
        look: The first `QUICK_FRAMES` frames, or all if there are fewer.
    """

    info: VideoInfo
    first: FirstFrame
    look: Look


@dataclass(frozen=True, slots=True)
class _Watcher:
    """The receiver of progress, which is not part of the cache's key."""

    progress: Progress = field(compare=False)


def beginning(video: Video, *, progress: Progress = SILENT) -> Beginning:
    """Open `video` once: count its packets, and decode its first frames.

    Args:
        video: The video.
        progress: Receives the bytes read of a large file.

    Raises:
        MediaError: as `probe`, or no frame can be decoded.
    """
    return _beginning_once(video, video_state(video), _Watcher(progress))


# One reference belongs to many pairs.
@lru_cache(maxsize=64)
def _beginning_once(video: Video, state: FileState, watcher: _Watcher) -> Beginning:
    with _reading(video, state, watcher.progress) as on_share:
        if has_long_index(video.path):
            found, index = ask(_beginning, video)
        else:
            found, index = _beginning(video, on_share)
    if index is not None:
        KEPT.put((video, state), index)
    return found


@contextmanager
def _reading(video: Video, state: FileState, progress: Progress) -> Generator[OnShare | None]:
    """Report the reading of a large file, which takes a while."""
    size_mb = state[0] / 1e6
    if size_mb < _LARGE_MB:
        yield None
        return
    stop = Event()
    task = progress.task(f"reading {video.path.name}", total=size_mb, unit="MB")
    done = 0.0

    def on_share(share: float) -> None:
        nonlocal done
        if stop.is_set():
            raise ToolStopped(f"reading {video.path} was stopped")
        if share * size_mb > done:
            task.advance(share * size_mb - done)
            done = share * size_mb

    try:
        with stopped_with_programs(stop.set):
            yield on_share
    finally:
        task.finish()


def _beginning(
    video: Video, on_share: OnShare | None = None
) -> tuple[Beginning, FrameIndex | None]:
    index = None
    info = probe_raw(video.path, video.raw) if video.raw is not None else None
    pictures = _Pictures(QUICK_FRAMES)
    with opened(video) as container:
        stream = video_stream(video.path, container)
        # Frame threads delay the first frame and decode some that are not needed.
        stream.thread_type = "SLICE"
        if info is None:
            info, index = describe(
                video, container, stream, on_packet=pictures.decode, on_share=on_share
            )
        if not pictures.fed:
            pictures.take(container, stream)
    found = Beginning(info=info, first=pictures.first(video), look=pictures.look(video))
    return found, index


def first_frame(video: Video) -> FirstFrame:
    """Decode one frame of `video`.

    Raises:
        MediaError: it cannot be opened or decoded, or has no frame.
    """
    return look_at(video.path, _first_frame, video)


def _first_frame(video: Video) -> FirstFrame:
    pictures = _Pictures(1)
    with opened(video) as container:
        stream = video_stream(video.path, container)
        stream.thread_type = "SLICE"
        pictures.take(container, stream)
    return pictures.first(video)


def upright(video: Video) -> VideoInfo:
    """Properties of `video` as `probe` gives them, with the size in which it is shown.

    Raises:
        MediaError: as `probe`, or no frame can be decoded.
    """
    info = probe(video)
    orientation = first_frame(video).orientation
    if orientation is None or not orientation.transposed:
        return info
    return replace(info, width=info.height, height=info.width)


def look(video: Video, *, n_frames: int) -> Look:
    """Decode the first `n_frames` of `video`, or all if it has fewer.

    Raises:
        MediaError: it cannot be opened or decoded, or has no frame.
    """
    return look_at(video.path, _look, video, n_frames)


def _look(video: Video, n_frames: int) -> Look:
    pictures = _Pictures(n_frames)
    with opened(video) as container:
        stream = video_stream(video.path, container)
        stream.thread_type = "AUTO"
        pictures.take(container, stream)
    return pictures.look(video)


def frame_times(video: Video) -> Float[np.ndarray, " n_frames"]:
    """Seconds from the first frame to every frame, in the order of showing."""
    index = frame_index(video)
    times = index.pts[index.pts != NO_TIME].astype(np.float64)
    times *= float(index.time_base)
    times -= times[:1].sum()
    return times


class _Pictures:
    """The first pictures of a video, small, as they come out of the decoder."""

    def __init__(self, wanted: int) -> None:
        self.fed = False
        self._wanted = wanted
        self._thumbnails: list[UInt8[np.ndarray, "height width"]] = []
        self._details: list[float] = []
        self._first: FirstFrame | None = None

    @property
    def n_frames(self) -> int:
        """Pictures so far."""
        return len(self._thumbnails)

    def decode(self, packet: "av.Packet[av.video.stream.VideoStream]") -> None:
        """Keep the frames of a packet, until there are enough."""
        self.fed = True
        if self.n_frames < self._wanted:
            for frame in packet.decode():
                self._add(frame)

    def take(
        self,
        container: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
    ) -> None:
        """Take the first pictures of an open file."""
        for frame in container.decode(stream):
            self._add(frame)
            if self.n_frames == self._wanted:
                return

    def first(self, video: Video) -> FirstFrame:
        if self._first is None:
            raise MediaError(f"{video.path}: no frame could be decoded")
        return self._first

    def look(self, video: Video) -> Look:
        if not self._thumbnails:
            raise MediaError(f"{video.path}: no frame could be decoded")
        thumbnails = np.stack(self._thumbnails[: self._wanted])
        return Look(thumbnails=thumbnails, detail=float(np.mean(self._details)))

    def _add(self, frame: av.VideoFrame) -> None:
        if self._first is None:
            self._first = FirstFrame(orientation_of(frame), interlaced=frame.interlaced_frame)
        orientation = self._first.orientation or UPRIGHT
        if self.n_frames % _DETAIL_EVERY == 0:
            self._details.append(_detail(frame))
        self._thumbnails.append(_thumbnail(frame, orientation))


@contextmanager
def opened(video: Video) -> Generator[av.container.InputContainer]:
    """Open the container of `video`; its errors become a `MediaError`."""
    try:
        with open_container(video) as container:
            yield container
    except av.error.FFmpegError as error:
        raise MediaError(f"{video.path}: not a readable video: {error.strerror}") from error


def _thumbnail(frame: av.VideoFrame, orientation: Orientation) -> UInt8[np.ndarray, "height width"]:
    """The picture as players show it, small."""
    width, height = THUMBNAIL[::-1] if orientation.transposed else THUMBNAIL
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return orientation.show(small.to_ndarray())


def _detail(frame: av.VideoFrame) -> float:
    grey = frame.reformat(format="gray").to_ndarray()
    top = max(0, (grey.shape[0] - _DETAIL_CROP) // 2)
    left = max(0, (grey.shape[1] - _DETAIL_CROP) // 2)
    middle = grey[top : top + _DETAIL_CROP, left : left + _DETAIL_CROP].astype(np.int16)
    steps = [np.abs(np.diff(middle, axis=axis)) for axis in (0, 1) if middle.shape[axis] > 1]
    return float(sum(step.mean() for step in steps))
