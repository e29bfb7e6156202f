# SPDX-License-Identifier: Apache-2.0
"""How long nine folds of the recipe `digest` take on 11 000 rows, beside a plain PyTorch loop.

    python benchmarks/training.py TORCH_PYTHON [ROUNDS]

TORCH_PYTHON is the interpreter of an environment with PyTorch. Every round runs, one after the
other and each in a process of its own: PyTorch with a `DataLoader`, PyTorch with sliced tensors,
and ours, which sweeps twice: the first sweep counts from the start of Python (cold), the second
finds everything compiled (warm). It also measures steps a second against the machine's own
speed at a step's matrix products. Prints a Markdown table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

STARTED = time.perf_counter()
LOOP = Path(__file__).with_name("torch_loop.py")
SOURCES, ROWS, SIZES, BATCH = 9, 11_000, (6, 16, 8, 1), 256


def main() -> None:
    """Measure round by round, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("torch_python", type=Path)
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        make_data(data)
        found: dict[str, list[float]] = {}
        for _ in range(chosen.rounds):
            for batches, name in (("loader", "PyTorch, DataLoader"), ("slices", "PyTorch, sliced")):
                (seconds, _rmse) = call([str(chosen.torch_python), str(LOOP), str(data), batches])
                found.setdefault(name, []).append(seconds)
            cold, warm, steps = call([sys.executable, __file__, "--ours", str(data)])
            found.setdefault("tinyvmaf, cold", []).append(cold)
            found.setdefault("tinyvmaf, warm", []).append(warm)
            found.setdefault("matrix products alone", []).append(steps * products_s())
    seconds = {name: median(values) for name, values in found.items()}
    print(f"{SOURCES} folds x 30 epochs, {ROWS} rows, {os.cpu_count()} processors\n")
    print("| what | seconds | times faster than DataLoader | than sliced |")
    print("| --- | --: | --: | --: |")
    for name, value in seconds.items():
        ratios = [seconds[f"PyTorch, {way}"] / value for way in ("DataLoader", "sliced")]
        print(f"| {name} | {value:.2f} | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    rate = steps / seconds["tinyvmaf, warm"]
    print(f"\nWarm, {rate:,.0f} steps of {BATCH} rows a second, all folds together.")


def make_data(path: Path) -> None:
    """Rows of as many sources, with a smooth target."""
    import numpy as np

    rng = np.random.default_rng(0)
    features = rng.uniform(0, 1, (ROWS, SIZES[0])).astype(np.float32)
    target = (100 / (1 + np.exp(3 - 6 * features[:, :5].mean(axis=1)))).astype(np.float32)
    source = np.sort(np.arange(ROWS) % SOURCES)
    np.savez(path, features=features, target=target, source_index=source)


def ours(path: Path) -> None:
    """Two sweeps in this process."""
    import numpy as np
    import polars as pl

    from tinyvmaf.features.table import TableInfo, make_table
    from tinyvmaf.training.fitting import fit
    from tinyvmaf.training.recipes import load_recipe

    data, recipe = np.load(path), load_recipe("digest")
    names = tuple("abcdef")
    rows = pl.DataFrame(data["features"].astype(np.float64), schema=list(names)).with_columns(
        source=pl.Series([f"S{source:02d}" for source in data["source_index"].tolist()]),
        clip=pl.lit("c"),
        frame=pl.int_range(pl.len()),
        vmaf=pl.Series(data["target"].astype(np.float64)).clip(0, 100),
    )
    table = make_table(rows, TableInfo(teacher="unknown", features=names))
    ended = [STARTED]
    for seed in range(2):
        fitted = fit(
            table,
            arch="mlp_small",
            recipe=recipe,
            held_out=[(source,) for source in range(SOURCES)],
            seeds=(seed,),
        )
        for ((out,), _), found in fitted.items():
            found.network.predict(data["features"][data["source_index"] == out])
        ended.append(time.perf_counter())
    print(ended[1] - ended[0], ended[2] - ended[1], sum(item.steps for item in fitted.values()))


def products_s() -> float:
    """Seconds of the matrix products of one step, forward and backward, as fast as BLAS does them.

    A layer needs three: outputs, gradients of its weights, gradients of its inputs.
    """
    import numpy as np

    layers = [
        (np.ones((n_out, n_in), np.float32), np.ones((n_in, BATCH), np.float32))
        for n_in, n_out in pairwise(SIZES)
    ]
    repeats, best = 2000, float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(repeats):
            for weight, inputs in layers:
                outputs = weight @ inputs
                outputs @ inputs.T
                weight.T @ outputs
        best = min(best, (time.perf_counter() - started) / repeats)
    # The folds are trained one a core.
    return best / (os.cpu_count() or 1)


def call(command: list[str]) -> tuple[float, ...]:
    """The numbers that a program prints."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(float(text) for text in done.stdout.split())


if __name__ == "__main__":
    if sys.argv[1] == "--ours":
        ours(Path(sys.argv[2]))
    else:
        main()
