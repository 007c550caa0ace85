"""The normal equation made safe: coefficients, and how many of their digits to trust."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Source
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend, default_backend, slower_kernels_finding
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.kernels import TIERS
from gausswork.leastsquares.moments import Moments, Progress, accumulate
from gausswork.leastsquares.refine import Refinement, refine, unrefined
from gausswork.leastsquares.system import Factor, System, assemble, factorize

FULL_DIGITS = 15.95  # -log10(2**-53): what a double can hold

_SMALL = 2**16  # entries; up to here all digits cost less than a millisecond
_DEFAULT_DIGITS = 8.0
_ALL_DIGITS = 15.0
_STANDARD_ERROR_DIGITS = 13.0  # asked of standard errors when all digits are asked for


@dataclass(frozen=True, slots=True)
class NormalEquation:
    """Least squares by the normal equation XᵀX·β = Xᵀy.

    Attributes
    ----------
    digits : correct significant digits to ask of every coefficient, 0 < digits <= 15; more are
        delivered when they cost nothing. ``None`` asks for 15 on small data and 8 on large.
    """

    digits: float | None = None

    def __post_init__(self) -> None:
        if self.digits is not None and not 0.0 < self.digits <= _ALL_DIGITS:
            raise InputError(
                f"digits must lie in (0, 15]; got {self.digits}. A double holds no more than 15."
            )

    def digits_for(self, entries: int) -> float:
        """Return the digits to ask for in a table of so many numbers."""
        if self.digits is not None:
            return self.digits
        return _ALL_DIGITS if entries <= _SMALL else _DEFAULT_DIGITS


@dataclass(frozen=True, slots=True)
class Dependency:
    """A column that repeats others, and the combination that it equals.

    Attributes
    ----------
    column : the name of the column without a coefficient.
    combination : factor of each column that takes part, ``"intercept"`` among them.
    """

    column: str
    combination: dict[str, float]

    def sentence(self) -> str:
        """Return the dependency as an equation."""
        text = ""
        for name, factor in self.combination.items():
            size = f"{abs(factor):.6g}"
            term = size if name == "intercept" else name if size == "1" else f"{size}·{name}"
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {term}" if text else f"-{term}" if factor < 0 else term
        return f"{self.column} = {text or '0'}"


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients with their precision and what inference needs. k counts the intercept too.

    Attributes
    ----------
    intercept : whether there is one; it then comes first.
    coefficients, coefficient_lows : (k,) in double-double; NaN where a column is aliased.
    standard_errors : (k,) NaN where aliased or without degrees of freedom.
    trusted_digits : (k,) significant digits of the coefficients that are correct.
    standard_error_digits : (k,) the same of the standard errors.
    data_digits : (k,) digits that survive half a unit in the last place of noise in the inputs.
    predictor_means, predictor_mean_lows : (p,) zero through the origin.
    target_mean, target_mean_low : zero through the origin.
    scales : (p,) powers of two; u = (x − mean) · scale.
    inverse_gram : (p, p) inverse of Σuuᵀ; zero in rows and columns of aliased predictors.
    residual_sum_of_squares, total_sum_of_squares : the latter about the mean with an intercept,
        about zero without.
    rows, rank, degrees_of_freedom : observations, estimated coefficients, their difference.
    dependencies : what each aliased column equals.
    condition_number : of the centred, equilibrated predictors.
    tier : precision of the Gram matrix that was needed, 0 to 2.
    passes : refinement passes over the rows.
    findings : what the reader should know.
    moments : the sums that were solved.
    """

    intercept: bool
    coefficients: Array
    coefficient_lows: Array
    standard_errors: Array
    trusted_digits: Array
    standard_error_digits: Array
    data_digits: Array
    predictor_means: Array
    predictor_mean_lows: Array
    target_mean: float
    target_mean_low: float
    scales: Array
    inverse_gram: Array
    residual_sum_of_squares: float
    total_sum_of_squares: float
    rows: int
    rank: int
    degrees_of_freedom: int
    dependencies: tuple[Dependency, ...]
    condition_number: float
    tier: int
    passes: int
    moments: Moments = field(repr=False)
    findings: tuple[Finding, ...] = ()


