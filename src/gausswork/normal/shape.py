"""The shape of a sample beside that of a bell, as numbers with a scale that can be understood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.normal.calibration import median
from gausswork.normal.discrepancy import Discrepancies
from gausswork.normal.ordered import Ties, l_ratios
from gausswork.normal.outlying import Outlying
from gausswork.normal.peaks import Peaks, two_peaks

Array: TypeAlias = npt.NDArray[np.float64]

BELL_L_KURTOSIS = 0.12260171954089095  # 30/π·arctan √2 − 9; Hosking (1990)


class Effect(StrEnum):
    """How far a shape is from a bell, however many values there are."""

    NONE = "none"  # no practical difference
    SLIGHT = "slight"  # visible with thousands of values
    CLEAR = "clear"  # visible with hundreds
    STRONG = "strong"  # visible at a glance


_ORDER = tuple(Effect)
# Limits of slight, clear and strong. A t law with 10 degrees of freedom is slightly, with 5
# clearly, with 3 strongly heavy-tailed; a uniform law has strongly light tails; an exponential one
# is strongly skewed.
_DISTANCE = (0.01, 0.03, 0.08)
_L_SKEWNESS = (0.02, 0.06, 0.15)
_L_KURTOSIS = (0.015, 0.04, 0.09)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a sample looks like beside the bell with its mean and standard deviation.

    Attributes
    ----------
    count : n.
    distance : the largest difference between the share of values below a point and the
        probability that the bell gives it (Kolmogorov), in 0…1.
    distance_at : at which point, in standard deviations from the mean.
    distance_by_chance : its median for samples of n from a bell.
    quantile_gap : root mean square distance of the ordered values from where the bell would have
        them, in standard deviations: √(1 − W') of Shapiro and Francia.
    quantile_gap_by_chance : its median for samples of n from a bell.
    skewness, excess_kurtosis : m₃/m₂^1.5 and m₄/m₂² − 3, with moments divided by n; 0 for a bell.
    l_skewness, l_kurtosis : Hosking's ratios, 0 and 0.1226 for a bell; NaN for the second below
        four values.
    l_skewness_error, l_kurtosis_error : their standard deviations for samples of n from a bell.
    beyond_2, beyond_3 : shares of values more than two and three sd from the mean; 0.0455 and
        0.0027 for a bell.
    ties : how far values coincide.
    peaks : two peaks with a valley between them, or None.
    outlying : a few values far from all others, or None.
    """

    count: int
    distance: float
    distance_at: float
    distance_by_chance: float
    quantile_gap: float
    quantile_gap_by_chance: float
    skewness: float
    excess_kurtosis: float
    l_skewness: float
    l_kurtosis: float
    l_skewness_error: float
    l_kurtosis_error: float
    beyond_2: float
    beyond_3: float
    ties: Ties
    peaks: Peaks | None
    outlying: Outlying | None

    @property
    def effect(self) -> Effect:
        """The largest of the effects below, what chance contributes taken off."""
        sizes = [self.distance_effect, self.skewness_effect, self.tail_effect]
        if self.peaks is not None or self.outlying is not None:
            sizes.append(Effect.CLEAR)
        return max(sizes, key=_ORDER.index)

    @property
    def distance_effect(self) -> Effect:
        """How much the largest difference of probabilities matters."""
        return _graded(self.distance, self.distance_by_chance, _DISTANCE)

    @property
    def skewness_effect(self) -> Effect:
        """How much the lack of symmetry matters."""
        # With tails heavier than a bell's the ratio varies more than with a bell's.
        heavier = max(self.l_kurtosis / BELL_L_KURTOSIS, 1.0) if self.count > 3 else 1.0
        return _graded(self.l_skewness, 2.0 * heavier * self.l_skewness_error, _L_SKEWNESS)

    @property
    def tail_effect(self) -> Effect:
        """How much heavier or lighter the tails are than a bell's."""
        if math.isnan(self.l_kurtosis):
            return Effect.NONE
        excess = self.l_kurtosis - BELL_L_KURTOSIS
        return _graded(excess, 2.0 * self.l_kurtosis_error, _L_KURTOSIS)


def _graded(size: float, by_chance: float, limits: tuple[float, ...]) -> Effect:
    """Grade what is left of a size when what chance alone makes is taken off, in squares."""
    beyond = math.sqrt(max(size * size - by_chance * by_chance, 0.0))
    return _ORDER[sum(beyond >= limit for limit in limits)]


def shape_of(z: Array, found: Discrepancies, coincide: Ties, far: Outlying | None) -> Shape:
    """Describe a sample.

    Parameters
    ----------
    z : (n,) standardised values, ascending.
    found : its discrepancies.
    coincide : its ties, before they were spread.
    far : the values that stand apart, if any.
    """
    n = len(z)
    l_skewness, l_kurtosis = l_ratios(z)
    distance, gap = by_chance(n)
    return Shape(
        count=n,
        distance=float(found.kolmogorov),
        distance_at=float(found.at),
        distance_by_chance=distance,
        quantile_gap=math.sqrt(max(float(found.francia), 0.0)),
        quantile_gap_by_chance=gap,
        skewness=float(found.skewness),
        excess_kurtosis=float(found.kurtosis) - 3.0,
        l_skewness=l_skewness,
        l_kurtosis=l_kurtosis,
        # Hosking & Wallis (1997); Harri & Coble (2011)
        l_skewness_error=math.sqrt(0.1866 / n + 0.8 / n**2),
        l_kurtosis_error=math.sqrt(0.0883 / n + 0.68 / n**2 + 4.9 / n**3),
        beyond_2=_beyond(z, 2.0),
        beyond_3=_beyond(z, 3.0),
        ties=coincide,
        peaks=two_peaks(z),
        outlying=far,
    )


def by_chance(n: int) -> tuple[float, float]:
    """Return the medians of distance and quantile gap for samples of n from a bell."""
    distance = median("lilliefors", n) / (math.sqrt(n) - 0.01 + 0.85 / math.sqrt(n))
    return distance, math.sqrt(median("francia", n) / n)


def _beyond(z: Array, limit: float) -> float:
    outside = np.searchsorted(z, -limit) + len(z) - np.searchsorted(z, limit, side="right")
    return float(outside) / len(z)
