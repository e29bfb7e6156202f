# SPDX-License-Identifier: Apache-2.0
"""The exact mean score of a clip from a model of all frames and the exact scores of a few.

The regression estimator of survey sampling: the mean of the model over all frames times a slope,
plus the mean of (exact - slope x model) over sampled ones. It is right on average however wrong the
model is, but for a bias of order 1/n from fitting the slope, which is small beside the standard
error; a better model only makes the interval narrower. The slope tells how much the exact score
changes where the model's does. It is one for a model that is right, and is moved by what the sample
shows: a model that follows the score too timidly is stretched, one that tells nothing is hardly
listened to. Nothing here knows a video: in go numbers, out come numbers.

The design: frame 0 always belongs to the sample, since it alone has no motion. The time after it is
cut into strata of equal length, and one moment is drawn uniformly in each. A finer design keeps the
moments that were drawn: every stratum is cut into equal parts, and the parts without a moment get
one. What comes out is the finer design itself, so rounds waste nothing and bias nothing.

Source: Cochran, Sampling Techniques (1977), sections 5 and 7; Wolter, Introduction to Variance
Estimation (2007), section 8, for the variance from successive differences. The slope is the mean of
its posterior under a normal prior.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

MIN_STRATA: Final = 4
"""Fewer differences than these three tell nothing about their own spread."""

_MARGIN: Final = 1.2

_SLOPE_DEVIATION: Final = 0.5
"""Standard deviation of the slope around one, before the sample is seen.

