# SPDX-License-Identifier: Apache-2.0
"""Choice of the executor: threads of this machine, unless a cluster is given."""

from tinyvmaf.errors import UsageError
from tinyvmaf.execution.executor import AbstractExecutor
from tinyvmaf.execution.local import LocalExecutor
from tinyvmaf.process.programs import n_jobs

_LOCAL = "local:"


def open_executor(*, jobs: int | None = None, cluster: str | None = None) -> AbstractExecutor:
    """The executor for the options of a command, for use in a `with` block.

    Args:
        jobs: Pieces of work at once on this machine; all cores by default.
        cluster: Address of a Dask scheduler, such as `tcp://HOST:8786`, or `local:N` for a cluster
            of N worker processes that lives as long as the command.

    Raises:
        UsageError: fewer than one job or worker, or both `jobs` and `cluster`.
        ToolError: Dask is not installed, or there is no such cluster.
    """
    n_workers = check_workers(jobs=jobs, cluster=cluster)
    if cluster is None:
        return LocalExecutor(n_workers)
    from tinyvmaf.execution.cluster import DaskExecutor

    return DaskExecutor.here(n_workers) if n_workers else DaskExecutor.at(cluster)


def check_workers(*, jobs: int | None, cluster: str | None) -> int:
    """The number of workers requested, 0 if the cluster decides; checked before any work.

    Raises:
        UsageError: as `open_executor`.
    """
    if cluster is None:
        return n_jobs(jobs)
    if jobs is not None:
        raise UsageError("`jobs` is for this machine; a cluster runs as many as it has workers")
    if not cluster.startswith(_LOCAL):
        return 0
    number = cluster.removeprefix(_LOCAL)
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"`cluster='{cluster}'`: expected local:N with N workers, such as local:2")
    return int(number)
