# SPDX-License-Identifier: Apache-2.0
"""What every way of scoring gives for its cost: error, coverage and interval width on real clips.

In go the exact scores of all frames of many clips and what models say of them; frames are drawn
again and again, as the mode `sampled` draws them. The exact score of a sampled frame is that of the
pass over all frames, so that nothing is computed twice. No model may have seen the clips.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.libvmaf.sets import FeatureSet
from tinyvmaf.scoring.sampled import doublings, first_strata, too_many
from tinyvmaf.stats.survey import (
    Cheap,
    Estimate,
    draw,
    estimate,
    finer,
    finer_samples,
    nested,
)

EXACT_FRAMES: Final = (5, 10, 20, 40)
WITHIN: Final = (2.0, 1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: exact scores of all frames, and what is known of them cheaply, for each seed."""

    source: str
    name: str
    exact: Float[np.ndarray, " n_frames"]
    cheap: tuple[Cheap, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One score of one clip; `covered` and `half_width` are None without an interval."""

    source: str
    clip: str
    error: float
    n_frames: int
    n_exact: int = 0
    n_decodes: int = 1
    n_spare: int = 0
    covered: bool | None = None
    half_width: float | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A way of scoring, and what came out.

    Attributes:
        name: For people.
        model: What scores every frame, None if nothing does.
        sets: The passes over all frames that it needs; the name of every Nth frame for those.
        outcomes: Of all clips and draws.
    """

    name: str
    model: str | None
    sets: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = field(repr=False)

    def summary(self) -> dict[str, object]:
        """Error, bias, coverage and width; draws that were left to libvmaf are counted apart."""
        kept = [item for item in self.outcomes if not item.left]
        asked = [item for item in kept if item.covered is not None]
        by_source = _by_source(
            asked, lambda items: float(np.mean([bool(i.covered) for i in items]))
        )
        rmse = _by_source(kept, _rmse)
        worst = min(by_source, key=by_source.__getitem__) if by_source else None
        n_frames = sum(item.n_frames for item in kept)
        return {
            "name": self.name,
            "model": self.model,
            "sets": list(self.sets),
            "draws": len(self.outcomes),
            "left_to_libvmaf": len(self.outcomes) - len(kept),
            "rmse": _rmse(kept) if kept else None,
            "rmse_of_sources": rmse,
            "bias": float(np.mean([item.error for item in kept])) if kept else None,
            "covered": _coverage(asked) if asked else None,
            "covered_of_sources": by_source,
            "worst_source": worst,
            "worst_covered": by_source[worst] if worst else None,
            "worst_draws": sum(item.source == worst for item in asked),
            "half_width": float(np.median([i.half_width or 0.0 for i in asked])) if asked else None,
            "exact_share": sum(item.n_exact for item in kept) / n_frames if kept else 1.0,
            "exact_frames": float(np.mean([item.n_exact for item in kept])) if kept else None,
            "decodes": float(np.mean([item.n_decodes for item in kept])) if kept else None,
            "spare_share": sum(item.n_spare for item in kept) / n_frames if kept else 0.0,
        }


def sampled_ways(
    clips: Sequence[Clip],
    *,
    model: str,
    sets: Sequence[FeatureSet],
    draws: int,
    seed: int,
    level: float,
) -> list[Way]:
    """What is cheap with so many exact frames, and with as many as an interval needs.

    Args:
        clips: With what is known cheaply; draws take the seeds in turn.
        model: Its name.
        sets: The passes that it reads.
        draws: For each clip.
        seed: Where chance comes from.
        level: Of the intervals.
    """
    wanted = [(f"{n} exact", n, None) for n in EXACT_FRAMES]
    wanted += [(f"within {width:g}", None, width) for width in WITHIN]
    ways: list[Way] = []
    for name, n_exact, within in wanted:
        rng = np.random.default_rng(seed)
        outcomes = [
            _sampled(clip, index, sets=sets, rng=rng, level=level, n_exact=n_exact, within=within)
            for clip in clips
            for index in range(draws)
        ]
        names = tuple(item.name for item in sets)
        ways.append(Way(f"{model}, {name}", model, names, tuple(outcomes)))
    return ways


def model_way(clips: Sequence[Clip], *, model: str, sets: Sequence[str]) -> Way:
    """The model alone, each of its seeds once."""
    outcomes = [
        Outcome(
            clip.source, clip.name, float(one.values.mean() - clip.exact.mean()), len(clip.exact)
        )
        for clip in clips
        for one in clip.cheap
    ]
    return Way(f"{model} alone", model, tuple(sets), tuple(outcomes))


def every_nth_way(clips: Sequence[Clip], n: int, *, name: str) -> Way:
    """The mean of frames 0, n, 2 n, ..., as users compute it today."""
    outcomes = [
        Outcome(
            clip.source,
            clip.name,
            float(clip.exact[::n].mean() - clip.exact.mean()),
            len(clip.exact),
        )
        for clip in clips
    ]
    return Way(f"every {_ORDINALS.get(n, f'{n}th')} frame", None, (name,), tuple(outcomes))


def bare(clips: Sequence[Clip]) -> list[Clip]:
    """The clips without anything cheap: what the exact frames alone are worth."""
    return [
        Clip(c.source, c.name, c.exact, (Cheap(np.empty((len(c.exact), 0)), (), ()),))
        for c in clips
    ]


def _sampled(
    clip: Clip,
    index: int,
    *,
    sets: Sequence[FeatureSet],
    rng: np.random.Generator,
    level: float,
    n_exact: int | None = None,
    within: float | None = None,
) -> Outcome:
    """One draw, by the rules of the mode `sampled`."""
    exact, cheap = clip.exact, clip.cheap[index % len(clip.cheap)]
    known = dict(enumerate(exact.tolist()))
    n_frames = len(exact)
    n_strata, n_decodes = (n_exact or 0) - 1, 1
    if within is not None:
        n_strata = first_strata(within, n_frames=n_frames)
    if too_many(n_strata, n_frames=n_frames, sets=sets):
        return Outcome(clip.source, clip.name, 0.0, n_frames, left=True)
    first = draw(n_frames=n_frames, n_strata=n_strata, rng=rng)
    n_doublings = 0 if within is None else doublings(n_strata, n_frames=n_frames, sets=sets)
    samples = kept = nested(first, n_doublings=n_doublings, rng=rng)
    found: Estimate = estimate(first, cheap=cheap, exact=known)
    while within is not None:
        factor = finer(found, sample=samples[0], within=within, level=level)
        if factor == 1:
            break
        samples = finer_samples(samples, factor=factor, rng=rng)
        if too_many(len(samples[0].moments), n_frames=n_frames, sets=sets):
            return Outcome(clip.source, clip.name, 0.0, n_frames, left=True)
        found = estimate(samples[0], cheap=cheap, exact=known)
        n_decodes += all(samples[0] is not sample for sample in kept)
    low, high = found.interval(level=level)
    mean = float(exact.mean())
    # Two sums of the same numbers may differ in their last digit.
    covered = low - _ROUNDING <= mean <= high + _ROUNDING
    return Outcome(
        source=clip.source,
        clip=clip.name,
        error=found.mean - mean,
        n_frames=n_frames,
        n_exact=len(samples[0].frames),
        n_decodes=n_decodes,
        n_spare=len(kept[-1].frames) - len(first.frames),
        covered=covered,
        half_width=found.half_width(level=level),
    )


def _by_source(
    outcomes: Sequence[Outcome], value: Callable[[Sequence[Outcome]], float]
) -> Mapping[str, float]:
    sources = sorted({item.source for item in outcomes})
    return {
        source: float(value([item for item in outcomes if item.source == source]))
        for source in sources
    }


def _coverage(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([bool(item.covered) for item in outcomes]))


def _rmse(outcomes: Sequence[Outcome]) -> float:
    return float(np.sqrt(np.mean(np.square([item.error for item in outcomes]))))


_ROUNDING: Final = 1e-9
_ORDINALS: Final = {2: "2nd", 3: "3rd"}
