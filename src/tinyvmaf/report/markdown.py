# SPDX-License-Identifier: Apache-2.0
"""The digest in Markdown, from the record alone: it prints numbers and computes none.

Names come from files and are escaped; a number that does not exist is a dash with its reason below.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

_FRAME_COLUMNS = ("plcc", "srocc", "krocc", "rmse", "mae", "bias")
_TITLES = {
    "plcc": "PLCC",
    "srocc": "SROCC",
    "krocc": "KROCC",
    "rmse": "RMSE",
    "mae": "MAE",
    "bias": "bias",
}
_ABOUT_FOLDS = (
    "Each source was held out once; the models of its row never saw it. Errors are in VMAF points, "
    "values are means over the seeds."
)
_ABSENT = "\N{EN DASH}"
_CORRELATIONS = frozenset({"plcc", "srocc", "krocc"})


def digest(record: Record) -> str:
    """The whole digest of one evaluation."""
    parts = [
        f"# Leave-one-source-out: {escape(record['arch'])}",
        headline(record),
        "## Setup",
        _setup(record),
        "## Every fold",
        _ABOUT_FOLDS,
        _folds(record),
        _undefined(record),
        "## Over folds",
        _aggregates(record),
        "## Baselines",
        "`heldout` cells are judgements; `train` and `val` cells show what the model had seen.",
        _baselines(record),
        "## Reproduce",
        f"```sh\n{record['command']}\n```",
        _provenance(record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headline(record: Record) -> str:
    """The result in one sentence."""
    frame = record["aggregate"]["frame"]
    table = record["table"]
    return (
        f"**On a source that it has not seen, {escape(record['arch'])} "
        f"({record['n_params']} parameters, recipe `{escape(record['recipe'])}`) misses "
        f"{escape(record['teacher'])} by RMSE {number('rmse', frame['rmse']['mean'])} "
        f"± {number('rmse', frame['rmse']['std'])} VMAF points** (PLCC "
        f"{number('plcc', frame['plcc']['mean'])} ± {number('plcc', frame['plcc']['std'])}; worst "
        f"source {escape(frame['rmse']['worst_source'])} with RMSE "
        f"{number('rmse', frame['rmse']['worst'])}). Mean ± standard deviation over "
        f"{frame['rmse']['k_eff']} folds, on {table['sources']} sources, {table['clips']} clips, "
        f"{table['rows']} frames."
    )


def number(metric: str, value: float | None) -> str:
    """A metric's value as every table prints it; a dash where it does not exist."""
    if value is None:
        return _ABSENT
    # A correlation that rounds to 1 without being 1 would claim too much.
    if metric in _CORRELATIONS and 0.99995 <= abs(value) < 1:  # noqa: PLR2004
        return f"{value:.6f}"
    return f"{value:.4f}" if metric in _CORRELATIONS else f"{value:.3f}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    marks = ["---"] + ["---:"] * (len(headings) - 1)
    lines = [headings, marks, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escape(text: object) -> str:
    """Text from outside, harmless in Markdown and in the HTML that it becomes."""
    plain = html.escape(str(text), quote=False)
    for mark in ("\\", "|", "`", "*", "_", "[", "]"):
        plain = plain.replace(mark, "\\" + mark)
    return " ".join(plain.split())


def _setup(record: Record) -> str:
    info = record["table"]
    seeds = record["seeds"]
    rows = [
        ("teacher", escape(record["teacher"])),
        ("features", escape(", ".join(record["features"]))),
        ("table", f"{info['rows']} frames, {info['clips']} clips, {info['sources']} sources"),
        ("arch", f"{escape(record['arch'])}, {record['n_params']} parameters"),
        ("recipe", escape(record["recipe"])),
        ("seeds", ", ".join(map(str, seeds))),
        ("folds", f"{len(record['folds'])}, one source each"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _folds(record: Record) -> str:
    headings = [
        "held-out source",
        "clips",
        "frames",
        *(_TITLES[name] for name in _FRAME_COLUMNS),
        "clip RMSE",
        "train RMSE",
    ]
    rows = [
        [
            escape(fold["source"]),
            str(fold["n_clips"]),
            str(fold["n_frames"]),
            *(number(name, fold["frame"][name]) for name in _FRAME_COLUMNS),
            number("rmse", fold["clip"]["rmse"]),
            number("rmse", fold["train_rmse"]),
        ]
        for fold in record["folds"]
    ]
    frame, clip = record["aggregate"]["frame"], record["aggregate"]["clip"]
    info = record["table"]
    mean = [
        "**mean ± std**",
        str(info["clips"]),
        str(info["rows"]),
        *(_spread(name, frame[name]) for name in _FRAME_COLUMNS),
        _spread("rmse", clip["rmse"]),
        "",
    ]
    return table(headings, [*rows, mean])


def _spread(metric: str, over_folds: Record) -> str:
    return f"{number(metric, over_folds['mean'])} ± {number(metric, over_folds['std'])}"


def _undefined(record: Record) -> str:
    lines = [
        f"- {escape(fold['source'])}, {level} {_TITLES[name]}: {escape(reason)}"
        for fold in record["folds"]
        for level in ("frame", "clip")
        for name, reason in fold[level].get("undefined", {}).items()
    ]
    return "\n".join(["Undefined values:", "", *lines]) if lines else ""


def _aggregates(record: Record) -> str:
    aggregate = record["aggregate"]
    rows = [
        [
            f"{level} {_TITLES[name]}",
            number(name, over["mean"]),
            number(name, over["std"]),
            number(name, over["worst"]),
            escape(over["worst_source"] or _ABSENT),
            f"{over['k_eff']} of {over['k']}",
            number(name, aggregate["pooled"][level][name]),
        ]
        for level in ("frame", "clip")
        for name in _FRAME_COLUMNS
        for over in (aggregate[level][name],)
    ]
    headings = ["", "fold mean", "std", "worst fold", "worst source", "folds", "pooled"]
    return (
        table(headings, rows)
        + "\n\nThe fold mean asks how well a new source goes on average; pooled puts all held-out "
        "predictions of the different fold models together. They answer different questions and "
        "are not compared with each other."
    )


def _baselines(record: Record) -> str:
    names = [baseline["model"] for baseline in record["baselines"]]
    cells = {
        (baseline["model"], cell["source"]): cell
        for baseline in record["baselines"]
        for cell in baseline["per_source"]
    }
    rows = [
        [
            escape(fold["source"]),
            number("rmse", fold["frame"]["rmse"]) + " heldout",
            *(
                f"{number('rmse', cell['rmse'])} {cell['seen']}"
                for name in names
                for cell in (cells[name, fold["source"]],)
            ),
        ]
        for fold in record["folds"]
    ]
    concat = record["aggregate"]["pooled"]["frame"]
    last = [
        [
            f"all frames, {_TITLES[metric]}",
            number(metric, concat[metric]),
            *(number(metric, baseline["concat"][metric]) for baseline in record["baselines"]),
        ]
        for metric in ("rmse", "plcc", "srocc")
    ]
    words = "\n".join(
        f"- `{baseline['model']}`: {escape(baseline['what'])}" for baseline in record["baselines"]
    )
    headings = ["RMSE by source", f"{escape(record['arch'])} (LOSO)", *map(escape, names)]
    return words + "\n\n" + table(headings, [*rows, *last])


def _provenance(record: Record) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in sorted(record["versions"].items()))
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in record["seconds"].items())
    return (
        f"Table sha256 `{record['table']['sha256']}`. Time: {seconds}. "
        f"Versions: {escape(versions)}."
    )
