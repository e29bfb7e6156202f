# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.report.conftest import typed
from tinyvmaf.errors import ToolFailed
from tinyvmaf.report.digest import charts, document
from tinyvmaf.report.html import library_made, page
from tinyvmaf.report.theme import PAGE
from tinyvmaf.text import drawn as printable
from tinyvmaf.text import one_line

# `tinyvmaf.report` is a function of the package, too, so that a dotted name does not lead here.
MODULE = sys.modules["tinyvmaf.report.html"]

# Elements that have no end.
VOID = {"meta", "link"}


class Tree(HTMLParser):
    """Elements with their attributes, the text of each kind, and what was open where."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append((self.open[-1] if self.open else "", text))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return [text for name, text in self.texts if name == tag]


@pytest.fixture
def text(record, points):
    drawn = charts(typed(record), points, PAGE)
    return page(document(typed(record), drawn), drawn, points, pictures="charts")


def test_the_library_is_made_once_and_beside_other_work(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path))
    with library_made():
        pass
    (kept,) = (tmp_path / "made" / "texts").iterdir()
    assert "vegaEmbed" in kept.read_text()
    before = kept.stat()
    monkeypatch.setattr(MODULE, "ask_beside", lambda _: pytest.fail("asked again"))
    with library_made():
        pass
    assert kept.stat() == before


def test_a_library_that_cannot_be_made_meanwhile_is_made_by_the_page(tmp_path, monkeypatch):
    def fail(_):
        raise ToolFailed("no memory", command=["python"], returncode=1, stderr_tail="")

    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path))
    monkeypatch.setattr(MODULE, "ask_beside", fail)
    with library_made():
        pass
    assert not list((tmp_path / "made" / "texts").iterdir())


@pytest.fixture
def tree(text):
    return Tree(text)


def test_every_element_that_is_opened_is_closed(tree):
    assert tree.open == []


def test_the_page_asks_for_nothing(text, tree):
    assert not [attributes for _, attributes in tree.elements if "src" in attributes]
    links = [attributes["href"] for _, attributes in tree.elements if "href" in attributes]
    assert {link[0] for link in links if link != "data:,"} == {"#"}
    assert "default-src 'none'" in text.replace("&#39;", "'")
    style = "".join(tree.text("style"))
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_the_pages_own_two_scripts_alone(tree):
    policy = next(
        attributes["content"]
        for attributes in tree.all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = tree.text("script")[1:]
    assert len(scripts) == len(allowed) == 2
    for script, digest in zip(scripts, allowed, strict=True):
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == digest


def test_a_hostile_name_adds_no_element(tree, record, points):
    assert len(tree.all("script")) == 3
    assert tree.all("img") == []
    # The same report of harmless names has the very same elements.
    text = json.dumps(record)
    for name in {fold["source"] for fold in record["folds"]} | {"<script>alert(1)</script>"}:
        text = text.replace(json.dumps(name)[1:-1], "harmless")
    tame = typed(json.loads(text))
    drawn = charts(tame, points, PAGE)
    plain = Tree(page(document(tame, drawn), drawn, points, pictures="charts"))
    assert Counter(tag for tag, _ in plain.elements) == Counter(tag for tag, _ in tree.elements)


def test_names_are_shown_as_they_are(tree, record):
    shown = tree.text("bdi")
    for fold in record["folds"]:
        assert one_line(fold["source"]) in "".join(shown)


def test_the_data_in_the_page_is_the_charts(text, tree, record, points):
    written = tree.text("script")[0]
    assert not re.search(r"[<>&]", written)
    data = json.loads(written)
    drawn = charts(typed(record), points, PAGE)
    assert {name: chart["spec"] for name, chart in data["charts"].items()} == {
        chart.name: json.loads(json.dumps(printable(chart.spec))) for chart in drawn
    }
    assert len(data["frames"]) == len(points.frames)


def test_headings_descend_one_level_at_a_time(tree):
    levels = [int(tag[1]) for tag, _ in tree.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_tell_what_their_cells_belong_to(tree):
    heads = tree.all("th")
    assert heads
    assert all(head.get("scope") in {"row", "col"} for head in heads)
    assert all(table.get("aria-label") for table in tree.all("table"))
    boxes = [box for box in tree.all("div") if box.get("class", "").split()[:1] == ["scroll"]]
    assert len(boxes) == len(tree.all("table"))
    assert all(box["tabindex"] == "0" and box["role"] == "region" for box in boxes)


def test_every_chart_has_a_place_and_words(tree, record, points):
    places = [box["data-chart"] for box in tree.all("div") if "data-chart" in box]
    drawn = charts(typed(record), points, PAGE)
    assert places == [chart.name for chart in drawn]
    assert tree.text("p")
    words = "".join(text for tag, text in tree.texts if tag == "p")
    assert all(chart.alt in words for chart in drawn)


def test_addresses_inside_the_page_exist_once(tree):
    ids = Counter(attributes["id"] for _, attributes in tree.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    for attributes in tree.all("a"):
        assert attributes["href"].removeprefix("#") in ids
    for _, attributes in tree.elements:
        assert attributes.get("aria-labelledby", next(iter(ids))) in ids


def test_a_reader_on_any_screen_and_with_any_tool_is_thought_of(tree):
    assert tree.all("html") == [{"lang": "en"}]
    assert any("width=device-width" in meta.get("content", "") for meta in tree.all("meta"))
    assert tree.all("a")[0] == {"class": "skip", "href": "#main"}
    style = "".join(tree.text("style"))
    for part in (
        ":focus-visible",
        "prefers-color-scheme: dark",
        "@media print",
        "prefers-reduced-motion",
    ):
        assert part in style


def contrast(one, other):
    """WCAG's contrast ratio of two colours such as #1d2326."""

    def luminance(colour):
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_by_day_by_night_and_on_paper(tree):
    themes = re.findall(r":root \{(.*?)\}", "".join(tree.text("style")), flags=re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--(\w+): (#\w{6});", theme))
        for role in ("ink", "muted", "accent", "alarm"):
            for behind in ("surface", "wash"):
                assert contrast(colours[role], colours[behind]) >= 4.5
        assert contrast(colours["other"], colours["surface"]) >= 3
