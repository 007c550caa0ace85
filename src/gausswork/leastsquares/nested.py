"""Nested models compared: whether the larger one explains more than chance would."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.data.kinds import listed
from gausswork.errors import InputError
from gausswork.leastsquares import inference
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.moments import Moments

Matrix = npt.NDArray[np.float64]

_SAME = 1e-9  # relative difference of sums over the same rows, whatever the order of adding


class Step(NamedTuple):
    """One of the models compared, beside the one before it.

    Attributes
    ----------
    added : names of the terms that it has and the one before has not.
    rank : coefficients estimated.
    degrees_of_freedom, residual_sum_of_squares : of its residuals.
    df, sum_of_squares : by how much they fell; nothing for the first.
    statistic, p_value : F test of the added terms; NaN for the first.
    aic, bic : counting the residual variance as a parameter.
    """

    added: tuple[str, ...]
    rank: int
    degrees_of_freedom: int
    residual_sum_of_squares: float
    df: int
    sum_of_squares: float
    statistic: float
    p_value: float
    aic: float
    bic: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Nested models of the same rows, from the smallest to the largest.

    Attributes
    ----------
    target : what they explain.
    rows : number of rows of each.
    steps : one for each model.
    """

    target: str
    rows: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        from gausswork import tables

        return tables.printable(tables.comparison(self))


def compare(*fits: Fit) -> Comparison:
    """Compare nested fits of the same rows by F tests, AIC and BIC.

    Each F test takes its error variance from the largest model, as R's ``anova`` does.

    Parameters
    ----------
    fits : at least two fits by least squares, from the smallest to the largest; the terms of each
        are among those of the next.

    Raises
    ------
    InputError
        The fits are not of the same rows, or not nested; the message says where they differ.

    Examples
    --------
    >>> import gausswork as gw
    >>> data = {"a": [1, 2, 3, 4, 5], "b": [2, 1, 2, 1, 1], "y": [1, 3, 2, 5, 4]}
    >>> small, large = gw.fit(data, "y", features="a"), gw.fit(data, "y", features="a,b")
    >>> step = gw.compare(small, large).steps[1]
    >>> step.added, step.df, round(step.statistic, 6)
    (('b',), 1, 4.26087)
    """
    if len(fits) < 2:
        raise InputError(f"compare needs at least two fits; got {len(fits)}.")
    for fit in fits:
        if not isinstance(fit, Fit):
            raise InputError(f"compare takes fits; got {type(fit).__name__}.")
        if fit.solution.ridge or not fit.solution.minimal:
            raise InputError(
                "compare takes fits at the minimum of least squares; F tests and AIC have no "
                "meaning for a ridge fit or an unfinished descent."
            )
    for small, large in pairwise(fits):
        _require_same_rows(small, large)
        _require_nested(small, large)
    scale = inference.residual_sd(fits[-1].solution) ** 2
    steps = [_step(None, fits[0], scale, fits[-1])]
    steps += [_step(a, b, scale, fits[-1]) for a, b in pairwise(fits)]
    return Comparison(fits[0].target, fits[0].rows, tuple(steps))


def _step(before: Fit | None, fit: Fit, scale: float, largest: Fit) -> Step:
    solution, freedom = fit.solution, largest.degrees_of_freedom
    added: tuple[str, ...] = ()
    df, fell, statistic, p_value = 0, math.nan, math.nan, math.nan
    if before is not None:
        added = tuple(name for name in fit.names if name not in before.names)
        df = fit.rank - before.rank
        fell = before.solution.residual_sum_of_squares - solution.residual_sum_of_squares
        if df > 0 and freedom > 0:
            statistic, p_value = _f(max(fell, 0.0) / df, scale, df, freedom)
    return Step(
        added, fit.rank, fit.degrees_of_freedom, solution.residual_sum_of_squares,
        df, fell, statistic, p_value, fit.aic, fit.bic,
    )  # fmt: skip


def _f(mean_square: float, scale: float, df: int, freedom: int) -> tuple[float, float]:
    if scale == 0.0:
        return (math.inf, 0.0) if mean_square else (math.nan, math.nan)
    statistic = mean_square / scale
    return statistic, inference.f_tail(statistic, df, freedom)


def _require_same_rows(a: Fit, b: Fit) -> None:
    if a.target != b.target:
        raise InputError(f"the fits explain different targets, {a.target!r} and {b.target!r}.")
    if a.weighting != b.weighting:
        raise InputError(
            f"the fits weigh their rows differently: {a.weighting or 'no'} and "
            f"{b.weighting or 'no'} weights. Fit both alike."
        )
    remedy = (
        "Fit both on the same rows: drop those with a gap in any of the columns of the largest "
        "model first."
    )
    if a.rows != b.rows:
        raise InputError(f"the fits have {a.rows:,} and {b.rows:,} rows. {remedy}")
    shared = [name for name in a.moments.names if name in b.moments.names]
    one, other = _raw(a.moments, shared), _raw(b.moments, shared)
    with np.errstate(all="ignore"):
        size = np.sqrt(np.maximum(one.diagonal(), other.diagonal()))
        differ = np.abs(one - other) > _SAME * size * size[:, None]
    if differ.any():
        j, k = (int(place) for place in np.argwhere(differ)[0])
        labels = ["1", *map(repr, shared), repr(a.target)]
        raise InputError(
            f"the fits have other rows: the sum of {labels[j]} times {labels[k]} is "
            f"{one[j, k]:.8g} and {other[j, k]:.8g}. {remedy}"
        )


def _raw(m: Moments, shared: list[str]) -> Matrix:
    """Return Σw·u·v of 1, the shared columns and the target, in their own units, about zero."""
    at = [*(m.names.index(name) for name in shared), len(m.names)]
    n, scale, shift = m.total_weight[0], m.scale[at], m.shift[at]
    first, crossed = m.first_high[at], m.shift[at] * m.first_high[at][:, None]
    whole = np.empty((len(at) + 1,) * 2)
    with np.errstate(over="ignore", invalid="ignore"):
        second = m.second_high[np.ix_(at, at)] + crossed + crossed.T
        whole[1:, 1:] = (second + n * shift * shift[:, None]) / scale / scale[:, None]
        whole[0, 1:] = whole[1:, 0] = (first + n * shift) / scale
    whole[0, 0] = n
    return whole


def _require_nested(small: Fit, large: Fit) -> None:
    missing = [name for name in small.names if name not in large.names]
    if missing:
        raise InputError(
            f"the fits are not nested: {listed(missing)} is in the smaller one and not in the "
            "larger. Compare such models by their AIC or BIC, which need no nesting."
        )
    if large.rank <= small.rank:
        raise InputError(
            f"the fits must be given from the smallest to the largest, each with more coefficients "
            f"than the one before; got {small.rank} and then {large.rank}."
        )
