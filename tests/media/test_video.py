# SPDX-License-Identifier: Apache-2.0
import os
import socket
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from tinyvmaf.errors import MediaError, ToolFailed, UsageError
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.probing import count_frames, probe
from tinyvmaf.media.video import PIXEL_FORMATS, RawFormat, Video, frame_bytes


def reason(path, raw=None):
    """Why `probe` refuses the file, without its path in front."""
    with pytest.raises(MediaError) as caught:
        probe(Video(path, raw))
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_missing_file(tmp_path):
    assert reason(tmp_path / "none.mp4") == "no such file"
    assert reason(tmp_path / "none.yuv", RawFormat(16, 16)) == "no such file"


def test_a_folder(tmp_path):
    assert reason(tmp_path) == "is a folder, expected a video file"


@pytest.mark.parametrize("name", ["a.mp4", "a.y4m", "a.yuv"])
def test_an_empty_file(tmp_path, name):
    path = tmp_path / name
    path.touch()
    raw = RawFormat(16, 16) if name == "a.yuv" else None
    assert reason(path, raw) == "the file is empty (0 bytes)"


def test_text_that_is_called_a_video(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("These are my notes about a video.\n" * 50)
    assert reason(path) == "not a readable video: Invalid data found when processing input"


def test_raw_video_without_its_geometry(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(b"\x80" * 384)
    assert reason(path).endswith("(raw YUV needs `raw`)")


@pytest.mark.parametrize("raw", [None, RawFormat(16, 16)])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, raw):
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert reason(path, raw) == "is not a regular file; save the video to a file first"


def test_a_device(tmp_path):
    assert reason(Path(os.devnull)) == "is not a regular file; save the video to a file first"


def test_a_raw_size_that_is_no_whole_number_of_frames(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(384 * 3 + 100))
    assert reason(path, RawFormat(16, 16)) == (
        "1252 bytes are not a whole number of 16x16 yuv420p frames (384 bytes each: 3 frames and "
        "100 bytes over); give the right geometry with `raw`"
    )
    assert reason(path, RawFormat(1920, 1080)).startswith("1252 bytes are not a whole number")


def test_raw_video(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(384 * 5))
    info = probe(Video(path, RawFormat(16, 16, frame_rate=Fraction(50))))
    assert (info.n_frames, info.size, info.duration_s) == (5, "16x16", 0.1)
    assert count_frames(Video(path, RawFormat(16, 16))) == 5


@pytest.mark.parametrize(
    ("pix_fmt", "expected"),
    [
        # Odd sizes: the chroma planes are rounded up, as ffmpeg and libvmaf store them.
        ("yuv420p", 5 * 3 + 2 * (3 * 2)),
        ("yuv422p", 5 * 3 + 2 * (3 * 3)),
        ("yuv444p", 3 * 5 * 3),
        ("yuv420p10le", 2 * (5 * 3 + 2 * (3 * 2))),
        ("yuv444p16le", 2 * 3 * 5 * 3),
    ],
)
def test_bytes_of_a_frame_of_odd_size(pix_fmt, expected):
    assert frame_bytes(pix_fmt, width=5, height=3) == expected


def test_a_geometry_that_cannot_be():
    with pytest.raises(UsageError) as caught:
        RawFormat(0, 16)
    assert str(caught.value) == "a video of 0x16 pixels: expected 1x1 or more"
    with pytest.raises(UsageError) as caught:
        RawFormat(16, 16, "nv12")
    assert str(caught.value) == (
        f"unknown pixel format 'nv12' for raw video; expected one of {', '.join(PIXEL_FORMATS)}"
    )
    with pytest.raises(UsageError, match="a frame rate of 0: expected more than 0"):
        RawFormat(16, 16, frame_rate=Fraction(0))


@pytest.mark.ffmpeg
@pytest.mark.parametrize("pix_fmt", PIXEL_FORMATS)
def test_frame_bytes_are_those_that_ffmpeg_writes(tmp_path, moving, pix_fmt):
    path = moving(
        *(tmp_path / "a.yuv", "-vf", f"scale=33:17,format={pix_fmt}", "-f", "rawvideo"), frames=2
    )
    assert path.stat().st_size == 2 * frame_bytes(pix_fmt, width=33, height=17)


@pytest.mark.ffmpeg
def test_audio_only(tmp_path, make_video):
    path = make_video(tmp_path / "a.mp4", "-f", "lavfi", "-i", "sine=duration=0.2")
    assert reason(path) == "holds no video stream, only audio"


@pytest.mark.ffmpeg
def test_a_real_clip(clips):
    info = probe(Video(clips["bikes"]))
    assert (info.size, info.pix_fmt, info.codec) == ("640x272", "yuv420p", "h264")
    assert (info.frame_rate, info.n_frames, info.constant_rate) == (25, 250, True)
    assert count_frames(Video(clips["bikes"])) == 250


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("b-frames.mp4", ["-c:v", "libx264", "-bf", "3"]),
        ("hevc.mkv", ["-c:v", "libx265", "-x265-params", "log-level=error:bframes=3"]),
        ("hidden.webm", ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "10"]),
        ("vp9.webm", ["-c:v", "libvpx-vp9", "-b:v", "50k"]),
        ("av1.mp4", ["-c:v", "libsvtav1", "-svtav1-params", "lp=1"]),
        ("transport.ts", ["-c:v", "libx264"]),
        ("program.mpg", ["-c:v", "mpeg2video", "-bf", "2"]),
        ("elementary.h264", ["-c:v", "libx264", "-bf", "2"]),
        ("old.avi", ["-c:v", "mpeg4"]),
        ("whole.y4m", []),
    ],
)
def test_frames_are_counted_without_decoding(tmp_path, moving, name, arguments):
    video = Video(moving(tmp_path / name, *arguments, frames=12))
    assert probe(video).n_frames == count_frames(video) == 12


