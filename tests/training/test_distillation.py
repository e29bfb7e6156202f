# SPDX-License-Identifier: Apache-2.0
import numpy as np
import polars as pl
import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.errors import SplitError
from tinyvmaf.features.table import make_table
from tinyvmaf.training.distillation import distil


def test_the_added_error_is_that_on_sources_held_out():
    table = tv.read_table(sample_path())
    kept = table.rows.filter(pl.col("source").is_in(table.sources[:4]) & (pl.col("frame") % 4 == 0))
    table = make_table(kept, table.info)
    model = tv.load("tinyvmaf_small_v1")
    found = distil(model, table)
    own = found.machine.predict(table.features) - model.predict(table.features)
    assert np.sqrt(np.mean(own**2)) < found.added_rmse < found.added_largest
    assert found.model_rmse < 0.1 < found.machine_rmse
    assert (found.n_sources, found.n_frames) == (4, kept.height)
    assert f"adds RMSE {found.added_rmse:.3f} (largest" in str(found)
    with pytest.raises(SplitError, match="distilling needs 2 or more"):
        distil(model, make_table(kept.filter(source=table.sources[0]), table.info))
