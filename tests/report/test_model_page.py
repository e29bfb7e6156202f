# SPDX-License-Identifier: Apache-2.0
"""The page of a model, in a real browser and with a real log."""

import csv
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scripts.browser import WITHOUT, find, is_unwanted
from scripts.onnxruntime_web import FOLDER

import tinyvmaf as tv
from tests.report.chromium import cut_off, opened
from tinyvmaf.errors import UsageError
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.report.model_page import model_page, write_model_page

pytestmark = pytest.mark.slow

NAME = "tinyvmaf_small_v1"
SLOWEST_MS = 1000
CUT_OFF = cut_off("body *", exempt=".drop, details, svg")


@pytest.fixture(scope="module")
def runtime():
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    there = (FOLDER / "package.json").is_file()
    assert there, "no ONNX Runtime Web: `python scripts/onnxruntime_web.py` gets it"
    return FOLDER


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    browser = find()
    assert browser, "no Chromium: `python scripts/browser.py` gets one, or says why it cannot"
    with opened(browser, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def logs(tmp_path_factory, ffmpeg, clips, make_video):
    """The log of a real pair of 600 frames and more, in libvmaf's three layouts."""
    folder = tmp_path_factory.mktemp("logs")
    clip = clips["carphone_pristine"]
    reference = make_video(
        folder / "r.mkv", "-stream_loop", 4, "-i", clip, "-frames:v", 600, "-c:v", "ffv1"
    )
    encode = make_video(folder / "e.mp4", "-i", reference, "-c:v", "libx264", "-crf", 36)
    for layout in ("json", "xml", "csv"):
        graph = f"libvmaf=log_fmt={layout}:log_path={folder}/vmaf.{layout}"
        run_ffmpeg(
            ffmpeg.path,
            ["-i", str(encode), "-i", str(reference), "-lavfi", graph, "-f", "null", "-"],
        )
    return folder


@pytest.fixture(scope="module")
def page(runtime, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "model.html"
    write_model_page(tv.load(NAME), path, runtime=runtime)
    return path


def open_page(tab, page, *, width=1280, dark=False):
    tab.complaints.clear()
    tab.requests.clear()
    tab.show(width, 900, dark=dark)
    tab.open(page)


def drop(tab, log):
    """Drop a file on the page, as a user does, and wait for its course or the refusal."""
    name, text = json.dumps(log.name), json.dumps(log.read_text(encoding="utf-8"))
    tab.value(f"""(() => {{
      const transfer = new DataTransfer();
      transfer.items.add(new File([{text}], {name}));
      delete document.documentElement.dataset.logDrawnMs;
      document.dispatchEvent(new DragEvent("drop", {{ dataTransfer: transfer, bubbles: true }}));
    }})()""")
    return tab.value("""new Promise((resolve) => {
      const look = () => {
        const time = document.documentElement.dataset.logDrawnMs;
        const problem = document.getElementById("problem");
        if (time !== undefined) resolve(Number(time));
        else if (!problem.hidden) resolve(problem.innerText);
        else setTimeout(look, 10);
      };
      look();
    })""")


def shown(tab, name):
    return tab.value(f"document.getElementById({name!r}).innerText")


@pytest.mark.parametrize("name", [NAME, "tinyvmaf_medium_v1"])
def test_the_golden_vectors_pass_when_the_page_opens(tab, runtime, tmp_path, name):
    page = tmp_path / "model.html"
    write_model_page(tv.load(name), page, runtime=runtime)
    open_page(tab, page)
    check = shown(tab, "check")
    assert check.startswith("Golden vectors: pass. All 18 scores agree within 0.001 points")
    assert tab.complaints == []
    assert tab.requests == [page.as_uri()]


def test_a_model_that_misses_its_golden_vectors_scores_nothing(tab, runtime, tmp_path):
    model = tv.load(NAME)
    wrong = tuple(value + 0.01 for value in model.card.golden.vmaf)
    card = replace(model.card, golden=replace(model.card.golden, vmaf=wrong))
    page = tmp_path / "model.html"
    write_model_page(replace(model, card=card), page, runtime=runtime)
    open_page(tab, page)
    assert shown(tab, "check").startswith("Golden vectors: fail. Only 0 of 18 scores agree")
    assert tab.value("document.getElementById('file').disabled") is True


@pytest.mark.ffmpeg
@pytest.mark.parametrize("layout", ["json", "xml", "csv"])
def test_a_real_log_is_drawn_with_the_scores_of_onnx_runtime(tab, page, logs, layout):
    open_page(tab, page)
    taken = drop(tab, logs / f"vmaf.{layout}")
    assert isinstance(taken, int | float), taken
    assert taken < SLOWEST_MS
    frames = [frame["metrics"] for frame in json.loads((logs / "vmaf.json").read_text())["frames"]]
    model = tv.load(NAME)
    rows = np.array([[frame[f"integer_{name}"] for name in model.features] for frame in frames])
    predicted = model.predict(rows)
    vmaf = np.array([frame["vmaf"] for frame in frames])
    assert len(frames) >= 600
    assert shown(tab, "frames") == f"{len(frames)} frames"
    assert float(shown(tab, "model-mean")) == pytest.approx(predicted.mean(), abs=0.006)
    assert float(shown(tab, "teacher-mean")) == pytest.approx(vmaf.mean(), abs=0.006)
    assert float(shown(tab, "rmse")) == pytest.approx(
        math.sqrt(np.mean((predicted - vmaf) ** 2)), abs=2e-3
    )
    course = tab.value(
        "[...document.querySelectorAll('#course path')].map((p) => p.getAttribute('d'))"
    )
    assert [len(path.split("L")) for path in course] == [len(frames)] * 2
    assert tab.complaints == []
    assert tab.requests == [page.as_uri()]


@pytest.mark.ffmpeg
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True)])
def test_nothing_is_cut_off_at_the_side(tab, page, logs, width, dark):
    open_page(tab, page, width=width, dark=dark)
    assert isinstance(drop(tab, logs / "vmaf.json"), int | float)
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value(CUT_OFF) == []


