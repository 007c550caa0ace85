"""Filling arrays in plain NumPy: always there, and the oracle of the compiled path.

Every function writes ``out``, a contiguous vector, with the values of the indices ``offset``,
``offset + 1``, …; each value depends on seed, stream and index alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.sampling import arithmetic
from gausswork.sampling.truncation import Plan, proposals
from gausswork.sampling.words import (
    ATTEMPTS,
    NARROW,
    WIDE,
    Narrow,
    Purpose,
    Wide,
    blocks,
    narrow_tiles,
    pairs,
    wide_tiles,
)

Vector = npt.NDArray[Any]

CHUNK = 1 << 14  # words at a time: they stay in the cache
NARROW_SPAN = 2**24  # integers of smaller ranges take 32 bits each: rejected less than once in 256
_ONE = np.uint64(1)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def uniform(out: Vector, seed: int, stream: int, offset: int, low: float, high: float) -> None:
    """Fill with uniforms on [low, high), float32 or float64; ``low + (high − low)·u``."""
    kind = out.dtype.type
    bottom, top = kind(low), kind(high)
    width, last = kind(high - low), np.nextafter(top, bottom)
    single = out.dtype == np.float32
    purpose = Purpose.UNIFORM32 if single else Purpose.UNIFORM64
    for at, words in _words(out.size, seed, stream, offset, purpose, narrow=single):
        u: Vector = arithmetic.uniform32(words) if single else arithmetic.uniform64(words)
        if not (bottom == 0 and top == 1):
            u = np.minimum(bottom + width * u, last)
        out[at : at + u.size] = u


def normal(out: Vector, seed: int, stream: int, offset: int, mean: float, sd: float) -> None:
    """Fill with normals, float32 or float64; ``mean + sd·z``."""
    kind = out.dtype.type
    single = out.dtype == np.float32
    tile = NARROW if single else WIDE
    for at, first, count, skip, take in _pieces(out.size, offset, tile):
        if single:
            w = narrow_tiles(first, count, seed, stream, Purpose.NORMAL32)
            z: Vector = np.empty(w.shape, dtype=np.float32)
            for k in (0, 2):
                z[:, k], z[:, k + 1] = arithmetic.normal32(w[:, k], w[:, k + 1])
        else:
            v = wide_tiles(first, count, seed, stream, Purpose.NORMAL64)
            z = np.empty(v.shape, dtype=np.float64)
            z[:, 0], z[:, 1] = arithmetic.normal64(v[:, 0], v[:, 1])
        flat = z.reshape(-1)[skip : skip + take]
        out[at : at + take] = kind(mean) + kind(sd) * flat


def integers(out: Vector, seed: int, stream: int, offset: int, low: int, span: int) -> None:
    """Fill with whole numbers from low to low + span − 1, each with the same probability.

    Lemire, "Fast random integer generation in an interval" (ACM TOMACS 2019): the high half of
    word·span, drawn again where the low half falls below 2ᵇ mod span. An index that is rejected
    draws from counters of its own.
    """
    narrow = span <= NARROW_SPAN
    bits = 32 if narrow else 64
    purpose = Purpose.INTEGERS_NARROW if narrow else Purpose.INTEGERS_WIDE
    threshold = np.uint64((1 << bits) % span)
    for at, words in _words(out.size, seed, stream, offset, purpose, narrow=narrow):
        value, remainder = _scaled(words, span)
        (rejected,) = np.nonzero(remainder < threshold)
        for attempt in range(1, ATTEMPTS):
            if not rejected.size:
                break
            index = np.uint64(offset + at) + rejected.astype(np.uint64)
            again: Vector
            if narrow:
                again = blocks(index, seed, stream, purpose, attempt)[0].astype(np.uint32)
            else:
                again = pairs(index, seed, stream, purpose, attempt)[0]
            value[rejected], remainder = _scaled(again, span)
            rejected = rejected[remainder < threshold]
        shifted = value + np.uint64(low % 2**64)  # modulo 2⁶⁴, as the machine adds
        out[at : at + value.size] = shifted.view(np.int64).astype(out.dtype)


def bernoulli(out: Vector, seed: int, stream: int, offset: int, p: float) -> None:
    """Fill with 1 with probability p, else 0; exact to 2⁻⁹⁶."""
    scaled = p * 2.0**32
    threshold = int(scaled)
    fraction = int((scaled - threshold) * 2.0**64)
    for at, words in _words(out.size, seed, stream, offset, Purpose.BERNOULLI, narrow=True):
        hit = words < threshold
        (ties,) = np.nonzero(words == threshold)
        if ties.size:
            index = np.uint64(offset + at) + ties.astype(np.uint64)
            hit[ties] = pairs(index, seed, stream, Purpose.BERNOULLI, 1)[0] < np.uint64(fraction)
        out[at : at + hit.size] = hit


def permutation(out: Vector, seed: int, stream: int) -> None:
    """Fill with a permutation of 0, 1, …; Fisher and Yates, as Durstenfeld (1964) runs it."""
    n = out.size
    partner = np.zeros(n, dtype=np.uint64)
    for at, words in _words(n, seed, stream, 0, Purpose.PERMUTATION, narrow=False):
        index = np.arange(at, at + words.size, dtype=np.uint64)
        span = index + _ONE
        high, low = _product(words, span)
        (rejected,) = np.nonzero(low < (~span + _ONE) % span)
        for attempt in range(1, ATTEMPTS):
            if not rejected.size:
                break
            of = index[rejected]
            again = pairs(of, seed, stream, Purpose.PERMUTATION, attempt)[0]
            high[rejected], low = _product(again, span[rejected])
            rejected = rejected[low < (~span[rejected] + _ONE) % span[rejected]]
        partner[at : at + words.size] = high
    order = list(range(n))
    swaps = partner.tolist()
    for i in range(n - 1, 0, -1):
        j = swaps[i]
        order[i], order[j] = order[j], order[i]
    out[:] = order


def truncated(
    out: Vector, seed: int, stream: int, offset: int, plan: Plan, mean: float, sd: float
) -> None:
    """Fill with normals between bounds; see :mod:`gausswork.sampling.truncation`."""
    for at in range(0, out.size, CHUNK):
        size = min(CHUNK, out.size - at)
        index = np.uint64(offset + at) + np.arange(size, dtype=np.uint64)
        value = np.full(size, plan.inner, dtype=np.float64)
        waiting = np.arange(size)
        for attempt in range(ATTEMPTS):
            first, second = pairs(index[waiting], seed, stream, Purpose.TRUNCATED, attempt)
            z, accepted = proposals(plan, first, second)
            value[waiting[accepted]] = z[accepted]
            waiting = waiting[~accepted]
            if not waiting.size:
                break
        out[at : at + size] = plan.scaled(value, mean, sd, out.dtype)


def _scaled(words: Narrow | Wide, span: int) -> tuple[Wide, Wide]:
    """Return the high and the low half of word·span, halves being as wide as the words."""
    if words.dtype == np.uint32:
        product = words.astype(np.uint64) * np.uint64(span)
        return product >> _HALF, product & _LOW
    if span == 2**64:
        return words.astype(np.uint64), np.full(words.shape, 2**64 - 1, dtype=np.uint64)
    return _product(words.astype(np.uint64), np.uint64(span))


def _product(a: Wide, b: Wide | np.uint64) -> tuple[Wide, Wide]:
    """Return the high and the low 64 bits of a·b."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a0 * b1 + (a0 * b0 >> _HALF)
    lower = a1 * b0 + (middle & _LOW)
    return a1 * b1 + (middle >> _HALF) + (lower >> _HALF), a * b


def _pieces(size: int, offset: int, tile: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (place in out, first tile, tiles, words to skip, words to take) of each chunk."""
    at = 0
    while at < size:
        first, skip = divmod(offset + at, tile)
        take = min(CHUNK - skip, size - at)
        yield at, first, -(-(skip + take) // tile), skip, take
        at += take


def _words(
    size: int, seed: int, stream: int, offset: int, purpose: int, *, narrow: bool
) -> Iterator[tuple[int, Vector]]:
    """Yield (place in out, words) for the indices from ``offset`` on, a chunk at a time."""
    tiles: Callable[..., Vector] = narrow_tiles if narrow else wide_tiles
    for at, first, count, skip, take in _pieces(size, offset, NARROW if narrow else WIDE):
        yield at, tiles(first, count, seed, stream, purpose).reshape(-1)[skip : skip + take]
