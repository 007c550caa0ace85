"""The loss of all rows at any parameters, from the moments: what an epoch has come to costs p²."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.stochastic_steps import Array, Frame
from gausswork.leastsquares.system import assemble


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
    root : (width, width) R with RᵀR = H/2, so that small differences keep their digits.
    """

    best: Array
    least: float
    half: Array
    root: Array

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
            values, vectors = np.linalg.eigh(centred / unit / unit[:, None])
            root[:p, :p] = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * size
        if frame.intercept:
            half[:p, :p] += np.outer(mean, mean)
            half[:p, p] = half[p, :p] = mean
            half[p, p] = 1.0
            root[width, :p], root[width, p] = mean, 1.0
        return cls(best, least, half, root)

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
            return math.sqrt(float(slope @ slope))

    @property
    def steepest(self) -> tuple[float, int]:
        """The largest eigenvalue of H, and the coordinate that has most to do with it."""
        values, vectors = np.linalg.eigh(self.half)
        return 2.0 * float(values[-1]), int(np.argmax(np.abs(vectors[:, -1])))
