"""A factor of the normal equation from whitened columns: digits where its square has none left.

With V = R⁻¹ of any rough factor, the columns of W = (X − mean)·V are nearly orthonormal. W is
formed in double-double by one pass over the rows, so S = WᵀW is known to float64 precision however
nearly dependent the columns of X are, and A⁻¹ = V·S⁻¹·Vᵀ exactly in V: errors grow with the
condition number in double-double, not with its square. This is Cholesky QR with a preconditioner
(Yamamoto, Nakatsukasa, Yanagisawa & Fukaya 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Batch, Source
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.lows import with_lows
from gausswork.leastsquares.moments import block_rows, workers_for
from gausswork.leastsquares.passes import block_sum, blocks_of
from gausswork.leastsquares.system import (
    ROUNDING_NOISE,
    ChangeError,
    Factor,
    Reach,
    System,
    part_of,
    ridge_too_small,
)
from gausswork.leastsquares.weights import weighted_error

_DOUBLE_DOUBLE_ERROR = 2.0**-101
_RIDGE = 16.0  # Gram errors added to the diagonal, so that a rough factor exists


@dataclass(frozen=True, slots=True)
class Whitened:
    """A = V⁻ᵀ·S·V⁻¹ over the kept columns, S = T⁻ᵀT⁻¹ near the identity.

    Attributes
    ----------
    kept : (r,) indices of the columns with a coefficient.
    rough : (r, r) V, upper triangular; a number as it stands, not an approximation.
    polish : (r, r) T, upper triangular.
    inverse_triangle : (r, r) V·T.
    inverse : (r, r) A⁻¹.
    error : relative error of S, and so of a correction and of the variances.
    """

    kept: npt.NDArray[np.intp]
    rough: Array
    polish: Array
    inverse_triangle: Array
    inverse: Array
    error: float
    backend: Backend

    def solve(self, right: DoubleDouble) -> DoubleDouble:
        """Return A⁻¹·right: the products with V, where all cancels, in double-double."""
        inner = self.polish.T @ self.lean(right)
        return _product(self.rough, dd.promote(self.polish @ inner))

    def lean(self, vector: DoubleDouble) -> Array:
        """Return Vᵀ·vector, summed in double-double."""
        return np.asarray(_product(self.rough.T, vector)[0])

    def change_error(self, to: Reach, change: Array, gain: float) -> ChangeError:
        """Bound the error of a correction; ``gain`` is the square that it explains."""
        size = self.error * math.sqrt(max(gain, 0.0))
        deviation = np.sqrt(self.inverse.diagonal())
        return ChangeError(
            size * deviation, size * math.sqrt(to.of_mean), self.error * max(gain, 0.0)
        )

    def take(self, vector: DoubleDouble) -> DoubleDouble:
        """Return the entries of the kept columns, in memory of their own."""
        return vector[0][self.kept], vector[1][self.kept]


def _product(matrix: Array, vector: DoubleDouble) -> DoubleDouble:
    products = dd.multiply(dd.promote(matrix.T), (vector[0][:, None], vector[1][:, None]))
    return dd.total(products)


def polished(
    system: System, factor: Factor, source: Source, threads: int | None
) -> Whitened | None:
    """Whiten with a factor that is good, for variances to full precision.

    Returns
    -------
    None where the factor was not as good as its bounds say: the variances it gave then stand.
    """
    gram = _gram(system, factor.kept, factor.inverse_triangle, source, factor.backend, threads)
    triangle, skipped = factor.backend.cholesky(dd.promote(gram), np.zeros(len(gram)), len(gram))
    if skipped.any():
        return None
    return _whitened(system, factor.kept, factor.inverse_triangle, gram, triangle, factor.backend)


def whiten(system: System, source: Source, backend: Backend, threads: int | None) -> Whitened:
    """Factor a system whose Gram matrix cannot tell all columns apart, by passes over the rows.

    A column is left out when rounding of the data explains its pivot, and then only. Each pass
    leaves out all that it can be sure of.
    """
    candidates = np.flatnonzero(~system.constant)
    capacity = system.capacity
    while True:
        kept = candidates[:capacity]
        noise = system.noise[kept]
        v = _rough_inverse(system, kept, backend)
        gram = _gram(system, kept, v, source, backend, threads)
        pivots = v.diagonal() ** 2  # in the units of S, a pivot of A is smaller by these
        triangle, skipped = backend.cholesky(dd.promote(gram), noise * pivots, len(kept))
        if not skipped.any():
            result = _whitened(system, kept, v, gram, triangle, backend)
            share = noise @ (result.inverse_triangle**2)
            if not len(kept) or share.max() < 1.0:
                return result
            skipped[int(np.argmax(share >= 1.0))] = True
        if system.ridge:
            raise ridge_too_small(system.ridge)
        candidates = candidates[~np.isin(candidates, kept[skipped])]


def _rough_inverse(system: System, kept: npt.NDArray[np.intp], backend: Backend) -> Array:
    """Return R⁻¹ of the Gram matrix with a ridge just large enough for R to exist."""
    matrix, inflation, _ = part_of(system, kept)
    ridge = _RIDGE * system.error * inflation**2 * matrix[0].diagonal()
    while True:
        lifted = matrix[0].copy()
        lifted[np.diag_indices(len(kept))] += ridge
        rough, skipped = backend.cholesky((lifted, matrix[1]), np.zeros(len(kept)), len(kept))
        if not skipped.any():
            return backend.invert_triangle(rough)
        ridge *= 16.0  # the errors add up to more than one of them


def _whitened(
    system: System,
    kept: npt.NDArray[np.intp],
    v: Array,
    gram: Array,
    triangle: DoubleDouble,
    backend: Backend,
) -> Whitened:
    polish = backend.invert_triangle(triangle)
    root = v @ polish
    norm = np.sqrt(gram.diagonal())  # below one where the ridge was needed
    lost = _DOUBLE_DOUBLE_ERROR * (np.sqrt(system.raw_square[kept]) @ np.abs(v)) / norm
    fitted = norm[:, None] * polish
    stretch = float((fitted * fitted).sum(axis=0).max(initial=0.0))
    product = backend.gram_error[0]
    each = (weighted_error(product) if system.weighted else product) + 2.0 * float(
        lost.max(initial=0.0)
    )
    error = stretch * math.sqrt(len(kept)) * each
    return Whitened(kept, v, polish, root, root @ root.T, error, backend)


def explained(
    system: System, factor: Factor, column: int, source: Source, threads: int | None
) -> bool:
    """Read the rows for what a combination of the kept columns leaves of another.

    Returns
    -------
    Whether rounding of the data accounts for all of it.
    """
    right = (system.matrix[0][factor.kept, column], system.matrix[1][factor.kept, column])
    weights = factor.solve(right)
    mean = factor.take(system.mean)
    of_column = (float(system.mean[0][column]), float(system.mean[1][column]))
    constant = dd.subtract(of_column, factor.backend.dot(weights, mean))
    p = len(system.scale)
    high, low = np.zeros(p), np.zeros(p)
    high[factor.kept], low[factor.kept] = weights
    scale = np.append(system.scale, system.scale[column])
    wide = with_lows(factor.backend, getattr(source, "low_of", ()))

    def summed(batch: Batch) -> DoubleDouble:
        target = batch.x[column] if isinstance(batch.x, tuple) else batch.x[:, column]
        return wide.residual_sums(batch.words, target, scale, constant, (high, low), batch.weight)

    rows = block_rows(p)
    left = block_sum(
        source, summed, dd.add, blocks=blocks_of(source, rows), rows=rows,
        workers=lambda m: workers_for(threads, factor.backend, 10.0 * m * (p + 1)),
    )  # fmt: skip
    raw_square = system.raw_square
    noise = raw_square[column] + float(weights[0] ** 2 @ raw_square[factor.kept])
    return bool(left[0][-1] <= ROUNDING_NOISE * noise)


def _gram(
    system: System,
    kept: npt.NDArray[np.intp],
    v: Array,
    source: Source,
    backend: Backend,
    threads: int | None,
) -> Array:
    """Read the source once for S = WᵀW."""
    p = len(system.scale)
    factor = np.zeros((p, len(kept)))
    factor[kept] = v
    backend = with_lows(backend, getattr(source, "low_of", ()))

    def summed(batch: Batch) -> Array:
        with np.errstate(all="ignore"):
            return backend.whitened_gram(
                batch.words, batch.y, system.scale, system.mean, factor, batch.weight
            )

    rows = block_rows(p)
    gram: Array = block_sum(
        source, summed, np.add, blocks=blocks_of(source, rows), rows=rows,
        workers=lambda m: workers_for(threads, backend, 10.0 * m * p * len(kept)),
    )  # fmt: skip
    return np.asarray((v.T * system.penalty[kept]) @ v) + gram
