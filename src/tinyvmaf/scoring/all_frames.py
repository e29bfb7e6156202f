# SPDX-License-Identifier: Apache-2.0
"""Passes over all frames of a pair in one decode, and their logs, read in parts."""

from array import array
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from tinyvmaf.features.cached_scores import prove_complete
from tinyvmaf.libvmaf import pass_pictures
from tinyvmaf.libvmaf.engine import read_set_parts
from tinyvmaf.libvmaf.graph import INPUTS, LOG_CSV, command, filter_graph
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.mode import Job


@dataclass(frozen=True, slots=True)
class AllFrames:
    """The results of passes over all frames.

    Attributes:
        job: The job that they were run for.
        sets: The feature sets that they computed.
        command: The ffmpeg command; the logs lie in the folder in which it runs.
    """

    job: Job
    sets: tuple[FeatureSet, ...]
    command: tuple[str, ...]

    @property
    def log(self) -> Path | None:
        """Libvmaf's own log at full size, None if that pass is not among them."""
        return self.job.folder / LOG_CSV if FULL in self.sets else None

    def parts(self) -> Generator[Log]:
        """The columns of all sets, with their prefixes, some thousand frames at a time.

        Raises:
            SchemaError: a log is invalid.
            ToolFailed: the number of frames in a log is not that of the pair.
        """
        yield from merged_parts(self.job, self.sets)


def merged_parts(job: Job, sets: Sequence[FeatureSet]) -> Generator[Log]:
    """The columns of `sets` from the logs in the job's folder; see `AllFrames.parts`."""
    n_scored = dict.fromkeys(sets, 0)
    with ExitStack() as opened:
        logs = [opened.enter_context(closing(read_set_parts(item, job.folder))) for item in sets]
        for parts in zip(*logs, strict=False):
            part: dict[str, Log] = {}
            for item, log in zip(sets, parts, strict=True):
                n_scored[item] += len(next(iter(log.values())))
                part[item.name] = {item.prefix + name: column for name, column in log.items()}
            if len(set(n_scored.values())) == 1:
                yield {name: column for log in part.values() for name, column in log.items()}
    for count in n_scored.values():
        prove_complete(job.pair, n_scored=count)


def joined(parts: Iterable[Float[np.ndarray, " n_frames"]]) -> Float[np.ndarray, " n_frames"]:
    """The values of all parts in one array, in half the memory of concatenating a list."""
    values = array("d")
    for part in parts:
        values.frombytes(part.tobytes())
    return np.frombuffer(values)


def run_all_frames(
    job: Job, *, teacher: Teacher, on_frame: OnFrame, sets: tuple[FeatureSet, ...] = (FULL,)
) -> AllFrames:
    """Run the passes of `sets` over the whole pair.

    Raises:
        ToolFailed: ffmpeg did not end well.
    """
    # A sampled pass that is followed by one over all frames has written them.
    pictures = job.pictures and not pass_pictures.are_in(job.folder)
    inputs = pass_pictures.PADS if pictures else INPUTS
    graph = filter_graph(job.pair, teacher=teacher, threads=job.threads, sets=sets, inputs=inputs)
    if pictures:
        graph = ";".join([*pass_pictures.pieces(job.pair), graph])
    arguments = command(graph, job.pair, threads=job.threads)
    if pictures:
        arguments += pass_pictures.outputs()
    job.engine.run(
        arguments, teacher=teacher, folder=job.folder, on_frame=on_frame, pairs=[job.pair]
    )
    return AllFrames(job=job, sets=sets, command=(str(job.engine.ffmpeg.path), *arguments))
