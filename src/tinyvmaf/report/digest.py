# SPDX-License-Identifier: Apache-2.0
"""Writing a run's digest: the record as JSON and as Markdown, from the run's files alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyvmaf.evaluation.record import evaluate_run
from tinyvmaf.evaluation.run import Run
from tinyvmaf.files import write_text
from tinyvmaf.report.markdown import digest


@dataclass(frozen=True, slots=True)
class Digest:
    """What was written, and the record that it was written from."""

    record: dict[str, Any]
    json: Path
    markdown: Path


def write_digest(run: Run, folder: Path) -> Digest:
    """Evaluate `run` and write `loso_<arch>_eval.json` and `.md` into `folder`.

    Raises:
        UsageError: the folder cannot be written.
    """
    record = evaluate_run(run)
    stem = folder / f"loso_{run.facts.arch}_eval"
    paths = stem.with_suffix(".json"), stem.with_suffix(".md")
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(paths[0], text + "\n")
    write_text(paths[1], digest(record))
    return Digest(record, *paths)
