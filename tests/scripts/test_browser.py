# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest
from scripts.browser import NAMED, WITHOUT, find, is_unwanted
from scripts.guards import ROOT


@pytest.fixture
def browser(tmp_path):
    """Run the script with these variables and no program on PATH: its status and what it said."""

    def run(**variables):
        command = [sys.executable, ROOT / "scripts" / "browser.py"]
        environment = {"PATH": str(tmp_path / "empty"), **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_no_browser_is_looked_for_on_request(browser, monkeypatch):
    assert browser(**{WITHOUT: "1"}) == (
        0,
        "browser: TINYVMAF_NO_BROWSER is set, so the tests of the report's page are skipped\n",
    )
    for value, unwanted in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(WITHOUT, value)
        assert is_unwanted() is unwanted


def test_the_one_that_is_named_is_taken(browser, tmp_path, monkeypatch):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho Chromium 1.2\n")
    program.chmod(0o755)
    named = {NAMED: str(program)}
    assert browser(**named) == (0, f"browser: {program} (Chromium 1.2)\n")
    monkeypatch.setenv(NAMED, str(program))
    assert find() == str(program)
    program.write_text("#!/bin/sh\necho a library is missing >&2\nexit 127\n")
    status, said = browser(**named)
    assert status == 1
    assert f"`{program} --version` failed: a library is missing." in said


def test_where_none_can_be_had_it_says_why_and_what_to_do(browser, tmp_path):
    status, said = browser(**{NAMED: str(tmp_path / "none")})
    assert status == 1
    assert said == (
        "browser: the tests of the report's page need a Chromium, and there is none: TINYVMAF_"
        f"CHROMIUM names {tmp_path / 'none'}, which is not a program. Install one, name one with "
        "TINYVMAF_CHROMIUM, or set TINYVMAF_NO_BROWSER=1 to leave those tests out.\n"
    )


def test_continuous_integration_calls_the_same_targets():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    made = [line.removeprefix("make ") for line in lines if line.startswith("make ")]
    assert made == ["check", "docs", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\ntest: ")[2].partition("\n\n")[0]
    assert "scripts/browser.py" in recipe.splitlines()[1]
