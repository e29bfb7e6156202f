# SPDX-License-Identifier: Apache-2.0
"""Reading a corpus: a manifest, or the layout of the Netflix Public corpus.

In that layout the file names describe the clips: `ref/<Source>_<fps>fps.yuv` and
`dis/<Source>_<quality>_<height>_<kbps>.yuv`, raw, all of one geometry. The height in a name is that
of the encode before it was scaled back. Where no geometry is given, it is that of the published
corpus, and files whose sizes contradict it form no pair.

Only names and sizes are read. Nothing is left out silently: a file that forms no pair becomes a
`Problem` with its reason.
"""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from tinyvmaf.corpus.manifest import NAME, read_manifest
from tinyvmaf.corpus.pair import Corpus, Pair, Problem
from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.files import is_file
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video
from tinyvmaf.storage import is_remote


def read_corpus(root: Path | str, *, raw: RawFormat | None = None) -> Corpus:
    """Read the corpus at `root`: a folder with `corpus.csv`, the CSV itself, or Netflix's layout.

    Args:
        root: Folder or manifest.
        raw: Geometry of raw files for which neither layout nor manifest has one.

    Raises:
        UsageError: `root` does not exist.
        CorpusError: `root` has neither layout, or holds no pair.
        SplitError: the names of two sources are nearly equal.
    """
    root = Path(root)
    if is_remote(root):
        manifest = root if root.suffix == ".csv" else root / NAME
    elif root.exists():
        manifest = root / NAME if root.is_dir() else root
    else:
        raise UsageError(f"{root}: no such folder or manifest")
    if is_file(manifest):
        corpus = read_manifest(manifest, raw=raw)
    elif not is_remote(root) and is_netflix_layout(root):
        corpus = read_netflix(root, raw=raw)
    else:
        raise CorpusError(
            f"{root}: not a corpus; expected a manifest {NAME} or the folders ref/ and dis/ "
            "(`tinyvmaf corpus build` makes one from videos, `tinyvmaf table import` a table from "
            "logs of libvmaf)"
        )
    if not corpus.pairs:
        found = "; ".join(f"{item.path.name}: {item.reason}" for item in corpus.problems[:3])
        raise CorpusError(f"{root}: no pair found" + (f" ({found})" if found else ""))
    refuse_twins(corpus.sources)
    return corpus


GEOMETRY = RawFormat(width=1920, height=1080)
"""The geometry of the published corpus."""

_NOT_WHOLE = (
    f"not a whole number of {GEOMETRY.width}x{GEOMETRY.height} {GEOMETRY.pix_fmt} frames "
    f"({GEOMETRY.frame_bytes} bytes each), the default geometry of this layout; "
    "give the right one with `raw`"
)
_REFERENCE = re.compile(r"(?P<source>.+)_(?P<fps>\d+(?:\.\d+)?)fps")
_DISTORTED = re.compile(r"(?P<source>.+)_(?P<quality>\d+)_(?P<height>\d+)_(?P<kbps>\d+)")
# Frame rates that names round: 23.976 stands for 24000/1001.
_NTSC = {rate: Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)}


def is_netflix_layout(root: Path) -> bool:
    """True if `root` has the two folders of the layout."""
    return (root / "ref").is_dir() and (root / "dis").is_dir()


