"""Polynomials of a column: powers, and the orthogonal basis of the fitted rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Orthogonal:
    """Polynomials that are orthonormal over the rows of a fit, by their recurrence.

    Attributes
    ----------
    centres : (k,) recurrence coefficients α.
    norms : (k + 1,) squared lengths of the monic polynomials of degree 0 to k over the rows.
    """

    centres: tuple[float, ...]
    norms: tuple[float, ...]


def learn(values: Callable[[], Iterable[Vector]], degree: int, name: str) -> Orthogonal:
    """Find the orthogonal polynomials of a column by passes over it, one for each degree.

    The discrete Stieltjes procedure (Gautschi, 2004, section 2.2.3.1): stable, and in memory it
    needs no more than the recurrence. The basis is that of R's ``poly``.

    Parameters
    ----------
    values : gives the rows of the column, any number at a time; called degree + 1 times.
    degree : of the highest polynomial.
    name : of the term, for messages.

    Raises
    ------
    InputError
        The column has no more different values than the degree.
    """
    centres: list[float] = []
    norms: list[float] = []
    largest = 0.0
    for k in range(degree + 1):
        length, moment = Sum(), Sum()
        for x in values():
            largest = max(largest, float(np.max(np.abs(x), initial=0.0)))
            current = _monic(x, centres, norms)
            square = current * current
            length.add(square)
            moment.add(x * square)
        norm = length.value
        # At rounding level of what it was made of, the polynomial is zero at every row.
        if k and not norm > (1e-12 * largest) ** 2 * norms[-1]:
            raise too_few_values(name, degree, k)
        norms.append(norm)
        if k < degree:
            centres.append(moment.value / norm)
    return Orthogonal(tuple(centres), tuple(norms))


def too_few_values(name: str, degree: int, different: int) -> InputError:
    """Return the error for a column with fewer different values than a polynomial needs."""
    if different == 1:
        return InputError(f"{name} needs a column that varies; it is the same in every row.")
    return InputError(
        f"{name} needs more than {degree} different values in its column; there are {different}. "
        f"Lower the degree to {different - 1}."
    )


def orthogonal(x: Vector, basis: Orthogonal) -> list[Vector]:
    """Return the orthonormal polynomials of degree 1 to k at x, k vectors (m,)."""
    found = list(_recurrence(x, basis.centres, basis.norms))
    return [values / np.sqrt(norm) for values, norm in zip(found[1:], basis.norms[1:], strict=True)]


def powers(x: Vector, degree: int) -> tuple[list[Vector], list[Vector]]:
    """Return x¹ … xᵏ as high and low words: k vectors (m,) of each.

    Each product is taken in double-double, so that the sum of both words has about 32 digits: what
    is rounded to one word first has lost the digits that a high degree needs (Filip of NIST StRD:
    7.6 digits of the coefficients with rounded powers).
    """
    highs, lows = [x], [np.zeros_like(x)]
    for _ in range(degree - 1):
        high, low = product(highs[-1], lows[-1], x, 0.0)
        highs.append(high)
        lows.append(low)
    return highs, lows


_SPLITTER = 134217729.0  # 2^27 + 1


def product(
    a: Vector, a_rest: Vector | float, b: Vector, b_rest: Vector | float
) -> tuple[Vector, Vector]:
    """Return (a + a_rest) · (b + b_rest) in double-double; Dekker's product (1971)."""
    with np.errstate(over="ignore", invalid="ignore"):
        high = a * b
        whole = a * _SPLITTER
        a_high = whole - (whole - a)
        a_low = a - a_high
        whole = b * _SPLITTER
        b_high = whole - (whole - b)
        b_low = b - b_high
        error = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
        rest = error + (a_rest * b + a * b_rest)
        total = high + rest
        low = rest - (total - high)
        # Where splitting overflows the low word has nothing to say.
        sound = np.isfinite(low)
        return np.where(sound, total, high), np.where(sound, low, 0.0)


def _monic(x: Vector, centres: list[float], norms: list[float]) -> Vector:
    """Return the monic polynomial of degree ``len(centres)``."""
    *_, last = _recurrence(x, centres, norms)
    return last


def _recurrence(x: Vector, centres: Iterable[float], norms: Any) -> Iterator[Vector]:
    before, current = np.zeros_like(x), np.ones_like(x)
    yield current
    for k, centre in enumerate(centres):
        ratio = norms[k] / norms[k - 1] if k else 0.0
        before, current = current, (x - centre) * current - ratio * before
        yield current


class Sum:
    """A compensated sum (Neumaier, 1974) of block sums."""

    def __init__(self) -> None:
        self.high = self.low = 0.0

    def add(self, values: Vector) -> None:
        """Add the sum of some values."""
        part = float(np.sum(values))
        total = self.high + part
        big, small = (self.high, part) if abs(self.high) >= abs(part) else (part, self.high)
        self.low += (big - total) + small
        self.high = total

    @property
    def value(self) -> float:
        """The sum so far."""
        return self.high + self.low
