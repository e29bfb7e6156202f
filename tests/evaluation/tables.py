# SPDX-License-Identifier: Apache-2.0
"""Small feature tables for the tests of this floor, made from a seed."""

import numpy as np
import polars as pl

from tinyvmaf.features.table import FeatureTable, TableInfo, make_table
from tinyvmaf.libvmaf.sets import CANONICAL6


def smooth_table(*, n_sources: int = 4, n_clips: int = 3, n_frames: int = 20, seed: int = 0):
    """A table whose score is a smooth function of the features, as the teacher's is."""
    rng = np.random.default_rng(seed)
    n = n_sources * n_clips * n_frames
    features = np.clip(rng.normal(0.7, 0.15, (n, 6)), 0, 1)
    target = np.clip(110 * features.mean(axis=1) ** 1.5 + 5 * features[:, 0], 0, 100)
    return table_of(features, target, n_sources=n_sources, n_clips=n_clips)


def table_of(features, target, *, n_sources: int, n_clips: int) -> FeatureTable:
    n = len(target)
    n_frames = n // (n_sources * n_clips)
    index = np.arange(n)
    rows = pl.DataFrame(
        {
            "source": [f"S{i:02d}" for i in index // (n_clips * n_frames)],
            "clip": [f"c{i}" for i in index // n_frames % n_clips],
            "frame": index % n_frames,
            **{name: features[:, column] for column, name in enumerate(CANONICAL6)},
            "vmaf": target,
        }
    )
    return make_table(rows, TableInfo(teacher="vmaf_v0.6.1"))
