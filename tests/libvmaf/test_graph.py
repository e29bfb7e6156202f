# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.libvmaf.graph import (
    ffmpeg_arguments,
    filter_graph,
)
from tinyvmaf.libvmaf.shared_decode import Comparison, shared_arguments
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.libvmaf.vmaf_program import vmaf_arguments
from tinyvmaf.media.video import RawFormat, Video, VideoInfo
from tinyvmaf.pairs.alignment import Alignment

DEFAULT = Teacher("vmaf_v0.6.1")
LIBVMAF = (
    "[distorted][reference]libvmaf=log_fmt=csv:log_path=log.csv:n_threads=1:shortest=1:repeatlast=0"
)


def info(pix_fmt="yuv420p", size=(192, 108)):
    return VideoInfo(*size, pix_fmt, Fraction(25), n_frames=8, start_s=0.0, codec="rawvideo")


@pytest.mark.parametrize(
    ("alignment", "distorted", "reference"),
    [
        pytest.param(Alignment(8), "settb=1/25,setpts=N", "settb=1/25,setpts=N", id="fits"),
        pytest.param(
            Alignment(8, trim=True),
            "settb=1/25,setpts=N,trim=end_frame=8",
            "settb=1/25,setpts=N,trim=end_frame=8",
            id="frame count",
        ),
        pytest.param(
            Alignment(8, scale=(192, 108)),
            "settb=1/25,setpts=N,scale=w=192:h=108:flags=bicubic",
            "settb=1/25,setpts=N",
            id="size",
        ),
        pytest.param(
            Alignment(8, pix_fmt="yuv420p10le"),
            "settb=1/25,setpts=N,format=yuv420p10le",
            "settb=1/25,setpts=N,format=yuv420p10le",
            id="pixel format",
        ),
        pytest.param(
            Alignment(8, color_range="full"),
            "settb=1/25,setpts=N,scale=out_range=full",
            "settb=1/25,setpts=N",
            id="colour range",
        ),
        pytest.param(
            Alignment(8, True, (192, 108), "yuv420p", "limited"),
            "settb=1/25,setpts=N,trim=end_frame=8,"
            "scale=w=192:h=108:flags=bicubic:out_range=limited,format=yuv420p",
            "settb=1/25,setpts=N,trim=end_frame=8,format=yuv420p",
            id="all at once",
        ),
    ],
)
def test_the_whole_graph(alignment, distorted, reference):
    assert filter_graph(alignment=alignment, teacher=DEFAULT) == (
        f"[0:V:0]{distorted}[distorted];[1:V:0]{reference}[reference];"
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=vmaf"
    )


def test_another_teacher_brings_the_default_along_for_its_features():
    graph = filter_graph(alignment=Alignment(8), teacher=Teacher("vmaf_v0.6.1neg"))
    assert graph.endswith(
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=canonical|"
        r"version=vmaf_v0.6.1neg\\:name=vmaf"
    )


def test_a_teacher_in_a_file_is_named_by_its_place_in_the_working_folder():
    teacher = Teacher("it's: a,b", path=Path("/some/it's: a,b.json"), sha256="0" * 64)
    graph = filter_graph(alignment=Alignment(8), teacher=teacher)
    assert graph.endswith(
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=canonical|"
        r"path=teacher.json\\:name=vmaf"
    )
    assert "it's" not in graph


def test_the_whole_command_of_ffmpeg():
    reference = Video(Path("/in/it's; a:b,c [%d].mp4"))
    raw = RawFormat(192, 108, "yuv420p10le", Fraction(30000, 1001))
    distorted = Video(Path("/in/-y.yuv"), raw)
    alignment = Alignment(8, pix_fmt="yuv420p10le")
    assert ffmpeg_arguments(
        reference=reference, distorted=distorted, alignment=alignment, teacher=DEFAULT
    ) == [
        *("-threads", "1", "-protocol_whitelist", "file"),
        *("-f", "rawvideo", "-pixel_format", "yuv420p10le", "-video_size", "192x108"),
        *("-framerate", "30000/1001", "-i", "file:/in/-y.yuv"),
        *("-threads", "1", "-protocol_whitelist", "file"),
        *("-i", "file:/in/it's; a:b,c [%d].mp4"),
        *("-filter_complex", filter_graph(alignment=alignment, teacher=DEFAULT)),
        *("-fps_mode", "passthrough", "-f", "null", "-"),
    ]


def test_pairs_of_one_reference_share_its_decode():
    reference = Video(Path("/in/reference.mp4"))
    alignments = {"a": Alignment(8), "b": Alignment(8, scale=(192, 108))}
    comparisons = [
        Comparison(
            Pair("source", name, reference, Video(Path(f"/in/{name}.mp4"))), info(), alignment
        )
        for name, alignment in alignments.items()
    ]
    command = shared_arguments(comparisons, teacher=DEFAULT)
    inputs = [word for before, word in pairwise(command) if before == "-i"]
    assert inputs == ["file:/in/a.mp4", "file:/in/b.mp4", "file:/in/reference.mp4"]
    options = "n_threads=1:shortest=1:repeatlast=0:model=version=vmaf_v0.6.1\\\\:name=vmaf"
    assert command[command.index("-filter_complex") + 1].split(";") == [
        "[2:V:0]split=2[shared0][shared1]",
        "[0:V:0]settb=1/25,setpts=N[distorted0]",
        "[shared0]settb=1/25,setpts=N[reference0]",
        f"[distorted0][reference0]libvmaf=log_fmt=csv:log_path=0/log.csv:{options}",
        "[1:V:0]settb=1/25,setpts=N,scale=w=192:h=108:flags=bicubic[distorted1]",
        "[shared1]settb=1/25,setpts=N[reference1]",
        f"[distorted1][reference1]libvmaf=log_fmt=csv:log_path=1/log.csv:{options}",
    ]


@pytest.mark.parametrize(
    ("pix_fmt", "sampling", "depth"),
    [
        ("yuv420p", "420", "8"),
        ("yuv422p10le", "422", "10"),
        ("yuv444p12le", "444", "12"),
        ("yuv420p16le", "420", "16"),
    ],
)
def test_the_whole_command_of_vmaf_for_raw_video(pix_fmt, sampling, depth):
    raw = RawFormat(192, 108, pix_fmt)
    assert vmaf_arguments(
        reference=Video(Path("/in/r.yuv"), raw),
        distorted=Video(Path("/in/d.yuv"), raw),
        info=info(pix_fmt),
        teacher=DEFAULT,
    ) == [
        *("--reference", "/in/r.yuv", "--distorted", "/in/d.yuv"),
        *("--width", "192", "--height", "108"),
        *("--pixel_format", sampling, "--bitdepth", depth),
        *("--model", "version=vmaf_v0.6.1:name=vmaf"),
        *("--threads", "1", "--json", "--output", "log.json", "--quiet"),
    ]


def test_the_whole_command_of_vmaf_for_y4m_and_another_teacher():
    assert vmaf_arguments(
        reference=Video(Path("/in/r.y4m")),
        distorted=Video(Path("/in/d.y4m")),
        info=info(),
        teacher=Teacher("mine", path=Path("/models/mine.json"), sha256="0" * 64),
    ) == [
        *("--reference", "/in/r.y4m", "--distorted", "/in/d.y4m"),
        *("--model", "version=vmaf_v0.6.1:name=canonical"),
        *("--model", "path=teacher.json:name=vmaf"),
        *("--threads", "1", "--json", "--output", "log.json", "--quiet"),
    ]
