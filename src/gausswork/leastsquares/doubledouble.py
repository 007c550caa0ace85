"""Double-double arithmetic on NumPy arrays: numbers kept as an unevaluated sum of two doubles.

A value is the pair ``(high, low)`` with ``|low| <= ulp(high) / 2``; its relative error is about
2⁻¹⁰⁴ an operation. The error-free transformations are those of Dekker (1971) and Knuth (TwoSum);
the operations follow Hida, Li & Bailey (2001).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
DoubleDouble: TypeAlias = tuple[Any, Any]  # two arrays, or two floats, of one shape

_SPLITTER = 134217729.0  # 2**27 + 1: halves of 26 bits (Veltkamp)


def two_sum(a: Any, b: Any) -> DoubleDouble:
    """Return the rounded sum and its exact error."""
    high = a + b
    moved = high - a
    return high, (a - (high - moved)) + (b - moved)


def two_product(a: Any, b: Any) -> DoubleDouble:
    """Return the rounded product and its exact error, for factors below 2⁹⁹⁶."""
    high = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return high, low


def normalize(high: Any, low: Any) -> DoubleDouble:
    """Carry the low word into the high one."""
    return two_sum(high, low)


def add(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return a + b; the low words are added with their own errors kept."""
    high, error = two_sum(a[0], b[0])
    low, low_error = two_sum(a[1], b[1])
    error = error + low
    carried = high + error
    error = (error - (carried - high)) + low_error
    high = carried + error
    return high, error - (high - carried)


def negate(a: DoubleDouble) -> DoubleDouble:
    """Return −a."""
    return -a[0], -a[1]


def subtract(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return a − b."""
    return add(a, negate(b))


def multiply(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return a · b."""
    high, error = two_product(a[0], b[0])
    error = error + (a[0] * b[1] + a[1] * b[0])
    total = high + error
    return total, error - (total - high)


def divide(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return a / b by long division with three partial quotients."""
    first = a[0] / b[0]
    rest = subtract(a, multiply((first, 0.0 * first), b))
    second = rest[0] / b[0]
    rest = subtract(rest, multiply((second, 0.0 * second), b))
    third = rest[0] / b[0]
    return add(normalize(first, second), (third, 0.0 * third))


def square_root(a: DoubleDouble) -> DoubleDouble:
    """Return √a for a > 0: a Newton step from the rounded root, twice."""
    root = np.sqrt(a[0])
    rest = subtract(a, two_product(root, root))
    refined = normalize(root, rest[0] / (2.0 * root))
    rest = subtract(a, multiply(refined, refined))
    return add(refined, (rest[0] / (2.0 * root), 0.0 * root))


def scale(a: DoubleDouble, factor: Any) -> DoubleDouble:
    """Return a · factor for factors that are powers of two, exactly."""
    return a[0] * factor, a[1] * factor


def promote(a: Any) -> DoubleDouble:
    """Return a double (or an array of them) as a double-double."""
    return a, 0.0 * a


def total(a: DoubleDouble) -> DoubleDouble:
    """Return the sum along the first axis, by pairs, so that the error grows with log n only."""
    high, low = a
    if len(high) == 0:
        return np.zeros(np.shape(high)[1:])[()], np.zeros(np.shape(high)[1:])[()]
    while len(high) > 1:
        half = len(high) // 2
        summed = add((high[:half], low[:half]), (high[half : 2 * half], low[half : 2 * half]))
        if len(high) % 2:
            high = np.concatenate((summed[0], high[-1:]))
            low = np.concatenate((summed[1], low[-1:]))
        else:
            high, low = summed
    return high[0], low[0]


def dot(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Return the inner product of two vectors."""
    return total(multiply(a, b))
