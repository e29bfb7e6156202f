# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.sets import CANONICAL6, TARGET

GOLDEN = Path(__file__).parents[1] / "golden" / "vmaf-cli-3.2.0_640x360_31frames.json"

# As ffmpeg 9.0.2 with libvmaf 3.2.0 wrote it: every line ends with a comma.
CSV = (
    "Frame,integer_adm2,VMAF_integer_feature_motion_sad_score,integer_vif_scale0,vmaf,\n"
    "0,0.919999,0.000000,0.816504,63.447095,\n"
    "1,0.904193,2.132914,0.795758,61.227493,\n"
    "2,0.899001,2.101010,0.790001,60.500000,\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


def refusal(folder, text, name="log.csv", **options):
    path = folder / name
    path.write_text(text)
    with pytest.raises(SchemaError) as caught:
        read_log(path, **options)
    return str(caught.value)


def test_the_log_of_libvmafs_own_program():
    log = read_log(GOLDEN, n_frames=31)
    assert {*CANONICAL6, TARGET, "adm3", "aim", "motion3", "motion_sad_score"} <= set(log)
    assert [log[name][0] for name in (*CANONICAL6, TARGET)] == [
        *(0.695746, 0.079854, 0.382934, 0.538035, 0.668383, 0.0),
        16.705753,
    ]
    assert log[TARGET].mean() == pytest.approx(19.515394, abs=1e-6)


def test_csv_and_json_say_the_same(folder):
    frames = json.loads(GOLDEN.read_text())["frames"]
    names = list(frames[0]["metrics"])
    lines = [",".join(["Frame", *names, ""])]
    lines += [
        ",".join([str(frame["frameNum"]), *(f"{frame['metrics'][name]:.6f}" for name in names), ""])
        for frame in frames
    ]
    path = folder / "golden.csv"
    path.write_text("\n".join(lines) + "\n")
    ours, theirs = read_log(path), read_log(GOLDEN)
    assert list(ours) == list(theirs)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])


def test_names_lose_libvmafs_prefixes_and_a_float_twin_is_told_apart(folder):
    path = folder / "twins.csv"
    path.write_text("Frame,integer_adm2,adm2,integer_adm2_egl_1,psnr_y,vmaf,\n0,1,2,3,4,5,\n")
    log = read_log(path)
    assert {name: values.tolist() for name, values in log.items()} == {
        "adm2": [1.0],
        "float_adm2": [2.0],
        "adm2_egl_1": [3.0],
        "psnr_y": [4.0],
        "vmaf": [5.0],
    }


def test_a_log_shorter_than_the_videos(folder):
    assert refusal(folder, CSV, n_frames=4) == (
        "log.csv: libvmaf scored 3 frames, expected 4; a video ends early or is damaged"
    )


def test_a_log_without_frames(folder):
    header = CSV.splitlines(keepends=True)[0]
    expected = "libvmaf scored 0 frames, expected some; a video ends early or is damaged"
    assert refusal(folder, header) == f"log.csv: {expected}"
    assert refusal(folder, '{"frames": []}', "log.json") == f"log.json: {expected}"


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((0, 2, 3), "frame 2 was found where frame 1 was expected"),
        ((1, 2, 3), "frame 1 was found where frame 0 was expected"),
        ((0, 0, 1), "frame 0 was found where frame 1 was expected"),
        ((0, 2, 1), "frame 2 was found where frame 1 was expected"),
    ],
)
def test_frames_that_are_not_consecutive(folder, frames, message):
    lines = CSV.splitlines()
    rows = [
        f"{number},{line.partition(',')[2]}" for number, line in zip(frames, lines[1:], strict=True)
    ]
    assert refusal(folder, "\n".join([lines[0], *rows, ""])) == f"log.csv: {message}"
    data = {"frames": [{"frameNum": n, "metrics": {"vmaf": 1.0}} for n in frames]}
    assert refusal(folder, json.dumps(data), "log.json") == f"log.json: {message}"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-nan"])
def test_a_value_that_is_not_finite(folder, value):
    text = CSV.replace("0.795758", value)
    assert refusal(folder, text) == (f"log.csv: integer_vif_scale0 of frame 1 is {float(value)}")


def test_the_same_name_twice(folder):
    text = "Frame,integer_adm2,VMAF_integer_feature_adm2,vmaf,\n0,1,2,3,\n"
    assert refusal(folder, text) == "log.csv: two columns are called adm2"
    assert refusal(folder, "Frame,adm2,adm2,\n0,1,2,\n") == "log.csv: two columns are called adm2"


@pytest.mark.parametrize("text", ["", "\n", "Frame", "x,y\n1,2\n", "Frame,vmaf,\n0,abc,\n", "\0"])
def test_text_that_is_no_log(folder, text):
    assert refusal(folder, text).startswith("log.csv: ")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "{}", '{"frames": 3}', '{"frames": [3]}', '{"frames": {}}'),
        '{"frames": [{"frameNum": 0}]}',
        '{"frames": [{"frameNum": 0, "metrics": {"vmaf": "x"}}]}',
        '{"frames": [{"frameNum": 0, "metrics": {"vmaf": null}}]}',
        '{"frames": [{"frameNum": 0, "metrics": {"vmaf": [1]}}]}',
        '{"frames": [{"frameNum": "0", "metrics": {"vmaf": 1}}]}',
        '{"frames": [{"frameNum": 0, "metrics": {"vmaf": 1}}, {"frameNum": 1, "metrics": {}}]}',
        '{"frames": [{"frameNum": 0, "metrics": {}}]}',
    ],
)
def test_json_that_is_no_log(folder, text):
    assert refusal(folder, text, "log.json").startswith("log.json: ")


def test_a_log_that_is_not_there(folder):
    with pytest.raises(SchemaError, match=r"none\.csv: not a readable libvmaf log"):
        read_log(folder / "none.csv")


@given(st.integers(0, len(CSV) - 2))
def test_a_csv_log_cut_anywhere_never_passes_for_the_whole(folder, length):
    path = folder / "cut.csv"
    path.write_text(CSV[:length])
    with pytest.raises(SchemaError):
        read_log(path, n_frames=3)


@given(st.integers(0, len(GOLDEN.read_text().rstrip()) - 1))
def test_a_json_log_cut_anywhere_is_refused(folder, length):
    path = folder / "cut.json"
    path.write_text(GOLDEN.read_text()[:length])
    with pytest.raises(SchemaError):
        read_log(path)


@given(st.integers(0, len(CSV) - 1), st.characters())
def test_a_changed_character_gives_a_log_or_a_refusal_and_nothing_else(folder, position, character):
    path = folder / "changed.csv"
    text = CSV[:position] + character + CSV[position + 1 :]
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        log = read_log(path, n_frames=3)
    except SchemaError:
        return
    assert all(values.shape == (3,) and np.isfinite(values).all() for values in log.values())
