# SPDX-License-Identifier: Apache-2.0
"""The plan of sampling: a pure function from numbers to the next step.

From the size of a pair, the costs, the goal and the results so far it decides the next step: sample
frames, stop, or leave the pair to libvmaf on every frame. `score` calls it on videos, `frontier` on
tables.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tinyvmaf.scoring.costs import FULL_HD, Costs
from tinyvmaf.stats.strata import finer
from tinyvmaf.stats.survey import MIN_STRATA

FIRST_STRATA: Final = 32
"""Strata of the first round. With fewer, early stopping under-covers and costs no less."""

_FRAMES_A_STRATUM: Final = 5
_SPARE_BYTES: Final = 2**30
_MOST_SHARE: Final = 0.5
_MOST_DOUBLINGS: Final = 2
_MOST_FACTOR: Final = 4
# Early stopping under-covers, so the interval is wider by this factor. Larger factors for later
# rounds were measured to be no better: only the first round tends to stop early by chance.
_STOPPING_FACTOR: Final = 1.06
# For a decision the interval has to clear the threshold by this factor.
_DECISION_MARGIN: Final = 1.1
_NORMAL_90: Final = 1.645


class Method(StrEnum):
    """A method to get exact scores of sampled frames."""

    EXACT = "exact"
    DECODE = "decode"
    SEEK = "seek"


class Answer(StrEnum):
    """The answer to "is the score at least so high?"."""

    YES = "yes"
    NO = "no"
    TOO_CLOSE = "too close to call"


@dataclass(frozen=True, slots=True)
class Goal:
    """The user's goal; exactly one of `within`, `n_exact` and `at_least` is given.

    Attributes:
        level: Nominal coverage of intervals, in (0, 1).
        within: The largest half width of the interval, in VMAF points.
        n_exact: The number of frames that libvmaf computes.
        at_least: A threshold for the mean, or a percentile.
        percentile: The percentile, in percent; None for the mean.
        budget_s: Seconds after which a decision is given up.
    """

    level: float = 0.9
    within: float | None = None
    n_exact: int | None = None
    at_least: float | None = None
    percentile: float | None = None
    budget_s: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers about a pair, known before any frame is scored.

    Attributes:
        n_frames: Frames that are compared.
        n_pixels: Pixels per compared frame.
        passes: The feature sets that decoding yields for every frame.
        decoded_a_visit: Frames of each video to decode for one sampled moment when seeking; None
            if seeking is not possible.
        n_encodes: Encodes that share the reference and its decode.
        sizes_fit: True if the pictures are large enough for the passes.
        max_spare: The most frames that may be kept for later rounds.
        method: A method that the user's choice of auxiliary variables fixes; None leaves it open.
    """

    n_frames: int
    n_pixels: int
    passes: tuple[str, ...]
    decoded_a_visit: float | None = None
    n_encodes: int = 1
    sizes_fit: bool = True
    max_spare: int = 10**9
    method: Method | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The results of the rounds so far.

    Attributes:
        method: Method of the rounds.
        n_strata: Number of strata of the sample.
        mean: The estimate.
        half_width: Half the width of its interval at the goal's level, for a fixed sample.
        seconds: Elapsed time.
        share_below: The interval of the share of frames below the threshold, for a decision about
            a percentile.
        at_hand: Strata of the finest sample whose frames were kept.
    """

    method: Method
    n_strata: int
    mean: float
    half_width: float
    seconds: float = 0.0
    share_below: tuple[float, float] | None = None
    at_hand: int = 0


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw a sample: the first one, or a finer one.

    Attributes:
        method: Method to get the scores.
        n_strata: Number of strata of the new sample.
        n_doublings: Number of later halvings of strata whose frames are kept now.
    """

    method: Method
    n_strata: int
    n_doublings: int = 0


@dataclass(frozen=True, slots=True)
class Enough:
    """Stop: the goal is reached or given up; `half_width` is corrected for early stopping."""

    half_width: float
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class LeaveToLibvmaf:
    """Libvmaf on every frame is the better choice, for this reason."""

    reason: str


