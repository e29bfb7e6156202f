# SPDX-License-Identifier: Apache-2.0
"""The charts of a report, in order; a chart without data is left out."""

from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.chart import Chart
from tinyvmaf.report.evidence_charts import forest, learning_curve
from tinyvmaf.report.fold_charts import clip_errors, folds
from tinyvmaf.report.frame_charts import residuals, scatter
from tinyvmaf.report.points import Points
from tinyvmaf.report.theme import Theme


def charts(record: LosoRecord, points: Points, theme: Theme) -> list[Chart]:
    """Every chart that there is data for."""
    from altair.utils.schemapi import debug_mode

    # Altair would check every part against its schema while it is made, which takes longer than all
    # else; tests check whole charts.
    with debug_mode(False):  # noqa: FBT003 (positional only by its name, `arg`)
        made = (
            folds(record, theme, "rmse"),
            folds(record, theme, "plcc"),
            scatter(record, points, theme),
            residuals(points, theme),
            clip_errors(record, points, theme),
            learning_curve(record, theme),
            forest(record, theme, "ratio"),
            forest(record, theme, "difference"),
        )
    return [chart for chart in made if chart is not None]
