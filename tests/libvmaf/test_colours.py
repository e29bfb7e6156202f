# SPDX-License-Identifier: Apache-2.0
"""The score is that of the decoded planes, whatever colours the tags name; nothing is inserted."""

import re
from itertools import product

import numpy as np
import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MediaError, MisalignedError, ToolFailed
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.graph import command, command_of, filter_graph
from tinyvmaf.libvmaf.scattered import read_sampled, sampled_graph
from tinyvmaf.libvmaf.sets import FULL, HALF, SIGNAL
from tinyvmaf.libvmaf.shared_decode import Request
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.diagnostics import Diagnostics
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.finding import Allowance

pytestmark = pytest.mark.ffmpeg

TEACHER = Teacher("vmaf_v0.6.1")
FRAMES = (0, 1, 4, 7)

# Numbers of the standard H.273: primaries, transfer, matrix; full range or not; None for no tag.
TAGS = {
    "none": None,
    "bt709": (1, 1, 1, 0),
    "bt601": (6, 6, 6, 0),
    "bt470bg": (5, 4, 5, 0),
    "bt2020": (9, 14, 9, 0),
    "matrix only": (2, 2, 1, 0),
    "primaries only": (9, 2, 2, 0),
    "transfer only": (2, 13, 2, 0),
    "full bt709": (1, 1, 1, 1),
    "full bt601": (6, 6, 6, 1),
}
ALL_PAIRS = [
    (ours, theirs)
    for ours, theirs in product(TAGS, TAGS)
    if ours.startswith("full") == theirs.startswith("full")
]


@pytest.fixture(scope="module")
def tagged(moving, make_video, tmp_path_factory):
    """Both sides in every tag, the same coded pictures in each, and as raw planes without any."""
    folder = tmp_path_factory.mktemp("tags")
    videos = {}
    for side, crf in (("reference", 8), ("distorted", 40)):
        coded = ["-c:v", "libx264", "-crf", crf, "-pix_fmt", "yuv420p"]
        plain = moving(folder / f"{side}.ts", *coded)
        raw = make_video(folder / f"{side}.yuv", "-i", plain, "-f", "rawvideo")
        videos[side, "raw"] = Video(raw, RawFormat(192, 108))
        for name, tag in TAGS.items():
            if tag is None:
                videos[side, name] = Video(plain)
                continue
            words = ("colour_primaries", "transfer_characteristics", "matrix_coefficients")
            words = (*words, "video_full_range_flag")
            change = ":".join(f"{word}={n}" for word, n in zip(words, tag, strict=True))
            copy = ["-i", plain, "-c", "copy", "-bsf:v", f"h264_metadata={change}"]
            videos[side, name] = Video(make_video(folder / f"{side}_{name}.ts", *copy))
    return videos


@pytest.fixture(scope="module")
def run(ffmpeg, tmp_path_factory):
    """The scores of a pair by a pass over all frames, and by one that samples and keeps some."""
    engine = FfmpegEngine(ffmpeg)

    def score(reference, distorted):
        pair = Pair.of_files(reference=reference, distorted=distorted)
        checked = check(pair, allowed=frozenset(Allowance))
        folder = tmp_path_factory.mktemp("full")
        silent = {"teacher": TEACHER, "on_frame": lambda _: None}
        ((parts, small),) = engine.score([Request(checked, (FULL, HALF))], folder=folder, **silent)
        full = np.concatenate([part["vmaf"] for part in parts]).tolist()
        small.close()
        folder = tmp_path_factory.mktemp("sampled")
        spare = SpareFrames(FRAMES[1:], n_frames=checked.n_frames, teacher=TEACHER)
        graph = sampled_graph(FRAMES, pair=checked, teacher=TEACHER, sets=(SIGNAL,), spare=spare)
        engine.run([*command(graph, checked), *outputs()], folder=folder, **silent)
        sampled = read_sampled(folder, FRAMES, teacher=TEACHER)
        places, kept = spare.places(spare.frames), spare.pair(checked, folder)
        graph = sampled_graph(places, pair=kept, teacher=TEACHER)
        engine.run(command(graph, kept), folder=folder, **silent)
        again = read_sampled(folder, places, teacher=TEACHER)
        assert sampled == {frame: full[frame] for frame in FRAMES}
        assert list(again.values()) == [full[frame] for frame in spare.frames]
        return full

    return score


@pytest.fixture(scope="module")
def truth(tagged, run):
    return run(tagged["reference", "raw"], tagged["distorted", "raw"])


