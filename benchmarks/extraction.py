# SPDX-License-Identifier: Apache-2.0
"""What `tinyvmaf extract` costs above the bare ffmpeg commands, and whether its rows are theirs.

Builds a corpus of real encodes of the installed real clips (4 sources, 15 rungs), then extracts it
with an empty cache and runs the plain commands with `xargs -P`, one after the other, with two jobs
and with one, round by round. CPU time is that of all processes together. The rows must equal
libvmaf's own JSON logs in every digit. Run: `python benchmarks/extraction.py [FRAMES] [ROUNDS]`
(60 frames, 3 rounds by default).
"""

import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from tinyvmaf.corpus.build import build
from tinyvmaf.corpus.ladder import Rung, read_ladder
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.features.table import read_table
from tinyvmaf.libvmaf.sets import CANONICAL6, TARGET
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video
from tinyvmaf.process.programs import n_jobs

MORE_RUNGS = (
    Rung("libx264", 1.0, crf=30),
    Rung("libx265", 0.5, crf=34),
    Rung("libvpx-vp9", 1.0, crf=40),
    Rung("libx264", 0.5, crf=26),
    Rung("libx264", 1.0, crf=26),
    Rung("libx265", 1.0, crf=38),
    Rung("libx264", 0.25, crf=22),
)
JOBS = (2, 1)
NUMBERED = "settb=AVTB,setpts=N*40000"


def main():
    frames, rounds = (int(text) for text in (sys.argv[1:] + ["60", "3"][len(sys.argv) - 1 :])[:2])
    ffmpeg = find_ffmpeg()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(
            [Video(path) for path in installed_clips()],
            root=folder / "corpus",
            ladder=[*read_ladder(), *MORE_RUNGS],
            ffmpeg=ffmpeg,
            n_frames=frames,
        )
        corpus = read_corpus(folder / "corpus")
        # The largest first, as `extract` takes them.
        pairs = sorted(corpus.pairs, key=n_pixels, reverse=True)
        commands = {pair: bare_command(ffmpeg.path, pair) for pair in pairs}
        print(
            f"{len(corpus.pairs)} pairs of {len(corpus.sources)} sources, {frames} frames each; "
            f"ffmpeg {ffmpeg.version}, libvmaf {ffmpeg.libvmaf}; {n_jobs()} processors, "
            f"load {os.getloadavg()[0]:.1f}\n"
        )
        print("| round | jobs | bare CPU s | tinyvmaf CPU s | bare wall s | tinyvmaf wall s |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        found = {jobs: [] for jobs in JOBS}
        for number in range(1, rounds + 1):
            for jobs in JOBS:
                turn = f"{number}-{jobs}"
                logs = {pair: folder / "logs" / turn / pair.name for pair in commands}
                bare = measure(lambda logs=logs, jobs=jobs: run_bare(commands, logs, jobs))
                table = folder / f"{turn}.parquet"
                ours = measure(lambda turn=turn, jobs=jobs: extract(folder, turn, jobs))
                found[jobs].append((*bare, *ours))
                times = " | ".join(f"{value:.2f}" for value in (bare[0], ours[0], bare[1], ours[1]))
                print(f"| {number} | {jobs} | {times} |", flush=True)
                assert_equal(table, logs)
        for jobs, runs in found.items():
            cpu = statistics.median(ours / bare for bare, _, ours, _ in runs)
            wall = statistics.median(ours / bare for _, bare, _, ours in runs)
            print(
                f"\n{jobs} jobs: {wall:.3f} times the wall time of `xargs -P {jobs}` (at most 1.05 "
                f"is wanted), {cpu:.3f} times its CPU time."
            )
        two, one = (statistics.median(run[3] for run in found[jobs]) for jobs in JOBS)
        bare_two, bare_one = (statistics.median(run[1] for run in found[jobs]) for jobs in JOBS)
        bare_cores = statistics.median(run[0] / run[1] for run in found[1])
        cores = statistics.median(run[2] / run[3] for run in found[1])
        print(
            f"\nTwo jobs are {one / two:.2f} times as fast as one, as `xargs` gains "
            f"{bare_one / bare_two:.2f}: one job keeps {cores:.2f} processors busy, since a pass "
            f"has several threads, and one bare ffmpeg {bare_cores:.2f}. Pairs of one reference "
            "share its decode, which `xargs` cannot. Every row equals libvmaf's own log."
        )


def n_pixels(pair):
    info = probe(pair.reference)
    return info.n_frames * info.width * info.height


def bare_command(ffmpeg, pair):
    """What one would type for this pair, one thread each as `extract` uses."""
    reference, distorted = probe(pair.reference), probe(pair.distorted)
    scale = f",scale={reference.width}:{reference.height}:flags=bicubic"
    graph = (
        f"[0:v]{NUMBERED}{scale if distorted.size != reference.size else ''}[d];"
        f"[1:v]{NUMBERED}[r];[d][r]libvmaf=log_fmt=json:log_path=log.json:n_threads=1"
    )
    return [
        *(str(ffmpeg), "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-threads", "1", "-i", str(pair.distorted.path)),
        *("-threads", "1", "-i", str(pair.reference.path)),
        *("-filter_complex", graph, "-fps_mode", "passthrough", "-f", "null", "-"),
    ]


def run_bare(commands, logs, jobs):
    lines = []
    for pair, folder in logs.items():
        folder.mkdir(parents=True)
        lines.append(f"cd {shlex.quote(str(folder))} && exec {shlex.join(commands[pair])}")
    subprocess.run(
        [shutil.which("xargs"), "-0", "-P", str(jobs), "-n", "1", "sh", "-c"],
        input="\0".join(lines),
        text=True,
        check=True,
    )


def extract(folder, turn, jobs):
    corpus, table = str(folder / "corpus"), str(folder / f"{turn}.parquet")
    subprocess.run(
        [sys.executable, "-m", "tinyvmaf", "extract", corpus, "-o", table, "--jobs", str(jobs)],
        env={**os.environ, "TINYVMAF_CACHE": str(folder / "cache" / turn)},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def measure(work):
    """CPU seconds of all processes that ended meanwhile, and seconds on the clock."""
    before, started = children_s(), time.perf_counter()
    work()
    return children_s() - before, time.perf_counter() - started


def children_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def assert_equal(table, logs):
    """Compare every value of the table with libvmaf's own log."""
    rows = read_table(table).rows
    assert rows.select("source", "clip").n_unique() == len(logs)
    for pair, where in logs.items():
        frames = json.loads((where / "log.json").read_text())["frames"]
        expected = [
            (
                *(frame["metrics"][f"integer_{name}"] for name in CANONICAL6),
                frame["metrics"][TARGET],
            )
            for frame in frames
        ]
        of_pair = (pl.col("source") == pair.source) & (pl.col("clip") == pair.clip)
        found = rows.filter(of_pair).select(*CANONICAL6, TARGET).rows()
        assert found == expected, f"{pair.name}: rows differ from libvmaf's log"


if __name__ == "__main__":
    main()
