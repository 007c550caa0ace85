"""The hot loops in plain NumPy: always there, and the oracle of the compiled ones.

Every kernel works on *scaled* columns: the data times powers of two, so that no square over- or
underflows whatever the units. ``z`` stands for the q = p + 1 columns x₁ … x_p, y.

Where rows have weights w, every sum is one of weighted terms. The Gram matrix is formed of rows
times √w, which keeps it symmetric and its errors relative to its own norms whatever the weights; √w
is carried in double-double: rows times a rounded √w would be those of another problem.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import FloatMatrix, FloatVector
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble

Predictors: TypeAlias = FloatMatrix | tuple[FloatVector, ...]

TIERS = 3
# Error of one entry of the Gram matrix relative to the norms of its two columns, by tier. Constants
# of the error bounds, calibrated on problems with exact rational truth (benchmarks/calibration.py).
GRAM_ERROR = (2.0**-49, 2.0**-69, 2.0**-90)

_BLOCK = 1024
_SLICE_BITS = 21  # 21 + 21 bits a product and 10 for 1024 rows: slice products add up exactly
_ONES = np.ones(_BLOCK)
_CHUNK = 8192  # rows worked on at once: the temporaries stay in cache


class Sums(NamedTuple):
    """First and second moments of the scaled, shifted columns, in double-double.

    Attributes
    ----------
    first_high, first_low : (q,) column sums.
    second_high, second_low : (q, q) sums of products, symmetric.
    """

    first_high: Array
    first_low: Array
    second_high: Array
    second_low: Array


def columns_of(x: Predictors, rows: slice) -> Array:
    """Return some rows of the predictors as an (m, p) float64 matrix."""
    if isinstance(x, tuple):
        part = np.empty((len(range(*rows.indices(len(x[0])))) if x else 0, len(x)), order="F")
        for j, column in enumerate(x):
            part[:, j] = column[rows]
        return part
    return np.asarray(x[rows], dtype=np.float64)


@np.errstate(all="ignore")
def gram(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    shift: Array,
    tier: int,
    weight: FloatVector | None = None,
) -> Sums:
    """Sum z and zzᵀ over the rows of one block of data, z = [x, y] · scale − shift.

    Tier 0 multiplies in float64 over short blocks and adds the blocks in double-double. Tiers 1 and
    2 cut each column into 2 or 3 slices on a power-of-two grid so that products of slices and their
    sums are exact in float64 (Ozaki, Ogita, Oishi & Rump 2012), whatever order BLAS adds in.

    Parameters
    ----------
    x, y : (m, p) predictors, or p columns, and (m,) target.
    scale : (q,) powers of two.
    shift : (q,) taken off after scaling.
    tier : 0, 1 or 2.
    weight : (m,) of the rows, at least 0; None where they count alike.
    """
    parts = []
    for start in range(0, max(len(y), 1), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(y)))
        count = rows.stop - start
        z = np.zeros((len(scale), -(-max(count, 1) // _BLOCK), _BLOCK))  # columns, blocks, rows
        part = z.reshape(len(scale), -1)[:, :count]
        if len(part) > 1:
            np.multiply(columns_of(x, rows).T, scale[:-1, None], out=part[:-1])
        np.multiply(y[rows], scale[-1], out=part[-1])
        high, error = dd.two_sum(part, -shift[:, None]) if tier else (part - shift[:, None], 0.0)
        first: DoubleDouble | None = None
        if weight is not None:
            w = np.asarray(weight[rows], dtype=np.float64)
            first, (high, error) = _weighted(high, error, w, tier)
        part[:] = high
        blocks = z.transpose(1, 0, 2)
        if tier == 0:
            sums, second = dd.promote(blocks @ _ONES), dd.promote(_cross(blocks, blocks))
        else:
            low = np.zeros_like(z)
            low.reshape(len(scale), -1)[:, :count] = error
            sums, second = _slice_sums(blocks, low.transpose(1, 0, 2), tier)
        parts.append((*(dd.total(sums) if first is None else first), *dd.total(second)))
    high_first, low_first, high, low = (np.array(part) for part in zip(*parts, strict=True))
    return Sums(*dd.total((high_first, low_first)), *dd.total((high, low)))


def _weighted(high: Array, low: Any, w: Array, tier: int) -> tuple[DoubleDouble, DoubleDouble]:
    """Return Σ w·z, (q,), and z·√w, (q, m), of the columns z = high + low."""
    root = root_of(w)
    if tier == 0:
        return dd.promote(high @ w), dd.promote(high * root[0])
    columns = (np.ascontiguousarray(high.T), np.ascontiguousarray(low.T))
    products = dd.multiply(columns, dd.promote(w[:, None]))
    return dd.total(products), dd.multiply((high, low), root)


def root_of(weight: Array) -> DoubleDouble:
    """Return √w in double-double, (m,); zero where the weight is."""
    root = dd.square_root(dd.promote(np.where(weight > 0.0, weight, 1.0)))
    return np.where(weight > 0.0, root[0], 0.0), np.where(weight > 0.0, root[1], 0.0)


def _cross(a: Array, b: Array) -> Array:
    """Return a·bᵀ for each block of (q, rows)."""
    products: Array = np.matmul(a, b.transpose(0, 2, 1))
    return products


def _slice_sums(z: Array, low: Array, tier: int) -> tuple[DoubleDouble, DoubleDouble]:
    """Return Σz and Σzzᵀ of each block of z + low, (blocks, q, rows), from slices."""
    largest = np.abs(z).max(axis=2, keepdims=True)
    grid = np.ldexp(1.5, 52 + np.frexp(largest)[1] - _SLICE_BITS)
    leading = (z + grid) - grid
    rest = z - leading
    first, second = dd.promote(leading @ _ONES), dd.promote(_cross(leading, leading))
    known = leading
    cross: DoubleDouble | None = None
    if tier == 2:
        finer = grid * 2.0**-_SLICE_BITS
        middle = (rest + finer) - finer
        rest = rest - middle
        first = dd.add(first, dd.promote(middle @ _ONES))
        second = dd.add(second, dd.promote(_cross(middle, middle)))
        cross = dd.promote(_cross(leading, middle))
        known = leading + middle
    rest = rest + low
    # known·restᵀ + rest·knownᵀ + rest·restᵀ = w·restᵀ + (w·restᵀ)ᵀ with w = known + rest/2
    tail = dd.promote(_cross(known + 0.5 * rest, rest))
    cross = tail if cross is None else dd.add(cross, tail)
    transposed = (cross[0].transpose(0, 2, 1), cross[1].transpose(0, 2, 1))
    second = dd.add(second, dd.add(cross, transposed))
    return dd.add(first, dd.promote(rest @ _ONES)), second


def add_sums(total: Sums, part: Sums) -> Sums:
    """Add the sums of two blocks of data in double-double."""
    first = dd.add((total.first_high, total.first_low), (part.first_high, part.first_low))
    second = dd.add((total.second_high, total.second_low), (part.second_high, part.second_low))
    return Sums(*first, *second)


def residual_sums(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    intercept: tuple[float, float],
    coefficients: DoubleDouble,
    weight: FloatVector | None = None,
) -> DoubleDouble:
    """Sum Xᵀr, r and r² in double-double, r = y − intercept − X·coefficients, all scaled.

    Error-free products and sums throughout (Ogita, Rump & Oishi 2005).

    Returns
    -------
    (p + 2,) high and low words: p entries of Xᵀr, then Σr, then Σr².
    """
    p, rows = len(scale) - 1, len(y)
    sums: DoubleDouble = (np.zeros(p + 2), np.zeros(p + 2))
    for start in range(0, rows, _CHUNK):
        part = slice(start, min(start + _CHUNK, rows))
        columns = columns_of(x, part) * scale[:-1]
        r = dd.subtract(dd.promote(np.asarray(y[part], np.float64) * scale[-1]), intercept)
        for j in range(p):
            column = np.ascontiguousarray(columns[:, j])
            product = dd.multiply(dd.promote(column), (coefficients[0][j], coefficients[1][j]))
            r = dd.subtract(r, product)
        weighted = r
        if weight is not None:
            weighted = dd.multiply(r, dd.promote(np.asarray(weight[part], np.float64)))
        new = np.empty((2, p + 2))
        for j in range(p):
            column = np.ascontiguousarray(columns[:, j])
            new[:, j] = dd.total(dd.multiply(weighted, dd.promote(column)))
        new[:, p] = dd.total(weighted)
        new[:, p + 1] = dd.total(dd.multiply(weighted, r))
        sums = dd.add(sums, (new[0], new[1]))
    return sums


def whitened_gram(
    x: Predictors,
    y: FloatVector,
    scale: Array,
    mean: DoubleDouble,
    factor: Array,
    weight: FloatVector | None = None,
) -> Array:
    """Gram matrix of W = (X · scale − mean) · factor over the rows of one block of data.

    W is formed in double-double, so that nearly dependent columns become nearly orthonormal ones
    at full precision; the products of those need no more than float64.

    Parameters
    ----------
    scale : (p,) powers of two.
    mean : (p,) double-double.
    factor : (p, r).
    weight : (m,) of the rows, or None.
    """
    result = np.zeros((factor.shape[1],) * 2)
    for start in range(0, len(y), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(y)))
        columns = dd.subtract(dd.promote(columns_of(x, part) * scale), mean)
        whitened = np.empty((len(columns[0]), factor.shape[1]))
        for k in range(factor.shape[1]):
            used = np.flatnonzero(factor[:, k])
            total: DoubleDouble = (np.zeros(len(whitened)), np.zeros(len(whitened)))
            for j in used:
                column = (columns[0][:, j], columns[1][:, j])
                total = dd.add(total, dd.multiply(column, dd.promote(factor[j, k])))
            whitened[:, k] = total[0]
        if weight is not None:
            whitened *= np.sqrt(np.asarray(weight[part], dtype=np.float64))[:, None]
        result += whitened.T @ whitened
    return result


def dot(a: DoubleDouble, b: DoubleDouble) -> tuple[float, float]:
    """Return the inner product of two (p,) vectors in double-double."""
    high, low = dd.dot(a, b)
    return float(high), float(low)


def add_multiple(v: DoubleDouble, factor: DoubleDouble, x: DoubleDouble) -> DoubleDouble:
    """Return v + factor·x for (p,) vectors and a number, in double-double."""
    return dd.add(v, dd.multiply(x, factor))


def symmetric_update(matrix: DoubleDouble, a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return M + (abᵀ + baᵀ)/2 for a symmetric (q, q) matrix, in double-double."""
    products = dd.multiply((a[0][:, None], a[1][:, None]), b)
    both = dd.add(products, (products[0].T, products[1].T))
    return dd.add(matrix, dd.scale(both, 0.5))


