"""Promise: tests, intervals and fit statistics are right, far into the tails, and undefined ones
are NaN with the reason in words, never a warning."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from scipy import stats

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares import inference
from gausswork.leastsquares.inference import check_level, t_quantile
from gausswork.leastsquares.prediction import predict_interval


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("size", [np.inf, np.nan, 1e308])
def test_what_float64_cannot_hold_gives_nan_and_no_warning(rows, intercept, size) -> None:
    """Coefficients and errors beyond the largest double: limits are NaN, and nothing warns."""
    solution = gw.fit(*rows, intercept=intercept).solution
    with np.errstate(over="ignore"):
        wide, far = solution.standard_errors * size, solution.coefficients * size
    for changed in (
        replace(solution, standard_errors=wide),
        replace(solution, coefficients=far),
        replace(solution, coefficients=far, standard_errors=wide),
        replace(solution, residual_sum_of_squares=size, total_sum_of_squares=size),
    ):  # fmt: skip
        limits = inference.confidence_intervals(changed)
        reached = np.isfinite(changed.coefficients) & np.isfinite(changed.standard_errors)
        assert np.isnan(limits[~reached]).all()
        for function in (
            inference.covariance, inference.t_values, inference.p_values, inference.residual_sd,
            inference.r_squared, inference.adjusted_r_squared, inference.f_test,
            inference.log_likelihood, inference.aic, inference.bic, inference.findings,
        ):  # fmt: skip
            function(changed)
        predict_interval(changed, rows[0])


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    x = rng.normal(size=(40, 3)) * [1.0, 3.0, 0.2] + [5.0, -2.0, 0.0]
    return x, x @ [1.0, 0.0, -4.0] + 2.0 + rng.normal(size=40)


def textbook(x: np.ndarray, y: np.ndarray, *, intercept: bool) -> dict[str, np.ndarray | float]:
    """The formulas of any textbook by NumPy's QR: an oracle for benign data."""
    design = np.column_stack([np.ones(len(y)), x]) if intercept else x
    q, r = np.linalg.qr(design)
    beta = np.linalg.solve(r, q.T @ y)
    rss = float(np.sum((y - design @ beta) ** 2))
    n, k = design.shape
    centre = y.mean() if intercept else 0.0
    tss = float(np.sum((y - centre) ** 2))
    inverse = np.linalg.inv(r)
    covariance = rss / (n - k) * inverse @ inverse.T
    errors = np.sqrt(np.diag(covariance))
    m = k - intercept
    statistic = ((tss - rss) / m) / (rss / (n - k))
    likelihood = -n / 2 * (math.log(2 * math.pi * rss / n) + 1)
    return {
        "covariance": covariance,
        "t_values": beta / errors,
        "p_values": 2 * stats.t.sf(np.abs(beta / errors), n - k),
        "residual_sd": math.sqrt(rss / (n - k)),
        "r_squared": 1 - rss / tss,
        "adjusted_r_squared": 1 - (rss / (n - k)) / (tss / (n - intercept)),
        "f_test": np.array([statistic, m, n - k, stats.f.sf(statistic, m, n - k)]),
        "log_likelihood": likelihood,
        "aic": -2 * likelihood + 2 * (k + 1),
        "bic": -2 * likelihood + math.log(n) * (k + 1),
    }


@pytest.mark.parametrize("intercept", [True, False])
def test_everything_agrees_with_the_textbook(rows, intercept) -> None:
    x, y = rows
    fit = gw.fit(x, y, intercept=intercept)
    for name, expected in textbook(x, y, intercept=intercept).items():
        # 1e-9: the oracle's own rounding, QR of a benign design
        np.testing.assert_allclose(getattr(fit, name), expected, rtol=1e-9, err_msg=name)
    assert fit.r_squared_definition == ("centred" if intercept else "uncentred")


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999999])
def test_confidence_intervals_agree_with_the_textbook(rows, level) -> None:
    fit = gw.fit(*rows)
    half = stats.t.isf((1 - level) / 2, 36) * fit.standard_errors
    expected = np.column_stack([fit.coefficients - half, fit.coefficients + half])
    np.testing.assert_allclose(fit.confidence_intervals(level), expected, rtol=1e-12)


def test_conventions_beside_statsmodels(rows) -> None:
    """statsmodels does not count the residual variance in AIC and BIC; R and gausswork do."""
    api = pytest.importorskip("statsmodels.api")
    x, y = rows
    fit, peer = gw.fit(x, y), api.OLS(y, api.add_constant(x)).fit()
    assert fit.log_likelihood == pytest.approx(peer.llf, rel=1e-12)
    assert fit.aic == pytest.approx(peer.aic + 2, rel=1e-12)
    assert fit.bic == pytest.approx(peer.bic + math.log(len(y)), rel=1e-12)
    np.testing.assert_allclose(fit.p_values, peer.pvalues, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-9)


