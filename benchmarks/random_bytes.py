"""Stream random bytes to standard output without end, for batteries of tests that read a pipe.

    python -m benchmarks.random_bytes | dieharder -a -g 200
    python -m benchmarks.random_bytes --kind streams | RNG_test stdin32

Kinds: ``words``, one stream as it lies; ``streams``, a word of each of 256 neighbouring streams in
turn; ``seeds``, the same of 256 neighbouring seeds; ``normals``, sixteen bits of the probability of
each float32 normal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from gausswork.sampling import State, integers, normal

SIDE_BY_SIDE = 256
CHUNK = 1 << 20  # words


def word(state: State, count: int) -> npt.NDArray[np.uint32]:
    """Return so many 32-bit words."""
    drawn: npt.NDArray[np.uint32] = integers(
        count // 2, high=2**64, seed=state, dtype="uint64", threads=1
    ).view(np.uint32)
    return drawn


def words() -> Iterator[npt.NDArray[np.uint32]]:
    """Yield the words of one stream."""
    state = State(seed=1)
    while True:
        yield word(state, CHUNK)
        state = state.advanced(CHUNK // 2)


def side_by_side(of: Callable[[int, int], State]) -> Iterator[npt.NDArray[np.uint32]]:
    """Yield a word of each of many sequences in turn."""
    position, each = 0, CHUNK // SIDE_BY_SIDE
    while True:
        table = np.stack([word(of(k, position), each) for k in range(SIDE_BY_SIDE)], axis=1)
        yield np.ascontiguousarray(table)
        position += each // 2


def normals() -> Iterator[npt.NDArray[np.uint32]]:
    """Yield 16 bits of Φ of each normal, two to a word."""
    from scipy.special import ndtr

    position = 0
    while True:
        z = normal(2 * CHUNK, seed=1, offset=position, dtype="float32", threads=1)
        bits = (ndtr(z.astype(np.float64)) * 65536).astype(np.uint16)
        yield bits.view(np.uint32)
        position += 2 * CHUNK


KINDS: dict[str, Callable[[], Iterator[npt.NDArray[np.uint32]]]] = {
    "words": words,
    "streams": lambda: side_by_side(lambda k, position: State(1, k, position)),
    "seeds": lambda: side_by_side(lambda k, position: State(k, 0, position)),
    "normals": normals,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--kind", choices=sorted(KINDS), default="words")
    kind = parser.parse_args().kind
    try:
        for chunk in KINDS[kind]():
            sys.stdout.buffer.write(chunk.tobytes())
    except BrokenPipeError:
        sys.stderr.close()  # the battery has read enough


if __name__ == "__main__":
    main()