def cholesky(
    matrix: DoubleDouble, tolerance: Array, capacity: int
) -> tuple[DoubleDouble, npt.NDArray[np.bool_]]:
    """Factor a symmetric positive definite matrix A = RᵀR, R upper triangular, in double-double.

    Columns whose pivot is not above their tolerance, and all columns once ``capacity`` have been
    taken, are skipped: their rows of R are zero and the other rows are as if they were absent.

    Parameters
    ----------
    matrix : (p, p) high and low words.
    tolerance : (p,) smallest pivots to accept.
    capacity : the largest rank that the data can have.

    Returns
    -------
    R, and a (p,) mask of the columns that were skipped.
    """
    high, low = matrix[0].copy(), matrix[1].copy()
    p = len(high)
    skipped = np.zeros(p, dtype=np.bool_)
    taken = 0
    for k in range(p):
        if taken >= capacity or not high[k, k] > tolerance[k]:
            skipped[k] = True
            high[k, k:] = low[k, k:] = 0.0
            continue
        taken += 1
        root = dd.square_root((high[k, k], low[k, k]))
        high[k, k], low[k, k] = root
        row = dd.divide((high[k, k + 1 :], low[k, k + 1 :]), root)
        high[k, k + 1 :], low[k, k + 1 :] = row
        update = dd.multiply((row[0][:, None], row[1][:, None]), row)
        rest = dd.subtract((high[k + 1 :, k + 1 :], low[k + 1 :, k + 1 :]), update)
        high[k + 1 :, k + 1 :], low[k + 1 :, k + 1 :] = rest
    lower = np.tril_indices(p, -1)
    high[lower] = 0.0
    low[lower] = 0.0
    return (high, low), skipped


