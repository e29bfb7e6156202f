# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from scripts.guards import ROOT
from scripts.latex import WITHOUT, is_unwanted


def test_none_is_looked_for_on_request_and_otherwise_it_says_what_is_missing(tmp_path, monkeypatch):
    def run(**variables):
        command = [sys.executable, ROOT / "scripts" / "latex.py"]
        environment = {"PATH": str(tmp_path), **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    status, said = run(**{WITHOUT: "1"})
    assert (status, said) == (
        0,
        "latex: TINYVMAF_NO_LATEX is set, so the tables for papers are not compiled\n",
    )
    status, said = run()
    assert status == 1
    assert said.startswith("latex: the tests of the tables for papers need pdflatex with booktabs")
    for value, unwanted in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv(WITHOUT, value)
        assert is_unwanted() is unwanted
