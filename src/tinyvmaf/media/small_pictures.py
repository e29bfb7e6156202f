# SPDX-License-Identifier: Apache-2.0
"""Small grey pictures of a video's frames, upright, in the levels of limited range.

They are made straight from the decoder's luma plane: a few rows and columns of it are averaged,
which costs a tenth of a millisecond where a scaler would read every pixel. Of some frames more is
kept: a larger picture, and the profile in which black bars and combs show.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Event
from typing import Final

import av
import av.container
import av.video.stream
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from tinyvmaf.errors import MediaError, ToolStopped
from tinyvmaf.media.close_ups import CloseUp, close_up
from tinyvmaf.media.containers import FileState, video_state, video_stream
from tinyvmaf.media.orientation import UPRIGHT, Orientation, orientation_of
from tinyvmaf.media.pictures import opened
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.video import Video
from tinyvmaf.process.isolation import ask_beside, has_long_index, look_at
from tinyvmaf.process.programs import stopped_with_programs

SMALL: Final = (96, 54)
"""Width and height of the small pictures."""

POINTS: Final = 4
"""Rows and columns of a cell that are averaged."""

_TO_LIMITED: Final = 219 / 255
_LUMA: Final = {"bt709": (0.2126, 0.7152, 0.0722), "bt601": (0.299, 0.587, 0.114)}
_FULL: Final = 2


@dataclass(frozen=True, slots=True)
class SmallPictures:
    """Some or all frames of a video.

    Attributes:
        frames: Their numbers, rising.
        pictures: One a row.
        close_ups: Close-ups of the frames that were asked for.
        resized: The first frame whose size or format is not that of the first frame, with both in
            words; None if all are alike.
    """

    frames: Int[np.ndarray, " n_frames"]
    pictures: UInt8[np.ndarray, "n_frames n_pixels"]
    close_ups: dict[int, CloseUp]
    resized: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Closer:
    """The part of a video that is examined, and the frames that are examined closely.

    Attributes:
        frames: Numbers of the frames that are examined closely.
        size: Size of their pictures, in pixels.
        part: Width, height, left and top of the part of the upright picture that is examined; None
            for all of it.
        matrix: `bt709` or `bt601`, by which RGB becomes luma. By another than that of the other
            video, saturated colours look like other levels.
    """

    frames: tuple[int, ...] = ()
    size: tuple[int, int] = SMALL
    part: tuple[int, int, int, int] | None = None
    matrix: str = "bt709"


def all_pictures(video: Video, closer: Closer) -> SmallPictures:
    """Every frame of `video`, in the order of showing.

    Raises:
        MediaError: it cannot be decoded.
    """
    return _all_once(video, video_state(video), closer)


# One reference belongs to many pairs; some hundred frames take a megabyte.
@lru_cache(maxsize=32)
def _all_once(video: Video, state: FileState, closer: Closer) -> SmallPictures:
    del state
    return look_at(video.path, _all, video, closer)


def _all(video: Video, closer: Closer) -> SmallPictures:
    with opened(video) as container:
        stream = video_stream(video.path, container)
        stream.thread_type = "AUTO"
        return _collected(video, stream, enumerate(container.decode(stream)), closer)


def some_pictures(
    video: Video, windows: Iterable[tuple[int, int]], closer: Closer
) -> SmallPictures:
    """The frames of some windows, each given by its first and last frame, found by seeking.

    Raises:
        MediaError: it cannot be decoded.
    """
    # Decoding takes most of the time, so that the two videos of a pair are not looked at in turn.
    asked = video, tuple(windows), closer
    return ask_beside(_some, *asked) if has_long_index(video.path) else _some(*asked)


def _some(video: Video, windows: tuple[tuple[int, int], ...], closer: Closer) -> SmallPictures:
    with opened(video) as container:
        stream = video_stream(video.path, container)
        # Frame threads would decode some more after every place.
        stream.thread_type = "SLICE"
        found = _windows(video, container, stream, windows)
        stop = Event()
        with stopped_with_programs(stop.set):
            return _collected(video, stream, _until(stop, found), closer)


def _until(
    stop: Event, frames: Iterator[tuple[int, av.VideoFrame]]
) -> Iterator[tuple[int, av.VideoFrame]]:
    for item in frames:
        if stop.is_set():
            raise ToolStopped("looking at pictures was stopped")
        yield item


def _windows(
    video: Video,
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    windows: tuple[tuple[int, int], ...],
) -> Iterator[tuple[int, av.VideoFrame]]:
    index = frame_index(video)
    if index.fault is not None:
        yield from _in_passing(container.decode(stream), windows)
        return
    pts = index.pts
    decoding = _Decoding(container, stream)
    group = done = -1
    for first, last in windows:
        wanted = max(first, done + 1)
        if wanted > last or wanted >= len(pts):
            continue
        # What lies in the group of pictures that is being decoded is reached by going on.
        if int(index.group[wanted]) != group:
            decoding.seek(int(pts[wanted]))
        for frame in decoding.frames(int(pts[wanted])):
            number = int(np.searchsorted(pts, frame.pts)) if frame.pts is not None else -1
            done = max(done, number)
            if number >= wanted:
                group = int(index.group[number]) if number < len(pts) else -1
                yield number, frame
            if number >= last:
                break


class _Decoding:
    """Decoding on from a place of an open file, as far as it is asked."""

    def __init__(
        self, container: av.container.InputContainer, stream: av.video.stream.VideoStream
    ) -> None:
        self._container = container
        self._stream = stream
        self._packets: Iterator[av.Packet[av.video.stream.VideoStream]] = iter(())
        self._ready: deque[av.VideoFrame] = deque()

    def seek(self, pts: int) -> None:
        self._container.seek(pts, stream=self._stream, backward=True)
        self._packets = iter(self._container.demux(self._stream))
        self._ready.clear()

    def frames(self, wanted: int) -> Iterator[av.VideoFrame]:
        """All that follow; before `wanted`, some that no other frame needs may be missing."""
        while True:
            while self._ready:
                yield self._ready.popleft()
            packet = next(self._packets, None)
            if packet is None:
                return
            passed = packet.pts is not None and packet.pts < wanted
            self._stream.codec_context.skip_frame = "NONREF" if passed else "DEFAULT"
            self._ready.extend(packet.decode())


def _in_passing(
    frames: Iterable[av.VideoFrame], windows: tuple[tuple[int, int], ...]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """As above, for a video with ambiguous time stamps: all earlier frames are decoded."""
    wanted = iter(windows)
    first, last = next(wanted, (0, -1))
    for number, frame in enumerate(frames):
        while number > last:
            following = next(wanted, None)
            if following is None:
                return
            first, last = following
        if number >= first:
            yield number, frame


def _collected(
    video: Video,
    stream: av.video.stream.VideoStream,
    frames: Iterable[tuple[int, av.VideoFrame]],
    closer: Closer,
) -> SmallPictures:
    said = int(stream.codec_context.color_range) == _FULL
    numbers: list[int] = []
    pictures: list[UInt8[np.ndarray, " n_pixels"]] = []
    close_ups: dict[int, CloseUp] = {}
    first: tuple[int, int, str] | None = None
    shown = UPRIGHT
    resized: tuple[int, str] | None = None
    for number, frame in frames:
        kind = (frame.width, frame.height, frame.format.name)
        if first is None:
            first, shown = kind, orientation_of(frame) or UPRIGHT
        if kind != first and resized is None:
            resized = number, f"{_words(first)} to {_words(kind)}"
        full = said or frame.format.name.startswith("yuvj")
        numbers.append(number)
        pictures.append(_small(frame, closer, shown, full=full).ravel())
        if number in closer.frames:
            whole = frame.width, frame.height
            luma = rounded(_luma(frame, full=full, size=whole, matrix=closer.matrix))
            upright = _part(shown.show(luma), closer.part)
            close_ups[number] = close_up(luma, upright, size=closer.size)
    if not pictures:
        raise MediaError(f"{video.path}: no frame could be decoded")
    return SmallPictures(np.array(numbers), np.stack(pictures), close_ups, resized)


def _words(kind: tuple[int, int, str]) -> str:
    return "{}x{} {}".format(*kind)


def _part(
    luma: Shaped[np.ndarray, "h w"], part: tuple[int, int, int, int] | None
) -> Shaped[np.ndarray, "height width"]:
    if part is None:
        return luma
    width, height, left, top = part
    return luma[top : top + height, left : left + width]


def _small(
    frame: av.VideoFrame,
    closer: Closer,
    orientation: Orientation,
    *,
    full: bool,
) -> UInt8[np.ndarray, "height width"]:
    if closer.part is not None:
        whole = frame.width, frame.height
        luma = _luma(frame, full=full, size=whole, matrix=closer.matrix)
        upright = _part(orientation.show(luma), closer.part)
        rows, columns = (
            _spread(n * POINTS, length)
            for n, length in zip(SMALL[::-1], upright.shape, strict=True)
        )
        return shrunk(upright.take(rows, 0).take(columns, 1))
    width, height = SMALL[::-1] if orientation.transposed else SMALL
    size = width * POINTS, height * POINTS
    luma = _luma(frame, full=full, size=size, matrix=closer.matrix)
    return orientation.show(shrunk(luma))


def shrunk(luma: Shaped[np.ndarray, "*n h w"]) -> UInt8[np.ndarray, "*n height width"]:
    """Every cell's mean."""
    # Row by row, then column by column: `mean` over two short axes takes ten times as long.
    rows = luma.reshape(*luma.shape[:-2], -1, POINTS, luma.shape[-1])
    down = rows[..., 0, :].astype(np.uint16 if luma.dtype == np.uint8 else np.float32)
    for row in range(1, POINTS):
        down += rows[..., row, :]
    total = down[..., ::POINTS].astype(np.float32)
    for column in range(1, POINTS):
        total += down[..., column::POINTS]
    total /= POINTS**2
    return rounded(total)


