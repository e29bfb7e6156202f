# SPDX-License-Identifier: Apache-2.0
"""Exact scores of frames found by seeking: only their groups of pictures are decoded.

The input is checked pairs of one reference and frame numbers, the output the scores that a pass
over the whole pair would give these frames, to the last digit. Each frame is decoded with its
neighbours, the pictures are written to a temporary folder, some moments at a time, and libvmaf
reads them there, converted as the whole pass converts. Some frames are decoded a second time from
further back; where they differ, or a frame does not come out, nothing is returned and the pair has
to be decoded whole.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import Final

import numpy as np
from jaxtyping import Int

from tinyvmaf.errors import ToolFailed, ToolStopped
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.graph import OWN_FILTERS_ONLY, libvmaf
from tinyvmaf.libvmaf.lane import Lane
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.neighbours import MOST_MOMENTS, Portion, portions, reach
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.libvmaf.teacher import Teacher, place_teacher
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.seeking import not_seekable
from tinyvmaf.media.video import Video, frame_bytes
from tinyvmaf.media.visits import n_decoded
from tinyvmaf.pairs.checked import CheckedPair, Conversion, Side, frames_of
from tinyvmaf.process.programs import stopped_with_programs
from tinyvmaf.progress import OnFrame

# Pictures in the temporary folder at a time; another portion is written while one is scored.
_PORTION_BYTES: Final = 256 * 1024 * 1024
# Chroma only matters to models that are none of v0.6.1's family.
_LUMA_ONLY: Final = "vmaf_v0.6.1"
_LOG: Final = "sought.csv"


@dataclass(frozen=True, slots=True)
class Sought:
    """Exact scores of some frames of a pair.

    Attributes:
        scores: The score of every compared frame that was asked for.
        decoded: Packets that were given to the decoders of reference and distorted video, the
            second looks included; with several pairs the reference's are counted in the first.
    """

    scores: Mapping[int, float]
    decoded: tuple[int, int]


def n_to_decode(pair: CheckedPair, frames: Collection[int], *, teacher: Teacher) -> tuple[int, int]:
    """Packets of reference and distorted video that `score_frames` decodes for `frames`.

    Without the second looks. The indexes are made if they are not known yet.

    Raises:
        MediaError: a video cannot be read.
    """
    windows = _with_neighbours(frames, n_frames=pair.n_frames, near=reach(teacher))
    stretches = (pair.matching.reference, pair.matching.distorted)
    reference, distorted = (
        n_decoded(frame_index(side.video), frames_of(own)[windows].tolist())
        for side, own in zip((pair.reference, pair.distorted), stretches, strict=True)
    )
    return reference, distorted


def score_frames(
    pair: CheckedPair,
    frames: Collection[int],
    *,
    engine: FfmpegEngine,
    teacher: Teacher,
    threads: int = 1,
    verify: int = 2,
    on_frame: OnFrame = lambda _: None,
) -> Sought:
    """The exact scores of `frames` of a pair, by seeking; as `score_frames_of`."""
    (found,) = score_frames_of(
        [pair],
        frames,
        engine=engine,
        teacher=teacher,
        threads=threads,
        verify=verify,
        on_frame=on_frame,
    )
    return found


def score_frames_of(
    pairs: Sequence[CheckedPair],
    frames: Collection[int],
    *,
    engine: FfmpegEngine,
    teacher: Teacher,
    threads: int = 1,
    verify: int = 2,
    on_frame: OnFrame = lambda _: None,
) -> list[Sought]:
    """The exact scores of `frames` of several pairs, whose common reference is decoded once.

    Args:
        pairs: One or more; those that compare the same frames of one reference share its decode.
        frames: Compared frames, each below every pair's `n_frames`.
        engine: Runs libvmaf.
        teacher: The model.
        threads: Threads of libvmaf; every video is decoded by one thread.
        verify: So many of `frames` are decoded a second time, from one group of pictures further
            back and with nothing skipped, and the first frame of every video is compared to the one
            that ffmpeg decodes; 0 for a pair that an earlier call verified.
        on_frame: Called with the number of frames scored so far.

    Raises:
        NotSeekable: the frames cannot be found by seeking, or were not the same the second time;
            decode the pair as a whole.
        ToolFailed: ffmpeg or libvmaf failed.
        UsageError: the temporary folder is full.
    """
    if len({pair.n_frames for pair in pairs}) > 1:
        # The last frame of one is not the last of the other.
        return [
            score_frames(
                pair,
                frames,
                engine=engine,
                teacher=teacher,
                threads=threads,
                verify=verify,
                on_frame=on_frame,
            )
            for pair in pairs
        ]
    lanes: dict[tuple[Video, bytes], Lane] = {}
    sides = [_both(lanes, pair, teacher) for pair in pairs]
    near = reach(teacher)
    plan = portions(
        frames,
        n_frames=pairs[0].n_frames,
        near=near,
        at_most=_moments(pairs, n_lanes=len(lanes), near=near),
    )
    second = _spread(frames, verify)
    scores: list[dict[int, float]] = [{} for _ in pairs]
    stop = Event()
    with ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        for lane in lanes.values():
            stack.enter_context(closing(lane.seeker))
        pool = stack.enter_context(ThreadPoolExecutor(len(lanes)))

        def end() -> None:
            stop.set()
            for lane in lanes.values():
                lane.seeker.stop()

        # Its threads are waited for in any case.
        stack.callback(end)
        stack.enter_context(stopped_with_programs(end))
        if verify:
            for lane in lanes.values():
                lane.check_first(engine, folder)
        place_teacher(teacher, folder)
        writing = _Writing(
            pool, tuple(lanes.values()), plan, folder=folder, second=second, stop=stop
        )
        for number, portion in writing.finished():
            for (distorted, reference), found in zip(sides, scores, strict=True):
                command = [*distorted.input(number), *reference.input(number)]
                command += _graph(portion, distorted, reference, teacher=teacher, threads=threads)
                found.update(_score(portion, command, engine=engine, folder=folder))
            on_frame(len(scores[-1]))
        for future in [pool.submit(lane.check_again, second, stop) for lane in lanes.values()]:
            future.result()
    return _counted(sides, scores)


@dataclass(frozen=True, slots=True)
class _Writing:
    """The pictures of all videos, portion by portion; the next is written while one is scored."""

    pool: Executor
    lanes: tuple[Lane, ...]
    plan: Sequence[Portion]
    folder: Path
    second: frozenset[int]
    stop: Event

    def finished(self) -> Generator[tuple[int, Portion]]:
        """Each portion when it is written; its files go when the next one is asked for."""
        waiting = self._start(0) if self.plan else []
        for number, portion in enumerate(self.plan):
            for future in waiting:
                future.result()
            if self.stop.is_set():
                raise ToolStopped("seeking was stopped")
            waiting = self._start(number + 1) if number + 1 < len(self.plan) else []
            yield number, portion
            for lane in self.lanes:
                (self.folder / lane.file(number)).unlink()

    def _start(self, number: int) -> list[Future[None]]:
        portion = self.plan[number]
        return [
            self.pool.submit(
                lane.write, portion, self.folder / lane.file(number), self.second, self.stop
            )
            for lane in self.lanes
        ]


def _counted(
    sides: Sequence[tuple[Lane, Lane]], scores: Sequence[Mapping[int, float]]
) -> list[Sought]:
    seen: set[Lane] = set()
    result: list[Sought] = []
    for (distorted, reference), found in zip(sides, scores, strict=True):
        shared = 0 if reference in seen else reference.seeker.decoded
        result.append(Sought(found, (shared, distorted.seeker.decoded)))
        seen.add(reference)
    return result


def _both(
    lanes: dict[tuple[Video, bytes], Lane], pair: CheckedPair, teacher: Teacher
) -> tuple[Lane, Lane]:
    """The lanes of distorted video and reference."""
    luma_only = teacher.path is None and teacher.name.startswith(_LUMA_ONLY)
    for side in (pair.distorted, pair.reference):
        if side.conversion != Conversion() and not luma_only:
            raise not_seekable(
                side.video.path,
                f"{teacher.name} sees colours, whose place within a pixel is not known here",
            )
    return (
        _lane(lanes, pair.distorted, frames_of(pair.matching.distorted)),
        _lane(lanes, pair.reference, frames_of(pair.matching.reference)),
    )


def _lane(
    lanes: dict[tuple[Video, bytes], Lane], side: Side, frames: Int[np.ndarray, " n_frames"]
) -> Lane:
    """The lane of a video, which pairs with the same reference share."""
    key = side.video, blake2b(frames.tobytes()).digest()
    if key not in lanes:
        lanes[key] = Lane(len(lanes), side, frames)
    return lanes[key]


def _moments(pairs: Sequence[CheckedPair], *, n_lanes: int, near: int) -> int:
    """Number of frames that fit into a portion, with their neighbours."""
    size = max(
        frame_bytes(side.info.pix_fmt, width=side.info.width, height=side.info.height)
        for pair in pairs
        for side in (pair.reference, pair.distorted)
    )
    return int(np.clip(_PORTION_BYTES // (size * n_lanes * (2 * near + 1)), 1, MOST_MOMENTS))


def _spread(frames: Collection[int], n_wanted: int) -> frozenset[int]:
    """So many of the frames, evenly spread."""
    ordered = sorted(set(frames))
    n_found = min(n_wanted, len(ordered))
    return frozenset(ordered[(2 * i + 1) * len(ordered) // (2 * n_found)] for i in range(n_found))


def _with_neighbours(
    frames: Collection[int], *, n_frames: int, near: int
) -> Int[np.ndarray, " n_wanted"]:
    centres = np.array(sorted(frames), dtype=np.int64)
    windows = centres[:, None] + np.arange(-near, near + 1)
    return np.unique(windows[(windows >= 0) & (windows < n_frames)])


def _graph(
    portion: Portion, distorted: Lane, reference: Lane, *, teacher: Teacher, threads: int
) -> list[str]:
    pads = ("distorted", "reference")
    chains = [
        f"[{number}:v]{','.join(lane.steps())}[{pad}]"
        for number, (lane, pad) in enumerate(zip((distorted, reference), pads, strict=True))
    ]
    scoring = libvmaf(
        pads, teacher=teacher, threads=threads, log=_LOG, every=portion.every, companion=False
    )
    return [*OWN_FILTERS_ONLY, "-filter_complex", ";".join([*chains, scoring]), "-f", "null", "-"]


def _score(
    portion: Portion, arguments: Sequence[str], *, engine: FfmpegEngine, folder: Path
) -> dict[int, float]:
    log = folder / _LOG
    log.unlink(missing_ok=True)
    said = run_ffmpeg(engine.ffmpeg.path, arguments, cwd=folder, stall_s=engine.stall_s)
    if not log.exists():
        raise ToolFailed(
            f"libvmaf wrote no log: {said.splitlines()[0] if said else 'it gave no reason'}",
            command=[str(engine.ffmpeg.path), *arguments],
            returncode=0,
            stderr_tail=said,
        )
    found = read_log(log, every=portion.every)[TARGET][portion.first :]
    if len(found) < len(portion.wanted):
        raise ToolFailed(
            f"libvmaf scored {len(found)} of {len(portion.wanted)} sought frames, the last of "
            f"which is frame {portion.wanted[-1]}"
        )
    return dict(zip(portion.wanted, found[: len(portion.wanted)].tolist(), strict=True))
