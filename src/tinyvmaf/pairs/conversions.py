# SPDX-License-Identifier: Apache-2.0
"""The conversions that bring two videos to one picture format: depth, subsampling, range, size.

The greater depth and the lesser chroma subsampling are taken, so that no video gains what it has
not and none loses depth. Levels of full range become those of limited range, which the models were
made with, if only one of the two has them. RGB becomes YUV by the matrix of the other video.
"""

from dataclasses import dataclass
from typing import Final

from tinyvmaf.media.video import PIXEL_FORMATS, VideoInfo, plain_format
from tinyvmaf.pairs.checked import Conversion, Crop

_DEPTHS: Final = (8, 10, 12, 16)
# Lines from which on BT.709 is usual, where no tag says otherwise.
_HD: Final = 720


@dataclass(frozen=True, slots=True)
class _Format:
    sampling: str
    depth: int
    rgb: bool


def conversions(
    *,
    reference: VideoInfo,
    distorted: VideoInfo,
    crops: tuple[Crop | None, Crop | None] = (None, None),
    stretched: str | None = None,
) -> tuple[tuple[Conversion, Conversion], tuple[str, ...]]:
    """The conversion of each video, and all of that in words.

    Args:
        reference: The pristine video.
        distorted: The video made from it.
        crops: The parts of both that are compared.
        stretched: The range that the distorted video's levels really have, if no flag says it.
    """
    notes: list[str] = []
    ours, theirs = (_format(video.pix_fmt) for video in (reference, distorted))
    target = _name(
        sampling=min(ours.sampling, theirs.sampling), depth=max(ours.depth, theirs.depth)
    )
    plain = [plain_format(video.pix_fmt) for video in (reference, distorted)]
    pix_fmt = None if plain == [target, target] else target
    if pix_fmt is not None:
        notes.append(
            f"reference is {plain[0]}, distorted {plain[1]}: compared as {target}, of which "
            "vmaf_v0.6.1 reads the luma alone"
        )
    matrix = None
    if ours.rgb or theirs.rgb:
        other = distorted if ours.rgb else reference
        matrix = _matrix(
            other, height=max(min(item.width, item.height) for item in (reference, distorted))
        )
        who = (
            "both are"
            if ours.rgb and theirs.rgb
            else "reference is"
            if ours.rgb
            else "distorted is"
        )
        notes.append(f"{who} RGB: converted to YUV of limited range by {_TITLES[matrix]}")
    ranges = [
        video.levels == "full" and not form.rgb
        for video, form in ((reference, ours), (distorted, theirs))
    ]
    if stretched is not None:
        # The side whose levels are the wider is squeezed, so that both are of limited range.
        ranges = [stretched == "limited", stretched == "full"]
    convert = ranges[0] != ranges[1]
    if convert and stretched is None:
        notes.append(
            f"{'reference' if ranges[0] else 'distorted'} has full colour range and the other "
            "limited range: compared in limited range"
        )
    if stretched is not None:
        notes.append(f"distorted is read as if it had {stretched} colour range (accepted)")
    size = _size(reference, crops[0])
    scaled = size if _size(distorted, crops[1]) != size else None
    if scaled is not None:
        shown = "{}x{}".format(*_size(distorted, crops[1]))
        notes.append(f"distorted {shown} scaled to {size[0]}x{size[1]} (bicubic)")
    for name, crop in zip(("reference", "distorted"), crops, strict=True):
        if crop is not None:
            notes.append(f"{name} is cropped to {crop.width}x{crop.height} (`crop='{crop}'`)")
    found = [
        Conversion(
            crop=crops[side],
            size=scaled if side else None,
            pix_fmt=pix_fmt,
            color_range="limited" if (convert and ranges[side]) or form.rgb else None,
            matrix=matrix if form.rgb else None,
            from_range="full" if stretched is not None and ranges[side] else None,
        )
        for side, form in enumerate((ours, theirs))
    ]
    return (found[0], found[1]), tuple(notes)


_TITLES: Final = {"bt709": "BT.709", "bt601": "BT.601"}


def _matrix(video: VideoInfo, *, height: int) -> str:
    """The matrix of a video by its tag, or what is usual at a height."""
    if video.matrix is not None:
        return "bt709" if video.matrix == "bt709" else "bt601"
    return "bt709" if height >= _HD else "bt601"


def _size(video: VideoInfo, crop: Crop | None) -> tuple[int, int]:
    return (video.width, video.height) if crop is None else (crop.width, crop.height)


def _name(*, sampling: str, depth: int) -> str:
    name = f"yuv{sampling}p" + ("" if depth == _DEPTHS[0] else f"{depth}le")
    return name if name in PIXEL_FORMATS else "yuv444p"


def _format(pix_fmt: str) -> _Format:
    import av

    form = av.VideoFormat(pix_fmt, 64, 64)
    bits = max(part.bits for part in form.components)
    depth = next((item for item in _DEPTHS if item >= bits), _DEPTHS[-1])
    rgb = form.is_rgb or "pal" in pix_fmt
    if rgb:
        return _Format("444", depth, rgb=True)
    whole = len(form.components) > 2  # noqa: PLR2004 (grey, or with transparency)
    width, height = (form.chroma_width(64), form.chroma_height(64)) if whole else (32, 32)
    sampling = {(64, 64): "444", (32, 64): "422"}.get((width, height), "420")
    return _Format(sampling, depth, rgb=False)
