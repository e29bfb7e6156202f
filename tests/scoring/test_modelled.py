# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

import tinyvmaf as tv
from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.card import Range, Residuals
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.provenance import sha256
from tinyvmaf.scoring.score import choose_mode

pytestmark = pytest.mark.ffmpeg

WIDE = {name: Range(-100.0, -100.0, 100.0, 100.0) for name in CANONICAL6}
NINE = tuple(Residuals(source=f"source{n}", residuals=(0.25 * n,)) for n in range(9))


@pytest.fixture
def score(pristine, distorted):
    def call(model, **options):
        return tv.score(reference=pristine, distorted=distorted, model=model, threads=1, **options)

    return call


def test_the_model_is_applied_to_libvmafs_features(score, model_path, network, tmp_path):
    found = score(model_path, log=tmp_path / "log.csv")
    log = read_log(tmp_path / "log.csv")
    rows = np.stack([log[name] for name in CANONICAL6], axis=1)
    assert found.frame_scores == pytest.approx(network.predict(rows), abs=1e-3)
    assert log["vmaf"] == pytest.approx(found.frame_scores, abs=1e-6)
    assert (found.mode, found.model.name) == ("model", "some_model_v1")
    assert found.model.sha256 == sha256(model_path.read_bytes())
    assert f"--mode model --model {model_path} --level 0.9" in found.command


def test_an_interval_around_what_is_inside(score, model_path, make_card):
    model_path.with_suffix(".json").write_text(make_card(domain=WIDE, calibration=NINE).to_json())
    found = score(model_path)
    assert found.applicability.verdict == "inside"
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (found.vmaf.mean - 2.0, found.vmaf.mean + 2.0)
    )
    record = found.record()
    assert record["vmaf"]["interval"] == [found.interval.low, found.interval.high]
    assert record["vmaf"]["level"] == 0.9


def test_no_interval_outside_and_the_feature_is_named(score, model_path, make_card):
    narrow = {**WIDE, "vif_scale1": Range(0.0, 0.0, 0.1, 0.1)}
    model_path.with_suffix(".json").write_text(make_card(domain=narrow, calibration=NINE).to_json())
    found = score(model_path)
    assert (found.applicability.verdict, found.applicability.feature) == ("outside", "vif_scale1")
    assert found.interval is None
    assert found.notes[-1] == (
        "no interval: vif_scale1 of 100% of the frames is beyond all that the model was trained on"
    )


def test_no_interval_from_too_few_sources(score, model_path, make_card):
    model_path.with_suffix(".json").write_text(
        make_card(domain=WIDE, calibration=NINE[:4]).to_json()
    )
    found = score(model_path)
    assert found.interval is None
    assert found.notes[-1] == (
        "no interval: 4 held-out sources are too few for 90%; ask for less with `level`"
    )
    assert score(model_path, level=0.75).interval is not None


def test_a_model_without_a_card_has_no_domain_and_no_interval(score, model_path):
    model_path.with_suffix(".json").unlink()
    found = score(model_path)
    assert found.applicability.verdict == "unknown"
    assert found.interval is None
    assert found.notes[-1] == "no interval: the model's card has no residuals of held-out sources"


def test_exact_and_model_exclude_each_other(model_path):
    for words, said in (
        ({"name": "exact", "model": model_path}, "`mode='exact'` reads no `model`"),
        ({"name": "fast"}, "unknown mode 'fast'; expected one of exact, model"),
        ({"model": model_path, "teacher": "vmaf_4k_v0.6.1"}, "`mode='model'` has no `teacher`"),
    ):
        with pytest.raises(UsageError) as caught:
            choose_mode(**words)
        assert str(caught.value).startswith(said)


def test_the_smallest_shipped_model_is_the_default():
    mode = choose_mode("model")
    assert mode.model.name == "tinyvmaf_small_v1"
    assert "--model tinyvmaf_small_v1" in " ".join(mode.options)


def test_a_feature_that_the_pass_does_not_yield_is_refused(score, network, tmp_path):
    path = tmp_path / "foreign.onnx"
    path.write_bytes(to_onnx(replace(network, features=("cambi", *CANONICAL6[1:]))))
    with pytest.raises(UsageError) as caught:
        score(path)
    assert str(caught.value).startswith("foreign reads cambi, which a libvmaf pass does not yield")
