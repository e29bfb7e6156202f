# SPDX-License-Identifier: Apache-2.0
"""The rows of a feature table, read in pieces from the cached logs of its pairs."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import SchemaError
from tinyvmaf.features.cached_scores import Scored
from tinyvmaf.features.schema import MOS, check_values
from tinyvmaf.libvmaf.graph import COMPANION
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import ALL, CANONICAL6, SETS, TARGET

if TYPE_CHECKING:
    import polars as pl

# Columns of a log that are scores, not features.
_NO_FEATURES = frozenset({TARGET, COMPANION})


class ExtractedRows:
    """The rows of the table in order, read from the cache in pieces.

    Attributes:
        scored: The pairs, in order.
        features: The requested feature columns.
        labels: `mos`, if the corpus has opinion scores.
        n_rows: Number of rows read so far.
    """

    def __init__(self, scored: Sequence[Scored], feature_set: str) -> None:
        self.scored = scored
        with closing(scored[0].log.parts()) as parts:
            self.features = _columns(feature_set, next(parts))
        self.labels = (MOS,) if any(item.pair.mos is not None for item in scored) else ()
        self.n_rows = 0

    def __iter__(self) -> "Iterator[pl.DataFrame]":
        import polars as pl

        for item in self.scored:
            frame = 0
            with closing(item.log.parts()) as parts:
                for part in parts:
                    rows = _rows(item.pair, part, self.features, first=frame)
                    if self.labels:
                        rows = rows.with_columns(pl.lit(item.pair.mos, pl.Float64).alias(MOS))
                    check_values(rows, self.features, labels=self.labels)
                    frame += rows.height
                    self.n_rows += rows.height
                    yield rows


def _columns(feature_set: str, log: Log) -> tuple[str, ...]:
    """The feature columns of the requested sets, in that order."""
    columns: list[str] = []
    for name in (part.strip() for part in feature_set.split(",")):
        columns += _all_features(log) if name == ALL else SETS[name].columns
    return tuple(columns)


def _all_features(log: Log) -> tuple[str, ...]:
    """Every column of the pass at full size: the canonical ones first, the others by name."""
    prefixes = tuple(each.prefix for each in SETS.values() if each.prefix)
    full = {name for name in log if not name.startswith(prefixes)}
    return (*CANONICAL6, *sorted(full - set(CANONICAL6) - _NO_FEATURES))


def _rows(pair: Pair, part: Log, features: tuple[str, ...], *, first: int) -> "pl.DataFrame":
    import polars as pl

    missing = [name for name in (*features, TARGET) if name not in part]
    if missing:
        raise SchemaError(
            f"{pair.name}: libvmaf's log has no {', '.join(missing)}; it has {', '.join(part)}"
        )
    n_frames = len(part[TARGET])
    return pl.DataFrame(
        {
            "source": pl.repeat(pair.source, n_frames, eager=True),
            "clip": pl.repeat(pair.clip, n_frames, eager=True),
            "frame": pl.int_range(first, first + n_frames, dtype=pl.UInt32, eager=True),
            **{name: part[name] for name in (*features, TARGET)},
        }
    )
