# SPDX-License-Identifier: Apache-2.0
"""Findings: sentences that state what the evidence supports, and no more.

Each sentence is a function of one part of the evidence, which travels with it as `data`. A test
that resolves nothing is reported as unresolved, never as a claim of no effect. There is no sentence
about unseen content from models that did not pass the training gate.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

from tinyvmaf.evaluation.comparison_records import ComparisonRow, OptimismRow
from tinyvmaf.evaluation.evidence_records import CurvePoint, DiagnosisRow, Evidence, Finding, Gate
from tinyvmaf.stats.intervals import Interval
from tinyvmaf.stats.paired import smallest_p
from tinyvmaf.typed_json import to_json

_ALPHA = 0.05
_NAMES = {
    ("clip", "rmse"): "RMSE of whole clips",
    ("frame", "rmse"): "RMSE",
    ("frame", "plcc"): "PLCC",
    ("frame", "srocc"): "SROCC",
    ("clip", "plcc"): "PLCC of clips",
    ("clip", "srocc"): "SROCC of clips",
}


def findings(evidence: Evidence, *, arch: str) -> tuple[Finding, ...]:
    """The sentences that a run's evidence allows, most important first."""
    gate = evidence.gate
    if not gate.passed:
        return (undertrained_finding(arch, gate, "No finding about unseen sources is given."),)
    found = [_finding("gate", arch, gate.outcome, _gate_sentence(gate), gate)]
    interval = evidence.intervals.clip.get("rmse")
    if interval is not None:
        found.append(
            _finding("error", arch, "estimated", _error_sentence(arch, interval), interval)
        )
    found += comparison_findings(evidence.comparisons or ())
    found += _optimism(evidence.optimism or ())
    found += _outliers(evidence.diagnosis or ())
    found += _curve(evidence.learning_curve or ())
    return tuple(found)


def undertrained_finding(name: str, gate: Gate, consequence: str) -> Finding:
    """The models of `name` did not pass the training gate, and the consequence."""
    sentence = f"{name} is undertrained: {gate.reason}. {consequence}"
    return _finding("gate", name, "undertrained", sentence, gate)


