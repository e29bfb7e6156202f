# SPDX-License-Identifier: Apache-2.0
"""Making a corpus: a ladder of encodes of every source, and a manifest of the commands.

A clip's row is added to the manifest when the clip is complete, so a stopped build resumes where it
was. A clip is made again only if its command, its reference, its source or the encoder's version
changed; its row is removed first, so that no row ever names a missing file.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.encode import COLUMNS, Encode, Source, read_sources
from tinyvmaf.corpus.ladder import Rung, read_ladder
from tinyvmaf.corpus.manifest import NAME
from tinyvmaf.errors import CorpusError, TinyVmafError, UsageError
from tinyvmaf.execution.executor import AbstractExecutor, Share, as_they_end
from tinyvmaf.execution.opening import check_workers, open_executor
from tinyvmaf.files import append_text, check_writable, remove_leftovers, write_text
from tinyvmaf.media.ffmpeg import Ffmpeg, find_ffmpeg
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video
from tinyvmaf.process import STALL_S
from tinyvmaf.process.programs import check_timeout
from tinyvmaf.progress import SILENT, Progress, Task
from tinyvmaf.storage import absolute, address, is_remote

_Rows = dict[tuple[str, str], dict[str, str]]
_Failed = list[tuple[Encode, TinyVmafError]]


@dataclass(frozen=True, slots=True)
class Build:
    """The result of building a corpus.

    Attributes:
        manifest: The corpus's `corpus.csv`.
        n_made, n_kept: Clips that were encoded now, and kept from before.
        failures: The clips that could not be encoded, as `source/clip`, with their errors.
    """

    manifest: Path
    n_made: int
    n_kept: int
    failures: tuple[tuple[str, TinyVmafError], ...]


def build_corpus(
    sources: Sequence[Path | str],
    *,
    output: Path | str,
    ladder: Path | str | None = None,
    n_frames: int | None = None,
    raw: RawFormat | None = None,
    ffmpeg: Path | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    stall_s: float = STALL_S,
    progress: Progress = SILENT,
) -> Build:
    """Encode a ladder of distorted clips of every source.

    A build that is repeated or was interrupted encodes only the clips that are missing.

    Args:
        sources: Pristine videos; a source is named after its file.
        output: Folder of the corpus.
        ladder: A TOML file with `[[rung]]` tables; by default eight rungs of four codecs.
        n_frames: Use the first frames only; the reference is then a lossless cut.
        raw: Geometry of raw YUV files.
        ffmpeg: The ffmpeg to encode with.
        jobs: Encodes at once on this machine; all cores by default.
        cluster: A Dask cluster that encodes instead: `tcp://HOST:PORT` or `local:N`.
        stall_s: Seconds without a new frame after which an encode is given up.
        progress: Receives the number of frames done.

    Raises:
        UsageError: an argument is wrong, two sources have one name, or the folder cannot be
            written.
        MediaError: a source cannot be read.
        CorpusError: no clip could be encoded, or the folder holds another's manifest.
    """
    paths, root = [Path(path) for path in sources], Path(output)
    if cluster is not None:  # a worker has another working folder
        paths, root = [absolute(path) for path in paths], absolute(root)
    return build(
        [Video(path, raw if path.suffix.lower() in RAW_SUFFIXES else None) for path in paths],
        root=root,
        ladder=read_ladder(None if ladder is None else Path(ladder)),
        ffmpeg=find_ffmpeg(ffmpeg),
        n_frames=n_frames,
        jobs=jobs,
        cluster=cluster,
        stall_s=stall_s,
        progress=progress,
    )


def build(
    videos: Sequence[Video],
    *,
    root: Path,
    ladder: Sequence[Rung],
    ffmpeg: Ffmpeg,
    n_frames: int | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    stall_s: float | None = None,
    progress: Progress = SILENT,
) -> Build:
    """As `build_corpus`: encode every rung of `ladder` from every video into `root`.

    Args:
        videos: Pristine sources; a source is named after its file.
        root: Folder that gets `corpus.csv`, `dis/` and, if sources are cut, `ref/`.
        ladder: The encodes to make of each source.
        ffmpeg: The encoder.
        n_frames: Use the first frames only; the reference is then a lossless cut.
        jobs: Encodes at once on this machine; all cores by default.
        cluster: A Dask cluster that encodes instead, as `open_executor` takes it.
        stall_s: Seconds without a new frame after which an encode is given up; None waits.
        progress: Receives the number of frames done.

    Raises:
        UsageError: two sources of one name, no rung that fits one, or a folder that cannot be
            written, as one in an object store.
        MediaError: a source cannot be read.
        CorpusError: no clip could be encoded, or the folder holds another's manifest.
    """
    check_workers(jobs=jobs, cluster=cluster)
    check_timeout(stall_s)
    for path in (root, *(video.path for video in videos)):
        if is_remote(path):
            raise UsageError(
                f"{address(path)}: a corpus is built in a file system; name a local "
                "path, and copy the finished folder to the store"
            )
    manifest = root / NAME
    check_writable(manifest)
    for folder in ("dis", "ref"):
        remove_leftovers(root / folder)
    rows = _read_rows(manifest)
    sources = read_sources(videos, root=root, n_frames=n_frames)
    version = f"ffmpeg {ffmpeg.version}"
    clips = [clip for source in sources for clip in source.clips(root, ladder)]
    wanted = [
        clip
        for clip in clips
        if rows.get(clip.key) != clip.row(version) or not clip.output.is_file()
    ]
    _forget(rows, sources, wanted)
    if manifest.is_file():
        _write_rows(manifest, rows)
    # A row shows that its cut was finished.
    cut_before = {source for source, _ in rows}
    cuts = [
        source.cut()
        for source in sources
        if source.is_cut and not (source.name in cut_before and source.reference.is_file())
    ]
    total = sum(item.source.n_frames for item in (*cuts, *wanted))
    task = progress.task("encode", total=float(total), unit="frames")

    def make(encode: Encode) -> RunEncode:
        return RunEncode(encode, ffmpeg, stall_s)

    def keep(clip: Encode) -> None:
        if not rows and not manifest.is_file():
            _write_rows(manifest, {})
        rows[clip.key] = clip.row(version)
        _append_row(manifest, rows[clip.key])

    try:
        with open_executor(jobs=jobs, cluster=cluster) as executor:
            failed = _run_all(cuts, executor, task, make=make)
            lost = {cut.source.name: error for cut, error in failed}
            failed = [(clip, lost[clip.source.name]) for clip in wanted if clip.source.name in lost]
            possible = [clip for clip in wanted if clip.source.name not in lost]
            failed += _run_all(possible, executor, task, make=make, done=keep)
    finally:
        task.finish()
    if wanted and rows:
        # Rows were appended in the order of completion; sort them.
        _write_rows(manifest, rows)
    if not rows:
        clip, error = failed[0]
        raise CorpusError(f"{root}: no clip could be encoded; {clip.output.name}: {error}")
    return Build(
        manifest=manifest,
        n_made=len(wanted) - len(failed),
        n_kept=len(clips) - len(wanted),
        failures=tuple(sorted((("/".join(clip.key), error) for clip, error in failed), key=str)),
    )


def _forget(rows: _Rows, sources: Sequence[Source], wanted: Sequence[Encode]) -> None:
    """Drop the rows of clips that are made again, or whose reference is made again."""
    for clip in wanted:
        rows.pop(clip.key, None)
    for source in sources:
        made = (source.reference_command, source.sha256)
        for key, row in list(rows.items()):
            if key[0] == source.name and (row["reference_command"], row["source_sha256"]) != made:
                del rows[key]


def _run_all(
    encodes: Sequence[Encode],
    executor: AbstractExecutor,
    task: Task,
    *,
    make: Callable[[Encode], "RunEncode"],
    done: Callable[[Encode], None] | None = None,
) -> _Failed:
    """Run encodes in parallel; `done` is called in this thread for each that succeeded."""
    failed: _Failed = []
    waiting: dict[Future[None], tuple[Encode, Share]] = {}
    for item in encodes:
        share = Share(task, item.source.n_frames)
        future = executor.submit(make(item), on_frame=share.reach)
        waiting[future] = item, share
    for future in as_they_end(waiting):
        encode, share = waiting.pop(future)
        share.complete()
        try:
            future.result()
        except TinyVmafError as error:
            failed.append((encode, error))
        else:
            if done is not None:
                done(encode)
    return failed


@dataclass(frozen=True, slots=True)
class RunEncode:
    """A task for an executor that makes one file; it may run in another process."""

    encode: Encode
    ffmpeg: Ffmpeg
    stall_s: float | None

    def __call__(self, on_frame: Callable[[int], None]) -> None:
        """Make the file; if that fails, an earlier file stays."""
        self.encode.run(self.ffmpeg, on_frame, stall_s=self.stall_s)


def _read_rows(manifest: Path) -> _Rows:
    if not manifest.is_file():
        return {}
    try:
        text = manifest.read_text("utf-8-sig")
        # The last line may be cut short, as by a power failure: its clip is made again.
        whole, _, _ = text.rpartition("\n")
        reader = csv.DictReader(io.StringIO(whole, newline=""), strict=True)
        ours = tuple(reader.fieldnames or ()) == COLUMNS
        rows = list(reader) if ours else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{manifest}: not a readable CSV file: {error}") from error
    if not ours or any(set(row) != set(COLUMNS) or None in row.values() for row in rows):
        raise CorpusError(f"{manifest}: not made by `corpus build`; choose another folder")
    return {(row["source"], row["clip"]): dict(row) for row in rows}


def _write_rows(manifest: Path, rows: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    text = io.StringIO()
    writer = _writer(text)
    writer.writeheader()
    writer.writerows(rows[key] for key in sorted(rows))
    write_text(manifest, text.getvalue())


def _append_row(manifest: Path, row: Mapping[str, str]) -> None:
    """Append one row; rewriting the file for each clip would take quadratic time."""
    text = io.StringIO()
    _writer(text).writerow(row)
    append_text(manifest, text.getvalue())


def _writer(text: io.StringIO) -> "csv.DictWriter[str]":
    return csv.DictWriter(text, COLUMNS, lineterminator="\n")
