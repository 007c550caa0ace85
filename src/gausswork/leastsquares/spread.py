"""The inverse of the normal equation as inference needs it, with bounds on its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.system import SAFETY, Factor, Reach, System
from gausswork.leastsquares.whiten import Whitened

_ROUNDING = 8.0 * 2.0**-53  # of its square: sums and four factors; the root counts twice
_CAUTION = 2.0 * SAFETY  # one bound for the whole matrix: sparse columns come closer to it


@dataclass(frozen=True, slots=True)
class Spread:
    """What standard errors are made of.

    Attributes
    ----------
    root : (r, r) upper triangular, C = A⁻¹ = root·rootᵀ.
    variances : (r,) diagonal of C.
    inverse_error : (r,) bounds on the relative errors of its diagonal.
    of_intercept : 1/n + m'Cm, m the means; 0 without an intercept.
    of_intercept_error : bound on its relative error.
    """

    root: Array
    variances: Array
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
        of_intercept = to.of_mean + 1.0 / system.weight[0]
        error = _CAUTION * factor.error * to.intercept**2 / of_intercept + _ROUNDING
    variances = factor.inverse.diagonal()
    relative = _CAUTION * factor.error * to.rows * to.rows / variances + _ROUNDING
    return Spread(factor.inverse_triangle, variances, relative, of_intercept, error)


def from_whitened(system: System, factor: Whitened) -> Spread:
    """Take C from whitened columns: errors grow with the condition number in double-double."""
    relative = SAFETY * factor.error + _ROUNDING
    of_intercept = error = 0.0
    if system.intercept:
        inner = factor.polish.T @ factor.lean(factor.take(system.mean))
        of_intercept = float(inner @ inner) + 1.0 / system.weight[0]
        error = relative
    return Spread(
        factor.inverse_triangle,
        factor.inverse.diagonal(),
        np.full(len(factor.kept), relative),
        of_intercept,
        error,
    )
