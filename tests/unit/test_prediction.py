"""Promise: predictions lose no digits to offsets or ill-conditioning, depend on their own row
alone, and are missing where the data does not determine them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares import prediction
from tests.reference import nist


@pytest.fixture(scope="module")
def fit() -> gw.Fit:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 3))
    return gw.fit(x, x @ [1.0, -2.0, 0.5] + 4.0 + rng.normal(size=200))


NEW = np.random.default_rng(9).normal(size=(50, 3)) * 3.0


def test_values_and_intervals_agree_with_the_textbook(fit) -> None:
    design = np.column_stack([np.ones(len(NEW)), NEW])
    value = design @ fit.coefficients
    h = np.einsum("ij,jk,ik->i", design, fit.covariance / fit.residual_sd**2, design)
    t = stats.t.ppf(0.95, fit.degrees_of_freedom)
    np.testing.assert_allclose(fit.predict(NEW), value, rtol=1e-12, atol=1e-12)
    for kind, half in (
        ("confidence", t * fit.residual_sd * np.sqrt(h)),
        ("prediction", t * fit.residual_sd * np.sqrt(1 + h)),
    ):
        found = fit.predict(NEW, interval=kind, level=0.9)
        np.testing.assert_allclose(found.value, value, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.upper - found.value, half, rtol=1e-10)
        np.testing.assert_allclose(found.value - found.lower, half, rtol=1e-10)


def test_a_number_asks_for_a_prediction_interval_at_that_level(fit) -> None:
    for a, b in zip(
        fit.predict(NEW, interval=0.8),
        fit.predict(NEW, interval="prediction", level=0.8),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("interval", ["both", True, [0.9], ""])
def test_an_unknown_interval_is_refused(fit, interval) -> None:
    with pytest.raises(InputError, match="interval must be 'confidence'"):
        fit.predict(NEW, interval=interval)


def test_a_level_out_of_range_is_refused_before_anything_is_read(fit) -> None:
    with pytest.raises(InputError, match=r"Did you mean 0.95\?"):
        fit.predict("there is no such file.csv", interval=95)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_is_predicted_the_same_with_any_neighbours(fit, order) -> None:
    together = fit.predict(np.asarray(NEW, order=order), interval=0.95)
    for i in range(len(NEW)):
        alone = fit.predict(NEW[i : i + 1], interval=0.95)
        assert alone.value[0] == together.value[i]


def test_offsets_of_1e8_cost_no_digits() -> None:
    """Against exact rational arithmetic on the certified coefficients' own problem: y = 3a − b."""
    rng = np.random.default_rng(11)
    x = rng.integers(0, 1000, size=(80, 2)) + np.array([10**8, -(10**8)])
    y = 3 * x[:, 0] - x[:, 1] + rng.integers(-5, 6, size=80)
    fit = gw.fit(x, y)
    near = gw.fit(x - [10**8, -(10**8)], y - 4 * 10**8)  # the same problem without offsets
    new = rng.integers(0, 1000, size=(40, 2))
    expected = near.predict(new)
    found = fit.predict(new + np.array([10**8, -(10**8)])) - 4e8
    np.testing.assert_allclose(found, expected, atol=1e-7)  # an ulp of 4e8 is 6e-8
    far = fit.predict(new + np.array([10**8, -(10**8)]), interval=0.95)
    close = near.predict(new, interval=0.95)
    np.testing.assert_allclose(far.upper - far.lower, close.upper - close.lower, atol=3e-7)


def test_predictions_survive_cancelling_terms() -> None:
    """NIST Filip, a polynomial of degree ten: terms are 1e5 times their sum.

    The truth is the fitted polynomial itself, in exact arithmetic over its high and low words.
    """
    data = next(d for d in nist.load_all() if d.name == "Filip")
    x, y = data.binary_design()
    fit = gw.fit(x, y)
    s = fit.solution
    exact = []
    for row in np.asarray(x):
        value = Fraction(s.target_mean) + Fraction(s.target_mean_low)
        for j, entry in enumerate(row):
            slope = Fraction(s.coefficients[j + 1]) + Fraction(s.coefficient_lows[j + 1])
            mean = Fraction(s.predictor_means[j]) + Fraction(s.predictor_mean_lows[j])
            value += slope * (Fraction(entry) - mean)
        exact.append(float(value))
    np.testing.assert_allclose(fit.predict(x), exact, rtol=1e-12)
    plain = np.column_stack([np.ones(len(y)), x]) @ fit.coefficients
    assert np.max(np.abs(plain / exact - 1)) > 1e-11  # the case is as hard as it says


