# SPDX-License-Identifier: Apache-2.0
"""The manifest `corpus.csv`: one row a pair, paths relative to its folder.

Columns `source, reference, distorted`; optional `clip, width, height, pix_fmt, fps, mos`; others
(such as the encoder commands that `corpus build` records) are kept by whoever wrote them and not
read. A row that cannot be understood is refused with its line number: nothing is guessed.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.files import read_bytes
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video

NAME = "corpus.csv"

# Asked before they become numbers: `1e999999999` would take all memory to write down.
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
        raw: Geometry of raw files whose row says none.

    Raises:
        CorpusError: a column or a value is missing or wrong, or a clip is there twice.
    """
    pairs: dict[tuple[str, str], Pair] = {}
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        missing = [name for name in _REQUIRED if not row.get(name)]
        if missing:
            raise CorpusError(f"{where}: no value for {', '.join(missing)}")
        geometry = _geometry(row, raw, where)
        pair = Pair(
            source=row["source"],
            clip=row.get("clip") or Path(row["distorted"]).stem,
            reference=_video(path.parent / row["reference"], geometry, where),
            distorted=_video(path.parent / row["distorted"], geometry, where),
            mos=_number(row, "mos", where),
        )
        if (pair.source, pair.clip) in pairs:
            raise CorpusError(
                f"{where}: clip {pair.clip} of source {pair.source} is there twice; "
                "give each a name of its own in a column `clip`"
            )
        pairs[pair.source, pair.clip] = pair
    return Corpus(path.parent, tuple(pairs[key] for key in sorted(pairs)))


def _rows(path: Path) -> Sequence[tuple[int, Mapping[str, str]]]:
    try:
        # A byte-order mark is what spreadsheets put in front.
        text = read_bytes(path).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        columns = reader.fieldnames or []
        missing = [name for name in _REQUIRED if name not in columns]
        if missing:
            found = ", ".join(columns) or "none"
            raise CorpusError(
                f"{path}: no column {', '.join(missing)}; found {found}; "
                f"a manifest needs {', '.join(_REQUIRED)}"
            )
        rows: list[tuple[int, Mapping[str, str]]] = []
        for row in reader:
            if None in row:
                raise CorpusError(f"{path}, line {reader.line_num}: more values than columns")
            rows.append((reader.line_num, row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: not a readable CSV file: {error}") from error
    return rows


def _geometry(row: Mapping[str, str], raw: RawFormat | None, where: str) -> RawFormat | None:
    """The geometry that the row says; what it leaves out is that of `raw`."""
    said = {name: row[name] for name in _GEOMETRY if row.get(name)}
    if ("width" in said) != ("height" in said):
        raise CorpusError(f"{where}: expected both width and height, or neither")
    if raw is None and "width" not in said:
        return None
    if not all(_GEOMETRY[name].fullmatch(text) for name, text in said.items()):
        raise _no_geometry(said, where)
    try:
        known = raw or RawFormat(int(said["width"]), int(said["height"]))
        return RawFormat(
            width=int(said.get("width", known.width)),
            height=int(said.get("height", known.height)),
            pix_fmt=said.get("pix_fmt", known.pix_fmt),
            frame_rate=Fraction(said.get("fps", known.frame_rate)),
        )
    except UsageError as error:
        raise CorpusError(f"{where}: {error}") from error
    except (ValueError, ZeroDivisionError) as error:
        raise _no_geometry(said, where) from error


def _no_geometry(said: Mapping[str, str], where: str) -> CorpusError:
    found = ", ".join(f"{name} {value}" for name, value in said.items())
    return CorpusError(
        f"{where}: {found}; expected whole numbers of pixels, and fps such as 25 or 30000/1001"
    )


def _video(path: Path, geometry: RawFormat | None, where: str) -> Video:
    if path.suffix.lower() not in RAW_SUFFIXES:
        return Video(path)
    if geometry is None:
        raise CorpusError(
            f"{where}: {path.name} is raw video; give width and height in the manifest, "
            "or --size WxH"
        )
    return Video(path, geometry)


def _number(row: Mapping[str, str], name: str, where: str) -> float | None:
    text = row.get(name) or ""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CorpusError(f"{where}: {name} is {text!r}, expected a number")
    return number
