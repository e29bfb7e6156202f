# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.corpus.ladder import ENCODERS, Rung, read_ladder
from tinyvmaf.errors import UsageError


@pytest.fixture
def ladder(tmp_path):
    def write(text):
        path = tmp_path / "ladder.toml"
        path.write_text(text)
        return path

    return write


def rung(**values):
    return "[[rung]]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())


KEYS = ("banding", "bitrate_kbps", "blur", "crf", "encoder", "heights", "noise")
X264 = {"encoder": '"libx264"'}


def test_the_default_ladder_has_eight_rungs_of_every_encoder():
    rungs = read_ladder()
    assert len(rungs) == 8
    assert {item.encoder for item in rungs} == set(ENCODERS)
    assert len({item.name(1080) for item in rungs}) == 8


def test_every_combination_is_a_rung(ladder):
    text = rung(**X264, heights=[1, 0.5, 360], crf=[23, 35]) + rung(**X264, bitrate_kbps=[500])
    assert read_ladder(ladder(text)) == (
        *(Rung("libx264", height, crf=crf) for height in (1.0, 0.5, 360.0) for crf in (23, 35)),
        Rung("libx264", 1.0, bitrate_kbps=500),
    )


@pytest.mark.parametrize(
    ("height", "source", "pixels", "fits"),
    [
        *((1.0, 405, 405, True), (0.5, 405, 202, True), (0.333, 144, 48, True)),
        *((360.0, 720, 360, True), (360.0, 360, 360, True), (360.0, 288, 288, False)),
        *((0.001, 100, 2, True), (361.0, 720, 360, True)),
    ],
)
def test_heights_are_even_and_never_enlarge(height, source, pixels, fits):
    item = Rung("libx264", height, crf=30)
    assert (item.pixels(source), item.fits(source)) == (pixels, fits)


def test_arguments_of_each_encoder():
    arguments = {name: Rung(name, 1.0, crf=30).arguments() for name in ENCODERS}
    assert arguments["libx264"] == ["-c:v", "libx264", "-preset", "medium", "-crf", "30"]
    # Without it the CRF would only cap the quality of a bitrate that nobody asked for.
    assert arguments["libvpx-vp9"][-4:] == ["-crf", "30", "-b:v", "0"]
    assert Rung("libx265", 1.0, bitrate_kbps=500).arguments()[-2:] == ["-b:v", "500k"]
    assert Rung("libsvtav1", 0.5, bitrate_kbps=500).name(720) == "libsvtav1_360p_500kbps"


def test_damage_comes_before_the_encoder(ladder):
    text = rung(**X264, crf=[16], heights=[0.5], blur=[2, 4], banding=[16])
    rungs = read_ladder(ladder(text))
    assert [item.name(720) for item in rungs] == [
        f"{damage}_libx264_360p_crf16" for damage in ("blur2", "blur4", "banding16")
    ]
    assert rungs[1].filters(720) == ["gblur=sigma=4", "scale=-2:360:flags=bicubic"]
    assert rungs[2].filters(360) == [
        "lutyuv=y=floor(val/16)*16+floor(16/2)",
        "scale=-2:180:flags=bicubic",
    ]
    assert Rung("libx264", 1.0, crf=16).filters(720) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": expected [[rung]] tables and nothing else"),
        ("rung = []", ": expected [[rung]] tables and nothing else"),
        ("rung = 3", ": expected [[rung]] tables and nothing else"),
        ("[rung]\ncrf = [1]", ": expected [[rung]] tables and nothing else"),
        ("name = 'x'\n" + rung(**X264, crf=[1]), ": expected [[rung]] tables and nothing else"),
        ("rung = [1]", ", rung 1: is 1, expected a table [[rung]]"),
        (
            rung(**X264, crf=[1], preset=3),
            f", rung 1: unknown preset; known are {', '.join(KEYS)}",
        ),
        (
            rung(encoder='"h264"', crf=[1]),
            ", rung 1: encoder 'h264'; expected one of libx264, libx265, libsvtav1, libvpx-vp9",
        ),
        (
            rung(crf=[1]),
            ", rung 1: encoder 'None'; expected one of libx264, libx265, libsvtav1, libvpx-vp9",
        ),
        (rung(**X264, crf=3), ", rung 1: crf is 3, expected a list of numbers from 0 to 1000000"),
        (
            rung(**X264, crf=[2.5]),
            ", rung 1: crf is [2.5], expected a list of numbers from 0 to 1000000",
        ),
        (
            rung(**X264, crf=[-1]),
            ", rung 1: crf is [-1], expected a list of numbers from 0 to 1000000",
        ),
        (
            rung(**X264, crf="[true]"),
            ", rung 1: crf is [True], expected a list of numbers from 0 to 1000000",
        ),
        (
            rung(**X264, crf=[1], heights="[nan]"),
            ", rung 1: heights is [nan], expected a list of numbers from 0 to 1000000",
        ),
        (
            rung(**X264, crf=[1], heights="[inf]"),
            ", rung 1: heights is [inf], expected a list of numbers from 0 to 1000000",
        ),
        *(
            (
                rung(**X264, **values),
                ", rung 1: expected heights above 0, and either crf or bitrate_kbps",
            )
            for values in (
                {},
                {"crf": [1], "bitrate_kbps": [1]},
                {"crf": [1], "heights": [0]},
                {"crf": [1], "heights": []},
            )
        ),
        (
            rung(**X264, crf=[1], blur=3),
            ", rung 1: blur is 3, expected a list of numbers from 0 to 1000000",
        ),
        (rung(**X264, crf=[1], noise=[]), ", rung 1: expected noise of 1 or more"),
        (rung(**X264, crf=[1], banding=[0]), ", rung 1: expected banding of 1 or more"),
        (rung(**X264, crf=[1]) * 2, ": the same rung occurs twice"),
        (rung(**X264, crf=[1], heights=[1, 1]), ": the same rung occurs twice"),
    ],
)
def test_what_is_no_ladder(ladder, text, message):
    path = ladder(text)
    with pytest.raises(UsageError) as caught:
        read_ladder(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_file_that_cannot_be_read(tmp_path, ladder):
    with pytest.raises(UsageError, match=r"none\.toml: not a readable ladder: .*No such file"):
        read_ladder(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"ladder\.toml: not TOML: "):
        read_ladder(ladder("[[rung"))
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# caf\xe9")
    with pytest.raises(UsageError, match=r"latin\.toml: not a readable ladder: .*utf-8"):
        read_ladder(path)