def least_squares(
    source: Source,
    *,
    intercept: bool = True,
    method: NormalEquation | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    backend: Backend | None = None,
) -> Solution:
    """Fit a source: as few passes over the rows as the digits asked for need.

    Parameters
    ----------
    source : finite rows, or rows whose NaN are yet to be found.
    intercept : whether to fit one.
    method : the digits to ask for.
    threads : at most so many.
    progress : called with the number of rows done in the present pass.

    Raises
    ------
    InputError
        There are no rows, a value is infinite, or a one-shot stream has overflowed.
    """
    method = method or NormalEquation()
    backend = backend or default_backend()
    tier = 0 if source.replayable else 1  # a stream passes by once: take the better sums at once
    exponents = None
    while True:
        moments = accumulate(
            source, tier=tier, threads=threads, progress=progress, exponents=exponents,
            backend=backend,
        )  # fmt: skip
        if not moments.finite:
            if exponents is not None or not source.replayable:
                raise InputError(
                    "the sums of this data overflow: its values span too many orders of magnitude "
                    "for one scale. Rescale the largest column and fit again."
                )
            exponents = _exponents_of_all(source, backend)
            continue
        more = source.replayable and tier + 1 < TIERS
        attempt = _solve(moments, source, intercept, method, backend, tier, more, threads)
        if attempt is not None:
            return attempt
        tier += 1


def solve(
    moments: Moments,
    *,
    intercept: bool = True,
    method: NormalEquation | None = None,
    backend: Backend | None = None,
) -> Solution:
    """Solve from the moments alone: no escalation, no refinement, the digits that they hold."""
    backend = backend or default_backend()
    tier = int(np.argmin(np.abs(np.log2(backend.gram_error) - np.log2(moments.error))))
    found = _solve(moments, None, intercept, method or NormalEquation(), backend, tier, False, None)
    assert found is not None
    return found


def _solve(
    moments: Moments,
    source: Source | None,
    intercept: bool,
    method: NormalEquation,
    backend: Backend,
    tier: int,
    may_escalate: bool,
    threads: int | None,
) -> Solution | None:
    """Solve at one tier; ``None`` when the next one is needed."""
    with np.errstate(all="ignore"):
        system = assemble(moments, intercept=intercept)
        factor = factorize(system, backend, may_escalate=may_escalate)
        if factor is None:
            return None
        wanted = method.digits_for(moments.rows * len(moments.shift))
        if may_escalate and _variance_error(system, factor) > 10.0 ** -_error_digits(wanted):
            return None
        state = unrefined(system, factor)
        if source is not None and source.replayable:
            state = refine(state, system, factor, source, wanted, _error_digits(wanted), threads)
        return _report(moments, system, factor, state, wanted, tier, backend)


def _error_digits(wanted: float) -> float:
    return min(wanted, _STANDARD_ERROR_DIGITS)


def _variance_error(system: System, factor: Factor) -> float:
    """Return the largest relative error of a standard error that the Gram matrix can cause."""
    if len(factor.kept) == 0:
        return 0.0
    return float(0.5 * factor.inverse_error(system).max())


def _exponents_of_all(source: Source, backend: Backend) -> Array:
    """Read every row for the largest magnitudes, where the first rows have misled."""
    largest = np.zeros(len(source.names) + 1)
    for batch in source.batches(65536):
        columns = batch.x if isinstance(batch.x, tuple) else batch.x.T
        for j, column in enumerate((*columns, batch.y)):
            largest[j] = max(largest[j], float(np.max(np.abs(column))))
    if not np.isfinite(largest).all():
        where = [*source.names, source.target][int(np.argmin(np.isfinite(largest)))]
        raise InputError(
            f"column {where!r} has values that are NaN or infinite. "
            "Leave those rows out, or replace the values."
        )
    return np.clip(-np.frexp(largest)[1].astype(np.int64), -1020, 960)


