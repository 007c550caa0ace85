"""Numeric columns of a table as arrays, a few at a time, so that wide files fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.cli.terminal import Progress
from gausswork.data.kinds import Kind, require_column
from gausswork.data.opening import as_table
from gausswork.data.tables import Table, as_floats
from gausswork.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]

_VALUES = 60_000_000  # held at a time: half a gigabyte
_UNKNOWN_ROWS = 4_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """What of a table can be looked at as numbers.

    Attributes
    ----------
    table : the table.
    numeric : names of the columns to look at.
    others : (name, what it holds) of those left out, because they hold no numbers.
    """

    table: Table
    numeric: tuple[str, ...]
    others: tuple[tuple[str, str], ...]

    def read(self, progress: Progress | None) -> Iterator[tuple[str, Array]]:
        """Yield each numeric column with its values, NaN where it has none."""
        for names in self._groups():
            parts: dict[str, list[Array]] = {name: [] for name in names}
            rows = 0
            for portion in self.table.read(dict.fromkeys(names, Kind.NUMBER)):
                for name, values in zip(names, portion.columns, strict=True):
                    parts[name].append(np.asarray(as_floats(values), dtype=np.float64))
                rows += portion.rows
                if progress is not None:
                    progress(rows, self.table.bytes_done, self.table.bytes_total)
            for name in names:
                pieces = parts.pop(name)
                yield name, np.concatenate(pieces) if pieces else np.empty(0)

    def _groups(self) -> list[tuple[str, ...]]:
        rows = self.table.rows
        if rows is None:  # a text file: a number takes some eight bytes in it
            rows = (self.table.bytes_total or 0) // (8 * max(1, len(self.table.names)))
            if self.table.bytes_total is None:  # a query: only its end tells
                rows = _UNKNOWN_ROWS
        size = max(1, _VALUES // max(1, rows))
        names = self.numeric
        return [names[k : k + size] for k in range(0, len(names), size)]


def numeric_columns(data: Any, wanted: Sequence[str]) -> Columns:
    """Open files or a query and choose the columns: those asked for, or all that hold numbers.

    Raises
    ------
    InputError
        The files cannot be read, a column asked for is not there or holds no numbers, or none does.
    """
    table: Any = as_table(data)
    assert table is not None  # paths and queries always make one
    names = list(dict.fromkeys(wanted)) or list(table.names)
    for name in names:
        require_column(name, table.names, place=table.description, hint=table.hint)
    fields = table.fields(names)
    numeric = tuple(name for name in names if fields[name].kind is Kind.NUMBER)
    others = tuple(
        (name, fields[name].holds or str(fields[name].kind))
        for name in names
        if fields[name].kind is not Kind.NUMBER
    )
    if wanted and others:
        name, holds = others[0]
        remedy = fields[name].remedy
        raise InputError(
            f"column {name!r} of {table.description} holds {holds}, not numbers. {remedy}".rstrip()
        )
    if not numeric:
        raise InputError(
            f"{table.description} has no column of numbers: its columns hold "
            f"{', '.join(f'{name!r} {holds}' for name, holds in others[:8])}."
        )
    return Columns(table, numeric, others)
