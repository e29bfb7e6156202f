# SPDX-License-Identifier: Apache-2.0
"""Paired tests over few sources: sign-flip, max-T, subset interval, and related tests.

The input is differences, one per source, on the metric's scale. The exact tests assume only that
without an effect both signs of a source's difference are equally likely. Frames never enter, so
that sampling more of them makes no test more powerful.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

MAX_EXACT_SOURCES = 16
"""Up to here all 2^K patterns are enumerated; beyond, 2^16 random ones from a seed."""

_PATTERNS = 2**MAX_EXACT_SOURCES

_SIMULATED_PATTERNS = 512
_LARGEST = 2.0**10
_HALVINGS = 7

# Sums of the same numbers in another order differ in their last bits and are still ties.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Two-sided p-values of a family of paired tests.

    Attributes:
        p: p of each test alone, in (0, 1]; a multiple of 1 / patterns.
        p_max_t: Adjusted for the whole family by the maximum statistic, >= p.
        patterns: Sign patterns that were compared, the observed one included.
        exact: True if these are all patterns, False for a random sample.
    """

    p: tuple[float, ...]
    p_max_t: tuple[float, ...]
    patterns: int
    exact: bool


def sign_flip(differences: Float[np.ndarray, "tests k"], *, seed: int = 0) -> SignFlip:
    """Sign-flip tests of zero mean, each alone and adjusted for all by the same flips (max-T).

    Args:
        differences: A row per test, a column per source; NaN where a source has no difference.
        seed: Seed of the random patterns beyond `MAX_EXACT_SOURCES` sources.

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
        differences: One per source, on any scale.
        level: Nominal coverage, reached exactly if the differences are symmetric.
        seed: Seed of the random subsets beyond `MAX_EXACT_SOURCES` sources.

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
        differences: One per source; at least two.
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
        differences: One per source.
        seed: Seed of the random permutations when there are ties and too many sources for all.

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


def smallest_p(k: int) -> float:
    """The smallest p-value that the sign-flip test of `k` sources can give, in (0, 1].

    Example:
        >>> [smallest_p(k) for k in (4, 5, 6)]
        [0.125, 0.0625, 0.03125]
    """
    return max(1 / _PATTERNS, 2 / 2**k) if k else 1.0


def detectable_effects(
    differences: Float[np.ndarray, "tests k"],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    replicates: int = 500,
    seed: int = 0,
) -> tuple[float | None, ...]:
    """For every test of a family the smallest mean difference that it resolves, >= 0.

    The sign-flip test with its adjustment for the family is run on simulated differences: normal,
    with the spread and the correlations of those observed, one test with an effect and the others
    without. The answer is the effect that is resolved in a share `power` of the replicates.

    Args:
        differences: A row per test, a column per source; NaN where a source has no difference.
        alpha: Two-sided level of the adjusted p-value.
        power: Chance to resolve the effect.
        replicates: Simulated families.
        seed: Seed of their random numbers.

    Returns:
        None where no effect can be resolved: the test's sources allow no p below alpha.
    """
    defined = ~np.isnan(differences)
    counts = defined.sum(axis=1)
    usable = [number for number, k in enumerate(counts.tolist()) if smallest_p(k) < alpha]
    if not usable:
        return (None,) * len(differences)
    family = _SimulatedFamily.draw(differences[usable], replicates=replicates, seed=seed)
    found: dict[int, float] = {}
    for place, number in enumerate(usable):
        own = differences[number][defined[number]]
        spread = float(own.std(ddof=1))
        found[number] = family.effect(place, alpha=alpha, power=power) * spread if spread else 0.0
    return tuple(found.get(number) for number in range(len(differences)))


@dataclass(frozen=True, slots=True)
class _SimulatedFamily:
    """Differences of a family without effects, and their statistics under flips.

    Attributes:
        noise: Unit normal differences, 0 where a source has none.
        defined: 1 where it has one.
        signs: Sign patterns, the first without a flip; of each pattern and its mirror one.
        sums: Sums of the flipped noise.
        others: For every test the largest statistic of all others, for every pattern.
    """

    noise: Float[np.ndarray, "replicates tests k"]
    defined: Float[np.ndarray, "tests k"]
    signs: Float[np.ndarray, "patterns k"]
    sums: Float[np.ndarray, "replicates tests patterns"]
    others: Float[np.ndarray, "tests replicates patterns"]

    @classmethod
    def draw(
        cls, differences: Float[np.ndarray, "tests k"], *, replicates: int, seed: int
    ) -> "_SimulatedFamily":
        rng = np.random.default_rng(seed)
        tests, k = differences.shape
        defined = (~np.isnan(differences)).astype(np.float64)
        centred = np.nan_to_num(differences - np.nanmean(differences, axis=1, keepdims=True))
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        # A test without any spread gets noise of its own: it must not affect the others.
        unit = np.where(norm > 0, centred / np.where(norm > 0, norm, 1), defined / k**0.5)
        noise = (unit @ rng.standard_normal((replicates, k, k))) * defined
        if 2 ** (k - 1) <= _SIMULATED_PATTERNS:
            signs = 1.0 - 2.0 * ((np.arange(2 ** (k - 1))[:, None] >> np.arange(k)) & 1)
        else:
            signs = rng.choice([-1.0, 1.0], size=(_SIMULATED_PATTERNS, k))
            signs[0] = 1
        sums = noise @ signs.T
        size = np.sqrt(defined.sum(axis=1) * np.square(noise).sum(axis=2))
        statistic = np.abs(sums) / size[..., None]
        others = np.zeros((tests, *statistic[:, 0].shape))
        if tests > 1:
            ranked = np.partition(statistic, -2, axis=1)
            largest, next_largest = ranked[:, -1], ranked[:, -2]
            for test in range(tests):
                is_largest = statistic[:, test] >= largest
                others[test] = np.where(is_largest, next_largest, largest)
        return cls(noise, defined, signs, sums, others)

    def effect(self, test: int, *, alpha: float, power: float) -> float:
        """The effect in standard deviations that `test` resolves in a share `power`."""
        low, high = 0.0, 1.0
        while self._power(test, high, alpha) < power and high < _LARGEST:
            low, high = high, 2 * high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._power(test, middle, alpha) < power:
                low = middle
            else:
                high = middle
        return high

    def _power(self, test: int, effect: float, alpha: float) -> float:
        own = self.defined[test]
        shifted = self.noise[:, test] + effect * own
        size = np.sqrt(own.sum() * np.square(shifted).sum(axis=1, keepdims=True))
        statistic = np.abs(self.sums[:, test] + effect * (self.signs @ own)) / size
        reached = np.maximum(statistic, self.others[test]) >= statistic[:, :1] - _TIE
        return float((reached.mean(axis=1) < alpha).mean())
