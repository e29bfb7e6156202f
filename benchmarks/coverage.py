# SPDX-License-Identifier: Apache-2.0
"""Do the intervals cover? Simulated coverage of every interval at nine sources, nominal 95 %.

Ours are set beside those that are common and too narrow: Fisher's z with frames or clips as the
sample, and the percentile bootstrap over sources. Prints one Markdown table; the same numbers every
time. Run: `python benchmarks/coverage.py [REPLICATES]` (2000 by default, about a minute).
"""

import sys

import numpy as np

from tinyvmaf.stats.conformal import hcp_radius
from tinyvmaf.stats.intervals import fold_interval, nadeau_bengio_interval, pooled_intervals
from tinyvmaf.stats.p1401 import correlation_interval
from tinyvmaf.stats.paired import subset_interval

SOURCES, CLIPS, FRAMES = 9, 8, 60

# name -> draw of n sources, true mean
FOLDS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "t with 3 degrees of freedom": (lambda rng, shape: rng.standard_t(3, shape), 0.0),
    "log-normal 0.8": (lambda rng, shape: rng.lognormal(0, 0.8, shape), np.exp(0.32)),
    "one in nine 4 sd off": (
        lambda rng, shape: rng.normal(size=shape) + 4 * (rng.random(shape) < 1 / 9),
        4 / 9,
    ),
}


def main():
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| statistic | interval | coverage |")
    print("| --- | --- | --- |")
    for statistic, interval, hits in [
        *mean_over_folds(replicates),
        *pooled_correlation(replicates),
        *unseen_source(replicates),
    ]:
        coverage = np.mean(hits)
        error = np.std(hits) / len(hits) ** 0.5
        print(f"| {statistic} | {interval} | {coverage:.3f} ± {error:.3f} |")


def mean_over_folds(replicates):
    for name, (draw, truth) in FOLDS.items():
        rng = np.random.default_rng(1)
        samples = draw(rng, (replicates, SOURCES))
        resampled = rng.integers(0, SOURCES, size=(2000, SOURCES))
        hits = {"t over folds": [], "subsets": [], "Nadeau-Bengio": [], "bootstrap percentile": []}
        for sample in samples:
            ends = {
                "t over folds": ends_of(fold_interval(sample.tolist(), metric="bias")),
                "subsets": subset_interval(sample),
                "Nadeau-Bengio": ends_of(nadeau_bengio_interval(sample.tolist(), metric="bias")),
                "bootstrap percentile": np.quantile(sample[resampled].mean(axis=1), [0.025, 0.975]),
            }
            for interval, (low, high) in ends.items():
                hits[interval].append(low <= truth <= high)
        for interval, found in hits.items():
            yield f"fold mean, {name}", interval, found


def frames_of(rng, sources):
    """Scores of whole sources whose errors are shared by source, by clip, and by frame.

    Sources differ in the size of their errors, as real folds do: by half a unit of log scale.
    """
    shape = (sources, CLIPS, FRAMES)
    target = (
        60
        + rng.normal(0, 10, (sources, 1, 1))
        + rng.normal(0, 15, (sources, CLIPS, 1))
        + rng.normal(0, 5, shape)
    )
    error = np.exp(rng.normal(0, 0.5, (sources, 1, 1))) * (
        rng.normal(0, 2, (sources, 1, 1))
        + rng.normal(0, 2, (sources, CLIPS, 1))
        + rng.normal(0, 6, shape)
    )
    return (target + error).reshape(sources, -1), target.reshape(sources, -1)


def pooled_correlation(replicates):
    rng = np.random.default_rng(2)
    predicted, target = frames_of(rng, 20_000)
    truth = np.corrcoef(predicted.ravel(), target.ravel())[0, 1]
    source = np.repeat(np.arange(SOURCES), CLIPS * FRAMES)
    hits = {"Fisher z, frames": [], "Fisher z, clips": [], "jackknife over sources, t": []}
    for _ in range(replicates):
        p, t = (side.ravel() for side in frames_of(rng, SOURCES))
        ours = pooled_intervals(predicted=[p], target=t, source_index=source)["plcc"]
        r = ours.estimate
        for interval, found in (
            ("Fisher z, frames", correlation_interval(r, n=len(p))),
            ("Fisher z, clips", correlation_interval(r, n=SOURCES * CLIPS)),
            ("jackknife over sources, t", ours),
        ):
            hits[interval].append(found.low <= truth <= found.high)
    for interval, found in hits.items():
        yield f"pooled PLCC {truth:.3f}", interval, found


def unseen_source(replicates):
    """Clip errors of a tenth source against the radius that nine give."""
    rng = np.random.default_rng(3)
    source = np.repeat(np.arange(SOURCES), CLIPS)
    for alpha in (0.2, 0.1):
        ours, pooled = [], []
        for _ in range(replicates):
            spread = rng.lognormal(0.5, 0.5, SOURCES + 1)
            offset = rng.normal(0, spread)
            scores = np.abs(
                offset[:, None] + rng.normal(size=(SOURCES + 1, CLIPS)) * spread[:, None]
            )
            known, new = scores[:-1].ravel(), scores[-1]
            radius = hcp_radius(scores=known, source_index=source, alpha=alpha)
            ours.append(np.mean(new <= radius))
            pooled.append(np.mean(new <= np.quantile(known, 1 - alpha)))
        yield f"clip of a new source, {1 - alpha:.0%}", "one mass a source (HCP)", ours
        yield f"clip of a new source, {1 - alpha:.0%}", "all clips pooled", pooled


def ends_of(interval):
    return interval.low, interval.high


if __name__ == "__main__":
    main()
