# SPDX-License-Identifier: Apache-2.0
"""The same commands on this machine and on a real Dask cluster, disturbed and undisturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

N_SOURCES, CRFS = 8, (18, 22, 26, 30, 34, 38, 42, 46)
N_PAIRS = N_SOURCES * len(CRFS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, moving, make_video):
    """64 pairs of 12 frames."""
    folder = tmp_path_factory.mktemp("sixty-four")

    def make(number):
        look = ("-vf", f"hue=h={45 * number}:s={1 + number / 4}", "-c:v", "ffv1")
        reference = moving(folder / f"s{number}.mkv", *look, frames=12)
        arguments = []
        for crf in CRFS:
            clip = folder / f"s{number}_{crf}.mp4"
            encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", crf, f"file:{clip}"]
            arguments += encode
        make_video(folder / f"s{number}.mp4", "-i", reference, "-y", *arguments, "-c:v", "mpeg4")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(N_SOURCES)))
    lines = ["source,clip,reference,distorted"]
    lines += [
        f"s{number},crf{crf},s{number}.mkv,s{number}_{crf}.mp4"
        for number in range(N_SOURCES)
        for crf in CRFS
    ]
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed(corpus, tmp_path_factory):
    """What the local pool makes of it: the record, and the bytes of the table."""
    table = tmp_path_factory.mktemp("undisturbed") / "t.parquet"
    return extract(corpus, table, table.parent / "cache"), table.read_bytes()


def command(corpus, table, *options):
    call = ["extract", corpus, "-o", table, "--json", *options]
    return [sys.executable, "-m", "tinyvmaf", *map(str, call)]


def environment(cache):
    return {**os.environ, "TINYVMAF_CACHE": str(cache)}


def extract(corpus, table, cache, *options):
    done = subprocess.run(
        command(corpus, table, *options), env=environment(cache), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def start(corpus, table, cache, *options, **more):
    return subprocess.Popen(
        command(corpus, table, *options),
        env=environment(cache),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def wait_for_entries(cache, number):
    for _ in range(6000):
        if len([path for path in cache.glob("runs/*/*") if path.suffix == ""]) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"fewer than {number} pairs were computed")


def workers(process):
    """The worker processes of `--cluster local:N`."""
    return [child for child in family(process) if _is_worker(child)]


def _is_worker(child):
    try:
        return any("spawn_main" in part for part in child.cmdline())
    except psutil.NoSuchProcess:  # A short-lived one: an ffprobe that is done.
        return False


def is_idle(worker):
    """Whether a worker runs no ffmpeg any more, after two minutes at most."""
    for _ in range(2400):
        found = psutil.Process(worker.pid).children(recursive=True)
        if not any("ffmpeg" in child.name() for child in found):
            return True
        time.sleep(0.05)
    return False


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def test_the_pool_and_a_cluster_make_the_same_table(corpus, undisturbed, tmp_path):
    record, table = undisturbed
    assert (record["clips"], record["computed"], record["failed"]) == (N_PAIRS, N_PAIRS, [])
    found = extract(corpus, tmp_path / "t.parquet", tmp_path / "cache", "--cluster", "local:2")
    assert found["sha256"] == record["sha256"]
    assert found["computed"] == N_PAIRS
    assert (tmp_path / "t.parquet").read_bytes() == table


def test_a_worker_that_is_killed_on_the_way_changes_nothing(corpus, undisturbed, tmp_path):
    record, table = undisturbed
    process = start(corpus, tmp_path / "t.parquet", tmp_path / "cache", "--cluster", "local:2")
    wait_for_entries(tmp_path / "cache", 8)
    victim, survivor = workers(process)
    programs = victim.children(recursive=True)
    victim.kill()
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["sha256"] == record["sha256"]
    assert (tmp_path / "t.parquet").read_bytes() == table
    assert psutil.wait_procs([victim, survivor, *programs], timeout=30)[1] == []


def test_a_scheduler_elsewhere_and_a_worker_that_disappears(corpus, undisturbed, tmp_path):
    """As on a cluster: processes of their own, which know nothing of the command."""
    record, table = undisturbed
    address = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = subprocess.Popen(
        [*dask_scheduler(), "--port", "0", "--no-dashboard", "--scheduler-file", address], **quiet
    )
    running = [scheduler]
    try:
        for _ in range(6000):
            if address.exists() and address.read_text():
                break
            time.sleep(0.02)
        worker = [*dask_worker(), "--scheduler-file", address, "--nthreads", "1", "--no-nanny"]
        running += [subprocess.Popen([*worker, "--no-dashboard"], **quiet) for _ in range(2)]
        where = json.loads(address.read_text())["address"]
        process = start(corpus, tmp_path / "t.parquet", tmp_path / "cache", "--cluster", where)
        wait_for_entries(tmp_path / "cache", 8)
        running[1].kill()
        out, err = process.communicate(timeout=120)
        # Dask may say that it computes again what it cannot gather.
        ours = [line for line in err.splitlines() if " - distributed.client - " not in line]
        assert (process.returncode, ours) == (0, [])
        assert json.loads(out)["sha256"] == record["sha256"]
        assert (tmp_path / "t.parquet").read_bytes() == table
        # Ctrl-C: the workers are not ours, so they live on and stop working for us.
        again = start(corpus, tmp_path / "u.parquet", tmp_path / "cache2", "--cluster", where)
        wait_for_entries(tmp_path / "cache2", 4)
        again.send_signal(signal.SIGINT)
        out, err = again.communicate(timeout=60)
        assert (again.returncode, err) == (
            130,
            "tinyvmaf: interrupted; what was finished is kept\n",
        )
        assert is_idle(running[2])
        assert running[2].poll() is None
        # The worker that was killed may have been writing: the next command sweeps that away.
        assert extract(corpus, tmp_path / "w.parquet", tmp_path / "cache")["cached"] == N_PAIRS
        assert list(tmp_path.rglob("*.part")) == []
        # The scheduler goes away: one line, and what was finished is kept.
        lost = start(corpus, tmp_path / "v.parquet", tmp_path / "cache3", "--cluster", where)
        wait_for_entries(tmp_path / "cache3", 4)
        scheduler.kill()
        out, err = lost.communicate(timeout=60)
        assert (lost.returncode, out) == (1, "")
        assert err == (
            f"tinyvmaf: cluster {where}: its scheduler is gone; what was finished is kept: "
            "start a cluster and run the same command again\n"
        )
        assert not (tmp_path / "v.parquet").exists()
    finally:
        for item in running:
            item.kill()
            item.wait()
    found = extract(corpus, tmp_path / "v.parquet", tmp_path / "cache3")
    assert found["cached"] >= 4
    assert found["sha256"] == record["sha256"]


def dask_scheduler():
    return [sys.executable, "-m", "distributed.cli.dask_scheduler"]


def dask_worker():
    return [sys.executable, "-m", "distributed.cli.dask_worker"]


@pytest.mark.parametrize("to", ["process", "group"])
def test_ctrl_c_ends_the_cluster_and_leaves_nothing(corpus, undisturbed, tmp_path, to):
    """A terminal sends it to the workers, too."""
    table, cache = tmp_path / "t.parquet", tmp_path / "cache"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {**environment(cache), "TMPDIR": str(scratch)}
    process = subprocess.Popen(
        command(corpus, table, "--cluster", "local:2"),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for_entries(cache, 8)
    running = family(process)
    if to == "process":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "tinyvmaf: interrupted; what was finished is kept\n"
    assert psutil.wait_procs(running, timeout=30)[1] == []
    assert list(tmp_path.rglob("*.part")) == []
    assert not table.exists()
    assert list(scratch.iterdir()) == []
    found = extract(corpus, table, cache)
    assert found["sha256"] == undisturbed[0]["sha256"]
    assert found["cached"] >= 8


def test_kill_9_of_the_command_ends_its_cluster_and_every_ffmpeg(corpus, undisturbed, tmp_path):
    table, cache = tmp_path / "t.parquet", tmp_path / "cache"
    process = start(corpus, table, cache, "--cluster", "local:2")
    wait_for_entries(cache, 8)
    running = family(process)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(running, timeout=30)[1] == []
    found = extract(corpus, table, cache, "--cluster", "local:1")
    assert found["sha256"] == undisturbed[0]["sha256"]
    assert found["cached"] >= 8


def test_two_commands_extract_the_same_corpus_at_once(corpus, undisturbed, tmp_path):
    """One cache, two engines, nothing half-written between them."""
    cache = tmp_path / "cache"
    calls = [("--jobs", "2"), ("--cluster", "local:2"), ("--jobs", "1")]
    processes = [
        start(corpus, tmp_path / f"{number}.parquet", cache, *options)
        for number, options in enumerate(calls)
    ]
    for number, process in enumerate(processes):
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out)["sha256"] == undisturbed[0]["sha256"]
        assert (tmp_path / f"{number}.parquet").read_bytes() == undisturbed[1]
    assert extract(corpus, tmp_path / "t", cache)["cached"] == N_PAIRS


def run_here(*arguments, folder):
    """Run the program in `folder`, with paths relative to it, as a user does."""
    call = [sys.executable, "-m", "tinyvmaf", *map(str, arguments)]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def test_a_ladder_is_built_alike(corpus, tmp_path):
    (tmp_path / "ladder.toml").write_text(
        '[[rung]]\nencoder = "libx264"\ncrf = [30, 40]\nheights = [1, 0.5]\n'
    )
    sources = [corpus / name for name in ("s0.mkv", "s1.mkv")]
    made = []
    for engine in (("--jobs", "2"), ("--cluster", "local:2")):
        folder = tmp_path / engine[0].strip("-")
        folder.mkdir()
        call = ["corpus", "build", *sources, "-o", "made", "--ladder", "../ladder.toml"]
        done = run_here(*call, *engine, folder=folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert "8 clips made, 0 kept, 0 failed" in done.stdout
        files = [path for path in folder.rglob("*") if path.is_file()]
        made.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert len(made[0]) == 1 + 8
    assert made[0] == made[1]


@pytest.mark.parametrize("mode", ["exact", "model"])
def test_a_list_is_scored_alike_and_in_its_order(corpus, mode):
    names = [f"s{number}_{crf}.mp4" for number, crf in ((1, 46), (0, 18), (2, 30))]
    rows = [f"{name[:2]}.mkv,{name}" for name in names]
    rows.insert(2, "s0.mkv,missing.mp4")
    (corpus / "pairs.csv").write_text("reference,distorted\n" + "\n".join(rows) + "\n")
    found = []
    for engine in (("--jobs", "2"), ("--cluster", "local:2")):
        done = run_here(
            "score", "--batch", "pairs.csv", "--mode", mode, "--json", *engine, folder=corpus
        )
        assert done.returncode == 3
        (failed,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
        assert failed.endswith("missing.mp4: no such file")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [Path(line["distorted"]).name for line in lines] == [
            row.split(",")[1] for row in rows
        ]
        found.append(
            [{name: line.get(name) for name in ("vmaf", "notes", "mode")} for line in lines]
        )
    assert len(found[0]) == 4
    assert found[0] == found[1]


def test_a_cluster_is_for_many_pairs(corpus):
    done = run_here(
        "score", "s0.mkv", "s0_18.mp4", "--mode", "exact", "--cluster", "local:2", folder=corpus
    )
    assert done.returncode == 2
    assert done.stderr == (
        "tinyvmaf: --cluster takes many pairs: --batch pairs.csv, or a folder of encodes\n"
    )
