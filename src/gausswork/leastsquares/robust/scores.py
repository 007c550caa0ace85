"""The rows of a fit as scores in orthonormal coordinates, precise however ill-conditioned the data.

A row of predictors x becomes q = Fᵀ[1, x] with F·Fᵀ = (XᵀWX)⁻¹, so that Σ w·qqᵀ = I, the leverage
is w·|q|², and what a robust covariance adds up is well conditioned. Where the condition number
would cost digits, q is formed in double-double from the factor as it stands, and orthonormalised by
one more pass over the rows (as in :mod:`gausswork.leastsquares.whiten`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Batch, Source
from gausswork.data.weights import FREQUENCY
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.doubledouble import DoubleDouble
from gausswork.leastsquares.inference import residual_sd
from gausswork.leastsquares.kernels import columns_of
from gausswork.leastsquares.rows import Witness, original_rows

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.solution import Solution

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_BATCH = 8192  # rows at a time: the temporaries stay in cache
_PRECISE = 1e3  # condition number from which float64 would leave fewer than about 12 digits
_MANY_COLUMNS = 32
_CLEAR = 1e4  # times the residual sd: larger terms leave residuals fewer than twelve digits


class Scores(NamedTuple):
    """Some rows of a fit that count.

    Attributes
    ----------
    q : (m, k) orthonormal coordinates.
    residual : (m,) in the units of the target.
    weight : (m,) positive; ones where rows have none.
    leverage : (m,) diagonal of the hat matrix; with frequencies of one of the equal rows.
    number : (m,) of each row in the data, those left out counted.
    """

    q: Array
    residual: Array
    weight: Array
    leverage: Array
    number: Integers


@dataclass(frozen=True, slots=True)
class Coordinates:
    """How rows become scores.

    Attributes
    ----------
    solution : the fit.
    frequencies : whether a weight counts equal rows.
    kept : (r,) predictors that have a coefficient.
    precise : whether coordinates are formed in double-double.
    raw : (k, k) V; coordinates q̃ = Vᵀ[1, x] are nearly orthonormal.
    factor : (k, k) F = V·L⁻ᵀ with Σ w·q̃q̃ᵀ = L·Lᵀ.
    lower : (k, k) L; None where it is the identity.
    """

    solution: Solution
    frequencies: bool
    kept: npt.NDArray[np.intp]
    precise: bool
    raw: Array
    factor: Array
    lower: Array | None = None

    @property
    def terms(self) -> npt.NDArray[np.bool_]:
        """Which terms of the fit have a coefficient, (terms,)."""
        estimated: npt.NDArray[np.bool_] = ~np.isnan(self.solution.coefficients)
        return estimated

    def full(self, inner: Array) -> Array:
        """Return F·inner in the order of all terms; NaN in the rows of those without a coefficient.

        Parameters
        ----------
        inner : (k, m).
        """
        rows = np.full((len(self.terms), inner.shape[1]), np.nan)
        rows[self.terms] = self.factor @ inner
        return rows


def coordinates_of(fit: Fit, source: Source) -> Coordinates:
    """Return the coordinates of a fit, made orthonormal by a pass where its condition asks so."""
    s = fit.solution
    first = int(s.intercept)
    kept = np.flatnonzero(~np.isnan(s.coefficients[first:]))
    raw = raw_factor(s, kept)
    precise = not s.condition_number < _PRECISE
    found = Coordinates(s, fit.weighting == FREQUENCY, kept, precise, raw, raw)
    if not precise:
        return found
    square = np.zeros((len(raw), len(raw)))
    for part in scores(fit, source, found):
        square += gram(part.q, part.weight)
    lower: Array = np.asarray(np.linalg.cholesky(square), dtype=np.float64)
    return replace(found, lower=lower, factor=_divided(lower, raw))


def raw_factor(s: Solution, kept: npt.NDArray[np.intp]) -> Array:
    """Return V, (k, k); its row for the intercept in double-double, where offsets cancel."""
    first, r = int(s.intercept), len(kept)
    v = np.zeros((r + first, r + first))
    v[first:, first:] = s.scales[kept, None] * s.inverse_root[np.ix_(kept, kept)]
    if s.intercept:
        v[0, 0] = 1.0 / math.sqrt(s.total_weight)
        means = (s.predictor_means[kept][:, None], s.predictor_mean_lows[kept][:, None])
        products = dd.multiply(means, dd.promote(v[1:, 1:]))
        v[0, 1:] = -dd.total(products)[0]
    return v


def scores(fit: Fit, source: Source, to: Coordinates) -> Iterator[Scores]:
    """Read the rows of a fit once more, as scores; rows of weight zero are left out.

    Raises
    ------
    InputError
        The rows are other ones than those that were fitted.
    """
    witness, seen = Witness.of(fit), 0
    for batch in source.batches(_BATCH):
        x = columns_of(batch.x, slice(0, len(batch)))
        y = np.asarray(batch.y, dtype=np.float64)
        number = np.arange(seen, seen + len(y), dtype=np.int64)
        seen += len(y)
        number = original_rows(source, number)
        keep = np.isfinite(x).all(axis=1) & np.isfinite(y)
        weight = None if batch.weight is None else np.asarray(batch.weight, dtype=np.float64)
        if weight is not None:
            keep &= weight > 0.0
        low = _lows(batch, source, x)
        if not keep.all():
            x, y, number = x[keep], y[keep], number[keep]
            weight = None if weight is None else weight[keep]
            low = None if low is None else low[keep]
        witness.see(x, y, weight, fit.weighting)
        w = np.ones(len(y)) if weight is None else weight
        yield _scored(to, x, y, w, low, number)
    witness.compare(fit)


def _divided(lower: Array, rows: Array) -> Array:
    """Return rows·L⁻ᵀ."""
    return np.ascontiguousarray(np.linalg.solve(lower, rows.T).T, dtype=np.float64)


def _lows(batch: Batch, source: Source, x: Array) -> Array | None:
    """Return what rounding took off the predictors, (m, p), where the source knows."""
    of = getattr(source, "low_of", ())
    if not of:
        return None
    low = np.zeros_like(x)
    for parent, column in zip(of, batch.low, strict=True):
        low[:, parent] += column
    return low


def _scored(
    to: Coordinates, x: Array, y: Array, w: Array, low: Array | None, number: Integers
) -> Scores:
    s, first = to.solution, int(to.solution.intercept)
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = _deviations(to, x, low)
        q = np.empty((len(y), len(to.raw)))
        if s.intercept:
            q[:, 0] = to.raw[0, 0]
        root = s.inverse_root[np.ix_(to.kept, to.kept)]
        scaled = dd.scale(deviation, s.scales[to.kept, None])
        q[:, first:] = _precisely(scaled, root) if to.precise else _triangle(scaled[0], root)
        if to.lower is not None:
            q = _divided(to.lower, q)
        leverage = np.einsum("ij,ij->i", q, q)
        if not to.frequencies:
            leverage *= w
        residual = _residuals(to, deviation, y, w)
    return Scores(q, residual, w, np.minimum(leverage, 1.0), number)


def _deviations(to: Coordinates, x: Array, low: Array | None) -> DoubleDouble:
    """Return x − x̄ of the kept columns, (r, m)."""
    s = to.solution
    columns = np.ascontiguousarray(x[:, to.kept].T)
    high, error = dd.two_sum(columns, -s.predictor_means[to.kept, None])
    error = error - s.predictor_mean_lows[to.kept, None]
    if low is not None:
        error = error + low[:, to.kept].T
    return dd.normalize(high, error)


def _triangle(u: Array, root: Array) -> Array:
    """Return uᵀ·root, (m, r), for an upper triangular root.

    Column by column while they are few: BLAS starts threads for what takes less time than that.
    """
    if len(root) > _MANY_COLUMNS:
        return np.asarray(u.T @ root)
    out = np.empty((u.shape[1], len(root)))
    for k in range(len(root)):
        total = u[0] * root[0, k]
        for j in range(1, k + 1):
            total += u[j] * root[j, k]
        out[:, k] = total
    return out


def gram(q: Array, weight: Array | None = None) -> Array:
    """Return qᵀ·diag(weight)·q, (k, k)."""
    k = q.shape[1]
    if not k or not len(q):
        return np.zeros((k, k))
    ones, none = np.ones(k), np.zeros(k)
    return default_backend().gram(q[:, :-1], q[:, -1], ones, none, 0, weight).second_high


def _precisely(u: DoubleDouble, root: Array) -> Array:
    """Return uᵀ·root, (m, r), for an upper triangular root, summed in double-double."""
    out = np.empty((u[0].shape[1], len(root)))
    for k in range(len(root)):
        total = dd.multiply((u[0][0], u[1][0]), dd.promote(root[0, k]))
        for j in range(1, k + 1):
            total = dd.add(total, dd.multiply((u[0][j], u[1][j]), dd.promote(root[j, k])))
        out[:, k] = total[0]
    return out


def _residuals(to: Coordinates, deviation: DoubleDouble, y: Array, w: Array) -> Array:
    """Return y − ŷ, in double-double for the rows where terms cancel."""
    s, first = to.solution, int(to.solution.intercept)
    slopes = s.coefficients[first:][to.kept]
    e: Array = (y - s.target_mean) - s.target_mean_low
    size = np.abs(e) + np.abs(slopes) @ np.abs(deviation[0])
    e = e - slopes @ deviation[0]
    usual = residual_sd(s) / (1.0 if to.frequencies else np.sqrt(w))  # sd of each row's error
    lossy = np.flatnonzero((size > _CLEAR * usual) & np.isfinite(size))
    if len(lossy):
        lows = s.coefficient_lows[first:][to.kept]
        total = dd.two_sum(y[lossy], -s.target_mean)
        total = dd.add(total, (-s.target_mean_low, 0.0))
        for j, (slope, rest) in enumerate(zip(slopes, lows, strict=True)):
            column = (deviation[0][j, lossy], deviation[1][j, lossy])
            total = dd.subtract(total, dd.multiply(column, (slope, rest)))
        e[lossy] = np.where(np.isfinite(total[0]), total[0], e[lossy])
    return e
