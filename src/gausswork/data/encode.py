"""From portions of a table to batches of numbers: coding, gaps, blocks of exact length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import (
    check_missing,
    check_rows,
    infinite_value,
    missing_value,
    nothing_left,
)
from gausswork.data.kinds import Kind, listed
from gausswork.data.places import Way, without_first
from gausswork.data.recipe import CATEGORY, FLAG, Predictor, Recipe
from gausswork.data.sources import Batch, FloatVector, Place, Tally
from gausswork.data.tables import (
    EXACT_INTEGERS,
    PORTION_ROWS,
    Column,
    Portion,
    Table,
    as_floats,
    values_of,
)
from gausswork.data.weights import Weights, check_weights
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity

if TYPE_CHECKING:
    from gausswork.data.formulas.model import FormulaDesign

# A column between reading and arithmetic: floats with NaN for gaps, or int32 level
# numbers with -1 for gaps. Levels become 0/1 columns only when a batch leaves.
Compact: TypeAlias = npt.NDArray[np.floating] | npt.NDArray[np.int32]


class EncodedSource:
    """A table read through a recipe: categories coded, rows with gaps dropped or refused.

    Attributes
    ----------
    table : where the rows come from.
    recipe : how its columns become predictors.
    missing : ``"drop"`` or ``"error"``.
    names, target, replayable, tally : as in :class:`~gausswork.data.sources.Source`.
    rows : how many rows the table has, gaps included; None where only reading can tell.
    bytes_total, bytes_done : size of the files, and how far the running pass has come.
    findings : what the latest pass has noticed, such as integers that had to be rounded.
    """

    def __init__(self, table: Table, recipe: Recipe, missing: str = "drop") -> None:
        check_missing(missing)
        self.table = table
        self.recipe = recipe
        self.missing = missing
        self.names = recipe.names
        self.target = recipe.target
        self.weighting = recipe.weights.kind if recipe.weights else None
        self.low_of, self.powers = (
            ((), ()) if recipe.formula is None else (recipe.formula.low_of, recipe.formula.powers)
        )
        self.tally = Tally(read=0, dropped=0, missing={})
        self.findings: tuple[Finding, ...] = ()
        self._dropped: list[npt.NDArray[np.intp]] = []

    @property
    def dropped_rows(self) -> npt.NDArray[np.intp]:
        """Numbers of the rows with a gap that the latest pass has met so far, from 0."""
        return np.concatenate([np.empty(0, dtype=np.intp), *self._dropped])

    @property
    def replayable(self) -> bool:
        """Whether :meth:`batches` may be called more than once."""
        return self.table.replayable

    @property
    def rows(self) -> int | None:
        """Rows of the table, those with gaps included, or None."""
        return self.table.rows

    @property
    def bytes_total(self) -> int | None:
        """Size of the files read, or None in memory."""
        return self.table.bytes_total

    @property
    def bytes_done(self) -> int | None:
        """How many of those bytes the running pass has read."""
        return self.table.bytes_done

    def apart(self) -> EncodedSource:
        """Return the same rows for a pass beside others, which keeps counts of its own."""
        return copy(self)

    def without_missing(self, *, missing: str | None = None) -> EncodedSource:
        """Return a source that has no gaps: itself, unless the policy changes."""
        if missing is None or missing == self.missing:
            return self
        return EncodedSource(self.table, self.recipe, missing)

    @property
    def resumable(self) -> bool:
        """Whether a pass can go on from the place of a batch, by :meth:`batches_from`."""
        return hasattr(type(self.table), "identity")

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all complete rows in order, ``rows`` at a time."""
        return self.batches_from(None, rows)

    def batches_from(self, place: Place | None, rows: int) -> Iterator[Batch]:
        """Yield the complete rows that follow a place, as the pass that came to it would have.

        Parameters
        ----------
        place : of a batch of an earlier pass with the same ``rows``; None for the beginning.
        """
        check_rows(rows)
        tally, rounded = Tally(read=0, dropped=0, missing={}), dict[str, int]()
        if place is not None:
            tally = Tally(place.read, place.dropped, dict(place.missing))
            rounded.update(place.rounded)
        self._dropped = []
        recipe = self.recipe
        columns = (*recipe.columns, *map(Predictor, recipe.target_columns))
        way = Way(place, tally, rounded) if self.resumable else None
        complete = complete_rows(
            self.table, columns, self.missing, recipe.weights, tally, rounded, self._dropped, way
        )
        pieces = (
            (piece for piece, _ in complete)
            if recipe.formula is None
            else _designed(complete, columns, recipe.formula)
        )
        if place is not None:
            pieces = without_first(pieces, place.skip)
        for block in reblock(pieces, rows):
            batch = batch_of(block, recipe)
            yield batch if way is None else replace(batch, place=way.after(len(batch)))
        self.tally = tally
        self.findings = (
            *(rounded_integers(name, rounded[name]) for name in rounded),
            *getattr(self.table, "noticed", ()),
        )
        if tally.read == tally.dropped:
            raise nothing_left(tally)


