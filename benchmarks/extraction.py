# SPDX-License-Identifier: Apache-2.0
"""What `tinyvmaf extract` costs above the bare ffmpeg commands, and whether its rows are theirs.

Builds a corpus of real encodes of the installed real clips (4 sources, 11 rungs), then extracts it
with an empty cache and runs the plain commands, one after the other, round by round. CPU time is
that of all processes together. The rows must equal libvmaf's own JSON logs in every digit. Run:
`python benchmarks/extraction.py [FRAMES] [ROUNDS]` (60 frames, 3 rounds by default).
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from tinyvmaf.corpus.build import build
from tinyvmaf.corpus.clips import installed_clips
from tinyvmaf.corpus.ladder import Rung, read_ladder
from tinyvmaf.corpus.scan import read_corpus
from tinyvmaf.features.sets import CANONICAL6, TARGET
from tinyvmaf.features.table import read_table
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.process import n_jobs
from tinyvmaf.media.video import Video, probe

MORE_RUNGS = (
    Rung("libx264", 1.0, crf=30),
    Rung("libx265", 0.5, crf=34),
    Rung("libvpx-vp9", 1.0, crf=40),
)
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
        commands = {pair: bare_command(ffmpeg.path, pair) for pair in corpus.pairs}
        print(
            f"{len(corpus.pairs)} pairs of {len(corpus.sources)} sources, {frames} frames each; "
            f"ffmpeg {ffmpeg.version}, libvmaf {ffmpeg.libvmaf}; {n_jobs()} processors, "
            f"load {os.getloadavg()[0]:.1f}\n"
        )
        print("| round | bare CPU s | tinyvmaf CPU s | ratio | bare wall s | tinyvmaf wall s |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        ratios = []
        for number in range(1, rounds + 1):
            logs = {pair: folder / "logs" / str(number) / pair.name for pair in commands}
            bare = measure(lambda logs=logs: run_bare(commands, logs))
            table = folder / f"{number}.parquet"
            ours = measure(lambda number=number, table=table: extract(folder, number, table))
            ratios.append(ours[0] / bare[0])
            print(
                f"| {number} | {bare[0]:.2f} | {ours[0]:.2f} | {ratios[-1]:.3f} "
                f"| {bare[1]:.2f} | {ours[1]:.2f} |",
                flush=True,
            )
            assert_equal(table, logs)
        print(
            f"\nMedian ratio {statistics.median(ratios):.3f} (target: at most 1.05). "
            "Every row equals libvmaf's own log."
        )


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


def run_bare(commands, logs):
    def run(pair):
        logs[pair].mkdir(parents=True)
        subprocess.run(commands[pair], cwd=logs[pair], check=True)

    with ThreadPoolExecutor(n_jobs()) as pool:
        list(pool.map(run, commands))


def extract(folder, number, table):
    subprocess.run(
        [sys.executable, "-m", "tinyvmaf", "extract", str(folder / "corpus"), "-o", str(table)],
        env={**os.environ, "TINYVMAF_CACHE": str(folder / "cache" / str(number))},
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
