"""The loss over two parameters of a fit: a valley, its lowest point, its contours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.descent.quadratic import Coordinates, quadratic
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.solve import solve

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

_LONGEST = 1e3  # times a box: a valley is long enough for any picture


@dataclass(frozen=True, slots=True, eq=False)
class LossSurface:
    """The mean squared error over two parameters, the others at the least-squares solution.

    It is a quadratic, J = ``least`` + ½ δᵀHδ with δ the distance from ``solution``: its contours
    are ellipses. Points are (…, 2) arrays in the coordinates of the surface: the parameters
    themselves, or with ``standardize`` those of predictors with mean 0 and sd 1.

    Attributes
    ----------
    names : of the two parameters.
    standardize : whether the predictors are taken with mean 0 and sd 1.
    solution : (2,) where the loss is least.
    least : the loss there, in the squared unit of the target.
    hessian : (2, 2) H, the curvature.
    weight : number of rows, or sum of their weights: the loss times it is a sum of squares.
    typical : (2,) size of a parameter that would explain the target by itself.
    """

    names: tuple[str, str]
    standardize: bool
    solution: Array
    least: float
    hessian: Array
    weight: float
    typical: Array
    _first: int = field(repr=False)  # the parameter to eliminate: that of the larger curvature
    _across: float = field(repr=False)
    _tilt: float = field(repr=False)
    _along: float = field(repr=False)
    _chosen: tuple[int, int] = field(repr=False)
    _coordinates: Coordinates = field(repr=False)
    _origin: Array = field(repr=False)

    @property
    def flat(self) -> bool:
        """Whether the valley has no lowest point: the data does not tell the two apart."""
        return not self._along > 0.0

    def excess(self, points: npt.ArrayLike) -> Array:
        """Return how far the loss is above the least, (…); never negative by rounding."""
        away = _points(points) - self.solution
        one, other = away[..., self._first], away[..., 1 - self._first]
        with np.errstate(over="ignore", invalid="ignore"):
            # completing the square leaves no difference of large terms
            across = self._across * np.square(one + self._tilt * other)
            return np.asarray(0.5 * (across + self._along * np.square(other)))

    def loss(self, points: npt.ArrayLike) -> Array:
        """Return the mean squared error, (…)."""
        return np.asarray(self.least + self.excess(points))

    def sum_of_squares(self, points: npt.ArrayLike) -> Array:
        """Return the sum of the squared residuals, (…)."""
        return np.asarray(self.weight * self.loss(points))

    def gradient(self, points: npt.ArrayLike) -> Array:
        """Return the slope of the loss in both directions, (…, 2)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((_points(points) - self.solution) @ self.hessian)

    def place(self, parameters: npt.ArrayLike) -> Array:
        """Return where parameters (…, k) in the units of the data lie on the surface, (…, 2)."""
        theta = _numbers(parameters, len(self._origin))
        with np.errstate(over="ignore", invalid="ignore"):
            phi = self._coordinates.from_user(dd.promote(np.moveaxis(theta, -1, 0)))
        return np.moveaxis((phi[0] + phi[1])[list(self._chosen)], 0, -1)

    def parameters(self, points: npt.ArrayLike) -> Array:
        """Return the parameters (…, k) in the units of the data that points stand for."""
        at = _points(points)
        phi = np.broadcast_to(self._origin, (*at.shape[:-1], len(self._origin))).copy()
        phi[..., list(self._chosen)] = at
        high, low = self._coordinates.to_user(dd.promote(np.moveaxis(phi, -1, 0)))
        return np.moveaxis(high + low, 0, -1)

    def bounds(self, loss: float) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top of the box around a contour.

        A descent without momentum and below the limit of its learning rate never leaves the
        contour of its start. Where the box would be endless, or a point, it is as wide as
        parameters are that explain the target by themselves.
        """
        excess = max(float(loss) - self.least, 0.0)
        half = np.zeros(2)
        if excess > 0.0 and not self.flat:
            half = np.sqrt(np.square(self.half_axes(loss)).sum(axis=0))
        usable = np.isfinite(half) & (half > 1e-9 * self.typical)
        half = np.where(usable, half, np.where(self.typical > 0.0, self.typical, 1.0))
        low, high = self.solution - half, self.solution + half
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])

    def levels(self, bounds: tuple[float, float, float, float], count: int = 12) -> Array:
        """Return losses to draw contours at, (count,), the highest first.

        The first touches the farthest corner of a picture; each is a third as far above the least
        as the one before, so that the valley is seen at all its depths.

        Parameters
        ----------
        bounds : left, right, bottom, top of the picture.
        count : how many.
        """
        corners = [(x, y) for x in bounds[:2] for y in bounds[2:]]
        highest = float(self.excess(corners).max())
        return np.asarray(self.least + highest * 3.0 ** -np.arange(float(count)))

    def half_axes(
        self, loss: float, bounds: tuple[float, float, float, float] | None = None
    ) -> Array:
        """Return a and b, (2, 2) as rows, of the contour solution + a·cos t + b·sin t.

        Parameters
        ----------
        loss : of the contour, not below ``least``.
        bounds : left, right, bottom, top of a picture. A valley that is a thousand times as long
            is drawn that long; without bounds the axes of a flat valley are infinite.

        Raises
        ------
        InputError
            The loss is below the least.
        """
        excess = float(loss) - self.least
        if not excess >= 0.0:
            raise InputError(
                f"loss must not be below the least, {self.least:.6g}; got {loss!r}. "
                "No parameters reach it."
            )
        along = self._along
        if bounds is not None:
            size = np.array([bounds[1] - bounds[0], bounds[3] - bounds[2]])
            other = float(size[1 - self._first]) * _LONGEST
            along = max(along, 2.0 * excess / (other * other))
        axes = np.zeros((2, 2))
        if excess == 0.0:
            return axes
        with np.errstate(divide="ignore", over="ignore"):
            axes[0, self._first] = np.sqrt(np.float64(2.0 * excess) / self._across)
            length = np.sqrt(np.float64(2.0 * excess) / along)
        axes[1, 1 - self._first] = length
        axes[1, self._first] = -self._tilt * length if self._tilt else 0.0
        return axes


def loss_surface(
    fit: Fit, x: str | None = None, y: str | None = None, *, standardize: bool = False
) -> LossSurface:
    """Return the loss of a fit over the plane of two of its parameters.

    Parameters
    ----------
    fit : of the data, by any method; with a ridge the loss has its penalty.
    x, y : names of the parameters; by default the first two.
    standardize : take the predictors with mean 0 and sd 1, as a descent with ``standardize=True``
        does: the valley is then as round as it can be made by shifts and units alone.

    Raises
    ------
    InputError
        The fit has one parameter only, or none of that name.

    Examples
    --------
    >>> import gausswork as gw
    >>> fit = gw.fit({"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}, target="y")
    >>> surface = gw.loss_surface(fit)
    >>> surface.names, float(surface.loss([0.0, 0.0])), float(surface.loss([0.0, 2.0]))
    (('intercept', 'x'), 44.0, 0.0)
    """
    known = fit.descent.least_squares if fit.descent is not None else None
    exact = known or fit.solution
    ridge = float(getattr(fit.method, "ridge", 0.0))
    if exact.ridge != ridge:
        exact = solve(exact.moments, intercept=exact.intercept)
    whole = quadratic(
        exact.moments, intercept=exact.intercept, standardize=standardize, ridge=ridge
    )
    i, j = _chosen(whole.names, x, y)
    theta = np.nan_to_num(exact.coefficients)  # an aliased term is at zero: a floor has many points
    lows = np.where(np.isnan(exact.coefficient_lows), 0.0, exact.coefficient_lows)
    phi = whole.coordinates.from_user((theta, lows))
    origin = phi[0] + phi[1]
    both = np.ix_([i, j], [i, j])
    high, low = whole.matrix[0][both], whole.matrix[1][both]
    first = int(high[1, 1] > high[0, 0])
    across, tilt, along = _squares(high, low, first)
    tied = {name for d in exact.dependencies for name in (d.column, *d.combination)}
    if not ridge and (not tied.isdisjoint((whole.names[i], whole.names[j])) or along < 0.0):
        along = 0.0  # what is left of it is rounding
    slopes = exact.coefficients[int(exact.intercept) :]
    penalty = ridge * float(np.nansum(np.square(slopes)))
    sizes = np.sqrt(np.maximum(0.5 * high.diagonal(), 0.0))
    typical = whole.target_size / np.where(sizes > 0.0, sizes, 1.0)
    for values in (origin, high, typical):
        values.setflags(write=False)
    solution = origin[[i, j]]
    solution.setflags(write=False)
    return LossSurface(
        names=(whole.names[i], whole.names[j]),
        standardize=standardize,
        solution=solution,
        least=(float(exact.residual_sum_of_squares) + penalty) / whole.weight,
        hessian=high,
        weight=whole.weight,
        typical=typical,
        _first=first,
        _across=across,
        _tilt=tilt,
        _along=along,
        _chosen=(i, j),
        _coordinates=whole.coordinates,
        _origin=origin,
    )


def _squares(high: Array, low: Array, first: int) -> tuple[float, float, float]:
    """Complete the square: δᵀHδ = across·(δ₁ + tilt·δ₂)² + along·δ₂², from double-double."""
    other = 1 - first

    def entry(i: int, j: int) -> dd.DoubleDouble:
        return high[i, j], low[i, j]

    across = float(high[first, first])
    if not across > 0.0:
        return 0.0, 0.0, 0.0
    tilt = dd.divide(entry(first, other), entry(first, first))
    rest = dd.subtract(entry(other, other), dd.multiply(tilt, entry(first, other)))
    return across, float(tilt[0] + tilt[1]), float(rest[0] + rest[1])


def _chosen(names: tuple[str, ...], x: str | None, y: str | None) -> tuple[int, int]:
    if len(names) < 2:
        raise InputError(
            f"the fit has one parameter, {names[0]!r}, and a surface needs two. "
            "Fit with an intercept, or with another feature."
        )
    for given in (x, y):
        if given is not None and given not in names:
            raise InputError(f"the fit has no parameter {given!r}; it has {', '.join(names[:12])}.")
    if x is not None and x == y:
        raise InputError(f"x and y name the same parameter, {x!r}. Name two.")
    taken = [name for name in (x, y) if name is not None]
    free = iter([name for name in names if name not in taken])
    return names.index(x or next(free)), names.index(y or next(free))


def _points(points: npt.ArrayLike) -> Array:
    return _numbers(points, 2)


def _numbers(values: Any, width: int) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 1 or array.shape[-1] != width:
        raise InputError(
            f"the last axis must have {width} numbers, one for each parameter; got an array of "
            f"shape {array.shape}."
        )
    return array
