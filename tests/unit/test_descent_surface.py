"""Promise: the loss over two parameters is that of the rows, and its contours are where it says."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.errors import InputError

LINE = {"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}


def noisy(n: int = 40, seed: int = 3, offset: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = offset + 3.0 * rng.normal(size=n)
    return {"x": x, "y": 1.0 + 0.5 * x + rng.normal(size=n)}


def exact_loss(data: dict[str, Any], b: float, w: float) -> float:
    """The mean squared error in exact arithmetic."""
    rows = list(zip(map(float, data["x"]), map(float, data["y"]), strict=True))
    total = sum((Fraction(y) - Fraction(b) - Fraction(w) * Fraction(x)) ** 2 for x, y in rows)
    return float(total / len(rows))


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
def test_the_loss_is_that_of_the_rows(offset: float) -> None:
    data = noisy(offset=offset)
    fit = gw.fit(data, target="y")
    surface = gw.loss_surface(fit)
    assert surface.names == ("intercept", "x")
    rng = np.random.default_rng(0)
    for step in rng.normal(size=(20, 2)) * fit.standard_errors:
        b, w = (fit.coefficients + step).tolist()
        # the solution is rounded to float64: at an offset of 1e7 that alone moves the loss
        tolerance = 1e-12 * max(1.0, offset) ** 1.2
        assert float(surface.loss([b, w])) == pytest.approx(exact_loss(data, b, w), rel=tolerance)
        total = float(surface.sum_of_squares([b, w]))
        assert total == pytest.approx(40 * float(surface.loss([b, w])), rel=1e-15)


def test_it_is_least_at_the_solution_and_the_gradient_is_zero_there() -> None:
    fit = gw.fit(noisy(), target="y")
    surface = gw.loss_surface(fit)
    assert surface.loss(fit.coefficients) == surface.least
    assert surface.least == pytest.approx(fit.solution.residual_sum_of_squares / 40, rel=1e-15)
    assert surface.gradient(fit.coefficients) == pytest.approx([0.0, 0.0], abs=1e-15)


def test_the_gradient_is_the_one_that_a_step_of_descent_takes() -> None:
    method = gw.GradientDescent(learning_rate=0.03, epochs=4, start=(2.0, -1.0))
    fit = gw.fit(LINE, target="y", method=method)
    assert fit.descent is not None
    path = fit.descent.path
    surface = gw.loss_surface(fit)
    assert path[1] == pytest.approx(path[0] - 0.03 * surface.gradient(path[0]), rel=1e-13)
    assert surface.loss(path) == pytest.approx(fit.descent.loss, rel=1e-12)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_contours_are_where_the_loss_is_the_same(standardize: bool, offset: float) -> None:
    surface = gw.loss_surface(gw.fit(noisy(offset=offset), target="y"), standardize=standardize)
    level = 3.0 * surface.least
    a, b = surface.half_axes(level)
    turn = np.linspace(0.0, 2.0 * np.pi, 50)
    ring = surface.solution + np.outer(np.cos(turn), a) + np.outer(np.sin(turn), b)
    assert surface.loss(ring) == pytest.approx(np.full(50, level), rel=1e-9)
    left, right, bottom, top = surface.bounds(level)
    dense = np.linspace(0.0, 2.0 * np.pi, 20_001)
    ring = surface.solution + np.outer(np.cos(dense), a) + np.outer(np.sin(dense), b)
    # the box touches the ring on all sides; 20,000 points come as close as their spacing squared
    wanted = [*ring.min(axis=0), *ring.max(axis=0)]
    assert [left, bottom, right, top] == pytest.approx(wanted, rel=1e-6)


def test_the_highest_level_touches_the_farthest_corner_of_the_picture() -> None:
    surface = gw.loss_surface(gw.fit(noisy(), target="y"))
    bounds = (-3.0, 4.0, -1.0, 2.0)
    levels = surface.levels(bounds, 5)
    corners = [(x, y) for x in bounds[:2] for y in bounds[2:]]
    assert levels[0] == pytest.approx(surface.loss(corners).max(), rel=1e-15)
    excess = levels - surface.least
    assert excess[:-1] / excess[1:] == pytest.approx(np.full(4, 3.0), rel=1e-9)


def test_standardised_the_valley_is_round() -> None:
    fit = gw.fit(noisy(offset=50.0), target="y")
    wide, round_ = gw.loss_surface(fit), gw.loss_surface(fit, standardize=True)
    assert round_.hessian == pytest.approx(2.0 * np.eye(2), abs=1e-12)
    assert np.linalg.cond(wide.hessian) > 100.0
    outlook = gw.outlook(fit, gw.GradientDescent(learning_rate=0.1, standardize=True))
    assert outlook.condition_number == pytest.approx(1.0, rel=1e-9)


def test_points_stand_for_the_same_line_in_both_coordinates() -> None:
    fit = gw.fit(noisy(offset=50.0), target="y")
    wide, round_ = gw.loss_surface(fit), gw.loss_surface(fit, standardize=True)
    theta = np.array([[0.0, 0.0], [3.0, -1.0]])
    at = round_.place(theta)
    assert wide.place(theta) == pytest.approx(theta, rel=1e-15)
    assert round_.parameters(at) == pytest.approx(theta, rel=1e-12, abs=1e-12)
    assert round_.loss(at) == pytest.approx(wide.loss(theta), rel=1e-10)


def test_a_path_below_the_limit_stays_within_the_box_of_its_start() -> None:
    data = noisy(offset=4.0)
    before = gw.outlook(gw.fit(data, target="y"))
    for share in (0.1, 0.6, 0.99):
        rate = share * before.learning_rate_limit
        fit = gw.fit(data, target="y", method=gw.GradientDescent(learning_rate=rate, epochs=200))
        assert fit.descent is not None
        surface = gw.loss_surface(fit)
        left, right, bottom, top = surface.bounds(float(surface.loss([0.0, 0.0])))
        b, w = fit.descent.path.T
        slack = 1e-9 * (right - left)
        assert (b >= left - slack).all()
        assert (b <= right + slack).all()
        assert (w >= bottom - slack).all()
        assert (w <= top + slack).all()


def test_with_more_predictors_the_others_stay_at_the_solution() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 3)) + 2.0
    fit = gw.fit(x, x @ [1.0, 2.0, 3.0] + rng.normal(size=60))
    first, second = fit.names[1], fit.names[3]
    for standardize in (False, True):
        surface = gw.loss_surface(fit, first, second, standardize=standardize)
        assert surface.place(fit.coefficients) == pytest.approx(surface.solution, rel=1e-13)
        at = surface.solution + np.array([0.3, -0.2])
        theta = surface.parameters(at)
        residual = fit.influence().observed - theta[0] - x @ theta[1:]
        assert float(surface.loss(at)) == pytest.approx(float(np.mean(residual**2)))


def test_a_valley_without_a_lowest_point_is_flat_and_is_drawn_long() -> None:
    fit = gw.fit({"x": [2.0, 2.0, 2.0], "y": [1.0, 2.0, 3.0]}, target="y", features=["x"])
    surface = gw.loss_surface(fit)
    assert surface.flat
    assert float(surface.loss([2.0, 0.0])) == float(surface.loss([0.0, 1.0])) == surface.least
    bounds = surface.bounds(float(surface.loss([0.0, 0.0])))
    assert np.isfinite(bounds).all()
    axes = surface.half_axes(surface.least + 1.0, bounds)
    assert np.isfinite(axes).all()
    assert np.abs(axes).max() > 100.0 * (bounds[1] - bounds[0])
    assert not gw.loss_surface(gw.fit(noisy(), target="y")).flat


def test_a_ridge_lifts_the_floor() -> None:
    data = noisy()
    fit = gw.fit(data, target="y", method=gw.NormalEquation(ridge=4.0))
    surface = gw.loss_surface(fit)
    b, w = 0.3, 0.9
    assert float(surface.loss([b, w])) == pytest.approx(exact_loss(data, b, w) + 4.0 * w * w / 40)
    assert surface.place(fit.coefficients) == pytest.approx(surface.solution)


def test_a_ridge_descent_has_the_surface_that_it_descends() -> None:
    method = gw.GradientDescent(learning_rate=0.02, epochs=5, ridge=2.0)
    fit = gw.fit(noisy(), target="y", method=method)
    assert fit.descent is not None
    surface = gw.loss_surface(fit)
    assert surface.loss(fit.descent.path) == pytest.approx(fit.descent.loss, rel=1e-10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fit: gw.loss_surface(fit, "z"), "no parameter 'z'"),
        (lambda fit: gw.loss_surface(fit, "x", "x"), "Name two"),
        (lambda fit: gw.loss_surface(fit).loss([1.0, 2.0, 3.0]), "2 numbers"),
        (lambda fit: gw.loss_surface(fit).half_axes(-1.0), "below the least"),
        (
            lambda fit: gw.loss_surface(gw.fit(LINE, target="y", intercept=False)),
            "needs two",
        ),
    ],
)
def test_bad_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call(gw.fit(LINE, target="y"))


def test_nothing_of_a_surface_can_be_written_to() -> None:
    surface = gw.loss_surface(gw.fit(LINE, target="y"))
    for values in (surface.solution, surface.hessian, surface.typical):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0
