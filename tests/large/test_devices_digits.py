"""Promise: trusted digits are true of sums that a device has made, whatever its order of adding.

Random problems with exact rational truth, as in tests/laws: ill-conditioned, offset, badly scaled,
float32, weighted. Kernels are compared with those of NumPy, which are the oracle of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch

from gausswork.data.devices.library import Library, library_of
from gausswork.data.devices.source import DeviceSource
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares import kernels as oracle
from gausswork.leastsquares.devices import kernels
from gausswork.leastsquares.devices.sums import cut, grid_of, host_total, parts_of, root_of
from tests.large.arrays_elsewhere import MAKERS, of_cuda, of_strict, of_torch
from tests.laws import honesty
from tests.laws.problems import Problem

Change: TypeAlias = Callable[[Library], Library]


def one_by_one(library: Library) -> Library:
    """Add numbers in order, each to the sum so far: the least careful device."""

    def added(array: Any, axis: int) -> Any:
        return torch.cumsum(array, axis).select(axis, -1) if array.shape[axis] else array.sum(axis)

    return replace(library, sum=added)


def backwards(library: Library) -> Library:
    """Add numbers from the last to the first."""
    return replace(library, sum=lambda array, axis: torch.sum(torch.flip(array, (axis,)), axis))


def in_float32(library: Library) -> Library:
    """Break it: sums are rounded to float32."""
    return replace(library, sum=lambda a, axis: torch.sum(a, axis).to(torch.float32).double())


def sources(make: Callable[[Any], Any], change: Change) -> Callable[[Problem], DeviceSource]:
    """Return what puts a problem on a device."""

    def source(problem: Problem) -> DeviceSource:
        x, y = make(problem.x), make(problem.y)
        names = tuple(f"x{j}" for j in range(problem.x.shape[1]))
        weight = None if problem.weights is None else make(problem.weights)
        library = change(library_of(x))
        return DeviceSource(library, x, y, names, "y", weight=weight, weighting=problem.weighting)

    return source


CASES: dict[str, tuple[Any, Change, range, bool]] = {
    "torch": (of_torch, lambda library: library, range(3_000, 3_160), False),
    "torch, weighted": (of_torch, lambda library: library, range(3_000, 3_060), True),
    "torch, one by one": (of_torch, one_by_one, range(4_000, 4_050), False),
    "torch, backwards": (of_torch, backwards, range(4_100, 4_150), True),
    "array_api_strict": (of_strict, lambda library: library, range(5_000, 5_026), False),
    "torch on cuda": (of_cuda, lambda library: library, range(6_000, 6_160), False),
}


@pytest.mark.parametrize("case", CASES)
def test_no_digit_is_promised_that_is_not_there(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, change, seeds, weighted = CASES[case]
    make(np.zeros(1))  # skips without a device
    monkeypatch.setattr(honesty, "rows_of", sources(make, change))
    found = honesty.survey(seeds, weighted=weighted)
    assert len(found) > 5 * len(seeds)
    for what in ("coefficient", "standard error"):
        assert honesty.violations(found, what) == []
    assert honesty.median_gap(found) < 2.0  # and not for being shy


def test_more_rows_than_a_product_of_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honesty, "rows_of", sources(of_torch, one_by_one))
    found = honesty.survey(range(7_000, 7_012), most_rows=10_000)
    assert honesty.violations(found) == []


def test_a_device_that_adds_in_float32_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honesty, "rows_of", sources(of_torch, in_float32))
    with np.errstate(all="ignore"):
        found = honesty.survey(range(3_000, 3_030))
    assert len(honesty.violations(found)) > 10


ODD = (1, 2, 1023, 1024, 1025, 2048, 5000)


@pytest.fixture(params=sorted(MAKERS))
def there(request: pytest.FixtureRequest) -> Any:
    """Make an array of each library."""
    return MAKERS[request.param]


def rows(count: int, p: int = 3) -> tuple[np.ndarray, ...]:
    """Return predictors, target and weights with tails."""
    rng = np.random.default_rng(count)
    return rng.standard_t(3, (count, p)), rng.standard_normal(count), rng.uniform(0, 2, count)


def norms(sums: oracle.Sums) -> np.ndarray:
    size = np.sqrt(np.abs(sums.second_high.diagonal())) + 1e-300
    return size[:, None] * size


@pytest.mark.parametrize("tier", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_products_are_those_of_the_oracle(there: Any, tier: int, weighted: bool) -> None:
    scale, shift = np.array([1.0, 0.25, 4.0, 0.5]), np.array([0.1, -3.0, 0.0, 7.0])
    for count in ODD:
        x, y, w = rows(count)
        w[::5] = 0.0
        library = library_of(there(x))
        given = there(w) if weighted else None
        mine = kernels.gram(library, there(x), there(y), scale, shift, tier, given)
        theirs = oracle.gram(x, y, scale, shift, 2, w if weighted else None)  # the best there is
        difference = dd.subtract(
            (mine.second_high, mine.second_low), (theirs.second_high, theirs.second_low)
        )[0]
        bound = oracle.GRAM_ERROR[tier] * (2.0 if weighted and tier == 0 else 1.0)
        assert (np.abs(difference) <= bound * norms(theirs)).all()
        first = dd.subtract(
            (mine.first_high, mine.first_low), (theirs.first_high, theirs.first_low)
        )[0]
        # a sum is a product with a column of ones
        ones = np.sqrt((w.sum() if weighted else count) * np.abs(theirs.second_high.diagonal()))
        assert (np.abs(first) <= bound * ones).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_residual_sums_are_those_of_the_oracle(there: Any, weighted: bool) -> None:
    scale = np.array([1.0, 0.25, 4.0, 0.5])
    slopes = (np.array([0.3, -2.0, 1e-3]), np.array([1e-18, 1e-17, -1e-20]))
    for count in ODD:
        x, y, w = rows(count)
        library, given = library_of(there(x)), there(w) if weighted else None
        arguments = (scale, (0.7, 1e-17), slopes)
        mine = kernels.residual_sums(library, there(x), there(y), *arguments, given)
        theirs = oracle.residual_sums(x, y, *arguments, w if weighted else None)
        sizes = np.array([*(np.abs(x) * scale[:-1]).sum(axis=0), count, 10.0 * count]) * 40.0
        assert (np.abs(dd.subtract(mine, theirs)[0]) <= 2.0**-98 * sizes).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_whitened_columns_are_those_of_the_oracle(there: Any, weighted: bool) -> None:
    factor = np.array([[1.0, -1e7, 3.0], [0.0, 1e7, 1.0], [0.0, 0.0, 2.0]])
    mean = (np.array([0.1, 0.1, 0.0]), np.array([1e-18, 0.0, 0.0]))
    for count in ODD:
        x, y, w = rows(count)
        x[:, 1] = x[:, 0] + 1e-7 * x[:, 1]
        library, given = library_of(there(x)), there(w) if weighted else None
        mine = kernels.whitened_gram(library, there(x), there(y), np.ones(3), mean, factor, given)
        theirs = oracle.whitened_gram(x, y, np.ones(3), mean, factor, w if weighted else None)
        size = np.sqrt(theirs.diagonal())
        assert (np.abs(mine - theirs) <= 2.0**-49 * size[:, None] * size).all()


def test_no_predictors_and_wide_tables(there: Any) -> None:
    x, y, _ = rows(700, 40)
    library = library_of(there(x))
    nothing = there(np.empty((700, 0)))
    sums = kernels.gram(library, nothing, there(y), np.ones(1), np.zeros(1), 1)
    assert sums.second_high[0, 0] == pytest.approx(y @ y, rel=1e-14)
    left = kernels.residual_sums(
        library, nothing, there(y), np.ones(1), (0.0, 0.0), (np.empty(0), np.empty(0))
    )
    assert left[0][1] == pytest.approx(y @ y, rel=1e-14)
    mine = kernels.gram(library, there(x), there(y), np.ones(41), np.zeros(41), 2)
    theirs = oracle.gram(x, y, np.ones(41), np.zeros(41), 2)
    np.testing.assert_allclose(mine.second_high, theirs.second_high, rtol=0, atol=1e-11)


def test_cuts_are_exact_and_add_up_exactly(there: Any) -> None:
    values = np.random.default_rng(8).standard_normal(1 << 12) * np.exp2(
        np.random.default_rng(9).integers(-60, 60, 1 << 12)
    )
    library = library_of(there(values))
    largest = np.abs(values).max()
    leading, rest = cut(there(values), grid_of(library.max(abs(there(values)), 0), 40))
    leading, rest = library.host(leading), library.host(rest)
    assert (leading + rest == values).all()
    assert np.abs(rest).max() <= largest * 2.0**-38
    unit = 2.0 ** (np.frexp(largest)[1] - 42)
    assert (leading / unit == np.rint(leading / unit)).all()
    import math

    total = host_total(library, parts_of(library, there(values), 2))
    exact = math.fsum(values)
    assert abs((total[0] - exact) + total[1]) <= 2.0**-53 * abs(exact)


def test_roots_of_weights(there: Any) -> None:
    w = np.array([0.0, 1.0, 2.0, 1e-30, 7e40])
    library = library_of(there(w))
    high, low = (library.host(word) for word in root_of(library, there(w)))
    theirs = oracle.root_of(w)
    assert high.tolist() == theirs[0].tolist()
    np.testing.assert_allclose(low, theirs[1], rtol=1e-9)
