# SPDX-License-Identifier: Apache-2.0
"""The report of models of opinion scores: record, Markdown and tables for papers."""

from pathlib import Path

from tinyvmaf.evaluation.mos_folds import BASELINE
from tinyvmaf.evaluation.records import OpinionRecord
from tinyvmaf.files import write_text
from tinyvmaf.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    Paragraph,
    Section,
    Table,
    columns,
)
from tinyvmaf.report.inference import comparison_table
from tinyvmaf.report.markdown import markdown
from tinyvmaf.report.numbers import ABSENT, bounds, count, number, plural, share
from tinyvmaf.report.paper_tables import table_files
from tinyvmaf.stats.p1401 import ClipStatistic
from tinyvmaf.text import json_text
from tinyvmaf.typed_json import to_json

NAME = "loso_mos_eval"


def write_opinion_report(record: OpinionRecord, folder: Path) -> Path:
    """Write `loso_mos_eval.json` and `.md` and `tables/` to `folder`; return the Markdown's path.

    Raises:
        UsageError: the folder cannot be written.
    """
    report = opinion_document(record)
    for name, text in table_files(report).items():
        write_text(folder / name, text)
    path = folder / f"{NAME}.md"
    write_text(path, markdown(report, {}, pictures=""))
    write_text(path.with_suffix(".json"), json_text(to_json(record), indent=2) + "\n")
    return path


def opinion_document(record: OpinionRecord) -> Document:
    """The report of `record`."""
    baseline = next(model for model in record.models if model.model == BASELINE)
    best = min(record.models, key=lambda model: model.rmse or float("inf"))
    alone = f"{number('rmse', baseline.rmse)} ± {number('rmse', baseline.rmse_std)}"
    result = (
        f"No model has a lower RMSE on unseen sources than the map of the teacher alone: {alone}."
        if best is baseline
        else f"On a source that it has not seen, {best.model} misses mean opinion scores by RMSE "
        f"{number('rmse', best.rmse)} ± {number('rmse', best.rmse_std)}; the map of the teacher "
        f"alone misses them by {alone}."
    )
    basis = (
        f"Mean ± standard deviation over {plural(len(record.sources), 'source')}, "
        f"{plural(record.n_clips, 'clip')}; teacher {record.teacher}; "
        f"{plural(record.n_without_opinion, 'clip')} without opinions left out."
    )
    return Document(
        title="Leave-one-source-out: mean opinion scores",
        headline=(result, basis),
        warning="",
        figures=(),
        sections=(
            Section("models", "Models of opinions", _models(record)),
            Section("sources", "Every source, held out", (_sources(record),)),
            Section("comparison", "Compared with the map of the teacher", _compared(record)),
            *_curves(record),
            Section("p1401", "As ITU-T P.1401 defines it", (_p1401(record),)),
            Section(
                "reproduce",
                "How to cite and reproduce",
                (
                    Facts(
                        (
                            ("table", record.table_origin or ABSENT),
                            ("table sha256", record.table_sha256),
                            ("teacher", record.teacher),
                            ("features", ", ".join(record.features)),
                        )
                    ),
                    Code(record.command),
                ),
            ),
        ),
    )


def _models(record: OpinionRecord) -> tuple[Block, ...]:
    rows = tuple(
        (
            model.model,
            f"{number('rmse', model.rmse)} ± {number('rmse', model.rmse_std)}",
            number("plcc", model.plcc),
            number("srocc", model.srocc),
        )
        for model in record.models
    )
    return (
        Bullets(tuple(f"{model.model}: {model.what}" for model in record.models)),
        Table("Means over held-out sources", columns("model", "RMSE", "PLCC", "SROCC"), rows),
    )


def _sources(record: OpinionRecord) -> Table:
    names = [model.model for model in record.models]
    rows = tuple(
        (source, *(number("rmse", model.per_source[source].rmse) for model in record.models))
        for source in record.sources
    )
    return Table("RMSE by source and model", columns("held-out source", *names), rows)


def _compared(record: OpinionRecord) -> tuple[Block, ...]:
    return (
        Paragraph("Paired by source, on sources that neither model had seen."),
        comparison_table(record.comparisons, first=""),
        Bullets(tuple(finding.sentence for finding in record.findings)),
    )


def _curves(record: OpinionRecord) -> tuple[Section, ...]:
    if record.learning_curve is None:
        return ()
    names = list(record.learning_curve)
    points = list(zip(*record.learning_curve.values(), strict=True))
    rows = tuple(
        (
            count(same[0].n_sources),
            *(
                f"{number('rmse', point.rmse_mean)} {bounds(point.rmse_low, point.rmse_high)}"
                for point in same
            ),
        )
        for same in points
    )
    table = Table(
        "RMSE on held-out sources, and its range", columns("sources trained on", *names), rows
    )
    return (Section("learning-curve", "Would more sources help?", (table,)),)


def _p1401(record: OpinionRecord) -> Table:
    def interval(metric: str, found: ClipStatistic | None) -> str:
        if found is None:
            return ABSENT
        return f"{number(metric, found.estimate)} {bounds(found.low, found.high, metric=metric)}"

    rows = tuple(
        (
            model.model,
            interval("plcc", model.p1401.plcc),
            interval("srocc", model.p1401.srocc),
            interval("rmse", model.p1401.rmse),
            ABSENT
            if model.p1401.outlier_ratio is None
            else share(model.p1401.outlier_ratio.estimate),
            number("rmse", model.p1401.rmse_star),
        )
        for model in record.models
    )
    titles = columns("model", "PLCC", "SROCC", "RMSE", "outlier ratio", "RMSE*")
    return Table("All clips together, taken as independent", titles, rows)
