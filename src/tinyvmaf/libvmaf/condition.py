# SPDX-License-Identifier: Apache-2.0
"""The condition of the videos of a pass, and of its folder, by what ffmpeg said and left.

Ffmpeg ends well with damaged videos, with videos that change in the middle and on a full disk,
where libvmaf's log is cut without a word. In go its diagnostics, out come the reasons not to
believe it.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from tinyvmaf.errors import MediaError, UsageError
from tinyvmaf.media.damage import first_damage
from tinyvmaf.media.diagnostics import Diagnostics, Stream, is_about_missing_pictures
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.checked import CheckedPair

SMALLEST: Final = 18
"""Pixels of the shorter side; libvmaf ends by a segmentation fault with fewer."""

_ROOM_BYTES: Final = 1 << 16


def check_room(folder: Path) -> None:
    """Refuse a folder that has no room left: what was written there last may be cut short.

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
            f"{names}: its container crops the pictures, which programs do in different ways; "
            "re-encode it as it is shown"
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
        yield f"{names}: the video is damaged, in ffmpeg's words only"


def _is_sure(stream: Stream) -> bool:
    return any(not is_about_missing_pictures(words) for words in stream.doubts)


def _videos(pairs: Sequence[CheckedPair]) -> list[Video]:
    if not pairs:
        return []
    return [*(pair.distorted.video for pair in pairs), pairs[0].reference.video]
