# SPDX-License-Identifier: Apache-2.0
"""The teacher's exact scores of scattered frames, at the cost of those frames.

The input is a list of frame numbers, the output a filter graph, and from its logs the scores that a
pass over the whole pair would give these frames, to the last digit. The same decode can feed passes
over all frames at reduced size.

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
from tinyvmaf.libvmaf.spare import SPARE, SpareFrames, tagged_inputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.pairs.checked import CheckedPair


def groups(frames: Sequence[int], *, teacher: Teacher) -> list[list[int]]:
    """The frames, sorted, in as few groups as possible, so that each has neighbours of its own.

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
    inputs: tuple[str, str] = ("0:V:0", "1:V:0"),
    tag: str = "",
) -> str:
    """The filter graph that scores `frames` exactly and makes `sets` of all frames.

    Args:
        frames: Compared frames, numbered from 0 to `pair.n_frames` - 1; at least one.
        pair: The two videos.
        teacher: The model that scores the frames.
        threads: Threads of each libvmaf filter.
        sets: Reduced sets that share the decode.
        spare: Frames that are kept as pictures; their pads have to be mapped to outputs.
        inputs: The pads of the distorted video and of the reference.
        tag: The beginning of every label, and the folder of the logs, where several pairs share a
            graph.
    """
    scattered = {f"exact{i}": group for i, group in enumerate(groups(frames, teacher=teacher))}
    names = [item.name for item in sets] + list(scattered) + [SPARE] * (spare is not None)
    sides = tagged_inputs(tag)
    pieces: list[str] = []
    for side, pad, steps in zip(sides, inputs, input_steps(pair), strict=True):
        pads = "".join(f"[{side}_{name}]" for name in names)
        pieces.append(f"[{pad}]{','.join(steps)},split={len(names)}{pads}")
    folder = f"{tag}/" if tag else ""
    converted = dict(zip(sides, _converted(pair), strict=True))
    for item in sets:
        pieces += [
            f"[{side}_{item.name}]{','.join(steps) or 'null'}[{side}_fit_{item.name}]"
            for side, steps in converted.items()
        ]
        fit = (f"{sides[0]}_fit", f"{sides[1]}_fit")
        pieces.append(branch(item, fit, teacher=teacher, threads=threads, folder=folder))
    for name, group in scattered.items():
        every, pack = _every(group, near=reach(teacher)), _packing(group, near=reach(teacher))
        # Conversion comes last: it is done for the selected frames only.
        pieces += [
            f"[{side}_{name}]{','.join([*pack, *steps])}[{side}_{name}_packed]"
            for side, steps in converted.items()
        ]
        pieces.append(
            libvmaf(
                (f"{sides[0]}_{name}_packed", f"{sides[1]}_{name}_packed"),
                teacher=teacher,
                threads=threads,
                log=f"{folder}{name}.csv",
                every=every,
                companion=False,
            )
        )
    if spare is not None:
        pieces += spare.pieces(converted)
    return ";".join(pieces)


def shared_sampled_graph(
    frames: Sequence[int],
    *,
    pairs: Mapping[str, CheckedPair],
    teacher: Teacher,
    threads: int = 1,
    sets: Sequence[FeatureSet] = (),
    spare: SpareFrames | None = None,
    inputs: Sequence[str] = (),
) -> str:
    """As `sampled_graph`, for encodes of one reference, which is the last input.

    `pairs` are named by their tags; the distorted videos are inputs 0, 1, ... in that order, unless
    `inputs` names other pads.
    """
    inputs = inputs or [f"{number}:V:0" for number in range(len(pairs) + 1)]
    copies = [f"shared{tag}" for tag in pairs]
    split = f"[{inputs[-1]}]split={len(copies)}{''.join(f'[{copy}]' for copy in copies)}"
    graphs = [
        sampled_graph(
            frames,
            pair=pair,
            teacher=teacher,
            threads=threads,
            sets=sets,
            spare=spare,
            inputs=(inputs[number], copy),
            tag=tag,
        )
        for number, ((tag, pair), copy) in enumerate(zip(pairs.items(), copies, strict=True))
    ]
    return ";".join([split, *graphs])


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


def _packing(group: Sequence[int], *, near: int) -> list[str]:
    """The filters that select the frames of a group with their neighbours and pack them."""
    pack = [select(group, near=near)]
    # Frame 0 must come first, since it has no motion; before any other, still copies fill up.
    if group[0] >= near:
        pack += [f"tpad=start={_every(group, near=near) - near}:start_mode=clone"]
    return [*pack, "setpts=N"]


def _every(group: Sequence[int], *, near: int) -> int:
    """The distance of the wanted frames when packed; the first stands at that index, or at 0."""
    return group[0] if 0 < group[0] < near else 2 * near + 1


def _converted(pair: CheckedPair) -> tuple[list[str], list[str]]:
    return conversion(pair.distorted), conversion(pair.reference)
