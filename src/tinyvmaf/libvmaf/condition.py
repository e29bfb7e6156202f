# SPDX-License-Identifier: Apache-2.0
"""Reasons not to believe a pass that ended well: damaged or changing videos, and a full disk.

Ffmpeg exits with status 0 on damaged videos, on videos that change in the middle, and on a full
disk, where libvmaf's log is cut short silently. The input is ffmpeg's diagnostics, the output the
reasons. Where ffmpeg complained, the first damaged frame is found by a slow decode on one thread;
missing pictures before the first one shown, as after a cut, are not damage.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinyvmaf.errors import MediaError, UsageError
from tinyvmaf.media.containers import open_container, video_stream
from tinyvmaf.media.diagnostics import Diagnostics, Stream, is_about_missing_pictures
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.process.isolation import ask

if TYPE_CHECKING:
    import av
    import av.video.stream

SMALLEST: Final = 18
"""Pixels of the shorter side; libvmaf crashes (segmentation fault) with fewer."""

_ROOM_BYTES: Final = 1 << 16


def check_room(folder: Path) -> None:
    """Refuse a folder on a full disk: the files written last may be cut short.

    Raises:
        UsageError: nothing more can be written.
    """
    probe = folder / ".room"
    try:
        probe.write_bytes(b"\0" * _ROOM_BYTES)
    except OSError as error:
        raise UsageError(
            f"the temporary folder {folder.parent} is full ({error.strerror}), so that logs may be "
            "cut short; free space or name another place with TMPDIR"
        ) from error
    finally:
        probe.unlink(missing_ok=True)


def check_size(pairs: Sequence[CheckedPair]) -> None:
    """Refuse pictures with which libvmaf crashes.

    Raises:
        MediaError: a side has fewer than `SMALLEST` pixels.
    """
    for pair in pairs:
        if min(pair.size) < SMALLEST:
            raise MediaError(
                f"{pair.distorted.video.path}: compared at {pair.size[0]}x{pair.size[1]}, expected "
                f"{SMALLEST} pixels a side or more: libvmaf crashes with fewer"
            )


def check_steady(heard: Diagnostics, pairs: Sequence[CheckedPair]) -> None:
    """Refuse videos that change in the middle, or whose container crops them.

    Raises:
        MediaError: one of them does.
    """
    names = " or ".join(str(video.path) for video in _videos(pairs))
    if heard.reconfigured:
        raise MediaError(
            f"{names}: size, pixel format or colour tags change in the middle; cut it there"
        )
    if heard.cropped:
        raise MediaError(
            f"{names}: its container crops the pictures, which programs do differently; "
            "re-encode it with the crop applied"
        )


def damaged(heard: Diagnostics, pairs: Sequence[CheckedPair]) -> Generator[str]:
    """A line for every video that is damaged, with the place of the first damage."""
    videos = _videos(pairs)
    doubtful: list[Video] = []
    found = False
    for number, stream in sorted(heard.streams.items()):
        if number >= len(videos) or not (stream.damage or stream.doubts):
            continue
        video = videos[number]
        place = first_damage(video)
        if place is None and not stream.damage:
            doubtful += [video] if _is_sure(stream) else []
            continue
        found = True
        where = f" {place}" if place is not None else ""
        words = "" if place is not None else f" ({stream.damage[0]})"
        yield f"{video.path}: the video is damaged{where}{words}"
    if doubtful and not found:
        names = " or ".join(str(video.path) for video in doubtful)
        yield f"{names}: the video is damaged, according to ffmpeg's messages alone"


def _is_sure(stream: Stream) -> bool:
    return any(not is_about_missing_pictures(words) for words in stream.doubts)


def _videos(pairs: Sequence[CheckedPair]) -> list[Video]:
    if not pairs:
        return []
    return [*(pair.distorted.video for pair in pairs), pairs[0].reference.video]


# These messages also appear at the first keyframe after a cut, whose picture is whole.
_HARMLESS: Final = ("mmco: unref short failure", "co located POCs unavailable")


@dataclass(frozen=True, slots=True)
class Damage:
    """The first damage of a video.

    Attributes:
        frame: How many frames come out of the decoder before it.
        time_s: The time stamp of the packet that shows it, None if it has none.
        words: The decoder's.
    """

    frame: int
    time_s: float | None
    words: str

    def __str__(self) -> str:
        """For people."""
        time = f", at {self.time_s:.3f} s" if self.time_s is not None else ""
        return f"near frame {self.frame}{time}: {self.words}"


def first_damage(video: Video) -> Damage | None:
    """The first damage that a decoder notices, None if it notices none.

    Raises:
        MediaError: the file cannot be opened.
    """
    if video.raw is not None:
        return None
    # The decoder's log level is one for the whole process.
    return ask(_first_damage, video)


def _first_damage(video: Video) -> Damage | None:
    import av.error
    import av.logging

    av.logging.set_level(av.logging.ERROR)
    try:
        with open_container(video) as container:
            stream = video_stream(video.path, container)
            stream.codec_context.thread_count = 1
            n_frames = 0
            for packet in container.demux(stream):
                words, n_more = _decode(packet)
                if words is not None and _is_damage(words, n_frames=n_frames):
                    time_s = None
                    if packet.pts is not None and stream.time_base is not None:
                        time_s = float(packet.pts * stream.time_base)
                    return Damage(n_frames, time_s, words)
                n_frames += n_more
    except av.error.FFmpegError as error:
        raise MediaError(f"{video.path}: reading fails: {error.strerror}") from error
    return None


def _decode(packet: "av.Packet[av.video.stream.VideoStream]") -> tuple[str | None, int]:
    """Description of the damage in a packet, and the number of frames decoded from it."""
    import av.error
    import av.logging

    words, n_frames = None, 0
    with av.logging.Capture(local=False) as said:
        try:
            for frame in packet.decode():
                n_frames += 1
                if frame.is_corrupt:
                    words = "a frame is corrupt"
        except av.error.FFmpegError as error:
            words = str(error.strerror)
    if packet.is_corrupt:
        words = "a packet is corrupt"
    said_words = [text.strip() for _, _, text in said if not text.strip().startswith(_HARMLESS)]
    return (said_words[0] if said_words else words), n_frames


def _is_damage(words: str, *, n_frames: int) -> bool:
    return n_frames > 0 or not is_about_missing_pictures(words)
