"""The inverse of the normal equation as inference needs it, with bounds on its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gausswork.data.sources import Batch, Source
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.moments import block_rows, in_order, workers_for
from gausswork.leastsquares.refine import Reach
from gausswork.leastsquares.system import SAFETY, Factor, System, invert_upper

_ROUNDING = 4.0 * 2.0**-53  # of a standard error: two square roots, a product, a change of units
_DOUBLE_DOUBLE_ERROR = 2.0**-101


@dataclass(frozen=True, slots=True)
class Spread:
    """What standard errors are made of.

    Attributes
    ----------
    inverse : (r, r) C = A⁻¹.
    inverse_error : (r,) bounds on the relative errors of its diagonal.
    of_intercept : 1/n + m'Cm, m the means; 0 without an intercept.
    of_intercept_error : bound on its relative error.
    """

    inverse: Array
    inverse_error: Array
    of_intercept: float
    of_intercept_error: float

    def worst(self) -> float:
        """Return the largest relative error that a standard error inherits."""
        return 0.5 * max(float(self.inverse_error.max(initial=0.0)), self.of_intercept_error)


def from_moments(system: System, factor: Factor, to: Reach) -> Spread:
    """Take C from the factor of the moments: errors grow with the condition number squared."""
    of_intercept = error = 0.0
    if system.intercept:
        pulled = factor.solve(to.mean)
        of_intercept = factor.backend.dot(pulled, to.mean)[0] + 1.0 / system.rows
        error = SAFETY * factor.error * to.intercept**2 / of_intercept + _ROUNDING
    relative = SAFETY * factor.error * to.rows * to.rows / factor.inverse.diagonal() + _ROUNDING
    return Spread(factor.inverse, relative, of_intercept, error)


def from_rows(
    system: System, factor: Factor, to: Reach, source: Source, threads: int | None
) -> Spread:
    """Whiten the columns by R⁻¹ in double-double and take their Gram matrix, by one pass.

    With V = R⁻¹ rounded, S = (XV)ᵀXV is near the identity, so float64 is enough for it, and
    C = V·S⁻¹·Vᵀ is exact in V: the error grows with the condition number itself, in
    double-double, not with its square. This is one step of Cholesky QR as a preconditioner
    (Yamamoto, Nakatsukasa, Yanagisawa & Fukaya 2015).
    """
    kept, backend = factor.kept, factor.backend
    p = len(system.scale)
    weights = np.zeros((p, len(kept)))
    weights[kept] = factor.inverse_triangle

    def summed(batch: Batch) -> Array:
        with np.errstate(all="ignore"):
            return backend.whitened_gram(batch.x, batch.y, system.scale, system.mean, weights)

    batches = source.batches(block_rows(p))
    opening = next(batches)
    workers = workers_for(threads, backend, 10.0 * len(opening) * p * p)
    gram = np.zeros((len(kept), len(kept)))
    for part in in_order(summed, opening, batches, workers):
        gram += part
    try:
        triangle = invert_upper(np.linalg.cholesky(gram).T)
    except np.linalg.LinAlgError:
        return from_moments(
            system, factor, to
        )  # V was too far off: the first answer stands, unsure
    root = factor.inverse_triangle @ triangle
    inverse = root @ root.T
    size = np.sqrt(system.raw_square[kept])
    lost = _DOUBLE_DOUBLE_ERROR * float((size @ np.abs(factor.inverse_triangle)).max(initial=0.0))
    stretch = float(np.linalg.norm(triangle)) ** 2  # S⁻¹: 1 but for the error of V
    relative = SAFETY * stretch * (backend.gram_error[0] + 2.0 * lost) + _ROUNDING
    of_intercept = error = 0.0
    if system.intercept:
        leaning = _transposed_product(factor.inverse_triangle, to.mean)
        inner = triangle.T @ leaning
        of_intercept = float(inner @ inner) + 1.0 / system.rows
        error = relative + 2.0 * lost / np.sqrt(system.rows * of_intercept)
    return Spread(inverse, np.full(len(kept), relative), of_intercept, error)


def _transposed_product(matrix: Array, vector: DoubleDouble) -> Array:
    """Return matrixᵀ·vector, summed in double-double."""
    products = dd.multiply(dd.promote(matrix), (vector[0][:, None], vector[1][:, None]))
    return np.asarray(dd.total(products)[0])
