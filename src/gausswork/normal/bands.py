"""The points of a Q-Q plot, and the band that a bell's points stay in.

The band is simultaneous: of 100 samples from bells 95 stay inside it with all their points.
Of pointwise bands, which many programs draw, many bells leave some point outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.normal.calibration import stored
from gausswork.normal.ordered import standardised
from gausswork.normal.samples import read_sample

Array: TypeAlias = npt.NDArray[np.float64]

_MOST = 2_000  # points: more cannot be told apart on paper, except at the ends
_BANDS = ("simultaneous", "pointwise")


@dataclass(frozen=True, slots=True)
class QuantilePoints:
    """Ordered values beside where a bell would have them.

    Attributes
    ----------
    score : (m,) where a bell with mean 0 and sd 1 has values of these ranks (Blom's scores).
    value : (m,) the values, in their unit.
    lower, upper : (m,) the band, in the unit of the values.
    mean, sd : of all values; the bell lies on the line mean + sd·score.
    count : n; m is smaller where points in the middle are left out that would hide one another.
    level : of the band.
    band : ``"simultaneous"`` or ``"pointwise"``.
    outside : how many of the m points lie outside the band.
    """

    score: Array
    value: Array
    lower: Array
    upper: Array
    mean: float
    sd: float
    count: int
    level: float
    band: str
    outside: int


def quantile_points(
    sample: Any,
    *,
    level: float = 0.95,
    band: str = "simultaneous",
    most: int = _MOST,
    name: str = "sample",
) -> QuantilePoints:
    """Return the points of a Q-Q plot with their band.

    Parameters
    ----------
    sample : (n,) numbers, n ≥ 3; entries without a value are left out.
    level : ``"simultaneous"``: the share of samples from bells, with their mean and sd estimated,
        that have all points in the band; calibrated by simulation, after Aldor-Noiman et al.
        (2013). ``"pointwise"``: at least this share have one given point in it.
    most : points at most, or about so many: of more values those in the middle are thinned out.

    Raises
    ------
    InputError
        As :func:`gausswork.normality`, or the level is not in (0, 1), or no such band.
    """
    if band not in _BANDS:
        raise InputError(f"band must be 'simultaneous' or 'pointwise'; got {band!r}.")
    if not 0.0 < level < 1.0:
        meant = f" Did you mean {level / 100:g}?" if 1.0 <= level < 100.0 else ""
        raise InputError(f"level must lie in (0, 1); got {level:g}.{meant}")
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 20:
        raise InputError(f"most must be a whole number, at least 20; got {most!r}.")
    from scipy.special import betaincinv, ndtri

    read = read_sample(sample, name=name, least=3)
    z, mean, sd = standardised(read.values, name=name)
    n = len(z)
    ranks = shown_ranks(n, most)
    i = ranks + 1.0
    tail = 0.5 * (band_level(n, level) if band == "simultaneous" else 1.0 - level)
    # The i-th of n uniform values has a beta law with parameters i and n − i + 1.
    low = ndtri(betaincinv(i, n - i + 1.0, tail))
    points = z[ranks]
    with np.errstate(over="ignore"):  # of values near the largest float64
        value, lower, upper = (mean + sd * at for at in (points, low, -low[::-1]))
    return QuantilePoints(
        score=ndtri((i - 0.375) / (n + 0.25)),
        value=value,
        lower=lower,
        upper=upper,
        mean=mean,
        sd=sd,
        count=n,
        level=level,
        band=band,
        outside=int(((points < low) | (points > -low[::-1])).sum()),
    )


def shown_ranks(n: int, most: int = _MOST) -> npt.NDArray[np.intp]:
    """Return the ranks (from 0) worth a point: all, or dense at the ends and thinned between."""
    if n <= most:
        return np.arange(n)
    # evenly spaced on the axis of the scores, and every one of the outermost
    from scipy.special import ndtr

    grid = np.linspace(-6.0, 6.0, most // 2)
    middle = np.clip((ndtr(grid) * n).astype(np.intp), 0, n - 1)
    ends = np.arange(min(most // 4, n // 2))
    half = np.concatenate((middle, ends))
    return np.unique(np.concatenate((half, n - 1 - half)))


def band_level(n: int, level: float) -> float:
    """Return which two-sided level a single point must have for all to have ``level`` together.

    From simulation with mean and standard deviation estimated; logarithms are interpolated.
    """
    table = stored()["band"]
    levels, sizes = np.array(table["levels"]), np.array(table["sizes"], dtype=np.float64)
    gamma = np.log(np.array(table["gamma"]))
    at = [np.interp(math.log(n), np.log(sizes), column) for column in gamma.T]
    wanted = -math.log1p(-level)
    known = -np.log1p(-levels)
    if wanted >= known[-1]:  # beyond the table in proportion
        return float(math.exp(at[-1]) * (1.0 - level) / (1.0 - levels[-1]))
    if wanted <= known[0]:
        share = (1.0 - level - (1.0 - levels[0])) / levels[0]
        return float(math.exp(at[0]) * (1.0 - share) + share)
    return float(math.exp(np.interp(wanted, known, at)))
