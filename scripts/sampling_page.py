# SPDX-License-Identifier: Apache-2.0
"""Write `docs/results/sampled-scoring.md` and its picture from what `tinyvmaf frontier` measured.

    python scripts/sampling_page.py

No figure on the page is typed by hand: they come from `docs/results/frontier.json` (real sources,
by networks that have not seen them), `frontier_hold_out.json` and `cheaper.json` beside it; a test
holds the page to them.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any, Final

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinyvmaf.errors import UsageError
from tinyvmaf.files import write_text
from tinyvmaf.frontier.frontier_record import FrontierRecord, MethodRecord
from tinyvmaf.report.frontier_report import chart, markdown
from tinyvmaf.scoring.costs import FULL_HD, measured_costs
from tinyvmaf.scoring.plan import (
    Facts,
    Goal,
    Method,
    choose_method,
    exact_cost,
    expected_frames,
    sampled_cost,
)
from tinyvmaf.stats.intervals import Interval, fold_interval
from tinyvmaf.typed_json import from_json

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGE: Final = DOCS / "results" / "sampled-scoring.md"
_PICTURE: Final = DOCS / "pictures" / "frontier.svg"
_LENGTHS: Final = {"10 s": 10, "1 min": 60, "10 min": 600, "2 h": 7200}
_FRAME_RATE: Final = 25
# Frames of each video to one moment, about what x264 and SVT-AV1 need in the film.
_A_VISIT: Final = 60.0
_MODELS: Final = ("tinyvmaf_quarter_v1", "tinyvmaf_half_v1")


def page() -> str:
    """The text of the page."""
    environment = Environment(
        loader=FileSystemLoader(DOCS / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (Markdown, of our own figures)
        keep_trailing_newline=True,
    )
    environment.filters.update(
        points="{:.2f}".format,
        signed="{:+.3f}".format,
        percent="{:.0%}".format,
        ms="{:.1f}".format,
        share="{:.3f}".format,
        whole="{:.0f}".format,
    )
    loso, hold_out = (
        from_json(FrontierRecord, _read(name)) for name in ("frontier", "frontier_hold_out")
    )
    return environment.get_template("sampled-scoring.md.jinja").render(
        loso=loso,
        hold_out=hold_out,
        models=_MODELS,
        ways_by=("signal", *_MODELS),
        table=markdown(loso),
        ways={method.name: method for method in loso.methods},
        held={method.name: method for method in hold_out.methods},
        typical={name: _typical(_method(loso, f"{name} alone")) for name in _MODELS},
        bad={method.name: method for method in loso.shuffled},
        cheaper=_cheaper(_read("cheaper")),
        coverage=_coverage(),
        film=_film(),
        lengths=_lengths(),
        a_visit=_A_VISIT,
    )


def _coverage() -> dict[str, Any] | None:
    """The record of `benchmarks/sampling_coverage.py`, with its tables apart; None without one."""
    if not (DOCS / "results" / "sampling_coverage.json").exists():
        return None
    record = _read("sampling_coverage")
    tables = {
        name: table
        for name, table in record.items()
        if isinstance(table, dict) and "coverage" in table
    }
    return {**record, "tables": tables}


def _lengths() -> list[dict[str, Any]]:
    """What the plan expects of every method for videos of several lengths, in CPU seconds."""
    costs, rows = measured_costs(), list[dict[str, Any]]()
    for name, seconds in _LENGTHS.items():
        facts = Facts(
            n_frames=seconds * _FRAME_RATE,
            n_pixels=FULL_HD,
            passes=("signal",),
            decoded_a_visit=_A_VISIT,
        )
        goal = Goal(within=1.0)
        expected = {
            method: expected_frames(facts, goal, costs, method)
            for method in (Method.DECODE, Method.SEEK)
        }
        cost = {
            method: sampled_cost(facts, costs, method=method, n_exact=count)
            for method, count in expected.items()
        }
        rows.append(
            {
                "length": name,
                "n_frames": facts.n_frames,
                "exact": exact_cost(facts, costs),
                "decode": cost[Method.DECODE],
                "decode_frames": expected[Method.DECODE],
                "seek": cost[Method.SEEK],
                "seek_frames": expected[Method.SEEK],
                "chosen": str(choose_method(facts, goal=goal, costs=costs)),
            }
        )
    return rows


def _film() -> dict[str, Any] | None:
    """The record of `benchmarks/film_cost.py` with what its table shows; None without one."""
    if not (DOCS / "results" / "film_cost.json").exists():
        return None
    record = _read("film_cost")
    a_frame = {
        row["encode"]: row["cpu_ms_a_frame"] for row in record["rows"] if row["kind"] == "libvmaf"
    }
    rows = [row for row in record["rows"] if row["kind"] != "libvmaf" and row["encode"] in a_frame]
    for row in rows:
        row["libvmaf_s"] = a_frame[row["encode"]] * row["n_frames"] / 1000
        row["times"] = row["libvmaf_s"] / row["cpu_s"]
        low, high = row["interval"]
        row["half"] = (high - low) / 2
    return {**record, "rows": sorted(rows, key=lambda row: row["kind"])}


def _method(record: FrontierRecord, name: str) -> MethodRecord:
    return next(method for method in record.methods if method.name == name)


def _typical(method: MethodRecord) -> Interval:
    """The geometric mean of the sources' errors with its interval; sources are what varies."""
    found = fold_interval(list(method.rmse_of_sources.values()), metric="rmse")
    if found is None:
        raise UsageError(f"{method.name}: an interval needs two sources")
    return found


