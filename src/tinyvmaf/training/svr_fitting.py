# SPDX-License-Identifier: Apache-2.0
"""Fitting a support-vector regression: scikit-learn's NuSVR on the recipe's scaling.

The input is the training rows, the result a `SupportVectors`. The cost grows with the square of the
number of rows, so that it is trained on an evenly spaced subset that depends on that number alone.
The default settings were chosen by LOSO on the sample.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyvmaf.models.support_vectors import SupportVectors
from tinyvmaf.training.training_rows import Rows

ROWS = 1000
"""Rows that training reads, at most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a support-vector regression on standardised features and target.

    Attributes:
        c: The weight of errors against smoothness, above 0.
        nu: The least share of rows that become support vectors, in (0, 1].
        gamma_times_features: A kernel's gamma times the number of features, above 0.
    """

    c: float = 10.0
    nu: float = 0.3
    gamma_times_features: float = 0.03


OF_A_TEACHER = Settings()
"""For a target without noise."""


def fit_support_vectors(
    *,
    features: Float[np.ndarray, "n n_features"],
    target: Float[np.ndarray, " n"],
    names: tuple[str, ...],
    shift: Float[np.ndarray, " columns"],
    scale: Float[np.ndarray, " columns"],
    n_rows: int = ROWS,
    settings: Settings = OF_A_TEACHER,
) -> SupportVectors:
    """Fit a support-vector regression.

    Args:
        features: Features of the training rows.
        target: Their scores, in [0, 100].
        names: Names of the features.
        shift: Subtracted from every feature and, last, from the target.
        scale: The divisors after that; above 0.
        n_rows: Number of rows that training reads.
        settings: Settings of the regression.
    """
    from sklearn.svm import NuSVR

    rows = np.linspace(0, len(target) - 1, min(n_rows, len(target))).astype(int)
    shift, scale = (each.astype(np.float32).astype(np.float64) for each in (shift, scale))
    # Vectors are stored in float32; training on float32 rows keeps them exact.
    scaled = ((features[rows] - shift[:-1]) / scale[:-1]).astype(np.float32).astype(np.float64)
    gamma = float(np.float32(settings.gamma_times_features / len(names)))
    # A stub's error.
    machine = NuSVR(C=settings.c, nu=settings.nu, gamma=gamma)  # pyright: ignore[reportArgumentType]
    machine.fit(scaled, (target[rows] - shift[-1]) / scale[-1])
    return SupportVectors(
        features=names,
        shift=shift[:-1].astype(np.float32),
        scale=scale[:-1].astype(np.float32),
        vectors=scaled[machine.support_].astype(np.float32),
        weights=machine.dual_coef_[0].astype(np.float32),
        bias=float(np.float32(machine.intercept_[0])),
        gamma=gamma,
        target_shift=float(shift[-1]),
        target_scale=float(scale[-1]),
    )


def fit_folds(
    rows: Rows,
    held_out: "list[tuple[int, ...]]",
    *,
    names: tuple[str, ...],
    standardised: bool,
    on_fold: Callable[[], object],
) -> dict[tuple[int, ...], SupportVectors]:
    """Fit a support-vector regression for every set of held-out sources, some at once.

    Args:
        rows: All rows; those of held-out sources take no part.
        held_out: Positions of sources.
        names: Names of the features.
        standardised: If True, features and target get mean 0 and deviation 1 over training rows.
        on_fold: Called as each is done, from several threads.
    """

    def one(positions: tuple[int, ...]) -> SupportVectors:
        out = sorted(set(positions))
        training = rows.training_rows(out)
        own = training[np.linspace(0, len(training) - 1, min(ROWS, len(training))).astype(np.int32)]
        shift, scale = np.zeros(len(names) + 1), np.ones(len(names) + 1)
        if standardised:
            seen = rows.training_moments(out)
            shift, scale = seen.mean, seen.scale
        fitted = fit_support_vectors(
            features=rows.features[own],
            target=rows.target[own],
            names=names,
            shift=shift,
            scale=scale,
        )
        on_fold()
        return fitted

    folds = list(dict.fromkeys(held_out))
    # libsvm releases Python's lock.
    with ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, len(folds)))) as pool:
        return dict(zip(folds, pool.map(one, folds), strict=True))
