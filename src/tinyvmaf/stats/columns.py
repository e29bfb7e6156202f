# SPDX-License-Identifier: Apache-2.0
"""Checked input columns of every statistic of rows: two sides and their groups.

Rows that do not fit together or are not finite are refused with the side and the row; nothing is
dropped. Constants are recognised although their mean is rounded.
"""

import numpy as np
from jaxtyping import Float, Int, Real

from tinyvmaf.errors import SchemaError

# Spread below this share of the mean is rounding; scipy.stats.pearsonr warns at the same place.
_ROUNDING = 1e-13


def checked(
    *, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Both sides as float64, after making sure that they fit together and are finite.

    Raises:
        SchemaError: the lengths differ, or a value is not finite (with its side and row).
    """
    if len(predicted) != len(target):
        raise SchemaError(
            f"predicted has {len(predicted)} rows, target has {len(target)}; "
            "give one prediction for every target"
        )
    sides = predicted.astype(np.float64, copy=False), target.astype(np.float64, copy=False)
    for name, side in zip(("predicted", "target"), sides, strict=True):
        finite = np.isfinite(side)
        if not finite.all():
            row = int(np.argmin(finite))
            raise SchemaError(
                f"{name} is {side[row]} in row {row}, expected a finite number "
                f"({len(side) - np.count_nonzero(finite)} such rows)"
            )
    return sides


def is_constant(values: Float[np.ndarray, " n"]) -> bool:
    """Return True if all values are equal up to rounding; there must be at least one."""
    middle = values.mean()
    return bool(np.abs(values - middle).max() <= _ROUNDING * abs(middle))


def positions(groups: Int[np.ndarray, " _"], *, n: int) -> Int[np.ndarray, " n"]:
    """Group numbers 0 to K - 1 of the rows, from arbitrary integers.

    Raises:
        SchemaError: there is not one for each of the `n` rows, or there are no rows.
    """
    if len(groups) != n or n == 0:
        raise SchemaError(f"{n} rows have {len(groups)} group numbers; give one for each, and rows")
    low = groups.min()
    span = int(groups.max()) - int(low) + 1
    if span > n:
        return np.unique(groups, return_inverse=True)[1]
    # Numbers close to each other need no sorting.
    present = np.bincount(groups - low, minlength=span) > 0
    return (np.cumsum(present) - 1)[groups - low]
