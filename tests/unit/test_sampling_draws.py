"""Promise: a value depends on seed, stream and index alone, whatever asks for it and how."""

from __future__ import annotations

import numpy as np
import pytest

from gausswork import sampling
from gausswork.sampling import State

DRAWS = {
    "normal float32": lambda n, **k: sampling.normal(n, dtype="float32", **k),
    "normal float64": lambda n, **k: sampling.normal(n, **k),
    "uniform float32": lambda n, **k: sampling.uniform(n, dtype="float32", **k),
    "uniform float64": lambda n, **k: sampling.uniform(n, **k),
    "integers narrow": lambda n, **k: sampling.integers(n, low=-7, high=2**24 - 7, **k),
    "integers wide": lambda n, **k: sampling.integers(n, high=3 * 2**61, **k),
    "truncated": lambda n, **k: sampling.truncated_normal(n, low=1, high=3, **k),
    "bernoulli": lambda n, **k: sampling.bernoulli(n, 0.3, **k),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("offset", [0, 1, 15, 16, 31, 33, 63, 64, 65, 1000, 2**32 * 64 - 30])
def test_a_part_is_a_part_of_the_whole(name: str, offset: int) -> None:
    draw = DRAWS[name]
    start = max(0, offset - 70)
    whole = draw(offset - start + 200, seed=5, stream="a", offset=start)
    for n in (0, 1, 2, 63, 200):
        part = draw(n, seed=5, stream="a", offset=offset)
        assert np.array_equal(part, whole[offset - start : offset - start + n])
    assert np.array_equal(draw(9, seed=State(5, "a", offset)), whole[offset - start :][:9])


@pytest.mark.parametrize("name", DRAWS)
def test_threads_change_nothing(name: str) -> None:
    n = 3 * 2**18 + 77
    alone = DRAWS[name](n, seed=1, offset=5, threads=1)
    for threads in (2, 3, None):
        assert np.array_equal(DRAWS[name](n, seed=1, offset=5, threads=threads), alone)
