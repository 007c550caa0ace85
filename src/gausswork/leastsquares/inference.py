"""What a least-squares solution lets one say: tests, intervals, fit statistics.

Every function takes a :class:`~gausswork.leastsquares.solution.Solution` and computes one thing.
Undefined quantities are NaN, never a division warning; the findings of the solution and of
:func:`findings` say why.

Conventions: residual variance is RSS / (n - rank). The log-likelihood is the Gaussian one at its
maximum (variance RSS / n); AIC and BIC count the residual variance as a parameter, as R does
(statsmodels does not: its AIC is smaller by 2, its BIC by log n). With weights every sum of squares
is a weighted one, and n counts the rows of positive weight, or the rows that frequencies stand for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity

if TYPE_CHECKING:
    from gausswork.leastsquares.solution import Solution

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

_NOTHING = 4.0 * 2.0**-52  # a share of the squares that is the rounding of 1 − RSS / TSS


class FTest(NamedTuple):
    """A variance-ratio test of all predictors together."""

    statistic: float
    numerator_df: int
    denominator_df: int
    p_value: float


def check_level(level: float, *, name: str = "level") -> float:
    """Return ``level`` as a float, or say how a confidence level is written.

    ``name`` is what the user calls the argument.
    """
    try:
        value = float(level)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} must be a number in (0, 1); got {level!r}. For 95 % write 0.95."
        ) from None
    if 0.0 < value < 1.0:
        return value
    hint = f" Did you mean {value / 100:g}?" if 1.0 < value < 100.0 else " For 95 % write 0.95."
    raise InputError(f"{name} must lie in (0, 1); got {level!r}.{hint}")


def t_quantile(level: float, degrees_of_freedom: int) -> float:
    """Return the half-width, in standard errors, of a two-sided interval; NaN without any df."""
    level = check_level(level)
    if degrees_of_freedom < 1:
        return math.nan
    from scipy.special import stdtrit

    # The lower tail keeps the digits of 1 - level; 1 - tail / 2 would round them away.
    return float(-stdtrit(float(degrees_of_freedom), (1.0 - level) / 2))


def residual_sd(solution: Solution) -> float:
    """Return the residual standard deviation; NaN when no degrees of freedom are left."""
    freedom = _freedom(solution)
    return math.sqrt(solution.residual_sum_of_squares / freedom) if freedom > 0 else math.nan


def _freedom(solution: Solution) -> float:
    """Return n less the effective number of coefficients: the degrees of freedom without ridge."""
    return solution.rows - solution.effective_rank


def t_values(solution: Solution) -> Vector:
    """Return estimate / standard error, (k,): infinite for a perfect fit, NaN where undefined."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(solution.coefficients / solution.standard_errors, dtype=np.float64)


def p_values(solution: Solution) -> Vector:
    """Return two-sided p-values of the t tests, (k,), accurate far into the tails."""
    if solution.degrees_of_freedom < 1:
        return np.full(len(solution.coefficients), np.nan)
    from scipy.special import stdtr

    # Twice the lower tail: 1 - cdf(|t|) is zero beyond |t| of about 8.
    lower = stdtr(float(solution.degrees_of_freedom), -np.abs(t_values(solution)))
    return np.asarray(2.0 * lower, dtype=np.float64)


def confidence_intervals(solution: Solution, *, level: float = 0.95) -> Matrix:
    """Return lower and upper limits of the coefficients, (k, 2)."""
    with np.errstate(over="ignore", invalid="ignore"):
        half = t_quantile(level, solution.degrees_of_freedom) * solution.standard_errors
        limits = np.column_stack((solution.coefficients - half, solution.coefficients + half))
    limits[~np.isfinite(half) | ~np.isfinite(solution.coefficients)] = np.nan
    return limits


