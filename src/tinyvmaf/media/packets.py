# SPDX-License-Identifier: Apache-2.0
"""What the packets of a stream tell without decoding: how many, how large, how regular.

In go packets one after the other, as files hold them; what is kept of them does not grow.
"""

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import av
    import av.video.stream

# Packets come in the order of decoding, at most 16 places away from the order of showing.
_REORDERED: Final = 64


class PacketTally:
    """Counts the packets of one stream.

    Attributes:
        n_frames: Packets that hold a frame which is shown.
        n_bytes: Their size together.
        start: The earliest time stamp, 0 if there is none.
    """

    def __init__(self) -> None:
        self.n_frames = 0
        self.n_bytes = 0
        self._waiting: list[int] = []
        self._first: int | None = None
        self._last = 0
        self._shortest: int | None = None
        self._longest = 0

    def add(self, packet: "av.Packet[av.video.stream.VideoStream]") -> None:
        """Take the next packet; the empty one at the end of a stream counts for nothing."""
        if not packet.size or packet.is_discard:
            return
        self.n_frames += 1
        self.n_bytes += packet.size
        if packet.pts is None:
            return
        if len(self._waiting) < _REORDERED:
            heapq.heappush(self._waiting, packet.pts)
        else:
            self._show(heapq.heappushpop(self._waiting, packet.pts))

    @property
    def start(self) -> int:
        """The earliest time stamp, in the stream's time base; 0 if there is none."""
        self._settle()
        return self._first or 0

    @property
    def constant_rate(self) -> bool:
        """Whether all packets last equally long."""
        self._settle()
        # Time stamps in a coarse time base round to either side: 33 and 34 ms are one rate.
        return self._shortest is None or self._longest - self._shortest <= 1

    def _settle(self) -> None:
        while self._waiting:
            self._show(heapq.heappop(self._waiting))

    def _show(self, pts: int) -> None:
        if self._first is not None:
            gap = pts - self._last
            self._longest = gap if self._shortest is None else max(self._longest, gap)
            self._shortest = gap if self._shortest is None else min(self._shortest, gap)
        self._first = pts if self._first is None else min(self._first, pts)
        self._last = pts
