# SPDX-License-Identifier: Apache-2.0
"""Making a corpus: a ladder of real encodes of every source, with a manifest that tells how.

The manifest gets a clip's row when the clip is whole, so a build that was stopped goes on where it
was. A clip is made again only if its command, its reference, its source or the encoder's version
changed; its row is gone before that begins, so no row ever tells of a file that is not there.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.encode import COLUMNS, Encode, Source, read_sources
from tinyvmaf.corpus.ladder import Rung
from tinyvmaf.corpus.manifest import NAME
from tinyvmaf.errors import CorpusError, TinyVmafError
from tinyvmaf.files import check_writable, written_aside
from tinyvmaf.media.ffmpeg import Ffmpeg
from tinyvmaf.media.process import n_jobs, stop_pool
from tinyvmaf.media.video import Video
from tinyvmaf.progress import SILENT, Progress, Task

_Rows = dict[tuple[str, str], dict[str, str]]
_Failed = list[tuple[Encode, TinyVmafError]]


@dataclass(frozen=True, slots=True)
class Build:
    """What `build` did: clips made now and kept from before, and what failed, by name."""

    manifest: Path
    n_made: int
    n_kept: int
    failures: tuple[tuple[str, TinyVmafError], ...]


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
        UsageError: two sources of one name, no rung that fits one, or a folder that cannot be
            written.
        MediaError: a source cannot be read.
        CorpusError: no clip could be encoded, or the folder holds another's manifest.
    """
    jobs = n_jobs(jobs)
    manifest = root / NAME
    check_writable(manifest)
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
    # A row proves that the cut which it names was made.
    cut_before = {source for source, _ in rows}
    cuts = [
        source.cut()
        for source in sources
        if source.is_cut and not (source.name in cut_before and source.reference.is_file())
    ]
    total = sum(item.source.n_frames for item in (*cuts, *wanted))
    task = progress.task("encode", total=float(total), unit="frames")

    def keep(clip: Encode) -> None:
        rows[clip.key] = clip.row(version)
        _write_rows(manifest, rows)

    try:
        failed = _run_all(cuts, ffmpeg, jobs, task)
        lost = {cut.source.name: error for cut, error in failed}
        failed = [(clip, lost[clip.source.name]) for clip in wanted if clip.source.name in lost]
        possible = [clip for clip in wanted if clip.source.name not in lost]
        failed += _run_all(possible, ffmpeg, jobs, task, done=keep)
    finally:
        task.finish()
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
    """Drop the rows of what is made again, and those whose reference is made again."""
    for clip in wanted:
        rows.pop(clip.key, None)
    for source in sources:
        made = (source.reference_command, source.sha256)
        for key, row in list(rows.items()):
            if key[0] == source.name and (row["reference_command"], row["source_sha256"]) != made:
                del rows[key]


def _run_all(
    encodes: Sequence[Encode],
    ffmpeg: Ffmpeg,
    jobs: int,
    task: Task,
    *,
    done: Callable[[Encode], None] | None = None,
) -> _Failed:
    """Run them side by side; `done` is called in this thread for each that worked."""
    failed: _Failed = []
    pool = ThreadPoolExecutor(jobs)
    waiting: dict[Future[None], Encode] = {}
    try:
        for item in encodes:
            waiting[pool.submit(_run, item, ffmpeg, task)] = item
        for future in as_completed(waiting):
            encode = waiting[future]
            try:
                future.result()
            except TinyVmafError as error:
                failed.append((encode, error))
            else:
                if done is not None:
                    done(encode)
    except BaseException:
        # Ctrl-C or a bug: no encoder may outlive us, and nothing waiting may start.
        stop_pool(pool, waiting)
        raise
    finally:
        pool.shutdown(wait=True)
    return failed


def _run(encode: Encode, ffmpeg: Ffmpeg, task: Task) -> None:
    seen = 0

    def on_frame(count: int) -> None:
        nonlocal seen
        task.advance(float(count - seen))
        seen = count

    encode.run(ffmpeg, on_frame)


def _read_rows(manifest: Path) -> _Rows:
    if not manifest.is_file():
        return {}
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            ours = tuple(reader.fieldnames or ()) == COLUMNS
            rows = list(reader) if ours else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{manifest}: not a readable CSV file: {error}") from error
    if not ours or any(set(row) != set(COLUMNS) or None in row.values() for row in rows):
        raise CorpusError(f"{manifest}: not made by `corpus build`; choose another folder")
    return {(row["source"], row["clip"]): dict(row) for row in rows}


def _write_rows(manifest: Path, rows: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
    with written_aside(manifest) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))
