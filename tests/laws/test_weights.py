"""Weights keep the laws: digits stay true, counts are repetitions, only ratios matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gausswork as gw
from gausswork._native import ENVIRONMENT_VARIABLE
from gausswork.leastsquares.moments import accumulate
from gausswork.leastsquares.solve import solve
from tests.laws.honesty import (
    WAYS,
    Judgement,
    median_gap,
    overconfident,
    rows_of,
    survey,
    violations,
)
from tests.laws.problems import SETTINGS, WEIGHTS, weighted_problem

SEEDS = range(13 * 5 * 8)  # each setting with each kind of weights, eight times
# A light row beside one of weight 1e30: what is nothing to the one is much to the other.
UNEVEN = (11_670, 13_295, 20_575)


@pytest.fixture(scope="module", params=["", "numpy"])
def judgements(request: pytest.FixtureRequest) -> Iterator[list[Judgement]]:
    """The survey with the compiled kernels, where they were built, and with NumPy's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_VARIABLE, request.param)
        seeds = SEEDS if not request.param else SEEDS[::4]
        yield survey((*seeds, *UNEVEN), weighted=True)


@pytest.mark.parametrize("what", ["coefficient", "standard error"])
def test_never_more_digits_are_claimed_than_are_true(
    judgements: list[Judgement], what: str
) -> None:
    """Promise: the certified problem is the stated one, with the weights as they were given."""
    assert violations(judgements, what) == []
    assert median_gap(judgements, what) <= 2.5


def test_the_survey_covers_every_setting_with_every_kind_of_weights() -> None:
    seen = Counter(weighted_problem(seed).setting for seed in SEEDS)
    assert set(seen) == {f"{setting}, {kind}" for setting in SETTINGS for kind in WEIGHTS}


def test_the_survey_would_notice_an_overconfident_implementation() -> None:
    broken = {name: overconfident(way) for name, way in WAYS.items()}
    assert len(violations(survey(range(65), broken, weighted=True))) > 50


def test_rows_times_a_rounded_root_are_rows_of_another_problem() -> None:
    """Why √w is carried in double-double: the shortcut through scaled rows loses digits here."""
    rng = np.random.default_rng(5)
    x = 1e6 + rng.normal(size=(60, 2))
    y = x @ [1.0, 1.0] + rng.normal(size=60)
    w = 10.0 ** rng.uniform(-3, 3, 60)
    fit = gw.fit(x, y, weights=w, method=gw.NormalEquation(digits=15))
    root = np.sqrt(w)
    scaled = gw.fit(
        np.column_stack([root, x * root[:, None]]), y * root, intercept=False,
        method=gw.NormalEquation(digits=15),
    )  # fmt: skip
    off = np.abs(scaled.coefficients / fit.coefficients - 1.0)
    assert fit.trusted_digits.min() >= 15.0
    assert off.max() > 1e-12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.integers(1, 4))
