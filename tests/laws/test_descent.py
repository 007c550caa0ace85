"""Promise: the closed form walks the path of the textbook's loop, to 1e-10 of every parameter.

The loop runs in extended precision on the rows themselves, so that what differs is not its own
rounding. Where a parameter passes through zero its relative error means nothing: there the size
that counts is the largest that the parameter has had.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import gausswork as gw

Array = npt.NDArray[Any]
Long = np.longdouble

RULES = {
    "gradient descent": (0.0, False),
    "heavy ball": (0.9, False),
    "Nesterov": (0.9, True),
    "a little momentum": (0.2, False),
}


def loop(
    x: Array,
    y: Array,
    *,
    rate: float,
    epochs: int,
    momentum: float = 0.0,
    nesterov: bool = False,
    start: Array | None = None,
    ridge: float = 0.0,
    weight: Array | None = None,
) -> tuple[Array, Array]:
    """Return path (epochs + 1, k) and loss (epochs + 1,) of the textbook's loop over the rows."""
    x, y = x.astype(Long), y.astype(Long)
    w = np.ones(len(y), Long) if weight is None else weight.astype(Long)
    m = w.sum()
    penalty = np.zeros(x.shape[1], Long)
    penalty[(x != 1).any(axis=0)] = ridge
    theta = np.zeros(x.shape[1], Long) if start is None else start.astype(Long)
    v, eta, beta = np.zeros_like(theta), Long(rate), Long(momentum)
    path, loss = [theta], []
    for _ in range(epochs + 1):
        loss.append(((w * (y - x @ theta) ** 2).sum() + (penalty * theta**2).sum()) / m)
        at = theta + beta * v if nesterov else theta
        gradient = 2 / m * (x.T @ (w * (x @ at - y)) + penalty * at)
        v = beta * v - eta * gradient
        theta = theta + v
        path.append(theta)
    return np.array(path[:-1]), np.array(loss)


def error(found: Array, truth: Array) -> float:
    """Return the worst error of a path, relative to what each parameter has been up to there."""
    size = np.maximum.accumulate(np.abs(truth), axis=0)
    return float((np.abs(found - truth)[1:] / size[1:]).max())


def random_problem(seed: int, n: int, p: int, scales: Array, offset: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, p)) + offset * rng.normal(size=p)) * scales
    y = x @ (rng.normal(size=p) / scales) + rng.normal(size=n) + 3.0
    return x, y


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(6))
def test_random_problems(seed: int, rule: str) -> None:
    momentum, nesterov = RULES[rule]
    x, y = random_problem(seed, 40, 1 + seed % 4, np.ones(1 + seed % 4), 1.0)
    start = np.random.default_rng(seed + 99).normal(size=x.shape[1] + 1) if seed % 2 else None
    method = gw.GradientDescent(epochs=600, momentum=momentum, nesterov=nesterov, start=start)
    fit = gw.fit(x, y, method=method)
    assert fit.descent is not None
    ones = np.column_stack((np.ones(len(y)), x))
    path, loss = loop(
        ones, y, rate=fit.descent.learning_rate, epochs=600, momentum=momentum,
        nesterov=nesterov, start=start,
    )  # fmt: skip
    assert error(fit.descent.path, path) < 1e-10
    assert np.abs(fit.descent.loss / loss - 1).max() < 1e-10
    assert error(fit.descent.path, path) < 1e-13  # what it is in truth: rounding


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("exponents", [(0, 6), (-8, 0, 5), (6, -6, 0, 3), (9, 0, -9)])
def test_badly_scaled_columns(exponents: tuple[int, ...], rule: str) -> None:
    momentum, nesterov = RULES[rule]
    x, y = random_problem(7, 60, len(exponents), 10.0 ** np.array(exponents), 2.0)
    method = gw.GradientDescent(epochs=400, momentum=momentum, nesterov=nesterov)
    fit = gw.fit(x, y, method=method)
    assert fit.descent is not None
    path, _ = loop(
        np.column_stack((np.ones(len(y)), x)), y, rate=fit.descent.learning_rate, epochs=400,
        momentum=momentum, nesterov=nesterov,
    )  # fmt: skip
    assert error(fit.descent.path, path) < 1e-10


def test_columns_far_from_zero() -> None:
    x, y = random_problem(3, 50, 2, np.array([1.0, 1000.0]), 0.0)
    x = x + np.array([1e4, 5e6])
    fit = gw.fit(x, y, method=gw.GradientDescent(epochs=500))
    assert fit.descent is not None
    ones = np.column_stack((np.ones(len(y)), x))
    path, _ = loop(ones, y, rate=fit.descent.learning_rate, epochs=500)
    assert error(fit.descent.path, path) < 1e-10


