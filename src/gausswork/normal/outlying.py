"""A few values far from all others: what turns a bell into no bell without being its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

_FALSE_ALARMS = 0.01  # samples of a bell in which any value is called outlying
_MOST = 0.02  # share of values: more are a tail, not outliers
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Outlying:
    """Values beyond what a bell through the middle of the data would ever show.

    Attributes
    ----------
    low, high : how many at either end.
    farthest : of the farthest, in robust standard deviations from the median.
    limit : beyond which they count, in robust standard deviations; one of a hundred samples from
        a bell has any value there.
    """

    low: int
    high: int
    farthest: float
    limit: float

    @property
    def count(self) -> int:
        """How many in all."""
        return self.low + self.high


def outlying(z: Array) -> Outlying | None:
    """Return the values that stand apart; None where there are none, or too many to be outliers.

    Median and MAD describe the middle, which outliers cannot move. Values count only if the
    rest, without them, has no tail that leads up to them.

    Parameters
    ----------
    z : (n,) ascending, in any unit, before anything was subtracted.
    """
    from scipy.special import ndtri

    n = len(z)
    if n < _LEAST:
        return None
    middle = 0.5 * float(z[(n - 1) // 2] + z[n // 2])
    spread = mad_of_sorted(z, middle) * 1.4826022185056018
    if spread == 0.0:
        return None
    # The MAD of few values is itself uncertain: the limit is that of a t law, roughly.
    limit = -float(ndtri(_FALSE_ALARMS / (2.0 * n))) * (1.0 + 6.0 / n)
    low = int(np.searchsorted(z, middle - limit * spread))
    high = n - int(np.searchsorted(z, middle + limit * spread, side="right"))
    if not 0 < low + high <= max(1.0, _MOST * n):
        return None
    inner = z[low : n - high]
    # A tail leads up to the limit without a gap; outliers stand off from the rest.
    reach = max(middle - float(inner[0]), float(inner[-1]) - middle) / spread
    expected = -float(ndtri(0.5 / n))
    if reach > 0.7 * limit + 0.3 * expected:
        return None
    farthest = max(middle - float(z[0]), float(z[-1]) - middle) / spread
    return Outlying(low, high, farthest, limit)


def mad_of_sorted(z: Array, middle: float) -> float:
    """Return the median distance from the median of sorted values, in O(log n) steps.

    The distances to the left and to the right are two sorted runs; their median is found by
    bisection on its rank.
    """
    n = len(z)
    k = (n + 1) // 2
    lower = _distance_of_rank(z, middle, k)
    return lower if n % 2 else 0.5 * (lower + _distance_of_rank(z, middle, k + 1))


def _distance_of_rank(z: Array, middle: float, rank: int) -> float:
    """Return the rank-th smallest distance from the middle, counted from 1."""
    split = int(np.searchsorted(z, middle))
    left, right = split, len(z) - split
    # i of the nearest `rank` values lie to the left of the middle
    low, high = max(0, rank - right), min(rank, left)
    while low < high:
        i = (low + high) // 2
        j = rank - i
        if middle - z[split - 1 - i] < z[split + j - 1] - middle:
            low = i + 1
        else:
            high = i
    i, j = low, rank - low
    distances = []
    if i:
        distances.append(middle - float(z[split - i]))
    if j:
        distances.append(float(z[split + j - 1]) - middle)
    return max(distances)
