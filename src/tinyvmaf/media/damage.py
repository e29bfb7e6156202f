# SPDX-License-Identifier: Apache-2.0
"""Finding the first damaged frame of a video: a decode by one thread that reads every complaint.

Slow, and done only where ffmpeg complained. In goes a video, out comes where its first damage is;
pictures that are missing before the first one that is shown, as after a cut, are none.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tinyvmaf.errors import MediaError
from tinyvmaf.media.containers import open_container, video_stream
from tinyvmaf.media.diagnostics import is_about_missing_pictures
from tinyvmaf.media.video import Video
from tinyvmaf.process.isolation import ask

if TYPE_CHECKING:
    import av
    import av.video.stream

# They are said at the first keyframe after a cut, too, whose picture is whole.
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
