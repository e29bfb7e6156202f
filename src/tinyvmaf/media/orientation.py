# SPDX-License-Identifier: Apache-2.0
"""Orientation of a stored picture: how a display matrix turns and mirrors it.

The eight orientations of quarter turns and mirrors are known; any other matrix is refused. Nothing
is left to ffmpeg or to a player: the filters and the same steps on an array are written out here.
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

_MATRIX: Final = struct.Struct("=9i")

# By whether the picture is mirrored left to right and top to bottom after its sides are exchanged.
_TRANSPOSE: Final = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}


@dataclass(frozen=True, slots=True)
class Orientation:
    """The steps from the stored picture to the shown one, in this order.

    Attributes:
        transposed: True if rows become columns.
        mirrored: True if left and right are exchanged.
        flipped: True if top and bottom are exchanged.
    """

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @property
    def filters(self) -> tuple[str, ...]:
        """Ffmpeg's filters that show the picture."""
        if self.transposed:
            return (f"transpose={_TRANSPOSE[self.mirrored, self.flipped]}",)
        return ("hflip",) * self.mirrored + ("vflip",) * self.flipped

    @property
    def words(self) -> str:
        """For people; empty for a picture that is shown as it is stored."""
        degrees = 90 * (1 + 2 * self.mirrored) if self.transposed else 180 * self.flipped
        turned = f"turned by {degrees} degrees" if degrees else ""
        # A turn alone exchanges two of the three or none.
        if (self.transposed + self.mirrored + self.flipped) % 2 == 0:
            return turned
        return "mirrored" + (f" and {turned}" if turned else "")

    def show(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The shown picture of a stored one, rows and columns being the first two axes."""
        shown = picture.swapaxes(0, 1) if self.transposed else picture
        shown = shown[:, ::-1] if self.mirrored else shown
        return shown[::-1] if self.flipped else shown


UPRIGHT: Final = Orientation()


def orientation_of(frame: "av.VideoFrame") -> Orientation | None:
    """The orientation of a decoded picture; None as in `read_matrix`.

    Ask for one frame of a video only: PyAV never frees a picture whose side data was read.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return UPRIGHT if matrix is None else read_matrix(bytes(matrix))


def read_matrix(data: bytes) -> Orientation | None:
    """Orientation of a display matrix; None if it is not a quarter turn or mirror."""
    a, b, _, c, d, *_ = _MATRIX.unpack(data)
    if b == c == 0 and a and d:
        return Orientation(mirrored=a < 0, flipped=d < 0)
    if a == d == 0 and b and c:
        return Orientation(transposed=True, mirrored=c < 0, flipped=b < 0)
    return None