def batch_of(block: list[Compact], recipe: Recipe) -> Batch:
    """Turn a block of columns, as a recipe orders them, into a batch."""
    formula = recipe.formula
    p = len(recipe.columns) if formula is None else len(recipe.names) + len(formula.low_of)
    y = cast(FloatVector, block[p])
    weight = None if recipe.weights is None else cast(FloatVector, block[-1])
    if formula is None:
        return Batch(expand(block[:p], recipe.columns, len(y)), y, weight)
    first = len(recipe.names)
    x = cast(tuple[FloatVector, ...], tuple(block[:first]))
    low = cast(tuple[FloatVector, ...], tuple(block[first:p]))
    return Batch(x if x else np.empty((len(y), 0)), y, weight, low)


def complete_rows(
    table: Table,
    columns: Sequence[Predictor],
    missing: str,
    weights: Weights | None = None,
    tally: Tally | None = None,
    rounded: dict[str, int] | None = None,
    dropped: list[npt.NDArray[np.intp]] | None = None,
    way: Way | None = None,
) -> Iterator[tuple[list[Compact], Callable[[int], str]]]:
    """Yield the rows that have a value in every column, a portion at a time.

    Parameters
    ----------
    table : where they come from.
    columns : what to read.
    missing : ``"drop"`` or ``"error"``.
    weights : the column that weighs the rows.
    tally, rounded : where to count rows and gaps, and integers that had to be rounded.
    dropped : where to put the numbers of the rows with gaps, counted from 0.
    way : where to take note of the places that the pass comes by; it says where to begin.

    Yields
    ------
    piece : for each column its values, and last the weights if there are any.
    where : the place of a row of the piece.
    """
    tally = tally if tally is not None else Tally(read=0, dropped=0, missing={})
    rounded = rounded if rounded is not None else {}
    kinds = {column.name: table_kind(column) for column in columns}
    if weights is not None:
        kinds.setdefault(weights.name, Kind.NUMBER)
    numbers = [name for name, kind in kinds.items() if kind is Kind.NUMBER]
    for name, field in table.fields(numbers).items():
        if field.kind is Kind.FLAG:  # a target of true and false, say
            kinds[name] = Kind.FLAG
    by = None if weights is None else list(kinds).index(weights.name)
    begin = None if way is None else way.mark
    for portion in table.read(kinds) if begin is None else table.read(kinds, begin):  # type: ignore[call-arg]
        if way is not None and portion.mark is not None:
            way.at(portion.mark)
        piece = [
            _compact(values, column, portion, rounded)
            for values, column in zip(portion.columns[: len(columns)], columns, strict=True)
        ]
        for name, example in portion.beyond.items():
            rounded.setdefault(name, example)
        first = tally.read
        tally.read += portion.rows
        gaps = _find_gaps(piece, columns, portion, missing, tally)
        if weights is not None and by is not None:
            weight = as_floats(portion.columns[by])
            check_weights(weight, weights.kind, name=weights.name, where=portion.where)
            piece.append(weight)
        where = portion.where
        if gaps is not None:
            tally.dropped += int(np.count_nonzero(gaps))
            if dropped is not None:
                dropped.append(first + np.flatnonzero(gaps))
            piece = [values[~gaps] for values in piece]
            where = _where_kept(portion.where, ~gaps)
        if way is not None:
            way.seen(len(piece[-1]))
        yield piece, where


def _where_kept(where: Callable[[int], str], kept: npt.NDArray[np.bool_]) -> Callable[[int], str]:
    """Return the places of the rows that were kept."""
    return lambda row: where(int(np.flatnonzero(kept)[row]))


