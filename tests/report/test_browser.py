# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser; see `scripts/browser.py` for where it comes from."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from scripts.browser import WITHOUT, find, is_unwanted

from tests.report.conftest import typed
from tinyvmaf.evaluation.evaluate import evaluate_run
from tinyvmaf.report.chart import by_error
from tinyvmaf.report.digest import charts, document
from tinyvmaf.report.html import page
from tinyvmaf.report.points import points_of
from tinyvmaf.report.theme import PAGE

pytestmark = pytest.mark.slow

SLOWEST_S = 3.0

# How many marks an svg of Vega's holds: what is drawn, not its axes and legends.
MARKS = """
[...document.querySelectorAll("[data-chart]")].map((box) => {
  const marks = "svg .mark-symbol.role-mark path, svg .mark-rule.role-mark line";
  return [box.dataset.chart, box.querySelectorAll(marks).length];
})
"""
TOOLTIP = "document.getElementById('vg-tooltip-element')?.innerText ?? ''"


def load_chromium():
    spec = importlib.util.spec_from_file_location("chromium", Path(__file__).parent / "chromium.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chromium = load_chromium()
CUT_OFF = chromium.cut_off("body *", exempt=".scroll, pre, nav, .skip, svg")


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    browser = find()
    assert browser, "no Chromium: `python scripts/browser.py` gets one, or says why it cannot"
    with chromium.opened(browser, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def opened(tab, record, points, tmp_path):
    """The page of the hostile record, at the size and light that a test asks for."""
    drawn = charts(typed(record), points, PAGE)
    path = tmp_path / "page.html"
    path.write_text(
        page(document(typed(record), drawn), drawn, points, pictures="charts"), encoding="utf-8"
    )

    def open_page(width=1280, height=900, *, dark=False):
        tab.complaints.clear()
        tab.requests.clear()
        tab.show(width, height, dark=dark)
        tab.open(path)
        return tab

    return open_page


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_every_chart_is_drawn_without_a_complaint_or_a_request(opened, record, width, dark):
    tab = opened(width, dark=dark)
    assert tab.complaints == []
    assert len(tab.requests) == 1
    marks = dict(tab.value(MARKS))
    n_sources = len(record["folds"])
    assert marks["folds_rmse"] == 4 * n_sources + 1
    assert marks["folds_plcc"] == 3 * n_sources + 1
    assert marks["predictions"] == marks["residuals"] - 1 == 480
    assert marks["clips"] == 3 * n_sources + 1
    assert marks["learning_curve"] == 3
    assert marks["comparison_errors"] == 2 * 2 + 1
    assert marks["comparison_correlations"] == 2 * 1 + 1


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_cut_off_at_the_side(opened, width):
    tab = opened(width)
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value(CUT_OFF) == []


def test_a_row_that_became_a_list_shows_its_name_in_one_line_and_no_empty_value(opened):
    tab = opened(390)
    heights = tab.value(
        "[...document.querySelectorAll('tbody th')].filter((head) => head.innerText.length < 20)"
        ".map((head) => head.clientHeight)"
    )
    assert len(heights) > 10
    assert max(heights) < 30
    shown = "getComputedStyle(cell).display !== 'none'"
    assert tab.value(f"[...document.querySelectorAll('td:empty')].some((cell) => {shown})") is False


def test_hostile_names_are_text_everywhere(opened):
    tab = opened()
    heads = tab.value("[...document.querySelectorAll('tbody th')].map((head) => head.innerText)")
    assert "<script>alert(1)</script>" in heads
    assert "ساحة المدينة" in heads
    labels = tab.value(
        "[...document.querySelectorAll('#chart-clips svg text')].map((t) => t.textContent)"
    )
    assert "ساحة المدينة" in labels
    assert any(label.startswith("<script>alert(1)") for label in labels)
    assert tab.value("document.scripts.length") == 3
    assert tab.value("document.images.length") == 0


def test_hovering_shows_source_clip_and_frame_as_text(opened):
    tab = opened()
    place = tab.value("""
      (() => {
        const dots = [...document.querySelectorAll("#chart-residuals .mark-symbol path")];
        dots.at(-1).scrollIntoView({block: "center", behavior: "instant"});
        const box = dots.at(-1).getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
      })()
    """)
    tab.move_to(*place)
    lines = tab.value(TOOLTIP).replace("\t", "\n").split("\n")
    assert {"source", "clip", "frame", "teacher", "predicted", "error"} <= set(lines)
    assert any(line.startswith("<script>alert(1)</script> ") for line in lines)
    assert tab.value("document.querySelectorAll('#vg-tooltip-element script').length") == 0
    assert tab.complaints == []


def test_the_keyboard_reaches_the_report(opened):
    tab = opened(390)
    tab.call(
        "Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9
    )
    assert tab.value("document.activeElement.className") == "skip"


@pytest.mark.parametrize("width", [390, 700, 1280])
def test_no_table_is_cut_at_any_width(opened, width):
    tab = opened(width)
    cut = tab.value("""
      [...document.querySelectorAll(".scroll")]
        .filter((box) => box.scrollWidth > box.clientWidth + 1)
        .map((box) => `${box.getAttribute("aria-label")} ${box.scrollWidth} ${box.clientWidth}`)
    """)
    assert cut == []
    assert tab.value("document.documentElement.scrollWidth") <= width


def test_charts_follow_the_light_without_being_drawn_again(opened):
    colour = "getComputedStyle(document.querySelector('#chart-clips .role-mark path')).fill"
    tab = opened()
    day = tab.value(colour)
    tab.show(1280, 900, dark=True)
    night = tab.value(colour)
    assert {day, night} == {"rgb(13, 101, 119)", "rgb(108, 199, 217)"}


def test_no_table_is_wider_than_a_printed_page(opened):
    tab = opened(688)  # A4 without its margins, in CSS pixels
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.value("document.documentElement.scrollWidth") <= 688
    tab.call("Emulation.setEmulatedMedia", media="")


def test_printing_shows_every_table_and_no_navigation(opened):
    tab = opened()
    assert tab.pdf().startswith(b"%PDF")
    assert tab.value("[...document.querySelectorAll('details')].every((part) => part.open)")


def test_the_page_of_a_large_study_is_small_and_opens_soon(tab, make_run, tmp_path):
    """30 sources of 20 clips of 300 frames."""
    run = make_run(
        sources=tuple(f"Source{number:02d}" for number in range(30)),
        clips=20,
        frames=300,
        seeds=(0,),
    )
    large = replace(evaluate_run(run), evidence=None, findings=())
    points = points_of(run, order=by_error(large))
    assert points.n_frames == 180_000
    drawn = charts(large, points, PAGE)
    path = tmp_path / "page.html"
    path.write_text(
        page(document(large, drawn), drawn, points, pictures="charts"), encoding="utf-8"
    )
    assert path.stat().st_size <= 6e6
    tab.complaints.clear()
    tab.requests.clear()
    tab.show(1280, 900)
    tab.open(path)
    assert tab.busy_s() <= SLOWEST_S
    assert tab.complaints == []
    assert len(tab.requests) == 1
