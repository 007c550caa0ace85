"""The loss as a descent sees it: J(θ) = J(θ₀) + gᵀδ + ½ δᵀHδ with H = (2/m) XᵀX, from the moments.

The columns are taken about zero, as the textbook's loop takes them; or, where it standardises,
about their means and in units of their standard deviations. Everything is in double-double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.descent.eigen import product
from gausswork.leastsquares.doubledouble import Array, DoubleDouble
from gausswork.leastsquares.merging import moved
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.solution import Dependency
from gausswork.leastsquares.system import ROUNDING_NOISE


@dataclass(frozen=True, slots=True)
class Coordinates:
    """The parameters φ of a loop and those of the user: w = ω / sd, b = β₀ − Σ mean·w.

    Attributes
    ----------
    intercept : whether there is one; it then comes first.
    means : (p,) taken off the predictors, double-double; zeros where nothing is.
    sds : (p,) that the predictors are divided by; ones where nothing is.
    """

    intercept: bool
    means: DoubleDouble
    sds: Array

    def to_user(self, phi: DoubleDouble) -> DoubleDouble:
        """Return parameters in the units of the data, (k, …) -> (k, …)."""
        first = int(self.intercept)
        slopes = dd.divide((phi[0][first:], phi[1][first:]), _column(self.sds, phi[0]))
        if not self.intercept:
            return slopes
        moved = dd.total(dd.multiply(_column(self.means, phi[0]), slopes))
        return _stacked(dd.subtract((phi[0][0], phi[1][0]), moved), slopes)

    def from_user(self, theta: DoubleDouble) -> DoubleDouble:
        """Return parameters of the loop; the inverse of :meth:`to_user`."""
        first = int(self.intercept)
        slopes = theta[0][first:], theta[1][first:]
        omega = dd.multiply(slopes, _column(self.sds, theta[0]))
        if not self.intercept:
            return omega
        moved = dd.total(dd.multiply(_column(self.means, theta[0]), slopes))
        return _stacked(dd.add((theta[0][0], theta[1][0]), moved), omega)


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The mean squared error (with its ridge penalty) over k parameters.

    Attributes
    ----------
    names : the k parameters; the intercept, if any, first.
    coordinates : the parameters that the loop works on.
    matrix : (k, k) H, double-double.
    pull : (k,) (2/m) Xᵀy, double-double: the gradient is Hφ − pull.
    mean_square : (1/m) Σ y², double-double: the loss at zero.
    sizes : (k,) root mean square of the columns in the units of the data; 1 for the intercept.
    target_size : root mean square of the target.
    weight : m, the number of rows or the sum of their weights.
    """

    names: tuple[str, ...]
    coordinates: Coordinates
    matrix: DoubleDouble
    pull: DoubleDouble
    mean_square: DoubleDouble
    sizes: Array
    target_size: float
    weight: float

    @property
    def typical(self) -> Array:
        """Size of a parameter that would explain the target by one term alone, (k,)."""
        return self.target_size / np.where(self.sizes > 0.0, self.sizes, 1.0)

    def gradient(self, phi: DoubleDouble) -> DoubleDouble:
        """Return the gradient at parameters of the loop, (k,)."""
        moved = product(self.matrix, (phi[0][:, None], phi[1][:, None]))
        return dd.subtract((moved[0][:, 0], moved[1][:, 0]), self.pull)

    def flat(self, dependencies: Sequence[Dependency]) -> Array:
        """Return directions in which the loss does not change, (k, f), as columns of length 1."""
        if not dependencies:
            return np.zeros((len(self.names), 0))
        at = {name: i for i, name in enumerate(self.names)}
        theta = np.zeros((len(self.names), len(dependencies)))
        for j, dependency in enumerate(dependencies):
            for name, factor in dependency.combination.items():
                theta[at[name], j] += factor
            theta[at[dependency.column], j] -= 1.0
        phi = self.coordinates.from_user(dd.promote(theta))[0]
        return np.asarray(np.linalg.qr(phi)[0], dtype=np.float64)


