# SPDX-License-Identifier: Apache-2.0
"""Statistical inference, as blocks: the unit, comparisons, ranking, optimism.

Everything is printed from the record's evidence. A part that is missing in the record is replaced
by one line that says so; verdicts and sentences are the record's own.
"""

from collections.abc import Sequence

from tinyvmaf.evaluation.comparison_records import ComparisonRow
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.document import (
    Block,
    Facts,
    Omitted,
    Paragraph,
    Table,
    columns,
)
from tinyvmaf.report.numbers import (
    ABSENT,
    TITLES,
    bounds,
    count,
    number,
    p_value,
    plural,
    share,
    verdict,
)
from tinyvmaf.report.protocol import about_comparisons
from tinyvmaf.stats.seeds import MIN_SEEDS


def undertrained(record: LosoRecord) -> str:
    """The reason why the training gate failed; empty if it was passed or not evaluated."""
    gate = record.evidence.gate if record.evidence else None
    return "" if gate is None or gate.passed else gate.reason.rstrip(".")


def warning(record: LosoRecord) -> str:
    """The warning of a report whose models are undertrained; empty otherwise."""
    if not undertrained(record):
        return ""
    return (
        "What follows shows how far training went. It says nothing about content that the model "
        "has not seen."
    )


def omitted(record: LosoRecord, what: str, *, cure: str = "") -> Omitted:
    """The line in place of `what`, with the way to get it if that is known."""
    if undertrained(record):
        return Omitted(f"{what}: left out, because the training gate was not passed.")
    return Omitted(f"{what}: not in this record{cure and '; '}{cure}.")


def unit(record: LosoRecord) -> tuple[Block, ...]:
    """The effective sample size, and the effects of seeds and weights."""
    if record.evidence is None:
        return (omitted(record, "Effective sample size"),)
    found, intervals = record.evidence.unit, record.evidence.intervals
    facts = [
        (
            "unit",
            (
                f"the source: {plural(found.n_sources, 'source')}, "
                f"{plural(found.n_clips, 'clip')}, {plural(found.n_frames, 'frame')}"
            ),
        ),
        (
            "the frames are worth",
            (
                f"{_rounded(found.n_eff_clip)} independent errors by the likeness "
                f"within clips (ICC {number('plcc', found.icc_clip)}), "
                f"{_rounded(found.n_eff_source)} by that within sources (ICC "
                f"{number('plcc', found.icc_source)})"
            ),
        ),
    ]
    weighting = intervals.rmse_weighting
    facts.append(
        (
            "RMSE of everything",
            (
                f"{number('rmse', weighting.frame_weighted)} with every frame counted once, "
                f"{number('rmse', weighting.source_weighted)} with every source counted once"
            ),
        )
    )
    parts = intervals.pooled_parts
    if parts:
        facts.append(
            (
                "pooled PLCC",
                (
                    f"{number('plcc', parts.within)} from within the sources, "
                    f"{number('plcc', parts.between)} from between them"
                ),
            )
        )
    seeds = intervals.seeds
    if seeds.se_headline is not None:
        facts.append(
            (
                "seeds",
                (
                    f"{seeds.n}; they leave the headline a standard error of "
                    f"{number('rmse', seeds.se_headline)}"
                ),
            )
        )
    elif seeds.n > 1:
        facts.append(("seeds", f"{seeds.n}; a standard error between seeds needs {MIN_SEEDS}"))
    return (Facts(tuple(facts)),)


def comparisons(record: LosoRecord) -> tuple[Block, ...]:
    """Every paired comparison, in one table."""
    found = record.evidence and record.evidence.comparisons
    if not found:
        return (omitted(record, "Paired comparison"),)
    about = Paragraph(
        "Paired by source, on sources that neither model had seen. The effect is the ratio of the "
        "errors (or the atanh difference of the correlations) with its exact 95 % interval; p "
        "comes from all sign flips, adjusted for all rows together; resolvable is the smallest "
        "effect that this adjusted test finds with 80 % power on sources that scatter as these do, "
        "by simulation of the test; the last columns are other tests." + about_comparisons(record)
    )
    against_all = all(row.a == record.arch for row in found)
    return about, comparison_table(found, first=record.arch if against_all else "")


def comparison_table(found: Sequence[ComparisonRow], *, first: str) -> Table:
    """Every paired comparison; `first` is the model A of all, or empty if there are several."""
    named = bool(first) and len({row.a for row in found}) == 1
    titles = columns(
        f"{first} against" if named else "models",
        "by",
        "verdict",
        "sources",
        "effect",
        "95 % interval",
        "p",
        "p adjusted",
        "resolvable (80 % power)",
        "Nadeau-Bengio p",
        "Wilcoxon p",
        text=3,
    )
    rows = tuple(
        (
            row.b if named else f"{row.a} against {row.b}",
            f"{row.level} {TITLES[row.metric]}",
            verdict(row) + (", robust" if row.robust else ""),
            count(row.n_sources),
            number("rmse", row.effect),
            bounds(row.low, row.high),
            p_value(row.p),
            p_value(row.p_adjusted),
            number("rmse", row.mde),
            p_value(row.nadeau_bengio_p),
            p_value(row.wilcoxon_p),
        )
        for row in found
    )
    return Table("Paired comparisons", titles, rows)


def ranking(record: LosoRecord) -> tuple[Block, ...]:
    """The share of clip pairs of one source in the right order."""
    found = record.evidence and record.evidence.ranking
    if not found:
        return (omitted(record, "Ranking of clips"),)
    titles = columns(
        "model", "differing by more than", "accuracy", "95 % interval", "pairs", "wrong pairs"
    )
    rows = tuple(
        (
            row.model,
            f"{row.threshold:g} points",
            share(row.accuracy),
            ABSENT
            if row.low is None or row.high is None
            else f"[{share(row.low)}, {share(row.high)}]",
            count(row.n_pairs),
            f"{row.n_errors:g}",
        )
        for row in found
    )
    caption = "Pairs of clips of one source, put in the teacher's order"
    return (Table(caption, titles, rows),)


def optimism(record: LosoRecord) -> tuple[Block, ...]:
    """The optimism of errors on sources that a model has seen."""
    found = record.evidence and record.evidence.optimism
    if not found:
        return (omitted(record, "Optimism (seen less held out)"),)
    titles = columns("model", "arch", "metric", "seen less held out", "95 % interval", text=3)
    rows = tuple(
        (
            row.model,
            row.arch,
            TITLES[row.metric],
            number("rmse", row.effect),
            bounds(row.low, row.high),
        )
        for row in found
    )
    caption = "Optimism: the same arch and recipe, on sources it had seen, less held out"
    return (Table(caption, titles, rows),)


def _rounded(value: float | None) -> str:
    return ABSENT if value is None else count(round(value))
