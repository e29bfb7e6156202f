# SPDX-License-Identifier: Apache-2.0
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from distributed import LocalCluster

from tests.execution.work import Count, Die, Program, SlowResult
from tinyvmaf.errors import ClusterLost, ToolNotFound, UsageError, WorkerLost
from tinyvmaf.execution.opening import open_executor


def ignore(count):
    pass


@pytest.fixture(autouse=True)
def importable(request, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


@pytest.mark.slow
def test_a_cluster_of_our_own_listens_to_this_machine_alone():
    with open_executor(cluster="local:2"):
        us = psutil.Process()
        places = {
            connection.laddr.ip
            for process in (us, *us.children(recursive=True))
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
    assert places == {"127.0.0.1"}


@pytest.mark.slow
def test_work_of_a_worker_that_died_is_done_by_another(tmp_path):
    with open_executor(cluster="local:2") as executor:
        others = [executor.submit(Count(1), on_frame=ignore) for _ in range(6)]
        future = executor.submit(Die(tmp_path / "tries", times=1), on_frame=ignore)
        assert future.result(timeout=60) == "done"
        assert [other.result(timeout=60)[0] for other in others] == [1] * 6


@pytest.mark.slow
def test_work_that_kills_every_worker_is_given_up_and_named(tmp_path):
    with open_executor(cluster="local:2") as executor:
        future = executor.submit(Die(tmp_path / "tries", times=99), on_frame=ignore)
        error = future.exception(timeout=90)
        assert isinstance(error, WorkerLost)
        assert str(error).startswith("cluster local:2: this killed several workers")
        assert 2 <= len((tmp_path / "tries").read_text().split()) <= 6
        # The others are not lost.
        assert executor.submit(Count(1), on_frame=ignore).result(timeout=60)[0] == 1


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_its_programs_with_it(tmp_path):
    with open_executor(cluster="local:1") as executor:
        worker = executor.submit(Count(1), on_frame=ignore).result()[1]
        work = Program(tmp_path / "tries", "time.sleep(60) if n == 1 else None")
        future = executor.submit(work, on_frame=ignore)
        while not (tmp_path / "tries").exists() or not (tmp_path / "tries").read_text():
            time.sleep(0.02)
        program = psutil.Process(int((tmp_path / "tries").read_text()))
        psutil.Process(worker).kill()
        assert psutil.wait_procs([program], timeout=30)[1] == []
        assert future.result(timeout=60) == 2


@pytest.mark.slow
def test_leaving_a_cluster_of_others_ends_our_programs_and_not_its_workers(tmp_path):
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster:
        work = Program(tmp_path / "tries", "time.sleep(60)")
        with open_executor(cluster=cluster.scheduler_address) as theirs:
            first = theirs.submit(Count(1), on_frame=ignore).result()[1]
            with pytest.raises(KeyError), open_executor(cluster=cluster.scheduler_address) as ours:  # noqa: PT012
                ours.submit(work, on_frame=ignore)
                while not (tmp_path / "tries").exists() or not (tmp_path / "tries").read_text():
                    time.sleep(0.02)
                program = psutil.Process(int((tmp_path / "tries").read_text()))
                raise KeyError
            assert psutil.wait_procs([program], timeout=30)[1] == []
            assert theirs.submit(Count(1), on_frame=ignore).result()[1] == first


@contextmanager
def scheduler_and_worker(folder):
    """Processes of their own, as on a cluster: the scheduler, and its address."""
    address = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}

    def start(name, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}"]
        return subprocess.Popen(
            [*command, "--no-dashboard", "--scheduler-file", address, *arguments], **quiet
        )

    scheduler = start("scheduler", "--port", "0")
    running = [scheduler, start("worker", "--nthreads", "1", "--no-nanny")]
    try:
        while not (address.exists() and address.read_text()):
            time.sleep(0.02)
        yield scheduler, json.loads(address.read_text())["address"]
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_scheduler_that_dies_with_a_result_on_its_way_is_not_waited_for(tmp_path):
    """Dask's own executor says nothing then, for ever."""
    with (  # noqa: PT012 (leaving raises)
        scheduler_and_worker(tmp_path) as (scheduler, where),
        pytest.raises(ClusterLost) as caught,
        open_executor(cluster=where) as executor,
    ):
        future = executor.submit(SlowResult(tmp_path / "begun"), on_frame=ignore)
        while not (tmp_path / "begun").exists():
            time.sleep(0.02)
        scheduler.kill()
        assert isinstance(future.exception(timeout=60), ClusterLost)
        late = executor.submit(Count(1), on_frame=ignore)
        assert isinstance(late.exception(timeout=60), ClusterLost)
    assert str(caught.value) == (
        f"cluster {where}: its scheduler is gone; what was finished is kept: "
        "start a cluster and run the same command again"
    )


@pytest.mark.slow
def test_a_worker_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("tinyvmaf.execution.cluster.version", lambda: "9.9")
    with open_executor(cluster="local:1") as executor:
        error = executor.submit(Count(1), on_frame=ignore).exception()
    assert isinstance(error, ToolNotFound)
    assert re.fullmatch(
        r"worker tcp://.* has tinyvmaf .*, expected 9\.9; install the same version everywhere",
        str(error),
    )


def test_a_cluster_that_is_not_there(monkeypatch):
    monkeypatch.setattr("tinyvmaf.execution.cluster._CONNECT_S", 1)
    with pytest.raises(WorkerLost) as caught:
        open_executor(cluster="tcp://127.0.0.1:1")
    assert str(caught.value).startswith("`cluster='tcp://127.0.0.1:1'`: no scheduler answers there")


@pytest.mark.parametrize("number", ["", "0", "two", "-1"])
def test_a_number_of_workers_that_is_none(number):
    with pytest.raises(UsageError) as caught:
        open_executor(cluster=f"local:{number}")
    assert str(caught.value) == (
        f"`cluster='local:{number}'`: expected local:N with N workers, such as local:2"
    )


def test_jobs_are_for_this_machine():
    with pytest.raises(UsageError) as caught:
        open_executor(jobs=2, cluster="local:2")
    assert str(caught.value) == (
        "`jobs` is for this machine; a cluster runs one task per worker thread"
    )


@pytest.mark.parametrize("cluster", ["local:2", "tcp://127.0.0.1:1"])
def test_without_dask_one_line_tells_how_to_get_it(monkeypatch, cluster):
    monkeypatch.setattr(
        "tinyvmaf.execution.cluster.find_spec", lambda name: None
    )  # as in an environment without the extra
    with pytest.raises(ToolNotFound) as caught:
        open_executor(cluster=cluster)
    assert str(caught.value) == (
        "`cluster` needs Dask; install it with `pip install 'tinyvmaf[cluster]'`"
    )


def test_dask_is_imported_for_a_cluster_only():
    program = (
        "import sys; from tinyvmaf.execution.opening import open_executor\n"
        "with open_executor(jobs=1): pass\n"
        "print('distributed' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
