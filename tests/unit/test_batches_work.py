"""Promise: the work shown of mini-batches is what happened, and its NumPy lines repeat it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.descending.batches import numpy_lines

_OPTIONS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.9, "schedule": "inverse-time:decay=0.5"},
    {"momentum": 0.9, "nesterov": True, "schedule": "cosine"},
    {"optimizer": "adagrad", "schedule": "step:every=2,factor=0.5"},
    {"optimizer": "rmsprop", "schedule": "cosine:floor=0.2", "standardize": True},
    {"optimizer": "adam:beta1=0.8", "averaging": True},
    {"averaging": 1.5, "standardize": True, "start": (1.0, 2.0, 3.0)},
    {"ridge": 3.0, "standardize": True, "shuffle": False},
    {"early_stopping": 0.25, "patience": 2, "seed": 9},
]


def data(rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    x = rng.normal(3.0, 2.0, size=(rows, 2)).round(2)
    return x, (x @ [1.0, -1.0] + rng.normal(size=rows)).round(2)


def repeated(lines: list[str], **given: Any) -> Any:
    """Run the lines as a reader would; return what they end with."""
    space: dict[str, Any] = dict(given)
    exec("\n".join(line for line in lines if not line.startswith("print")), space)
    return space["theta"]


@pytest.mark.parametrize("options", _OPTIONS)
@pytest.mark.parametrize("rows", [9, 100])
def test_the_lines_repeat_the_descent(options: dict[str, Any], rows: int) -> None:
    x, y = data(rows)
    fit = gw.fit(x, y, method=gw.GradientDescent(batch_size=4, epochs=6, **options))
    assert fit.descent is not None
    assert fit.source is not None
    given: dict[str, Any] = {}
    if fit.rows > 12:
        batch = next(fit.source.batches(1000))  # the rows that were trained on
        given = {"X": batch.x, "y": batch.y}
    found = repeated(numpy_lines(fit, fit.descent), **given)
    # another order of sums, over at most 150 steps
    np.testing.assert_allclose(found, fit.coefficients, rtol=1e-9)
    assert "\n".join(f"    {line}".rstrip() for line in numpy_lines(fit, fit.descent)) in (
        fit.show_work()
    )


def test_through_the_origin_with_weights_and_a_ridge() -> None:
    x, y = data(60)
    w = np.random.default_rng(0).random(60)
    method = gw.GradientDescent(batch_size=8, epochs=5, ridge=2.0)
    fit = gw.fit(x, y, intercept=False, weights=w, method=method)
    assert fit.descent is not None
    found = repeated(numpy_lines(fit, fit.descent), X=x, y=y, w=w)
    np.testing.assert_allclose(found, fit.coefficients, rtol=1e-9)


def test_the_first_steps_are_those_taken() -> None:
    x, y = data(9)
    options = {"batch_size": 3, "shuffle": False, "learning_rate": 0.01}
    fit = gw.fit(x, y, method=gw.GradientDescent(epochs=1, **options))
    work = fit.show_work()
    shown = re.findall(r"→ \(([^)]*)\)", work)
    theta = np.zeros(3)
    design = np.column_stack([np.ones(9), x])
    for text, start in zip(shown, (0, 3, 6), strict=True):
        rows = slice(start, start + 3)
        theta = theta - 0.01 * 2 / 3 * design[rows].T @ (design[rows] @ theta - y[rows])
        np.testing.assert_allclose([float(v) for v in text.split(",")], theta, rtol=1e-6)
    np.testing.assert_allclose(theta, fit.coefficients, rtol=1e-12)
    assert "rows 0, 1, 2: g = (" in work


def test_steps_of_standardised_weighted_and_held_out_rows_are_shown() -> None:
    x, y = data(50)
    w = np.arange(50) % 3 + 1.0
    for options in ({"standardize": True}, {"early_stopping": 0.2}, {"optimizer": "adam"}):
        method = gw.GradientDescent(batch_size=8, epochs=2, learning_rate=0.01, **options)
        fit = gw.fit(x, y, weights=w, method=method)
        assert fit.show_work().count("step ") >= 3


def test_what_cannot_be_said_is_said_so(tmp_path: Path) -> None:
    x, y = data(100)
    fit = gw.fit(
        x, y, method=gw.GradientDescent(batch_size=8, epochs=2, shuffle="disk", memory=1024)
    )
    assert "# The rows were shuffled on disk" in fit.show_work()
    fit = gw.fit(x, y, method=gw.GradientDescent(batch_size=8, epochs=2))
    fit.save(tmp_path / "model.json")
    loaded = gw.load(tmp_path / "model.json")  # has no rows to show
    assert "The same in NumPy" in loaded.show_work()
    assert "The first steps" not in loaded.show_work()
