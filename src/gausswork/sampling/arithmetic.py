"""From random words to uniforms, normals and exponentials, in arithmetic that is the same anywhere.

Only additions, subtractions, multiplications, divisions and square roots, each rounded once as IEEE
754 says, in the order written here; no fused multiply-add, and no function of a C library. So the
bits do not depend on processor, compiler, operating system or version of NumPy.

Normals are pairs by Box and Muller (1958), radius times sine and cosine of an angle, with the
polynomials below (minimax, fitted with mpmath):

===========  =====================================  ====================  =============
coefficient  of                                     on                    error
===========  =====================================  ====================  =============
LOG32        −2·log1p(f)/s in s², s = f/(2 + f)     −1/2 ≤ f ≤ 0          2⁻²⁷·⁹
LOG64        the same                               √½ ≤ 1 + f ≤ √2       2⁻⁵²·⁴
SIN32/64     sin(πt/2)/t in t²                      −1/2 ≤ t ≤ 1/2        2⁻²⁸, 2⁻⁵⁸
COS32/64     (cos(πt/2) − 1)/t² in t²               −1/2 ≤ t ≤ 1/2        2⁻²⁴·⁶, 2⁻⁵³·⁹
===========  =====================================  ====================  =============

The radius comes from 32 bits in float32 (at most 6.76 standard deviations) and 52 bits in float64
(at most 8.57), and small radii are as fine as large ones: where the uniform is close to 1 it is
formed from its distance to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.sampling.words import Narrow, Wide

Single = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]


def _singles(*hexadecimal: str) -> tuple[np.float32, ...]:
    return tuple(np.float32(float.fromhex(text)) for text in hexadecimal)


def _doubles(*hexadecimal: str) -> tuple[np.float64, ...]:
    return tuple(np.float64(float.fromhex(text)) for text in hexadecimal)


LOG32 = _singles("-0x1p+2", "-0x1.5554ep+0", "-0x1.99dae6p-1", "-0x1.1e510cp-1", "-0x1.208bcep-1")
SIN32 = _singles("0x1.921fb6p+0", "-0x1.4abbbap-1", "0x1.465e92p-4", "-0x1.2d9302p-8")
COS32 = _singles("0x1p+0", "-0x1.3bd39cp+0", "0x1.03b09p-2", "-0x1.4e8448p-6")
LOG64 = _doubles(
    "-0x1.0000000000001p+2", "-0x1.5555555552d12p+0", "-0x1.999999a4411b1p-1",
    "-0x1.249240b192f08p-1", "-0x1.c722d07583f97p-2", "-0x1.7322b5fa02f1dp-2",
    "-0x1.58da8e9d115aap-2",
)  # fmt: skip
SIN64 = _doubles(
    "0x1.921fb54442d18p+0", "-0x1.4abbce625be41p-1", "0x1.466bc67758700p-4",
    "-0x1.32d2cce2d538ap-8", "0x1.50782fca3af0ap-13", "-0x1.e30063a1b8c00p-19",
    "0x1.e3eed62bb5018p-25",
)  # fmt: skip
COS64 = _doubles(
    "0x1p+0", "-0x1.3bd3cc9be459dp+0", "0x1.03c1f081b0e29p-2", "-0x1.55d3c7dc3de90p-6",
    "0x1.e1f4fb844ce38p-11", "-0x1.a6c9ca52d684fp-16", "0x1.f3dcf015d0594p-22",
)  # fmt: skip
_TWO_LN2_32 = np.float32(float.fromhex("0x1.62e43p+0"))
_TWO_LN2_64 = np.float64(float.fromhex("0x1.62e42fefa39efp+0"))
_SQRT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½


def uniform32(words: Narrow) -> Single:
    """Return the 24 high bits of each word as a multiple of 2⁻²⁴ in [0, 1)."""
    return (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def uniform64(words: Wide) -> Double:
    """Return the 53 high bits of each word as a multiple of 2⁻⁵³ in [0, 1)."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal32(radius: Narrow, angle: Narrow) -> tuple[Single, Single]:
    """Return the two standard normals of each pair of words."""
    r = np.sqrt(_twice_exponential32(radius))
    # Bit 31 swaps sine and cosine, bit 30 is the sign of the cosine, the rest is the angle: an odd
    # number of 2⁻³¹ of a quarter turn, so that left and right are alike.
    t = ((angle << np.uint32(2)) | np.uint32(2)).view(np.int32).astype(np.float32)
    t *= np.float32(2.0**-32)
    y = t * t
    sine = t * _horner(SIN32, y)
    flip = (angle << np.uint32(1)) & np.uint32(0x80000000)
    cosine = (_horner(COS32, y).view(np.uint32) ^ flip).view(np.float32)
    swap = angle >= np.uint32(0x80000000)
    return r * np.where(swap, cosine, sine), r * np.where(swap, sine, cosine)


def _twice_exponential32(words: Narrow) -> Single:
    """Return −2·ln(u), u = (w + ½)/2³², in float32."""
    high = words >= np.uint32(0x80000000)
    # u below ½, and u − 1 from ½ on: no bit is lost on either side
    g = words.view(np.int32).astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
    bits = g.view(np.uint32)
    mantissa = ((bits & np.uint32(0x007FFFFF)) | np.uint32(0x3F000000)).view(np.float32)
    f = np.where(high, g, mantissa - np.float32(1))
    halvings = np.where(high, np.int32(0), np.int32(126) - (bits >> np.uint32(23)).view(np.int32))
    s = f / (np.float32(2) + f)
    twice: Single = s * _horner(LOG32, s * s) + halvings.astype(np.float32) * _TWO_LN2_32
    return twice


def normal64(radius: Wide, angle: Wide) -> tuple[Double, Double]:
    """Return the two standard normals of each pair of words."""
    r = np.sqrt(twice_exponential64(radius))
    bits = ((angle << np.uint64(2)) >> np.uint64(12)) | np.uint64(0x3FF0000000000001)
    t = bits.view(np.float64) - 1.5
    y = t * t
    sine = t * _horner(SIN64, y)
    flip = (angle << np.uint64(1)) & np.uint64(1 << 63)
    cosine = (_horner(COS64, y).view(np.uint64) ^ flip).view(np.float64)
    swap = angle >= np.uint64(1 << 63)
    return r * np.where(swap, cosine, sine), r * np.where(swap, sine, cosine)


def twice_exponential64(words: Wide) -> Double:
    """Return −2·ln(u), u = (w + ½)/2⁵² with w the 52 high bits of each word."""
    u = ((words >> np.uint64(12)) | np.uint64(0x3FF0000000000000)).view(np.float64)
    u = u - (1.0 - 2.0**-53)
    bits = u.view(np.uint64) + np.uint64(0x3FF0000000000000 - _SQRT_HALF)
    mantissa = (bits & np.uint64(0x000FFFFFFFFFFFFF)) + np.uint64(_SQRT_HALF)
    f = mantissa.view(np.float64) - 1.0
    halvings = 1023.0 - (bits >> np.uint64(52)).astype(np.float64)
    s = f / (2.0 + f)
    twice: Double = s * _horner(LOG64, s * s) + halvings * _TWO_LN2_64
    return twice


def _horner(coefficients: tuple[Any, ...], y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Evaluate c₀ + y·(c₁ + y·(…)), a product and a sum at a time."""
    value: npt.NDArray[Any] = coefficients[-1] * y
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= y
    value += coefficients[0]
    return value