def test_frequencies_equal_repeated_rows(seed: int, intercept: bool, p: int) -> None:
    """Promise: a row of frequency 3 is three rows, in everything that a fit says."""
    rng = np.random.default_rng(seed)
    n = 3 * p + 6
    x = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-5, 6, p) + rng.normal(size=p)
    y = rng.normal(size=n)
    counts = rng.poisson(1.5, n)
    counts[: p + 3] += 1
    counted = gw.fit(x, y, frequencies=counts, intercept=intercept)
    repeated = gw.fit(np.repeat(x, counts, axis=0), np.repeat(y, counts), intercept=intercept)
    assert (counted.rows, counted.degrees_of_freedom) == (
        repeated.rows,
        repeated.degrees_of_freedom,
    )
    # 15 digits are asked of both; standard errors and sums of squares are asked to 13
    np.testing.assert_allclose(counted.coefficients, repeated.coefficients, rtol=1e-14)
    np.testing.assert_allclose(counted.covariance, repeated.covariance, rtol=1e-11, atol=1e-300)
    for name in (
        "residual_sd", "log_likelihood", "aic", "bic",
        "p_values", "standard_errors", "t_values",
    ):  # fmt: skip
        ours, theirs = getattr(counted, name), getattr(repeated, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, err_msg=name)
    for name in ("r_squared", "adjusted_r_squared", "f_test"):  # 1 − share: a small R² cancels
        ours, theirs = getattr(counted, name), getattr(repeated, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14, err_msg=name)
    new = rng.normal(size=(3, p))
    np.testing.assert_allclose(
        counted.predict(new, interval=0.9), repeated.predict(new, interval=0.9), rtol=1e-11
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-40, 1e40))
def test_only_ratios_of_analytic_weights_matter_to_estimates(seed: int, unit: float) -> None:
    """Promise: weights in other units give the same estimates, errors, R² and log-likelihood."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    w = rng.uniform(0.1, 10.0, 30)
    one, other = gw.fit(x, y, weights=w), gw.fit(x, y, weights=w * unit)
    # the weights themselves are rounded by the change of units
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.standard_errors, other.standard_errors, rtol=1e-12)
    np.testing.assert_allclose(one.r_squared, other.r_squared, rtol=1e-11)
    np.testing.assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-11)
    np.testing.assert_allclose(one.residual_sd * np.sqrt(unit), other.residual_sd, rtol=1e-12)


def test_rows_of_weight_zero_are_as_if_they_were_not_there() -> None:
    """Promise: as in R, they count neither as data nor as degrees of freedom."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    w = rng.uniform(0.5, 2.0, 40)
    w[::4] = 0.0
    x[::4] *= 1e9
    fit = gw.fit(x, y, weights=w)
    without = gw.fit(x[w > 0], y[w > 0], weights=w[w > 0])
    assert (fit.rows, fit.degrees_of_freedom) == (30, 27)
    np.testing.assert_allclose(fit.coefficients, without.coefficients, rtol=1e-14)
    np.testing.assert_allclose(fit.standard_errors, without.standard_errors, rtol=1e-12)
    assert fit.log_likelihood == pytest.approx(without.log_likelihood, rel=1e-13)
    assert "zero-weights" in {finding.code for finding in fit.findings}


@pytest.mark.parametrize("tier", [0, 1, 2])
@pytest.mark.parametrize("weighting", ["analytic", "frequency"])
def test_weighted_moments_merge(tier: int, weighting: str) -> None:
    """Promise: sums over two parts of the data merge into those of the whole."""
    problem = weighted_problem(4 * 13 if weighting == "frequency" else 0, most_rows=100)
    rows = rows_of(problem)
    half = len(rows.y) // 2
    parts = []
    for part in (slice(None, half), slice(half, None)):
        assert rows.weight is not None
        piece = type(rows)(
            rows.x[part], rows.y[part], weight=rows.weight[part], weighting=weighting
        )
        parts.append(accumulate(piece, tier=tier))
    merged = parts[0].merge(parts[1])
    assert merged.merge is not None
    rows.weighting = weighting
    whole = accumulate(rows, tier=tier)
    assert (merged.rows, merged.weighting) == (whole.rows, weighting)
    assert merged.total_weight[0] == pytest.approx(whole.total_weight[0], rel=1e-15)
    assert merged.log_weights == pytest.approx(whole.log_weights, rel=1e-13)
    assert merged.least_weight == whole.least_weight
    np.testing.assert_allclose(solve(merged).coefficients, solve(whole).coefficients, rtol=1e-9)


def test_moments_with_and_without_weights_do_not_merge() -> None:
    problem = weighted_problem(0)
    weighted = rows_of(problem)
    plain = type(weighted)(weighted.x, weighted.y)
    with pytest.raises(gw.errors.InputError, match="weights"):
        accumulate(weighted).merge(accumulate(plain))


def test_the_bits_do_not_depend_on_threads_or_blocks() -> None:
    """Promise: weighted sums, too, are the same whatever runs side by side."""
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(300_000, 3)), rng.normal(size=300_000)
    w = rng.uniform(size=300_000)
    one, four = (gw.fit(x, y, weights=w, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one.coefficients, four.coefficients)
    np.testing.assert_array_equal(one.standard_errors, four.standard_errors)
    assert one.log_likelihood == four.log_likelihood
