# SPDX-License-Identifier: Apache-2.0
"""Checked models in ONNX Runtime, with checked scores.

A `Runtime` made of a `CheckedModel` turns rows into scores. Its output is checked as well: one
finite score per row, or an error.
"""

import os
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from tinyvmaf.errors import ModelError
from tinyvmaf.models.external import shown
from tinyvmaf.models.safety import CheckedModel

# Measured by benchmarks/inference.py: below 16 k rows a call costs more than it computes, above
# 64 k the tensors leave the cache. The second bound keeps a wide model's tensors below 128 MB.
_CHUNK_ROWS: Final = 65536
_CHUNK_VALUES: Final = 2**25
_MOST_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Runtime:
    """A model that ONNX Runtime has loaded."""

    checked: CheckedModel
    _session: Any = field(repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the checked model, which another process loads into its own runtime."""
        return start, (self.checked,)

    @property
    def chunk_rows(self) -> int:
        """Number of rows to run at once: fast, and in bounded memory for a model of any width."""
        return max(1, min(_CHUNK_ROWS, _CHUNK_VALUES // self.checked.n_values))

    def run(
        self, rows: Float32[np.ndarray, "n n_features"], *, first_row: int = 0
    ) -> Float32[np.ndarray, " n"]:
        """One score per row; row numbers in errors start at `first_row`.

        Raises:
            ModelError: the model fails, or does not give one finite score per row.
        """
        try:
            scores = self._session.run([self.checked.output], {self.checked.input: rows})[0]
        except Exception as error:  # ONNX Runtime's exceptions have no base but this one
            raise ModelError(f"ONNX Runtime failed: {_line(error)}") from error
        if scores.shape not in ((len(rows),), (len(rows), 1)):
            raise ModelError(
                f"made scores of shape {scores.shape} from {len(rows)} rows; "
                "it does not score them one by one"
            )
        scores = scores.reshape(-1)
        finite = np.isfinite(scores)
        if not finite.all():
            where = int(finite.argmin())
            raise ModelError(
                f"the score of row {first_row + where} is {scores[where]}; "
                "the model is broken, or the row is far from all that it was trained on"
            )
        return scores


def start(checked: CheckedModel, *, threads: int | None = None) -> Runtime:
    """Load a checked model into ONNX Runtime.

    Args:
        checked: The model to run.
        threads: Threads of one call; by default one per processor, at most four.

    Raises:
        ModelError: ONNX Runtime refuses it.
    """
    # Since version 1.29 its import sends usage data and stores a device id in the home folder.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # Errors are raised as exceptions; a log on stderr would repeat them.
    options.log_severity_level = 4
    # Waiting threads must not take processors from libvmaf; beside other work, spinning ones halve
    # even our own speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Bytes in ONNX Runtime's own format would be loaded unchecked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(
            checked.data, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions have no base but this one
        raise ModelError(f"ONNX Runtime refuses it: {_line(error)}") from error
    return Runtime(checked=checked, _session=session)


def _line(error: Exception) -> str:
    return shown(" ".join(str(error).split()))
