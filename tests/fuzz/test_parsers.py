# SPDX-License-Identifier: Apache-2.0
"""Any bytes give a value or one line that names the file; and what a fuzzer once found."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS, check

BY_NAME = {parser.name: parser for parser in PARSERS}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def damaged(seeds, tokens):
    """A file that was good: pieces of it cut out, doubled, overwritten."""
    piece = st.one_of(st.sampled_from([b"", *tokens]), st.binary(max_size=8))
    where = st.floats(0, 1)
    edit = st.tuples(where, st.integers(0, 12), piece)

    def apply(data, edits):
        for at, n_cut, new in edits:
            start = round(at * len(data))
            data = data[:start] + new + data[start + n_cut :]
        return data

    whole = st.builds(apply, st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=4))
    cut = st.builds(lambda data, at: data[: round(at * len(data))], st.sampled_from(seeds), where)
    return st.one_of(whole, whole, whole, cut, st.binary(max_size=64))


@pytest.mark.parametrize("name", BY_NAME)
def test_a_parser_takes_its_seeds(name, place):
    parser = BY_NAME[name]
    if name != "run":  # its tables are not there
        for data in parser.seeds(place):
            assert check(parser, data, place) is not None


@pytest.mark.parametrize("name", BY_NAME)
def test_any_bytes_give_a_value_or_one_line(name, place):
    parser = BY_NAME[name]

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(data=damaged(parser.seeds(place), parser.tokens))
    def attack(data):
        check(parser, data, place)

    attack()


DEEP = b"[" * 100_000
HUGE = b"9" * 400
MANIFEST = b"source,reference,distorted,width,height,fps\na,a.yuv,b.yuv,"

FOUND = {
    "log nested too deeply": ("libvmaf log, JSON", b'{"frames": ' + DEEP),
    "number that is not a float": (
        "libvmaf log, JSON",
        b'{"frames": [{"metrics": {"vmaf": ' + HUGE + b'}, "frameNum": 0}]}',
    ),
    "true for a number": (
        "libvmaf log, JSON",
        b'{"frames": [{"metrics": {"vmaf": true}, "frameNum": 0}]}',
    ),
    "ladder nested too deeply": ("ladder", b"rung = " + DEEP),
    "height that is not a float": (
        "ladder",
        b'[[rung]]\nencoder = "libx264"\ncrf = [1]\nheights = [' + HUGE + b"]",
    ),
    "rate that takes all memory": ("manifest", MANIFEST + b"4,4,1e999999999\n"),
    "size that cannot be printed": ("manifest", MANIFEST + HUGE * 12 + b",4,25\n"),
    "line ends in a column": ("manifest", b"source,clip,ref\x01\x0cdistorted\na,b,c\n"),
    "colours of a terminal in a key": ("recipe", b'"a\\u001b[31m\\nb" = 1'),
    "run that is not a record": ("run", b"null"),
    "run nested too deeply": ("run", DEEP),
    "blank lines": ("signal log", b"\n\n"),
    "table that asks for all memory": (
        "feature table",
        Path(__file__).with_name("crashes_polars.parquet").read_bytes(),
    ),
    "a megabyte in a key": ("recipe", b'"' + b"a" * 1_000_000 + b'" = 1'),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_is_refused_now(case, place):
    name, data = FOUND[case]
    assert check(BY_NAME[name], data, place) is None
