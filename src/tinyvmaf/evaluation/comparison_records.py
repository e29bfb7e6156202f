# SPDX-License-Identifier: Apache-2.0
"""Records of models compared on the same sources: by metric, by order of clips, and seen or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tinyvmaf.stats.metrics import MetricName

Verdict = Literal["a_better", "b_better", "equivalent", "not_resolved"]


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """Models A and B on the same held-out sources, by one metric.

    Attributes:
        a, b: The models.
        level: `frame` or `clip`.
        metric: Compared by.
        n_sources: Sources where both have the metric.
        a_better_in: Sources where A is the better one.
        b_better_in: Sources where B is the better one.
        effect: Mean paired difference, as `effect_kind` says.
        low, high: Its exact 95 % interval; None with fewer than six sources.
        effect_kind: `ratio` (A / B), `difference of atanh` or `difference`.
        difference: Mean of A - B in the metric's unit.
        difference_low, difference_high: Its exact 90 % interval.
        p: p of the sign-flip test.
        p_adjusted: The same, adjusted for all comparisons of the family (max-T).
        exact: True if all sign patterns were gone through.
        mde: Smallest effect that the adjusted test resolves with 80 % power, by simulation of this
            test in this family; None if no effect can reach the level with this number of sources.
        margin: Differences within it count as none, in the metric's unit.
        alpha: Level of the verdict.
        equivalent: True if the verdict is `equivalent`.
        verdict: `a_better`, `b_better`, `equivalent` or `not_resolved`.
        robust: True if a win is confirmed by the Nadeau-Bengio test.
        nadeau_bengio_p: p value of that test.
        wilcoxon_p: p value of the signed-rank test.
        smallest_p: The smallest p value that this number of sources allows.
    """

    a: str
    b: str
    level: Literal["frame", "clip"]
    metric: MetricName
    n_sources: int
    a_better_in: int
    b_better_in: int
    effect: float | None
    low: float | None
    high: float | None
    effect_kind: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p: float
    p_adjusted: float
    exact: bool
    mde: float | None
    margin: float | None
    alpha: float
    equivalent: bool
    verdict: Verdict
    robust: bool
    nadeau_bengio_p: float | None
    wilcoxon_p: float | None
    smallest_p: float

    @property
    def is_resolvable(self) -> bool:
        """True if some effect could have reached the level with this number of sources."""
        return self.smallest_p < self.alpha


@dataclass(frozen=True, slots=True)
class RankingRow:
    """Pairs of clips of one source that a model puts in the teacher's order.

    Attributes:
        model: Its name.
        threshold: Only pairs whose targets differ by more count, in VMAF points.
        accuracy: Mean over sources of the share in the right order, in [0, 1].
        low, high: Its 95 % interval.
        n_pairs: Pairs of all sources.
        n_errors: Pairs in the wrong order; a tie counts half.
    """

    model: str
    threshold: float
    accuracy: float | None
    low: float | None
    high: float | None
    n_pairs: int
    n_errors: float


@dataclass(frozen=True, slots=True)
class OptimismRow:
    """A single-split model on sources that it has seen, less the folds that did not see them.

    Attributes:
        model: Its name.
        arch: Its shape, the same as that of the folds.
        metric: Compared by.
        effect: Mean difference, seen less held out, in VMAF points.
        low, high: Its exact 95 % interval; None with fewer than six sources.
        per_source: Source -> difference.
    """

    model: str
    arch: str
    metric: str
    effect: float
    low: float | None
    high: float | None
    per_source: Mapping[str, float]
