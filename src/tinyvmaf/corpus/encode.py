# SPDX-License-Identifier: Apache-2.0
"""A source of a build, and an encode of it by one run of ffmpeg.

A file is written under a temporary name and renamed once it has the expected number of frames.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.ladder import Rung
from tinyvmaf.errors import ToolFailed, UsageError
from tinyvmaf.files import written_aside
from tinyvmaf.media.ffmpeg import Ffmpeg, run_ffmpeg
from tinyvmaf.media.orientation import UPRIGHT
from tinyvmaf.media.pictures import first_frame, upright
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.provenance import file_sha256

COLUMNS = (
    "source",
    "clip",
    "reference",
    "distorted",
    "encoder_version",
    "command",
    "reference_command",
    "source_sha256",
)
"""The columns of a manifest by `corpus build`, including the commands that made each file."""

_VIDEO_ONLY = ("-map", "0:V:0", "-an", "-fps_mode", "passthrough")
_LOSSLESS = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4")


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a build; its clips are compared with `reference`.

    The reference is a lossless cut if frames were limited, if the source has an odd size (it is
    cropped to an even one, since most encoders accept no other), or if players rotate it, as they
    do with videos from phones.
    """

    name: str
    video: Video
    info: VideoInfo
    sha256: str
    reference: Path
    n_frames: int

    @property
    def is_cut(self) -> bool:
        """True if the build makes the reference, as a lossless cut."""
        return self.reference != self.video.path

    @property
    def reference_command(self) -> str:
        """The command that made the reference; empty if it is the source itself."""
        return self.cut().pasteable if self.is_cut else ""

    def cut(self) -> "Encode":
        """The lossless cut that becomes the reference."""
        width, height = (_even(side) for side in (self.info.width, self.info.height))
        same = (width, height) == (self.info.width, self.info.height)
        crop = () if same else ("-vf", f"crop={width}:{height}:0:0")
        arguments = (*_VIDEO_ONLY, "-frames:v", str(self.n_frames), *crop, *_LOSSLESS)
        return Encode(self, "reference", self.reference, self.video, arguments)

    def clips(self, root: Path, ladder: Sequence[Rung]) -> list["Encode"]:
        """One encode for each rung that fits the source.

        Raises:
            UsageError: no rung fits.
        """
        height = _even(self.info.height)
        clips: dict[str, Encode] = {}
        for rung in ladder:
            if not rung.fits(height):
                continue
            clip = rung.name(height)
            arguments = list(_VIDEO_ONLY)
            filters = rung.filters(height)
            if filters:
                arguments += ["-vf", ",".join(filters)]
            arguments += ["-threads", "1", *rung.arguments()]
            output = root / "dis" / f"{self.name}_{clip}.mp4"
            clips[clip] = Encode(self, clip, output, Video(self.reference), tuple(arguments))
        if not clips:
            raise UsageError(
                f"no rung of the ladder fits source {self.name}: all are taller than its "
                f"{height} lines; add a rung whose height is a fraction, such as 0.5"
            )
        return list(clips.values())


@dataclass(frozen=True, slots=True)
class Encode:
    """One file to make, by one run of ffmpeg."""

    source: Source
    clip: str
    output: Path
    input: Video
    arguments: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The clip's source and name in the manifest."""
        return self.source.name, self.clip

    @property
    def pasteable(self) -> str:
        """The command, quoted for a shell."""
        return shlex.join(["ffmpeg", *self.input.arguments(), *self.arguments, self.output.name])

    def row(self, version: str) -> dict[str, str]:
        """The clip's row in the manifest."""
        root = self.output.parent.parent
        reference = self.source.reference
        inside = reference.is_relative_to(root)
        return {
            "source": self.source.name,
            "clip": self.clip,
            "reference": str(reference.relative_to(root) if inside else reference.absolute()),
            "distorted": str(self.output.relative_to(root)),
            "encoder_version": version,
            "command": self.pasteable,
            "reference_command": self.source.reference_command,
            "source_sha256": self.source.sha256,
        }

    def run(
        self, ffmpeg: Ffmpeg, on_frame: Callable[[int], None], *, stall_s: float | None = None
    ) -> None:
        """Make the file, or keep the earlier one; give up after `stall_s` without a new frame.

        Raises:
            ToolFailed: the encoder failed, or the file has a wrong number of frames.
        """
        muxer = "matroska" if self.output.suffix == ".mkv" else "mp4"
        with written_aside(self.output) as aside:
            target = ["-f", muxer, "-y", f"file:{aside.absolute()}"]
            run_ffmpeg(
                ffmpeg.path,
                [*self.input.arguments(), *self.arguments, *target],
                on_frame=on_frame,
                stall_s=stall_s,
            )
            found = probe(Video(aside)).n_frames
            if found != self.source.n_frames:
                raise ToolFailed(f"the encode has {found} frames, expected {self.source.n_frames}")


def _even(side: int) -> int:
    return side - side % 2


def read_sources(videos: Sequence[Video], *, root: Path, n_frames: int | None) -> list[Source]:
    """Read the headers of a build's sources.

    Args:
        videos: The files; a source is named after its file.
        root: Folder of the corpus.
        n_frames: Use the first frames only; the reference is then a cut.

    Raises:
        UsageError: two sources of one name, a name that is not UTF-8, or no frame wanted.
        MediaError: a source cannot be read.
    """
    if n_frames is not None and n_frames < 1:
        raise UsageError(f"`n_frames={n_frames}`: expected 1 or more")
    sources: dict[str, Source] = {}
    for video in videos:
        name = video.path.stem
        if not name.isprintable():
            raise UsageError(f"{str(video.path)!r}: a source needs a name that can be printed")
        if name in sources:
            raise UsageError(
                f"two sources are called {name}: {sources[name].video.path} and {video.path}; "
                "a source is named after its file"
            )
        info = upright(video)
        # Encodes are rotated as players rotate them, so the reference must be rotated, too.
        is_turned = first_frame(video).orientation != UPRIGHT
        is_odd = info.width % 2 == 1 or info.height % 2 == 1
        is_short = n_frames is not None and n_frames < info.n_frames
        cut = video.raw is not None or is_odd or is_short or is_turned
        sources[name] = Source(
            name=name,
            video=video,
            info=info,
            sha256=file_sha256(video.path),
            reference=root / "ref" / f"{name}.mkv" if cut else video.path,
            n_frames=min(n_frames or info.n_frames, info.n_frames),
        )
    return list(sources.values())
