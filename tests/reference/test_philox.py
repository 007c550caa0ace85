"""Promise: the words are those of the published generator.

Known-answer vectors of Philox4x32-10 as its authors distribute them with Random123 (file
``kat_vectors``): counter, key, result.
"""

from __future__ import annotations

import numpy as np
import pytest

from gausswork.sampling.words import philox

VECTORS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "result"), VECTORS)
def test_known_answers(counter: str, key: str, result: str) -> None:
    k0, k1 = numbers(key)
    words = philox(tuple(np.array([c], dtype=np.uint64) for c in numbers(counter)), (k0, k1))
    assert [int(word[0]) for word in words] == numbers(result)
