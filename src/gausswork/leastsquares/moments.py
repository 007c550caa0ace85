"""Moments: the sums that a linear regression is made of, how they add up and how they merge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias, cast

import numpy as np

from gausswork import processors
from gausswork.data.sources import Batch, Source, weighting_of
from gausswork.data.weights import ANALYTIC, KINDS
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import Backend, default_backend
from gausswork.leastsquares.doubledouble import Array, DoubleDouble, Integers
from gausswork.leastsquares.kernels import Sums, columns_of
from gausswork.leastsquares.lows import with_lows
from gausswork.leastsquares.passes import block_sum
from gausswork.leastsquares.weights import (
    WeightSums,
    require_weight,
    weight_sums,
    weighted_error,
)

Progress: TypeAlias = Callable[[int], None]
# rows, the sums over their weights if they have any, the sums over the rows
_Part: TypeAlias = tuple[int, WeightSums | None, Sums]

# Scales stay well inside the exponent range, so that they and their squares exist in float64.
_EXPONENT_RANGE = (-1020, 960)
_SAMPLE_ROWS = 256
_THREADING_WORK = 3e7  # rows · q² below which starting threads costs more than it saves


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of z = [x, y] · 2^exponents − shift, over some rows.

    The shift is a cheap guess of the means: with it, offsets cost no digits. The exponents bring
    every column near one: with them, units cost none. Both are exact and can be changed later.

    Attributes
    ----------
    names : the p predictors; q = p + 1 columns with the target last.
    target : name of the target.
    rows : number of rows summed.
    exponents : (q,) binary exponents of the column scales.
    shift : (q,) taken off the scaled columns.
    first_high, first_low : (q,) sums of z in double-double.
    second_high, second_low : (q, q) sums of zzᵀ in double-double.
    error : relative error constant of ``second_*``: entry (j, k) is off by at most about
        ``error · ‖z_j‖ · ‖z_k‖``.
    weighting : ``"analytic"`` or ``"frequency"`` where the rows have weights, else None. All sums
        are then of weighted terms. ``rows`` counts rows of positive weight, or for frequencies
        the rows that they stand for.
    weight : Σw in double-double; None without weights.
    log_weights : Σ log w over the rows of positive analytic weight; 0.0 otherwise.
    least_weight : smallest positive analytic weight; 1.0 otherwise.
    """

    names: tuple[str, ...]
    target: str
    rows: int
    exponents: Integers
    shift: Array
    first_high: Array
    first_low: Array
    second_high: Array
    second_low: Array
    error: float
    weighting: str | None = None
    weight: tuple[float, float] | None = None
    log_weights: float = 0.0
    least_weight: float = 1.0

    @property
    def total_weight(self) -> tuple[float, float]:
        """Σw in double-double, the number of rows where they have no weights."""
        return self.weight or (float(self.rows), 0.0)

    @property
    def unevenness(self) -> float:
        """√(mean weight / smallest weight): how much more a light row may hold than it shows."""
        if self.weighting != ANALYTIC:
            return 1.0
        return math.sqrt(self.total_weight[0] / self.rows / self.least_weight)

    @property
    def first(self) -> DoubleDouble:
        """Sums of z."""
        return self.first_high, self.first_low

    @property
    def second(self) -> DoubleDouble:
        """Sums of zzᵀ."""
        return self.second_high, self.second_low

    @property
    def scale(self) -> Array:
        """The powers of two that the columns were multiplied by, (q,)."""
        return np.ldexp(1.0, self.exponents.astype(np.int32))

    @property
    def finite(self) -> bool:
        """Whether no NaN, infinity or overflow has got into the sums."""
        return bool(np.isfinite(self.second_high).all() and np.isfinite(self.first_high).all())

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of rows together, in the origin of the first.

        Raises
        ------
        InputError
            The two are of different columns.
        """
        return merge(self, other)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; the numbers keep every bit."""
        upper = np.triu_indices(len(self.shift))
        weights = None
        if self.weight is not None:
            sums = _packed(np.array([*self.weight, self.log_weights, self.least_weight]))
            weights = {"kind": self.weighting, "sums": sums}
        return {
            "names": list(self.names),
            "target": self.target,
            "rows": self.rows,
            "error": self.error,
            "exponents": [int(e) for e in self.exponents],
            "shift": _packed(self.shift),
            "first": [_packed(self.first_high), _packed(self.first_low)],
            "second": [_packed(self.second_high[upper]), _packed(self.second_low[upper])],
            "weights": weights,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Moments:
        """Rebuild moments written by :meth:`to_dict`.

        Raises
        ------
        ModelFileError
            The data is not what :meth:`to_dict` writes.
        """
        try:
            names = tuple(str(name) for name in data["names"])
            q = len(names) + 1
            exponents = np.array(data["exponents"], dtype=np.int64)
            rows, error = data["rows"], float(data["error"])
            if exponents.shape != (q,) or not isinstance(rows, int) or rows < 0:
                raise ValueError("sizes disagree")
            if not (0.0 < error < 1.0) or np.abs(exponents).max() > 1074:
                raise ValueError("numbers are out of range")
            first = [_unpacked(part, q) for part in data["first"]]
            second = [_symmetric(_unpacked(part, q * (q + 1) // 2), q) for part in data["second"]]
            return cls(
                names, str(data["target"]), rows, exponents, _unpacked(data["shift"], q),
                first[0], first[1], second[0], second[1], error, *_weights(data.get("weights")),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as problem:
            raise ModelFileError(
                f"the moments in this model cannot be read ({problem}). "
                "The file is damaged or was not written by gausswork; fit and save again."
            ) from problem


def _packed(values: Array) -> str:
    import base64

    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def _unpacked(text: str, size: int) -> Array:
    import base64

    raw = base64.b64decode(text, validate=True)
    if len(raw) != 8 * size:
        raise ValueError(f"{len(raw)} bytes where {8 * size} belong")
    values = np.frombuffer(raw, dtype="<f8").astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a number is not finite")
    return values


def _weights(data: Any) -> tuple[str | None, tuple[float, float] | None, float, float]:
    if data is None:
        return None, None, 0.0, 1.0
    kind, (high, low, logs, least) = data["kind"], _unpacked(data["sums"], 4).tolist()
    if kind not in KINDS or not 0.0 < least <= high:
        raise ValueError("the weights are not what they should be")
    return kind, (high, low), logs, least


def _symmetric(upper: Array, q: int) -> Array:
    matrix = np.zeros((q, q))
    matrix[np.triu_indices(q)] = upper
    return matrix + np.triu(matrix, 1).T


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the rows of both, in the origin of ``a``.

    The update of Chan, Golub & LeVeque (1983), in double-double and for any two origins.
    """
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
    b = _moved(b, a.exponents, a.shift)
    weight = None
    if a.weighting is not None:
        high, low = dd.add(a.total_weight, b.total_weight)
        weight = (float(high), float(low))
    first = dd.add(a.first, b.first)
    second = dd.add(a.second, b.second)
    return Moments(
        a.names, a.target, a.rows + b.rows, a.exponents, a.shift,
        first[0], first[1], second[0], second[1],
        max(a.error, b.error), a.weighting, weight, a.log_weights + b.log_weights,
        min(a.least_weight, b.least_weight),
    )  # fmt: skip


def _moved(m: Moments, exponents: Integers, shift: Array) -> Moments:
    """Return the same moments about another origin."""
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


def block_rows(predictors: int) -> int:
    """Return how many rows one partial sum covers: a function of p alone, for identical bits."""
    wanted = max(8192, min(65536, 2**23 // (predictors + 1)))
    return 1 << (wanted.bit_length() - 1)


def accumulate(
    source: Source,
    *,
    tier: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    exponents: Integers | None = None,
    backend: Backend | None = None,
    blocks: Iterator[Batch] | None = None,
) -> Moments:
    """Read a source once and return its moments.

    Blocks of fixed size are summed on their own and added in a fixed tree, so the result is the
    same to the last bit for any reader, any number of threads and any number of machines.

    Parameters
    ----------
    source : rows of p predictors and a target.
    tier : precision of the products: errors of about 2⁻⁵³, 2⁻⁷⁵ or 2⁻⁹⁷.
    threads : at most so many; ``None`` for one a core.
    progress : called with the number of rows done.
    exponents : (q,) scales to use instead of guessing them from the first rows.
    blocks : the rows of the source in blocks of :func:`block_rows`, where they are at hand.

    Raises
    ------
    InputError
        The source has no rows.
    """
    backend = with_lows(backend or default_backend(), getattr(source, "low_of", ()))
    p, kind = len(source.names), weighting_of(source)
    batches = source.batches(block_rows(p)) if blocks is None else blocks
    opening = next(batches, None)
    if opening is None or len(opening) == 0:
        raise InputError(
            f"the data has no usable rows ({source.tally.read} read, {source.tally.dropped} with "
            "missing values). Give at least one complete row."
        )
    with np.errstate(all="ignore"):  # NaN and overflow show in the sums and are explained there
        guessed, shift = _origin(opening, p, exponents)
        scale = np.ldexp(1.0, guessed.astype(np.int32))

        def summed(batch: Batch) -> _Part:
            with np.errstate(all="ignore"):
                weights = weight_sums(batch, kind)
                sums = backend.gram(batch.words, batch.y, scale, shift, tier, batch.weight)
                return len(batch), weights, sums

        def added(a: _Part, b: _Part) -> _Part:
            with np.errstate(all="ignore"):
                weights = a[1].add(b[1]) if a[1] is not None and b[1] is not None else None
                return a[0] + b[0], weights, backend.add_sums(a[2], b[2])

        rows, weights, total = block_sum(
            source, summed, added, blocks=chain((opening,), batches), rows=block_rows(p),
            workers=lambda m: workers_for(threads, backend, m * (p + 1) ** 2), progress=progress,
        )  # fmt: skip
    error, of_weights = backend.gram_error[tier], cast(tuple[Any, ...], ())
    if weights is not None:
        require_weight(weights)
        rows, error = weights.rows, weighted_error(error)
        of_weights = (kind, weights.total, weights.logs, weights.least)
    return Moments(
        source.names,
        source.target,
        rows,
        guessed,
        shift,
        total.first_high,
        total.first_low,
        total.second_high,
        total.second_low,
        error,
        *of_weights,
    )


def workers_for(threads: int | None, backend: Backend, work: float) -> int:
    """Return how many threads to use when a block costs ``work``; 1 means the caller's own."""
    if threads is not None and (not isinstance(threads, int | np.integer) or threads < 1):
        raise InputError(
            f"threads must be at least 1, and whole; got {threads!r}. Leave it out to use them all."
        )
    if not backend.releases_gil or work < _THREADING_WORK / 8:
        return 1
    return threads or processors.available()


def _origin(opening: Batch, p: int, exponents: Integers | None) -> tuple[Integers, Array]:
    """Guess scale and mean of each column from a strided sample of the first block."""
    stride = max(1, len(opening) // _SAMPLE_ROWS)
    sample = np.empty((len(range(0, len(opening), stride)), p + 1))
    sample[:, :p] = columns_of(opening.x, slice(0, None, stride))
    sample[:, p] = opening.y[::stride]
    finite = np.isfinite(sample)
    if not finite.all():
        sample = np.where(finite, sample, 0.0)
    if exponents is None:
        # Halves, so that the range of a column reaching from −1e308 to 1e308 still exists.
        low, high = 0.5 * sample.min(axis=0), 0.5 * sample.max(axis=0)
        spread = high - low
        size = np.where(spread > 0.0, spread, np.maximum(np.abs(low), np.abs(high)))
        exponents = np.clip(-np.frexp(size)[1].astype(np.int64), *_EXPONENT_RANGE)
    scaled = sample * np.ldexp(1.0, exponents.astype(np.int32))
    return exponents, scaled.mean(axis=0)
