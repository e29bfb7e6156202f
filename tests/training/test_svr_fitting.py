# SPDX-License-Identifier: Apache-2.0
"""The arch `svr` is trained and exported like every arch."""

import json

import numpy as np
import polars as pl
import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import make_table
from tinyvmaf.models.bundle import export_bundle
from tinyvmaf.models.support_vectors import SupportVectors
from tinyvmaf.training.archs import layer_sizes
from tinyvmaf.training.fitting import fit
from tinyvmaf.training.recipes import load_recipe
from tinyvmaf.training.train import train

DEFAULT = load_recipe("default")


@pytest.fixture(scope="module")
def table():
    table = tv.read_table(sample_path())
    kept = table.rows.filter(pl.col("source").is_in(table.sources[:4]) & (pl.col("frame") % 8 == 0))
    return make_table(kept, table.info)


def same(one, other):
    return np.array_equal(one.network.vectors, other.network.vectors) and np.array_equal(
        one.network.weights, other.network.weights
    )


def test_a_fold_knows_nothing_of_its_held_out_source(table):
    fitted = fit(table, arch="svr", recipe=DEFAULT, held_out=[(1,), ()], seeds=(0, 3))
    assert isinstance(fitted[(1,), 0].network, SupportVectors)
    assert same(fitted[(1,), 0], fitted[(1,), 3])
    assert not same(fitted[(1,), 0], fitted[(), 0])
    assert (fitted[(1,), 0].steps, fitted[(), 0].n_train) == (0, table.rows.height)
    assert fitted[(), 0].train_rmse < 0.5
    # Other values of the held-out source, and the same model.
    out = pl.col("source") == table.sources[1]
    other = table.rows.with_columns(
        vmaf=pl.when(out).then(1.0).otherwise("vmaf"), adm2=pl.when(out).then(0.1).otherwise("adm2")
    )
    again = fit(make_table(other, table.info), arch="svr", recipe=DEFAULT, held_out=[(1,)])
    assert same(again[(1,), 0], fitted[(1,), 0])
    assert again[(1,), 0].train_rmse == fitted[(1,), 0].train_rmse


def test_train_and_export(table, tmp_path):
    trained = train(table, path=tmp_path / "own.onnx", arch="svr", val_source=table.sources[0])
    card = trained.model.card
    assert (card.arch, card.n_params) == ("svr", trained.n_params)
    path = export_bundle(tv.load(tmp_path / "own.onnx"), tmp_path / "out", to="libvmaf")[0]
    record = json.loads(path.read_text())
    assert record["model_dict"]["model_type"] == "LIBSVMNUSVR"
    assert path.name == "own.libvmaf.json"


def test_it_is_no_network():
    with pytest.raises(UsageError, match=r"^svr is not a network: "):
        layer_sizes("svr", 6)
