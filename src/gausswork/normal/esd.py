"""The generalised extreme studentised deviate test; Rosner (1983), Technometrics 25, 165–172."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Step:
    """One value taken off.

    Attributes
    ----------
    position : where it stands in the sample.
    value : the value.
    score : (value − mean) / sd, of the values that were left before it was taken off.
    critical : what the size of the score must exceed.
    """

    position: int
    value: float
    score: float
    critical: float

    @property
    def exceeds(self) -> bool:
        """Whether it exceeds; the last step that does says how many outliers there are."""
        return abs(self.score) > self.critical

    def at(self, position: int) -> Step:
        """Return the step with another position."""
        return replace(self, position=position)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain data for JSON."""
        return asdict(self)


def esd_steps(x: Array, values: Array, level: float, most: int) -> list[Step]:
    """Take the farthest values off one by one.

    The farthest from the mean is always the least or the greatest that is left. Mean and squares
    of what is left are built up from the middle outwards and looked up: subtracting an outlier's
    square would leave nothing but its rounding error.

    Parameters
    ----------
    x : (n,) values scaled and about zero, in their order.
    values : (n,) the same in their unit.
    most : how many to take off.
    """
    n = len(x)
    ends = _ends(x, most)
    low, high = ends[:most], ends[len(ends) - most :][::-1]  # farthest first
    inner = np.delete(x, ends)
    core = _Pile.of(inner)
    # below[i]: what is left of the low end after i values are off it; above[j] likewise
    below, above = _piles(x[low]), _piles(x[high])
    steps = []
    i = j = 0
    for k in range(most):
        left = core.with_(below[i]).with_(above[j])
        mean, sd = left.mean, math.sqrt(left.squares / (left.count - 1))
        down = mean - float(x[low[i]]) if i < most else -1.0
        up = float(x[high[j]]) - mean if j < most else -1.0
        if down > up:
            position, distance, i = int(low[i]), -down, i + 1
        else:
            position, distance, j = int(high[j]), up, j + 1
        score = distance / sd if sd > 0.0 else 0.0
        steps.append(Step(position, float(values[position]), score, critical(n - k, level)))
    return steps


def critical(left: int, level: float) -> float:
    """Return what the largest |score| among ``left`` values of a bell exceeds with the level."""
    from scipy.special import stdtrit

    t = -float(stdtrit(left - 2, level / (2.0 * left)))
    return (left - 1) * t / math.sqrt((left - 2 + t * t) * left)


def _ends(x: Array, most: int) -> npt.NDArray[np.intp]:
    """Return the positions of the ``most`` least and greatest values, ascending by value."""
    n = len(x)
    parts = np.argpartition(x, (most - 1, n - most))
    both = np.concatenate((parts[:most], parts[n - most :]))
    return both[np.argsort(x[both], kind="stable")]


@dataclass(frozen=True, slots=True)
class _Pile:
    """Count, mean and sum of squares about it; Chan, Golub & LeVeque (1983) join two."""

    count: int
    mean: float
    squares: float

    @classmethod
    def of(cls, x: Array) -> _Pile:
        mean = float(x.mean())
        about = x - mean
        return cls(len(x), mean, float(about @ about))

    def with_(self, other: _Pile) -> _Pile:
        n = self.count + other.count
        apart = other.mean - self.mean
        return _Pile(
            n,
            self.mean + apart * other.count / n,
            self.squares + other.squares + apart * apart * self.count * other.count / n,
        )


def _piles(x: Array) -> list[_Pile]:
    """Return the piles of x[k:] for k = 0…m, the last one empty."""
    piles = [_Pile(0, 0.0, 0.0)]
    for value in x[::-1]:
        piles.append(_Pile(1, float(value), 0.0).with_(piles[-1]))
    return piles[::-1]
