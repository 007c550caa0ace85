"""Columns of two words: what rounding took off a column comes along as a column of its own.

A power x⁵ rounded to float64 has lost the digits that an ill-conditioned fit needs. Its low word is
one more column with the same coefficient, so every kernel serves as it is: it gets the low words
beside the others, and its sums are folded back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.kernels import Sums


def with_lows(backend: Backend, parents: tuple[int, ...]) -> Backend:
    """Return a backend whose kernels take low words after the p predictors.

    Parameters
    ----------
    parents : for each low word the index of the predictor that it belongs to, each once.
    """
    if not parents:
        return backend
    of = np.array(parents, dtype=np.intp)

    def gram(x: Any, y: Any, scale: Array, shift: Array, tier: int, weight: Any = None) -> Sums:
        none = np.zeros(len(of))
        wide = backend.gram(x, y, _beside(scale, scale[of]), _beside(shift, none), tier, weight)
        p = len(scale) - 1
        first = folded((wide.first_high, wide.first_low), of, p)
        rows = folded((wide.second_high, wide.second_low), of, p)
        second = folded((rows[0].T, rows[1].T), of, p)
        return Sums(*first, *map(np.ascontiguousarray, second))

    def residual_sums(
        x: Any, y: Any, scale: Array, intercept: tuple[float, float],
        coefficients: DoubleDouble, weight: Any = None,
    ) -> DoubleDouble:  # fmt: skip
        both = tuple(np.append(word, word[of]) for word in coefficients)
        wide = backend.residual_sums(x, y, _beside(scale, scale[of]), intercept, both, weight)
        return folded(wide, of, len(scale) - 1)

    def whitened_gram(
        x: Any, y: Any, scale: Array, mean: DoubleDouble, factor: Array, weight: Any = None
    ) -> Array:
        none = np.zeros(len(of))
        means = (np.append(mean[0], none), np.append(mean[1], none))
        return backend.whitened_gram(
            x, y, np.append(scale, scale[of]), means, np.vstack([factor, factor[of]]), weight
        )

    return replace(
        backend,
        gram=gram,
        residual_sums=residual_sums,
        whitened_gram=whitened_gram,
        small_fit=None,
    )


def _beside(values: Array, of_lows: Array) -> Array:
    """Put entries of the low words between those of the predictors and of the target."""
    return np.concatenate([values[:-1], of_lows, values[-1:]])


def folded(sums: DoubleDouble, of: npt.NDArray[np.intp], p: int) -> DoubleDouble:
    """Add the entries of the low words to those that they belong to, along the first axis."""
    high, low = (
        np.delete(sums[0], np.s_[p : p + len(of)], 0),
        np.delete(sums[1], np.s_[p : p + len(of)], 0),
    )
    part = (sums[0][p : p + len(of)], sums[1][p : p + len(of)])
    high[of], low[of] = dd.add((high[of], low[of]), part)
    return high, low
