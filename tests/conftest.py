# SPDX-License-Identifier: Apache-2.0
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import hypothesis
import numpy as np
import pytest

from tinyvmaf.corpus.build import build
from tinyvmaf.corpus.ladder import Rung
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tinyvmaf.media.video import Video
from tinyvmaf.models.card import Card, Loso, Residuals, domain, golden
from tinyvmaf.models.network import Layer, Network
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.provenance import sha256

# The same examples in every run of the continuous integration; a failure there can be repeated.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session", autouse=True)
def private_environment(tmp_path_factory):
    """No test reads or fills the user's cache, or obeys the user's settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYVMAF_CACHE", str(tmp_path_factory.mktemp("cache")))
        # Tests that import ONNX Runtime themselves; `models/runtime.py` has it for users.
        patch.setenv("ORT_DISABLE_TELEMETRY", "1")
        for name in ("TINYVMAF_FFMPEG", "VMAF_BIN", "VMAF_DATA_ROOT", "IMAGEIO_FFMPEG_EXE"):
            patch.delenv(name, raising=False)
        yield


def files_held_open():
    """Descriptor and path of every file that this process holds open, where the system tells.

    Files without a name are left out: vl-convert keeps two from its first chart on.
    """
    held = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            path = str(descriptor.readlink())
            # ONNX Runtime keeps a file of its own open from its first use to the end.
            named = path.startswith("/") and not path.endswith(" (deleted)")
            named = named and ".onnxruntime" not in path
            if named and not path.startswith(("/dev/", "/proc/", "/sys/")):
                held.add((descriptor.name, path))
    return held


@pytest.fixture(autouse=True)
def _closed_files():
    """A test that leaves a file open fails itself, and not whichever collects garbage next."""
    before = files_held_open()
    yield
    left = files_held_open() - before
    assert not left, f"left open: {sorted(left)}"


@pytest.fixture(scope="session")
def ffmpeg():
    """The real binary, seen to compute VMAF."""
    return find_ffmpeg()


@pytest.fixture(scope="session")
def clips():
    """Real clips inside installed packages, by their stem."""
    return {path.stem: path for path in installed_clips()}


@pytest.fixture(scope="session")
def make_video(ffmpeg):
    """Make a file with ffmpeg: `make_video(path, "-i", ..., ...)`; returns its path."""

    def make(path, *arguments):
        path.parent.mkdir(parents=True, exist_ok=True)
        run_ffmpeg(ffmpeg.path, [*map(str, arguments), "-y", f"file:{path.absolute()}"])
        return path

    return make


@pytest.fixture(scope="session")
def moving(make_video):
    """Make a moving test picture: 192x108, 8 frames at 25 fps unless told otherwise."""

    def make(path, *arguments, frames=8, size="192x108", rate=25):
        picture = f"testsrc2=size={size}:rate={rate}"
        source = ["-f", "lavfi", "-i", picture, "-frames:v", frames]
        return make_video(path, *source, *arguments)

    return make


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory, ffmpeg, clips, moving):
    """Three sources (two real, one drawn) of 8 frames, four clips each; the folder."""
    folder = tmp_path_factory.mktemp("corpus")
    drawn = moving(folder / "sources" / "drawn.mkv", "-c:v", "ffv1")
    done = build(
        [Video(path) for path in (clips["carphone_pristine"], clips["bikes"], drawn)],
        root=folder / "tiny",
        ladder=[
            Rung("libx264", 1.0, crf=20),
            Rung("libx264", 1.0, crf=40),
            Rung("libx264", 0.5, crf=30),
            Rung("libvpx-vp9", 1.0, bitrate_kbps=60),
        ],
        ffmpeg=ffmpeg,
        n_frames=8,
        jobs=2,
    )
    assert not done.failures
    return done.manifest.parent


def build_network(activation="silu", widths=(16, 8), seed=0):
    """Random weights of a size that keeps the scores away from the clip, like a trained network."""
    rng = np.random.default_rng(seed)
    sizes = (len(CANONICAL6), *widths, 1)
    layers = tuple(
        Layer(
            weight=rng.normal(size=(n_in, n_out), scale=n_in**-0.5).astype(np.float32),
            bias=rng.normal(size=n_out, scale=0.1).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    )
    return Network(
        features=CANONICAL6,
        shift=np.array([0.92, 0.50, 0.76, 0.84, 0.89, 6.4], dtype=np.float32),
        scale=np.array([0.03, 0.16, 0.09, 0.07, 0.05, 7.3], dtype=np.float32),
        layers=layers,
        activation=activation,
        target_shift=70.0,
        target_scale=12.0,
    )


@pytest.fixture
def make_network():
    return build_network


@pytest.fixture(scope="session")
def network():
    return build_network()


@pytest.fixture(scope="session")
def features():
    """1 000 rows where real features lie, the last hundred far outside."""
    rng = np.random.default_rng(7)
    rows = rng.normal(
        [0.92, 0.50, 0.76, 0.84, 0.89, 6.4], [0.03, 0.16, 0.09, 0.07, 0.05, 7.3], (1000, 6)
    )
    rows[900:] *= rng.choice([-30.0, 0.0, 30.0], (100, 6))
    return rows


@pytest.fixture
def make_card(network, features):
    def make(**changes):
        values = {
            "name": "some_model_v1",
            "sha256": sha256(to_onnx(network)),
            "arch": "mlp_small",
            "n_params": network.n_params,
            "feature_set": "canonical6",
            "features": CANONICAL6,
            "teacher": "vmaf_v0.6.1",
            "training_sources": ("Bird", "Café"),
            "training_rmse": 0.5,
            "table_sha256": "0" * 64,
            "recipe": {"name": "default", "steps": 100},
            "seeds": (0, 1),
            "loso": Loso(
                protocol="leave one source out",
                run="runs/loso_mlp_small",
                n_sources=2,
                n_clips=4,
                n_frames=40,
                rmse=1.5,
                rmse_std=0.25,
                plcc=0.99,
                srocc=None,
                worst_source="Café",
                worst_rmse=1.75,
                clip_rmse=1.0,
            ),
            "loso_absent": None,
            "domain": domain(features, names=CANONICAL6),
            "calibration": (Residuals(source="Bird", residuals=(0.5, -1.0)),),
            "golden": golden(network, features),
            "licence": "Apache-2.0",
        }
        return Card(**{**values, **changes})

    return make


@pytest.fixture
def model_path(tmp_path, network, make_card) -> Path:
    """A model with its card."""
    path = tmp_path / "some_model_v1.onnx"
    path.write_bytes(to_onnx(network))
    path.with_suffix(".json").write_text(make_card().to_json())
    return path


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """The address of an S3 server with the bucket `bucket`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            try:
                urlopen(Request(f"{url}/bucket", method="PUT"), timeout=60).close()  # noqa: S310
                break
            except (URLError, TimeoutError):
                # On a busy machine it takes its time to answer, too.
                time.sleep(0.1)
        else:
            raise AssertionError(log.read_text())
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """A folder of its own in the store, as a user would type it."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return Path(f"s3://bucket/{os.urandom(4).hex()}")


@pytest.fixture(autouse=True, scope="session")
def _heard_signals():
    """Programs inherit that a signal is ignored, as in a shell's background or under `nohup`."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def lacking():
    """Leave a test out for what a machine lacks; CI has to have it, so nothing hides there."""

    def leave_out(what):
        if os.environ.get("CI"):
            pytest.fail(f"CI needs it: {what}")
        pytest.skip(what)

    return leave_out
