# SPDX-License-Identifier: Apache-2.0
"""How long evaluating and reporting a large study takes, stage by stage, and in how much memory.

A run of 30 sources, 20 clips each, 300 frames each is made up (nothing is trained), written, read
and reported as `tinyvmaf report` does it, in a process of its own. Run:
`python benchmarks/report.py [SOURCES CLIPS FRAMES SEEDS]`.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from tinyvmaf.evaluation.evaluate import Run, evaluate_run, read_run
from tinyvmaf.evaluation.run_files import FoldFacts, RunFacts, write_run
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.report.chart import by_error
from tinyvmaf.report.chart_files import pictures_written
from tinyvmaf.report.digest import charts, document, write_digest
from tinyvmaf.report.html import page
from tinyvmaf.report.points import points_of
from tinyvmaf.report.theme import PAGE, PAPER

SIZE = (30, 20, 300, 1)
ARCH = "mlp_small"


def main():
    if sys.argv[1:2] == ["--whole"]:
        return whole(Path(sys.argv[2]))
    if sys.argv[1:2] == ["--stages"]:
        return stages(Path(sys.argv[2]))
    size = tuple(int(text) for text in sys.argv[1:]) or SIZE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run(made_up(*size), folder)
        print("{} sources x {} clips x {} frames, {} seed(s); ".format(*size), end="")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n", flush=True)
        for mode in ("--whole", "--stages"):
            subprocess.run([sys.executable, __file__, mode, name], check=True)
    return None


def whole(folder):
    """What `tinyvmaf report` does, with nothing between."""
    with timed("read, evaluate and report"):
        digest = write_digest(read_run(folder), folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pictures = sum(path.stat().st_size for path in (folder / "charts").iterdir())
    print(f"peak memory {peak:.0f} MB, page {digest.html.stat().st_size / 1e6:.2f} MB, "
          f"pictures {pictures / 1e6:.2f} MB\n")  # fmt: skip


def stages(folder):
    """The same one stage after the other."""
    with timed("read"):
        run = read_run(folder)
    with timed("evaluate"):
        record = evaluate_run(run)
    with timed("points"):
        points = points_of(run, order=by_error(record))
    with timed("charts"):
        drawn = charts(record, points, PAPER)
    with timed("pictures"), pictures_written(drawn, points, folder):
        pass
    with timed("page"):
        shown = charts(record, points, PAGE)
        page(document(record, shown), shown, points, pictures="charts")


@contextmanager
def timed(name):
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:26} {seconds[0]:7.2f} s wall {seconds[1]:7.2f} s CPU", flush=True)


def made_up(n_sources, n_clips, n_frames, n_seeds):
    """A run with errors as small models have them: an offset a source, noise a frame."""
    rng = np.random.default_rng(0)
    shape = (n_sources, n_clips, n_frames)
    sources = [f"Source{number:02d}" for number in range(n_sources)]
    level = rng.uniform(15, 99, (n_sources, n_clips, 1))
    vmaf = np.clip(level + rng.normal(0, 4, shape), 0, 100)

    def predicted(offset):
        error = rng.normal(0, offset, (n_sources, 1, 1)) + rng.normal(0, 0.5, shape)
        return np.clip(vmaf + error, 0, 100).ravel()

    rows = pl.DataFrame(
        {
            "source": np.repeat(sources, n_clips * n_frames).tolist(),
            "clip": [f"clip{clip:02d}" for clip in range(n_clips) for _ in range(n_frames)]
            * n_sources,
            "frame": list(range(n_frames)) * (n_sources * n_clips),
            "vmaf": vmaf.ravel(),
        }
    )
    keys = ("source", "clip", "frame")
    predictions = pl.concat(
        rows.select(
            *keys,
            pl.lit(seed, dtype=pl.Int64).alias("seed"),
            "vmaf",
            pl.Series("predicted", predicted(0.8).astype(np.float32)),
        )
        for seed in range(n_seeds)
    )
    held_out = {"constant": 20.0, "least_squares": 1.5, "nearest_neighbours": 2.5}
    models = {**held_out, "vmaf_tiny_small": 0.5, "vmaf_tiny_medium": 0.4}
    baselines = pl.concat(
        rows.select(
            pl.lit(model).alias("model"),
            pl.lit("heldout" if model in held_out else "train").alias("seen"),
            *keys,
            "vmaf",
            pl.Series("predicted", predicted(offset)),
        )
        for model, offset in models.items()
    )
    facts = RunFacts(
        arch=ARCH,
        n_params=257,
        recipe="default",
        recipe_settings={},
        seeds=tuple(range(n_seeds)),
        teacher="vmaf_v0.6.1",
        features=CANONICAL6,
        table={
            "rows": rows.height,
            "sources": n_sources,
            "clips": n_sources * n_clips,
            "sha256": "0" * 64,
        },
        folds=tuple(
            FoldFacts(source, seed, rows.height - n_clips * n_frames, 1000, 0.5)
            for source in sources
            for seed in range(n_seeds)
        ),
        baselines={
            model: f"{ARCH} trained once" if model == "vmaf_tiny_small" else "made up"
            for model in models
        },
        command="benchmarks/report.py",
    )
    return Run(facts, predictions, baselines)


if __name__ == "__main__":
    main()
