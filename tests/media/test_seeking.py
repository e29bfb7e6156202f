# SPDX-License-Identifier: Apache-2.0
import shutil
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tinyvmaf.errors import NotSeekable
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.index import FrameIndex
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.seeking import Seeker
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.media.visits import n_decoded, visits

N_FRAMES = 76
SIZE = (256, 144)
X264 = ["-c:v", "libx264", "-g", "20", "-bf", "3", "-pix_fmt", "yuv420p"]
OPEN = [*X264, "-x264-params", "open-gop=1:scenecut=0:b-pyramid=normal"]
X265 = ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params"]
SVT = ["-c:v", "libsvtav1", "-preset", "10", "-g", "24", "-pix_fmt", "yuv420p"]
VP9 = ["-c:v", "libvpx-vp9", "-g", "24", "-b:v", "100k", "-deadline", "realtime"]
KINDS = {
    "h264.mp4": X264,
    "h264_open.mp4": OPEN,
    "h264_open.mkv": OPEN,
    "h264.ts": X264,
    "h264_open.ts": OPEN,
    "h264_fragments.mp4": [*X264, "-movflags", "frag_keyframe+empty_moov"],
    "h264_no_b.avi": ["-c:v", "libx264", "-g", "20", "-bf", "0", "-pix_fmt", "yuv420p"],
    "hevc.mp4": [*X265, "keyint=20:no-open-gop=1:log-level=none"],
    "hevc_open.mkv": [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"],
    "hevc_open.mp4": [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"],
    "hevc_open.ts": [*X265, "keyint=20:open-gop=1:scenecut=0:bframes=4:log-level=none"],
    "av1.mkv": SVT,
    "av1.mp4": SVT,
    "av1_s_frames.mp4": [*SVT, "-svtav1-params", "sframe-dist=8:sframe-mode=2:pred-struct=1"],
    "vp9.webm": [*VP9, "-lag-in-frames", "16", "-auto-alt-ref", "1", "-deadline", "good"],
    "mpeg2.ts": ["-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "4"],
    "mpeg2.mkv": ["-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "4"],
    "prores.mov": ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"],
    "dnxhr.mov": ["-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"],
    "dnxhr.mxf": ["-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p"],
    "ffv1.mkv": ["-c:v", "ffv1", "-g", "12", "-pix_fmt", "yuv420p"],
    "ffv1.avi": ["-c:v", "ffv1", "-g", "12", "-pix_fmt", "yuv420p"],
    "pictures.y4m": ["-pix_fmt", "yuv420p"],
    "pictures.yuv": ["-pix_fmt", "yuv420p", "-f", "rawvideo"],
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory, make_video):
    """Make the video of a kind, once."""
    folder = tmp_path_factory.mktemp("seeking")
    source = "testsrc2=size={}x{}:rate=25,rotate=t/3".format(*SIZE)

    def make(name):
        path = folder / name
        if not path.exists():
            how = ["-f", "lavfi", "-i", source, "-frames:v", N_FRAMES, *KINDS[name]]
            make_video(path, *how)
        return Video(path, RawFormat(*SIZE) if path.suffix == ".yuv" else None)

    return make


def whole(ffmpeg, video, folder):
    """The bytes of every frame, as ffmpeg decodes the whole video."""
    path = folder / "whole.yuv"
    arguments = [*video.arguments(), "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "rawvideo"]
    run_ffmpeg(ffmpeg.path, [*arguments, "-y", str(path)])
    data = path.read_bytes()
    n_frames = frame_index(video).n_frames
    size, rest = divmod(len(data), n_frames)
    assert rest == 0
    return [data[i * size : (i + 1) * size] for i in range(n_frames)]


def sought(video, frames, **how):
    with closing(Seeker(video, frame_index(video))) as seeker:
        found = {
            picture.frame: b"".join(picture.planes) for picture in seeker.pictures(frames, **how)
        }
    return found, seeker.decoded


@pytest.mark.ffmpeg
@pytest.mark.parametrize("name", KINDS)
def test_sought_frames_are_those_of_the_whole_video(name, videos, ffmpeg, tmp_path):
    video = videos(name)
    expected = whole(ffmpeg, video, tmp_path)
    index = frame_index(video)
    assert index.fault is None
    for frames in ([0], [N_FRAMES - 1], [0, 1, 19, 20, 21, 38, 39, 40, 60, 75], range(N_FRAMES)):
        for how in ({}, {"skip": False, "earlier": 1}):
            found, decoded = sought(video, frames, **how)
            assert sorted(found) == list(frames)
            for frame, data in found.items():
                assert data == expected[frame], (name, frame, how)
            if how == {}:
                assert decoded == n_decoded(index, frames)


@pytest.mark.ffmpeg
def test_one_seek_after_the_other_backwards(videos, ffmpeg, tmp_path):
    video = videos("hevc_open.mkv")
    expected = whole(ffmpeg, video, tmp_path)
    with closing(Seeker(video, frame_index(video))) as seeker:
        for frame in (70, 41, 40, 39, 3, 75, 0):
            (picture,) = seeker.pictures([frame])
            assert b"".join(picture.planes) == expected[frame]


@pytest.mark.ffmpeg
def test_an_edit_list_hides_what_is_decoded_before(videos, make_video, ffmpeg, tmp_path):
    how = ["-ss", "1.24", "-i", videos("h264_open.mp4").path, "-c", "copy"]
    video = Video(make_video(tmp_path / "cut.mp4", *how))
    index = frame_index(video)
    assert 0 < index.n_frames < N_FRAMES
    assert index.n_packets > index.n_frames
    expected = whole(ffmpeg, video, tmp_path)
    found, _ = sought(video, [0, 1, index.n_frames - 1])
    assert all(found[frame] == expected[frame] for frame in found)


@pytest.mark.ffmpeg
def test_matroska_without_cues_is_read_on(videos, make_video, ffmpeg, tmp_path):
    how = ["-i", videos("h264_open.mkv").path, "-c", "copy", "-f", "matroska"]
    # What is written to a pipe gets no cues, since nobody can go back to the front.
    path = tmp_path / "live.mkv"
    arguments = [*map(str, how), "-live", "1", f"file:{path}"]
    run_ffmpeg(ffmpeg.path, arguments)
    assert b"\x1c\x53\xbb\x6b" not in path.read_bytes()
    video = Video(path)
    expected = whole(ffmpeg, video, tmp_path)
    found, _ = sought(video, [70, 41, 40, 3])
    assert all(found[frame] == expected[frame] for frame in found)


@pytest.mark.ffmpeg
def test_nothing_but_the_group_is_decoded(videos):
    video = videos("prores.mov")
    assert sought(video, [50])[1] == 1
    index = frame_index(videos("h264.mp4"))
    assert n_decoded(index, [45]) <= 10
    assert n_decoded(index, range(index.n_frames)) == index.n_frames


def test_visits_of_an_open_group():
    # Shown 2 3 0 (4) ...: packets I0 P3 B1 B2 | I6 B4 B5, the last two lead their keyframe.
    pts = np.array([0, 3, 1, 2, 6, 4, 5])
    index = FrameIndex(
        time_base=Fraction(1, 25),
        packet_pts=pts,
        packet_size=np.full(7, 9, np.uint32),
        packet_flags=np.array([1, 0, 0, 0, 1, 0, 0], np.uint8),
        packet_position=np.arange(7),
        shown=np.argsort(pts).astype(np.int32),
    )
    assert [(v.start, v.stop, v.frames) for v in visits(index, [6])] == [(4, 5, (6,))]
    assert [(v.start, v.stop, v.frames) for v in visits(index, [4])] == [(0, 6, (4,))]
    # Who decodes across the keyframe anyway does not begin there again.
    assert [(v.start, v.stop, v.frames) for v in visits(index, [6, 4])] == [(0, 6, (4, 6))]
    assert [(v.start, v.stop, v.frames) for v in visits(index, [6], earlier=1)] == [(0, 5, (6,))]


@pytest.mark.ffmpeg
def test_a_file_that_was_changed_behind_its_index_is_found_out(videos, tmp_path):
    path = shutil.copy(videos("mpeg2.ts").path, tmp_path / "a.ts")
    index = frame_index(Video(path))
    data = bytearray(path.read_bytes())
    # A packet of the transport stream less: everything behind it is somewhere else.
    start = int(index.packet_position[40]) // 188 * 188
    path.write_bytes(data[:start] + data[start + 188 * 40 :])
    with (
        closing(Seeker(Video(path), index)) as seeker,
        pytest.raises(NotSeekable, match="its frames cannot be found by seeking"),
    ):
        list(seeker.pictures([44, 60]))


@pytest.mark.ffmpeg
def test_a_keyframe_that_is_none_is_found_out(videos):
    video = videos("h264.mp4")
    index = frame_index(video)
    flags = index.packet_flags.copy()
    flags[30] = 1
    lying = replace(index, packet_flags=flags)
    frame = int(np.flatnonzero(index.shown == 37)[0])
    with closing(Seeker(video, lying)) as seeker:
        assert len(list(seeker.pictures([frame], earlier=1))) == 1
        with pytest.raises(NotSeekable, match="frame 39 does not come out"):
            list(seeker.pictures([frame]))


@pytest.mark.ffmpeg
def test_a_seeker_that_is_stopped_gives_no_picture_any_more(videos):
    video = videos("h264.mp4")
    with closing(Seeker(video, frame_index(video))) as seeker:
        pictures = seeker.pictures([5, 70])
        assert next(pictures).frame == 5
        seeker.stop()
        decoded = seeker.decoded
        assert list(pictures) == []
        assert seeker.decoded == decoded
