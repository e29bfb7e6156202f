# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.execution.opening import open_executor


@pytest.fixture(params=["local", pytest.param("cluster", marks=pytest.mark.slow)])
def make_executor(request, monkeypatch):
    """Open either engine with two workers."""
    # A worker of the cluster imports the work of these tests by its name, as we do.
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))

    def make():
        if request.param == "local":
            return open_executor(jobs=2)
        return open_executor(cluster="local:2")

    return make
