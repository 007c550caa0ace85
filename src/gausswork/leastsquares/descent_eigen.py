"""Eigenvalues and eigenvectors of a symmetric matrix in double-double.

A million epochs raise 1 − ηλ to the millionth power: the eigenvalues must be better than float64,
and the small ones of a badly scaled matrix as good as the large ones. LAPACK's answer is refined
by the iteration of Ogita & Aishima (2018), which converges quadratically and is matrix products
only; eigenvalues too close for it are taken apart group by group, at the scale of their gaps.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble

Group: TypeAlias = npt.NDArray[np.intp]

_SLICES = 5
_MOST_STEPS = 30
_TOO_FAR = 2.0**-10  # rotations beyond this are no small correction


def product(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return a·b, (n, k)·(k, m), to about 2⁻¹⁰⁰ of the largest entries of each row and column.

    Each factor is split into slices so short that their products are exact in float64 (Ozaki,
    Ogita, Oishi & Rump 2012); BLAS multiplies them.
    """
    k = max(len(b[0]), 1)
    bits = (53 - int(np.ceil(np.log2(_SLICES * k)))) // 2
    left, left_scale = _sliced(a, bits, axis=1)
    right, right_scale = _sliced(b, bits, axis=0)
    total = dd.promote(np.zeros((a[0].shape[0], b[0].shape[1])))
    for order in reversed(range(_SLICES)):  # small terms first
        one = np.concatenate(left[: order + 1], axis=1)
        other = np.concatenate(right[order::-1], axis=0)
        total = dd.add(total, dd.promote(one @ other))
    return dd.scale(dd.scale(total, left_scale), right_scale)


def _sliced(a: DoubleDouble, bits: int, *, axis: int) -> tuple[list[Array], Array]:
    """Split a = scale · Σ slices; slice i is whole in units of 2^(−bits·(i + 1))."""
    largest = np.abs(a[0]).max(axis=axis, keepdims=True, initial=0.0)
    power = np.frexp(largest)[1]
    high, low = np.ldexp(a[0], -power), np.ldexp(a[1], -power)
    slices = []
    for i in range(_SLICES):
        size = 1.5 * 2.0 ** (52 - bits * (i + 1))  # adding it rounds to that unit
        part = (high + size) - size
        slices.append(part)
        high, low = dd.two_sum(high - part, low)
    return slices, np.ldexp(1.0, power)


def eigen(matrix: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
    """Return eigenvalues (n,), ascending, and orthonormal eigenvectors (n, n) as columns.

    Parameters
    ----------
    matrix : (n, n) symmetric, finite.

    Returns
    -------
    values, vectors : in double-double; absolute errors are about 2⁻⁹⁸ of the largest eigenvalue.
    """
    n = len(matrix[0])
    if n == 0:
        return dd.promote(np.zeros(0)), dd.promote(np.zeros((0, 0)))
    power = int(np.frexp(np.abs(matrix[0]).max())[1])
    a = np.ldexp(matrix[0], -power), np.ldexp(matrix[1], -power)
    tolerance = 2.0**-98 * np.sqrt(n)
    x = dd.promote(np.asarray(np.linalg.eigh(a[0])[1]))
    for _ in range(_MOST_STEPS):
        s = product(_transposed(x), product(a, x))
        gram = product(_transposed(x), x)
        r = np.eye(n) - gram[0] - gram[1]
        values = dd.divide(_diagonal(s), _diagonal(gram))
        step, groups = _correction(s[0], r, values, tolerance)
        x = dd.add(x, dd.promote(x[0] @ step))
        for group in groups:
            x[0][:, group], x[1][:, group] = product(
                (x[0][:, group], x[1][:, group]),
                dd.promote(_apart(s, r, values, group)),
            )
        if not groups and np.abs(step).max() <= 2.0**-51:
            break  # its square is below the rounding of double-double
    order = np.lexsort((values[1], values[0]))
    found = np.ldexp(values[0][order], power), np.ldexp(values[1][order], power)
    return found, (x[0][:, order], x[1][:, order])


def _correction(
    s: Array, r: Array, values: DoubleDouble, tolerance: float
) -> tuple[Array, list[Group]]:
    """Return E with eigenvectors X(I + E), and groups of columns that need more than that.

    Parameters
    ----------
    s : (n, n) XᵀAX.
    r : (n, n) I − XᵀX.
    """
    n = len(r)
    coupling = s + values[0] * r
    np.fill_diagonal(coupling, 0.0)
    gap = (values[0] - values[0][:, None]) + (values[1] - values[1][:, None])
    settled = np.maximum(np.abs(coupling), np.abs(coupling.T)) <= tolerance
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(settled, 0.5 * r, coupling / gap)
    far = ~(np.abs(step) <= _TOO_FAR)
    if not far.any():
        return step, []
    step = np.where(far | far.T, 0.5 * r, step)
    reached = far | far.T | np.eye(n, dtype=np.bool_)
    while True:  # columns that are coupled directly or through others
        further = (reached.astype(np.float64) @ reached) > 0.0
        if np.array_equal(further, reached):
            break
        reached = further
    groups = [np.flatnonzero(row) for row in np.unique(reached, axis=0)]
    return step, [group for group in groups if len(group) > 1]


def _apart(s: DoubleDouble, r: Array, values: DoubleDouble, group: Group) -> Array:
    """Return the rotation that separates a group, found at the scale of its own gaps."""
    both = np.ix_(group, group)
    centre = values[0][group[0]]
    block = s[0][both] + centre * r[both]
    np.fill_diagonal(block, (values[0][group] - centre) + values[1][group])
    return np.asarray(np.linalg.eigh(0.5 * (block + block.T))[1], dtype=np.float64)


def _transposed(a: DoubleDouble) -> DoubleDouble:
    return a[0].T, a[1].T


def _diagonal(a: DoubleDouble) -> DoubleDouble:
    return a[0].diagonal().copy(), a[1].diagonal().copy()
