# SPDX-License-Identifier: Apache-2.0
"""Decoding the wanted frames of a video, and none far from them.

The input is a frame index and frame numbers, the output pictures: seek to the keyframe before,
decode forward, take the frames whose time stamps are wanted. Frames are never counted, and every
packet that is decoded must be the one that the index lists at that place, so that a container that
seeks to somewhere else is found out. Pictures of other frames in between that no frame needs are
skipped.
"""

from bisect import bisect_left
from collections.abc import Collection, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final

# At the top although it is heavy: two threads that import it at once meet a half-made module.
import av
import av.error
import av.video.stream
import numpy as np

from tinyvmaf.errors import NotSeekable
from tinyvmaf.media.containers import open_container, video_stream
from tinyvmaf.media.decoded_picture import Picture, PictureFormat
from tinyvmaf.media.index import NO_TIME, FrameIndex
from tinyvmaf.media.video import Video
from tinyvmaf.media.visits import Visit, visits

# Decoders that skip frames which no other frame needs; the others ignore or refuse the request.
_SKIPPING: Final = frozenset({"h264", "hevc", "mpeg2video"})
# Nothing is skipped within this many packets before a wanted frame.
_NEAR: Final = 2
# Packets between two visits that are read over; a seek costs about as much.
_READ_OVER: Final = 48
# Groups of pictures before the wanted one that seeking tries to reach when it ended too late.
_BACK: Final = (0, 1, 2, 8)
# A seek that ends this many packets too early has failed.
_LONGEST_SEARCH: Final = 20_000


class Seeker:
    """A video whose frames are decoded as they are wanted; close it in the end.

    Attributes:
        decoded: Packets given to the decoder so far.
    """

    def __init__(self, video: Video, index: FrameIndex) -> None:
        """Open nothing yet.

        Raises:
            NotSeekable: its time stamps do not identify frames.
        """
        if index.fault is not None:
            raise not_seekable(video.path, index.fault)
        self.decoded = 0
        self._stopped = Event()
        self._video = video
        self._index = index
        self._open: _Stream | _RawPictures | None = None

    def stop(self) -> None:
        """Let a thread that decodes come to its end; from then on no picture comes."""
        self._stopped.set()

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()

    def pictures(
        self, frames: Collection[int], *, earlier: int = 0, skip: bool = True
    ) -> Generator[Picture]:
        """Decode `frames`; they come in the order of decoding.

        Args:
            frames: Numbers in order of showing.
            earlier: Begin this many groups of pictures before the nearest that suffices.
            skip: True if the decoder may skip what no wanted frame needs.

        Raises:
            NotSeekable: one of them does not come out, or seeking ends elsewhere.
        """
        try:
            if self._open is None:
                self._open = self._opened()
            if isinstance(self._open, _RawPictures):
                for frame in sorted(set(frames)):
                    self.decoded += 1
                    yield self._open.picture(frame)
                return
            for visit in visits(self._index, frames, earlier=earlier):
                yield from self._visit(self._open, visit, skip=skip)
        except av.error.FFmpegError as error:
            raise not_seekable(self._video.path, f"decoding fails: {error.strerror}") from error
        except OSError as error:
            raise not_seekable(self._video.path, f"{error.strerror or error}") from error

    def _opened(self) -> "_Stream | _RawPictures":
        layout = _raw_layout(self._video)
        if layout is None:
            return _Stream(self._video, self._index)
        return _RawPictures(self._video.path, self._index, layout)

    def _visit(self, stream: "_Stream", visit: Visit, *, skip: bool) -> Generator[Picture]:
        index = self._index
        codec = stream.codec
        wanted = {int(index.pts[frame]): frame for frame in visit.frames}
        needed = sorted(int(index.shown[frame]) for frame in visit.frames)
        skip = skip and codec.name in _SKIPPING
        for place, packet in stream.packets(visit.start, visit.stop):
            if skip:
                next_needed = needed[bisect_left(needed, place)]
                codec.skip_frame = "NONREF" if next_needed - place > _NEAR else "DEFAULT"
            if self._stopped.is_set():
                return
            self.decoded += 1
            yield from self._take(codec.decode(packet), wanted)
        # The decoder returns what it holds back without the packets that follow.
        yield from self._take(codec.decode(None), wanted)
        codec.flush_buffers()
        if wanted:
            missing = sorted(wanted.values())
            raise not_seekable(
                self._video.path, f"frame {missing[0]} does not come out where the index has it"
            )

    def _take(self, decoded: Sequence[av.VideoFrame], wanted: dict[int, int]) -> Generator[Picture]:
        for picture in decoded:
            frame = None if picture.pts is None else wanted.pop(picture.pts, None)
            if frame is None:
                continue
            if picture.is_corrupt:
                raise not_seekable(self._video.path, f"frame {frame} is damaged")
            yield Picture(frame, _format(picture), _planes(self._video.path, picture))


