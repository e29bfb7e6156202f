# SPDX-License-Identifier: Apache-2.0
"""The plot of a score over time: the page in a real browser, and the plain one without packages."""

import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scripts.browser import WITHOUT, find, is_unwanted

from tests.report.chromium import opened
from tinyvmaf.errors import UsageError
from tinyvmaf.report import curve as module
from tinyvmaf.report.curve import write_curve
from tinyvmaf.report.ladder_chart import write_ladder_chart
from tinyvmaf.report.plain_charts import plain_page
from tinyvmaf.scoring.encodes import Ladder, Rung
from tinyvmaf.scoring.mode import Interval, ModelName, Sampling
from tinyvmaf.scoring.pooling import Pooled, WorstFrame
from tinyvmaf.scoring.result import Score

N_FRAMES, RATE = 180_000, 25
WORST = (WorstFrame(95_000, 3800.0, 41.25), WorstFrame(500, 20.0, 55.5))
MARKED = """
[...document.querySelectorAll("#chart svg .mark-rule line")]
  .filter((line) => line.getBoundingClientRect().height > 50).length
"""


@pytest.fixture(scope="module")
def score():
    """A sampled score of two hours."""
    exact = dict.fromkeys(range(0, N_FRAMES, 2000), 90.0)
    exact |= {item.frame: item.vmaf for item in WORST}
    sampling = Sampling(
        mean=88.0,
        half_width=0.9,
        seed=1,
        method="seek",
        auxiliary="packets",
        n_looks=2,
        n_decodes=0,
        n_decoded=9000,
        n_outliers=0,
        exact=exact,
        strata_frames=tuple(exact),
        percentiles={"p1": None, "p5": None, "p10": None},
        times_cheaper=100.0,
        cpu_s=90.0,
        libvmaf_cpu_s=9000.0,
    )
    return Score(
        reference=Path("film.mkv"),
        distorted=Path("film.mp4"),
        mode="sampled",
        model=ModelName("vmaf_v0.6.1", None),
        vmaf=Pooled(88.0),
        interval=Interval(87.1, 88.9, 0.9, "of the mean"),
        applicability=None,
        frame_scores=88 + 4 * np.sin(np.arange(N_FRAMES) / 3000),
        times_s=np.arange(N_FRAMES) / RATE,
        worst_frames=WORST,
        seconds=60.0,
        notes=(),
        command="tinyvmaf score film.mkv film.mp4",
        ffmpeg_command="",
        versions={},
        sampling=sampling,
    )


@pytest.mark.slow
def test_the_page_fits_a_telephone_at_night_and_marks_the_moment_that_is_chosen(score, tmp_path):
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    browser = find()
    assert browser, "no Chromium: `python scripts/browser.py` gets one, or says why it cannot"
    page = tmp_path / "curve.html"
    write_curve(score, page)
    with opened(browser, tmp_path / "profile") as tab:
        tab.show(390, 800, dark=True)
        tab.call("Page.navigate", url=page.as_uri())
        for _ in range(600):
            if tab.value("document.querySelectorAll('#chart svg .mark-line path').length"):
                break
            time.sleep(0.05)
        assert tab.complaints == []
        assert tab.value("document.documentElement.scrollWidth") <= 390
        # The night is dark, and the curve's clock counts hours.
        light = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        assert max(tab.value(light)[:3]) < 100
        words = tab.value("document.querySelector('#chart svg').textContent")
        assert "1:00:00" in words
        assert "h:mm:ss" in words
        first = "document.querySelector('.moments button')"
        assert "1:03:20.0 · VMAF 41.25" in tab.value(f"{first}.textContent")
        assert tab.value(MARKED) == 0
        tab.value(f"{first}.click()")
        for _ in range(100):
            if tab.value(MARKED):
                break
            time.sleep(0.05)
        assert tab.value(MARKED) == 1
        tab.value(f"{first}.click()")
        time.sleep(0.2)
        assert tab.value(MARKED) == 0


def test_the_plain_page_has_the_sample_the_interval_and_the_worst_moments(score):
    page = plain_page(score)
    assert page.count('r="2"') == len(score.sampling.exact)
    assert page.count('r="4"') == len(WORST)
    assert "<li>1:03:20.0 · VMAF 41.25 · frame 95000</li>" in page
    assert "prefers-color-scheme: dark" in page
    assert "h:mm:ss" in page
    assert 'opacity="0.25"' in page
    assert "<script" not in page


def test_without_the_extra_a_ladder_is_drawn_plain_and_png_says_what_to_install(
    score, tmp_path, monkeypatch
):
    rungs = tuple(
        Rung(replace(score, distorted=Path(f"<{name}>.mp4")), codec, 640, 360, kbps, None)
        for name, codec, kbps in (("a", "h264", 300.0), ("b", "h264", 900.0), ("c", "hevc", 250.0))
    )
    ladder = Ladder(Path("film.mkv"), rungs, against=None, level=0.9)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    write_ladder_chart(ladder, tmp_path / "ladder.html")
    write_ladder_chart(ladder, tmp_path / "ladder.svg")
    page = (tmp_path / "ladder.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 2
    assert page.count('r="4"') == len(rungs) + 2
    assert "<li>&lt;a&gt;.mp4: 300 kbps, VMAF 88.00 ± 0.90</li>" in page
    assert "<script" not in page
    root = ET.fromstring((tmp_path / "ladder.svg").read_text())  # noqa: S314 (our own file)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"hevc 640x360", "bars: intervals at 90%", "300", "700"} < set(texts)
    message = r"ladder\.png: a PNG needs altair and vl_convert, not installed; add it with: pip "
    with pytest.raises(UsageError, match=message):
        write_ladder_chart(ladder, tmp_path / "ladder.png")