Decision = Draw | Enough | LeaveToLibvmaf


def decide(facts: Facts, *, goal: Goal, costs: Costs, found: Found | None = None) -> Decision:
    """The next step for a pair.

    Args:
        facts: About the pair.
        goal: The user's goal.
        costs: Costs of the parts of the work.
        found: Results of the rounds so far; None before the first.
    """
    if found is None:
        return _first(facts, goal, costs)
    half = paid_half_width(found.half_width, goal=goal)
    if goal.at_least is not None:
        answer = _answer(goal.at_least, goal, found, half)
        if answer is not None:
            return Enough(half, answer)
    elif goal.n_exact is not None or half <= (goal.within or 0.0):
        return Enough(half)
    n_strata = _finer(facts, goal, found)
    reason = _dearer(facts, goal, costs, method=found.method, n_strata=n_strata)
    if goal.budget_s is not None and goal.at_least is not None:
        left_s = goal.budget_s - found.seconds
        if left_s <= 0 or (reason is not None and exact_cost(facts, costs) > left_s):
            return Enough(half, Answer.TOO_CLOSE)
    return Draw(found.method, n_strata) if reason is None else LeaveToLibvmaf(reason)


def paid_half_width(half_width: float, *, goal: Goal) -> float:
    """The half width of an interval, wider where the sample may stop when it is narrow.

    Example:
        >>> paid_half_width(1.0, goal=Goal(n_exact=25))
        1.0
    """
    return half_width if goal.n_exact is not None else half_width * _STOPPING_FACTOR