@pytest.mark.parametrize(("ours", "theirs"), ALL_PAIRS)
def test_the_score_is_that_of_the_decoded_planes(tagged, run, truth, ours, theirs):
    assert run(tagged["reference", ours], tagged["distorted", theirs]) == truth


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ("bt709", "none", True),
        ("none", "bt601", True),
        ("bt601", "bt470bg", True),
        ("bt709", "primaries only", True),
        ("bt709", "bt601", False),
        ("bt2020", "bt709", False),
    ],
)
def test_two_matrices_that_are_tagged_and_differ_are_a_finding(tagged, ours, theirs, fits):
    pair = Pair.of_files(reference=tagged["reference", ours], distorted=tagged["distorted", theirs])
    allowed = frozenset(Allowance) - {Allowance.COLOR_MATRIX}
    if fits:
        check(pair, allowed=allowed)
        return
    message = f"reference has the colour matrix {ours}, distorted {theirs}, so that equal colours "
    with pytest.raises(MisalignedError, match=f"{message}.*`allow=\\['color-matrix'\\]`"):
        check(pair, allowed=allowed)
    found = check(pair, allowed=frozenset(Allowance))
    assert Allowance.COLOR_MATRIX in found.accepted
    assert any(note.startswith(message) for note in found.notes)


X264 = ("-c:v", "libx264", "-crf", 40)


CASES = (
    (".mp4", (*X264, "-colorspace", "bt709", "-color_range", "tv")),
    (".mp4", (*X264, "-pix_fmt", "yuv420p", "-vf", "scale=128:72")),
    (".mp4", (*X264, "-pix_fmt", "yuv422p10le")),
    (".avi", ("-c:v", "mjpeg", "-q:v", 20)),
    (".mkv", (*X264, "-pix_fmt", "yuvj420p")),
    (".mkv", ("-c:v", "ffv1", "-pix_fmt", "gray")),
    (".mkv", ("-c:v", "ffv1", "-pix_fmt", "gbrp")),
    (".mkv", ("-c:v", "ffv1", "-pix_fmt", "yuva420p")),
    (".y4m", ("-vf", "scale=192:108:out_range=full", "-color_range", "pc")),
    (".nut", ("-c:v", "rawvideo", "-pix_fmt", "nv12")),
    (".nut", ("-c:v", "rawvideo", "-pix_fmt", "yuv411p")),
)


@pytest.mark.parametrize(
    ("suffix", "arguments", "turned"),
    [
        *((suffix, arguments, False) for suffix, arguments in CASES),
        # The others hold no display matrix.
        *((suffix, arguments, True) for suffix, arguments in CASES if suffix in {".mp4", ".mkv"}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_ffmpeg_reports_no_filter_that_we_did_not_write(
    ffmpeg, moving, make_video, tmp_path, suffix, arguments, turned
):
    reference = moving(tmp_path / "reference.mp4", "-c:v", "libx264", "-crf", 10)
    distorted = moving(tmp_path / f"distorted{suffix}", *arguments)
    if turned:
        matrix = ["-display_rotation", 90, "-display_hflip"]
        distorted = make_video(tmp_path / f"turned{suffix}", *matrix, "-i", distorted, "-c", "copy")
        if "yuv422p10le" in arguments:
            with pytest.raises(MediaError, match="mirrored and turned by 270 degrees when"):
                check(Pair.of_files(reference=Video(reference), distorted=Video(distorted)))
            return
    pair = Pair.of_files(reference=Video(reference), distorted=Video(distorted))
    checked = check(pair, allowed=frozenset(Allowance))
    for words in (
        command(filter_graph(checked, teacher=TEACHER, sets=(FULL, HALF)), checked),
        command(sampled_graph(FRAMES, pair=checked, teacher=TEACHER, sets=(SIGNAL,)), checked),
    ):
        report: list[str] = []
        heard = Diagnostics()
        hear = heard.hear

        def listen(line, report=report, hear=hear):
            report.append(line)
            return hear(line)

        heard.hear = listen
        run_ffmpeg(ffmpeg.path, words, cwd=tmp_path, diagnostics=heard)
        named = {name for line in report for name in re.findall(r"^\[(\w[^@\]]*) @ ", line)}
        filters = {name for name in named if name.startswith(("Parsed_", "auto_", "transpose"))}
        assert any(name.startswith("Parsed_libvmaf") for name in filters)
        assert all(name.startswith("Parsed_") for name in filters)
        assert heard.inserted == []
        assert not heard.reconfigured


def test_a_graph_that_would_need_a_conversion_fails(ffmpeg, tagged, tmp_path):
    videos = [tagged["reference", "bt709"], tagged["distorted", "bt601"]]
    with pytest.raises(ToolFailed):
        run_ffmpeg(ffmpeg.path, command_of("[0:V:0][1:V:0]libvmaf", videos), cwd=tmp_path)
