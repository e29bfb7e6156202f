# SPDX-License-Identifier: Apache-2.0
"""The result of a ladder: scores and differences of its encodes, as a record, CSV and a table."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.scoring.difference import Difference
from tinyvmaf.scoring.result import Score
from tinyvmaf.scoring.score_record import LADDER_SCHEMA, FailedEncode, LadderRecord, RungRecord
from tinyvmaf.scoring.target import Target
from tinyvmaf.storage import address
from tinyvmaf.text import csv_cell, html_table
from tinyvmaf.typed_json import to_json


@dataclass(frozen=True, slots=True)
class Rung:
    """One encode of a ladder.

    Attributes:
        score: Its score.
        codec: Ffmpeg's name of its decoder.
        width, height: Picture size, in pixels.
        bitrate_kbps: Bitrate of its video stream.
        crf: The constant rate factor in its file name, or None.
        difference: Its mean score minus that of the encode that the ladder is compared with; None
            for that encode itself.
    """

    score: Score
    codec: str
    width: int
    height: int
    bitrate_kbps: float
    crf: float | None
    difference: Difference | None = None

    @property
    def half_width(self) -> float:
        """Half the width of its score's interval; 0 if every frame is known."""
        return 0.0 if self.score.sampling is None else self.score.sampling.half_width


@dataclass(frozen=True, slots=True)
class Failure:
    """An encode without a score, and the reason."""

    pair: Pair
    error: TinyVmafError


@dataclass(frozen=True, slots=True, repr=False)
class Ladder:
    """Encodes of one reference.

    Attributes:
        reference: The file.
        rungs: The encodes that have a score, by codec, size and bitrate.
        against: The encode that differences are taken from, None without a rung.
        level: Nominal coverage of all intervals.
        targets: The bitrate at which each codec and size reaches the target, if one was given.
        failures: The encodes without a score.
        seconds: Total time.
    """

    reference: Path
    rungs: tuple[Rung, ...]
    against: Path | None
    level: float
    targets: tuple[Target, ...] = ()
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """The ladder as JSON of schema `tinyvmaf.ladder/1`."""
        found = LadderRecord(
            schema=LADDER_SCHEMA,
            reference=address(self.reference),
            against=address(self.against) if self.against is not None else None,
            level=self.level,
            encodes=tuple(
                RungRecord(
                    codec=rung.codec,
                    width=rung.width,
                    height=rung.height,
                    bitrate_kbps=rung.bitrate_kbps,
                    crf=rung.crf,
                    difference=rung.difference.record() if rung.difference else None,
                    score=rung.score.typed_record(),
                )
                for rung in self.rungs
            ),
            targets=self.targets,
            failures=tuple(
                FailedEncode(address(item.pair.distorted.path), str(item.error))
                for item in self.failures
            ),
            seconds=self.seconds,
        )
        return to_json(found)

    def __repr__(self) -> str:
        return f"<Ladder {len(self.rungs)} encodes of {self.reference.name}>"

    def _repr_html_(self) -> str:
        rows = list(csv.reader(io.StringIO(self.csv())))
        return html_table(rows[0], rows[1:])

    def csv(self) -> str:
        """The ladder as CSV, one line per encode, with a heading."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        heads = ("vmaf", "half_width", "difference", "difference_half_width", "exact_frames")
        writer.writerow(("file", "codec", "width", "height", "bitrate_kbps", "crf", *heads))
        for rung in self.rungs:
            score, gap = rung.score, rung.difference
            count = len(score.frame_scores if score.sampling is None else score.sampling.exact)
            figures = (score.vmaf.mean, rung.half_width)
            figures += (gap.mean, gap.half_width) if gap is not None else ("", "")
            about = (rung.codec, rung.width, rung.height, rung.bitrate_kbps, rung.crf)
            name = csv_cell(address(score.distorted))
            writer.writerow((name, *about, *figures, count))
        return text.getvalue()
