# SPDX-License-Identifier: Apache-2.0
"""The teacher's exact scores of scattered frames, at the cost of those frames.

In goes a list of frame numbers, out comes a filter graph, and from its logs the scores that a pass
over the whole pair gives to these frames, to the last digit. The same decode can feed passes over
all frames at reduced size.

A score needs the frame itself and, for motion, its neighbours. They are selected and packed one
behind the other, so that every wanted frame stands at a multiple of the packing's length, where
`n_subsample` computes the costly spatial features. Neighbours cannot be shared: frames that stand
too near to each other go to different groups, each with a libvmaf filter of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyvmaf.errors import ToolFailed
from tinyvmaf.libvmaf.graph import branch, conversion, input_steps, libvmaf
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.neighbours import reach, select
from tinyvmaf.libvmaf.sets import TARGET, FeatureSet
from tinyvmaf.libvmaf.spare import INPUTS, SPARE, SpareFrames
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.pairs.checked import CheckedPair


def groups(frames: Sequence[int], *, teacher: Teacher) -> list[list[int]]:
    """The frames, sorted and put into as few groups as let each have its own neighbours.

    Example:
        >>> groups([7, 0, 8, 20], teacher=Teacher("vmaf_v0.6.1"))
        [[0, 7, 20], [8]]
    """
    near = reach(teacher)
    # A window that begins before frame 0 cannot be packed behind others.
    early = [[frame] for frame in sorted(set(frames)) if 0 < frame < near]
    found: list[list[int]] = []
    for frame in sorted(set(frames) - {group[0] for group in early}):
        home = next((group for group in found if frame - group[-1] > 2 * near), None)
        if home is None:
            found.append([frame])
        else:
            home.append(frame)
    return early + found


def sampled_graph(
    frames: Sequence[int],
    *,
    pair: CheckedPair,
    teacher: Teacher,
    threads: int = 1,
    sets: Sequence[FeatureSet] = (),
    spare: SpareFrames | None = None,
) -> str:
    """The filter graph that scores `frames` exactly and makes `sets` of all frames.

    Args:
        frames: Compared frames, numbered from 0 to `pair.n_frames` - 1; at least one.
        pair: The two videos.
        teacher: Whose scores are wanted.
        threads: What each libvmaf filter may use.
        sets: Reduced sets that share the decode.
        spare: Frames that are kept as pictures; their pads have to be mapped to outputs.
    """
    scattered = {f"exact{i}": group for i, group in enumerate(groups(frames, teacher=teacher))}
    names = [item.name for item in sets] + list(scattered) + [SPARE] * (spare is not None)
    pieces: list[str] = []
    for position, steps in enumerate(input_steps(pair)):
        pads = "".join(f"[{INPUTS[position]}_{name}]" for name in names)
        pieces.append(f"[{position}:V:0]{','.join(steps)},split={len(names)}{pads}")
    for item in sets:
        pieces += _reduced(item, pair=pair, teacher=teacher, threads=threads)
    for name, group in scattered.items():
        pieces += _exact(name, group, pair=pair, teacher=teacher, threads=threads)
    if spare is not None:
        pieces += spare.pieces(dict(zip(INPUTS, _converted(pair), strict=True)))
    return ";".join(pieces)


def read_sampled(folder: Path, frames: Sequence[int], *, teacher: Teacher) -> Mapping[int, float]:
    """The score of every frame of `frames`, from the logs that `sampled_graph` made in `folder`.

    Raises:
        SchemaError: a log is not readable.
        ToolFailed: a frame is missing.
    """
    scores: dict[int, float] = {}
    for i, group in enumerate(groups(frames, teacher=teacher)):
        every = _every(group, near=reach(teacher))
        found = read_log(folder / f"exact{i}.csv", every=every)[TARGET]
        # Where the first wanted frame is not frame 0, another one stands at the beginning.
        found = found[1:] if group[0] else found
        if len(found) < len(group):
            raise ToolFailed(
                f"libvmaf scored {len(found)} of {len(group)} sampled frames, the last of which "
                f"is frame {group[-1]}: a video is damaged or ends early"
            )
        scores.update(zip(group, found[: len(group)].tolist(), strict=True))
    return scores


def _reduced(item: FeatureSet, *, pair: CheckedPair, teacher: Teacher, threads: int) -> list[str]:
    """A set's pass; the distorted video is brought to the reference's size first."""
    steps = _converted(pair)
    pieces = [
        f"[{name}_{item.name}]{','.join(convert) or 'null'}[{name}_fit_{item.name}]"
        for name, convert in zip(INPUTS, steps, strict=True)
    ]
    fit = (f"{INPUTS[0]}_fit", f"{INPUTS[1]}_fit")
    return [*pieces, branch(item, fit, teacher=teacher, threads=threads)]


def _exact(
    name: str, group: Sequence[int], *, pair: CheckedPair, teacher: Teacher, threads: int
) -> list[str]:
    near = reach(teacher)
    every = _every(group, near=near)
    pack = [select(group, near=near)]
    # Frame 0 must come first, since it has no motion; before any other, still copies fill up.
    if group[0] >= near:
        pack += [f"tpad=start={every - near}:start_mode=clone"]
    pack += ["setpts=N"]
    # Conversion comes last: it is done for the selected frames only.
    pieces = [
        f"[{side}_{name}]{','.join([*pack, *convert])}[{side}_{name}_packed]"
        for side, convert in zip(INPUTS, _converted(pair), strict=True)
    ]
    pads = (f"{INPUTS[0]}_{name}_packed", f"{INPUTS[1]}_{name}_packed")
    scoring = libvmaf(
        pads, teacher=teacher, threads=threads, log=f"{name}.csv", every=every, companion=False
    )
    return [*pieces, scoring]


def _every(group: Sequence[int], *, near: int) -> int:
    """The distance of the wanted frames when packed; the first stands at that index, or at 0."""
    return group[0] if 0 < group[0] < near else 2 * near + 1


def _converted(pair: CheckedPair) -> tuple[list[str], list[str]]:
    return conversion(pair.distorted), conversion(pair.reference)
