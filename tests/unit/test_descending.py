"""Promise: a descent is worked out with the user's numbers, and its NumPy lines repeat it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gausswork as gw
from gausswork.descending import document, work
from gausswork.errors import InputError

LINE = {"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}


def data(n: int, p: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(n + p)
    x = rng.normal(size=(n, p)) * np.arange(1, p + 1) + 2.0
    return x, x @ np.ones(p) + rng.normal(size=n)


def run(fit: gw.Fit, **names: Any) -> np.ndarray[Any, Any]:
    """Execute the NumPy lines that the work ends in; return their ``theta``."""
    text = fit.show_work()
    lines = text[text.index("8. The same in NumPy") :].splitlines()[1:]
    scope: dict[str, Any] = dict(names)
    exec("\n".join(line[4:] for line in lines), scope)
    return np.asarray(scope["theta"])


METHODS = [
    gw.GradientDescent(0.01, 1000),
    gw.GradientDescent(0.01, 200, momentum=0.9),
    gw.GradientDescent(0.01, 200, momentum=0.9, nesterov=True),
    gw.GradientDescent(epochs=50, standardize=True),
    gw.GradientDescent(0.01, 100, ridge=3.0, start=(1.0, -1.0)),
    gw.GradientDescent(0.1, 100, ridge=3.0, start=(1.0, -1.0), standardize=True, momentum=0.3),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("intercept", [True, False])
def test_the_numpy_lines_repeat_the_descent(
    method: gw.GradientDescent, intercept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    if not intercept and method.start is not None:
        method = replace(method, start=method.start[1:])
    fit = gw.fit(LINE, target="y", method=method, intercept=intercept)
    theta = run(fit)
    # the lines are a loop in float64: a few roundings an epoch
    assert theta == pytest.approx(fit.coefficients, rel=1e-10, abs=1e-12)
    assert capsys.readouterr().out.startswith("[")


@pytest.mark.parametrize("method", METHODS[:4])
@pytest.mark.parametrize("p", [3, 12])
def test_lines_for_more_data(
    method: gw.GradientDescent, p: int, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    x, y = data(80, p)
    method = replace(method, learning_rate="auto", epochs=30)
    fit = gw.fit(x, y, method=method)
    assert run(fit, X=x, y=y) == pytest.approx(fit.coefficients, rel=1e-9)


def test_the_first_epochs_are_worked_out() -> None:
    text = gw.fit(LINE, target="y", method=gw.GradientDescent(0.01, 1000)).show_work()
    assert "epoch 1: ∇J = H·(0, 0) − c = (-12, -44)" in text
    assert "θ = (0, 0) − 0.01·(-12, -44) = (0.12, 0.44)" in text
    assert "θ ← θ − 0.01·∇J(θ)" in text
    assert "2/23.6619 = 0.08452405" in text
    assert "0.01740046   1.99518  5.511055e-05" in text


def test_the_rules_are_written_out() -> None:
    heavy = gw.fit(LINE, target="y", method=gw.GradientDescent(0.01, 9, momentum=0.5)).show_work()
    assert "v ← 0.5·v − 0.01·∇J(θ)" in heavy
    ahead = gw.GradientDescent(0.01, 9, momentum=0.5, nesterov=True)
    assert "∇J(θ + 0.5·v)" in gw.fit(LINE, target="y", method=ahead).show_work()


def test_weights_are_in_the_sums(capsys: pytest.CaptureFixture[str]) -> None:
    weights = [1.0, 2.0, 1.0, 0.5, 3.0]
    x, y = data(5, 1)
    fit = gw.fit(x, y, weights=weights, method=gw.GradientDescent(epochs=40))
    assert "(1/Σw)" in fit.show_work()
    assert run(fit) == pytest.approx(fit.coefficients, rel=1e-10)


def test_history_as_csv(tmp_path: Path) -> None:
    fit = gw.fit(LINE, target="y", method=gw.GradientDescent(0.01, 1000))
    assert fit.descent is not None
    document.write_history(fit.descent, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["epoch", "loss", "intercept", "x"]
    assert len(rows) == 1002
    assert [float(v) for v in rows[-1]] == [
        1000, fit.descent.loss[-1], fit.coefficients[0], fit.coefficients[1],
    ]  # fmt: skip
    for wrong in ("history.txt", str(tmp_path / "no" / "history.csv")):
        with pytest.raises(InputError):
            document.write_history(fit.descent, wrong)
    full = document.document(fit.descent, history=True)
    assert len(full["history"]["path"]) == 1001


def test_a_descent_of_many_parameters_is_shown_in_part() -> None:
    x, y = data(60, 20)
    text = gw.fit(x, y, method=gw.GradientDescent(epochs=5)).show_work()
    assert max(map(len, text.splitlines())) < 130
    assert "…" in text
    assert work.tidy(np.array([1.0, 1e-18]))[1] == 0.0