def _designed(
    complete: Iterable[tuple[list[Compact], Callable[[int], str]]],
    columns: Sequence[Predictor],
    design: FormulaDesign,
) -> Iterator[list[Compact]]:
    """Turn complete rows into a design, its low words, the target, and the weights if any."""
    for piece, where in complete:
        yield designed(piece, where, columns, design)


def designed(
    piece: list[Compact],
    where: Callable[[int], str],
    columns: Sequence[Predictor],
    design: FormulaDesign,
) -> list[Compact]:
    """Turn some complete rows into a design, its low words, the target, and the weights if any."""
    names = [column.name for column in columns]
    by_name = dict(zip(names, piece, strict=False))
    y = design.response(by_name, where)
    values, lows = design.expand(by_name, where)
    return [*values, *(low for low in lows if low is not None), y, *piece[len(names) :]]


def predictor_blocks(table: Table, recipe: Recipe) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the predictors of new data in row order, rows with a gap as rows of NaN.

    Yields
    ------
    (m, p) float64 arrays of 65,536 rows each, except the last.
    """
    kinds = {column.name: table_kind(column) for column in recipe.columns}
    names = [column.name for column in recipe.columns]

    def pieces() -> Iterator[list[Compact]]:
        for portion in table.read(kinds):
            piece = [
                _compact(values, column, portion, {})
                for values, column in zip(portion.columns, recipe.columns, strict=True)
            ]
            complete = np.zeros(portion.rows, dtype=np.int32)  # -1 where a value is missing
            for values, column in zip(piece, recipe.columns, strict=True):
                gaps = gaps_of(values, column.name, portion)
                if gaps is not None:
                    complete[gaps] = -1
            if recipe.formula is not None:
                by_name = dict(zip(names, piece, strict=True))
                piece = cast(list[Compact], recipe.formula.expand(by_name, portion.where)[0])
            yield [*piece, complete]

    p = len(recipe.names)
    for block in reblock(pieces(), PORTION_ROWS):
        rows = len(block[-1])
        x = np.empty((rows, p))
        design: Any = block[:-1]
        if recipe.formula is None:
            design = expand(block[:-1], recipe.columns, rows)
        for number, values in enumerate(design if isinstance(design, tuple | list) else ()):
            x[:, number] = values
        x[block[-1] < 0] = np.nan
        yield x


def table_kind(column: Predictor) -> Kind:
    """Kind of values that a reader must deliver for a column of a recipe."""
    if column.kind == CATEGORY:
        return Kind.TEXT
    return Kind.FLAG if column.kind == FLAG else Kind.NUMBER


def reblock(pieces: Iterable[list[Compact]], rows: int) -> Iterator[list[Compact]]:
    """Cut and join pieces into blocks of exactly ``rows`` rows, the last one shorter.

    The sums over blocks are then the same to the last bit, however a reader cuts its data.
    A block that lies within one piece is a view.
    """
    held: list[list[Compact]] = []
    held_rows = 0
    for piece in pieces:
        start, length = 0, len(piece[-1])
        if held:
            start = min(rows - held_rows, length)
            held.append([values[:start] for values in piece])
            held_rows += start
            if held_rows < rows:
                continue
            yield joined(held)
            held, held_rows = [], 0
        while length - start >= rows:
            yield [values[start : start + rows] for values in piece]
            start += rows
        if start < length:
            held, held_rows = [[values[start:] for values in piece]], length - start
    if held:
        yield joined(held)


def expand(
    block: Sequence[Compact], columns: Sequence[Predictor], rows: int
) -> tuple[FloatVector, ...] | npt.NDArray[np.float64]:
    """Turn compact columns into design columns: level numbers into columns of 0 and 1."""
    design: list[FloatVector] = []
    for values, column in zip(block, columns, strict=True):
        if column.kind != CATEGORY:
            design.append(cast(FloatVector, values))
            continue
        coded = np.zeros((len(column.levels) - 1, rows))
        hits = np.flatnonzero(values > 0)
        coded[values[hits] - 1, hits] = 1.0
        design.extend(coded)
    return tuple(design) if design else np.empty((rows, 0))


def rounded_integers(name: str, example: int) -> Finding:
    """Say that a column holds integers that float64 cannot tell apart."""
    return Finding(
        "integers-rounded",
        Severity.CAUTION,
        f"Column {name!r} holds integers beyond 2^53, such as {example}; neighbours of that "
        "size become the same number in float64.",
        "Subtract a constant or divide by a power of ten first, or leave out an identifier.",
        {"column": name, "example": str(example)},
    )


def integer_findings(columns: Iterable[tuple[str, Column]]) -> tuple[Finding, ...]:
    """Say which of these named runs hold integers that float64 cannot tell apart."""
    found = ((name, integer_beyond(column)) for name, column in columns)
    return tuple(rounded_integers(name, largest) for name, largest in found if largest is not None)


def integer_beyond(column: Column) -> int | None:
    """Return the largest integer of a run in magnitude if float64 cannot hold all such."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind not in "iu" or column.dtype.itemsize < 8 or not column.size:
            return None
        low, high = int(column.min()), int(column.max())
    else:
        from pyarrow import compute, types

        whole = types.is_decimal(column.type) and column.type.scale <= 0
        if not (whole or types.is_integer(column.type)) or column.type.bit_width < 64:
            return None
        ends = compute.min_max(column).as_py()
        if ends["min"] is None:
            return None
        low, high = int(ends["min"]), int(ends["max"])
    largest = low if -low > high else high
    return largest if abs(largest) > EXACT_INTEGERS else None


