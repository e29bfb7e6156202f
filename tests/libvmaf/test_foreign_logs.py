# SPDX-License-Identifier: Apache-2.0
"""Logs of all layouts are read alike, and what is not a whole log is refused in one line."""

import gzip
import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.libvmaf.log_layouts import (
    BOOTSTRAP,
    SIX,
    columns,
    csv_1,
    csv_3,
    frames,
    json_1,
    json_3,
    xml_1,
    xml_3,
)
from tinyvmaf.errors import SchemaError
from tinyvmaf.libvmaf.foreign_logs import read_foreign_log

# Layout -> is it of integer features, and what the log says of version and model.
LAYOUTS = {
    json_1: (False, "1.3.11", "vmaf_rb_v0.6.3"),
    xml_1: (False, "1.3.15", "vmaf_v0.6.1"),
    csv_1: (False, None, None),
    json_3: (True, "3.2.0", None),
    xml_3: (True, "3.2.0", None),
    csv_3: (True, None, None),
}


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path, text):
    with pytest.raises(SchemaError) as caught:
        read_foreign_log(written(path, text))
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("packed", [False, True])
def test_every_layout_is_read(tmp_path, layout, packed):
    integer, version, model = LAYOUTS[layout]
    table = columns(integer=integer, bootstrap=not integer)
    # The suffix does not matter: other programs name logs as they like.
    path = written(tmp_path / "some.log", layout(table))
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    log = read_foreign_log(path)
    assert (log.version, log.model) == (version, model)
    assert log.arithmetic(SIX) == ("integer" if integer else "float")
    assert log.arithmetic(["vmaf"]) is None
    assert set(SIX) | {"vmaf"} <= set(log.columns)
    for name, values in table.items():
        assert np.array_equal(log.columns[name.removeprefix("integer_")], values)
    if not integer:
        assert set(BOOTSTRAP) < set(log.columns)


def test_float_features_beside_integer_ones_keep_their_name(tmp_path):
    table = {**columns(), "adm2": np.full(5, 0.25)}
    log = read_foreign_log(written(tmp_path / "log", json_3(table)))
    assert log.columns["float_adm2"].tolist() == [0.25] * 5
    assert log.arithmetic(["adm2", "vif_scale0"]) == "integer"
    assert log.arithmetic(["float_adm2", "vif_scale0"]) == "integer"
    mixed = {name: values for name, values in table.items() if name != "integer_adm2"}
    assert read_foreign_log(written(tmp_path / "log", json_3(mixed))).arithmetic(SIX) == "mixed"


def test_the_log_of_libvmafs_own_program(request):
    path = request.config.rootpath / "tests" / "golden" / "vmaf-cli-3.2.0_640x360_31frames.json"
    log = read_foreign_log(path)
    assert (log.version, len(log.columns["vmaf"])) == ("3.2.0", 31)


NO_LOG = "not a whole log of libvmaf: "


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_log_cut_anywhere_is_refused(tmp_path, layout):
    text = layout(columns(n_frames=2)).rstrip()
    path = tmp_path / "log"
    for length in range(0, len(text), 7):
        with pytest.raises(SchemaError, match=r"^[^\n]+$"):
            read_foreign_log(written(path, text[:length]))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_no_frames(tmp_path, layout):
    empty = {name: values[:0] for name, values in columns().items()}
    assert refusal(tmp_path / "log", layout(empty)).endswith(" no frames")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_nan_is_read_and_refused_where_it_is_wanted(tmp_path, layout):
    table = columns()
    table["integer_motion2"][3] = np.nan
    log = read_foreign_log(written(tmp_path / "log", layout(table)))
    assert log.take(["adm2", "vmaf"])["vmaf"].tolist() == table["vmaf"].tolist()
    with pytest.raises(SchemaError, match=r": motion2 of frame 3 is missing$"):
        log.take(["adm2", "motion2"])
    with pytest.raises(SchemaError, match=r": no cambi, adm3; the log has adm2, motion2, "):
        log.take(["cambi", "vmaf", "adm3"])


def test_frames_doubled_left_out_or_subsampled(tmp_path):
    path, whole = tmp_path / "log", frames(columns())

    def said(numbers):
        listed = [whole[number] for number in numbers]
        return refusal(path, json.dumps({"version": "3.2.0", "frames": listed}))

    assert said([0, 1, 1, 2]) == "frame 1 was found where frame 2 was expected"
    assert said([0, 1, 3]) == "frame 3 was found where frame 2 was expected"
    assert said([1, 2]) == "frame 1 was found where frame 0 was expected"
    assert said([0, 2, 4]) == "the log has one frame in 2 (n_subsample); a table needs all frames"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither JSON nor XML, and no list of columns with commas between: ''"),
        (
            "frame;vmaf\n0;1\n",
            "neither JSON nor XML, and no list of columns with commas between: 'frame;vmaf'",
        ),
        ('{"version": "3"}', "it has no frames"),
        ('{"frames": [1]}', "'int' object is not subscriptable"),
        ('{"frames": [{"frameNum": 0, "metrics": {"vmaf": "9"}}]}', "vmaf of frame 0 is '9', "),
        ('{"frames": [{"frameNum": 0, "metrics": {"vmaf": true}}]}', "vmaf of frame 0 is True, "),
        ('{"frames": [{"frameNum": 0, "metrics": {"vmaf": 1}} 2]}', "'2]}' was found where"),
        ("[" * 100_000, "neither JSON nor XML"),
        ('{"frames": [' + '{"a":' * 100_000, "maximum recursion depth exceeded"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><VMAF></VMAF>', "a document type, which libvmaf does"),
        ('<VMAF><frames><frame frameNum="0" vmaf="x"/></frames></VMAF>', "could not convert"),
        ("Frame,vmaf,\n0,1,\n1,2\n", "expected 2 values, found 2: '1,2'"),
        ("Frame,vmaf,\n0,1,\n1,2,3,\n", "expected 2 values, found 3: '1,2,3,'"),
    ],
)
def test_other_texts(tmp_path, text, reason):
    said = refusal(tmp_path / "log", text)
    assert said.startswith(NO_LOG + reason)


def test_a_broken_archive_and_other_bytes(tmp_path):
    path = tmp_path / "log.json.gz"
    path.write_bytes(gzip.compress(json_3(columns()).encode())[:-20])
    with pytest.raises(SchemaError, match="not a whole log of libvmaf: Compressed file ended"):
        read_foreign_log(path)


@given(data=st.binary(max_size=200), whole=st.booleans())
def test_any_bytes_are_a_log_or_one_line(tmp_path_factory, data, whole):
    path = tmp_path_factory.mktemp("bytes") / "log"
    text = json_3(columns(n_frames=2)).encode()
    path.write_bytes(text[: len(text) // 2] + data + text[len(text) // 2 :] if whole else data)
    with suppress(SchemaError):
        read_foreign_log(path)
