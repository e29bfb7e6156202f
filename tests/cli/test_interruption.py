# SPDX-License-Identifier: Apache-2.0
"""What is left when an extraction or a build is stopped, and what the next one does."""

import json
import signal
import time

import psutil
import pytest

from tinyvmaf.features.table import read_table

pytestmark = pytest.mark.ffmpeg


@pytest.fixture(scope="module")
def quick_and_slow(tmp_path_factory, moving, make_video):
    """A manifest of four pairs: two take no time at all, two much longer than any test waits."""
    folder = tmp_path_factory.mktemp("interruption")
    lines = ["source,clip,reference,distorted"]
    for source, frames, size in (("quick", 4, "192x108"), ("slow", 250, "640x360")):
        reference = moving(folder / f"{source}.mkv", "-c:v", "ffv1", frames=frames, size=size)
        for crf in (30, 40):
            encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", crf]
            clip = make_video(folder / f"{source}{crf}.mp4", "-i", reference, *encode)
            lines.append(f"{source},{clip.stem},{reference},{clip}")
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("TINYVMAF_CACHE", str(folder))
    return folder


def children(process):
    """The ffmpegs that the process runs, once there are some."""
    for _ in range(3000):
        found = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if "ffmpeg" in child.name()
        ]
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("no ffmpeg was started")


def wait_for_entries(cache, number):
    """Wait until so many pairs are in the cache, whole."""
    for _ in range(6000):
        entries = [path for path in cache.glob("runs/*/*") if not path.name.startswith(".")]
        if len(entries) >= number:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {number} pairs were computed")


def gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=30)
    return not alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_ffmpeg_and_leaves_nothing_half_written(
    program, quick_and_slow, cache, ffmpeg, tmp_path, number, monkeypatch
):
    # Left alone, the slow pairs would end long after the test has given up.
    patient = tmp_path / "ffmpeg"
    patient.write_text(
        f'#!/bin/sh\ncase "$*" in *slow*) sleep 100 ;; *) exec {ffmpeg.path} "$@" ;; esac\n'
    )
    patient.chmod(0o755)
    monkeypatch.setenv("TINYVMAF_FFMPEG", str(patient))
    table = tmp_path / "t.parquet"
    process = program.start("extract", quick_and_slow, "-o", table, "--jobs", 3)
    wait_for_entries(cache, 2)
    running = children(process)
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert time.monotonic() - started < 60
    assert process.returncode == 128 + number
    assert (out, err) == ("", "tinyvmaf: interrupted; what was finished is kept\n")
    assert gone(running)
    assert not table.exists()
    assert list(tmp_path.rglob("*.part")) == []


def test_a_second_impatient_signal_does_not_leave_ffmpeg_behind(
    program, quick_and_slow, cache, tmp_path
):
    process = program.start("extract", quick_and_slow, "-o", tmp_path / "t.parquet")
    running = children(process)
    for _ in range(30):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == "tinyvmaf: interrupted; what was finished is kept\n"
    assert gone(running)


def test_nohup_is_obeyed(program, quick_and_slow, cache, tmp_path):
    """A terminal that closes does not end what was started with `nohup`."""

    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = program.start("extract", quick_and_slow, "-o", tmp_path / "t", preexec_fn=nohup)
    children(process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)


@pytest.mark.slow
def test_after_kill_9_only_unfinished_pairs_are_computed_and_the_table_is_the_same(
    program, tiny_corpus, quick_and_slow, cache, tmp_path, monkeypatch
):
    """Nothing cleans up after that signal: what is whole in the cache counts, all else is new."""
    # The tiny corpus, and one pair that is still running when the others are done.
    root = tmp_path / "corpus"
    root.mkdir()
    rows = (tiny_corpus / "corpus.csv").read_text().splitlines()
    columns = rows[0].split(",")
    assert columns[:4] == ["source", "clip", "reference", "distorted"]
    lines = ["source,clip,reference,distorted"]
    for row in rows[1:]:
        source, clip, reference, distorted = row.split(",")[:4]
        lines.append(f"{source},{clip},{tiny_corpus / reference},{tiny_corpus / distorted}")
    lines.append(f"slow,slow30,{quick_and_slow / 'slow.mkv'},{quick_and_slow / 'slow30.mp4'}")
    (root / "corpus.csv").write_text("\n".join(lines) + "\n")
    n_pairs = len(lines) - 1

    table = tmp_path / "t.parquet"
    process = program.start("extract", root, "-o", table, "--jobs", 2)
    wait_for_entries(cache, 4)
    orphans = children(process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert gone(orphans)
    assert not table.exists()
    finished = len([path for path in cache.glob("runs/*/*") if not path.name.startswith(".")])
    assert 4 <= finished < n_pairs

    done = program.run("extract", root, "-o", table, "--json")
    record = json.loads(done.stdout)
    assert (done.status, record["cached"], record["computed"]) == (0, finished, n_pairs - finished)

    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "another-cache"))
    uninterrupted = tmp_path / "uninterrupted.parquet"
    whole = json.loads(program.run("extract", root, "-o", uninterrupted, "--json").stdout)
    assert (whole["cached"], whole["computed"]) == (0, n_pairs)
    assert whole["sha256"] == record["sha256"]
    assert read_table(table).rows.equals(read_table(uninterrupted).rows)


def test_a_build_that_is_interrupted_goes_on(program, moving, tmp_path):
    source = moving(tmp_path / "source.mkv", "-c:v", "ffv1", frames=120, size="640x360")
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(
        '[[rung]]\nencoder = "libx264"\nheights = [0.25]\ncrf = [40]\n'
        '[[rung]]\nencoder = "libx265"\ncrf = [10]\n'
    )
    made = tmp_path / "made"
    call = ["corpus", "build", source, "-o", made, "--ladder", ladder, "--jobs", 1]
    process = program.start(*call)
    for _ in range(6000):
        if (made / "corpus.csv").exists():
            break
        time.sleep(0.02)
    running = children(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert gone(running)
    assert [path.name for path in (made / "dis").iterdir()] == ["source_libx264_90p_crf40.mp4"]
    rows = (made / "corpus.csv").read_text().splitlines()
    assert len(rows) == 2
