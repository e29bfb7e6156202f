# SPDX-License-Identifier: Apache-2.0
"""Run the benchmarks, keep what they print, and write docs/results/benchmarks.md with its charts.

    python benchmarks/everything.py TORCH_PYTHON [--work FOLDER] [NAME ...]
    python benchmarks/everything.py --page

TORCH_PYTHON is the interpreter of an environment with PyTorch, which `training` compares with.
FOLDER holds `sources`, which `scripts/fetch_sources.py` made, and what is encoded from them. With
names, only these are run; the page shows the others as they were last measured. `--page` runs none.
The whole takes some hours on two idle cores. No figure on the page is typed by hand.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import altair as alt
import polars as pl

from tinyvmaf.files import write_text
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.provenance import versions

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
KEPT = DOCS / "results" / "benchmarks"
PAGE = DOCS / "results" / "benchmarks.md"
PICTURES = {"memory": "bench_memory.svg", "rows": "bench_rows.svg"}


@dataclass(frozen=True)
class Part:
    """A benchmark of the page: its heading, what it is compared with, and its arguments.

    In arguments `{torch}` is PyTorch's interpreter, and `{work}` the folder of encodes.
    """

    title: str
    compared: str
    arguments: tuple[str, ...] = ()


PARTS = {
    "startup": Part("Start-up", "A Python that does nothing, in the same run."),
    "inference": Part("Inference", "ONNX Runtime's own call, in the same run."),
    "extraction": Part(
        "Extraction", "The bare ffmpeg commands by `xargs -P`, in the same run.", ("40", "2")
    ),
    "training": Part(
        "Training",
        "Two plain PyTorch loops of the same recipe, and the matrix products alone.",
        ("{torch}",),
    ),
    "report": Part("Evaluation and report", "Nothing else: a run of 30 sources x 20 clips."),
    "memory": Part("Memory against the length of a video", "The same call on a minute of video."),
    "rows": Part("Time and memory against rows", "The same command on a tenth of the rows."),
    "coverage": Part(
        "Simulated coverage of the intervals, nominal 95 %",
        "Intervals that are common and too narrow, in the same run.",
    ),
    "power": Part(
        "Simulated power of the paired comparisons, 80 % said",
        "The t test's formula for a single comparison, in the same run.",
    ),
    "sample_loso": Part(
        "Waiting for the page: `loso --sample`, and from videos",
        "Libvmaf's bare pass over the same videos; a cache that was filled.",
    ),
}

# Benchmarks that write a record or a page of their own.
OTHERS = {
    "truth": ("{work}/truth",),
    "kills": ("--output", str(KEPT.parent / "kills.json")),
    "sampling_coverage": (
        str(HERE.parent / "corpora" / "tables" / "broad.parquet"),
        *("--output", str(KEPT.parent / "sampling_coverage_broad.json")),
    ),
    "pairs": ("{work}/sources/clips", "{work}/sources/hold_out", "--work", "{work}/pairs"),
    "film": ("{work}/sources", "{work}/film"),
    "film_cost": ("{work}/film", "--output", str(KEPT.parent / "film_cost.json")),
    "film_coverage": ("{work}/film", "--output", str(KEPT.parent / "film_coverage.json")),
    "cheaper": (
        "{work}/sources/clips",
        "{work}/cheaper",
        "--output",
        str(KEPT.parent / "cheaper.json"),
    ),
}

# Not benchmarks: this program, and what benchmarks run.
PROGRAMS = frozenset({"everything", "pair_ways", "torch_loop"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("torch", type=Path, nargs="?", help="PyTorch's interpreter")
    parser.add_argument("names", nargs="*", help="only these benchmarks")
    parser.add_argument("--work", type=Path, default=Path("work"), help="the folder of encodes")
    parser.add_argument("--page", action="store_true", help="write the page and run nothing")
    chosen = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    write_text(PAGE, page())
    if not chosen.page:
        if chosen.torch is None:
            parser.error("expected PyTorch's interpreter, or --page")
        # Not resolved: the link leads out of its environment.
        places = {"torch": str(chosen.torch.absolute()), "work": str(chosen.work.absolute())}
        for name in chosen.names or (*PARTS, *OTHERS):
            print(f"== {name}", flush=True)
            run_one(name, places)
            write_text(PAGE, page())
    print(PAGE)


def run_one(name, places):
    """Run a benchmark and keep what it measured."""
    if name in OTHERS:
        arguments = [argument.format(**places) for argument in OTHERS[name]]
        subprocess.run([sys.executable, str(HERE / f"{name}.py"), *arguments], check=True)
    else:
        keep(name, places)


def keep(name, places):
    """Run a benchmark; its tables and its figures become a record."""
    extra = [argument.format(**places) for argument in PARTS[name].arguments]
    known = {**versions("numpy", "jax", "polars", "onnxruntime"), "ffmpeg": ffmpeg()}
    if name == "training":
        known["torch"] = torch_version(places["torch"])
    command = [sys.executable, str(HERE / f"{name}.py"), *extra]
    load = os.getloadavg()[0]
    # The place of scratch files is no business of the page.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=KEPT) as process:
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(f"{name} ended with status {process.returncode}")
    figures = [line for line in lines if line[:1] in ("{", "[")]
    record = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "load_before": round(load, 1),
        "processors": os.cpu_count(),
        "processor": processor(),
        "versions": known,
        "printed": "".join(line for line in lines if line not in figures).strip(),
        "figures": [json.loads(line) for line in figures],
    }
    write_text(KEPT / f"{name}.json", json.dumps(record, indent=1) + "\n")
    if name in PICTURES:
        draw(name, record["figures"][-1])


def page():
    """The text of the page."""
    text = (
        "# What everything costs\n\nWritten by `make bench`. Machines differ, so look at the "
        "ratios: every figure stands beside what it was compared with in the same run. What "
        "scoring costs beside libvmaf is in [sampled scoring](sampled-scoring.md).\n"
    )
    for name, part in PARTS.items():
        path = KEPT / f"{name}.json"
        text += f"\n## {part.title}\n\n"
        if not path.exists():
            text += f"Not measured yet: `python benchmarks/{name}.py`.\n"
            continue
        record = json.loads(path.read_text())
        text += f"Compared with: {part.compared}\n\n{record['printed']}\n"
        if name in PICTURES:
            text += f"\n![{part.title}](../pictures/{PICTURES[name]})\n"
        known = ", ".join(f"{key} {value}" for key, value in record["versions"].items())
        text += (
            f"\n<sub>{record['date']}, {record['processors']} x {record['processor']}, load before "
            f"{record['load_before']}; {known}</sub>\n"
        )
    return text


def draw(name, figures):
    """The chart of a benchmark whose figures grow with something."""
    if name == "memory":
        rows = [
            {
                "minutes": row["minutes"],
                "MB": row["python_mb"],
                "call": f"{row['call']}, {row['container']}",
            }
            for row in figures
        ]
        x = alt.X("minutes:Q", title="minutes of video").scale(type="log")
        y = alt.Y("MB:Q", title="peak memory of Python, MB").scale(zero=True)
        colour = alt.Color("call:N", title=None)
    else:
        rows = [
            {"rows": row["rows"], "value": row[key], "what": what}
            for row in figures["runs"]
            for key, what in (("wall_s", "time, seconds"), ("peak_mb", "peak memory, MB"))
        ]
        x = alt.X("rows:Q").scale(type="log")
        y = alt.Y("value:Q", title=None).scale(type="log")
        colour = alt.Color()
    data = alt.Data(values=pl.DataFrame(rows).to_dicts())
    chart = alt.Chart(data, width=560, height=300).mark_line(point=True).encode(x, y, colour)
    if name == "rows":
        chart = chart.properties(width=270).facet(alt.Column("what:N", title=None))
        chart = chart.resolve_scale(y="independent")
    chart.save(str(DOCS / "pictures" / PICTURES[name]))


def processor():
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def torch_version(python):
    """Of the PyTorch that the interpreter has."""
    ask = [python, "-c", "import torch; print(torch.__version__)"]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


def ffmpeg():
    """Its version."""
    return find_ffmpeg().version


if __name__ == "__main__":
    main()
