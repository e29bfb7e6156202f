# SPDX-License-Identifier: Apache-2.0
import fcntl
import io
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import UsageError
from tinyvmaf.features.cache import Cache, DamagedEntry, cache_key, open_cache
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.provenance import sha256

LOG = {"adm2": np.array([0.1, 0.2]), "vmaf": np.array([1.0, 2.0])}
LONG = {"adm2": np.linspace(0, 1, 3000), "vmaf": np.linspace(0, 100, 3000)}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def entries(cache):
    return sorted((cache.folder / "runs").rglob("*/*"))


def in_parts(log, n_frames):
    """The log in parts of so many frames."""
    for start in range(0, len(log["vmaf"]), n_frames):
        yield {name: values[start : start + n_frames] for name, values in log.items()}


def joined(parts):
    parts = list(parts)
    assert all(len(part["vmaf"]) <= 1024 for part in parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_equal(found, log):
    assert list(found) == list(log)
    for name, values in log.items():
        np.testing.assert_array_equal(found[name], values)


def test_what_was_stored_comes_back(cache):
    assert not cache.holds("0" * 64)
    for log in (LOG, LONG):
        cache.store("0" * 64, [log])
        assert cache.holds("0" * 64)
        check_equal(joined(cache.load("0" * 64)), log)
    assert not cache.holds("1" * 64)


def test_an_entry_does_not_tell_in_what_parts_it_came(cache):
    for number, n_frames in enumerate((3000, 1024, 7)):
        cache.store(str(number) * 64, in_parts(LONG, n_frames))
    assert len({path.read_bytes() for path in entries(cache)}) == 1


@pytest.mark.parametrize("log", [LOG, LONG])
def test_an_entry_of_the_first_version_is_read(cache, log):
    body = io.BytesIO()
    np.savez_compressed(body, **log)
    path = cache.folder / "runs" / "00" / ("0" * 64)
    path.parent.mkdir(parents=True)
    head = f"tinyvmaf.cache/1 {sha256(body.getvalue())}\n".encode()
    path.write_bytes(head + body.getvalue())
    assert cache.holds("0" * 64)
    check_equal(joined(cache.load("0" * 64)), log)


@pytest.mark.parametrize("gone", [True, False])
def test_what_is_lost_while_it_is_in_use_is_told(cache, gone):
    cache.store("0" * 64, [LOG])
    (path,) = entries(cache)
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UsageError) as caught:
        next(cache.load("0" * 64))
    assert str(caught.value) == (
        f"the cache entry {path} is gone or damaged since it was made; run the same command again "
        "(workers of a cluster share one cache)"
    )


@given(data=st.data())
def test_damage_of_any_kind_is_noticed(tmp_path_factory, data):
    cache = Cache(tmp_path_factory.getbasetemp() / "damaged-cache")
    cache.store("0" * 64, [LOG])
    (path,) = entries(cache)
    whole = path.read_bytes()
    if data.draw(st.booleans(), label="cut"):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        position = data.draw(st.integers(0, len(whole) - 1))
        flipped = bytearray(whole)
        flipped[position] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(flipped)
    with pytest.raises(DamagedEntry):
        cache.holds("0" * 64)


def test_the_key_depends_on_every_part_and_not_on_their_order():
    assert cache_key({"a": 1, "b": [2]}) == cache_key({"b": [2], "a": 1})
    assert cache_key({"a": 1, "b": [2]}) != cache_key({"a": 1, "b": [3]})


def test_a_hash_is_that_of_the_content(cache, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"same")
    second.write_bytes(b"same")
    assert cache.content_hash(first) == cache.content_hash(second)
    second.write_bytes(b"else")
    assert cache.content_hash(first) != cache.content_hash(second)


def test_a_file_that_changed_is_hashed_again_even_if_its_size_and_time_did_not(cache, tmp_path):
    path = tmp_path / "video"
    path.write_bytes(b"before")
    stat = path.stat()
    before = cache.content_hash(path)
    path.write_bytes(b"after!")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.content_hash(path) != before


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"state": 3}', '{"hash": "0"}'])
def test_a_damaged_memory_of_a_hash_only_costs_time(cache, tmp_path, text):
    path = tmp_path / "video"
    path.write_bytes(b"content")
    expected = cache.content_hash(path)
    (memo,) = (cache.folder / "hashes").iterdir()
    memo.write_text(text)
    assert cache.content_hash(path) == expected


