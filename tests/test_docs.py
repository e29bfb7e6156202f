# SPDX-License-Identifier: Apache-2.0
"""What the documents say is what the files and the program say."""

import json
import re
from pathlib import Path

import pytest
from typer.main import get_command

from tinyvmaf.cli import app as program
from tinyvmaf.cli import score_cases
from tinyvmaf.cli.app import app
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.evaluation.metric_records import OverFolds
from tinyvmaf.features.table import read_table
from tinyvmaf.report.numbers import number, spread

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPE = (ROOT / "docs" / "explanation" / "why-the-recipe-matters.md").read_text(encoding="utf-8")


def result(recipe):
    path = ROOT / "docs" / "results" / f"sample_{recipe}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [README, RECIPE], ids=["readme", "why the recipe matters"])
@pytest.mark.parametrize("recipe", ["default", "digest"])
def test_pages_print_the_results(page, recipe):
    frame, clip = (result(recipe)["aggregate"][level] for level in ("frame", "clip"))
    (row,) = re.findall(rf"^\| `{recipe}`.*$", page, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    worst = frame["rmse"]
    assert cells == [
        *(spread("rmse", OverFolds(**over)) for over in (worst, clip["rmse"])),
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
    assert words in " ".join(RECIPE.split())


def test_the_page_tells_the_training_error_of_the_published_recipe():
    train = result("digest")["evidence"]["gate"]["train_rmse"]
    assert f"({train:.2f})" in RECIPE


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


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def links(path):
    """The files that a page links to."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"\]\((?!\w+:|#)([^)#]+)(?:#[^)]*)?\)", text)
    return [(path.parent / target).resolve() for target in found]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    assert [str(target) for target in links(path) if not target.exists()] == []


def test_the_index_has_every_page():
    listed = links(ROOT / "docs" / "README.md")
    pages = [*(ROOT / "docs").glob("*/*.md")]
    inside = {ROOT / "docs" / folder for folder in ("decisions", "models")}
    pages = [page for page in pages if page.parent not in inside or page.name == "README.md"]
    assert [str(page) for page in pages if page not in listed] == []


def test_decisions_have_one_style_and_are_listed_by_their_headings():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("[0-9]*.md")):
        lines = path.read_text(encoding="utf-8").splitlines()
        title = lines[0].removeprefix("# ")
        assert title.startswith(f"{path.name[:4]} "), path.name
        assert title[5] == title[5].upper(), title
        assert f"- [{title}]({path.name})\n" in index, title
        sections = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
        names = [section.partition(",")[0] for section in sections]
        assert names[:3] == ["Context", "Decision", "Alternatives"], path.name
        assert names[3:] in ([], ["Consequences"]), path.name
        assert all(lines[lines.index(f"## {section}") + 1] == "" for section in sections)


def test_the_page_on_exit_statuses_has_all_of_them():
    page = (ROOT / "docs" / "reference" / "exit-statuses.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([0-9, ]+) \|", page, re.MULTILINE))
    numbers = {int(word) for words in listed for word in words.split(",")}
    of_errors = {error.exit_status for error in every(TinyVmafError)}
    of_answers = set(score_cases._STATUS.values())
    of_signals = {128 + number for number in program._ENDS}
    assert numbers == {0, score_cases._PARTIAL} | of_errors | of_answers | of_signals


def every(error):
    return {error, *(each for child in error.__subclasses__() for each in every(child))}
