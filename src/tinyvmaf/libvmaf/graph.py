# SPDX-License-Identifier: Apache-2.0
"""Commands that make libvmaf score a pair: pure functions from a pair to an argument list.

No path ever enters a filter graph, where quotes, colons and commas mean something: inputs are
arguments, and log and model files have plain names in the folder that the command runs in.
"""

from collections.abc import Sequence

from tinyvmaf.libvmaf import pixels
from tinyvmaf.libvmaf.neighbours import any_of
from tinyvmaf.libvmaf.sets import FULL, SIGNAL, FeatureSet
from tinyvmaf.libvmaf.teacher import DEFAULT, Teacher
from tinyvmaf.media.ffmpeg import MODEL_FILE
from tinyvmaf.media.video import Video, plain_format
from tinyvmaf.pairs.checked import CheckedPair, Side, Stretch

LOG_CSV = "log.csv"

SCORE = "vmaf"
"""Name of the teacher's score in our logs."""

GRAPH_VERSION = 2
"""Incremented when the filters compute something else; older logs are then computed again."""

OWN_FILTERS_ONLY = ("-noauto_conversion_filters",)
"""Ffmpeg's option that ends a run whose graph would need a conversion that we did not write."""

INPUTS = ("0:V:0", "1:V:0")
"""The pads of the distorted video and of the reference."""

_MATRIX = "bt709"

COMPANION = "canonical"
"""Name of the v0.6.1 score in a log whose teacher is another model; the six features are its."""


def command(graph: str, pair: CheckedPair, *, threads: int = 1) -> list[str]:
    """Ffmpeg's arguments that run a filter graph over a pair and keep no picture."""
    return command_of(graph, [pair.distorted.video, pair.reference.video], threads=threads)


def command_of(graph: str, inputs: Sequence[Video], *, threads: int = 1) -> list[str]:
    """As `command`, for videos that the graph calls 0, 1, ..."""
    return [
        *OWN_FILTERS_ONLY,
        *(
            word
            for video in inputs
            for word in ("-threads", str(threads), "-noautorotate", *video.arguments())
        ),
        *("-filter_complex", graph),
        # Without passthrough the muxer would count dropped and doubled frames as progress. Sound
        # would be decoded for nothing.
        *("-fps_mode", "passthrough", "-an", "-sn", "-dn", "-f", "null", "-"),
    ]


def log_name(feature_set: FeatureSet) -> str:
    """The file that libvmaf's pass for a set writes."""
    return LOG_CSV if feature_set == FULL else f"{feature_set.name}.csv"


def filter_graph(
    pair: CheckedPair,
    *,
    teacher: Teacher,
    threads: int = 1,
    sets: Sequence[FeatureSet] = (FULL,),
    inputs: tuple[str, str] = INPUTS,
) -> str:
    """The filter graph: distorted is input 0, reference input 1, paired by frame number.

    Several sets share one decode; only the pass at full size asks for the teacher.
    """
    return compare(
        inputs,
        ("distorted", "reference"),
        pair=pair,
        teacher=teacher,
        threads=threads,
        sets=sets,
    )


def compare(
    inputs: tuple[str, str],
    names: tuple[str, str],
    *,
    pair: CheckedPair,
    teacher: Teacher,
    threads: int,
    sets: Sequence[FeatureSet],
    folder: str = "",
) -> str:
    """The graph from two pads, distorted and reference, to the logs of all sets.

    Args:
        inputs: Labels of the pads.
        names: Prefix of intermediate labels; no other part of the whole graph has them.
        pair: The two videos.
        teacher: The model.
        threads: Threads of libvmaf.
        sets: The feature sets.
        folder: Where the logs go, with its slash, within the folder that ffmpeg runs in.
    """
    chains = [
        f"[{pad}]{','.join([*steps, *conversion(side)])}"
        for pad, steps, side in zip(
            inputs, input_steps(pair), (pair.distorted, pair.reference), strict=True
        )
    ]
    if len(sets) == 1 and sets[0] == FULL:
        heads = "".join(f"{chain}[{name}];" for name, chain in zip(names, chains, strict=True))
        return heads + libvmaf(names, teacher=teacher, threads=threads, log=folder + LOG_CSV)
    heads = "".join(
        f"{chain},split={len(sets)}{''.join(f'[{name}_{item.name}]' for item in sets)};"
        for name, chain in zip(names, chains, strict=True)
    )
    return heads + ";".join(
        branch(item, names, teacher=teacher, threads=threads, folder=folder) for item in sets
    )


def input_steps(pair: CheckedPair) -> tuple[list[str], list[str]]:
    """The filters that keep and number the compared frames of the distorted video and reference."""
    matching = pair.matching
    sides = (pair.distorted, matching.distorted), (pair.reference, matching.reference)
    distorted, reference = (
        [stated(side.info.levels), *_kept(stretches, n_frames=side.info.n_frames)]
        for side, stretches in sides
    )
    return distorted, reference


def stated(levels: str) -> str:
    """The filter that states the colours of a video's pictures, overriding its tags.

    Ffmpeg would convert one video to the tags of the other, or guess missing tags; libvmaf compares
    the planes as they were decoded. The range matters where it is converted.
    """
    matrix = f"color_primaries={_MATRIX}:color_trc={_MATRIX}:colorspace={_MATRIX}"
    return f"setparams=range={levels}:{matrix}"


