# SPDX-License-Identifier: Apache-2.0
"""Pristine references: lossless cuts of clips, photographs set in motion, and drawn pictures.

Every reference is 8-bit 4:2:0 in limited range with a constant frame rate. The same file and the
same recipe give the same pictures: noise and trembling have a seed, scaling is bit-exact.
"""

import math
from pathlib import Path

from source_list import Motion, Source
from tinyvmaf.errors import CorpusError, MediaError
from tinyvmaf.files import written_aside
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video, VideoInfo

SCALE = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
MARGIN = 1.4
"""The photograph's canvas over the picture's size: a zoom of 1.4 shows it pixel for pixel."""

_LOSSLESS = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4", "-bitexact")
_LOCAL = ("-protocol_whitelist", "file")


def make_reference(
    source: Source, *, media: Path | None, output: Path, ffmpeg: Path, n_threads: int
) -> VideoInfo:
    """Write the reference of `source` to `output`, whole or not at all.

    Args:
        source: What to make.
        media: Its file (for a sequence: the pattern of its pictures); None if it is synthetic.
        output: A Matroska file.
        ffmpeg: The binary.
        n_threads: For decoding and encoding; filters use one, for the sake of repeatable noise.

    Raises:
        ToolFailed: ffmpeg cannot read or make it.
        MediaError: it has fewer frames than the list says.
    """
    arguments = [*_input(source, media), "-map", "0:V:0", "-an", "-sn", "-fps_mode", "passthrough"]
    arguments += ["-filter_threads", "1", "-vf", graph(source), "-frames:v", str(source.frames)]
    arguments += ["-threads", str(n_threads), "-pix_fmt", "yuv420p", *_LOSSLESS]
    with written_aside(output) as aside:
        run_ffmpeg(ffmpeg, [*arguments, "-y", "-f", "matroska", f"file:{aside}"])
        info = probe(Video(aside))
        if info.n_frames != source.frames:
            raise MediaError(
                f"{source.name}: {info.n_frames} frames came out of "
                f"{media or 'its graph'}, expected {source.frames}"
            )
    return info


def graph(source: Source) -> str:
    """The filter graph that makes the reference out of the decoded file."""
    # Only what is not yet 8-bit 4:2:0 in limited range is touched by the scaler.
    even = f"crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_range=tv:{SCALE},format=yuv420p"
    if source.motion is not None and source.size is not None:
        return motion_graph(source.motion, size=source.size, frames=source.frames)
    if source.origin is None or source.origin.is_sequence:
        return even
    end = source.start + source.frames
    return f"trim=start_frame={source.start}:end_frame={end},setpts=PTS-STARTPTS,{even}"


def motion_graph(motion: Motion, *, size: tuple[int, int], frames: int) -> str:
    """The filter graph that lets a camera wander over a still picture.

    Raises:
        CorpusError: the camera would look beyond the picture's edge.
    """
    width, height = (2 * round(MARGIN * side / 2) for side in size)
    corners = [
        f"{axis}{index}='{_corner(motion, axis, sign, canvas=(width, height), frames=frames)}'"
        for index, sign in enumerate(((-1, -1), (1, -1), (-1, 1), (1, 1)))
        for axis in "xy"
    ]
    steps = [
        f"scale={width}:{height}:force_original_aspect_ratio=increase:out_range=tv:{SCALE}",
        f"crop={width}:{height}",
        "format=yuv420p",
        f"loop=loop={frames - 1}:size=1",
        "setpts=N/FRAME_RATE/TB",
        "perspective=" + ":".join([*corners, "interpolation=cubic", "eval=frame"]),
        f"scale={size[0]}:{size[1]}:{SCALE}",
    ]
    if motion.grain:
        steps.append(f"noise=all_strength={motion.grain}:all_flags=t+u:all_seed={motion.seed}")
    return ",".join([*steps, "format=yuv420p"])


def _corner(
    motion: Motion, axis: str, sign: tuple[int, int], *, canvas: tuple[int, int], frames: int
) -> str:
    """Where a corner of the picture lies on the canvas, as an expression of the frame number."""
    along = 0 if axis == "x" else 1
    half = [side / 2 for side in canvas]
    _check_play(motion, half, along)
    side, depth = sign[along], sign[1 - along]
    turn = -depth if along == 0 else depth
    # Registers: 0 time from 0 to 1, 1 half length along this axis, 2 across it, 3 angle,
    # 4 how far the centre may move, 5 zoom.
    steps = (
        f"st(0,(in-1)/{frames - 1})",
        f"st(5,{_way(*motion.zoom)})",
        f"st(1,{half[along]}/ld(5))",
        f"st(2,{half[1 - along]}/ld(5))",
        f"st(3,({_way(*motion.rotate)})*PI/180)",
        f"st(4,{half[along]}-{motion.shake}-ld(1)*cos(ld(3))-ld(2)*abs(sin(ld(3))))",
    )
    centre = f"{half[along]}+({_way(motion.pan[along], motion.pan[along + 2])})*ld(4)"
    shake = f"{motion.shake}*sin(in*{(0.61, 0.78)[along]}+{motion.seed})"
    corner = f"({side})*ld(1)*cos(ld(3))+({turn})*ld(2)*sin(ld(3))"
    return ";".join((*steps, f"{centre}+{shake}+{corner}"))


def _way(start: float, end: float) -> str:
    """From `start` to `end` as register 0 goes from 0 to 1."""
    return f"{start}+({end - start:.4f})*ld(0)"


def _check_play(motion: Motion, half: list[float], along: int) -> None:
    angle = max(map(abs, motion.rotate))
    tilt = math.radians(angle)
    reach = half[along] * math.cos(tilt) + half[1 - along] * math.sin(tilt)
    if reach / min(motion.zoom) + motion.shake > half[along]:
        raise CorpusError(
            f"a zoom of {min(motion.zoom)} leaves no room to turn by {angle:g} degrees "
            f"and tremble by {motion.shake:g} pixels; zoom in further"
        )


def _input(source: Source, media: Path | None) -> list[str]:
    if source.graph is not None:
        return ["-f", "lavfi", "-i", source.graph]
    assert media is not None and source.origin is not None  # noqa: S101, PT018 (not synthetic)
    path = f"file:{media.absolute()}"
    if source.origin.is_sequence:
        numbers = ["-f", "image2", "-start_number", str(source.start)]
        return [*_LOCAL, *numbers, "-framerate", str(source.fps), "-i", path]
    if source.motion is not None:
        return [*_LOCAL, "-framerate", str(source.fps), "-i", path]
    # The rate is set before decoding: it numbers the frames instead of trusting timestamps.
    return [*_LOCAL, "-r", str(source.fps), "-i", path]