def protocol_findings(held_out: Mapping[str, Sequence[Sequence[str]]]) -> list[Finding]:
    """A finding if compared runs held their sources out in different folds.

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


def comparison_findings(rows: Sequence[ComparisonRow]) -> list[Finding]:
    """A finding per paired comparison; a single one for all that the few sources cannot resolve."""
    found = [
        _finding(
            "comparison", f"{row.a} against {row.b}", row.verdict, comparison_sentence(row), row
        )
        for row in rows
        if row.is_resolvable or row.verdict == "equivalent"
    ]
    hopeless = [row for row in rows if not row.is_resolvable and row.verdict != "equivalent"]
    hopeless.sort(key=lambda row: -row.n_sources)  # stable: models stay in their order
    for n_sources, same in groupby(hopeless, key=lambda row: row.n_sources):
        of = list(same)
        pairs = list(dict.fromkeys((row.a, row.b) for row in of))
        sentence = _too_few_sources(n_sources, pairs)
        data = {"n_sources": n_sources, "rows": [to_json(row) for row in of]}
        subject = "; ".join(f"{a} against {b}" for a, b in pairs)
        found.append(_finding("comparison", subject, "not_resolved", sentence, data))
    return found


def _too_few_sources(n_sources: int, pairs: Sequence[tuple[str, str]]) -> str:
    enough = next(k for k in range(1, 64) if smallest_p(k) < _ALPHA)
    first = {a for a, _ in pairs}
    words = (
        f"{pairs[0][0]} and {', '.join(b for _, b in pairs)}"
        if len(first) == 1
        else ", ".join(f"{a} and {b}" for a, b in pairs)
    )
    noun = "source" if n_sources == 1 else "sources"
    return (
        f"Differences between {words} cannot be resolved with {n_sources} unseen {noun}: the "
        f"smallest p that the exact test can give is {smallest_p(n_sources):.2g}, however large "
        f"the difference; {enough} sources allow {smallest_p(enough):.2g}."
    )


def comparison_sentence(row: ComparisonRow) -> str:
    """The verdict of one paired comparison, with the numbers that support it."""
    a, b, name = row.a, row.b, _NAMES[row.level, row.metric]
    where = f"on {row.n_sources} unseen sources"
    if row.verdict == "equivalent":
        interval = _bounds(row.difference_low, row.difference_high)
        return (
            f"{a} and {b} are equivalent in {name} {where}: they differ by "
            f"{row.difference:.3g}, 90 % interval {interval}, within the margin of "
            f"{row.margin:g}."
        )
    effect = _effect(row)
    tested = f"adjusted {p_text(row.p_adjusted)}"
    if row.verdict == "not_resolved":
        smallest = (
            f"; cannot be resolved with {row.n_sources} sources"
            if row.mde is None
            else f"; they resolve {_smallest(row.effect_kind, row.mde)} with 80 % power"
        )
        return f"{name} of {a} and {b} is not resolved {where}: {effect}, {tested}{smallest}."
    better, worse = (a, b) if row.verdict == "a_better" else (b, a)
    wins = row.a_better_in if better == a else row.b_better_in
    side = "higher" if row.metric in ("plcc", "srocc") else "lower"
    caution = "" if row.robust else "; the Nadeau-Bengio test does not confirm it"
    if _is_small(row):
        caution += f"; the difference is within the margin of {row.margin:g}"
    return (
        f"{better} has {side} {name} than {worse} {where}, in {wins} of them: "
        f"{effect}, {tested}{caution}."
    )


def _is_small(row: ComparisonRow) -> bool:
    """True for a win without practical relevance: its interval lies within the margin."""
    low, high, margin = row.difference_low, row.difference_high, row.margin
    if low is None or high is None or margin is None:
        return False
    return -margin <= low and high <= margin


def p_text(p: float) -> str:
    """`p = 0.012`, with two digits; never printed as zero, or as 0.05 if it is not."""
    if p < 0.0001:  # noqa: PLR2004 (four digits)
        return "p < 0.0001"
    return f"p = {_text(p, apart=_ALPHA, digits=2)}"


def outlier_sentence(source: str, p: float, n_sources: int) -> str:
    """The result of the outlier test of the worst source."""
    verdict = "is an outlier" if p < _ALPHA else "was not shown to be an outlier"
    return (
        f"{source}, the source with the largest RMSE, {verdict} among {n_sources} sources "
        f"(deleted t, adjusted {p_text(p)})."
    )


def _gate_sentence(gate: Gate) -> str:
    if gate.outcome == "trained":
        return f"Training went far enough: {gate.reason}."
    return f"Whether training went far enough was not settled: {gate.reason}."


def _error_sentence(arch: str, interval: Interval) -> str:
    return (
        f"On an unseen source, {arch} misses the score of a whole clip by RMSE "
        f"{interval.estimate:.3g} VMAF points, 95 % interval "
        f"{_bounds(interval.low, interval.high)} (geometric mean over {interval.k} sources)."
    )


def _optimism(rows: Sequence[OptimismRow]) -> list[Finding]:
    found: list[Finding] = []
    for row in rows:
        verdict, words = "not_resolved", "whether seeing a source changes its RMSE is not resolved"
        interval = ""
        if row.low is not None and row.high is not None:
            interval = f", 95 % interval {_bounds(row.low, row.high)}"
            if row.high < 0:
                verdict, words = "optimistic", "having seen a source makes its RMSE look smaller"
            elif row.low > 0:
                verdict, words = "pessimistic", "having seen a source makes its RMSE look larger"
        sentence = (
            f"For {row.arch}, {words}: seen less held out is {row.effect:.3g} VMAF points"
            f"{interval}."
        )
        found.append(_finding("optimism", row.model, verdict, sentence, row))
    return found


def _outliers(rows: Sequence[DiagnosisRow]) -> list[Finding]:
    found: list[Finding] = []
    measured = [row for row in rows if row.rmse is not None]
    worst = max(measured, key=lambda row: row.rmse or 0.0) if measured else None
    if worst is not None and worst.deleted_t_p is not None:
        p = worst.deleted_t_p
        verdict = "outlier" if p < _ALPHA else "not_resolved"
        sentence = outlier_sentence(worst.source, p, len(rows))
        found.append(_finding("outlier", worst.source, verdict, sentence, worst))
    far = [row for row in rows if row.flagged]
    if far:
        names = ", ".join(row.source for row in far)
        verb = "lies" if len(far) == 1 else "lie"
        sentence = f"{names} {verb} outside of what the other sources cover in their features."
        data = {"rows": [to_json(row) for row in far]}
        found.append(_finding("applicability", names, "outside", sentence, data))
    return found


def _curve(points: Sequence[CurvePoint]) -> list[Finding]:
    if len(points) < 2:  # noqa: PLR2004 (a curve needs two)
        return []
    before, last = points[-2], points[-1]
    ratio = last.rmse_mean / before.rmse_mean
    separate = last.rmse_high < before.rmse_low
    verdict = "falling" if separate else "not_resolved"
    words = (
        "The error still falls at the end of the learning curve"
        if separate
        else "Whether the error still falls at the end of the learning curve is not resolved"
    )
    ranges = " and ".join(_bounds(point.rmse_low, point.rmse_high) for point in (before, last))
    sentence = (
        f"{words}: RMSE {before.rmse_mean:.3g} with {before.n_sources} training sources, "
        f"{last.rmse_mean:.3g} with {last.n_sources} (ratio {ratio:.2f}; ranges {ranges})."
    )
    data = {"points": [to_json(point) for point in points]}
    return [_finding("learning_curve", "sources", verdict, sentence, data)]


def _effect(row: ComparisonRow) -> str:
    is_ratio = row.effect_kind == "ratio"
    of = f"{row.a} / {row.b}" if is_ratio else f"{row.a} - {row.b}"
    none = 1.0 if is_ratio else 0.0
    effect = float("nan") if row.effect is None else row.effect
    kind = f"{row.effect_kind} {of} = {_text(effect, apart=none)}"
    if row.low is None:
        return kind
    return f"{kind}, 95 % interval {_bounds(row.low, row.high, apart=none)}"


def _smallest(kind: str, mde: float) -> str:
    if kind == "ratio":
        return f"ratios from {mde:.3g} on"
    return f"differences from {mde:.3g} on"


def _bounds(low: float | None, high: float | None, *, apart: float = 0.0) -> str:
    if low is None or high is None:
        return "that does not exist"
    return f"[{_text(low, apart=apart)}, {_text(high, apart=apart)}]"


def _text(value: float, *, apart: float, digits: int = 3) -> str:
    """`value` with as many digits, and with more where rounding would make it `apart`."""
    texts = (f"{value:.{n}g}" for n in range(digits, 18))
    return next(text for text in texts if value == apart or float(text) != apart)


def _finding(kind: str, subject: str, verdict: str, sentence: str, data: object) -> Finding:
    return Finding(kind, subject, verdict, sentence, data=to_json(data))
