# SPDX-License-Identifier: Apache-2.0
"""The published records of an evaluation: loso, compare, evaluation and opinions.

A record is made from a run's files and goes to JSON key by key (`to_json`) and back (`from_json`).
A number that does not exist is None, with its reason in `undefined`. Reports and findings read the
fields; nothing reads a record by string keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from tinyvmaf.evaluation.comparison_records import ComparisonRow
from tinyvmaf.evaluation.evidence_records import CurvePoint, Evidence, Finding, Gate
from tinyvmaf.evaluation.metric_records import (
    Aggregates,
    FoldRecord,
    MetricValues,
    ModelRecord,
    Protocol,
    TableFacts,
)
from tinyvmaf.stats.p1401 import ClipBlock
from tinyvmaf.text import html_table, number
from tinyvmaf.typed_json import OMIT

LOSO_SCHEMA = "tinyvmaf.loso/1"
COMPARE_SCHEMA = "tinyvmaf.compare/1"
EVALUATION_SCHEMA = "tinyvmaf.evaluation/1"
OPINION_SCHEMA = "tinyvmaf.opinions/1"


@dataclass(frozen=True, slots=True)
class LosoRecord:
    """The evaluation of a run, `tinyvmaf.loso/1`.

    Attributes:
        schema: Name and version of this record.
        arch: Name of the network's shape.
        n_params: Weights and biases.
        recipe: Name of the recipe.
        recipe_settings: The recipe itself.
        seeds: One sweep over all folds each.
        teacher: The model that labelled the frames.
        features: Inputs of the networks, in order.
        table: The table that was evaluated.
        protocol: The protocol by which sources were held out.
        folds: Every held-out source, sorted by name.
        aggregate: Metrics over all folds.
        baselines: Models that are not part of the sweep.
        evidence: Intervals, tests and diagnosis.
        findings: Sentences made from the evidence, the most important first.
        seconds: Stage -> wall time in seconds.
        command: The call that made the run.
        versions: Package -> version.
    """

    schema: str
    arch: str
    n_params: int
    recipe: str
    recipe_settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    teacher: str
    features: tuple[str, ...]
    table: TableFacts
    protocol: Protocol
    folds: tuple[FoldRecord, ...]
    aggregate: Aggregates
    baselines: tuple[ModelRecord, ...]
    evidence: Evidence | None = field(default=None, metadata=OMIT)
    findings: tuple[Finding, ...] = field(default=(), metadata=OMIT)
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        rmse = self.aggregate.frame["rmse"]
        error = "undefined" if rmse.mean is None else f"{rmse.mean:.3f}"
        return f"<LosoRecord {self.arch}: RMSE {error} over {rmse.k_eff} held-out sources>"

    def _repr_html_(self) -> str:
        return folds_html(self)


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run that takes part in a comparison.

    Attributes:
        name: Name of its folder.
        arch: Name of the network's shape.
        n_params: Weights and biases.
        recipe: Name of the recipe.
        seeds: One sweep over all folds each.
        protocol: The protocol by which sources were held out.
        n_folds: Number of folds.
        gate: The training gate.
    """

    name: str
    arch: str
    n_params: int
    recipe: str
    seeds: tuple[int, ...]
    protocol: str
    n_folds: int
    gate: Gate


@dataclass(frozen=True, slots=True)
class CompareRecord:
    """Runs against each other, `tinyvmaf.compare/1`.

    Attributes:
        schema: Name and version of this record.
        table: The table of all runs.
        runs: Those that were compared.
        comparisons: Every pair by every metric.
        findings: Sentences made from them.
    """

    schema: str
    table: TableFacts
    runs: tuple[ComparedRun, ...]
    comparisons: tuple[ComparisonRow, ...]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return f"<CompareRecord {', '.join(run.name for run in self.runs)}>"

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{escape(each.sentence)}</li>' for each in self.findings)}</ul>"


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """Models on a table, `tinyvmaf.evaluation/1`.

    Attributes:
        schema: Name and version of this record.
        teacher: The model that labelled the frames.
        table: The table.
        models: The models with their metrics.
    """

    schema: str
    teacher: str
    table: TableFacts
    models: tuple[ModelRecord, ...]

    def __repr__(self) -> str:
        return f"<EvaluationRecord {', '.join(model.model for model in self.models)}>"


@dataclass(frozen=True, slots=True)
class OpinionModel:
    """A model of opinion scores on held-out sources.

    Attributes:
        model: Its name.
        what: Its description.
        per_source: Source -> metrics of its clips.
        rmse: Mean over sources, in points of the opinion scale.
        rmse_std: Standard deviation over sources, ddof 1.
        plcc: Mean over sources.
        srocc: Mean over sources.
        p1401: The statistics of ITU-T P.1401 over all clips.
    """

    model: str
    what: str
    per_source: Mapping[str, MetricValues]
    rmse: float | None
    rmse_std: float | None
    plcc: float | None
    srocc: float | None
    p1401: ClipBlock


@dataclass(frozen=True, slots=True)
class OpinionRecord:
    """Models of opinion scores, left-out sources, `tinyvmaf.opinions/1`.

    Attributes:
        schema: Name and version of this record.
        teacher: The model that labelled the frames.
        features: Features of the table.
        table_sha256: Hash of the table.
        table_origin: File, corpus or sample that the table came from; empty if unknown.
        sources: Those that were held out in turn.
        n_clips: Clips with opinions.
        n_without_opinion: Clips that were left out because they have no opinion scores.
        models: The models; the first is the map of the teacher that must be beaten.
        comparisons: Every model against that map.
        learning_curve: Model -> its error against the number of training sources.
        findings: Sentences made from the comparisons.
        command: The call that made the record.
        versions: Package -> version.
    """

    schema: str
    teacher: str
    features: tuple[str, ...]
    table_sha256: str
    table_origin: str
    sources: tuple[str, ...]
    n_clips: int
    n_without_opinion: int
    models: tuple[OpinionModel, ...]
    comparisons: tuple[ComparisonRow, ...]
    learning_curve: Mapping[str, tuple[CurvePoint, ...]] | None
    findings: tuple[Finding, ...]
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def __repr__(self) -> str:
        return f"<OpinionRecord {len(self.sources)} sources, {self.n_clips} clips>"


def folds_html(record: LosoRecord) -> str:
    """The held-out sources as a small table, for notebooks."""
    rows = [
        (
            fold.source,
            fold.n_frames,
            number("plcc", fold.frame.plcc),
            number("rmse", fold.frame.rmse),
            number("rmse", fold.clip.rmse),
        )
        for fold in record.folds
    ]
    heads = ("held out", "frames", "PLCC", "RMSE", "clip RMSE")
    return f"<p>{escape(repr(record)[1:-1])}</p>{html_table(heads, rows)}"
