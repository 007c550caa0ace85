"""Promise: a descent walks the textbook's path, ends where it says, and says how far that is."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError
from gausswork.leastsquares.descent.full import agreement, remains, selected
from gausswork.leastsquares.descent.history import Outcome

LINE = {"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}


def descent(**options: Any) -> gw.Fit:
    return gw.fit(LINE, target="y", method=gw.GradientDescent(**options))


def noisy(n: int = 60, p: int = 2, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) + 1.0
    return x, x @ np.arange(1.0, p + 1) + rng.normal(size=n)


def codes(fit: gw.Fit) -> set[str]:
    return {finding.code for finding in fit.findings}


def sentence(fit: gw.Fit, code: str) -> str:
    return next(str(f) for f in fit.findings if f.code == code)


# The seed of it all: X = 1…5, y = 2x, rate 0.01, 1000 epochs.


def test_the_seed_case() -> None:
    fit = descent(learning_rate=0.01, epochs=1000)
    b, w = 0.0, 0.0
    x, y = np.array(LINE["x"]), np.array(LINE["y"])
    for _ in range(1000):
        error = y - (w * x + b)
        w, b = w + 0.01 * 2 / 5 * (x * error).sum(), b + 0.01 * 2 / 5 * error.sum()
    assert fit.coefficients == pytest.approx([b, w], rel=1e-10)
    assert f"{fit.coefficients[1]:.5f} {fit.coefficients[0]:.5f}" == "1.99518 0.01740"
    assert fit.descent is not None
    assert fit.descent.path.shape == (1001, 2)
    assert list(fit.descent.path[1]) == pytest.approx([0.12, 0.44], rel=1e-15)
    assert list(fit.descent.exact) == [0.0, 2.0]


def test_what_is_known_before_the_first_step() -> None:
    """H = [[2, 6], [6, 22]]: λ = 12 ± √136."""
    before = gw.outlook(descent(), gw.GradientDescent(learning_rate=0.1))
    root = np.sqrt(136.0)
    assert before.smallest_eigenvalue == pytest.approx(12 - root, rel=1e-14)
    assert before.largest_eigenvalue == pytest.approx(12 + root, rel=1e-14)
    assert before.learning_rate_limit == pytest.approx(2 / (12 + root), rel=1e-14)
    assert before.best_learning_rate == pytest.approx(1 / 12, rel=1e-14)
    assert before.condition_number == pytest.approx((12 + root) / (12 - root), rel=1e-14)
    assert before.factor == pytest.approx(0.1 * (12 + root) - 1, rel=1e-14)
    assert before.diverges
    assert before.alternative is not None
    assert before.alternative.condition_number == pytest.approx(1.0)
    assert before.alternative.learning_rate_limit == pytest.approx(1.0)
    assert before.epochs_per_digit(0.2) == np.inf


def test_a_rate_beyond_the_limit_is_refused_with_the_numbers() -> None:
    with pytest.raises(InputError) as refused:
        descent(learning_rate=0.1)
    assert (
        "0.1 is above 0.0845: every epoch multiplies the error by 1.37; "
        "use ≤ 0.042 or standardise" in str(refused.value)
    )


def test_the_limit_itself_is_beyond() -> None:
    limit = gw.outlook(descent()).learning_rate_limit
    with pytest.raises(InputError, match=r"at the limit|above"):
        descent(learning_rate=limit)
    descent(learning_rate=limit * (1 - 1e-9), epochs=3)


def test_just_beyond_the_limit_the_factor_is_told_from_one() -> None:
    """At 0.08453 the largest eigenvalue 12 + √136 has the factor 1.00014…"""
    with pytest.raises(InputError, match=r"multiplies the error by 1\.0001;"):
        descent(learning_rate=0.08453)
    limit = gw.outlook(descent()).learning_rate_limit
    ran = sentence(descent(learning_rate=limit, beyond_limit="run"), "descent-diverged")
    assert "by 1." in ran or "never shrinks" in ran  # the limit is rounded to one side or other
    assert "by 1." not in ran.replace("by 1.0", "")


def test_epochs_beyond_counting_are_told_by_their_power_of_ten() -> None:
    said = sentence(descent(learning_rate=1e-300, epochs=3), "descent-outlook")
    assert "every 6.8e+300 epochs" in said  # ln 10 / (1e-300 · 0.338)


def test_a_goal_that_lies_behind_is_said_so() -> None:
    fit = descent(learning_rate=0.042, epochs=1000)
    said = sentence(fit, "descent-unfinished")
    assert fit.descent is not None
    within = fit.descent.epochs_within(1e-6)
    assert within is not None
    assert within <= 1000
    assert f"from epoch {within} on it is within 1e-6 of the least-squares solution" in said


def test_a_start_whose_loss_is_no_number_is_refused() -> None:
    for far in ([1e300, 1e300], [0.0, 1e308], [-1e200, 0.0]):
        with pytest.raises(InputError, match="start holds numbers as large as"):
            descent(start=far)


def test_slow_convergence_is_said() -> None:
    fit = descent(learning_rate=0.01, epochs=1000)
    said = sentence(fit, "descent-unfinished")
    assert "after 1,000 epochs 0.24 % of the way remains for the slowest coefficient; " in said
    assert "3,884 epochs come within 1e-6" in said
    assert fit.descent is not None
    assert fit.descent.outcome is Outcome.UNFINISHED
    # what it says is so, to the epoch
    path, _ = fit.descent.at([3883, 3884])
    away = np.abs(path - [0.0, 2.0]).max(axis=1)
    assert away[0] > 1e-6 >= away[1]
    assert fit.descent.epochs_within(1e-6) == 3884


def test_no_standard_errors_on_the_way() -> None:
    x, y = noisy()
    fit = gw.fit(x, y, method=gw.GradientDescent(learning_rate=0.01, epochs=20))
    assert np.isnan(fit.standard_errors).all()
    assert np.isnan(fit.p_values).all()
    assert np.isnan(fit.covariance).all()
    assert np.isnan(fit.f_test.p_value)
    assert np.isnan(fit.aic)
    assert np.isnan(fit.confidence_intervals()).all()
    with pytest.raises(InputError, match="has not arrived"):
        fit.predict(x, interval=0.95)
    value = fit.predict(x)
    assert value == pytest.approx(fit.coefficients[0] + x @ fit.coefficients[1:], rel=1e-12)
    residuals = y - value
    assert fit.residual_sd == pytest.approx(np.sqrt((residuals**2).sum() / 57), rel=1e-12)


def test_standard_errors_where_it_has_arrived() -> None:
    x, y = noisy()
    exact = gw.fit(x, y)
    fit = gw.fit(x, y, method=gw.GradientDescent())
    assert fit.descent is not None
    assert fit.descent.outcome is Outcome.CONVERGED
    assert fit.coefficients == pytest.approx(exact.coefficients, rel=1e-14)
    assert fit.standard_errors == pytest.approx(exact.standard_errors, rel=1e-12)
    assert "descent-converged" in codes(fit)
    assert fit.predict(x, interval=0.9)[1] == pytest.approx(exact.predict(x, interval=0.9)[1])
    assert fit.f_test.statistic == pytest.approx(exact.f_test.statistic)


@pytest.mark.parametrize("epochs", [1, 30, 100, 1000, 10**5])
@pytest.mark.parametrize("seed", range(4))
def test_digits_are_never_claimed_too_many(seed: int, epochs: int) -> None:
    x, y = noisy(seed=seed, p=3)
    exact = gw.fit(x, y).coefficients
    fit = gw.fit(x, y, method=gw.GradientDescent(learning_rate=0.05, epochs=epochs))
    with np.errstate(divide="ignore"):
        agree = -np.log10(np.abs(fit.coefficients - exact) / np.abs(exact))
    # coefficients and solution are each rounded: 15 digits can be compared
    assert (np.minimum(fit.trusted_digits, 15.0) <= np.clip(agree, 0.0, 15.0) + 0.05).all()


def test_no_digit_of_a_number_that_should_be_zero_is_right() -> None:
    digits = agreement(np.array([0.0174, 0.0]), np.array([0.0, 0.0]), np.array([15.0, 15.0]))
    assert list(digits) == [0.0, 15.0]


# Stopping


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.8, False), (0.8, True)])
def test_the_tolerance_stops_at_the_epoch_of_the_loop(
    tolerance: float, momentum: float, nesterov: bool
) -> None:
    x, y = noisy()
    rate = 0.02
    fit = gw.fit(
        x, y,
        method=gw.GradientDescent(
            rate, 10**6, momentum=momentum, nesterov=nesterov, tolerance=tolerance
        ),
    )  # fmt: skip
    ones = np.column_stack((np.ones(len(y)), x)).astype(np.longdouble)
    theta, v = np.zeros(3, np.longdouble), np.zeros(3, np.longdouble)
    epoch = 0
    while True:
        epoch += 1
        at = theta + momentum * v if nesterov else theta
        v = momentum * v - rate * (2 / np.longdouble(len(y))) * (ones.T @ (ones @ at - y))
        theta = theta + v
        if np.abs(v).max() < tolerance:
            break
    assert fit.descent is not None
    assert fit.descent.epochs == epoch
    assert fit.coefficients == pytest.approx(theta.astype(float), rel=1e-12)


def test_a_tolerance_reached_beyond_the_scan() -> None:
    fit = descent(learning_rate=1e-7, epochs=10**10, tolerance=1e-12)
    assert fit.descent is not None
    steps = fit.descent.modes.steps([fit.descent.epochs - 1, fit.descent.epochs])  # type: ignore[union-attr]
    largest = np.abs(steps).max(axis=1)
    assert largest[0] >= 1e-12 > largest[1]
    assert fit.descent.epochs > 10**7
    assert "descent-stopped" in codes(fit) or "descent-converged" in codes(fit)


# Long histories


def test_ten_to_the_ten_epochs_take_no_memory() -> None:
    fit = descent(learning_rate=1e-9, epochs=10**10)
    assert fit.descent is not None
    assert fit.descent.recorded[0] == 0
    assert fit.descent.recorded[-1] == 10**10
    assert len(fit.descent.recorded) < 3000
    path, loss = fit.descent.at([10**10])
    assert path[0] == pytest.approx(fit.coefficients, rel=1e-15)
    # the path of 10⁷ epochs at a thousand times the rate is nearly the same
    other = descent(learning_rate=1e-6, epochs=10**7)
    assert fit.coefficients == pytest.approx(other.coefficients, rel=1e-4)
    assert loss[0] == pytest.approx(float(other.descent.loss[-1]), rel=1e-3)  # type: ignore[union-attr]


def test_every_epoch_is_recorded_up_to_ten_thousand() -> None:
    assert (selected(10_000, 2) == np.arange(10_001)).all()
    for epochs in (10_001, 123_456, 10**9):
        chosen = selected(epochs, 2)
        assert chosen[0] == 0
        assert chosen[-1] == epochs
        assert (np.diff(chosen) > 0).all()
        assert len(chosen) <= 2002
    assert len(selected(5000, 3000)) * 3000 <= 2**22 + 2 * 3000 * 1002


# Divergence on request


def test_divergence_is_run_until_numbers_overflow() -> None:
    fit = descent(learning_rate=0.1, epochs=10**6, beyond_limit="run")
    assert fit.descent is not None
    assert fit.descent.outcome is Outcome.DIVERGED
    assert np.isfinite(fit.descent.path).all()
    assert np.isfinite(fit.descent.loss).all()
    assert fit.descent.loss[-1] > 1e290
    assert fit.descent.epochs < 2000
    assert {"descent-diverged", "rate-beyond-limit"} <= codes(fit)
    assert "after epoch 1,100 the numbers leave float64" in sentence(fit, "descent-diverged")
    assert (fit.trusted_digits == 0.0).all()
    assert np.isnan(fit.standard_errors).all()
    assert "−" in str(fit) or "-" in str(fit)
    json.dumps(fit.to_dict(), allow_nan=False)


# The best rates


def test_auto_takes_the_best_constant_rate() -> None:
    fit = descent(epochs=5)
    assert fit.descent is not None
    assert fit.descent.learning_rate == pytest.approx(1 / 12)
    pair = descent(momentum="auto", epochs=5)
    assert pair.descent is not None
    assert pair.descent.outlook is not None
    assert (pair.descent.learning_rate, pair.descent.momentum) == pair.descent.outlook.best_pair
    rate = descent(learning_rate=0.01, momentum="auto", epochs=5)
    assert rate.descent is not None
    assert 0.5 < rate.descent.momentum < 1.0


# Flat directions


def test_flat_directions_are_named() -> None:
    x, y = noisy(p=2)
    x = np.column_stack((x, x[:, 0] + x[:, 1]))
    fit = gw.fit(x, y, method=gw.GradientDescent())
    assert "x3 = x1 + x2" in sentence(fit, "flat-direction")
    assert "dependent-column" not in codes(fit)
    assert np.isfinite(fit.coefficients).all()
    assert list(fit.trusted_digits[1:]) == [0.0, 0.0, 0.0]
    assert np.isnan(fit.standard_errors[1:]).all()
    assert fit.predict(x) == pytest.approx(gw.fit(x, y).predict(x), rel=1e-9)
    start = gw.fit(x, y, method=gw.GradientDescent(start=(0.0, 5.0, 5.0, -5.0)))
    assert start.predict(x) == pytest.approx(fit.predict(x), rel=1e-9)
    assert abs(start.coefficients[1] - fit.coefficients[1]) > 1.0


@pytest.mark.parametrize("standardize", [False, True])
def test_a_constant_column(standardize: bool) -> None:
    x, y = noisy(p=1)
    x = np.column_stack((x, np.full(len(x), 4.0)))
    fit = gw.fit(x, y, method=gw.GradientDescent(standardize=standardize))
    assert "x2 = 4" in sentence(fit, "flat-direction")
    assert np.isfinite(fit.coefficients).all()
    assert fit.coefficients[1] == pytest.approx(gw.fit(x, y).coefficients[1])


def test_nothing_to_descend() -> None:
    with pytest.raises(InputError, match="nothing to descend"):
        gw.fit(np.zeros((5, 1)), np.arange(5.0), intercept=False, method=gw.GradientDescent())


# Bad input


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a positive number or 'auto'; got 0.0"),
        ({"learning_rate": -0.1}, "learning_rate must be a positive"),
        ({"learning_rate": float("nan")}, "got nan"),
        ({"learning_rate": float("inf")}, "got inf"),
        ({"learning_rate": "fast"}, "got 'fast'"),
        ({"learning_rate": True}, "got True"),
        ({"epochs": 0}, "epochs must be a whole number from 1 to 10,000,000,000; got 0"),
        ({"epochs": -5}, "got -5"),
        ({"epochs": 10**12}, "got 1000000000000"),
        ({"epochs": 1e3}, "Did you mean 1000?"),
        ({"epochs": float("nan")}, "got nan"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\)"),
        ({"momentum": 1.5}, "0.9 is a common choice"),
        ({"momentum": -0.1}, "got -0.1"),
        ({"momentum": "much"}, "got 'much'"),
        ({"nesterov": True}, "needs momentum"),
        ({"standardize": "yes"}, "standardize must be True or False"),
        ({"tolerance": -1.0}, "tolerance must be zero or a positive number"),
        ({"tolerance": float("nan")}, "tolerance must be"),
        ({"ridge": -1.0}, "ridge must be"),
        ({"start": [1.0]}, "start has 1 numbers, and there are 2 parameters: intercept, x"),
        ({"start": [1.0, 2.0, 3.0]}, "start has 3 numbers"),
        ({"start": [1.0, float("inf")]}, "start must be finite"),
        ({"start": 3.0}, "start must be a sequence"),
        ({"start": ["a", "b"]}, "start must be a sequence"),
        ({"beyond_limit": "ignore"}, "beyond_limit must be 'refuse' or 'run'"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        descent(**options)


def test_questions_to_a_descent_are_checked() -> None:
    found = descent(epochs=10).descent
    assert found is not None
    for epochs in (-1, [0.5], 10**11, "all"):
        with pytest.raises(InputError):
            found.at(epochs)  # type: ignore[arg-type]
    for distance in (0.0, -1.0, float("nan"), "near"):
        with pytest.raises(InputError):
            found.epochs_within(distance)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="method must be a GradientDescent"):
        gw.outlook(descent(), gw.NormalEquation())  # type: ignore[arg-type]


def test_sums_beyond_float64_are_refused() -> None:
    x, y = noisy(p=1)
    with pytest.raises(InputError, match="leave the range of float64"):
        gw.fit(x * 1e160, y, method=gw.GradientDescent())


# The fit is a fit


@pytest.mark.parametrize(
    "method",
    [
        gw.GradientDescent(0.01, 1000),
        gw.GradientDescent(momentum="auto", epochs=50),
        gw.GradientDescent(standardize=True, epochs=30, start=(1.0, 2.0)),
        gw.GradientDescent(0.1, 5000, beyond_limit="run"),
        gw.GradientDescent(ridge=2.0, epochs=40),
        gw.GradientDescent(0.05, 300, momentum=0.5, nesterov=True, tolerance=1e-5),
    ],
)
def test_a_saved_descent_comes_back_whole(method: gw.GradientDescent, tmp_path: Path) -> None:
    fit = gw.fit(LINE, target="y", method=method)
    fit.save(tmp_path / "model.json")
    again = gw.load(tmp_path / "model.json")
    assert again.method == method
    assert (again.coefficients == fit.coefficients).all()
    assert (again.trusted_digits == fit.trusted_digits).all()
    assert again.descent is not None
    assert fit.descent is not None
    assert (again.descent.path == fit.descent.path).all()
    assert again.descent.outcome is fit.descent.outcome
    assert str(again) == str(fit)
    assert again.to_dict() == fit.to_dict()
    copy = pickle.loads(pickle.dumps(fit))
    assert (copy.descent.loss == fit.descent.loss).all()


def test_a_hostile_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    descent(learning_rate=0.01).save(path)
    model = json.loads(path.read_text())
    for key, value in (("learning_rate", -1), ("epochs", 10**40), ("momentum", 7), ("what", 1)):
        broken = json.loads(path.read_text())
        broken["method"][key] = value
        path.write_text(json.dumps(broken))
        with pytest.raises(gw.errors.ModelFileError):
            gw.load(path)
        path.write_text(json.dumps(model))
    gw.load(path)


def test_the_table_shows_where_it_is_and_where_it_goes() -> None:
    text = str(descent(learning_rate=0.01, epochs=1000))
    assert "y: gradient descent, 5 rows" in text
    assert "1.99518" in text
    assert "unfinished after 1,000 epochs at learning rate 0.01" in text
    assert "intercept 0 (0.0174 away); x 2 (0.00482 away)" in text
    html = descent(learning_rate=0.01)._repr_html_()
    assert "unfinished after 1,000 epochs" in html


def test_the_document_has_the_descent() -> None:
    data = descent(learning_rate=0.01, epochs=1000).to_dict()
    json.dumps(data, allow_nan=False)
    assert data["method"] == {
        "name": "gradient-descent", "learning_rate": 0.01, "epochs": 1000, "momentum": 0.0,
    }  # fmt: skip
    assert data["descent"]["outcome"] == "unfinished"
    assert data["descent"]["outlook"]["learning_rate_limit"] == pytest.approx(0.08452405)
    assert data["descent"]["terms"][1]["least_squares"] == 2.0
    assert gw.fit(LINE, target="y").to_dict()["descent"] is None


def test_a_stream_that_passes_once() -> None:
    import pyarrow as pa

    table = pa.table(LINE)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    fit = gw.fit(reader, target="y", method=gw.GradientDescent(0.01, 1000))
    assert fit.coefficients == pytest.approx([0.01740046334, 1.99518035067], rel=1e-9)


def test_words_for_what_remains() -> None:
    assert remains(0.002409) == "0.24 % of the way remains for the slowest coefficient"
    assert remains(1.0) == "100 % of the way remains for the slowest coefficient"
    assert "7.36 times as far" in remains(7.361)


# What a learning rate makes of a descent, in a word.


def test_a_rate_converges_oscillates_or_diverges_where_the_eigenvalues_say() -> None:
    """H = [[2, 6], [6, 22]]: λmax = 12 + √136; overshooting from 1/λmax, divergence from 2/λmax."""
    largest = 12.0 + np.sqrt(136.0)
    for rate, word in (
        (0.5 / largest, "converges"),
        (0.999 / largest, "converges"),
        (1.001 / largest, "oscillates"),
        (1.999 / largest, "oscillates"),
        (2.001 / largest, "diverges"),
        (50.0, "diverges"),
    ):
        before = gw.outlook(descent(), gw.GradientDescent(learning_rate=rate))
        assert before.overshoots_from == pytest.approx(1.0 / largest, rel=1e-12)
        assert before.behaviour == word
        assert before.verdict.lower().startswith(word)
        walked = descent(learning_rate=rate, epochs=40, beyond_limit="run").descent
        assert walked is not None
        _, vectors = np.linalg.eigh(np.array([[2.0, 6.0], [6.0, 22.0]]))
        along = (walked.path - walked.exact) @ vectors[:, 1]  # across the valley
        alive = np.abs(along) > 1e-12 * np.abs(along).max()  # the rest is rounding
        turns = bool(((along[:-1] * along[1:] < 0.0) & alive[:-1] & alive[1:]).any())
        assert turns == (word != "converges")


@pytest.mark.parametrize("nesterov", [False, True])
def test_with_momentum_the_word_is_what_the_path_does(nesterov: bool) -> None:
    seen = set()
    for momentum in (0.1, 0.5, 0.9):
        for rate in (1e-4, 3e-3, 0.02, 0.06, 0.09, 0.2):
            method = gw.GradientDescent(
                learning_rate=rate, momentum=momentum, nesterov=nesterov, epochs=3000,
                beyond_limit="run", start=(7.0, -3.0),
            )  # fmt: skip
            before = gw.outlook(descent(), method)
            walked = gw.fit(LINE, target="y", method=method).descent
            assert walked is not None
            assert walked.modes is not None
            away = walked.modes.respond(walked.recorded).remaining  # along each eigenvector
            alive = np.abs(away) > 1e-25  # in double-double; the rest is rounding
            turns = ((away[:-1] * away[1:] < 0.0) & alive[:-1] & alive[1:]).any()
            grows = np.abs(away[-1]).max() > np.abs(away[0]).max()
            word = "diverges" if grows else "oscillates" if turns else "converges"
            assert before.behaviour == word, (momentum, rate)
            seen.add(word)
    assert seen == {"converges", "oscillates", "diverges"}
