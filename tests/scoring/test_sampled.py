# SPDX-License-Identifier: Apache-2.0
"""A real clip scored by sampling, held against libvmaf's scores of all its frames."""

import numpy as np
import pytest

import tinyvmaf as tv
from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.sets import HALF, QUARTER
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.models.model import load_model
from tinyvmaf.scoring import rounds
from tinyvmaf.scoring.proxy import ReducedVmaf, TinyProxy
from tinyvmaf.scoring.sampled import SampledMode, first_strata
from tinyvmaf.scoring.score import choose_mode

N_FRAMES = 120


@pytest.fixture(scope="module")
def pair(made):
    large = {"n_frames": N_FRAMES, "filters": ("scale=960:540",)}
    videos = made("long.mp4", **large), made("long_bad.mp4", **large, crf=36)
    return dict(zip(("reference", "distorted"), videos, strict=True))


@pytest.fixture(scope="module")
def whole(pair):
    return tv.score(**pair, threads=1, mode="exact")


@pytest.mark.ffmpeg
@pytest.mark.parametrize("model", ["signal", "half", "quarter", "tinyvmaf_half_v1"])
def test_sampled_frames_are_exact_and_the_mean_is_near(pair, whole, model):
    found = tv.score(**pair, model=model, exact_frames=15, threads=1)
    assert found.mode == "sampled"
    assert len(found.sampling.exact) in (14, 15)  # two strata may share the frame at their border
    assert dict(found.sampling.exact) == {
        frame: whole.frame_scores[frame] for frame in found.sampling.exact
    }
    assert found.sampling.n_decodes == 1
    assert abs(found.vmaf.mean - whole.vmaf.mean) < 2 * found.sampling.half_width
    assert found.interval.low < found.vmaf.mean < found.interval.high
    # Signals tell little of this pattern's course; a model of reduced pictures tells more.
    limit = whole.frame_scores.std() * 0.6 if model == "signal" else 4
    assert np.abs(found.frame_scores - whole.frame_scores).mean() < limit


@pytest.mark.ffmpeg
def test_the_record_says_what_is_modelled_and_how_to_get_it_again(pair):
    found = tv.score(**pair, exact_frames=12, seed=7, threads=1)
    record = found.record()
    assert record["vmaf"]["level"] == 0.9
    assert record["sampling"]["seed"] == 7
    assert record["sampling"]["exact_frames"][0]["frame"] == 0
    assert record["sampling"]["modelled"] == [
        *("harmonic_mean", "min", "p1", "p5", "p10", "worst_frames"),
    ]
    assert found.command.endswith(
        "--mode sampled --model signal --teacher vmaf_v0.6.1 --level 0.9 --exact-frames 12 --seed 7"
    )


@pytest.mark.ffmpeg
def test_the_same_seed_gives_the_same_score_and_another_another(pair):
    first, second, third = (
        tv.score(**pair, exact_frames=8, seed=seed, threads=1) for seed in (1, 1, 2)
    )
    assert first.sampling == second.sampling
    assert first.sampling.exact.keys() != third.sampling.exact.keys()


@pytest.mark.ffmpeg
def test_more_rounds_until_it_is_narrow_enough(pair, whole):
    wanted = 1.0
    first = first_strata(wanted, n_frames=N_FRAMES)
    wide = tv.score(**pair, model="quarter", exact_frames=first + 1, threads=1)
    assert wide.sampling.half_width > wanted
    found = tv.score(**pair, model="quarter", within=wanted, threads=1)
    # The frames of the second round were kept in the first.
    assert found.sampling.n_decodes == 1
    assert dict(found.sampling.exact) == {
        frame: whole.frame_scores[frame] for frame in found.sampling.exact
    }
    assert found.sampling.half_width <= wanted
    # The finer sample keeps every frame of the first round.
    assert wide.sampling.exact.keys() < found.sampling.exact.keys()
    assert abs(found.vmaf.mean - whole.vmaf.mean) < 2 * wanted


