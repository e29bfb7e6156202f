# SPDX-License-Identifier: Apache-2.0
from tests.report.conftest import typed
from tinyvmaf.report.digest import charts, document
from tinyvmaf.report.document import Bullets, Omitted, Table
from tinyvmaf.report.theme import PAPER


def blocks(report, kind):
    return [block for part in report.sections for block in part.blocks if isinstance(block, kind)]


def table(report, caption):
    return next(block for block in blocks(report, Table) if block.caption.startswith(caption))


def test_sections_stand_in_the_order_of_reading(record, points):
    report = document(typed(record), charts(typed(record), points, PAPER))
    assert [section.name for section in report.sections] == [
        "folds",
        "predictions",
        "residuals",
        "clips",
        "aggregates",
        "learning-curve",
        "comparison",
        "diagnosis",
        "findings",
        "p1401",
        "setup",
        "reproduce",
        "provenance",
    ]


def test_a_teacher_that_the_table_does_not_name_is_not_called_unknown(record):
    known = document(typed(record), None).headline[0]
    assert f"misses {record['teacher']} by RMSE" in known
    headline = document(typed({**record, "teacher": "unknown"}), None).headline[0]
    assert "misses its teacher, which the table does not name, by RMSE" in headline
    assert "unknown" not in headline


def test_without_charts_there_is_no_empty_section(record):
    report = document(typed(record), None)
    assert all(section.blocks for section in report.sections)
    assert "predictions" not in [section.name for section in report.sections]


def test_every_table_is_rectangular(record):
    tables = blocks(document(typed(record), None), Table)
    assert len(tables) >= 7
    for found in tables:
        assert {len(row) for row in (*found.rows, *found.totals)} == {len(found.columns)}


def test_no_source_is_the_worst_where_all_are_alike(record):
    alike = record["aggregate"]["clip"]["srocc"]
    alike.update(mean=1.0, std=0.0, worst=1.0)
    rows = {row[0]: row for row in table(document(typed(record), None), "Over all folds").rows}
    assert alike["worst_source"] not in rows["clip SROCC"]
    assert rows["frame RMSE"][5] == record["aggregate"]["frame"]["rmse"]["worst_source"]


def test_the_fold_table_has_the_records_values(record):
    rows = {row[0]: row for row in table(document(typed(record), None), "Every fold").rows}
    for fold in record["folds"]:
        assert f"{fold['frame']['rmse']:.3f}" in rows[fold["source"]]


def test_verdicts_and_p_values_are_the_records(record):
    rows = table(document(typed(record), None), "Paired comparisons").rows
    assert [row[2] for row in rows] == [
        "mlp_small is better, robust",
        "not resolved",
        "least_squares is better",
    ]
    assert rows[2][7] == "< 0.0001"


def test_findings_are_the_records_sentences(record):
    report = document(typed(record), None)
    found = next(section for section in report.sections if section.name == "findings")
    assert found.blocks[-1] == Bullets(("<script>alert(1)</script> is not an outlier.",))


def test_missing_evidence_is_said_once_for_each_part(bare_record):
    lines = [block.text for block in blocks(document(typed(bare_record), ()), Omitted)]
    assert lines == [
        "Effective sample size: not in this record.",
        "Learning curve: not in this record; tinyvmaf loso --learning-curve makes it.",
        "Paired comparison: not in this record.",
        "Ranking of clips: not in this record.",
        "Optimism (seen less held out): not in this record.",
        "Training gate: not in this record.",
        "Diagnosis of the folds: not in this record.",
        "Findings: not in this record.",
    ]


def test_a_gate_that_was_not_passed_stands_above_everything(record):
    record["evidence"]["gate"] |= {
        "passed": False,
        "outcome": "undertrained",
        "reason": "the training RMSE is 15.5",
    }
    record["evidence"]["comparisons"] = None
    others = [block.text for block in blocks(document(typed(record), None), Omitted)]
    assert not any(text.startswith("Other splits") for text in others)
    record["evidence"]["splits"] = []
    report = document(typed(record), None)
    asked = "Other splits and nested choice: left out, because the training gate was not passed."
    assert asked in [block.text for block in blocks(report, Omitted)]
    assert report.headline[0] == "mlp_small is undertrained: the training RMSE is 15.5."
    assert report.warning.startswith("What follows shows how far training went.")
    because = "Paired comparison: left out, because the training gate was not passed."
    assert because in [block.text for block in blocks(report, Omitted)]


def test_undefined_values_are_listed_with_their_reason(record):
    record["folds"][1]["frame"] |= {"plcc": None, "undefined": {"plcc": "one score only"}}
    report = document(typed(record), None)
    assert ("Bird, frame PLCC: one score only",) in [
        list_.items for list_ in blocks(report, Bullets)
    ]
    row = next(row for row in table(report, "Every fold").rows if row[0] == "Bird")
    assert "\N{EN DASH}" in row
