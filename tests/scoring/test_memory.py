# SPDX-License-Identifier: Apache-2.0
"""The memory of Python while short and long videos are scored; ffmpeg is another process."""

import subprocess
import sys

import pytest

from tinyvmaf.features.table import read_table

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

# Both lengths are long enough for the check of pictures to take samples, whose number is bounded.
# The index of a video's frames is all that grows with it: some 25 bytes a frame, about as much
# again while two of them are made and matched.
INDEX_KB = 2 * (60_000 - 9000) * 50 / 1024

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
        for n_frames in (9000, 60_000)
    )
    assert long <= 1.05 * short + INDEX_KB


@pytest.fixture
def corpus(lasting, tmp_path):
    """The folder of a corpus of one pair that lasts so many frames."""

    def make(name, n_frames):
        reference, distorted = lasting(name, n_frames)
        root = tmp_path / str(n_frames)
        root.mkdir()
        lines = ["source,reference,distorted", f"moving,{reference},{distorted}", ""]
        (root / "corpus.csv").write_text("\n".join(lines))
        return root

    return make


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the high water mark")
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_the_memory_of_extract_does_not_grow_with_the_video(corpus, tmp_path, monkeypatch, name):
    """Neither when a log goes into the cache nor when rows come out, in one file or in parts."""
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "cache"))
    roots = [corpus(name, n_frames) for n_frames in (9000, 60_000)]
    for output in ("table.parquet", "cached.parquet", "parts"):
        short, long = (peak_kb("extract", root, "-o", root / output) for root in roots)
        assert long <= 1.05 * short + INDEX_KB, output
    whole, parts = (read_table(roots[1] / table) for table in ("table.parquet", "parts"))
    assert whole.rows.height == 60_000
    assert whole.sha256 == parts.sha256
