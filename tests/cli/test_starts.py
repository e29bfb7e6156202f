# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


def test_two_hundred_starts_while_all_cores_are_busy(moving, tmp_path):
    reference = moving(tmp_path / "reference.mkv", "-c:v", "ffv1", frames=4)
    command = [sys.executable, "-m", "tinyvmaf", "score", reference, reference, "--mode", "exact"]

    def start(_):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    # Each keeps the cores busy for the others: three times as many as there are cores.
    with ThreadPoolExecutor(3 * (os.cpu_count() or 1)) as pool:
        failures = [said for said in pool.map(start, range(200)) if said]
    assert failures == []
