"""Predictions for arrays of other libraries: computed where they lie, and left there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.data.arrays import infinite_value
from gausswork.data.devices.library import Library, There, library_of, within_memory
from gausswork.data.devices.opening import open_new
from gausswork.data.tables import row_from_zero
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.devices.engine import require_float64
from gausswork.leastsquares.devices.sums import across
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.inference import residual_sd, t_quantile
from gausswork.leastsquares.prediction import (
    BROKEN,
    Prediction,
    check_intervals,
    predicted_blocks,
)

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit


def predict_there(
    fit: Fit, new: Any, *, kind: str | None, level: float
) -> tuple[There | Prediction, int]:
    """Predict the rows of an array of another library; see :meth:`gausswork.Fit.predict`.

    Returns
    -------
    (m,) float64 values of that library on its device, or three such vectors, and how many rows
    have none because they break a dependency of the data of the fit.
    """
    if kind is not None:
        check_intervals(fit.solution)
    library = library_of(new)
    x, view = open_new(new, fit.design)
    if view is not None:
        blocks = list(predicted_blocks(fit, view, kind=kind, level=level))
        broken = sum(block.undetermined for block in blocks)
        parts = [[b.value for b in blocks]]
        if kind is not None:
            limits = [[b.lower for b in blocks], [b.upper for b in blocks]]
            parts += [[v for v in each if v is not None] for each in limits]
        found = [library.send(np.concatenate([np.empty(0), *each])) for each in parts]
    else:
        require_float64(library)
        with within_memory(library):
            found, broken = _predicted(fit, library, x, kind, level)
    return (found[0] if kind is None else Prediction(*found)), broken


def _predicted(
    fit: Fit, library: Library, x: There, kind: str | None, level: float
) -> tuple[list[There], int]:
    solution, rows, p = fit.solution, int(x.shape[0]), int(x.shape[1])
    first = int(solution.intercept)
    slopes, lows = solution.coefficients[first:], solution.coefficient_lows[first:]
    kept = ~np.isnan(slopes)
    slope = (library.send(np.where(kept, slopes, 0.0)), library.send(np.where(kept, lows, 0.0)))
    mean = (library.send(solution.predictor_means), library.send(solution.predictor_mean_lows))
    target = (float(solution.target_mean), float(solution.target_mean_low))
    whitening = library.send(_whitening(fit, kept))
    tied = library.send(_dependencies(fit))
    width = 0.0
    if kind is not None:
        width = float(t_quantile(level, solution.degrees_of_freedom) * residual_sd(solution))
    nothing = library.send(np.full(1, np.nan))
    columns: list[list[There]] = [[], [], []]
    broken = 0
    step = max(1024, library.portion // max(p, 1))
    for start in range(0, rows, step):
        part = library.float64(x[start : min(start + step, rows), :])
        _require_finite(library, part, fit, start)
        apart = dd.two_sum(part, -mean[0])
        deviation = (apart[0], apart[1] - mean[1])
        if p:
            sums = dd.add(across(library, dd.multiply(deviation, slope)), target)
            value = dd.add(sums, (0.0, 0.0))[0]
            plain = library.sum(deviation[0] * slope[0], 1) + target[0]
            # halves of factors near the largest double leave its range
            value = library.where(library.isfinite(value), value, plain)
        else:
            value = library.send(np.full(int(part.shape[0]), target[0]))
        if solution.dependencies:
            departs = abs(deviation[0] @ tied)
            sizes = abs(tied)
            most = BROKEN * (abs(deviation[0]) @ sizes) + 1e-12 * (abs(part) @ sizes)
            breaks = library.max(library.float64(departs > most), 1) > 0.5
            broken += int(library.host(library.sum(library.float64(breaks), 0)))
            value = library.where(breaks, nothing, value)
        columns[0].append(value)
        if kind is not None:
            w = deviation[0] @ whitening
            h = library.sum(w * w, 1)
            if solution.intercept:
                h = h + 1.0 / float(solution.total_weight)
            half = width * library.sqrt(h + 1.0 if kind == "prediction" else h)
            columns[1].append(value - half)
            columns[2].append(value + half)
    if not rows:
        columns = [[library.send(np.empty(0))]] * 3
    return [library.join(each, 0) for each in columns[: 1 if kind is None else 3]], broken


def _whitening(fit: Fit, kept: Any) -> Array:
    """Return the matrix that makes leverages of deviations, (p, r): zero for aliased columns."""
    solution = fit.solution
    at = np.flatnonzero(kept)
    matrix = np.zeros((len(kept), len(at)))
    matrix[at] = solution.scales[at, None] * solution.inverse_root[np.ix_(at, at)]
    return matrix


def _dependencies(fit: Fit) -> Array:
    """Return what is zero in the data of the fit as combinations of its columns, (p, d)."""
    names = fit.moments.names
    matrix = np.zeros((len(names), len(fit.solution.dependencies)))
    for column, dependency in enumerate(fit.solution.dependencies):
        matrix[names.index(dependency.column), column] = -1.0
        for name, factor in dependency.combination.items():
            if name in names:
                matrix[names.index(name), column] = factor
    return matrix


def _require_finite(library: Library, part: There, fit: Fit, start: int) -> None:
    """Refuse infinities; NaN is a gap."""
    endless = abs(part) == np.inf
    rows = library.nonzero(library.sum(library.float64(endless), 1) > 0.5)
    if int(rows.shape[0]):
        row = int(library.fetch(rows[:1])[0])
        values = library.host(part[row, :])
        column = int(np.flatnonzero(np.isinf(values))[0])
        raise infinite_value(
            fit.moments.names[column], float(values[column]), row_from_zero(start)(row)
        )