def _kept(stretches: Sequence[Stretch], *, n_frames: int) -> list[str]:
    # Timestamps are replaced by frame numbers: framesync would otherwise repeat or drop frames of
    # containers that round time stamps differently or start at another time.
    number = ["settb=1/25", "setpts=N"]
    first = stretches[0]
    if len(stretches) > 1 or first.step > 1:
        wanted = any_of([(stretch.first, _between(stretch)) for stretch in stretches])
        return [f"select='{wanted}'", *number]
    trim: list[str] = []
    if first.first:
        trim.append(f"start_frame={first.first}")
    if first.first + first.n_frames != n_frames:
        trim.append(f"end_frame={first.first + first.n_frames}")
    return [*([f"trim={':'.join(trim)}"] if trim else []), *number]


def _between(stretch: Stretch) -> str:
    within = f"between(n,{stretch.first},{stretch.last})"
    return within if stretch.step == 1 else f"{within}*not(mod(n-{stretch.first},{stretch.step}))"


def conversion(side: Side) -> list[str]:
    """The filters that convert one video to the format that libvmaf compares."""
    wanted, info = side.conversion, side.info
    steps = list(side.orientation.filters)
    if wanted.crop is not None:
        crop = wanted.crop
        steps.append(f"crop=w={crop.width}:h={crop.height}:x={crop.left}:y={crop.top}")
    pix_fmt = wanted.pix_fmt or plain_format(info.pix_fmt)
    levels = wanted.from_range or info.levels, wanted.color_range or info.levels
    if wanted.size is None and levels[0] == levels[1] and pix_fmt == info.pix_fmt:
        return steps
    scaling = ["w={}:h={}".format(*wanted.size)] if wanted.size is not None else []
    scaling += ["flags=bicubic", f"in_range={levels[0]}", f"out_range={levels[1]}"]
    if wanted.matrix is not None:
        scaling.append(f"out_color_matrix={wanted.matrix}")
    steps += [f"scale={':'.join(scaling)}", f"format={pix_fmt}"]
    return [*steps, stated(levels[1])] if wanted.matrix is not None else steps


def branch(
    feature_set: FeatureSet,
    names: tuple[str, str],
    *,
    teacher: Teacher,
    threads: int,
    folder: str = "",
) -> str:
    """The part of a graph that computes a set from the pads `NAME_SET` of both videos."""
    pads = (f"{names[0]}_{feature_set.name}", f"{names[1]}_{feature_set.name}")
    if not feature_set.by_libvmaf:
        chain = pixels.signal_chain if feature_set == SIGNAL else pixels.ssim_chain
        return chain(pads, folder=folder)
    log = folder + log_name(feature_set)
    if feature_set.is_full:
        return libvmaf(pads, teacher=teacher, threads=threads, log=log)
    size = f"w=trunc(iw/{feature_set.divisor}):h=trunc(ih/{feature_set.divisor})"
    small = (f"{pads[0]}_small", f"{pads[1]}_small")
    scale = "".join(
        f"[{pad}]scale={size}:flags={feature_set.scaler}[{to}];"
        for pad, to in zip(pads, small, strict=True)
    )
    # The six features do not depend on the teacher; v0.6.1 is the one that asks for them.
    return scale + libvmaf(small, teacher=Teacher(DEFAULT), threads=threads, log=log)


def libvmaf(
    pads: tuple[str, str],
    *,
    teacher: Teacher,
    threads: int,
    log: str = LOG_CSV,
    every: int = 1,
    companion: bool = True,
) -> str:
    """The filter libvmaf between the pads of the distorted video and of the reference.

    Args:
        pads: Their labels.
        teacher: The model.
        threads: Threads of libvmaf.
        log: The CSV file that it writes.
        every: Spatial features are computed on frames 0, `every`, 2 `every`, ... only.
        companion: True if v0.6.1 comes along for its six features.
    """
    # A stream that ends early ends the comparison; framesync would go on with its last frame.
    options = f"log_fmt=csv:log_path={log}:n_threads={threads}:shortest=1:repeatlast=0"
    if every > 1:
        options += f":n_subsample={every}"
    models = _models(teacher, companion=companion)
    return f"[{pads[0]}][{pads[1]}]libvmaf={options}:model={models}"


def _models(teacher: Teacher, *, companion: bool) -> str:
    # Two levels of quoting: `\\\\:` reaches the option parser as `\\:` and libvmaf as `:`.
    options = model_options(teacher)
    return "|".join("\\\\:".join(option) for option in (options if companion else options[-1:]))


def model_options(teacher: Teacher) -> list[tuple[str, str]]:
    """The models of a pass: the teacher, and v0.6.1 for its features if the teacher is another."""
    if teacher == Teacher(DEFAULT):
        return [(f"version={DEFAULT}", f"name={SCORE}")]
    labels = f"path={MODEL_FILE}" if teacher.path else f"version={teacher.name}"
    return [(f"version={DEFAULT}", f"name={COMPANION}"), (labels, f"name={SCORE}")]