@pytest.mark.ffmpeg
def test_ten_bits_full_range_and_ntsc_rate(tmp_path, moving):
    deep = moving(tmp_path / "a.mkv", "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", rate="30000/1001")
    info = probe(Video(deep))
    assert (info.pix_fmt, info.frame_rate) == ("yuv420p10le", Fraction(30000, 1001))
    assert info.color_range != "full"
    arguments = ["-vf", "scale=out_range=full", "-color_range", "pc", "-c:v", "libx264"]
    assert probe(Video(moving(tmp_path / "b.mp4", *arguments))).color_range == "full"


@pytest.mark.ffmpeg
def test_a_variable_rate_is_told(tmp_path, moving):
    timing = "setpts='if(lt(N,4),N,N*2)/(25*TB)'"
    path = moving(tmp_path / "a.mp4", "-vf", timing, "-fps_mode", "passthrough", "-c:v", "libx264")
    info = probe(Video(path))
    assert (info.n_frames, info.constant_rate) == (8, False)


@pytest.mark.ffmpeg
def test_a_cover_picture_in_front_is_not_the_video(tmp_path, moving, make_video):
    cover = moving(tmp_path / "cover.png", frames=1, size="64x64")
    film = moving(tmp_path / "film.mp4", "-c:v", "libx264")
    inputs = ["-i", cover, "-i", film, "-map", "0", "-map", "1", "-c", "copy"]
    both = make_video(tmp_path / "both.mp4", *inputs, "-disposition:v:0", "attached_pic")
    assert probe(Video(both)).size == "192x108"
    assert probe(Video(both)).n_frames == 8
    alone = make_video(
        *(tmp_path / "alone.m4a", "-f", "lavfi", "-i", "sine=duration=0.2", "-i", cover),
        *("-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v:0", "attached_pic"),
        *("-f", "mp4"),
    )
    assert reason(alone) == "holds no video stream, only audio, a cover picture"


@pytest.mark.ffmpeg
def test_a_file_that_was_cut(tmp_path, moving):
    path = moving(tmp_path / "a.mp4", "-c:v", "libx264")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reason(path).startswith("not a readable video")


@pytest.mark.ffmpeg
@pytest.mark.parametrize("arguments", [["-c:v", "libx264", "-flags", "+ildct+ilme"], []])
def test_a_rate_and_a_start_that_containers_round(tmp_path, moving, arguments):
    path = moving(tmp_path / "a.mkv", *arguments, "-output_ts_offset", "1.5", rate=30)
    info = probe(Video(path))
    assert (float(info.frame_rate), info.constant_rate) == (30.0, True)
    assert info.start_s == pytest.approx(1.5)


@pytest.mark.ffmpeg
def test_a_playlist_is_not_followed(tmp_path, moving, ffmpeg):
    moving(tmp_path / "a.ts", "-c:v", "libx264")
    concat = tmp_path / "concat.mp4"
    concat.write_text("ffconcat version 1.0\nfile a.ts\n")
    assert reason(concat) == (
        "is a playlist (concat), which names other files; expected the video itself"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        remote = tmp_path / "remote.m3u8"
        remote.write_text(f"#EXTM3U\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        # Nobody answers: a client that calls would wait for ever, so give it a way out.
        threading.Timer(5, server.close).start()
        assert "playlist" in reason(remote) or "not a readable video" in reason(remote)
        with pytest.raises(ToolFailed):
            run_ffmpeg(ffmpeg.path, [*Video(remote).arguments(), "-f", "null", "-"])
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_arguments_open_nothing_but_this_local_file(tmp_path):
    path = tmp_path / "-i http:%03d.mp4"
    assert Video(path).arguments() == ["-protocol_whitelist", "file", "-i", f"file:{path}"]
    raw = RawFormat(16, 16, "yuv422p10le", Fraction(30000, 1001))
    assert Video(path, raw).arguments() == [
        *("-protocol_whitelist", "file"),
        *("-f", "rawvideo", "-pixel_format", "yuv422p10le", "-video_size", "16x16"),
        *("-framerate", "30000/1001"),
        *("-i", f"file:{path}"),
    ]


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Video(Path("-y.mp4")).arguments()[-1] == f"file:{tmp_path}/-y.mp4"


def test_a_file_that_changed_is_looked_at_again(tmp_path):
    path = tmp_path / "a.yuv"
    raw = RawFormat(16, 16)
    path.write_bytes(bytes(384))
    assert probe(Video(path, raw)).n_frames == 1
    path.write_bytes(bytes(768))
    assert probe(Video(path, raw)).n_frames == 2
    path.write_bytes(bytes(700))
    assert "not a whole number" in reason(path, raw)
    path.unlink()
    assert reason(path, raw) == "no such file"
