"""Count, mean and squares of columns, in parts that join without loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spreads:
    """What the mean and the standard deviation of p columns need.

    Attributes
    ----------
    count : (p,) values seen.
    shift : (p,) a value of each column; all else is about it.
    offset : (p,) mean minus shift.
    squares : (p,) sum of squares about the mean, divided by 4^power.
    power : (p,) of two, so that the squares neither overflow nor vanish.
    """

    count: npt.NDArray[np.int64]
    shift: Array
    offset: Array
    squares: Array
    power: npt.NDArray[np.int64]

    @classmethod
    def of(cls, x: npt.NDArray[np.floating]) -> Spreads:
        """Measure (n, p) values, NaN left out; in two passes about a value of each column."""
        known = ~np.isnan(x)
        count = known.sum(axis=0)
        first = known.argmax(axis=0)
        shift = np.where(count > 0, x[first, np.arange(x.shape[1])], 0.0).astype(np.float64)
        about = np.where(known, x - shift, 0.0)
        largest = np.abs(about).max(axis=0, initial=0.0)
        power = np.frexp(largest)[1].astype(np.int64)
        about = np.ldexp(about, -power)
        n = np.maximum(count, 1)
        mean = about.sum(axis=0) / n
        about = np.where(known, about - mean, 0.0)
        rest = about.sum(axis=0)  # what rounding of the mean has left
        squares = (about * about).sum(axis=0) - rest * rest / n
        offset = np.ldexp(mean + rest / n, power)
        return cls(count, shift, offset, np.maximum(squares, 0.0), power)

    @property
    def mean(self) -> Array:
        """(p,) means, NaN where no value was seen."""
        return np.where(self.count > 0, self.shift + self.offset, np.nan)

    def sd(self, ddof: int) -> Array:
        """(p,) standard deviations with divisor n − ddof, NaN where there are too few values."""
        left = self.count - ddof
        with np.errstate(invalid="ignore", divide="ignore"):
            inner = np.sqrt(np.where(left > 0, self.squares / left, np.nan))
        sd: Array = np.ldexp(inner, self.power)
        return sd

    def merge(self, other: Spreads) -> Spreads:
        """Join two parts; Chan, Golub & LeVeque (1983)."""
        n = self.count + other.count
        some = np.maximum(n, 1)
        shift = np.where(self.count > 0, self.shift, other.shift)
        mine = np.where(self.count > 0, self.offset, 0.0)
        # the difference of the means, without the digits that their sums would cost
        apart = (other.shift - shift) + (other.offset - mine)
        apart = np.where((self.count > 0) & (other.count > 0), apart, 0.0)
        offset = np.where(self.count > 0, mine + apart * (other.count / some), other.offset)
        power = np.maximum(np.maximum(self.power, other.power), np.frexp(apart)[1])
        squares = (
            np.ldexp(self.squares, 2 * (self.power - power))
            + np.ldexp(other.squares, 2 * (other.power - power))
            + np.ldexp(apart, -power) ** 2 * (self.count / some) * other.count
        )
        return Spreads(n, shift, offset, squares, power)
