# SPDX-License-Identifier: Apache-2.0
"""Reading a corpus in either layout: its pairs, and every file that forms none.

Only names are read here. Nothing is left out silently: a file that forms no pair becomes a
`Problem` with its reason.
"""

from pathlib import Path

from tinyvmaf.corpus.manifest import NAME, read_manifest
from tinyvmaf.corpus.netflix import is_netflix_layout, read_netflix
from tinyvmaf.corpus.pair import Corpus
from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.files import is_file
from tinyvmaf.media.video import RawFormat
from tinyvmaf.storage import is_remote


def read_corpus(root: Path | str, *, raw: RawFormat | None = None) -> Corpus:
    """Read the corpus at `root`: a folder with `corpus.csv`, the CSV itself, or Netflix's layout.

    Args:
        root: Folder or manifest.
        raw: Geometry of raw files, where neither layout nor manifest has it.

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
            "(`tinyvmaf corpus build` makes one from videos)"
        )
    if not corpus.pairs:
        found = "; ".join(f"{item.path.name}: {item.reason}" for item in corpus.problems[:3])
        raise CorpusError(f"{root}: no pair found" + (f" ({found})" if found else ""))
    refuse_twins(corpus.sources)
    return corpus
