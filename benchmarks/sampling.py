# SPDX-License-Identifier: Apache-2.0
"""How often the intervals of sampled scoring cover, on a real table.

    python benchmarks/sampling.py TABLE [--features half,quarter] [--draws 10]

TABLE is a feature table with the teacher's scores of all frames, made by `tinyvmaf extract
--features canonical6,half,quarter`. For every source, a least-squares model of the reduced features
is fitted on the other sources; then frames are drawn again and again, and the interval is held
against the mean of all frames. `shuffled` is the same model with its weights in a random order.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from tinyvmaf.features.sets import find_sets
from tinyvmaf.features.table import FeatureTable, read_table
from tinyvmaf.scoring.sampled import FIRST_STRATA
from tinyvmaf.scoring.sampling import Sample, draw, estimate, finer, look_level, refine

LEVEL = 0.9
FIXED = (5, 10, 20)
WITHIN = (1.0, 0.5)


@dataclass
class Tally:
    """What was seen in many draws."""

    covered: dict[str, list[bool]] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    n_exact: int = 0

    def row(self) -> str:
        """A line of the table; clips that were left to libvmaf count for their share only."""
        if not self.covered:
            return "all | | | | | | 100%"
        every = [value for values in self.covered.values() for value in values]
        shares = {name: float(np.mean(values)) for name, values in self.covered.items()}
        worst = min(shares, key=lambda name: shares[name])
        errors = np.array(self.errors)
        share = self.n_exact / (self.n_exact + len(every))
        return (
            f"{np.mean(every):.1%} | {shares[worst]:.0%} ({worst}, {len(self.covered[worst])}) | "
            f"{errors.mean():+.3f} | {np.sqrt(np.mean(errors**2)):.2f} | "
            f"{np.median(self.widths):.2f} | {np.mean(self.frames):.1f} | {share:.0%}"
        )


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--features", default="half,quarter")
    parser.add_argument("--draws", type=int, default=10)
    chosen = parser.parse_args()
    table = read_table(chosen.table)
    heads = ("model", "rule", "covered", "worst source (draws)", "bias", "RMSE", "half width")
    heads = (*heads, "frames", "left to libvmaf")
    print(f"| {' | '.join(heads)} |\n|" + " --- |" * len(heads))
    for item in find_sets(chosen.features):
        for shuffled in (False, True):
            name = f"{item.name}, shuffled" if shuffled else item.name
            scores = held_out_scores(table, item.columns, shuffled=shuffled)
            for n_strata in FIXED:
                row = simulate(table, scores, draws=chosen.draws, n_strata=n_strata).row()
                print(f"| {name} | {n_strata + 1} frames | {row} |", flush=True)
            for within in WITHIN:
                row = simulate(table, scores, draws=chosen.draws, within=within).row()
                print(f"| {name} | within {within} | {row} |", flush=True)


def held_out_scores(table: FeatureTable, columns: tuple[str, ...], *, shuffled: bool) -> np.ndarray:
    """What least squares on the other sources says of every frame."""
    rows = table.rows.select(columns).to_numpy()
    scores = np.empty(len(rows))
    rng = np.random.default_rng(0)
    for train, test in LeaveOneGroupOut().split(rows, groups=table.source_index):
        model = make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge(alpha=10.0))
        model.fit(rows[train], table.target[train])
        if shuffled:
            model[-1].coef_ = rng.permutation(model[-1].coef_)
        scores[test] = model.predict(rows[test])
    return np.clip(scores, 0.0, 100.0)


def simulate(
    table: FeatureTable,
    modelled: np.ndarray,
    *,
    draws: int,
    n_strata: int | None = None,
    within: float | None = None,
) -> Tally:
    """Draw and draw again, from every clip."""
    rng = np.random.default_rng(1)
    tally = Tally()
    for source, exact, model in clips(table, modelled):
        known = dict(enumerate(exact.tolist()))
        for _ in range(draws):
            level = LEVEL if within is None else look_level(LEVEL)
            first = n_strata or FIRST_STRATA
            sample: Sample | None = draw(n_frames=len(exact), n_strata=first, rng=rng)
            while sample is not None:
                found = estimate(sample, modelled=model, exact=known)
                factor = (
                    1 if within is None else finer(found, sample=sample, within=within, level=level)
                )
                if factor == 1:
                    low, high = found.interval(level=level)
                    tally.covered.setdefault(source, []).append(low <= exact.mean() <= high)
                    tally.errors.append(found.mean - exact.mean())
                    tally.widths.append(found.half_width(level=level))
                    tally.frames.append(len(sample.frames))
                    break
                # As the mode does: from a third of the frames on, libvmaf does it all.
                too_many = factor * len(sample.moments) * 3 > len(exact)
                sample = None if too_many else refine(sample, factor=factor, rng=rng)
            tally.n_exact += sample is None
    return tally


def clips(
    table: FeatureTable, modelled: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Source, exact scores and modelled scores of every clip."""
    # Rows are sorted, and every clip begins with frame 0.
    starts = np.flatnonzero(table.rows["frame"].to_numpy() == 0).tolist()
    for start, end in zip(starts, [*starts[1:], len(modelled)], strict=True):
        yield table.rows["source"][start], table.target[start:end], modelled[start:end]


if __name__ == "__main__":
    main()