@pytest.mark.ffmpeg
def test_without_room_for_spare_frames_the_pair_is_decoded_again(pair, monkeypatch):
    wide = tv.score(**pair, model="quarter", exact_frames=9, threads=1)
    wishes = {**pair, "model": "quarter", "within": wide.sampling.half_width * 0.9, "threads": 1}
    kept = tv.score(**wishes)
    monkeypatch.setattr(rounds, "_SPARE_BYTES", 1)
    found = tv.score(**wishes)
    assert (kept.sampling.n_decodes, found.sampling.n_decodes) == (1, 2)
    assert found.sampling.half_width <= wishes["within"]


@pytest.mark.ffmpeg
def test_short_clips_and_narrow_wishes_are_left_to_libvmaf(made, pair, whole):
    few = {"reference": made("twelve.mp4", n_frames=12)}
    few["distorted"] = made("twelve_bad.mp4", n_frames=12, crf=36)
    short = tv.score(**few, within=5.0, threads=1)
    narrow = tv.score(**pair, within=0.001, threads=1)
    assert short.vmaf == tv.score(**few, threads=1, mode="exact").vmaf
    assert narrow.vmaf == whole.vmaf
    assert short.interval is None
    (note,) = short.notes
    assert note == "every frame was scored exactly: 12 frames of 320x136 are few pixels"
    assert narrow.notes[0].startswith("every frame was scored exactly: ")
    assert (short.mode, short.model.name) == ("exact", "vmaf_v0.6.1")


@pytest.mark.ffmpeg
def test_any_teacher(made):
    graph = "scale=352:288"
    pair = {
        "reference": made("large.mp4", filters=(graph,), n_frames=60),
        "distorted": made("large_bad.mp4", filters=(graph,), n_frames=60, crf=36),
    }
    teacher = "vmaf_v1.0.16_3d0h"
    whole = tv.score(**pair, teacher=teacher, threads=1, mode="exact")
    found = tv.score(**pair, teacher=teacher, exact_frames=9, threads=1)
    assert dict(found.sampling.exact) == {
        frame: whole.frame_scores[frame] for frame in found.sampling.exact
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"within": 1.0, "exact_frames": 9},
            "--within and --exact-frames contradict each other; give one of them",
        ),
        ({"within": 0.0}, "--within 0: expected more than 0 VMAF points"),
        (
            {"exact_frames": 4},
            "--exact-frames 4: expected 5 or more; fewer do not tell how far to believe them",
        ),
        ({"within": 1.0, "seed": -1}, "--seed -1: expected 0 or more"),
        (
            {"name": "exact", "within": 1.0},
            (
                "--mode exact samples no frames: --within, --exact-frames and the models signal, "
                "half, quarter belong to --mode sampled"
            ),
        ),
    ],
)
def test_calls_that_make_no_sense(options, message):
    name = options.pop("name", None)
    with pytest.raises(UsageError) as caught:
        choose_mode(name, **options)
    assert str(caught.value) == message


def test_sampling_is_chosen_by_what_only_it_reads():
    assert isinstance(choose_mode(within=0.5), SampledMode)
    by_default = choose_mode()
    assert isinstance(by_default, SampledMode)
    assert (by_default.model.name, by_default.within) == ("signal", 1.0)
    assert choose_mode(exact_frames=20, model="quarter") == SampledMode(
        teacher=Teacher("vmaf_v0.6.1"),
        proxy=ReducedVmaf(QUARTER),
        level=0.9,
        within=None,
        n_exact=20,
    )
    assert choose_mode(model="tinyvmaf_half_v1").name == "sampled"
    assert choose_mode(model="tinyvmaf_small_v1").name == "model"
    assert choose_mode(logged=True).name == "exact"
    assert choose_mode(logged=True, within=1.0).name == "sampled"
    assert choose_mode(model="half").proxy == ReducedVmaf(HALF)


def test_a_model_of_full_size_features_is_no_proxy(model_path):
    with pytest.raises(UsageError, match="at full size, where the exact score costs nothing more"):
        TinyProxy(load_model(model_path), str(model_path))
