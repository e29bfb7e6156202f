# SPDX-License-Identifier: Apache-2.0
"""Typed record of a frontier, `tinyvmaf.frontier/1`: scoring methods with error, coverage, cost.

Tables, charts and recommendations are made from it. A value that does not exist is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = "tinyvmaf.frontier/1"


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """A scoring method on all clips and replicates of a frontier.

    Attributes:
        name: Its name in tables and charts.
        model: The model that scores every frame; None without one.
        sets: The passes over all frames that it needs; for every Nth frame, its name.
        replicates: Scores that were made, of all clips.
        fell_back: Those of them that exact scoring took over; other figures leave them out.
        rmse: Root mean square error of the clip score.
        rmse_of_sources: Source -> the same for its clips.
        bias: Mean error of the clip score.
        covered: Share of intervals that cover the exact score; None without an interval.
        covered_of_sources: Source -> the same for its clips.
        worst_source: The source with the lowest share.
        worst_covered: Its share.
        worst_replicates: Its intervals.
        half_width: Half the width of the interval, median.
        exact_share: Share of the frames that libvmaf scored.
        exact_frames: Frames that libvmaf scored, mean of the replicates.
        decodes: Decodes of both videos, mean of the replicates.
        spare_share: Share of the frames that were kept for a later round.
        cpu_ms: CPU time of a 1080p frame.
    """

    name: str
    model: str | None
    sets: tuple[str, ...]
    replicates: int
    fell_back: int
    rmse: float | None
    rmse_of_sources: Mapping[str, float]
    bias: float | None
    covered: float | None
    covered_of_sources: Mapping[str, float]
    worst_source: str | None
    worst_covered: float | None
    worst_replicates: int
    half_width: float | None
    exact_share: float
    exact_frames: float | None
    decodes: float | None
    spare_share: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class FrontierModel:
    """A model of a frontier.

    Attributes:
        name: Its name.
        held_out: True if its scores are out-of-fold predictions of networks of its architecture.
        seeds: Networks for each clip.
        sources: Sources with its scores.
    """

    name: str
    held_out: bool
    seeds: int
    sources: int


@dataclass(frozen=True, slots=True, repr=False)
class FrontierRecord:
    """Every scoring method with its error, coverage and CPU time, on one corpus.

    Attributes:
        schema: Name and version of this record.
        sources: The sources of the table.
        clips: Clips that all methods scored.
        clips_left_out: Clips that a model has no scores for.
        frames: Frames of those clips.
        table_sha256: Hash of the table.
        teacher: The model that labelled the frames.
        replicates: Replicates of every clip.
        seed: Seed of the first replicate.
        level: Nominal coverage of the intervals.
        models: The models.
        cpu_ms: Part of scoring -> CPU time of a 1080p frame; `start` is that of a whole start.
        methods: The methods, the cheapest first.
        shuffled: The sampled methods with auxiliary variables that tell nothing.
        cpu_pairs: Pairs whose CPU time was measured.
        cpu_date: Date of that measurement.
        date: Date of this record.
        command: The call that made it.
        versions: Package or program -> version, of the table.
    """

    schema: str
    sources: tuple[str, ...]
    clips: int
    clips_left_out: int
    frames: int
    table_sha256: str
    teacher: str
    replicates: int
    seed: int
    level: float
    models: tuple[FrontierModel, ...]
    cpu_ms: Mapping[str, float]
    methods: tuple[MethodRecord, ...]
    shuffled: tuple[MethodRecord, ...]
    cpu_pairs: tuple[str, ...] = ()
    cpu_date: str = ""
    date: str = ""
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        return f"<FrontierRecord {len(self.methods)} methods, {self.clips} clips>"
