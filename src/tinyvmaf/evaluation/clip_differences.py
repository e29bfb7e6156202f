# SPDX-License-Identifier: Apache-2.0
"""Two models on the same clips as ITU-T P.1401 compares them, but with the dependence kept.

The recommendation's own tests take the two models' figures as independent; on the same clips they
are not. Each function here is the paired form. Clips are still treated as independent of each
other: see `p1401` for what that means.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.metrics import plcc
from tinyvmaf.stats.p1401 import ClipStatistic, correlation_interval
from tinyvmaf.stats.rows import checked


def correlation_difference(
    *,
    a: Real[np.ndarray, " _"],
    b: Real[np.ndarray, " _"],
    target: Real[np.ndarray, " _"],
    level: float = 0.95,
) -> ClipStatistic | None:
    """Pearson correlation of A minus that of B with the same target, in [-2, 2].

    Args:
        a: Scores of model A, one a clip.
        b: Scores of model B for the same clips.
        target: Scores to be met.
        level: Nominal coverage.

    Returns:
        None if a correlation is undefined or perfect, or with fewer than four clips.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Zou (2007), for overlapping dependent correlations.
    """
    first, second = plcc(predicted=a, target=target), plcc(predicted=b, target=target)
    of_a = correlation_interval(first, n=len(target), level=level)
    of_b = correlation_interval(second, n=len(target), level=level)
    both = plcc(predicted=a, target=b)
    if of_a is None or of_b is None or both is None:
        return None
    ra, rb = of_a.estimate, of_b.estimate
    if max(abs(ra), abs(rb)) >= 1:
        return None
    c = (both - ra * rb / 2) * (1 - ra**2 - rb**2 - both**2) + both**3
    c /= (1 - ra**2) * (1 - rb**2)

    def reach(down: float, up: float) -> float:
        return float(np.sqrt(max(0.0, down**2 + up**2 - 2 * c * down * up)))

    low = ra - rb - reach(ra - of_a.low, of_b.high - rb)
    high = ra - rb + reach(of_a.high - ra, rb - of_b.low)
    return ClipStatistic(ra - rb, low, high)


def error_variance_p(
    *, a: Real[np.ndarray, " _"], b: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]
) -> float | None:
    """Two-sided p that the errors of A and B have one variance, in [0, 1]; None if undefined.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Pitman (1939), Morgan (1939); a correlation of sum and difference of the errors.
    """
    from scipy.stats import pearsonr

    error_a = np.subtract(*checked(predicted=a, target=target))
    error_b = np.subtract(*checked(predicted=b, target=target))
    total, gap = error_a + error_b, error_a - error_b
    if plcc(predicted=total, target=gap) is None:
        return None
    result: Any = pearsonr(total, gap)
    return float(result.pvalue)


def outliers_p(*, a: Bool[np.ndarray, " _"], b: Bool[np.ndarray, " _"]) -> float:
    """Two-sided exact p that A and B have as many outliers on the same clips, in (0, 1].

    Args:
        a: Whether each clip is an outlier of model A.
        b: The same of model B.

    Raises:
        SchemaError: the lengths differ.

    Source: McNemar (1947), exact binomial form.
    """
    from scipy.stats import binomtest

    if len(a) != len(b):
        raise SchemaError(f"A has {len(a)} clips, B has {len(b)}; give the same clips")
    only_a, only_b = int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
