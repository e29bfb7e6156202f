# SPDX-License-Identifier: Apache-2.0
"""A plain PyTorch loop of the recipe `digest`, for `training.py` to be compared with.

    python torch_loop.py DATA.npz loader|slices

Every source is held out once: `Adam`, mean squared error, 30 epochs of batches of 256. `loader`
takes its batches from a `DataLoader`, as most code does; `slices` cuts them from a shuffled tensor,
which is the fastest that a plain loop gets. Needs PyTorch and NumPy, and nothing of ours.
"""

import sys
import time
from itertools import pairwise

STARTED = time.perf_counter()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

EPOCHS, BATCH, RATE = 30, 256, 1e-3


def main():
    data = np.load(sys.argv[1])
    features, target = (torch.from_numpy(data[name]) for name in ("features", "target"))
    source = torch.from_numpy(data["source_index"])
    torch.manual_seed(0)
    errors = []
    for held_out in range(int(source.max()) + 1):
        seen = source != held_out
        network = train(features[seen], target[seen], sys.argv[2])
        with torch.no_grad():
            missed = network(features[~seen])[:, 0] - target[~seen]
        errors.append(float(missed.square().mean().sqrt()))
    print(time.perf_counter() - STARTED, float(np.mean(errors)))


def train(features, target, batches):
    sizes = (features.shape[1], 16, 8)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    loader = DataLoader(TensorDataset(features, target), batch_size=BATCH, shuffle=True)
    for _ in range(EPOCHS):
        for inputs, wanted in loader if batches == "loader" else slices(features, target):
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(network(inputs)[:, 0], wanted)
            loss.backward()
            optimiser.step()
    return network


def slices(features, target):
    order = torch.randperm(len(target))
    yield from zip(features[order].split(BATCH), target[order].split(BATCH), strict=True)


if __name__ == "__main__":
    main()
