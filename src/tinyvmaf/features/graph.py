# SPDX-License-Identifier: Apache-2.0
"""The commands that make libvmaf score a pair, as pure functions from a pair to an argument list.

No path ever enters a filter graph, where quotes, colons and commas mean something: inputs are
arguments, and log and model files have plain names in the folder that the command runs in.
"""

from tinyvmaf.features.alignment import Alignment
from tinyvmaf.features.teacher import DEFAULT, Teacher
from tinyvmaf.media.ffmpeg import MODEL_FILE
from tinyvmaf.media.video import Video, VideoInfo

LOG_CSV = "log.csv"
LOG_JSON = "log.json"

SCORE = "vmaf"
"""Name that the teacher's score has in every log of ours."""

COMPANION = "canonical"
"""Name of the v0.6.1 score in a log whose teacher is another model; the six features are its."""


def ffmpeg_arguments(
    *,
    reference: Video,
    distorted: Video,
    alignment: Alignment,
    teacher: Teacher,
    threads: int = 1,
) -> list[str]:
    """Ffmpeg's arguments for one libvmaf pass over a pair; the log goes to `LOG_CSV`.

    `threads` is what each decoder and libvmaf may use: one where many pairs run side by side.
    """
    graph = filter_graph(alignment=alignment, teacher=teacher, threads=threads)
    return [
        *("-threads", str(threads), *distorted.arguments()),
        *("-threads", str(threads), *reference.arguments()),
        *("-filter_complex", graph),
        # Without passthrough the muxer would count dropped and doubled frames as progress.
        *("-fps_mode", "passthrough", "-f", "null", "-"),
    ]


def filter_graph(*, alignment: Alignment, teacher: Teacher, threads: int = 1) -> str:
    """The filter graph: distorted is input 0, reference input 1, paired by frame number."""
    # Timestamps are replaced by frame numbers: framesync would otherwise repeat or drop frames of
    # containers that round time stamps differently or start at another time.
    steps = ["settb=1/25", "setpts=N"]
    if alignment.trim:
        steps.append(f"trim=end_frame={alignment.n_frames}")
    scaling: list[str] = []
    if alignment.scale is not None:
        scaling.append("w={}:h={}:flags=bicubic".format(*alignment.scale))
    if alignment.color_range is not None:
        scaling.append(f"out_range={alignment.color_range}")
    convert = [f"format={alignment.pix_fmt}"] if alignment.pix_fmt else []
    scale = [f"scale={':'.join(scaling)}"] if scaling else []
    distorted = ",".join([*_skip(alignment.skip_distorted), *steps, *scale, *convert])
    reference = ",".join([*_skip(alignment.skip_reference), *steps, *convert])
    # A stream that ends early ends the comparison; framesync would go on with its last frame.
    options = f"log_fmt=csv:log_path={LOG_CSV}:n_threads={threads}:shortest=1:repeatlast=0"
    libvmaf = f"libvmaf={options}:model={_models(teacher)}"
    return (
        f"[0:V:0]{distorted}[distorted];[1:V:0]{reference}[reference];"
        f"[distorted][reference]{libvmaf}"
    )


def _skip(n_frames: int) -> list[str]:
    """Drop frames at the start; before the numbering, so that the first kept one is frame 0."""
    return [f"trim=start_frame={n_frames}"] if n_frames else []


def vmaf_arguments(
    *, reference: Video, distorted: Video, info: VideoInfo, teacher: Teacher
) -> list[str]:
    """Arguments of libvmaf's own program for a raw or Y4M pair; the log goes to `LOG_JSON`."""
    arguments = ["--reference", str(reference.path.absolute())]
    arguments += ["--distorted", str(distorted.path.absolute())]
    if reference.raw is not None:
        sampling, _, depth = info.pix_fmt.removeprefix("yuv").partition("p")
        arguments += ["--width", str(info.width), "--height", str(info.height)]
        arguments += ["--pixel_format", sampling, "--bitdepth", depth.removesuffix("le") or "8"]
    for option in _model_options(teacher):
        arguments += ["--model", ":".join(option)]
    return [*arguments, "--threads", "1", "--json", "--output", LOG_JSON, "--quiet"]


def _models(teacher: Teacher) -> str:
    # Two levels of quoting: `\\\\:` reaches the option parser as `\\:` and libvmaf as `:`.
    return "|".join("\\\\:".join(option) for option in _model_options(teacher))


def _model_options(teacher: Teacher) -> list[tuple[str, str]]:
    """The models of a pass: the teacher, and v0.6.1 for its features if the teacher is another."""
    if teacher == Teacher(DEFAULT):
        return [(f"version={DEFAULT}", f"name={SCORE}")]
    labels = f"path={MODEL_FILE}" if teacher.path else f"version={teacher.name}"
    return [(f"version={DEFAULT}", f"name={COMPANION}"), (labels, f"name={SCORE}")]
