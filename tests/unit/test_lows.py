"""Promise: a column of two words is fitted as their sum, by either backend, weighted or not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import gausswork as gw
from gausswork.data.formulas.polynomials import powers, product
from gausswork.leastsquares.backend import NUMPY, default_backend
from gausswork.leastsquares.lows import with_lows
from gausswork.leastsquares.solve import least_squares


def test_powers_have_two_words_of_digits() -> None:
    x = np.random.default_rng(1).normal(size=50) * 10
    highs, lows = powers(x, 12)
    for k, (high, low) in enumerate(zip(highs, lows, strict=True), start=1):
        for value, h, rest in zip(x.tolist(), high.tolist(), low.tolist(), strict=True):
            exact = Fraction(value) ** k
            assert abs(Fraction(h) + Fraction(rest) - exact) <= abs(exact) * k * Fraction(2) ** -102
            assert h == float(exact) or k > 1


def test_a_product_of_huge_numbers_keeps_its_high_word() -> None:
    high, low = product(np.array([1e300, 2.0]), 0.0, np.array([3.0, 1e-300]), 0.0)
    assert high.tolist() == [3e300, 2e-300]
    assert np.isfinite(low).all()


@pytest.mark.parametrize("backend", [NUMPY, default_backend()], ids=lambda b: b.name)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_sums_are_those_of_exact_columns(backend, weighted) -> None:
    """Integers of 2^60 and more have two words; their sums are checked in integers."""
    rng = np.random.default_rng(2)
    whole = [[int(v) ** 3 for v in rng.integers(10**6, 2 * 10**6, 40)] for _ in range(3)]
    plain = rng.integers(-5, 5, 40)
    y = rng.integers(-9, 9, 40).astype(float)
    w = rng.integers(1, 4, 40)
    high = [np.array([float(v) for v in column]) for column in whole]
    low = [
        np.array([float(v - int(h)) for v, h in zip(column, top.tolist(), strict=True)])
        for column, top in zip(whole, high, strict=True)
    ]
    x = (high[0], plain.astype(float), high[1], high[2], low[0], low[1], low[2])
    wide = with_lows(backend, (0, 2, 3))
    weight = w.astype(float) if weighted else None
    columns = [whole[0], plain.tolist(), whole[1], whole[2], y.astype(int).tolist()]
    sums = wide.gram(x, y, np.ones(5), np.zeros(5), 2, weight)
    factors = w.tolist() if weighted else [1] * 40
    for i in range(5):
        for j in range(5):
            exact = sum(f * a * b for f, a, b in zip(factors, columns[i], columns[j], strict=True))
            found = int(sums.second_high[i, j]) + int(sums.second_low[i, j])
            norms = sum(a * a for a in columns[i]) * sum(b * b for b in columns[j])
            assert abs(found - exact) <= 2.0**-85 * float(norms) ** 0.5 + 1


def test_interactions_keep_the_words_of_their_powers() -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(8, 9, 60)
    kind = np.array(["u", "v"])[np.arange(60) % 2]
    y = rng.normal(size=60)
    together = gw.fit({"x": x, "k": kind, "y": y}, "y ~ poly(x, 6) * k")
    apart = [
        gw.fit({"x": x[kind == level], "y": y[kind == level]}, "y ~ poly(x, 6)") for level in "uv"
    ]
    values = dict(zip(together.names, together.coefficients.tolist(), strict=True))
    for k in range(1, 7):
        term = f"poly(x, 6)[{k}]"
        assert values[term] == pytest.approx(apart[0].coefficients[k], rel=1e-11)
        assert values[term] + values[f"{term}:k[v]"] == pytest.approx(
            apart[1].coefficients[k], rel=1e-9
        )


def test_both_backends_agree_on_an_ill_conditioned_polynomial() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(3, 9, 80)
    source = gw.fit({"x": x, "y": np.sin(x)}, "y ~ poly(x, 10)").source
    one = least_squares(source, backend=NUMPY, method=gw.NormalEquation(digits=15))
    other = least_squares(source, backend=default_backend(), method=gw.NormalEquation(digits=15))
    assert one.coefficients == pytest.approx(other.coefficients, rel=1e-13)
