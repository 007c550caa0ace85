"""The seam between readers and arithmetic: named columns, a portion of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.data.kinds import Field, Kind
from gausswork.findings import Finding

# A run of values: a NumPy vector, or a pyarrow.Array (untyped: pyarrow ships no types here).
Column: TypeAlias = npt.NDArray[Any] | Any

# Where in the files of a table a portion begins, for reading to go on there: number of the file,
# then what its reader needs. A CSV file: uncompressed bytes before it, and the number of its first
# line; a Parquet or Arrow file: rows before it, and 0.
Mark: TypeAlias = tuple[int, int, int]

EXACT_INTEGERS = 2**53  # beyond it float64 has no room for every integer
PORTION_ROWS = 65_536  # in-memory tables are read in portions of this many rows


@dataclass(frozen=True, slots=True)
class Portion:
    """Some consecutive rows of the columns asked for.

    Attributes
    ----------
    columns : one run of values per column asked for, in that order, of equal lengths.
    rows : how many rows.
    where : turns the number of a row in this portion into a place that a person can find,
        such as ``"line 17 of heights.csv"``.
    beyond : for columns of a text file an integer that float64 has no room for; their values
        are float64 already and cannot tell.
    mark : where reading can begin again with this portion; None where it cannot.
    """

    columns: Sequence[Column]
    rows: int
    where: Callable[[int], str]
    beyond: Mapping[str, int] = field(default_factory=dict)
    mark: Mark | None = None


class Table(Protocol):
    """Named columns that can be read in portions, whatever holds them."""

    @property
    def description(self) -> str:
        """What this is, for a report: ``"heights.csv"``, ``"pandas DataFrame 934×8"``."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, each name once."""
        ...

    @property
    def replayable(self) -> bool:
        """Whether :meth:`read` may be called more than once."""
        ...

    @property
    def rows(self) -> int | None:
        """How many rows there are, None where only reading can tell."""
        ...

    @property
    def bytes_total(self) -> int | None:
        """Size of the files behind the table; None in memory."""
        ...

    @property
    def bytes_done(self) -> int | None:
        """How many of those bytes the running pass has read."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the reader has to say about its choices."""
        ...

    @property
    def hint(self) -> str:
        """A sentence to add when a column asked for is not there; mostly empty."""
        ...

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns, looking at no more of the data than that needs."""
        ...

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield all rows in order, only of the columns in ``kinds``, converted to those kinds."""
        ...


def row_from_zero(start: int) -> Callable[[int], str]:
    """Places in an in-memory table: row numbers as its owner indexes them."""
    return lambda row: f"row {start + row} (counted from 0)"


def as_floats(column: Column) -> npt.NDArray[np.floating]:
    """Turn a run of numbers or flags into float64 or float32, NaN where there is no value.

    Float64 and float32 without gaps are views; everything else is converted. Decimals are
    rounded correctly to float64.
    """
    if isinstance(column, np.ndarray):
        return floats_of_array(column)
    import pyarrow as pa
    from pyarrow import compute, types

    kind = column.type
    if types.is_run_end_encoded(kind):
        column = compute.run_end_decode(column)
        kind = column.type
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_float16(kind):
        column = column.cast(pa.float32())
    elif types.is_decimal(kind):
        # through text: Arrow's own conversion is off by an ulp in a third of the cases
        column = column.cast(pa.string()).cast(pa.float64())
    elif types.is_boolean(kind):
        column = column.cast(pa.float64())
    if column.null_count and not types.is_floating(column.type):
        column = column.cast(pa.float64(), safe=False)
    return floats_of_array(values_of(column, gap=np.nan))


def values_of(array: Any, *, gap: float) -> npt.NDArray[Any]:
    """Return a ``pyarrow.Array`` of numbers as a vector, ``gap`` where it has no value.

    Without gaps it is a view. Arrow's own ``to_numpy`` and ``fill_null`` import pandas where it is
    installed, which takes longer than many a fit.
    """
    import pyarrow as pa
    from pyarrow import types

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    letter = "f" if types.is_floating(kind) else "i" if types.is_signed_integer(kind) else "u"
    dtype = np.dtype(f"{letter}{kind.bit_width // 8}")
    validity, data = array.buffers()
    if data is None or len(array) == 0:
        return np.full(len(array), gap).astype(dtype)
    here = slice(array.offset, array.offset + len(array))
    values = np.frombuffer(data, dtype=dtype, count=here.stop)[here]
    if not array.null_count:
        return values
    known = np.unpackbits(np.frombuffer(validity, np.uint8), count=here.stop, bitorder="little")
    return np.where(known[here], values, np.array(gap, dtype))


def floats_of_array(values: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    """Return float64 and float32 as they are, others as float64.

    Others are also those in foreign byte order, and those that lie across the boundaries of words,
    as the fields of packed records do: the kernels read neither.
    """
    if values.dtype in (np.float64, np.float32) and values.dtype.isnative and values.flags.aligned:
        return values
    with np.errstate(over="ignore"):  # what exceeds float64 becomes inf and is refused by name
        return values.astype(np.float64)
