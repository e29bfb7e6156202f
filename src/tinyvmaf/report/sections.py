# SPDX-License-Identifier: Apache-2.0
"""The whole report of an evaluation as a document: its sections in order."""

from collections.abc import Mapping, Sequence

from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report import explanation, inference, protocol, results
from tinyvmaf.report.chart import Chart
from tinyvmaf.report.document import Block, Document, Figure, Omitted, Section

_CAPTIONS: Mapping[str, str] = {
    "folds_rmse": "Sources from the smallest error to the largest. The line and the band are the "
    "mean over folds on the log scale and its 95 % interval; a bar through a dot is one standard "
    "deviation between seeds, on the same scale.",
    "folds_plcc": "The same sources in the same order. A correlation falls where the teacher's "
    "scores hardly differ, however small the error: trust RMSE first.",
    "predictions": "On the line the prediction is the teacher's score.",
    "residuals": "The line is the median error, the band holds nine of ten frames.",
    "clips": "Each dot is a clip: the mean over its frames, as libvmaf pools.",
    "learning_curve": "If the curve still falls at its right end, more sources would help.",
    "comparison_errors": "Left of the dashed line the errors are smaller than the other model's.",
    "comparison_correlations": "Right of the dashed line the correlations are higher than the "
    "other model's.",
}


def document(record: LosoRecord, charts: Sequence[Chart] | None) -> Document:
    """The report of `record`; `charts` are those that can be shown, None if none can be drawn."""
    over = f"over {protocol.unit(record)}s"
    drawn = None if charts is None else {chart.name: chart for chart in charts}

    def figures(*names: str) -> tuple[Block, ...]:
        if drawn is None:
            return ()
        return tuple(
            Figure(name, f"{_CAPTIONS[name]} {_seed(record)}".strip())
            if name in ("predictions", "residuals", "clips")
            else Figure(name, _CAPTIONS[name].replace("over folds", over))
            for name in names
            if name in drawn
        )

    without = (Omitted("The charts: not drawn here."),) if drawn is None else ()
    sections = (
        results.folds(record, (*without, *figures("folds_rmse", "folds_plcc"))),
        Section("predictions", "Predicted against teacher", figures("predictions")),
        Section("residuals", "Error over the score range", figures("residuals")),
        Section("clips", "Error by clip", figures("clips")),
        results.aggregates(record, inference.unit(record)),
        Section(
            "learning-curve",
            "Would more sources help?",
            (*figures("learning_curve"), *explanation.learning_curve(record)),
        ),
        *explanation.splits(record),
        Section(
            "comparison",
            "Compared with other models",
            (
                *figures("comparison_errors", "comparison_correlations"),
                *inference.comparisons(record),
                *results.baselines(record),
                *inference.ranking(record),
                *inference.optimism(record),
            ),
        ),
        Section(
            "diagnosis",
            f"Why the {protocol.unit(record)}s are as they are",
            (*explanation.gate(record), *explanation.diagnosis(record)),
        ),
        Section("findings", "Findings", explanation.findings(record)),
        *explanation.p1401(record),
        results.setup(record),
        results.reproduce(record),
        results.provenance(record),
    )
    return Document(
        title=f"{protocol.title(record)}: {record.arch}",
        headline=results.headline(record, inference.undertrained(record)),
        warning=inference.warning(record),
        figures=results.key_figures(record),
        sections=tuple(section for section in sections if section.blocks),
    )


def _seed(record: LosoRecord) -> str:
    seeds = record.seeds
    return f"Shown are the models of seed {seeds[0]} of {len(seeds)}." if len(seeds) > 1 else ""
