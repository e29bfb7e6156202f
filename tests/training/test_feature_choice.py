# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.evaluation.tables import smooth_table
from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import TableInfo, make_table
from tinyvmaf.libvmaf.model_inputs import find_columns, model_inputs
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.training.feature_choice import choose_features

V1 = ("cambi", "speed_chroma_uv", "adm3", "motion3")
LOGGED = (
    "adm2",
    "adm3_csf_2_dlmw_0.7",
    "aim",
    "cambi_hrs_1080",
    "motion3_mmxv_18",
    "speed_chroma_uv_mxv_45",
)


def table_with(features, teacher):
    """A small table of these features."""
    table = smooth_table()
    rng = np.random.default_rng(0)
    columns = (pl.Series(name, rng.uniform(0, 1, table.rows.height)) for name in features)
    return make_table(
        table.rows.with_columns(*columns), TableInfo(teacher=teacher, features=tuple(features))
    )


@pytest.mark.ffmpeg
@pytest.mark.parametrize("teacher", ["vmaf_v1.0.16_3d0h", "vmaf_v1.0.16_hfr_1d5h_2160"])
def test_the_inputs_of_a_built_in_model_are_found_in_the_program(teacher):
    assert model_inputs(teacher) == V1


@pytest.mark.ffmpeg
@pytest.mark.parametrize("teacher", ["vmaf_v0.6.1", "vmaf_4k_v0.6.1", "vmaf_v0.6.1neg"])
def test_the_older_models_read_the_canonical_six(teacher):
    assert model_inputs(teacher) == CANONICAL6


@pytest.mark.ffmpeg
def test_a_model_that_nobody_has_tells_nothing():
    assert model_inputs("vmaf_rb_v0.6.3_of_long_ago") is None


def test_a_name_is_found_with_its_options_and_not_inside_another_name():
    assert find_columns(["adm2"], ["adm2_egl_1", "adm"]) == ("adm2_egl_1",)
    assert find_columns(["adm2", "adm"], ["adm2_egl_1", "adm2"]) is None
    assert find_columns(["motion"], ["motion2"]) is None


@pytest.mark.ffmpeg
def test_by_default_the_inputs_are_those_of_the_teacher():
    table = table_with(LOGGED, "vmaf_v1.0.16_3d0h")
    chosen = choose_features(table)
    assert chosen.table.info.features == (
        "cambi_hrs_1080", "speed_chroma_uv_mxv_45", "adm3_csf_2_dlmw_0.7", "motion3_mmxv_18"
    )  # fmt: skip
    assert chosen.note == ""
    assert chosen.table.sha256 == table.sha256


@pytest.mark.ffmpeg
def test_the_teachers_own_options_come_before_features_without_them():
    """What `extract --features all` keeps: those of v0.6.1's pass, and those of the teacher's."""
    own = (
        "cambi_hrs_1080_cmxv_17_vlt_0.06",
        "speed_chroma_uv_mxv_45_nnf_0.1_snn_0.19_wvm_5",
        "adm3_csf_2_dlmw_0.7_egl_1_min_0.5_nw_0.02",
        "motion3_mmxv_18",
    )
    table = table_with(("adm3", "motion3", *sorted(own)), "vmaf_v1.0.16_3d0h")
    assert choose_features(table).table.info.features == own


@pytest.mark.ffmpeg
def test_a_table_without_its_teachers_inputs_is_used_and_it_is_said():
    table = smooth_table()
    table = replace(table, info=replace(table.info, teacher="vmaf_v1.0.16_3d0h"))
    chosen = choose_features(table)
    assert chosen.table.info.features == CANONICAL6
    assert chosen.note == (
        "vmaf_v1.0.16_3d0h reads cambi, speed_chroma_uv, adm3, motion3, which this table lacks; "
        f"the networks read {', '.join(CANONICAL6)} instead, and may miss what the teacher sees"
    )


def test_columns_sets_and_all_can_be_asked_for():
    table = table_with((*CANONICAL6, "adm3_csf_2"), "vmaf_v0.6.1")
    assert choose_features(table).table.info.features == CANONICAL6
    assert choose_features(table, "all").table is table
    assert choose_features(table, "adm3, motion2").table.info.features == ("adm3_csf_2", "motion2")
    assert choose_features(table, ["canonical6"]).table.info.features == CANONICAL6
    with pytest.raises(UsageError, match=r"^features psnr: not in this table, which has adm2, "):
        choose_features(table, "psnr")
    with pytest.raises(UsageError, match="a feature occurs twice"):
        choose_features(table, "canonical6,adm2")