def covariance(solution: Solution) -> Matrix:
    """Return the covariance of the estimates, (k, k); rows of aliased terms are NaN.

    Everything is NaN after a ridge: a variance alone says not how far off a shrunk estimate is.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.square(residual_sd(solution))
        root = solution.scales[:, None] * solution.inverse_root
        slopes = root @ root.T
        if solution.intercept:
            leaning = root.T @ solution.predictor_means
            shared = -root @ leaning
            k = len(solution.coefficients)
            unit = np.empty((k, k))
            unit[1:, 1:] = slopes
            unit[0, 1:] = unit[1:, 0] = shared
            unit[0, 0] = 1.0 / solution.total_weight + leaning @ leaning
        else:
            unit = slopes
        result = np.asarray(variance * unit, dtype=np.float64)
        # The standard errors are certified; the products above only round.
        np.fill_diagonal(result, solution.standard_errors**2)
    if not solution.minimal or solution.ridge:
        result[:] = np.nan
    aliased = np.isnan(solution.coefficients)
    result[aliased, :] = np.nan
    result[:, aliased] = np.nan
    return result


def r_squared_definition(solution: Solution) -> str:
    """Return ``"centred"`` (compared with the mean) or ``"uncentred"`` (compared with zero)."""
    return "centred" if solution.intercept else "uncentred"


def r_squared(solution: Solution) -> float:
    """Return 1 - RSS / TSS; NaN for a target without spread."""
    if not solution.total_sum_of_squares > 0.0:
        return math.nan
    explained = 1.0 - solution.residual_sum_of_squares / solution.total_sum_of_squares
    return 0.0 if abs(explained) <= _NOTHING else explained


def adjusted_r_squared(solution: Solution) -> float:
    """Return R² with both sums divided by their degrees of freedom."""
    freedom = _freedom(solution)
    if not solution.total_sum_of_squares > 0.0 or freedom <= 0:
        return math.nan
    unexplained = solution.residual_sum_of_squares / solution.total_sum_of_squares
    return 1.0 - unexplained * (solution.rows - solution.intercept) / freedom


def f_test(solution: Solution) -> FTest:
    """Test all predictors together against the mean alone, or against zero without intercept."""
    numerator_df = solution.rank - int(solution.intercept)
    denominator_df = solution.degrees_of_freedom
    total, residual = solution.total_sum_of_squares, solution.residual_sum_of_squares
    undefined = not solution.minimal or bool(solution.ridge)
    if numerator_df < 1 or denominator_df < 1 or not total > 0.0 or undefined:
        return FTest(math.nan, numerator_df, denominator_df, math.nan)
    # Ratios first: the sums of squares of data near 1e150 are near the largest double.
    unexplained = residual / total
    explained = max(1.0 - unexplained, 0.0)
    if unexplained == 0.0:
        return FTest(math.inf, numerator_df, denominator_df, 0.0)
    statistic = explained / unexplained * denominator_df / numerator_df
    p_value = f_tail(statistic, numerator_df, denominator_df)
    return FTest(statistic, numerator_df, denominator_df, p_value)


def f_tail(statistic: float, numerator_df: float, denominator_df: float) -> float:
    """Return the probability that an F variable is larger, accurate far into the tail."""
    if not math.isfinite(statistic):
        return 0.0 if statistic > 0 else math.nan
    from scipy.special import betaincc, fdtrc

    share = numerator_df * statistic / (denominator_df + numerator_df * statistic)
    if share < 0.5:  # many degrees of freedom: fdtrc rounds 1 - share and loses digits
        return float(betaincc(numerator_df / 2, denominator_df / 2, share))
    return float(fdtrc(float(numerator_df), float(denominator_df), statistic))


def log_likelihood(solution: Solution) -> float:
    """Return the Gaussian log-likelihood at its maximum; infinite for a perfect fit.

    With analytic weights w the errors have variances σ²/w, which adds Σ log w / 2.
    """
    if not solution.minimal:
        return math.nan
    variance = solution.residual_sum_of_squares / solution.rows
    if variance == 0.0:
        return math.inf
    alike = -0.5 * solution.rows * (math.log(2 * math.pi) + math.log(variance) + 1.0)
    return alike + 0.5 * solution.moments.log_weights


def aic(solution: Solution) -> float:
    """Return -2 log-likelihood + 2 (rank + 1); with ridge the effective rank."""
    return -2.0 * log_likelihood(solution) + 2.0 * (solution.effective_rank + 1)


def bic(solution: Solution) -> float:
    """Return -2 log-likelihood + log(n) (rank + 1); with ridge the effective rank."""
    parameters = solution.effective_rank + 1
    return -2.0 * log_likelihood(solution) + math.log(solution.rows) * parameters


def findings(solution: Solution) -> tuple[Finding, ...]:
    """Say in words what leaves R² and F undefined; what concerns errors the solution has said."""
    total = solution.total_sum_of_squares
    if total > 0.0:
        return ()
    what = "never varies" if solution.intercept else "is zero in every row"
    return (
        Finding(
            "constant-target",
            Severity.ALARM,
            f"The target {what}: there is nothing to explain, and R² and F are undefined.",
            "Check that the right column is the target.",
            {"rows": solution.rows, "total_sum_of_squares": total},
        ),
    )
