"""What an epoch does along one eigenvector: the numbers 1 − ηλ, and the 2×2 blocks of momentum.

Along an eigenvector of H with eigenvalue λ, with z = ηλ, the error of gradient descent is
multiplied by 1 − z every epoch. With momentum β two errors make the next one,

    e(t+1) = s·e(t) − d·e(t−1),   e(0) = e(−1) = 1,

with s = 1 + β − z, d = β for the heavy ball (Polyak 1964) and s = (1 + β)(1 − z), d = β(1 − z)
for Nesterov's rule: a 2×2 block for every eigenvalue (Lessard, Recht & Packard 2016, section 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.doubledouble import Array, DoubleDouble

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rule:
    """An update rule with constant momentum.

    Attributes
    ----------
    momentum : β in [0, 1).
    nesterov : whether the gradient is taken where the momentum leads.
    """

    momentum: float = 0.0
    nesterov: bool = False

    @property
    def limit(self) -> float:
        """The z = ηλ from which on errors grow: 2 for gradient descent."""
        b = self.momentum
        return 2.0 * (1.0 + b) / (1.0 + 2.0 * b) if self.nesterov else 2.0 * (1.0 + b)

    @property
    def overshoot(self) -> float:
        """The z = ηλ beyond which the error changes its sign on the way: 1 for gradient descent.

        There the roots of e(t+1) = s·e(t) − d·e(t−1) leave the positive numbers.
        """
        b = self.momentum
        if b == 0.0:
            return 1.0
        return ((1.0 - b) / (1.0 + b)) ** 2 if self.nesterov else (1.0 - math.sqrt(b)) ** 2

    def radius(self, z: float) -> float:
        """Return what an epoch multiplies the error by in the long run: the spectral radius."""
        b = self.momentum
        if b == 0.0:
            return abs(1.0 - z)
        s, d = ((1.0 + b) * (1.0 - z), b * (1.0 - z)) if self.nesterov else (1.0 + b - z, b)
        discriminant = s * s - 4.0 * d
        if discriminant < 0.0:
            return math.sqrt(d)
        return 0.5 * (abs(s) + math.sqrt(discriminant))

    def log_radius(self, z: float) -> float:
        """Return log(radius) without cancellation where it is slow: 1 − r₁ = z / (1 − r₂)."""
        b = self.momentum
        if b == 0.0:
            return math.log1p(-z) if z < 1.0 else _log(z - 1.0)
        s, d = ((1.0 + b) * (1.0 - z), b * (1.0 - z)) if self.nesterov else (1.0 + b - z, b)
        discriminant = s * s - 4.0 * d
        if discriminant < 0.0 or s <= 0.0:
            return _log(self.radius(z))
        other = 1.0 - 0.5 * (s - math.sqrt(discriminant))
        return math.log1p(-z / other)

    def respond(self, z: DoubleDouble, epochs: Integers, *, last: bool = True) -> Response:
        """Return the state along each eigenvector after each of some epochs.

        Parameters
        ----------
        z : (r,) learning rate times eigenvalue.
        epochs : (h,) not negative.
        last : whether the step of the last epoch is wanted; it may be wrong otherwise.
        """
        if self.momentum == 0.0:
            return _powers(z, epochs, last)
        one_less = dd.add(dd.promote(np.ones(len(z[0]))), dd.negate(z))
        b = dd.promote(np.full(len(z[0]), self.momentum))
        if self.nesterov:
            d = dd.multiply(b, one_less)
            s = dd.add(one_less, d)
        else:
            d, s = b, dd.add(b, one_less)
        return _blocks(s, d, epochs)


@dataclass(frozen=True, slots=True)
class Response:
    """Along each of r eigenvectors after each of h epochs, (h, r).

    Attributes
    ----------
    remaining : e, the share of the error that remains.
    gained : ψ = (1 − e) / z: the parameter has moved by −η·ψ·(gradient at the start).
    last : the part of ψ that the last epoch has added; 0 at the start.
    """

    remaining: Array
    gained: Array
    last: Array


def _powers(z: DoubleDouble, epochs: Integers, want_last: bool) -> Response:
    """Return e = (1 − z)ᵗ for gradient descent, to rounding for any z and t."""
    u = dd.add(dd.promote(np.ones(len(z[0]))), dd.negate(z))
    two_less = dd.add(dd.promote(np.full(len(z[0]), 2.0)), dd.negate(z))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        near_one = np.log1p(-z[0]) - z[1] / u[0]
        near_two = np.log1p(-two_less[0]) - two_less[1] / (1.0 - two_less[0])
        between = np.log(np.abs(u[0])) + np.where(u[0] == 0.0, 0.0, u[1] / u[0])
        log = np.where(z[0] < 0.5, near_one, np.where(z[0] > 1.5, near_two, between))
        log = np.where(z[0] > 3.0, between, log)
        t = epochs[:, None].astype(np.float64)
        exponent = np.where(t == 0.0, 0.0, t * log)
        odd = (epochs[:, None] & 1) == 1
        size = np.exp(exponent)
        remaining = np.where((u[0] < 0.0) & odd, -size, size)
        gone = np.where((u[0] < 0.0) & odd, 1.0 + size, -np.expm1(exponent))
        gained = np.where(z[0] == 0.0, t, gone / z[0])
        if not want_last:
            return Response(remaining, gained, gained)
        before = np.exp(np.where(t <= 1.0, 0.0, (t - 1.0) * log))
        last = np.where((u[0] < 0.0) & ~odd, -before, before)
        last = np.where(t == 0.0, 0.0, last)
    return Response(remaining, gained, last)


def _blocks(s: DoubleDouble, d: DoubleDouble, epochs: Integers) -> Response:
    """Power the 2×2 blocks [[s, −d], [1, 0]] by repeated squaring; equal roots need no care.

    Where the first epochs follow one another, each power of two doubles the history that is known.
    """
    r, h = len(s[0]), len(epochs)
    one, zero = dd.promote(np.ones(r)), dd.promote(np.zeros(r))
    # block, and what the steps on the way add to ψ and to the ψ before, for 2⁰, 2¹, … epochs
    powers: list[tuple[Any, Any]] = [([[s, dd.negate(d)], [one, zero]], [one, zero])]
    largest = max(int(epochs.max(initial=0)), h)
    with np.errstate(over="ignore", invalid="ignore"):
        while largest >> len(powers):
            block, gain = powers[-1]
            # [B | g] applied twice: [B² | B·g + g]
            powers.append((_squared(block), _applied(block, gain, gain)))
        jumps = np.flatnonzero(np.diff(epochs) != 1)
        run = int(jumps[0]) + 1 if len(jumps) else h
        parts = []
        for start, adds in ((1.0, False), (0.0, True)):
            known = [dd.promote(np.full((1, r), start)) for _ in range(2)]
            head = _advanced(powers, known, epochs[:1], adds)
            for block, gain in powers:
                if not 0 < len(head[0][0]) < run:
                    break
                ahead = _applied(block, gain if adds else None, head)
                head = [_joined(a, b, run) for a, b in zip(head, ahead, strict=True)]
            known = [dd.promote(np.full((h - run, r), start)) for _ in range(2)]
            tail = _advanced(powers, known, epochs[run:], adds)
            parts.append(
                [_joined((a[0][:run], a[1][:run]), b, h) for a, b in zip(head, tail, strict=True)]
            )
        (e, _), (g, before) = parts
        last = dd.subtract(g, before)
    return Response(e[0] + e[1], g[0] + g[1], last[0] + last[1])


def _advanced(
    powers: list[tuple[Any, Any]], state: list[DoubleDouble], epochs: Integers, adds: bool
) -> list[DoubleDouble]:
    """Advance each row of a state by its own number of epochs, bit by bit."""
    state = [part if len(epochs) else (part[0][:0], part[1][:0]) for part in state]
    for bit, (block, gain) in enumerate(powers):
        due = np.flatnonzero((epochs >> bit) & 1)
        if not len(due):
            continue
        some = [(part[0][due], part[1][due]) for part in state]
        for part, new in zip(state, _applied(block, gain if adds else None, some), strict=True):
            part[0][due], part[1][due] = new
    return state


def _applied(block: Any, add: Any, state: Any) -> list[DoubleDouble]:
    """Return block · state (+ add), for two rows of arrays."""
    result = []
    for i, row in enumerate(block):
        value = dd.add(dd.multiply(row[0], state[0]), dd.multiply(row[1], state[1]))
        result.append(value if add is None else dd.add(value, add[i]))
    return result


def _squared(block: Any) -> list[list[DoubleDouble]]:
    columns = [_applied(block, None, [row[j] for row in block]) for j in range(2)]
    return [[columns[0][i], columns[1][i]] for i in range(2)]


def _joined(a: DoubleDouble, b: DoubleDouble, most: int) -> DoubleDouble:
    return np.concatenate((a[0], b[0]))[:most], np.concatenate((a[1], b[1]))[:most]


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else -math.inf
