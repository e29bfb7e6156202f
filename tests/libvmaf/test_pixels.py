# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import SchemaError
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.pixels import SIGNAL as FEATURES
from tinyvmaf.libvmaf.pixels import read_pixel_parts
from tinyvmaf.libvmaf.sets import FULL, HALF, SIGNAL, SSIM
from tinyvmaf.libvmaf.shared_decode import Request
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.check import check

pytestmark = pytest.mark.ffmpeg


def luma(path):
    with av.open(path) as container:
        return [
            frame.to_ndarray()[: frame.height].astype(np.float64)
            for frame in container.decode(video=0)
        ]


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean((one - other) ** 2))


def ssim(one, other):
    """Wang et al. (2004) on windows of 8x8 pixels, 4 apart, with sample variances."""
    values = []
    for y in range(0, one.shape[0] - 7, 4):
        for x in range(0, one.shape[1] - 7, 4):
            a, b = one[y : y + 8, x : x + 8].ravel(), other[y : y + 8, x : x + 8].ravel()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            covariance = np.cov(a, b)
            values.append(
                (2 * a.mean() * b.mean() + c1)
                * (2 * covariance[0, 1] + c2)
                / (a.mean() ** 2 + b.mean() ** 2 + c1)
                / (covariance[0, 0] + covariance[1, 1] + c2)
            )
    return np.mean(values)


def logs(ffmpeg, reference, distorted, sets):
    reference, distorted = Video(reference), Video(distorted)
    with working_folder() as folder:
        pair = Pair("source", "clip", reference=reference, distorted=distorted)
        (found,) = FfmpegEngine(ffmpeg).score(
            [Request(check(pair), tuple(sets))],
            teacher=Teacher("vmaf_v0.6.1"),
            folder=folder,
            on_frame=lambda _: None,
        )
        return tuple(log for (log,) in found)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, moving, make_video):
    folder = tmp_path_factory.mktemp("fidelity")
    reference = moving(folder / "reference.mkv", "-c:v", "ffv1")
    return reference, make_video(
        folder / "distorted.mkv", "-i", reference, "-c:v", "libx264", "-crf", "35"
    )


def test_they_are_those_of_their_definitions(ffmpeg, pair):
    signal, similarity = logs(ffmpeg, *pair, (SIGNAL, SSIM))
    ours, theirs = luma(pair[0]), luma(pair[1])
    expected = [psnr(one, other) for one, other in zip(ours, theirs, strict=True)]
    assert signal["psnr"] == pytest.approx(expected, abs=1e-4)
    changes = [60.0, *(psnr(one, other) for one, other in pairwise(ours))]
    nearest = [max(pair) for pair in pairwise([*changes, -np.inf])]
    assert signal["change"] == pytest.approx(np.minimum(nearest, 60), abs=1e-4)
    similar = [ssim(one, other) for one, other in zip(ours, theirs, strict=True)]
    # The constant that stabilises the contrast counts 63 samples of 64 in ffmpeg.
    assert 1 - 10 ** (-similarity["ssim"] / 10) == pytest.approx(similar, abs=1e-4)


def test_they_do_not_depend_on_their_company(ffmpeg, pair):
    for item in (SIGNAL, SSIM):
        (alone,) = logs(ffmpeg, *pair, (item,))
        _, with_others, _ = logs(ffmpeg, *pair, (FULL, item, HALF))
        for name in item.features:
            assert np.array_equal(alone[name], with_others[name])


def test_identical_pictures_reach_the_limit(ffmpeg, pair):
    signal, similarity = logs(ffmpeg, pair[0], pair[0], (SIGNAL, SSIM))
    assert set(signal["psnr"]) == set(similarity["ssim"]) == {60.0}


HEAD = "frame:{0}    pts:{0}       pts_time:0\n"
PSNR = HEAD + "lavfi.psnr.psnr.y={1}\n"


def write(folder, psnr, change):
    (folder / "psnr.txt").write_text(psnr)
    (folder / "change.txt").write_text(change)


def test_logs_are_read(tmp_path):
    change = "".join(PSNR.format(i, value) for i, value in enumerate(["inf", 20, 30, 10]))
    write(tmp_path, "".join(PSNR.format(number, 40 + number) for number in range(4)), change)
    parts = list(read_pixel_parts(tmp_path, FEATURES, part_frames=3))
    assert [part["psnr"].tolist() for part in parts] == [[40, 41, 42], [43]]
    # Each frame is as near as the nearer of its neighbours; the last one has only one.
    assert [part["change"].tolist() for part in parts] == [[60, 30, 30], [10]]


def test_ssim_is_read_in_decibels(tmp_path):
    (tmp_path / "ssim.txt").write_text(HEAD.format(0) + "lavfi.ssim.Y=0.9\n")
    (part,) = read_pixel_parts(tmp_path, ("ssim",))
    assert part["ssim"] == pytest.approx([10])


GOOD = PSNR.format(0, 40) + PSNR.format(1, 40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not readable logs of psnr and change: [Errno 2] No such file or directory"),
        ("", "not readable logs of psnr and change: zip() argument 2 is longer"),
        (PSNR.format(0, 40), "not readable logs of psnr and change: zip() argument 2 is longer"),
        (GOOD[:-30], "not readable logs of psnr and change: "),
        (
            GOOD.replace("frame:1", "frame:2"),
            "not readable logs of psnr and change: frame:2",
        ),
        (
            GOOD.replace("40", "nan", 1),
            "not readable logs of psnr and change: frame 0",
        ),
        (GOOD.replace("psnr.y", "mse.y"), "not readable logs of psnr and change: frame 0"),
        (GOOD.replace("40", "high"), "not readable logs of psnr and change: could not convert"),
        (GOOD.replace("frame:0", ""), "not readable logs of psnr and change: "),
    ],
)
def test_what_is_no_log(tmp_path, text, message):
    write(tmp_path, text or "", GOOD)
    if text is None:
        (tmp_path / "psnr.txt").unlink()
    with pytest.raises(SchemaError) as caught:
        list(read_pixel_parts(tmp_path, FEATURES))
    assert str(caught.value).startswith(message)
    # While the error is alive, so is what was reading; its files are closed all the same.
    opened = [Path(file.path) for file in psutil.Process().open_files()]
    assert not [path for path in opened if path.is_relative_to(tmp_path)]


def test_no_frame_at_all(tmp_path):
    write(tmp_path, "", "")
    with pytest.raises(SchemaError, match="have no frames; a video ends early or is damaged"):
        list(read_pixel_parts(tmp_path, FEATURES))
