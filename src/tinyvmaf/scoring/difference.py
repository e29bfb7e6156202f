# SPDX-License-Identifier: Apache-2.0
"""Differences of encodes of one reference, from the frames that both share.

Scores of one frame in two encodes are correlated, so that the interval of their difference is much
narrower than those of the two means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinyvmaf.scoring.score_record import DifferenceRecord
from tinyvmaf.stats.strata import Sample
from tinyvmaf.stats.survey import Auxiliary, estimate_sum, no_auxiliary

_PSNR_DEVIATION = 3.0


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean score of one encode minus that of another.

    Attributes:
        mean: In VMAF points.
        half_width: Half the width of its confidence interval; 0 if all frames are known.
    """

    mean: float
    half_width: float

    @property
    def resolved(self) -> bool:
        """True if the interval excludes 0."""
        return abs(self.mean) > self.half_width

    def record(self) -> DifferenceRecord:
        """The difference as a record."""
        return DifferenceRecord(self.mean, self.half_width, self.resolved)


def difference(
    samples: Sequence[Sample],
    *,
    exact: Sequence[Mapping[int, float]],
    auxiliary: Sequence[Auxiliary],
    level: float,
) -> Difference:
    """The mean score of the first encode minus that of the second.

    Args:
        samples: Samples of the encodes that were sampled, nested, as for one reference.
        exact: The exact scores of both.
        auxiliary: The auxiliary variables of both.
        level: Nominal coverage of the confidence interval.
    """
    shared = {f: exact[0][f] - exact[1][f] for f in exact[0].keys() & exact[1].keys()}
    # The coarser sample belongs to both.
    sample = min(samples, key=lambda item: len(item.moments))
    found = estimate_sum(sample, auxiliary=_differences(auxiliary, sample.n_frames), exact=shared)
    return Difference(found.mean, found.half_width(level=level))


def _differences(auxiliary: Sequence[Auxiliary], n_frames: int) -> Auxiliary:
    """The difference of PSNR, if both have it; other variables are those of the reference."""
    columns = [item.outlier_column for item in auxiliary]
    if columns[0] is None or columns[1] is None:
        return no_auxiliary(n_frames)
    psnr = auxiliary[0].values[:, columns[0]] - auxiliary[1].values[:, columns[1]]
    return Auxiliary(psnr[:, np.newaxis], slopes=(0.0,), deviations=(_PSNR_DEVIATION,))
