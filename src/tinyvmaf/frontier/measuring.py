# SPDX-License-Identifier: Apache-2.0
"""The public function `frontier`: error, coverage and measured cost of every scoring method.

Methods are simulated on a table with the teacher's scores and reduced feature sets; the code that
samples is that of scoring.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import UsageError
from tinyvmaf.features.extraction import Failure, extract
from tinyvmaf.features.table import FeatureTable, as_table, make_table
from tinyvmaf.frontier.cpu_time import EVERY, every_nth, measure_cpu
from tinyvmaf.frontier.frontier_record import SCHEMA, FrontierModel, FrontierRecord, MethodRecord
from tinyvmaf.frontier.judged_models import (
    Judged,
    clips_of,
    judge_model,
    read_predictions,
    reduced_model,
    reduced_models,
)
from tinyvmaf.frontier.study import (
    Clip,
    Method,
    Outcome,
    bare,
    every_nth_method,
    model_method,
    sampled_methods,
)
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SIGNAL, SSIM, FeatureSet
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.probing import probe
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import command_line, versions
from tinyvmaf.scoring.auxiliary import predicted_score, signal_variables
from tinyvmaf.scoring.costs import COSTS_SCHEMA, CostsRecord, costs_of, read_costs
from tinyvmaf.scoring.mode import check_level
from tinyvmaf.scoring.score import LEVEL

if TYPE_CHECKING:
    import polars as pl

SETS: Final = ",".join(item.name for item in (FULL, HALF, QUARTER, SIGNAL, SSIM))
"""The feature sets that the corpus is extracted with."""


@dataclass(frozen=True, slots=True, repr=False)
class Frontier:
    """The result of `frontier`.

    Attributes:
        record: The methods.
        costs: The CPU times that they were computed from.
        failures: The pairs of a corpus that could not be scored.
    """

    record: FrontierRecord
    costs: CostsRecord
    failures: tuple[Failure, ...] = ()

    def __repr__(self) -> str:
        return f"<Frontier {len(self.record.methods)} methods, {self.record.clips} clips>"


def frontier(
    corpus: FeatureTable | Path | str,
    *,
    models: Sequence[str] = (),
    predictions: Sequence[Path | str] = (),
    replicates: int = 10,
    seed: int = 0,
    level: float = LEVEL,
    costs: CostsRecord | Path | str | None = None,
    timed: Path | str | None = None,
    n_timed: int = 3,
    jobs: int | None = None,
    ffmpeg: Path | None = None,
    progress: Progress = SILENT,
) -> Frontier:
    """Measure error, coverage and CPU time of every scoring method, by simulation on a table.

    Args:
        corpus: A corpus, which is extracted first, or a table with the feature sets of `SETS`.
        models: Models of reduced features, shipped names or ONNX files; by default all shipped
            ones.
        predictions: Out-of-fold predictions `MODEL.parquet`, for models that were trained on
            sources of the corpus.
        replicates: Samples that are drawn of every clip.
        seed: Seed of the first replicate; later ones add 1 each.
        level: Nominal coverage of the intervals, in (0, 1).
        costs: CPU times of an earlier measurement, or its file; by default they are measured.
        timed: The corpus whose pairs are timed; by default `corpus`.
        n_timed: Pairs that are timed, those with the largest pictures, of different sources.
        jobs: Programs at once during extraction; all cores by default.
        ffmpeg: The ffmpeg to use.
        progress: Receives the number of frames done.

    Raises:
        UsageError: an argument is wrong, a table is given without `costs` or `timed`, or a model
            was trained on all sources and has no predictions.
        SchemaError: the file of costs or predictions is invalid.
        CorpusError: there is no corpus, or no pair at all could be scored.
    """
    # Models, predictions and costs are checked before anything slow begins.
    chosen = tuple(map(reduced_model, models)) if models else reduced_models()
    held_out = _predictions([Path(path) for path in predictions], [item.name for item in chosen])
    known = costs if costs is None or isinstance(costs, CostsRecord) else read_costs(Path(costs))
    timing = timed if timed is not None else corpus
    if known is None and (isinstance(timing, FeatureTable) or Path(timing).suffix == ".parquet"):
        raise UsageError("a table has no CPU times: name a corpus with `timed`, or give `costs`")
    table, failures = _table(corpus, jobs=jobs, ffmpeg=ffmpeg, progress=progress)
    if known is None:
        assert not isinstance(timing, FeatureTable)  # noqa: S101 (refused above)
        failed = frozenset(item.pair.name for item in failures)
        known = _measure(Path(timing), n_timed, ffmpeg=ffmpeg, failed=failed, progress=progress)
    record = frontier_record(
        table,
        [judge_model(table, item, predictions=held_out.get(item.name)) for item in chosen],
        cpu={name: value / 1000 for name, value in known.cpu_ms.items()},
        replicates=replicates,
        seed=seed,
        level=check_level(level),
    )
    record = replace(
        record,
        cpu_pairs=known.cpu_pairs,
        cpu_date=known.date,
        date=datetime.now(UTC).date().isoformat(),
        command=command_line(),
        versions=dict(table.info.versions),
    )
    return Frontier(record, known, failures)


def _table(
    corpus: FeatureTable | Path | str,
    *,
    jobs: int | None,
    ffmpeg: Path | None,
    progress: Progress,
) -> tuple[FeatureTable, tuple[Failure, ...]]:
    """The table of a corpus, and the pairs that could not be scored."""
    if isinstance(corpus, FeatureTable) or Path(corpus).suffix == ".parquet":
        return as_table(corpus), ()
    found = extract(
        corpus, features=SETS, engine="ffmpeg", ffmpeg=ffmpeg, jobs=jobs, progress=progress
    )
    return found.table, found.failures


def _measure(
    root: Path, count: int, *, ffmpeg: Path | None, failed: frozenset[str], progress: Progress
) -> CostsRecord:
    """CPU times, measured on the pairs of `root` with the largest pictures."""
    pairs = [pair for pair in read_corpus(root).pairs if pair.name not in failed]
    first = {pair.source: pair for pair in reversed(pairs)}
    info = {name: probe(pair.reference) for name, pair in first.items()}
    by_size = sorted(first, key=lambda name: (-info[name].width * info[name].height, name))
    measured = [first[name] for name in by_size[:count]]
    found = find_ffmpeg(ffmpeg)
    spent = measure_cpu(measured, ffmpeg=found, progress=progress)
    return CostsRecord(
        schema=COSTS_SCHEMA,
        cpu_ms={name: value * 1000 for name, value in spent.items()},
        cpu_pairs=tuple(pair.name for pair in measured),
        date=datetime.now(UTC).date().isoformat(),
        versions={**versions(), "ffmpeg": found.version, "libvmaf": found.libvmaf},
    )


def _predictions(paths: Sequence[Path], names: Sequence[str]) -> "dict[str, pl.DataFrame]":
    """Out-of-fold predictions by the name of their model."""
    for path in paths:
        if path.stem not in names:
            raise UsageError(
                f"{path}: there is no model {path.stem}; expected one of {', '.join(names)} before "
                "the suffix"
            )
    return {path.stem: read_predictions(path) for path in paths}


def frontier_record(
    table: FeatureTable,
    models: Sequence[Judged],
    *,
    cpu: Mapping[str, float],
    replicates: int,
    seed: int,
    level: float,
) -> FrontierRecord:
    """Every scoring method with its error, coverage and cost, sorted by cost.

    Args:
        table: The feature table of the corpus.
        models: The models to evaluate, with their scores.
        cpu: The result of `measure_cpu`.
        replicates: Replicates for each clip and method.
        seed: Seed of the random numbers.
        level: Nominal coverage of the intervals.
    """
    n_clips = table.n_clips
    table, models = _same_clips(table, models)
    signal = table.rows.select(SIGNAL.columns).to_numpy()
    clips = list(clips_of(table.rows, [signal], signal_variables))
    draw = partial(
        sampled_methods,
        replicates=replicates,
        seed=seed,
        level=level,
        costs=costs_of({name: 1000 * value for name, value in cpu.items()}),
    )
    methods: list[Method] = []
    for item in models:
        names = [feature_set.name for feature_set in item.sets]
        methods.append(model_method(item.clips, model=item.name, sets=names))
        methods += draw(item.clips, model=item.name, sets=item.sets)
    judged = [(item.name, item.sets, item.clips) for item in models]
    bad = [
        method
        for name, sets, those in [("signal", (SIGNAL,), clips), *judged]
        for method in draw(_shuffled(those, seed), model=name, sets=sets)
    ]
    for name, those, sets in (
        ("signal", clips, (SIGNAL,)),
        ("exact frames alone", bare(clips), ()),
    ):
        plain = draw(those, model=name, sets=sets)
        methods += [Method(method.name, None, method.sets, method.outcomes) for method in plain]
    methods += [every_nth_method(clips, n, name=every_nth(n)) for n in EVERY]
    methods += [_regression(table, SIGNAL, "psnr"), _regression(table, SSIM, "ssim")]
    methods.append(
        Method(
            "libvmaf on every frame",
            None,
            (FULL.name,),
            tuple(Outcome(clip.source, clip.name, 0.0, len(clip.exact)) for clip in clips),
        )
    )
    found = sorted((method.record(cpu=cpu) for method in methods), key=lambda each: each.cpu_ms)
    return FrontierRecord(
        schema=SCHEMA,
        sources=table.sources,
        clips=table.n_clips,
        clips_left_out=n_clips - table.n_clips,
        frames=table.rows.height,
        table_sha256=table.sha256,
        teacher=table.info.teacher,
        replicates=replicates,
        seed=seed,
        level=level,
        models=tuple(
            FrontierModel(
                name=item.name,
                held_out=item.held_out,
                seeds=len(item.clips[0].auxiliary),
                sources=len({clip.source for clip in item.clips}),
            )
            for item in models
        ),
        cpu_ms={name: value * 1000 for name, value in cpu.items()},
        methods=tuple(found),
        shuffled=tuple(method.record(cpu=cpu) for method in bad),
    )


def recommend(
    record: FrontierRecord, *, error: float | None = None, budget: float | None = None
) -> MethodRecord | None:
    """The cheapest method with an RMSE up to `error`, or the most accurate within `budget`.

    Args:
        record: The frontier.
        error: Largest RMSE, in VMAF points.
        budget: CPU time as a share of libvmaf's on every frame.
    """
    full = next(method for method in record.methods if method.sets == (FULL.name,))
    fit = [
        method
        for method in record.methods
        if method.rmse is not None
        and (error is None or method.rmse <= error)
        and (budget is None or method.cpu_ms <= budget * full.cpu_ms)
    ]
    if not fit:
        return None
    if error is not None:
        return min(fit, key=lambda method: (method.cpu_ms, method.rmse))
    return min(fit, key=lambda method: (method.rmse, method.cpu_ms))


def _same_clips(table: FeatureTable, models: Sequence[Judged]) -> tuple[FeatureTable, list[Judged]]:
    """The clips that every model has scores for, so that all methods use the same ones."""
    import polars as pl

    judged = [{(clip.source, clip.name) for clip in item.clips} for item in models]
    known = set(table.rows.select("source", "clip").unique().rows()).intersection(*judged)
    if not known:
        raise UsageError("no clip is judged by all models; name fewer with `models`")
    names = pl.DataFrame(sorted(known), schema=["source", "clip"], orient="row")
    rows = table.rows.join(names, on=["source", "clip"], how="semi", maintain_order="left")
    kept = [
        replace(item, clips=tuple(c for c in item.clips if (c.source, c.name) in known))
        for item in models
    ]
    return make_table(rows, table.info), kept


def _shuffled(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Clips with uninformative auxiliary variables, taken from frames of other clips."""
    rng = np.random.default_rng(seed)
    values = rng.permutation(np.concatenate([clip.auxiliary[0].values for clip in clips]))
    ends = np.cumsum([len(clip.exact) for clip in clips])
    parts = np.split(values, ends[:-1])
    return [
        replace(clip, auxiliary=(replace(clip.auxiliary[0], values=part),))
        for clip, part in zip(clips, parts, strict=True)
    ]


def _regression(table: FeatureTable, feature_set: FeatureSet, feature: str) -> Method:
    """Isotonic regression of the score on one feature, fitted on all other sources' frames."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.model_selection import LeaveOneGroupOut

    measure = table.rows[feature_set.prefix + feature].to_numpy()
    predicted = np.empty(len(table.target))
    for train, test in LeaveOneGroupOut().split(measure, groups=table.source_index):
        fitted = IsotonicRegression(out_of_bounds="clip").fit(measure[train], table.target[train])
        predicted[test] = fitted.predict(measure[test])
    name = feature.upper()
    clips = clips_of(table.rows, [predicted[:, np.newaxis]], predicted_score)
    method = model_method(clips, model=name, sets=(feature_set.name,))
    return Method(f"regression on {name}", name, method.sets, method.outcomes)
