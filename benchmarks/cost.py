# SPDX-License-Identifier: Apache-2.0
"""CPU seconds of every way of scoring a pair, decoding included, on one thread.

    python benchmarks/cost.py REFERENCE DISTORTED [--exact 13]

Children's user and system time, so that other work on the machine disturbs little. The constants of
tinyvmaf/scoring/cost.py come from here, with 1080p H.264.
"""

import argparse
import resource
from pathlib import Path

from tinyvmaf.features.alignment import align
from tinyvmaf.features.graph import command, filter_graph
from tinyvmaf.features.sampled_frames import sampled_graph
from tinyvmaf.features.sets import SETS
from tinyvmaf.features.teacher import DEFAULT, Teacher
from tinyvmaf.files import working_folder
from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tinyvmaf.media.video import Video, probe


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reference", type=Path)
    parser.add_argument("distorted", type=Path)
    parser.add_argument("--exact", type=int, default=13, help="frames that are scored exactly")
    chosen = parser.parse_args()
    pair = {"reference": Video(chosen.reference), "distorted": Video(chosen.distorted)}
    alignment = align(**{name: probe(video) for name, video in pair.items()})
    fixed = {"alignment": alignment, "teacher": Teacher(DEFAULT)}
    step = alignment.n_frames // chosen.exact
    frames = [index * step for index in range(chosen.exact)]
    small = "scale=16:16:flags=fast_bilinear"
    graphs = {"decoding": f"[0:V:0]{small}[a];[1:V:0]{small}[b];[a][b]hstack"}
    graphs |= {name: filter_graph(**fixed, sets=(item,)) for name, item in SETS.items()}
    graphs[f"{chosen.exact} exact frames"] = sampled_graph(frames, **fixed)
    for name, item in SETS.items():
        if item.divisor > 1:
            graphs[f"{name} and {chosen.exact} exact frames"] = sampled_graph(
                frames, **fixed, sets=(item,)
            )
    binary = find_ffmpeg().path
    print("| what | CPU seconds for 100 frames |\n| --- | --- |")
    for name, graph in graphs.items():
        with working_folder() as folder:
            before = cpu_s()
            run_ffmpeg(binary, command(graph, **pair), cwd=folder)
            spent = (cpu_s() - before) * 100 / alignment.n_frames
        print(f"| {name} | {spent:.2f} |", flush=True)


def cpu_s() -> float:
    """CPU seconds of all programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
