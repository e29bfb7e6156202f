# SPDX-License-Identifier: Apache-2.0
"""Error, coverage and interval width of every method of scoring, on real clips.

The mode `sampled` itself runs on the known exact scores and auxiliary variables of all frames of
many clips, replicate after replicate. The exact score of a sampled frame is that of the pass over
all frames, so that nothing is computed twice. No model may have been trained on the clips.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.frontier.frontier_record import MethodRecord
from tinyvmaf.frontier.table_material import TableMaterial
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.scoring.costs import DECODING, EXACT_FRAME, SPARE_FRAME, Costs, measured_costs
from tinyvmaf.scoring.plan import Goal
from tinyvmaf.scoring.sampling import sample_encodes
from tinyvmaf.stats.survey import Auxiliary, no_auxiliary

EXACT_FRAMES: Final = (5, 10, 20, 40)
WITHIN: Final = (2.0, 1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip: exact scores of all frames, and their auxiliary variables, for each seed."""

    source: str
    name: str
    exact: Float[np.ndarray, " n_frames"]
    auxiliary: tuple[Auxiliary, ...]


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
    fell_back: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """A scoring method and its outcomes.

    Attributes:
        name: Name in tables and charts.
        model: The model that scores every frame, or None.
        sets: The passes over all frames that it needs; for every Nth frame, its name.
        outcomes: Outcomes of all clips and replicates.
    """

    name: str
    model: str | None
    sets: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = field(repr=False)

    def record(self, *, cpu: Mapping[str, float]) -> MethodRecord:
        """Error, bias, coverage, width and cost; replicates that fell back are counted apart.

        Args:
            cpu: Part of scoring -> CPU seconds of a 1080p frame.
        """
        kept = [item for item in self.outcomes if not item.fell_back]
        asked = [item for item in kept if item.covered is not None]
        by_source = _by_source(
            asked, lambda items: float(np.mean([bool(i.covered) for i in items]))
        )
        worst = min(by_source, key=by_source.__getitem__) if by_source else None
        n_frames = sum(item.n_frames for item in kept)
        decodes = float(np.mean([item.n_decodes for item in kept])) if kept else None
        exact_share = sum(item.n_exact for item in kept) / n_frames if kept else 1.0
        spare_share = sum(item.n_spare for item in kept) / n_frames if kept else 0.0
        cost = cpu[FULL.name]
        if decodes is not None:
            passes = sum(cpu[name] - cpu[DECODING] for name in self.sets)
            frames = exact_share * cpu[EXACT_FRAME] + spare_share * cpu[SPARE_FRAME]
            cost = cpu[DECODING] * decodes + passes + frames
        return MethodRecord(
            name=self.name,
            model=self.model,
            sets=self.sets,
            replicates=len(self.outcomes),
            fell_back=len(self.outcomes) - len(kept),
            rmse=_rmse(kept) if kept else None,
            rmse_of_sources=_by_source(kept, _rmse),
            bias=float(np.mean([item.error for item in kept])) if kept else None,
            covered=_coverage(asked) if asked else None,
            covered_of_sources=by_source,
            worst_source=worst,
            worst_covered=by_source[worst] if worst else None,
            worst_replicates=sum(item.source == worst for item in asked),
            half_width=float(np.median([i.half_width or 0.0 for i in asked])) if asked else None,
            exact_share=exact_share,
            exact_frames=float(np.mean([item.n_exact for item in kept])) if kept else None,
            decodes=decodes,
            spare_share=spare_share,
            cpu_ms=1000 * cost,
        )


def sampled_methods(
    clips: Sequence[Clip],
    *,
    model: str,
    sets: Sequence[FeatureSet],
    replicates: int,
    seed: int,
    level: float,
    costs: Costs | None = None,
) -> list[Method]:
    """The mode `sampled` with fixed numbers of exact frames, and with a target width.

    Args:
        clips: Clips with auxiliary variables; replicates use the seeds in turn.
        model: The name of the variables.
        sets: The passes that yield the variables.
        replicates: Replicates of each clip.
        seed: Seed of the first replicate; later ones add 1 each.
        level: Nominal coverage of the intervals.
        costs: Costs of the parts of scoring; by default the measured ones.
    """
    costs = measured_costs() if costs is None else costs
    wanted = [(f"{n} exact", Goal(level=level, n_exact=n)) for n in EXACT_FRAMES]
    wanted += [(f"within {width:g}", Goal(level=level, within=width)) for width in WITHIN]
    methods: list[Method] = []
    for name, goal in wanted:
        outcomes = [
            _sampled(clip, index, sets=sets, seed=seed, goal=goal, costs=costs)
            for clip in clips
            for index in range(replicates)
        ]
        names = tuple(item.name for item in sets)
        methods.append(Method(f"{model}, {name}", model, names, tuple(outcomes)))
    return methods


def model_method(clips: Sequence[Clip], *, model: str, sets: Sequence[str]) -> Method:
    """The model's score alone, once for each seed."""
    outcomes = [
        Outcome(
            clip.source, clip.name, float(one.values.mean() - clip.exact.mean()), len(clip.exact)
        )
        for clip in clips
        for one in clip.auxiliary
    ]
    return Method(f"{model} alone", model, tuple(sets), tuple(outcomes))


def every_nth_method(clips: Sequence[Clip], n: int, *, name: str) -> Method:
    """The mean of frames 0, n, 2 n, ..., a common shortcut."""
    outcomes = [
        Outcome(
            clip.source,
            clip.name,
            float(clip.exact[::n].mean() - clip.exact.mean()),
            len(clip.exact),
        )
        for clip in clips
    ]
    return Method(f"every {_ORDINALS.get(n, f'{n}th')} frame", None, (name,), tuple(outcomes))


def bare(clips: Sequence[Clip]) -> list[Clip]:
    """The clips without auxiliary variables, to evaluate exact frames alone."""
    return [Clip(c.source, c.name, c.exact, (no_auxiliary(len(c.exact)),)) for c in clips]


def _sampled(
    clip: Clip, index: int, *, sets: Sequence[FeatureSet], seed: int, goal: Goal, costs: Costs
) -> Outcome:
    """One replicate: the mode `sampled` on the table of a clip."""
    exact = clip.exact
    material = TableMaterial(
        [exact],
        [clip.auxiliary[index % len(clip.auxiliary)]],
        passes=[item.name for item in sets],
    )
    rng = np.random.default_rng(seed + index)
    (found,) = sample_encodes(material, n_encodes=1, goal=goal, costs=costs, rng=rng)
    n_frames = len(exact)
    if found.estimate is None or found.reason is not None:
        return Outcome(clip.source, clip.name, 0.0, n_frames, fell_back=True)
    error = found.estimate.mean - float(exact.mean())
    return Outcome(
        source=clip.source,
        clip=clip.name,
        error=error,
        n_frames=n_frames,
        n_exact=len(material.exact(0)),
        n_decodes=material.n_decodes,
        n_spare=material.n_spare,
        # Two sums of the same numbers may differ in their last digit.
        covered=abs(error) <= found.half_width + _ROUNDING,
        half_width=found.half_width,
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
