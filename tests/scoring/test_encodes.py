# SPDX-License-Identifier: Apache-2.0
import csv
import io
from dataclasses import replace

import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import UsageError
from tinyvmaf.media.video import Video
from tinyvmaf.scoring import sampled
from tinyvmaf.scoring.costs import measured_costs
from tinyvmaf.scoring.encodes import score_ladder
from tinyvmaf.scoring.score import choose_mode, make_scorer


@pytest.fixture(scope="module")
def pairs(made):
    reference = Video(made("ladder_reference.mp4", n_frames=60))
    encodes = [made(f"ladder_crf{crf}.mp4", n_frames=60, crf=crf) for crf in (24, 30, 36)]
    return [Pair.of_files(reference=reference, distorted=Video(path)) for path in encodes]


@pytest.fixture
def free_start(monkeypatch):
    free = replace(measured_costs(), start_s=0.0)
    monkeypatch.setattr(sampled, "measured_costs", lambda: free)


@pytest.mark.ffmpeg
@pytest.mark.usefixtures("free_start")
def test_encodes_get_the_same_frames_and_their_differences(pairs, made):
    broken = Pair.of_files(
        reference=pairs[0].reference, distorted=Video(made("ladder_short.mp4", n_frames=20))
    )
    scorer = make_scorer(choose_mode(exact_frames=12, seed=1), threads=1)
    ladder = score_ladder([*pairs, broken], scorer=scorer, level=0.9, target=60.0)
    assert [rung.crf for rung in ladder.rungs] == [36, 30, 24]
    frames = [set(rung.score.sampling.exact) for rung in ladder.rungs]
    assert frames[0] == frames[1] == frames[2]
    assert ladder.against == pairs[0].distorted.path
    assert ladder.rungs[-1].difference is None
    whole = [
        tv.score(
            reference=pair.reference.path, distorted=pair.distorted.path, mode="exact", threads=1
        )
        for pair in pairs
    ]
    gap = ladder.rungs[1].difference
    assert gap.resolved
    assert abs(gap.mean - (whole[1].vmaf.mean - whole[0].vmaf.mean)) < 2 * gap.half_width
    for rung, score in zip(ladder.rungs, reversed(whole), strict=True):
        exact = rung.score.sampling.exact
        assert exact == {frame: score.frame_scores[frame] for frame in exact}
    (failure,) = ladder.failures
    assert failure.pair == broken
    record = ladder.record()
    assert record["schema"] == "tinyvmaf.ladder/1"
    assert record["encodes"][0]["difference"]["resolved"] is True
    rows = list(csv.DictReader(io.StringIO(ladder.csv())))
    assert [row["crf"] for row in rows] == ["36.0", "30.0", "24.0"]
    assert len(ladder.targets) == 1


@pytest.mark.ffmpeg
def test_exact_scores_differ_without_doubt(pairs):
    scorer = make_scorer(choose_mode("exact"), threads=1)
    ladder = score_ladder(pairs[1:], scorer=scorer, level=0.9, against=pairs[2].distorted.path)
    (gap,) = [rung.difference for rung in ladder.rungs if rung.difference is not None]
    assert gap.mean > 0
    assert gap.half_width == 0


def test_against_another_file_is_refused(pairs, tmp_path):
    scorer = make_scorer(choose_mode("exact"), threads=1)
    with pytest.raises(UsageError, match="expected one of the encodes that are scored"):
        score_ladder(pairs, scorer=scorer, level=0.9, against=tmp_path / "other.mp4")
