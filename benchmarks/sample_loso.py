# SPDX-License-Identifier: Apache-2.0
"""Time of `tinyvmaf loso --sample`, one seed, from the start of Python to the last picture.

Cold: the cache is empty, so that programs are compiled and the page's script library is made. Warm:
the same command again. Both run in turn; the best of each counts, with its CPU time.
Run: `python benchmarks/sample_loso.py [ROUNDS]` (3 by default, a minute on two idle cores).
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(cache, folder):
    """Wall and CPU seconds of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "tinyvmaf", "loso", "--sample", "--seeds", "1", "-o", folder]
    environment = {**os.environ, "TINYVMAF_CACHE": str(cache)}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, cpu


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found = {"cold": [], "warm": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            for state, times in found.items():
                times.append(run(place / "cache", str(place / f"run_{state}")))
    print("| start | wall, s | CPU, s |")
    print("| --- | --- | --- |")
    for state, times in found.items():
        wall, cpu = min(times)
        print(f"| {state} | {wall:.1f} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
