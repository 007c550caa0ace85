"""A diagnosis as figures show it: histograms of layers on one axis, sizes over the depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gausswork.initialization.doctor import Diagnosis, LayerHealth

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BINS = 80


def values(layer: LayerHealth, of: str) -> Array:
    """Return the finite ones of up to 4,000 ``"activations"`` or ``"gradients"`` of a layer."""
    found = layer.activations if of == "activations" else layer.gradients
    return found[np.isfinite(found)]


def reach(drawn: Sequence[Array], *, log: bool) -> tuple[float, float]:
    """Return the limits of a common axis: nearly all numbers of nearly all layers.

    Parameters
    ----------
    drawn : the numbers of each layer.
    log : whether the axis has the logarithms (base 10) of their sizes; zeros have none.
    """
    if log:
        sizes = [np.log10(np.abs(v[v != 0.0])) for v in drawn if np.any(v != 0.0)]
        if not sizes:
            return -1.0, 1.0
        low = min(float(np.quantile(s, 0.03)) for s in sizes)
        high = max(float(np.quantile(s, 0.998)) for s in sizes)
        return math.floor(low), math.ceil(high)
    sizes = [np.abs(v[v != 0.0]) for v in drawn if np.any(v != 0.0)]
    widest = sorted(float(np.quantile(s, 0.99)) for s in sizes) or [1.0]
    # As wide as the widest, unless that would leave the others no width at all.
    widest[-1] = min(widest[-1], 10.0 * widest[len(widest) // 2]) * 1.1
    return -widest[-1], widest[-1]


def edges(limits: tuple[float, float]) -> Array:
    """Return the (81,) edges of the bins between the limits of an axis."""
    return np.linspace(*limits, BINS + 1)


def counts(drawn: Array, of_bins: Array, *, log: bool) -> tuple[Counts, float]:
    """Return how many numbers lie in each bin, (80,), and the share that is exactly zero.

    Zeros are not counted in the bins: where units are off they would tower over all else.
    """
    used = drawn[drawn != 0.0]
    used = np.log10(np.abs(used)) if log else used
    zeros = float(np.mean(drawn == 0.0)) if len(drawn) else math.nan
    return np.histogram(used, bins=of_bins)[0].astype(np.int64), zeros


def growth(found: Diagnosis, of: str) -> tuple[Array, Array]:
    """Return sizes over the depth, measured and predicted, relative to where they set out.

    Parameters
    ----------
    of : ``"signals"``, which set out at the first layer, or ``"gradients"``, at the last.

    Returns
    -------
    (layers,) measured and (layers,) predicted by mean-field theory, NaN where it does not apply.
    """
    shown = found.layers
    with np.errstate(over="ignore", invalid="ignore"):  # of networks that explode
        if of == "signals":
            sizes = np.array([layer.output_rms for layer in shown])
            measured = sizes / sizes[0] if sizes[0] else np.full(len(sizes), np.nan)
            factors = np.array([1.0, *(layer.predicted_forward for layer in shown[1:])])
            return measured, np.cumprod(factors)
        factors = np.array([*(layer.backward for layer in shown[:-1]), 1.0])
        predicted = np.array([*(layer.predicted_backward for layer in shown[:-1]), 1.0])
        return np.cumprod(factors[::-1])[::-1], np.cumprod(predicted[::-1])[::-1]
