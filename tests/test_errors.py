# SPDX-License-Identifier: Apache-2.0
import pickle
import re

import pytest

from tinyvmaf import errors
from tinyvmaf.errors import DataError, ModelError, TinyVmafError, ToolFailed, UsageError


def tree(kind):
    return [kind, *(one for child in kind.__subclasses__() for one in tree(child))]


TREE = [kind for kind in tree(TinyVmafError) if kind.__module__ == errors.__name__]


def test_the_docstring_draws_the_whole_tree():
    drawn = re.findall(r"^[│├└─ ]*(\w+)", errors.__doc__, flags=re.MULTILINE)
    assert {kind.__name__ for kind in TREE} <= set(drawn)


@pytest.mark.parametrize("kind", TREE)
def test_an_error_survives_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("what failed")))  # noqa: S301 (made one call before)
    assert type(error) is kind
    assert str(error) == "what failed"


def test_the_fields_of_a_failed_tool_survive_too():
    error = ToolFailed("it broke", command=["a", "b"], returncode=3, stderr_tail="why")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.command, copy.returncode, copy.stderr_tail) == (("a", "b"), 3, "why")


def test_wrong_input_is_a_value_error_and_exit_status_2():
    for kind in (UsageError, DataError, ModelError):
        assert issubclass(kind, ValueError)
        assert kind.exit_status == 2
    assert ToolFailed("x").exit_status == 1


def test_a_message_is_one_printable_line_whatever_it_quotes():
    assert str(UsageError("a\nb\x1b[31m\u2028\udcff é")) == r"a\nb\x1b[31m\u2028\udcff é"
    assert str(UsageError("a" * 10**6)) == "a" * 4000 + "..."
