# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pairs.making import checked
from tinyvmaf.libvmaf.graph import (
    command,
    filter_graph,
)
from tinyvmaf.libvmaf.shared_decode import Request, shared_arguments
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.libvmaf.vmaf_program import vmaf_arguments
from tinyvmaf.media.video import RawFormat, Video, VideoInfo
from tinyvmaf.pairs.checked import Conversion, Crop, Matching, Run

DEFAULT = Teacher("vmaf_v0.6.1")
LIBVMAF = (
    "[distorted][reference]libvmaf=log_fmt=csv:log_path=log.csv:n_threads=1:shortest=1:repeatlast=0"
)


STATED = "setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
KEPT = "flags=bicubic:in_range=limited:out_range=limited,format="


def info(pix_fmt="yuv420p", size=(192, 108)):
    return VideoInfo(*size, pix_fmt, Fraction(25), n_frames=8, start_s=0.0, codec="rawvideo")


@pytest.mark.parametrize(
    ("pair", "distorted", "reference"),
    [
        pytest.param(checked(), "settb=1/25,setpts=N", "settb=1/25,setpts=N", id="fits"),
        pytest.param(
            checked(matching=Matching.by_number(6, reference=2)),
            "trim=end_frame=6,settb=1/25,setpts=N",
            "trim=start_frame=2,settb=1/25,setpts=N",
            id="shifted",
        ),
        pytest.param(
            checked(matching=Matching((Run(0, 0, 3), Run(4, 3, 2, 2)))),
            "select='if(lt(n,3),between(n,0,2),between(n,3,4))',settb=1/25,setpts=N",
            "select='if(lt(n,4),between(n,0,2),between(n,4,6)*not(mod(n-4,2)))',settb=1/25,setpts=N",
            id="two runs",
        ),
        pytest.param(
            checked(distorted_conversion=Conversion(size=(192, 108))),
            f"settb=1/25,setpts=N,scale=w=192:h=108:{KEPT}yuv420p",
            "settb=1/25,setpts=N",
            id="size",
        ),
        pytest.param(
            checked(
                reference_conversion=Conversion(pix_fmt="yuv420p10le"),
                distorted_conversion=Conversion(pix_fmt="yuv420p10le"),
            ),
            f"settb=1/25,setpts=N,scale={KEPT}yuv420p10le",
            f"settb=1/25,setpts=N,scale={KEPT}yuv420p10le",
            id="pixel format",
        ),
        pytest.param(
            checked(distorted_conversion=Conversion(color_range="full")),
            "settb=1/25,setpts=N,scale=flags=bicubic:in_range=limited:out_range=full,format=yuv420p",
            "settb=1/25,setpts=N",
            id="colour range",
        ),
        pytest.param(
            checked(
                matching=Matching.by_number(7),
                reference_conversion=Conversion(crop=Crop(192, 80, 0, 14), pix_fmt="yuv420p"),
                distorted_conversion=Conversion(None, (192, 80), "yuv420p", "limited"),
            ),
            f"trim=end_frame=7,settb=1/25,setpts=N,scale=w=192:h=80:{KEPT}yuv420p",
            "trim=end_frame=7,settb=1/25,setpts=N,crop=w=192:h=80:x=0:y=14",
            id="all at once",
        ),
    ],
)
def test_the_whole_graph(pair, distorted, reference):
    assert filter_graph(pair, teacher=DEFAULT) == (
        f"[0:V:0]{STATED},{distorted}[distorted];[1:V:0]{STATED},{reference}[reference];"
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=vmaf"
    )


def test_another_teacher_brings_the_default_along_for_its_features():
    graph = filter_graph(checked(), teacher=Teacher("vmaf_v0.6.1neg"))
    assert graph.endswith(
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=canonical|"
        r"version=vmaf_v0.6.1neg\\:name=vmaf"
    )


def test_a_teacher_in_a_file_is_named_by_its_place_in_the_working_folder():
    teacher = Teacher("it's: a,b", path=Path("/some/it's: a,b.json"), sha256="0" * 64)
    graph = filter_graph(checked(), teacher=teacher)
    assert graph.endswith(
        rf"{LIBVMAF}:model=version=vmaf_v0.6.1\\:name=canonical|"
        r"path=teacher.json\\:name=vmaf"
    )
    assert "it's" not in graph


def test_the_whole_command_of_ffmpeg():
    reference = Video(Path("/in/it's; a:b,c [%d].mp4"))
    raw = RawFormat(192, 108, "yuv420p10le", Fraction(30000, 1001))
    distorted = Video(Path("/in/-y.yuv"), raw)
    pair = checked(reference=reference, distorted=distorted)
    assert command(filter_graph(pair, teacher=DEFAULT), pair) == [
        "-noauto_conversion_filters",
        *("-threads", "1", "-noautorotate", "-protocol_whitelist", "file"),
        *("-f", "rawvideo", "-pixel_format", "yuv420p10le", "-video_size", "192x108"),
        *("-framerate", "30000/1001", "-i", "file:/in/-y.yuv"),
        *("-threads", "1", "-noautorotate", "-protocol_whitelist", "file"),
        *("-i", "file:/in/it's; a:b,c [%d].mp4"),
        *("-filter_complex", filter_graph(pair, teacher=DEFAULT)),
        *("-fps_mode", "passthrough", "-an", "-sn", "-dn", "-f", "null", "-"),
    ]


def test_pairs_of_one_reference_share_its_decode():
    conversions = {"a": Conversion(), "b": Conversion(size=(192, 108))}
    requests = [
        Request(checked(distorted=Video(Path(f"/in/{name}.mp4")), distorted_conversion=conversion))
        for name, conversion in conversions.items()
    ]
    command = shared_arguments(requests, teacher=DEFAULT)
    inputs = [word for before, word in pairwise(command) if before == "-i"]
    assert inputs == ["file:/in/a.mp4", "file:/in/b.mp4", "file:/in/reference.mp4"]
    options = "n_threads=1:shortest=1:repeatlast=0:model=version=vmaf_v0.6.1\\\\:name=vmaf"
    assert command[command.index("-filter_complex") + 1].split(";") == [
        "[2:V:0]split=2[shared0][shared1]",
        f"[0:V:0]{STATED},settb=1/25,setpts=N[distorted0]",
        f"[shared0]{STATED},settb=1/25,setpts=N[reference0]",
        f"[distorted0][reference0]libvmaf=log_fmt=csv:log_path=0/log.csv:{options}",
        f"[1:V:0]{STATED},settb=1/25,setpts=N,scale=w=192:h=108:{KEPT}yuv420p[distorted1]",
        f"[shared1]{STATED},settb=1/25,setpts=N[reference1]",
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
