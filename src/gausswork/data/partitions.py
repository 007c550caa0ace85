"""Tables partitioned by the names of their folders: ``year=2024/part-0.parquet`` has a year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.csv_types import MISSING
from gausswork.data.files import DataFile
from gausswork.data.kinds import Field, Kind
from gausswork.data.levels import Levels
from gausswork.data.tables import Mark, Portion
from gausswork.errors import DataFileError
from gausswork.findings import Finding

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?")  # no leading zeros: 007 is a code, as in CSV


def partitioned(table: Any, files: Sequence[DataFile]) -> PartitionedTable:
    """Add the columns that the folders of its files name to a table.

    Raises
    ------
    DataFileError
        Some files lie in folders of other names than the first.
    """
    first = files[0]
    keys = [name for name, _ in first.partition]
    for file in files:
        names = [name for name, _ in file.partition]
        if names != keys:
            raise DataFileError(
                f"{file.name} lies in folders that name {_columns(names)}, and {first.name} in "
                f"folders that name {_columns(keys)}. Files of one table must be partitioned alike."
            )
    return PartitionedTable(table, [dict(file.partition) for file in files])


class PartitionedTable:
    """A table of files with further columns whose values are the same in all rows of a file.

    A column that the files have themselves is read from them.

    Parameters
    ----------
    table : of the files.
    values : for each file its columns and their values as text, None for no value.
    """

    def __init__(self, table: Any, values: Sequence[Mapping[str, str | None]]) -> None:
        self._table = table
        self._keys = [name for name in values[0] if name not in table.names]
        self._values = [
            {name: None if one[name] in MISSING else one[name] for name in self._keys}
            for one in values
        ]
        self.names: tuple[str, ...] = (*table.names, *self._keys)
        self.description: str = table.description
        self.replayable: bool = table.replayable
        self.rows: int | None = table.rows
        self.hint: str = table.hint

    @property
    def bytes_total(self) -> int | None:
        """Size of the files."""
        total: int | None = self._table.bytes_total
        return total

    @property
    def bytes_done(self) -> int | None:
        """How many of those bytes the running pass has read."""
        done: int | None = self._table.bytes_done
        return done

    @property
    def conventions(self) -> list[tuple[str, str]]:
        """Separator and decimal sign of each file, where they are text."""
        return list(getattr(self._table, "conventions", ()))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the reader of the files has to say."""
        said: tuple[Finding, ...] = self._table.findings
        return said

    @property
    def noticed(self) -> tuple[Finding, ...]:
        """What the reader of the files has noticed in the latest pass."""
        said: tuple[Finding, ...] = getattr(self._table, "noticed", ())
        return said

    def identity(self) -> list[list[Any]]:
        """Return what tells these files from others."""
        both = zip(self._table.identity(), self._values, strict=True)
        return [[*identity, sorted(values.items())] for identity, values in both]

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns; those of the folders by all of their values."""
        own = [name for name in names if name not in self._keys]
        found = self._table.fields(own)
        return {name: found[name] if name in found else self._field(name) for name in names}

    def known_levels(self, names: Iterable[str]) -> dict[str, Levels]:
        """Return the levels of the columns among ``names`` that folders name."""
        found = {name: Levels() for name in names if name in self._keys}
        for name, levels in found.items():
            texts = [values[name] for values in self._values]
            levels.seen = {text: 0 for text in texts if text is not None}
        return found

    def read(self, kinds: Mapping[str, Kind], start: Mark | None = None) -> Iterator[Portion]:
        """Yield the rows in order, file after file."""
        own = {name: kind for name, kind in kinds.items() if name not in self._keys}
        portions = self._table.read(own) if start is None else self._table.read(own, start)
        for portion in portions:
            columns = dict(zip(own, portion.columns, strict=True))
            values = self._values[portion.mark[0]]
            for name, kind in kinds.items():
                if name not in columns:
                    columns[name] = _constant(values[name], kind, portion.rows)
            yield replace(portion, columns=[columns[name] for name in kinds])

    def _field(self, name: str) -> Field:
        texts = [values[name] for values in self._values if values[name] is not None]
        if not texts:
            return Field(name, Kind.EMPTY, "no values")
        if all(text is not None and _NUMBER.fullmatch(text) for text in texts):
            return Field(name, Kind.NUMBER, "numbers in the names of folders")
        return Field(name, Kind.TEXT, "names of folders")


def _constant(text: str | None, kind: Kind, rows: int) -> Any:
    """Return a column that has the same value in every row."""
    if kind in (Kind.NUMBER, Kind.FLAG):
        return np.full(rows, np.nan if text is None else float(text))
    import pyarrow as pa

    codes = pa.py_buffer(np.zeros(rows, dtype=np.int32))
    validity = pa.py_buffer(np.zeros((rows + 7) // 8, dtype=np.uint8)) if text is None else None
    indices = pa.Array.from_buffers(pa.int32(), rows, [validity, codes])
    word = (text or "").encode()
    ends = pa.py_buffer(np.array([0, len(word)], dtype=np.int32))
    level = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(word)])
    return pa.DictionaryArray.from_arrays(indices, level)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "no column"
