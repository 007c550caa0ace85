"""Sorted values as the study of their shape needs them: standardised, ties spread, L-moments."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]

_BLOCK = 1 << 16
# Rounding shows in the tests once n·(step/sd)²/12 is no longer small against the spread of
# n·(1 − W'), which is about 1.
_HARMLESS = 0.05
_LEAST_LEVELS = 5  # with fewer different values nothing can be said about what lies between them
_HANDFUL, _WIDEST_OF_HANDFUL = 20, 2.0
_WIDEST = 1.05  # sd: wider steps leave too little of a shape


@dataclass(frozen=True, slots=True)
class Ties:
    """How far values coincide.

    Attributes
    ----------
    distinct : how many different values there are.
    repeated : how many values coincide with another.
    step : typical distance between such values and their neighbours, in standard deviations; 0
        where nothing coincides.
    largest : share of the most frequent value.
    commonest : that value, standardised.
    """

    distinct: int
    repeated: int
    step: float
    largest: float
    commonest: float

    @property
    def matter(self) -> bool:
        """Whether the steps are wide enough to disturb the tests at this n."""
        return self.repeated * self.step**2 / 12.0 > _HARMLESS

    def in_sd(self, mean: float, sd: float) -> Ties:
        """Return the same in standard deviations from the mean."""
        return replace(self, step=self.step / sd, commonest=(self.commonest - mean) / sd)


def scaled(values: Array, *, name: str = "sample", copy: bool = True) -> tuple[Array, int]:
    """Divide values by a power of two that takes the largest near 1; nothing is rounded.

    No square overflows or vanishes then.

    Returns
    -------
    x, power : values = x·2^power.

    Raises
    ------
    InputError
        All values are equal.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise InputError(
            f"all {len(values):,} values of {name} are {low:.12g}: a constant has no shape and no "
            "spread. Is it the right column?"
        )
    power = math.frexp(max(abs(low), abs(high)))[1]
    return np.ldexp(values, -power, out=None if copy else values), power


def unscaled(value: float, power: int) -> float:
    """Return value·2^power; infinite where no float64 is as large."""
    with np.errstate(over="ignore"):
        return float(np.ldexp(value, power))


def standardised(values: Array, *, name: str = "sample") -> tuple[Array, float, float]:
    """Sort a copy, and give it mean 0 and standard deviation 1 (divisor n − 1).

    Returns
    -------
    z : (n,) ascending; the only array of this size that is made.
    mean, sd : of the values.

    Raises
    ------
    InputError
        All values are equal.
    """
    z, power = scaled(np.sort(values), name=name, copy=False)
    mean, sd = standardise(z)
    return z, unscaled(mean, power), unscaled(sd, power)