def read_netflix(root: Path, *, raw: RawFormat | None = None) -> Corpus:
    """Pair the files under `root` by name; unpaired files and other names become problems.

    Args:
        root: The folder that holds `ref` and `dis`.
        raw: Geometry of raw files; None for that of the published corpus, which is then checked.
    """
    assumed, raw = raw is None, raw or GEOMETRY
    problems: list[Problem] = []
    references: dict[str, Video] = {}
    for path in _files(root / "ref"):
        match = _match(_REFERENCE, path)
        if match is None:
            problems.append(Problem(path, "name is not <Source>_<fps>fps in printable UTF-8"))
        elif match["source"] in references:
            problems.append(Problem(path, f"a second reference of source {match['source']}"))
        elif _rate(match["fps"]) == 0:
            problems.append(Problem(path, "a frame rate of 0"))
        else:
            geometry = replace(raw, frame_rate=_rate(match["fps"]))
            references[match["source"]] = _video(path, geometry)
    pairs: dict[tuple[str, str], Pair] = {}
    for path in _files(root / "dis"):
        match = _match(_DISTORTED, path)
        if match is None:
            expected = "<Source>_<quality>_<height>_<kbps>"
            problems.append(Problem(path, f"name is not {expected} in printable UTF-8"))
            continue
        reference = references.get(match["source"])
        if reference is None:
            problems.append(Problem(path, f"orphan: no reference of source {match['source']}"))
            continue
        pair = Pair(match["source"], path.stem, reference, _video(path, reference.raw or raw))
        if (pair.source, pair.clip) in pairs:
            problems.append(Problem(path, f"a second clip {pair.clip}"))
            continue
        pairs[pair.source, pair.clip] = pair
    used = {source for source, _ in pairs}
    if assumed:
        contradicted = {key: _contradiction(pair) for key, pair in pairs.items()}
        problems += dict.fromkeys(item for item in contradicted.values() if item is not None)
        pairs = {key: pair for key, pair in pairs.items() if contradicted[key] is None}
    problems += [
        Problem(video.path, "orphan: no distorted clip of this source")
        for source, video in references.items()
        if source not in used
    ]
    return Corpus(root, tuple(pairs[key] for key in sorted(pairs)), tuple(problems))


def _contradiction(pair: Pair) -> Problem | None:
    """The file of a pair whose size contradicts the geometry of the published corpus, and how."""
    ours, theirs = _size(pair.reference), _size(pair.distorted)
    if ours is not None and ours % GEOMETRY.frame_bytes:
        return Problem(pair.reference.path, f"{ours} bytes are {_NOT_WHOLE}")
    if theirs is None:
        return None
    match = _match(_DISTORTED, pair.distorted.path)
    if ours and ours != theirs and match is not None:
        n_frames, height = ours // GEOMETRY.frame_bytes, int(match["height"][:5])
        for width in (_even(height * 16 / 9), _even(height * 4 / 3)) if height else ():
            if theirs == n_frames * replace(GEOMETRY, width=width, height=height).frame_bytes:
                return Problem(
                    pair.distorted.path,
                    f"its {theirs} bytes are {n_frames} frames of {width}x{height}, the height in "
                    f"its name, and its reference has {n_frames} of 1920x1080; in this layout "
                    "encodes are scaled back to the reference's size: scale it back, or, if all "
                    "files have one other geometry, give it with `raw`",
                )
    if theirs % GEOMETRY.frame_bytes:
        return Problem(pair.distorted.path, f"{theirs} bytes are {_NOT_WHOLE}")
    return None


def _size(video: Video) -> int | None:
    """Bytes of a raw file; None of anything else."""
    if video.raw is None or not video.path.is_file():
        return None
    return video.path.stat().st_size


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)


def _files(folder: Path) -> list[Path]:
    # Dotfiles belong to the file system or to an unfinished copy.
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _match(pattern: re.Pattern[str], path: Path) -> re.Match[str] | None:
    # An unprintable name would be changed by tables and messages.
    return pattern.fullmatch(path.stem) if path.stem.isprintable() else None


def _video(path: Path, raw: RawFormat) -> Video:
    return Video(path, raw if path.suffix.lower() in RAW_SUFFIXES else None)


def _rate(text: str) -> Fraction:
    rate = Fraction(text)
    nominal = -(-rate.numerator // rate.denominator)
    exact = _NTSC.get(nominal)
    if exact is not None and rate.denominator != 1 and abs(rate - exact) < Fraction(1, 100):
        return exact
    return rate
