# SPDX-License-Identifier: Apache-2.0
"""The exact mean score of a clip from cheap measures of all frames and exact scores of a few.

The regression estimator of survey sampling: with a slope for each cheap measure, the mean of what
they predict over all frames, plus the mean of (exact - predicted) over sampled ones. Slopes are
fitted to the sample and held near what was expected of them: one for a model that predicts the
score itself. So a model that follows the score too timidly is stretched, and one that tells
nothing is hardly listened to. However bad the measures are, the estimate is right on average, but
for a bias of order 1/n from fitting, which is small beside the standard error; better measures
only make the interval narrower. Nothing here knows a video: in go numbers, out come numbers.

The design: frame 0 always belongs to the sample, since it alone has no motion. The time after it is
cut into strata of equal length, and one moment is drawn uniformly in each. A finer design keeps the
moments that were drawn: every stratum is cut into equal parts, and the parts without a moment get
one. What comes out is the finer design itself, so rounds waste nothing and bias nothing.

Source: Cochran, Sampling Techniques (1977), sections 5 and 7; Wolter, Introduction to Variance
Estimation (2007), section 8, for the variance from successive differences; Hastie, Tibshirani and
Friedman, The Elements of Statistical Learning (2009), section 3.4.1, for ridge regression and its
degrees of freedom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

MIN_STRATA: Final = 4
"""Fewer differences than these three tell nothing about their own spread."""

_MARGIN: Final = 1.2


@dataclass(frozen=True, slots=True)
class Cheap:
    """Cheap measures of every frame, and what is expected of their slopes before any exact score.

    Attributes:
        values: One column a measure; without a column, exact scores stand alone.
        slopes: How much the exact score is expected to change where a measure changes by one.
        doubts: The standard deviations of these expectations, above 0.
    """

    values: Float[np.ndarray, "n_frames n_measures"]
    slopes: tuple[float, ...]
    doubts: tuple[float, ...]

    def predicted(self, slopes: tuple[float, ...]) -> Float[np.ndarray, " n_frames"]:
        """What the measures say with such slopes, up to a constant."""
        return self.values @ np.array(slopes)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says about the exact mean score of a clip.

    Attributes:
        mean: In VMAF points, within [0, 100].
        standard_error: Of the mean, from the design.
        degrees_of_freedom: Of that standard error; infinite if every frame is known.
        slopes: Of the cheap measures, as the sample shows them.
    """

    mean: float
    standard_error: float
    degrees_of_freedom: float
    slopes: tuple[float, ...] = ()

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


def nested(sample: Sample, *, n_doublings: int, rng: np.random.Generator) -> tuple[Sample, ...]:
    """The sample and finer ones, each of which halves every stratum of the one before."""
    samples = [sample]
    for _ in range(n_doublings):
        samples.append(refine(samples[-1], factor=2, rng=rng))
    return tuple(samples)


def finer_samples(
    samples: tuple[Sample, ...], *, factor: int, rng: np.random.Generator
) -> tuple[Sample, ...]:
    """The nested samples behind the first; one with `factor` times its strata if there is none."""
    return samples[1:] or (refine(samples[0], factor=factor, rng=rng),)


def estimate(sample: Sample, *, cheap: Cheap, exact: Mapping[int, float]) -> Estimate:
    """The exact mean score of the clip.

    Args:
        sample: What was drawn.
        cheap: What is known of every frame.
        exact: The exact score of at least `sample.frames`.
    """
    n_frames, n_strata = sample.n_frames, len(sample.moments)
    if len(sample.frames) == n_frames:
        return Estimate(
            float(np.mean([exact[i] for i in sample.frames])), 0.0, np.inf, cheap.slopes
        )
    frames = sample.strata_frames
    scores = np.array([exact[i] for i in frames.tolist()])
    fitted = _fit(np.diff(scores), np.diff(cheap.values[frames], axis=0), cheap=cheap)
    predicted = cheap.predicted(fitted.slopes)
    missed = scores - predicted[frames]
    later = (n_frames - 1) / n_frames
    mean = exact[0] / n_frames + later * float(predicted[1:].mean() + missed.mean())
    # Neighbouring strata differ by what two draws from one stratum would, and by a trend at most:
    # a little too much on real clips, which makes up for degrees of freedom that are a little too
    # many. Sampling a good part of all frames leaves less to be unsure of.
    freedom = n_strata - 1 - fitted.used
    spread = float(np.square(np.diff(missed)).sum() / 2 / freedom)
    unseen = max(0.0, 1 - n_strata / (n_frames - 1))
    # The slopes' own doubt counts as far as the means of the sampled frames are off.
    off = cheap.values[1:].mean(axis=0) - cheap.values[frames].mean(axis=0)
    doubt = 1 / n_strata + 2 * float(off @ fitted.inverse @ off)
    return Estimate(
        mean=float(np.clip(mean, 0.0, 100.0)),
        standard_error=later * float(np.sqrt(spread * unseen * doubt)),
        degrees_of_freedom=freedom,
        slopes=fitted.slopes,
    )


def corrected(
    sample: Sample, *, cheap: Cheap, exact: Mapping[int, float], slopes: tuple[float, ...]
) -> Float[np.ndarray, " n_frames"]:
    """What the measures predict, moved by what they miss nearby; exact where that is known.

    Between sampled frames the correction is interpolated. It is no more than a likely course:
    the interval is about the mean alone.
    """
    frames = np.unique(sample.strata_frames)
    predicted = cheap.predicted(slopes)
    # What is missed on frame 0, which alone has no motion, says nothing of the frames after it.
    missed = np.array([exact[i] for i in frames.tolist()]) - predicted[frames]
    course = predicted + np.interp(np.arange(sample.n_frames), frames, missed)
    course[list(exact)] = list(exact.values())
    return np.clip(course, 0.0, 100.0)


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


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Slopes, the degrees of freedom that they took, and the inverse that their doubt rests on."""

    slopes: tuple[float, ...]
    used: float
    inverse: Float[np.ndarray, "n_measures n_measures"]


def _fit(
    exact: Float[np.ndarray, " n_differences"],
    measured: Float[np.ndarray, "n_differences n_measures"],
    *,
    cheap: Cheap,
) -> _Fitted:
    """Ridge regression of the differences between neighbouring strata, towards what is expected."""
    expected, doubts = np.array(cheap.slopes), np.array(cheap.doubts)
    missed = exact - measured @ expected
    # As strong as one more difference with a measure that changed by 1 / doubt.
    prior = np.diag(float(np.square(missed).mean()) / np.square(doubts))
    if not prior.any():
        return _Fitted(cheap.slopes, 0.0, np.zeros_like(prior))
    seen = measured.T @ measured
    inverse = np.linalg.inv(seen + prior)
    slopes = expected + inverse @ (measured.T @ missed)
    return _Fitted(tuple(slopes.tolist()), float(np.trace(inverse @ seen)), inverse)


def _edges(
    n_frames: int, n_strata: int, within: Float[np.ndarray, " n_strata"]
) -> Float[np.ndarray, " n_strata"]:
    return 1 + (np.arange(n_strata) + within) * ((n_frames - 1) / n_strata)
