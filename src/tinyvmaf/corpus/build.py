# SPDX-License-Identifier: Apache-2.0
"""Making a corpus: a ladder of real encodes of every source, with a manifest that tells how.

Files are written aside and renamed, and the manifest gets a clip's row when the clip is whole, so
a build that was stopped goes on where it was. A clip is made again only if its command, its
source or the encoder's version changed.
"""

import csv
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.ladder import Rung
from tinyvmaf.corpus.manifest import NAME
from tinyvmaf.errors import CorpusError, TinyVmafError, ToolFailed, UsageError
from tinyvmaf.files import check_writable, written_aside
from tinyvmaf.media.ffmpeg import Ffmpeg, run_ffmpeg
from tinyvmaf.media.process import stop_all
from tinyvmaf.media.video import Video, VideoInfo, probe
from tinyvmaf.progress import SILENT, Progress, Task
from tinyvmaf.provenance import file_sha256

_COLUMNS = (
    "source",
    "clip",
    "reference",
    "distorted",
    "encoder_version",
    "command",
    "source_sha256",
)
_VIDEO_ONLY = ("-map", "0:V:0", "-an", "-fps_mode", "passthrough")
_LOSSLESS = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4")


@dataclass(frozen=True, slots=True)
class Build:
    """What `build` did: clips made now and kept from before, and what failed, by name."""

    manifest: Path
    n_made: int
    n_kept: int
    failures: tuple[tuple[str, TinyVmafError], ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A source on its way through the build; `reference` is what its clips are compared with."""

    name: str
    video: Video
    info: VideoInfo
    sha256: str
    reference: Path
    n_frames: int

    @property
    def is_cut(self) -> bool:
        """Whether the reference is a file of ours."""
        return self.reference != self.video.path


@dataclass(frozen=True, slots=True)
class _Encode:
    """One file to make, by one run of ffmpeg."""

    source: _Source
    clip: str
    output: Path
    input: Video
    arguments: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Names the clip in the manifest."""
        return self.source.name, self.clip

    def command(self) -> list[str]:
        """Ffmpeg's arguments up to the output."""
        return [*self.input.arguments(), *self.arguments]

    def row(self, version: str) -> dict[str, str]:
        """The clip's line in the manifest."""
        root = self.output.parent.parent
        reference = self.source.reference
        inside = reference.is_relative_to(root)
        return {
            "source": self.source.name,
            "clip": self.clip,
            "reference": str(reference.relative_to(root) if inside else reference.absolute()),
            "distorted": str(self.output.relative_to(root)),
            "encoder_version": version,
            "command": shlex.join(["ffmpeg", *self.command(), str(self.output.name)]),
            "source_sha256": self.source.sha256,
        }


def build(
    videos: Sequence[Video],
    *,
    root: Path,
    ladder: Sequence[Rung],
    ffmpeg: Ffmpeg,
    n_frames: int | None = None,
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Build:
    """Encode every rung of `ladder` from every video into `root`.

    Args:
        videos: Pristine sources; a source is named after its file.
        root: Folder that gets `corpus.csv`, `dis/` and, if sources are cut, `ref/`.
        ladder: What to make of each source.
        ffmpeg: The encoder.
        n_frames: Use the first frames only; the reference is then a lossless cut.
        jobs: Encodes at once; all cores by default.
        progress: Told of frames.

    Raises:
        UsageError: two sources of one name, or a folder that cannot be written.
        MediaError: a source cannot be read.
        CorpusError: no clip could be encoded.
    """
    manifest = root / NAME
    check_writable(manifest)
    sources = _read_sources(videos, root, n_frames)
    version = f"ffmpeg {ffmpeg.version}"
    clips = [clip for source in sources for clip in _clips(source, root, ladder)]
    rows = _read_rows(manifest)
    wanted = [
        clip
        for clip in clips
        if rows.get(clip.key) != clip.row(version) or not clip.output.is_file()
    ]
    changed = {clip.source.name for clip in wanted}
    cuts = [
        _cut(source)
        for source in sources
        if source.is_cut and (source.name in changed or not source.reference.is_file())
    ]
    total = sum(item.source.n_frames for item in (*cuts, *wanted))
    task = progress.task("encode", total=float(total), unit="frames")

    def keep(clip: _Encode) -> None:
        rows[clip.key] = clip.row(version)
        _write_rows(manifest, rows)

    try:
        failures = _run_all(cuts, ffmpeg, jobs, task)
        lost = {cut.source.name for cut, _ in failures}
        failures += [
            (clip, error)
            for clip in wanted
            for cut, error in failures
            if clip.source.name == cut.source.name
        ]
        possible = [clip for clip in wanted if clip.source.name not in lost]
        failures += _run_all(possible, ffmpeg, jobs, task, done=keep)
    finally:
        task.finish()
    if not rows:
        encode, error = failures[0]
        raise CorpusError(f"{root}: no clip could be encoded; {encode.output.name}: {error}")
    return Build(
        manifest=manifest,
        n_made=len(wanted) - len({clip.key for clip, _ in failures if clip in wanted}),
        n_kept=len(clips) - len(wanted),
        failures=tuple(("/".join(item.key), error) for item, error in failures),
    )


def _read_sources(videos: Sequence[Video], root: Path, n_frames: int | None) -> list[_Source]:
    if n_frames is not None and n_frames < 1:
        raise UsageError(f"--frames {n_frames}: expected 1 or more")
    sources: dict[str, _Source] = {}
    for video in videos:
        info = probe(video)
        name = video.path.stem
        if name in sources:
            raise UsageError(
                f"two sources are called {name}: {sources[name].video.path} and {video.path}; "
                "a source is named after its file"
            )
        cut = video.raw is not None or (n_frames is not None and n_frames < info.n_frames)
        sources[name] = _Source(
            name=name,
            video=video,
            info=info,
            sha256=file_sha256(video.path),
            reference=root / "ref" / f"{name}.mkv" if cut else video.path,
            n_frames=min(n_frames or info.n_frames, info.n_frames),
        )
    return list(sources.values())


def _cut(source: _Source) -> _Encode:
    arguments = (*_VIDEO_ONLY, "-frames:v", str(source.n_frames), *_LOSSLESS)
    return _Encode(source, "reference", source.reference, source.video, arguments)


def _clips(source: _Source, root: Path, ladder: Sequence[Rung]) -> list[_Encode]:
    height = source.info.height
    clips: dict[str, _Encode] = {}
    for rung in ladder:
        if not rung.fits(height):
            continue
        clip = rung.name(height)
        arguments = list(_VIDEO_ONLY)
        if rung.pixels(height) != height:
            arguments += ["-vf", f"scale=-2:{rung.pixels(height)}:flags=bicubic"]
        arguments += ["-threads", "1", *rung.arguments()]
        output = root / "dis" / f"{source.name}_{clip}.mp4"
        clips[clip] = _Encode(source, clip, output, Video(source.reference), tuple(arguments))
    return list(clips.values())


def _run_all(
    encodes: Sequence[_Encode],
    ffmpeg: Ffmpeg,
    jobs: int | None,
    task: Task,
    *,
    done: Callable[[_Encode], None] | None = None,
) -> list[tuple[_Encode, TinyVmafError]]:
    """Run them side by side; `done` is called in this thread for each that worked."""
    failures: list[tuple[_Encode, TinyVmafError]] = []
    pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    try:
        waiting = {pool.submit(_run, item, ffmpeg, task): item for item in encodes}
        for future in as_completed(waiting):
            encode = waiting[future]
            try:
                future.result()
            except TinyVmafError as error:
                failures.append((encode, error))
            else:
                if done is not None:
                    done(encode)
    except BaseException:
        # Ctrl-C or a bug: no encoder may outlive us, and nothing waiting may start.
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()
        raise
    finally:
        pool.shutdown(wait=True)
    return failures


def _run(encode: _Encode, ffmpeg: Ffmpeg, task: Task) -> None:
    seen = 0

    def on_frame(count: int) -> None:
        nonlocal seen
        task.advance(count - seen)
        seen = count

    with written_aside(encode.output) as aside:
        muxer = "matroska" if encode.output.suffix == ".mkv" else "mp4"
        run_ffmpeg(
            ffmpeg.path,
            [*encode.command(), "-f", muxer, "-y", f"file:{aside}"],
            on_frame=on_frame,
        )
        found = probe(Video(aside)).n_frames
        if found != encode.source.n_frames:
            raise ToolFailed(f"the encode has {found} frames, expected {encode.source.n_frames}")


def _read_rows(manifest: Path) -> dict[tuple[str, str], dict[str, str]]:
    if not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise CorpusError(f"{manifest}: not made by `corpus build`; choose another folder")
        return {(row["source"], row["clip"]): dict(row) for row in reader}


def _write_rows(manifest: Path, rows: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    with written_aside(manifest) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))
