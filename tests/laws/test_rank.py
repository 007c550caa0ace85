"""Columns that repeat others are found, named and expressed, in any units and at any place."""

from __future__ import annotations

import numpy as np
import pytest

from gausswork.leastsquares.solution import Solution
from gausswork.leastsquares.solve import least_squares
from tests.laws.honesty import judge, violations
from tests.laws.problems import Array, Problem
from tests.laws.rows import Rows

CASES = range(120)


def _dependent(seed: int, *, rounded: bool) -> tuple[Problem, int]:
    """Return integers of which some columns combine others, and the rank of the predictors.

    ``rounded``: in units of powers of ten, so that the dependency holds only to rounding.
    """
    rng = np.random.default_rng([7, seed])
    free, extra = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    n = int(rng.integers(free + 4, 120))
    base = rng.integers(-500, 500, (n, free)).astype(np.float64)
    repeats = base @ rng.integers(-3, 4, (free, extra)) + rng.integers(-50, 50, extra)
    x = np.column_stack([base, repeats])[:, rng.permutation(free + extra)]
    if rounded:
        x = x * 10.0 ** rng.integers(-12, 12, free + extra)
    y = np.rint(100 * rng.normal(size=n)) + base.sum(axis=1)
    return Problem(seed, "dependent", x, y, True), free


@pytest.mark.parametrize("rounded", [False, True], ids=["exact", "to rounding"])
def test_the_rank_is_found(rounded: bool) -> None:
    for seed in CASES:
        problem, free = _dependent(seed, rounded=rounded)
        solution = least_squares(Rows(problem.x, problem.y))
        assert solution.rank == free + 1, f"seed {seed}"
        assert np.isnan(solution.coefficients).sum() == problem.x.shape[1] - free
        assert len(solution.dependencies) == problem.x.shape[1] - free


@pytest.mark.parametrize("rounded", [False, True], ids=["exact", "to rounding"])
def test_what_is_named_is_what_the_column_equals(rounded: bool) -> None:
    for seed in CASES:
        problem, _ = _dependent(seed, rounded=rounded)
        solution = least_squares(Rows(problem.x, problem.y))
        for column, rebuilt in _rebuilt(problem.x, solution):
            scale = np.abs(column).max() or 1.0
            assert np.abs(rebuilt - column).max() <= 1e-9 * scale, f"seed {seed}"


def _rebuilt(x: Array, solution: Solution) -> list[tuple[Array, Array]]:
    columns = {f"x{j + 1}": x[:, j] for j in range(x.shape[1])} | {"intercept": np.ones(len(x))}
    return [
        (
            columns[found.column],
            sum((f * columns[name] for name, f in found.combination.items()), np.zeros(len(x))),
        )
        for found in solution.dependencies
    ]


def test_the_columns_that_stay_are_fitted_as_if_alone() -> None:
    """Their digits are judged against the exact solution without the columns left out."""

    def engine(problem: Problem) -> Solution:
        return least_squares(Rows(problem.x, problem.y))

    found = [
        judgement
        for seed in CASES
        for judgement in judge(_dependent(seed, rounded=False)[0], "default", engine)  # type: ignore[arg-type]
    ]
    assert violations(found) == []
    assert min(j.true for j in found) >= 15.0
