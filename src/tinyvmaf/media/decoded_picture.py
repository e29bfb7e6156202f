# SPDX-License-Identifier: Apache-2.0
"""A decoded frame: its layout, its colour tags and the bytes of its planes."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """The layout and the colour tags of a decoded picture; numbers are those of H.273.

    Attributes:
        width, height: In pixels.
        pix_fmt: Ffmpeg's name.
        color_range: 0 unknown, 1 limited, 2 full.
        colorspace, primaries, transfer: Matrix, primaries and transfer characteristic.
    """

    width: int
    height: int
    pix_fmt: str
    color_range: int = 0
    colorspace: int = 2
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame.

    Attributes:
        frame: Its number in order of showing.
        format: Layout and tags.
        planes: The bytes of its planes, without padding.
    """

    frame: int
    format: PictureFormat
    planes: tuple[bytes, ...] = field(repr=False)
