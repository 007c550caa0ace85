"""Sums of many numbers on a device, exact but for what is lost in a last, tiny part.

Every function takes the array library first. Only + − × of float64, each rounded once, is relied
on, so a sum does not depend on the order in which a device adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gausswork.data.devices.library import Host, Library, There
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import DoubleDouble

THOUSAND = 1024  # rows whose slice products add up exactly: 21 + 21 bits and 10
SLICE_BITS = 21

_ONE_BIT = 2.0**52 + 1.0  # Veltkamp's constant that leaves one bit


def grid_of(largest: There, bits: int) -> There:
    """Return g such that (z + g) − g keeps the leading ``bits`` bits of |z| ≤ largest.

    What is kept are whole multiples of one power of two, at most 2^bits of them; rounding to a
    single bit (Dekker 1971) finds the power without a function that devices round differently.
    """
    moved = _ONE_BIT * largest
    near = moved - (moved - largest)  # a power of two, from 2/3 to 4/3 of the largest
    return near * (2.0 * 1.5 * 2.0 ** (52 - bits))


def cut(values: There, grid: There) -> tuple[There, There]:
    """Cut values at a grid: their leading parts, and what is left, both exact."""
    leading = (values + grid) - grid
    return leading, values - leading


def parts_of(library: Library, values: There, slices: int) -> list[There]:
    """Sum along the first axis: one exact sum for each slice of bits, then that of the rest.

    Parameters
    ----------
    values : (m, …).
    slices : how many. With s slices the rest is 2^(−s·(52 − log₂m)) of the largest value.
    """
    sums = []
    bits = 52 - int(values.shape[0]).bit_length()
    for _ in range(slices):
        leading, values = cut(values, grid_of(library.max(abs(values), 0), bits))
        sums.append(library.sum(leading, 0))
    return [*sums, library.sum(values, 0)]


def thousands(library: Library, values: There) -> Iterator[There]:
    """Yield rows (m, q) as (blocks, 1024, q), and those left over as one shorter block."""
    rows, q = (int(size) for size in values.shape)
    whole = rows // THOUSAND * THOUSAND
    if whole:
        yield library.reshape(values[:whole, :], (whole // THOUSAND, THOUSAND, q))
    if whole < rows:
        yield library.reshape(values[whole:, :], (1, rows - whole, q))


def host_total(library: Library, parts: Sequence[There]) -> DoubleDouble:
    """Bring parts of one shape to the host, all in one copy, and add them in double-double."""
    shape = tuple(int(size) for size in parts[0].shape)
    together: Host = library.host(
        library.join([library.reshape(part, (1, -1)) for part in parts], 0)
    )
    words = together.reshape(len(parts), *shape)
    return dd.total((words, np.zeros_like(words)))


def across(library: Library, columns: DoubleDouble) -> DoubleDouble:
    """Sum columns, (m, p) in double-double, by pairs: (m,)."""
    high, low = columns
    while int(high.shape[1]) > 1:
        p = int(high.shape[1])
        half = p // 2
        left, right = (high[:, :half], low[:, :half]), (high[:, half : 2 * half],
                                                       low[:, half : 2 * half])  # fmt: skip
        summed = dd.add(left, right)
        if p % 2:
            high = library.join([summed[0], high[:, p - 1 :]], 1)
            low = library.join([summed[1], low[:, p - 1 :]], 1)
        else:
            high, low = summed
    return library.reshape(high, (-1,)), library.reshape(low, (-1,))


def root_of(library: Library, weight: There) -> DoubleDouble:
    """Return √w in double-double, (m,); zero where the weight is."""
    positive = weight > 0.0
    nothing = 0.0 * weight
    safe = library.where(positive, weight, nothing + 1.0)
    root = library.sqrt(safe)
    square = dd.two_product(root, root)
    low = ((safe - square[0]) - square[1]) / (2.0 * root)
    return library.where(positive, root, nothing), library.where(positive, low, nothing)
