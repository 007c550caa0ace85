"""NIST StRD: the default call is right to 15 digits on all eleven sets, and says so honestly."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.reference import nist
from tests.reference.exact import ExactFit, digits, exact_fit

ROOT = Path(__file__).parents[2]
COMPILED = importlib.util.find_spec("gausswork._native._kernels") is not None


@cache
def _run(kernels: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GAUSSWORK_KERNELS": kernels}
    return subprocess.run(
        [sys.executable, "-m", "tests.reference.runner"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _fits(kernels: str) -> dict[str, dict[str, Any]]:
    done = _run(kernels)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@cache
def _truth(name: str) -> ExactFit:
    data = nist.load(name)
    return exact_fit(*data.binary_design(), intercept=data.intercept)


@pytest.fixture(
    params=[
        pytest.param(
            "compiled",
            marks=pytest.mark.skipif(
                not COMPILED, reason="the compiled kernels are not built here"
            ),
        ),
        "numpy",
    ]
)
def kernels(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=nist.NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _floats(values: list[str]) -> list[float]:
    return [float.fromhex(value) for value in values]


def test_coefficients_have_fifteen_digits(name: str, kernels: str) -> None:
    fit, truth = _fits(kernels)[name], _truth(name)
    values = _floats(fit["coefficients"])
    reached = [digits(v, t) for v, t in zip(values, truth.coefficients, strict=True)]
    assert min(reached) >= 15.0, reached


def test_standard_errors_have_thirteen_digits(name: str, kernels: str) -> None:
    fit, truth = _fits(kernels)[name], _truth(name)
    if truth.residual_sum_of_squares == 0:
        # an exact fit: nothing is left but the noise of the arithmetic, 15 digits below y
        y_size = math.sqrt(float(truth.total_sum_of_squares))
        assert float.fromhex(fit["residual_sd"]) <= 1e-15 * y_size
        return
    values = _floats(fit["standard_errors"])
    reached = [digits(v, t) for v, t in zip(values, truth.standard_errors, strict=True)]
    assert min(reached) >= 13.0, reached


def test_trusted_digits_do_not_exceed_true_digits(name: str, kernels: str) -> None:
    """Of the coefficient in double-double; its final rounding to binary64 can cost 0.3 more."""
    fit, truth = _fits(kernels)[name], _truth(name)
    pairs = zip(_floats(fit["coefficients"]), _floats(fit["coefficient_lows"]), strict=True)
    trusted = _floats(fit["trusted_digits"])
    for pair, exact, claimed in zip(pairs, truth.coefficients, trusted, strict=True):
        assert 0.0 <= claimed <= 15.95
        assert claimed <= digits(pair, exact, cap=40.0)
        assert claimed <= digits(pair[0], exact) + 0.31


def test_standard_error_digits_do_not_exceed_true_digits(name: str, kernels: str) -> None:
    fit, truth = _fits(kernels)[name], _truth(name)
    if truth.residual_sum_of_squares == 0:
        return  # no standard error to have digits of: the previous tests bound its size
    values = _floats(fit["standard_errors"])
    claimed = _floats(fit["standard_error_digits"])
    for value, exact, claim in zip(values, truth.standard_errors, claimed, strict=True):
        assert claim <= digits(value, exact) + 0.31


def test_default_trusts_at_least_fourteen_digits(name: str, kernels: str) -> None:
    """The default on small data asks for 15 digits: a certificate of less would be of no use."""
    assert min(_floats(_fits(kernels)[name]["trusted_digits"])) >= 14.0


# What the rounding of the decimals to binary64 leaves, whatever the arithmetic: the digits at
# which the exact solution of the binary64 data agrees with the certified decimals.
COEFFICIENT_CEILING = {"Filip": 7.6, "Wampler2": 13.2, "Pontius": 13.5}
STANDARD_ERROR_CEILING = {
    "Filip": 7.6,
    "Wampler1": 0.0,  # certified 0
    "Wampler2": 0.0,  # certified 0
    "Wampler3": 14.4,
    "Wampler4": 14.4,
    "Wampler5": 14.4,
    "Pontius": 13.7,
    "Norris": 13.9,
    "Longley": 14.8,
}


def test_certified_decimals_are_reached_up_to_the_ceiling(name: str, kernels: str) -> None:
    fit, certified = _fits(kernels)[name], nist.load(name).certified
    for value, decimal in zip(_floats(fit["coefficients"]), certified.estimates, strict=True):
        assert digits(value, decimal) >= COEFFICIENT_CEILING.get(name, 14.0)
    errors = zip(_floats(fit["standard_errors"]), certified.standard_errors, strict=True)
    for value, decimal in errors:
        assert digits(value, decimal) >= STANDARD_ERROR_CEILING.get(name, 14.9)


@pytest.mark.parametrize("statistic", ["residual_sd", "r_squared", "f_statistic"])
def test_certified_statistics_are_reached(name: str, kernels: str, statistic: str) -> None:
    """Residual sd, R² (uncentred through the origin) and F, as far as the rounding of the data."""
    certified = nist.load(name).certified
    decimal = getattr(certified, statistic)
    value = float.fromhex(_fits(kernels)[name][statistic])
    if decimal is None or certified.residual_sum_of_squares == 0:
        if statistic == "f_statistic":
            assert value > 1e20  # certified Infinity
        elif statistic == "r_squared":
            assert value == 1.0
        else:
            y_size = math.sqrt(float(_truth(name).total_sum_of_squares))
            assert 0.0 <= value <= 1e-15 * y_size  # Wampler2: the rounding of y itself is left
        return
    assert digits(value, decimal) >= {"Filip": 7.6, "Pontius": 13.0}.get(name, 13.5)


def test_degrees_of_freedom(name: str, kernels: str) -> None:
    fit, certified = _fits(kernels)[name], nist.load(name).certified
    assert fit["degrees_of_freedom"] == certified.degrees_of_freedom


def test_both_kernels_agree_on_every_certified_digit(name: str) -> None:
    """The NumPy path is the oracle of the compiled one: the same 15 digits from either."""
    if not COMPILED:
        pytest.skip("the compiled kernels are not built here")
    ours, oracle = _fits("compiled")[name], _fits("numpy")[name]
    for a, b in zip(_floats(ours["coefficients"]), _floats(oracle["coefficients"]), strict=True):
        assert a == pytest.approx(b, rel=1e-15)
