# SPDX-License-Identifier: Apache-2.0
"""Findings: sentences that say what a result object says, and nothing that it does not.

Each sentence is a function of one record of the evidence, which travels with it as `data`. There is
no sentence about unseen content from models that did not pass the training gate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

_ALPHA = 0.05
_NAMES = {
    ("clip", "rmse"): "RMSE of whole clips",
    ("frame", "rmse"): "RMSE",
    ("frame", "plcc"): "PLCC",
    ("frame", "srocc"): "SROCC",
}


def findings(evidence: Record, *, arch: str) -> list[dict[str, Any]]:
    """What a run's evidence lets one say, most important first."""
    gate = evidence["gate"]
    if not gate["passed"]:
        return [undertrained_finding(arch, gate, "Nothing is said of unseen sources.")]
    found = [_finding("gate", arch, gate["outcome"], _gate_sentence(gate), gate)]
    interval = evidence["intervals"]["clip"]["rmse"]
    if interval is not None:
        found.append(
            _finding("error", arch, "estimated", _error_sentence(arch, interval), interval)
        )
    found += comparison_findings(evidence["comparisons"] or ())
    found += _optimism(evidence["optimism"] or ())
    found += _outliers(evidence["diagnosis"] or ())
    found += _curve(evidence["learning_curve"] or ())
    return found


def undertrained_finding(name: str, gate: Record, consequence: str) -> dict[str, Any]:
    """That the models of `name` did not pass the training gate, and what follows."""
    sentence = f"{name} is undertrained: {gate['reason']}. {consequence}"
    return _finding("gate", name, "undertrained", sentence, gate)


def protocol_findings(held_out: Mapping[str, Sequence[Sequence[str]]]) -> list[dict[str, Any]]:
    """That compared runs held their sources out in different folds, if they did.

    Args:
        held_out: Run -> the sources of its folds; none if each source was left out alone.
    """
    if len({tuple(map(tuple, folds)) for folds in held_out.values()}) == 1:
        return []
    how = {
        name: f"{len(folds)} folds of whole sources" if folds else "one source at a time"
        for name, folds in held_out.items()
    }
    words = ", ".join(f"{name}: {text}" for name, text in how.items())
    sentence = (
        f"These runs held their sources out in different folds ({words}): a difference may come "
        "from how many sources a network trained on."
    )
    return [_finding("protocol", " and ".join(held_out), "different", sentence, how)]


