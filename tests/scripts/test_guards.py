# SPDX-License-Identifier: Apache-2.0
import re

from scripts.guards import GUARDS, ROOT


def test_every_guard_stands_where_the_script_takes_it_out_and_has_its_test():
    for guard in GUARDS:
        text = (ROOT / "src" / "tinyvmaf" / guard.file).read_text(encoding="utf-8")
        assert guard.text in text, guard.fault
        file, _, name = guard.test.partition("::")
        tests = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0]}" in tests, guard.fault


def test_the_page_has_a_row_for_every_fault_and_names_its_test():
    page = (ROOT / "docs" / "results" / "faults.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    rows = {row[0]: row for row in cells}
    for guard in GUARDS:
        name = guard.test.rpartition("/")[2].rpartition("::")[2].partition("[")[0]
        assert name in rows[guard.fault][2], guard.fault
