"""The rows of a fit in the coordinates in which least squares is a projection.

A row of predictors x becomes q = [1/√n, w] with w = (x − x̄)·scale·U, where U·Uᵀ is the inverse of
the centred Gram matrix: over all rows QᵀQ = I. Leverage is |q|², and every auxiliary regression of
a check-up has well-conditioned columns however ill-conditioned the data is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.inference import residual_sd

if TYPE_CHECKING:
    from gausswork.leastsquares.solution import Solution

Array = npt.NDArray[np.float64]

_CLEAR = 1e4  # times the residual sd: larger terms leave residuals fewer than twelve digits
_ROUNDING = 2.0**-53
_MOST_COLUMNS = 32


class Rows(NamedTuple):
    """Some rows of a fit, seen from the fit.

    Attributes
    ----------
    w : (m, r) coordinates of the predictors times the root of the weight, orthonormal over all
        rows.
    leverage : (m,) diagonal of the hat matrix.
    fitted, residual : (m,) in the units of the target.
    scaled : (m,) residuals times the root of the weight, which are of one variance.
    root_weight : (m,) √weight; None where rows count alike.
    """

    w: Array
    leverage: Array
    fitted: Array
    residual: Array
    scaled: Array
    root_weight: Array | None

    def unweighted(self) -> Array:
        """Return the coordinates of the predictors alone, (m, r)."""
        return self.w if self.root_weight is None else self.w / self.root_weight[:, None]


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a solution says about where rows lie.

    Attributes
    ----------
    intercept : whether there is one.
    rows, rank : n observations, k estimated coefficients.
    total_weight : sum of the weights; n where there are none.
    kept : the r predictors that have a coefficient, of p.
    means, mean_lows, scales : (r,) origin and unit of their coordinates.
    root : (r, r) upper triangular, U above.
    slopes, slope_lows : (r,) coefficients in double-double.
    target_mean, target_mean_low : zero through the origin.
    residual_sd : √(RSS / (n − k)); NaN without degrees of freedom.
    residual_square, fitted_square : sums of squares of the residuals, and of the fitted values
        about the mean (about zero through the origin).
    condition : condition number of the centred, equilibrated predictors.
    """

    intercept: bool
    rows: int
    rank: int
    total_weight: float
    kept: npt.NDArray[np.intp]
    means: Array
    mean_lows: Array
    scales: Array
    root: Array
    slopes: Array
    slope_lows: Array
    target_mean: float
    target_mean_low: float
    residual_sd: float
    residual_square: float
    fitted_square: float
    condition: float

    @classmethod
    def of(cls, solution: Solution) -> Geometry:
        """Return the geometry of a solution."""
        first = int(solution.intercept)
        kept = np.flatnonzero(~np.isnan(solution.coefficients[first:]))
        residual = solution.residual_sum_of_squares
        return cls(
            intercept=solution.intercept,
            rows=solution.rows,
            rank=solution.rank,
            total_weight=solution.total_weight,
            kept=kept,
            means=solution.predictor_means[kept],
            mean_lows=solution.predictor_mean_lows[kept],
            scales=solution.scales[kept],
            root=solution.inverse_root[np.ix_(kept, kept)],
            slopes=solution.coefficients[first:][kept],
            slope_lows=solution.coefficient_lows[first:][kept],
            target_mean=solution.target_mean,
            target_mean_low=solution.target_mean_low,
            residual_sd=residual_sd(solution),
            residual_square=residual,
            fitted_square=max(solution.total_sum_of_squares - residual, 0.0),
            condition=solution.condition_number,
        )

    @property
    def degrees_of_freedom(self) -> int:
        """Observations less coefficients."""
        return self.rows - self.rank

    @property
    def tolerance(self) -> float:
        """How far rounding can move a leverage, and so what 1 − h must exceed to be not zero."""
        return max(1e-10, 64.0 * _ROUNDING * self.condition)

    def rows_of(self, x: Array, y: Array, weight: Array | None = None) -> Rows:
        """Place some rows.

        Parameters
        ----------
        x : (m, p) predictors.
        y : (m,) target.
        weight : (m,) analytic weights above zero.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            deviations = (x[:, self.kept] - self.means) - self.mean_lows
            w = _times_triangle(deviations * self.scales, self.root)
            root_weight = None if weight is None else np.sqrt(weight)
            if root_weight is not None:
                w *= root_weight[:, None]
            h = np.einsum("ij,ij->i", w, w)
            if self.intercept:
                h += (1.0 if weight is None else weight) / self.total_weight
            e = self._residuals(x, y, deviations)
            scaled = e if root_weight is None else e * root_weight
        return Rows(w, np.minimum(h, 1.0), y - e, e, scaled, root_weight)

    def _residuals(self, x: Array, y: Array, deviations: Array) -> Array:
        """Return y − ŷ, in double-double for the rows where terms cancel."""
        e = (y - self.target_mean) - self.target_mean_low
        size = np.abs(e) + np.abs(deviations) @ np.abs(self.slopes)
        e = e - deviations @ self.slopes
        if math.isnan(self.residual_sd):
            return e
        lossy = np.flatnonzero((size > _CLEAR * self.residual_sd) & np.isfinite(size))
        if len(lossy):
            total = dd.two_sum(y[lossy], -self.target_mean)
            total = dd.add(total, (-self.target_mean_low, 0.0))
            for at, j in enumerate(self.kept):
                high, low = dd.two_sum(x[lossy, j], -self.means[at])
                deviation = (high, low - self.mean_lows[at])
                slope = (-self.slopes[at], -self.slope_lows[at])
                total = dd.add(total, dd.multiply(deviation, slope))
            e[lossy] = np.where(np.isfinite(total[0]), total[0], e[lossy])
        return e

    def factor(self) -> Array:
        """Return V with (XᵀX)⁻¹ = V·Vᵀ and (XᵀX)⁻¹x = V·q, (k, k); q = [1/√n, w] of a row x."""
        r, first = len(self.kept), int(self.intercept)
        v = np.zeros((r + first, r + first))
        v[first:, first:] = self.scales[:, None] * self.root
        if self.intercept:
            v[0, 0] = 1.0 / math.sqrt(self.total_weight)
            v[0, 1:] = -self.means @ v[1:, 1:]
        return v

    def coordinates(self, rows: Rows) -> Array:
        """Return q = [√weight/√Σweight, w], (m, k); w alone through the origin."""
        if not self.intercept:
            return rows.w
        first = np.ones(len(rows.w)) if rows.root_weight is None else rows.root_weight
        return np.column_stack((first / math.sqrt(self.total_weight), rows.w))


def _times_triangle(u: Array, root: Array) -> Array:
    """Return u·root, (m, r), for an upper triangular root: column by column while they are few.

    BLAS would start threads for what takes less time than starting them.
    """
    r = len(root)
    if r > _MOST_COLUMNS:
        return np.asarray(u @ root)
    columns = np.asfortranarray(u)
    w = np.empty_like(columns)
    for j in range(r):
        np.multiply(columns[:, 0], root[0, j], out=w[:, j])
        for i in range(1, j + 1):
            w[:, j] += columns[:, i] * root[i, j]
    return w
