# SPDX-License-Identifier: Apache-2.0
"""Coverage of sampled scores: the mode `sampled` itself on tables of exact scores of all frames.

    python benchmarks/sampling_coverage.py corpora/tables/broad.parquet [TABLE ...] [--draws 200]
        [--output FILE.json] [--deviations src/tinyvmaf/scoring/deviations.json]

A table has the columns source, clip, frame, vmaf and either signal_psnr and signal_change, or psnr
and motion2 (as logs of other programs have). Printed are, for every width, the coverage of the
interval (mean over sources and worst source), flattering misses (the interval lies above the
truth), exact frames, and CPU time as a share of libvmaf's; then adversarial series, decisions
(`--at-least`, of the mean and of the 5th percentile) and differences of encodes. Clips of fewer
than 60 frames are left out: they are scored exactly anyway. What OUTPUT holds already is kept.
With `--deviations` the standard deviation that the plan expects when it decodes is written into
that file, from all tables, and nothing else is measured.
"""

import argparse
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from tinyvmaf.frontier.table_material import TableMaterial
from tinyvmaf.scoring.auxiliary import signal_variables
from tinyvmaf.scoring.costs import measured_costs
from tinyvmaf.scoring.difference import difference
from tinyvmaf.scoring.plan import Answer, Goal, Method, exact_cost, sampled_cost
from tinyvmaf.scoring.sampling import sample_encodes

