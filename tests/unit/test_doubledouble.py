"""Double-double arithmetic against exact rational numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gausswork.leastsquares import doubledouble as dd

number = st.floats(-1e80, 1e80).filter(lambda v: v == 0.0 or abs(v) > 1e-80)
tail = st.floats(-1.0, 1.0).filter(lambda v: v == 0.0 or abs(v) > 1e-6)


def exact(a: dd.DoubleDouble) -> Fraction:
    """The value of a double-double."""
    return Fraction(float(a[0])) + Fraction(float(a[1]))


def build(high: float, low: float) -> dd.DoubleDouble:
    """A normalised double-double with a full low word."""
    return dd.normalize(high, high * low * 2.0**-54)


@given(number, number)
def test_error_free_transformations_are_exact(a: float, b: float) -> None:
    """Promise: a sum or product and its error are together the exact result."""
    assert exact(dd.two_sum(a, b)) == Fraction(a) + Fraction(b)
    assert exact(dd.two_product(a, b)) == Fraction(a) * Fraction(b)


@pytest.mark.parametrize(
    ("operation", "truth"),
    [
        (dd.add, lambda a, b: a + b),
        (dd.subtract, lambda a, b: a - b),
        (dd.multiply, lambda a, b: a * b),
        (dd.divide, lambda a, b: a / b),
    ],
)
@given(number, tail, number, tail)
def test_operations_keep_thirty_digits(
    operation: Callable[..., Any],
    truth: Callable[..., Any],
    a: float,
    a_low: float,
    b: float,
    b_low: float,
) -> None:
    """Promise: each operation errs by less than 2⁻¹⁰⁰ of its operands' size."""
    x, y = build(a, a_low), build(b, b_low)
    if operation is dd.divide and b == 0.0:
        return
    wanted = truth(exact(x), exact(y))
    operands = [] if operation in (dd.multiply, dd.divide) else [abs(a), abs(b)]
    size = max([abs(wanted), *operands])
    assert abs(exact(operation(x, y)) - wanted) <= Fraction(size) / 2**100


@given(st.floats(1e-80, 1e80), tail)
def test_square_root(a: float, low: float) -> None:
    """Promise: the square of the root is the number, to thirty digits."""
    x = build(a, low)
    assert abs(exact(dd.square_root(x)) ** 2 - exact(x)) <= exact(x) / 2**99


@given(st.lists(number, max_size=40))
def test_totals_of_any_length(values: list[float]) -> None:
    """Promise: sums lose no digits to cancellation short of double-double's own."""
    high, low = dd.total(dd.promote(np.array(values)))
    wanted = sum(map(Fraction, values), Fraction(0))
    size = sum((abs(Fraction(v)) for v in values), Fraction(0))
    assert abs(exact((high, low)) - wanted) <= size / 2**98


def test_sums_run_along_the_first_axis() -> None:
    """Promise: blocks of matrices add up entry by entry."""
    blocks = np.random.default_rng(0).normal(size=(7, 3, 2))
    high, low = dd.total(dd.promote(blocks))
    assert high.shape == low.shape == (3, 2)
    assert np.allclose(high, blocks.sum(axis=0))


def test_plain_sums_would_not_pass() -> None:
    """Control: the same check sees what float64 loses."""
    values = [1e40, 1.0, -1e40]
    assert sum(values) == 0.0
    assert dd.total(dd.promote(np.array(values)))[0] == 1.0
