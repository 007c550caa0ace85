"""The whole path of a descent in closed form: each eigenvector of H goes its own way.

With H = QΛQᵀ the parameters after t epochs are θ₀ − η·Q·ψ(t)·Qᵀg, or, what is the same,
θ* + Q·e(t)·Λ⁻¹Qᵀg with the gradient g at the start; :mod:`.response` has e and ψ. The first
form keeps the digits of the first epochs and of directions that hardly move, the second those of
the last epochs. Any epoch costs k², whatever the number of rows and of epochs before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.descent.eigen import eigen, product
from gausswork.leastsquares.descent.quadratic import Quadratic
from gausswork.leastsquares.descent.response import Response, Rule
from gausswork.leastsquares.doubledouble import Array, DoubleDouble

Integers = npt.NDArray[np.int64]

_CHUNK = 2**18  # numbers evaluated at a time
_SCANNED = 2**19  # epochs looked at one by one, before longer strides; half of them with momentum
_AFTER = 4096  # epochs watched after the last violation, for oscillations that come back
_LARGEST = 1e300
_RESOLUTION = 2.0**-64


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The eigenvectors along which the parameters move, and the flat ones along which none does.

    Attributes
    ----------
    values : (r,) eigenvalues of H, ascending, double-double; all positive.
    vectors : (k, r) eigenvectors in the coordinates of the loop, double-double.
    basis : (k, r) the same directions in the units of the data.
    flat : number of directions along which the loss does not change.
    """

    values: DoubleDouble
    vectors: DoubleDouble
    basis: Array
    flat: int

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue that is not zero; NaN where there is none."""
        return float(self.values[0][0]) if len(self.values[0]) else math.nan

    @property
    def largest(self) -> float:
        """The largest eigenvalue; NaN where all are zero."""
        return float(self.values[0][-1]) if len(self.values[0]) else math.nan


def spectrum(loss: Quadratic, flat: Array) -> Spectrum:
    """Return the eigenvalues and eigenvectors of H.

    Parameters
    ----------
    flat : (k, f) orthonormal directions known to be flat.
    """
    values, vectors, resolution = eigen(loss.matrix)
    share = np.einsum("ij,ij->j", flat.T @ vectors[0], flat.T @ vectors[0])
    moves = np.ones(len(share), dtype=np.bool_)
    moves[np.argsort(share)[len(share) - flat.shape[1] :]] = False
    largest = float(np.abs(values[0]).max(initial=0.0))
    moves &= largest > 0.0
    # So small an eigenvalue is known by its size only. No epoch that counts can tell: along it
    # the gradient stays what it was at the start.
    tiny = values[0] < resolution
    kept = (
        np.where(tiny, resolution, values[0])[moves],
        np.where(tiny, 0.0, values[1])[moves],
    )
    directions = vectors[0][:, moves], vectors[1][:, moves]
    basis = loss.coordinates.to_user(directions)
    return Spectrum(kept, directions, basis[0] + basis[1], int((~moves).sum()))


@dataclass(frozen=True, slots=True)
class Modes:
    """A descent from a start with a constant rate: its parameters and loss after any epoch.

    Attributes
    ----------
    rate : learning rate η.
    rule : momentum.
    spectrum : eigenvalues and directions.
    pull : (r,) the gradient at the start along each direction.
    start, limit : (k,) parameters at the start, and where a convergent descent ends.
    floor : the loss there.
    resolution : (k,) distances from the limit up to here are rounding in any loop: none at all.
    """

    rate: float
    rule: Rule
    spectrum: Spectrum
    pull: Array
    start: Array
    limit: Array
    floor: float
    resolution: Array

    def respond(self, epochs: Integers, *, last: bool = False) -> Response:
        """Return the state along each eigenvector, (h, r); ``last`` if its last step is wanted."""
        z = dd.multiply(dd.promote(np.full(len(self.pull), self.rate)), self.spectrum.values)
        return self.rule.respond(z, epochs, last=last)

    def evaluate(self, epochs: npt.ArrayLike) -> tuple[Array, Array]:
        """Return parameters (h, k) and loss (h,) after some epochs; 0 is the start."""
        t = np.asarray(epochs, dtype=np.int64)
        path, loss = np.empty((len(t), len(self.start))), np.empty(len(t))
        values, basis = self.spectrum.values[0], self.spectrum.basis
        goal = self.pull / values
        energy = 0.5 * self.pull * goal
        for part in self._parts(t):
            with np.errstate(over="ignore", invalid="ignore"):
                state = self.respond(t[part])
                gone, left = -self.rate * state.gained * self.pull, state.remaining * goal
                from_start = self.start + gone @ basis.T
                distance = left @ basis.T
                from_end = self.limit + distance
                sizes = np.abs(basis).T
                near_start = np.abs(self.start) + np.abs(gone) @ sizes
                near_end = np.abs(self.limit) + np.abs(left) @ sizes
                path[part] = np.where(near_start <= near_end, from_start, from_end)
                path[part] = np.where(np.abs(distance) <= self.resolution, self.limit, path[part])
                loss[part] = self.floor + np.square(state.remaining) @ energy
        path[t == 0] = self.start
        return path, loss

    def distance(self, epochs: npt.ArrayLike) -> Array:
        """Return the signed distance of each parameter from the limit, (h, k)."""
        t = np.asarray(epochs, dtype=np.int64)
        result = np.empty((len(t), len(self.start)))
        goal = self.pull / self.spectrum.values[0]
        for part in self._parts(t):
            result[part] = (self.respond(t[part]).remaining * goal) @ self.spectrum.basis.T
        return result

    def steps(self, epochs: npt.ArrayLike) -> Array:
        """Return by how much each of these epochs moves each parameter, (h, k)."""
        t = np.asarray(epochs, dtype=np.int64)
        result = np.empty((len(t), len(self.start)))
        for part in self._parts(t):
            gained = self.respond(t[part], last=True).last * self.pull
            result[part] = -self.rate * gained @ self.spectrum.basis.T
        return result

    def stopping_epoch(self, tolerance: float, most: int) -> int | None:
        """Return the first epoch that moves every parameter by less than ``tolerance``.

        Every epoch is looked at, up to half a million (with momentum a quarter); beyond, the sizes
        of the steps are taken to fall, and the place where they cross the tolerance is bracketed.
        """
        begin, length = 1, 256
        scanned = _SCANNED if self.rule.momentum == 0.0 else _SCANNED // 2
        while begin <= min(most, scanned):
            t = np.arange(begin, min(begin + length, most + 1))
            small = np.abs(self.steps(t)).max(axis=1, initial=0.0) < tolerance
            if small.any():
                return int(t[np.argmax(small)])
            begin, length = begin + length, min(2 * length, 65536)
        if begin > most:
            return None
        low, high = begin - 1, begin
        while not self._below(high, tolerance):
            if high == most:
                return None
            low, high = high, min(most, high + high // 16)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._below(middle, tolerance) else (middle, high)
        return high

    def _below(self, epoch: int, tolerance: float) -> bool:
        return bool((np.abs(self.steps([epoch])) < tolerance).all())

    def epochs_within(self, bound: npt.ArrayLike, most: int) -> int | None:
        """Return the epoch from which on every parameter stays within ``bound`` of the limit.

        Parameters
        ----------
        bound : a number, or (k,) one for each parameter.
        most : give up beyond; the answer is then ``None``.
        """

        def outside(t: Integers) -> npt.NDArray[np.bool_]:
            return np.asarray((np.abs(self.distance(t)) > bound).any(axis=1))

        grid = np.unique(np.round(2.0 ** np.arange(0.0, math.log2(most), 0.05)).astype(np.int64))
        grid = np.concatenate(([0], grid[grid < most], [most]))
        out = np.flatnonzero(outside(grid))
        if not len(out):
            return 0
        if out[-1] == len(grid) - 1:
            return None
        last, after = int(grid[out[-1]]), int(grid[out[-1] + 1])
        while True:
            while after - last > 1:
                t = np.unique(np.linspace(last, after, 257).astype(np.int64))
                i = int(np.flatnonzero(outside(t))[-1])  # the first of them is outside
                last, after = int(t[i]), int(t[i + 1])
            watched = np.arange(after, after + _AFTER)
            again = np.flatnonzero(outside(watched))
            if not len(again):
                return after
            last = int(watched[again[-1]])
            after = last + 1

    def last_finite(self, most: int) -> int:
        """Return the last epoch up to ``most`` whose parameters and loss float64 can hold."""

        def finite(epoch: int) -> bool:
            path, loss = self.evaluate([epoch])
            return bool((np.abs(path) < _LARGEST).all() and loss[0] < _LARGEST)

        if finite(most):
            return most
        low, high = 0, most  # growth: once out of range, always out of range
        reach = 1
        while reach < most and finite(reach):
            low, reach = reach, reach * 2
        high = min(reach, most)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if finite(middle) else (low, middle)
        return low

    def _parts(self, t: Integers) -> list[slice]:
        rows = max(1, _CHUNK // max(1, len(self.start)))
        return [slice(i, i + rows) for i in range(0, len(t), rows)]


def modes(
    loss: Quadratic,
    seen: Spectrum,
    *,
    rate: float,
    rule: Rule,
    start: Sequence[float] | None,
    limit: Array | None,
    floor: float | None,
) -> Modes:
    """Prepare a descent.

    Parameters
    ----------
    start : (k,) in the units of the data; zeros if None.
    limit, floor : the least-squares solution and its loss, where they are known better than the
        moments alone can tell; not with flat directions, where the end depends on the start.
    """
    k = len(loss.names)
    theta = np.zeros(k) if start is None else np.array(start, dtype=np.float64)
    gradient = loss.gradient(loss.coordinates.from_user(dd.promote(theta)))
    across = _across(seen.vectors)
    pull = product(across, (gradient[0][:, None], gradient[1][:, None]))
    along = pull[0][:, 0], pull[1][:, 0]
    if limit is None:
        limit, floor = _end(loss, seen, theta, along)
    assert floor is not None
    resolution = _RESOLUTION * np.maximum(np.abs(limit), loss.typical)
    return Modes(rate, rule, seen, along[0] + along[1], theta, limit, floor, resolution)


def _end(loss: Quadratic, seen: Spectrum, theta: Array, pull: DoubleDouble) -> tuple[Array, float]:
    """Return where a descent from ``theta`` ends, and the loss there."""
    goal = dd.divide(pull, seen.values)
    way = product(seen.vectors, (goal[0][:, None], goal[1][:, None]))
    phi = dd.subtract(loss.coordinates.from_user(dd.promote(theta)), (way[0][:, 0], way[1][:, 0]))
    end = loss.coordinates.to_user(phi)
    # the loss at the minimum of a quadratic: J(0) − ½ pullᵀφ*
    explained = dd.dot(loss.pull, phi)
    floor = dd.subtract(loss.mean_square, (0.5 * explained[0], 0.5 * explained[1]))
    return end[0] + end[1], max(float(floor[0] + floor[1]), 0.0)


def _across(a: DoubleDouble) -> DoubleDouble:
    return a[0].T, a[1].T
