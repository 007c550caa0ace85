"""The functions of the standard normal in plain NumPy: always there, oracle of the compiled ones.

Everything takes z in two words, z = high + low (``low`` is what rounding took from ``high``),
because a tail answers a relative error ε of z with a relative error z²ε: at 37 sd a z that is
rounded to the nearest double would cost three digits. Arrays are float64 and flat, results are new.

Errors found with mpmath, in units of 2^-53 relative: density 2.3 and tails 2.5 from −37 to 37,
quantiles 6. Compiled tails within 4 sd come from a table instead of these formulas, with 1.8 units.
Beyond, results underflow gradually as the true ones do.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gausswork.normal import coefficients as table

Array = npt.NDArray[np.float64]
Pair = tuple[Array, Array]

_FARTHEST = 40.0  # exp(−z²/2) is zero from 38.6 on
_SPLITTER = 134217729.0  # 2^27 + 1 (Veltkamp)
_ROOT_2 = 1.4142135623730951


_Real = TypeVar("_Real", Array, float)


def two_sum(a: _Real, b: _Real) -> tuple[_Real, _Real]:
    """Return a + b rounded, and what the rounding left out (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def product_error(a: Array, b: Array, p: Array) -> Array:
    """Return a·b − p exactly, where p is a·b rounded (Dekker 1971)."""
    t = _SPLITTER * a
    ah = t - (t - a)
    al = a - ah
    u = _SPLITTER * b
    bh = u - (u - b)
    bl = b - bh
    out: Array = ((ah * bh - p) + ah * bl + al * bh) + al * bl
    return out


def standardize(x: Array, mean: Array, sd: Array) -> Pair:
    """Return z = (x − mean)/sd in two words, for sd > 0 and any size of the three.

    The difference is kept exactly, the quotient with its remainder, so z is good to 2^-104 or so.
    Powers of two are taken out first: neither the difference nor the quotient overflows on the way.
    """
    both = np.maximum(np.abs(x), np.abs(mean))
    _, up = np.frexp(np.where(np.isfinite(both), both, 1.0))
    d, lost = two_sum(np.ldexp(x, -up), -np.ldexp(mean, -up))
    unit, down = np.frexp(sd)  # in [1/2, 1): no product below overflows by it
    d, lost = np.ldexp(d, up - down), np.ldexp(lost, up - down)
    z = d / unit
    small = np.abs(z) < 1e150  # beyond, no function can tell
    z_safe = np.where(small, z, 0.0)
    p = z_safe * unit
    low = (((d - p) - product_error(z_safe, unit, p)) + lost) / unit
    return z, np.where(small & np.isfinite(low), low, 0.0)


def polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Return the polynomial at x by Horner's rule; lowest power first."""
    s = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        s *= x
        s += c
    return s


def _exponential(a: Array, rest: Array) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Return exp(a + rest) as (high + low)·2^k, for −800 ≤ a ≤ 0."""
    k = np.rint(np.where(np.isnan(a), 0.0, a) * table.LOG2E)
    r = ((a - k * table.LN2_HIGH) - k * table.LN2_LOW) + rest
    s = r + (r * r) * polynomial(table.EXP, r)
    high = 1.0 + s
    return high, s - (high - 1.0), k.astype(np.int64)


def _bell(z: Array, low: Array) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """Return exp(−z²/2) as (high + low)·2^k, for 0 ≤ z ≤ 40."""
    half = -0.5 * z
    a = half * z
    return _exponential(a, product_error(half, z, a) - z * low)


def _distance(high: Array, low: Array) -> Pair:
    """Return |z| in two words, at most 40."""
    far = np.abs(high) > _FARTHEST
    return (
        np.where(far, _FARTHEST, np.abs(high)),
        np.where(far, 0.0, np.copysign(1.0, high) * low),
    )


def pdf(high: Array, low: Array, sd: Array) -> Array:
    """Return the density φ(z)/sd = exp(−z²/2)/(sd·√(2π)), for sd > 0."""
    e, e_low, k = _bell(*_distance(high, low))
    unit, down = np.frexp(sd)  # the exponents meet in one step: nothing underflows on the way
    p = e * table.PEAK
    rest = product_error(e, np.full_like(e, table.PEAK), p)
    rest += e * table.PEAK_LOW + e_low * table.PEAK
    return np.ldexp((p + rest) / unit, k - down)


def _upper(z: Array, low: Array) -> Array:
    """Return Q(z), for 0 ≤ z ≤ 40; see :mod:`gausswork.normal.coefficients` for the formula."""
    e, e_low, k = _bell(z, low)
    d = z + 1.0
    lost = (z - (d - 1.0)) + low
    w = (z + z) / (z + 5.0)
    g = 0.5 + w * polynomial(table.TAIL, w - 1.0)
    n = e * g
    n_low = product_error(e, g, n) + e_low * g
    q = n / d
    p = q * d
    q += (((n - p) - product_error(q, d, p)) + (n_low - q * lost)) / d
    return np.ldexp(q, k)


def cdf(high: Array, low: Array) -> Array:
    """Return P(Z ≤ z)."""
    q = _upper(*_distance(high, low))
    return np.where(high < 0.0, q, 1.0 - q)


def sf(high: Array, low: Array) -> Array:
    """Return P(Z > z)."""
    return cdf(-high, -low)


def scaled_tail(z: Array) -> Array:
    """Return Q(z)·exp(z²/2), for z ≥ 0."""
    near = np.minimum(z, 1e17)
    w = (near + near) / (near + 5.0)
    g = 0.5 + w * polynomial(table.TAIL, w - 1.0)
    return np.where(z > 1e17, table.PEAK / np.maximum(z, 1.0), g / (near + 1.0))


def _exponent(high: Array, low: Array) -> Pair:
    """Return −z²/2 in two words."""
    near = np.abs(high) < 1e150
    z = np.where(near, high, 0.0)
    half = -0.5 * z
    a = half * z
    rest = product_error(half, z, a) - z * np.where(near, low, 0.0)
    return -0.5 * high * high, np.where(near, rest, 0.0)


def logpdf(high: Array, low: Array) -> Array:
    """Return log φ(z)."""
    a, rest = _exponent(high, low)
    return a + (rest + table.LOG_PEAK)


def logcdf(high: Array, low: Array) -> Array:
    """Return log P(Z ≤ z): through the scaled tail below the mean, log1p above it."""
    a, rest = _exponent(high, low)
    below = a + (rest + np.log(scaled_tail(np.maximum(-high, 0.0))))
    above = np.log1p(-_upper(*_distance(np.maximum(high, 0.0), low)))
    return np.where(high < 0.0, below, above)


def logsf(high: Array, low: Array) -> Array:
    """Return log P(Z > z)."""
    return logcdf(-high, -low)


def _tail_distance(logarithm: Array) -> Array:
    """Return the z > 0 beyond which a share exp(logarithm) ≤ 0.075 lies (Wichura 1988).

    Beyond his range: log Q(z) = −z²/2 + log(scaled tail) solved for z turn by turn; each turn gains
    a factor of z² > 1400.
    """
    r = np.sqrt(-logarithm)
    near = np.minimum(r, 5.0) - 1.6
    far = np.clip(r, 5.0, 27.0) - 5.0
    z = np.where(
        r <= 5.0,
        polynomial(table.NEAR_NUM, near) / polynomial(table.NEAR_DEN, near),
        polynomial(table.FAR_NUM, far) / polynomial(table.FAR_DEN, far),
    )
    beyond = (r > 27.0) & np.isfinite(r)
    if beyond.any():
        x = _ROOT_2 * r[beyond]
        for _ in range(6):
            x = _ROOT_2 * np.sqrt(np.log(scaled_tail(x)) - logarithm[beyond])
        z[beyond] = x
    return np.where(np.isinf(r), r, z)


def _centre(q: Array) -> Array:
    """Return the quantile of 1/2 + q for |q| ≤ 0.425 (Wichura 1988)."""
    r = 0.180625 - q * q
    return q * (polynomial(table.CENTRE_NUM, r) / polynomial(table.CENTRE_DEN, r))


def quantile(p: Array) -> Array:
    """Return z with P(Z ≤ z) = p; NaN outside [0, 1]."""
    p = np.where((p >= 0.0) & (p <= 1.0), p, np.nan)
    q = p - 0.5
    tail = np.minimum(np.where(q < 0.0, p, 1.0 - p), 0.075)
    z = np.copysign(_tail_distance(np.log(tail)), q)
    return np.where(np.abs(q) <= 0.425, _centre(np.clip(q, -0.425, 0.425)), z)


def isf(p: Array) -> Array:
    """Return z with P(Z > z) = p; NaN outside [0, 1]."""
    return 0.0 - quantile(p)  # zero without a sign


def quantile_from_log(logarithm: Array) -> Array:
    """Return z with log P(Z ≤ z) = ``logarithm``; NaN above 0."""
    given = np.where(logarithm <= 0.0, logarithm, np.nan)
    low, high = given < -2.5902, given > -0.07797
    inside = np.clip(given, -2.5902, -0.07797)
    z = _centre(0.5 * np.expm1((inside + table.LN2) + table.LN2_REST))
    z = np.where(low, -_tail_distance(np.minimum(given, -2.5902)), z)
    tail = -np.expm1(np.maximum(given, -0.07797))
    return np.where(high, _tail_distance(np.log(tail)), z)


def isf_from_log(logarithm: Array) -> Array:
    """Return z with log P(Z > z) = ``logarithm``; NaN above 0."""
    return 0.0 - quantile_from_log(logarithm)


def between(low: Pair, high: Pair, width: Array) -> Array:
    """Return P(a < Z < b) from z of both ends in two words and the width b − a.

    A narrow interval is the density at its middle times an average over it (Gauss–Legendre,
    sixteen points), so nothing cancels; a wide one is a difference of tails, on the side where
    they are small.
    """
    left = low[0] + high[0] < 0.0  # mirrored: the middle lies at or above the mean
    a, a_low = np.where(left, -high[0], low[0]), np.where(left, -high[1], low[1])
    b, b_low = np.where(left, -low[0], high[0]), np.where(left, -low[1], high[1])
    h = 0.5 * width
    narrow = (h < 1.0) & (h * (np.where(h < 1.0, a, 0.0) + width) < 1.5) & np.isfinite(a)
    inner = np.where(narrow, h, 0.0)
    middle, rest = two_sum(np.where(narrow, a, 0.0), inner)
    average = np.zeros_like(h)
    for node, weight in zip(table.NODES, table.WEIGHTS, strict=True):
        step = inner * node
        after, before = -step * (middle + 0.5 * step), step * (middle - 0.5 * step)
        average += weight * (np.exp(after) + np.exp(before))
    slim = pdf(middle, rest + np.where(narrow, a_low, 0.0), np.ones_like(h)) * inner * average
    wide = np.where(a < 0.0, 1.0 - cdf(a, a_low), sf(a, a_low)) - sf(b, b_low)
    return np.where(narrow, slim, np.maximum(wide, 0.0))
