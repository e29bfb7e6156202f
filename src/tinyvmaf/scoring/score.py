# SPDX-License-Identifier: Apache-2.0
"""The public function `score`, and the choice of mode and scorer from its arguments."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import DEFAULT, find_teacher
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.video import RawFormat, as_video
from tinyvmaf.pairs.finding import Allowance, allowances
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.scoring.exact import ExactMode
from tinyvmaf.scoring.mode import EXACT, MODEL, MODES, SAMPLED, Mode, check_level
from tinyvmaf.scoring.result import Score
from tinyvmaf.scoring.scorer import LogFile, Scorer

if TYPE_CHECKING:
    from tinyvmaf.scoring.auxiliary import AbstractVariables
    from tinyvmaf.scoring.plan import Goal

LEVEL: Final = 0.9

_MODEL: Final = "tinyvmaf_small_v1"
_WITHIN: Final = 1.0
# Each thread takes memory and counts as a process; ffmpeg crashes with many more.
_MOST_THREADS: Final = 512


def score(
    *,
    reference: Path | str,
    distorted: Path | str,
    mode: str | None = None,
    model: Path | str | None = None,
    teacher: str = DEFAULT,
    level: float = LEVEL,
    within: float | None = None,
    exact_frames: int | None = None,
    auxiliary: str | None = None,
    at_least: float | None = None,
    percentile: float | None = None,
    budget: float | None = None,
    worst: int = 0,
    seed: int | None = None,
    allow: Iterable[Allowance | str] = (),
    sync: bool = False,
    crop: str | None = None,
    start_s: float | None = None,
    duration_s: float | None = None,
    reference_start_s: float | None = None,
    raw: RawFormat | None = None,
    log: Path | str | None = None,
    log_format: str | None = None,
    threads: int | None = None,
    ffmpeg: Path | None = None,
    progress: Progress = SILENT,
) -> Score:
    """Score a distorted video against its reference, in VMAF points.

    Args:
        reference: The pristine video.
        distorted: The distorted version of it.
        mode: `sampled` (libvmaf on a few frames, auxiliary variables of all of them), `exact`
            (libvmaf itself) or `model` (a tiny model alone); see `choose_mode` for the default.
        model: A shipped model's name or an ONNX file.
        teacher: For the modes `exact` and `sampled`: libvmaf's model.
        level: Nominal coverage of intervals, in (0, 1).
        within: For the mode `sampled`: half the width that the interval may have, by default 1.
        exact_frames: Instead of `within`: how many frames libvmaf computes.
        auxiliary: For the mode `sampled`: `signal`, `packets`, `quarter`, `half` or `none`.
        at_least: Ask whether the score is at least this; sampling goes on until the answer is
            certain.
        percentile: Ask about this percentile of the frames instead of the mean.
        budget: Seconds after which the question may stay open.
        worst: Worst moments to look for and confirm.
        seed: For the mode `sampled`: the same seed samples the same frames; by default derived from
            the content of both videos.
        allow: Differences to accept, such as `frame-count`.
        sync: Match shifted frames by their pictures, instead of refusing.
        crop: `W:H:X:Y` of the reference, `distorted:W:H:X:Y`, or `auto`, which takes black bars
            off.
        start_s: Compare from this second of the reference on.
        duration_s: Compare this many seconds.
        reference_start_s: Where in the reference the distorted video begins, in seconds.
        raw: Geometry of raw YUV files.
        log: A file for the frames' scores, in libvmaf's layout; without `mode` it makes the mode
            `exact`, since readers of such logs take every score for libvmaf's own.
        log_format: `json`, `xml` or `csv`; the file's suffix by default.
        threads: Threads that ffmpeg may use; all cores by default.
        ffmpeg: The ffmpeg to use.
        progress: Receives the number of frames done.

    Raises:
        TinyVmafError: the call is wrong, a video cannot be read, the two do not fit, or ffmpeg
            failed.
    """
    scorer = make_scorer(
        choose_mode(
            mode,
            model=model,
            teacher=teacher,
            level=level,
            within=within,
            exact_frames=exact_frames,
            auxiliary=auxiliary,
            at_least=at_least,
            percentile=percentile,
            budget=budget,
            worst=worst,
            seed=seed,
            logged=log is not None,
        ),
        allow=allow,
        sync=sync,
        crop=crop,
        excerpt=Excerpt(start_s, duration_s, reference_start_s),
        raw=raw,
        threads=threads,
        ffmpeg=ffmpeg,
        progress=progress,
    )
    return scorer.score(
        Pair.of_files(
            reference=as_video(Path(reference), raw), distorted=as_video(Path(distorted), raw)
        ),
        log=LogFile(Path(log), log_format) if log is not None else None,
    )


def choose_mode(
    name: str | None = None,
    *,
    model: Path | str | None = None,
    features: Sequence[str] | None = None,
    teacher: str = DEFAULT,
    level: float = LEVEL,
    within: float | None = None,
    exact_frames: int | None = None,
    auxiliary: str | None = None,
    at_least: float | None = None,
    percentile: float | None = None,
    budget: float | None = None,
    worst: int = 0,
    seed: int | None = None,
    logged: bool = False,
) -> Mode:
    """The mode called `name`; by default `sampled`, or `model` for a model of full-size features.

    Args:
        name: One of `MODES`.
        model: A shipped model's name or an ONNX file, by default `tinyvmaf_small_v1` for the mode
            `model`. One of reduced features is the auxiliary variable of the mode `sampled`.
        features: The order of the model's features, for a file that does not record it.
        teacher: Libvmaf's model, for the modes `exact` and `sampled`.
        level: Nominal coverage of intervals, in (0, 1).
        within: For the mode `sampled`: half the width that the interval may have, by default 1.
        exact_frames: Instead of `within`: how many frames libvmaf computes.
        auxiliary: For the mode `sampled`: `signal` (PSNR and change), `packets` (packet sizes),
            `quarter` or `half` (libvmaf on reduced pictures), or `none`; by default `signal`, or
            `packets` where seeking is cheaper than decoding.
        at_least: For the mode `sampled`: ask whether the score is at least this.
        percentile: Ask about this percentile instead of the mean.
        budget: Seconds after which the question may stay open.
        worst: Worst moments to look for and confirm.
        seed: For the mode `sampled`: the same seed samples the same frames.
        logged: True if every frame's score is written in libvmaf's layout; then `exact` is the
            default, since readers of such logs take every score for libvmaf's own.

    Raises:
        UsageError: an argument names something that does not exist, or two contradict each other.
        ModelError: the model cannot be used.
    """
    _check_question(at_least=at_least, percentile=percentile, budget=budget, worst=worst)
    wishes = (within, exact_frames, auxiliary, at_least)
    sampling = any(wish is not None for wish in wishes) or worst > 0
    default = EXACT if logged else SAMPLED
    if sampling:
        default = SAMPLED
    elif model is not None:
        default = _mode_of(model, features)
    chosen = name or default
    if chosen not in MODES:
        raise UsageError(f"unknown mode {chosen!r}; expected one of {', '.join(MODES)}")
    if chosen == SAMPLED:
        goal = _goal(
            level=level,
            within=within,
            exact_frames=exact_frames,
            at_least=at_least,
            percentile=percentile,
            budget=budget,
        )
        variables = _variables(auxiliary, model, features)
        # Not all modes need what this one imports.
        from tinyvmaf.scoring.sampled import SampledMode

        known = find_teacher(teacher)
        return SampledMode(known, goal=goal, variables=variables, seed=seed, n_worst=worst)
    if sampling:
        raise UsageError(
            f"`mode='{chosen}'` samples no frames: `within`, `exact_frames`, `auxiliary`, "
            f"`at_least` and `worst` belong to `mode='{SAMPLED}'`"
        )
    if chosen == EXACT:
        if model is not None:
            raise UsageError(f"`mode='{EXACT}'` reads no `model`; leave one of them out")
        return ExactMode(find_teacher(teacher))
    if teacher != DEFAULT:
        raise UsageError(f"`mode='{MODEL}'` has no `teacher`: the model's own is in its card")
    # Packages for models are imported only if a model is used.
    from tinyvmaf.models.model import load_model
    from tinyvmaf.scoring.modelled import ModelMode

    model = _MODEL if model is None else model
    return ModelMode(load_model(model, features=features), str(model), check_level(level))


def _goal(
    *,
    level: float,
    within: float | None,
    exact_frames: int | None,
    at_least: float | None,
    percentile: float | None,
    budget: float | None,
) -> "Goal":
    from tinyvmaf.scoring.plan import Goal

    if sum(wish is not None for wish in (within, exact_frames, at_least)) > 1:
        raise UsageError(
            "`within`, `exact_frames` and `at_least` contradict each other; give one of them"
        )
    if within is None and exact_frames is None and at_least is None:
        within = _WITHIN
    return Goal(
        level=check_level(level),
        within=within,
        n_exact=exact_frames,
        at_least=at_least,
        percentile=percentile,
        budget_s=budget,
    )


def _check_question(
    *, at_least: float | None, percentile: float | None, budget: float | None, worst: int
) -> None:
    if at_least is None and percentile is not None:
        raise UsageError("`percentile` needs `at_least`, the threshold to compare it with")
    if at_least is None and budget is not None:
        raise UsageError("`budget` needs `at_least`: it ends the search for an answer")
    if budget is not None and not budget > 0:
        raise UsageError(f"`budget={budget:g}`: expected more than 0 seconds")
    if worst < 0:
        raise UsageError(f"`worst={worst}`: expected 0 or more moments")


def _mode_of(model: Path | str, features: Sequence[str] | None) -> str:
    """The mode of a model: `sampled` if its features are reduced, so that it is an auxiliary."""
    from tinyvmaf.libvmaf.sets import FULL, sets_of
    from tinyvmaf.models.model import load_model

    return MODEL if FULL in sets_of(load_model(model, features=features).features) else SAMPLED


def _variables(
    auxiliary: str | None, model: Path | str | None, features: Sequence[str] | None
) -> "AbstractVariables | None":
    from tinyvmaf.libvmaf.sets import SIGNAL
    from tinyvmaf.scoring.auxiliary import (
        REDUCED,
        WORDS,
        NoVariables,
        ReducedVmaf,
        SignalVariables,
        TinyModel,
    )

    if auxiliary is not None and model is not None:
        raise UsageError("`auxiliary` and `model` contradict each other; give one of them")
    if model is not None:
        from tinyvmaf.models.model import load_model

        return TinyModel(load_model(model, features=features), str(model))
    if auxiliary is None:
        return None
    if auxiliary not in WORDS:
        raise UsageError(f"`auxiliary='{auxiliary}'`: expected one of {', '.join(WORDS)}")
    if auxiliary in REDUCED:
        return ReducedVmaf(REDUCED[auxiliary])
    return SignalVariables() if auxiliary == SIGNAL.name else NoVariables(auxiliary)


def make_scorer(
    mode: Mode,
    *,
    allow: Iterable[Allowance | str] = (),
    sync: bool = False,
    crop: str | None = None,
    excerpt: Excerpt = WHOLE,
    raw: RawFormat | None = None,
    threads: int | None = None,
    ffmpeg: Path | None = None,
    progress: Progress = SILENT,
) -> Scorer:
    """A scorer in this mode for any number of pairs; the other arguments are those of `score`.

    Raises:
        UsageError: an argument is wrong, or libvmaf does not have the teacher.
        ToolNotFound, ToolLacksFeature: there is no usable ffmpeg.
    """
    allowed = allowances(allow)
    threads = os.cpu_count() or 1 if threads is None else threads
    if not 1 <= threads <= _MOST_THREADS:
        raise UsageError(f"`threads={threads}`: expected 1 to {_MOST_THREADS}")
    engine = FfmpegEngine(find_ffmpeg(ffmpeg))
    mode.check(engine)
    options = [*mode.options, *(raw.options if raw is not None else ())]
    for name in sorted(allowed):
        options += ["--allow", str(name)]
    options += ["--sync"] if sync else []
    options += ["--crop", crop] if crop is not None else []
    options += excerpt.options
    options += ["--ffmpeg", str(ffmpeg)] if ffmpeg is not None else []
    return Scorer(
        mode=mode,
        engine=engine,
        options=tuple(options),
        allowed=allowed,
        sync=sync,
        crop=crop,
        excerpt=excerpt,
        threads=threads,
        progress=progress,
    )