def standardise(x: Array) -> tuple[float, float]:
    """Give sorted values mean 0 and standard deviation 1, in place; return what they had.

    Values far smaller than the spread may become equal by it.
    """
    middle = float(x[len(x) // 2])
    x -= middle
    shift = float(x.mean())
    x -= shift
    spread = max(-float(x[0]), float(x[-1]))
    x /= spread  # values that differ in their last digits only have squares too small otherwise
    sd = math.sqrt(float(x @ x) / (len(x) - 1))
    x /= sd
    return middle + shift, spread * sd


def restandardise(z: Array) -> None:
    """Give sorted values mean 0 and standard deviation 1, in place."""
    z -= z.mean()
    z /= math.sqrt(float(z @ z) / (len(z) - 1))


def ties(x: Array) -> Ties:
    """Look for values that coincide.

    Parameters
    ----------
    x : (n,) values, ascending, before anything was subtracted: a far outlier would make others
        equal. The result is in their unit; :meth:`Ties.in_sd` turns it into standard deviations.
    """
    n = len(x)
    if np.count_nonzero(x[1:] != x[:-1]) == n - 1:
        return Ties(n, 0, 0.0, 1.0 / n, float(x[0]))
    starts = _starts(x)
    counts = np.diff(starts, append=n)
    top = int(counts.argmax())
    lower, upper = _cells(x[starts], counts)
    widths = upper - lower
    coincide = counts > 1
    repeated = int(counts[coincide].sum())
    squares = float((counts[coincide] * widths[coincide] ** 2).sum())
    step = math.sqrt(squares / repeated)
    return Ties(len(starts), repeated, step, float(counts[top]) / n, float(x[starts[top]]))


def can_be_spread(found: Ties, n: int) -> bool:
    """Whether n rounded values can be told from values that exist in steps only.

    A handful that was rounded has few different values anyway, and wide steps in its own sd.
    """
    if n < _HANDFUL:
        return found.distinct > 1 and found.step <= _WIDEST_OF_HANDFUL
    return found.distinct >= _LEAST_LEVELS and found.step <= _WIDEST


def spread_ties(z: Array, *, seed: int) -> Array:
    """Undo rounding: put each value somewhere in its cell, as the fitted bell would.

    Rounded values of a normal become a normal
    sample again, so that the tests judge the shape and not the rounding; values that are no
    rounded normal keep their shape as far as the cells show it.

    Parameters
    ----------
    z : (n,) standardised values, ascending.
    seed : of the positions in the cells.

    Returns
    -------
    (n,) standardised values, ascending.
    """
    from scipy.special import ndtr, ndtri

    n = len(z)
    starts = _starts(z)
    counts = np.diff(starts, append=n)
    levels = z[starts]
    lower, upper = _cells(levels, counts)
    # Sheppard's correction: rounding has added a twelfth of the squared width to the variance.
    variance = float((counts * (upper - lower) ** 2).sum()) / 12.0 / n
    sd = math.sqrt(max(1.0 - variance, 0.5))
    mirrored = np.where(levels > 0.0, -1.0, 1.0)  # the left tail keeps its digits
    near = np.minimum(mirrored * lower, mirrored * upper) / sd
    far = np.maximum(mirrored * lower, mirrored * upper) / sd
    first, last = ndtr(near), ndtr(far)
    out = np.empty(n)
    # The data have a say in the seed: one fixed sequence of positions would favour or punish all
    # samples of a size alike.
    rng = np.random.default_rng([seed, zlib.crc32(counts.tobytes())])
    for k in range(0, len(levels), _BLOCK):
        block = slice(k, k + _BLOCK)
        inside = counts[block]
        where = slice(int(starts[k]), int(starts[k]) + int(inside.sum()))
        u = rng.random(where.stop - where.start)
        a, b = np.repeat(first[block], inside), np.repeat(last[block], inside)
        y = sd * ndtri(a + u * (b - a))
        flat = np.repeat(far[block] < -30.0, inside)  # ndtr has no digits left there
        y[flat] = (np.repeat(near[block], inside) * sd * u)[flat]
        y[flat] += (np.repeat(far[block], inside) * sd * (1.0 - u))[flat]
        out[where] = y * np.repeat(mirrored[block], inside)
    out.sort()
    restandardise(out)
    return out


def _starts(z: Array) -> npt.NDArray[np.intp]:
    """Return where each different value begins."""
    return np.concatenate(([0], np.flatnonzero(z[1:] != z[:-1]) + 1))


def _cells(levels: Array, counts: npt.NDArray[np.intp]) -> tuple[Array, Array]:
    """Return where the cell of each different value begins and ends: half-way to its neighbours.

    To either side a cell reaches no farther than a typical cell is wide: far out, where levels are
    left empty, the next one says little about the steps.
    """
    half = 0.5 * np.diff(levels)
    down = np.concatenate((half[:1], half))
    up = np.concatenate((half, half[-1:]))
    order = np.argsort(down + up)
    before = np.cumsum(counts[order])
    typical = float((down + up)[order[np.searchsorted(before, 0.5 * before[-1])]])
    reach = typical
    return levels - np.minimum(down, reach), levels + np.minimum(up, reach)


def l_ratios(z: Array) -> tuple[float, float]:
    """Return L-skewness and L-kurtosis: 0 and 0.1226 for a bell; Hosking (1990).

    They rest on differences of ordered values instead of third and fourth powers, so that a
    single value cannot govern them.

    Parameters
    ----------
    z : (n,) values about zero, ascending, n ≥ 4 for L-kurtosis (NaN below).
    """
    n = len(z)
    b = np.zeros(4)
    for start in range(0, n, _BLOCK):
        part = z[start : start + _BLOCK]
        j = np.arange(start, start + len(part), dtype=np.float64)
        weight = np.ones(len(part))
        for r in range(min(4, n)):
            if r:
                weight *= (j - (r - 1)) / (n - r)
            b[r] += float((weight * part).sum())  # no BLAS: its threads cost more here
    b /= n
    l2 = 2.0 * b[1] - b[0]
    l3 = 6.0 * b[2] - 6.0 * b[1] + b[0]
    l4 = 20.0 * b[3] - 30.0 * b[2] + 12.0 * b[1] - b[0]
    return float(l3 / l2), float(l4 / l2) if n > 3 else math.nan
