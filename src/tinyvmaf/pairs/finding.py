# SPDX-License-Identifier: Apache-2.0
"""Findings about a pair: a cause, its cure, and the name under which a user may accept it."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from tinyvmaf.errors import MisalignedError, UsageError


class Allowance(StrEnum):
    """A finding about a pair that a user may accept by name."""

    FRAME_COUNT = "frame-count"
    FRAME_RATE = "frame-rate"
    FROZEN = "frozen"
    GEOMETRY = "geometry"
    COLOR_RANGE = "color-range"
    COLOR_MATRIX = "color-matrix"
    DAMAGED = "damaged"
    HDR = "hdr"
    INTERLACED = "interlaced"
    SWAPPED = "swapped"
    SHIFT = "shift"


def allowances(names: Iterable[Allowance | str]) -> frozenset[Allowance]:
    """The findings that a user accepts by name.

    Raises:
        UsageError: there is no finding of a name.
    """
    found: set[Allowance] = set()
    for name in names:
        try:
            found.add(Allowance(name))
        except ValueError as error:
            raise UsageError(
                f"`allow=['{name}']`: expected one of {', '.join(sorted(Allowance))}"
            ) from error
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a user must know.

    Attributes:
        cause: The finding, with its numbers.
        cure: The remedy.
        allowance: The name under which a user may accept it; None for a mere warning.
        final: True if it refuses the pair and cannot be accepted.
        offered: True if the sentence names the allowance, where a user may know better.
    """

    cause: str
    cure: str
    allowance: Allowance | None = None
    final: bool = False
    offered: bool = True

    @property
    def sentence(self) -> str:
        """Cause and cure for people."""
        if self.allowance is None or not self.offered:
            return f"{self.cause}: {self.cure}"
        return f"{self.cause}: {self.cure}, or accept it with `allow=['{self.allowance}']`"


def refusals(findings: Iterable[Finding], allowed: AbstractSet[Allowance]) -> tuple[str, ...]:
    """The findings that stop the pair, in words."""
    return tuple(
        finding.sentence
        for finding in findings
        if finding.final or (finding.allowance is not None and finding.allowance not in allowed)
    )


def warnings(findings: Iterable[Finding], allowed: AbstractSet[Allowance]) -> tuple[str, ...]:
    """The findings that a result carries: warnings, and what was accepted by name."""
    return tuple(
        finding.sentence if finding.allowance is None else f"{finding.cause} (accepted)"
        for finding in findings
        if not finding.final and (finding.allowance is None or finding.allowance in allowed)
    )


def accepted(findings: Iterable[Finding], allowed: AbstractSet[Allowance]) -> frozenset[Allowance]:
    """The names under which findings were accepted."""
    names = {finding.allowance for finding in findings if finding.allowance in allowed}
    return frozenset(name for name in names if name is not None)


def refuse(reasons: Iterable[str]) -> None:
    """Raise one error that names all reasons, if there are any.

    Raises:
        MisalignedError: there is a reason.
    """
    words = "; ".join(reasons)
    if words:
        raise MisalignedError(f"reference and distorted do not fit: {words}")
