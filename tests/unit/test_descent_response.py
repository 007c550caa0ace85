"""Promise: powers of 1 − z and of the 2×2 blocks of momentum, for any z and any epoch."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from gausswork.leastsquares.descent.rates import (
    best_momentum,
    best_pair,
    best_rate,
    worst_log_radius,
    worst_radius,
)
from gausswork.leastsquares.descent.response import Rule

Z = [0.0, 1e-20, 1e-9, 1e-3, 0.3, 0.5, 0.9, 1.0, 1.3, 1.5, 1.99, 2.0, 2.3, 3.5]
RULES = [Rule(), Rule(0.9), Rule(0.9, True), Rule(0.999), Rule(0.25), Rule(0.25, True)]


def recurrence(rule: Rule, z: float, epochs: int) -> tuple[list[mpmath.mpf], list[mpmath.mpf]]:
    """Return e and ψ by the recurrence itself, in 60 digits."""
    z, b = mpmath.mpf(z), mpmath.mpf(rule.momentum)
    s, d = ((1 + b) * (1 - z), b * (1 - z)) if rule.nesterov else (1 + b - z, b)
    e, psi = [mpmath.mpf(1), mpmath.mpf(1)], [mpmath.mpf(0), mpmath.mpf(0)]  # epochs −1 and 0
    for _ in range(epochs):
        e.append(s * e[-1] - d * e[-2])
        psi.append(s * psi[-1] - d * psi[-2] + 1)
    return e[1:], psi[1:]


@pytest.mark.parametrize("rule", RULES)
def test_against_the_recurrence(rule: Rule) -> None:
    every = np.arange(151)
    some = np.array([0, 1, 2, 7, 64, 100, 150])
    z = (np.array(Z), np.zeros(len(Z)))
    with mpmath.workdps(60):
        dense, sparse = rule.respond(z, every), rule.respond(z, some)
        for j, value in enumerate(Z):
            e, psi = recurrence(rule, value, 150)
            for response, epochs in ((dense, every), (sparse, some)):
                for i, t in enumerate(epochs):
                    # rounding of exp at exponents up to 150 · log 3.5 ≈ 200
                    assert abs(response.remaining[i, j] - e[t]) <= 1e-13 * abs(e[t])
                    assert abs(response.gained[i, j] - psi[t]) <= 1e-13 * abs(psi[t])
                    last = psi[t] - psi[t - 1] if t else 0
                    assert abs(response.last[i, j] - last) <= 1e-13 * abs(last) + 1e-26 * abs(
                        psi[t]
                    )


@pytest.mark.parametrize("nesterov", [False, True])
def test_equal_roots_need_no_care(nesterov: bool) -> None:
    """At s² = 4d the 2×2 block is defective: its powers grow like t·rᵗ."""
    b = 0.25
    # heavy ball: (1 + b − z)² = 4b; Nesterov: (1 + b)²(1 − z) = 4b
    z = 1 - 4 * b / (1 + b) ** 2 if nesterov else (1 - b**0.5) ** 2
    rule = Rule(b, nesterov)
    for shift in (0.0, 1e-15, -1e-15):
        with mpmath.workdps(60):
            e, _ = recurrence(rule, z + shift, 80)
            found = rule.respond((np.array([z + shift]), np.zeros(1)), np.array([80])).remaining
            assert abs(found[0, 0] / float(e[80]) - 1) < 1e-13


@pytest.mark.parametrize("rule", RULES)
def test_a_thousand_million_epochs(rule: Rule) -> None:
    """Two halves of a long way make the whole: the state after 10⁹ epochs is that of squaring."""
    z = 3e-9 * (1.0 - rule.momentum)
    with mpmath.workdps(60):
        b = mpmath.mpf(rule.momentum)
        s, d = ((1 + b) * (1 - z), b * (1 - z)) if rule.nesterov else (1 + b - mpmath.mpf(z), b)
        if rule.nesterov:
            s, d = (1 + b) * (1 - mpmath.mpf(z)), b * (1 - mpmath.mpf(z))
        block = mpmath.matrix([[s, -d], [1, 0]]) ** (10**9)
        truth = block[0, 0] + block[0, 1]
        found = rule.respond((np.array([z]), np.zeros(1)), np.array([10**9])).remaining[0, 0]
        # gradient descent: e⁻³ by logarithms, relative error 3 · 2⁻⁵³
        assert abs(found / truth - 1) < 1e-14


@pytest.mark.parametrize("rule", RULES)
def test_limit_and_radius_are_those_of_the_blocks(rule: Rule) -> None:
    b = rule.momentum
    for z in (1e-6, 0.1, 0.7, 1.2, 0.999 * rule.limit, 1.001 * rule.limit):
        s, d = ((1 + b) * (1 - z), b * (1 - z)) if rule.nesterov else (1 + b - z, b)
        truth = np.abs(np.linalg.eigvals([[s, -d], [1.0, 0.0]])).max()
        assert rule.radius(z) == pytest.approx(truth, abs=1e-9)
        assert np.exp(rule.log_radius(z)) == pytest.approx(truth, abs=1e-9)
        assert (rule.radius(z) < 1.0) == (z < rule.limit)


@pytest.mark.parametrize("rule", RULES)
def test_no_other_rate_is_better(rule: Rule) -> None:
    best = best_rate(rule, 0.3, 20.0)
    least = worst_radius(rule, best, 0.3, 20.0)
    for factor in np.linspace(0.2, 1.5, 131):
        assert worst_radius(rule, factor * best, 0.3, 20.0) >= least - 1e-12


@pytest.mark.parametrize("nesterov", [False, True])
def test_no_other_pair_is_better(nesterov: bool) -> None:
    rate, momentum = best_pair(nesterov, 0.3, 20.0)
    least = worst_radius(Rule(momentum, nesterov), rate, 0.3, 20.0)
    for b in np.linspace(0.0, 0.99, 100):
        for factor in np.linspace(0.3, 2.0, 60):
            other = worst_radius(Rule(float(b), nesterov), factor * rate, 0.3, 20.0)
            assert other >= least - 1e-9


@pytest.mark.parametrize("nesterov", [False, True])
def test_no_other_momentum_is_better(nesterov: bool) -> None:
    best = best_momentum(nesterov, 0.01, 0.3, 20.0)
    least = worst_radius(Rule(best, nesterov), 0.01, 0.3, 20.0)
    for b in np.linspace(0.0, 0.999, 400):
        assert worst_radius(Rule(float(b), nesterov), 0.01, 0.3, 20.0) >= least - 1e-9


def test_known_constants() -> None:
    """Lessard, Recht & Packard (2016), table 1: rates of convergence for κ = 100."""
    assert worst_radius(Rule(), best_rate(Rule(), 1.0, 100.0), 1.0, 100.0) == pytest.approx(
        99 / 101
    )
    rate, momentum = best_pair(False, 1.0, 100.0)
    # at the best pair the roots are equal, and rounding splits them by the square root of itself
    assert worst_radius(Rule(momentum), rate, 1.0, 100.0) == pytest.approx(9 / 11, abs=1e-7)
    rate, momentum = best_pair(True, 1.0, 100.0)
    assert worst_radius(Rule(momentum, True), rate, 1.0, 100.0) == pytest.approx(
        1 - 2 / np.sqrt(301), abs=1e-7
    )


@pytest.mark.parametrize("condition", [1e16, 1e20, 1e33])
@pytest.mark.parametrize("rule", [Rule(), Rule(0.9), Rule(0.9, True)])
def test_the_best_constants_converge_however_ill_conditioned(rule: Rule, condition: float) -> None:
    assert worst_log_radius(rule, best_rate(rule, 1.0, condition), 1.0, condition) < 0.0
    rate, momentum = best_pair(rule.nesterov, 1.0, condition)
    assert rate < Rule(momentum, rule.nesterov).limit / condition
