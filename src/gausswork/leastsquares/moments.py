"""Moments: the sums that a linear regression is made of, how they add up and how they merge."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from gausswork import processors
from gausswork.data.forest import Forest
from gausswork.data.sources import Batch, Place, Source, weighting_of
from gausswork.data.weights import ANALYTIC, KINDS
from gausswork.errors import InputError, ModelFileError
from gausswork.leastsquares.backend import Backend, backend_for
from gausswork.leastsquares.doubledouble import Array, DoubleDouble, Integers
from gausswork.leastsquares.kernels import Sums, columns_of
from gausswork.leastsquares.lows import with_lows
from gausswork.leastsquares.merging import merge
from gausswork.leastsquares.passes import block_sum, blocks_of
from gausswork.leastsquares.weights import (
    WeightSums,
    require_weight,
    weight_sums,
    weighted_error,
)

if TYPE_CHECKING:
    from gausswork.leastsquares.checkpoint import Checkpoint

Progress: TypeAlias = Callable[[int], None]
# rows, the sums over their weights if they have any, the sums over the rows
_Part: TypeAlias = tuple[int, WeightSums | None, Sums]

# Scales stay well inside the exponent range, so that they and their squares exist in float64.
_EXPONENT_RANGE = (-1020, 960)
SAMPLE_ROWS = 256
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

    @classmethod
    def of(
        cls,
        data: Any,
        target: Any = None,
        *,
        features: str | Sequence[str] | None = None,
        weights: Any = None,
        frequencies: Any = None,
        missing: str = "drop",
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Moments:
        """Sum some rows, in one pass and to some fifteen digits beyond double precision.

        Columns of numbers only: categories and formulas are learned from data, and what is learned
        stays with a fit; see :meth:`gausswork.Fit.update`.

        Parameters
        ----------
        data, target, features, weights, frequencies, missing, threads : as of
            :func:`gausswork.fit`.
        progress : called with the rows done.

        Raises
        ------
        InputError
            An argument or the data cannot be used; the message says what to do.

        Examples
        --------
        >>> import gausswork as gw
        >>> monday = gw.Moments.of({"x": [1, 2, 3], "y": [2, 4, 6]}, "y")
        >>> tuesday = gw.Moments.of({"x": [4, 5], "y": [8, 11]}, "y")
        >>> week = monday.merge(tuesday)
        >>> week.rows, [round(float(c), 10) for c in gw.fit(week).coefficients]
        (5, [-0.4, 2.2])
        """
        from gausswork.leastsquares import increments

        return increments.moments_of(
            data, target, features=features, weights=weights, frequencies=frequencies,
            missing=missing, threads=threads, progress=progress,
        )  # fmt: skip

    def update(
        self,
        data: Any,
        target: Any = None,
        *,
        weights: Any = None,
        frequencies: Any = None,
        missing: str = "drop",
        threads: int | None = None,
    ) -> Moments:
        """Return the moments of these rows and further ones, read by the names of the columns.

        Parameters
        ----------
        data : further rows in any form that :func:`gausswork.fit` takes, or moments of them.
        target : the (n,) values of the target where ``data`` is an array of predictors.
        weights, frequencies : of the further rows; needed where these have some.
        missing, threads : as of :func:`gausswork.fit`.

        Raises
        ------
        InputError
            A column is missing or holds no numbers, or the weights are of another kind.
        """
        from gausswork.leastsquares import increments

        return increments.updated(
            self, data, target, weights=weights, frequencies=frequencies, missing=missing,
            threads=threads,
        )  # fmt: skip

    def merge(self, *others: Moments) -> Moments:
        """Return the moments of all these sets of rows together.

        Any grouping and any order give the same sums to the last bits of double-double. The origin
        stays the first one's while that costs no digits.

        Raises
        ------
        InputError
            They are of different columns, or of different kinds of weights.
        """
        total = self
        for other in others:
            if not isinstance(other, Moments):
                raise InputError(
                    f"only moments merge with moments; got {type(other).__name__}. "
                    "Rows are added with update(), the moments of a fit are fit.moments."
                )
            total = merge(total, other)
        return total

    def using(
        self, features: str | Sequence[str] | None = None, *, target: str | None = None
    ) -> Moments:
        """Return the moments of some of the columns; any of them can be the target.

        Parameters
        ----------
        features : names of the predictors, as a sequence or ``"a,b"``; by default all columns but
            the target.
        target : the column to explain; by default the present target.

        Raises
        ------
        InputError
            A column is not among these.
        """
        from gausswork.leastsquares import subsets

        return subsets.moments_using(self, features, target)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the moments as JSON; see :meth:`load`. The file is complete or not there.

        An older file of moments is replaced, any other file is left alone.
        """
        from gausswork.leastsquares import documents

        documents.save_moments(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Moments:
        """Read moments that :meth:`save` wrote, every bit of them. Nothing in the file is run.

        Raises
        ------
        ModelFileError
            The file is not complete, consistent moments; the message says what is wrong with it.
        """
        from gausswork.leastsquares import documents

        return documents.load_moments(path)

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
            names, target = data["names"], data["target"]
            if not isinstance(names, list) or not all(isinstance(n, str) for n in [*names, target]):
                raise ValueError("the columns are not named by texts")
            q = len(names) + 1
            listed, rows, error = data["exponents"], data["rows"], data["error"]
            if not isinstance(listed, list) or any(type(e) is not int for e in [*listed, rows]):
                raise ValueError("a count is not a whole number")
            if len(listed) != q or not 0 <= rows < 2**63:
                raise ValueError("sizes disagree")
            if type(error) is not float or not 0.0 < error < 1.0:
                raise ValueError("the error constant is out of range")
            if any(abs(exponent) > 1074 for exponent in listed):
                raise ValueError("numbers are out of range")
            exponents = np.array(listed, dtype=np.int64)
            first = [_unpacked(part, q) for part in data["first"]]
            second = [_symmetric(_unpacked(part, q * (q + 1) // 2), q) for part in data["second"]]
            return cls(
                tuple(names), target, rows, exponents, _unpacked(data["shift"], q),
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
    checkpoint: Checkpoint | None = None,
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
    checkpoint : keeps how far the pass has come, and says where it goes on.

    Raises
    ------
    InputError
        The source has no rows.
    """
    backend = with_lows(backend or backend_for(source), getattr(source, "low_of", ()))
    p, kind = len(source.names), weighting_of(source)
    saved = None if checkpoint is None else checkpoint.take()
    if saved is not None:
        batches = cast(Any, source).batches_from(saved.place, block_rows(p))
        guessed, shift = saved.exponents, saved.shift
    else:
        batches = blocks_of(source, block_rows(p)) if blocks is None else blocks
        opening = next(batches, None)
        if opening is None or len(opening) == 0:
            raise InputError(
                f"the data has no usable rows ({source.tally.read} read, {source.tally.dropped} "
                "with missing values). Give at least one complete row."
            )
        batches = chain((opening,), batches)
        with np.errstate(all="ignore"):
            guessed, shift = (backend.origin or guessed_origin)(opening, p, exponents)
    with np.errstate(all="ignore"):  # NaN and overflow show in the sums and are explained there
        scale = np.ldexp(1.0, guessed.astype(np.int32))

        def summed(batch: Batch) -> _Part:
            with np.errstate(all="ignore"):
                weights = (backend.weight_sums or weight_sums)(batch, kind)
                sums = backend.gram(batch.words, batch.y, scale, shift, tier, batch.weight)
                return len(batch), weights, sums

        def added(a: _Part, b: _Part) -> _Part:
            with np.errstate(all="ignore"):
                weights = a[1].add(b[1]) if a[1] is not None and b[1] is not None else None
                return a[0] + b[0], weights, backend.add_sums(a[2], b[2])

        begun = None if saved is None else Forest(added, 0, saved.blocks, saved.nodes)
        with _kept(checkpoint, tier, exponents, guessed, shift) as note:
            rows, weights, total = block_sum(
                source, summed, added, blocks=batches, rows=block_rows(p),
                workers=lambda m: workers_for(threads, backend, m * (p + 1) ** 2),
                progress=progress, begun=begun, done=saved.rows if saved else 0, note=note,
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


@contextlib.contextmanager
def _kept(
    checkpoint: Checkpoint | None,
    tier: int,
    asked: Integers | None,
    exponents: Integers,
    shift: Array,
) -> Iterator[Callable[[Forest[_Part], int, Place | None], None] | None]:
    """Give a callback by which a checkpoint learns of each block, and of an untimely end."""
    if checkpoint is None:
        yield None
        return
    checkpoint.begin(tier, asked, exponents, shift)
    try:
        yield lambda forest, rows, place: checkpoint.note(forest.nodes, forest.stop, rows, place)
    except BaseException as stop:
        checkpoint.interrupted(stop)
        raise
    checkpoint.summed()


def workers_for(threads: int | None, backend: Backend, work: float) -> int:
    """Return how many threads to use when a block costs ``work``; 1 means the caller's own."""
    if threads is not None and (not isinstance(threads, int | np.integer) or threads < 1):
        raise InputError(
            f"threads must be at least 1, and whole; got {threads!r}. Leave it out to use them all."
        )
    if not backend.releases_gil or work < _THREADING_WORK / 8:
        return 1
    return threads or processors.available()


def guessed_origin(opening: Batch, p: int, exponents: Integers | None) -> tuple[Integers, Array]:
    """Guess scale and mean of each column from a strided sample of the first block."""
    stride = max(1, len(opening) // SAMPLE_ROWS)
    sample = np.empty((len(range(0, len(opening), stride)), p + 1))
    sample[:, :p] = columns_of(opening.x, slice(0, None, stride))
    sample[:, p] = opening.y[::stride]
    finite = np.isfinite(sample)
    if not finite.all():
        sample = np.where(finite, sample, 0.0)
    if exponents is None:
        # Halves, so that the range of a column reaching from −1e308 to 1e308 still exists.
        exponents = exponents_for(0.5 * sample.min(axis=0), 0.5 * sample.max(axis=0))
    scaled = sample * np.ldexp(1.0, exponents.astype(np.int32))
    return exponents, scaled.mean(axis=0)


def exponents_for(low: Array, high: Array) -> Integers:
    """Return the exponents that bring columns near one, from halves of their ends, (q,) each."""
    spread = high - low
    size = np.where(spread > 0.0, spread, np.maximum(np.abs(low), np.abs(high)))
    return np.clip(-np.frexp(size)[1].astype(np.int64), *_EXPONENT_RANGE)
