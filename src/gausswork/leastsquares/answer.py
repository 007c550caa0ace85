"""From the solved system back to the user's units: estimates, errors, digits and findings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.backend import Backend, slower_kernels_finding
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.refine import Refinement, without_residuals
from gausswork.leastsquares.solution import FULL_DIGITS, Dependency, Solution
from gausswork.leastsquares.spread import Spread
from gausswork.leastsquares.system import UNIT_ROUNDOFF, Factor, Reach, System
from gausswork.leastsquares.whiten import Whitened

_POOR_DIGITS = 4.0  # fewer trusted digits than this are an alarm
_NOISY_DIGITS = 3.0  # fewer data digits than this are worth a word
_LEAST = float(np.finfo(np.float64).tiny)  # smaller numbers have fewer digits than a double
_TOLD_APART = 5  # dependent columns up to here get a finding each
_TAKES_PART = 1e-9  # smaller shares of a dependent column are rounding


def answer(
    moments: Moments,
    system: System,
    factor: Factor | Whitened,
    to: Reach,
    spread: Spread,
    state: Refinement,
    wanted: float,
    tier: int,
    backend: Backend,
) -> Solution:
    """Bring the solution back to the user's units and say how good it is.

    Parameters
    ----------
    wanted : digits that were asked for.
    tier : precision of the moments.
    """
    p, kept, n = len(moments.names), factor.kept, system.rows
    rank = len(kept) + (1 if system.intercept else 0)
    shrinkage = float(system.penalty[kept] @ factor.inverse.diagonal())
    freedom = n - rank if not system.ridge else n - rank + shrinkage
    square, known = _residual_square(system, state)
    variance = square / freedom if freedom > 0 else np.nan
    square_error = state.residual_square_error / square if known and square > 0.0 else 0.0
    unit = system.scale[kept] / system.target_scale

    table = np.full((6, p + 1), np.nan)
    coefficients, lows, errors, trusted, error_digits, data = table
    at = kept + 1
    beta = state.coefficients[0]
    coefficients[at], lows[at] = beta * unit, state.coefficients[1] * unit
    trusted[at] = _digits(np.where(beta == 0.0, state.error_of_zero, state.error / np.abs(beta)))
    errors[at] = np.sqrt(variance * spread.variances) * unit
    error_digits[at] = _digits(0.5 * (spread.inverse_error + square_error))
    noise, noise_of_intercept = _input_noise(system, factor, to, state, variance)
    data[at] = _digits(noise / np.abs(beta))
    if system.intercept:
        b0 = state.intercept
        coefficients[0], lows[0] = b0[0] / system.target_scale, b0[1] / system.target_scale
        trusted[0] = _digits(
            state.intercept_error / abs(b0[0]) if b0[0] else state.intercept_error_of_zero
        )
        errors[0] = np.sqrt(variance * spread.of_intercept) / system.target_scale
        error_digits[0] = _digits(0.5 * (spread.of_intercept_error + square_error))
        data[0] = _digits(noise_of_intercept / np.abs(b0[0]))
    _check_range(moments, system, state, kept, table[[0, 2]])
    if not known:
        errors[:] = np.nan
        error_digits[np.isfinite(coefficients)] = 0.0
    if freedom <= 0 or system.ridge:
        error_digits[:] = np.nan
    if system.ridge:
        errors[:] = np.nan
    dependencies = tuple(_dependencies(moments, system, factor))
    root = np.zeros((p, p))
    root[np.ix_(kept, kept)] = spread.root
    table = table[:, 0 if system.intercept else 1 :]
    findings = (
        *_rank_findings(dependencies, moments.rows, freedom),
        *_spread_findings(system, state, square, known, freedom),
        *_ridge_findings(system, rank - shrinkage),
        *_digit_findings(moments.names, coefficients, trusted, data, wanted),
        *slower_kernels_finding(backend),
    )
    return Solution(
        intercept=system.intercept,
        coefficients=table[0],
        coefficient_lows=table[1],
        standard_errors=table[2],
        trusted_digits=table[3],
        standard_error_digits=table[4],
        data_digits=table[5],
        predictor_means=system.mean[0] / system.scale,
        predictor_mean_lows=system.mean[1] / system.scale,
        target_mean=system.target_mean[0] / system.target_scale,
        target_mean_low=system.target_mean[1] / system.target_scale,
        scales=system.scale,
        inverse_root=root,
        residual_sum_of_squares=_in_units(square, system),
        total_sum_of_squares=_in_units(max(system.target_square[0], 0.0), system),
        rows=n,
        rank=rank,
        degrees_of_freedom=n - rank,
        dependencies=dependencies,
        condition_number=_condition(system, factor),
        tier=tier,
        passes=state.passes,
        moments=moments,
        findings=findings,
        ridge=system.ridge,
        shrinkage=shrinkage,
    )


def _in_units(square: float, system: System) -> float:
    """Return a sum of squares of the target in the units of the data."""
    # one factor after the other: the square of the scale leaves the range before the quotient does
    return float(square / system.target_scale / system.target_scale)


def _check_range(
    moments: Moments, system: System, state: Refinement, kept: npt.NDArray[np.intp], table: Array
) -> None:
    """Refuse units in which float64 cannot hold the answer: it would be infinite, or lose digits.

    Parameters
    ----------
    table : (2, p + 1) coefficients and standard errors, NaN where there are none.
    """
    size = math.sqrt(system.target_raw_square / system.weight[0]) / system.target_scale
    for square in (system.target_square[0], _residual_square(system, state)[0]):
        if square > 0.0 and not _LEAST <= _in_units(square, system) < math.inf:
            raise InputError(
                f"the target {moments.target!r} has values of the size {size:.0e}, and sums of "
                f"their squares leave the range of float64. {_rescaled(size)}: coefficients and "
                "standard errors follow its units."
            )
    nonzero = np.zeros(len(moments.names) + 1, dtype=np.bool_)
    nonzero[kept + 1] = state.coefficients[0] != 0.0
    nonzero[0] = state.intercept[0] != 0.0
    outside = np.isinf(table) | (nonzero & (np.abs(table) < _LEAST))
    # a standard error of zero is that of a perfect fit
    outside[1] &= table[1] != 0.0
    if outside.any():
        j = int(np.argmax(outside.any(axis=0)))
        name = moments.names[j - 1] if j else moments.target
        if j:
            size = math.sqrt(system.raw_square[j - 1] / system.weight[0]) / system.scale[j - 1]
        raise InputError(
            f"the coefficient of {('intercept', *moments.names)[j]!r} or its standard error leaves "
            f"the range of float64: {name!r} has values of the size {size:.0e}. {_rescaled(size)}."
        )


def _rescaled(size: float) -> str:
    power = max(-300, math.floor(math.log10(size))) if size > 0.0 else -300
    return f"{'Divide' if power > 0 else 'Multiply'} it by 1e{abs(power)} first"


def _digits(relative_error: npt.ArrayLike) -> Array:
    """Return −log10 of relative errors, within what a double can hold."""
    error = np.maximum(np.asarray(relative_error, np.float64), 10.0**-FULL_DIGITS)
    return np.where(np.isnan(error), 0.0, np.maximum(-np.log10(error), 0.0))


def _residual_square(system: System, state: Refinement) -> tuple[float, bool]:
    """Return the residual sum of squares and whether it could be told from zero, or is zero.

    After passes over the rows the residuals are known to thirty digits of the data: what is zero
    then is zero. The moments alone know them to half as many, and small residuals hide there.
    """
    square = state.residual_square
    if square > state.residual_square_error:
        return square, True
    return 0.0, without_residuals(system, state) or system.target_square[0] == 0.0


def _input_noise(
    system: System, factor: Factor | Whitened, to: Reach, state: Refinement, variance: float
) -> tuple[Array, float]:
    """Return two standard deviations that half-ulp noise in all inputs gives each coefficient.

    The noise of an input v is uniform over half a unit in its last place, sd at most u·|v|/√3.
    """
    c, n, beta = factor.inverse, system.rows, state.coefficients[0]
    of_ones = 1.0 / system.weight[0]
    raw = np.where(system.powers, 0.0, system.raw_square)[factor.kept]
    per_row = (system.target_raw_square + float((beta * beta) @ raw)) / n
    residual = variance if math.isfinite(variance) else 0.0
    noise = np.sqrt(per_row * c.diagonal() + residual * ((c * c) @ raw))
    leaning = to.leaning[0]
    of_intercept = per_row * (to.of_mean + of_ones) + residual * float((leaning * leaning) @ raw)
    unit = 2.0 * UNIT_ROUNDOFF / math.sqrt(3.0)
    return unit * noise, unit * math.sqrt(of_intercept)


def _condition(system: System, factor: Factor | Whitened) -> float:
    if len(factor.kept) == 0:
        return 1.0
    matrix = system.matrix[0]
    if len(factor.kept) < len(matrix):
        matrix = matrix[np.ix_(factor.kept, factor.kept)]
    return float(np.sqrt(_norm(factor.inverse) * _norm(matrix)))


def _norm(matrix: Array) -> float:
    """Return the largest eigenvalue of a positive definite matrix, by the power method."""
    vector = np.ones(len(matrix)) + np.arange(len(matrix)) / (7.0 * len(matrix))
    size = 1.0
    for _ in range(8):
        vector = matrix @ (vector / size)
        size = float(np.sqrt(vector @ vector))
        if size == 0.0:
            return 0.0
    return size


def _dependencies(
    moments: Moments, system: System, factor: Factor | Whitened
) -> Iterator[Dependency]:
    """Express every column without a coefficient by those that have one."""
    if len(factor.kept) == len(moments.names):
        return
    size = np.sqrt(np.maximum(system.matrix[0].diagonal(), 0.0))
    for k in np.setdiff1d(np.arange(len(moments.names)), factor.kept):
        combination: dict[str, float] = {}
        constant = system.mean[0][k]
        if not system.constant[k]:
            right = (system.matrix[0][factor.kept, k], system.matrix[1][factor.kept, k])
            for weight, j in zip(factor.solve(right)[0], factor.kept, strict=True):
                if abs(weight) * size[j] > _TAKES_PART * size[k]:
                    ratio = system.scale[j] / system.scale[k]
                    combination[moments.names[j]] = float(weight * ratio)
                    constant -= weight * system.mean[0][j]
        typical = np.sqrt(system.raw_square[k] / system.weight[0])
        if system.intercept and abs(constant) > _TAKES_PART * typical:
            combination["intercept"] = float(constant / system.scale[k])
        yield Dependency(moments.names[k], combination)


def _rank_findings(
    dependencies: tuple[Dependency, ...], rows: int, freedom: float
) -> Iterator[Finding]:
    if len(dependencies) > _TOLD_APART:
        some = "; ".join(dependency.sentence() for dependency in dependencies[:_TOLD_APART])
        yield Finding(
            "dependent-column",
            Severity.CAUTION,
            f"{len(dependencies)} columns have no coefficient of their own, to all digits of the "
            f"data: {some}; and {len(dependencies) - _TOLD_APART} more.",
            "Leave them out, or leave out columns that they repeat; "
            "predictions are the same either way.",
            {"columns": [dependency.column for dependency in dependencies]},
        )
    else:
        for dependency in dependencies:
            yield Finding(
                "dependent-column",
                Severity.CAUTION,
                f"Column {dependency.column!r} has no coefficient of its own: "
                f"{dependency.sentence()}, to all digits of the data.",
                "Leave it out, or leave out one of the columns that it repeats; "
                "predictions are the same either way.",
                {"column": dependency.column, "combination": dependency.combination},
            )
    if freedom <= 0:
        yield Finding(
            "no-degrees-of-freedom",
            Severity.ALARM,
            f"There are as many coefficients as rows ({rows}): the fit passes through every "
            "point and nothing is left to measure the errors with.",
            "Use more rows or fewer columns.",
            {"rows": rows, "degrees_of_freedom": freedom},
        )


def _spread_findings(
    system: System, state: Refinement, square: float, known: bool, freedom: float
) -> Iterator[Finding]:
    if freedom <= 0 or system.target_square[0] <= 0.0:
        return
    if not known:
        yield Finding(
            "unresolved-residuals",
            Severity.ALARM,
            "The residuals are smaller than these sums can resolve, so standard errors are not "
            "known.",
            "Leave out one of the columns that nearly repeat each other, or rescale the weights."
            if state.passes
            else "Fit from data that can be read again, such as a file or a table in memory.",
            {"residual_square_error": _in_units(state.residual_square_error, system)},
        )
    elif square <= 4.0 * UNIT_ROUNDOFF**2 * system.target_raw_square:
        yield Finding(
            "perfect-fit",
            Severity.CAUTION,
            "The fit is perfect: the residuals are no larger than the rounding of the target, "
            "and so are the standard errors; t, p, F and AIC mean nothing.",
            "Check that the target was not computed from the features.",
            {"rows": system.rows},
        )


def _ridge_findings(system: System, effective: float) -> Iterator[Finding]:
    if not system.ridge:
        return
    yield Finding(
        "ridge-penalty",
        Severity.NOTE,
        f"A ridge penalty of {system.ridge:g} on their squares shrinks the coefficients, which "
        f"count as {effective:.3g} free ones. They are biased on purpose, so there are no standard "
        "errors, tests or intervals.",
        "For those fit without ridge, or repeat the ridge fit on resampled rows.",
        {"ridge": system.ridge, "effective_rank": effective},
    )


def _digit_findings(
    names: tuple[str, ...], coefficients: Array, trusted: Array, data: Array, wanted: float
) -> Iterator[Finding]:
    labels = ("intercept", *names)
    poor = {
        label: float(digits)
        for label, digits in zip(labels, trusted, strict=True)
        if digits < min(wanted, _POOR_DIGITS)
    }
    if poor:
        yield Finding(
            "few-trusted-digits",
            Severity.ALARM,
            f"Few digits can be trusted: {_listed(poor)}.",
            "Centre or rescale the columns, drop one of those that nearly repeat each other, "
            "or give a source that can be read again.",
            poor,
        )
    noisy = {
        label: float(digits)
        for label, digits, value in zip(labels, data, coefficients, strict=True)
        if digits < _NOISY_DIGITS and value != 0.0 and label not in poor
    }
    if noisy:
        yield Finding(
            "few-data-digits",
            Severity.CAUTION,
            f"Rounding of the inputs alone leaves few digits: {_listed(noisy)}. "
            "The arithmetic is not to blame: for the numbers as they stand the table's digits "
            "hold, and these are what is left if each number was rounded to get there.",
            "Record these columns with more digits, or do not read meaning into "
            "these coefficients.",
            noisy,
        )


def _listed(digits: dict[str, float]) -> str:
    return ", ".join(f"{label} ({value:.0f})" for label, value in digits.items())
