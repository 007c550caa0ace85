"""Promise: compiled for any instruction set or in NumPy, the bits are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gausswork.sampling import numpy_path, truncation
from gausswork.sampling.numpy_path import Vector
from gausswork.sampling.words import Purpose, narrow_tiles, pairs, wide_tiles

_sampling = pytest.importorskip("gausswork._native._sampling")
from gausswork.sampling import compiled  # noqa: E402


@pytest.fixture(params=_sampling.instruction_sets())
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _sampling.use(request.param)
    yield request.param
    _sampling.use(before)


def plan(low: float, high: float) -> truncation.Plan:
    return truncation.plan(low, high, (low, high))


# name -> (type, how one of the two paths fills)
DRAWS: dict[str, tuple[str, Callable[[Any, Vector, int, int, int], None]]] = {
    "normal32": ("float32", lambda path, *a: path.normal(*a, 0.0, 1.0)),
    "normal64": ("float64", lambda path, *a: path.normal(*a, 0.0, 1.0)),
    "normal32 scaled": ("float32", lambda path, *a: path.normal(*a, -3.3, 0.7)),
    "normal64 scaled": ("float64", lambda path, *a: path.normal(*a, 1e9, 1e-7)),
    "normal64 degenerate": ("float64", lambda path, *a: path.normal(*a, 2.5, 0.0)),
    "uniform32": ("float32", lambda path, *a: path.uniform(*a, 0.0, 1.0)),
    "uniform64": ("float64", lambda path, *a: path.uniform(*a, 0.0, 1.0)),
    "uniform32 scaled": ("float32", lambda path, *a: path.uniform(*a, 1.0, 1.0000005)),
    "uniform64 scaled": ("float64", lambda path, *a: path.uniform(*a, -0.1, 1e10)),
    "uniform64 tiny": ("float64", lambda path, *a: path.uniform(*a, 5e-324, 2e-323)),
    "int8": ("int8", lambda path, *a: path.integers(*a, -128, 256)),
    "uint8": ("uint8", lambda path, *a: path.integers(*a, 3, 100)),
    "int16": ("int16", lambda path, *a: path.integers(*a, -5, 6)),
    "uint32": ("uint32", lambda path, *a: path.integers(*a, 0, 2**32)),
    "int64": ("int64", lambda path, *a: path.integers(*a, -(2**63), 2**64)),
    "int64, one number": ("int64", lambda path, *a: path.integers(*a, 7, 1)),
    "uint64, a third rejected": ("uint64", lambda path, *a: path.integers(*a, 0, 3 * 2**62)),
    "int32, often rejected": ("int32", lambda path, *a: path.integers(*a, 0, 2**24 - 1)),
    "wide, half rejected": ("int64", lambda path, *a: path.integers(*a, -5, 2**63 + 1)),
    "mask": ("bool", lambda path, *a: path.bernoulli(*a, 0.3)),
    "mask, never": ("uint8", lambda path, *a: path.bernoulli(*a, 0.0)),
    "mask, always": ("int8", lambda path, *a: path.bernoulli(*a, 1.0)),
    "mask of floats": ("float32", lambda path, *a: path.bernoulli(*a, 0.8)),
    "truncated, middle": ("float64", lambda path, *a: path.truncated(*a, plan(-2, 2), 0.0, 1.0)),
    "truncated, half": ("float32", lambda path, *a: path.truncated(*a, plan(0, 9), 1.0, 0.1)),
    "truncated, close": ("float64", lambda path, *a: path.truncated(*a, plan(-1, 1.1), 0.0, 1.0)),
    "truncated, tail": ("float64", lambda path, *a: path.truncated(*a, plan(-99, -9), 0.0, 1.0)),
    "truncated, slice": ("float32", lambda path, *a: path.truncated(*a, plan(9, 9.01), 0.0, 1.0)),
}
# (length, offset): tiles, their edges, and the place where the low half of the block number ends
PLACES = [(0, 0), (1, 0), (63, 1), (64, 0), (65, 31), (257, 64), (5000, 17), (300, 2**37 - 150)]
PLACES += [(2000, 2**38 - 1001), (40, 2**48 - 40)]


@pytest.mark.parametrize("name", DRAWS)
def test_the_paths_agree_to_the_bit(name: str, instruction_set: str) -> None:
    dtype, fill = DRAWS[name]
    for n, offset in PLACES:
        for seed, stream in ((0, 0), (2**64 - 1, 2**64 - 1), (12345678901234567, 98765)):
            ours, oracle = np.empty(n, dtype=dtype), np.empty(n, dtype=dtype)
            fill(compiled, ours, seed, stream, offset)
            fill(numpy_path, oracle, seed, stream, offset)
            assert ours.tobytes() == oracle.tobytes(), (n, offset, seed)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 31, 511, 512, 513, 5000])
def test_permutations_agree(n: int, instruction_set: str) -> None:
    ours, oracle = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    compiled.permutation(ours, 7, 9)
    numpy_path.permutation(oracle, 7, 9)
    assert np.array_equal(ours, oracle)
    assert np.array_equal(np.sort(ours), np.arange(n))


def test_words_agree(instruction_set: str) -> None:
    narrow, wide = np.empty(64 * 40, dtype=np.uint32), np.empty(32 * 40, dtype=np.uint64)
    _sampling.words(narrow, 1, 2, 64 * 3, Purpose.WORDS)
    _sampling.words(wide, 1, 2, 32 * 3, Purpose.WORDS)
    assert np.array_equal(narrow, narrow_tiles(3, 40, 1, 2, Purpose.WORDS).reshape(-1))
    assert np.array_equal(wide, wide_tiles(3, 40, 1, 2, Purpose.WORDS).reshape(-1))


def test_a_mask_is_exact_where_a_word_ties(instruction_set: str) -> None:
    """The first 32 bits of p decide, and where they tie with the word 64 further bits do."""
    words = narrow_tiles(0, 4, 1, 2, Purpose.BERNOULLI).reshape(-1)
    index = np.arange(words.size, dtype=np.uint64)
    further = pairs(index, 1, 2, Purpose.BERNOULLI, 1)[0]
    for i in range(0, words.size, 7):
        for fraction in (0.0, 2.0**-19, 0.5, 1 - 2.0**-19):
            for path in (compiled, numpy_path):
                mask = np.empty(words.size, dtype=np.bool_)
                path.bernoulli(mask, 1, 2, 0, (float(words[i]) + fraction) / 2**32)
                assert mask[i] == (int(further[i]) < fraction * 2**64)
                assert np.array_equal(np.delete(mask, i), np.delete(words < words[i], i))


def test_a_wrong_coefficient_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from gausswork.sampling import arithmetic

    changed = (*arithmetic.COS64[:2], np.nextafter(arithmetic.COS64[2], 0), *arithmetic.COS64[3:])
    monkeypatch.setattr(arithmetic, "COS64", changed)
    ours, oracle = np.empty(100_000), np.empty(100_000)
    compiled.normal(ours, 0, 0, 0, 0.0, 1.0)
    numpy_path.normal(oracle, 0, 0, 0, 0.0, 1.0)
    assert ours.tobytes() != oracle.tobytes()
