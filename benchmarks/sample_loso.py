# SPDX-License-Identifier: Apache-2.0
"""Time that a researcher waits for a page: from the sample, and from videos.

`loso --sample --seeds 1`, from the start of Python to the last picture. Cold: the cache is empty,
so that programs are compiled and the page's script library is made. Warm: the same command again.

`loso CORPUS`, from 63 encodes (60 frames of 640x360, nine sources) to the page with an empty cache,
beside libvmaf's bare pass over the same pairs with `xargs`, one after the other. The best of each
counts, with its CPU time. Run: `python benchmarks/sample_loso.py [ROUNDS]` (3 by default, two
minutes on two idle cores).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from extraction import bare_command, measure, run_bare
from tinyvmaf.corpus.build import build
from tinyvmaf.corpus.ladder import Rung
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.video import Video
from tinyvmaf.process.programs import n_jobs

FRAMES, WIDTH, HEIGHT = 60, 640, 360
SOURCES = 9
RUNGS = [Rung("libx264", height, crf=crf) for height in (1.0, 0.5) for crf in (22, 30, 38)]
LADDER = [*RUNGS, Rung("libx264", 0.25, crf=30)]
TURNS = ("null", "hflip", "vflip")
"""What makes several sources of one clip: the time does not depend on what they show."""


def corpus_of(folder, ffmpeg):
    """Nine sources of one size, and 63 encodes of them."""
    clips = [(clip, turn) for turn in TURNS for clip in installed_clips()][:SOURCES]
    references = []
    for clip, turn in clips:
        path = folder / f"{clip.stem}_{turn}.mkv"
        graph = f"{turn},scale={WIDTH}:{HEIGHT},setsar=1,format=yuv420p"
        command = [ffmpeg.path, "-v", "error", "-i", clip, "-vf", graph, "-frames:v", FRAMES]
        command += ["-c:v", "libx264", "-qp", 0, "-preset", "ultrafast", path]
        subprocess.run([str(each) for each in command], check=True)
        references.append(Video(path))
    root = folder / "corpus"
    build(references, root=root, ladder=LADDER, ffmpeg=ffmpeg, n_frames=FRAMES)
    return read_corpus(root)


def loso(given, cache, run):
    """Run the command; what it says is of no interest."""
    command = [sys.executable, "-m", "tinyvmaf", "loso", *given, "--seeds", "1", "-o", str(run)]
    environment = {**os.environ, "TINYVMAF_CACHE": str(cache)}
    silent = subprocess.DEVNULL
    subprocess.run(command, env=environment, stdout=silent, stderr=silent, check=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found = {"sample, cold": [], "sample, warm": [], "bare pass": [], "videos to page": []}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        ffmpeg = find_ffmpeg()
        corpus = corpus_of(place, ffmpeg)
        commands = {pair: bare_command(ffmpeg.path, pair) for pair in corpus.pairs}
        root = str(place / "corpus")
        for turn in range(rounds):
            mine = place / str(turn)
            logs = {pair: mine / "logs" / pair.name for pair in commands}
            works = {
                "sample, cold": lambda mine=mine: loso(["--sample"], mine / "a", mine / "cold"),
                "sample, warm": lambda mine=mine: loso(["--sample"], mine / "a", mine / "warm"),
                "bare pass": lambda logs=logs: run_bare(commands, logs, n_jobs()),
                "videos to page": lambda mine=mine: loso([root], mine / "b", mine / "page"),
            }
            for what, work in works.items():
                found[what].append(measure(work)[::-1])
    print("| from | wall, s | CPU, s |")
    print("| --- | --- | --- |")
    for what, times in found.items():
        wall, cpu = min(times)
        print(f"| {what} | {wall:.1f} | {cpu:.1f} |")
    ratios = sorted(
        ours[0] / bare[0]
        for ours, bare in zip(found["videos to page"], found["bare pass"], strict=True)
    )
    print(
        f"\n{len(commands)} pairs of {SOURCES} sources, {FRAMES} frames of {WIDTH}x{HEIGHT}: from "
        f"videos to the page {ratios[len(ratios) // 2]:.2f} times libvmaf's bare pass with "
        f"{n_jobs()} jobs (at most 1.7 is wanted); from the sample at most 10 s are wanted."
    )


if __name__ == "__main__":
    main()
