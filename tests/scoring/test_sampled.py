# SPDX-License-Identifier: Apache-2.0
"""A real clip scored by sampling, held against libvmaf's scores of all its frames."""

from dataclasses import replace

import numpy as np
import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import NotSeekable, UsageError
from tinyvmaf.frontier.table_material import TableMaterial
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.sets import HALF, QUARTER
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import Video
from tinyvmaf.models.model import load_model
from tinyvmaf.pairs.check import check
from tinyvmaf.scoring import plan, sampled, video_material
from tinyvmaf.scoring.auxiliary import NoVariables, ReducedVmaf, SignalVariables, TinyModel
from tinyvmaf.scoring.costs import measured_costs
from tinyvmaf.scoring.mode import Job
from tinyvmaf.scoring.plan import Goal, first_strata
from tinyvmaf.scoring.sampled import SampledMode
from tinyvmaf.scoring.sampling import sample_encodes
from tinyvmaf.scoring.score import choose_mode
from tinyvmaf.scoring.scorer import _Watched
from tinyvmaf.stats.survey import no_auxiliary

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
@pytest.mark.parametrize("word", ["signal", "half", "quarter", "none", "tinyvmaf_half_v1"])
def test_sampled_frames_are_exact_and_the_mean_is_near(pair, whole, word):
    option = "model" if word.startswith("tinyvmaf") else "auxiliary"
    found = tv.score(**pair, **{option: word}, exact_frames=15, threads=1, seed=0)
    assert found.mode == "sampled"
    assert len(found.sampling.exact) in (14, 15)  # two strata may share the frame at their border
    assert dict(found.sampling.exact) == {
        frame: whole.frame_scores[frame] for frame in found.sampling.exact
    }
    assert found.sampling.n_decodes == (0 if found.sampling.method == "seek" else 1)
    assert abs(found.vmaf.mean - whole.vmaf.mean) < 2 * found.sampling.half_width
    assert found.interval.low < found.vmaf.mean < found.interval.high
    # Signals tell little of this pattern's course; a model of reduced pictures tells more.
    limit = whole.frame_scores.std() * 0.8 if word in ("signal", "none") else 4
    assert np.abs(found.frame_scores - whole.frame_scores).mean() < limit


@pytest.mark.ffmpeg
def test_sought_frames_are_exact(pair, whole):
    found = tv.score(**pair, auxiliary="packets", exact_frames=15, threads=1, seed=0)
    sampling = found.sampling
    assert (sampling.method, sampling.auxiliary, sampling.n_decodes) == ("seek", "packets", 0)
    assert dict(sampling.exact) == {frame: whole.frame_scores[frame] for frame in sampling.exact}


@pytest.mark.ffmpeg
def test_videos_that_cannot_be_sought_are_decoded_and_that_is_said(pair, whole, monkeypatch):
    def refuse(*_, **__):
        raise NotSeekable("two looks at frame 7 differ")

    monkeypatch.setattr(video_material, "score_frames_of", refuse)
    found = tv.score(**pair, auxiliary="packets", exact_frames=15, threads=1, seed=0)
    sampling = found.sampling
    assert (sampling.method, sampling.n_decodes) == ("decode", 1)
    assert dict(sampling.exact) == {frame: whole.frame_scores[frame] for frame in sampling.exact}
    assert found.notes == ("all frames were decoded: two looks at frame 7 differ",)


@pytest.mark.ffmpeg
def test_the_record_says_what_was_sampled_and_how_to_get_it_again(pair):
    found = tv.score(**pair, auxiliary="signal", exact_frames=12, seed=7, threads=1)
    record = found.record()
    assert record["vmaf"]["level"] == 0.9
    sampling = record["sampling"]
    assert (sampling["seed"], sampling["method"], sampling["auxiliary"]) == (7, "decode", "signal")
    assert sampling["exact_frames"][0]["frame"] == 0
    assert sampling["decoded_frames"] == 2 * N_FRAMES
    assert sampling["cpu_s"] > 0
    assert found.command.endswith(
        "--mode sampled --auxiliary signal --teacher vmaf_v0.6.1 --level 0.9 --exact-frames 12 "
        "--seed 7"
    )


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_no_modelled_figure_is_given_as_a_number(pair, whole):
    found = tv.score(**pair, exact_frames=40, threads=1)
    figures = found.record()["vmaf"]
    assert {figures[name] for name in ("harmonic_mean", "min", "p1", "p5", "p10")} == {None}
    intervals = found.sampling.percentiles
    assert (intervals["p1"], intervals["p5"]) == (None, None)
    low, high = intervals["p10"]
    assert low <= whole.vmaf.p10 <= high
    exact = found.sampling.exact
    assert all(exact[item.frame] == item.vmaf for item in found.worst_frames)
    assert found.record()["sampling"]["unseen_probability"]["0.01"] == pytest.approx(0.99**39)