LEVEL = 0.9
MIN_FRAMES = 60
WISHES = {
    "within 1": Goal(within=1.0),
    "within 0.5": Goal(within=0.5),
    "25 exact frames": Goal(n_exact=25),
}
QUESTIONS = {"mean": None, "percentile 5": 5.0}
DISTANCES = (0.25, 0.5, 1.0, 2.0, 3.0)
ROUNDING = 1e-9
NORMAL_90 = 1.645
COSTS = measured_costs()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=Path, nargs="*")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--deviations", type=Path)
    arguments = parser.parse_args()
    if arguments.deviations is not None:
        largest = max(deviation(read(path), arguments.draws // 10) for path in arguments.tables)
        names = " and ".join(path.stem for path in arguments.tables)
        write_deviation(
            arguments.deviations,
            "decode",
            largest,
            origin=f"benchmarks/sampling_coverage.py --deviations: the largest clip of {names}",
        )
        return
    record = {"schema": "tinyvmaf.sampling-coverage/1", "draws": arguments.draws, "level": LEVEL}
    if arguments.output is not None and arguments.output.exists():
        record = json.loads(arguments.output.read_text())
    if "adversarial" not in record:
        record["adversarial"] = adversarial(arguments.draws)
        show("adversarial series, within 1", record["adversarial"])
    for path in arguments.tables:
        if path.stem in record:
            continue
        clips = read(path)
        found = {name: coverage(clips, goal, arguments.draws) for name, goal in WISHES.items()}
        about = f"{path.stem}: {len(clips)} clips, {len({c[0] for c in clips})} sources"
        show(about, found)
        asked = {
            name: decisions(clips, max(1, arguments.draws // 20), percentile=percentile)
            for name, percentile in QUESTIONS.items()
        }
        for name, rows in asked.items():
            show(f"{path.stem}: decisions, {name}", rows)
        apart = differences(clips, max(1, arguments.draws // 10))
        show(f"{path.stem}: differences of encodes", apart)
        record[path.stem] = {
            "draws": arguments.draws,
            "clips": len(clips),
            "coverage": found,
            "decisions": asked,
            "differences": apart,
        }
        if arguments.output is not None:
            arguments.output.write_text(json.dumps(record, indent=1) + "\n")


def read(path):
    table = pl.read_parquet(path).sort("source", "clip", "frame")
    clips = []
    for (source, clip), rows in table.group_by("source", "clip", maintain_order=True):
        if rows.height < MIN_FRAMES:
            continue
        if "signal_psnr" in rows.columns:
            values = rows.select("signal_psnr", "signal_change").to_numpy()
        else:
            # Motion is a mean difference of two pictures; PSNR of the two falls as it grows.
            change = -20 * np.log10(np.maximum(rows["motion2"].to_numpy(), 1e-3))
            values = np.stack([np.minimum(rows["psnr"].to_numpy(), 60), change], axis=1)
        exact = rows["vmaf"].to_numpy().astype(np.float64)
        clips.append((source, clip, exact, signal_variables(values.astype(np.float64))))
    return clips


def sampled(exact, auxiliary, goal, seed, *, passes=("signal",)):
    material = TableMaterial(exact, auxiliary, passes=passes)
    found = sample_encodes(
        material,
        n_encodes=len(exact),
        goal=goal,
        costs=COSTS,
        rng=np.random.default_rng(seed),
    )
    return material, found


def cost_share(material, each, *, encode=0):
    full = exact_cost(material.facts, COSTS)
    spent = COSTS.start_s + sampled_cost(
        material.facts,
        COSTS,
        method=Method.DECODE,
        n_exact=len(material.exact(encode)),
        n_decodes=material.n_decodes,
        n_spare=material.n_spare,
    )
    return (spent + full * (each.reason is not None)) / full


def coverage(clips, goal, draws):
    rows = []
    for number, (source, _, exact, auxiliary) in enumerate(clips):
        truth = float(exact.mean())
        for draw in range(draws):
            material, (each,) = sampled([exact], [auxiliary], goal, [number, draw])
            share = cost_share(material, each)
            if each.reason is not None:
                rows.append((source, True, True, False, None, None, share))
                continue
            error = each.estimate.mean - truth
            half = each.half_width + ROUNDING
            count = len(material.exact(0))
            rows.append((source, False, abs(error) <= half, error > half, half, count, share))
    return summary(rows)


def deviation(clips, draws):
    """The largest deviation that the auxiliary variables leave in a clip, median over the draws."""
    found = []
    for number, (_, _, exact, auxiliary) in enumerate(clips):
        left = []
        for draw in range(draws):
            material, (each,) = sampled([exact], [auxiliary], WISHES["within 1"], [number, draw])
            if each.reason is None:
                left.append(left_deviation(each.half_width, len(material.exact(0))))
        found += [float(np.median(left))] if left else []
    return max(found)


def left_deviation(half_width, n_exact):
    """Standard deviation of a frame's score, in VMAF points, from the interval of the mean."""
    return half_width * n_exact**0.5 / NORMAL_90


def write_deviation(path, method, value, *, origin):
    """Write one figure of `deviations.json`, and keep the others."""
    known = json.loads(path.read_text())
    known["origin"][method] = f"{origin}, within 1"
    known["deviations"][method] = round(value, 1)
    path.write_text(json.dumps(known, indent=1) + "\n")


def summary(rows):
    by_source = defaultdict(list)
    for source, left, covered, flattering, *_ in rows:
        by_source[source].append((left, covered, flattering))
    kept = {
        source: [(covered, flattering) for left, covered, flattering in items if not left]
        for source, items in by_source.items()
    }
    rates = {source: float(np.mean(items, axis=0)[0]) for source, items in kept.items() if items}
    flattering = [float(np.mean(items, axis=0)[1]) for items in kept.values() if items]
    included = [
        float(np.mean([covered for _, covered, _ in items])) for items in by_source.values()
    ]
    halves = [row[4] for row in rows if row[4] is not None]
    counts = [row[5] for row in rows if row[5] is not None]
    spread = (
        float(np.std(list(rates.values()), ddof=1) / len(rates) ** 0.5) if len(rates) > 1 else 0
    )
    worst = min(rates, key=rates.__getitem__) if rates else None
    mean = float(np.mean(list(rates.values()))) if rates else None
    return {
        "replicates": len(rows),
        "left_to_libvmaf": float(np.mean([row[1] for row in rows])),
        "covered": mean,
        "lower_bound": mean - 1.645 * spread if rates else None,
        "covered_with_left": float(np.mean(included)),
        "worst_source": worst,
        "worst_covered": rates[worst] if worst is not None else None,
        "flattering": float(np.mean(flattering)) if flattering else None,
        "half_width": float(np.mean(halves)) if halves else None,
        "exact_frames": float(np.mean(counts)) if counts else None,
        "exact_frames_median": float(np.median(counts)) if counts else None,
        "times_cheaper_median": 1 / float(np.median([row[6] for row in rows])),
        "times_cheaper_mean": 1 / float(np.mean([row[6] for row in rows])),
    }


def adversarial(draws):
    """Quiet clips of 600 frames with one event that PSNR sees, or with none."""
    rng = np.random.default_rng(0)
    found = {}
    for name, share, drop, step in (
        ("95 falls to 10 on 1 %", 0.01, 85.0, 20.0),
        ("95 falls to 10 on 0.2 %", 0.002, 85.0, 20.0),
        ("95 falls to 60 on 5 %", 0.05, 35.0, 10.0),
        ("95 falls to 80 on 2 %", 0.02, 15.0, 6.0),
        ("95 falls to 50 on 15 %", 0.15, 45.0, 12.0),
        ("all scores equal", 0.0, 0.0, 0.0),
        ("a fade from 95 to 40", 0.0, 55.0, 0.0),
    ):
        rows = []
        for draw in range(draws):
            exact = 95 + rng.normal(0, 0.5, 600) * (name != "all scores equal")
            psnr = 42 + rng.normal(0, 0.5, 600)
            length = round(share * 600)
            start = int(rng.integers(1, 600 - length))
            exact[start : start + length] -= drop
            psnr[start : start + length] -= step
            if name.startswith("a fade"):
                exact = np.linspace(95, 40, 600) + rng.normal(0, 0.5, 600)
                psnr = np.linspace(42, 30, 600) + rng.normal(0, 0.5, 600)
            auxiliary = signal_variables(np.stack([psnr, rng.normal(25, 2, 600)], axis=1))
            material, (each,) = sampled([exact], [auxiliary], WISHES["within 1"], draw)
            error = each.estimate.mean - exact.mean()
            half = each.half_width + ROUNDING
            count, share_of_cost = len(material.exact(0)), cost_share(material, each)
            left = each.reason is not None
            rows.append((name, left, abs(error) <= half, error > half, half, count, share_of_cost))
        found[name] = summary(rows)
    return found


def decisions(clips, draws, *, percentile):
    """How often `--at-least` answers wrongly, by distance of the truth from the threshold."""
    found = {}
    for distance in DISTANCES:
        wrong, counts, left = [], [], []
        for number, (_, _, exact, auxiliary) in enumerate(clips):
            truth = float(exact.mean())
            if percentile is not None:
                # The lowest score that more than this share of the frames stays below or meets.
                truth = float(np.sort(exact)[int(percentile / 100 * len(exact))])
            for draw in range(draws):
                sign = 1 if draw % 2 else -1
                threshold = min(100.0, max(0.0, truth + sign * distance))
                goal = Goal(at_least=threshold, percentile=percentile)
                material, (each,) = sampled([exact], [auxiliary], goal, [7, number, draw])
                true = truth if percentile is None else percentile / 100
                yes = true >= (threshold if percentile is None else (exact < threshold).mean())
                right = Answer.YES if yes else Answer.NO
                left.append(each.reason is not None)
                wrong.append(each.reason is None and each.answer is not right)
                counts.append(len(exact) if each.reason is not None else len(material.exact(0)))
        sampled_only = [n for n, is_left in zip(counts, left, strict=True) if not is_left]
        found[f"{distance:g} points away"] = {
            "decisions": len(wrong),
            "wrong": float(np.mean(wrong)),
            "wrong_of_sampled": sum(wrong) / max(1, len(sampled_only)),
            "left_to_libvmaf": float(np.mean(left)),
            "exact_frames_median": float(np.median(counts)),
            "exact_frames_median_of_sampled": float(np.median(sampled_only or [0])),
        }
    return found


def differences(clips, draws):
    """Pairs of encodes of one source: the interval of the difference, and of two means apart."""
    by_source = defaultdict(list)
    for source, _, exact, auxiliary in clips:
        by_source[source].append((exact, auxiliary))
    rates, told, told_apart, wrong, halves, halves_apart = [], [], [], [], [], []
    for number, items in enumerate(by_source.values()):
        order = sorted(items, key=lambda item: float(item[0].mean()))
        pairs = [
            (low, high)
            for low, high in pairwise(order)
            if len(low[0]) == len(high[0]) and abs(high[0].mean() - low[0].mean()) < 2
        ]
        covered = []
        for place, (low, high) in enumerate(pairs):
            truth = float(high[0].mean() - low[0].mean())
            for draw in range(draws):
                exact, auxiliary = [high[0], low[0]], [high[1], low[1]]
                material, each = sampled(exact, auxiliary, Goal(n_exact=17), [number, place, draw])
                if any(item.reason is not None for item in each):
                    continue
                known = [material.exact(0), material.exact(1)]
                gap = difference(
                    [item.sample for item in each], exact=known, auxiliary=auxiliary, level=LEVEL
                )
                covered.append(abs(gap.mean - truth) <= gap.half_width + ROUNDING)
                told.append(gap.resolved)
                wrong.append(gap.resolved and gap.mean * truth < 0)
                halves.append(gap.half_width)
                halves_apart.append(float(np.hypot(each[0].half_width, each[1].half_width)))
                apart = each[0].estimate.mean - each[1].estimate.mean
                told_apart.append(abs(apart) > halves_apart[-1])
        if covered:
            rates.append(float(np.mean(covered)))
    return {
        "gap below 2, 17 frames": {
            "replicates": len(told),
            "covered": float(np.mean(rates)),
            "told_apart": float(np.mean(told)),
            "told_apart_by_two_intervals": float(np.mean(told_apart)),
            "wrong_sign": float(np.mean(wrong)),
            "half_width": float(np.median(halves)),
            "half_width_of_two_intervals": float(np.median(halves_apart)),
        }
    }


def show(title, rows):
    names = list(next(iter(rows.values())))
    print(f"\n{title}\n\n| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for name, row in rows.items():
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
