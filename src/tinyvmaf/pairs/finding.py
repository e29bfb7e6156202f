# SPDX-License-Identifier: Apache-2.0
"""What is found about a pair before its number may be believed: a cause, its cure, its weight."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tinyvmaf.errors import MisalignedError
from tinyvmaf.pairs.alignment import Allowance


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a user must know.

    Attributes:
        cause: What was found, with its numbers.
        cure: What to do about it.
        allowance: What lets the pair through in spite of it; None for a mere warning.
    """

    cause: str
    cure: str
    allowance: Allowance | None = None

    @property
    def sentence(self) -> str:
        """Cause and cure for people."""
        if self.allowance is None:
            return f"{self.cause}: {self.cure}"
        return f"{self.cause}: {self.cure}, or accept it with --allow {self.allowance}"


def refusals(findings: Iterable[Finding], allowed: AbstractSet[Allowance]) -> tuple[str, ...]:
    """The findings that stop the pair, in words."""
    return tuple(
        finding.sentence
        for finding in findings
        if finding.allowance is not None and finding.allowance not in allowed
    )


def warnings(findings: Iterable[Finding], allowed: AbstractSet[Allowance]) -> tuple[str, ...]:
    """The findings that a result carries: warnings, and what was accepted by name."""
    return tuple(
        finding.sentence if finding.allowance is None else f"{finding.cause} (accepted)"
        for finding in findings
        if finding.allowance is None or finding.allowance in allowed
    )


def refuse(reasons: Iterable[str]) -> None:
    """Raise one error that names all reasons, if there are any.

    Raises:
        MisalignedError: there is a reason.
    """
    words = "; ".join(reasons)
    if words:
        raise MisalignedError(f"reference and distorted do not fit: {words}")
