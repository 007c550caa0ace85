"""The compiled kernels behind the signatures of :mod:`gausswork.leastsquares.kernels`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gausswork._native import _kernels
from gausswork.data.sources import FloatVector
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.kernels import Predictors, Sums

# Relative to column norms, as in kernels.GRAM_ERROR: shorter blocks, wider slices, fused products.
GRAM_ERROR = (2.0**-51, 2.0**-72, 2.0**-94)


def gram(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    shift: Array,
    tier: int,
    weight: FloatVector | None = None,
) -> Sums:
    """Sum z and zzᵀ over one block of data; see :func:`kernels.gram`."""
    q = len(scale)
    out = np.empty(2 * q + 2 * q * q)
    _kernels.gram(x, y, weight, tier, scale, shift, out)
    return _views(out, q)


def add_sums(total: Sums, part: Sums) -> Sums:
    """Add two blocks of sums; see :func:`kernels.add_sums`."""
    q = len(total.first_high)
    out = np.concatenate([np.ravel(values) for values in total])
    _kernels.add(q, out, np.concatenate([np.ravel(values) for values in part]))
    return _views(out, q)


def _views(out: Array, q: int) -> Sums:
    second = out[2 * q :].reshape(2, q, q)
    return Sums(out[:q], out[q : 2 * q], second[0], second[1])


def residual_sums(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    intercept: tuple[float, float],
    coefficients: DoubleDouble,
    weight: FloatVector | None = None,
) -> DoubleDouble:
    """Sum Xᵀr, r and r² over one block of data; see :func:`kernels.residual_sums`."""
    out = np.empty((2, len(scale) + 1))
    _kernels.residual_sums(x, y, weight, *intercept, scale, *coefficients, out)
    return out[0], out[1]


def whitened_gram(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    mean: DoubleDouble,
    factor: Array,
    weight: FloatVector | None = None,
) -> Array:
    """Gram matrix of the whitened columns; see :func:`kernels.whitened_gram`."""
    width = factor.shape[1]
    out = np.empty((width, width))
    _kernels.whitened_gram(x, y, weight, scale, *mean, width, np.ascontiguousarray(factor), out)
    return out


def dot(a: DoubleDouble, b: DoubleDouble) -> tuple[float, float]:
    """Inner product; see :func:`kernels.dot`."""
    return _kernels.dot(*a, *b)


def add_multiple(v: DoubleDouble, factor: DoubleDouble, x: DoubleDouble) -> DoubleDouble:
    """Return v + factor·x; see :func:`kernels.add_multiple`."""
    high, low = v[0].copy(), v[1].copy()
    _kernels.add_multiple(high, low, *factor, *x)
    return high, low


def symmetric_update(matrix: DoubleDouble, a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return M + (abᵀ + baᵀ)/2; see :func:`kernels.symmetric_update`."""
    high, low = matrix[0].copy(), matrix[1].copy()
    _kernels.symmetric_update(high, low, *a, *b)
    return high, low


def cholesky(
    matrix: DoubleDouble, tolerance: Array, capacity: int
) -> tuple[DoubleDouble, npt.NDArray[np.bool_]]:
    """Factor A = RᵀR; see :func:`kernels.cholesky`."""
    high, low = np.array(matrix[0], order="C"), np.array(matrix[1], order="C")
    skipped = np.empty(len(high), dtype=np.bool_)
    _kernels.cholesky(capacity, tolerance, skipped, high, low)
    return (high, low), skipped


def substitute(factor: DoubleDouble, right: DoubleDouble) -> DoubleDouble:
    """Solve RᵀR·v = right; see :func:`kernels.substitute`."""
    high, low = np.array(right[0]), np.array(right[1])
    _kernels.substitute(factor[0], factor[1], high, low)
    return high, low


def invert_triangle(factor: DoubleDouble) -> Array:
    """Return R⁻¹; see :func:`kernels.invert_triangle`."""
    out: Array = np.empty_like(factor[0])
    _kernels.invert_triangle(factor[0], factor[1], out)
    return out


COMPILED = Backend(
    name="compiled",
    gram_error=GRAM_ERROR,
    releases_gil=True,
    gram=gram,
    add_sums=add_sums,
    residual_sums=residual_sums,
    whitened_gram=whitened_gram,
    dot=dot,
    add_multiple=add_multiple,
    symmetric_update=symmetric_update,
    cholesky=cholesky,
    substitute=substitute,
    invert_triangle=invert_triangle,
    small_fit=_kernels.small_fit,
)
