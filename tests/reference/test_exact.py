"""The truth itself: the exact solver and the NIST reader are right before they judge anything."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from tests.reference import nist
from tests.reference.exact import digits, exact_fit, exact_fit_rational, square_root
from tests.reference.grid import exact_coefficients, grid_problem


def test_a_line_through_two_points_is_exact() -> None:
    fit = exact_fit([[0.0], [3.0]], [1.0, 2.0])
    assert fit.coefficients == (Fraction(1), Fraction(1, 3))
    assert fit.residual_sum_of_squares == 0
    assert fit.degrees_of_freedom == 0
    assert fit.variances == (None, None)


def test_textbook_variances() -> None:
    # x = 0, 1, 2 and y = 0, 0, 3: slope 3/2, intercept -1/2, RSS 3/2, X'X = [[3, 3], [3, 5]]
    fit = exact_fit([0.0, 1.0, 2.0], [0.0, 0.0, 3.0])
    assert fit.coefficients == (Fraction(-1, 2), Fraction(3, 2))
    assert fit.residual_sum_of_squares == Fraction(3, 2)
    assert fit.total_sum_of_squares == 6
    assert fit.r_squared == Fraction(3, 4)
    assert fit.unscaled_variances == (Fraction(5, 6), Fraction(1, 2))
    assert fit.variances == (Fraction(5, 4), Fraction(3, 4))
    assert mpmath.nstr(fit.standard_errors[1], 30) == "0.866025403784438646763723170753"


def test_residuals_are_orthogonal_to_every_column() -> None:
    """The defining property of least squares, without rounding, in hostile units."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 4)) * np.array([1e-30, 1.0, 1e8, 1e30]) + np.array([0, 1e9, 0, 1e31])
    y = rng.normal(size=30) * 1e-5
    fit = exact_fit(x, y)
    rows = [[Fraction(1), *map(Fraction, row)] for row in x.tolist()]
    residuals = [
        Fraction(value) - sum(b * v for b, v in zip(fit.coefficients, row, strict=True))
        for row, value in zip(rows, y.tolist(), strict=True)
    ]
    for j in range(5):
        assert sum(r * row[j] for r, row in zip(residuals, rows, strict=True)) == 0
    assert fit.residual_sum_of_squares == sum(r * r for r in residuals)
    mean = sum(map(Fraction, y.tolist())) / 30
    assert fit.total_sum_of_squares == sum((Fraction(v) - mean) ** 2 for v in y.tolist())


def test_inverse_agrees_with_mpmath() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20, 3))
    fit = exact_fit(x, rng.normal(size=20), intercept=False)
    with mpmath.workdps(40):
        table = mpmath.matrix(x.tolist())
        inverse = (table.T * table) ** -1
        for j in range(3):
            expected = inverse[j, j]
            mine = mpmath.mpf(fit.unscaled_variances[j].numerator) / mpmath.mpf(
                fit.unscaled_variances[j].denominator
            )
            assert abs(mine / expected - 1) < mpmath.mpf(10) ** -36


def test_an_exact_dependency_aliases_the_later_column() -> None:
    x = np.array([[1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [4.0, 4.0, 8.0], [0.0, 5.0, 5.0], [1, 1, 2]])
    y = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
    whole, reduced = exact_fit(x, y), exact_fit(x[:, :2], y)
    assert whole.rank == 3
    assert whole.coefficients == (*reduced.coefficients, None)
    assert whole.residual_sum_of_squares == reduced.residual_sum_of_squares
    assert whole.unscaled_variances[:3] == reduced.unscaled_variances


def test_digits_is_the_log_relative_error() -> None:
    assert digits(1.0, Fraction(1)) == 16.0
    assert digits(1.001, Fraction(1)) == pytest.approx(3.0, abs=1e-9)
    assert digits(3.0, Fraction(1)) == 0.0
    assert digits(float("nan"), Fraction(1)) == 0.0
    assert digits(1e-300, Fraction(0)) == 0.0
    assert digits(0.0, Fraction(0)) == 16.0
    third = Fraction(1, 3)
    high = 1 / 3
    low = float(third - Fraction(high))
    assert digits(high, third, cap=40) == pytest.approx(16.26, abs=0.01)
    assert digits((high, low), third, cap=40) > 32


def test_square_root_has_fifty_digits() -> None:
    with mpmath.workdps(60):
        assert abs(square_root(Fraction(2)) ** 2 - 2) < mpmath.mpf(10) ** -55


def test_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        exact_fit([1.0, float("inf")], [1.0, 2.0])


@pytest.mark.parametrize("name", nist.NAMES)
def test_exact_solver_reproduces_the_certified_decimals(name: str) -> None:
    """NIST computed with 500 digits: on the decimals themselves we agree to all 15 that it prints.

    One unit in the 15th digit of a number that begins with 1 is 14.0 digits.
    """
    data = nist.load(name)
    fit = exact_fit_rational(data.decimal_design(), data.target, intercept=data.intercept)
    certified = data.certified
    assert fit.degrees_of_freedom == certified.degrees_of_freedom
    for exact, printed in zip(fit.coefficients, certified.estimates, strict=True):
        assert digits(float(exact), printed) >= 14.0
    for exact, printed in zip(fit.standard_errors, certified.standard_errors, strict=True):
        assert digits(float(exact), printed) >= 14.0
    assert digits(float(fit.residual_sum_of_squares), certified.residual_sum_of_squares) >= 14.0


def test_the_reader_knows_the_eleven_sets() -> None:
    shapes = {
        d.name: (len(d.target), len(d.certified.estimates), d.intercept) for d in nist.load_all()
    }
    assert shapes == {
        "Norris": (36, 2, True),
        "Pontius": (40, 3, True),
        "NoInt1": (11, 1, False),
        "NoInt2": (3, 1, False),
        "Filip": (82, 11, True),
        "Longley": (16, 7, True),
        "Wampler1": (21, 6, True),
        "Wampler2": (21, 6, True),
        "Wampler3": (21, 6, True),
        "Wampler4": (21, 6, True),
        "Wampler5": (21, 6, True),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("36 Observations", "35 Observations"),
        ("2 Parameters", "3 Parameters"),
        ("B1         1.00211681802045", "B2         1.00211681802045"),
        ("     338.8      337.4", "     338.8"),
        ("Residual     34", "Leftover     34"),
    ],
)
def test_the_reader_refuses_a_file_that_contradicts_its_header(old: str, new: str) -> None:
    text = (nist.FOLDER / "Norris.dat").read_text(encoding="ascii")
    assert old in text
    with pytest.raises(nist.NistFormatError):
        nist.parse(text.replace(old, new, 1))


@pytest.mark.parametrize("shape", [(40, 3), (70_000, 2)])
def test_the_truth_of_large_problems_is_the_rational_one(shape: tuple[int, int]) -> None:
    problem = grid_problem(*shape, seed=5)
    rational = exact_fit(problem.x, problem.y).coefficients
    for found, exact in zip(exact_coefficients(problem), rational, strict=True):
        assert abs(found - exact) <= Fraction(1, 10**100) * abs(exact)
    single = problem.x.astype(np.float32)
    assert np.array_equal(single.astype(np.float64), problem.x)