@pytest.mark.ffmpeg
def test_worst_moments_are_confirmed(pair, whole):
    plain = tv.score(**pair, exact_frames=15, threads=1, seed=3)
    found = tv.score(**pair, exact_frames=15, worst=3, threads=1, seed=3)
    assert plain.sampling.exact.keys() < found.sampling.exact.keys()
    assert found.vmaf.mean == plain.vmaf.mean  # frames that were not drawn stay out of the mean
    assert len(found.worst_frames) == 3
    assert all(whole.frame_scores[item.frame] == item.vmaf for item in found.worst_frames)
    assert found.worst_frames[0].vmaf <= plain.worst_frames[0].vmaf


@pytest.mark.ffmpeg
def test_the_seed_comes_from_the_content(pair, tmp_path):
    first = tv.score(**pair, exact_frames=8, threads=1)
    copied = {name: tmp_path / f"{name}.mp4" for name in pair}
    for name, path in copied.items():
        path.write_bytes(pair[name].read_bytes())
    assert tv.score(**copied, exact_frames=8, threads=1).sampling.exact == first.sampling.exact
    assert f"--seed {first.sampling.seed}" in first.command


@pytest.mark.ffmpeg
@pytest.mark.parametrize("distance", [-8.0, 8.0])
def test_a_question_is_answered(pair, whole, distance):
    threshold = round(whole.vmaf.mean + distance, 1)
    found = tv.score(**pair, at_least=threshold, threads=1)
    assert found.verdict.answer == ("yes" if distance < 0 else "no")
    assert found.record()["decision"]["at_least"] == threshold


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_a_close_question_is_answered_by_every_frame_or_left_open(pair, whole):
    threshold = round(whole.vmaf.mean, 3) + 0.001
    found = tv.score(**pair, at_least=threshold, threads=1)
    assert (found.verdict.answer, found.mode) == ("no", "exact")
    assert found.verdict.reason == f"the mean of all 120 frames is {whole.vmaf.mean:.2f}"
    found = tv.score(**pair, at_least=threshold, budget=0.01, threads=1)
    assert found.verdict.answer == "too close to call"


@pytest.mark.ffmpeg
def test_the_same_seed_gives_the_same_score_and_another_another(pair):
    first, second, third = (
        tv.score(**pair, exact_frames=8, seed=seed, threads=1) for seed in (1, 1, 2)
    )
    assert first.sampling.exact == second.sampling.exact
    assert first.sampling.mean == second.sampling.mean
    assert first.sampling.exact.keys() != third.sampling.exact.keys()


@pytest.fixture
def free_start(monkeypatch):
    """The start of the program costs nothing, so that small pictures are worth sampling."""
    free = replace(measured_costs(), start_s=0.0)
    monkeypatch.setattr(sampled, "measured_costs", lambda: free)


@pytest.mark.ffmpeg
@pytest.mark.usefixtures("free_start")
def test_more_rounds_until_it_is_narrow_enough(pair, whole):
    wanted = 1.0
    first = first_strata(Goal(within=wanted), n_frames=N_FRAMES)
    common = {**pair, "auxiliary": "quarter", "threads": 1, "seed": 0}
    wide = tv.score(**common, exact_frames=first + 1)
    wanted = wide.sampling.half_width * 0.9
    found = tv.score(**common, within=wanted)
    # The frames of the second round were kept in the first.
    assert found.sampling.n_decodes == 1
    assert dict(found.sampling.exact) == {
        frame: whole.frame_scores[frame] for frame in found.sampling.exact
    }
    assert found.sampling.half_width <= wanted
    # The finer sample keeps every frame of the first round.
    assert wide.sampling.exact.keys() < found.sampling.exact.keys()
    assert abs(found.vmaf.mean - whole.vmaf.mean) < 2 * wanted


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.usefixtures("free_start")
def test_without_room_for_spare_frames_the_pair_is_decoded_again(pair, monkeypatch):
    common = {**pair, "auxiliary": "quarter", "threads": 1, "seed": 0}
    wide = tv.score(**common, exact_frames=25)
    wishes = {**common, "within": wide.sampling.half_width * 0.9}
    kept = tv.score(**wishes)
    monkeypatch.setattr(plan, "_SPARE_BYTES", 1)
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
    assert note == (
        "every frame was scored exactly: 12 frames of this size take little longer than the start "
        "of the program"
    )
    assert narrow.notes[0].startswith("every frame was scored exactly: ")
    assert (short.mode, short.model.name) == ("exact", "vmaf_v0.6.1")


