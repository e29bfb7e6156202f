# SPDX-License-Identifier: Apache-2.0
"""Peak memory of Python while `score` and `extract` work on videos of 1, 10 and 60 minutes.

The videos are one short encode of a drawn picture, looped without encoding, at 25 frames a second.
The figure is the high water mark of the Python process (Linux tells it); ffmpeg is a process of its
own, whose memory is shown beside it. Prints a Markdown table and JSON. Run:
`python benchmarks/memory.py [MINUTES...]` (1 10 60 by default; on two idle cores that takes some
minutes).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg

SIZE, RATE, CLIP_S = "128x128", 25, 60
MODES = {
    "score --mode exact": ["--mode", "exact"],
    "score --exact-frames 9": ["--exact-frames", "9"],
    "score --mode model": ["--mode", "model"],
}
PROGRAM = """
import resource, sys
from pathlib import Path
from tinyvmaf.cli.app import main
try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    ours = int(status.partition("VmHWM:")[2].split()[0])
    print(ours, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def main():
    minutes = [int(text) for text in sys.argv[1:]] or [1, 10, 60]
    ffmpeg = find_ffmpeg().path
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for crf in (10, 32):
            drawn = ["-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={RATE}", "-t", str(CLIP_S)]
            options = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-crf", str(crf)]
            run_ffmpeg(ffmpeg, [*drawn, *options, str(folder / f"{crf}.mp4")])
        for suffix in ("mp4", "mkv"):
            for length in minutes:
                pair = [lengthen(ffmpeg, folder, crf, length, suffix) for crf in (10, 32)]
                found += [
                    {"container": suffix, "minutes": length, "call": call, **measure(command)}
                    for call, command in calls(folder, pair).items()
                ]
                for path in pair:
                    path.unlink()
    report(found, minutes)


def lengthen(ffmpeg, folder, crf, minutes, suffix):
    path = folder / f"{crf}_long.{suffix}"
    source = ["-stream_loop", str(minutes - 1), "-i", str(folder / f"{crf}.mp4"), "-c", "copy"]
    run_ffmpeg(ffmpeg, [*source, "-y", str(path)])
    return path


def calls(folder, pair):
    manifest = folder / "corpus" / "corpus.csv"
    manifest.parent.mkdir(exist_ok=True)
    reference, distorted = pair
    manifest.write_text(f"source,reference,distorted\ndrawn,{reference},{distorted}\n")
    score = {
        call: ["score", str(reference), str(distorted), *options, "--json"]
        for call, options in MODES.items()
    }
    table = str(folder / "table.parquet")
    return {**score, "extract": ["extract", str(manifest.parent), "-o", table]}


def measure(command):
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *command],
            env={**os.environ, "TINYVMAF_CACHE": cache},
            capture_output=True,
            text=True,
            check=True,
        )
    ours, programs = map(int, done.stderr.splitlines()[-1].split())
    return {"python_mb": round(ours / 1024, 1), "largest_program_mb": round(programs / 1024, 1)}


def report(found, minutes):
    heads = [f"{length} min, MB" for length in minutes]
    print(f"| call | container | {' | '.join(heads)} | growth | largest program, MB |")
    print(f"| --- | --- |{' ---: |' * (len(minutes) + 2)}")
    for suffix in ("mp4", "mkv"):
        for call in [*MODES, "extract"]:
            rows = [row for row in found if (row["container"], row["call"]) == (suffix, call)]
            sizes = [row["python_mb"] for row in rows]
            print(
                f"| {call} | {suffix} | {' | '.join(f'{size:.0f}' for size in sizes)} "
                f"| {sizes[-1] / sizes[0] - 1:+.1%} | {rows[-1]['largest_program_mb']:.0f} |"
            )
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
