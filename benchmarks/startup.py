# SPDX-License-Identifier: Apache-2.0
"""How long `tinyvmaf score` takes to start the scoring ffmpeg, and until its first frame is there.

Medians on the clock, beside a Python that does nothing; the way to look at both videos first is
included. A stand-in for ffmpeg, itself a bare Python that takes a few hundredths of a second,
notes the times. Prints a Markdown table. Run: `python benchmarks/startup.py [ROUNDS]` (9 rounds by
default).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg

CALLS = {
    "score --mode exact": ["--mode", "exact"],
    "score": [],
    "score --exact-frames 9": ["--exact-frames", "9"],
}

STAND_IN = """#!{python} -SE
import os, subprocess, sys, time
command = [{ffmpeg!r}, *sys.argv[1:]]
if not any("filter_complex" in word for word in command):
    os.execv(command[0], command)
noted = [time.time()]
if "-stats_period" in command:
    command[command.index("-stats_period") + 1] = "0.01"
child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
for line in child.stdout:
    print(line, end="", flush=True)
    if len(noted) == 1 and line.startswith("frame=") and int(line[6:]) > 0:
        noted.append(time.time())
if not os.path.exists({times!r}):
    with open({times!r}, "w") as file:
        print(*noted, file=file)
sys.exit(child.wait())
"""


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    ffmpeg = find_ffmpeg()
    reference = next(path for path in installed_clips() if path.stem == "bikes")
    found = {name: [] for name in ["python -c pass", *CALLS]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        distorted, times = folder / "distorted.mp4", folder / "times"
        encode = ["-i", str(reference), "-c:v", "libx264", "-crf", "30", "-an", str(distorted)]
        run_ffmpeg(ffmpeg.path, encode)
        stand_in = folder / "ffmpeg"
        stand_in.write_text(
            STAND_IN.format(python=sys.executable, ffmpeg=str(ffmpeg.path), times=str(times))
        )
        stand_in.chmod(0o755)
        environment = {**os.environ, "TINYVMAF_FFMPEG": str(stand_in)}
        for _ in range(rounds):
            started = time.time()
            subprocess.run([sys.executable, "-c", "pass"], check=True)
            found["python -c pass"].append((time.time() - started,))
            for call, options in CALLS.items():
                times.unlink(missing_ok=True)
                command = [sys.executable, "-m", "tinyvmaf", "score", reference, distorted]
                started = time.time()
                subprocess.run(
                    [*map(str, command), *options, "--json"],
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=True,
                )
                noted = map(float, times.read_text().split())
                found[call].append(tuple(moment - started for moment in noted))
    medians = {
        call: [round(statistics.median(column), 3) for column in zip(*values, strict=True)]
        for call, values in found.items()
    }
    print("| call | scoring ffmpeg started, s | first frame, s |")
    print("| --- | ---: | ---: |")
    for call, values in medians.items():
        shown = [f"{value:.2f}" for value in values] if call in CALLS else [f"{values[0]:.2f}", ""]
        print(f"| {call} | {' | '.join(shown)} |")
    print(f"\nLoad {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