@pytest.mark.parametrize(
    ("slope", "noise"), [(1.0, 1.0), (1.0, 1e-3), (1.0, 1e-9), (1e-3, 1.0), (0.0, 1.0)]
)
def test_p_values_are_exact_far_into_the_tails(slope, noise) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(30, 1))
    fit = gw.fit(x, slope * x[:, 0] + noise * rng.normal(size=30))
    t, freedom = mpmath.mpf(float(fit.t_values[1])), fit.degrees_of_freedom
    with mpmath.workdps(40):
        share = freedom / (freedom + t * t)
        p = mpmath.betainc(mpmath.mpf(freedom) / 2, 0.5, 0, share, regularized=True)
    assert float(fit.p_values[1]) == pytest.approx(float(p), rel=1e-12)
    if noise < 1e-6:
        assert 0.0 < fit.p_values[1] < 1e-200


@pytest.mark.parametrize("strength", [0.0, 0.003, 0.02])
def test_p_of_f_is_exact_with_many_degrees_of_freedom(strength) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20_000, 4))
    test = gw.fit(x, strength * x.sum(axis=1) + rng.normal(size=20_000)).f_test
    with mpmath.workdps(40):
        a, b = mpmath.mpf(test.numerator_df) / 2, mpmath.mpf(test.denominator_df) / 2
        p = mpmath.betainc(b, a, 0, b / (b + a * mpmath.mpf(test.statistic)), regularized=True)
    assert test.p_value == pytest.approx(float(p), rel=1e-11)


@pytest.mark.parametrize("level", [1e-12, 0.5, 0.95, 1 - 1e-12, math.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("freedom", [1, 3, 1000])
def test_quantiles_hold_at_extreme_levels(level, freedom) -> None:
    tail = 2 * stats.t.sf(t_quantile(level, freedom), freedom)
    assert tail == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (95, "got 95. Did you mean 0.95?"),
        (99.9, "Did you mean 0.999?"),
        (0, "got 0. For 95 % write 0.95"),
        (1.0, "got 1.0."),
        (-0.5, "got -0.5."),
        (math.nan, "got nan."),
        ("high", "must be a number in (0, 1); got 'high'"),
        (None, "got None"),
    ],
)
def test_a_wrong_level_says_what_was_meant(rows, level, said) -> None:
    with pytest.raises(InputError) as caught:
        check_level(level)
    assert said in str(caught.value)
    with pytest.raises(InputError):
        gw.fit(*rows).confidence_intervals(level)


def test_offsets_of_1e8_cost_nothing(rows) -> None:
    """Integers: moved by 1e8 they are exactly the same problem."""
    rng = np.random.default_rng(7)
    x = rng.integers(-50, 50, size=(60, 2)).astype(float)
    y = rng.integers(-9, 9, size=60).astype(float)
    here, there = gw.fit(x, y), gw.fit(x + np.array([1e8, -3e8]), y + 2e8)
    for name in ("residual_sd", "r_squared", "adjusted_r_squared", "f_test", "log_likelihood"):
        assert getattr(here, name) == pytest.approx(getattr(there, name), rel=1e-13)
    np.testing.assert_allclose(here.t_values[1:], there.t_values[1:], rtol=1e-13)
    np.testing.assert_allclose(
        here.confidence_intervals()[1:], there.confidence_intervals()[1:], rtol=1e-12
    )


