"""The random words: Philox4x32-10, and which words belong to which index.

This is the definition of the bits, in NumPy. The compiled path must agree with it bit for bit, and
no version of gausswork may change it without saying so in the changelog.

The generator turns a counter of four 32-bit words and a key of two into four random words
(Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Here

- the key is the seed, its low half first;
- the counter is (block mod 2³², block div 2³² + 2¹⁶·attempt + 2²⁴·purpose, stream mod 2³²,
  stream div 2³²), with block < 2⁴⁸, attempt < 2⁸ and purpose < 2⁸.

The purpose (:class:`Purpose`) keeps what is drawn for different ends apart: uniforms and normals of
the same seed share no word. The attempt is 0, but for what an index draws again after a rejection.

Sixteen consecutive blocks form a tile. A tile holds 64 narrow words (32 bits) or 32 wide ones
(64 bits), in an order that needs no shuffling of vector registers:

- narrow word i is word k of block 16t + j, with i = 64t + 16k + j, 0 ≤ k < 4, 0 ≤ j < 16;
- wide word i is pair k of block 16t + j, with i = 32t + 16k + j, 0 ≤ k < 2, 0 ≤ j < 16; pair 0 is
  2³²·word 0 + word 1, and pair 1 is 2³²·word 2 + word 3.

So a word depends on seed, stream, purpose and index alone.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Narrow = npt.NDArray[np.uint32]
Wide = npt.NDArray[np.uint64]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # golden ratio, √3 − 1: what the round keys grow by
ROUNDS = 10
TILE = 16  # blocks
NARROW = 4 * TILE  # narrow words of a tile
WIDE = 2 * TILE  # wide words of a tile
ATTEMPTS = 256
END = 2**48  # the first index that is not there

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


class Purpose(IntEnum):
    """What words are drawn for; part of the counter."""

    WORDS = 0
    UNIFORM32 = 1
    UNIFORM64 = 2
    NORMAL32 = 3
    NORMAL64 = 4
    INTEGERS_NARROW = 5
    INTEGERS_WIDE = 6
    BERNOULLI = 7
    PERMUTATION = 8
    TRUNCATED = 9


def philox(counter: tuple[Wide, ...], key: tuple[int, int]) -> tuple[Wide, Wide, Wide, Wide]:
    """Return the four random words of each counter.

    Parameters
    ----------
    counter : four arrays of 32-bit words, held in uint64, of shapes that broadcast.
    key : two 32-bit words.

    Returns
    -------
    four arrays of 32-bit words, held in uint64.
    """
    c0, c1, c2, c3 = counter
    m0, m1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = c0 * m0, c2 * m1
        c0, c1 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _HALF) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def blocks(
    block: Wide, seed: int, stream: int, purpose: int, attempt: int = 0
) -> tuple[Wide, Wide, Wide, Wide]:
    """Return the four words of each block.

    Parameters
    ----------
    block : (m,) numbers of blocks, below 2⁴⁸.
    seed, stream : 64-bit numbers.
    """
    high = np.uint64(attempt << 16 | purpose << 24)
    s0, s1 = np.uint64(stream & 0xFFFFFFFF), np.uint64(stream >> 32)
    counter = (block & _LOW, block >> _HALF | high, s0 + 0 * block, s1 + 0 * block)
    return philox(counter, (seed & 0xFFFFFFFF, seed >> 32))


def pairs(block: Wide, seed: int, stream: int, purpose: int, attempt: int = 0) -> tuple[Wide, Wide]:
    """Return the two wide words of each block; see :func:`blocks`."""
    c0, c1, c2, c3 = blocks(block, seed, stream, purpose, attempt)
    return c0 << _HALF | c1, c2 << _HALF | c3


def narrow_tiles(first: int, count: int, seed: int, stream: int, purpose: int) -> Narrow:
    """Return the narrow words of ``count`` tiles from tile ``first`` on: (count, 4, 16)."""
    found = blocks(_blocks_of(first, count), seed, stream, purpose)
    out = np.empty((count, 4, TILE), dtype=np.uint32)
    for k in range(4):
        out[:, k] = found[k].reshape(count, TILE)
    return out


def wide_tiles(first: int, count: int, seed: int, stream: int, purpose: int) -> Wide:
    """Return the wide words of ``count`` tiles from tile ``first`` on: (count, 2, 16)."""
    found = pairs(_blocks_of(first, count), seed, stream, purpose)
    out = np.empty((count, 2, TILE), dtype=np.uint64)
    for k in range(2):
        out[:, k] = found[k].reshape(count, TILE)
    return out


def _blocks_of(first: int, count: int) -> Wide:
    return np.uint64(first * TILE) + np.arange(count * TILE, dtype=np.uint64)
