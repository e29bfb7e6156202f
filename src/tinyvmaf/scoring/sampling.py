# SPDX-License-Identifier: Apache-2.0
"""The rounds of sampling: sample, score, estimate, and continue as the plan decides.

They run on the material of one reference and its encodes, which provides exact scores of frames and
auxiliary variables of all frames. Videos are one such material, tables another, so that a study
runs the same rounds as `score`. All encodes get the same frames.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from tinyvmaf.scoring.costs import Costs
from tinyvmaf.scoring.plan import (
    Answer,
    Draw,
    Enough,
    Facts,
    Found,
    Goal,
    LeaveToLibvmaf,
    Method,
    decide,
    paid_half_width,
)
from tinyvmaf.stats.outliers import Outliers
from tinyvmaf.stats.shares import share_bounds
from tinyvmaf.stats.strata import Sample, draw, nested, refine
from tinyvmaf.stats.survey import MAX_OUTLIERS, Auxiliary, Estimate, estimate

_FEWEST_OUTLIERS: Final = 4


@runtime_checkable
class AbstractMaterial(Protocol):
    """One reference and its encodes, as a source of scores."""

    @property
    def facts(self) -> Facts:
        """Numbers about the pairs, which are all compared at the same size."""
        ...

    @property
    def kept(self) -> AbstractSet[int]:
        """The frames that can be scored without decoding again."""
        ...

    def first_round(self, sample: Sample, *, spare: Sample, method: Method) -> Method:
        """Score `sample`, make the auxiliary variables, keep the frames of `spare`.

        Returns:
            The method that was used; if seeking fails, videos are decoded.
        """
        ...

    def score(self, frames: Sequence[int], *, of: Sequence[int], method: Method) -> None:
        """Score further frames of some encodes, given by their numbers."""
        ...

    def auxiliary(self, encode: int) -> Auxiliary:
        """The auxiliary variables of an encode, after the first round."""
        ...

    def exact(self, encode: int) -> Mapping[int, float]:
        """The exact scores of an encode so far, by frame."""
        ...


@dataclass(frozen=True, slots=True)
class Sampled:
    """The result of sampling for one encode.

    Attributes:
        method: Method that gave the exact scores.
        sample: The sample; None if libvmaf scores every frame from the start.
        estimate: Estimate of the mean; None likewise.
        half_width: Half the width of the interval, corrected for the chance to stop.
        outliers: The stratum of outliers, if there is one.
        n_looks: Number of rounds.
        answer: Answer to the question, if one was asked.
        reason: Why the pair is left to libvmaf on every frame; None if it is not.
    """

    method: Method
    sample: Sample | None = None
    estimate: Estimate | None = None
    half_width: float = 0.0
    outliers: Outliers | None = None
    n_looks: int = 0
    answer: Answer | None = None
    reason: str | None = None


@dataclass(slots=True)
class _Encode:
    """The state of one encode: its outliers and latest results."""

    number: int
    outlying: Int[np.ndarray, " n_outliers"] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )
    drawn: set[int] = field(default_factory=set[int])
    estimate: Estimate | None = None
    found: Found | None = None


def sample_encodes(
    material: AbstractMaterial,
    *,
    n_encodes: int,
    goal: Goal,
    costs: Costs,
    rng: "np.random.Generator",
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Sampled, ...]:
    """Sample every encode until its goal is reached or libvmaf on every frame is the better choice.

    Args:
        material: The reference and its encodes.
        n_encodes: Their number.
        goal: The goal for each encode.
        costs: Costs of the parts of the work.
        rng: Random numbers for the sample, which all encodes share.
        clock: Returns the time in seconds, for a budget.
    """
    started = clock()
    facts = material.facts
    first = decide(facts, goal=goal, costs=costs)
    if not isinstance(first, Draw):
        reason = first.reason if isinstance(first, LeaveToLibvmaf) else None
        return tuple(Sampled(Method.EXACT, reason=reason) for _ in range(n_encodes))
    coarse = draw(n_frames=facts.n_frames, n_strata=first.n_strata, rng=rng)
    samples = nested(coarse, n_doublings=first.n_doublings, rng=rng)
    most_kept = len(samples[-1].moments)
    method = material.first_round(samples[0], spare=samples[-1], method=first.method)
    encodes = [_Encode(number) for number in range(n_encodes)]
    for each in encodes:
        each.outlying = material.auxiliary(each.number).outliers()
    done: dict[int, Sampled] = {}
    n_looks = 0
    while encodes:
        sample, n_looks = samples[0], n_looks + 1
        _score_outliers(material, encodes, sample, method=method, rng=rng)
        n_strata, left = 0, list[_Encode]()
        for each in encodes:
            _look(material, each, sample, goal=goal, method=method)
            if each.found is None:
                continue
            each.found = replace(each.found, seconds=clock() - started, at_hand=most_kept)
            decision = decide(facts, goal=goal, costs=costs, found=each.found)
            if isinstance(decision, Draw):
                n_strata = max(n_strata, decision.n_strata)
                left.append(each)
            else:
                half = paid_half_width(each.found.half_width, goal=goal)
                done[each.number] = Sampled(
                    method=method,
                    sample=sample,
                    estimate=each.estimate,
                    half_width=half,
                    outliers=_outliers(each),
                    n_looks=n_looks,
                    answer=decision.answer if isinstance(decision, Enough) else None,
                    reason=decision.reason if isinstance(decision, LeaveToLibvmaf) else None,
                )
        encodes = left
        if encodes:
            samples = samples[1:] or (refine(sample, n_strata=n_strata, rng=rng),)
            known = [material.exact(each.number) for each in encodes]
            missing = [f for f in samples[0].frames if any(f not in scores for scores in known)]
            material.score(missing, of=[each.number for each in encodes], method=method)
    return tuple(done[number] for number in range(n_encodes))


def _score_outliers(
    material: AbstractMaterial,
    encodes: Sequence[_Encode],
    sample: Sample,
    *,
    method: Method,
    rng: "np.random.Generator",
) -> None:
    """Sample and score further outliers where the sample has too few."""
    wanted: set[int] = set()
    for each in encodes:
        if not len(each.outlying):
            continue
        all_of_them = set(each.outlying.tolist())
        each.drawn |= all_of_them.intersection(sample.frames)
        enough = min(len(all_of_them), MAX_OUTLIERS)
        if len(each.drawn) >= enough:
            continue
        # Kept frames are a random sample, too, and cost no decode.
        kept = sorted(all_of_them & material.kept - each.drawn)
        if len(kept) + len(each.drawn) >= min(enough, _FEWEST_OUTLIERS):
            pool = kept
        else:
            pool = sorted(all_of_them - each.drawn)
        n_more = min(len(pool), enough - len(each.drawn))
        each.drawn |= (
            set(rng.choice(pool, size=n_more, replace=False).tolist()) if n_more else set()
        )
        wanted |= {f for f in each.drawn if f not in material.exact(each.number)}
    if wanted:
        numbers = [each.number for each in encodes if len(each.outlying)]
        material.score(sorted(wanted), of=numbers, method=method)


def _look(
    material: AbstractMaterial,
    each: _Encode,
    sample: Sample,
    *,
    goal: Goal,
    method: Method,
) -> None:
    exact = material.exact(each.number)
    found = estimate(
        sample,
        auxiliary=material.auxiliary(each.number),
        exact=exact,
        outliers=_outliers(each),
    )
    share = None
    if goal.at_least is not None and goal.percentile is not None:
        scores = np.array([exact[frame] for frame in sample.strata_frames.tolist()])
        n_below = int((scores < goal.at_least).sum())
        share = share_bounds(n_below, len(scores), level=goal.level)
    each.estimate = found
    each.found = Found(
        method=method,
        n_strata=len(sample.moments),
        mean=found.mean,
        half_width=found.half_width(level=goal.level),
        share_below=share,
    )


def _outliers(each: _Encode) -> Outliers | None:
    if not len(each.outlying):
        return None
    return Outliers(each.outlying, tuple(sorted(each.drawn)))
