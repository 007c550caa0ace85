"""The rows that weigh most, and how many there are of each kind, whatever the number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares.checkup.geometry import Geometry
from gausswork.leastsquares.checkup.influence import Influence, joined

Array = npt.NDArray[np.float64]

MEASURES = ("cooks_distance", "studentized", "leverage", "dffits", "dfbetas")


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """The rows that weigh most, and counts of all.

    Attributes
    ----------
    rows : the rows that lead in some measure, the largest Cook's distance first.
    beyond_two, beyond_three : rows with a studentised residual beyond ±2 and ±3.
    expected_beyond_two, expected_beyond_three : how many there would be of normal errors.
    high_leverage : rows with leverage above 2k/n, twice the average.
    far : rows with leverage above one half: more than half of the fitted value is their own.
    cook_limit : median of F(k, n − k), which moves all coefficients to the edge of their joint 50 %
        region (Cook 1977); ``moving`` rows are beyond it.
    dfbetas_limit : 2/√n (Belsley, Kuh & Welsch 1980); ``shifting`` rows are beyond it for some
        coefficient.
    alone : rows of leverage one: a coefficient that no other row speaks about.
    """

    rows: Influence
    beyond_two: int
    beyond_three: int
    expected_beyond_two: float
    expected_beyond_three: float
    high_leverage: int
    far: int
    cook_limit: float
    moving: int
    dfbetas_limit: float
    shifting: int
    alone: int


def strength(part: Influence, measure: str) -> Array:
    """Return how much each row has of a measure, (m,); −1 where it is not defined."""
    values = np.abs(getattr(part, measure))
    if values.ndim == 2:
        values = values.max(axis=1, initial=0.0) if values.shape[1] else np.zeros(len(values))
    return np.where(np.isnan(values), -1.0, values)


@dataclass(slots=True)
class Extremes:
    """What :class:`Worst` needs of a pass over the rows."""

    geometry: Geometry
    most: int
    leading: dict[str, Influence]
    counts: dict[str, int]
    cook_limit: float

    @classmethod
    def of(cls, geometry: Geometry, most: int) -> Extremes:
        """Return the counts of no rows; up to ``most`` rows are kept of each measure."""
        from scipy.special import fdtri

        k, free = geometry.rank, geometry.degrees_of_freedom
        limit = float(fdtri(float(k), float(free), 0.5)) if k and free > 0 else float("nan")
        counts = dict.fromkeys(("two", "three", "high", "far", "moving", "shifting", "alone"), 0)
        return cls(geometry, most, {}, counts, limit)

    def see(self, part: Influence) -> None:
        """Take note of some rows."""
        n, k = self.geometry.rows, self.geometry.rank
        shifts = strength(part, "dfbetas")
        found: dict[str, Any] = {
            "two": np.abs(part.studentized) > 2.0,
            "three": np.abs(part.studentized) > 3.0,
            "high": part.leverage > 2.0 * k / n,
            "far": part.leverage > 0.5,
            "moving": part.cooks_distance > self.cook_limit,
            "shifting": shifts > 2.0 / np.sqrt(n),
            "alone": 1.0 - part.leverage <= self.geometry.tolerance,
        }
        for name, which in found.items():
            self.counts[name] += int(np.count_nonzero(which))
        for measure in MEASURES:
            values = shifts if measure == "dfbetas" else strength(part, measure)
            before = self.leading.get(measure)
            least = -1.0
            if before is not None and len(before) >= self.most:
                least = float(strength(before, measure).min())
            candidates = np.flatnonzero(values > least)
            if not len(candidates):
                continue
            if len(candidates) > self.most:
                order = np.argsort(-values[candidates], kind="stable")[: self.most]
                candidates = candidates[np.sort(order)]
            both = part.take(candidates) if before is None else joined(
                [before, part.take(candidates)]
            )  # fmt: skip
            order = np.argsort(-strength(both, measure), kind="stable")[: self.most]
            self.leading[measure] = both.take(order)

    def worst(self) -> Worst:
        """Return the rows seen so far that weigh most."""
        from scipy.special import stdtr

        n, free = self.geometry.rows, self.geometry.degrees_of_freedom
        tails = [2.0 * float(stdtr(float(max(free - 1, 1)), -x)) for x in (2.0, 3.0)]
        both = joined(list(self.leading.values()))  # leverage is defined for every row
        _, first = np.unique(both.row, return_index=True)
        rows = both.take(first)
        rows = rows.take(np.argsort(-strength(rows, "cooks_distance"), kind="stable"))
        return Worst(
            rows=rows,
            beyond_two=self.counts["two"],
            beyond_three=self.counts["three"],
            expected_beyond_two=n * tails[0],
            expected_beyond_three=n * tails[1],
            high_leverage=self.counts["high"],
            far=self.counts["far"],
            cook_limit=self.cook_limit,
            moving=self.counts["moving"],
            dfbetas_limit=2.0 / float(np.sqrt(n)),
            shifting=self.counts["shifting"],
            alone=self.counts["alone"],
        )
