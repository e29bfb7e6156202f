# SPDX-License-Identifier: Apache-2.0
"""One content has one name; nothing else becomes two folds."""

import pytest

from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import SplitError

CURE = "; a fold would be trained on what it holds out: give one content one name"


@pytest.mark.parametrize("twin", [" s ", "s\u00a0", "s\t"])
def test_names_that_differ_by_blanks(twin):
    with pytest.raises(SplitError) as caught:
        refuse_twins(["s", twin, "other"])
    first, second = (ascii(name) for name in sorted(["s", twin]))
    assert (
        ascii(str(caught.value))
        .replace("\\\\", "\\")[1:-1]
        .startswith(f"sources {first} and {second} differ by blanks or by the encoding")
    )


def test_names_that_are_encoded_in_two_ways():
    with pytest.raises(SplitError):
        refuse_twins(["Caf\u00e9", "Cafe\u0301"])


def test_one_reference_of_two_sources():
    with pytest.raises(SplitError) as caught:
        refuse_twins(["a", "b"], references={"a": ("0" * 32, "1" * 32), "b": ("1" * 32,)})
    assert str(caught.value) == (
        f"sources 'a' and 'b' have the same reference (content {'1' * 12}){CURE}"
    )


def test_several_references_of_one_source_are_no_leak():
    refuse_twins(["a", "A", "a b"], references={"a": ("0" * 32, "1" * 32), "A": ("2" * 32,)})
