"""Partitions that are frames as one table: described by its head, its levels collected by tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.arrays import run
from gausswork.data.distributed import tasks
from gausswork.data.distributed.partitions import Partitions
from gausswork.data.distributed.readers import named
from gausswork.data.distributed.source import ClusterSource, frame_source
from gausswork.data.kinds import Field, Kind, listed, require_distinct
from gausswork.data.levels import Levels, Progress
from gausswork.data.recipe import Recipe
from gausswork.data.tables import PORTION_ROWS, Column, Portion, row_from_zero
from gausswork.errors import ClusterError
from gausswork.findings import Finding

_AHEAD = 16  # partitions whose columns may wait on the workers to be brought here


class ClusterTable:
    """Frames with the same columns, one a partition.

    Parameters
    ----------
    partitions : all of them, with all columns.
    project : gives the same partitions with some of the columns alone, where that saves reading.
    fields : what the columns hold as far as it is known without reading.
    names : the columns, None where only reading can tell.
    """

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(
        self,
        partitions: Partitions,
        *,
        project: Callable[[Sequence[str]], Partitions] | None = None,
        fields: Mapping[str, Field] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.partitions = partitions
        self.description = partitions.whole
        self._project = project
        self._fields = dict(fields or {})
        if names is None:
            names = self._describe(None)
        self.names = tuple(names)
        require_distinct(self.names, place=self.description)

    @property
    def rows(self) -> int | None:
        """How many rows there are, where that is known without reading."""
        lengths = self.partitions.lengths
        return None if lengths is None else sum(lengths)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns; by a pass over the partitions where the head does not tell."""
        unknown = [name for name in names if name not in self._fields]
        if unknown:
            self._describe(unknown)
        return {name: self._fields[name] for name in names}

    def collect_levels(
        self, fields: Mapping[str, Field], *, most: int, progress: Progress | None = None
    ) -> dict[str, Levels]:
        """Collect the levels of all partitions, on the workers."""
        found = {name: Levels() for name in fields}
        for part in self._only(list(fields)).each(tasks.levels_in, dict(fields), most):
            for name, levels in found.items():
                _add(levels, part[name], most)
        return found

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Bring columns here, in portions of a fixed number of rows."""
        held: list[list[Column]] = []
        held_rows = done = 0
        for pieces in self._only(list(kinds)).each(tasks.columns_of, dict(kinds), most=_AHEAD):
            for columns in pieces:
                start, length = 0, len(columns[0]) if columns else 0
                while start < length:
                    take = min(PORTION_ROWS - held_rows, length - start)
                    held.append([run(column, start, start + take) for column in columns])
                    start, held_rows = start + take, held_rows + take
                    if held_rows == PORTION_ROWS:
                        yield Portion(_together(held), held_rows, row_from_zero(done))
                        done, held, held_rows = done + held_rows, [], 0
        if held:
            yield Portion(_together(held), held_rows, row_from_zero(done))

    def source(self, recipe: Recipe, missing: str) -> ClusterSource:
        """Return the rows as a recipe reads them."""
        used = [column.name for column in recipe.columns]
        used += recipe.target_columns
        if recipe.weights is not None:
            used.append(recipe.weights.name)
        used = list(dict.fromkeys(used))
        return frame_source(self._only(used), recipe, missing, self, self.judged(used))

    def judged(self, names: Sequence[str]) -> Mapping[str, Field] | None:
        """Return what columns hold where the workers cannot judge it; None where they should."""
        return None

    def _only(self, names: Sequence[str]) -> Partitions:
        return self.partitions if self._project is None else self._project(names)

    def _describe(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Look at all partitions; the first one with rows says what the columns are."""
        partitions = self.partitions if names is None else self._only(names)
        asked = None if names is None else tuple(names)
        found: dict[str, tuple[Field, int]] = {}
        columns: tuple[str, ...] = ()
        for number, part in enumerate(partitions.each(tasks.describe, asked)):
            if part.rows == 0:
                columns = columns or part.names
                continue
            for name, field in part.fields.items():
                found[name] = self._agreed(name, field, number, found.get(name))
            if not found or len(found) == len(part.fields):
                columns = part.names
            lacking = [name for name in found if name not in part.names]
            if lacking:
                raise ClusterError(
                    f"{named(number, self.description)} has no column {listed(lacking)}, which "
                    f"others have; it has {listed(part.names)}. All partitions must have the "
                    "same columns."
                )
        for name in asked or columns:
            empty = Field(name, Kind.EMPTY, "no values")
            self._fields[name] = found[name][0] if name in found else empty
        return columns

    def _agreed(
        self, name: str, here: Field, number: int, before: tuple[Field, int] | None
    ) -> tuple[Field, int]:
        if before is None or before[0].kind is Kind.EMPTY:
            return here, number
        field, first = before
        if here.kind is Kind.EMPTY or here.kind is field.kind:
            return replace(field, ordered=field.ordered or here.ordered), first
        if {here.kind, field.kind} == {Kind.NUMBER, Kind.FLAG}:
            return (field if field.kind is Kind.NUMBER else here), first
        raise ClusterError(
            f"column {name!r} holds {here.holds} in {named(number, self.description)}, and "
            f"{field.holds} in partition {first}. Make the partitions agree before the fit."
        )


def _add(levels: Levels, part: Levels, most: int) -> None:
    """Add what the next partition has seen."""
    if levels.too_many:
        return
    for name, rows in part.seen.items():
        levels.seen[name] = levels.seen.get(name, 0) + rows
    levels.order += [name for name in part.order if name not in levels.order]
    levels.values += part.values
    levels.too_many = part.too_many or len(levels.seen) > most


def _together(held: list[list[Column]]) -> list[Column]:
    """Join columns, one piece after the other."""
    if len(held) == 1:
        return held[0]
    return [_joined(parts) for parts in zip(*held, strict=True)]


def _joined(parts: Sequence[Any]) -> Column:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    import pyarrow as pa

    arrays = [pa.array(part) if isinstance(part, np.ndarray) else part for part in parts]
    return pa.chunked_array(arrays).unify_dictionaries().combine_chunks()
