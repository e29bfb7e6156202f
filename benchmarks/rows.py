# SPDX-License-Identifier: Apache-2.0
"""How time and memory of `loso --folds` grow with the rows of a table.

Tables of 10^4 to 10^7 rows are made up (up to 200 sources, clips of 100 frames), and each is swept
by the command line in a process of its own, whose wall time and peak memory are taken. Prints a
Markdown table and JSON. Run: `python benchmarks/rows.py [--rows 10000 ...] [-- OPTIONS OF LOSO]`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from tinyvmaf.features.table import TableInfo, make_table, write_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.provenance import versions

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
OPTIONS = ("--folds", "10", "--model-arch", "mlp_small", "--recipe", "default")
MOST_SOURCES = 200
FRAMES = 100


def main():
    if sys.argv[1:2] == ["--make"]:
        return write_table(made_up(int(sys.argv[2])), Path(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--folder", type=Path, help="keeps tables and runs; else they are removed")
    parser.add_argument("options", nargs="*", default=OPTIONS, help="of loso, after --")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        found = [measure(rows, asked.options, folder) for rows in asked.rows]
    record = {
        "command": "tinyvmaf loso " + " ".join(asked.options),
        "processors": os.cpu_count(),
        "versions": versions("jax", "numpy", "polars", "scipy"),
        "runs": found,
    }
    print(markdown(record) + "\n" + json.dumps(record))
    return None


def measure(n_rows, options, folder):
    """Sweep a table of `n_rows` rows."""
    table = folder / f"{n_rows}.parquet"
    if not table.exists():
        subprocess.run([sys.executable, __file__, "--make", str(n_rows), str(table)], check=True)
    run = folder / f"run_{n_rows}"
    command = [sys.executable, "-m", "tinyvmaf", "loso", str(table), "-o", str(run), *options]
    load, started = os.getloadavg()[0], time.perf_counter()
    with (folder / f"{n_rows}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit((folder / f"{n_rows}.log").read_text())
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    found = {
        "rows": record["table"]["rows"],
        "sources": record["table"]["sources"],
        "clips": record["table"]["clips"],
        "folds": len(record["held_out"]) or record["table"]["sources"],
        "options": " ".join(options),
        "wall_s": round(wall, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "train_s": record["seconds"]["train"],
        "peak_mb": round(used.ru_maxrss / 1024),
        "load_before": round(load, 1),
    }
    print(found, file=sys.stderr, flush=True)
    return found


def markdown(record):
    """The command, a line for each table, and how many times longer it took than the one before."""
    shown = ("rows", "sources", "clips", "wall_s", "cpu_s", "train_s", "peak_mb")
    lines = [f"`{record['command']}`\n", f"| {' | '.join((*shown, 'times the line above'))} |"]
    lines.append("|" + " ---: |" * (len(shown) + 1))
    above = None
    for run in record["runs"]:
        times = f"{run['wall_s'] / above:.1f}" if above else ""
        lines.append(f"| {' | '.join(str(run[name]) for name in shown)} | {times} |")
        above = run["wall_s"]
    return "\n".join(lines) + "\n"


def made_up(n_rows):
    """A table whose score is a smooth function of the features, which content and quality move."""
    rng = np.random.default_rng(0)
    n_sources = min(MOST_SOURCES, n_rows // (2 * FRAMES))
    n_clips = n_rows // (n_sources * FRAMES)
    shape = (n_sources, n_clips, FRAMES)
    n = n_sources * n_clips * FRAMES
    content = rng.normal(0, 0.04, (n_sources, 1, 1, 6))
    quality = rng.beta(2.5, 1.2, (n_sources, n_clips, 1, 1))
    moment = rng.normal(0, 0.02, (*shape, 1)).astype(np.float32)
    power = np.array([0.6, 1.8, 1.2, 0.9, 0.7, 0.4])
    features = np.empty((6, n))
    for number in range(6):
        own = (quality + moment)[..., 0].clip(0.01, 1) ** power[number] + content[..., number]
        features[number] = np.clip(own + rng.normal(0, 0.01, shape), 0, 1.2).ravel()
    mixed = features[0] * 0.5 + features[1:5].mean(axis=0) * 0.5
    vmaf = np.clip(118 / (1 + np.exp(-6 * (mixed - 0.55))) - 6 + 3 * features[5], 0, 100)
    index = pl.int_range(n, eager=True)
    sources = [f"Source{number:03d}" for number in range(n_sources)]
    clips = [f"clip{number:03d}" for number in range(n_clips)]
    rows = pl.DataFrame(
        {
            "source": pl.Series(sources).gather(index // (n_clips * FRAMES)),
            "clip": pl.Series(clips).gather(index // FRAMES % n_clips),
            "frame": (index % FRAMES).cast(pl.UInt32),
            **dict(zip(CANONICAL6, features, strict=True)),
            "vmaf": vmaf,
        }
    )
    return make_table(rows, TableInfo(teacher="vmaf_v0.6.1"))


if __name__ == "__main__":
    main()