class _Stream:
    """The packets of an open file, from any that begins a group of pictures on."""

    def __init__(self, video: Video, index: FrameIndex) -> None:
        self._video = video
        self._path = video.path
        self._index = index
        self._next = 0
        self._seeks = True
        self._order = np.argsort(index.packet_pts, kind="stable")
        self._sorted = index.packet_pts[self._order]
        self._open()

    def close(self) -> None:
        self._container.close()

    @property
    def codec(self) -> av.VideoCodecContext:
        return self._stream.codec_context

    def _open(self) -> None:
        self._container = open_container(self._video)
        self._stream = video_stream(self._path, self._container)
        # Frame threads delay pictures and decode some that are not needed.
        self._stream.thread_type = "NONE"
        self.codec.thread_count = 1
        self._packets = self._container.demux(self._stream)
        self._next = 0

    def packets(
        self, start: int, stop: int
    ) -> Generator[tuple[int, "av.Packet[av.video.stream.VideoStream]"]]:
        """The packets from `start` to before `stop`, with their place in order of decoding."""
        packet: av.Packet[av.video.stream.VideoStream] | None = self._find(start)
        # The position after a visit that was given up is unknown.
        self._next = -1
        for place in range(start, stop):
            if packet is None or not self._is(packet, place):
                raise not_seekable(
                    self._path,
                    f"packet {place} is not where the index has it; the container's index is wrong "
                    "or the file is damaged",
                )
            yield place, packet
            packet = self._packet() if place + 1 < stop else None
        self._next = stop

    def _find(self, start: int) -> "av.Packet[av.video.stream.VideoStream]":
        """Go to a packet: by reading on, by seeking, by seeking further back, from the start."""
        read_over = _READ_OVER if self._seeks else self._index.n_packets
        if 0 <= self._next <= start <= self._next + read_over:
            packet = self._read_to(start)
            if packet is not None:
                return packet
        for offset, in_bytes in self._targets(start) if self._seeks else ():
            with suppress(av.error.FFmpegError):
                if in_bytes:
                    self._container.seek(offset, unsupported_byte_offset=True)
                else:
                    self._container.seek(offset, stream=self._stream)
                self._packets = self._container.demux(self._stream)
                packet = self._read_to(start, limit=_LONGEST_SEARCH)
                if packet is not None:
                    return packet
        self._seeks = False
        self.close()
        self._open()
        packet = self._read_to(start)
        if packet is None:
            raise not_seekable(self._path, f"packet {start} of its index is not in the file")
        return packet

    def _targets(self, start: int) -> Generator[tuple[int, bool]]:
        """Targets of a seek, best first, and True for those that are byte positions."""
        index = self._index
        position = int(index.packet_position[start])
        if self._container.format.name == "mpegts" and position >= 0:
            yield position, True
            return
        group = int(np.searchsorted(index.group_starts, start))
        for back in _BACK:
            stamp = int(index.packet_pts[index.group_starts[max(0, group - back)]])
            if stamp != NO_TIME:
                yield stamp, False

    def _read_to(
        self, start: int, *, limit: int | None = None
    ) -> "av.Packet[av.video.stream.VideoStream] | None":
        """Read on to a packet; None if it does not come."""
        n_read = 0
        while (packet := self._packet()) is not None:
            place = self._place(packet)
            if place == start:
                return packet
            n_read += 1
            if (place is not None and place > start) or n_read == limit:
                return None
        return None

    def _packet(self) -> "av.Packet[av.video.stream.VideoStream] | None":
        packet = next(self._packets, None)
        # An empty one ends the stream.
        return packet if packet is not None and packet.size else None

    def _place(self, packet: "av.Packet[av.video.stream.VideoStream]") -> int | None:
        """Index of the packet; None if it is not in the index, or ambiguous."""
        if packet.pts is None:
            return None
        first = int(np.searchsorted(self._sorted, packet.pts))
        for place in self._order[first : first + 2].tolist():
            if self._is(packet, place):
                return place
        return None

    def _is(self, packet: "av.Packet[av.video.stream.VideoStream]", place: int) -> bool:
        stamp = NO_TIME if packet.pts is None else packet.pts
        index = self._index
        return (stamp, packet.size) == (int(index.packet_pts[place]), int(index.packet_size[place]))


class _RawPictures:
    """The pictures of a raw or Y4M file, whose places in the file are known."""

    def __init__(self, path: Path, index: FrameIndex, layout: PictureFormat) -> None:
        self._file = path.open("rb")
        self._path = path
        self._index = index
        self._layout = layout

    def close(self) -> None:
        self._file.close()

    def picture(self, frame: int) -> Picture:
        size = int(self._index.packet_size[frame])
        self._file.seek(int(self._index.packet_position[frame]))
        found = self._file.read(size)
        if len(found) != size:
            raise not_seekable(self._path, f"frame {frame} is cut short")
        return Picture(frame, self._layout, (found,))


def not_seekable(path: Path, reason: str) -> NotSeekable:
    """The error for a video whose frames cannot be found by seeking."""
    return NotSeekable(f"{path}: its frames cannot be found by seeking: {reason}")


def _raw_layout(video: Video) -> PictureFormat | None:
    """Layout of the pictures in a raw or Y4M file; None for any other file."""
    if video.raw is not None:
        return PictureFormat(video.raw.width, video.raw.height, video.raw.pix_fmt)
    with open_container(video) as container:
        if container.format.name != "yuv4mpegpipe":
            return None
        codec = video_stream(video.path, container).codec_context
        return PictureFormat(
            codec.width, codec.height, str(codec.pix_fmt), color_range=int(codec.color_range)
        )


def _format(picture: av.VideoFrame) -> PictureFormat:
    return PictureFormat(
        width=picture.width,
        height=picture.height,
        pix_fmt=picture.format.name,
        color_range=int(picture.color_range),
        colorspace=int(picture.colorspace),
        primaries=int(picture.color_primaries),
        transfer=int(picture.color_trc),
    )


def _planes(path: Path, picture: av.VideoFrame) -> tuple[bytes, ...]:
    components = picture.format.components
    if len(components) != len(picture.planes):
        raise not_seekable(
            path, f"pictures of the pixel format {picture.format.name} have no planes"
        )
    found: list[bytes] = []
    for component, plane in zip(components, picture.planes, strict=True):
        if plane.line_size <= 0:
            raise not_seekable(path, "its pictures are stored upside down")
        rows = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
        n_bytes = component.width * -(-component.bits // 8)
        found.append(rows[: component.height, :n_bytes].tobytes())
    return tuple(found)
