"""Bins for a histogram: as many as the values bear, whole steps wide where values are rounded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.normal.ordered import standardised
from gausswork.normal.samples import read_sample

Array: TypeAlias = npt.NDArray[np.float64]

_FEWEST, _MOST = 5, 120
_REACH = 4.0  # interquartile ranges beyond the quartiles that the axis shows at most
_ROUND = tuple(first * 10**power for power in range(12) for first in (1, 2, 5))
_MOST_LEVELS = 2_000  # different values among which a common step is looked for


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of values in bins of equal width.

    Attributes
    ----------
    edges : (b + 1,) ascending.
    counts : (b,) values in each; the last bin includes its upper edge.
    below, above : how many values lie beyond the edges.
    count : of all values.
    mean, sd : of all values.
    """

    edges: Array
    counts: npt.NDArray[np.intp]
    below: int
    above: int
    count: int
    mean: float
    sd: float

    @property
    def density(self) -> Array:
        """The (b,) heights that make areas of shares: counts / (count · width of a bin)."""
        return self.counts / (self.count * np.diff(self.edges))


def histogram_of(
    sample: Any, *, bins: int | None = None, lattice: float | None = None, name: str = "sample"
) -> Histogram:
    """Count a sample in bins.

    Parameters
    ----------
    sample : (n,) numbers, n ≥ 2; entries without a value are left out.
    bins : how many; by default 2·IQR/n^(1/3) wide, Freedman & Diaconis (1981), and between 5 and
        120 of them.
    lattice : the step on which all values lie, if it is known; otherwise it is looked for.

    Raises
    ------
    InputError
        The sample cannot be used, or the number of bins is not one.
    """
    if bins is not None and not (isinstance(bins, int | np.integer) and 1 <= bins <= 10_000):
        raise InputError(f"bins must be a whole number in 1…10000; got {bins!r}.")
    read = read_sample(sample, name=name, least=2)
    z, mean, sd = standardised(read.values, name=name)
    inner = _edges(z, bins, None if lattice is None else lattice / sd)
    edges: Array = mean + sd * inner
    places = np.searchsorted(z, inner)
    places[-1] = np.searchsorted(z, inner[-1], side="right")
    return Histogram(
        edges=edges,
        counts=np.diff(places),
        below=int(places[0]),
        above=int(len(z) - places[-1]),
        count=len(z),
        mean=mean,
        sd=sd,
    )


def _edges(z: Array, bins: int | None, lattice: float | None) -> Array:
    """Return the edges for standardised values, ascending."""
    n = len(z)
    first, third = (float(z[int(q * (n - 1))]) for q in (0.25, 0.75))
    width = third - first
    low, high = float(z[0]), float(z[-1])
    if width > 0.0:
        low, high = max(low, first - _REACH * width), min(high, third + _REACH * width)
    inner = z[np.searchsorted(z, low) : np.searchsorted(z, high, side="right")]
    low, high = float(inner[0]), float(inner[-1])
    if bins is not None:
        return np.linspace(low, high, bins + 1)
    ideal = 2.0 * (width if width > 0.0 else 1.349) * n ** (-1 / 3)
    number = int(min(max(math.ceil((high - low) / ideal), _FEWEST), _MOST))
    step = common_step(inner) if lattice is None else lattice
    if step is None:
        return np.linspace(low, high, number + 1)
    # Bins of whole steps, with edges half-way between steps: no bin catches one value more. And
    # 1, 2, 5, 10 … steps: who rounds to tenths often rounds to halves or wholes too.
    span = round((high - low) / step) + 1
    ideal = max(span / number, span / _MOST, 1.0)
    wide = min(_ROUND, key=lambda width: abs(math.log(width / ideal)))
    edges: Array = low - 0.5 * step + step * wide * np.arange(math.ceil(span / wide) + 1)
    return edges


def common_step(z: Array) -> float | None:
    """Return the step of which all distances between values are multiples; None without one.

    Parameters
    ----------
    z : (n,) ascending.
    """
    starts = np.concatenate(([True], z[1:] != z[:-1]))
    levels = z[starts]
    if not 1 < len(levels) <= min(_MOST_LEVELS, 0.9 * len(z)):
        return None
    gaps = np.diff(levels)
    least = float(gaps[gaps > 1e-9 * (levels[-1] - levels[0])].min(initial=math.inf))
    if not math.isfinite(least):
        return None
    for parts in range(1, 11):  # gaps of 0.2 and 0.3 have the step 0.1
        multiples = gaps * (parts / least)
        if bool(np.all(np.abs(multiples - np.round(multiples)) < 1e-3)):
            return least / parts
    return None
