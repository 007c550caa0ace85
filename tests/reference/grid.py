"""Large problems whose exact solution is known: entries on a grid of 22 bits.

Products and sums of such numbers can be added up exactly in float64, halves at a time, so X'X and
X'y are exact integers however many rows there are; float32 holds the same data.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

UNIT = 2.0**-18
_LARGEST = 2**22 - 1  # in units: entries stay below 16
_HALF = 2.0**11
_FRACTION_BITS = 512  # of the fixed-point solution: some 150 digits


@dataclass(frozen=True, slots=True)
class GridProblem:
    """Predictors x (n, p) and target y (n,) in float64, multiples of 2⁻¹⁸ below 16."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


def grid_problem(rows: int, columns: int, *, seed: int = 0) -> GridProblem:
    """Return correlated predictors with means of their own, and y = 1 + Σx + noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, columns))
    common = rng.standard_normal(rows)
    x *= 0.8
    x += 0.6 * common[:, None]
    x += rng.uniform(-3, 3, size=columns)
    _round(x)
    y = 1.0 + x.sum(axis=1) / np.sqrt(columns) + rng.standard_normal(rows)
    _round(y)
    return GridProblem(x, y)


def _round(values: npt.NDArray[np.float64]) -> None:
    values /= UNIT
    np.rint(values, out=values)
    np.clip(values, -_LARGEST, _LARGEST, out=values)
    values *= UNIT


def exact_coefficients(problem: GridProblem) -> list[Fraction]:
    """Return intercept and slopes to more than 100 digits, with a certificate.

    Newton's iteration with exact residuals in integers and an approximate inverse; the remaining
    error is bounded by the inverse times the last residual, and checked.
    """
    gram, right = _exact_normal_equation(problem)
    k = len(right)
    size = np.sqrt(np.array([float(gram[j][j]) for j in range(k)]))
    scaled = np.array([[float(v) for v in row] for row in gram]) / size[:, None] / size
    inverse = np.linalg.inv(scaled)
    one = 1 << _FRACTION_BITS
    table = np.array(gram, dtype=object)
    solution = np.zeros(k, dtype=object)
    for _ in range(60):
        residual = np.array([v * one for v in right], dtype=object) - table @ solution
        length = max(abs(int(v)) for v in residual)
        if length <= 2 * k * max(abs(int(v)) for v in table.diagonal()):
            break  # nothing left but the last bits of the fixed-point numbers
        exponent = max(length.bit_length() - 900, 0)
        floats = np.array([float(int(v) >> exponent) for v in residual]) / size
        step = (inverse @ floats) / size
        whole = [int(Fraction(float(s)) * 2**exponent) for s in step]
        solution = solution + np.array(whole, dtype=object)  # NumPy would make 2**63 a float
    else:
        raise ArithmeticError("the exact solution did not converge")
    lengths = np.array([float(Fraction(int(v), one)) for v in residual]) / size
    bound = 2.0 * float(np.abs(inverse).sum(axis=1).max()) * float(np.abs(lengths).max())
    smallest = min(
        abs(float(Fraction(int(b), one))) * s for b, s in zip(solution, size, strict=True)
    )
    if not bound <= 1e-100 * smallest:
        raise ArithmeticError(f"the exact solution is not certain: {bound} beside {smallest}")
    exact = [Fraction(int(b), one) for b in solution]
    exact[0] *= Fraction(UNIT)  # its column is 1, not one unit of the grid
    return exact


def _exact_normal_equation(problem: GridProblem) -> tuple[list[list[int]], list[int]]:
    """Return [1 X]'[1 X] and [1 X]'y as integers; slopes and y are in the same units."""
    x, y = problem.x, problem.y
    p = x.shape[1]
    total: Any = np.zeros((p + 2, p + 2), dtype=object)
    for start in range(0, len(y), 2**16):
        rows = slice(start, start + 2**16)
        z = np.column_stack([np.full(len(y[rows]), UNIT), x[rows], y[rows]]) / UNIT
        high = np.rint(z / _HALF)
        low = z - high * _HALF
        # each sum has at most 2**16 products below 2**22: exact in float64 in any order
        parts = (high.T @ high, high.T @ low, low.T @ low)
        hh, hl, ll = (part.astype(np.int64).astype(object) for part in parts)
        total += (hh << 22) + ((hl + hl.T) << 11) + ll
    gram = [[int(v) for v in row[: p + 1]] for row in total[: p + 1]]
    right = [int(v) for v in total[: p + 1, p + 1]]
    return gram, right