def _cheaper(record: dict[str, Any]) -> dict[str, Any]:
    """How many times cheaper each way was: lowest, median and highest over the pairs; and why."""
    rows = record["rows"]
    factors: dict[str, tuple[float, float, float]] = {}
    for way in (*record["ways"], "decoding"):
        found = [row["libvmaf"]["cpu_s"] / row[way]["cpu_s"] for row in rows]
        factors[way] = (min(found), median(found), max(found))
    return {
        **record,
        "factors": factors,
        "sources": len({row["source"] for row in rows}),
        "encodes": len({row["crf"] for row in rows}),
        "libvmaf_s": median(row["libvmaf"]["cpu_s"] for row in rows),
        "profile": {way: _profile(rows, way, n_frames=record["frames"]) for way in record["ways"]},
    }


def _profile(rows: list[dict[str, Any]], way: str, *, n_frames: int) -> dict[str, float]:
    """Where the CPU time goes, in seconds: medians over the pairs that were sampled."""
    sampled = [row for row in rows if "exact_frames" in row[way]]
    python = [row[way]["python_s"] for row in sampled]
    decoding = [row["decoding"]["cpu_s"] for row in sampled]
    whole = [row[way]["cpu_s"] for row in sampled]
    bare = [own + floor for own, floor in zip(python, decoding, strict=True)]
    # What libvmaf takes for so many frames of a whole run, where they share their neighbours.
    exact = [
        row[way]["exact_frames"] * (row["libvmaf"]["cpu_s"] - row["decoding"]["cpu_s"]) / n_frames
        for row in sampled
    ]
    return {
        "pairs": len(sampled),
        "again": sum(row[way]["decodes"] > 1 for row in sampled),
        "exact_frames": median(row[way]["exact_frames"] for row in sampled),
        "python": median(python),
        "decoding": median(decoding),
        "rest": median(own - floor for own, floor in zip(whole, bare, strict=True)),
        "at_best": median(
            row["libvmaf"]["cpu_s"] / floor for row, floor in zip(sampled, bare, strict=True)
        ),
        "exact": median(exact),
        "at_best_exact": median(
            row["libvmaf"]["cpu_s"] / (floor + own)
            for row, floor, own in zip(sampled, bare, exact, strict=True)
        ),
    }


def _read(name: str) -> dict[str, Any]:
    return json.loads((DOCS / "results" / f"{name}.json").read_text())


if __name__ == "__main__":
    write_text(PAGE, page())
    write_text(
        _PICTURE, vl_convert.vegalite_to_svg(chart(from_json(FrontierRecord, _read("frontier"))))
    )
