"""What a worker does with one partition: check it, leave out rows with gaps, hand out slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import ArraySource, find_gaps, run
from gausswork.data.encode import (
    Compact,
    batch_of,
    complete_rows,
    designed,
    integer_beyond,
    joined,
    table_kind,
)
from gausswork.data.frames import FrameTable, check_same_index, frame_table
from gausswork.data.kinds import Field, Kind
from gausswork.data.matrices import as_matrix, as_vector
from gausswork.data.recipe import CATEGORY, Predictor, Recipe
from gausswork.data.sources import Batch, Tally
from gausswork.data.tables import Column, Portion, Table, floats_of_array
from gausswork.data.weights import check_weights
from gausswork.errors import ClusterError, InputError

Rows: TypeAlias = "list[Any]"  # runs of values side by side, a matrix perhaps among them


@dataclass(frozen=True, slots=True)
class Count:
    """What a worker has found in one partition.

    Attributes
    ----------
    read : its rows.
    kept : those with a value in every column used.
    missing : for each column with gaps in how many rows it had none.
    dropped : numbers of the rows left out, counted from 0 within the partition.
    rounded : for columns with integers beyond float64 one of those.
    size : bytes of what is kept.
    processor : the instruction set of the worker, on which the last bits of a sum depend.
    """

    read: int
    kept: int
    missing: Mapping[str, int] = field(default_factory=dict)
    dropped: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    rounded: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    processor: str = ""


class Piece(NamedTuple):
    """The rows of a partition that are used, on the worker that has read it.

    Attributes
    ----------
    columns : runs of values.
    number : of the partition.
    left_out : numbers of the rows left out, ascending.
    """

    columns: Rows
    number: int
    left_out: npt.NDArray[np.intp]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.columns[-1])


class Reader(Protocol):
    """How a partition becomes rows. It travels to the workers, so it is small."""

    @property
    def width(self) -> int:
        """How many predictors there are."""
        ...

    def load(self, raw: Any, number: int) -> tuple[Piece, Count]:
        """Read and check partition ``number``."""
        ...

    def rows_of(self, piece: Piece, start: int, stop: int) -> Rows:
        """Return some of the rows that are used."""
        ...

    def batch(self, rows: Rows) -> Batch:
        """Make rows ready for arithmetic."""
        ...


@dataclass(frozen=True, slots=True)
class FrameReader:
    """Partitions that are frames, read by a recipe.

    Attributes
    ----------
    recipe : how columns become predictors.
    missing : ``"drop"`` or ``"error"``.
    whole : what the partitions are part of, for messages.
    fields : what the columns hold, where that was judged by all partitions together; None where
        each tells it by itself.
    """

    recipe: Recipe
    missing: str
    whole: str
    fields: Mapping[str, Field] | None = None

    @property
    def width(self) -> int:
        """How many predictors there are."""
        return len(self.recipe.names)

    def load(self, raw: Any, number: int) -> tuple[Piece, Count]:
        """Read and check partition ``number``: a frame, or what opens one."""
        recipe = self.recipe
        table = open_part(raw, number, self.whole)
        columns = self._columns()
        names = {column.name for column in columns}
        if recipe.weights is not None:
            names.add(recipe.weights.name)
        if table.rows == 0:
            return Piece(self._nothing(columns), number, np.empty(0, np.intp)), Count(0, 0)
        require_names(table, sorted(names), number, self.whole)
        if self.fields is None:
            self._require_kinds(table, columns, number)
        else:
            table = cast(Table, _Judged(table, self.fields))
        tally, rounded = Tally(0, 0, {}), dict[str, int]()
        dropped: list[npt.NDArray[np.intp]] = []
        pieces = [
            piece
            for piece, _ in complete_rows(
                whole_at_once(table, place_in(number, self.whole)), columns, self.missing,
                recipe.weights, tally, rounded, dropped,
            )
        ]  # fmt: skip
        rows = joined(pieces) if pieces else self._nothing(columns)
        left_out = np.concatenate([np.empty(0, dtype=np.intp), *dropped])
        size = sum(values.nbytes for values in rows)
        count = Count(
            tally.read, tally.read - tally.dropped, tally.missing, left_out, rounded, size
        )
        return Piece(list(rows), number, left_out), count

    def rows_of(self, piece: Piece, start: int, stop: int) -> Rows:
        """Return some rows: as they are, or what the formula makes of them."""
        rows = [values[start:stop] for values in piece.columns]
        if self.recipe.formula is None:
            return rows
        place = place_in(piece.number, self.whole)
        before = piece.left_out - np.arange(len(piece.left_out))

        def where(row: int) -> str:
            kept = start + row
            return place(kept + int(np.searchsorted(before, kept, side="right")))

        return list(designed(rows, where, self._columns(), self.recipe.formula))

    def batch(self, rows: Rows) -> Batch:
        """Make rows ready for arithmetic."""
        return batch_of(_aligned(rows), self.recipe)

    def _columns(self) -> tuple[Predictor, ...]:
        return (*self.recipe.columns, *map(Predictor, self.recipe.target_columns))

    def _nothing(self, columns: Sequence[Predictor]) -> list[Compact]:
        kinds: list[Any] = [
            np.int32 if column.kind == CATEGORY else np.float64 for column in columns
        ]
        none: list[Any] = [np.empty(0, dtype=kind) for kind in kinds]
        return none if self.recipe.weights is None else [*none, np.empty(0)]

    def _require_kinds(self, table: Table, columns: Sequence[Predictor], number: int) -> None:
        """Refuse a partition in which a column holds something else than in the others."""
        fields = table.fields([column.name for column in columns])
        for column in columns:
            here = fields[column.name]
            wanted = table_kind(column)
            if here.kind is Kind.UNUSABLE or (wanted is not Kind.TEXT and here.kind is Kind.TEXT):
                used = "categories" if wanted is Kind.TEXT else "numbers"
                raise ClusterError(
                    f"column {column.name!r} holds {here.holds or 'text'} in "
                    f"{named(number, self.whole)}, and {used} in the others. Make the partitions "
                    f"agree before the fit{', or leave the column out' if column.name else ''}."
                )
            if wanted is Kind.TEXT and here.kind is Kind.NUMBER:
                raise ClusterError(
                    f"column {column.name!r} holds numbers in {named(number, self.whole)}, and "
                    "text in the others. Make the partitions agree before the fit."
                )


@dataclass(frozen=True, slots=True)
class ArrayReader:
    """Partitions that are blocks of arrays: predictors, target, perhaps weights.

    Attributes
    ----------
    names : of the p predictors.
    target : its name.
    missing : ``"drop"`` or ``"error"``.
    whole : what the blocks are part of, for messages.
    starts : where each block begins, if that is known, to count rows from there.
    weighting : what the weights mean; None without weights.
    """

    names: tuple[str, ...]
    target: str
    missing: str
    whole: str
    starts: tuple[int, ...] | None = None
    weighting: str | None = None

    @property
    def width(self) -> int:
        """How many predictors there are."""
        return len(self.names)

    def load(self, raw: Any, number: int) -> tuple[Piece, Count]:
        """Read and check block ``number``: a tuple (X, y) or (X, y, weights)."""
        x = as_matrix(raw[0], allow_empty=True)
        if x.shape[1] != len(self.names):
            raise ClusterError(
                f"{named(number, self.whole)} has {x.shape[1]} columns and the first one "
                f"{len(self.names)}. Make the partitions agree before the fit."
            )
        vectors = []
        for name, values in zip(("y", "the weights"), raw[1:], strict=False):
            if len(values) != len(x):
                raise ClusterError(
                    f"{named(number, self.whole)} has {len(x)} rows in X and {len(values)} in "
                    f"{name}. Give both the same chunks, as y.rechunk(X.chunks[0]) does."
                )
            vectors.append(as_vector(values, rows=len(x), shape=x.shape, name=name))
        start = 0 if self.starts is None else self.starts[number]
        place = place_in(number, self.whole)

        def where(row: int) -> str:
            return place(row) if self.starts is None else f"row {start + row} (counted from 0)"

        source = ArraySource(x, vectors[0], self.names, self.target)
        if self.weighting is not None:
            check_weights(floats_of_array(vectors[1]), self.weighting, where=where)
        rounded = {}
        for name, values in (*zip(self.names, x.T, strict=True), (self.target, vectors[0])):
            beyond = integer_beyond(values)
            if beyond is not None:
                rounded[name] = beyond
        left_out, counts = find_gaps(source, self.missing, where)
        rows: Rows = [floats_of_array(values) for values in (x, *vectors)]
        if len(left_out):
            keep = np.ones(len(x), dtype=np.bool_)
            keep[left_out] = False
            rows = [values[keep] for values in rows]
        size = sum(values.nbytes for values in rows)
        count = Count(len(x), len(x) - len(left_out), counts, left_out, rounded, size)
        return Piece(rows, number, left_out), count

    def rows_of(self, piece: Piece, start: int, stop: int) -> Rows:
        """Return some rows."""
        return [values[start:stop] for values in piece.columns]

    def batch(self, rows: Rows) -> Batch:
        """Make rows ready for arithmetic."""
        x, y, *weight = _aligned(rows)
        return Batch(x, y, weight[0] if weight else None)


def _aligned(rows: Rows) -> Rows:
    """Copy what lies across the boundaries of words, as arrays do that came through a socket."""
    return [values if values.flags.aligned else values.copy() for values in rows]


class Beside(NamedTuple):
    """A frame, and columns that lie beside it.

    Attributes
    ----------
    frame : the partition of the frame.
    columns : name and partition of each further column.
    """

    frame: Any
    columns: Mapping[str, Any]


def open_part(raw: Any, number: int, whole: str) -> Table:
    """Open a partition as a table: a frame of any library, or what opens one by itself."""
    if isinstance(raw, Beside):
        table: Any = open_part(raw.frame, number, whole)
        for name, values in raw.columns.items():
            from gausswork.data.columns import series_column

            check_same_index(raw.frame, values, ("X", name))
            try:
                table = table.with_column(name, series_column(values, place=f"column {name!r}"))
            except InputError as error:
                raise ClusterError(f"{named(number, whole)}: {error}") from None
        return table  # type: ignore[no-any-return]
    if hasattr(raw, "open_here"):
        return raw.open_here(number)  # type: ignore[no-any-return]
    found = frame_table(raw)
    if found is None:
        raise ClusterError(
            f"{named(number, whole)} is {_kind_of(raw)}, not a table with named columns. Let every "
            "partition be a pandas, polars or Arrow table, or a dict of columns."
        )
    return found


def _kind_of(raw: Any) -> str:
    kind = type(raw)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def require_names(table: Table, names: Sequence[str], number: int, whole: str) -> None:
    """Refuse a partition that lacks columns."""
    lacking = [name for name in names if name not in table.names]
    if lacking:
        from gausswork.data.kinds import listed

        raise ClusterError(
            f"{named(number, whole)} has no column {listed(lacking)}; it has "
            f"{listed(table.names)}. All partitions must have the columns used."
        )


def named(number: int, whole: str) -> str:
    """Name a partition."""
    return f"partition {number} (counted from 0) of the {whole}"


def place_in(number: int, whole: str) -> Callable[[int], str]:
    """Places in a partition."""
    return lambda row: f"row {row} (counted from 0) of partition {number} of the {whole}"


def whole_at_once(table: Table, where: Callable[[int], str]) -> Table:
    """Return a table in memory as one portion; others give theirs, and know their places."""
    return _Whole(table, where) if isinstance(table, FrameTable) else table


class _Whole:
    """A table in memory that is read as one portion."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings = ()
    hint = ""

    def __init__(self, table: FrameTable, where: Callable[[int], str]) -> None:
        self._table = table
        self._where = where
        self.description = table.description
        self.names = table.names
        self.rows: int | None = table.rows

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        return self._table.fields(names)

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        rows = self._table.rows
        columns: list[Column] = [run(self._table.column(name), 0, rows) for name in kinds]
        yield Portion(columns, rows, self._where)


class _Judged:
    """A table whose columns hold what somebody else says."""

    def __init__(self, table: Table, fields: Mapping[str, Field]) -> None:
        self._table = table
        self._given = fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        return {name: self._given[name] for name in names}
