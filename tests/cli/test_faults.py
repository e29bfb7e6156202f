# SPDX-License-Identifier: Apache-2.0
"""Faults that really happen; after each, run again, and the table equals the undisturbed one."""

import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.ffmpeg


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, moving, make_video):
    """Two sources, one of them quick, with three clips each; the manifest's folder."""
    folder = tmp_path_factory.mktemp("faults")
    lines = ["source,clip,reference,distorted"]
    for source, frames, size in (("quick", 6, "192x108"), ("slow", 40, "640x360")):
        reference = moving(folder / f"{source}.mkv", "-c:v", "ffv1", frames=frames, size=size)
        for crf in (25, 35, 45):
            encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", crf]
            clip = make_video(folder / f"{source}{crf}.mp4", "-i", reference, *encode)
            lines.append(f"{source},{clip.stem},{reference.name},{clip.name}")
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed(pairs, tmp_path_factory):
    """The bytes of the table that nothing disturbed."""
    from tests.cli.conftest import run_program

    folder = tmp_path_factory.mktemp("undisturbed")
    env = {**os.environ, "TINYVMAF_CACHE": str(folder / "cache")}
    done = run_program("extract", pairs, "-o", folder / "t.parquet", env=env)
    assert done.status == 0
    return (folder / "t.parquet").read_bytes()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where cache and scratch of a test lie; nothing may be left in the scratch folder."""
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    return tmp_path


def entries(place):
    return sorted(path for path in place.glob("cache/runs/*/*") if path.suffix == "")


def wait_for_entries(place, number):
    for _ in range(12000):
        if len(entries(place)) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"fewer than {number} pairs were computed")


def programs(process):
    """The ffmpegs that the process runs, once there are some."""
    for _ in range(12000):
        found = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "ffmpeg" in child.name()
        ]
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("no ffmpeg was started")


def leftovers(place):
    return [*place.rglob("*.part"), *(place / "scratch").iterdir()]


def hanging(place, ffmpeg, *, when):
    """An ffmpeg that talks but makes no frame if `when` is among its arguments."""
    wrapper = place / "ffmpeg"
    talk = "while :; do echo frame=3; echo speed=$$x; sleep 0.1; done"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *"{when}"*) {talk} ;; *) exec {ffmpeg.path} "$@" ;; esac\n'
    )
    wrapper.chmod(0o755)
    return wrapper


def again(program, pairs, place, undisturbed):
    """Run once more: the table is the undisturbed one, and nothing is left behind."""
    done = program.run("extract", pairs, "-o", place / "t.parquet", "--json")
    assert (done.status, done.stderr) == (0, "")
    assert (place / "t.parquet").read_bytes() == undisturbed
    assert leftovers(place) == []
    return json.loads(done.stdout)


@pytest.mark.slow
def test_an_ffmpeg_that_is_killed_is_run_again(program, pairs, place, undisturbed):
    process = program.start("extract", pairs, "-o", place / "t.parquet", "--jobs", 1)
    wait_for_entries(place, 1)
    programs(process)[0].kill()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert (place / "t.parquet").read_bytes() == undisturbed


def test_kill_9_of_the_command(program, pairs, place, undisturbed):
    """Its ffmpegs end without help; what they had in hand is cleaned up by the next command."""
    process = program.start("extract", pairs, "-o", place / "t.parquet", "--jobs", 2)
    wait_for_entries(place, 1)
    running = programs(process)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(running, timeout=30)[1] == []
    assert len(list((place / "scratch").iterdir())) >= 1
    assert not (place / "t.parquet").exists()
    assert again(program, pairs, place, undisturbed)["cached"] >= 1


@pytest.mark.parametrize("engine", ["local", pytest.param("cluster", marks=pytest.mark.slow)])
def test_a_clip_that_hangs_is_given_up_however_much_ffmpeg_talks(
    program, pairs, place, undisturbed, ffmpeg, monkeypatch, engine
):
    monkeypatch.setenv("TINYVMAF_FFMPEG", str(hanging(place, ffmpeg, when="quick35.mp4")))
    options = ["--jobs", 2] if engine == "local" else ["--cluster", "local:2"]
    call = ["extract", pairs, "-o", place / "t.parquet", "--timeout", 2]
    done = program.run(*call, *options, timeout=60)
    assert done.status == 3
    said = "failed: quick/quick35: ffmpeg made no progress for 2 s and was ended"
    assert done.lines == [said]
    assert leftovers(place) == []
    monkeypatch.delenv("TINYVMAF_FFMPEG")
    record = again(program, pairs, place, undisturbed)
    assert (record["computed"], record["cached"]) == (1, 5)


def test_an_encoder_that_hangs_is_given_up(program, pairs, place, ffmpeg, monkeypatch):
    monkeypatch.setenv("TINYVMAF_FFMPEG", str(hanging(place, ffmpeg, when="crf 40")))
    ladder = place / "ladder.toml"
    ladder.write_text('[[rung]]\nencoder = "libx264"\ncrf = [30, 40]\n')
    made = place / "made"
    call = ["corpus", "build", pairs / "quick.mkv", "-o", made, "--ladder", ladder]
    done = program.run(*call, "--timeout", 2, timeout=60)
    said = "failed: quick/libx264_108p_crf40: ffmpeg made no progress for 2 s and was ended"
    assert (done.status, done.lines) == (3, [said])
    assert [path.name for path in (made / "dis").iterdir()] == ["quick_libx264_108p_crf30.mp4"]


@pytest.mark.parametrize("text", ["0", "-1", "nan"])
def test_a_timeout_that_is_none(tinyvmaf, pairs, place, text):
    done = tinyvmaf("extract", pairs, "-o", place / "t", "--timeout", text)
    assert done.status == 2
    assert done.lines == [f"tinyvmaf: --timeout {text}: expected more than 0 seconds"]


def test_a_pipe_that_nobody_writes_into_is_refused_at_once(program, pairs, place):
    os.mkfifo(place / "clip.mp4")
    (place / "corpus.csv").write_text(
        f"source,reference,distorted\na,{pairs / 'quick.mkv'},clip.mp4\n"
    )
    done = program.run("extract", place, "-o", place / "t.parquet", timeout=120)
    assert done.status == 2
    assert "clip.mp4: is not a regular file; save the video to a file first" in done.stderr


@pytest.mark.slow
def test_every_way_in_which_a_cache_entry_can_be_wrong(program, pairs, place, undisturbed):
    again(program, pairs, place, undisturbed)
    found = entries(place)
    whole = [path.read_bytes() for path in found]
    flipped = bytes([*whole[1][:-9], whole[1][-9] ^ 4, *whole[1][-8:]])
    older = whole[3].replace(b"tinyvmaf.cache/2", b"tinyvmaf.cache/0")
    for path, data in zip(found, [whole[0][:99], flipped, b"", older, b"\n"], strict=False):
        path.write_bytes(data)
    done = program.run("extract", pairs, "-o", place / "t.parquet", "--json")
    assert done.status == 0
    assert len(done.lines) == 5
    assert all("damaged cache entry" in line for line in done.lines)
    assert json.loads(done.stdout)["computed"] == 5
    assert (place / "t.parquet").read_bytes() == undisturbed
    assert [path.read_bytes() for path in found] == whole
    assert again(program, pairs, place, undisturbed)["computed"] == 0


@pytest.mark.slow
def test_a_corrupt_table_is_refused_and_made_again(program, pairs, place, undisturbed):
    table = place / "t.parquet"
    again(program, pairs, place, undisturbed)
    for damage in (undisturbed[:-60], undisturbed[:99] + b"\0" + undisturbed[100:], b""):
        table.write_bytes(damage)
        done = program.run("evaluate", table, "tinyvmaf_small_v1")
        assert done.status == 2
        assert len(done.lines) == 1
        assert again(program, pairs, place, undisturbed)["computed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("full", ["cache", "scratch", "output"])
def test_a_disk_that_is_full(program, pairs, place, undisturbed, lacking, full):
    small = place / full
    small.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        lacking("mounting a small disk, as root; test_extract has limits on files instead")
    table = small / "t.parquet" if full == "output" else place / "t.parquet"
    try:
        done = program.run("extract", pairs, "-o", table, timeout=120)
        if full == "scratch":  # libvmaf does not say that its log was cut short; we notice
            assert done.status in {2, 3}  # two such logs at once leave room for none
            assert done.lines
            assert all(line.startswith(("failed: ", "tinyvmaf: ")) for line in done.lines)
        else:
            assert done.status == 2
            assert "No space left on device" in done.stderr
            assert not table.exists()
        assert list(place.rglob("*.part")) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)  # noqa: S607 (as `mount` above)
    again(program, pairs, place, undisturbed)


@pytest.mark.slow
def test_a_clock_that_jumps(program, pairs, place, undisturbed, ffmpeg, lacking):
    """Eight years forth and back in the middle: limits and caches know no wall clock."""
    found = find_spec("libfaketime")
    if found is None or found.origin is None:
        lacking("a clock to turn: pip install libfaketime, which is there for Linux")
    libraries = Path(found.origin).parent.rglob("libfaketime*.so*")
    clock, wrapper, jumped = place / "clock", place / "ffmpeg", place / "jumped"
    clock.write_text("+0")
    # A pair that is still running when the clock jumps, and when the limit is looked at again.
    wrapper.write_text(
        '#!/bin/sh\ncase "$*" in *slow35*)\n'
        f"while [ ! -e {jumped} ]; do sleep 0.1; done; sleep 3 ;; esac\n"
        f'exec {ffmpeg.path} "$@"\n'
    )
    wrapper.chmod(0o755)
    env = {
        **os.environ,
        "LD_PRELOAD": str(next(libraries)),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TINYVMAF_FFMPEG": str(wrapper),
    }
    call = ["extract", pairs, "-o", place / "t.parquet", "--jobs", 2, "--timeout", 60]
    process = program.start(*call, env=env)
    wait_for_entries(place, 5)
    clock.write_text("+3000d")
    told = [sys.executable, "-c", "import time; print(time.time())"]
    shown = subprocess.run(told, env=env, capture_output=True, check=True).stdout
    assert float(shown) > time.time() + 2e8
    jumped.touch()
    time.sleep(2.5)
    clock.write_text("-3000d")
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert (place / "t.parquet").read_bytes() == undisturbed
    assert again(program, pairs, place, undisturbed)["computed"] == 0


@pytest.mark.slow
def test_files_from_the_future_and_the_past(program, pairs, place, undisturbed):
    """A file's time says whether to look at it again, and nothing more."""
    copy = place / "copy"
    shutil.copytree(pairs, copy)
    again(program, copy, place, undisturbed)
    for number, path in enumerate(sorted(copy.iterdir())):
        os.utime(path, (0, 0) if number % 2 else (2**33, 2**33))
    assert again(program, copy, place, undisturbed)["computed"] == 0
