# SPDX-License-Identifier: Apache-2.0
import av
import numpy as np
import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import SchemaError
from tinyvmaf.features.alignment import align
from tinyvmaf.features.engine import FfmpegEngine
from tinyvmaf.features.fidelity import LOG_NAME, read_fidelity_parts
from tinyvmaf.features.sets import FIDELITY, FULL, HALF
from tinyvmaf.features.teacher import Teacher
from tinyvmaf.media.video import Video, probe

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
    info = probe(reference)
    return FfmpegEngine(ffmpeg).score(
        Pair("source", "clip", reference=reference, distorted=distorted),
        info=info,
        alignment=align(reference=info, distorted=probe(distorted), allowed=frozenset()),
        teacher=Teacher("vmaf_v0.6.1"),
        on_frame=lambda _: None,
        sets=sets,
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory, moving, make_video):
    folder = tmp_path_factory.mktemp("fidelity")
    reference = moving(folder / "reference.mkv", "-c:v", "ffv1")
    return reference, make_video(
        folder / "distorted.mkv", "-i", reference, "-c:v", "libx264", "-crf", "35"
    )


def test_psnr_and_ssim_are_those_of_their_definitions(ffmpeg, pair):
    (log,) = logs(ffmpeg, *pair, (FIDELITY,))
    ours, theirs = luma(pair[0]), luma(pair[1])
    expected = [psnr(one, other) for one, other in zip(ours, theirs, strict=True)]
    assert log["psnr"] == pytest.approx(expected, abs=1e-4)
    similar = [ssim(one, other) for one, other in zip(ours, theirs, strict=True)]
    # The constant that stabilises the contrast counts 63 samples of 64 in ffmpeg.
    assert 1 - 10 ** (-log["ssim"] / 10) == pytest.approx(similar, abs=1e-4)


def test_it_does_not_depend_on_its_company(ffmpeg, pair):
    (alone,) = logs(ffmpeg, *pair, (FIDELITY,))
    _, with_others, _ = logs(ffmpeg, *pair, (FULL, FIDELITY, HALF))
    for name in FIDELITY.features:
        assert np.array_equal(alone[name], with_others[name])


def test_identical_pictures_reach_the_limit(ffmpeg, pair):
    (log,) = logs(ffmpeg, pair[0], pair[0], (FIDELITY,))
    assert set(log["psnr"]) == set(log["ssim"]) == {60.0}


FRAME = "frame:{0}    pts:{0}       pts_time:0\nlavfi.psnr.psnr.y=40.5\nlavfi.ssim.Y=0.9\n"


def test_a_log_is_read(tmp_path):
    (tmp_path / LOG_NAME).write_text("".join(FRAME.format(number) for number in range(3)))
    one, two, three = read_fidelity_parts(tmp_path / LOG_NAME, part_frames=1)
    assert [part["psnr"].tolist() for part in (one, two, three)] == [[40.5]] * 3
    assert two["ssim"] == pytest.approx([10])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not a log of PSNR and SSIM: [Errno 2] No such file or directory"),
        ("", "has no frames; a video ends early or is damaged"),
        (FRAME.format(0)[:-17], "has no frames; a video ends early or is damaged"),
        (FRAME.format(1), "not a log of PSNR and SSIM: frame:1 stands where frame:0 is expected"),
        (
            FRAME.format(0)[:-17] + FRAME.format(1),
            "not a log of PSNR and SSIM: frame:1 stands where frame:0 is expected",
        ),
        (
            FRAME.format(0).replace("40.5", "nan"),
            "not a log of PSNR and SSIM: PSNR or SSIM of frame 0 is missing or no number",
        ),
        (
            FRAME.format(0).replace("psnr", "mse"),
            "not a log of PSNR and SSIM: PSNR or SSIM of frame 0 is missing or no number",
        ),
        (FRAME.format(0).replace("0.9", "high"), "not a log of PSNR and SSIM: could not convert"),
    ],
)
def test_what_is_no_log(tmp_path, text, message):
    if text is not None:
        (tmp_path / LOG_NAME).write_text(text)
    with pytest.raises(SchemaError) as caught:
        list(read_fidelity_parts(tmp_path / LOG_NAME))
    assert str(caught.value).startswith(f"fidelity.txt: {message}")
