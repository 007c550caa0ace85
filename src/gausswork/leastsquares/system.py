"""The normal equation A·β = g, centred and equilibrated: its factor, its rank, its error bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.moments import Moments

if TYPE_CHECKING:
    from gausswork.leastsquares.whiten import Whitened

UNIT_ROUNDOFF = 2.0**-53
SAFETY = 4.0  # the bounds are probabilistic: calibrated constants times this factor

_DOUBLE_DOUBLE_COLUMNS = 256  # up to here tier 0 too is factored in double-double
_ROUGH = 2.0**-60  # Gram errors above this are those of tier 0
_LARGEST_EXPONENT = 1023  # of a power of two in float64
_RESOLUTION = 16.0  # pivots below this many Gram errors cannot be told from zero
ROUNDING_NOISE = 4.0 / 3.0 * UNIT_ROUNDOFF**2  # (2 sd)² of rounding an input, relative


@dataclass(frozen=True, slots=True)
class System:
    """The normal equation of p predictors in coordinates where every column has norm near one.

    Coordinates: ``u = x · scale − mean`` with powers of two ``scale``; the target likewise with
    ``target_scale``. Without an intercept the means are zero.

    Attributes
    ----------
    rows : number of observations n.
    weight : sum of the weights of the rows, double-double; n where they have none.
    weighted : whether they have any. All sums are then of weighted terms.
    unevenness : of the weights; see :attr:`Moments.unevenness`.
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
    constant : (p,) columns that vary by no more than the rounding of their values; none are left
        out of a ridge fit.
    penalty : (p,) added to the diagonal of the matrix; zero without a ridge.
    error : error constant of the Gram matrix.
    powers : (p,) columns that are powers of one column, kept to two words: rounding its values
        moves all of them together, along the curve, and not each on its own.
    """

    rows: int
    weight: tuple[float, float]
    weighted: bool
    unevenness: float
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
    penalty: Array
    ridge: float
    error: float
    powers: npt.NDArray[np.bool_]

    @property
    def capacity(self) -> int:
        """The largest rank that the data can have."""
        if self.ridge:
            return len(self.scale)
        return self.rows - (1 if self.intercept else 0)

    @property
    def noise(self) -> Array:
        """Pivots that rounding of the inputs explains, (p,); a ridge lifts every pivot above."""
        return (0.0 if self.ridge else ROUNDING_NOISE) * self.raw_square


def assemble(
    moments: Moments,
    *,
    intercept: bool,
    backend: Backend,
    ridge: float = 0.0,
    powers: Sequence[int] = (),
) -> System:
    """Centre the moments exactly (or move them back to zero), equilibrate, add a ridge."""
    weight = moments.total_weight
    n = weight[0]
    first, shift = moments.first, (moments.shift, np.zeros_like(moments.shift))
    if intercept:
        quotient = moments.first_high / n
        rest = backend.add_multiple(first, dd.negate(weight), (quotient, shift[1]))
        about_shift = dd.normalize(quotient, rest[0] / n)
        second = backend.symmetric_update(moments.second, first, dd.negate(about_shift))
        mean = backend.add_multiple(about_shift, (1.0, 0.0), shift)
    else:
        # Σ(z+c)(z+c)ᵀ = Σzzᵀ + (c·hᵀ + h·cᵀ)/2 with h = 2Σz + n·c, n the sum of the weights
        half = backend.add_multiple(dd.scale(first, 2.0), weight, shift)
        second = backend.symmetric_update(moments.second, shift, half)
        mean = (shift[1], shift[1])
    square = second[0].diagonal()
    raw_square = np.maximum(square, 0.0) + n * mean[0] * mean[0]
    constant = square <= ROUNDING_NOISE * raw_square
    norm = np.sqrt(np.where(constant, 1.0, square))
    # powers of two: equilibration rounds nothing; the scale of denormal columns must exist
    fit = np.ldexp(1.0, np.minimum(-np.frexp(norm)[1], _LARGEST_EXPONENT - moments.exponents))
    fit[-1] = 1.0
    grid = fit * fit[:, None]
    high, low = second[0] * grid, second[1] * grid
    scale = np.ldexp(fit[:-1], moments.exponents[:-1].astype(np.int32))
    matrix, penalty = (high[:-1, :-1], low[:-1, :-1]), np.zeros(len(scale))
    if ridge:
        matrix, penalty = _lifted(moments, matrix, scale, ridge)
    size = np.sqrt(np.maximum(moments.second_high.diagonal(), square))
    return System(
        rows=moments.rows,
        weight=weight,
        weighted=moments.weighting is not None,
        unevenness=moments.unevenness,
        intercept=intercept,
        scale=scale,
        target_scale=math.ldexp(1.0, int(moments.exponents[-1])),
        mean=(mean[0][:-1] * fit[:-1], mean[1][:-1] * fit[:-1]),
        target_mean=(float(mean[0][-1]), float(mean[1][-1])),
        matrix=matrix,
        right=(high[:-1, -1], low[:-1, -1]),
        target_square=(float(high[-1, -1]), float(low[-1, -1])),
        inflation=np.maximum(size / norm, 1.0)[:-1],  # below one only where nothing varies
        target_norm=float(size[-1]),
        raw_square=(raw_square * fit * fit)[:-1],
        target_raw_square=float(raw_square[-1]),
        constant=constant[:-1] & (ridge == 0.0),
        penalty=penalty,
        ridge=ridge,
        error=moments.error,
        powers=np.isin(np.arange(len(fit) - 1), powers),
    )


def _lifted(
    moments: Moments, matrix: DoubleDouble, scale: Array, ridge: float
) -> tuple[DoubleDouble, Array]:
    """Add ridge·scale² to the diagonal: β² in units of the data. Scales are powers of two."""
    penalty = ridge * scale * scale
    if not np.isfinite(penalty).all():
        j = int(np.argmin(np.isfinite(penalty)))
        raise InputError(
            f"the values of {moments.names[j]!r} are so small that a penalty of {ridge:g} on its "
            "coefficient leaves the range of float64. Multiply the column by a power of ten first."
        )
    at = np.diag_indices(len(scale))
    high, low = matrix[0].copy(), matrix[1].copy()
    high[at], low[at] = dd.add((high[at], low[at]), (penalty, np.zeros_like(penalty)))
    return (high, low), penalty


class ChangeError(NamedTuple):
    """Bounds on the errors of a correction: (r,) coefficients, intercept, explained square."""

    coefficients: Array
    intercept: float
    square: float


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an error in the sums can reach into the coefficients.

    Attributes
    ----------
    inflation : (r,) of the kept columns.
    mean : (r,) means m of the kept columns, double-double; zero without an intercept.
    leaning : Cm, (r,), double-double.
    of_mean : m'Cm.
    rows : (r,) norms of the rows of C, weighted by the errors of the columns.
    intercept : the same norm of Cm: what reaches the intercept.
    """

    inflation: Array
    mean: DoubleDouble
    leaning: DoubleDouble
    of_mean: float
    rows: Array
    intercept: float


