# SPDX-License-Identifier: Apache-2.0
"""Looking at a corpus before any work: what pairs are there, and what is wrong with the rest.

Reads names, headers and sizes only. Nothing is skipped silently: every file that makes no usable
pair becomes a `Problem` with its reason.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinyvmaf.corpus.manifest import NAME, read_manifest
from tinyvmaf.corpus.netflix import GEOMETRY, is_netflix_layout, read_netflix
from tinyvmaf.corpus.pair import Corpus, Problem
from tinyvmaf.errors import CorpusError, MediaError, UsageError
from tinyvmaf.files import is_file
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import RawFormat, Video, VideoInfo
from tinyvmaf.storage import is_remote


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One source of a corpus: its reference and how many clips and distorted frames it has."""

    source: str
    n_clips: int
    n_frames: int
    reference: VideoInfo


@dataclass(frozen=True, slots=True)
class Scan:
    """What `scan` found."""

    sources: tuple[SourceSummary, ...]
    problems: tuple[Problem, ...]


def read_corpus(root: Path, *, raw: RawFormat | None = None) -> Corpus:
    """Read the corpus at `root`: a folder with `corpus.csv`, the CSV itself, or Netflix's layout.

    Args:
        root: Folder or manifest.
        raw: Geometry of raw files, where neither layout nor manifest says it.

    Raises:
        UsageError: `root` does not exist.
        CorpusError: it is neither, or holds no pair at all.
    """
    if is_remote(root):
        manifest = root if root.suffix == ".csv" else root / NAME
    elif root.exists():
        manifest = root / NAME if root.is_dir() else root
    else:
        raise UsageError(f"{root}: no such folder or manifest")
    if is_file(manifest):
        corpus = read_manifest(manifest, raw=raw)
    elif not is_remote(root) and is_netflix_layout(root):
        corpus = read_netflix(root, raw=raw or GEOMETRY)
    else:
        raise CorpusError(
            f"{root}: not a corpus; expected a manifest {NAME} or the folders ref/ and dis/ "
            "(`tinyvmaf corpus build` makes one from videos)"
        )
    if not corpus.pairs:
        found = "; ".join(f"{item.path.name}: {item.reason}" for item in corpus.problems[:3])
        raise CorpusError(f"{root}: no pair found" + (f" ({found})" if found else ""))
    return corpus


def scan(corpus: Corpus) -> Scan:
    """Probe every file of `corpus` and sum up what fits."""
    look = cache(_look)
    problems = list(corpus.problems)
    summaries: list[SourceSummary] = []
    for source in corpus.sources:
        pairs = [pair for pair in corpus.pairs if pair.source == source]
        reference: VideoInfo | None = None
        clips: list[VideoInfo] = []
        for pair in pairs:
            known, found = look(pair.reference), look(pair.distorted)
            if isinstance(known, Problem) or isinstance(found, Problem):
                problems += [
                    item
                    for item in (known, found)
                    if isinstance(item, Problem) and item not in problems
                ]
                continue
            reference = known
            clips.append(found)
        if reference is not None:
            n_frames = sum(clip.n_frames for clip in clips)
            summaries.append(SourceSummary(source, len(clips), n_frames, reference))
    return Scan(tuple(summaries), tuple(problems))


def _look(video: Video) -> VideoInfo | Problem:
    try:
        return probe(video)
    except MediaError as error:
        return Problem(video.path, str(error).removeprefix(f"{video.path}: "))