def test_covariance_holds_the_certified_variances_and_matches_them() -> None:
    """Units of 1e-20 and 1e20 side by side: correlations stay what they were."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(50, 2)) + np.array([3.0, -1.0])
    y = x.sum(axis=1) + rng.normal(size=50)
    scale = np.array([1.0, 1e-20, 1e20])
    one, two = gw.fit(x, y), gw.fit(x * scale[1:], y)
    np.testing.assert_allclose(one.covariance, two.covariance * scale * scale[:, None], rtol=1e-12)
    np.testing.assert_array_equal(np.diag(two.covariance), two.standard_errors**2)


def codes(fit: gw.Fit) -> set[str]:
    return {finding.code for finding in fit.findings}


def test_no_degrees_of_freedom_leaves_nothing_to_judge_by() -> None:
    fit = gw.fit([[1.0], [2.0]], [2.0, 5.0])
    assert fit.degrees_of_freedom == 0
    np.testing.assert_allclose(fit.coefficients, [-1.0, 3.0])
    for values in (fit.standard_errors, fit.t_values, fit.p_values, fit.confidence_intervals()):
        assert np.isnan(values).all()
    assert np.isnan(fit.covariance).all()
    assert math.isnan(fit.residual_sd)
    assert math.isnan(fit.adjusted_r_squared)
    assert math.isnan(fit.f_test.statistic)
    assert math.isnan(fit.f_test.p_value)
    assert fit.r_squared == 1.0
    assert "no-degrees-of-freedom" in codes(fit)
    value, lower, upper = fit.predict([[3.0]], interval=0.95)
    assert value == pytest.approx(8.0)
    assert np.isnan([lower[0], upper[0]]).all()


def test_a_perfect_fit_is_defined_and_explained() -> None:
    fit = gw.fit([[1.0], [2.0], [3.0], [4.0], [5.0]], [3.0, 5.0, 7.0, 9.0, 11.0])
    np.testing.assert_array_equal(fit.coefficients, [1.0, 2.0])
    assert fit.residual_sd == 0.0
    assert fit.r_squared == fit.adjusted_r_squared == 1.0
    assert (fit.t_values == np.inf).all()
    assert (fit.p_values == 0.0).all()
    assert fit.f_test.statistic == math.inf
    assert fit.f_test.p_value == 0.0
    assert fit.log_likelihood == math.inf
    assert fit.aic == fit.bic == -math.inf
    assert "perfect-fit" in codes(fit)


def test_a_fit_that_is_perfect_but_for_rounding_says_so() -> None:
    x = np.linspace(0.1, 7.3, 50)
    fit = gw.fit(x[:, None], 0.1 + 0.3 * x)
    assert fit.residual_sd < 1e-14
    assert "perfect-fit" in codes(fit)


def test_zero_by_zero_is_undefined_not_infinite() -> None:
    """X = 1…5, y = 2x: the intercept is exactly 0 with standard error 0."""
    fit = gw.fit([[1.0], [2.0], [3.0], [4.0], [5.0]], [2.0, 4.0, 6.0, 8.0, 10.0])
    np.testing.assert_array_equal(fit.coefficients, [0.0, 2.0])
    assert math.isnan(fit.t_values[0])
    assert math.isnan(fit.p_values[0])


@pytest.mark.parametrize(("intercept", "value"), [(True, 5.0), (True, 0.0), (False, 0.0)])
def test_a_constant_target_has_no_r_squared(intercept, value) -> None:
    fit = gw.fit([[1.0], [2.0], [4.0], [3.0]], np.full(4, value), intercept=intercept)
    assert math.isnan(fit.r_squared)
    assert math.isnan(fit.adjusted_r_squared)
    assert math.isnan(fit.f_test.p_value)
    assert "constant-target" in codes(fit)


def test_aliased_terms_are_nan_in_every_statistic(rows) -> None:
    x, y = rows
    fit = gw.fit(np.column_stack([x, x[:, 0] - 2 * x[:, 1]]), y)
    assert fit.dropped == ("x4",)
    plain = gw.fit(x, y)
    for name in ("t_values", "p_values", "standard_errors"):
        assert math.isnan(getattr(fit, name)[4])
        np.testing.assert_allclose(getattr(fit, name)[:4], getattr(plain, name), rtol=1e-9)
    assert np.isnan(fit.confidence_intervals()[4]).all()
    assert np.isnan(fit.covariance[4]).all()
    assert np.isnan(fit.covariance[:, 4]).all()
    assert not np.isnan(fit.covariance[:4, :4]).any()
    for name in ("r_squared", "adjusted_r_squared", "aic", "bic", "residual_sd"):
        assert getattr(fit, name) == pytest.approx(getattr(plain, name), rel=1e-12)


def test_the_mean_alone_has_no_f_test() -> None:
    fit = gw.fit({"y": [1.0, 2.0, 4.0, 9.0]}, "y", features=[])
    assert fit.intercept == 4.0
    assert fit.standard_errors[0] == pytest.approx(np.std([1, 2, 4, 9], ddof=1) / 2)
    assert math.isnan(fit.f_test.statistic)
    assert fit.r_squared == 0.0
    np.testing.assert_allclose(fit.predict({"y": [0.0, 0.0]}), [4.0, 4.0])


def test_sums_of_squares_near_the_largest_double_do_not_overflow(rows) -> None:
    x, y = rows
    plain, huge = gw.fit(x, y), gw.fit(x, y * 2.0**500)
    assert huge.f_test == pytest.approx(plain.f_test, rel=1e-12)
    assert huge.r_squared == pytest.approx(plain.r_squared, rel=1e-12)
    assert huge.log_likelihood == pytest.approx(
        plain.log_likelihood - len(y) * 500 * math.log(2), rel=1e-12
    )


def test_findings_are_silent_on_ordinary_data(rows) -> None:
    assert inference.findings(gw.fit(*rows).solution) == ()
