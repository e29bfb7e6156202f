# SPDX-License-Identifier: Apache-2.0
"""What `tinyvmaf score` costs on a film and on two hours of it, beside libvmaf on every frame.

    python benchmarks/film_cost.py FOLDER [--share 0.2] [--within 1] [--output FILE.json]

FOLDER is what `benchmarks/film.py` made. Of every encode: the CPU time of libvmaf, decoding
included, on the first `--share` of the film, by frames for all of it; and the CPU time, the time
on the clock and the memory of `tinyvmaf score`, of the film and of two hours. CPU time is that of
all programs that ran; memory is that of the largest. What was measured is kept in
FOLDER/costs.jsonl, so that it can be stopped at any time.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video
from tinyvmaf.provenance import versions

ENCODES = ("x264", "x265", "svtav1")
KINDS = ("film", "long")
NUMBERED = "settb=1/25,setpts=N"
Row = dict[str, Any]


def main() -> None:
    """Measure, print a Markdown table, keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--within", type=float, default=1.0)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    kept = chosen.folder / "costs.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    for encode in ENCODES:
        for kind in ("libvmaf", *KINDS):
            if any((row["encode"], row["kind"]) == (encode, kind) for row in rows):
                continue
            if kind == "libvmaf":
                row = measure_libvmaf(chosen.folder, encode, share=chosen.share)
            else:
                row = measure_score(chosen.folder, encode, kind=kind, within=chosen.within)
            rows.append({"encode": encode, "kind": kind, **row})
            with kept.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print_table(rows)
    if chosen.output:
        record = {
            "schema": "tinyvmaf.film_cost/1",
            "date": datetime.now(UTC).date().isoformat(),
            "about": about(chosen.folder),
            "within": chosen.within,
            "share": chosen.share,
            "rows": rows,
            "versions": {"ffmpeg": find_ffmpeg().version, **versions("numpy", "av")},
        }
        chosen.output.write_text(json.dumps(record, indent=1) + "\n")


def about(folder: Path) -> str:
    names = [name for name, *_ in json.loads((folder / "scenes.json").read_text())]
    chunks = (folder / "chunks").glob("reference_*.mkv")
    n_frames = sum(probe(Video(chunk)).n_frames for chunk in chunks)
    return f"{len(names)} scenes from {len(set(names))} sources, {n_frames} frames until it repeats"


def measure_libvmaf(folder: Path, encode: str, *, share: float) -> Row:
    videos = [folder / f"film_{encode}.mp4", folder / "film_reference.mp4"]
    n_frames = round(share * probe(Video(videos[0])).n_frames)
    inputs = [word for video in videos for word in ("-threads", "1", "-i", str(video))]
    cut = f"trim=end_frame={n_frames},{NUMBERED}"
    scoring = "[a][b]libvmaf=n_threads=1:log_fmt=csv:log_path=/dev/null"
    graph = f"[0:v]{cut}[a];[1:v]{cut}[b];{scoring}"
    command = [str(find_ffmpeg().path), "-nostdin", "-v", "error", *inputs, "-lavfi", graph]
    usage, _ = run([*command, "-f", "null", "-"])
    return {**usage, "n_frames": n_frames, "cpu_ms_a_frame": usage["cpu_s"] / n_frames * 1000}


def measure_score(folder: Path, encode: str, *, kind: str, within: float) -> Row:
    pair = [str(folder / f"{kind}_reference.mp4"), str(folder / f"{kind}_{encode}.mp4")]
    call = [sys.executable, "-m", "tinyvmaf", "score", *pair, "--within", str(within), "--json"]
    usage, text = run(call)
    record = json.loads(text)
    sampling = record.get("sampling") or {}
    n_exact = sampling.get("exact_frames")
    return {
        **usage,
        "n_frames": probe(Video(Path(pair[1]))).n_frames,
        "vmaf": record["vmaf"]["mean"],
        "method": sampling.get("method"),
        "exact_frames": len(n_exact) if isinstance(n_exact, list) else n_exact,
        "decoded": sampling.get("decoded_frames"),
        "interval": record["vmaf"].get("interval"),
    }


def print_table(rows: list[Row]) -> None:
    full = {row["encode"]: row["cpu_ms_a_frame"] for row in rows if row["kind"] == "libvmaf"}
    head = "length|encode|frames|libvmaf CPU s|score CPU s|times cheaper|clock s|memory MB"
    columns = [*head.split("|"), "exact frames", "frames decoded"]
    print(f"| {' | '.join(columns)} |\n| --- | --- | {' | '.join(['--:'] * 8)} |")
    for kind in KINDS:
        for row in (row for row in rows if row["kind"] == kind):
            libvmaf_s = full[row["encode"]] * row["n_frames"] / 1000
            cells = [
                kind,
                row["encode"],
                row["n_frames"],
                f"{libvmaf_s:.0f}",
                f"{row['cpu_s']:.1f}",
            ]
            cells += [f"{libvmaf_s / row['cpu_s']:.0f}", f"{row['clock_s']:.0f}"]
            cells += [f"{row['memory_mb']:.0f}", row["exact_frames"], row["decoded"]]
            print(f"| {' | '.join(map(str, cells))} |")


def run(command: list[str]) -> tuple[dict[str, float], str]:
    """What a program and all that it started used, and what it printed."""
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    used = {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "clock_s": time.monotonic() - begun,
        "memory_mb": usage.ru_maxrss / 1024,
    }
    return used, text


if __name__ == "__main__":
    main()
