# SPDX-License-Identifier: Apache-2.0
"""Things made from installed packages are made once, and again when they were damaged."""

import pytest

from tinyvmaf.kept import kept_folder, kept_text, processor


@pytest.fixture
def make(monkeypatch, tmp_path):
    """A maker of texts that counts its calls, with a cache of its own."""
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path))
    calls = []

    def make():
        calls.append(1)
        return "a text, with a line\nof its own \N{EN DASH}"

    make.calls = calls
    return make


def kept(make):
    return kept_text(make, package="numpy", name="n")


def test_a_text_is_made_once(make):
    assert [kept(make) for _ in range(3)] == [make()] * 3
    assert len(make.calls) == 2


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"0" * 64 + b"\nanother text"])
def test_a_damaged_text_is_made_again(make, tmp_path, damage):
    kept(make)
    (path,) = (tmp_path / "made" / "texts").iterdir()
    path.write_bytes(damage)
    assert kept(make) == make()
    assert kept(make) == make()
    assert len(make.calls) == 4


@pytest.mark.parametrize("place", ["s3://bucket/cache", "/dev/null/cache"])
def test_without_a_local_cache_it_is_made_every_time(make, monkeypatch, place):
    monkeypatch.setenv("TINYVMAF_CACHE", place)
    assert kept_folder("texts") is None
    assert kept(make) == kept(make)
    assert len(make.calls) == 2


def test_a_processor_has_one_name():
    assert processor() == processor()
    assert len(processor()) == 12
