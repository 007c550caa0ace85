"""Sums over rows that lie some lags apart, for errors that hold under serial correlation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.kinds import listed, nearest
from gausswork.errors import InputError

Array = npt.NDArray[np.float64]

_NOTHING = 1e-7  # weights below this in magnitude, and all later ones, are left out
_MANY = 64  # lags from which a Fourier transform is cheaper than one product a lag


def bartlett(x: Array) -> Array:
    """Return 1 − x up to 1 (Newey & West 1987)."""
    return np.maximum(1.0 - x, 0.0)


def parzen(x: Array) -> Array:
    """Return Parzen's (1957) piecewise cubic, which is smoother than a triangle."""
    near, far = 1.0 - 6.0 * x**2 * (1.0 - x), 2.0 * np.maximum(1.0 - x, 0.0) ** 3
    return np.where(x <= 0.5, near, far)


def quadratic_spectral(x: Array) -> Array:
    """Return the kernel of Andrews (1991), never zero for good: all lags count."""
    z = 1.2 * math.pi * np.where(x == 0.0, 1.0, x)
    # the closed form cancels near zero, where the series has all digits
    closed = 3.0 / z**2 * (np.sin(z) / z - np.cos(z))
    small = 1.0 - z**2 / 10.0 + z**4 / 280.0 - z**6 / 15120.0
    return np.where(x == 0.0, 1.0, np.where(z < 0.05, small, closed))


def tukey_hanning(x: Array) -> Array:
    """Return (1 + cos πx)/2 up to 1."""
    return np.where(x < 1.0, 0.5 * (1.0 + np.cos(math.pi * np.minimum(x, 1.0))), 0.0)


def truncated(x: Array) -> Array:
    """Return 1 below 1: all lags count alike, and variances may come out negative."""
    return np.where(x < 1.0, 1.0, 0.0)


KERNELS: dict[str, Callable[[Array], Array]] = {
    "bartlett": bartlett,
    "parzen": parzen,
    "quadratic-spectral": quadratic_spectral,
    "tukey-hanning": tukey_hanning,
    "truncated": truncated,
}
# Exponents of n in the lags of Newey & West (1994), table II C; Bartlett's for the others.
_GROWTH = {"parzen": 4.0 / 25.0, "quadratic-spectral": 2.0 / 25.0}


@dataclass(frozen=True, slots=True)
class Window:
    """Which lags count, and how much.

    Attributes
    ----------
    kernel : its name.
    lags : L; a lag j counts k(j / (L + 1)).
    chosen : whether L was chosen here.
    weights : (m,) of the lags 1 … m.
    """

    kernel: str
    lags: float
    chosen: bool
    weights: Array


def window(kernel: Any, lags: Any, rows: int) -> Window:
    """Return the weights of the lags.

    Parameters
    ----------
    kernel : one of :data:`KERNELS`.
    lags : how many rows errors reach; None for ⌊4·(n/100)^(2/9)⌋ or as the kernel has it.
    rows : n.

    Raises
    ------
    InputError
        There is no such kernel, or so many lags need more rows.
    """
    if kernel not in KERNELS:
        guess = nearest(str(kernel), list(KERNELS))
        meant = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(f"kernel must be one of {listed(KERNELS)}; got {kernel!r}.{meant}")
    chosen = lags is None
    if chosen:
        lags = min(math.floor(4.0 * (rows / 100.0) ** _GROWTH.get(kernel, 2.0 / 9.0)), rows - 1)
    number = isinstance(lags, int | float | np.integer | np.floating)
    if not number or isinstance(lags, bool) or not 0.0 <= lags < math.inf:
        raise InputError(
            f"lags must be a number of at least 0; got {lags!r}. It says how many rows apart "
            "errors may still be correlated: 4 for a year of quarters."
        )
    if lags >= rows:
        raise InputError(
            f"lags must be fewer than the {rows:,} rows of the data; got {lags:g}. Errors that "
            "reach further than the data cannot be seen in it."
        )
    x = np.arange(1.0, rows) / (float(lags) + 1.0)
    weights = KERNELS[kernel](x)
    counting = np.flatnonzero(np.abs(weights) > _NOTHING)
    weights = weights[: int(counting[-1]) + 1 if len(counting) else 0]
    return Window(str(kernel), float(lags), chosen, weights)


class LaggedSums:
    """Σ s sᵀ + Σ_j w_j Σ_t (s_t s_{t−j}ᵀ + its transpose), rows at a time; the past is kept."""

    def __init__(self, weights: Array, size: int) -> None:
        self._weights = weights
        self._past = np.empty((0, size))
        self.total = np.zeros((size, size))

    def add(self, s: Array) -> None:
        """Add some consecutive rows, (m, k)."""
        lags, m = len(self._weights), len(s)
        self.total += np.einsum("ij,ik->jk", s, s)  # BLAS would start threads for so little
        if lags and m:
            both = np.concatenate((self._past, s))
            earlier = self._weighted(both, m)
            crossed = np.einsum("ij,ik->jk", s, earlier)
            self.total += crossed + crossed.T
            self._past = both[-lags:].copy()

    def _weighted(self, both: Array, m: int) -> Array:
        """Return Σ_j w_j s_{t−j} of the last m rows, (m, k)."""
        lags, before = len(self._weights), len(both) - m
        if lags > _MANY:
            size = len(both) + lags
            kernel = np.fft.rfft(np.concatenate(([0.0], self._weights)), size)
            product = np.fft.rfft(both, size, axis=0) * kernel[:, None]
            return np.asarray(np.fft.irfft(product, size, axis=0)[before : before + m])
        out = np.zeros((m, both.shape[1]))
        for j, weight in enumerate(self._weights, start=1):
            start = before - j
            skipped = max(0, -start)
            if skipped < m:
                out[skipped:] += weight * both[start + skipped : start + m]
        return out
