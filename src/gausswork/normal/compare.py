"""Two normal distributions beside each other, and what depends on the sd alone.

Arguments are floats or arrays that broadcast; results are floats where all arguments are.
"""

from __future__ import annotations

from math import copysign, log1p, sqrt
from typing import Any

import numpy as np

from gausswork.normal import formulas, functions, inputs
from gausswork.normal.formulas import Array

_HALF_LOG_2PIE = 1.4189385332046727  # ½·log(2πe)
_SERIES = tuple((-1.0) ** k / k for k in range(2, 30))


def zscore(x: Any, mean: Any, sd: Any) -> Any:
    """Return (x − mean)/sd.

    Raises
    ------
    InputError
        x is no number, or an sd is 0.
    """
    if type(sd) is float and sd > 0.0 and (type(x) is float or type(x) is int):
        return (x - mean) / sd
    if np.any(np.equal(sd, 0.0)):
        raise inputs.DistributionError(
            "zscore is not defined where sd is 0: nothing lies a share of no spread away."
        )
    given = inputs.real(x, "x")
    inputs.common_shape(x=given, mean=np.asarray(mean))
    z = (given.astype(np.float64) - mean) / sd
    return float(z) if np.ndim(x) == 0 and not np.ndim(mean) else z.astype(given.dtype)


def entropy(sd: Any) -> Any:
    """Return ½·log(2πe·sd²) in nats; −∞ where sd is 0."""
    with np.errstate(divide="ignore"):
        return _plain(_HALF_LOG_2PIE + np.log(np.asarray(sd)))


def divergence(mean: Any, sd: Any, other_mean: Any, other_sd: Any) -> Any:
    """Return the Kullback–Leibler divergence D(own ‖ other) in nats.

    With t = sd/other_sd − 1 and d the distance of the means in the other's sds it is
    t − log(1 + t) + (t² + d²)/2, which keeps its digits for distributions that are nearly equal.
    """
    sd, other_sd = np.asarray(sd), np.asarray(other_sd)
    inputs.common_shape(self=sd, other=other_sd)
    with np.errstate(over="ignore"):
        t = (sd - other_sd) / other_sd
        d = (np.asarray(other_mean) - mean) / other_sd
        return _plain(_minus_log1p(t) + 0.5 * (t * t + d * d))


def _minus_log1p(t: Array) -> Array:
    """Return t − log(1 + t), by its series where the two nearly cancel."""
    near = np.clip(t, -0.2, 0.2)
    series = near * near * formulas.polynomial(_SERIES, near)
    return np.where(np.abs(t) < 0.2, series, t - np.log1p(t))


def overlap(mean: Any, sd: Any, other_mean: Any, other_sd: Any) -> Any:
    """Return the area below both densities.

    Where they cross, the smaller one changes. In units of the smaller sd s, with r = larger/smaller
    and d the distance of the means, the crossings solve A·u² + 2d·u + C = 0 with A = r² − 1,
    C = −d² − 2r²·log r. Between them the wider density is the lower one, outside the narrower.
    """
    if type(sd) is float and type(other_sd) is float and functions.native is not None:
        area = _overlap_of_floats(mean, sd, other_mean, other_sd)
        if area is not None:
            return area
    inputs.common_shape(self=np.asarray(mean), other=np.asarray(other_mean))
    m1, s1, m2, s2 = np.broadcast_arrays(*map(np.asarray, (mean, sd, other_mean, other_sd)))
    swap = (s2 < s1) | ((s2 == s1) & (m2 < m1))  # an order of its own: commutative to the last bit
    m1, m2 = np.where(swap, m2, m1), np.where(swap, m1, m2)
    s1, s2 = np.where(swap, s2, s1), np.where(swap, s1, s2)
    with np.errstate(all="ignore"):
        more = (s2 - s1) / s1
        r, d = s2 / s1, (m2 - m1) / s1
        a = more * (r + 1.0)
        c = -(d * d + 2.0 * r * r * np.log1p(more))
        # The root that does not cancel, and the other from their product.
        q = -(d + np.copysign(np.sqrt(d * d - a * c), d))
        first, second = q / a, c / q
        ends = np.sort(np.stack([first, second]), axis=0)
        one = a == 0.0  # equal sds: one crossing, half way
        low, high = (np.where(one, 0.0, e) for e in ends)
        shared = functions.between(low, high, d, r) + functions.outside(low, high)
        equal = 2.0 * functions.sf(np.abs(d) / 2.0)
    return _plain(np.minimum(np.where(one, equal, shared), 1.0))


def _overlap_of_floats(m1: float, s1: float, m2: float, s2: float) -> float | None:
    """Return the same for floats without an array, or None where that takes more care."""
    assert functions.native is not None
    cdf, sf = functions.native.cdf, functions.native.sf
    if (s2, m2) < (s1, m1):
        m1, s1, m2, s2 = m2, s2, m1, s1
    r, d = s2 / s1, (m2 - m1) / s1
    if not (r < 1e100 and -1e100 < d < 1e100):
        return None
    if r == 1.0:
        return min(1.0, 2.0 * float(sf(abs(d) / 2.0, 0.0, 1.0)))
    more = (s2 - s1) / s1
    a = more * (r + 1.0)
    c = -(d * d + 2.0 * r * r * log1p(more))
    q = -(d + copysign(sqrt(d * d - a * c), d))
    low, high = sorted((q / a, c / q))
    u, v = (low - d) / r, (high - d) / r
    if not (0.1 < v - u < 1e100):  # narrow: a difference of tails would cancel
        return None
    if u > 0.0:
        inside = sf(u, 0.0, 1.0) - sf(v, 0.0, 1.0)
    elif v < 0.0:
        inside = cdf(v, 0.0, 1.0) - cdf(u, 0.0, 1.0)
    else:
        inside = 1.0 - cdf(u, 0.0, 1.0) - sf(v, 0.0, 1.0)
    return min(1.0, float(inside + cdf(low, 0.0, 1.0) + sf(high, 0.0, 1.0)))


def _plain(values: Any) -> Any:
    return float(values) if np.ndim(values) == 0 else values
