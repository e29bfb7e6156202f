# SPDX-License-Identifier: Apache-2.0
"""The wanted pictures of one video: found by seeking, checked, and written as raw video for ffmpeg.

The input is portions of compared frames, the output raw videos with every picture at its place.
"""

from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path
from threading import Event

import numpy as np
from jaxtyping import Int

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.graph import conversion, stated
from tinyvmaf.libvmaf.neighbours import Portion
from tinyvmaf.media.decoded_picture import Picture, PictureFormat
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.seeking import Seeker, not_seekable
from tinyvmaf.pairs.checked import Side


class Lane:
    """A video, and which of its frames is which compared frame."""

    def __init__(self, number: int, side: Side, frames: Int[np.ndarray, " n_frames"]) -> None:
        self._number = number
        self._side = side
        self._frames = frames
        self._layout: PictureFormat | None = None
        self._digests: dict[int, bytes] = {}
        self.seeker = Seeker(side.video, frame_index(side.video))

    @property
    def layout(self) -> PictureFormat:
        """The format of all pictures, known once one is written."""
        if self._layout is None:
            raise not_seekable(self._side.video.path, "no frame was decoded")
        return self._layout

    def file(self, number: int) -> str:
        """The file of a portion's pictures."""
        return f"{self._number}_{number}.raw"

    def input(self, number: int) -> list[str]:
        """Ffmpeg's arguments that read it."""
        layout = self.layout
        size = f"{layout.width}x{layout.height}"
        return [
            *("-f", "rawvideo", "-pixel_format", layout.pix_fmt, "-video_size", size),
            *("-framerate", "25", "-i", self.file(number)),
        ]

    def steps(self) -> list[str]:
        """The filters that convert these pictures as those of the whole video."""
        return [stated(self._side.info.levels), "settb=1/25", "setpts=N", *conversion(self._side)]

    def write(self, portion: Portion, path: Path, second: Collection[int], stop: Event) -> None:
        """Decode the frames of a portion and write each to its places."""
        places: dict[int, list[int]] = {}
        for place, frame in enumerate(portion.slots):
            places.setdefault(int(self._frames[frame]), []).append(place)
        again = {int(self._frames[frame]) for frame in second}
        try:
            with path.open("wb") as file:
                for picture in self.seeker.pictures(places):
                    if stop.is_set():
                        return
                    if picture.frame in again:
                        self._digests[picture.frame] = _digest(picture)
                    self._check_layout(picture)
                    n_bytes = sum(len(plane) for plane in picture.planes)
                    for place in places[picture.frame]:
                        file.seek(place * n_bytes)
                        for plane in picture.planes:
                            file.write(plane)
        except OSError as error:
            raise UsageError(
                f"cannot write {path}: {error.strerror or error}; free space or name another place "
                "with TMPDIR"
            ) from error

    def check_first(self, engine: FfmpegEngine, folder: Path) -> None:
        """Compare the first frame to ffmpeg's: it may turn or crop, or start with another.

        Raises:
            NotSeekable: it is another.
        """
        target = folder / "first.raw"
        arguments = [
            "-noautorotate",
            *self._side.video.arguments(),
            "-map",
            "0:V:0",
            "-frames:v",
            "1",
        ]
        run_ffmpeg(
            engine.ffmpeg.path,
            [*arguments, "-f", "rawvideo", "-y", target.name],
            cwd=folder,
            stall_s=engine.stall_s,
        )
        (picture,) = self.seeker.pictures([0])
        if target.read_bytes() != b"".join(picture.planes):
            raise not_seekable(self._side.video.path, "ffmpeg begins with another picture")

    def check_again(self, second: Collection[int], stop: Event) -> None:
        """Decode frames again, from further back.

        Raises:
            NotSeekable: one is not the same.
        """
        for frame in sorted({int(self._frames[frame]) for frame in second}):
            for picture in self.seeker.pictures([frame], earlier=1, skip=False):
                if stop.is_set():
                    return
                if _digest(picture) != self._digests[frame]:
                    raise not_seekable(
                        self._side.video.path,
                        f"frame {frame} is a different picture when decoding begins further back",
                    )

    def _check_layout(self, picture: Picture) -> None:
        if self._layout is None:
            self._layout = picture.format
        if picture.format != self._layout:
            raise not_seekable(
                self._side.video.path, f"its pictures change their format at frame {picture.frame}"
            )


def _digest(picture: Picture) -> bytes:
    found = blake2b(digest_size=16)
    for plane in picture.planes:
        found.update(plane)
    return found.digest()