@pytest.mark.ffmpeg
def test_pointing_at_the_chart_reads_a_frame(tab, page, logs):
    open_page(tab, page)
    drop(tab, logs / "vmaf.json")
    tab.value(
        "document.getElementById('course').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    box = tab.value("(({x, y, width, height}) => [x, y, width, height])"
                    "(document.getElementById('course').getBoundingClientRect())")  # fmt: skip
    tab.move_to(box[0] + 34, box[1] + box[3] / 2)
    assert shown(tab, "readout").startswith("frame 0: model ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "this JSON has no list of frames"),
        ('{"frames": []}', "this log has no frames"),
        ("<VMAF", "this XML is not well-formed"),
        ("hello", "this is neither JSON, XML nor CSV of libvmaf"),
        (
            "Frame,vmaf,\n0,80,\n",
            "the log has no column for the feature adm2; it has Frame, vmaf,",
        ),
        (
            "Frame,integer_adm2,vif_scale0,vif_scale1,vif_scale2,vif_scale3,motion2\n0,nan,1,1,1,1,0\n",
            "frame 0 has no number for integer_adm2",
        ),
    ],
)
def test_what_is_no_log_is_refused_with_the_reason(tab, page, tmp_path, text, complaint):
    open_page(tab, page)
    log = tmp_path / "<b>a.txt"
    log.write_text(text)
    assert drop(tab, log) == f"<b>a.txt: {complaint}"


def test_a_log_without_scores_draws_the_model_alone(tab, page, tmp_path):
    model = tv.load(NAME)
    log = tmp_path / "features.csv"
    with log.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Frame", *model.features])
        for frame, row in enumerate(model.card.golden.features):
            writer.writerow([frame, *row])
    open_page(tab, page)
    assert isinstance(drop(tab, log), int | float)
    assert shown(tab, "teacher-note") == "not in this log"
    assert tab.value("document.querySelectorAll('#course path').length") == 1


def test_names_of_a_card_are_text(tab, runtime, tmp_path):
    hostile = "</script><script>alert(1)</script><!--\u202e"
    model = tv.load(NAME)
    card = replace(
        model.card, name=hostile, teacher=hostile, training_sources=(hostile,), notes=(hostile,)
    )
    page = tmp_path / "model.html"
    write_model_page(replace(model, name=hostile, card=card), page, runtime=runtime)
    open_page(tab, page)
    assert tab.value("document.scripts.length") == 2
    assert "<script>alert(1)</script>" in tab.value("document.querySelector('h1').innerText")
    assert "\u202e" not in tab.value("document.body.innerText")
    assert shown(tab, "check").startswith("Golden vectors: pass")


def test_what_cannot_be_a_page_is_refused(runtime, tmp_path):
    small = tv.load(NAME)
    with pytest.raises(
        UsageError, match="not a folder of it; `npm install onnxruntime-web` brings it"
    ):
        model_page(small, runtime=tmp_path)
    with pytest.raises(UsageError, match="which no log of libvmaf has"):
        model_page(tv.load("tinyvmaf_quarter_v1"), runtime=runtime)
    with pytest.raises(UsageError, match="this model has none"):
        model_page(replace(small, card=None), runtime=runtime)
    (tmp_path / "dist").mkdir()
    shutil.copy(runtime / "package.json", tmp_path)
    with pytest.raises(
        UsageError, match=r"has no dist/ort.wasm.bundle.min.mjs and no dist/ort-wasm"
    ):
        model_page(small, runtime=tmp_path)