def rounded(values: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """The nearest levels of 8 bits."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def limited(luma: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Levels of full range in those of limited range."""
    return luma * np.float32(_TO_LIMITED) + 16


def _luma(
    frame: av.VideoFrame, *, full: bool, size: tuple[int, int], matrix: str
) -> Float[np.ndarray, "height width"]:
    """Luma of pixels spread evenly over the stored picture, in levels of 8 bits."""
    columns, rows = _spread(size[0], frame.width), _spread(size[1], frame.height)
    form = frame.format
    if form.is_rgb or "pal" in form.name:
        rgb = frame.reformat(format="rgb24").to_ndarray().take(rows, 0).take(columns, 1)
        luma, full = rgb @ np.array(_LUMA[matrix], np.float32), True
    elif form.is_planar or form.name.startswith("gray"):
        luma = _plane(frame).take(rows, 0).take(columns, 1).astype(np.float32)
        luma /= 1 << (form.components[0].bits - 8)
    else:
        luma = frame.reformat(format="yuv444p").to_ndarray()[0].take(rows, 0).take(columns, 1)
        luma = luma.astype(np.float32)
    return limited(luma) if full else luma


def _plane(frame: av.VideoFrame) -> Shaped[np.ndarray, "h w"]:
    plane = frame.planes[0]
    order = ">" if frame.format.is_big_endian else "<"
    kind = np.dtype(f"{order}u{1 if frame.format.components[0].bits == 8 else 2}")  # noqa: PLR2004
    return np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)[:, : frame.width]


def _spread(n: int, length: int) -> Int[np.ndarray, " n"]:
    return ((np.arange(n) + 0.5) * (length / n)).astype(np.int64)
