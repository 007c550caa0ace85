"""What the engine reads: batches of numeric rows from a source that may be read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.data.weights import KINDS
from gausswork.errors import InputError

FloatVector: TypeAlias = npt.NDArray[np.floating]
FloatMatrix: TypeAlias = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows, ready for arithmetic.

    Attributes
    ----------
    x : (m, p) array of float64 or float32 in any memory order, or p columns of shape (m,).
        Columns let a frame be read where it lies, without a copy.
    y : (m,) array of float64 or float32.
    weight : (m,) array of float64 or float32, at least 0; None where rows count alike. What it
        means is said by ``weighting`` of the source.
    low : what rounding took off some columns, (m,) each; whose is said by ``low_of`` of the source.
    place : where a pass that has come so far can go on; None where it cannot.
    """

    x: FloatMatrix | tuple[FloatVector, ...]
    y: FloatVector
    weight: FloatVector | None = None
    low: tuple[FloatVector, ...] = ()
    place: Place | None = None

    @property
    def words(self) -> FloatMatrix | tuple[FloatVector, ...]:
        """``x``, and the low words after it where there are any: what the kernels read."""
        if not self.low:
            return self.x
        columns = self.x if isinstance(self.x, tuple) else tuple(self.x.T)
        return (*columns, *self.low)

    def __len__(self) -> int:
        return int(self.y.shape[0])  # arrays of the standard have no length


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two rows of files, where a pass can go on.

    Attributes
    ----------
    mark : where reading begins again; see :data:`gausswork.data.tables.Mark`.
    skip : how many complete rows from there on have been taken already.
    read, dropped, missing : what the pass had counted when it came to the mark; see :class:`Tally`.
    rounded : for columns with integers that float64 has no room for, one of them.
    """

    mark: tuple[int, int, int]
    skip: int
    read: int
    dropped: int
    missing: Mapping[str, int]
    rounded: Mapping[str, int]


@dataclass(slots=True)
class Tally:
    """What the latest complete pass over a source has counted.

    Attributes
    ----------
    read : rows seen.
    dropped : rows left out because a used column had no value there.
    missing : for each column with gaps, in how many rows it had none.
    """

    read: int
    dropped: int
    missing: dict[str, int]


class Source(Protocol):
    """Rows of predictors and target.

    Every batch of one call to :meth:`batches` has exactly the number of rows asked for,
    except the last: fixed blocks make the sums the same to the last bit for any reader.

    A source whose batches have weights says so by one more attribute, ``weighting``, which is
    ``"analytic"`` or ``"frequency"``; see :func:`weighting_of`. One with low words says in
    ``low_of`` which predictor each belongs to, and in ``powers`` which are powers of one column.
    One whose rows lie on a device has their ``library``, and ``batches_there()`` yields them as
    arrays of it; :meth:`batches` brings them to the host.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the p predictors, in the order of the columns of ``Batch.x``."""
        ...

    @property
    def target(self) -> str:
        """Name of the target."""
        ...

    @property
    def replayable(self) -> bool:
        """Whether :meth:`batches` may be called more than once."""
        ...

    @property
    def tally(self) -> Tally:
        """Counts of the latest complete pass."""
        ...

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time."""
        ...


def weighting_of(source: Source) -> str | None:
    """Return the kind of the weights that a source gives its rows; None where it gives none."""
    kind = getattr(source, "weighting", None)
    if kind is not None and kind not in KINDS:
        raise InputError(
            f"weighting of a source must be 'analytic' or 'frequency', or None; got {kind!r}."
        )
    return kind
