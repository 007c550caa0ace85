"""Least squares without rounding: exact rational solutions of binary64 data.

Every binary64 number is an integer times a power of two, so the normal equation has an exact
rational solution. It is found here with fraction-free elimination (Bareiss 1968): the truth
that the engine's digits are measured against. Slow, simple, and independent of the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

import mpmath
import numpy as np
import numpy.typing as npt

CAP = 16.0  # a binary64 number agrees with anything to at most about 16 digits
PRECISION = 60  # decimal digits of the square roots; 50 are promised


@dataclass(frozen=True, slots=True)
class ExactFit:
    """The exact least-squares solution of some binary64 data.

    Attributes
    ----------
    coefficients : (k,) intercept first when there is one; None where the column is an exact
        linear combination of earlier ones.
    residual_sum_of_squares, total_sum_of_squares : exact; the total is centred with an
        intercept, raw through the origin.
    unscaled_variances : (k,) diagonal of the inverse of X'X.
    rows : number of rows.
    rank : number of estimated coefficients.
    """

    coefficients: tuple[Fraction | None, ...]
    residual_sum_of_squares: Fraction
    total_sum_of_squares: Fraction
    unscaled_variances: tuple[Fraction | None, ...]
    rows: int
    rank: int

    @property
    def degrees_of_freedom(self) -> int:
        """Rows less estimated coefficients."""
        return self.rows - self.rank

    @property
    def variances(self) -> tuple[Fraction | None, ...]:
        """(k,) squares of the standard errors, exact; None where there is none."""
        df = self.degrees_of_freedom
        if df <= 0:
            return (None,) * len(self.coefficients)
        sigma2 = self.residual_sum_of_squares / df
        return tuple(None if v is None else sigma2 * v for v in self.unscaled_variances)

    @property
    def standard_errors(self) -> tuple[mpmath.mpf | None, ...]:
        """(k,) standard errors to 50 digits."""
        return tuple(None if v is None else square_root(v) for v in self.variances)

    @property
    def r_squared(self) -> Fraction:
        """Share of the total sum of squares that is explained."""
        return 1 - self.residual_sum_of_squares / self.total_sum_of_squares


def square_root(value: Fraction) -> mpmath.mpf:
    """Return the square root of an exact number to at least 50 digits."""
    with mpmath.workdps(PRECISION):
        return mpmath.sqrt(mpmath.mpf(value.numerator) / mpmath.mpf(value.denominator))


def exact_fit(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    intercept: bool = True,
    weights: npt.ArrayLike | None = None,
    frequencies: bool = False,
) -> ExactFit:
    """Solve least squares exactly.

    Parameters
    ----------
    x : (n, p) or (n,) finite numbers, converted to binary64 (exact for float32 and small integers).
    y : (n,) finite numbers.
    intercept : whether a column of ones comes first.
    weights : (n,) of the rows, taken as they are; rows of weight zero are no observations.
    frequencies : whether a weight counts equal rows.
    """
    table = np.asarray(x, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    target = np.asarray(y, dtype=np.float64)
    columns = [_integers(column) for column in table.T]
    if intercept:
        columns.insert(0, ([1] * len(target), 0))
    if weights is None:
        return _solve(columns, _integers(target), centred=intercept)
    w = np.asarray(weights, dtype=np.float64)
    rows = int(w.sum()) if frequencies else int(np.count_nonzero(w))
    return _solve(columns, _integers(target), centred=intercept, weights=_integers(w), count=rows)


def exact_ridge(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    ridge: float,
    *,
    intercept: bool = True,
    weights: npt.ArrayLike | None = None,
) -> tuple[tuple[Fraction, ...], Fraction]:
    """Solve (X'WX + ridge·I)b = X'Wy exactly, the intercept without penalty.

    Returns
    -------
    (k,) coefficients, and the weighted residual sum of squares.
    """
    table = np.asarray(x, dtype=np.float64)
    target = [Fraction(v) for v in np.asarray(y, np.float64).tolist()]
    rows = [[Fraction(v) for v in row] for row in table.tolist()]
    if intercept:
        rows = [[Fraction(1), *row] for row in rows]
    w = [Fraction(1)] * len(target)
    if weights is not None:
        w = [Fraction(v) for v in np.asarray(weights, np.float64).tolist()]
    heavy = [[a * v for v in row] for a, row in zip(w, rows, strict=True)]
    columns, heavy_columns = list(zip(*rows, strict=True)), list(zip(*heavy, strict=True))
    matrix = [[sum(map(mul, a, b), Fraction(0)) for b in columns] for a in heavy_columns]
    for j in range(int(intercept), len(matrix)):
        matrix[j][j] += Fraction(ridge)
    for line, column in zip(matrix, heavy_columns, strict=True):
        line.append(sum(map(mul, column, target), Fraction(0)))
    for k in range(len(matrix)):
        for other in range(len(matrix)):
            if other != k and matrix[other][k]:
                factor = matrix[other][k] / matrix[k][k]
                matrix[other] = [
                    a - factor * b for a, b in zip(matrix[other], matrix[k], strict=True)
                ]
    solution = tuple(line[-1] / line[k] for k, line in enumerate(matrix))
    residuals = [v - sum(map(mul, solution, row)) for v, row in zip(target, rows, strict=True)]
    square = sum((a * r * r for a, r in zip(w, residuals, strict=True)), Fraction(0))
    return solution, square


def exact_fit_rational(
    columns: Sequence[Sequence[Fraction]], y: Sequence[Fraction], *, intercept: bool = True
) -> ExactFit:
    """Solve least squares exactly for rational data, such as decimals before any rounding.

    Parameters
    ----------
    columns : p columns of n fractions.
    y : n fractions.
    """
    scaled = [_common_denominator(column) for column in columns]
    target, target_denominator = _common_denominator(y)
    if intercept:
        scaled.insert(0, ([1] * len(target), 1))
    whole = _solve([(c, 0) for c, _ in scaled], (target, 0), centred=intercept)
    denominators = [d for _, d in scaled]
    return ExactFit(
        coefficients=tuple(
            None if b is None else b * d / target_denominator
            for b, d in zip(whole.coefficients, denominators, strict=True)
        ),
        residual_sum_of_squares=whole.residual_sum_of_squares / target_denominator**2,
        total_sum_of_squares=whole.total_sum_of_squares / target_denominator**2,
        unscaled_variances=tuple(
            None if v is None else v * d * d
            for v, d in zip(whole.unscaled_variances, denominators, strict=True)
        ),
        rows=whole.rows,
        rank=whole.rank,
    )


def relative_error(value: float | tuple[float, float], truth: Fraction | mpmath.mpf) -> float:
    """Return abs(value - truth) / abs(truth) without rounding; inf where only the truth is zero.

    A pair (high, low) stands for the sum of the two.
    """
    parts = value if isinstance(value, tuple) else (value,)
    if not all(math.isfinite(part) for part in parts):
        return math.inf
    exact = truth if isinstance(truth, Fraction) else _fraction(truth)
    error = abs(sum((Fraction(float(part)) for part in parts), Fraction(0)) - exact)
    if error == 0:
        return 0.0
    if exact == 0:
        return math.inf
    ratio = error / abs(exact)
    exponent = math.log10(ratio.numerator) - math.log10(ratio.denominator)
    return float(10.0 ** max(min(exponent, 300.0), -300.0))


def digits(
    value: float | tuple[float, float], truth: Fraction | mpmath.mpf, *, cap: float = CAP
) -> float:
    """Return the log relative error: how many significant digits of ``value`` are right.

    Between 0 and ``cap``. Where the truth is zero, only zero is right.
    """
    error = relative_error(value, truth)
    if error == 0.0:
        return cap
    return min(max(0.0, -math.log10(error)), cap) if error < math.inf else 0.0


def _fraction(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    whole = -int(mantissa) if sign else int(mantissa)
    return Fraction(whole) * Fraction(2) ** exponent


def _integers(column: npt.NDArray[np.float64]) -> tuple[list[int], int]:
    """Write a column as integers times one power of two: (n integers, exponent)."""
    if not np.isfinite(column).all():
        raise ValueError("exact arithmetic needs finite numbers")
    pairs = [value.as_integer_ratio() for value in column.tolist()]
    shift = max((d.bit_length() - 1 for _, d in pairs), default=0)  # denominators are powers of two
    numbers = [n << (shift - d.bit_length() + 1) for n, d in pairs]
    common = 0
    for number in numbers:
        common |= number  # shared trailing zeros: keeps the integers short for huge units
    trailing = (common & -common).bit_length() - 1 if common else 0
    return [number >> trailing for number in numbers], trailing - shift


def _common_denominator(column: Sequence[Fraction]) -> tuple[list[int], int]:
    denominator = math.lcm(*(value.denominator for value in column))
    return [int(value * denominator) for value in column], denominator


def _solve(
    columns: list[tuple[list[int], int]],
    target: tuple[list[int], int],
    *,
    centred: bool,
    weights: tuple[list[int], int] | None = None,
    count: int = 0,
) -> ExactFit:
    y, y_exponent = target
    values = [column for column, _ in columns]
    k, rows = len(values), len(y)
    weight, heavy, weighted_y, weight_unit = [1] * rows, values, y, Fraction(1)
    if weights is not None:
        weight, weight_unit, rows = weights[0], Fraction(2) ** weights[1], count
        heavy = [list(map(mul, weight, column)) for column in values]
        weighted_y = list(map(mul, weight, y))
    # [X'X | X'y | I], reduced without fractions: every entry stays an integer (a minor of X'X)
    table = [
        [sum(map(mul, a, b)) for b in values]
        + [sum(map(mul, a, y))]
        + [int(i == j) for j in range(k)]
        for i, a in enumerate(heavy)
    ]
    kept: list[int] = []
    previous = 1
    for step in range(k):
        pivot = table[step][step]
        if pivot == 0:  # X'X is positive semidefinite: an exact zero is an exact dependency
            continue
        for row in range(k):
            if row == step:
                continue
            factor = table[row][step]
            table[row] = [
                (pivot * entry - factor * other) // previous
                for entry, other in zip(table[row], table[step], strict=True)
            ]
        previous = pivot
        kept.append(step)
    determinant = previous
    total = sum(map(mul, weighted_y, y))
    fitted = sum(
        (Fraction(table[j][k] * sum(map(mul, heavy[j], y)), determinant) for j in kept),
        Fraction(0),
    )
    unit = Fraction(2) ** (2 * y_exponent) * weight_unit
    centre = Fraction(sum(weighted_y) ** 2, sum(weight)) if centred and rows else Fraction(0)
    scale = [Fraction(2) ** exponent for _, exponent in columns]
    is_kept = set(kept)
    return ExactFit(
        coefficients=tuple(
            Fraction(table[j][k], determinant) * Fraction(2) ** y_exponent / scale[j]
            if j in is_kept
            else None
            for j in range(k)
        ),
        residual_sum_of_squares=(total - fitted) * unit,
        total_sum_of_squares=(total - centre) * unit,
        unscaled_variances=tuple(
            Fraction(table[j][k + 1 + j], determinant) / scale[j] ** 2 / weight_unit
            if j in is_kept
            else None
            for j in range(k)
        ),
        rows=rows,
        rank=len(kept),
    )