def test_the_folder_is_the_named_one_that_of_the_environment_or_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "environment"))
    assert open_cache(tmp_path / "named").folder == tmp_path / "named"
    assert open_cache().folder == tmp_path / "environment"
    monkeypatch.delenv("TINYVMAF_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert open_cache().folder == tmp_path / "xdg" / "tinyvmaf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_cache().folder == tmp_path / ".cache" / "tinyvmaf"
    monkeypatch.setattr("sys.platform", "darwin")
    assert open_cache().folder == tmp_path / "Library" / "Caches" / "tinyvmaf"


def test_what_a_killed_process_was_writing_goes_away_and_what_is_being_written_stays(cache):
    cache.store("0" * 64, [LOG])
    shard, hashes = cache.folder / "runs" / "00", cache.folder / "hashes"
    hashes.mkdir()
    left = [shard / ".killed.part", hashes / ".killed.part"]
    for path in [*left, shard / ".writing.part"]:
        path.write_text("half")
    with (shard / ".writing.part").open() as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        open_cache(cache.folder)
    assert not any(path.exists() for path in left)
    assert (shard / ".writing.part").exists()
    assert cache.holds("0" * 64)


STORING = """
import sys, time
from pathlib import Path
import numpy as np
from tinyvmaf.features.cache import Cache

def parts():
    yield {"vmaf": np.zeros(9)}
    print("writing", flush=True)
    time.sleep(60)

Cache(Path(sys.argv[1])).store("0" * 64, parts())
"""


def test_a_writer_that_is_killed_leaves_nothing_after_the_next_command(cache):
    command = [sys.executable, "-c", STORING, cache.folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        assert open_cache(cache.folder) == cache
        assert len(list(cache.folder.rglob("*.part"))) == 1
        writer.kill()
    open_cache(cache.folder)
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot use the cache .*file/x: .*TINYVMAF_CACHE"):
        open_cache(tmp_path / "file" / "x")
    cache = Cache(tmp_path / "file")
    with pytest.raises(UsageError, match=r"the cache is not writable \(.*TINYVMAF_CACHE"):
        cache.store("0" * 64, [LOG])
    with pytest.raises(UsageError, match="cannot read the cache entry"):
        cache.holds("0" * 64)


@pytest.mark.ffmpeg
def test_the_second_run_computes_nothing_wherever_the_files_are(
    score, cache, reference, distorted, tmp_path
):
    first = score((reference, distorted), cache=cache)
    assert (first.n_computed, first.n_cached) == (1, 0)
    moved = [tmp_path / f"moved-{path.name}" for path in (reference, distorted)]
    for path, target in zip((reference, distorted), moved, strict=True):
        target.write_bytes(path.read_bytes())
    second = score(tuple(moved), cache=cache)
    assert (second.n_computed, second.n_cached) == (0, 1)
    assert second.table.rows.equals(first.table.rows)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_entry_is_computed_again_and_said(
    score, cache, reference, distorted, watcher, damage
):
    first = score((reference, distorted), cache=cache)
    (path,) = entries(cache)
    whole = bytearray(path.read_bytes())
    flipped = bytes([*whole[:-1], whole[-1] ^ 1])
    path.write_bytes({"cut": bytes(whole[:-40]), "flipped": flipped, "empty": b""}[damage])
    again = score((reference, distorted), cache=cache)
    assert watcher.notes == [f"source/clip0: damaged cache entry {path}, computing again"]
    assert (again.n_computed, again.n_cached) == (1, 0)
    assert again.table.rows.equals(first.table.rows)
    assert path.read_bytes() == bytes(whole)


@pytest.mark.ffmpeg
def test_everything_that_changes_the_result_changes_the_key(
    score, cache, reference, distorted, folder, make_video, ffmpeg
):
    """Each call differs from the first in one thing, and must not find its entry."""
    fewer = make_video(folder / "fewer.mp4", "-i", distorted, "-frames:v", 4, "-crf", 30)
    deep = make_video(folder / "deep.mkv", "-i", distorted, "-pix_fmt", "yuv420p10le")
    older = FfmpegEngine(replace(ffmpeg, libvmaf="3.1.0"))
    other = FfmpegEngine(replace(ffmpeg, version="9.0.1"))
    pair = (reference, distorted)
    calls = [
        {"pairs": pair},
        {"pairs": pair[::-1]},
        {"pairs": (distorted, distorted)},
        {"pairs": pair, "teacher": "vmaf_v0.6.1neg"},
        {"pairs": pair, "engine": older},
        {"pairs": pair, "engine": other},
        {"pairs": (reference, fewer), "allowed": {Allowance.FRAME_COUNT}},
        {"pairs": (reference, deep)},
    ]
    for number, call in enumerate(calls, 1):
        pairs = call.pop("pairs")
        assert score(pairs, cache=cache, **call).n_computed == 1
        assert len(entries(cache)) == number
        assert score(pairs, cache=cache, **call).n_cached == 1


@pytest.mark.ffmpeg
def test_raw_video_of_another_geometry_is_another_video(
    score, cache, folder, make_video, distorted
):
    path = make_video(folder / "geometry.yuv", "-i", distorted, "-f", "rawvideo")
    for number, (width, height) in enumerate([(192, 108), (108, 192), (96, 216)], 1):
        video = Video(path, RawFormat(width, height))
        found = score((video, video), cache=cache, allowed={Allowance.GEOMETRY})
        assert found.n_computed == 1
        assert len(entries(cache)) == number


@pytest.mark.ffmpeg
def test_what_does_not_change_the_result_does_not_change_the_key(
    score, cache, reference, distorted
):
    score((reference, distorted), cache=cache)
    # Damaged videos are decoded in one thread, which is another way to score.
    allowed = frozenset(Allowance) - {Allowance.DAMAGED}
    assert score((reference, distorted), cache=cache, allowed=allowed).n_cached == 1
    assert score((reference, distorted), cache=cache, feature_set="all").n_cached == 1


def test_an_entry_appears_whole_or_not_at_all(cache):
    """As after `kill -9` while it is written: half a file never stands under its name."""

    def torn():
        yield LONG
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.store("0" * 64, torn())
    assert not cache.holds("0" * 64)
    assert entries(cache) == []
