# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from tinyvmaf.features.table import FeatureTable, TableInfo
from tinyvmaf.training.recipes import load_recipe

N_SOURCES = 4


@pytest.fixture(scope="session")
def rows():
    """Four sources of different sizes; a smooth function of six features, clipped at both ends."""
    generator = np.random.default_rng(7)
    source_index = np.repeat(np.arange(N_SOURCES), (150, 90, 200, 130))
    features = generator.uniform(0.2, 1.0, (len(source_index), 6))
    features[:, 5] *= 15
    score = 120 * features[:, 0] + 30 * np.sin(3 * features[:, 1]) - 2 * features[:, 5] - 5
    return SimpleNamespace(
        features=features,
        target=np.clip(score, 0, 100),
        source_index=source_index,
        feature_names=tuple("abcdef"),
    )


@pytest.fixture(scope="session")
def table_of():
    """Make a table of arrays, unchecked."""

    def make(*, features, target, source_index, feature_names=tuple("abcdef")):
        rows = pl.DataFrame(features, schema=list(feature_names)).with_columns(
            source=pl.Series([f"S{k}" for k in source_index]), vmaf=pl.Series(target)
        )
        return FeatureTable(rows, TableInfo(teacher="unknown", features=tuple(feature_names)))

    return make


@pytest.fixture(scope="session")
def quick():
    """The default recipe, cut to steps that a test can wait for; no whole number of chunks."""
    return replace(load_recipe("default"), batch=32, steps=700)