def comparison_findings(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """A finding for every paired comparison."""
    return [
        _finding(
            "comparison",
            f"{row['a']} against {row['b']}",
            row["verdict"],
            comparison_sentence(row),
            row,
        )
        for row in rows
    ]


def comparison_sentence(row: Record) -> str:
    """The verdict of one paired comparison, with the numbers that carry it."""
    a, b, name = row["a"], row["b"], _NAMES[row["level"], row["metric"]]
    where = f"on {row['n_sources']} unseen sources"
    if row["verdict"] == "equivalent":
        interval = _bounds(row["difference_low"], row["difference_high"])
        return (
            f"{a} and {b} are equivalent in {name} {where}: they differ by "
            f"{row['difference']:.3g}, 90 % interval {interval}, within the margin of "
            f"{row['margin']:g}."
        )
    effect = _effect(row)
    tested = f"adjusted {p_text(row['p_adjusted'])}"
    if row["verdict"] == "not_resolved":
        smallest = "" if row["mde"] is None else f"; they resolve {_smallest(row)}"
        return f"{name} of {a} and {b} is not resolved {where}: {effect}, {tested}{smallest}."
    better, worse = (a, b) if row["verdict"] == "a_better" else (b, a)
    wins = row["a_better_in"] if better == a else row["b_better_in"]
    side = "higher" if row["metric"] in ("plcc", "srocc") else "lower"
    caution = "" if row["robust"] else "; the Nadeau-Bengio test does not confirm it"
    if _is_small(row):
        caution += f"; the difference is within the margin of {row['margin']:g}"
    return (
        f"{better} has {side} {name} than {worse} {where}, in {wins} of them: "
        f"{effect}, {tested}{caution}."
    )


def _is_small(row: Record) -> bool:
    """Whether a win is one that nobody would act on: its interval lies within the margin."""
    low, high, margin = row["difference_low"], row["difference_high"], row["margin"]
    return None not in (low, high, margin) and -margin <= low and high <= margin


def p_text(p: float) -> str:
    """`p = 0.012`, with two digits; never printed as zero, or as 0.05 if it is not."""
    if p < 0.0001:  # noqa: PLR2004 (four digits)
        return "p < 0.0001"
    return f"p = {_text(p, apart=_ALPHA, digits=2)}"


def outlier_sentence(source: str, p: float, n_sources: int) -> str:
    """Whether a fold is out of line with the others."""
    verdict = "is an outlier" if p < _ALPHA else "is not an outlier"
    return (
        f"{source}, the source with the largest RMSE, {verdict} among {n_sources} sources "
        f"(deleted t, adjusted {p_text(p)})."
    )


def _gate_sentence(gate: Record) -> str:
    if gate["outcome"] == "trained":
        return f"Training went far enough: {gate['reason']}."
    return f"Whether training went far enough was not settled: {gate['reason']}."


def _error_sentence(arch: str, interval: Record) -> str:
    low, high = interval["low"], interval["high"]
    return (
        f"On an unseen source, {arch} misses the score of a whole clip by RMSE "
        f"{interval['estimate']:.3g} VMAF points, 95 % interval {_bounds(low, high)} "
        f"(geometric mean over {interval['k']} sources)."
    )


def _optimism(rows: Sequence[Record]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        low: float | None = row["low"]
        high: float | None = row["high"]
        verdict, words = "not_resolved", "whether seeing a source changes its RMSE is not resolved"
        interval = ""
        if low is not None and high is not None:
            interval = f", 95 % interval {_bounds(low, high)}"
            if high < 0:
                verdict, words = "optimistic", "having seen a source makes its RMSE look smaller"
            elif low > 0:
                verdict, words = "pessimistic", "having seen a source makes its RMSE look larger"
        sentence = (
            f"For {row['arch']}, {words}: seen less held out is {row['effect']:.3g} VMAF points"
            f"{interval}."
        )
        found.append(_finding("optimism", row["model"], verdict, sentence, row))
    return found


def _outliers(rows: Sequence[Record]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    tested = [row for row in rows if row["deleted_t_p"] is not None and row["rmse"] is not None]
    if tested:
        worst = max(tested, key=lambda row: row["rmse"])
        p = worst["deleted_t_p"]
        verdict = "outlier" if p < _ALPHA else "no outlier"
        sentence = outlier_sentence(worst["source"], p, len(rows))
        found.append(_finding("outlier", worst["source"], verdict, sentence, worst))
    far = [row for row in rows if row["flagged"]]
    if far:
        names = ", ".join(row["source"] for row in far)
        verb = "lies" if len(far) == 1 else "lie"
        sentence = f"{names} {verb} outside of what the other sources cover in their features."
        found.append(_finding("applicability", names, "outside", sentence, {"rows": far}))
    return found


def _curve(points: Sequence[Record]) -> list[dict[str, Any]]:
    if len(points) < 2:  # noqa: PLR2004 (a curve needs two)
        return []
    before, last = points[-2], points[-1]
    ratio = last["rmse_mean"] / before["rmse_mean"]
    separate = last["rmse_high"] < before["rmse_low"]
    verdict = "falling" if separate else "not_resolved"
    words = "still falls" if separate else "is not seen to fall any more"
    ranges = " and ".join(
        _bounds(point["rmse_low"], point["rmse_high"]) for point in (before, last)
    )
    sentence = (
        f"The error {words} at the end of the learning curve: RMSE {before['rmse_mean']:.3g} with "
        f"{before['n_sources']} training sources, {last['rmse_mean']:.3g} with "
        f"{last['n_sources']} (ratio {ratio:.2f}; ranges {ranges})."
    )
    return [_finding("learning_curve", "sources", verdict, sentence, {"points": list(points)})]


def _effect(row: Record) -> str:
    of = f"{row['a']} / {row['b']}" if row["effect_kind"] == "ratio" else f"{row['a']} - {row['b']}"
    none = 1.0 if row["effect_kind"] == "ratio" else 0.0
    kind = f"{row['effect_kind']} {of} = {_text(row['effect'], apart=none)}"
    if row["low"] is None:
        return kind
    return f"{kind}, 95 % interval {_bounds(row['low'], row['high'], apart=none)}"


def _smallest(row: Record) -> str:
    if row["effect_kind"] == "ratio":
        return f"ratios from {row['mde']:.3g} on"
    return f"differences from {row['mde']:.3g} on"


def _bounds(low: float, high: float, *, apart: float = 0.0) -> str:
    return f"[{_text(low, apart=apart)}, {_text(high, apart=apart)}]"


def _text(value: float, *, apart: float, digits: int = 3) -> str:
    """`value` with as many digits, and with more where rounding would make it `apart`."""
    texts = (f"{value:.{n}g}" for n in range(digits, 18))
    return next(text for text in texts if value == apart or float(text) != apart)


def _finding(kind: str, subject: str, verdict: str, sentence: str, data: Record) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": subject,
        "verdict": verdict,
        "sentence": sentence,
        "data": dict(data),
    }
