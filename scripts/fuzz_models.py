# SPDX-License-Identifier: Apache-2.0
"""Throw mutants of a good model at the loader and count what becomes of them.

`python scripts/fuzz_models.py [N] [SEED]`. Half of the mutants are changed in their bytes, half in
a field of their protobuf, so that they get past the parser. Anything but a loaded model with finite
scores or a `ModelError` of one line stops the run and leaves the mutant in `mutant.onnx`.
"""

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tinyvmaf.errors import ModelError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.model import load_model
from tinyvmaf.models.network import Layer, Network
from tinyvmaf.models.onnx_file import to_onnx

NUMBERS = (0, 1, 2, 7, 8, 17, 100, 4096, 4097, 2**31 - 1, 2**31, 2**62, -1, -(2**31))
TEXTS = ("", "x", "vmaf", "features", "dense1", "Relu", "Gemm", "If", "../x", "weight0")


def main() -> None:
    """Fuzz as often as the command line says."""
    n_mutants = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    good = to_onnx(_network(rng))
    rows = rng.uniform(-1, 2, (5, len(CANONICAL6)))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.onnx"
        for _ in range(n_mutants):
            data = _bytes_changed(good, rng) if rng.random() < 0.5 else _field_changed(good, rng)
            path.write_bytes(data)
            begin = time.perf_counter()
            try:
                outcomes[_outcome(path, rows)] += 1
            except BaseException:
                Path("mutant.onnx").write_bytes(data)
                raise
            slowest = max(slowest, time.perf_counter() - begin)
    for outcome, count in outcomes.most_common():
        print(f"{count:8d}  {outcome}")
    print(f"{n_mutants} mutants, slowest {slowest:.2f} s, no crash")


def _outcome(path: Path, rows: np.ndarray) -> str:
    """What became of a mutant, in words without its particulars."""
    try:
        scores = load_model(path, features=CANONICAL6).predict(rows)
    except ModelError as error:
        message = str(error)
        if not message.isprintable():
            raise ValueError(f"no one line: {message!r}") from error
        words = re.sub(r"'[^']*'|\"[^\"]*\"|\[[^]]*\]|-?\d[\d.e+]*|\S*mutant\S*", "_", message)
        return f"{type(error).__name__}: {words[:90]}"
    if scores.shape != (len(rows),) or not np.isfinite(scores).all():
        raise ValueError(f"scores {scores}")
    return "loaded, finite scores"


def _bytes_changed(good: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(good)
    for _ in range(int(rng.integers(1, 5))):
        first = int(rng.integers(len(data)))
        last = first + int(rng.integers(1, 9))
        change = rng.integers(4)
        if change == 0:
            data[first] ^= 1 << int(rng.integers(8))
        elif change == 1:
            data[first:last] = rng.bytes(last - first)
        elif change == 2:
            del data[first:last]
        else:
            data[first:first] = data[first:last] * int(rng.integers(1, 20))
    return bytes(data)


def _field_changed(good: bytes, rng: np.random.Generator) -> bytes:
    model = onnx.ModelProto.FromString(good)
    for _ in range(int(rng.integers(1, 4))):
        messages = list(_messages(model))
        message = messages[int(rng.integers(len(messages)))]
        fields = message.DESCRIPTOR.fields
        field = fields[int(rng.integers(len(fields)))]
        try:
            _change(message, field, rng)
        except (TypeError, ValueError):
            continue  # the value does not fit this field; protobuf says so
    return model.SerializeToString()


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _change(message: Message, field: FieldDescriptor, rng: np.random.Generator) -> None:
    value: Any = NUMBERS[int(rng.integers(len(NUMBERS)))]
    if field.type == field.TYPE_STRING:
        value = TEXTS[int(rng.integers(len(TEXTS)))]
    elif field.type == field.TYPE_BYTES:
        value = rng.bytes(int(rng.integers(0, 40)))
    if rng.random() < 0.2:
        message.ClearField(field.name)
    elif field.is_repeated:
        items = getattr(message, field.name)
        if field.type == field.TYPE_MESSAGE:
            items.add()
            if len(items) > 1:
                items[-1].CopyFrom(items[int(rng.integers(len(items) - 1))])
        elif items and rng.random() < 0.5:
            items[int(rng.integers(len(items)))] = value
        else:
            items.append(value)
    elif field.type == field.TYPE_MESSAGE:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value)


def _network(rng: np.random.Generator) -> Network:
    sizes = (len(CANONICAL6), 16, 8, 1)
    return Network(
        features=CANONICAL6,
        shift=np.full(6, 0.5, dtype=np.float32),
        scale=np.full(6, 0.3, dtype=np.float32),
        layers=tuple(
            Layer(
                weight=rng.normal(size=(n_in, n_out), scale=0.3).astype(np.float32),
                bias=np.zeros(n_out, dtype=np.float32),
            )
            for n_in, n_out in pairwise(sizes)
        ),
        activation="silu",
        target_shift=70.0,
        target_scale=12.0,
    )


if __name__ == "__main__":
    main()
