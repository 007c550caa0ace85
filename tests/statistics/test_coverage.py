"""Intervals hold the truth as often as they say: exact binomial bounds, fixed seeds.

A count of successes is judged by the binomial distribution itself. With a chance of one in a
million per check of being refused when right, and fixed seeds, the tests never waver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom, norm

from gausswork.leastsquares.inference import (
    confidence_intervals,
    f_test,
    p_values,
    residual_sd,
)
from gausswork.leastsquares.prediction import predict_interval
from gausswork.leastsquares.solution import Solution
from gausswork.leastsquares.solve import least_squares
from tests.laws.rows import Rows

Array: TypeAlias = npt.NDArray[np.float64]

TRIALS = 700
ROWS = 6  # few degrees of freedom: there Student's t and the normal differ most
LEVELS = (0.5, 0.9, 0.99)
REFUSAL = 1e-6
TRUTH = np.array([3.0, -1.0, 0.5])
SD = 2.0


def refused(successes: int, trials: int, level: float) -> bool:
    """Return whether a count is outside the exact binomial bounds around its promise."""
    low, high = binom.ppf([REFUSAL / 2, 1 - REFUSAL / 2], trials, level)
    return not low <= successes <= high


@pytest.fixture(scope="module")
def design() -> Array:
    """Two correlated predictors, one with an offset."""
    rng = np.random.default_rng(11)
    first = rng.normal(size=ROWS)
    return np.column_stack([first, 1000.0 + 0.7 * first + rng.normal(size=ROWS)])


def _response(rng: np.random.Generator, x: Array) -> Array:
    return TRUTH[0] + x @ TRUTH[1:] + SD * rng.normal(size=len(x))


@pytest.fixture(scope="module")
def solutions(design: Array) -> list[Solution]:
    rng = np.random.default_rng(12)
    return [least_squares(Rows(design, _response(rng, design))) for _ in range(TRIALS)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_confidence_intervals_cover(solutions: list[Solution], level: float, position: int) -> None:
    covered = 0
    for solution in solutions:
        low, high = confidence_intervals(solution, level=level)[position]
        covered += int(low <= TRUTH[position] <= high)
    assert not refused(covered, TRIALS, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "at", [[0.0, 1000.0], [4.0, 990.0]], ids=["amid the data", "far from the data"]
)
def test_intervals_of_the_mean_response_cover(
    solutions: list[Solution], level: float, at: list[float]
) -> None:
    new, truth = np.array([at]), TRUTH[0] + np.dot(at, TRUTH[1:])
    covered = 0
    for solution in solutions:
        _, low, high = predict_interval(solution, new, kind="confidence", level=level)
        covered += int(low[0] <= truth <= high[0])
    assert not refused(covered, TRIALS, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "at", [[0.0, 1000.0], [4.0, 990.0]], ids=["amid the data", "far from the data"]
)
def test_prediction_intervals_cover_a_new_observation(
    solutions: list[Solution], level: float, at: list[float]
) -> None:
    rng = np.random.default_rng(13)
    new = np.array([at])
    covered = 0
    for solution in solutions:
        observed = _response(rng, new)[0]
        _, low, high = predict_interval(solution, new, kind="prediction", level=level)
        covered += int(low[0] <= observed <= high[0])
    assert not refused(covered, TRIALS, level)


def test_intervals_through_the_origin_cover(design: Array) -> None:
    rng = np.random.default_rng(14)
    x = design - np.array([0.0, 1000.0])
    covered = 0
    for _ in range(TRIALS):
        y = x @ TRUTH[1:] + SD * rng.normal(size=ROWS)
        solution = least_squares(Rows(x, y), intercept=False)
        low, high = confidence_intervals(solution, level=0.9)[0]
        covered += int(low <= TRUTH[1] <= high)
    assert not refused(covered, TRIALS, 0.9)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_tests_reject_a_true_hypothesis_as_often_as_they_say(design: Array, level: float) -> None:
    """Where no predictor matters, p values are uniform: t tests and F test alike."""
    rng = np.random.default_rng(15)
    by_t = by_f = 0
    for _ in range(TRIALS):
        solution = least_squares(Rows(design, rng.normal(size=ROWS)))
        by_t += int(p_values(solution)[1] < level)
        by_f += int(f_test(solution).p_value < level)
    assert not refused(by_t, TRIALS, level)
    assert not refused(by_f, TRIALS, level)


def test_residual_variance_is_unbiased(solutions: list[Solution]) -> None:
    """df·s²/σ² is chi-squared: its mean over all trials must be within five standard errors."""
    df = ROWS - 3
    scaled = np.array([df * residual_sd(s) ** 2 / SD**2 for s in solutions])
    assert abs(scaled.mean() - df) <= 5 * np.sqrt(2 * df / TRIALS)


def _normal_intervals(solution: Solution, level: float) -> Array:
    half = norm.isf((1 - level) / 2) * solution.standard_errors
    return np.column_stack([solution.coefficients - half, solution.coefficients + half])


def _maximum_likelihood_intervals(solution: Solution, level: float) -> Array:
    shrink = np.sqrt(solution.degrees_of_freedom / solution.rows)
    middle = solution.coefficients[:, None]
    return middle + shrink * (confidence_intervals(solution, level=level) - middle)


@pytest.mark.parametrize("broken", [_normal_intervals, _maximum_likelihood_intervals])
def test_wrong_intervals_are_refused(
    solutions: list[Solution], broken: Callable[[Solution, float], Array]
) -> None:
    """The bounds have teeth: a normal quantile for Student's t, or RSS/n for s², is caught."""
    covered = sum(
        int(low <= TRUTH[1] <= high) for low, high in (broken(s, 0.9)[1] for s in solutions)
    )
    assert refused(covered, TRIALS, 0.9)