Chosen on the clips of docs/fast.md among 0, 0.25, 0.5, 1 and 2; from 0.5 on widths hardly differ.
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says about the exact mean score of a clip.

    Attributes:
        mean: In VMAF points, within [0, 100].
        standard_error: Of the mean, from the design.
        degrees_of_freedom: Of that standard error; infinite if every frame is known.
        slope: How much the exact score changes where the model's changes by one.
    """

    mean: float
    standard_error: float
    degrees_of_freedom: float
    slope: float = 1.0

    def half_width(self, *, level: float) -> float:
        """Half the length of the interval that covers the exact mean with probability `level`."""
        if self.standard_error == 0:
            return 0.0
        # Student's quantile; scipy.stats has it too, but takes a second to import.
        from scipy.special import stdtrit

        return float(stdtrit(self.degrees_of_freedom, (1 + level) / 2) * self.standard_error)

    def interval(self, *, level: float) -> tuple[float, float]:
        """The interval, cut to [0, 100], where every exact mean lies."""
        half = self.half_width(level=level)
        return max(0.0, self.mean - half), min(100.0, self.mean + half)


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment in each of some strata of equal length.

    Attributes:
        moments: In frames, one a stratum, in order; moment 7.3 lies in frame 7.
        n_frames: Of the clip; the strata cut the time from frame 1 to its end.
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


def draw(*, n_frames: int, n_strata: int, rng: np.random.Generator) -> Sample:
    """Draw a moment in each of `n_strata` strata.

    Args:
        n_frames: Of the clip, 2 or more.
        n_strata: At least `MIN_STRATA`.
        rng: Where chance comes from; a seeded one gives the same sample again.
    """
    return Sample(moments=_edges(n_frames, n_strata, rng.random(n_strata)), n_frames=n_frames)


def refine(sample: Sample, *, factor: int, rng: np.random.Generator) -> Sample:
    """Cut every stratum into `factor` parts and draw where no moment is; keep all others."""
    n_strata = len(sample.moments) * factor
    moments = draw(n_frames=sample.n_frames, n_strata=n_strata, rng=rng).moments
    width = (sample.n_frames - 1) / n_strata
    homes = np.minimum(((sample.moments - 1) / width).astype(np.int64), n_strata - 1)
    # Rounding may put a moment on a border one part too far; it stays inside its own stratum.
    first = np.arange(len(homes)) * factor
    moments[np.clip(homes, first, first + factor - 1)] = sample.moments
    return Sample(moments=moments, n_frames=sample.n_frames)


def estimate(
    sample: Sample, *, modelled: Float[np.ndarray, " n_frames"], exact: Mapping[int, float]
) -> Estimate:
    """The exact mean score of the clip.

    Args:
        sample: What was drawn.
        modelled: The model's score of every frame.
        exact: The exact score of at least `sample.frames`.
    """
    n_frames, n_strata = sample.n_frames, len(sample.moments)
    if len(sample.frames) == n_frames:
        return Estimate(float(np.mean([exact[i] for i in sample.frames])), 0.0, np.inf)
    frames = sample.strata_frames
    scores, cheap = np.array([exact[i] for i in frames.tolist()]), modelled[frames]
    slope, weight = _slope(np.diff(scores), np.diff(cheap))
    missed = scores - slope * cheap
    others = float(modelled[1:].mean())
    later = (n_frames - 1) / n_frames
    mean = exact[0] / n_frames + later * (slope * others + float(missed.mean()))
    # Neighbouring strata differ by what two draws from one stratum would, and by a trend at most:
    # a little too much on real clips, which makes up for degrees of freedom that are a little too
    # many. Sampling a good part of all frames leaves less to be unsure of.
    freedom = n_strata - 2
    spread = float(np.square(np.diff(missed)).sum() / 2 / freedom)
    spread *= max(0.0, 1 - n_strata / (n_frames - 1))
    # The second term is the slope's own doubt, as far as the sample's mean is off.
    off = (others - float(cheap.mean())) ** 2
    variance = spread / n_strata + (2 * spread * off / weight if weight > 0 else 0.0)
    return Estimate(
        mean=float(np.clip(mean, 0.0, 100.0)),
        standard_error=later * float(np.sqrt(variance)),
        degrees_of_freedom=float(freedom),
        slope=slope,
    )


def corrected(
    sample: Sample,
    *,
    modelled: Float[np.ndarray, " n_frames"],
    exact: Mapping[int, float],
    slope: float,
) -> Float[np.ndarray, " n_frames"]:
    """The model's scores, stretched and moved by what was missed nearby; exact where that is known.

    Between sampled frames the correction is interpolated. It is no more than a likely course:
    the interval is about the mean alone.
    """
    known = np.array(sample.frames)
    scores = np.array([exact[i] for i in sample.frames])
    stretched = slope * modelled
    missed = np.interp(np.arange(sample.n_frames), known, scores - stretched[known])
    course = np.clip(stretched + missed, 0.0, 100.0)
    course[known] = scores
    return course


def finer(found: Estimate, *, sample: Sample, within: float, level: float) -> int:
    """Into how many parts to cut every stratum so that the interval is narrow enough; 1 if it is.

    Args:
        found: What `sample` said.
        sample: The sample so far.
        within: The half width that is wanted, in VMAF points.
        level: Of the interval.
    """
    half = found.half_width(level=level)
    if half <= within:
        return 1
    n_strata, n_others = len(sample.moments), sample.n_frames - 1
    # The square of the half width that one stratum would have, if no frame were seen twice. It is
    # taken to be somewhat more than it looks: another round costs another decode.
    alone = _MARGIN * half**2 * n_strata / (1 - n_strata / n_others)
    needed = 1 / (within**2 / alone + 1 / n_others)
    return max(2, int(np.ceil(needed / n_strata)))


def _slope(
    exact: Float[np.ndarray, " n_differences"], modelled: Float[np.ndarray, " n_differences"]
) -> tuple[float, float]:
    """The slope from differences of neighbouring strata, and the sum of squares it rests on."""
    # The prior counts as much as the sample where the model misses about as much as it tells.
    prior = float(np.square(exact - modelled).mean()) / _SLOPE_DEVIATION**2
    weight = float(modelled @ modelled) + prior
    if weight == 0:
        return 1.0, 0.0
    return (float(exact @ modelled) + prior) / weight, weight


def _edges(
    n_frames: int, n_strata: int, within: Float[np.ndarray, " n_strata"]
) -> Float[np.ndarray, " n_strata"]:
    return 1 + (np.arange(n_strata) + within) * ((n_frames - 1) / n_strata)
