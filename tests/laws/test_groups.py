"""Promise: the fit of a group is the fit of its rows, from one pass, with digits that are true.

The truth is the exact rational solution of the rows of the group; the compiled kernels and NumPy,
one group in many parts or many groups in one.
"""

from __future__ import annotations

import numpy as np
import pytest

from gausswork.data.sources import Batch
from gausswork.leastsquares.backend import NUMPY, Backend, default_backend
from gausswork.leastsquares.grouped import PRODUCT_ERROR, GroupSums
from gausswork.leastsquares.solve import solve
from tests.laws.honesty import (
    Claims,
    Implementation,
    Judgement,
    _claims,
    median_gap,
    survey,
    violations,
)
from tests.laws.problems import Problem

BACKENDS = {backend.name: backend for backend in (NUMPY, default_backend())}


def _among_others(backend: Backend) -> Implementation:
    """Sum a problem as one group, row by row among the rows of two others, in cuts of any size."""

    def run(problem: Problem) -> Claims:
        rng = np.random.default_rng([3, problem.seed])
        x, y = np.asarray(problem.x, np.float64), np.asarray(problem.y, np.float64)
        n, p = x.shape
        names = tuple(f"x{j + 1}" for j in range(p))
        sums = GroupSums(names, "y", problem.weighting, (), backend, 2)
        numbers = np.concatenate([np.full(n, 1.0), rng.integers(0, 2, n) * 2.0])
        own = np.zeros(2 * n, dtype=np.bool_)
        own[rng.permutation(2 * n)[:n]] = True
        order = np.empty(2 * n, dtype=np.intp)  # the rows of the group stay in order
        order[own], order[~own] = np.arange(n), np.arange(n, 2 * n)
        scale = np.abs(x).max(axis=0)
        rows = np.concatenate([x, rng.normal(size=(n, p)) * scale])[order]
        target = np.concatenate([y, rng.normal(size=n) * np.abs(y).max()])[order]
        weight = None
        if problem.weights is not None:
            weight = np.concatenate([problem.weights, np.ones(n)])[order]
        cuts = np.unique(rng.integers(1, 2 * n, 4))
        for part in np.split(np.arange(2 * n), cuts):
            of_part = None if weight is None else weight[part]
            sums.add(Batch(rows[part], target[part], of_part), numbers[order][part], 3)
        return _claims(solve(sums.moments(1), intercept=problem.intercept))

    return run


WAYS = {name: _among_others(backend) for name, backend in BACKENDS.items()}


@pytest.fixture(scope="module")
def judgements() -> list[Judgement]:
    plain = survey(range(13 * 2 * 8 + 1), WAYS)
    return plain + survey(range(13 * 5 * 2 + 1), WAYS, weighted=True)


def test_never_more_digits_are_claimed_than_are_true(judgements: list[Judgement]) -> None:
    assert violations(judgements) == []
    assert violations(judgements, "standard error") == []


def test_one_pass_brings_nearly_all_digits(judgements: list[Judgement]) -> None:
    assert median_gap(judgements) <= 1.0
    claimed = [j.claimed for j in judgements if j.what == "coefficient"]
    assert np.median(claimed) > 15.0


def test_bounds_that_are_too_small_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gausswork.leastsquares.grouped.PRODUCT_ERROR", PRODUCT_ERROR * 2.0**-40)
    assert violations(survey(range(13 * 12), {"broken": WAYS["numpy"]}))


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))
def test_the_bits_do_not_depend_on_cuts_and_threads(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    n, p = 40_000, 4
    x, y = rng.normal(size=(n, p)) + 5.0, rng.normal(size=n)
    numbers = rng.integers(0, 30, n).astype(np.float64)

    def states(cuts: list[int], threads: int) -> np.ndarray:
        sums = GroupSums(("a", "b", "c", "d"), "y", None, (), backend, threads)
        sums.exponents = np.zeros(p + 1, dtype=np.int64)
        sums._scale = np.ones(p + 1)
        for part in np.split(np.arange(n), cuts):
            sums.add(Batch(x[part], y[part]), numbers[part], 30)
        return sums.states

    whole = states([], 1)
    if backend is NUMPY:  # adds by pairs: the same to its bounds only
        np.testing.assert_allclose(states([7, 12_000], 1), whole, rtol=1e-15, atol=1e-15)
        return
    for cuts, threads in (([], 2), ([1, 17, 30_000], 3), ([20_000], 1)):
        np.testing.assert_array_equal(states(cuts, threads), whole)