def _report(
    moments: Moments,
    system: System,
    factor: Factor,
    state: Refinement,
    wanted: float,
    tier: int,
    backend: Backend,
) -> Solution:
    """Bring the solution back to the user's units and say how good it is."""
    p, kept = len(moments.names), factor.kept
    n, rank = system.rows, len(kept) + (1 if system.intercept else 0)
    freedom = n - rank
    rss, rss_error = state.residual_square, state.residual_square_error
    perfect = rss <= rss_error
    if perfect or freedom <= 0:
        rss = 0.0 if perfect else max(rss, 0.0)
    variance = rss / freedom if freedom > 0 else np.nan
    inverse_diagonal = factor.inverse.diagonal()
    mean = (system.mean[0][kept], system.mean[1][kept])
    solved_mean = factor.solve(mean)
    spread = float(dd.dot(solved_mean, mean)[0]) + (1.0 / n if system.intercept else 0.0)
    unit = system.scale[kept] / system.target_scale

    coefficients, lows, errors, trusted, error_digits, data = (
        np.full(p + 1, np.nan) for _ in range(6)
    )
    at = kept + 1
    relative = state.error / np.abs(state.coefficients[0])
    coefficients[at] = state.coefficients[0] * unit
    lows[at] = state.coefficients[1] * unit
    trusted[at] = _digits(np.where(state.coefficients[0] == 0.0, state.error_of_zero, relative))
    errors[at] = np.sqrt(variance * inverse_diagonal) * unit
    rss_relative = rss_error / rss if rss > 0.0 else 0.0
    error_digits[at] = _digits(0.5 * (factor.inverse_error(system) + rss_relative))
    noise, noise_of_intercept = _input_noise(system, factor, state, variance)
    data[at] = _digits(noise / np.abs(state.coefficients[0]))
    if system.intercept:
        b0 = state.intercept
        coefficients[0], lows[0] = b0[0] / system.target_scale, b0[1] / system.target_scale
        size = abs(b0[0])
        trusted[0] = _digits(
            state.intercept_error / size if size else state.intercept_error_of_zero
        )
        errors[0] = np.sqrt(variance * spread) / system.target_scale
        error_digits[0] = _digits(
            0.5 * (factor.quadratic_error(system, solved_mean[0]) / spread + rss_relative)
        )
        data[0] = _digits(noise_of_intercept / size)
    first = 0 if system.intercept else 1
    full_inverse = np.zeros((p, p))
    full_inverse[np.ix_(kept, kept)] = factor.inverse
    dependencies = tuple(_dependencies(moments, system, factor))
    answer = (coefficients, lows, errors, trusted, error_digits, data)
    return Solution(
        system.intercept,
        *(values[first:] for values in answer),
        predictor_means=system.mean[0] / system.scale,
        predictor_mean_lows=system.mean[1] / system.scale,
        target_mean=system.target_mean[0] / system.target_scale,
        target_mean_low=system.target_mean[1] / system.target_scale,
        scales=system.scale,
        inverse_gram=full_inverse,
        residual_sum_of_squares=rss / system.target_scale**2,
        total_sum_of_squares=max(system.target_square[0], 0.0) / system.target_scale**2,
        rows=n,
        rank=rank,
        degrees_of_freedom=freedom,
        dependencies=dependencies,
        condition_number=_condition(system, factor),
        tier=tier,
        passes=state.passes,
        moments=moments,
        findings=(
            *_findings(moments, answer, dependencies, freedom, perfect, wanted, system.intercept),
            *slower_kernels_finding(backend),
        ),
    )


def _digits(relative_error: npt.ArrayLike) -> Array:
    """Return −log10 of relative errors, within what a double can hold."""
    error = np.maximum(np.asarray(relative_error, np.float64), 10.0**-FULL_DIGITS)
    return np.where(np.isnan(error), 0.0, np.maximum(-np.log10(error), 0.0))


def _input_noise(
    system: System, factor: Factor, state: Refinement, variance: float
) -> tuple[Array, float]:
    """Return two standard deviations that half-ulp noise in all inputs gives each coefficient.

    The noise of an input v is uniform over half a unit in its last place, sd at most u·|v|/√3.
    """
    c, n = factor.inverse, system.rows
    beta = state.coefficients[0]
    raw = system.raw_square[factor.kept]
    per_row = (system.target_raw_square + (beta**2 * raw).sum()) / n
    through_x = (c * c) @ raw * (variance if np.isfinite(variance) else 0.0)
    u = 2.0 / np.sqrt(3.0) * 2.0**-53
    noise = u * np.sqrt(per_row * c.diagonal() + through_x)
    mean = system.mean[0][factor.kept]
    pulled = c @ mean
    spread = max(float(pulled @ mean), 0.0) + 1.0 / n
    residual = variance if np.isfinite(variance) else 0.0
    return noise, float(u * np.sqrt(per_row * spread + (pulled**2 * raw).sum() * residual))


