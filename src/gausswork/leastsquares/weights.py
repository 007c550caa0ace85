"""What weights add to the moments: how many rows count, and their sum to twice double precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gausswork import formatting as fmt
from gausswork.data.sources import Batch, Tally
from gausswork.data.weights import FREQUENCY, Weights, check_weights
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble

if TYPE_CHECKING:
    from gausswork.data.recipe import Recipe
    from gausswork.leastsquares.moments import Moments

_CHAINS = 64  # sums kept side by side
_MOST_ROWS = 2**53  # float64 counts no further


class WeightSums(NamedTuple):
    """Sums over the weights of some rows.

    Attributes
    ----------
    rows : rows of positive weight; for frequencies the rows that they stand for.
    total : sum of the weights in double-double.
    logs : sum of the logarithms of the positive ones; 0.0 for frequencies.
    least : smallest positive one; 1.0 for frequencies, where each row stands for equal ones.
    """

    rows: int
    total: tuple[float, float]
    logs: float
    least: float

    def add(self, other: WeightSums) -> WeightSums:
        """Return the sums over the rows of both."""
        high, low = dd.add(self.total, other.total)
        total, least = (float(high), float(low)), min(self.least, other.least)
        return WeightSums(self.rows + other.rows, total, self.logs + other.logs, least)


NO_WEIGHTS = WeightSums(0, (0.0, 0.0), 0.0, math.inf)


def weight_sums(batch: Batch, kind: str | None) -> WeightSums | None:
    """Sum the weights of a batch, refusing what cannot be one; None where there are none."""
    if kind is None and batch.weight is not None:
        raise InputError(
            "the source gives its rows weights without saying what they mean. Set its attribute "
            "weighting to 'analytic' or 'frequency'."
        )
    if kind is None:
        return None
    if batch.weight is None:
        raise InputError(
            f"the source says that its rows have {kind} weights, and gives a batch without them. "
            "Set weight= in every Batch."
        )
    weight = np.asarray(batch.weight, dtype=np.float64)
    check_weights(weight, kind)
    high, low = _sum(weight)
    total = (float(high), float(low))
    if kind == FREQUENCY:
        return WeightSums(int(total[0]) + int(total[1]), total, 0.0, 1.0)
    positive = weight if weight.all() else weight[weight > 0.0]
    logs, least = float(np.log(positive).sum()), float(positive.min(initial=math.inf))
    return WeightSums(len(positive), total, logs, least)


def require_weight(weights: WeightSums) -> None:
    """Refuse weights that leave nothing to fit, or too much to count."""
    if not weights.total[0] > 0.0:
        raise InputError(
            "all weights are zero, so there is no row to fit. Check the column of weights or "
            "frequencies."
        )
    if weights.rows > _MOST_ROWS:
        raise InputError(
            f"the frequencies add up to {weights.total[0]:.3g} rows, more than the 2^53 that can "
            "be counted. Are they weights rather than counts? Then pass them as weights=."
        )


def weighted_error(error: float) -> float:
    """Return the error constant of weighted sums: their rows are rounded twice more in float64.

    Sums in double-double lose nothing that shows.
    """
    return 2.0 * error if error > 2.0**-60 else error


def weight_findings(moments: Moments, recipe: Recipe | None, tally: Tally) -> tuple[Finding, ...]:
    """Say how the rows were weighed, where they were."""
    if moments.weighting is None or recipe is None or recipe.weights is None:
        return ()
    return tuple(_weight_findings(moments, recipe.weights, tally))


def _weight_findings(moments: Moments, by: Weights, tally: Tally) -> Iterator[Finding]:
    seen = tally.read - tally.dropped
    if by.kind == FREQUENCY:
        yield Finding(
            "frequency-weights",
            Severity.NOTE,
            f"Each row stands for as many equal rows as {by.name!r} says: {seen:,} rows of the "
            f"data count as {moments.rows:,}.",
            "If the column says how precise a row is, pass it as weights= instead.",
            {"frequencies": by.name, "rows": moments.rows},
        )
        return
    yield Finding(
        "analytic-weights",
        Severity.NOTE,
        f"Rows are weighted by {by.name!r}: the error of a row of weight w is taken to have the "
        "variance σ²/w. The residual sd and prediction intervals are those of a row of weight 1.",
        "If the column counts equal rows, pass it as frequencies= instead.",
        {"weights": by.name, "rows": moments.rows, "sum": moments.total_weight[0]},
    )
    out = seen - moments.rows
    if moments.rows and out > 0:
        are, do = ("is", "it does") if out == 1 else ("are", "they do")
        yield Finding(
            "zero-weights",
            Severity.NOTE,
            f"{fmt.share_has(out, seen)} weight 0 and {are} left out; {do} not count as "
            "observations.",
            evidence={"rows": seen, "left_out": out},
        )


def _sum(values: Array) -> DoubleDouble:
    """Return the sum of values, (m,), in double-double."""
    whole = len(values) // _CHAINS * _CHAINS
    high, low = np.zeros(_CHAINS), np.zeros(_CHAINS)
    high[: len(values) - whole] = values[whole:]
    rest = values[:whole].reshape(_CHAINS, -1)
    while rest.shape[1] > 1:  # halves onto each other, their errors kept
        half = rest.shape[1] // 2
        if rest.shape[1] % 2:
            high, error = dd.two_sum(high, rest[:, -1])
            low += error
        rest, errors = dd.two_sum(rest[:, :half], rest[:, half : 2 * half])
        low += errors.sum(axis=1)
    if whole:
        high, error = dd.two_sum(high, rest[:, 0])
        low += error
    return dd.total(dd.normalize(high, low))
