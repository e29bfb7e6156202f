# SPDX-License-Identifier: Apache-2.0
"""CPU time of the parts of scoring, measured on real pairs, decoding included.

The result is CPU seconds per 1080p frame for each part, and CPU seconds of a start of the program.
Time is user and system time of finished programs, on one thread, so that other work on the machine
has little effect.
"""

import resource
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.graph import command, conversion, filter_graph, input_steps, libvmaf
from tinyvmaf.libvmaf.scattered import sampled_graph
from tinyvmaf.libvmaf.sets import SETS
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import DEFAULT, Teacher
from tinyvmaf.media.ffmpeg import Ffmpeg, run_ffmpeg
from tinyvmaf.pairs.check import check
from tinyvmaf.process.programs import run
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.scoring.costs import DECODING, EXACT_FRAME, FULL_HD, SPARE_FRAME, START
from tinyvmaf.scoring.known_pair import HEIGHT, WIDTH, write_known_pair

EVERY: Final = (2, 3, 5, 10)
"""The values of N in scoring every Nth frame, today's common shortcut."""

_ADDED_TO: Final = {EXACT_FRAME: DECODING, SPARE_FRAME: EXACT_FRAME}
_N_EXACT: Final = 16
_ROUNDS: Final = 3


def every_nth(n: int) -> str:
    """The name of the method that scores every nth frame."""
    return f"every {n}"


def measure_cpu(
    pairs: Sequence[Pair], *, ffmpeg: Ffmpeg, progress: Progress = SILENT
) -> Mapping[str, float]:
    """CPU seconds of one 1080p frame: each feature set and every Nth frame with decoding.

    `EXACT_FRAME` is the cost that one sampled frame adds, `SPARE_FRAME` that of keeping a frame for
    later rounds, `DECODING` the lower bound of every method. Parts are run in turn, several times,
    so that slow periods affect all of them; medians are taken.

    Raises:
        TinyVmafError: a pair cannot be read, does not fit, or ffmpeg failed.
    """
    teacher = Teacher(DEFAULT)
    names = [DECODING, EXACT_FRAME, SPARE_FRAME, *SETS, *map(every_nth, EVERY)]
    task = progress.task("CPU", total=float(len(pairs) * _ROUNDS * len(names)), unit="passes")
    found: dict[str, list[float]] = {name: [] for name in names}
    for pair in pairs:
        checked = check(pair)
        n_frames = checked.n_frames
        frames = sorted({index * n_frames // _N_EXACT for index in range(_N_EXACT)})
        spare = SpareFrames(tuple(frames), n_frames=n_frames, teacher=teacher)
        steps = [",".join(part) for part in input_steps(checked)]
        fit = ",".join(conversion(checked.distorted)) or "null"
        inputs = f"[0:V:0]{steps[0]},{fit}[d];[1:V:0]{steps[1]}[r];"
        graphs = {
            DECODING: f"[0:V:0]{steps[0]},nullsink;[1:V:0]{steps[1]}",
            EXACT_FRAME: sampled_graph(frames, pair=checked, teacher=teacher),
            SPARE_FRAME: sampled_graph(frames, pair=checked, teacher=teacher, spare=spare),
            **{
                name: filter_graph(checked, teacher=teacher, sets=(item,))
                for name, item in SETS.items()
            },
            **{
                every_nth(n): inputs + libvmaf(("d", "r"), teacher=teacher, threads=1, every=n)
                for n in EVERY
            },
        }
        scale = FULL_HD / (checked.size[0] * checked.size[1])
        runs: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(_ROUNDS):
            for name, graph in graphs.items():
                arguments = command(graph, checked)
                if name == SPARE_FRAME:
                    arguments += outputs()
                with working_folder() as folder:
                    before = _cpu_s()
                    run_ffmpeg(ffmpeg.path, arguments, cwd=folder)
                    runs[name].append((_cpu_s() - before) * scale)
                task.advance(1.0)
        spent = {name: median(values) for name, values in runs.items()}
        for name in names:
            # Every pass decodes both videos, although noise may hide it on short ones.
            per_frame = max(spent[name], spent[DECODING]) / n_frames
            if name in _ADDED_TO:
                per_frame = max(0.0, spent[name] - spent[_ADDED_TO[name]]) / len(frames)
            found[name].append(per_frame)
    task.finish()
    return {**{name: median(values) for name, values in found.items()}, START: _start_s()}


def _start_s() -> float:
    """CPU seconds of `tinyvmaf score` on a pair of tiny pictures."""
    runs: list[float] = []
    with working_folder() as folder:
        reference, distorted = write_known_pair(folder)
        size = f"{WIDTH}x{HEIGHT}"
        words = ["score", str(reference.path), str(distorted.path), "--size", size]
        for _ in range(_ROUNDS):
            before = _cpu_s()
            run([sys.executable, "-m", "tinyvmaf", *words, "--mode", "exact"])
            runs.append(_cpu_s() - before)
    return median(runs)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
