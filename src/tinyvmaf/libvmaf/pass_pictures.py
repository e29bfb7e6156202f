# SPDX-License-Identifier: Apache-2.0
"""Small pictures of a pair, made by the decode that scores it.

A short clip is proven by all of its frames. The pass over all frames decodes them anyway, so that a
branch of its graph writes their small pictures, and some whole luma planes for a close look; the
check then costs little more than reading them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Shaped

from tinyvmaf.libvmaf.graph import stated
from tinyvmaf.libvmaf.neighbours import any_of
from tinyvmaf.media.close_ups import CloseUp, close_up
from tinyvmaf.media.small_pictures import POINTS, SMALL, SmallPictures, limited, rounded, shrunk
from tinyvmaf.media.video import PIXEL_FORMATS, plain_format
from tinyvmaf.pairs.checked import CheckedPair, Side, frames_of
from tinyvmaf.pairs.looking import Sight, close_places, part_of, picture_size

_NAMES: Final = ("distorted", "reference")
_KINDS: Final = ("small", "close")
# Every output frame costs a tenth of a millisecond, so that several small pictures share one.
_TOGETHER: Final = 16


PADS: Final = (f"{_NAMES[0]}_whole", f"{_NAMES[1]}_whole")
"""The pads of the distorted video and of the reference, behind the branches."""


def pieces(pair: CheckedPair) -> list[str]:
    """The pieces of a graph from the videos' inputs, 0 and 1, to `PADS` and those of `outputs`."""
    found: list[str] = []
    sides = (pair.distorted, pair.reference)
    for number, (name, side, close) in enumerate(zip(_NAMES, sides, _close(pair), strict=True)):
        width, height = (length * POINTS for length in SMALL)
        pads = "".join(f"[{name}_{kind}]" for kind in ("whole", *_KINDS))
        upright = [*side.orientation.filters, *_crop(side)]
        wanted = any_of([(frame, f"eq(n,{frame})") for frame in close])
        found += [
            f"[{number}:V:0]{stated(side.info.levels)},split={1 + len(_KINDS)}{pads}",
            f"[{name}_small]settb=1/25,setpts=N,"
            + ",".join([*upright, *_luma(side, f"w={width}:h={height}:flags=neighbor")])
            + f"[{name}_small_out]",
            f"[{name}_close]select='{wanted}',settb=1/25,setpts=N,"
            + ",".join(_luma(side, "flags=bicubic"))
            + f"[{name}_close_out]",
        ]
    return found


def outputs() -> list[str]:
    """Ffmpeg's arguments that write them into the folder of the pass."""
    return [
        word
        for name in _NAMES
        for kind in _KINDS
        for word in (
            *("-map", f"[{name}_{kind}_out]", "-c:v", "rawvideo", "-fps_mode", "passthrough"),
            # That of the frame rate is too coarse for frames that are numbered in 1/25 s.
            *("-enc_time_base", "1:25"),
            *("-f", "rawvideo", _file(name, kind)),
        )
    ]


def are_in(folder: Path) -> bool:
    """True if a pass has written them into the folder."""
    return (folder / _file(_NAMES[0], _KINDS[0])).exists()


def read(pair: CheckedPair, folder: Path) -> Sight | None:
    """The small pictures of a pass in `folder`; None if it made none."""
    if not are_in(folder):
        return None
    distorted, reference = (
        _pictures(folder, name, side, close, pair.size)
        for name, side, close in zip(
            _NAMES, (pair.distorted, pair.reference), _close(pair), strict=True
        )
    )
    matched = frames_of(pair.matching.reference), frames_of(pair.matching.distorted)
    both = zip(*reversed(_close(pair)), strict=True)
    close = tuple(
        (ours, theirs)
        for ours, theirs in both
        if ours in reference.close_ups and theirs in distorted.close_ups
    )
    return Sight(reference, distorted, matched, close)


def _pictures(
    folder: Path, name: str, side: Side, close: Sequence[int], size: tuple[int, int]
) -> SmallPictures:
    width, height = (length * POINTS for length in SMALL)
    levels = _read(folder / _file(name, "small"), side, (height, width), at_once=_TOGETHER)
    small = np.concatenate([shrunk(some).reshape(len(some), -1) for some in levels])
    # The last output frame is filled up.
    small = small[: side.info.n_frames]
    stored = side.info.height, side.info.width
    if side.orientation.transposed:
        stored = side.info.width, side.info.height
    closer: dict[int, CloseUp] = {}
    part = part_of(side)
    closely = _read(folder / _file(name, "close"), side, stored, at_once=1)
    for frame, (values,) in zip(close, closely, strict=False):
        luma = values if values.dtype == np.uint8 else rounded(values)
        upright = side.orientation.show(luma)
        if part is not None:
            upright = upright[part[3] : part[3] + part[1], part[2] : part[2] + part[0]]
        closer[frame] = close_up(luma, upright, size=picture_size(*size))
    return SmallPictures(np.arange(len(small)), small, closer)


def _luma(side: Side, scaling: str) -> list[str]:
    """The filters that scale pictures and keep their luma, in the levels that they have."""
    # By the matrix of the comparison: by another, saturated colours look like other levels.
    matrix = side.conversion.matrix or "bt709"
    colours, form = f"out_color_matrix={matrix}:out_range=limited", "yuv444p"
    if _is_planar(side):
        levels, form = side.info.levels, plain_format(side.info.pix_fmt)
        colours = f"in_range={levels}:out_range={levels}"
    grey = form.replace(form[: form.index("p") + 1], "gray", 1)
    return [f"scale={scaling}:{colours}", f"format={form}", "extractplanes=y", f"format={grey}"]


def _is_planar(side: Side) -> bool:
    return plain_format(side.info.pix_fmt) in PIXEL_FORMATS


def _read(
    path: Path, side: Side, shape: tuple[int, int], *, at_once: int
) -> Iterator[Shaped[np.ndarray, "n h w"]]:
    """Luma in levels of 8 bits and limited range, as bytes if it is stored so, by parts."""
    depth = re.search(r"p(\d+)le$", side.info.pix_fmt) if _is_planar(side) else None
    full = _is_planar(side) and side.info.levels == "full"
    n_pixels = shape[0] * shape[1]
    with path.open("rb") as file:
        while True:
            values = np.fromfile(file, np.uint8 if depth is None else "<u2", n_pixels * at_once)
            values = values[: len(values) // n_pixels * n_pixels].reshape(-1, *shape)
            if not len(values):
                return
            if depth is not None:
                values = values / np.float32(1 << (int(depth[1]) - 8))
            yield limited(values) if full else values


def _close(pair: CheckedPair) -> tuple[list[int], list[int]]:
    """The frames of the distorted video and of the reference that are examined closely."""
    places = close_places(pair.n_frames)
    distorted, reference = pair.matching.distorted, pair.matching.reference
    return frames_of(distorted)[places].tolist(), frames_of(reference)[places].tolist()


def _crop(side: Side) -> list[str]:
    crop = side.conversion.crop
    if crop is None:
        return []
    return [f"crop=w={crop.width}:h={crop.height}:x={crop.left}:y={crop.top}"]


def _file(name: str, kind: str) -> str:
    return f"{name}_{kind}.raw"
