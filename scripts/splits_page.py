# SPDX-License-Identifier: Apache-2.0
"""Other splits than leave-one-source-out, on the sample and the broad corpus, and their page.

    python scripts/splits_page.py --measure     # trains some 550 networks: minutes of two cores
    python scripts/splits_page.py

The first trains and writes `docs/results/other-splits.json`, the second writes the page from it. A
recipe is chosen among variants of the default recipe, a quarter as long, that differ in their
activation.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clip_labels import labelled
from source_list import read_sources
from tinyvmaf.cli.console import TERMINAL
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.evaluation.splits import group_splits, nested_choice
from tinyvmaf.features.table import FeatureTable, make_table, read_table
from tinyvmaf.files import write_text
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.provenance import versions
from tinyvmaf.training.recipes import Recipe, load_recipe

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
PAGE: Final = DOCS / "results" / "other-splits.md"
RECORD: Final = PAGE.with_suffix(".json")
GROUP: Final = "encoder"
ARCH: Final = "mlp_small"
ACTIVATIONS: Final = ("silu", "relu", "tanh")
STEPS: Final = 5000


def measure() -> dict[str, Any]:
    """Train and judge all splits; the record of the page."""
    found: dict[str, Any] = {"schema": "tinyvmaf.other-splits/1", "arch": ARCH, "group": GROUP}
    found["command"] = "python scripts/splits_page.py --measure"
    default = load_recipe("default")
    recipes = [_variant(default, activation) for activation in ACTIVATIONS]
    for name, table in (("sample", _sample()), ("broad", _broad())):
        found[name] = {
            "rows": table.rows.height,
            "sources": len(table.sources),
            "clips": table.n_clips,
            "sha256": table.sha256,
            "recipe": asdict(default),
            "splits": group_splits(
                table, group=GROUP, arch=ARCH, recipe=default, seed=0, progress=TERMINAL
            ),
            "nested": nested_choice(table, recipes, arch=ARCH, seed=0, progress=TERMINAL),
        }
    return {**found, "versions": versions("jax", "jaxlib", "numpy", "polars")}


def page() -> str:
    """The text of the page."""
    environment = Environment(
        loader=FileSystemLoader(DOCS / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (Markdown, of our own figures)
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["points"] = "{:.3f}".format
    return environment.get_template("other-splits.md.jinja").render(
        record=json.loads(RECORD.read_text()),
        tables={"sample": "The bundled sample", "broad": "The real sources of the broad corpus"},
        held_out={"source": "each source", "group": "each encoder", "both": "both"},
        steps=STEPS,
        points="{:.3f}".format,
    )


def _variant(recipe: Recipe, activation: Any) -> Recipe:  # noqa: ANN401 (a word of a recipe)
    return replace(recipe, name=activation, activation=activation, steps=STEPS)


def _sample() -> FeatureTable:
    return read_table(sample_path())


def _broad() -> FeatureTable:
    real = [source.name for source in read_sources() if source.kind == "clip"]
    table = labelled(read_table(ROOT / "corpora" / "tables" / "broad.parquet"))
    rows = table.rows.filter(pl.col("source").is_in(real))
    columns = ["source", "clip", "frame", *CANONICAL6, *table.info.labels, "vmaf"]
    return make_table(rows.select(columns), replace(table.info, features=CANONICAL6))


if __name__ == "__main__":
    if "--measure" in sys.argv[1:]:
        write_text(RECORD, json.dumps(measure(), indent=1) + "\n")
    write_text(PAGE, page())
