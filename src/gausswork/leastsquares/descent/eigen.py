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
_ROUNDING = 2.0**-98  # of products in double-double, with room
_LAST_STEP = 2.0**-49
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


def eigen(matrix: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble, Array]:
    """Return eigenvalues (n,), ascending, and orthonormal eigenvectors (n, n) as columns.

    Products are formed with the rows and columns of the matrix scaled to one: where its entries
    differ in size because the units of its columns do, the small eigenvalues are as accurate,
    relative to themselves, as the large ones.

    Parameters
    ----------
    matrix : (n, n) symmetric with a positive or zero diagonal, finite.

    Returns
    -------
    values, vectors : in double-double.
    resolution : (n,) how far each eigenvalue may be off, about 2⁻⁹⁸ of the size of what it is the
        sum of.
    """
    n = len(matrix[0])
    if n == 0:
        return dd.promote(np.zeros(0)), dd.promote(np.zeros((0, 0))), np.zeros(0)
    power = int(np.frexp(np.abs(matrix[0]).max())[1])
    a = np.ldexp(matrix[0], -power), np.ldexp(matrix[1], -power)
    x = dd.promote(np.asarray(np.linalg.eigh(a[0])[1]))
    diagonal = np.maximum(a[0].diagonal(), 0.0)
    half = np.frexp(np.where(diagonal > 0.0, diagonal, 1.0))[1] // 2
    unit = np.ldexp(1.0, half)[:, None]  # powers of two: scaling rounds nothing
    a = dd.scale(dd.scale(a, 1.0 / unit), 1.0 / unit.T)
    for _ in range(_MOST_STEPS):
        scaled = dd.scale(x, unit)
        s = product(_transposed(scaled), product(a, scaled))
        gram = product(_transposed(x), x)
        r = np.eye(n) - gram[0] - gram[1]
        values = dd.divide(_diagonal(s), _diagonal(gram))
        size = np.abs(scaled[0]).max(axis=0)
        tolerance = _ROUNDING * np.sqrt(n) * size * size[:, None]
        step, groups = _correction(s[0], r, values, tolerance)
        x = dd.add(x, dd.promote(x[0] @ step))
        for group in groups:
            x[0][:, group], x[1][:, group] = product(
                (x[0][:, group], x[1][:, group]),
                dd.promote(_apart(s, r, values, group)),
            )
        # the square of the last step is rounding
        if not groups and (np.abs(step) * size[:, None] <= _LAST_STEP * size).all():
            break
    order = np.lexsort((values[1], values[0]))
    found = np.ldexp(values[0][order], power), np.ldexp(values[1][order], power)
    resolution = np.ldexp(_ROUNDING * n * size[order] ** 2, power)
    return found, (x[0][:, order], x[1][:, order]), resolution


def _correction(
    s: Array, r: Array, values: DoubleDouble, tolerance: Array
) -> tuple[Array, list[Group]]:
    """Return E with eigenvectors X(I + E), and groups of columns that need more than that.

    Parameters
    ----------
    s : (n, n) XᵀAX.
    r : (n, n) I − XᵀX.
    tolerance : (n, n) couplings up to here are rounding.
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
