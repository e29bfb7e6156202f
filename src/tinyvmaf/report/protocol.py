# SPDX-License-Identifier: Apache-2.0
"""Descriptions of the protocol: each source held out alone, or whole sources in folds.

A report of folds with several sources never mentions leaving one source out; it lists the folds and
explains the consequence of a shared network for the intervals.
"""

from tinyvmaf.evaluation.records import LosoRecord

_MEAN = (
    "of the fold mean on its stabilised scale (atanh for correlations, log for errors) with "
    "Student's t, of pooled values by leaving out one {unit} at a time."
)


def held_out(record: LosoRecord) -> tuple[tuple[str, ...], ...]:
    """The sources of every fold, if folds hold several; else empty."""
    return record.protocol.held_out


def unit(record: LosoRecord) -> str:
    """The unit of means and spreads: `source` or `fold`."""
    return "source" if held_out(record) else "fold"


def title(record: LosoRecord) -> str:
    """The protocol as a heading."""
    folds = held_out(record)
    return f"{len(folds)} folds of whole sources" if folds else "Leave-one-source-out"


def setup(record: LosoRecord) -> str:
    """The number of folds and their sizes, in words."""
    folds = held_out(record)
    if not folds:
        return f"{len(record.folds)}, one source each"
    sizes = sorted({len(fold) for fold in folds})
    each = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
    return f"{len(folds)}, of {each} whole sources each: not leave-one-source-out"


def members(record: LosoRecord) -> tuple[str, ...]:
    """A line for every fold with several sources."""
    return tuple(
        f"fold {number}: {', '.join(fold)}" for number, fold in enumerate(held_out(record), start=1)
    )


def about_rows(record: LosoRecord) -> str:
    """The caption of the table of folds: sources that the models of a row did not see."""
    folds = held_out(record)
    rest = "Errors are in VMAF points, values are means over the seeds."
    if not folds:
        return "Each source was held out once; the models of its row never saw it. " + rest
    return (
        f"Whole sources were put into {len(folds)} folds and each fold was held out once: the "
        "models of a row saw neither its source nor the others of its fold. They trained on fewer "
        "sources than with one left out at a time. " + rest
    )


def about_intervals(record: LosoRecord) -> str:
    """The description of the intervals over sources."""
    folds = held_out(record)
    if not folds:
        return "Intervals are over sources, never over frames: " + _MEAN.format(unit="source")
    return (
        "Intervals are over sources, never over frames. Sources of one fold share a network, and "
        f"with it what its training drew by chance: the {len(folds)} folds are what is taken as "
        f"independent, with {len(folds) - 1} degrees of freedom. The intervals are "
        + _MEAN.format(unit="fold").replace("the fold mean", "the mean over sources")
    )


def about_comparisons(record: LosoRecord) -> str:
    """The limits of paired comparisons where sources share a network; empty where they do not."""
    if not held_out(record):
        return ""
    return (
        " Sources of one fold share a network: p and interval take their differences as "
        "independent, and hold for these networks, not for another training; more seeds average "
        "that out."
    )
