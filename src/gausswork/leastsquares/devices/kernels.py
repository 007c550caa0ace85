"""The kernels of :mod:`gausswork.leastsquares.kernels` in the functions of any array library.

The rows stay where they are; what comes to the host are sums, p×p and smaller, once a block. The
same slices, the same double-double arithmetic, the same tiers: products are formed by the device's
float64 matrix product, of slices short enough to be exact where a tier asks for it. Arithmetic of
less precision (TF32, float32) has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from gausswork.data.devices.library import Host, Library, There
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.devices.sums import (
    SLICE_BITS,
    across,
    cut,
    grid_of,
    host_total,
    parts_of,
    root_of,
    thousands,
)
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.kernels import Sums

# A sum on the device in double-double; what has no low word is None.
Words: TypeAlias = tuple[There, There | None]


def gram(
    library: Library,
    x: There,
    y: There,
    scale: Array,
    shift: Array,
    tier: int,
    weight: There | None = None,
) -> Sums:
    """Sum z and zzᵀ over the rows of one block; see :func:`kernels.gram`."""
    z = beside(library, x, y) * library.send(scale)
    origin = library.send(shift)
    high, low = (z - origin, None) if tier == 0 else dd.two_sum(z, -origin)
    if weight is None:
        first = _column_sums(library, high, low, tier)
    else:
        w = library.column(library.float64(weight))
        root = root_of(library, library.reshape(w, (-1,)))
        if tier == 0:
            first = _column_sums(library, high * w, None, tier)
            high = high * library.column(root[0])
        else:
            first = _column_sums(library, *dd.multiply((high, low), (w, 0.0 * w)), tier)
            high, low = dd.multiply((high, low), (library.column(root[0]), library.column(root[1])))
    second = _products(library, high, low, tier)
    return Sums(*first, *second)


def beside(library: Library, x: There, y: There) -> There:
    """Return [x, y] as one float64 matrix, (m, q)."""
    return library.join([library.float64(x), library.column(library.float64(y))], 1)


def _column_sums(library: Library, high: There, low: There | None, tier: int) -> DoubleDouble:
    """Sum the columns of (m, q) numbers: (q,) on the host."""
    parts = parts_of(library, high, 1 if tier == 0 else 2)
    if low is not None:
        parts += parts_of(library, low, 1)
    return host_total(library, parts)


def _products(library: Library, high: There, low: There | None, tier: int) -> DoubleDouble:
    """Return ZᵀZ of Z = high + low, (m, q): (q, q) on the host."""
    symmetric: list[There] = []  # parts of sums that are added as they are
    crossed: list[There] = []  # and of those that are added with their transposes
    lows = [None, None] if low is None else list(thousands(library, low))
    for block, rest_of_block in zip(thousands(library, high), lows, strict=False):
        if tier == 0:
            symmetric += parts_of(library, _cross(library, block, block), 1)
            continue
        blocks, q = int(block.shape[0]), int(block.shape[2])
        largest = library.reshape(library.max(abs(block), 1), (blocks, 1, q))
        grid = grid_of(largest, SLICE_BITS)
        leading, rest = cut(block, grid)
        symmetric += parts_of(library, _cross(library, leading, leading), 2)
        known = leading
        if tier == 2:
            middle, rest = cut(rest, grid * 2.0**-SLICE_BITS)
            symmetric += parts_of(library, _cross(library, middle, middle), 2)
            crossed += parts_of(library, _cross(library, leading, middle), 2)
            known = leading + middle
        rest = rest + rest_of_block
        # known·restᵀ + rest·knownᵀ + rest·restᵀ = w·restᵀ + (w·restᵀ)ᵀ with w = known + rest/2
        crossed += parts_of(library, _cross(library, known + 0.5 * rest, rest), 1)
    total = host_total(library, symmetric)
    if not crossed:
        return total
    cross = host_total(library, crossed)
    return dd.add(total, dd.add(cross, (cross[0].T, cross[1].T)))


def _cross(library: Library, a: There, b: There) -> There:
    """Return aᵀb for each block of (rows, q)."""
    return library.transpose(a) @ b


def residual_sums(
    library: Library,
    x: There,
    y: There,
    scale: Array,
    intercept: tuple[float, float],
    coefficients: DoubleDouble,
    weight: There | None = None,
) -> DoubleDouble:
    """Sum Xᵀr, r and r² in double-double; see :func:`kernels.residual_sums`."""
    p = len(scale) - 1
    slopes = library.send(coefficients[0]), library.send(coefficients[1])
    constant = float(intercept[0]), float(intercept[1])
    of_columns, of_target = library.send(scale[:-1]), float(scale[-1])
    total: DoubleDouble = (np.zeros(p + 2), np.zeros(p + 2))
    for rows in _chunks(library, int(y.shape[0]), p + 2):
        columns = library.float64(x[rows, :]) * of_columns
        target = library.float64(y[rows]) * of_target
        r = dd.subtract((target, 0.0 * target), constant)
        if p:
            r = dd.subtract(r, across(library, _times(columns, slopes)))
        r = (library.column(r[0]), library.column(r[1]))
        weighted = r
        if weight is not None:
            w = library.column(library.float64(weight[rows]))
            weighted = dd.multiply(r, (w, 0.0 * w))
        nothing = 0.0 * r[0]
        right = (
            library.join([columns, nothing + 1.0, r[0]], 1),
            library.join([0.0 * columns, nothing, r[1]], 1),
        )
        products = dd.multiply(weighted, right)
        parts = parts_of(library, products[0], 2) + parts_of(library, products[1], 1)
        total = dd.add(total, host_total(library, parts))
    return total


def _times(columns: There, factor: DoubleDouble) -> DoubleDouble:
    """Return columns · factor in double-double, for columns that are float64."""
    high, error = dd.two_product(columns, factor[0])
    return dd.normalize(high, error + columns * factor[1])


def whitened_gram(
    library: Library,
    x: There,
    y: There,
    scale: Array,
    mean: DoubleDouble,
    factor: Array,
    weight: There | None = None,
) -> Array:
    """Gram matrix of W = (X · scale − mean) · factor; see :func:`kernels.whitened_gram`."""
    width = factor.shape[1]
    result = np.zeros((width, width))
    if not width:
        return result
    of_columns = library.send(scale)
    means = library.send(-mean[0]), library.send(-mean[1])
    sent = library.send(factor)
    reach = [int(np.flatnonzero(factor[:, k])[-1]) + 1 for k in range(width)]
    for rows in _chunks(library, int(y.shape[0]), len(scale)):
        scaled = library.float64(x[rows, :]) * of_columns
        columns = dd.add((scaled, 0.0 * scaled), means)
        made = []
        for k, stop in enumerate(reach):
            column = sent[:stop, k]
            part = (columns[0][:, :stop], columns[1][:, :stop])
            products = dd.multiply(part, (column, 0.0 * column))
            made.append(library.column(across(library, products)[0]))
        whitened = library.join(made, 1)
        if weight is not None:
            whitened = whitened * library.column(library.sqrt(library.float64(weight[rows])))
        parts = [library.sum(_cross(library, b, b), 0) for b in thousands(library, whitened)]
        result += host_total(library, parts)[0]
    return result


def largest(library: Library, x: There, y: There) -> Host:
    """Return the largest magnitude in each column of [x, y], (q,); infinite where it has NaN."""
    sizes = abs(beside(library, x, y))
    endless = library.send(np.full(int(sizes.shape[1]), np.inf))
    return library.host(library.max(library.where(library.isfinite(sizes), sizes, endless), 0))


def _chunks(library: Library, rows: int, width: int) -> Iterator[slice]:
    step = max(1024, library.portion // width)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
