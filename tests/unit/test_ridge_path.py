"""A ridge path is the ridge fits of its penalties, from one set of sums."""

from __future__ import annotations

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from tests.reference.exact import digits, exact_ridge

RNG = np.random.default_rng(31)
X = RNG.normal(size=(80, 4)) * [1.0, 5.0, 0.2, 1.0] + 2.0
Y = X @ [1.0, 0.5, -2.0, 0.0] + 3.0 + 2.0 * RNG.normal(size=80)
GRID = [0.0, 0.1, 1.0, 10.0, 1000.0]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weights", [None, RNG.uniform(0.2, 3.0, 80)])
def test_each_penalty_is_a_ridge_fit(intercept: bool, weights: np.ndarray | None) -> None:
    fit = gw.fit(X, Y, intercept=intercept, weights=weights)
    path = gw.ridge_path(fit, GRID)
    for i, penalty in enumerate(path):
        method = gw.NormalEquation(ridge=penalty)
        alone = gw.fit(X, Y, intercept=intercept, weights=weights, method=method)
        np.testing.assert_allclose(path.coefficients[i], alone.coefficients, rtol=1e-13)
        assert path.effective_rank[i] == pytest.approx(alone.effective_rank, rel=1e-12)
        square = alone.solution.residual_sum_of_squares
        assert path.residual_sum_of_squares[i] == pytest.approx(square, rel=1e-12)
        truth, _ = exact_ridge(X, Y, penalty, intercept=intercept, weights=weights)
        for value, claimed, exact in zip(
            path.coefficients[i], path.trusted_digits[i], truth, strict=True
        ):
            # the binary64 value rounds the certified pair
            assert digits(float(value), exact) >= claimed - 0.31
    assert path.trusted_digits.min() >= 13.0


def test_gcv_and_its_best() -> None:
    path = gw.ridge_path(gw.fit(X, Y))
    assert len(path) == 50
    left = 80 - path.effective_rank
    np.testing.assert_allclose(path.gcv, 80 * path.residual_sum_of_squares / left**2, rtol=1e-14)
    assert path.best_penalty == path.penalties[np.argmin(path.gcv)]
    assert 0 < path.best < 49
    assert (np.diff(path.effective_rank) < 0).all()
    assert "←" in str(path)


def test_one_pass_takes_all_digits() -> None:
    """Promise: sums too rough for the path are taken again once, however many penalties."""
    x = np.column_stack([X[:, 0], X[:, 0] + 1e-9 * X[:, 1]]) + 1e5
    path = gw.ridge_path(gw.fit(x, Y), [1e-14, 1e-10, 1e-6])
    truth, _ = exact_ridge(x, Y, 1e-10)
    for j in range(3):
        claimed = path.trusted_digits[1, j]
        assert claimed >= 6.0
        assert digits(float(path.coefficients[1, j]), truth[j]) >= claimed - 0.31


def test_moments_alone_will_do() -> None:
    fit = gw.fit(X, Y)
    one, other = gw.ridge_path(fit.moments, GRID), gw.ridge_path(fit, GRID)
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-9)
    assert gw.ridge_path(fit.moments, GRID, intercept=False).names[0] == "x1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1.0, 2.0],), "at least 0"),
        (([np.nan],), "at least 0"),
        (([],), "at least one"),
        ((["heavy"],), "must be numbers"),
        (([[1.0, 2.0]],), "a list"),
    ],
)
def test_what_are_no_penalties(arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gw.ridge_path(gw.fit(X, Y), *arguments)


def test_what_is_no_fit() -> None:
    with pytest.raises(InputError, match="takes a fit"):
        gw.ridge_path(X, GRID)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a fit knows whether it has an intercept"):
        gw.ridge_path(gw.fit(X, Y), GRID, intercept=False)
