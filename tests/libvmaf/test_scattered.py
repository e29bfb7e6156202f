# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pairs.making import PLAIN, checked
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import ToolFailed
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.graph import command
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.neighbours import reach, select
from tinyvmaf.libvmaf.scattered import groups, read_sampled, sampled_graph
from tinyvmaf.libvmaf.sets import HALF
from tinyvmaf.libvmaf.shared_decode import Request
from tinyvmaf.libvmaf.spare import SpareFrames, outputs
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.checked import Conversion
from tinyvmaf.pairs.finding import Allowance

V06 = Teacher("vmaf_v0.6.1")
V1 = Teacher("vmaf_v1.0.16_3d0h")
STATED = "setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
KEPT = "flags=bicubic:in_range=limited:out_range=limited,format="
HFR = Teacher("vmaf_v1.0.16_hfr_3d0h")
N_FRAMES = 30
# The ends, neighbours of all distances, and one that stands alone.
SCATTERED = (0, 1, 2, 4, 7, 8, 13, 20, 28, 29)


@given(
    frames=st.lists(st.integers(0, 200), min_size=1),
    teacher=st.sampled_from((V06, HFR)),
)
def test_groups_hold_every_frame_once_and_share_no_neighbour(frames, teacher):
    found = groups(frames, teacher=teacher)
    assert sorted(frame for group in found for frame in group) == sorted(set(frames))
    for group in found:
        gaps = [after - before for before, after in pairwise(group)]
        assert all(gap > 2 * reach(teacher) for gap in gaps)


def test_whole_graph():
    graph = sampled_graph(
        [0, 7, 8],
        pair=checked(
            info=replace(PLAIN, n_frames=9), distorted_conversion=Conversion(size=(64, 48))
        ),
        teacher=V06,
    )
    assert graph == (
        f"[0:V:0]{STATED},settb=1/25,setpts=N,split=2[distorted_exact0][distorted_exact1];"
        f"[1:V:0]{STATED},settb=1/25,setpts=N,split=2[reference_exact0][reference_exact1];"
        "[distorted_exact0]select='if(lt(n,6),between(n,0,1),between(n,6,8))',setpts=N,"
        f"scale=w=64:h=48:{KEPT}yuv420p[distorted_exact0_packed];"
        "[reference_exact0]select='if(lt(n,6),between(n,0,1),between(n,6,8))',setpts=N"
        "[reference_exact0_packed];"
        "[distorted_exact0_packed][reference_exact0_packed]libvmaf=log_fmt=csv:"
        "log_path=exact0.csv:n_threads=1:shortest=1:repeatlast=0:n_subsample=3:"
        r"model=version=vmaf_v0.6.1\\:name=vmaf;"
        "[distorted_exact1]select='between(n,7,9)',tpad=start=2:start_mode=clone,setpts=N,"
        f"scale=w=64:h=48:{KEPT}yuv420p[distorted_exact1_packed];"
        "[reference_exact1]select='between(n,7,9)',tpad=start=2:start_mode=clone,setpts=N"
        "[reference_exact1_packed];"
        "[distorted_exact1_packed][reference_exact1_packed]libvmaf=log_fmt=csv:"
        "log_path=exact1.csv:n_threads=1:shortest=1:repeatlast=0:n_subsample=3:"
        r"model=version=vmaf_v0.6.1\\:name=vmaf"
    )


@pytest.fixture(scope="module")
def scores(ffmpeg, tmp_path_factory):
    """Score frames of a pair exactly: scattered, out of kept pictures, and by a pass over all.

    All three come as dictionaries, and with them the folder of the first pass.
    """
    engine = FfmpegEngine(ffmpeg)

    def run(reference, distorted, *, teacher=V06, frames=SCATTERED, sets=()):
        pair = check(
            Pair.of_files(reference=reference, distorted=distorted), allowed=frozenset(Allowance)
        )
        folder = tmp_path_factory.mktemp("run")
        some = {"pair": pair, "teacher": teacher, "sets": sets}
        # Every second frame is kept; together with their neighbours these are nearly all.
        spare = SpareFrames(tuple(frames)[::2], n_frames=pair.n_frames, teacher=teacher)
        arguments = [
            *command(sampled_graph(frames, spare=spare, **some), pair),
            *outputs(),
        ]
        engine.run(arguments, teacher=teacher, folder=folder, on_frame=lambda _: None)
        ((parts,),) = engine.score(
            [Request(pair)],
            teacher=teacher,
            folder=tmp_path_factory.mktemp("full"),
            on_frame=lambda _: None,
        )
        full = np.concatenate([part["vmaf"] for part in parts])
        sampled = read_sampled(folder, frames, teacher=teacher)
        rescored = _rescored(engine, spare, pair, folder)
        return sampled, rescored, {frame: full[frame] for frame in frames}, folder

    return run


def _rescored(engine, spare, pair, folder):
    """The exact scores of the kept frames, out of the kept pictures, by number."""
    places = spare.places(spare.frames)
    kept = spare.pair(pair, folder)
    graph = sampled_graph(places, pair=kept, teacher=spare.teacher)
    arguments = command(graph, kept)
    again = folder / "again"
    again.mkdir()
    engine.run(arguments, teacher=spare.teacher, folder=again, on_frame=lambda _: None)
    found = read_sampled(again, places, teacher=spare.teacher)
    return {frame: found[place] for frame, place in zip(spare.frames, places, strict=True)}


