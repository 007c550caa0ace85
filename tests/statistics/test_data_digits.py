"""Data digits: how far the answer moves when the inputs move within their own rounding."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from gausswork.leastsquares.solve import least_squares
from tests.laws.problems import Array, problem
from tests.laws.rows import Rows
from tests.reference.exact import exact_fit, relative_error

SETTINGS_OF_DOUBLES = range(0, 130)


def _jostled(rng: np.random.Generator, values: Array) -> Array:
    """Return the values, each moved by up to half a unit in its last place, on average a third."""
    values = np.asarray(values, np.float64)
    return values + np.where(rng.random(values.shape) < 0.5, 0.0, 1.0) * np.spacing(values) * (
        rng.choice([-1.0, 1.0], size=values.shape)
    )


@pytest.mark.parametrize("what", ["never far too large", "never far too small"])
def test_data_digits_foretell_the_effect_of_rounding(what: str) -> None:
    """Moving inputs by one unit in the last place, half of the time, in exact arithmetic.

    That noise has sd 0.71 units; the digits are promised for uniform noise within half a unit, sd
    0.29, at twice its standard deviation: so the move is within a factor of 2.5·2 of the promise
    nearly always, and within a factor of 100 below it for most.
    """
    rng = np.random.default_rng(21)
    total = beyond = below = 0
    for seed in SETTINGS_OF_DOUBLES:
        p = problem(seed)
        solution = least_squares(Rows(p.x, p.y), intercept=p.intercept)
        if np.isnan(solution.coefficients).any() or p.x.dtype != np.float64:
            continue
        one = exact_fit(p.x, p.y, intercept=p.intercept)
        other = exact_fit(_jostled(rng, p.x), _jostled(rng, p.y), intercept=p.intercept)
        for a, b, promised in zip(
            one.coefficients, other.coefficients, solution.data_digits, strict=True
        ):
            if not 1.0 < promised < 15.5 or a is None or b is None or a == 0:
                continue
            moved = relative_error((float(b), float(b - type(b)(float(b)))), a)
            total += 1
            beyond += int(moved > 5.0 * 10.0**-promised)
            below += int(moved < 0.01 * 10.0**-promised)
    assert total > 200
    if what == "never far too large":
        assert beyond <= binom.isf(1e-6, total, 0.01)
    else:
        assert below <= 0.2 * total
