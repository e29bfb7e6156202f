# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import CorpusError, MediaError, UsageError
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.scoring.batch import encodes_in, read_pairs, score_many
from tinyvmaf.scoring.score import choose_mode, make_scorer


def test_pairs_are_named_relative_to_their_list(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("\ufeffreference,distorted,note\na.mp4,sub/b.mp4,x\na.mp4,/c.mkv,\n")
    assert read_pairs(path) == (
        Pair.of_files(reference=Video(tmp_path / "a.mp4"), distorted=Video(tmp_path / "sub/b.mp4")),
        Pair.of_files(reference=Video(tmp_path / "a.mp4"), distorted=Video(Path("/c.mkv"))),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reference,other\n", "no column distorted; a list of pairs needs reference and distorted"),
        ("reference,distorted\na.mp4,\n", "line 2: no value for distorted"),
        ("reference,distorted\n", "lists no pair"),
        ('reference,distorted\n"a', "not a readable CSV file"),
    ],
)
def test_a_broken_list_is_refused(tmp_path, text, said):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(CorpusError) as caught:
        read_pairs(path)
    assert said in str(caught.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(UsageError) as caught:
        read_pairs(tmp_path / "pairs.csv")
    assert str(caught.value).endswith("pairs.csv: cannot be read: No such file or directory")


def test_a_folder_gives_its_videos_without_the_reference(tmp_path):
    for name in ("b.MP4", "a.mkv", "reference.mp4", "notes.txt", "raw.yuv"):
        (tmp_path / name).write_bytes(b"x")
    raw = RawFormat(4, 4)
    pairs = encodes_in(tmp_path, reference=tmp_path / "reference.mp4", raw=raw)
    assert [pair.distorted for pair in pairs] == [
        Video(tmp_path / "a.mkv"),
        Video(tmp_path / "b.MP4"),
        Video(tmp_path / "raw.yuv", raw),
    ]


def test_a_folder_without_videos_is_refused(tmp_path):
    (tmp_path / "reference.mp4").write_bytes(b"x")
    with pytest.raises(CorpusError) as caught:
        encodes_in(tmp_path, reference=tmp_path / "reference.mp4")
    assert str(caught.value) == f"{tmp_path}: holds no video besides the reference"


@pytest.mark.ffmpeg
def test_a_pair_that_fails_is_named_and_the_others_are_scored(pristine, distorted, worse, tmp_path):
    names = (distorted, tmp_path / "missing.mp4", worse)
    pairs = [Pair.of_files(reference=Video(pristine), distorted=Video(path)) for path in names]
    scorer = make_scorer(choose_mode())
    good, failed, bad = score_many(pairs, scorer=scorer, jobs=2)
    assert good.score.vmaf.mean > bad.score.vmaf.mean
    assert (failed.score, failed.pair) == (None, pairs[1])
    assert isinstance(failed.error, MediaError)
    assert str(failed.error).endswith("missing.mp4: no such file")


@pytest.mark.ffmpeg
def test_no_jobs_are_refused(pristine):
    scorer = make_scorer(choose_mode())
    with pytest.raises(UsageError) as caught:
        next(
            score_many(
                [Pair.of_files(reference=Video(pristine), distorted=Video(pristine))],
                scorer=scorer,
                jobs=0,
            )
        )
    assert str(caught.value) == "`jobs=0`: expected 1 or more"
