# SPDX-License-Identifier: Apache-2.0
"""A table in place of videos: known exact scores and auxiliary variables.

The rounds of sampling run on it as on videos; it counts the decodes and frames they would take.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from jaxtyping import Float

from tinyvmaf.scoring.costs import FULL_HD
from tinyvmaf.scoring.plan import Facts, Method, max_spare
from tinyvmaf.stats.strata import Sample
from tinyvmaf.stats.survey import Auxiliary

_WINDOW = 3


class TableMaterial:
    """The clips of one reference, with all exact scores known.

    Attributes:
        n_decodes: Number of decodes of the pair that videos would have taken.
        n_spare: Number of frames that would have been kept for later rounds.
    """

    def __init__(
        self,
        exact: Sequence[Float[np.ndarray, " n_frames"]],
        auxiliary: Sequence[Auxiliary],
        *,
        passes: Sequence[str],
        n_pixels: int = FULL_HD,
        method: Method = Method.DECODE,
        decoded_a_visit: float | None = None,
    ) -> None:
        self.n_decodes = 0
        self.n_spare = 0
        self._known = [dict(enumerate(scores.tolist())) for scores in exact]
        self._auxiliary = tuple(auxiliary)
        self._exact: list[dict[int, float]] = [{} for _ in exact]
        self._kept: set[int] = set()
        self._facts = Facts(
            n_frames=len(exact[0]),
            n_pixels=n_pixels,
            passes=tuple(passes),
            decoded_a_visit=decoded_a_visit,
            n_encodes=len(exact),
            max_spare=max_spare(n_pixels * 3 // 2, window=_WINDOW),
            method=method,
        )

    @property
    def facts(self) -> Facts:
        """Numbers about the clips."""
        return self._facts

    @property
    def kept(self) -> AbstractSet[int]:
        """The frames that would have been kept."""
        return self._kept

    def first_round(self, sample: Sample, *, spare: Sample, method: Method) -> Method:
        """Look up the first scores."""
        self._exact = [{} for _ in self._known]
        self._kept = set(spare.frames)
        self.n_decodes, self.n_spare = 0, len(self._kept.difference(sample.frames))
        self.score(sample.frames, of=range(len(self._known)), method=method)
        self.n_decodes = 1
        return method

    def score(self, frames: Sequence[int], *, of: Sequence[int], method: Method) -> None:
        """Look up further scores; count a decode unless their frames were kept."""
        del method
        self.n_decodes += not self._kept.issuperset(frames)
        for encode in of:
            known = self._known[encode]
            self._exact[encode].update((frame, known[frame]) for frame in frames)

    def auxiliary(self, encode: int) -> Auxiliary:
        """The variables of a clip."""
        return self._auxiliary[encode]

    def exact(self, encode: int) -> Mapping[int, float]:
        """The scores looked up so far, by frame."""
        return self._exact[encode]
