"""Error bounds of a solution, and its refinement by passes over the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gausswork.data.sources import Batch, Source
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.lows import with_lows
from gausswork.leastsquares.moments import block_rows, workers_for
from gausswork.leastsquares.passes import block_sum, blocks_of
from gausswork.leastsquares.system import SAFETY, Factor, Reach, System
from gausswork.leastsquares.whiten import Whitened

_RESIDUAL_ERROR = 2.0**-101  # of sums in double-double
_MOST_PASSES = 6
_NOTHING = 2.0**-64  # share of the target below which a coefficient that may be zero is zero
_BELOW_ROUNDING = 2.0**-90  # the same of what residuals as large as the target would move it
_NO_RESIDUAL = 2.0**-140  # share of the target's squares: rounding the target leaves 2^-108
_LEAST_GAIN = 0.5  # digits a further pass must bring


@dataclass(frozen=True, slots=True)
class Refinement:
    """A solution in the coordinates of its system, with bounds on its errors.

    Attributes
    ----------
    coefficients : (r,) of the kept columns, double-double.
    error : (r,) bounds on their absolute errors.
    error_of_zero : bound relative to the size of the problem, for coefficients that are zero.
    intercept : double-double; zero without one.
    intercept_error, intercept_error_of_zero : the same of the intercept.
    residual_square, residual_square_error : residual sum of squares and a bound on its error.
    passes : passes over the rows so far.
    """

    coefficients: DoubleDouble
    error: Array
    error_of_zero: float
    intercept: tuple[float, float]
    intercept_error: float
    intercept_error_of_zero: float
    residual_square: float
    residual_square_error: float
    passes: int

    def digits(self) -> float:
        """Return the digits of the worst coefficient, the intercept among them."""
        size = np.abs(self.coefficients[0])
        relative = np.where(size > 0.0, self.error / size, self.error_of_zero)
        worst = float(relative.max(initial=0.0))
        if self.intercept[0]:
            worst = max(worst, self.intercept_error / abs(self.intercept[0]))
        return 0.0 if not worst < 1.0 else -math.log10(max(worst, 1e-17))


def unrefined(system: System, factor: Factor, to: Reach) -> Refinement:
    """Solve the normal equation as it stands."""
    backend, n = factor.backend, system.weight[0]
    right = factor.take(system.right)
    beta = factor.solve(right)
    inflated = to.inflation * beta[0]
    size = system.target_norm + math.sqrt(inflated @ inflated)
    bound = SAFETY * factor.error / (1.0 - factor.doubt) * size
    # Σr² at the solution of (A + P)β = g; without a penalty P only β'g is left
    explained = backend.dot(beta, dd.add(right, _penalty_of(system, factor, beta)))
    residual = dd.subtract(system.target_square, explained)
    intercept, intercept_error = (0.0, 0.0), 0.0
    if system.intercept:
        intercept = dd.subtract(system.target_mean, backend.dot(beta, to.mean))
        about = system.target_norm + float(np.abs(inflated).sum())
        intercept_error = bound * to.intercept + SAFETY * factor.error * about / math.sqrt(n)
    error = bound * to.rows
    # zero to more digits than any data has: say zero, not noise
    raw = np.sqrt(system.raw_square[factor.kept])
    magnitude = math.sqrt(system.target_raw_square)
    of_zero = error * raw / magnitude * system.unevenness if magnitude else np.ones_like(error)
    nothing = (np.abs(beta[0]) <= error) & (of_zero <= _NOTHING)
    if nothing.any():
        beta = (np.where(nothing, 0.0, beta[0]), np.where(nothing, 0.0, beta[1]))
    intercept_of_zero = 1.0
    if magnitude:
        intercept_of_zero = intercept_error * math.sqrt(n) / magnitude * system.unevenness
    if abs(intercept[0]) <= intercept_error and intercept_of_zero <= _NOTHING:
        intercept = (0.0, 0.0)
    return Refinement(
        coefficients=beta,
        error=error,
        error_of_zero=float(of_zero[nothing].max(initial=0.0)) if nothing.any() else 1.0,
        intercept=intercept,
        intercept_error=intercept_error,
        intercept_error_of_zero=intercept_of_zero if intercept == (0.0, 0.0) else 1.0,
        residual_square=residual[0],
        residual_square_error=SAFETY * factor.error * size**2
        + _slope(system, factor, beta[0], error),
        passes=0,
    )


def _penalty_of(system: System, factor: Factor | Whitened, beta: DoubleDouble) -> DoubleDouble:
    """Return P·β over the kept columns, P the penalty."""
    return dd.multiply(beta, dd.promote(system.penalty[factor.kept]))


def _slope(system: System, factor: Factor | Whitened, beta: Array, error: Array) -> float:
    """Bound what errors of the coefficients do to Σr², which a penalty keeps off its minimum."""
    return 2.0 * float((system.penalty[factor.kept] * np.abs(beta)) @ error)


def _deviation(system: System, factor: Factor | Whitened) -> Array:
    """Return how far residuals that are off by one in norm move the coefficients, (r,)."""
    deviation: Array = np.sqrt(factor.inverse.diagonal())
    if not system.ridge:
        return deviation
    # where the penalty is large C is not the inverse of the Gram matrix, but far less than that
    square = system.matrix[0].diagonal() - system.penalty
    norms = np.sqrt(np.maximum(square[factor.kept], 0.0) + 1e-30)
    return np.asarray(np.minimum(deviation, np.abs(factor.inverse) @ norms))


def unsolved(system: System, factor: Whitened) -> Refinement:
    """Start from nothing, for the passes to do all."""
    nothing = np.zeros(len(factor.kept))
    return Refinement(
        coefficients=(nothing, nothing),
        error=np.full(len(nothing), np.inf),
        error_of_zero=1.0,
        intercept=system.target_mean,
        intercept_error=np.inf,
        intercept_error_of_zero=1.0,
        residual_square=system.target_square[0],
        residual_square_error=np.inf,
        passes=0,
    )


def refine(
    state: Refinement,
    system: System,
    factor: Factor | Whitened,
    to: Reach,
    source: Source,
    *,
    digits: float,
    square_tolerance: float,
    threads: int | None,
) -> Refinement:
    """Pass over the rows until the digits asked for are certain, or no pass brings more.

    Each pass computes r = y − Xb and Xᵀr in double-double and solves for the correction: corrected
    seminormal equations (Björck 1987) with extended residuals (Demmel, Hida, Riedy & Li 2009).

    Parameters
    ----------
    digits : to reach in every coefficient.
    square_tolerance : relative error to reach in the residual sum of squares.
    """
    while state.passes < _MOST_PASSES:
        before = state.digits()
        known = state.residual_square_error <= square_tolerance * state.residual_square
        if before >= digits and (known or without_residuals(system, state)):
            return state
        sums = _residual_sums(state, system, factor, source, threads)
        further = _corrected(state, system, factor, to, sums)
        if state.passes > 0 and further.digits() < before + _LEAST_GAIN:
            # residuals may come out yet where the coefficients are as good as they get
            clearer = further.residual_square_error < 0.1 * state.residual_square_error
            if known or not clearer:
                return further if further.digits() > before else state
        state = further
    return state


def without_residuals(system: System, state: Refinement) -> bool:
    """Whether the residuals are zero: nothing is left of them, and the rounding of y would show.

    Residuals that are merely too small to be told from zero are not.
    """
    if state.residual_square > state.residual_square_error:
        return False
    shown = state.residual_square_error * system.unevenness**2
    return state.passes > 0 and shown <= _NO_RESIDUAL * system.target_raw_square


def _corrected(
    state: Refinement,
    system: System,
    factor: Factor | Whitened,
    to: Reach,
    sums: DoubleDouble,
) -> Refinement:
    """Solve for the correction that the residual sums ask for, and bound what is left."""
    backend, n, p = factor.backend, system.weight[0], len(system.scale)
    gradient = factor.take(sums)
    of_ones = (float(sums[0][p]), float(sums[1][p]))
    square = (float(sums[0][p + 1]), float(sums[1][p + 1]))
    if system.intercept:
        gradient = backend.add_multiple(gradient, (-of_ones[0], -of_ones[1]), to.mean)
    plain = gradient
    if system.ridge:
        gradient = dd.subtract(gradient, _penalty_of(system, factor, state.coefficients))
    change = factor.solve(gradient)
    beta = backend.add_multiple(state.coefficients, (1.0, 0.0), change)
    gain = backend.dot(change, gradient)
    lowered = gain
    if system.ridge:  # Σr² falls by 2·change'g − change'A·change, g the plain gradient
        lowered = backend.dot(change, dd.add(plain, _penalty_of(system, factor, beta)))
    residual = dd.subtract(square, lowered)
    intercept = state.intercept
    if system.intercept:
        per_row = dd.divide(of_ones, system.weight)
        moved = dd.subtract(per_row, backend.dot(change, to.mean))
        intercept = dd.add(intercept, moved)
        residual = dd.subtract(residual, dd.multiply(of_ones, per_row))

    residual_norm = math.sqrt(max(square[0], 0.0))
    raw_square = system.raw_square[factor.kept]
    raw = np.sqrt(raw_square)
    magnitude = (
        math.sqrt(system.target_raw_square)
        + math.sqrt(n) * abs(intercept[0])
        + float(np.abs(beta[0]) @ raw)
    )
    of_residual = _RESIDUAL_ERROR * magnitude
    pulled = system.penalty[factor.kept] * beta[0]
    of_gradient = _RESIDUAL_ERROR * (
        math.sqrt(raw_square.sum()) * residual_norm + math.sqrt(pulled @ pulled)
    )
    of_change = factor.change_error(to, change[0], gain[0])
    deviation = _deviation(system, factor)
    error = SAFETY * (of_change.coefficients + of_gradient * to.rows + of_residual * deviation)
    intercept_error = 0.0
    if system.intercept:
        intercept_error = SAFETY * (
            of_change.intercept
            + of_gradient * to.intercept
            + of_residual * (math.sqrt(to.of_mean) + 1.0 / math.sqrt(n))
        )
    unit = magnitude / math.sqrt(n)
    uneven = system.unevenness  # what is nothing beside heavy rows need not be so in light ones
    of_zero = error * raw / magnitude * uneven if magnitude else np.zeros_like(error)
    # zero to more digits than any data has: say zero, not noise
    least = magnitude * np.maximum(_NOTHING / raw, _BELOW_ROUNDING * deviation)
    nothing = (np.abs(beta[0]) <= error) & (error * uneven <= least)
    if nothing.any():
        beta = (np.where(nothing, 0.0, beta[0]), np.where(nothing, 0.0, beta[1]))
    intercept_of_zero = intercept_error / unit * uneven if unit else 0.0
    if abs(intercept[0]) <= intercept_error and intercept_of_zero <= _NOTHING:
        intercept = (0.0, 0.0)
    return Refinement(
        coefficients=beta,
        error=error,
        error_of_zero=float(of_zero[nothing].max(initial=0.0)) if nothing.any() else 1.0,
        intercept=intercept,
        intercept_error=intercept_error,
        intercept_error_of_zero=intercept_of_zero if intercept == (0.0, 0.0) else 1.0,
        residual_square=residual[0],
        residual_square_error=2.0 * of_residual * residual_norm
        + of_residual**2
        + _RESIDUAL_ERROR * abs(residual[0])
        + SAFETY * of_change.square
        + _slope(system, factor, beta[0], error),
        passes=state.passes + 1,
    )


def _residual_sums(
    state: Refinement,
    system: System,
    factor: Factor | Whitened,
    source: Source,
    threads: int | None,
) -> DoubleDouble:
    """Read the source once for Xᵀr, Σr and Σr²."""
    p = len(system.scale)
    high, low = np.zeros(p), np.zeros(p)
    high[factor.kept], low[factor.kept] = state.coefficients
    scale = np.append(system.scale, system.target_scale)
    backend = with_lows(factor.backend, getattr(source, "low_of", ()))

    def summed(batch: Batch) -> Any:
        with np.errstate(all="ignore"):
            return backend.residual_sums(
                batch.words, batch.y, scale, state.intercept, (high, low), batch.weight
            )

    rows = block_rows(p)
    total: DoubleDouble = block_sum(
        source, summed, dd.add, blocks=blocks_of(source, rows), rows=rows,
        workers=lambda m: workers_for(threads, backend, 10.0 * m * (p + 1)),
    )  # fmt: skip
    return total
