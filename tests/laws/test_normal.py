"""Promise: the laws of the normal distribution hold: inverses, mirrors, units, sums, merging."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gausswork import Normal, NormalState
from gausswork.normal import functions

shares = st.floats(1e-300, 1.0, exclude_max=True)
places = st.floats(-37.0, 37.0)
means = st.floats(-1e6, 1e6)
sds = st.floats(1e-6, 1e6)
UNIT = 2.0**-53


@given(shares)
def test_the_cdf_undoes_the_quantile(p: float) -> None:
    z = functions.quantile(p)
    # A unit in z moves the tail by z² units of its size, the rest of p by less.
    assert functions.cdf(z) == pytest.approx(p, rel=(12 + 12 * z * z) * UNIT)
    assert functions.sf(functions.isf(p)) == pytest.approx(p, rel=(12 + 12 * z * z) * UNIT)


@given(st.floats(-1e10, -1e-10))
def test_logcdf_undoes_its_inverse(logarithm: float) -> None:
    z = functions.quantile_from_log(logarithm)
    slope = abs(z) * math.exp(min(0.0, functions.logpdf(z) - functions.logcdf(z)))
    slope = max(slope, z * z if z < 0 else slope)
    assert functions.logcdf(z) == pytest.approx(
        logarithm, rel=40 * UNIT, abs=(40 * UNIT) * (slope + abs(logarithm))
    )


@given(places)
def test_left_and_right_are_mirrors_to_the_last_bit(z: float) -> None:
    assert functions.cdf(z) == functions.sf(-z)
    assert functions.pdf(z) == functions.pdf(-z)
    assert functions.logcdf(z) == functions.logsf(-z)
    assert functions.cdf(z) + functions.sf(z) == pytest.approx(1.0, abs=2 * UNIT)


@given(places, means, st.integers(-20, 20))
def test_units_do_not_matter(z: float, mean: float, power: int) -> None:
    """Powers of two change every number exactly, so results may not change at all."""
    unit = 2.0**power
    x = mean + 3.0 * z
    one, other = Normal(mean, 3.0), Normal(mean, 3.0) * unit
    assert other.cdf(x * unit) == one.cdf(x)
    assert other.pdf(x * unit) * unit == pytest.approx(one.pdf(x), rel=4 * UNIT)
    assert other.between(x * unit, (x + 1) * unit) == pytest.approx(
        one.between(x, x + 1), rel=40 * UNIT
    )


@given(st.lists(places, min_size=2, max_size=40))
def test_the_cdf_never_falls(z: list[float]) -> None:
    """Up to the bound of the error: two neighbours may be rounded apart."""
    found = functions.cdf(np.sort(z))
    assert (found[1:] >= found[:-1] * (1 - 10 * UNIT)).all()


@given(means, sds, st.floats(-5, 5), st.floats(0, 5))
def test_between_is_the_difference_where_nothing_cancels(
    mean: float, sd: float, start: float, width: float
) -> None:
    normal = Normal(mean, sd)
    a = mean + sd * start
    b = a + sd * width
    parts = normal.between(-math.inf, a), normal.between(a, b), normal.between(b, math.inf)
    assert sum(parts) == pytest.approx(1.0, abs=8 * UNIT)
    assert normal.outside(a, b) == pytest.approx(parts[0] + parts[2], rel=8 * UNIT)


@given(means, sds, means, sds)
def test_sums_and_differences_of_independent_variables(
    m1: float, s1: float, m2: float, s2: float
) -> None:
    a, b = Normal(m1, s1), Normal(m2, s2)
    assert (a + b).variance == pytest.approx(a.variance + b.variance, rel=8 * UNIT)
    assert (a - b).sd == (a + b).sd
    assert (a - b).mean == m1 - m2
    assert (-a) * -1 == a
    assert a.overlap(b) == b.overlap(a)
    assert 0.0 <= a.overlap(b) <= 1.0
    assert a.divergence(b) >= 0.0
    assert a.overlap(a) == pytest.approx(1.0, rel=2 * UNIT)


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_merging_states_does_not_depend_on_the_parts(data: list[float], cuts: list[int]) -> None:
    whole = NormalState.of(data)
    state = NormalState()
    for part in np.split(np.array(data), sorted(min(c, len(data)) for c in cuts)):
        state = state.add(part)
    size = max(map(abs, data))
    assert state.count == whole.count
    mean, sd = state.parameters()
    assert mean == pytest.approx(whole.parameters()[0], rel=0, abs=4 * UNIT * size)
    # Deviations are differences of the data: their rounding is measured by the data's own size.
    assert sd == pytest.approx(whole.parameters()[1], rel=1e-13, abs=8 * UNIT * size)