def quadratic(
    moments: Moments,
    *,
    intercept: bool,
    standardize: bool = False,
    ridge: float = 0.0,
) -> Quadratic:
    """Return the loss of a regression on these moments.

    Parameters
    ----------
    standardize : take the predictors with mean 0 and sd 1; without an intercept with root mean
        square 1, about zero. A constant column is left as it is.
    ridge : λ of the penalty (λ/m) Σ w² on the slopes in the units of the data.

    Raises
    ------
    InputError
        Sums of squares leave the range of float64.
    """
    p = len(moments.names)
    weight = total_weight(moments)
    m = float(weight[0])
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = _about_zero(moments)
        two_by_m = dd.divide(dd.promote(np.float64(2.0)), weight)
        square = dd.multiply(two_by_m, second)
    if not (np.isfinite(square[0]).all() and np.isfinite(square[1]).all()):
        raise InputError(
            "sums of squares about zero leave the range of float64, and gradient descent works "
            "about zero. Rescale the columns to values nearer to 1."
        )
    sizes = np.sqrt(0.5 * square[0].diagonal())
    means, sds = dd.promote(np.zeros(p)), np.ones(p)
    mean_square = (0.5 * square[0][-1, -1], 0.5 * square[1][-1, -1])
    average = dd.multiply(two_by_m, first)
    if standardize:
        if intercept:
            centred, both = _about_means(moments)
            means = both[0][:-1], both[1][:-1]
            square = dd.multiply(two_by_m, centred)
        sds = np.sqrt(0.5 * np.maximum(square[0].diagonal()[:-1], 0.0))
        still = 0.5 * square[0].diagonal()[:-1] <= ROUNDING_NOISE * sizes[:-1] ** 2
        sds[still] = 1.0
        for part in square:
            part[:-1][still, :] = 0.0
            part[:, :-1][:, still] = 0.0
        units = dd.promote(np.append(sds, 1.0))
        square = dd.divide(dd.divide(square, units), (units[0][:, None], units[1][:, None]))
    if ridge:
        penalty = dd.divide(dd.multiply(two_by_m, dd.promote(np.float64(ridge))), dd.promote(sds))
        penalty = dd.divide(penalty, dd.promote(sds))
        at = np.arange(p)
        square[0][at, at], square[1][at, at] = dd.add(
            (square[0][at, at], square[1][at, at]), penalty
        )
    matrix = square[0][:p, :p], square[1][:p, :p]
    pull = square[0][:p, p], square[1][:p, p]
    names = moments.names
    if intercept:
        names = ("intercept", *names)
        cross = dd.promote(np.zeros(p)) if standardize else (average[0][:p], average[1][:p])
        matrix = _bordered(matrix, cross)
        pull = np.append(average[0][p], pull[0]), np.append(average[1][p], pull[1])
    return Quadratic(
        names=names,
        coordinates=Coordinates(intercept, means, sds),
        matrix=matrix,
        pull=pull,
        mean_square=mean_square,
        sizes=np.append(1.0, sizes[:-1]) if intercept else sizes[:-1],
        target_size=float(sizes[-1]),
        weight=m,
    )


def total_weight(moments: Moments) -> DoubleDouble:
    """Return what a mean divides by: the rows, or the sum of their weights."""
    high, low = getattr(moments, "total_weight", (float(moments.rows), 0.0))
    return np.float64(high), np.float64(low)


def _about_zero(moments: Moments) -> tuple[DoubleDouble, DoubleDouble]:
    """Return sums of [x, y] and of their products in the units of the data."""
    q = len(moments.shift)
    raw = moved(moments, np.zeros(q, dtype=np.int64), np.zeros(q))
    return raw.first, raw.second


def _about_means(moments: Moments) -> tuple[DoubleDouble, DoubleDouble]:
    """Return sums of products about the means, and the means, in the units of the data."""
    first = moments.first
    mean = dd.divide(first, total_weight(moments))
    moved = dd.multiply((first[0][:, None], first[1][:, None]), mean)
    unit = np.ldexp(1.0, -moments.exponents.astype(np.int32))
    centred = dd.subtract(moments.second, moved)
    centred = dd.scale(dd.scale(centred, unit), unit[:, None])
    return centred, dd.scale(dd.add(mean, dd.promote(moments.shift)), unit)


def _bordered(matrix: DoubleDouble, cross: DoubleDouble) -> DoubleDouble:
    """Add the row and column of the intercept: m ones give H the entry 2."""
    whole = []
    for part, edge, corner in zip(matrix, cross, (2.0, 0.0), strict=True):
        p = len(edge)
        bordered = np.empty((p + 1, p + 1))
        bordered[1:, 1:] = part
        bordered[0, 1:] = bordered[1:, 0] = edge
        bordered[0, 0] = corner
        whole.append(bordered)
    return whole[0], whole[1]


def _column(values: Array | DoubleDouble, like: Array) -> DoubleDouble:
    """Return (p,) values so that they broadcast over the further axes of ``like``."""
    pair = values if isinstance(values, tuple) else dd.promote(values)
    shape = (-1,) + (1,) * (like.ndim - 1)
    return pair[0].reshape(shape), pair[1].reshape(shape)


def _stacked(first: DoubleDouble, rest: DoubleDouble) -> DoubleDouble:
    return (
        np.concatenate((np.asarray(first[0])[None], rest[0])),
        np.concatenate((np.asarray(first[1])[None], rest[1])),
    )