def _compact(
    values: Column, column: Predictor, portion: Portion, rounded: dict[str, int]
) -> Compact:
    if column.kind == CATEGORY:
        return _level_numbers(values, column, portion)
    largest = integer_beyond(values)
    if largest is not None:
        rounded.setdefault(column.name, largest)
    return as_floats(values)


def _level_numbers(values: Column, column: Predictor, portion: Portion) -> npt.NDArray[np.int32]:
    codes, levels = codes_and_levels(values)
    known = {level: number for number, level in enumerate(column.levels)}
    # -1: no value; -2: a level that the recipe does not know. The last entry serves code -1.
    numbers = np.array(
        [-1 if level is None else known.get(level, -2) for level in levels] + [-1], dtype=np.int32
    )
    coded: npt.NDArray[np.int32] = numbers[codes]
    if (numbers == -2).any():
        unseen = np.flatnonzero(coded == -2)
        if len(unseen):
            row = int(unseen[0])
            raise InputError(
                f"column {column.name!r} holds {levels[codes[row]]!r} at {portion.where(row)}, a "
                f"level that the fit has not seen. Known levels: {listed(column.levels)}. "
                "Leave such rows out, or fit again with data that has them."
            )
    return coded


def codes_and_levels(values: Column) -> tuple[npt.NDArray[np.integer], list[str | None]]:
    """Split a run of categories into level numbers (-1: no value) and the levels as text."""
    import pyarrow as pa
    from pyarrow import types

    array = pa.array(values) if isinstance(values, np.ndarray) else values
    if not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    levels = array.dictionary.cast(pa.string()).to_pylist()
    return values_of(array.indices.cast(pa.int32()), gap=-1), levels


def _find_gaps(
    piece: Sequence[Compact],
    columns: Sequence[Predictor],
    portion: Portion,
    missing: str,
    tally: Tally,
) -> npt.NDArray[np.bool_] | None:
    """Mark the rows with a gap and count them per column; None when there are none."""
    gaps: npt.NDArray[np.bool_] | None = None
    first: tuple[int, str] | None = None
    for values, column in zip(piece, columns, strict=True):
        here = gaps_of(values, column.name, portion)
        if here is None:
            continue
        row = int(np.argmax(here))
        first = (row, column.name) if first is None or row < first[0] else first
        tally.missing[column.name] = tally.missing.get(column.name, 0) + int(here.sum())
        gaps = here if gaps is None else gaps | here
    if first is not None and missing == "error":
        raise missing_value(first[1], portion.where(first[0]))
    return gaps


def gaps_of(values: Compact, name: str, portion: Portion) -> npt.NDArray[np.bool_] | None:
    """Mark the rows without a value, None when there are none; refuse infinities."""
    if values.dtype == np.int32:
        empty: npt.NDArray[np.bool_] = values < 0
        return empty if empty.any() else None
    if np.isfinite(values).all():
        return None
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise infinite_value(name, float(values[row]), portion.where(row))
    return np.isnan(values)


def joined(held: list[list[Compact]]) -> list[Compact]:
    """Join pieces of the same columns, one after the other."""
    if len(held) == 1:
        return held[0]
    return [np.concatenate(parts) for parts in zip(*held, strict=True)]