@pytest.fixture(scope="module")
def distort(moving, tmp_path_factory):
    """A reference and a distorted video in a container: `distort(suffix, *arguments, size=...)`."""

    def make(suffix, *arguments, size="192x108", rate=25):
        folder = tmp_path_factory.mktemp("pair")
        reference = moving(
            folder / "reference.mkv", "-c:v", "ffv1", frames=N_FRAMES, size=size, rate=rate
        )
        distorted = moving(
            folder / f"distorted{suffix}", *arguments, frames=N_FRAMES, size=size, rate=rate
        )
        return Video(reference), Video(distorted)

    return make


X264 = ("-c:v", "libx264", "-crf", 38, "-bf", 3, "-pix_fmt", "yuv420p")


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("suffix", "arguments", "shape"),
    [
        (".mp4", X264, {"size": "192x108", "rate": 25}),
        (".mkv", X264, {"size": "192x108", "rate": "30000/1001"}),
        (".ts", X264, {"size": "98x66", "rate": 50}),
        (".webm", ("-c:v", "libvpx-vp9", "-crf", 60, "-b:v", 0), {"size": "191x107", "rate": 24}),
        (".y4m", ("-vf", "boxblur=2"), {"size": "128x96", "rate": 12}),
        (".avi", ("-c:v", "mpeg4", "-q:v", 20), {"size": "192x108", "rate": 25}),
        (".mp4", ("-vf", "scale=96:54", *X264), {"size": "192x108", "rate": 25}),
        (
            ".mkv",
            ("-c:v", "ffv1", "-vf", "gblur=2", "-pix_fmt", "yuv422p10le"),
            {"size": "96x64", "rate": 25},
        ),
    ],
    ids=["mp4", "ntsc", "ts", "webm-odd", "y4m", "avi", "scaled", "10-bit"],
)
def test_scattered_scores_are_those_of_the_whole_pass(scores, distort, suffix, arguments, shape):
    sampled, kept, whole, _ = scores(*distort(suffix, *arguments, **shape))
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}


@pytest.mark.ffmpeg
@pytest.mark.parametrize("teacher", [V1, HFR, Teacher("vmaf_float_4k_v0.6.1")], ids=str)
def test_other_teachers_too(scores, distort, teacher):
    # The banding feature of the v1 models refuses pictures that are much smaller.
    sampled, kept, whole, _ = scores(*distort(".mp4", *X264, size="320x240"), teacher=teacher)
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}


@pytest.mark.ffmpeg
def test_a_film_of_cuts_and_repeated_frames(scores, make_video, tmp_path):
    # Every third frame stands still and a cut comes every seventh: motion jumps at each of them.
    picture = "nullsrc=s=96x64,geq=lum='mod(X*3+Y*floor(N/3)*5+80*floor(N/7),200)':cb=128:cr=128"
    source = ["-f", "lavfi", "-i", picture, "-frames:v", N_FRAMES]
    reference = make_video(tmp_path / "a.mkv", *source, "-c:v", "ffv1")
    distorted = make_video(tmp_path / "b.mkv", *source, *X264)
    sampled, kept, whole, _ = scores(Video(reference), Video(distorted), frames=range(N_FRAMES))
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}


@pytest.mark.ffmpeg
def test_reduced_features_in_the_same_decode(scores, distort):
    sampled, kept, whole, folder = scores(*distort(".mp4", *X264), sets=(HALF,))
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}
    assert len(read_log(folder / "half.csv", n_frames=N_FRAMES)["vmaf"]) == N_FRAMES


@pytest.mark.ffmpeg
def test_raw_video(scores, distort, make_video, tmp_path):
    reference, distorted = distort(".mp4", *X264)
    raw = RawFormat(192, 108)
    videos = [
        Video(make_video(tmp_path / f"{i}.yuv", "-i", video.path, "-pix_fmt", "yuv420p"), raw)
        for i, video in enumerate((reference, distorted))
    ]
    sampled, kept, whole, _ = scores(*videos)
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}


@pytest.mark.ffmpeg
def test_a_frame_behind_the_end_is_missed_by_number(scores, distort):
    message = "libvmaf scored 2 of 3 sampled frames, the last of which is frame 40"
    with pytest.raises(ToolFailed, match=re.escape(message)):
        scores(*distort(".mp4", *X264), frames=(0, 10, 40))


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_two_thousand_sampled_frames(scores, distort, moving, tmp_path):
    # Ffmpeg reads no more than 100 terms in a row, and Linux no argument of more than 128 kB.
    small = {"frames": 8010, "size": "64x64"}
    reference = moving(tmp_path / "a.mkv", "-c:v", "ffv1", **small)
    distorted = moving(tmp_path / "b.mkv", "-vf", "gblur=1", "-c:v", "ffv1", **small)
    frames = range(5, 8005, 4)
    assert len(frames) == 2000
    sampled, kept, whole, folder = scores(Video(reference), Video(distorted), frames=(0, *frames))
    assert (folder / "graph").stat().st_size > 2**17
    assert sampled == whole
    assert kept == {frame: whole[frame] for frame in kept}


@given(
    frames=st.lists(st.integers(0, 400), min_size=1),
    near=st.sampled_from((1, 4)),
)
def test_the_expression_is_true_for_the_frames_and_their_neighbours_only(frames, near):
    expression = select(frames, near=near).removeprefix("select='").removesuffix("'")
    python = re.sub(r"\bif\(", "choose(", expression)
    words = {
        "choose": lambda asked, yes, no: yes if asked else no,
        "lt": lambda a, b: a < b,
        "between": lambda n, low, high: low <= n <= high,
    }
    wanted = {n for frame in frames for n in range(frame - near, frame + near + 1) if n >= 0}
    found = {n for n in range(420) if eval(python, {**words, "n": n})}  # noqa: S307
    assert found == wanted
