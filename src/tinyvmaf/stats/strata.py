# SPDX-License-Identifier: Apache-2.0
"""The design of a sample: strata of equal length, with one random moment in each.

Frame 0 always belongs to the sample, since it alone has no motion; the time after it is cut into
strata. A finer design keeps the moments that were drawn: every stratum is cut into parts, and the
parts without a moment get one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

# Another round costs another decode, so that it draws more than the last variance requires: by this
# many standard errors of that variance, which has 2/3 degrees of freedom a stratum.
_MARGIN: Final = 0.65


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment in each of some strata of equal length.

    Attributes:
        moments: In frames, one per stratum, in order; moment 7.3 lies in frame 7.
        n_frames: Number of frames of the clip; the strata cut the time from frame 1 to its end.
    """

    moments: Float[np.ndarray, " n_strata"]
    n_frames: int

    @property
    def strata_frames(self) -> Int[np.ndarray, " n_strata"]:
        """The frame of every stratum; two strata may share the frame at their border."""
        return np.minimum(self.moments.astype(np.int64), self.n_frames - 1)

    @property
    def frames(self) -> tuple[int, ...]:
        """Every frame whose exact score is needed, once, in order."""
        return (0, *np.unique(self.strata_frames).tolist())


def draw(*, n_frames: int, n_strata: int, rng: "np.random.Generator") -> Sample:
    """Draw a moment in each of `n_strata` strata.

    Args:
        n_frames: Number of frames of the clip, 2 or more.
        n_strata: At least `MIN_STRATA`.
        rng: A generator; a seeded one gives the same sample again.
    """
    return Sample(moments=_edges(n_frames, n_strata, rng.random(n_strata)), n_frames=n_frames)


def refine(sample: Sample, *, n_strata: int, rng: "np.random.Generator") -> Sample:
    """Cut the time into more strata and draw where no moment is; keep the moments of the others.

    A multiple of the present strata keeps every moment. Else two may lie in one stratum, and chance
    keeps one of them: each with a probability in proportion to the other's share of the stratum,
    which makes the one that stays uniform in it.
    """
    n_before = len(sample.moments)
    moments = draw(n_frames=sample.n_frames, n_strata=n_strata, rng=rng).moments
    width = (sample.n_frames - 1) / n_strata
    # Rounding may put a moment on a border one part too far; it stays inside its own stratum.
    numbers = np.arange(n_before + 1) * n_strata
    first, last = numbers[:-1] // n_before, -(-numbers[1:] // n_before) - 1
    homes = np.clip(((sample.moments - 1) / width).astype(np.int64), first, last)
    twice = np.flatnonzero(homes[:-1] == homes[1:])
    share_of_first = numbers[twice + 1] / n_before - homes[twice]
    first_stays = rng.random(len(twice)) >= share_of_first
    stay = np.ones(n_before, dtype=np.bool_)
    stay[twice + first_stays] = False
    moments[homes[stay]] = sample.moments[stay]
    return Sample(moments=moments, n_frames=sample.n_frames)


def nested(sample: Sample, *, n_doublings: int, rng: "np.random.Generator") -> tuple[Sample, ...]:
    """The sample and finer ones, each of which halves every stratum of the one before."""
    samples = [sample]
    for _ in range(n_doublings):
        samples.append(refine(samples[-1], n_strata=2 * len(samples[-1].moments), rng=rng))
    return tuple(samples)


def finer(half_width: float, *, n_strata: int, n_frames: int, within: float) -> int:
    """The number of strata that makes the interval narrow enough, with a margin.

    Args:
        half_width: Half width of the interval that the sample gave.
        n_strata: Number of strata of that sample.
        n_frames: Number of frames of the clip.
        within: The half width that is wanted, in VMAF points.

    Returns:
        `n_strata` if the interval is narrow enough already.
    """
    if half_width <= within:
        return n_strata
    n_others = n_frames - 1
    margin = 1 + _MARGIN * (3 / n_strata) ** 0.5
    # The square of the half width that one stratum would have, if no frame were seen twice.
    alone = margin * half_width**2 * n_strata / max(1 - n_strata / n_others, 1e-9)
    return max(n_strata + 1, int(np.ceil(1 / (within**2 / alone + 1 / n_others))))


def _edges(
    n_frames: int, n_strata: int, within: Float[np.ndarray, " n_strata"]
) -> Float[np.ndarray, " n_strata"]:
    return 1 + (np.arange(n_strata) + within) * ((n_frames - 1) / n_strata)
