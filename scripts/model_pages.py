# SPDX-License-Identifier: Apache-2.0
"""Write a page for every model that ships, from its card, and an overview from the hold-out.

    python scripts/model_pages.py

writes `docs/models/NAME.md` and `docs/models/README.md`. No figure on them is typed by hand: they
come from the cards and from `docs/models/hold_out.json`, and a test holds the pages to them.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from judge_zoo import RESULT
from tinyvmaf.evaluation.card_figures import coverage, radius
from tinyvmaf.files import write_text
from tinyvmaf.models import zoo
from tinyvmaf.models.card import Residuals, read_card

PAGES: Final = RESULT.parent
_LEVELS: Final = (0.8, 0.9)


def pages() -> dict[Path, str]:
    """Path -> text of every page."""
    environment = Environment(
        loader=FileSystemLoader(PAGES.parent / "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (Markdown, of our own cards)
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        score="{:.3f}".format,
        correlation=_correlation,
        signed="{:+.3f}".format,
        share="{:.1%}".format,
        percent="{:.0%}".format,
    )
    cards = [read_card(zoo.path_of(name).with_suffix(".json")) for name in zoo.names()]
    judged: dict[str, Any] | None = json.loads(RESULT.read_text()) if RESULT.is_file() else None
    others = [json.loads(path.read_text()) for path in sorted(PAGES.glob(f"{RESULT.stem}_*.json"))]
    models = {
        item["sha256"]: item
        for record in (*([judged] if judged else []), *others)
        for item in record["models"]
    }
    overview = environment.get_template("models.md.jinja")
    page = environment.get_template("model.md.jinja")
    return {
        PAGES / "README.md": overview.render(cards=cards, judged=judged, others=others),
        **{
            PAGES / f"{card.name}.md": page.render(
                card=card,
                misses=_misses(card.calibration),
                intervals=[_interval(card.calibration, level) for level in _LEVELS],
                judged=models.get(card.sha256),
            )
            for card in cards
        },
    }


def _correlation(value: float) -> str:
    """Cut and not rounded: what is not perfect shall not read 1."""
    return f"{math.floor(value * 1e5) / 1e5:.5f}"


def _misses(calibration: Sequence[Residuals]) -> list[dict[str, Any]]:
    """What the clips of every held-out source were missed by, in VMAF points."""
    return [
        {
            "source": item.source,
            "clips": len(item.residuals),
            "mean": np.abs(item.residuals).mean(),
            "largest": np.abs(item.residuals).max(),
        }
        for item in calibration
    ]


def _interval(calibration: Sequence[Residuals], level: float) -> dict[str, Any]:
    shares = coverage(calibration, level=level)
    worst = min(shares, key=shares.__getitem__)
    return {
        "level": level,
        "half_width": radius(calibration, level=level),
        "mean": np.mean(list(shares.values())),
        "worst": shares[worst],
        "worst_source": worst,
    }


if __name__ == "__main__":
    for path, text in pages().items():
        write_text(path, text)
