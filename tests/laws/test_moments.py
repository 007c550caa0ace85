"""Moments add up: in any order, in any grouping, from any split of the rows."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gausswork.leastsquares.moments import Moments, accumulate
from gausswork.leastsquares.solve import least_squares, solve
from tests.laws.data_sets import Array, grid_data, orders
from tests.laws.rows import Rows

# Double-double keeps about 2⁻¹⁰⁴ an operation; a merge between origins is some ten operations.
ASSOCIATIVE = 2.0**-98

Exact = tuple[int, list[Fraction], list[list[Fraction]]]


def _about_zero(m: Moments) -> Exact:
    """Return n, Σv and Σvvᵀ of the user's columns v, without rounding."""
    q = len(m.shift)
    unit = [Fraction(2) ** int(e) for e in m.exponents]
    shift = [Fraction(float(s)) for s in m.shift]
    first = [Fraction(float(h)) + Fraction(float(v)) for h, v in zip(*m.first, strict=True)]
    second = [
        [
            Fraction(float(m.second_high[i, j])) + Fraction(float(m.second_low[i, j]))
            for j in range(q)
        ]
        for i in range(q)
    ]
    n = m.rows
    return (
        n,
        [(first[i] + n * shift[i]) / unit[i] for i in range(q)],
        [
            [
                (second[i][j] + first[i] * shift[j] + shift[i] * first[j] + n * shift[i] * shift[j])
                / (unit[i] * unit[j])
                for j in range(q)
            ]
            for i in range(q)
        ],
    )


def _assert_same(a: Moments, b: Moments, tolerance: float) -> None:
    """Compare in the user's units, relative to the norms of the columns about zero."""
    (rows_a, first_a, second_a), (rows_b, first_b, second_b) = _about_zero(a), _about_zero(b)
    assert rows_a == rows_b
    size = [float(second_a[i][i]) ** 0.5 for i in range(len(first_a))]
    for i in range(len(first_a)):
        bound = tolerance * size[i] * rows_a**0.5
        assert float(abs(first_a[i] - first_b[i])) <= bound
        for j in range(len(first_a)):
            assert float(abs(second_a[i][j] - second_b[i][j])) <= tolerance * size[i] * size[j]


def _parts(x: Array, y: Array, cuts: tuple[int, ...], tier: int) -> list[Moments]:
    edges = [0, *sorted({c % (len(y) - 1) + 1 for c in cuts}), len(y)]
    return [accumulate(Rows(x[a:b], y[a:b]), tier=tier) for a, b in itertools.pairwise(edges)]


cuts = st.tuples(st.integers(0, 1000), st.integers(0, 1000))


@given(grid_data(), cuts, st.sampled_from([0, 1, 2]))
@settings(max_examples=30, deadline=None)
def test_merging_is_associative_to_double_double(
    data: tuple[Array, Array], cut: tuple[int, int], tier: int
) -> None:
    parts = _parts(*data, cut, tier)
    if len(parts) < 3:
        return
    a, b, c = parts
    _assert_same(a.merge(b).merge(c), a.merge(b.merge(c)), ASSOCIATIVE)


@given(grid_data(), st.integers(0, 1000), st.sampled_from([0, 1, 2]))
@settings(max_examples=30, deadline=None)
def test_merging_is_commutative_to_double_double(
    data: tuple[Array, Array], cut: int, tier: int
) -> None:
    a, b = _parts(*data, (cut,), tier)
    _assert_same(a.merge(b), b.merge(a), ASSOCIATIVE)


@given(grid_data(), cuts, st.sampled_from([0, 1, 2]))
@settings(max_examples=30, deadline=None)
def test_parts_merged_are_the_whole_to_the_precision_of_the_tier(
    data: tuple[Array, Array], cut: tuple[int, int], tier: int
) -> None:
    whole = accumulate(Rows(*data), tier=tier)
    first, *others = _parts(*data, cut, tier)
    for other in others:
        first = first.merge(other)
    # the error constant is relative to norms about the shift, which are smaller than about zero
    _assert_same(first, whole, 8.0 * whole.error)


@given(grid_data(), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_halves_merged_fit_like_the_whole(data: tuple[Array, Array], cut: int) -> None:
    a, b = _parts(*data, (cut,), 1)
    merged, whole = solve(a.merge(b)), least_squares(Rows(*data))
    np.testing.assert_allclose(merged.coefficients, whole.coefficients, rtol=1e-13)
    np.testing.assert_allclose(merged.standard_errors, whole.standard_errors, rtol=1e-12)
    assert merged.rows == whole.rows
    assert merged.degrees_of_freedom == whole.degrees_of_freedom


@given(grid_data(), orders, st.sampled_from([0, 1, 2]))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_rows_is_forgotten(
    data: tuple[Array, Array], order: int, tier: int
) -> None:
    x, y = data
    shuffled = np.random.default_rng(order).permutation(len(y))
    one, other = (
        accumulate(Rows(x, y), tier=tier),
        accumulate(Rows(x[shuffled], y[shuffled]), tier=tier),
    )
    _assert_same(one, other, 8.0 * one.error)


@given(grid_data(), st.sampled_from([0, 1, 2]))
@settings(max_examples=20, deadline=None)
def test_written_and_read_moments_are_the_same_bits(data: tuple[Array, Array], tier: int) -> None:
    moments = accumulate(Rows(*data), tier=tier)
    again = Moments.from_dict(moments.to_dict())
    assert _about_zero(again) == _about_zero(moments)
    assert again.error == moments.error


@pytest.mark.parametrize("tier", [0, 1, 2])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_sums_do_not_depend_on_threads(tier: int, threads: int) -> None:
    """Identical bits from any number of threads, over several blocks of rows."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(150_000, 3)), rng.normal(size=150_000)
    one = accumulate(Rows(x, y), tier=tier, threads=1)
    many = accumulate(Rows(x, y), tier=tier, threads=threads)
    for a, b in zip(one.first + one.second, many.first + many.second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_comparison_has_teeth() -> None:
    """Sums that forget the low words are not associative to double-double, and are caught."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 2)) + 10.0, rng.normal(size=60)
    from dataclasses import replace

    moments = accumulate(Rows(x, y), tier=1)
    broken = replace(moments, second_low=0.0 * moments.second_low)
    with pytest.raises(AssertionError):
        _assert_same(moments, broken, ASSOCIATIVE)
