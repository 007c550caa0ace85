"""Promise: ``poly(x, k)`` forms its powers to two words, so the certified decimals of NIST's
polynomials come out; rounded powers have lost up to nine digits of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gausswork as gw
from tests.reference import nist

POLYNOMIALS = [data for data in nist.load_all() if data.degree > 1]


def digits(found: float, certified: float) -> float:
    if found == certified:
        return 16.0
    return -math.log10(abs(found - certified) / abs(certified))


@pytest.mark.parametrize("data", POLYNOMIALS, ids=lambda data: data.name)
def test_the_certified_decimals_come_out(data: nist.Dataset) -> None:
    table = {
        "x": np.array([float(value) for value in data.predictors[0]]),
        "y": np.array([float(value) for value in data.target]),
    }
    formula = f"y ~ poly(x, {data.degree})"
    fit = gw.fit(table, formula, method=gw.NormalEquation(digits=15))
    certified = [float(value) for value in data.certified.estimates]
    found = min(map(digits, fit.coefficients.tolist(), certified))
    # What is left by rounding the decimals of x and y to binary64 before anything is computed.
    assert found > {"Filip": 13.9, "Pontius": 13.0, "Wampler2": 13.0}.get(data.name, 15.0)
    assert fit.trusted_digits.min() > 15.0
    if data.name == "Filip":
        rounded = {f"x{k}": table["x"] ** k for k in range(1, 11)} | {"y": table["y"]}
        plain = gw.fit(rounded, "y", method=gw.NormalEquation(digits=15))
        assert min(map(digits, plain.coefficients.tolist(), certified)) < 8.0
        assert plain.data_digits.min() < 8.0 < 13.0 < fit.data_digits.min()
    errors = [float(value) for value in data.certified.standard_errors]
    if all(errors) and data.certified.residual_sd > 1e-9:
        assert min(map(digits, fit.standard_errors.tolist(), errors)) > 13.5
