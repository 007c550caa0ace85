"""Promise: a normal is what Box and Muller's formula gives for its words, nearly to the last bit.

The formula in more digits: float64 for float32 (its error, 10⁻¹⁶, is nothing there), mpmath for
float64. Bounds of the relative error: 6·2⁻²⁴ and 5·2⁻⁵³; found were 5.2 and 3.7.
"""

from __future__ import annotations

import mpmath
import numpy as np

from gausswork.sampling import arithmetic
from gausswork.sampling.words import Purpose, narrow_tiles, wide_tiles

ENDS32 = [0, 1, 2, 2**30, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2, 2**32 - 1]
ENDS64 = [0, 1, 2**12, 2**61, 2**62, 2**63 - 1, 2**63, 2**63 + 2**11, 2**64 - 2**12, 2**64 - 1]


def test_float32() -> None:
    tiles = narrow_tiles(0, 20_000, 1, 2, Purpose.NORMAL32)
    radius = np.concatenate([tiles[:, 0].ravel(), np.repeat(np.uint32(ENDS32), len(ENDS32))])
    angle = np.concatenate([tiles[:, 1].ravel(), np.tile(np.uint32(ENDS32), len(ENDS32))])
    first, second = arithmetic.normal32(radius, angle)
    # 1 − u is exact in float64, so log1p loses nothing where u is close to 1
    r = np.sqrt(-2 * np.log1p((radius + 0.5) / 2.0**32 - 1))
    odd = ((angle.astype(np.int64) << 2 | 2) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    turn = odd / 2.0**32 * (np.pi / 2)
    sine = np.sin(turn)
    cosine = np.cos(turn) * np.where(angle >> 30 & 1, -1, 1)
    swap = angle >> 31 == 1
    for found, wanted in (
        (first, r * np.where(swap, cosine, sine)),
        (second, r * np.where(swap, sine, cosine)),
    ):
        assert np.abs(found / wanted - 1).max() < 6 * 2.0**-24


def test_float64() -> None:
    tiles = wide_tiles(0, 40, 1, 2, Purpose.NORMAL64)
    radius = np.concatenate([tiles[:, 0].ravel(), np.repeat(np.uint64(ENDS64), len(ENDS64))])
    angle = np.concatenate([tiles[:, 1].ravel(), np.tile(np.uint64(ENDS64), len(ENDS64))])
    first, second = arithmetic.normal64(radius, angle)
    with mpmath.workdps(40):
        for w, a, x, y in zip(radius.tolist(), angle.tolist(), first, second, strict=True):
            r = mpmath.sqrt(-2 * mpmath.log((mpmath.mpf(w >> 12) + 0.5) / 2**52))
            turn = mpmath.mpf((a >> 10 & (2**52 - 1)) | 1) / 2**52 - mpmath.mpf(1) / 2
            sine, cosine = mpmath.sin(turn * mpmath.pi / 2), mpmath.cos(turn * mpmath.pi / 2)
            cosine = -cosine if a >> 62 & 1 else cosine
            sine, cosine = (cosine, sine) if a >> 63 else (sine, cosine)
            assert abs(float(x) / (r * sine) - 1) < 5 * 2.0**-53
            assert abs(float(y) / (r * cosine) - 1) < 5 * 2.0**-53


def test_the_ends_of_the_range() -> None:
    """The largest radius, and the smallest: nothing is infinite, nothing is zero."""
    for words, single in ((np.uint32(ENDS32), True), (np.uint64(ENDS64), False)):
        normal = arithmetic.normal32 if single else arithmetic.normal64
        found = np.abs(
            np.concatenate([np.concatenate(normal(words, a + 0 * words)) for a in words])
        )  # type: ignore[operator, arg-type]
        assert found.min() > 0
        assert found.max() < (6.77 if single else 8.58)
        assert found.max() > (6.76 if single else 8.57)
