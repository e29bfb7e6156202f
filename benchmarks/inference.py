# SPDX-License-Identifier: Apache-2.0
"""Rows a second of a small model: ONNX Runtime, NumPy, `Model.predict`, and the machine's limits.

Run it on an idle machine: `python benchmarks/inference.py`. It prints a Markdown table. The limits
are the three matrix products alone, by BLAS, and copying the rows in memory.
"""

import os
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.model import load_model
from tinyvmaf.models.network import Layer, Network
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.runtime import Runtime, start
from tinyvmaf.models.safety import check_file

N_ROWS = 2_000_000
BATCHES = (1, 256, 4096, 16384, 65536, 262144)
HIDDEN = (16, 8)
REPEATS = 5


def main() -> None:
    rng = np.random.default_rng(0)
    network = _network(rng)
    rows = rng.uniform(0, 1, (N_ROWS, len(CANONICAL6))).astype(np.float32)
    print(
        f"{network.n_params} parameters, silu, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    print("| what | threads | rows a call | million rows/s |")
    print("| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(to_onnx(network))
        for threads in (1, 2):
            runtime = start(check_file(path), threads=threads)
            for batch in BATCHES:
                _report("ONNX Runtime", str(threads), batch, _in_batches(runtime, rows, batch))
        model = load_model(path)
    _report("Model.predict, float32", "default", N_ROWS, lambda: model.predict(rows))
    wide = rows.astype(np.float64)
    _report("Model.predict, float64", "default", N_ROWS, lambda: model.predict(wide))
    for batch in BATCHES[2:5]:
        _report("NumPy", "BLAS", batch, _numpy_in_batches(network, rows, batch))
    copy = np.empty_like(rows)
    _report("limit: matrix products", "BLAS", BATCHES[4], _products(network, rows))
    _report("limit: copying the rows", "1", N_ROWS, lambda: np.copyto(copy, rows))


def _network(rng: np.random.Generator) -> Network:
    sizes = (len(CANONICAL6), *HIDDEN, 1)
    return Network(
        features=CANONICAL6,
        shift=np.full(sizes[0], 0.5, dtype=np.float32),
        scale=np.full(sizes[0], 0.3, dtype=np.float32),
        layers=tuple(
            Layer(
                weight=rng.normal(size=(n_in, n_out), scale=n_in**-0.5).astype(np.float32),
                bias=np.zeros(n_out, dtype=np.float32),
            )
            for n_in, n_out in pairwise(sizes)
        ),
        activation="silu",
        target_shift=70.0,
        target_scale=12.0,
    )


def _chunks(rows: np.ndarray, batch: int) -> list[np.ndarray]:
    # Calls of one row are all alike; a few thousand of them are enough to time.
    some = rows[: min(len(rows), 5000 * batch)]
    return [some[first : first + batch] for first in range(0, len(some), batch)]


def _in_batches(runtime: Runtime, rows: np.ndarray, batch: int) -> Callable[[], object]:
    chunks = _chunks(rows, batch)
    return lambda: sum(len(runtime.run(chunk)) for chunk in chunks)


def _numpy_in_batches(network: Network, rows: np.ndarray, batch: int) -> Callable[[], object]:
    chunks = _chunks(rows, batch)
    return lambda: sum(len(network.predict(chunk)) for chunk in chunks)


def _products(network: Network, rows: np.ndarray) -> Callable[[], object]:
    chunks = _chunks(rows, BATCHES[4])
    hidden = [np.ones((BATCHES[4], layer.weight.shape[0]), np.float32) for layer in network.layers]

    def run() -> int:
        for chunk in chunks:
            for x, layer in zip([chunk, *hidden[1:]], network.layers, strict=True):
                np.matmul(x[: len(chunk)], layer.weight)
        return len(rows)

    return run


def _report(what: str, threads: str, batch: int, work: Callable[[], object]) -> None:
    n_rows = N_ROWS if batch * 5000 >= N_ROWS else 5000 * batch
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    print(f"| {what} | {threads} | {batch} | {n_rows / best / 1e6:.2f} |", flush=True)


if __name__ == "__main__":
    main()
