# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import NotSeekable, ToolStopped, UsageError
from tinyvmaf.libvmaf import sought
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.neighbours import portions
from tinyvmaf.libvmaf.shared_decode import Request
from tinyvmaf.libvmaf.sought import n_to_decode, score_frames, score_frames_of
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.containers import file_state
from tinyvmaf.media.index import KEPT
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.process.programs import owned_by, stop_programs_of

V06 = Teacher("vmaf_v0.6.1")
V1 = Teacher("vmaf_v1.0.16_3d0h")
HFR = Teacher("vmaf_v1.0.16_hfr_3d0h")
N_FRAMES = 52
SIZE = (256, 144)
# The ends, neighbours, both sides of keyframes.
FRAMES = (0, 1, 2, 11, 12, 13, 19, 20, 21, 30, 40, 49, 50, 51)
X264 = ["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p", "-crf"]
OPEN = "open-gop=1:scenecut=0:b-pyramid=normal"
X265 = ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-crf", "36", "-x265-params"]
SVT = ["-c:v", "libsvtav1", "-preset", "10", "-crf", "55", "-g", "24", "-pix_fmt", "yuv420p"]
VP9 = ["-c:v", "libvpx-vp9", "-g", "24", "-b:v", "60k", "-cpu-used", "5"]
REFERENCES = {
    "h264": ("reference.mkv", [*X264, "12", "-g", "20", "-x264-params", OPEN]),
    "prores": ("reference.mov", ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"]),
    "y4m": ("reference.y4m", ["-pix_fmt", "yuv420p"]),
    "yuv": ("reference.yuv", ["-pix_fmt", "yuv420p", "-f", "rawvideo"]),
    "dnxhr": ("dnxhr.mov", ["-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"]),
}
DISTORTED = {
    "h264.mp4": ("h264", [*X264, "38", "-g", "20"]),
    "open.mp4": ("yuv", [*X264, "38", "-g", "20", "-x264-params", OPEN]),
    "fragments.mp4": ("y4m", [*X264, "38", "-g", "20", "-movflags", "frag_keyframe+empty_moov"]),
    "open.ts": ("h264", [*X264, "38", "-g", "20", "-x264-params", OPEN]),
    "no_b.avi": ("y4m", ["-c:v", "libx264", "-g", "20", "-bf", "0", "-pix_fmt", "yuv420p"]),
    "hevc.mp4": ("h264", [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"]),
    "hevc.mkv": ("yuv", [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"]),
    "hevc.ts": ("yuv", [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"]),
    "av1.mkv": ("h264", SVT),
    "s_frames.mp4": ("y4m", [*SVT, "-svtav1-params", "sframe-dist=8:sframe-mode=2:pred-struct=1"]),
    "vp9.webm": ("y4m", [*VP9, "-lag-in-frames", "16", "-auto-alt-ref", "1"]),
    "mpeg2.ts": ("h264", ["-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "20"]),
    "mpeg2.mkv": ("yuv", ["-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "20"]),
    "ffv1.mkv": ("y4m", ["-c:v", "ffv1", "-g", "12", "-pix_fmt", "yuv420p", "-vf", "noise=alls=9"]),
    "prores.mov": ("prores", ["-c:v", "prores_ks", "-q:v", "30", "-pix_fmt", "yuv422p10le"]),
    "dnxhr.mxf": ("dnxhr", ["-c:v", "dnxhd", "-profile:v", "dnxhr_lb", "-pix_fmt", "yuv422p"]),
    "small.mp4": ("h264", [*X264, "30", "-g", "20", "-vf", "scale=128:72"]),
    "tagged.mp4": ("h264", [*X264, "38", "-colorspace", "bt709", "-color_primaries", "bt709"]),
    "ten_bits.mkv": ("h264", ["-c:v", "libx264", "-crf", "38", "-pix_fmt", "yuv420p10le"]),
}


@pytest.fixture(scope="module")
def engine(ffmpeg):
    return FfmpegEngine(ffmpeg)


@pytest.fixture(scope="module")
def make_pair(tmp_path_factory, make_video):
    """Make a pair by the name of its distorted video, once."""
    folder = tmp_path_factory.mktemp("sought")
    source = "testsrc2=size={}x{}:rate=25,rotate=t/3".format(*SIZE)

    def video(name, how):
        path = folder / name
        if not path.exists():
            make_video(path, "-f", "lavfi", "-i", source, "-frames:v", N_FRAMES, *how)
        return Video(path, RawFormat(*SIZE) if path.suffix == ".yuv" else None)

    def make(name):
        reference, how = DISTORTED[name]
        pair = Pair.of_files(reference=video(*REFERENCES[reference]), distorted=video(name, how))
        return check(pair)

    return make


def full(pair, engine, folder, teacher=V06):
    """What a pass over the whole pair says of every frame."""
    folder.mkdir()
    ((parts,),) = engine.score(
        [Request(pair)], teacher=teacher, folder=folder, on_frame=lambda _: None
    )
    return [score for part in parts for score in part["vmaf"].tolist()]


@pytest.mark.ffmpeg
@pytest.mark.parametrize("name", DISTORTED)
def test_sought_scores_are_those_of_the_full_pass(name, make_pair, engine, tmp_path):
    pair = make_pair(name)
    expected = full(pair, engine, tmp_path / "full")
    found = score_frames(pair, FRAMES, engine=engine, teacher=V06)
    assert found.scores == {frame: expected[frame] for frame in FRAMES}
    alone = score_frames(pair, [N_FRAMES - 1], engine=engine, teacher=V06, verify=0)
    assert alone.scores == {N_FRAMES - 1: expected[-1]}
    assert alone.decoded == n_to_decode(pair, [N_FRAMES - 1], teacher=V06)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("teacher", [V1, HFR])
def test_other_teachers_see_the_same(teacher, moving, engine, tmp_path):
    # Their features need larger pictures.
    how = {"frames": 24, "size": "480x270"}
    reference = moving(tmp_path / "a.y4m", "-pix_fmt", "yuv420p", **how)
    distorted = moving(tmp_path / "a.mp4", *X264, "38", "-g", "10", **how)
    pair = check(Pair.of_files(reference=Video(reference), distorted=Video(distorted)))
    expected = full(pair, engine, tmp_path / "full", teacher)
    frames = (0, 1, 3, 4, 5, 10, 18, 19, 20, 22, 23)
    found = score_frames(pair, frames, engine=engine, teacher=teacher, verify=0)
    assert found.scores == {frame: expected[frame] for frame in frames}


@pytest.mark.ffmpeg
def test_colours_that_are_scaled_are_left_to_the_full_pass(make_pair, engine):
    with pytest.raises(NotSeekable, match="sees colours"):
        score_frames(make_pair("small.mp4"), [7], engine=engine, teacher=V1)


@pytest.mark.ffmpeg
def test_an_edit_list(make_pair, make_video, engine, tmp_path):
    whole = make_pair("open.mp4")
    how = ["-ss", "0.68", "-i", make_pair("h264.mp4").distorted.video.path, "-c", "copy"]
    cut = make_video(tmp_path / "cut.mp4", *how)
    n_frames = frame_index(Video(cut)).n_frames
    reference = tmp_path / "reference.yuv"
    data = whole.reference.video.path.read_bytes()
    reference.write_bytes(data[-n_frames * len(data) // N_FRAMES :])
    pair = check(Pair.of_files(reference=Video(reference, RawFormat(*SIZE)), distorted=Video(cut)))
    assert frame_index(Video(cut)).n_packets > n_frames
    expected = full(pair, engine, tmp_path / "full")
    frames = (0, 1, n_frames // 2, n_frames - 2, n_frames - 1)
    found = score_frames(pair, frames, engine=engine, teacher=V06)
    assert found.scores == {frame: expected[frame] for frame in frames}


@pytest.mark.ffmpeg
def test_a_start_that_cannot_be_decoded_is_found_out(make_pair, make_video, engine, tmp_path):
    """Ffmpeg drops the leading pictures of an open group at the start, which the packets count."""
    whole = make_pair("open.mp4")
    how = ["-ss", "1.0", "-i", whole.distorted.video.path, "-c", "copy", "-copyts"]
    cut = make_video(tmp_path / "cut.mkv", *how)
    n_frames = frame_index(Video(cut)).n_frames
    reference = tmp_path / "reference.yuv"
    data = whole.reference.video.path.read_bytes()
    reference.write_bytes(data[-n_frames * len(data) // N_FRAMES :])
    pair = check(Pair.of_files(reference=Video(reference, RawFormat(*SIZE)), distorted=Video(cut)))
    with pytest.raises(NotSeekable, match="frame 0 does not come out"):
        score_frames(pair, [n_frames - 1], engine=engine, teacher=V06)


@pytest.mark.ffmpeg
def test_frames_that_only_one_video_has_are_left_out(make_pair, make_video, engine, tmp_path):
    whole = make_pair("open.mp4")
    how = ["-i", whole.distorted.video.path, "-vf", "trim=start_frame=3:end_frame=43", *X264]
    late = make_video(tmp_path / "late.mp4", *how, 30, "-g", "20")
    pair = check(
        Pair.of_files(reference=whole.reference.video, distorted=Video(late)),
        allowed={Allowance.FRAME_COUNT},
        sync=True,
    )
    assert pair.matching.runs[0].reference == 3
    expected = full(pair, engine, tmp_path / "full")
    frames = (0, 1, 20, 38, 39)
    found = score_frames(pair, frames, engine=engine, teacher=V06)
    assert found.scores == {frame: expected[frame] for frame in frames}


@pytest.mark.ffmpeg
def test_encodes_share_the_decode_of_their_reference(make_pair, engine):
    names = ("h264.mp4", "open.ts", "hevc.mp4")
    pairs = [make_pair(name) for name in names]
    together = score_frames_of(pairs, (5, 30), engine=engine, teacher=V06)
    for pair, found in zip(pairs, together, strict=True):
        alone = score_frames(pair, (5, 30), engine=engine, teacher=V06)
        assert alone.scores == found.scores
        assert alone.decoded[1] == found.decoded[1]
    assert together[0].decoded[0] > 0
    assert [found.decoded[0] for found in together[1:]] == [0, 0]


@pytest.mark.ffmpeg
def test_an_index_that_lies_is_found_out_by_the_second_look(make_pair, engine, monkeypatch):
    """A keyframe that is none: what is decoded from there is another picture, or none."""
    pair = make_pair("mpeg2.mkv")
    video = pair.distorted.video
    index = frame_index(video)
    flags = index.packet_flags.copy()
    flags[[6, 21, 36]] |= 1
    KEPT.put((video, file_state(video.path)), replace(index, packet_flags=flags))
    try:
        with pytest.raises(NotSeekable):
            score_frames(pair, [12, 26, 41], engine=engine, teacher=V06, verify=3)
    finally:
        KEPT.put((video, file_state(video.path)), index)


@pytest.mark.ffmpeg
def test_a_full_disk_is_named(make_pair, engine, monkeypatch):
    def full_disk(self, portion, path, second, stop):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda self, *_, **__: full_disk(self, 0, 0, 0, 0))
    with pytest.raises(UsageError, match="No space left on device; free space or name another"):
        score_frames(make_pair("h264.mp4"), [7], engine=engine, teacher=V06, verify=0)


@pytest.mark.ffmpeg
def test_portions_are_scored_while_the_next_is_written(make_pair, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(sought, "_PORTION_BYTES", 1)
    pair = make_pair("hevc.mkv")
    expected = full(pair, engine, tmp_path / "full")
    told = []
    found = score_frames(pair, FRAMES, engine=engine, teacher=V06, on_frame=told.append)
    assert found.scores == {frame: expected[frame] for frame in FRAMES}
    assert told == list(range(1, len(FRAMES) + 1))


@given(
    frames=st.sets(st.integers(0, 60), min_size=1),
    near=st.sampled_from((1, 4)),
    extra=st.integers(0, 8),
    at_most=st.integers(1, 9),
)
def test_every_frame_stands_where_libvmaf_computes_it(frames, near, extra, at_most):
    n_frames = max(frames) + 1 + extra
    plan = portions(frames, n_frames=n_frames, near=near, at_most=at_most)
    assert sorted(frame for portion in plan for frame in portion.wanted) == sorted(frames)
    for portion in plan:
        computed = portion.slots[:: portion.every]
        assert computed[portion.first : portion.first + len(portion.wanted)] == portion.wanted
        for place, frame in enumerate(portion.slots):
            if frame not in portion.wanted or place % portion.every or (place == 0 and frame):
                continue
            before = portion.slots[max(0, place - near) : place]
            after = portion.slots[place + 1 : place + 1 + near]
            assert before == tuple(range(max(0, frame - near), frame))
            # The last frame of a clip ends the packed one, too.
            assert after == tuple(range(frame + 1, min(n_frames - 1, frame + near) + 1))
            if frame + near >= n_frames:
                assert place + 1 + len(after) == len(portion.slots)


def wrong_sync_samples(data):
    """An MP4 whose list of keyframes names other frames."""
    start = data.index(b"stss") + 8
    n_entries = int.from_bytes(data[start : start + 4])
    assert n_entries > 1
    for i in range(1, n_entries):
        place = start + 4 + 4 * i
        data[place : place + 4] = (int.from_bytes(data[place : place + 4]) + 5).to_bytes(4)


def wrong_cues(data):
    """A Matroska file whose cues all lead to the last cluster."""
    found = [place for place in range(len(data) - 2) if data[place] == 0xF1]
    # The first mention is in the list of what the file holds.
    cues = data.rindex(b"\x1c\x53\xbb\x6b")
    places = [place for place in found if place > cues and 0x81 <= data[place + 1] <= 0x84]
    widths = {data[place + 1] & 0x0F for place in places}
    assert len(places) > 1
    assert len(widths) >= 1
    last = places[-1]
    width = data[last + 1] & 0x0F
    for place in places[:-1]:
        own = data[place + 1] & 0x0F
        value = int.from_bytes(data[last + 2 : last + 2 + width])
        data[place + 2 : place + 2 + own] = (value % 256**own).to_bytes(own)


def wrong_chunks(data):
    """An AVI file whose index leads to other frames."""
    start = data.index(b"idx1") + 8
    n_entries = (len(data) - start) // 16
    offsets = [bytes(data[start + 16 * i + 8 : start + 16 * i + 12]) for i in range(n_entries)]
    for i in range(4, n_entries - 4):
        data[start + 16 * i + 8 : start + 16 * i + 12] = offsets[i + 3]


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("name", "damage"),
    [("h264.mp4", wrong_sync_samples), ("mpeg2.mkv", wrong_cues), ("no_b.avi", wrong_chunks)],
)
def test_seeking_that_lies_gives_the_scores_of_the_full_pass_or_none(
    name, damage, make_pair, engine, tmp_path
):
    whole = make_pair(name)
    data = bytearray(whole.distorted.video.path.read_bytes())
    damage(data)
    path = tmp_path / name
    path.write_bytes(data)
    pair = check(Pair.of_files(reference=whole.reference.video, distorted=Video(path)))
    expected = full(pair, engine, tmp_path / "full")
    assert len(expected) == N_FRAMES
    frames = (8, 18, 27, 33, 45)
    try:
        found = score_frames(pair, frames, engine=engine, teacher=V06, verify=5)
    except NotSeekable:
        assert name != "mpeg2.mkv"  # there the packets are found by reading on
    else:
        assert found.scores == {frame: expected[frame] for frame in frames}


@pytest.mark.ffmpeg
def test_a_file_that_was_cut_short_meanwhile_is_named(make_pair, engine, tmp_path):
    whole = make_pair("mpeg2.ts")
    path = tmp_path / "short.ts"
    path.write_bytes(whole.distorted.video.path.read_bytes())
    pair = check(Pair.of_files(reference=whole.reference.video, distorted=Video(path)))
    index = frame_index(Video(path))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    KEPT.put((Video(path), file_state(path)), index)
    with pytest.raises(NotSeekable, match=r"short\.ts: its frames cannot be found by seeking"):
        score_frames(pair, [3, 48], engine=engine, teacher=V06, verify=0)


@pytest.mark.ffmpeg
def test_who_stops_programs_stops_seeking(make_pair, engine, monkeypatch):
    monkeypatch.setattr(sought, "_PORTION_BYTES", 1)
    told = []

    def interrupt(count):
        told.append(count)
        stop_programs_of("a run")

    with owned_by("a run"), pytest.raises(ToolStopped):
        score_frames(make_pair("hevc.mkv"), FRAMES, engine=engine, teacher=V06, on_frame=interrupt)
    assert told == [1]
