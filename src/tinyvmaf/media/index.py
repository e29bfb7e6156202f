# SPDX-License-Identifier: Apache-2.0
"""Frame indexes: when each frame of a video is shown, and what its packet is, without decoding.

The input is an open file, the output arrays of some 25 bytes a frame. The container's own index is
taken where it is complete, so that a large file whose frames are all keyframes is not read
through; else every packet is read. Indexes that were made are kept, up to a bound, by the file's
state.
"""

import itertools
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8, UInt32

from tinyvmaf.media.containers import FileState, open_container, video_stream
from tinyvmaf.media.mp4 import composition_offsets
from tinyvmaf.media.video import Video

if TYPE_CHECKING:
    import av
    import av.container
    import av.video.stream

NO_TIME: Final = np.iinfo(np.int64).min
"""The time stamp of a packet that has none."""

OnShare = Callable[[float], None]
"""Called with the share of a file that has been read, in [0, 1]."""

_KEYFRAME: Final = 1
_HIDDEN: Final = 4

_REPORT_EVERY: Final = 512
# Packets at either end that an index is compared to before it is believed.
_COMPARED: Final = 64
# Some 100 MB of indexes are kept in memory.
_KEPT_PACKETS: Final = 4_000_000


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of a video, known without decoding.

    Attributes:
        time_base: Seconds of one unit of a time stamp.
        packet_pts: Presentation time stamp of every packet, in order of decoding; `NO_TIME` if it
            has none.
        packet_size: Bytes of every packet.
        packet_flags: Keyframe, hidden: bits that the properties read.
        packet_position: Where every packet lies in the file, in bytes; -1 if that is unknown.
        shown: The packet of every frame that is shown, in order of showing.
        from_container: True if all of this is from the container's own index.
        fault: Why frames cannot be found by their time stamps, None if they can.
    """

    time_base: Fraction
    packet_pts: Int64[np.ndarray, " n_packets"]
    packet_size: UInt32[np.ndarray, " n_packets"]
    packet_flags: UInt8[np.ndarray, " n_packets"]
    packet_position: Int64[np.ndarray, " n_packets"]
    shown: Int32[np.ndarray, " n_frames"]
    from_container: bool = False
    fault: str | None = None

    @property
    def n_frames(self) -> int:
        """Frames that are shown, by packets."""
        return len(self.shown)

    @property
    def n_packets(self) -> int:
        """Packets, those included that an edit list hides."""
        return len(self.packet_pts)

    @cached_property
    def pts(self) -> Int64[np.ndarray, " n_frames"]:
        """Time stamp of every frame in units of `time_base`, in order of showing."""
        return self.packet_pts[self.shown]

    @cached_property
    def size(self) -> UInt32[np.ndarray, " n_frames"]:
        """Bytes of every frame's packet, in order of showing."""
        return self.packet_size[self.shown]

    @property
    def packet_keyframe(self) -> Bool[np.ndarray, " n_packets"]:
        """True for each packet that holds a keyframe, in order of decoding."""
        return (self.packet_flags & _KEYFRAME).astype(np.bool_)

    @property
    def keyframe(self) -> Bool[np.ndarray, " n_frames"]:
        """True for each keyframe, in order of showing."""
        return self.packet_keyframe[self.shown]

    @cached_property
    def group_starts(self) -> Int32[np.ndarray, " n_groups"]:
        """The packets that begin a group of pictures; the first packet always does."""
        starts = np.flatnonzero(self.packet_keyframe)
        if self.n_packets and not (len(starts) and starts[0] == 0):
            starts = np.concatenate([[0], starts])
        return starts.astype(np.int32)

    @cached_property
    def group(self) -> Int32[np.ndarray, " n_frames"]:
        """The group of pictures, from 0 on, that every frame is stored in, in order of showing."""
        found = np.searchsorted(self.group_starts, self.shown, side="right") - 1
        return found.astype(np.int32)

    @property
    def n_bytes(self) -> int:
        """Bytes of all shown frames together."""
        return int(self.size.sum(dtype=np.int64))

    @property
    def start_s(self) -> float:
        """Time of the first frame; 0 if no frame has a time stamp."""
        stamps = self.pts[self.pts != NO_TIME]
        return float(int(stamps[0]) * self.time_base) if len(stamps) else 0.0

    @property
    def constant_rate(self) -> bool:
        """True if all frames have the same duration."""
        gaps = np.diff(self.pts[self.pts != NO_TIME])
        # Time stamps in a coarse time base round to either side: 33 and 34 ms are one rate.
        return len(gaps) == 0 or int(np.ptp(gaps)) <= 1


