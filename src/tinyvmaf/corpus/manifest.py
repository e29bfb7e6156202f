# SPDX-License-Identifier: Apache-2.0
"""The manifest `corpus.csv`: one row a pair, paths relative to its folder.

Columns `source, reference, distorted`; optional `clip, width, height, pix_fmt, fps, mos` and, in
seconds of the reference, `start, duration, reference_start`; others
(such as the encoder commands that `corpus build` records) are ignored. An invalid row is refused
with its line number: nothing is guessed.
"""

import csv
import io
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache, partial
from pathlib import Path, PurePath

from tinyvmaf.corpus.excerpt import read_excerpt
from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.files import read_bytes
from tinyvmaf.media.sequence import find_sequence
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video
from tinyvmaf.storage import listed

NAME = "corpus.csv"

# Checked before conversion: printing `1e999999999` in full would take all memory.
_WHOLE = re.compile(r"-?[0-9]{1,6}")
_GEOMETRY = {
    "width": _WHOLE,
    "height": _WHOLE,
    "pix_fmt": re.compile(".*"),
    "fps": re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9}|/[0-9]{1,9})?"),
}
_REQUIRED = ("source", "reference", "distorted")


def read_manifest(path: Path, *, raw: RawFormat | None = None) -> Corpus:
    """Read the manifest at `path`.

    Args:
        path: The CSV file.
        raw: Geometry of raw files whose row has none.

    Raises:
        CorpusError: a column or a value is missing or wrong, or a clip occurs twice.
    """
    pairs: dict[tuple[str, str], Pair] = {}
    # Most rows name a source and a reference that another row names, too.
    reference = cache(partial(_video, path.parent))
    for line, row in _rows(path):
        try:
            pair = _pair(row, raw, path.parent, reference)
        except (CorpusError, UsageError) as error:
            raise CorpusError(f"{path}, line {line}: {error}") from error
        if (pair.source, pair.clip) in pairs:
            raise CorpusError(
                f"{path}, line {line}: clip {pair.clip} of source {pair.source} occurs twice; "
                "give each a different name in a column `clip`"
            )
        pairs[pair.source, pair.clip] = pair
    return Corpus(path.parent, tuple(pairs[key] for key in sorted(pairs)))


def _pair(
    row: Mapping[str, str],
    raw: RawFormat | None,
    folder: Path,
    reference: Callable[[str, RawFormat | None], Video],
) -> Pair:
    missing = [name for name in _REQUIRED if not row[name]]
    if missing:
        raise CorpusError(f"no value for {', '.join(missing)}")
    geometry = _geometry(row, raw)
    return Pair(
        source=sys.intern(row["source"]),
        clip=row.get("clip") or PurePath(row["distorted"]).stem,
        reference=reference(row["reference"], geometry),
        distorted=_video(folder, row["distorted"], geometry),
        mos=_number(row, "mos"),
        excerpt=read_excerpt(row),
    )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        # Spreadsheets write a byte-order mark. Decoded bit by bit: a `StringIO` takes four bytes
        # for each character.
        text = io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8-sig", newline="")
        reader = csv.DictReader(text, restval="", strict=True)
        columns = reader.fieldnames or []
        missing = [name for name in _REQUIRED if name not in columns]
        if missing:
            found = ", ".join(columns) or "none"
            raise CorpusError(
                f"{path}: no column {', '.join(missing)}; found {found}; "
                f"a manifest needs {', '.join(_REQUIRED)}"
            )
        twice = sorted(name for name, count in Counter(columns).items() if count > 1)
        if twice:
            raise CorpusError(
                f"{path}: column {', '.join(twice)} occurs twice; one of them would not be read: "
                "leave one out, or rename it"
            )
        for row in reader:
            if None in row:
                raise CorpusError(f"{path}, line {reader.line_num}: more values than columns")
            yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: not a readable CSV file: {error}") from error


def _geometry(row: Mapping[str, str], raw: RawFormat | None) -> RawFormat | None:
    """The geometry in the row, completed from `raw`."""
    said = {name: row[name] for name in _GEOMETRY if row.get(name)}
    if ("width" in said) != ("height" in said):
        raise CorpusError("expected both width and height, or neither")
    if raw is None and "width" not in said:
        return None
    if not all(_GEOMETRY[name].fullmatch(text) for name, text in said.items()):
        raise _no_geometry(said)
    try:
        known = raw or RawFormat(int(said["width"]), int(said["height"]))
        return RawFormat(
            width=int(said.get("width", known.width)),
            height=int(said.get("height", known.height)),
            pix_fmt=said.get("pix_fmt", known.pix_fmt),
            frame_rate=Fraction(said["fps"]) if "fps" in said else known.frame_rate,
        )
    except UsageError:
        raise  # the geometry's own validation
    except (ValueError, ZeroDivisionError) as error:
        raise _no_geometry(said) from error


def _no_geometry(said: Mapping[str, str]) -> CorpusError:
    found = ", ".join(f"{name} {value}" for name, value in said.items())
    return CorpusError(
        f"{found}; expected whole numbers of pixels, and fps such as 25 or 30000/1001"
    )


def _video(folder: Path, name: str, geometry: RawFormat | None) -> Video:
    path = listed(name, folder=folder)
    if path.suffix.lower() not in RAW_SUFFIXES:
        return Video(path, sequence=find_sequence(path))
    if geometry is None:
        raise CorpusError(
            f"{path.name} is raw video; give width and height in the manifest, or `raw`"
        )
    return Video(path, geometry)


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name) or ""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CorpusError(f"{name} is {text!r}, expected a number")
    return number
