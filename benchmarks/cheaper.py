# SPDX-License-Identifier: Apache-2.0
"""How much cheaper `tinyvmaf score` is than ffmpeg's libvmaf filter, on 1080p H.264 pairs.

    python benchmarks/cheaper.py SOURCES WORK [--reference-crf 18] [--output FILE.json]

SOURCES holds references that `scripts/fetch_sources.py` made (its folder `clips`). Eight real ones
are brought to 1920x1080 and repeated to 300 frames (few public clips are that large and that long:
both are said beside the result), and encoded with H.264: the reference visually lossless, and four
times coarser. The better the reference, the more its decoding costs, and decoding is what limits
every way of scoring. What is measured is CPU time of everything that runs, start-up and decoding
included: the filter with its default model, each way of `tinyvmaf score`, and decoding alone, which
nobody gets below, one after the other on every pair.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.provenance import versions

NAMES = (
    *("BigBuckBunny", "Opossum", "DinnerScene", "City"),
    *("Pedestrians", "ClockAndCat", "RocketLaunch", "Bikes"),
)
CRFS = (24, 30, 36, 42)
REFERENCE_CRF = 18
FRAMES = 300
WAYS = {
    "within 1": ["--within", "1"],
    "within 0.5": ["--within", "0.5"],
}
# Says last what Python itself took, without the programs that it ran.
PROGRAM = """
import resource
from tinyvmaf.cli.app import main
try: main()
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(usage.ru_utime + usage.ru_stime, end="")
"""
NUMBERED = "settb=1/25,setpts=N"
FILTERS = {
    "libvmaf": "[a][b]libvmaf=n_threads=1:log_fmt=csv:log_path=/dev/null",
    "decoding": "[b]nullsink;[a]copy",
}


def main() -> None:
    """Measure, print a Markdown table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--sources-used", type=int, default=len(NAMES))
    parser.add_argument("--reference-crf", type=int, default=REFERENCE_CRF)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    binary = str(find_ffmpeg().path)
    rows = []
    for name in NAMES[: chosen.sources_used]:
        reference = make_reference(
            binary, chosen.sources / f"{name}.mkv", chosen.work, chosen.reference_crf
        )
        for crf in CRFS:
            distorted = make_distorted(binary, reference, crf)
            row = measure(binary, reference, distorted)
            rows.append({"source": name, "crf": crf, **row})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    ways = list(WAYS)
    print("| way | CPU s, median | times cheaper, median | lowest | highest |")
    print("| --- | --: | --: | --: | --: |")
    for way in ways:
        cheaper = [row["libvmaf"]["cpu_s"] / row[way]["cpu_s"] for row in rows]
        print(
            f"| {way} | {median(row[way]['cpu_s'] for row in rows):.2f} | {median(cheaper):.2f} | "
            f"{min(cheaper):.2f} | {max(cheaper):.2f} |"
        )
    floor = [row["libvmaf"]["cpu_s"] / row["decoding"]["cpu_s"] for row in rows]
    print(
        f"| decoding alone | {median(row['decoding']['cpu_s'] for row in rows):.2f} | "
        f"{median(floor):.2f} | {min(floor):.2f} | {max(floor):.2f} |"
    )
    if chosen.output:
        record = {
            "schema": "tinyvmaf.cheaper/1",
            "date": datetime.now(UTC).date().isoformat(),
            "frames": FRAMES,
            "ways": list(WAYS),
            "reference_crf": chosen.reference_crf,
            "rows": rows,
            "versions": {"ffmpeg": find_ffmpeg().version, **versions("numpy", "onnxruntime")},
        }
        chosen.output.write_text(json.dumps(record, indent=1) + "\n")


def make_reference(binary: str, source: Path, work: Path, crf: int) -> Path:
    """A 1080p H.264 reference of 300 frames."""
    path = work / f"{source.stem}_{crf}.mp4"
    fit = "scale=1920:1080:force_original_aspect_ratio=increase:flags=lanczos,crop=1920:1080"
    if not path.exists():
        endless = ["-stream_loop", "-1", "-i", str(source)]
        cut = ["-vf", fit, "-frames:v", str(FRAMES)]
        run([binary, "-v", "error", "-y", *endless, *cut, *h264(crf), str(path)])
    return path


def make_distorted(binary: str, reference: Path, crf: int) -> Path:
    """A coarser encode of it."""
    path = reference.with_name(f"{reference.stem}_crf{crf}.mp4")
    if not path.exists():
        run([binary, "-v", "error", "-y", "-i", str(reference), *h264(crf), str(path)])
    return path


def h264(crf: int) -> list[str]:
    """An encoder's arguments."""
    return [
        "-an",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-pix_fmt",
        "yuv420p",
        "-crf",
        str(crf),
    ]


def measure(binary: str, reference: Path, distorted: Path) -> dict[str, dict[str, float]]:
    """CPU seconds and score of every way on one pair."""
    found: dict[str, dict[str, float]] = {}
    inputs = [*("-threads", "1", "-i", str(distorted)), *("-threads", "1", "-i", str(reference))]
    for name, graph in FILTERS.items():
        chain = f"[0:v]{NUMBERED}[a];[1:v]{NUMBERED}[b];{graph}"
        cpu_s, _ = run([binary, "-v", "error", *inputs, "-lavfi", chain, "-f", "null", "-"])
        found[name] = {"cpu_s": cpu_s}
    for name, options in WAYS.items():
        pair = [str(reference), str(distorted)]
        call = ["score", *pair, *options, "--threads", "1", "--json"]
        cpu_s, out = run([sys.executable, "-c", PROGRAM, *call])
        text, _, python_s = out.decode().rpartition("\n")
        record = json.loads(text)
        found[name] = {
            "cpu_s": cpu_s,
            "python_s": float(python_s),
            "vmaf": record["vmaf"]["mean"],
        }
        if record.get("sampling"):
            found[name]["exact_frames"] = len(record["sampling"]["exact_frames"])
            found[name]["decodes"] = record["sampling"]["decodes"]
            found[name]["said_times_cheaper"] = record["sampling"]["times_cheaper"]
    return found


def run(command: list[str]) -> tuple[float, bytes]:
    """CPU seconds, children included, and what the program printed."""
    before = os.times()
    done = subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system, done.stdout


if __name__ == "__main__":
    main()