@pytest.mark.parametrize("name", ["Norris", "Pontius", "NoInt1", "Longley", "Wampler4", "Filip"])
def test_leverages_add_up_to_the_rank(name) -> None:
    """Σh = rank, also where the inverse of the Gram matrix has no digits left for z'Cz."""
    data = next(d for d in nist.load_all() if d.name == name)
    x, y = data.binary_design()
    fit = gw.fit(x, y, intercept=data.intercept)
    h = prediction.leverage(fit.solution, np.asarray(x, dtype=np.float64))
    assert h.sum() == pytest.approx(fit.rank, rel=1e-6)
    assert ((h > 0.0) & (h <= 1.0 + 1e-9)).all()


def test_rows_with_a_missing_value_keep_their_place(fit) -> None:
    new = NEW.copy()
    new[3, 1] = np.nan
    found = fit.predict(new, interval="confidence")
    assert all(np.isnan(values[3]) for values in found)
    np.testing.assert_array_equal(np.delete(found.value, 3), np.delete(fit.predict(NEW), 3))


def test_rows_that_break_a_dependency_are_not_guessed() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 2)) + np.array([100.0, 0.0])
    x = np.column_stack([x, 2 * x[:, 0] - x[:, 1] + 1])
    fit = gw.fit(x, x[:, 0] + rng.normal(size=50))
    keeps, breaks = x[:4], x[:4] + np.array([0.0, 0.0, 0.5])
    assert np.isfinite(fit.predict(keeps)).all()
    with pytest.warns(UserWarning, match=r"2 rows cannot be predicted: .* x3 = 2·x1 - x2 \+ 1"):
        found = fit.predict(np.vstack([keeps[:2], breaks[:2]]), interval=0.9)
    assert np.isfinite(found.value[:2]).all()
    assert np.isnan([found.value[2:], found.lower[2:], found.upper[2:]]).all()


def test_a_column_that_was_constant_must_stay_so() -> None:
    rng = np.random.default_rng(6)
    x = np.column_stack([rng.normal(size=30), np.full(30, 7.0)])
    fit = gw.fit(x, rng.normal(size=30))
    assert np.isfinite(fit.predict([[1.0, 7.0]])).all()
    with pytest.warns(UserWarning, match="cannot be predicted"):
        assert np.isnan(fit.predict([[1.0, 8.0]])).all()


def test_values_far_outside_the_data_do_not_warn(fit) -> None:
    value = fit.predict([[1e308, -1e308, 1e308]], interval=0.95)
    assert not np.isfinite(value.upper[0])  # overflow is told by the value, not by a warning


def test_no_rows_give_no_predictions(fit) -> None:
    assert fit.predict(np.empty((0, 3))).shape == (0,)


def test_an_interval_in_percent_is_named_as_the_argument_that_it_is(fit) -> None:
    with pytest.raises(InputError, match=r"^interval must lie in \(0, 1\); got 95.*mean 0\.95\?"):
        fit.predict(NEW, interval=95)
    with pytest.raises(InputError, match=r"^level must lie in \(0, 1\); got 95\."):
        fit.predict(NEW, interval="prediction", level=95)
    np.testing.assert_array_equal(
        fit.predict(NEW, interval=np.float64(0.8)), fit.predict(NEW, interval=0.8)
    )


def test_what_overflows_in_both_directions_is_not_called_missing() -> None:
    """Promise: never a silent NaN."""
    a, b = np.arange(1.0, 6.0), np.array([2.0, 1, 4, 3, 7])
    fit = gw.fit({"a": a, "b": b, "y": 3 * a - 2 * b + [0, 0, 0, 0, 0.1]}, "y")
    new = {"a": [1.0, np.nan, 1.7e308], "b": [1.0, 1.0, 1.7e308]}
    with pytest.raises(InputError, match=r"row 2 \(counted from 0\) is ∞ − ∞"):
        fit.predict(new)
    assert np.isnan(fit.predict({"a": new["a"][:2], "b": new["b"][:2]})).tolist() == [False, True]
