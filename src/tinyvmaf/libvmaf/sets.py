# SPDX-License-Identifier: Apache-2.0
"""Feature sets: named, ordered tuples of libvmaf's per-frame features, and what makes them.

The order is the contract between tables, networks and ONNX files; it is written here once. A set is
made by one pass: `canonical6` by libvmaf at full size, which also gives the teacher's score, the
reduced sets by libvmaf on both videos scaled down, `signal` and `ssim` by ffmpeg alone. The columns
of a cheaper set carry its name in front, so that a table can hold several sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf import pixels

CANONICAL6 = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")
"""Inputs of `vmaf_v0.6.1`, in the order of every table, network and ONNX file of this project."""

REDUCED11 = (
    "adm2",
    "adm_scale0",
    "adm_scale1",
    "adm_scale2",
    "adm_scale3",
    "aim",
    "vif_scale0",
    "vif_scale1",
    "vif_scale2",
    "vif_scale3",
    "motion2",
)
"""Features of a pass at reduced size; adm3 is left out, being the mean of adm2 and 1 - aim."""

TARGET = "vmaf"
"""The column that holds the teacher's score, in [0, 100]."""

KEYS = ("source", "clip", "frame")
"""The columns that name a row; together they are unique."""

MIN_REDUCED = 32
"""Libvmaf needs 24 pixels a side; reducing pictures to less than this is pointless."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A pass over all frames, and the features that are read from it.

    Attributes:
        name: The word for `--features`.
        features: Their names without prefix, libvmaf's where it makes them, in order.
        divisor: Both videos are scaled down by it in either direction; 1 is full size.
        scaler: Ffmpeg's algorithm for that.
        by_libvmaf: True if libvmaf makes it, or a chain of `pixels`.
    """

    name: str
    features: tuple[str, ...]
    divisor: int = 1
    scaler: str = ""
    by_libvmaf: bool = True

    @property
    def is_full(self) -> bool:
        """True for the pass that also gives the teacher's score."""
        return self.by_libvmaf and self.divisor == 1

    @property
    def prefix(self) -> str:
        """Prefix of the columns of a reduced set; empty for the full pass."""
        return "" if self.is_full else f"{self.name}_"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table, in order."""
        return tuple(self.prefix + name for name in self.features)

    def check_size(self, *, width: int, height: int) -> None:
        """Refuse videos that would be too small.

        Raises:
            UsageError: a side would have fewer than `MIN_REDUCED` pixels.
        """
        if self.divisor > 1 and min(width, height) // self.divisor < MIN_REDUCED:
            raise UsageError(
                f"feature set {self.name}: {width}x{height} reduced {self.divisor} times has fewer "
                f"than {MIN_REDUCED} pixels a side; use {FULL.name} for such small videos"
            )


FULL = FeatureSet("canonical6", CANONICAL6)
"""The pass at full size, which also gives the teacher's score."""

HALF = FeatureSet("half", REDUCED11, divisor=2, scaler="area")
QUARTER = FeatureSet("quarter", REDUCED11, divisor=4, scaler="area")

SIGNAL = FeatureSet("signal", pixels.SIGNAL, by_libvmaf=False)
"""By far the cheapest; it predicts changes of the score well, but not the score itself."""

SSIM = FeatureSet("ssim", pixels.SSIM, by_libvmaf=False)

SETS = {item.name: item for item in (FULL, HALF, QUARTER, SIGNAL, SSIM)}
"""Every feature set, by name."""

ALL = "all"
"""In place of `canonical6`: every feature that the pass at full size yields."""


def find_sets(names: str) -> tuple[FeatureSet, ...]:
    """The sets that `names` lists, separated by commas; `all` needs the same pass as `canonical6`.

    Raises:
        UsageError: an unknown name, one that occurs twice, or none.
    """
    found = tuple(_find_set(name.strip()) for name in names.split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"`features='{names}'`: names a feature set twice")
    return found


def sets_of(columns: Sequence[str]) -> tuple[FeatureSet, ...]:
    """The sets that hold `columns`, in the order of `SETS`; what has no known prefix is full size.

    Example:
        >>> [item.name for item in sets_of(["half_adm2", "adm2"])]
        ['canonical6', 'half']
    """
    cheaper = [item for item in SETS.values() if item.prefix]
    owners = {
        next((item.name for item in cheaper if column in item.columns), FULL.name)
        for column in columns
    }
    return tuple(item for item in SETS.values() if item.name in owners)


def _find_set(name: str) -> FeatureSet:
    if name == ALL:
        return FULL
    if name not in SETS:
        raise UsageError(
            f"unknown feature set {name!r}; expected one of {', '.join((*SETS, ALL))}, "
            "or several separated by commas"
        )
    return SETS[name]
