# SPDX-License-Identifier: Apache-2.0
"""Labels of clips that `corpus build` encoded, read from their names.

A name such as `blur2_libx264_360p_crf28` tells what was done to the picture before, the encoder and
the height of the encode. The scale is that height over the largest of its source, as one of a few
words, since sources of different heights share no heights but scales.
"""

import re
from dataclasses import replace
from typing import Final

import polars as pl

from tinyvmaf.errors import CorpusError
from tinyvmaf.features.table import FeatureTable, make_table

LABELS: Final = ("encoder", "height", "scale")

_NAME: Final = re.compile(r"^(?:[a-z]+\d+_)?(lib[a-z0-9-]+)_(\d+)p_(?:crf\d+|\d+kbps)$")
_SCALES: Final = {"full": 1.0, "two thirds": 0.667, "half": 0.5, "third": 0.333, "quarter": 0.25}


def labelled(table: FeatureTable) -> FeatureTable:
    """The table with the labels `encoder`, `height` and `scale`.

    Raises:
        CorpusError: a clip is not named as `corpus build` names it.
    """
    found: list[tuple[str, str, str, int]] = []
    for source, clip in table.rows.select("source", "clip").unique().iter_rows():
        found.append((source, clip, *_told(source, clip)))
    heights: dict[str, int] = {}
    for source, _, _, height in found:
        heights[source] = max(height, heights.get(source, 0))
    labels = pl.DataFrame(
        [(*row, _scale(row[3] / heights[row[0]])) for row in found],
        schema=["source", "clip", *LABELS],
        orient="row",
    )
    rows = table.rows.join(labels, on=["source", "clip"], how="left", maintain_order="left")
    return make_table(rows, replace(table.info, labels=LABELS))


def _told(source: str, clip: str) -> tuple[str, int]:
    match = _NAME.match(clip)
    if match is None:
        raise CorpusError(f"{source}/{clip}: not a name that `corpus build` gives")
    return match[1].removeprefix("lib").removeprefix("vpx-"), int(match[2])


def _scale(share: float) -> str:
    return min(_SCALES, key=lambda name: abs(_SCALES[name] - share))