def reach(system: System, factor: Factor | Whitened) -> Reach:
    """Measure the inverse C for the error bounds."""
    inflation, mean = system.inflation[factor.kept], factor.take(system.mean)
    leaning = factor.solve(mean) if system.intercept else mean
    weighted = factor.inverse * inflation
    pulled = leaning[0] * inflation
    return Reach(
        inflation=inflation,
        mean=mean,
        leaning=leaning,
        of_mean=max(factor.backend.dot(leaning, mean)[0], 0.0),
        rows=np.sqrt(np.einsum("ij,ij->i", weighted, weighted)),
        intercept=math.sqrt(pulled @ pulled),
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
    suspects : columns left out because this Gram matrix cannot tell them from a combination.
    """

    kept: npt.NDArray[np.intp]
    triangle: DoubleDouble | None
    inverse_triangle: Array
    inverse: Array
    error: float
    doubt: float
    suspects: tuple[int, ...]
    backend: Backend

    def solve(self, right: DoubleDouble) -> DoubleDouble:
        """Return A⁻¹·right over the kept columns."""
        if self.triangle is not None:
            return self.backend.substitute(self.triangle, right)
        v = self.inverse_triangle
        return dd.promote(v @ (v.T @ right[0]))

    def take(self, vector: DoubleDouble) -> DoubleDouble:
        """Return the entries of the kept columns, in memory of their own."""
        return vector[0][self.kept], vector[1][self.kept]

    def change_error(self, to: Reach, change: Array, gain: float) -> ChangeError:
        """Bound the error of a correction; ``gain`` is the square that it explains."""
        inflated = to.inflation * change
        moved = math.sqrt(inflated @ inflated)
        size = self.error * moved / (1.0 - self.doubt)
        return ChangeError(size * to.rows, size * to.intercept, self.error * moved**2)


def factorize(system: System, backend: Backend, *, strict: bool) -> Factor | None:
    """Factor the normal equation, leaving out columns that repeat others.

    A column is left out when its pivot is at the rounding level of the data. The test does not
    depend on units. A pivot that the Gram matrix cannot tell from zero makes a column *suspect*:
    it is left out too, for the rows to confirm.

    Parameters
    ----------
    strict : give up instead, with ``None``, where better sums may tell more: when this Gram matrix
        is a rough one, or leaves more than a tenth of the inverse in doubt.
    """
    kept = np.flatnonzero(~system.constant)
    capacity = system.capacity
    rough = system.error > _ROUGH
    suspects: list[int] = []
    while True:
        p = len(kept)
        double_double = p <= _DOUBLE_DOUBLE_COLUMNS or not (rough and strict)
        error = system.error if double_double else system.error + UNIT_ROUNDOFF * math.sqrt(p)
        matrix, inflation, noise = part_of(system, kept)
        size = inflation * inflation
        triangle: DoubleDouble | None = None
        if double_double:
            blur = (_RESOLUTION * error) * size * (matrix[0].diagonal() - system.penalty[kept])
            tolerance = np.maximum(noise, blur)
            triangle, skipped = backend.cholesky(matrix, tolerance, capacity)
            if skipped.any():
                if system.ridge and strict:
                    return None
                if system.ridge:
                    raise ridge_too_small(system.ridge)
                if strict and rough and (p <= capacity or skipped[:capacity].any()):
                    return None
                suspects += kept[skipped].tolist()
                kept = kept[~skipped]
                continue
            inverse_triangle = backend.invert_triangle(triangle)
        else:
            found = _float_inverse_triangle(matrix[0])
            if found is None:
                return None
            inverse_triangle = found
        inverse = inverse_triangle @ inverse_triangle.T
        doubt = 2.0 * error * math.sqrt(p * float(size @ (inverse * inverse) @ size))
        if not doubt <= (0.1 if strict else 0.5):
            if strict:
                return None
            if system.ridge:
                raise ridge_too_small(system.ridge)
            worst = int(np.argmax((inverse_triangle**2).T @ size))
            suspects.append(int(kept[worst]))
            kept = np.delete(kept, worst)
            continue
        # share of each pivot, in the order of the columns, that rounding the inputs explains
        share = noise @ (inverse_triangle * inverse_triangle)
        if p and share.max() >= 1.0:
            kept = np.delete(kept, int(np.argmax(share >= 1.0)))
            continue
        return Factor(
            kept, triangle, inverse_triangle, inverse, error, doubt, tuple(suspects), backend
        )


def ridge_too_small(ridge: float) -> InputError:
    """Build the error for a penalty lost in rounding: a ridge fit keeps all of its columns."""
    return InputError(
        f"a ridge penalty of {ridge:g} is nothing beside the rounding of these sums, and the "
        "columns depend on each other without it. Use a larger one, or data that can be read again."
    )


def part_of(system: System, kept: npt.NDArray[np.intp]) -> tuple[DoubleDouble, Array, Array]:
    """Return matrix, inflation and pivots at the rounding level of some columns."""
    if len(kept) == len(system.scale):
        return system.matrix, system.inflation, system.noise
    both = np.ix_(kept, kept)
    matrix = (system.matrix[0][both], system.matrix[1][both])
    return matrix, system.inflation[kept], system.noise[kept]


def _float_inverse_triangle(matrix: Array) -> Array | None:
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
