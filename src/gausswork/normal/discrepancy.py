"""How far sorted values are from a bell: the statistics of the tests for normality.

Every function takes standardised values, sorted along the last axis, and works in blocks, so that
ten million values need no more memory than a few of them; leading axes are samples of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

_BLOCK = 1 << 16  # elements of the last axis at a time: half a megabyte, inside the second cache
_NEAR = 4.0  # sd


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """Distances between samples and the normal with their mean and standard deviation.

    Attributes
    ----------
    anderson : Anderson and Darling's A², parameters estimated (their case 3), uncorrected for n.
    kolmogorov : the largest difference between the two distribution functions, in (0, 1).
    above : where the share of the sample exceeds the bell's most, in standard deviations.
    francia : 1 − W', with W' the squared correlation of the values with Blom's scores
        Φ⁻¹((i − 3/8) / (n + 1/4)); Shapiro and Francia (1972).
    skewness : √b₁ = m₃ / m₂^1.5, with moments divided by n.
    kurtosis : b₂ = m₄ / m₂², 3 for a normal.
    """

    anderson: Array
    kolmogorov: Array
    at: Array
    francia: Array
    skewness: Array
    kurtosis: Array


def discrepancies(z: Array) -> Discrepancies:
    """Measure sorted samples against the normal.

    Parameters
    ----------
    z : (…, n) values with mean 0 and standard deviation 1 (divisor n − 1), ascending.
    """
    from scipy.special import log_ndtr, ndtr

    n = z.shape[-1]
    shape = z.shape[:-1]
    a, d, where = np.zeros(shape), np.full(shape, -1.0), np.zeros(shape)
    zm, mm = np.zeros(shape), 0.0
    m2, m3, m4 = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for start in range(0, n, _BLOCK):
        part = z[..., start : start + _BLOCK]
        i = np.arange(start + 1.0, start + part.shape[-1] + 1.0)
        cdf = ndtr(part)
        if part.min() > -_NEAR and part.max() < _NEAR:  # no tail that 1 − cdf would cut off
            below, above = np.log(cdf), np.log1p(-cdf)
        else:
            below, above = log_ndtr(part), log_ndtr(-part)
        a += (below * (2 * i - 1)).sum(axis=-1)
        a += (above * (2 * (n - i) + 1)).sum(axis=-1)
        gaps = np.maximum(i / n - cdf, cdf - (i - 1) / n)
        k = gaps.argmax(axis=-1)[..., np.newaxis]
        largest = np.take_along_axis(gaps, k, -1)[..., 0]
        where = np.where(largest > d, np.take_along_axis(part, k, -1)[..., 0], where)
        d = np.maximum(d, largest)
        scores = blom_scores(start, start + part.shape[-1], n)
        zm += (part * scores).sum(axis=-1)
        mm += float((scores * scores).sum())
        square = part * part
        m2 += square.sum(axis=-1)
        m3 += (square * part).sum(axis=-1)
        m4 += (square * square).sum(axis=-1)
    return Discrepancies(
        anderson=-n - a / n,
        kolmogorov=d,
        at=where,
        francia=1.0 - (zm / m2) * (zm / mm),
        skewness=m3 / n / (m2 / n) ** 1.5,
        kurtosis=n * m4 / m2**2,
    )


def blom_scores(start: int, stop: int, n: int) -> Array:
    """Return what the ordered values number ``start`` to ``stop`` of n would be, in sd; Blom."""
    from scipy.special import ndtri

    i = np.arange(start + 1.0, stop + 1.0)
    scores: Array = ndtri((i - 0.375) / (n + 0.25))
    return scores


def jarque_bera(skewness: Array, kurtosis: Array, n: int) -> Array:
    """Return n/6·(skewness² + (kurtosis − 3)²/4); Jarque and Bera (1987)."""
    return n / 6.0 * (skewness**2 + 0.25 * (kurtosis - 3.0) ** 2)


def skewness_score(skewness: Array, n: int) -> Array:
    """Return the skewness as a standard normal score, n ≥ 8; D'Agostino (1970)."""
    y = skewness * np.sqrt((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0)))
    beta2 = 3.0 * (n**2 + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0)
    beta2 /= (n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0)
    w2 = np.sqrt(2.0 * (beta2 - 1.0)) - 1.0
    delta = 1.0 / np.sqrt(0.5 * np.log(w2))
    alpha = np.sqrt(2.0 / (w2 - 1.0))
    score: Array = delta * np.arcsinh(y / alpha)
    return score


def kurtosis_score(kurtosis: Array, n: int) -> Array:
    """Return the kurtosis as a standard normal score, n ≥ 8; Anscombe and Glynn (1983)."""
    mean = 3.0 * (n - 1.0) / (n + 1.0)
    variance = 24.0 * n * (n - 2.0) * (n - 3.0) / ((n + 1.0) ** 2 * (n + 3.0) * (n + 5.0))
    x = (kurtosis - mean) / np.sqrt(variance)
    beta1 = 6.0 * (n**2 - 5.0 * n + 2.0) / ((n + 7.0) * (n + 9.0))
    beta1 *= np.sqrt(6.0 * (n + 3.0) * (n + 5.0) / (n * (n - 2.0) * (n - 3.0)))
    a = 6.0 + 8.0 / beta1 * (2.0 / beta1 + np.sqrt(1.0 + 4.0 / beta1**2))
    below = 1.0 + x * np.sqrt(2.0 / (a - 4.0))
    root = np.sign(below) * np.cbrt((1.0 - 2.0 / a) / np.abs(below))
    score: Array = (1.0 - 2.0 / (9.0 * a) - root) / np.sqrt(2.0 / (9.0 * a))
    return score


def omnibus(skewness: Array, kurtosis: Array, n: int) -> Array:
    """Return K² of D'Agostino and Pearson (1973), n ≥ 8."""
    k2: Array = skewness_score(skewness, n) ** 2 + kurtosis_score(kurtosis, n) ** 2
    return k2
