# SPDX-License-Identifier: Apache-2.0
"""Explanation of the results, as blocks: gate, diagnosis, learning curve, findings, P.1401.

Everything is printed from the record's evidence; verdicts and sentences are the record's own.
"""

from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.document import (
    Block,
    Bullets,
    Facts,
    Paragraph,
    Section,
    Table,
    columns,
)
from tinyvmaf.report.inference import omitted, undertrained
from tinyvmaf.report.numbers import (
    bounds,
    count,
    number,
    p_value,
    plural,
    share,
)
from tinyvmaf.report.protocol import unit

_OUTCOMES = {
    "trained": "passed",
    "unchecked": "passed, but twice the steps were not tried",
    "undertrained": "not passed",
}


def gate(record: LosoRecord) -> tuple[Block, ...]:
    """The training gate and its verdict."""
    if record.evidence is None:
        return (omitted(record, "Training gate"),)
    found = record.evidence.gate
    facts = [
        ("training gate", _OUTCOMES[found.outcome]),
        (
            "RMSE on the training rows",
            f"{number('rmse', found.train_rmse)} (limit {found.limit:g})",
        ),
    ]
    doubling = found.doubling
    if doubling:
        facts.append(
            (
                "twice the steps",
                (
                    f"RMSE {number('rmse', doubling.rmse)} after {count(doubling.steps)} "
                    f"steps, {number('rmse', doubling.doubled_rmse)} after twice as many "
                    f"({100 * (doubling.change or 0.0):+.1f} %), in "
                    f"{plural(doubling.folds, 'fold')}"
                ),
            )
        )
    facts.append(("because", found.reason))
    return (Facts(tuple(facts)),)


def diagnosis(record: LosoRecord) -> tuple[Block, ...]:
    """The diagnosis of every fold."""
    found, over = record.evidence and record.evidence.diagnosis, unit(record)
    if not found:
        return (omitted(record, f"Diagnosis of the {over}s"),)
    about = Paragraph(
        f"A {over}'s squared error splits into bias, slope and residual. A correlation is "
        "harder to reach where the teacher's scores vary little. Dissimilarity compares the "
        "features with those of the training sources (flagged: further away than those are from "
        f"each other). Least squares and nearest neighbours on the same {over} "
        f"distinguish a hard source from a weak model. The last p "
        f"tests whether the {over} is an outlier among the others, adjusted for their number."
    )
    titles = columns(
        "held-out source",
        "bias",
        "slope",
        "residual",
        "teacher's SD",
        "saturated",
        "PLCC, range-corrected",
        "dissimilarity",
        "outside",
        "flagged",
        "least squares",
        "neighbours",
        "seed SD",
        "outlier p",
    )
    rows = tuple(
        (
            row.source,
            share(row.bias_share),
            share(row.slope_share),
            share(row.residual_share),
            number("rmse", row.sd_teacher),
            share(row.saturated_share),
            number("plcc", row.corrected_plcc),
            number("rmse", row.dissimilarity),
            share(row.outside_share),
            "yes" if row.flagged else "no",
            number("rmse", row.ols_rmse),
            number("rmse", row.knn_rmse),
            number("rmse", row.seed_sd),
            p_value(row.deleted_t_p),
        )
        for row in found
    )
    return about, Table(f"Diagnosis of every {over}", titles, rows)


def learning_curve(record: LosoRecord) -> tuple[Block, ...]:
    """The error against the number of training sources."""
    found = record.evidence and record.evidence.learning_curve
    if not found:
        return (omitted(record, "Learning curve", cure="tinyvmaf loso --learning-curve makes it"),)
    titles = columns("sources trained on", "RMSE", "range", "repeats")
    rows = tuple(
        (
            count(row.n_sources),
            number("rmse", row.rmse_mean),
            bounds(row.rmse_low, row.rmse_high),
            count(row.n_repeats),
        )
        for row in found
    )
    return (Table("RMSE on held-out sources", titles, rows, folded=True),)


def findings(record: LosoRecord) -> tuple[Block, ...]:
    """The record's sentences, each made from a result."""
    found = record.findings
    if not found:
        return (omitted(record, "Findings"),)
    return (
        Paragraph("Every sentence is made from a result in the JSON beside it."),
        Bullets(tuple(finding.sentence for finding in found)),
    )


def p1401(record: LosoRecord) -> tuple[Section, ...]:
    """The compatibility block of ITU-T P.1401, labelled with its assumptions."""
    found = record.evidence and record.evidence.p1401
    if not found:
        return ()
    percent = round(100 * found.level)
    rows = tuple(
        (title, number(metric, item.estimate), bounds(item.low, item.high, metric=metric))
        for metric, title, item in (
            ("plcc", "PLCC", found.plcc),
            ("srocc", "SROCC", found.srocc),
            ("rmse", "RMSE", found.rmse),
            ("outlier_ratio", "outlier ratio", found.outlier_ratio),
        )
        if item is not None
    )
    blocks = (
        Paragraph(
            f"For comparison with other studies, over {plural(found.n, 'clip')} "
            f"({found.assumption}). The intervals of the other sections are those to rely on."
        ),
        Table(
            "The statistics of ITU-T P.1401",
            columns("statistic", "value", f"{percent} % interval"),
            rows,
        ),
    )
    return (Section("p1401", "As ITU-T P.1401 defines it", blocks),)


def splits(record: LosoRecord) -> tuple[Section, ...]:
    """Other splits than by source, and the choice of a recipe inside the folds, if asked for."""
    rows = (record.evidence and record.evidence.splits) or ()
    nested = record.evidence and record.evidence.nested
    blocks: list[Block] = []
    if record.evidence and record.evidence.splits is not None and undertrained(record):
        blocks.append(omitted(record, "Other splits and nested choice"))
    if rows:
        groups = list(rows[0].by_group)
        seen = {True: "seen", False: "unseen"}
        blocks += [
            Paragraph(
                "Every frame is predicted three times: by networks that had not seen its source, "
                f"its {rows[0].group}, or either. RMSE is the mean over sources ± standard "
                "deviation; the columns behind it are the RMSE of all frames of one "
                f"{rows[0].group}."
            ),
            Table(
                f"Sources and {rows[0].group} held out",
                columns("source", rows[0].group, "networks", "RMSE", *groups, text=2),
                tuple(
                    (
                        seen[row.source_seen],
                        seen[row.group_seen],
                        count(row.networks),
                        f"{number('rmse', row.rmse)} ± {number('rmse', row.std)}",
                        *(number("rmse", row.by_group[name]) for name in groups),
                    )
                    for row in rows
                ),
            ),
        ]
    if nested:
        blocks += [
            Paragraph(
                "A recipe that is picked by its error on these folds looks better than it is. Here "
                "every fold picks by the other sources alone, and the choice is judged on the "
                "source that took no part in it."
            ),
            Table(
                "A recipe chosen inside the folds (nested leave-one-source-out)",
                columns("recipe", "RMSE", "chosen in"),
                tuple(
                    (row.recipe, number("rmse", row.rmse), plural(row.chosen_in, "fold"))
                    for row in nested.recipes
                ),
                (
                    (
                        "the choice",
                        f"{number('rmse', nested.rmse)} ± {number('rmse', nested.std)}",
                        plural(len(nested.folds), "fold"),
                    ),
                ),
            ),
        ]
    return (Section("splits", "Other splits", tuple(blocks)),) if blocks else ()
