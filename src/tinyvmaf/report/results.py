# SPDX-License-Identifier: Apache-2.0
"""Results as sections: headline, folds, aggregates, baselines, instructions to repeat the run."""

from tinyvmaf.evaluation.metric_records import OverFolds
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report import protocol
from tinyvmaf.report.document import (
    Block,
    Bullets,
    Code,
    Facts,
    KeyFigure,
    Paragraph,
    Section,
    Table,
    columns,
)
from tinyvmaf.report.numbers import ABSENT, TITLES, count, interval, number, plural, spread
from tinyvmaf.stats.metrics import METRICS, MetricName

_LEVELS = ("frame", "clip")
_HEADLINE: tuple[MetricName, ...] = ("rmse", "plcc", "srocc")


def headline(record: LosoRecord, undertrained: str) -> tuple[str, str]:
    """The result in one sentence, and its basis in another.

    Args:
        record: The evaluation.
        undertrained: The reason why there is no result; empty if there is one.
    """
    frame, table = record.aggregate.frame, record.table
    rmse = frame["rmse"]
    error = f"RMSE {spread('rmse', rmse)} VMAF points"
    teacher = record.teacher
    if teacher == "unknown":
        teacher = "its teacher, which the table does not name,"
    result = (
        f"{record.arch} is undertrained: {undertrained}."
        if undertrained
        else f"On a source that it has not seen, {record.arch} misses {teacher} by {error}."
    )
    basis = (
        f"Mean ± standard deviation over {plural(rmse.k_eff, protocol.unit(record))}"
        f"{_in_folds(record)}"
        + (f", {error}" if undertrained else "")
        + f"; PLCC {spread('plcc', frame['plcc'])}; worst source {rmse.worst_source} with RMSE "
        f"{number('rmse', rmse.worst)}. {plural(record.n_params, 'parameter')}, recipe "
        f"{record.recipe}, on {plural(table.sources, 'source')}, "
        f"{plural(table.clips, 'clip')}, {plural(table.rows, 'frame')}."
    )
    return result, basis


def key_figures(record: LosoRecord) -> tuple[KeyFigure, ...]:
    """The key figures."""
    frame, clip = record.aggregate.frame, record.aggregate.clip

    def mean(label: str, metric: str, over: OverFolds) -> KeyFigure:
        std = f"± {number(metric, over.std)} over {plural(over.k_eff, protocol.unit(record))}"
        return KeyFigure(label, number(metric, over.mean), std)

    worst = frame["rmse"]
    return (
        mean("RMSE, unseen source", "rmse", frame["rmse"]),
        mean("PLCC, unseen source", "plcc", frame["plcc"]),
        mean("RMSE of whole clips", "rmse", clip["rmse"]),
        KeyFigure("Worst source, RMSE", number("rmse", worst.worst), worst.worst_source or ABSENT),
    )


def setup(record: LosoRecord) -> Section:
    """The setup: teacher, inputs, table, arch, recipe and folds."""
    info = record.table
    facts = (
        ("teacher", record.teacher),
        ("features", ", ".join(record.features)),
        (
            "table",
            (
                f"{plural(info.rows, 'frame')}, {plural(info.clips, 'clip')}, "
                f"{plural(info.sources, 'source')}"
            ),
        ),
        ("arch", f"{record.arch}, {plural(record.n_params, 'parameter')}"),
        ("recipe", record.recipe),
        ("seeds", ", ".join(map(str, record.seeds))),
        ("folds", protocol.setup(record)),
    )
    members = protocol.members(record)
    return Section("setup", "Setup", (Facts(facts), *((Bullets(members),) if members else ())))


def _in_folds(record: LosoRecord) -> str:
    folds = protocol.held_out(record)
    return f" in {len(folds)} folds of whole sources" if folds else ""


def folds(record: LosoRecord, figures: tuple[Block, ...]) -> Section:
    """Every source, held out once."""
    rows = tuple(
        (
            fold.source + ("" if fold.fold is None else f" (fold {fold.fold})"),
            count(fold.n_clips),
            count(fold.n_frames),
            *(number(name, fold.frame.of(name)) for name in METRICS),
            number("rmse", fold.clip.rmse),
            number("rmse", fold.train_rmse),
        )
        for fold in record.folds
    )
    frame, clip = record.aggregate.frame, record.aggregate.clip
    info = record.table
    totals = tuple(
        (
            of,
            *counts,
            *(number(name, getattr(frame[name], of)) for name in METRICS),
            number("rmse", getattr(clip["rmse"], of)),
            "",
        )
        for of, counts in (
            ("mean", (count(info.clips), count(info.rows))),
            ("std", ("", "")),
        )
    )
    titles = columns(
        "held-out source",
        "clips",
        "frames",
        *(TITLES[name] for name in METRICS),
        "clip RMSE",
        "train RMSE",
    )
    about = Paragraph(protocol.about_rows(record))
    several = bool(protocol.held_out(record))
    caption = (
        "Every source: the models of its fold, which never saw it"
        if several
        else "Every fold: its models on the source that they never saw"
    )
    blocks: tuple[Block, ...] = (
        about,
        *figures,
        Table(caption, titles, rows, totals),
        *_undefined(record),
    )
    return Section("folds", "Every source, held out", blocks)


