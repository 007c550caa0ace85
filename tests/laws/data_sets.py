"""Hypothesis strategies: data on a grid, so that shifts and sums of it round nothing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array: TypeAlias = npt.NDArray[np.float64]


@st.composite
def grid_data(draw: st.DrawFn, *, least_rows: int = 12, most_rows: int = 60) -> tuple[Array, Array]:
    """Return x (n, p) and y (n,) of multiples of 2⁻¹⁰ below 32, well conditioned.

    Adding integers up to 10⁸ and multiplying by small integers is exact for such numbers.
    """
    p = draw(st.integers(1, 4))
    n = draw(st.integers(max(least_rows, 4 * p), most_rows))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = np.round(rng.uniform(-8, 8, size=(n, p)) * 1024) / 1024
    signal = x @ rng.integers(1, 4, size=p) + float(rng.integers(-8, 8))
    y = np.round((signal + rng.normal(size=n)) * 1024) / 1024
    return x, y


orders = st.integers(0, 2**32 - 1)
