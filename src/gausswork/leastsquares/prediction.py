"""Predictions for new rows, with intervals, computed about the means of the data.

ŷ = ȳ + (x − x̄)·β: offsets of the predictors cost no digits, where b₀ + x·β would lose them.
The value for a row depends on that row alone, to the last bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.data.devices import is_foreign
from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.inference import check_level, residual_sd, t_quantile
from gausswork.leastsquares.rows import fitted_predictors

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.solution import Solution

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

KINDS = ("confidence", "prediction")

_BLOCK = 8192  # rows at a time: the temporaries stay in cache
_LOSS = 1e-13  # relative rounding error from which a row is computed again in double-double
BROKEN = 1e-6  # relative departure from a dependency that rounding cannot explain


class PredictedBlock(NamedTuple):
    """Predictions for some consecutive rows.

    Attributes
    ----------
    value : (m,) predicted values.
    lower, upper : (m,) limits; None where no interval was asked for.
    missing : rows without a prediction because a predictor has no value.
    undetermined : rows without a prediction because they break a dependency of the data.
    """

    value: Vector
    lower: Vector | None
    upper: Vector | None
    missing: int
    undetermined: int


class Prediction(NamedTuple):
    """Predicted values with the limits of their intervals, (m,) each.

    NaN where a predictor is missing, and where the row breaks a dependency between predictors
    that always held in the data of the fit: there the prediction is not determined.
    """

    value: Vector
    lower: Vector
    upper: Vector


def interval_kind(interval: str | float | None, level: float) -> tuple[str | None, float]:
    """Return kind and level of an interval; a number means a prediction interval at that level."""
    if interval is None or interval in KINDS:
        return interval if interval is None else str(interval), level
    if isinstance(interval, int | float | np.floating | np.integer) and not isinstance(
        interval, bool
    ):
        return "prediction", check_level(float(interval), name="interval")
    raise InputError(
        f"interval must be 'confidence', 'prediction', a level such as 0.95, or None; "
        f"got {interval!r}."
    )


def predict_data(
    fit: Fit, new: Any, *, interval: str | float | None = None, level: float = 0.95
) -> Vector | Prediction:
    """Predict new rows in any form; see :meth:`gausswork.Fit.predict`."""
    from gausswork.data import open_predictors

    kind, level = interval_kind(interval, level)
    check_level(level)
    if is_foreign(new):
        from gausswork.leastsquares.devices.prediction import predict_there

        found, undetermined = predict_there(fit, new, kind=kind, level=level)
        if undetermined:
            warnings.warn(undetermined_sentence(fit.solution, undetermined), stacklevel=3)
        return found
    rows = fitted_predictors(fit) if new is None else open_predictors(new, fit.design)
    blocks = list(predicted_blocks(fit, rows, kind=kind, level=level))
    undetermined = sum(block.undetermined for block in blocks)
    if undetermined:
        warnings.warn(undetermined_sentence(fit.solution, undetermined), stacklevel=3)
    value = _joined([block.value for block in blocks])
    if kind is None:
        return value
    limits = [[b.lower for b in blocks], [b.upper for b in blocks]]
    return Prediction(value, *(_joined([v for v in part if v is not None]) for part in limits))


def undetermined_sentence(solution: Solution, rows: int) -> str:
    """Say why some rows have no prediction, and what to do."""
    equations = "; ".join(d.sentence() for d in solution.dependencies)
    return (
        f"{fmt.rows(rows)} cannot be predicted: in the data of the fit always {equations}, and "
        "that is not so here. Fit again without the dependent columns to predict from the others."
    )


def predicted_blocks(
    fit: Fit, rows: Iterable[Matrix], *, kind: str | None, level: float
) -> Iterator[PredictedBlock]:
    """Yield predictions for (m, p) blocks of predictors; NaN where there is none."""
    if kind is not None:
        check_level(level)
        check_intervals(fit.solution)
    before = 0
    for x in rows:
        value, lower, upper = predict(fit.solution, x), None, None
        if kind is not None:
            lower, upper = _limits(fit.solution, value, x, kind, level)
        gone = _missing(fit.solution, value, x)
        broken = ~determined(fit.solution, fit.moments.names, x)
        lost = np.flatnonzero(np.isnan(value) & ~gone & ~broken)  # a NaN would say: missing
        if len(lost):
            raise InputError(
                f"the prediction of row {before + lost[0]} (counted from 0) is ∞ − ∞: its values, "
                f"up to {np.abs(x[lost[0]]).max():.0e}, times the coefficients leave the range of "
                "float64. Correct the row, or divide the columns before the fit."
            )
        before += len(x)
        for values in (value, lower, upper):
            if values is not None:
                values[gone | broken] = np.nan
        yield PredictedBlock(value, lower, upper, int(gone.sum()), int(broken.sum()))


def predict(solution: Solution, x: Matrix) -> Vector:
    """Return the predicted values of rows x, (m, p) -> (m,)."""
    value = np.empty(len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(len(x)):
            value[rows] = _values(solution, x[rows])
    return value


def predict_interval(
    solution: Solution, x: Matrix, *, kind: str = "prediction", level: float = 0.95
) -> Prediction:
    """Return predicted values with limits for the mean response or for a new observation.

    Parameters
    ----------
    x : (m, p) rows of predictors.
    kind : ``"confidence"`` for where the mean of such rows lies, ``"prediction"`` for where one
        new row lies.
    level : share of intervals that hold the truth, in (0, 1).
    """
    if kind not in KINDS:
        raise InputError(f"interval must be 'confidence' or 'prediction'; got {kind!r}.")
    value = predict(solution, x)
    return Prediction(value, *_limits(solution, value, x, kind, level))


def _limits(
    solution: Solution, value: Vector, x: Matrix, kind: str, level: float
) -> tuple[Vector, Vector]:
    _check_unshrunk(solution)
    width = t_quantile(level, solution.degrees_of_freedom) * residual_sd(solution)
    h = leverage(solution, x)
    with np.errstate(over="ignore", invalid="ignore"):  # predictors near the largest double
        half = width * np.sqrt(h + 1.0 if kind == "prediction" else h)
        return value - half, value + half


def leverage(solution: Solution, x: Matrix) -> Vector:
    """Return h = 1/n + z'(Z'Z)⁻¹z of rows x, (m, p) -> (m,): the variance of ŷ in units of σ².

    With weights n and Z'Z are their sums, and a row of weight w has the leverage w·h.
    """
    kept = np.flatnonzero(~np.isnan(_slopes(solution)[0]))
    h = np.empty(len(x))
    root = solution.inverse_root[np.ix_(kept, kept)]
    means, scales = solution.predictor_means[kept], solution.scales[kept]
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(len(x)):
            w = ((x[rows][:, kept] - means) * scales) @ root
            h[rows] = np.einsum("ij,ij->i", w, w)
    return h + 1.0 / solution.total_weight if solution.intercept else h


def check_intervals(solution: Solution) -> None:
    """Refuse intervals around predictions of a fit that has none."""
    check_minimal(solution)
    _check_unshrunk(solution)


def _check_unshrunk(solution: Solution) -> None:
    if solution.ridge:
        raise InputError(
            "a ridge fit has no intervals: its coefficients are shrunk, and their errors not "
            "known. Leave interval= out, or fit without ridge."
        )


def check_minimal(solution: Solution) -> None:
    """Refuse intervals around coefficients that are not those of least squares."""
    if not solution.minimal:
        raise InputError(
            "this gradient descent has not arrived at the least-squares solution, and intervals "
            "belong to that solution. Predict without interval, descend further, or fit with the "
            "normal equation."
        )


def determined(solution: Solution, names: tuple[str, ...], x: Matrix) -> npt.NDArray[np.bool_]:
    """Return which rows keep the dependencies between predictors that the data had, (m,).

    Parameters
    ----------
    names : the p predictors, columns of ``x``.
    """
    keeps = np.ones(len(x), dtype=np.bool_)
    at = {name: j for j, name in enumerate(names)}
    for dependency in solution.dependencies:
        terms = [(at[dependency.column], -1.0)] + [
            (at[name], factor) for name, factor in dependency.combination.items() if name in at
        ]
        with np.errstate(over="ignore", invalid="ignore"):
            departure, moved, size = np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x))
            for j, factor in terms:
                step = factor * (x[:, j] - solution.predictor_means[j])
                departure += step
                moved += np.abs(step)
                size += np.abs(factor * x[:, j])
            # NaN (a missing value) is not a departure.
            keeps &= ~(np.abs(departure) > BROKEN * moved + 1e-12 * size)
    return keeps


def _joined(parts: list[Vector]) -> Vector:
    return np.concatenate(parts) if parts else np.empty(0)


def _blocks(rows: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, rows)) for start in range(0, rows, _BLOCK)]


def _slopes(solution: Solution) -> tuple[Vector, Vector]:
    first = int(solution.intercept)
    return solution.coefficients[first:], solution.coefficient_lows[first:]


def _missing(solution: Solution, value: Vector, x: Matrix) -> npt.NDArray[np.bool_]:
    """Return which rows lack a predictor; NaN in an aliased column does not reach the value."""
    gone = np.isnan(value)
    aliased = np.flatnonzero(np.isnan(_slopes(solution)[0]))
    for j in aliased:
        gone |= np.isnan(x[:, j])
    if gone.any():
        gone[gone] = np.isnan(x[gone]).any(axis=1)  # not ∞ − ∞
    return gone


def _values(solution: Solution, x: Matrix) -> Vector:
    """Return ȳ + (x − x̄)·β, again in double-double for the rows where terms cancel."""
    slopes, slope_lows = _slopes(solution)
    means, mean_lows = solution.predictor_means, solution.predictor_mean_lows
    value, size = np.zeros(len(x)), np.full(len(x), abs(solution.target_mean))
    kept = np.flatnonzero(~np.isnan(slopes))
    for j in kept:  # column by column: BLAS rounds a row according to its neighbours
        term = x[:, j] - means[j]
        term -= mean_lows[j]
        term *= slopes[j]
        value += term
        size += np.abs(term, out=term)
    value += solution.target_mean
    share = _LOSS / (2.0**-53 * np.sqrt(len(kept) + 1))
    lossy = np.flatnonzero((size > share * np.abs(value)) & np.isfinite(size))
    if len(lossy):
        total = dd.promote(np.full(len(lossy), solution.target_mean))
        total = dd.add(total, (solution.target_mean_low, 0.0))
        for j in kept:
            high, low = dd.two_sum(x[lossy, j], -means[j])
            deviation = (high, low - mean_lows[j])
            total = dd.add(total, dd.multiply(deviation, (slopes[j], slope_lows[j])))
        value[lossy] = np.where(np.isfinite(total[0]), total[0], value[lossy])
    return value