class _Packets:
    """Packets as they come, in order of decoding."""

    def __init__(self) -> None:
        self.pts = array("q")
        self.size = array("I")
        self.flags = bytearray()
        self.position = array("q")

    def add(self, *, pts: int | None, size: int, position: int | None, flags: int) -> None:
        self.pts.append(NO_TIME if pts is None else pts)
        self.size.append(size)
        self.position.append(-1 if position is None else position)
        self.flags.append(flags)

    def index(self, time_base: Fraction, *, from_container: bool, fault: str | None) -> FrameIndex:
        # Views, not copies: a day of video has millions of packets.
        pts = np.frombuffer(self.pts, dtype=np.int64)
        flags = np.frombuffer(self.flags, dtype=np.uint8)
        shown = np.flatnonzero(~(flags & _HIDDEN).astype(np.bool_))
        # Packets without a time stamp come first, in order of decoding.
        shown = shown[np.argsort(pts[shown], kind="stable")]
        return FrameIndex(
            time_base=time_base,
            packet_pts=pts,
            packet_size=np.frombuffer(self.size, dtype=np.uint32),
            packet_flags=flags,
            packet_position=np.frombuffer(self.position, dtype=np.int64),
            shown=shown.astype(np.int32),
            from_container=from_container,
            fault=fault or _fault(pts[shown]),
        )


def read_index(
    video: Video,
    container: "av.container.InputContainer",
    stream: "av.video.stream.VideoStream",
    *,
    n_bytes: int,
    on_packet: "Callable[[av.Packet[av.video.stream.VideoStream]], None] | None" = None,
    on_share: OnShare | None = None,
) -> FrameIndex:
    """The index of an open file that is neither raw nor Y4M.

    Args:
        video: What is open.
        container: The file, open and not read yet.
        stream: Its video.
        n_bytes: Its size.
        on_packet: Called with every packet of the video; never if the container's own index has
            all.
        on_share: Called from time to time with the share that has been read.

    Raises:
        FFmpegError: it cannot be read.
    """
    base = stream.time_base or Fraction(1)
    own = _own_index(video, container, stream, n_bytes=n_bytes)
    if own is not None:
        return own.index(base, from_container=True, fault=None)
    packets = _Packets()
    for packet in container.demux(stream):
        if on_packet is not None:
            on_packet(packet)
        # An empty one ends the stream.
        if not packet.size:
            continue
        flags = _KEYFRAME * packet.is_keyframe | _HIDDEN * packet.is_discard
        packets.add(pts=packet.pts, size=packet.size, position=packet.pos, flags=flags)
        if on_share is not None and packet.pos and len(packets.pts) % _REPORT_EVERY == 0:
            on_share(min(1.0, packet.pos / n_bytes))
    fault = None
    if container.format.name == "avi" and stream.codec_context.has_b_frames:
        fault = "AVI records the order of decoding only, and this video is shown in another"
    return packets.index(base, from_container=False, fault=fault)


