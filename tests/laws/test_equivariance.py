"""Change the units, the origin or the order of the data: the fit changes along, and by no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gausswork.leastsquares.solution import Solution
from gausswork.leastsquares.solve import least_squares
from tests.laws.data_sets import Array, grid_data, orders
from tests.laws.rows import Rows

# Well-conditioned data and 15 digits asked for: answers to equal data agree to a few roundings.
SAME = 4e-15
# A power of ten is no power of two: the changed data are rounded, each by half a unit in the last
# place, and that moves a well-conditioned solution by some 1e-15.
ROUNDED = 1e-13


def _fit(x: Array, y: Array, **options: bool) -> Solution:
    return least_squares(Rows(x, y), **options)


powers_of_ten = st.integers(-30, 30).map(lambda k: 10.0**k)
powers_of_two = st.integers(-100, 100).map(lambda k: 2.0**k)


@given(grid_data(), orders)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_changes_no_digit_shown(
    data: tuple[Array, Array], order: int
) -> None:
    x, y = data
    shuffled = np.random.default_rng(order).permutation(len(y))
    one, other = _fit(x, y), _fit(x[shuffled], y[shuffled])
    np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=SAME)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=SAME)


@given(grid_data(), orders)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_columns_changes_no_digit_shown(
    data: tuple[Array, Array], order: int
) -> None:
    x, y = data
    shuffled = np.random.default_rng(order).permutation(x.shape[1])
    one, other = _fit(x, y), _fit(x[:, shuffled], y)
    np.testing.assert_allclose(other.coefficients[1:], one.coefficients[1:][shuffled], rtol=SAME)
    np.testing.assert_allclose(other.coefficients[0], one.coefficients[0], rtol=SAME)


@given(grid_data(), st.lists(powers_of_two, min_size=5, max_size=5))
@settings(max_examples=40, deadline=None)
def test_binary_units_change_no_bit(data: tuple[Array, Array], units: list[float]) -> None:
    x, y = data
    p = x.shape[1]
    unit, target_unit = np.array(units[:p]), units[-1]
    one, other = _fit(x, y), _fit(x * unit, y * target_unit)
    expected = one.coefficients * target_unit / np.append(1.0, unit)
    np.testing.assert_array_equal(other.coefficients, expected)
    np.testing.assert_array_equal(other.trusted_digits, one.trusted_digits)
    expected = one.standard_errors * target_unit / np.append(1.0, unit)
    np.testing.assert_array_equal(other.standard_errors, expected)


@pytest.mark.parametrize("intercept", [True, False])
@given(grid_data(), st.lists(powers_of_ten, min_size=5, max_size=5))
@settings(max_examples=40, deadline=None)
def test_units_between_1e_30_and_1e30_change_the_coefficients_along(
    intercept: bool, data: tuple[Array, Array], units: list[float]
) -> None:
    x, y = data
    p = x.shape[1]
    unit, target_unit = np.array(units[:p]), units[-1]
    one, other = (
        _fit(x, y, intercept=intercept),
        _fit(x * unit, y * target_unit, intercept=intercept),
    )
    all_units = np.append(1.0, unit) if intercept else unit
    size = np.abs(one.coefficients) + one.standard_errors
    back = other.coefficients * all_units / target_unit
    np.testing.assert_array_less(np.abs(back - one.coefficients), ROUNDED * size)
    back = other.standard_errors * all_units / target_unit
    np.testing.assert_allclose(back, one.standard_errors, rtol=ROUNDED)


@given(
    grid_data(),
    st.lists(st.integers(-(10**8), 10**8).map(float), min_size=4, max_size=4),
    st.integers(-(10**8), 10**8).map(float),
)
@settings(max_examples=40, deadline=None)
def test_offsets_up_to_1e8_leave_the_slopes_alone(
    data: tuple[Array, Array], offsets: list[float], target_offset: float
) -> None:
    """The offsets are exact on the grid, so all 15 digits of slopes and errors must stay."""
    x, y = data
    offset = np.array(offsets[: x.shape[1]])
    assert np.array_equal((x + offset) - offset, x)
    one, other = _fit(x, y), _fit(x + offset, y + target_offset)
    np.testing.assert_allclose(other.coefficients[1:], one.coefficients[1:], rtol=SAME)
    np.testing.assert_allclose(other.standard_errors[1:], one.standard_errors[1:], rtol=SAME)
    assert other.residual_sum_of_squares == pytest.approx(one.residual_sum_of_squares, rel=SAME)
    # the intercept moves to where the new origin is; it is the sum of parts of this size
    parts = np.append(one.coefficients, target_offset) * np.append(1.0, np.append(offset, 1.0))
    expected = one.coefficients[0] + target_offset - offset @ one.coefficients[1:]
    assert abs(other.coefficients[0] - expected) <= SAME * np.abs(parts).sum()


@given(grid_data(), st.lists(st.integers(-4, 4).map(float), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_adding_a_multiple_of_a_predictor_to_the_target_shifts_its_coefficient(
    data: tuple[Array, Array], added: list[float]
) -> None:
    x, y = data
    more = np.array(added[: x.shape[1]])
    one, other = _fit(x, y), _fit(x, y + x @ more)
    size = np.abs(one.coefficients[1:]) + np.abs(more)
    moved = np.abs(other.coefficients[1:] - (one.coefficients[1:] + more))
    np.testing.assert_array_less(moved, SAME * size)
    assert other.residual_sum_of_squares == pytest.approx(one.residual_sum_of_squares, rel=SAME)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=SAME)


@given(grid_data(), st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_repeating_every_row_keeps_the_coefficients(data: tuple[Array, Array], times: int) -> None:
    x, y = data
    one, other = _fit(x, y), _fit(np.repeat(x, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=SAME)
    rss = times * one.residual_sum_of_squares
    assert other.residual_sum_of_squares == pytest.approx(rss, rel=SAME)
    assert other.degrees_of_freedom == times * one.rows - one.rank
    # s² times the inverse of `times` copies of X'X
    factor = np.sqrt(one.degrees_of_freedom / other.degrees_of_freedom)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors * factor, rtol=SAME)


@given(grid_data(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_repeated_column_is_named_and_changes_nothing_else(
    data: tuple[Array, Array], which: int
) -> None:
    x, y = data
    j = which % x.shape[1]
    one, other = _fit(x, y), _fit(np.column_stack([x, 3.0 * x[:, j] - 7.0]), y)
    assert [d.column for d in other.dependencies] == [f"x{x.shape[1] + 1}"]
    assert other.dependencies[0].combination == pytest.approx({f"x{j + 1}": 3.0, "intercept": -7.0})
    assert np.isnan(other.coefficients[-1])
    np.testing.assert_allclose(other.coefficients[:-1], one.coefficients, rtol=SAME)
    np.testing.assert_allclose(other.standard_errors[:-1], one.standard_errors, rtol=SAME)


def test_memory_order_and_precision_of_the_container_change_nothing() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = rng.normal(size=200).astype(np.float32)
    one = _fit(x.astype(np.float64), y.astype(np.float64))
    for other in (_fit(np.asfortranarray(x), y), _fit(np.asfortranarray(x, np.float64), y)):
        np.testing.assert_array_equal(other.coefficients, one.coefficients)
