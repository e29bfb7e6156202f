# SPDX-License-Identifier: Apache-2.0
"""What the documents say is what the files and the program say."""

import json
import re
from pathlib import Path

import pytest
from typer.main import get_command

from tinyvmaf.cli.app import app
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.features.table import read_table
from tinyvmaf.report.numbers import number, spread

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def result(recipe):
    path = ROOT / "docs" / "results" / f"sample_{recipe}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("recipe", ["default", "digest"])
def test_the_readme_prints_the_results(recipe):
    frame, clip = (result(recipe)["aggregate"][level] for level in ("frame", "clip"))
    (row,) = re.findall(rf"^\| `{recipe}`.*$", README, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    worst = frame["rmse"]
    assert cells == [
        *(spread("rmse", over) for over in (worst, clip["rmse"])),
        number("plcc", frame["plcc"]["mean"]),
        f"{worst['worst_source']}, {number('rmse', worst['worst'])}",
    ]


def test_the_results_are_of_the_bundled_table():
    table = read_table(sample_path())
    for recipe in ("default", "digest"):
        found = result(recipe)
        assert found["table"]["sha256"] == table.sha256
        assert found["recipe"] == recipe
        assert found["n_params"] == 257
        assert len(found["seeds"]) == 5
    frames = f"{table.rows.height:,}".replace(",", " ")
    words = f"{len(table.sources)} real sources, {table.n_clips} clips, {frames} frames"
    assert words in " ".join(README.split())


def test_the_readme_tells_the_training_error_of_the_published_recipe():
    train = result("digest")["evidence"]["gate"]["train_rmse"]
    assert f"({train:.2f})" in README


def commands(command, words=()):
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))
    if words and not hasattr(command, "commands"):
        yield " ".join(words), command


@pytest.mark.parametrize(("name", "command"), sorted(commands(get_command(app))))
def test_every_verb_and_option_has_help(name, command):
    assert command.help, name
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
