# SPDX-License-Identifier: Apache-2.0
"""A support-vector regression is one function in scikit-learn, NumPy, ONNX Runtime and libvmaf."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import NuSVR

import tinyvmaf as tv
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.foreign_logs import read_foreign_log
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.models.bundle import support_vectors_of
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.support_vectors import libvmaf_json
from tinyvmaf.training.svr_fitting import OF_A_TEACHER, ROWS, fit_support_vectors


@pytest.fixture(scope="module")
def table():
    return tv.read_table(sample_path())


@pytest.fixture(scope="module")
def scaling(table):
    """What is taken off features and target, and what they are divided by."""
    columns = np.column_stack([table.features, table.target])
    return columns.mean(axis=0), columns.std(axis=0)


@pytest.fixture(scope="module")
def machine(table, scaling):
    return fit_support_vectors(
        features=table.features,
        target=table.target,
        names=CANONICAL6,
        shift=scaling[0],
        scale=scaling[1],
    )


@pytest.fixture(scope="module")
def sklearn_scores(table, scaling, machine):
    """The same fit by scikit-learn alone, as a function from features to VMAF points."""
    # A scaling in float32, and rows scaled to float32: what is kept of a model.
    shift, scale = (each.astype(np.float32).astype(np.float64) for each in scaling)
    rows = np.linspace(0, len(table.target) - 1, ROWS).astype(int)
    scaled = (np.column_stack([table.features, table.target])[rows] - shift) / scale
    inputs = scaled[:, :-1].astype(np.float32).astype(np.float64)
    settings = OF_A_TEACHER
    machine_of_sklearn = NuSVR(C=settings.c, nu=settings.nu, gamma=machine.gamma)
    fitted = machine_of_sklearn.fit(inputs, scaled[:, -1])

    def predict(features):
        scores = fitted.predict((features - shift[:-1]) / scale[:-1])
        return np.clip(scores * scale[-1] + shift[-1], 0, 100)

    return predict


def test_numpy_is_scikit_learn(table, machine, sklearn_scores):
    assert machine.predict(table.features) == pytest.approx(
        sklearn_scores(table.features), abs=1e-4
    )
    assert machine.predict(table.features[:0]).shape == (0,)
    error = machine.predict(table.features) - table.target
    assert np.sqrt(np.mean(error**2)) < 0.15


def test_onnx_is_numpy(table, machine, tmp_path):
    path = tmp_path / "machine.onnx"
    path.write_bytes(to_onnx(machine))
    model = tv.load(path)
    assert model.path == path
    assert model.features == CANONICAL6
    rows = table.features.astype(np.float32)
    assert model.predict(rows) == pytest.approx(machine.predict(rows), abs=1e-3)
    far = np.full((1, 6), 1e6)
    assert model.predict(far) == pytest.approx(machine.predict(far), abs=5e-3)
    assert to_onnx(machine) == path.read_bytes()
    again = support_vectors_of(model)
    assert again.predict(rows) == pytest.approx(machine.predict(rows), abs=1e-6)
    assert libvmaf_json(again).count("\n") == libvmaf_json(machine).count("\n")


def test_a_feature_that_libvmaf_does_not_make(machine):
    other = replace(machine, features=("half_adm2", *CANONICAL6[1:]))
    with pytest.raises(UsageError, match=r"^libvmaf does not make half_adm2; a model for it reads"):
        libvmaf_json(other)


@pytest.mark.ffmpeg
def test_stock_ffmpeg_is_scikit_learn_on_every_frame_of_real_pairs(
    tmp_path, ffmpeg, clips, make_video, machine, sklearn_scores
):
    (tmp_path / "model.json").write_text(libvmaf_json(machine))
    for name in ("carphone_pristine", "bikes", "bigbuckbunny"):
        encode = ["-frames:v", 24, "-an", "-c:v", "libx264", "-crf", 38]
        distorted = make_video(tmp_path / f"{name}.mkv", "-i", clips[name], *encode)
        graph = (
            "[0:v]settb=1/25,setpts=N[d];[1:v]settb=1/25,setpts=N,trim=end_frame=24[r];"
            "[d][r]libvmaf=log_fmt=json:log_path=log.json:model=path=model.json"
        )
        inputs = ["-i", str(distorted), "-i", str(clips[name])]
        run_ffmpeg(
            ffmpeg.path, [*inputs, "-filter_complex", graph, "-f", "null", "-"], cwd=tmp_path
        )
        log = read_foreign_log(tmp_path / "log.json").take((*CANONICAL6, "vmaf"))
        rows = np.column_stack([log[feature] for feature in CANONICAL6])
        assert len(rows) == 24
        expected = sklearn_scores(rows)
        assert np.abs(log["vmaf"] - expected).max() < 1e-3
        assert np.ptp(expected) > 0.5
