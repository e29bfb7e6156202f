# SPDX-License-Identifier: Apache-2.0
import resource
import signal

import numpy as np
import polars as pl
import pytest

from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.features.table import TableInfo, make_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.export import export_model
from tinyvmaf.models.model import load_model
from tinyvmaf.models.verify import verify


@pytest.fixture
def table(network, features):
    """Two sources; the second one's features lie far outside the first one's."""
    rows = np.vstack([features[:60], features[:60] + 100.0])
    frame = pl.DataFrame(
        {
            "source": ["Bird"] * 60 + ["Owl"] * 60,
            "clip": ["a"] * 120,
            "frame": range(120),
            **{name: rows[:, index] for index, name in enumerate(CANONICAL6)},
            "vmaf": network.predict(rows).astype(float),
        }
    )
    return make_table(frame, TableInfo(teacher="vmaf_v0.6.1"))


@pytest.fixture
def export(tmp_path, network, table):
    def export(network=network, path=tmp_path / "fold" / "small.onnx", **changes):
        settings = {
            "table": table,
            "training_sources": ["Bird"],
            "arch": "mlp_small",
            "recipe": {"name": "default"},
            "seed": 3,
            "training_rmse": 0.25,
            "loso": "a model of one fold",
        }
        return export_model(network, path=path, **{**settings, **changes})

    return export


def test_what_is_exported_is_what_is_loaded(export, tmp_path, network, table):
    model = export()
    assert sorted(path.name for path in (tmp_path / "fold").iterdir()) == [
        *("small.json", "small.onnx")
    ]
    again = load_model(tmp_path / "fold" / "small.onnx")
    assert (again.card, again.sha256) == (model.card, model.sha256)
    assert np.abs(again.predict(table.rows) - network.predict(table.features)).max() <= 1e-3
    assert verify(tmp_path / "fold" / "small.onnx", table=table).passed


def test_the_card_knows_nothing_of_a_source_that_was_held_out(export, features):
    card = export().card
    assert card is not None
    assert card.training_sources == ("Bird",)
    largest = features[:60].max(axis=0)
    assert [limits.maximum for limits in card.domain.values()] == largest.tolist()
    assert np.max(card.golden.features, axis=0) == pytest.approx(largest, rel=1e-6)


def test_the_card_says_where_the_model_comes_from(export, table):
    card = export(name="released_v1", notes=["a note"]).card
    assert card is not None
    assert (card.name, card.n_params, card.feature_set) == ("released_v1", 257, "canonical6")
    assert (card.teacher, card.table_sha256, card.seeds) == ("vmaf_v0.6.1", table.sha256, (3,))
    assert (card.loso, card.loso_absent) == (None, "a model of one fold")
    assert card.notes == ("a note",)


def test_two_exports_write_the_same_files(export, tmp_path):
    first, second = tmp_path / "a" / "m.onnx", tmp_path / "b" / "m.onnx"
    export(path=first)
    export(path=second)
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".json").read_bytes() == second.with_suffix(".json").read_bytes()


def test_a_network_that_did_not_converge_is_not_exported(export, make_network, tmp_path):
    network = make_network()
    network.layers[0].weight[0, 0] = np.inf
    with pytest.raises(ModelError, match="weight0 holds a value that is not finite; train again"):
        export(network)
    assert not (tmp_path / "fold").exists()


@pytest.fixture
def small_disk():
    """Let no file grow beyond so many bytes; what is written then fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_model_and_its_card(export, tmp_path, make_network, small_disk):
    before = export()
    path = tmp_path / "fold" / "small.onnx"
    small_disk(path.stat().st_size)
    with pytest.raises((UsageError, OSError)):
        export(make_network(seed=1))
    small_disk(2**30)
    assert load_model(path).sha256 == before.sha256
    assert sorted(found.name for found in path.parent.iterdir()) == ["small.json", "small.onnx"]


def test_a_model_whose_change_was_interrupted_is_the_new_one_for_its_reader(
    export, tmp_path, make_network
):
    """The model is still the old one, its card is the new one already."""
    path = tmp_path / "fold" / "small.onnx"
    old, new = export(), export(make_network(seed=1), path=tmp_path / "new.onnx")
    ready = path.with_name(".small.onnx.ready")
    (ready / "new").mkdir(parents=True)
    (ready / "gone.json").write_text("[]")
    (tmp_path / "new.onnx").rename(ready / "new" / "small.onnx")
    (tmp_path / "new.json").rename(path.with_suffix(".json"))
    assert old.sha256 != new.sha256
    assert load_model(path).sha256 == new.sha256
    assert not ready.exists()
