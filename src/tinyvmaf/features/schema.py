# SPDX-License-Identifier: Apache-2.0
"""The schema of a feature table's rows.

Columns are `source, clip, frame`, the features in the set's order, the teacher's score `vmaf`, and
labels: columns with one value per clip, such as `mos`, `mos_ci`, `kbps` or `encoder`. Rows are
sorted by source, clip and frame. Other rows are refused with the column and the row; nothing is
dropped, filled or guessed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tinyvmaf.errors import SchemaError
from tinyvmaf.libvmaf.sets import KEYS, TARGET

if TYPE_CHECKING:
    import polars as pl


MOS = "mos"
"""The label that holds a clip's mean opinion score; empty for clips without one."""

MOS_CI = "mos_ci"
"""The label that holds half the width of the 95 % confidence interval of `mos`."""


def conforming(
    rows: "pl.DataFrame", features: Sequence[str], *, origin: str, labels: Sequence[str] = ()
) -> "pl.DataFrame":
    """The rows with the columns of the schema only, and sorted.

    Args:
        rows: Any frame with at least the columns of the schema.
        features: The feature columns, in order.
        origin: Named in errors, such as the file's path.
        labels: The columns that hold one value a clip: text, or numbers that may be missing.

    Raises:
        SchemaError: a column is missing or of the wrong type, a value is missing, not finite or
            (the teacher's score) outside [0, 100], a label changes within a clip, a row is there
            twice, or there are no rows.
    """
    import polars as pl

    wanted = {
        "source": pl.String,
        "clip": pl.String,
        "frame": pl.UInt32,
        **dict.fromkeys(features, pl.Float64),
        TARGET: pl.Float64,
    }
    for name in labels:
        if name in wanted:
            raise SchemaError(f"{origin}: a label cannot be called {name}, as another column is")
        of_text = name in rows.columns and rows.schema[name].to_python() is str
        wanted[name] = pl.String if of_text else pl.Float64
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise SchemaError(
            f"{origin}: no column {', '.join(missing)}; found {', '.join(rows.columns)}; "
            f"a table needs {', '.join(wanted)}"
        )
    if rows.is_empty():
        raise SchemaError(f"{origin}: the table has no rows")
    _check_types(rows.select(list(wanted)), labels, origin)
    try:
        rows = rows.select(pl.col(name).cast(kind, strict=True) for name, kind in wanted.items())
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{origin}: a frame number is negative or too large") from error
    check_values(rows, features, origin=origin, labels=labels)
    if not _ascends(rows):
        rows = rows.sort(KEYS)
        if not _ascends(rows):
            where = rows.filter(rows.select(KEYS).is_duplicated()).row(0, named=True)
            raise SchemaError(f"{origin}: {_name(where)} is there more than once")
    _check_labels(rows, labels, origin)
    return rows


def _check_labels(rows: "pl.DataFrame", labels: Sequence[str], origin: str) -> None:
    """Refuse a label that has two values in one clip; rows of a clip are adjacent."""
    import polars as pl

    same_clip = (pl.col("source") == pl.col("source").shift()) & (
        pl.col("clip") == pl.col("clip").shift()
    )
    for name in labels:
        changed = rows.filter(same_clip & pl.col(name).ne_missing(pl.col(name).shift()))
        if not changed.is_empty():
            raise SchemaError(
                f"{origin}: column {name} changes at {_name(changed.row(0, named=True))}, "
                "expected one value a clip"
            )


def _check_types(rows: "pl.DataFrame", labels: Sequence[str], origin: str) -> None:
    """Refuse values that a cast would change: text that looks like a number, frame 0.5."""
    for name, kind in rows.schema.items():
        if name in ("source", "clip"):
            fits, expected = kind.to_python() is str, "text"
        elif name in labels:
            fits, expected = kind.is_numeric() or kind.to_python() is str, "a number or text"
        elif name == "frame":
            fits, expected = kind.is_integer(), "an integer"
        else:
            fits, expected = kind.is_numeric(), "a number"
        if not fits:
            raise SchemaError(f"{origin}: column {name} has type {kind}, expected {expected}")


def _ascends(rows: "pl.DataFrame") -> bool:
    """True if the rows ascend strictly by source, clip and frame."""
    import polars as pl

    after, so_far = pl.lit(value=False), pl.lit(value=True)
    for name in KEYS:
        column, before = pl.col(name), pl.col(name).shift()
        after = after | (so_far & (column > before))
        so_far = so_far & (column == before)
    # The first row has no predecessor.
    return bool(rows.lazy().select(after.slice(1).all()).collect().item())


def check_values(
    rows: "pl.DataFrame",
    features: Sequence[str],
    *,
    origin: str = "table",
    labels: Sequence[str] = (),
) -> None:
    """Refuse a value that is missing, not finite, or (the teacher's score) outside [0, 100].

    A label that is a number may be missing.

    Raises:
        SchemaError: there is such a value; the message names the first.
    """
    import polars as pl

    for name in rows.columns:
        column = rows[name]
        bad = column.is_null()
        expected = "a value"
        if name in labels and column.dtype == pl.Float64:
            bad = ~column.is_finite().fill_null(value=True)
            expected = "a finite number or none"
        elif name in features or name == TARGET:
            bad = bad | ~column.is_finite().fill_null(value=False)
            expected = "a finite number"
        if name == TARGET and not bad.any():
            bad = (column < 0) | (column > 100)  # noqa: PLR2004 (VMAF's own range)
            expected = "a score in [0, 100]"
        if bad.any():
            where = rows.filter(bad).select(*KEYS, pl.col(name).alias("found")).row(0, named=True)
            raise SchemaError(
                f"{origin}: column {name} of {_name(where)} is {where['found']}, "
                f"expected {expected} ({bad.sum()} such rows)"
            )


def _name(row: Mapping[str, Any]) -> str:
    return f"source {row['source']}, clip {row['clip']}, frame {row['frame']}"
