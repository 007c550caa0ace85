"""The normal equation A·β = g, centred and equilibrated: its factor, its rank, its error bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.moments import Moments

UNIT_ROUNDOFF = 2.0**-53
SAFETY = 4.0  # the bounds are probabilistic: calibrated constants times this factor

_DOUBLE_DOUBLE_COLUMNS = 256  # up to here tier 0 too is factored in double-double
_RESOLUTION = 16.0  # pivots below this many Gram errors cannot be told from zero
_ROUNDING_NOISE = 4.0 / 3.0 * UNIT_ROUNDOFF**2  # (2 sd)² of rounding an input, relative


@dataclass(frozen=True, slots=True)
class System:
    """The normal equation of p predictors in coordinates where every column has norm near one.

    Coordinates: ``u = x · scale − mean`` with powers of two ``scale``; the target likewise with
    ``target_scale``. Without an intercept the means are zero.

    Attributes
    ----------
    rows : number of observations n.
    intercept : whether the columns are centred.
    scale : (p,) powers of two; 1 for a constant column.
    target_scale : power of two.
    mean : (p,) means of the scaled columns, double-double.
    target_mean : mean of the scaled target, double-double.
    matrix : (p, p) A = Σuuᵀ, double-double.
    right : (p,) g = Σuy, double-double.
    target_square : Σy² of the centred target, double-double.
    inflation : (p,) norm about the shift over norm about the mean: what a bad shift has cost.
    target_norm : norm of the target about its shift: the size that errors of g are relative to.
    raw_square : (p,) Σ of squares about the user's zero, in the same scale.
    target_raw_square : the same of the target.
    constant : (p,) columns that vary by no more than the rounding of their values.
    error : error constant of the Gram matrix.
    """

    rows: int
    intercept: bool
    scale: Array
    target_scale: float
    mean: DoubleDouble
    target_mean: DoubleDouble
    matrix: DoubleDouble
    right: DoubleDouble
    target_square: DoubleDouble
    inflation: Array
    target_norm: float
    raw_square: Array
    target_raw_square: float
    constant: npt.NDArray[np.bool_]
    error: float


def assemble(moments: Moments, *, intercept: bool) -> System:
    """Centre the moments exactly (or move them back to zero) and equilibrate."""
    n = float(moments.rows)
    shift = moments.shift
    about_shift = moments.second_high.diagonal()
    outer_first = (moments.first_high[:, None], moments.first_low[:, None])
    mean_about_shift = dd.divide(moments.first, (n, 0.0))
    if intercept:
        second = dd.subtract(moments.second, dd.multiply(outer_first, mean_about_shift))
        mean = dd.add(mean_about_shift, dd.promote(shift))
        raw_square = np.maximum(second[0].diagonal(), 0.0) + n * mean[0] ** 2
    else:
        # Σ(z+c)(z+c)ᵀ = Σzzᵀ + c·(Σz + n·c/2)ᵀ + (Σz + n·c/2)·cᵀ
        half = dd.add(moments.first, dd.multiply((0.5 * n, 0.0), dd.promote(shift)))
        crossed = dd.multiply((half[0][:, None], half[1][:, None]), dd.promote(shift))
        second = dd.add(moments.second, dd.add(crossed, (crossed[0].T, crossed[1].T)))
        mean = (np.zeros_like(shift), np.zeros_like(shift))
        raw_square = np.maximum(second[0].diagonal(), 0.0)
    square = second[0].diagonal()
    constant = square <= _ROUNDING_NOISE * raw_square
    norm = np.sqrt(np.where(constant, 1.0, square))
    fit = np.ldexp(1.0, -np.frexp(norm)[1])  # powers of two: equilibration rounds nothing
    fit[-1] = 1.0
    second = dd.scale(dd.scale(second, fit), fit[:, None])
    about_shift = np.where(about_shift > square, about_shift, square)
    return System(
        rows=moments.rows,
        intercept=intercept,
        scale=np.ldexp(fit[:-1], moments.exponents[:-1].astype(np.int32)),
        target_scale=float(np.ldexp(1.0, int(moments.exponents[-1]))),
        mean=(mean[0][:-1] * fit[:-1], mean[1][:-1] * fit[:-1]),
        target_mean=(float(mean[0][-1]), float(mean[1][-1])),
        matrix=(second[0][:-1, :-1], second[1][:-1, :-1]),
        right=(second[0][:-1, -1], second[1][:-1, -1]),
        target_square=(float(second[0][-1, -1]), float(second[1][-1, -1])),
        inflation=np.sqrt(about_shift[:-1]) / norm[:-1],
        target_norm=float(np.sqrt(max(about_shift[-1], 0.0))),
        raw_square=raw_square[:-1] * fit[:-1] ** 2,
        target_raw_square=float(raw_square[-1]),
        constant=constant[:-1],
        error=moments.error,
    )


@dataclass(frozen=True, slots=True)
class Factor:
    """A = RᵀR over the columns that are kept, and what follows from it.

    Attributes
    ----------
    kept : (r,) indices of the columns with a coefficient.
    triangle : R in double-double, or ``None`` where float64 does (many columns, tier 0).
    inverse_triangle : (r, r) R⁻¹.
    inverse : (r, r) C = A⁻¹ = R⁻¹R⁻ᵀ; its diagonal is accurate to rounding.
    error : error constant of the Gram matrix with that of the factorisation.
    doubt : relative error of C that the error of the Gram matrix can cause; must be below one.
    aliased : columns left out: combinations of the others to all digits that can be had.
    """

    kept: npt.NDArray[np.intp]
    triangle: DoubleDouble | None
    inverse_triangle: Array
    inverse: Array
    error: float
    doubt: float
    aliased: tuple[int, ...]
    backend: Backend

    def row_norms(self, system: System) -> Array:
        """Return the norms of the rows of C, (r,), weighted by the errors of the columns."""
        weighted = self.inverse * system.inflation[self.kept]
        norms: Array = np.sqrt((weighted * weighted).sum(axis=1))
        return norms

    def solve(self, right: DoubleDouble) -> DoubleDouble:
        """Return A⁻¹·right over the kept columns."""
        if self.triangle is not None:
            return self.backend.substitute(self.triangle, right)
        return dd.promote(self.inverse_triangle @ (self.inverse_triangle.T @ right[0]))


def factorize(system: System, backend: Backend, *, may_escalate: bool) -> Factor | None:
    """Factor the normal equation; ``None`` when a more accurate Gram matrix is needed first.

    A column is left out only when its pivot is at the rounding level of the data, or when not even
    the best arithmetic can tell it from zero. The test does not depend on units.

    Parameters
    ----------
    may_escalate : whether the Gram matrix can be computed again with smaller errors.
    """
    kept = np.flatnonzero(~system.constant)
    aliased: list[int] = []
    capacity = system.rows - (1 if system.intercept else 0)
    while True:
        p = len(kept)
        double_double = p <= _DOUBLE_DOUBLE_COLUMNS or may_escalate is False
        error = system.error if double_double else system.error + UNIT_ROUNDOFF * np.sqrt(p)
        inflation = system.inflation[kept]
        square = system.matrix[0].diagonal()[kept]
        noise = _ROUNDING_NOISE * system.raw_square[kept]
        blur = _RESOLUTION * error * inflation**2 * square
        matrix = _part(system.matrix, kept)
        triangle: DoubleDouble | None
        if double_double:
            triangle, skipped = backend.cholesky(matrix, np.maximum(noise, blur), capacity)
            if skipped.any():
                if may_escalate and (p <= capacity or skipped[:capacity].any()):
                    return None
                aliased += [int(k) for k in kept[skipped]]
                kept = kept[~skipped]
                continue
            inverse_triangle = backend.invert_triangle(triangle)
        else:
            triangle = None
            found = _float_factor(matrix[0])
            if found is None:
                return None
            inverse_triangle = found
        weighted = (inverse_triangle * inverse_triangle).T
        hidden = weighted @ (system.raw_square[kept] * _ROUNDING_NOISE)  # per column, in pivots
        inverse = inverse_triangle @ inverse_triangle.T
        size = inflation**2
        doubt = 2.0 * np.sqrt(p) * error * float(np.sqrt(size @ (inverse * inverse) @ size))
        if doubt > (0.1 if may_escalate else 0.5):
            if may_escalate:
                return None
            share = weighted @ size
            worst = int(np.argmax(share))
        elif (hidden >= 1.0).any():
            worst = int(np.argmax(hidden >= 1.0))
        else:
            return Factor(
                kept, triangle, inverse_triangle, inverse, error, doubt, tuple(aliased), backend
            )
        aliased.append(int(kept[worst]))
        kept = np.delete(kept, worst)


def _part(matrix: DoubleDouble, kept: npt.NDArray[np.intp]) -> DoubleDouble:
    if len(kept) == len(matrix[0]):
        return matrix
    both = np.ix_(kept, kept)
    return matrix[0][both], matrix[1][both]


def _float_factor(matrix: Array) -> Array | None:
    """Return R⁻¹ in float64, or ``None`` if the matrix is not numerically positive definite."""
    try:
        return invert_upper(np.linalg.cholesky(matrix).T)
    except np.linalg.LinAlgError:
        return None


def invert_upper(triangle: npt.NDArray[np.floating]) -> Array:
    """Invert an upper triangular matrix by halves, so that nearly all of it is matrix products."""
    size = len(triangle)
    if size <= 64:
        return np.triu(np.linalg.inv(triangle))
    half = size // 2
    inverse = np.zeros((size, size))
    inverse[:half, :half] = invert_upper(triangle[:half, :half])
    inverse[half:, half:] = invert_upper(triangle[half:, half:])
    inverse[:half, half:] = -inverse[:half, :half] @ (
        triangle[:half, half:] @ inverse[half:, half:]
    )
    return inverse
