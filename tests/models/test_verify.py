# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import TableInfo, make_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.card import Golden
from tinyvmaf.models.verify import verify
from tinyvmaf.provenance import sha256


@pytest.fixture
def table(network, features):
    """Ten frames of two sources; the target is what the network says, plus 0.5 on every other."""
    rows = features[:10]
    target = network.predict(rows).astype(float) + np.tile([0.0, 0.5], 5)
    frame = pl.DataFrame(
        {
            "source": ["Bird"] * 6 + ["Owl"] * 4,
            "clip": ["a"] * 10,
            "frame": range(10),
            **{name: rows[:, index] for index, name in enumerate(CANONICAL6)},
            "vmaf": target,
        }
    )
    return make_table(frame, TableInfo(teacher="vmaf_v0.6.1"))


def outcomes(found):
    return [(check.name, check.passed) for check in found.checks]


def test_a_sound_model_passes_every_check(model_path, table):
    found = verify(model_path, table=table)
    assert found.passed
    assert [check.name for check in found.checks] == [
        *("file", "card", "hash", "order", "golden", "table")
    ]
    words = {check.name: check.words for check in found.checks}
    assert words["file"] == "ONNX with 6 features, nothing in it that is not allowed"
    assert words["card"] == "tinyvmaf.card/1, some_model_v1: mlp_small with 257 parameters"
    assert words["hash"] == f"SHA-256 {sha256(model_path.read_bytes())}"
    assert words["order"] == "reads adm2, vif_scale0, vif_scale1, vif_scale2, vif_scale3, motion2"
    assert words["golden"].startswith("18 rows, largest difference 0.0000")
    assert words["table"] == (
        "RMSE 0.3536, MAE 0.2500, bias -0.2500, largest 0.5000 VMAF over 10 frames of 2 sources, "
        "1 of them seen in training"
    )
    assert found.error is not None
    assert found.error.seen == ("Bird",)
    assert found.error.rmse == pytest.approx(0.125**0.5, abs=1e-5)


def test_a_changed_file_fails_at_its_hash(model_path):
    data = bytearray(model_path.read_bytes())
    place = data.index(b"tinyvmaf")  # the producer's name, which changes no score
    data[place] ^= 1
    model_path.write_bytes(data)
    found = verify(model_path)
    assert not found.passed
    assert outcomes(found) == [("file", True), ("card", True), ("hash", False)]
    assert found.checks[-1].words.startswith(f"{model_path}: its SHA-256 is ")


def test_wrong_golden_vectors_fail(model_path, make_card):
    card = make_card()
    golden = Golden(features=card.golden.features, vmaf=(50.0,) * len(card.golden.vmaf))
    model_path.with_suffix(".json").write_text(replace(card, golden=golden).to_json())
    found = verify(model_path)
    assert outcomes(found)[-1] == ("golden", False)
    assert "allowed is 0.001" in found.checks[-1].words


def test_a_missing_card_and_an_unsafe_file_fail(model_path):
    model_path.with_suffix(".json").unlink()
    assert outcomes(verify(model_path)) == [("file", True), ("card", False)]
    model_path.write_bytes(b"x")
    assert outcomes(verify(model_path)) == [("file", False)]


def test_a_table_of_another_teacher_fails(model_path, table):
    other = replace(table, info=replace(table.info, teacher="vmaf_4k_v0.6.1"))
    found = verify(model_path, table=other)
    assert outcomes(found)[-1] == ("table", False)
    assert found.error is None
    assert found.checks[-1].words == (
        "some_model_v1 was trained on vmaf_v0.6.1, the table is labelled by vmaf_4k_v0.6.1; "
        "extract it again with `teacher='vmaf_v0.6.1'`"
    )


def test_a_missing_file_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError, match="no such model file"):
        verify(tmp_path / "missing.onnx")
