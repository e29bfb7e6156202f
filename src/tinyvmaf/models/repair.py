# SPDX-License-Identifier: Apache-2.0
"""Repair of ONNX files whose external data was renamed after the export.

The plan of a repair names the missing files and the files beside the model that match by size and
name; carrying it out writes one self-contained file, checked before it is renamed. The original is
never changed. If no file matches, or more than one does, nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.files import write_bytes
from tinyvmaf.models.beside import read_beside
from tinyvmaf.models.external import ExternalRange, locate, read_range, shown
from tinyvmaf.models.runtime import start
from tinyvmaf.models.safety import check_bytes, parse, read_file
from tinyvmaf.models.weights import external_ranges
from tinyvmaf.swap import complete


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file that the model names, and the file to read in its place.

    Attributes:
        location: The file name in the model.
        n_bytes: Number of bytes that the model needs from it.
        found: Path, relative to the model's folder, of the file that holds them.
    """

    location: str
    n_bytes: int
    found: str

    @property
    def renamed(self) -> bool:
        """True if the file has another name than the model states."""
        return self.found != self.location

    def __str__(self) -> str:
        read = f"read {shown(self.found)} instead" if self.renamed else "it is there"
        return f"the model needs {self.n_bytes} bytes of {shown(self.location)}: {read}"


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """The plan of a repair; making one writes nothing."""

    model: Path
    replacements: tuple[Replacement, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the repair, one sentence each."""
        return tuple(f"{self.model.name}: {step}" for step in self.replacements)

    def __str__(self) -> str:
        return "\n".join(self.steps)


def repair_model(model: Path | str, *, output: Path | str | None = None) -> RepairPlan:
    """Find the renamed external data of a model, and write one self-contained file.

    Args:
        model: An ONNX file whose external data was renamed; it is never changed.
        output: The file to write; by default nothing is written.

    Returns:
        The plan of the repair, step by step.

    Raises:
        UsageError: there is no such file, or `output` cannot be written.
        UnsafeModelError: the model holds something that is not allowed.
        ModelError: it is not an ONNX file, has no external data, or no single file fits.
    """
    plan = plan_repair(Path(model))
    if output is not None:
        carry_out(plan, output=Path(output))
    return plan


def plan_repair(path: Path) -> RepairPlan:
    """Find the files that the model at `path` needs.

    Raises:
        UsageError: there is no such file.
        UnsafeModelError: the model names data outside its folder.
        ModelError: it is not an ONNX file, has no external data, or no single file fits.
    """
    try:
        needed = _needed(external_ranges(parse(read_file(path)).graph.initializer))
        replacements = tuple(
            Replacement(location, n_bytes, _find(path, location, n_bytes))
            for location, n_bytes in needed.items()
        )
    except ModelError as error:
        raise type(error)(f"{path}: {error}") from error
    return RepairPlan(model=path, replacements=replacements)


def carry_out(plan: RepairPlan, *, output: Path) -> None:
    """Write the model with all its data inside to `output`.

    Raises:
        UsageError: `output` is one of the files that are read, has another model's card beside it,
            or cannot be written.
        UnsafeModelError: the repaired model holds something that is not allowed.
        ModelError: it is damaged in other ways.
    """
    folder = plan.model.parent
    read = [plan.model, *(folder / step.found for step in plan.replacements)]
    if output.resolve() in [path.resolve() for path in read]:
        raise UsageError(f"{output} is the original, which stays as it is; choose another output")
    found = {step.location: step.found for step in plan.replacements}
    model = parse(read_file(plan.model))
    spans = external_ranges(model.graph.initializer)
    for tensor in model.graph.initializer:
        if tensor.name in spans:
            span = spans[tensor.name]
            tensor.raw_data = read_range(
                replace(span, location=found[span.location]), folder=folder
            )
            tensor.data_location = tensor.DEFAULT
            del tensor.external_data[:]
    data = model.SerializeToString(deterministic=True)
    try:
        checked = check_bytes(data, folder=output.parent, origin="the repaired model")
        start(checked)
    except ModelError as error:
        raise type(error)(f"{plan.model}: cannot be repaired: {error}") from error
    # A model and its card change together, and a repaired model has none of its own.
    complete(output)
    beside = output.with_suffix(".json")
    if beside.exists() and read_beside(output).sha256 != checked.sha256:
        raise UsageError(
            f"{beside} describes another model than the repaired one; move it away, or choose "
            "another output"
        )
    write_bytes(output, data)


def _needed(spans: Mapping[str, ExternalRange]) -> dict[str, int]:
    """Number of bytes that the model reads from each file that it names."""
    if not spans:
        raise ModelError("has no external data, so that there is nothing to repair")
    needed: dict[str, int] = {}
    for span in spans.values():
        needed[span.location] = max(span.end, needed.get(span.location, 0))
    return needed


def _find(model: Path, location: str, n_bytes: int) -> str:
    """The name of the file that holds `n_bytes` of the model's data."""
    try:
        named = locate(location, folder=model.parent)
    except ModelError as error:
        # Only a missing file can have been renamed; a forbidden name stays forbidden.
        if type(error) is not ModelError:
            raise
    else:
        if named.stat().st_size >= n_bytes:
            return location
    fitting = [path for path in _siblings(model) if path.stat().st_size == n_bytes]
    usual = [path for path in fitting if path.name == f"{model.name}.data"]
    alike = [path for path in fitting if path.suffix == Path(location).suffix]
    for candidates in (usual, alike):
        if len(candidates) == 1:
            return candidates[0].name
    raise ModelError(
        f"needs {n_bytes} bytes of {shown(location)}, which is missing; {_words(alike)}"
    )


def _siblings(model: Path) -> list[Path]:
    """The regular files beside the model, sorted, without links."""
    beside = sorted(model.parent.iterdir())
    return [path for path in beside if path.is_file() and not path.is_symlink() and path != model]


def _words(alike: Sequence[Path]) -> str:
    if not alike:
        return "no file beside it has that size and ending; look where the model came from"
    names = ", ".join(path.name for path in alike)
    return f"{names} all have that size and ending; keep only the right one beside the model"
