# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SplitError
from tinyvmaf.evaluation.folds import fold_of_sources, grouped, leave_one_source_out, make_folds

NAMES = st.lists(st.text(min_size=1), min_size=3, max_size=12, unique=True)


@given(NAMES)
def test_folds_cover_every_source_once(sources):
    folds = leave_one_source_out(sorted(sources))
    assert [fold.sources for fold in folds] == [(source,) for source in sorted(sources)]
    assert [fold.positions for fold in folds] == [(n,) for n in range(len(sources))]
    assert grouped(folds) == ()


@pytest.mark.parametrize("sources", [["Tennis"], ["FoxBird", "Tennis"]])
def test_too_few_sources_are_refused_by_name(sources):
    with pytest.raises(SplitError) as caught:
        leave_one_source_out(sources)
    assert str(caught.value) == (
        f"leave-one-source-out needs at least 3 sources, this table has {len(sources)}: "
        f"{', '.join(sources)}; add clips of other contents"
    )


@st.composite
def tables(draw):
    """Rows of sorted sources, and a number of folds that cannot leave a single one to train on."""
    n_rows = draw(st.lists(st.integers(1, 500), min_size=4, max_size=40))
    names = [f"S{number:02d}" for number in range(len(n_rows))]
    return names, n_rows, draw(st.integers(3, len(n_rows)))


@given(tables())
def test_whole_sources_are_put_into_balanced_folds(table):
    names, n_rows, k = table
    folds = make_folds(names, n_rows=n_rows, k=k)
    assert len(folds) == len({fold.name for fold in folds}) == k
    held = [position for fold in folds for position in fold.positions]
    assert sorted(held) == list(range(len(names)))
    for fold in folds:
        assert fold.sources == tuple(names[position] for position in fold.positions)
        assert list(fold.positions) == sorted(fold.positions)
    load = [sum(n_rows[position] for position in fold.positions) for fold in folds]
    assert max(load) - min(load) <= max(n_rows)
    assert folds == make_folds(names, n_rows=n_rows, k=k)
    of_source = fold_of_sources(folds)
    assert all(position in folds[of_source[position]].positions for position in held)


@given(tables())
def test_as_many_folds_as_sources_is_leave_one_source_out(table):
    names, n_rows, _ = table
    assert make_folds(names, n_rows=n_rows, k=len(names)) == leave_one_source_out(names)
    assert make_folds(names, n_rows=n_rows) == leave_one_source_out(names)


@pytest.mark.parametrize("k", [-1, 0, 1, 5])
def test_a_number_of_folds_that_cannot_be(k):
    with pytest.raises(SplitError) as caught:
        make_folds(["A", "B", "C", "D"], n_rows=[1, 1, 1, 1], k=k)
    assert str(caught.value) == (f"{k} folds: expected 2 to 4, as many as this table has sources")


def test_a_fold_that_leaves_one_source_to_train_on():
    with pytest.raises(SplitError) as caught:
        make_folds(["A", "B", "C", "D"], n_rows=[90, 1, 1, 1], k=2)
    assert str(caught.value) == (
        "2 folds: one would hold 3 of 4 sources and leave one to train on; use more folds"
    )
