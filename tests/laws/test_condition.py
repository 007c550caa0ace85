"""Condition numbers from 10² to 10¹⁴: fifteen digits when asked for, and promised."""

from __future__ import annotations

import numpy as np
import pytest

from gausswork.leastsquares.solve import NormalEquation, least_squares
from tests.laws.rows import Rows
from tests.reference.exact import digits, exact_fit


@pytest.mark.parametrize("exponent", range(2, 15))
@pytest.mark.parametrize("shape", [(60, 4), (400, 8)])
def test_fifteen_digits_at_any_condition(shape: tuple[int, int], exponent: int) -> None:
    rows, columns = shape
    rng = np.random.default_rng([exponent, columns])
    left = np.linalg.qr(rng.normal(size=shape))[0]
    right = np.linalg.qr(rng.normal(size=(columns, columns)))[0]
    x = (left * np.logspace(0, -exponent, columns)) @ right.T * np.sqrt(rows)
    y = 1 + x.sum(axis=1) + 0.1 * rng.normal(size=rows)
    solution = least_squares(Rows(x, y), method=NormalEquation(digits=15.0))
    truth = exact_fit(x, y).coefficients
    true = [digits(float(b), t) for b, t in zip(solution.coefficients, truth, strict=True)]
    assert min(true) >= 15.0
    promised = 15.0 if exponent <= 12 else 11.0  # there the bounds are ten thousand times too large
    assert solution.trusted_digits.min() >= promised