def _condition(system: System, factor: Factor) -> float:
    if len(factor.kept) == 0:
        return 1.0
    both = np.ix_(factor.kept, factor.kept)
    return float(np.sqrt(_norm(factor.inverse) * _norm(system.matrix[0][both])))


def _norm(matrix: Array) -> float:
    """Return the largest eigenvalue of a positive definite matrix, by the power method."""
    vector = np.ones(len(matrix)) + np.arange(len(matrix)) / (7.0 * len(matrix))
    size = 1.0
    for _ in range(12):
        vector = matrix @ (vector / size)
        size = float(np.sqrt(vector @ vector))
        if size == 0.0:
            return 0.0
    return size


def _dependencies(moments: Moments, system: System, factor: Factor) -> list[Dependency]:
    """Express every column without a coefficient by the ones before it that have one."""
    found = []
    left_out = sorted({*np.flatnonzero(system.constant).tolist(), *factor.aliased})
    for k in left_out:
        combination: dict[str, float] = {}
        constant = system.mean[0][k]
        if not system.constant[k]:
            right = (system.matrix[0][factor.kept, k], system.matrix[1][factor.kept, k])
            weights = factor.solve(right)[0]
            size = np.sqrt(system.matrix[0].diagonal())
            for weight, j in zip(weights, factor.kept, strict=True):
                if abs(weight) * size[j] > 1e-9 * size[k]:
                    factor_of = weight * (system.scale[j] / system.scale[k])
                    combination[moments.names[j]] = float(factor_of)
                    constant -= weight * system.mean[0][j]
        if system.intercept and abs(constant) > 1e-9 * np.sqrt(system.raw_square[k] / system.rows):
            combination["intercept"] = float(constant / system.scale[k])
        found.append(Dependency(moments.names[k], combination))
    return found


def _findings(
    moments: Moments,
    answer: tuple[Array, ...],
    dependencies: tuple[Dependency, ...],
    freedom: int,
    perfect: bool,
    wanted: float,
    intercept: bool,
) -> list[Finding]:
    coefficients, _, _, trusted, _, data = answer
    labels = ("intercept", *moments.names)
    present = np.isfinite(coefficients)
    found = []
    for dependency in dependencies:
        found.append(
            Finding(
                "dependent-column",
                Severity.CAUTION,
                f"Column {dependency.column!r} has no coefficient of its own: "
                f"{dependency.sentence()}, to all digits of the data.",
                "Leave it out, or leave out one of the columns that it repeats; "
                "predictions are the same either way.",
                {"column": dependency.column, "combination": dependency.combination},
            )
        )
    if freedom <= 0:
        found.append(
            Finding(
                "no-degrees-of-freedom",
                Severity.ALARM,
                f"There are as many coefficients as rows ({moments.rows}): the fit passes through "
                "every point and nothing is left to measure the errors with.",
                "Use more rows or fewer columns.",
                {"rows": moments.rows, "degrees_of_freedom": freedom},
            )
        )
    elif perfect:
        found.append(
            Finding(
                "perfect-fit",
                Severity.NOTE,
                "The fit is perfect: the residuals are zero to the last digit, "
                "so standard errors are zero too.",
                "Check that the target was not computed from the features.",
                {"rows": moments.rows},
            )
        )
    first = 0 if intercept else 1
    poor = [i for i in range(first, len(labels)) if present[i] and trusted[i] < min(wanted, 4.0)]
    if poor:
        found.append(
            Finding(
                "few-trusted-digits",
                Severity.ALARM,
                "Few digits can be trusted: "
                + ", ".join(f"{labels[i]} ({trusted[i]:.0f})" for i in poor)
                + ".",
                "Centre or rescale the columns, drop one of those that nearly repeat each other, "
                "or give a source that can be read again.",
                {labels[i]: float(trusted[i]) for i in poor},
            )
        )
    noisy = [
        i for i in range(first, len(labels))
        if present[i] and data[i] < 3.0 and coefficients[i] != 0.0
    ]  # fmt: skip
    if noisy:
        found.append(
            Finding(
                "few-data-digits",
                Severity.CAUTION,
                "Rounding of the inputs alone leaves few digits: "
                + ", ".join(f"{labels[i]} ({data[i]:.0f})" for i in noisy)
                + ". The arithmetic is not to blame.",
                "Record these columns with more digits, or do not read meaning into "
                "these coefficients.",
                {labels[i]: float(data[i]) for i in noisy},
            )
        )
    return found
