# SPDX-License-Identifier: Apache-2.0
"""Writing a run's report: record, Markdown, page and pictures, from the run's files alone.

Charts and page need the `report` extra. Without it the record and the Markdown are written all the
same, and the digest says how to get the rest.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tinyvmaf.evaluation.evaluate import Run, read_run
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.evaluation.run_files import DIGEST, RECORD, is_of_a_run, is_one_of, run_folder
from tinyvmaf.files import write_text
from tinyvmaf.report import explanation, inference, protocol, results
from tinyvmaf.report.chart import Chart, by_error
from tinyvmaf.report.chart_files import FOLDER, pictures_written
from tinyvmaf.report.document import Block, Document, Figure, Omitted, Section
from tinyvmaf.report.error_charts import clip_errors, folds, residuals, scatter
from tinyvmaf.report.evidence_charts import forest, learning_curve
from tinyvmaf.report.html import page
from tinyvmaf.report.markdown import markdown
from tinyvmaf.report.paper_tables import table_files
from tinyvmaf.report.points import Points, points_of
from tinyvmaf.report.theme import PAGE, PAPER, Theme
from tinyvmaf.storage import address
from tinyvmaf.stored_folder import local_folder
from tinyvmaf.text import json_text
from tinyvmaf.typed_json import to_json

EXTRA = ("altair", "jinja2", "vl_convert")
"""The packages of the `report` extra, as they are imported."""


_CAPTIONS: Mapping[str, str] = {
    "folds_rmse": "Sources from the smallest error to the largest. The line and the band are the "
    "mean over folds on the log scale and its 95 % interval; a bar through a dot is one standard "
    "deviation between seeds, on the same scale.",
    "folds_plcc": "The same sources in the same order. A correlation falls where the teacher's "
    "scores hardly differ, however small the error: trust RMSE first.",
    "predictions": "On the line the prediction is the teacher's score.",
    "residuals": "The line is the median error, the band holds nine of ten frames.",
    "clips": "Each dot is a clip: the mean over its frames, as libvmaf pools.",
    "learning_curve": "If the curve still falls at its right end, more sources would help.",
    "comparison_errors": "Left of the dashed line the errors are smaller than the other model's.",
    "comparison_correlations": "Right of the dashed line the correlations are higher than the "
    "other model's.",
}


@dataclass(frozen=True, slots=True)
class Digest:
    """The files of a digest and their record.

    Attributes:
        record: The evaluation.
        json, markdown: Their files.
        html: The page, None without the `report` extra.
        missing: Files that were not written and how to get them; empty if none.
    """

    record: LosoRecord
    json: Path
    markdown: Path
    html: Path | None
    missing: str


def report(run: Path | str) -> Digest:
    """Write the report of a run again, from its files alone, all at once and byte for byte.

    Args:
        run: The folder that `loso` wrote, here or in an object store.

    Raises:
        UsageError: there is no run, it cannot be written, or another command writes into it.
        SchemaError: the run is damaged.
    """
    stored = local_folder(Path(run), fetch=True, send=True, head=RECORD, is_ours=is_of_a_run)
    with stored as folder, run_folder(folder) as new:
        digest = write_digest(read_run(folder), new, named=Path(run))
        for path in folder.rglob("*"):
            name = path.relative_to(folder)
            if path.is_file() and not is_one_of(name, DIGEST) and is_of_a_run(name):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                _link(path, new / name)
    return digest


def _link(path: Path, other: Path) -> None:
    try:
        other.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, other)


def write_digest(run: Run, folder: Path, *, named: Path | None = None) -> Digest:
    """Evaluate `run` and write its report to `folder`.

    That is `loso_<arch>_eval.json`, `.md` and `.html`, `charts/` and `tables/`.

    Args:
        run: A run, in memory.
        folder: An existing folder.
        named: The folder that the digest names; `folder` itself by default.

    Raises:
        UsageError: the folder cannot be written.
    """
    record = run.record
    stem = folder / f"loso_{run.facts.arch}_eval"
    paths = stem.with_suffix(".json"), stem.with_suffix(".md"), stem.with_suffix(".html")
    known = named or folder
    found = known / paths[0].name, known / paths[1].name, known / paths[2].name
    text = json_text(to_json(record), indent=2)
    write_text(paths[0], text + "\n")
    absent = [name for name in EXTRA if find_spec(name) is None]
    if absent:
        bare = document(record, None)
        _write_tables(bare, folder)
        write_text(paths[1], markdown(bare, {}, pictures=FOLDER))
        missing = (
            f"no page and no charts: {', '.join(absent)} not installed; "
            f"pip install 'tinyvmaf[report]', then tinyvmaf report {address(known)}"
        )
        return Digest(record, found[0], found[1], html=None, missing=missing)
    points = points_of(run, order=by_error(record))
    drawn = charts(record, points, PAPER)
    with pictures_written(drawn, points, folder):
        report = document(record, drawn)
        _write_tables(report, folder)
        by_name = {chart.name: chart for chart in drawn}
        write_text(paths[1], markdown(report, by_name, pictures=FOLDER))
        write_text(paths[2], page(report, charts(record, points, PAGE), points, pictures=FOLDER))
    return Digest(record, *found, missing="")


def _write_tables(report: Document, folder: Path) -> None:
    for name, text in table_files(report).items():
        write_text(folder / name, text)


def charts(record: LosoRecord, points: Points, theme: Theme) -> list[Chart]:
    """Every chart that there is data for."""
    from altair.utils.schemapi import debug_mode

    # Altair would check every part against its schema while it is made, which takes longer than all
    # else; tests check whole charts.
    with debug_mode(False):  # noqa: FBT003 (positional only by its name, `arg`)
        made = (
            folds(record, theme, "rmse"),
            folds(record, theme, "plcc"),
            scatter(record, points, theme),
            residuals(points, theme),
            clip_errors(record, points, theme),
            learning_curve(record, theme),
            forest(record, theme, "ratio"),
            forest(record, theme, "difference"),
        )
    return [chart for chart in made if chart is not None]


def document(record: LosoRecord, charts: Sequence[Chart] | None) -> Document:
    """The report of `record`; `charts` are those that can be shown, None if none can be drawn."""
    over = f"over {protocol.unit(record)}s"
    drawn = None if charts is None else {chart.name: chart for chart in charts}

    def figures(*names: str) -> tuple[Block, ...]:
        if drawn is None:
            return ()
        return tuple(
            Figure(name, f"{_CAPTIONS[name]} {_seed(record)}".strip())
            if name in ("predictions", "residuals", "clips")
            else Figure(name, _CAPTIONS[name].replace("over folds", over))
            for name in names
            if name in drawn
        )

    without = (Omitted("The charts: not drawn here."),) if drawn is None else ()
    sections = (
        results.folds(record, (*without, *figures("folds_rmse", "folds_plcc"))),
        Section("predictions", "Predicted against teacher", figures("predictions")),
        Section("residuals", "Error over the score range", figures("residuals")),
        Section("clips", "Error by clip", figures("clips")),
        results.aggregates(record, inference.unit(record)),
        Section(
            "learning-curve",
            "Would more sources help?",
            (*figures("learning_curve"), *explanation.learning_curve(record)),
        ),
        *explanation.splits(record),
        Section(
            "comparison",
            "Compared with other models",
            (
                *figures("comparison_errors", "comparison_correlations"),
                *inference.comparisons(record),
                *results.baselines(record),
                *inference.ranking(record),
                *inference.optimism(record),
            ),
        ),
        Section(
            "diagnosis",
            f"Why the {protocol.unit(record)}s are as they are",
            (*explanation.gate(record), *explanation.diagnosis(record)),
        ),
        Section("findings", "Findings", explanation.findings(record)),
        *explanation.p1401(record),
        results.setup(record),
        results.reproduce(record),
        results.provenance(record),
    )
    return Document(
        title=f"{protocol.title(record)}: {record.arch}",
        headline=results.headline(record, inference.undertrained(record)),
        warning=inference.warning(record),
        figures=results.key_figures(record),
        sections=tuple(section for section in sections if section.blocks),
    )


def _seed(record: LosoRecord) -> str:
    seeds = record.seeds
    return f"Shown are the models of seed {seeds[0]} of {len(seeds)}." if len(seeds) > 1 else ""
