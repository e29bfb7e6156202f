# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from tests.report.conftest import typed
from tinyvmaf.report.digest import charts, document
from tinyvmaf.report.markdown import escape, markdown
from tinyvmaf.report.theme import PAPER


@pytest.fixture
def text(record, points):
    drawn = charts(typed(record), points, PAPER)
    named = {chart.name: chart for chart in drawn}
    return markdown(document(typed(record), drawn), named, pictures="charts")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a|b", "a\\|b"),
        ("`*_[x](http://y)", "\\`\\*\\_\\[x\\](http:&#47;/y)"),
        ("two\n\nlines\t", "two lines"),
        ("# ~x~", "\\# \\~x\\~"),
        ("ساحة", "ساحة"),
    ],
)
def test_a_name_is_text_whatever_it_holds(name, written):
    assert escape(name) == written


def test_no_name_becomes_markup(text):
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(http", text)


def test_every_row_of_a_table_has_as_many_cells_as_its_head(text):
    tables = re.findall(r"(?:^\|.*\|\n?)+", text, flags=re.MULTILINE)
    assert len(tables) >= 9
    for table in tables:
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(bars) == 1


def test_the_charts_are_embedded_with_words_for_who_cannot_see_them(text):
    found = re.findall(r"!\[(.+)\]\((charts/\w+\.png)\)", text)
    assert [path for _, path in found][:2] == ["charts/folds_rmse.png", "charts/folds_plcc.png"]
    assert len(found) == 8
    assert all(len(words) > 60 for words, _ in found)


def test_headings_descend_by_one_level(text):
    levels = [len(mark) for mark in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]
    assert levels == [1] + [2] * (len(levels) - 1)


def test_a_command_cannot_leave_its_fence(record):
    record["command"] = "tinyvmaf loso '```\n# out'"
    written = markdown(document(typed(record), None), {}, pictures="charts")
    assert "````sh\ntinyvmaf loso '```\\n# out'\n````" in written


def test_the_warning_stands_before_the_result(record):
    record["evidence"]["gate"] |= {
        "passed": False,
        "outcome": "undertrained",
        "reason": "too few steps",
    }
    written = markdown(document(typed(record), None), {}, pictures="charts")
    assert written.index("> **What follows") < written.index("is undertrained: too few steps.")
