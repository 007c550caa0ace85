"""What is asked of the engine, and what it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.moments import Moments

FULL_DIGITS = 15.95  # -log10(2**-53): what a double can hold

SMALL = 2**16  # entries; up to here all digits cost less than a millisecond
_DEFAULT_DIGITS = 8.0
_ALL_DIGITS = 15.0
STANDARD_ERROR_DIGITS = 13.0  # asked of standard errors when all digits are asked for


@dataclass(frozen=True, slots=True)
class NormalEquation:
    """Least squares by the normal equation XᵀX·β = Xᵀy, or (XᵀX + ridge·I)·β = Xᵀy.

    With ``ridge`` the fit minimises Σ w·(y − b₀ − x·β)² + ridge·Σ β²: the penalty is on the squares
    of the coefficients in the units of the data, not divided by the number of rows, and spares the
    intercept (the convention of scikit-learn's ``Ridge(alpha=)``). A ridge fit is biased on
    purpose: it has no standard errors, tests or intervals.

    Attributes
    ----------
    digits : correct significant digits to ask of every coefficient, 0 < digits <= 15; more are
        delivered when they cost nothing. ``None`` asks for 15 on small data and 8 on large.
    ridge : penalty on the squares of the coefficients, at least 0.
    """

    digits: float | None = None
    ridge: float = 0.0

    def __post_init__(self) -> None:
        check_penalty(self.ridge)
        digits: Any = self.digits
        if digits is None:
            return
        number = isinstance(digits, Real) and not isinstance(digits, bool)
        if not number or not 0.0 < digits <= _ALL_DIGITS:
            raise InputError(
                f"digits must lie in (0, 15]; got {digits!r}. A double holds no more than 15."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the method as plain data for JSON."""
        return {"name": "normal-equation", "digits": self.digits, "ridge": self.ridge}

    def digits_for(self, entries: int) -> float:
        """Return the digits to ask for in a table of so many numbers."""
        if self.digits is not None:
            return self.digits
        return _ALL_DIGITS if entries <= SMALL else _DEFAULT_DIGITS


def check_penalty(ridge: Any, *, name: str = "ridge") -> float:
    """Return a ridge penalty as a float, or say what one is."""
    number = isinstance(ridge, Real) and not isinstance(ridge, bool)
    if not number or not 0.0 <= ridge < math.inf:
        raise InputError(
            f"{name} must be a finite number of at least 0; got {ridge!r}. 0 is least squares "
            "without a penalty."
        )
    return float(ridge)


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
    standard_errors : (k,) NaN where aliased, without degrees of freedom, or where the
        residuals could not be resolved.
    trusted_digits : (k,) significant digits of the coefficients that are correct.
    standard_error_digits : (k,) the same of the standard errors.
    data_digits : (k,) digits that survive half a unit in the last place of noise in the inputs.
    predictor_means, predictor_mean_lows : (p,) zero through the origin.
    target_mean, target_mean_low : zero through the origin.
    scales : (p,) powers of two; u = (x − mean) · scale.
    inverse_root : (p, p) upper triangular U with U·Uᵀ the inverse of Σuuᵀ; zero in the rows and
        columns of aliased predictors. Variances are sums of squares in U: nothing cancels.
    residual_sum_of_squares, total_sum_of_squares : the latter about the mean with an intercept,
        about zero without.
    rows, rank, degrees_of_freedom : observations, estimated coefficients, their difference.
    dependencies : what each aliased column equals.
    condition_number : of the centred, equilibrated predictors.
    tier : precision of the Gram matrix that was needed, 0 to 2.
    passes : refinement passes over the rows.
    findings : what the reader should know.
    moments : the sums that were solved.
    minimal : whether the coefficients are those of least squares; what is derived from a minimum
        (errors, F, likelihood) is not defined otherwise.
    ridge : penalty on the squares of the coefficients. With one ``inverse_root`` is that of
        Σuuᵀ + penalty, and there are no standard errors.
    shrinkage : by how much the penalty lowers the effective number of coefficients.
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
    inverse_root: Array
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
    minimal: bool = True
    ridge: float = 0.0
    shrinkage: float = 0.0

    @property
    def effective_rank(self) -> float:
        """Effective number of coefficients, the trace of the hat matrix; the rank without ridge."""
        return self.rank - self.shrinkage

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the rows; their number where they have none."""
        return self.moments.total_weight[0]
