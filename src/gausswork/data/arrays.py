"""Plain numbers in memory: arrays and columns, read where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gausswork.data.sources import Batch, FloatMatrix, FloatVector, Tally
from gausswork.data.tables import Column, Table, as_floats, floats_of_array, row_from_zero
from gausswork.data.weights import check_weights
from gausswork.errors import InputError

MISSING_CHOICES = ("drop", "error")

_SCAN_ELEMENTS = 1 << 20  # a scan for gaps looks at about 8 MB at a time


class ArraySource:
    """A matrix of predictors and a vector for the target, both in memory.

    Attributes
    ----------
    x : (n, p) array of any numeric dtype and memory order.
    y : (n,) array of any numeric dtype.
    names : names of the p columns.
    target : name of y.
    rows : n.
    missing : ``"drop"`` or ``"error"``: what :meth:`without_missing` does by default.
    weight : (n,) weights of the rows, or None.
    weighting : what they mean, ``"analytic"`` or ``"frequency"``; None without weights.
    """

    __slots__ = ("missing", "names", "rows", "tally", "target", "weight", "weighting", "x", "y")

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(
        self,
        x: npt.NDArray[Any],
        y: npt.NDArray[Any],
        names: tuple[str, ...],
        target: str,
        missing: str = "drop",
        weight: npt.NDArray[Any] | None = None,
        weighting: str | None = None,
    ) -> None:
        self.x = x
        self.y = y
        self.names = names
        self.target = target
        self.missing = missing
        self.weight = weight
        self.weighting = weighting if weight is not None else None
        self.rows = len(y)
        self.tally = Tally(read=0, dropped=0, missing={})

    def block(self, start: int, stop: int) -> Batch:
        """Rows ``start`` to ``stop``: views where the data is float64 or float32."""
        x, y = floats_of_array(self.x[start:stop]), floats_of_array(self.y[start:stop])
        if self.weight is None:
            return Batch(x, y)
        return Batch(x, y, floats_of_array(self.weight[start:stop]))

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time. Values are not looked at."""
        yield from _blocks(self, rows)

    def without_missing(self, *, missing: str | None = None) -> KeptRows:
        """Look at every value: drop or refuse rows with NaN, refuse infinities."""
        return KeptRows(self, missing or self.missing)


