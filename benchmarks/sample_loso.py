# SPDX-License-Identifier: Apache-2.0
"""Time that a researcher waits for a page: from the sample, and from videos.

`loso --sample --seeds 1`, from the start of Python to the last picture. Cold: the cache is empty,
so that programs are compiled and the page's script library is made. Warm: the same command again.

`loso CORPUS`, from 63 encodes (60 frames of 640x360, nine sources) to the page with an empty cache,
beside libvmaf's bare pass over the same pairs with `xargs`, one after the other.

Python's bytecode is there, as pip compiles it when it installs: an uncounted run writes it. Times
are medians, with their ranges. Other work on the machine lengthens all of them, so the ratios count
and the load is printed. Run: `python benchmarks/sample_loso.py [ROUNDS]` (5 by default, which take
five minutes on two idle cores).
"""

import os
import statistics
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


def loso(given, place, cache, run):
    """Run the command; what it says is of no interest."""
    command = [sys.executable, "-m", "tinyvmaf", "loso", *given, "--seeds", "1", "-o", str(run)]
    environment = {**os.environ, "TINYVMAF_CACHE": str(cache)}
    environment["PYTHONPYCACHEPREFIX"] = str(place / "bytecode")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    silent = subprocess.DEVNULL
    subprocess.run(command, env=environment, stdout=silent, stderr=silent, check=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    found = {"sample, cold": [], "sample, warm": [], "bare pass": [], "videos to page": []}
    loads = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        ffmpeg = find_ffmpeg()
        corpus = corpus_of(place, ffmpeg)
        commands = {pair: bare_command(ffmpeg.path, pair) for pair in corpus.pairs}
        root = str(place / "corpus")
        loso([root], place, place / "first", place / "first_page")
        for turn in range(rounds):
            mine = place / str(turn)
            logs = {pair: mine / "logs" / pair.name for pair in commands}
            a, b = mine / "a", mine / "b"
            works = {
                "sample, cold": lambda a=a, run=mine / "cold": loso(["--sample"], place, a, run),
                "sample, warm": lambda a=a, run=mine / "warm": loso(["--sample"], place, a, run),
                "bare pass": lambda logs=logs: run_bare(commands, logs, n_jobs()),
                "videos to page": lambda b=b, run=mine / "page": loso([root], place, b, run),
            }
            for what, work in works.items():
                found[what].append(measure(work))
            loads.append(os.getloadavg()[1])
    print("| from | wall, s | CPU, s |")
    print("| --- | --- | --- |")
    for what, times in found.items():
        cpu, wall = (in_words(each) for each in zip(*times, strict=True))
        print(f"| {what} | {wall} | {cpu} |")
    cpu, wall = (
        statistics.median(
            ours[which] / bare[which]
            for ours, bare in zip(found["videos to page"], found["bare pass"], strict=True)
        )
        for which in (0, 1)
    )
    print(
        f"\n{len(commands)} pairs of {SOURCES} sources, {FRAMES} frames of {WIDTH}x{HEIGHT}: from "
        f"videos to the page {wall:.2f} times the time of libvmaf's bare pass with {n_jobs()} jobs "
        f"(at most 1.7 is wanted), and {cpu:.2f} times its CPU time; from the sample, at most 10 s "
        f"are wanted. Medians of {rounds} rounds, with smallest and largest; load "
        f"{min(loads):.1f} to {max(loads):.1f}, of which the benchmark itself is about {n_jobs()}."
    )


def in_words(times):
    """Their median, smallest and largest."""
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


if __name__ == "__main__":
    main()
