"""Ridge fits: certified against exact rational solutions, and what the penalty means."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares.moments import accumulate
from gausswork.leastsquares.solution import NormalEquation
from gausswork.leastsquares.solve import least_squares, solve
from tests.laws.honesty import rows_of
from tests.laws.problems import problem, weighted_problem
from tests.reference.exact import digits, exact_ridge, relative_error

SEEDS = range(13 * 2 * 12)


def judged(seed: int, extra: float = 0.0) -> list[tuple[float, float]]:
    """Return (claimed, true) digits of the coefficients of a problem with a random penalty."""
    p = (weighted_problem if seed % 2 else problem)(seed, most_rows=30)
    rng = np.random.default_rng(seed)
    size = float(np.mean(np.square(np.asarray(p.x, float))) * len(p.y))
    penalty = float(size * 10.0 ** rng.uniform(-20, 3))
    way = seed // 2 % 4
    if way < 2:
        method = NormalEquation(digits=None if way else 8.0, ridge=penalty)
        s = least_squares(rows_of(p), intercept=p.intercept, method=method)
    else:
        moments = accumulate(rows_of(p), tier=way - 1)
        try:
            s = solve(moments, intercept=p.intercept, method=NormalEquation(ridge=penalty))
        except InputError:  # from sums alone a penalty in their rounding is refused
            return []
    truth, _ = exact_ridge(p.x, p.y, penalty, intercept=p.intercept, weights=p.weights)
    out = []
    for claimed, high, low, exact in zip(
        s.trusted_digits, s.coefficients, s.coefficient_lows, truth, strict=True
    ):
        true = digits((float(high), float(low)), exact, cap=40.0)
        out.append((min(float(claimed) + extra, 15.95), true))
    return out


def test_never_more_digits_are_claimed_than_are_true() -> None:
    """Promise: trusted digits of a ridge fit are those of the stated penalised problem."""
    found = [(seed, *pair) for seed in SEEDS for pair in judged(seed)]
    assert len(found) > 1000
    assert [f for f in found if f[1] > f[2]] == []
    assert median(min(true, 15.95) - claimed for _, claimed, true in found) <= 1.0


def test_an_overconfident_implementation_would_be_noticed() -> None:
    found = [pair for seed in SEEDS[:60] for pair in judged(seed, extra=4.0)]
    assert sum(claimed > true for claimed, true in found) > 5


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("penalty", [1e-6, 1.0, 1e6])
def test_it_is_the_ridge_of_scikit_learn(intercept: bool, weighted: bool, penalty: float) -> None:
    """Promise: the convention of Ridge(alpha=), the intercept free; and fifteen digits of it."""
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 4)) * [1.0, 10.0, 0.1, 1.0] + 3.0
    y = x @ [1.0, -0.2, 4.0, 0.0] + 5.0 + rng.normal(size=50)
    w = rng.uniform(0.2, 4.0, 50) if weighted else None
    fit = gw.fit(x, y, weights=w, intercept=intercept, method=gw.NormalEquation(ridge=penalty))
    theirs = Ridge(alpha=penalty, fit_intercept=intercept, solver="cholesky")
    theirs.fit(x, y, sample_weight=w)
    slopes = fit.coefficients[int(intercept) :]
    np.testing.assert_allclose(slopes, theirs.coef_, rtol=1e-9)  # theirs has about ten digits
    assert fit.intercept == pytest.approx(theirs.intercept_, rel=1e-9)
    truth, square = exact_ridge(x, y, penalty, intercept=intercept, weights=w)
    for value, exact in zip(fit.coefficients, truth, strict=True):
        assert relative_error(float(value), exact) < 1e-15
    # Σr² is not at its minimum, so it is known as well as standard errors are: to 13 digits
    assert relative_error(fit.solution.residual_sum_of_squares, square) < 1e-12


def test_effective_rank_is_the_trace_of_the_hat_matrix() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=40)
    centred = x - x.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False) ** 2
    for penalty in (0.01, 1.0, 30.0, 1e5):
        fit = gw.fit(x, y, method=gw.NormalEquation(ridge=penalty))
        expected = 1.0 + float((values / (values + penalty)).sum())
        assert fit.effective_rank == pytest.approx(expected, rel=1e-10)
        freedom = 40 - fit.effective_rank
        square = fit.solution.residual_sum_of_squares
        assert fit.residual_sd == pytest.approx(np.sqrt(square / freedom), rel=1e-12)
    assert gw.fit(x, y).effective_rank == 7.0


def test_more_columns_than_rows_and_columns_that_repeat() -> None:
    """Promise: with a penalty every column has a coefficient, and equal columns share theirs."""
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(10, 30)), rng.normal(size=10)
    fit = gw.fit(x, y, method=gw.NormalEquation(ridge=0.5))
    np.testing.assert_allclose(fit.coefficients[1:], Ridge(alpha=0.5).fit(x, y).coef_, rtol=1e-10)
    assert fit.trusted_digits.min() >= 15.0
    assert not {"no-degrees-of-freedom", "dependent-column"} & {f.code for f in fit.findings}
    twice = np.column_stack([x[:, :2], x[:, 0], np.full(10, 3.3)])
    shared = gw.fit(twice, y, method=gw.NormalEquation(ridge=0.5)).coefficients
    assert shared[1] == shared[3]
    assert shared[4] == 0.0  # a constant column explains nothing beside an intercept


def test_a_ridge_fit_claims_no_errors_and_says_why() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    fit = gw.fit(x, y, method=gw.NormalEquation(ridge=2.0))
    for values in (
        fit.standard_errors, fit.t_values, fit.p_values, fit.covariance,
        fit.confidence_intervals(), fit.f_test.p_value,
    ):  # fmt: skip
        assert np.isnan(values).all()
    assert "ridge-penalty" in {f.code for f in fit.findings}
    with pytest.raises(InputError, match="ridge fit has no intervals"):
        fit.predict(x, interval=0.95)
    assert "ridge penalty of 2" in str(fit)
    assert "effective degrees of freedom" in str(fit)
    np.testing.assert_allclose(fit.predict(x), fit.intercept + x @ fit.coefficients[1:], rtol=1e-12)


def test_a_ridge_fit_is_saved_and_loaded(tmp_path) -> None:
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    fit = gw.fit(x, y, method=gw.NormalEquation(ridge=2.0))
    fit.save(tmp_path / "m.json")
    loaded = gw.load(tmp_path / "m.json")
    assert loaded.method == fit.method
    assert (loaded.effective_rank, loaded.aic) == (fit.effective_rank, fit.aic)
    assert np.isnan(loaded.covariance).all()
    assert loaded.to_dict() == fit.to_dict()


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, "1", True, None])
def test_what_is_no_penalty_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match="ridge must be a finite number of at least 0"):
        gw.NormalEquation(ridge=bad)  # type: ignore[arg-type]


def test_a_penalty_of_zero_is_least_squares() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    plain, zero = gw.fit(x, y), gw.fit(x, y, method=gw.NormalEquation(ridge=0))
    np.testing.assert_array_equal(plain.coefficients, zero.coefficients)
    np.testing.assert_array_equal(plain.covariance, zero.covariance)
