# SPDX-License-Identifier: Apache-2.0
"""A real clip in small, and what encoders and mistakes make of it."""

import pytest

import tinyvmaf as tv

N_FRAMES = 30
SMALL = "scale=320:136:flags=bicubic"
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an")


@pytest.fixture(scope="session")
def made(tmp_path_factory, clips, make_video):
    """Make a version of the clip's frames: `made(name, filters=..., crf=..., first=..., ...)`."""
    folder = tmp_path_factory.mktemp("scoring")

    def make(name, *options, filters=(), crf=4, first=0, n_frames=N_FRAMES, before=()):
        path = folder / name
        if not path.exists():
            chosen = f"trim=start_frame={first},setpts=PTS-STARTPTS"
            graph = ",".join([SMALL, chosen, *filters])
            source = [*before, "-i", clips["bikes"], "-vf", graph, "-frames:v", n_frames]
            make_video(path, *source, *X264, "-crf", crf, *options)
        return path

    return make


@pytest.fixture(scope="session")
def pristine(made):
    return made("pristine.mp4")


@pytest.fixture(scope="session")
def distorted(made):
    return made("distorted.mp4", crf=30)


@pytest.fixture(scope="session")
def worse(made):
    return made("worse.mp4", crf=44)


@pytest.fixture(scope="session")
def exact(pristine, distorted):
    """The pair without any trouble, scored."""
    return tv.score(reference=pristine, distorted=distorted, threads=1, mode="exact")
