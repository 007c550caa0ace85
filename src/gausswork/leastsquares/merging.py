"""Moments of two sets of rows become those of both, about an origin that costs no digits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble, Integers

if TYPE_CHECKING:
    from gausswork.leastsquares.moments import Moments

_MOVED_ERROR = 2.0**-100  # of one move to another origin, relative to norms about either
_WORTH_MOVING = 4.0  # norm about the shift over norm about the mean beyond which an origin is left
_ROUNDING = 2.0**-106  # (relative rounding of the values)²: columns that vary by less are constant


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the rows of both.

    The update of Chan, Golub & LeVeque (1983), in double-double and for any two origins. The origin
    is that of ``a``, unless it is far from the rows of both together: then it is their mean.

    Raises
    ------
    InputError
        The two are of different columns, or of different kinds of weights.
    """
    _require_alike(a, b)
    exponents = np.minimum(a.exponents, b.exponents)  # of the larger values: nothing overflows
    with np.errstate(all="ignore"):  # NaN and overflow show in the sums and are explained later
        shift = np.ldexp(a.shift, (exponents - a.exponents).astype(np.int32))
        parts = [moved(part, exponents, shift) for part in (a, b)]
        total = _added(*parts)
        about_mean = _about_mean(total)
        if (_norms(total) > _WORTH_MOVING * about_mean).any():
            mean = shift + total.first_high / total.total_weight[0]
            if np.isfinite(mean).all() and not np.array_equal(mean, shift):
                parts = [moved(part, exponents, mean) for part in (a, b)]
                total = _added(*parts)
        if parts[0] is a and parts[1] is b:
            return total
        return replace(total, error=_error_of(total, (a, b)))


def moved(m: Moments, exponents: Integers, shift: Array) -> Moments:
    """Return the same moments about another origin; their error constant is as it was."""
    if np.array_equal(m.exponents, exponents) and np.array_equal(m.shift, shift):
        return m
    factor = np.ldexp(1.0, (exponents - m.exponents).astype(np.int32))
    move = dd.two_sum(factor * m.shift, -shift)
    first = dd.scale(m.first, factor)
    second = dd.scale(dd.scale(m.second, factor), factor[:, None])
    n = m.total_weight
    column = (move[0][:, None], move[1][:, None])
    crossed = dd.multiply(column, first)
    second = dd.add(second, dd.add(crossed, (crossed[0].T, crossed[1].T)))
    second = dd.add(second, dd.multiply(n, dd.multiply(column, move)))
    first = dd.add(first, dd.multiply(n, move))
    return replace(
        m, exponents=exponents, shift=shift, first_high=first[0], first_low=first[1],
        second_high=second[0], second_low=second[1],
    )  # fmt: skip


def _require_alike(a: Moments, b: Moments) -> None:
    if (a.names, a.target) != (b.names, b.target):
        raise InputError(
            f"moments of different columns cannot be merged: {[*a.names, a.target]} and "
            f"{[*b.names, b.target]}. Accumulate both from the same features and target."
        )
    if a.weighting != b.weighting:
        raise InputError(
            f"moments of {a.weighting or 'no'} weights and of {b.weighting or 'no'} weights cannot "
            "be merged. Accumulate both with weights of one kind, or both without."
        )


def _added(a: Moments, b: Moments) -> Moments:
    """Add moments about the same origin."""
    weight = None
    if a.weighting is not None:
        high, low = dd.add(a.total_weight, b.total_weight)
        weight = (float(high), float(low))
    first: DoubleDouble = dd.add(a.first, b.first)
    second: DoubleDouble = dd.add(a.second, b.second)
    return replace(
        a, rows=a.rows + b.rows, first_high=first[0], first_low=first[1],
        second_high=second[0], second_low=second[1], error=max(a.error, b.error), weight=weight,
        log_weights=a.log_weights + b.log_weights, least_weight=min(a.least_weight, b.least_weight),
    )  # fmt: skip


def _norms(m: Moments) -> Array:
    """Return the norms of the columns about the shift, (q,)."""
    return np.sqrt(np.maximum(m.second_high.diagonal(), 0.0))


def _about_mean(m: Moments) -> Array:
    """Return their norms about the mean, (q,), no smaller than rounding of the values."""
    n = m.total_weight[0]
    square = m.second_high.diagonal() - m.first_high * m.first_high / n
    mean = m.shift + m.first_high / n
    # beyond 2⁻⁵⁰ of the norm about the shift the difference is rounding; smaller is not resolved
    least = np.maximum(2.0**-100 * m.second_high.diagonal(), _ROUNDING * n * mean * mean)
    return np.sqrt(np.maximum(square, least))


def _error_of(total: Moments, parts: tuple[Moments, Moments]) -> float:
    """Bound the errors of the sum relative to its own norms.

    What a part has lost is relative to its norms S about its own origin, and by Cauchy and Schwarz
    what both have to those of S² = S_a² + S_b². About the common origin the norms may be smaller.
    """
    square = np.zeros(len(total.shift))
    for part in parts:
        factor = np.ldexp(1.0, (total.exponents - part.exponents).astype(np.int32))
        square += np.maximum(part.second_high.diagonal(), 0.0) * factor * factor
    n = total.total_weight[0]
    mean = total.shift + total.first_high / n
    found = np.maximum(total.second_high.diagonal(), _ROUNDING * n * mean * mean)
    ratio = np.divide(square, found, out=np.ones_like(square), where=found > 0.0)
    worst = float(np.nanmax(ratio, initial=1.0))
    return min((total.error + _MOVED_ERROR) * max(worst, 1.0), 0.5)
