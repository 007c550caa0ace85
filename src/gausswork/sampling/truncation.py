"""Normals between two bounds: proposals and their acceptance, exact however far out the bounds lie.

Rejection as Robert ("Simulation of truncated normal variables", Statistics and Computing 1995)
chooses it: normals where the bounds leave most of the bell, uniforms where they are close together,
and in a tail an exponential from the nearer bound. The acceptance tests compare exponentials with
squares, so the arithmetic of :mod:`gausswork.sampling.arithmetic` is all that is needed, and no
probability is ever formed that could vanish: bounds of 30 to 31 standard deviations are as accurate
as −1 to 1. At least two proposals of five are accepted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.sampling import arithmetic
from gausswork.sampling.arithmetic import Double
from gausswork.sampling.words import Wide

_WIDE_ENOUGH = 2.5  # a bell's width, √(2π) nearly: normals are accepted from here on
_FAR = 2.0**27  # where a² + 4 is a²


class Proposal(IntEnum):
    """Where candidates come from."""

    NORMAL = 0
    UNIFORM = 1
    TAIL = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How to draw between two bounds, in standard deviations from the mean.

    Attributes
    ----------
    lower, upper : the bounds, mirrored where the interval lies left of 0, so upper > 0.
    mirrored : whether they were.
    proposal : where candidates come from.
    rate : of the exponential of a tail.
    inner : the point of the interval nearest to 0, where the density is highest.
    limits : the bounds in the units of the caller: absolute, as (low, high).
    """

    lower: float
    upper: float
    mirrored: bool
    proposal: Proposal
    rate: float
    inner: float
    limits: tuple[float, float]

    def scaled(self, z: Double, mean: float, sd: float, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return mean + sd·z in the type wanted, never outside the limits."""
        value = mean + sd * (-z if self.mirrored else z)
        low, high = inside(self.limits, dtype)
        held: npt.NDArray[Any] = np.clip(value.astype(dtype), low, high)
        return held


def inside(limits: tuple[float, float], dtype: npt.DTypeLike) -> tuple[Any, Any]:
    """Return the smallest and the largest number of a type that lie within the limits."""
    kind: Any = np.dtype(dtype).type
    low, high = kind(limits[0]), kind(limits[1])
    if float(low) < limits[0]:
        low = np.nextafter(low, kind(np.inf))
    if float(high) > limits[1]:
        high = np.nextafter(high, kind(-np.inf))
    return low, high


def plan(lower: float, upper: float, limits: tuple[float, float]) -> Plan:
    """Choose the proposal for bounds in standard deviations, lower < upper."""
    mirrored = upper <= 0 or (lower < 0 and -lower > upper)
    if mirrored:
        lower, upper = -upper, -lower
    rate = 0.0
    if lower <= 0:
        proposal = Proposal.NORMAL if upper - lower >= _WIDE_ENOUGH else Proposal.UNIFORM
    else:
        rate = lower if lower > _FAR else (lower + math.sqrt(lower * lower + 4)) / 2
        proposal = Proposal.UNIFORM if (upper - lower) * rate <= 1 else Proposal.TAIL
    return Plan(lower, upper, mirrored, proposal, rate, max(lower, 0.0), limits)


def proposals(plan: Plan, first: Wide, second: Wide) -> tuple[Double, npt.NDArray[np.bool_]]:
    """Return a candidate for each pair of wide words, and whether it is accepted."""
    if plan.proposal is Proposal.NORMAL:
        z = arithmetic.normal64(first, second)[0]
        return z, (z >= plan.lower) & (z <= plan.upper)
    enough = arithmetic.twice_exponential64(second)
    if plan.proposal is Proposal.UNIFORM:
        z = plan.lower + (plan.upper - plan.lower) * arithmetic.uniform64(first)
        return z, enough >= (z - plan.inner) * (z + plan.inner)
    z = plan.lower + arithmetic.twice_exponential64(first) / (2 * plan.rate)
    return z, (z <= plan.upper) & (enough >= (z - plan.rate) * (z - plan.rate))
