"""What the order of the rows has to say: Durbin and Watson's statistic, recursive residuals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork._native import compiled
from gausswork.leastsquares.checkup.auxiliary import HypothesisTest
from gausswork.leastsquares.checkup.geometry import Geometry, Rows

Array = npt.NDArray[np.float64]

_CHUNK = 64  # recursive residuals worked out at once: few enough for BLAS to start no threads
_FAR = 1e3  # leverage in a chunk beyond which it is halved: its innovations would cancel
_OUTSIDE = 1e-9  # of a row's size: what counts as a new direction


class DurbinWatson(NamedTuple):
    """How alike the residuals of neighbouring rows are.

    Attributes
    ----------
    statistic : Σ(eₜ − eₜ₋₁)² / Σeₜ²: near 2 without, near 0 with likeness, near 4 with alternation.
    autocorrelation : Σeₜeₜ₋₁ / Σeₜ².
    p_value : two-sided, of independent normal errors.
    """

    statistic: float
    autocorrelation: float
    p_value: float


@dataclass(slots=True)
class Differences:
    """Sums over differences of neighbouring rows.

    With A = DᵀD for first differences D, the statistic is eᵀAe / eᵀe; its exact mean and variance
    under independence need tr QᵀAQ, tr QᵀA²Q and ‖QᵀAQ‖² (Durbin & Watson 1950), which are sums
    over first and second differences of the rows.
    """

    geometry: Geometry
    rows: int
    last: tuple[Array, Array] | None
    last_step: Array
    gram: Array
    second: float
    square: float
    product: float
    steps: float

    @classmethod
    def of(cls, geometry: Geometry) -> Differences:
        """Return the sums of no rows."""
        k = geometry.rank
        return cls(geometry, 0, None, np.zeros((1, k)), np.zeros((k, k)), 0.0, 0.0, 0.0, 0.0)

    def see(self, rows: Rows) -> None:
        """Add some consecutive rows."""
        e = rows.scaled / self.geometry.residual_sd
        w = self.geometry.coordinates(rows)
        self.square += float(e @ e)
        if self.last is not None:
            w = np.concatenate((self.last[0], w))
            e = np.concatenate((self.last[1], e))
        self.product += float(e[1:] @ e[:-1])
        steps = np.diff(e)
        self.steps += float(steps @ steps)
        moves = np.diff(w, axis=0)
        self.gram = self.gram + moves.T @ moves
        if len(moves):
            turns = np.diff(moves, axis=0, prepend=self.last_step)
            self.second += float(np.einsum("ij,ij->", turns, turns))
            self.last_step = moves[-1:].copy()
        self.last = w[-1:].copy(), e[-1:].copy()
        self.rows += len(rows.residual)

    def durbin_watson(self) -> DurbinWatson:
        """Return the statistic with its p-value.

        The null distribution is a beta on (0, 4) with the exact mean and variance of the statistic
        for these rows (Durbin & Watson 1951, section 4).
        """
        from scipy.special import betainc, betaincc

        n, free = self.rows, self.geometry.degrees_of_freedom
        if n < 2 or free < 1 or not self.square > 0.0:
            return DurbinWatson(math.nan, math.nan, math.nan)
        d, rho = self.steps / self.square, self.product / self.square
        second = self.second + float((self.last_step**2).sum())  # the step after the last is zero
        trace = 2.0 * (n - 1) - float(np.trace(self.gram))
        traces = 6.0 * n - 8.0 - 2.0 * second + float((self.gram**2).sum())
        mean = trace / free
        variance = 2.0 * (traces - trace * mean) / (free * (free + 2.0))
        centre, spread = mean / 4.0, variance / 16.0
        if not spread > 0.0 or not 0.0 < centre < 1.0:
            return DurbinWatson(d, rho, math.nan)
        size = centre * (1.0 - centre) / spread - 1.0
        a, b = centre * size, (1.0 - centre) * size
        tails = betainc(a, b, d / 4.0), betaincc(a, b, d / 4.0)
        return DurbinWatson(d, rho, float(min(1.0, 2.0 * min(tails))))


@dataclass(slots=True)
class Recursion:
    """Recursive residuals: the error of each row predicted from the rows before it, standardised.

    A row that brings a direction which no row before it had cannot be predicted; the first k
    independent rows are such, wherever they lie, and n − k residuals remain (Brown, Durbin & Evans
    1975). The state is the triangular factor of the rows so far, so memory does not grow; chunks
    are whitened at once by the Cholesky factor of their prediction errors' covariance.

    Attributes
    ----------
    basis : (k, d) orthonormal directions seen so far.
    factor : (d, d + 1) triangular factor of the rows in that basis, and of their residuals.
    count, total, square : of the recursive residuals, in residual standard deviations.
    """

    geometry: Geometry
    basis: Array
    factor: Array
    count: int
    total: float
    square: float

    @classmethod
    def of(cls, geometry: Geometry) -> Recursion:
        """Return the state before the first row."""
        k = geometry.rank
        return cls(geometry, np.zeros((k, 0)), np.zeros((0, 1)), 0, 0.0, 0.0)

    def see(self, rows: Rows) -> None:
        """Add some consecutive rows."""
        g = self.geometry
        z = g.coordinates(rows) * math.sqrt(g.rows)
        e = rows.scaled / g.residual_sd
        start = 0
        while start < len(e):
            whole = self.basis.shape[1] == g.rank and _compiled() is not None
            stop = len(e) if whole else min(start + _CHUNK, len(e))
            if self.basis.shape[1] < g.rank:
                stop, outside = self._first_outside(z[start:stop], start)
                self._predict(z[start:stop], e[start:stop])
                if outside is not None:
                    self._absorb(z[stop], e[stop], outside)
                    stop += 1
                    if self.basis.shape[1] == g.rank:
                        self._whole()
            else:
                self._predict(z[start:stop], e[start:stop])
            start = stop

    def _whole(self) -> None:
        """Leave the directions of the first rows for the coordinates themselves, once all are seen.

        The factor turns with them: its rows are rows of the data up to a rotation.
        """
        k = len(self.basis)
        turned = np.column_stack((self.factor[:, :k] @ self.basis.T, self.factor[:, k]))
        self.factor, self.basis = _triangular(turned), np.eye(k)

    def _first_outside(self, z: Array, start: int) -> tuple[int, Array | None]:
        """Return where the first row with a new direction lies, and that direction."""
        rest = z - (z @ self.basis) @ self.basis.T
        rest -= (rest @ self.basis) @ self.basis.T  # twice is enough
        least = max(_OUTSIDE, self.geometry.tolerance)
        size = np.linalg.norm(rest, axis=1)
        outside = size > least * np.linalg.norm(z, axis=1)
        if not outside.any():
            return start + len(z), None
        first = int(np.argmax(outside))
        return start + first, rest[first] / size[first]

    def _absorb(self, z: Array, e: float, direction: Array) -> None:
        d = self.basis.shape[1]
        self.basis = np.column_stack((self.basis, direction))
        grown = np.zeros((d + 1, d + 2))
        grown[:d, :d], grown[:d, -1] = self.factor[:, :d], self.factor[:, d]
        grown[d, :-1], grown[d, -1] = z @ self.basis, e
        self.factor = _triangular(grown)

    def _predict(self, z: Array, e: Array) -> None:
        """Whiten the prediction errors of rows within the directions seen."""
        if not len(e):
            return
        d = self.basis.shape[1]
        x = z if d == len(self.basis) else z @ self.basis
        rotate = _compiled()
        if rotate is not None:
            sums = np.zeros(3)
            rotate(self.factor, np.ascontiguousarray(np.column_stack((x, e))), sums)
            self.count += len(e)
            self.total += float(sums[1])
            self.square += float(sums[2])
            return
        from scipy.linalg import solve_triangular

        if d == 0:
            ahead, errors = np.zeros((0, len(e))), e
        else:
            ahead = solve_triangular(self.factor[:, :d], x.T, trans="T")
            errors = e - ahead.T @ self.factor[:, d]
        if len(e) > 1 and np.einsum("ij,ij->j", ahead, ahead).max(initial=0.0) > _FAR:
            half = len(e) // 2
            self._predict(z[:half], e[:half])
            self._predict(z[half:], e[half:])
            return
        covariance = ahead.T @ ahead
        covariance[np.diag_indices(len(e))] += 1.0
        found = solve_triangular(np.linalg.cholesky(covariance), errors, lower=True)
        self.count += len(e)
        self.total += float(found.sum())
        self.square += float(found @ found)
        if d:
            self.factor = _triangular(np.vstack((self.factor, np.column_stack((x, e)))))

    def harvey_collier(self) -> HypothesisTest:
        """Return Harvey and Collier's (1977) t test of a zero mean of the recursive residuals."""
        from scipy.special import stdtr

        free = self.count - 1
        spread = self.square - self.total**2 / max(self.count, 1)
        if free < 1 or not spread > 0.0:
            return HypothesisTest(math.nan, max(free, 0), 0, math.nan)
        t = self.total / math.sqrt(self.count) / math.sqrt(spread / free)
        return HypothesisTest(t, free, 0, float(2.0 * stdtr(float(free), -abs(t))))

    @property
    def mean(self) -> float:
        """Mean of the recursive residuals in residual standard deviations; NaN of none."""
        return self.total / self.count if self.count else math.nan


def _compiled() -> Callable[[Array, Array, Array], None] | None:
    """Return the compiled rotation; None where plain NumPy serves."""
    module = compiled("_recursion")
    return None if module is None else module.rotate


def _triangular(rows: Array) -> Array:
    """Return the triangular factor of [X, e] over its X part, (d, d + 1)."""
    d = rows.shape[1] - 1
    triangle = np.zeros((d, d + 1))
    found = np.linalg.qr(rows, mode="r")
    triangle[: min(d, len(found))] = found[:d]
    return triangle
