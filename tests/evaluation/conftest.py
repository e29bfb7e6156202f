# SPDX-License-Identifier: Apache-2.0
import csv
from pathlib import Path

import pytest

DIGEST = Path(__file__).parents[1] / "golden" / "published_digest.csv"


@pytest.fixture(scope="session")
def digest():
    """What published digests print: digest[arch][column], a value a fold; LOSO by default."""
    with DIGEST.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
        arch = row["arch"] if row["protocol"] == "loso" else f"{row['arch']} single-split"
        if row["source"] == "all-clips concat":
            arch += " concat"
        columns = found.setdefault(
            arch, {"source": [], "n_frames": [], "plcc": [], "srocc": [], "rmse": []}
        )
        columns["source"].append(row["source"])
        columns["n_frames"].append(int(row["n_frames"]))
        for metric in ("plcc", "srocc", "rmse"):
            columns[metric].append(float(row[metric]))
    return found