class ColumnsSource:
    """Columns of plain numbers in memory, such as those of a data frame.

    Attributes
    ----------
    columns : p runs of n values, ``numpy.ndarray`` or ``pyarrow.ChunkedArray`` without nulls.
    y : one such run for the target.
    weight : one such run, or None.
    table : where the columns come from, with all others that it has; None where unknown.
    names, target, rows, missing, weighting : as in :class:`ArraySource`.
    """

    __slots__ = (
        "columns", "missing", "names", "rows", "table", "tally", "target", "weight", "weighting",
        "y",
    )  # fmt: skip

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(
        self,
        columns: Sequence[Column],
        y: Column,
        names: tuple[str, ...],
        target: str,
        missing: str = "drop",
        weight: Column | None = None,
        weighting: str | None = None,
        table: Table | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.table = table
        self.y = y
        self.names = names
        self.target = target
        self.missing = missing
        self.weight = weight
        self.weighting = weighting if weight is not None else None
        self.rows = len(y)
        self.tally = Tally(read=0, dropped=0, missing={})

    def block(self, start: int, stop: int) -> Batch:
        """Rows ``start`` to ``stop``: views where a column is float64 or float32 in one piece."""
        x = tuple(as_floats(run(column, start, stop)) for column in self.columns)
        y = as_floats(run(self.y, start, stop))
        weight = None if self.weight is None else as_floats(run(self.weight, start, stop))
        return Batch(x or np.empty((len(y), 0)), y, weight)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all rows in order, ``rows`` at a time. Values are not looked at."""
        yield from _blocks(self, rows)

    def without_missing(self, *, missing: str | None = None) -> KeptRows:
        """Look at every value: drop or refuse rows with NaN, refuse infinities."""
        return KeptRows(self, missing or self.missing)


class InMemory(Protocol):
    """What :class:`KeptRows` needs of the source that it thins out."""

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def target(self) -> str: ...  # noqa: D102

    @property
    def rows(self) -> int: ...  # noqa: D102

    @property
    def weighting(self) -> str | None: ...  # noqa: D102

    def block(self, start: int, stop: int) -> Batch: ...  # noqa: D102


class KeptRows:
    """The rows of an in-memory source that have a finite value in every column.

    The gaps are found once, when this is made; a pass copies only the batches that have one.
    """

    __slots__ = ("_base", "_dropped", "_offsets", "names", "rows", "tally", "target", "weighting")

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None

    def __init__(self, base: InMemory, missing: str) -> None:
        check_missing(missing)
        self._base = base
        self.names = base.names
        self.target = base.target
        self.weighting = base.weighting
        self._dropped, counts = find_gaps(base, missing)
        # kept row k lies at k + (dropped rows before it); see _position
        self._offsets = self._dropped - np.arange(len(self._dropped))
        self.rows = base.rows - len(self._dropped)
        self.tally = Tally(read=base.rows, dropped=len(self._dropped), missing=counts)
        if self.rows == 0:
            raise nothing_left(self.tally)

    @property
    def table(self) -> Table | None:
        """Where the rows come from, with all columns that it has; None where unknown."""
        return getattr(self._base, "table", None)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield the kept rows in order, ``rows`` at a time."""
        check_rows(rows)
        for start in range(0, self.rows, rows):
            first = self._position(start)
            last = self._position(min(start + rows, self.rows) - 1)
            batch = self._base.block(first, last + 1)
            gaps = self._dropped[np.searchsorted(self._dropped, first) :]
            gaps = gaps[: np.searchsorted(gaps, last)] - first
            yield _leave_out(batch, gaps) if len(gaps) else batch

    @property
    def dropped_rows(self) -> npt.NDArray[np.intp]:
        """Numbers of the rows with a gap, ascending, counted from 0."""
        return self._dropped

    def without_missing(self, *, missing: str | None = None) -> KeptRows:
        """Return itself: there is nothing left to drop."""
        return self

    def _position(self, kept: int) -> int:
        return kept + int(np.searchsorted(self._offsets, kept, side="right"))


def run(column: Column, start: int, stop: int) -> Column:
    """Values ``start`` to ``stop`` of a column, a view where they lie in one piece."""
    if isinstance(column, np.ndarray):
        return column[start:stop]
    import pyarrow as pa

    piece = column.slice(start, stop - start)
    if isinstance(piece, pa.ChunkedArray):
        return piece.chunk(0) if piece.num_chunks == 1 else piece.combine_chunks()
    return piece


def check_missing(missing: str) -> None:
    """Refuse a policy for missing values that does not exist."""
    if missing not in MISSING_CHOICES:
        raise InputError(
            f"missing must be 'drop' (leave out rows with a gap, counted) or 'error' "
            f"(refuse them); got {missing!r}"
        )


def check_column(weight: Column, kind: str, *, name: str | None = None) -> None:
    """Refuse a column in memory that cannot be weights; see :func:`check_weights`."""
    for start in range(0, len(weight), _SCAN_ELEMENTS):
        values = as_floats(run(weight, start, start + _SCAN_ELEMENTS))
        check_weights(values, kind, name=name, where=row_from_zero(start))


def check_rows(rows: int) -> None:
    """Refuse a batch size that is not a positive number of rows."""
    if rows < 1:
        raise InputError(f"batches(rows) must ask for at least one row; got {rows}")


def infinite_value(column: str, value: float, place: str) -> InputError:
    """Build the error for a value that is not finite and not a gap."""
    return InputError(
        f"column {column!r} is {value} at {place}; a least squares fit needs finite numbers. "
        "Correct the value, or make it NaN to have the row left out."
    )


def missing_value(column: str, place: str) -> InputError:
    """Build the error for a gap where gaps are refused."""
    return InputError(
        f"column {column!r} has no value at {place}, and missing='error' refuses gaps. "
        "Fill it in, or use missing='drop' to leave such rows out."
    )


def nothing_left(tally: Tally) -> InputError:
    """Build the error for data of which no row can be used."""
    if tally.read == 0:
        return InputError("the data has no rows, so there is nothing to fit.")
    worst = max(tally.missing, key=lambda name: tally.missing[name])
    return InputError(
        f"none of the {tally.read} rows has a value in every used column; {worst!r} alone "
        f"has none in {tally.missing[worst]} rows. Fill its gaps, or do without that column."
    )


def _blocks(source: ArraySource | ColumnsSource, rows: int) -> Iterator[Batch]:
    check_rows(rows)
    for start in range(0, source.rows, rows):
        yield source.block(start, min(start + rows, source.rows))
    source.tally = Tally(read=source.rows, dropped=0, missing={})


def _leave_out(batch: Batch, gaps: npt.NDArray[np.intp]) -> Batch:
    keep = np.ones(len(batch), dtype=bool)
    keep[gaps] = False
    weight = None if batch.weight is None else batch.weight[keep]
    if isinstance(batch.x, tuple):
        return Batch(tuple(column[keep] for column in batch.x), batch.y[keep], weight)
    return Batch(batch.x[keep], batch.y[keep], weight)


def find_gaps(
    base: InMemory, missing: str, where: Callable[[int], str] | None = None
) -> tuple[npt.NDArray[np.intp], dict[str, int]]:
    """Return the numbers of the rows with NaN, and how many of them per column.

    Parameters
    ----------
    base : the rows.
    missing : ``"drop"`` or ``"error"``.
    where : the place of a row, for messages; by default its number.
    """
    where = where or row_from_zero(0)
    names = (*base.names, base.target)
    counts = np.zeros(len(names), dtype=np.int64)
    dropped: list[npt.NDArray[np.intp]] = []
    step = max(1, _SCAN_ELEMENTS // len(names))
    for start in range(0, base.rows, step):
        batch = base.block(start, min(start + step, base.rows))
        suspects = _rows_not_finite(batch.x, batch.y)
        if not len(suspects):
            continue
        values = _rows_of(batch, suspects)  # (suspects, p + 1)
        nan = np.isnan(values)
        wrong = np.isinf(values) if missing == "drop" else ~np.isfinite(values)
        if wrong.any():
            row, column = (int(first) for first in np.argwhere(wrong)[0])
            place = where(start + int(suspects[row]))
            if nan[row, column]:
                raise missing_value(names[column], place)
            raise infinite_value(names[column], float(values[row, column]), place)
        counts += nan.sum(axis=0)
        dropped.append(suspects + start)
    rows = np.concatenate(dropped) if dropped else np.empty(0, dtype=np.intp)
    return rows, {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _rows_not_finite(
    x: FloatMatrix | tuple[FloatVector, ...], y: FloatVector
) -> npt.NDArray[np.intp]:
    bad = ~np.isfinite(y)
    if isinstance(x, tuple):
        for column in x:
            bad |= ~np.isfinite(column)
    else:
        finite = np.isfinite(x)
        if not finite.all():  # seldom; of each row it is asked far more slowly
            bad |= ~finite.all(axis=1)
    return np.flatnonzero(bad)


def _rows_of(batch: Batch, rows: npt.NDArray[np.intp]) -> FloatMatrix:
    if isinstance(batch.x, tuple):
        return np.column_stack([column[rows] for column in (*batch.x, batch.y)])
    return np.column_stack([batch.x[rows], batch.y[rows]])
