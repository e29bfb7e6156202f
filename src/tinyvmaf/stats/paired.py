# SPDX-License-Identifier: Apache-2.0
"""Paired tests over a handful of sources: sign-flip, max-T, subset interval, and their kin.

In come differences, one a source, on the metric's scale. The exact ones assume only that without an
effect a source's difference could as well have had the other sign. Frames never enter, so that no
test here gets stronger by sampling more of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

MAX_EXACT_SOURCES = 16
"""Up to here all 2^K patterns are gone through; beyond, 2^16 random ones from a seed."""

_PATTERNS = 2**MAX_EXACT_SOURCES

# Sums of the same numbers in another order differ in their last bits and are still ties.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Two-sided p-values of a family of paired tests.

    Attributes:
        p: Of each test alone, in (0, 1]; a multiple of 1 / patterns.
        p_max_t: Adjusted for the whole family by the maximum statistic, >= p.
        patterns: Sign patterns that were compared, the observed one included.
        exact: Whether these are all patterns, not a random sample.
    """

    p: tuple[float, ...]
    p_max_t: tuple[float, ...]
    patterns: int
    exact: bool


def sign_flip(differences: Float[np.ndarray, "tests k"], *, seed: int = 0) -> SignFlip:
    """Sign-flip tests of zero mean, each alone and adjusted for all by the same flips (max-T).

    Args:
        differences: A row a test, a column a source; NaN where a source has no difference.
        seed: Of the random patterns beyond `MAX_EXACT_SOURCES` sources.

    Source: Fisher (1935); Westfall and Young (1993) for max-T. Exact for fixed models, approximate
    for models of folds, which share training sources.
    """
    d = np.nan_to_num(differences)
    count = np.count_nonzero(~np.isnan(differences), axis=1)
    patterns, exact = _patterns(d.shape[1], seed)
    # Flips leave the squares alone, so |t| grows with |sum| / sqrt(k * sum of squares), in [0, 1]:
    # the same order without a division by a spread that may be zero.
    norm = np.sqrt(count * np.square(d).sum(axis=1))
    statistic = np.abs((1.0 - 2.0 * patterns) @ (d / np.where(norm > 0, norm, 1)[:, None]).T)
    threshold = statistic[0] - _TIE
    return SignFlip(
        p=_shares(statistic >= threshold),
        p_max_t=_shares(statistic.max(axis=1, keepdims=True) >= threshold),
        patterns=len(patterns),
        exact=exact,
    )


def _patterns(k: int, seed: int) -> tuple[Int[np.ndarray, "patterns k"], bool]:
    """Subsets of the sources as rows of 0 and 1; the first is empty (no source flipped)."""
    if k <= MAX_EXACT_SOURCES:
        return (np.arange(2**k)[:, None] >> np.arange(k)) & 1, True
    patterns = np.random.default_rng(seed).integers(0, 2, size=(_PATTERNS, k))
    patterns[0] = 0
    return patterns, False


def _shares(hits: np.ndarray) -> tuple[float, ...]:
    return tuple(hits.mean(axis=0).tolist())


def subset_interval(
    differences: Float[np.ndarray, " k"], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Interval for the centre of symmetry of the differences, from the means of their subsets.

    It leaves out 0 exactly where the sign-flip test has p < 1 - level (within one pattern).

    Args:
        differences: One a source, on any scale.
        level: Nominal coverage, reached exactly if the differences are symmetric.
        seed: Of the random subsets beyond `MAX_EXACT_SOURCES` sources.

    Returns:
        None when there are too few sources for the level: 95 % needs six.

    Source: Hartigan (1969), typical values.
    """
    subsets = _patterns(len(differences), seed)[0]
    subsets = subsets[subsets.any(axis=1)]
    tail = int((1 - level) / 2 * (len(subsets) + 1) + _TIE)
    if tail < 1:
        return None
    means = np.sort(subsets @ differences / subsets.sum(axis=1))
    return float(means[tail - 1]), float(means[-tail])


def nadeau_bengio_p(
    differences: Float[np.ndarray, " k"], *, test_share: float | None = None
) -> float:
    """Two-sided p of a t test with the variance corrected for shared training sources, in [0, 1].

    Args:
        differences: One a source; at least two.
        test_share: n_test / n_train of a fold; by default 1 / (K - 1).

    Source: Nadeau and Bengio (2003).
    """
    from scipy.stats import t

    k = len(differences)
    share = test_share if test_share is not None else 1 / (k - 1)
    mean = abs(float(differences.mean()))
    error = float(np.sqrt((1 / k + share) * differences.var(ddof=1)))
    if error <= _TIE * mean or mean == 0:
        return 0.0 if mean > 0 else 1.0
    return float(2 * t.sf(mean / error, k - 1))


def wilcoxon_p(differences: Float[np.ndarray, " k"], *, seed: int = 0) -> float:
    """Two-sided p of the signed-rank test, in (0, 1]; zeros are dropped, ties are permuted.

    Args:
        differences: One a source.
        seed: Of the random permutations when there are ties and too many sources for all.

    Source: Wilcoxon (1945), computed by scipy.stats.wilcoxon.
    """
    from scipy.stats import PermutationMethod, wilcoxon

    d = differences[differences != 0]
    if len(d) == 0:
        return 1.0
    method: Any = "exact"
    if len(np.unique(np.abs(d))) < len(d):
        # All sign patterns where they are no more than this, else that many random ones.
        method = PermutationMethod(n_resamples=_PATTERNS, rng=np.random.default_rng(seed))
    result: Any = wilcoxon(d, method=method)
    return float(result.pvalue)


def detectable_effect(
    differences: Float[np.ndarray, " k"], *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Smallest mean difference that this many sources with this spread would resolve, >= 0.

    Args:
        differences: One a source; at least two.
        alpha: Two-sided level of the single test.
        power: Chance to resolve it.

    Source: power of the t test (non-central t), which the sign-flip test reaches nearly.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    k = len(differences)
    critical = t.ppf(1 - alpha / 2, k - 1)

    def lacking(effect: float) -> float:
        return float(nct.sf(critical, k - 1, effect * np.sqrt(k))) - power

    root: Any = brentq(lacking, 0.0, 2 * (critical + 5))
    return float(root) * float(differences.std(ddof=1))
