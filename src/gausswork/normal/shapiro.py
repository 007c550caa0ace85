"""The test of Shapiro and Wilk for 3 to 5,000 values, with Royston's p-value."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.normal.discrepancy import blom_scores

Array: TypeAlias = npt.NDArray[np.float64]

MOST = 5000  # beyond, Royston's p-value is too large: 0.5 % rejections where 5 % are meant


def shapiro_wilk(z: Array) -> tuple[Array, Array]:
    """Return 1 − W and its p-value; Royston (1995), algorithm AS R94.

    1 − W instead of W: of a good fit the difference from 1 is all that matters, and W itself
    has few digits of it.

    Parameters
    ----------
    z : (…, n) ascending values with mean 0, 3 ≤ n ≤ 5000; samples along the leading axes.
    """
    n = z.shape[-1]
    a = shapiro_weights(n)
    w = 1.0 - (z @ a) ** 2 / (z * z).sum(axis=-1)
    return w, shapiro_p(w, n)


def shapiro_weights(n: int) -> Array:
    """Return the (n,) weights of the ordered values: normal scores with corrected extremes."""
    if n == 3:
        return np.array([-math.sqrt(0.5), 0.0, math.sqrt(0.5)])
    m = blom_scores(0, n, n)
    u = 1.0 / math.sqrt(n)
    norm = float(m @ m)
    a = m / math.sqrt(norm)
    # Polynomials in 1/√n, fitted by Royston (1992) to exact expected values.
    last = a[-1] + np.polyval((-2.706056, 4.434685, -2.07119, -0.147981, 0.221157, 0.0), u)
    if n <= 5:
        inner = math.sqrt((norm - 2.0 * m[-1] ** 2) / (1.0 - 2.0 * last**2))
        weights = m / inner
    else:
        second = a[-2] + np.polyval((-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, 0.0), u)
        inner = math.sqrt(
            (norm - 2.0 * m[-1] ** 2 - 2.0 * m[-2] ** 2) / (1.0 - 2.0 * last**2 - 2.0 * second**2)
        )
        weights = m / inner
        weights[[1, -2]] = -second, second
    weights[[0, -1]] = -last, last
    return weights


def shapiro_p(w: Array, n: int) -> Array:
    """Return the p-value of 1 − W."""
    from scipy.special import log_ndtr

    w = np.maximum(w, 0.0)
    if n == 3:  # exact; W is never below 3/4
        p: Array = 1.0 - 6.0 / math.pi * np.arccos(np.sqrt(np.clip(1.0 - w, 0.75, 1.0)))
        return np.clip(p, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        y = np.log(w)
    if n <= 11:
        gamma = -2.273 + 0.459 * n
        with np.errstate(invalid="ignore", divide="ignore"):
            y = np.where(y < gamma, -np.log(np.maximum(gamma - y, 0.0)), np.inf)
        mean = np.polyval((-0.0006714, 0.025054, -0.39978, 0.5440), n)
        sd = math.exp(np.polyval((-0.0020322, 0.062767, -0.77857, 1.3822), n))
    else:
        log_n = math.log(n)
        mean = np.polyval((0.0038915, -0.083751, -0.31082, -1.5861), log_n)
        sd = math.exp(np.polyval((0.0030302, -0.082676, -0.4803), log_n))
    score = (y - mean) / sd
    tail: Array = np.exp(log_ndtr(-score))
    return tail