def regular_index(
    positions: Int64[np.ndarray, " n_frames"], *, frame_bytes: int, frame_rate: Fraction
) -> FrameIndex:
    """The index of raw video: a time stamp is the frame's number.

    Args:
        positions: Where the picture of every frame begins in the file.
        frame_bytes: Bytes of a picture.
        frame_rate: Frames per second.
    """
    n_frames = len(positions)
    return FrameIndex(
        time_base=1 / frame_rate,
        packet_pts=np.arange(n_frames, dtype=np.int64),
        packet_size=np.full(n_frames, frame_bytes, dtype=np.uint32),
        packet_flags=np.full(n_frames, _KEYFRAME, dtype=np.uint8),
        packet_position=positions,
        shown=np.arange(n_frames, dtype=np.int32),
        from_container=True,
    )


def _own_index(
    video: Video,
    container: "av.container.InputContainer",
    stream: "av.video.stream.VideoStream",
    *,
    n_bytes: int,
) -> _Packets | None:
    """Frame index from the own index of an MP4 or MOV; None unless that is complete and correct.

    Other containers list some frames only, or are read without their index.
    """
    entries = stream.index_entries
    if not container.format.name.startswith("mov,") or stream.frames != len(entries):
        return None
    packets = _Packets()
    for entry in entries:
        if entry.size <= 0 or entry.pos + entry.size > n_bytes:
            return None
        flags = _KEYFRAME * entry.is_keyframe | _HIDDEN * entry.is_discard
        packets.add(pts=entry.timestamp, size=entry.size, position=entry.pos, flags=flags)
    if not packets.pts:
        return None
    # These are times of decoding; where every frame is a keyframe, they are those of showing.
    if stream.codec_context.codec.intra_only:
        return packets if all(flag & _KEYFRAME for flag in packets.flags) else None
    offsets = composition_offsets(video.path, track=stream.id, n_frames=len(packets.pts))
    return None if offsets is None else _shifted(video, packets, offsets)


def _shifted(
    video: Video, packets: _Packets, offsets: Int64[np.ndarray, " n_frames"]
) -> _Packets | None:
    """Times of showing, if the packets at both ends have them so."""
    decoded = np.array(packets.pts, dtype=np.int64)
    times = decoded + offsets
    shifts: set[int] = set()
    with open_container(video) as container:
        stream = video_stream(video.path, container)
        last_key = max(i for i, flag in enumerate(packets.flags) if flag & _KEYFRAME or i == 0)
        for start in (0, last_key):
            if start:
                container.seek(packets.pts[start], stream=stream)
            for packet in itertools.islice(container.demux(stream), _COMPARED):
                if not packet.size or packet.pts is None or packet.dts is None:
                    continue
                place = int(np.searchsorted(decoded, packet.dts))
                if place == len(decoded):
                    return None
                same = packets.size[place] == packet.size and packets.pts[place] == packet.dts
                if not same or packets.position[place] != packet.pos:
                    return None
                shifts.add(packet.pts - int(times[place]))
    if len(shifts) != 1:
        return None
    packets.pts = array("q", (times + shifts.pop()).tolist())
    return packets


def _fault(pts: Int64[np.ndarray, " n_frames"]) -> str | None:
    if len(pts) and pts[0] == NO_TIME:
        return f"{int((pts == NO_TIME).sum())} of {len(pts)} frames have no time stamp"
    twice = np.flatnonzero(np.diff(pts) == 0)
    if len(twice):
        return f"{len(twice)} of {len(pts)} frames share their time stamp with another"
    return None


class _Kept:
    """Indexes by video and state of its file; the oldest go when they take too much memory."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[Video, FileState], FrameIndex] = OrderedDict()

    def get(self, key: tuple[Video, FileState]) -> FrameIndex | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: tuple[Video, FileState], index: FrameIndex) -> None:
        with self._lock:
            self._found[key] = index
            self._found.move_to_end(key)
            total = sum(each.n_packets for each in self._found.values())
            # A pair's two are always kept.
            while total > _KEPT_PACKETS and len(self._found) > 2:  # noqa: PLR2004
                _, oldest = self._found.popitem(last=False)
                total -= oldest.n_packets


KEPT: Final = _Kept()
"""The indexes made so far in this process."""
