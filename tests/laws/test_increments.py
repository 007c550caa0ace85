"""Promise: rows that come bit by bit are fitted like rows that come at once; digits stay true.

Any split of the rows, any grouping and order of merges, near and far origins; the truth is the
exact rational solution of the same binary64 data.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gausswork as gw
from gausswork.leastsquares import merging
from gausswork.leastsquares.backend import NUMPY, default_backend
from gausswork.leastsquares.moments import Moments, accumulate
from gausswork.leastsquares.solve import solve
from tests.laws.honesty import (
    Claims,
    Implementation,
    Judgement,
    _claims,
    median_gap,
    overconfident,
    survey,
    violations,
)
from tests.laws.problems import Array, Problem
from tests.laws.rows import Rows
from tests.reference.exact import digits, exact_fit


def _pieces(problem: Problem, rng: np.random.Generator) -> list[Rows]:
    """Cut the rows anywhere into up to six pieces."""
    n = len(problem.y)
    cuts = np.unique(rng.integers(1, n, size=int(rng.integers(1, 6))))
    parts = np.split(np.arange(n), cuts)
    weights = problem.weights
    if weights is not None:  # a piece in which no row counts is refused, as it should be
        parts = [part for part in parts if weights[part].any()]
    return [
        Rows(
            problem.x[part], problem.y[part],
            weight=None if weights is None else weights[part], weighting=problem.weighting,
        )
        for part in parts
    ]  # fmt: skip


def _tree(parts: list[Moments], rng: np.random.Generator) -> Moments:
    """Merge in random pairs until one is left."""
    while len(parts) > 1:
        i, j = rng.choice(len(parts), 2, replace=False)
        merged = parts[i].merge(parts[j])
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [merged]
    return parts[0]


def _merged(tier: int) -> Implementation:
    def run(problem: Problem) -> Claims:
        rng = np.random.default_rng([7, problem.seed])
        parts = [accumulate(rows, tier=tier) for rows in _pieces(problem, rng)]
        return _claims(solve(_tree(parts, rng), intercept=problem.intercept))

    return run


def _updated(problem: Problem) -> Claims:
    rng = np.random.default_rng([8, problem.seed])
    n = len(problem.y)
    first = int(rng.integers(1, n))
    kind = {"analytic": "weights", "frequency": "frequencies"}.get(problem.weighting or "")
    weights = problem.weights

    def of(a: int, b: int) -> dict[str, Array]:
        return {} if kind is None or weights is None else {"weights": weights[a:b]}

    given = {} if kind is None else {kind: weights[:first]}  # type: ignore[index]
    if weights is not None and not (weights[:first].any() and weights[first:].any()):
        return _merged(1)(problem)
    fit = gw.fit(problem.x[:first], problem.y[:first], intercept=problem.intercept, **given)  # type: ignore[arg-type]
    fit = fit.update(problem.x[first:], problem.y[first:], **of(first, n))  # type: ignore[arg-type]
    return _claims(fit.solution)


WAYS = {
    "merged, tier 0": _merged(0),
    "merged, tier 1": _merged(1),
    "merged, tier 2": _merged(2),
    "updated": _updated,
}


@pytest.fixture(scope="module")
def judgements() -> list[Judgement]:
    plain = survey(range(13 * 4 * 8), WAYS)
    return plain + survey(range(13 * 5 * 4), WAYS, weighted=True)


def test_never_more_digits_are_claimed_than_are_true(judgements: list[Judgement]) -> None:
    assert violations(judgements) == []
    assert violations(judgements, "standard error") == []


def test_the_claims_are_useful(judgements: list[Judgement]) -> None:
    most = 3.5 if default_backend() is NUMPY else 3.0  # NumPy's bounds are wider
    for way in WAYS:
        assert median_gap([j for j in judgements if j.way == way]) <= most, way


def test_broken_bounds_are_caught() -> None:
    broken = {"broken": overconfident(WAYS["merged, tier 0"])}
    assert violations(survey(range(26), broken))


def _drifting(seed: int) -> tuple[list[tuple[Array, Array]], Array, Array]:
    """Make pieces whose means wander by far more than they vary, in units that change."""
    rng = np.random.default_rng([9, seed])
    p = int(rng.integers(1, 4))
    pieces = []
    for k in range(int(rng.integers(2, 7))):
        n = int(rng.integers(2, 40))
        offset = 10.0 ** rng.uniform(0, 9) * rng.normal(size=p) * (k % 2 or seed % 3 == 0)
        x = offset + 10.0 ** rng.uniform(-3, 3) * rng.normal(size=(n, p))
        if seed % 5 == 0:
            x[0] *= 1e6  # the guess of the mean is far off
        pieces.append((x, x @ rng.normal(size=p) + rng.normal(size=n)))
    x = np.concatenate([piece[0] for piece in pieces])
    return pieces, x, np.concatenate([piece[1] for piece in pieces])


@pytest.mark.parametrize("tier", [0, 1])
@pytest.mark.parametrize("seed", range(60))
def test_origins_far_apart_cost_digits_that_are_said(seed: int, tier: int) -> None:
    pieces, x, y = _drifting(seed)
    rng = np.random.default_rng(seed)
    parts = [accumulate(Rows(*piece), tier=tier) for piece in pieces]
    found = solve(_tree(parts, rng))
    kept = np.flatnonzero(np.isfinite(found.coefficients))
    truth = exact_fit(x[:, kept[1:] - 1], y, intercept=True)
    for j, exact in zip(kept, truth.coefficients, strict=True):
        if exact is None:
            assert found.trusted_digits[j] == 0.0
            continue
        true = digits((found.coefficients[j], found.coefficient_lows[j]), exact, cap=40.0)
        assert found.trusted_digits[j] <= true


def test_an_error_constant_that_forgets_the_origins_is_caught() -> None:
    """Sums about an outlier that the others move away from: their error stays as it was."""
    rng = np.random.default_rng(4)
    x = np.concatenate([[1e9], rng.normal(size=255)])[:, None]
    far = accumulate(Rows(x, rng.normal(size=256)), tier=0)
    near = accumulate(Rows(rng.normal(size=(300, 1)), rng.normal(size=300)), tier=0)
    both = far.merge(near)
    assert both.error >= far.error
    bad = replace(far, shift=far.shift + 1e6)
    bad = merging.moved(far, far.exponents, bad.shift)  # the same rows, an origin that is no use
    size = np.sqrt(bad.second_high.diagonal() / far.second_high.diagonal()).max()
    merged = near.merge(bad)
    assert size > 100.0
    assert merged.error > 10.0 * far.error


@pytest.mark.parametrize("seed", range(40))
def test_any_split_gives_the_fit_of_all_rows(seed: int) -> None:
    rng = np.random.default_rng([10, seed])
    n, p = int(rng.integers(20, 400)), int(rng.integers(1, 5))
    x = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, p) + rng.normal(size=p) * 100
    y = x @ rng.normal(size=p) + rng.normal(size=n)
    whole = gw.fit(x, y)
    cuts = [0, *np.unique(rng.integers(1, n, 4)).tolist(), n]
    order = rng.permutation(len(cuts) - 1)
    parts = [(x[cuts[k] : cuts[k + 1]], y[cuts[k] : cuts[k + 1]]) for k in order]
    fit = gw.fit(*parts[0])
    for part in parts[1:]:
        fit = fit.update(*part)
    merged = gw.fit(*parts[0]).merge(*(gw.fit(*part) for part in parts[1:]))
    for found in (fit, merged):
        np.testing.assert_allclose(found.coefficients, whole.coefficients, rtol=1e-13)
        np.testing.assert_allclose(found.standard_errors, whole.standard_errors, rtol=1e-12)
        assert found.rows == whole.rows
        assert found.r_squared == pytest.approx(whole.r_squared, rel=1e-12)
        assert (found.trusted_digits >= 13.0).all()


@pytest.mark.parametrize("seed", range(20))
def test_every_subset_is_the_fit_of_these_columns(seed: int) -> None:
    rng = np.random.default_rng([11, seed])
    n, p = 200, 5
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 10.0
    y = x @ rng.normal(size=p) + rng.normal(size=n)
    fit = gw.fit(x, y)
    for size in range(p + 1):
        at = np.sort(rng.choice(p, size, replace=False))
        found = fit.using([f"x{j + 1}" for j in at])
        truth = exact_fit(x[:, at], y, intercept=True)
        for j, exact in enumerate(truth.coefficients):
            pair = (found.coefficients[j], found.solution.coefficient_lows[j])
            true = digits(pair, exact, cap=40.0)
            assert 8.0 <= found.trusted_digits[j] <= true
