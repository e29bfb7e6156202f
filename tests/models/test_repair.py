# SPDX-License-Identifier: Apache-2.0
import hashlib
import json

import numpy as np
import onnx
import pytest

from tinyvmaf.errors import CardError, ModelError, UnsafeModelError, UsageError
from tinyvmaf.models.model import load_model
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.repair import carry_out, plan_repair, repair_model


@pytest.fixture
def broken(tmp_path, make_network):
    """A model of 64 and 32 hidden units whose data file was renamed after the export.

    The names are those of a real case: exported as `mlp_medium_final.onnx`, published under
    another name with its data renamed likewise, but not inside the file.
    """
    model = onnx.ModelProto.FromString(to_onnx(make_network(widths=(64, 32))))
    path = tmp_path / "published_medium.onnx"
    onnx.save_model(
        model,
        path,
        save_as_external_data=True,
        location="mlp_medium_final.onnx.data",
        size_threshold=1000,
    )
    (tmp_path / "mlp_medium_final.onnx.data").rename(tmp_path / "published_medium.onnx.data")
    # Another model of the same collection lies beside it.
    (tmp_path / "published.onnx.data").write_bytes(bytes(896))
    return path


def hashes(folder):
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_renamed_file_is_found_and_the_model_becomes_one_file(
    tmp_path, broken, make_network, features
):
    with pytest.raises(ModelError, match="if the file was renamed, `tinyvmaf models repair`"):
        load_model(broken)
    before = hashes(tmp_path)
    output = tmp_path / "out" / "mended.onnx"
    plan = repair_model(broken, output=output)
    assert str(plan) == (
        "published_medium.onnx: the model needs 9728 bytes of 'mlp_medium_final.onnx.data': "
        "read 'published_medium.onnx.data' instead"
    )
    assert hashes(tmp_path) == before
    assert [path.name for path in output.parent.iterdir()] == ["mended.onnx"]
    scores = load_model(output).predict(features)
    assert np.abs(scores - make_network(widths=(64, 32)).predict(features)).max() <= 1e-3


def test_a_plan_writes_nothing(tmp_path, broken):
    before = hashes(tmp_path)
    plan = plan_repair(broken)
    assert plan.model == broken
    assert [
        (step.location, step.n_bytes, step.found, step.renamed) for step in plan.replacements
    ] == [("mlp_medium_final.onnx.data", 9728, "published_medium.onnx.data", True)]
    assert hashes(tmp_path) == before


def test_data_that_is_where_it_should_be_is_only_put_inside(tmp_path, broken):
    (tmp_path / "published_medium.onnx.data").rename(tmp_path / "mlp_medium_final.onnx.data")
    plan = repair_model(broken, output=tmp_path / "mended.onnx")
    assert str(plan) == (
        "published_medium.onnx: the model needs 9728 bytes of 'mlp_medium_final.onnx.data': "
        "it is there"
    )
    assert load_model(tmp_path / "mended.onnx").features[0] == "adm2"


def test_a_file_of_the_right_size_and_ending_is_taken_if_it_is_the_only_one(tmp_path, broken):
    (tmp_path / "published_medium.onnx.data").rename(tmp_path / "weights.data")
    assert plan_repair(broken).replacements[0].found == "weights.data"


def test_two_files_that_fit_are_refused(tmp_path, broken):
    data = (tmp_path / "published_medium.onnx.data").read_bytes()
    (tmp_path / "published_medium.onnx.data").unlink()
    (tmp_path / "a.data").write_bytes(data)
    (tmp_path / "b.data").write_bytes(data)
    with pytest.raises(ModelError) as error:
        plan_repair(broken)
    assert str(error.value) == (
        f"{broken}: needs 9728 bytes of 'mlp_medium_final.onnx.data', which is missing; "
        "a.data, b.data all have that size and ending; keep only the right one beside the model"
    )


def test_a_file_of_another_size_ending_or_a_link_is_not_taken(tmp_path, broken):
    data = (tmp_path / "published_medium.onnx.data").read_bytes()
    (tmp_path / "published_medium.onnx.data").write_bytes(data[:-1])
    (tmp_path / "weights.bin").write_bytes(data)
    (tmp_path / "link.data").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(ModelError) as error:
        plan_repair(broken)
    assert str(error.value) == (
        f"{broken}: needs 9728 bytes of 'mlp_medium_final.onnx.data', which is missing; "
        "no file beside it has that size and ending; look where the model came from"
    )


@pytest.mark.parametrize("name", ["published_medium.onnx", "published_medium.onnx.data"])
def test_the_original_is_never_written(tmp_path, broken, name):
    before = hashes(tmp_path)
    with pytest.raises(UsageError) as error:
        repair_model(broken, output=tmp_path / "x" / ".." / name)
    assert str(error.value).endswith("is the original, which stays as it is; choose another output")
    assert hashes(tmp_path) == before


def test_a_forbidden_location_stays_forbidden(tmp_path, broken):
    model = onnx.load_model(broken, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "/etc/passwd"
    broken.write_bytes(model.SerializeToString())
    with pytest.raises(UnsafeModelError, match="its external data is '/etc/passwd'"):
        plan_repair(broken)


def test_a_model_that_is_broken_in_other_ways_is_not_written(tmp_path, broken):
    data = np.full(9728 // 4, np.nan, np.float32).tobytes()
    (tmp_path / "published_medium.onnx.data").write_bytes(data)
    with pytest.raises(UnsafeModelError) as error:
        repair_model(broken, output=tmp_path / "mended.onnx")
    assert str(error.value) == (
        f"{broken}: cannot be repaired: the repaired model: "
        "the weight 'weight0' holds NaN or infinite values; train it again"
    )
    assert not (tmp_path / "mended.onnx").exists()


def test_a_model_without_external_data_has_nothing_to_mend(model_path):
    with pytest.raises(ModelError) as error:
        plan_repair(model_path)
    words = "has no external data, so that there is nothing to repair"
    assert str(error.value) == f"{model_path}: {words}"


def test_data_that_changed_after_the_plan_is_noticed(tmp_path, broken):
    plan = plan_repair(broken)
    (tmp_path / "published_medium.onnx.data").write_bytes(b"")
    with pytest.raises(ModelError, match="has 0 bytes, the model needs 1536"):
        carry_out(plan, output=tmp_path / "mended.onnx")


@pytest.mark.parametrize("said", ['{"schema": "other", "sha256": "0"}', '{"name": "other"}', "{"])
def test_the_card_of_another_model_is_never_left_beside_the_mended_one(tmp_path, broken, said):
    output = tmp_path / "out" / "mended.onnx"
    output.parent.mkdir()
    output.write_bytes(b"old")
    output.with_suffix(".json").write_text(said)
    before = hashes(output.parent)
    with pytest.raises((UsageError, CardError)):
        repair_model(broken, output=output)
    assert hashes(output.parent) == before
    output.with_suffix(".json").unlink()
    repair_model(broken, output=output)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    output.with_suffix(".json").write_text(json.dumps({"sha256": digest}))
    repair_model(broken, output=output)
    assert load_model(output).sha256 == digest