@pytest.mark.parametrize("rule", RULES)
def test_standardised_inside_original_units_outside(rule: str) -> None:
    momentum, nesterov = RULES[rule]
    x, y = random_problem(5, 45, 3, np.array([1.0, 30.0, 0.01]), 5.0)
    method = gw.GradientDescent(
        epochs=300, momentum=momentum, nesterov=nesterov, standardize=True,
        start=(1.0, -2.0, 0.5, 3.0),
    )  # fmt: skip
    fit = gw.fit(x, y, method=method)
    assert fit.descent is not None
    mean, sd = x.astype(Long).mean(axis=0), x.astype(Long).std(axis=0)
    start = np.array([1.0 + mean @ [-2.0, 0.5, 3.0], *(np.array([-2.0, 0.5, 3.0]) * sd)])
    path, loss = loop(
        np.column_stack((np.ones(len(y), Long), (x - mean) / sd)), y,
        rate=fit.descent.learning_rate, epochs=300, momentum=momentum, nesterov=nesterov,
        start=start,
    )  # fmt: skip
    path[:, 1:] /= sd
    path[:, 0] -= path[:, 1:] @ mean
    assert error(fit.descent.path, path) < 1e-10
    assert np.abs(fit.descent.loss / loss - 1).max() < 1e-10


@pytest.mark.parametrize("standardize", [False, True])
def test_through_the_origin(standardize: bool) -> None:
    x, y = random_problem(11, 30, 2, np.array([1.0, 4.0]), 1.0)
    fit = gw.fit(
        x, y, intercept=False, method=gw.GradientDescent(epochs=200, standardize=standardize)
    )
    assert fit.descent is not None
    size = np.sqrt((x.astype(Long) ** 2).mean(axis=0)) if standardize else np.ones(2, Long)
    path, _ = loop(x / size, y, rate=fit.descent.learning_rate, epochs=200)
    assert error(fit.descent.path, path / size) < 1e-10


@pytest.mark.parametrize("kind", ["weights", "frequencies"])
def test_weights_and_ridge(kind: str) -> None:
    x, y = random_problem(13, 35, 2, np.array([1.0, 2.0]), 1.0)
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.1, 3.0, 35) if kind == "weights" else rng.integers(1, 5, 35) + 0.0
    fit = gw.fit(x, y, method=gw.GradientDescent(epochs=200, ridge=2.5), **{kind: weight})
    assert fit.descent is not None
    path, loss = loop(
        np.column_stack((np.ones(35), x)), y, rate=fit.descent.learning_rate, epochs=200,
        ridge=2.5, weight=weight,
    )  # fmt: skip
    assert error(fit.descent.path, path) < 1e-10
    assert np.abs(fit.descent.loss / loss - 1).max() < 1e-10


@pytest.mark.parametrize("standardize", [False, True])
def test_dependent_columns_move_as_in_the_loop(standardize: bool) -> None:
    x, y = random_problem(17, 40, 3, np.ones(3), 1.0)
    x = np.column_stack((x, x[:, 0] - 2.0 * x[:, 1], np.full(40, 3.0)))
    fit = gw.fit(x, y, method=gw.GradientDescent(epochs=500, standardize=standardize))
    assert fit.descent is not None
    mean, sd = np.zeros(5, Long), np.ones(5, Long)
    if standardize:
        mean, sd = x.astype(Long).mean(axis=0), x.astype(Long).std(axis=0)
        sd[4] = 1
    ones = np.column_stack((np.ones(40, Long), (x - mean) / sd))
    path, _ = loop(ones, y, rate=fit.descent.learning_rate, epochs=500)
    path[:, 1:] /= sd
    path[:, 0] -= path[:, 1:] @ mean
    size = np.maximum(np.abs(path), 1e-3)  # the constant column does not move when standardised
    assert (np.abs(fit.descent.path - path) / size).max() < 1e-10
    assert [f.code for f in fit.findings].count("flat-direction") == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_diverging_path_is_that_of_the_loop(rule: str) -> None:
    momentum, nesterov = RULES[rule]
    x, y = random_problem(19, 30, 2, np.ones(2), 1.0)
    limit = gw.outlook(
        gw.fit(x, y), gw.GradientDescent(momentum=momentum, nesterov=nesterov)
    ).learning_rate_limit
    method = gw.GradientDescent(
        1.05 * limit, 300, momentum=momentum, nesterov=nesterov, beyond_limit="run"
    )
    fit = gw.fit(x, y, method=method)
    assert fit.descent is not None
    path, _ = loop(
        np.column_stack((np.ones(30), x)), y, rate=fit.descent.learning_rate, epochs=300,
        momentum=momentum, nesterov=nesterov,
    )  # fmt: skip
    assert error(fit.descent.path, path) < 1e-10


def test_a_wrong_factor_would_be_seen() -> None:
    """The same law fails for the gradient without the 2: it can fail."""
    x, y = random_problem(23, 30, 2, np.ones(2), 1.0)
    fit = gw.fit(x, y, method=gw.GradientDescent(epochs=100))
    assert fit.descent is not None
    ones = np.column_stack((np.ones(30), x))
    path, _ = loop(ones, y, rate=0.5 * fit.descent.learning_rate, epochs=100)
    assert error(fit.descent.path, path) > 1e-2