def substitute(factor: DoubleDouble, right: DoubleDouble) -> DoubleDouble:
    """Solve RᵀR·v = right in double-double, forward then back.

    Parameters
    ----------
    factor : (p, p) upper triangular R.
    right : (p,) right-hand side.
    """
    r_high, r_low = factor
    high, low = np.array(right[0]), np.array(right[1])
    p = len(high)
    for k in range(p):
        solved = dd.divide((high[k], low[k]), (r_high[k, k], r_low[k, k]))
        high[k], low[k] = solved
        update = dd.multiply((r_high[k, k + 1 :], r_low[k, k + 1 :]), solved)
        high[k + 1 :], low[k + 1 :] = dd.subtract((high[k + 1 :], low[k + 1 :]), update)
    for k in range(p - 1, -1, -1):
        solved = dd.divide((high[k], low[k]), (r_high[k, k], r_low[k, k]))
        high[k], low[k] = solved
        update = dd.multiply((r_high[:k, k], r_low[:k, k]), solved)
        high[:k], low[:k] = dd.subtract((high[:k], low[:k]), update)
    return high, low


def invert_triangle(factor: DoubleDouble) -> Array:
    """Return R⁻¹ rounded to float64, computed in double-double.

    Rounding R itself first would cost as many digits as the condition number has.
    """
    r_high, r_low = factor
    p = len(r_high)
    high, low = np.zeros((p, p)), np.zeros((p, p))
    for k in range(p - 1, -1, -1):
        unit = np.zeros(p)
        unit[k] = 1.0
        row: DoubleDouble = (unit, np.zeros(p))
        if k + 1 < p:
            products = dd.multiply(
                (r_high[k, k + 1 :, None], r_low[k, k + 1 :, None]),
                (high[k + 1 :], low[k + 1 :]),
            )
            row = dd.subtract(row, dd.total(products))
        high[k], low[k] = dd.divide(row, (r_high[k, k], r_low[k, k]))
    return high
