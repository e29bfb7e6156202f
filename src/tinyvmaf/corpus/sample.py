# SPDX-License-Identifier: Apache-2.0
"""The bundled sample: a feature table of real clips, so that LOSO runs in seconds with no video.

`card.json` beside it names package, version, file, hash and licence of every clip that the table
was computed from; the clips themselves are not bundled.
"""

from importlib import resources
from pathlib import Path

NAME = "sample"


def sample_path() -> Path:
    """Path of the bundled table."""
    return Path(str(resources.files("tinyvmaf.corpus"))) / "sample" / "sample.parquet"
