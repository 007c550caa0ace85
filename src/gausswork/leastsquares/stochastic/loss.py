"""The loss of all rows at any parameters, from the moments: what an epoch has come to costs p²."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.stochastic.steps import Array, Frame
from gausswork.leastsquares.system import assemble

_POWERS = 50  # far more than it takes to tell columns apart


@dataclass(frozen=True, slots=True)
class Spread:
    """Means and second moments of predictors and target in the coordinates of a frame.

    Attributes
    ----------
    weight : sum of the weights of the rows; their number where they have none.
    mean : (p + 1,) the target last; zero through the origin.
    second : (p + 1, p + 1) mean products about those means.
    """

    weight: float
    mean: Array
    second: Array

    @classmethod
    def of(cls, moments: Moments, *, intercept: bool) -> Spread:
        """Take means and second moments out of moments, in the units of the data."""
        system = assemble(moments, intercept=intercept, backend=default_backend())
        unit = np.append(system.scale, system.target_scale)
        second = np.empty((len(unit), len(unit)))
        second[:-1, :-1] = system.matrix[0]
        second[:-1, -1] = second[-1, :-1] = system.right[0]
        second[-1, -1] = system.target_square[0]
        mean = np.append(system.mean[0], system.target_mean[0]) / unit
        constant = np.append(system.constant, False)
        second[constant] = 0.0
        second[:, constant] = 0.0
        second = second / system.weight[0] / unit / unit[:, None]
        return cls(system.weight[0], mean if intercept else np.zeros(len(unit)), second)

    def within(self, frame: Frame) -> Spread:
        """Return the same in the coordinates of a frame."""
        p = frame.predictors
        scale = np.append(frame.scale[:p], frame.scale[-1])
        shift = np.append(frame.shift[:p], frame.shift[-1])
        mean = (self.mean - shift) * scale if frame.intercept else self.mean
        return Spread(self.weight, mean, self.second * scale * scale[:, None])

    @property
    def deviations(self) -> Array:
        """Standard deviation of each predictor, (p,); through the origin its root mean square."""
        return np.asarray(np.sqrt(np.maximum(self.second.diagonal()[:-1], 0.0)))

    def loss(self, parameters: Array, frame: Frame) -> float:
        """Return the (weighted) mean squared error of these rows at (width,) parameters."""
        p = frame.predictors
        v = np.append(-parameters[:p], 1.0)
        at_mean = float(self.mean @ v) - (float(parameters[p]) if frame.intercept else 0.0)
        return max(float(v @ self.second @ v), 0.0) + at_mean * at_mean


@dataclass(frozen=True, slots=True)
class Bowl:
    """The loss J(θ) = least + (θ − best)ᵀ·H/2·(θ − best) in the coordinates of a frame.

    Attributes
    ----------
    best : (width,) where the loss is least.
    least : the loss there, penalty included.
    half : (width, width) H/2, zero in the directions that fill the lanes.
    root : (width + 1, width) R with RᵀR = H/2, so that small differences keep their digits.
    curvature : the largest eigenvalue of H.
    steepest : the coordinate that has most to do with it.
    """

    best: Array
    least: float
    half: Array
    root: Array
    curvature: float
    steepest: int

    @classmethod
    def of(cls, spread: Spread, frame: Frame, best: Array, least: float) -> Bowl:
        """Build the loss around its lowest point, which is known better than the moments are."""
        p, width = frame.predictors, frame.width
        half, root = np.zeros((width, width)), np.zeros((width + 1, width))
        centred = spread.second[:p, :p] + np.diag(0.5 * frame.pull[:p])
        mean = spread.mean[:p]
        half[:p, :p] = centred
        if p:
            # by the correlations: small columns beside large ones keep their digits
            size = np.sqrt(np.maximum(centred.diagonal(), 0.0))
            unit = np.where(size > 0.0, size, 1.0)
            root[:p, :p] = _root(centred / unit / unit[:, None]) * size
        if frame.intercept:
            half[:p, :p] += np.outer(mean, mean)
            half[:p, p] = half[p, :p] = mean
            half[p, p] = 1.0
            root[width, :p], root[width, p] = mean, 1.0
        live = half[: p + 1, : p + 1]
        curvature = 2.0 * float(np.linalg.eigvalsh(live)[-1])
        return cls(best, least, half, root, curvature, _steepest(live))

    def loss(self, parameters: Array) -> float:
        """Return the loss at (width,) parameters."""
        return self.least + self.excess(parameters)

    def excess(self, parameters: Array) -> float:
        """Return how much more than the least it is."""
        with np.errstate(over="ignore", invalid="ignore"):
            way = self.root @ (parameters - self.best)
            return float(way @ way)

    def gradient_norm(self, parameters: Array) -> float:
        """Return the Euclidean norm of the gradient."""
        with np.errstate(over="ignore", invalid="ignore"):
            slope = 2.0 * (self.root.T @ (self.root @ (parameters - self.best)))
            largest = float(np.max(np.abs(slope), initial=0.0))
            if not 0.0 < largest < math.inf:
                return largest
            # squares leave the range of numbers before the norm does
            return largest * float(np.linalg.norm(slope / largest))

    def condition_numbers(self) -> tuple[float, float]:
        """Return that of H, and that of H once the columns are standardised; inf where flat."""
        p = len(self.root) - 1
        size = np.sqrt(self.half.diagonal())
        live = np.flatnonzero(size > 0.0)
        here = np.linalg.eigvalsh(self.half[np.ix_(live, live)])
        centred = self.root[:p].T @ self.root[:p]
        live = np.flatnonzero(centred.diagonal() > 1e-24 * size * size)
        size = np.sqrt(centred.diagonal()[live])
        there = np.linalg.eigvalsh(centred[np.ix_(live, live)] / size / size[:, None])
        there = np.append(there, 1.0)  # the intercept, apart from all others
        return _condition(here), _condition(there)


def _root(matrix: Array) -> Array:
    """Return R with RᵀR the matrix, which may be singular."""
    try:
        return np.asarray(np.linalg.cholesky(matrix).T)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T)


def _steepest(matrix: Array) -> int:
    """Return the coordinate with the largest part in the steepest direction (power method)."""
    vector = matrix.diagonal().copy()
    for _ in range(_POWERS):
        vector /= float(np.max(np.abs(vector), initial=0.0)) or 1.0
        vector = matrix @ vector
    return int(np.argmax(np.abs(vector)))


def _condition(values: npt.NDArray[Any]) -> float:
    largest = float(values.max(initial=0.0))
    least = float(values.min(initial=math.inf))
    return largest / least if least > 1e-15 * largest else math.inf
