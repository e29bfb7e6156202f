# SPDX-License-Identifier: Apache-2.0
"""Build a film of twenty minutes at 1080p and two hours of it, each with three encodes.

    python benchmarks/film.py SOURCES FOLDER

    python benchmarks/film.py SOURCES FOLDER --scenes 156 --longest 60     # on a slow machine

SOURCES holds references that `scripts/fetch_sources.py` made (`clips`, `photographs`, `synthetic`).
Every scene is one of them, of a hundred frames or so: whole the first time, then a part of it that
moves, mirrored, backwards, brighter or darker, so that no two scenes are alike. The film is made in
chunks of a dozen scenes, each encoded as the reference (H.264 of high quality) and from that three
times coarser (x264, x265, SVT-AV1), then joined without encoding again; the long one is the film
several times over. A chunk that exists is kept, so it can be stopped at any time.
"""

import argparse
import itertools
import json
import os
import random
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.files import written_aside
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video

KINDS = ("clips", "photographs", "synthetic")
FRAME_RATE = 24
BEFORE = "TINYVMAF_BEFORE_ENCODES"
"""What stands in front of every encode, such as `nice -n 10`."""
FILM_FRAMES = 20 * 60 * FRAME_RATE + 2 * FRAME_RATE
LONGEST_SCENE = 120
SCENES_A_CHUNK = 12
LONG_FRAMES = 2 * 60 * 60 * FRAME_RATE

# Presets for two cores: each encode takes some minutes.
REFERENCE = ("libx264", "-preset", "superfast", "-crf", "17")
ENCODES = {
    "x264": ("libx264", "-preset", "superfast", "-crf", "30"),
    "x265": ("libx265", "-preset", "ultrafast", "-crf", "31", "-x265-params", "log-level=none"),
    "svtav1": ("libsvtav1", "-preset", "13", "-crf", "48"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of a source, and what is done to it."""

    source: str
    n_frames: int
    filters: str


def main() -> None:
    """Build, then print what was built."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, help="so many; default: twenty minutes of them")
    parser.add_argument("--longest", type=int, default=LONGEST_SCENE, help="in frames")
    chosen = parser.parse_args()
    binary = str(find_ffmpeg().path)
    chunks = chosen.folder / "chunks"
    chunks.mkdir(parents=True, exist_ok=True)
    film = scenes(chosen.sources, most=chosen.scenes, longest=chosen.longest)
    parts = [film[start : start + SCENES_A_CHUNK] for start in range(0, len(film), SCENES_A_CHUNK)]
    (chosen.folder / "scenes.json").write_text(
        json.dumps([[scene.source, scene.n_frames, scene.filters] for scene in film], indent=0)
    )
    for number, part in enumerate(parts):
        reference = chunks / f"reference_{number:03}.mkv"
        if not reference.exists():
            render(binary, chosen.sources, part, reference)
        for name, codec in ENCODES.items():
            target = chunks / f"{name}_{number:03}.mkv"
            if not target.exists():
                encode(binary, ["-i", str(reference)], codec, target)
        print(f"chunk {number + 1} of {len(parts)}", file=sys.stderr, flush=True)
    for name in ("reference", *ENCODES):
        files = [chunks / f"{name}_{number:03}.mkv" for number in range(len(parts))]
        n_frames = sum(probe(Video(file)).n_frames for file in files)
        for kind, length in (("film", FILM_FRAMES), ("long", LONG_FRAMES)):
            copies = -(-length // n_frames)
            join(binary, files * copies, chosen.folder / f"{kind}_{name}.mp4")
            print(f"{kind}_{name}.mp4: {len(film)} scenes, {n_frames} frames, {copies} times")


def scenes(sources: Path, *, most: int | None, longest: int) -> list[Scene]:
    """As many scenes as make the film, in an order that chance decides, the same every time."""
    files = sorted(path for kind in KINDS for path in (sources / kind).glob("*.mkv"))
    frames = {path: min(longest, probe(Video(path)).n_frames) for path in files}
    found: list[Scene] = []
    for turn in itertools.count():
        order = list(files)
        random.Random(turn).shuffle(order)  # noqa: S311 (no secret)
        for path in order:
            n_frames = frames[path]
            name = f"{path.parent.name}/{path.name}"
            found.append(Scene(name, n_frames, variation(turn, len(found), n_frames)))
            n_frames = sum(scene.n_frames for scene in found)
            if len(found) == most or (most is None and n_frames >= FILM_FRAMES):
                return found
    raise AssertionError


def variation(turn: int, number: int, n_frames: int) -> str:
    """The filters of a source's scene number `turn`; the first is the whole picture."""
    chance = random.Random(1000 + number)  # noqa: S311 (no secret)
    whole = "scale=1920:1080:force_original_aspect_ratio=increase:flags=bilinear,crop=1920:1080"
    if turn == 0:
        return whole
    share = chance.uniform(0.55, 0.85)
    ends = [(chance.random(), chance.random()) for _ in range(2)]
    x, y = (
        f"(i{side}-o{side})*({ends[0][axis]:.3f}+{ends[1][axis] - ends[0][axis]:.3f}*n/{n_frames})"
        for axis, side in enumerate("wh")
    )
    steps = [f"crop=w=iw*{share:.3f}:h=ih*{share:.3f}:x='{x}':y='{y}'"]
    steps += ["hflip"] * (turn % 2) + ["reverse"] * (turn // 2 % 2)
    light = (
        f"eq=brightness={chance.uniform(-0.08, 0.08):.3f}:contrast={chance.uniform(0.8, 1.2):.3f}"
    )
    return ",".join([*steps, whole, light])


def render(binary: str, sources: Path, part: list[Scene], target: Path) -> None:
    """The scenes of a chunk, one after the other, as the reference."""
    inputs = [word for scene in part for word in ("-i", str(sources / scene.source))]
    # What a few sources say of their colours would be converted; nobody looks at these colours.
    tags = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    chains = [
        f"[{i}:v]{tags},trim=end_frame={scene.n_frames},settb=1/{FRAME_RATE},setpts=N,"
        f"{scene.filters},setsar=1,format=yuv420p,settb=1/{FRAME_RATE},setpts=N[s{i}]"
        for i, scene in enumerate(part)
    ]
    pads = "".join(f"[s{i}]" for i in range(len(part)))
    joined = f"{pads}concat=n={len(part)},settb=1/{FRAME_RATE},setpts=N[film]"
    graph = ";".join([*chains, joined])
    source = [*inputs, "-filter_complex", graph, "-map", "[film]", "-r", str(FRAME_RATE)]
    encode(binary, source, REFERENCE, target)


def encode(binary: str, source: list[str], codec: tuple[str, ...], target: Path) -> None:
    run(binary, [*source, "-pix_fmt", "yuv420p", "-an", "-c:v", *codec], target)


def join(binary: str, files: list[Path], target: Path) -> None:
    if target.exists():
        return
    listed = target.with_suffix(".txt")
    listed.write_text("".join(f"file 'file:{path.absolute()}'\n" for path in files))
    source = ["-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy"]
    run(binary, [*source, "-movflags", "+faststart"], target)
    listed.unlink()


def run(binary: str, arguments: list[str], target: Path) -> None:
    with written_aside(target) as aside:
        kind = ["-f", "mp4" if target.suffix == ".mp4" else "matroska"]
        command = [
            *shlex.split(os.environ.get(BEFORE, "")),
            binary,
            "-y",
            "-nostdin",
            "-loglevel",
            "error",
            *arguments,
            *kind,
            str(aside),
        ]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
