# SPDX-License-Identifier: Apache-2.0
"""Damaged videos are refused in every mode, ordinary ones pass; a full folder is named."""

import subprocess

import av
import numpy as np
import pytest

from tinyvmaf.errors import MediaError, UsageError
from tinyvmaf.libvmaf.condition import check_room, first_damage
from tinyvmaf.media.diagnostics import Diagnostics
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.scoring.score import score

pytestmark = pytest.mark.ffmpeg

CODECS = {
    "x264": (".mkv", ("-c:v", "libx264", "-crf", 24, "-g", 24)),
    "x264 in TS": (".ts", ("-c:v", "libx264", "-crf", 24, "-g", 24)),
    "x265": (".mkv", ("-c:v", "libx265", "-crf", 26, "-x265-params", "log-level=none:keyint=24")),
    "mpeg4": (".mp4", ("-c:v", "mpeg4", "-q:v", 4)),
    "mpeg2": (".ts", ("-c:v", "mpeg2video", "-q:v", 4, "-bf", 2)),
    "av1": (".mp4", ("-c:v", "libsvtav1", "-crf", 35, "-preset", 11)),
    "mjpeg": (".avi", ("-c:v", "mjpeg", "-q:v", 5)),
    "ffv1": (".mkv", ("-c:v", "ffv1", "-slicecrc", 1)),
}


@pytest.fixture(scope="module")
def reference(make_video, clips, tmp_path_factory):
    """Two seconds of a real clip with sound."""
    folder = tmp_path_factory.mktemp("condition")
    sound = ["-f", "lavfi", "-i", "sine=d=2"]
    return make_video(
        folder / "reference.mkv",
        *("-i", clips["bikes"], *sound, "-map", "0:v", "-map", "1:a", "-frames:v", 48),
        *("-vf", "scale=320:180", "-c:v", "ffv1", "-c:a", "mp2"),
    )


def spoilt(path, target):
    """A copy in which twenty bytes of four packets of the middle are noise, their headers whole."""
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(1)
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for position, size in sorted(packets[16:34], key=lambda packet: -packet[1])[:4]:
        place = position + size // 2
        data[place : place + 20] = rng.bytes(20)
    target.write_bytes(data)
    return target


def said(ffmpeg, path):
    """What a decode of the file says of it."""
    heard = Diagnostics()
    words = [*Video(path).arguments(), "-filter_complex", "[0:V:0]null", "-an", "-f", "null", "-"]
    run_ffmpeg(ffmpeg.path, words, diagnostics=heard)
    return heard.streams[0]


# Noise within a slice of HEVC or VP9 decodes to other pictures, of which the decoder says nothing.
@pytest.mark.parametrize("codec", [name for name in CODECS if name != "x265"])
def test_damage_is_noticed_and_placed_and_a_whole_file_is_not_accused(
    ffmpeg, make_video, reference, tmp_path, codec
):
    suffix, arguments = CODECS[codec]
    whole = make_video(tmp_path / f"whole{suffix}", "-i", reference, "-an", *arguments)
    stream = said(ffmpeg, whole)
    assert (stream.damage, stream.doubts, stream.n_decoded) == ([], [], 48)
    assert first_damage(Video(whole)) is None
    broken = spoilt(whole, tmp_path / f"broken{suffix}")
    assert said(ffmpeg, broken).damage
    assert 10 < first_damage(Video(broken)).frame < 40


@pytest.mark.parametrize("mode", ["exact", "sampled"])
@pytest.mark.parametrize("side", ["reference", "distorted"])
def test_a_damaged_video_is_refused_by_name_and_time(make_video, reference, tmp_path, mode, side):
    coded = ["-an", "-c:v", "libx264", "-g", 24]
    videos = {
        name: make_video(tmp_path / f"{name}.mp4", "-i", reference, *coded, "-crf", crf)
        for name, crf in (("reference", 12), ("distorted", 28))
    }
    videos[side] = spoilt(videos[side], tmp_path / "broken.mp4")
    options = {"mode": mode, "exact_frames": 8} if mode == "sampled" else {"mode": mode}
    message = (
        r"broken.mp4: the video is damaged near frame \d+, at [01]\.\d+ s: .*`allow=\['damaged'\]`"
    )
    # Concealed pictures look like doubled or shifted ones.
    others = [name for name in Allowance if name is not Allowance.DAMAGED]
    with pytest.raises(MediaError, match=message):
        score(**videos, **options, allow=others)
    scores = [
        score(**videos, **options, allow=list(Allowance), threads=threads) for threads in (1, 4)
    ]
    # How the decoder conceals depends on its threads, so that it gets one.
    assert np.array_equal(scores[0].frame_scores, scores[1].frame_scores)
    assert any("is damaged" in note and "(accepted)" in note for note in scores[0].notes)


def cuts(make_video, reference, folder):
    """Ordinary files whose decoder complains, or whose beginning lacks pictures."""
    folder.mkdir()
    coded = ["-c:v", "libx264", "-crf", 24, "-x264-params", "keyint=12:open-gop=1:bframes=3"]
    open_gop = make_video(folder / "open.ts", "-i", reference, *coded, "-c:a", "mp2")
    closed = make_video(folder / "closed.ts", "-i", reference, *CODECS["x264 in TS"][1])
    hevc = make_video(folder / "hevc.ts", "-i", reference, *CODECS["x265"][1])
    yield open_gop
    for suffix in (".ts", ".mkv", ".mp4"):
        copy = ["-ss", 0.6, "-i", open_gop, "-c", "copy"]
        yield make_video(folder / f"cut{suffix}", *copy)
    for path in (closed, hevc, open_gop):
        data = path.read_bytes()
        middle = folder / f"middle_{path.name}"
        middle.write_bytes(data[len(data) // 5 // 188 * 188 :])
        yield middle
    # Sound that is no sound.
    mp3 = make_video(folder / "sound.ts", "-i", reference, "-c:v", "copy", "-c:a", "mp3", *coded)
    yield mp3


def test_ordinary_cuts_are_not_called_damaged(ffmpeg, make_video, reference, tmp_path):
    n_cuts = 0
    for path in cuts(make_video, reference, tmp_path / "cuts"):
        stream = said(ffmpeg, path)
        assert stream.damage == [], path.name
        assert not stream.doubts or first_damage(Video(path)) is None, path.name
        n_cuts += 1
    assert n_cuts == 8


def test_a_folder_without_room_is_named(tmp_path, lacking):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        lacking("mounting a small disk, as root")
    try:
        with pytest.raises(UsageError, match=r"temporary folder .* is full \(No space left"):
            check_room(small)
    finally:
        subprocess.run(["umount", str(small)], check=True)  # noqa: S607
    check_room(tmp_path)
    assert not list(tmp_path.glob(".room"))


@pytest.mark.parametrize("size", ["16x16", "64x16", "18x18"])
def test_pictures_with_which_libvmaf_crashes_are_refused(moving, tmp_path, size):
    video = moving(tmp_path / "small.mkv", "-c:v", "ffv1", frames=3, size=size)
    if size == "18x18":
        assert len(score(reference=video, distorted=video, mode="exact").frame_scores) == 3
        return
    with pytest.raises(MediaError, match=f"compared at {size}, expected 18 pixels a side or more"):
        score(reference=video, distorted=video, mode="exact")


def test_too_many_threads_are_refused(tmp_path):
    video = tmp_path / "unread.mkv"
    with pytest.raises(UsageError, match="`threads=100000`: expected 1 to 512"):
        score(reference=video, distorted=video, threads=100_000)
