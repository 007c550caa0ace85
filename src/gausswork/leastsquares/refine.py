"""Error bounds of a solution, and its refinement by passes over the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gausswork.data.sources import Batch, Source
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.moments import block_rows, in_order, workers_for
from gausswork.leastsquares.system import SAFETY, Factor, System

_RESIDUAL_ERROR = 2.0**-101  # of sums in double-double
_MOST_PASSES = 6
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
    intercept: DoubleDouble
    intercept_error: float
    intercept_error_of_zero: float
    residual_square: float
    residual_square_error: float
    passes: int

    def digits(self) -> float:
        """Return the digits of the worst coefficient, the intercept among them."""
        relative = np.append(
            self.error / np.abs(self.coefficients[0]),
            self.intercept_error / abs(self.intercept[0]) if self.intercept[0] else 0.0,
        )
        worst = float(np.max(relative))
        return 0.0 if not worst < 1.0 else -float(np.log10(max(worst, 1e-17)))


def unrefined(system: System, factor: Factor) -> Refinement:
    """Solve the normal equation as it stands."""
    kept, n = factor.kept, system.rows
    right = (system.right[0][kept], system.right[1][kept])
    beta = factor.solve(right)
    size = system.target_norm + float(np.linalg.norm(system.inflation[kept] * beta[0]))
    reach = SAFETY * factor.error / (1.0 - factor.doubt)
    error = reach * size * factor.row_norms(system)
    explained = dd.dot(beta, right)
    residual = dd.subtract(system.target_square, explained)
    intercept: DoubleDouble = (0.0, 0.0)
    intercept_error = 0.0
    if system.intercept:
        mean = (system.mean[0][kept], system.mean[1][kept])
        intercept = dd.subtract(system.target_mean, dd.dot(beta, mean))
        pulled = factor.inverse @ mean[0]
        about = float(np.abs(beta[0] * system.inflation[kept]).sum())
        intercept_error = reach * size * float(
            np.linalg.norm(pulled * system.inflation[kept])
        ) + SAFETY * factor.error * (system.target_norm + about) / np.sqrt(n)
    return Refinement(
        coefficients=beta,
        error=error,
        error_of_zero=1.0,
        intercept=intercept,
        intercept_error=intercept_error,
        intercept_error_of_zero=1.0,
        residual_square=float(residual[0]),
        residual_square_error=SAFETY * factor.error * size**2,
        passes=0,
    )


def refine(
    state: Refinement,
    system: System,
    factor: Factor,
    source: Source,
    digits: float,
    square_tolerance: float,
    threads: int | None,
) -> Refinement:
    """Pass over the rows until the digits asked for are certain, or no pass brings more.

    Each pass computes r = y − Xb and Xᵀr in double-double and solves for the correction: corrected
    seminormal equations (Björck 1987) with extended residuals (Demmel, Hida, Riedy & Li 2009).
    """
    while state.passes < _MOST_PASSES:
        before = state.digits()
        if before >= digits and _square_known(state, square_tolerance):
            return state
        further = _corrected(state, system, factor, source, threads)
        if state.passes > 0 and further.digits() < before + _LEAST_GAIN:
            return further if further.digits() > before else state
        state = further
    return state


def _square_known(state: Refinement, tolerance: float) -> bool:
    return state.residual_square_error <= tolerance * state.residual_square


def _corrected(
    state: Refinement, system: System, factor: Factor, source: Source, threads: int | None
) -> Refinement:
    kept, n = factor.kept, system.rows
    sums = _residual_sums(state, system, factor, source, threads)
    p = len(system.scale)
    gradient = (sums[0][:p][kept], sums[1][:p][kept])
    of_ones = (float(sums[0][p]), float(sums[1][p]))
    square = (float(sums[0][p + 1]), float(sums[1][p + 1]))
    mean = (system.mean[0][kept], system.mean[1][kept])
    if system.intercept:
        gradient = dd.subtract(gradient, dd.multiply(mean, of_ones))
    change = factor.solve(gradient)
    beta = dd.add(state.coefficients, change)
    intercept = state.intercept
    if system.intercept:
        mean_change = dd.subtract(dd.divide(of_ones, (float(n), 0.0)), dd.dot(change, mean))
        intercept = dd.add(intercept, mean_change)

    residual_norm = float(np.sqrt(max(square[0], 0.0)))
    raw = np.sqrt(system.raw_square[kept])
    magnitude = (
        np.sqrt(system.target_raw_square)
        + np.sqrt(n) * abs(intercept[0])
        + float((np.abs(beta[0]) * raw).sum())
    )
    of_residual = _RESIDUAL_ERROR * magnitude
    of_gradient = _RESIDUAL_ERROR * float(np.linalg.norm(raw)) * residual_norm
    changed = float(np.linalg.norm(system.inflation[kept] * change[0]))
    reach = factor.error * changed / (1.0 - factor.doubt)
    c = factor.inverse
    row_norm = np.sqrt((c * c).sum(axis=1))
    error = SAFETY * (
        reach * factor.row_norms(system)
        + np.sqrt(c.diagonal()) * of_residual
        + row_norm * of_gradient
    )
    intercept_error = 0.0
    if system.intercept:
        pulled = c @ mean[0]
        intercept_error = SAFETY * (
            reach * float(np.linalg.norm(pulled * system.inflation[kept]))
            + (np.sqrt(max(float(pulled @ mean[0]), 0.0)) + 1.0 / np.sqrt(n)) * of_residual
            + float(np.linalg.norm(pulled)) * of_gradient
        )
    gain = dd.dot(change, gradient)
    residual = dd.subtract(square, gain)
    if system.intercept:
        residual = dd.subtract(residual, dd.divide(dd.multiply(of_ones, of_ones), (float(n), 0.0)))
    residual_error = (
        2.0 * of_residual * residual_norm
        + of_residual**2
        + _RESIDUAL_ERROR * abs(residual[0])
        + SAFETY * factor.error * changed**2
    )
    zero = np.abs(beta[0]) <= error
    if zero.any():  # not to be told from zero at thirty digits: say zero, not noise
        beta = (np.where(zero, 0.0, beta[0]), np.where(zero, 0.0, beta[1]))
    unit = magnitude / np.sqrt(n)
    intercept_of_zero = intercept_error / unit if unit else 0.0
    if abs(intercept[0]) <= intercept_error:
        intercept = (0.0, 0.0)
    largest = float(np.max(error / np.where(raw > 0.0, magnitude / raw, 1.0), initial=0.0))
    return Refinement(
        beta, error, largest, intercept, intercept_error, intercept_of_zero,
        float(residual[0]), residual_error, state.passes + 1,
    )  # fmt: skip


def _residual_sums(
    state: Refinement, system: System, factor: Factor, source: Source, threads: int | None
) -> DoubleDouble:
    """Read the source once for Xᵀr, Σr and Σr²."""
    p = len(system.scale)
    high, low = np.zeros(p), np.zeros(p)
    high[factor.kept], low[factor.kept] = state.coefficients
    scale = np.append(system.scale, system.target_scale)
    intercept = (float(state.intercept[0]), float(state.intercept[1]))
    backend = factor.backend

    def summed(batch: Batch) -> Any:
        with np.errstate(all="ignore"):
            return backend.residual_sums(batch.x, batch.y, scale, intercept, (high, low))

    batches = source.batches(block_rows(p))
    opening = next(batches)
    workers = workers_for(threads, backend, 10.0 * len(opening) * (p + 1))
    total: DoubleDouble = (np.zeros(p + 2), np.zeros(p + 2))
    for part in in_order(summed, opening, batches, workers):
        total = dd.add(total, part)
    return total
