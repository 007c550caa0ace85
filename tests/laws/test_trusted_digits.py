"""Trusted digits are never above the true ones, nor far below, whatever the data are like.

A thousand problems here; benchmarks/calibration.py runs thousands of other seeds.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gausswork.leastsquares.solution import NormalEquation
from gausswork.leastsquares.solve import least_squares
from tests.laws.honesty import (
    WAYS,
    Judgement,
    judge,
    median_gap,
    overconfident,
    survey,
    textbook,
    violations,
)
from tests.laws.problems import SETTINGS, Problem, problem
from tests.laws.rows import Rows
from tests.reference.exact import digits
from tests.reference.grid import exact_coefficients, grid_problem

SEEDS = range(13 * 5 * 16)  # each of 13 settings in each of 5 ways, sixteen times


@pytest.fixture(scope="module")
def judgements() -> list[Judgement]:
    return survey(SEEDS)


def test_never_more_digits_are_claimed_than_are_true(judgements: list[Judgement]) -> None:
    assert violations(judgements) == []


def test_never_more_digits_of_standard_errors_are_claimed_than_are_true(
    judgements: list[Judgement],
) -> None:
    assert violations(judgements, "standard error") == []


@pytest.mark.parametrize("what", ["coefficient", "standard error"])
def test_the_typical_claim_is_at_most_two_and_a_half_digits_too_modest(
    judgements: list[Judgement], what: str
) -> None:
    assert median_gap(judgements, what) <= 2.5


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_useful(judgements: list[Judgement], way: str) -> None:
    """A certificate that is always 0 would keep the law and be worthless."""
    assert median_gap([j for j in judgements if j.way == way]) <= 3.0


def test_the_survey_covers_every_setting_in_every_way(judgements: list[Judgement]) -> None:
    seen = Counter((j.setting, j.way) for j in judgements)
    assert set(seen) == {(setting, way) for setting in SETTINGS for way in WAYS}


def test_few_columns_are_left_out(judgements: list[Judgement]) -> None:
    """Refusing everything would keep the law, too: nearly all coefficients must be estimated.

    The dummies of a group of one observation and the like can be exactly dependent.
    """
    asked = sum(p.x.shape[1] + p.intercept for p in map(problem, SEEDS))
    answered = sum(1 for j in judgements if j.what == "coefficient")
    assert answered >= 0.97 * asked


def test_the_law_holds_for_long_tables() -> None:
    """Rounding errors add up over thousands of rows: the bounds must know."""
    found = survey(range(1000, 1065), most_rows=20_000)
    assert violations(found) == []


@pytest.mark.parametrize("asked", [4.0, 12.0])
@pytest.mark.parametrize("columns", [80, 270])
def test_the_law_holds_for_wide_tables(columns: int, asked: float) -> None:
    """Many columns are factored in other precisions and by other code than few."""
    data = grid_problem(4 * columns, columns, seed=6)
    truth = exact_coefficients(data)
    solution = least_squares(Rows(data.x, data.y), method=NormalEquation(digits=asked))
    true = [
        digits((float(high), float(low)), exact, cap=40.0)
        for high, low, exact in zip(
            solution.coefficients, solution.coefficient_lows, truth, strict=True
        )
    ]
    assert (solution.trusted_digits <= true).all()
    assert (solution.trusted_digits >= asked).all()
    assert np.median(np.minimum(true, 15.95) - solution.trusted_digits) <= 3.0


def test_bounds_ten_thousand_times_too_small_are_caught() -> None:
    """The law has teeth: an overconfident engine breaks it many times over."""
    broken = {name: overconfident(way) for name, way in WAYS.items()}
    found = survey(range(65), broken)
    assert len(violations(found)) >= 20
    assert len(violations(found, "standard error")) >= 20


def test_the_textbook_inverse_is_caught() -> None:
    found = survey(range(65), {"textbook": textbook})
    assert len(violations(found)) >= 20


def _nearly_perfect(seed: int) -> Problem:
    """Columns that nearly repeat, noise down to the rounding of the response, uneven weights."""
    rng = np.random.default_rng([2026, seed])
    p = int(rng.integers(2, 5))
    n = int(rng.integers(p + 3, 20))
    x = rng.normal(size=(n, p))
    x[:, -1] = x[:, 0] + 10.0 ** -rng.uniform(8, 14) * x[:, -1]
    y = x @ rng.normal(size=p) + 10.0 ** -rng.uniform(8, 17) * rng.normal(size=n)
    weights = 10.0 ** rng.uniform(-12, 12, n) if seed % 2 else None
    weighting = "analytic" if seed % 2 else None
    return Problem(seed, "nearly perfect", x, y, bool(seed % 3), weights, weighting)


def test_no_number_of_a_nearly_perfect_fit_is_called_zero_with_digits() -> None:
    """Small residuals beside nearly dependent columns are not zero; coefficients need not be."""
    found = [j for seed in range(150) for j in judge(_nearly_perfect(seed), "", WAYS["default"])]
    assert len(found) > 800
    assert violations(found) == []
    assert violations(found, "standard error") == []


def test_what_is_exactly_zero_is_said_to_be_zero() -> None:
    """The law could be kept by calling nothing zero."""
    x = np.column_stack([np.arange(12.0), np.arange(12.0) ** 2, np.arange(12.0) % 5])
    solution = least_squares(Rows(x, 3.0 * x[:, 1]), method=NormalEquation(digits=15))
    assert solution.coefficients.tolist() == [0.0, 0.0, 3.0, 0.0]
    assert (solution.trusted_digits >= 15).all()
    assert solution.residual_sum_of_squares == 0.0
    assert (solution.standard_errors == 0.0).all()


def test_the_last_digit_of_a_standard_error_is_not_claimed(judgements: list[Judgement]) -> None:
    """Sums, factors and a root are rounded: even the binary64 number keeps the claim."""
    errors = [j for j in judgements if j.what == "standard error"]
    assert [j for j in errors if j.claimed > j.rounded] == []