def _undefined(record: LosoRecord) -> tuple[Block, ...]:
    lines = tuple(
        f"{fold.source}, {level} {TITLES[name]}: {reason}"
        for fold in record.folds
        for level, measured in (("frame", fold.frame), ("clip", fold.clip))
        for name, reason in measured.undefined.items()
    )
    return (Paragraph("Undefined values:"), Bullets(lines)) if lines else ()


def aggregates(record: LosoRecord, further: tuple[Block, ...]) -> Section:
    """Aggregates over all folds, in three forms; `further` are blocks of their evidence."""
    aggregate = record.aggregate
    intervals = record.evidence.intervals if record.evidence else None
    rows = tuple(
        (
            f"{level} {TITLES[name]}",
            number(name, over.mean),
            number(name, over.std),
            interval(name, intervals.at(level).get(name) if intervals else None),
            number(name, over.worst),
            # Where all are alike, none is the worst.
            (over.worst_source if over.std else None) or ABSENT,
            f"{over.k_eff} of {over.k}",
            number(name, aggregate.pooled.at(level).of(name)),
            interval(name, intervals.pooled.at(level).get(name) if intervals else None),
        )
        for level in _LEVELS
        for name in METRICS
        for over in (aggregate.at(level)[name],)
    )
    unit = protocol.unit(record)
    titles = columns(
        "metric",
        f"{unit} mean",
        "std",
        "on its scale, 95 % interval",
        f"worst {unit}",
        "worst source",
        f"{unit}s",
        "pooled",
        "pooled, 95 % interval",
    )
    about = Paragraph(
        f"The {unit} mean asks how well a new source goes on average; pooled puts all held-out "
        "predictions of the different fold models together. They answer different questions and "
        f"are not compared with each other. {protocol.about_intervals(record)}"
    )
    heading = f"Over all {unit}s"
    table = Table(heading, titles, rows)
    return Section("aggregates", heading, (about, table, *further))


def baselines(record: LosoRecord) -> tuple[Block, ...]:
    """The baselines per source, with whether each was trained on it."""
    names = [baseline.model for baseline in record.baselines]
    cells = {
        (baseline.model, cell.source): cell
        for baseline in record.baselines
        for cell in baseline.per_source
    }
    rows = tuple(
        (
            fold.source,
            number("rmse", fold.frame.rmse) + " heldout",
            *(
                f"{number('rmse', cell.rmse)} {cell.seen}"
                for name in names
                for cell in (cells[name, fold.source],)
            ),
        )
        for fold in record.folds
    )
    pooled = record.aggregate.pooled.frame
    totals = tuple(
        (
            f"all frames, {TITLES[metric]}",
            number(metric, pooled.of(metric)),
            *(number(metric, baseline.concat.of(metric)) for baseline in record.baselines),
        )
        for metric in _HEADLINE
    )
    about = Paragraph(
        "RMSE of models beside the sweep. Cells marked heldout are judgements; train and val cells "
        "show what the model had seen."
    )
    words = Bullets(tuple(f"{baseline.model}: {baseline.what}" for baseline in record.baselines))
    how = "held out" if protocol.held_out(record) else "LOSO"
    titles = columns("source", f"{record.arch} ({how})", *names)
    return about, words, Table("RMSE by source and model", titles, rows, totals)


def reproduce(record: LosoRecord) -> Section:
    """The command that made the run."""
    return Section(
        "reproduce",
        "How to cite and reproduce",
        (
            Paragraph(_cite(record)),
            Paragraph("The sweep:"),
            Code(record.command),
            Paragraph("This report again, byte for byte, from the run's files alone:"),
            Code("tinyvmaf report RUN"),
        ),
    )


def _cite(record: LosoRecord) -> str:
    tool = record.versions.get("tinyvmaf", "")
    return (
        f"Cite tinyvmaf {tool} (CITATION.cff), this protocol ({record.protocol.name}, seeds "
        f"{', '.join(map(str, record.seeds))}, recipe {record.recipe}), the teacher "
        f"{record.teacher}, and the table by its SHA-256, {record.table.sha256}. Every table of "
        "this report is in the run's folder tables as CSV and as LaTeX (booktabs), every chart in "
        "charts as PDF, SVG and PNG."
    )


def provenance(record: LosoRecord) -> Section:
    """Provenance: table, recipe, computing time and versions."""
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in record.seconds.items())
    versions = ", ".join(f"{name} {value}" for name, value in sorted(record.versions.items()))
    settings = ", ".join(f"{name} {value}" for name, value in record.recipe_settings.items())
    facts = (
        ("table", record.table.origin or ABSENT),
        ("table sha256", record.table.sha256),
        ("recipe", settings),
        ("time", seconds),
        ("versions", versions),
        ("schema", record.schema),
    )
    return Section("provenance", "Provenance", (Facts(facts),))
