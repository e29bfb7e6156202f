# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SplitError
from tinyvmaf.evaluation.folds import leave_one_source_out


@given(st.lists(st.text(min_size=1), min_size=3, max_size=12, unique=True))
def test_folds_cover_every_source_once(sources):
    folds = leave_one_source_out(sorted(sources))
    assert [fold.source for fold in folds] == sorted(sources)
    assert [fold.index for fold in folds] == list(range(len(sources)))


@pytest.mark.parametrize("sources", [["Tennis"], ["FoxBird", "Tennis"]])
def test_too_few_sources_are_refused_by_name(sources):
    with pytest.raises(SplitError) as caught:
        leave_one_source_out(sources)
    assert str(caught.value) == (
        f"leave-one-source-out needs at least 3 sources, this table has {len(sources)}: "
        f"{', '.join(sources)}; add clips of other contents"
    )
