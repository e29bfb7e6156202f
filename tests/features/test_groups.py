# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.features.groups import Size, groups
from tinyvmaf.media.video import Video

HD = 1920 * 1080


def corpus(*counts, n_frames=100, n_pixels=HD // 4):
    """So many pairs of each reference."""
    return {
        Pair(f"s{source}", f"c{clip}", Video(Path(f"{source}.mp4")), Video(Path(f"{clip}.mp4"))): (
            Size(n_frames, n_pixels)
        )
        for source, count in enumerate(counts)
        for clip in range(count)
    }


def lengths(found):
    return [len(group) for group in found]


@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    at_once=st.integers(1, 6),
    n_workers=st.integers(1, 9),
    n_pixels=st.integers(0, 4 * HD),
)
def test_every_pair_is_in_one_group_with_its_like(counts, at_once, n_workers, n_pixels):
    sizes = corpus(*counts, n_pixels=n_pixels)
    found = groups(sizes, at_once=at_once, n_workers=n_workers)
    assert Counter(pair for group in found for pair in group) == Counter(list(sizes))
    for group in found:
        assert len({pair.reference for pair in group}) == 1
        assert len(group) <= at_once
        assert len(group) == 1 or len(group) * n_pixels <= 2 * HD
    assert len(found) >= min(len(sizes), 2 * n_workers)


def test_groups_of_a_reference_are_of_equal_size():
    assert lengths(groups(corpus(5, 4), at_once=4, n_workers=1)) == [4, 3, 2]


def test_a_small_corpus_keeps_every_worker_busy():
    assert lengths(groups(corpus(8), at_once=4, n_workers=4)) == [1] * 8


def test_large_pictures_share_less():
    assert lengths(groups(corpus(8, n_pixels=HD), at_once=4, n_workers=1)) == [2] * 4
    assert lengths(groups(corpus(8, n_pixels=4 * HD), at_once=4, n_workers=1)) == [1] * 8


def test_the_most_expensive_group_comes_first():
    sizes = {**corpus(2, n_frames=10), **{pair: Size(99, 9) for pair in corpus(0, 4)}}
    found = groups(sizes, at_once=2, n_workers=1)
    assert [group[0].source for group in found] == ["s0", "s1", "s1"]


def test_a_reference_that_cannot_be_read_is_no_reason_to_fail():
    assert lengths(groups(dict.fromkeys(corpus(4), Size()), at_once=2, n_workers=1)) == [2, 2]