def first_strata(goal: Goal, *, n_frames: int) -> int:
    """Strata of the first round; each gives one exact frame beside frame 0."""
    if goal.n_exact is not None:
        return goal.n_exact - 1
    # A narrower interval needs more frames anyway, and a short clip has few.
    wanted = FIRST_STRATA if goal.within is None else FIRST_STRATA / min(1.0, goal.within) ** 0.5
    return max(MIN_STRATA, min(round(wanted), n_frames // _FRAMES_A_STRATUM))


def max_spare(frame_bytes: int, *, window: int) -> int:
    """The most frames that may be kept for later rounds, on the disk while a pair is scored.

    Args:
        frame_bytes: Bytes of one picture.
        window: Pictures that one exact score needs of each video.
    """
    return _SPARE_BYTES // (2 * window * frame_bytes)


def choose_method(facts: Facts, *, goal: Goal, costs: Costs) -> Method:
    """The method with the least expected CPU time, from the frames that each has to decode."""
    if facts.method is not None:
        return facts.method
    if facts.decoded_a_visit is None:
        return Method.DECODE
    expected = {
        method: sampled_cost(
            facts,
            costs,
            method=method,
            n_exact=expected_frames(facts, goal, costs, method),
        )
        for method in (Method.DECODE, Method.SEEK)
    }
    return min(expected, key=expected.__getitem__)


def expected_frames(facts: Facts, goal: Goal, costs: Costs, method: Method) -> int:
    """The exact frames that a method is expected to need, before anything is scored."""
    if goal.n_exact is not None:
        return goal.n_exact
    alone = (_NORMAL_90 * costs.deviations[method] / (goal.within or 1.0)) ** 2
    needed = math.ceil(1 / (1 / alone + 1 / facts.n_frames))
    return max(first_strata(goal, n_frames=facts.n_frames), needed)


def sampled_cost(
    facts: Facts,
    costs: Costs,
    *,
    method: Method,
    n_exact: int,
    n_decodes: int = 1,
    n_spare: int = 0,
) -> float:
    """Expected CPU seconds of sampling one pair, the start left out."""
    scale = facts.n_pixels / FULL_HD
    # The reference is decoded once for all of its encodes.
    decoding = costs.decoding * (0.5 + 0.5 / facts.n_encodes)
    exact = n_exact * costs.exact_frame + n_spare * costs.spare_frame
    if method is Method.SEEK and facts.decoded_a_visit is not None:
        decoded = _decoded(facts.n_frames, n_exact, a_visit=facts.decoded_a_visit)
        return scale * (decoded * decoding + exact + n_exact * costs.spare_frame)
    passes = sum(costs.passes[name] for name in facts.passes)
    return scale * (facts.n_frames * (n_decodes * decoding + passes) + exact)


def exact_cost(facts: Facts, costs: Costs) -> float:
    """CPU seconds of libvmaf on every frame of one pair."""
    return facts.n_frames * costs.libvmaf * facts.n_pixels / FULL_HD


def _first(facts: Facts, goal: Goal, costs: Costs) -> Draw | LeaveToLibvmaf:
    method = choose_method(facts, goal=goal, costs=costs)
    n_strata = first_strata(goal, n_frames=facts.n_frames)
    if method is Method.SEEK and goal.within is not None:
        # A long video needs a second round anyway; a larger first one predicts its size better.
        n_strata = max(n_strata, expected_frames(facts, goal, costs, method) // 2)
    reason = _dearer(facts, goal, costs, method=method, n_strata=n_strata)
    if reason is not None:
        return LeaveToLibvmaf(reason)
    n_doublings = 0
    if method is Method.DECODE and goal.n_exact is None:
        n_doublings = sum(
            _dearer(facts, goal, costs, method=method, n_strata=n_strata * 2**n) is None
            and n_strata * (2**n - 1) <= facts.max_spare
            for n in range(1, _MOST_DOUBLINGS + 1)
        )
    return Draw(method, n_strata, n_doublings=n_doublings)


def _dearer(facts: Facts, goal: Goal, costs: Costs, *, method: Method, n_strata: int) -> str | None:
    """The reason why libvmaf on every frame is the better choice; None if it is not."""
    n_frames = facts.n_frames
    if method is Method.DECODE and not facts.sizes_fit:
        return "the pictures are too small to be reduced"
    cost = sampled_cost(facts, costs, method=method, n_exact=n_strata + 1)
    exact = exact_cost(facts, costs)
    if cost >= exact or n_strata > _MOST_SHARE * n_frames:
        return f"{n_strata + 1} exact frames of {n_frames} would cost as much as all of them"
    if goal.n_exact is None and exact - cost < costs.start_s:
        return f"{n_frames} frames of this size take little longer than the start of the program"
    return None


def _finer(facts: Facts, goal: Goal, found: Found) -> int:
    """The number of strata of the next round."""
    doubled = 2 * found.n_strata
    if found.at_hand > found.n_strata:
        # Kept frames cost little, and may suffice.
        return doubled
    half = paid_half_width(found.half_width, goal=goal)
    n_strata, n_frames = found.n_strata, facts.n_frames
    if goal.at_least is None:
        wanted = finer(half, n_strata=n_strata, n_frames=n_frames, within=goal.within or 0.0)
        # Seeking decodes nothing twice. Strata as short as scenes vary less than longer ones, so
        # that the variance of a few predicts more frames than are needed.
        return min(doubled, wanted) if found.method is Method.SEEK else wanted
    distance = abs(found.mean - goal.at_least) / _DECISION_MARGIN
    if goal.percentile is not None or distance == 0:
        return doubled
    wanted = finer(half, n_strata=n_strata, n_frames=n_frames, within=distance)
    return max(doubled, min(_MOST_FACTOR * n_strata, wanted))


def _answer(threshold: float, goal: Goal, found: Found, half: float) -> Answer | None:
    """The answer, if the results so far decide it."""
    if goal.percentile is not None:
        if found.share_below is None:
            return None
        fewest, most = found.share_below
        if most <= goal.percentile / 100:
            return Answer.YES
        return Answer.NO if fewest > goal.percentile / 100 else None
    low, high = found.mean - half * _DECISION_MARGIN, found.mean + half * _DECISION_MARGIN
    if low >= threshold:
        return Answer.YES
    return Answer.NO if high < threshold else None


def _decoded(n_frames: int, n_exact: int, *, a_visit: float) -> float:
    """Expected number of frames decoded by seeking; visits to one group of pictures share them."""
    share = min(1.0, a_visit / n_frames)
    return n_frames * (1 - (1 - share) ** n_exact)
