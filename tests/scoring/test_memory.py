# SPDX-License-Identifier: Apache-2.0
"""The memory of Python while a short and a long video are scored; ffmpeg is another process."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

# The high water mark is asked of the kernel at the end, in kB.
PROGRAM = """
import sys
from pathlib import Path
from tinyvmaf.cli.app import main
try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def peak_kb(*arguments):
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def lasting(tmp_path_factory, moving, make_video):
    """A pair of 64x64 pixels that lasts so many frames: one encode, looped without encoding."""
    folder = tmp_path_factory.mktemp("lasting")

    def make(name, crf, n_frames):
        short = folder / f"{crf}.mp4"
        if not short.exists():
            options = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", 2, "-g", 50, "-crf", crf)
            moving(short, *options, frames=1500, size="64x64")
        path = folder / f"{crf}_{n_frames}_{name}"
        options = ("-c", "copy", "-frames:v", n_frames)
        return make_video(path, "-stream_loop", n_frames // 1500, "-i", short, *options)

    return lambda name, n_frames: [make(name, crf, n_frames) for crf in (10, 30)]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the high water mark")
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_the_memory_of_score_does_not_grow_with_the_video(lasting, name):
    short, long = (
        peak_kb("score", *lasting(name, n_frames), "--mode", "exact", "--json")
        for n_frames in (1500, 60_000)
    )
    assert long <= 1.05 * short
