# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.media.packets import PacketTally


@dataclass
class Packet:
    pts: int | None
    size: int = 10
    is_discard: bool = False


def tally(packets):
    counted = PacketTally()
    for packet in packets:
        counted.add(packet)
    return counted


def reordered(stamps, depth, seed):
    """As B-frames do: no stamp is more than `depth` places from its own."""
    rng = np.random.default_rng(seed)
    order = np.argsort(np.arange(len(stamps)) + rng.uniform(0, depth, len(stamps)))
    return [stamps[index] for index in order]


@given(
    gaps=st.lists(st.integers(1, 4), max_size=300),
    start=st.integers(-1000, 1000),
    depth=st.integers(0, 16),
    seed=st.integers(0, 99),
)
def test_it_says_what_sorting_all_stamps_says(gaps, start, depth, seed):
    stamps = [start, *(start + np.cumsum(gaps)).tolist()] if gaps else [start]
    found = tally([Packet(pts) for pts in reordered(stamps, depth, seed)])
    naive = np.diff(np.sort(stamps))
    assert found.n_frames == len(stamps)
    assert found.n_bytes == 10 * len(stamps)
    assert found.start == start
    assert found.constant_rate == (naive.size == 0 or np.ptp(naive) <= 1)


def test_what_is_not_shown_does_not_count():
    found = tally([Packet(0), Packet(40, is_discard=True), Packet(None), Packet(None, size=0)])
    assert (found.n_frames, found.n_bytes, found.start) == (2, 20, 0)
    assert found.constant_rate


def test_nothing_at_all():
    found = tally([])
    assert (found.n_frames, found.start, found.constant_rate) == (0, 0, True)


@pytest.mark.parametrize(("odd", "constant"), [(1, True), (2, False)])
def test_a_coarse_time_base_may_round(odd, constant):
    stamps = np.arange(500) * 33
    stamps[400:] += odd
    assert tally([Packet(int(pts)) for pts in stamps]).constant_rate is constant


def test_its_memory_does_not_grow():
    counted = tally(Packet(pts) for pts in range(10_000))
    assert len(counted._waiting) <= 64