class Bars:
    """A progress that notes what each bar was told."""

    def __init__(self):
        self.bars = []

    def task(self, name, *, total, unit):
        self.bars.append([])
        return self

    def note(self, message):
        raise AssertionError(message)

    def advance(self, amount):
        self.bars[-1].append(amount)

    def finish(self):
        self.bars[-1].append("end")


@pytest.mark.ffmpeg
def test_every_round_of_sampling_has_a_bar_of_its_own(pair, ffmpeg, tmp_path):
    videos = {name: Video(path) for name, path in pair.items()}
    job = Job(check(Pair.of_files(**videos)), FfmpegEngine(ffmpeg), tmp_path, threads=1)
    bars = Bars()
    watched = _Watched(bars, job)
    for count in (N_FRAMES // 2, N_FRAMES, 1, N_FRAMES):
        watched.reach(count)
    watched.finish()
    first, second = ([step for step in bar if step] for bar in bars.bars)
    assert first == [N_FRAMES // 2, N_FRAMES - N_FRAMES // 2, "end"]
    assert second == [1, N_FRAMES - 1, "end"]


@pytest.mark.ffmpeg
@pytest.mark.usefixtures("free_start")
@pytest.mark.parametrize("within", [0.001, 1.0, 3.0])
def test_a_table_in_the_place_of_the_videos_gives_the_same(pair, whole, ffmpeg, tmp_path, within):
    """What `frontier` simulates on a table is what `score` does on the videos."""
    videos = {name: Video(path) for name, path in pair.items()}
    job = Job(check(Pair.of_files(**videos)), FfmpegEngine(ffmpeg), tmp_path, threads=1)
    goal = Goal(within=within)
    mode = SampledMode(Teacher("vmaf_v0.6.1"), goal, SignalVariables(), seed=11)
    together = mode.score_together([job], on_frame=lambda _: None)
    (found,) = together.found
    decoded = found.sample is not None
    auxiliary = together.material.auxiliary(0) if decoded else no_auxiliary(N_FRAMES)
    table = TableMaterial([whole.frame_scores], [auxiliary], passes=("signal",), n_pixels=960 * 540)
    (simulated,) = sample_encodes(
        table,
        n_encodes=1,
        goal=goal,
        costs=sampled.measured_costs(),
        rng=np.random.default_rng(11),
    )
    assert simulated.reason == found.reason
    assert (simulated.n_looks, simulated.half_width) == (found.n_looks, found.half_width)
    assert simulated.estimate == found.estimate
    if decoded:
        assert simulated.sample.frames == found.sample.frames
        assert dict(table.exact(0)) == dict(together.material.exact(0))


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
            ("`within`, `exact_frames` and `at_least` contradict each other; give one of them"),
        ),
        ({"within": 0.0}, "`within=0`: expected more than 0 VMAF points"),
        (
            {"exact_frames": 4},
            "`exact_frames=4`: expected 5 or more; fewer give no interval",
        ),
        ({"within": 1.0, "seed": -1}, "`seed=-1`: expected 0 or more"),
        (
            {"auxiliary": "vif"},
            "`auxiliary='vif'`: expected one of signal, packets, half, quarter, none",
        ),
        (
            {"auxiliary": "half", "model": "tinyvmaf_half_v1"},
            "`auxiliary` and `model` contradict each other; give one of them",
        ),
        (
            {"percentile": 5.0},
            "`percentile` needs `at_least`, the threshold to compare it with",
        ),
        ({"budget": 5.0}, "`budget` needs `at_least`: it ends the search for an answer"),
        ({"at_least": 101.0}, "`at_least=101`: expected a score between 0 and 100"),
        (
            {"name": "exact", "within": 1.0},
            (
                "`mode='exact'` samples no frames: `within`, `exact_frames`, `auxiliary`, "
                "`at_least` and `worst` belong to `mode='sampled'`"
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
    assert (by_default.variables, by_default.goal) == (None, Goal(within=1.0))
    assert choose_mode(exact_frames=20, auxiliary="quarter") == SampledMode(
        teacher=Teacher("vmaf_v0.6.1"),
        goal=Goal(n_exact=20),
        variables=ReducedVmaf(QUARTER),
    )
    assert choose_mode(model="tinyvmaf_half_v1").name == "sampled"
    assert choose_mode(model="tinyvmaf_small_v1").name == "model"
    assert choose_mode(logged=True).name == "exact"
    assert choose_mode(auxiliary="half").variables == ReducedVmaf(HALF)
    assert choose_mode(auxiliary="signal").variables == SignalVariables()
    assert choose_mode(auxiliary="none").variables == NoVariables()


def test_a_model_of_full_size_features_is_no_auxiliary(model_path):
    with pytest.raises(UsageError, match="at full size, where the exact score costs nothing more"):
        TinyModel(load_model(model_path), str(model_path))
