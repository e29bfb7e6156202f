# SPDX-License-Identifier: Apache-2.0
"""Coverage of sampled scores on a film: the mode `sampled` itself, as it seeks.

    python benchmarks/film_coverage.py FOLDER [--encodes x264,svtav1] [--draws 400]
        [--output FILE.json] [--deviations src/tinyvmaf/scoring/deviations.json]

FOLDER is what `benchmarks/film.py` made. Libvmaf scores every frame of its chunks once; the scores
are kept in FOLDER/scores, so that it can be stopped at any time. Auxiliary variables are the packet
sizes of the chunks, as `score` takes them. Printed are, for every width, the coverage of the
interval, flattering misses (the interval lies above the truth), half width and exact frames.
With `--deviations` the deviation that the plan expects of seeking is written into that file.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl

import tinyvmaf as tv
from sampling_coverage import COSTS, ROUNDING, left_deviation, write_deviation
from tinyvmaf.frontier.table_material import TableMaterial
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.video import Video
from tinyvmaf.scoring.auxiliary import packet_sizes, packet_variables
from tinyvmaf.scoring.plan import Goal, Method
from tinyvmaf.scoring.sampling import sample_encodes

GOALS = {
    "within 2": Goal(within=2.0),
    "within 1": Goal(within=1.0),
    "within 0.5": Goal(within=0.5),
    "100 exact frames": Goal(n_exact=100),
}
DECODED_A_VISIT = 60.0


def main() -> None:
    """Score what is not scored yet, then draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encodes", default="x264,svtav1")
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--deviations", type=Path)
    chosen = parser.parse_args()
    record = {"schema": "tinyvmaf.film-coverage/1", "draws": chosen.draws, "films": {}}
    for encode in chosen.encodes.split(","):
        exact, sizes = film(chosen.folder, encode)
        found = {name: coverage(exact, sizes, goal, chosen.draws) for name, goal in GOALS.items()}
        about = {"frames": len(exact), "mean": float(exact.mean()), "deviation": float(exact.std())}
        record["films"][encode] = {**about, "goals": found}
        print(encode, about)
        for name, row in found.items():
            print(f"  {name}: {row}", flush=True)
    if chosen.deviations:
        films = record["films"].values()
        write_deviation(
            chosen.deviations,
            "seek",
            max(film["goals"]["within 1"]["deviation"] for film in films),
            origin="benchmarks/film_coverage.py --deviations: the largest of its films",
        )
    if chosen.output:
        chosen.output.write_text(json.dumps(record, indent=1) + "\n")


def film(folder: Path, encode: str) -> tuple[np.ndarray, np.ndarray]:
    """Exact scores of all frames of all chunks that are there, and their packet sizes."""
    kept = folder / "scores"
    kept.mkdir(exist_ok=True)
    scores, sizes = [], []
    for distorted in sorted((folder / "chunks").glob(f"{encode}_*.mkv")):
        reference = distorted.with_name(distorted.name.replace(encode, "reference"))
        table = kept / f"{distorted.stem}.parquet"
        if not table.exists():
            found = tv.score(reference=reference, distorted=distorted, mode="exact")
            pl.DataFrame({"vmaf": found.frame_scores}).write_parquet(table)
        scores.append(pl.read_parquet(table)["vmaf"].to_numpy())
        both = [packet_sizes(frame_index(Video(path))) for path in (distorted, reference)]
        sizes.append(np.concatenate(both, axis=1))
    return np.concatenate(scores), np.concatenate(sizes)


def coverage(exact: np.ndarray, sizes: np.ndarray, goal: Goal, draws: int) -> dict[str, float]:
    """How often the interval holds the true mean, over many draws."""
    auxiliary = packet_variables(sizes)
    truth, rows = float(exact.mean()), []
    for draw in range(draws):
        material = TableMaterial(
            [exact],
            [auxiliary],
            passes=("signal",),
            method=Method.SEEK,
            decoded_a_visit=DECODED_A_VISIT,
        )
        rng = np.random.default_rng(draw)
        (each,) = sample_encodes(material, n_encodes=1, goal=goal, costs=COSTS, rng=rng)
        if each.reason is not None or each.estimate is None:
            continue
        error, half = each.estimate.mean - truth, each.half_width + ROUNDING
        n_exact = len(material.exact(0))
        rows.append((abs(error) <= half, error > half, error, half, n_exact, each.n_looks))
    covered, flattering, error, half, n_exact, n_looks = np.array(rows, dtype=np.float64).T
    return {
        "sampled": len(rows),
        "covered": float(covered.mean()),
        "flattering": float(flattering.mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "half_width": float(np.median(half)),
        "exact_frames": float(np.median(n_exact)),
        # The deviation that packet sizes leave, as `deviations.json` has it for seeking.
        "deviation": float(np.median(left_deviation(half, n_exact))),
        "looks": float(n_looks.mean()),
    }


if __name__ == "__main__":
    main()
