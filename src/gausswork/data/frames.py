"""Tables in memory: pandas, polars and Arrow frames, dicts of columns, structured arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import run
from gausswork.data.columns import pandas_series, polars_series, series_column, vector
from gausswork.data.devices import is_foreign
from gausswork.data.kinds import Field, Kind, field_of, is_text, require_distinct
from gausswork.data.objects import MixedTypesError
from gausswork.data.tables import PORTION_ROWS, Column, Portion, row_from_zero
from gausswork.errors import InputError
from gausswork.findings import Finding


class FrameTable:
    """Named columns in memory, each fetched from its frame when it is first needed."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(
        self,
        names: tuple[str, ...],
        fetch: Callable[[str], Column],
        *,
        rows: int,
        description: str,
        ordered: Callable[[str], bool] = lambda name: False,
    ) -> None:
        require_distinct(names, place=description)
        self.names = names
        self.rows = rows
        self.description = description
        self._fetch = fetch
        self._ordered = ordered
        self._columns: dict[str, Column] = {}
        self._types: dict[str, Any] = {}  # as they were before text was encoded

    def column(self, name: str) -> Column:
        """Return a column as a NumPy vector or a ``pyarrow.ChunkedArray``."""
        if name not in self._columns:
            column = self._fetch(name)
            self._types[name] = column.dtype if isinstance(column, np.ndarray) else column.type
            self._columns[name] = _encoded(column)
        return self._columns[name]

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns; one that cannot be read at all is unusable and says why."""
        return {name: self._field(name) for name in names}

    def plain(self, names: Sequence[str]) -> list[Column] | None:
        """Return numeric columns that have no nulls, or None if one of them is not so."""
        columns = [self.column(name) for name in names]
        if any(not isinstance(column, np.ndarray) and column.null_count for column in columns):
            return None
        return [_in_one_piece(column) for column in columns]

    def with_column(self, name: str, values: Column) -> FrameTable:
        """Return the table with one more column, which must be as long."""
        if len(values) != self.rows:
            raise InputError(
                f"{self.description} has {self.rows} rows and {name!r} has {len(values)} "
                f"value{'' if len(values) == 1 else 's'}; "
                "they must agree."
            )
        return FrameTable(
            (*self.names, name),
            lambda wanted: values if wanted == name else self.column(wanted),
            rows=self.rows,
            description=self.description,
            ordered=self._ordered,
        )

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield portions of a fixed number of rows; numbers without nulls are views."""
        columns = [self.column(name) for name in kinds]
        for start in range(0, self.rows, PORTION_ROWS):
            stop = min(start + PORTION_ROWS, self.rows)
            yield Portion(
                [run(column, start, stop) for column in columns],
                stop - start,
                row_from_zero(start),
            )

    def _field(self, name: str) -> Field:
        try:
            column = self.column(name)
        except MixedTypesError as error:
            return Field(name, Kind.UNUSABLE, f"mixed types: {error.detail}", error.remedy)
        except InputError as error:
            return Field(name, Kind.UNUSABLE, f"values that cannot be read ({error})")
        if isinstance(column, np.ndarray):
            return _field_of_array(name, column)
        field = field_of(name, self._types[name])
        if field.kind is Kind.TEXT and self._ordered(name):
            return replace(field, ordered=True)
        return field


def frame_table(data: Any) -> FrameTable | None:
    """Wrap an in-memory frame of any known library; None when it is not one.

    Libraries are recognised by the module of the type, never imported.
    """
    module = type(data).__module__.partition(".")[0]
    if module == "narwhals" and hasattr(data, "to_native"):
        return frame_table(data.to_native())
    if module == "pandas":
        return _pandas_table(data)
    if module == "polars":
        return _polars_table(data)
    if module == "pyarrow":
        return _arrow_table(data)
    if isinstance(data, Mapping):
        return mapping_table(data)
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        return _structured_table(data)
    return None


def check_same_index(left: Any, right: Any, names: tuple[str, str]) -> None:
    """Refuse pandas objects whose rows are labelled differently: pairing them is a guess."""
    if not (_is_pandas(left) and _is_pandas(right)):
        return
    if left.index is right.index or left.index.equals(right.index):
        return
    if len(left.index) != len(right.index):
        detail = f"{names[0]} has {len(left.index)} rows and {names[1]} has {len(right.index)}"
    else:
        differs = np.asarray(left.index != right.index)
        row = int(np.argmax(differs)) if differs.ndim == 1 else 0
        labels = [
            getattr(index[row], "item", lambda label=index[row]: label)()
            for index in (left.index, right.index)
        ]  # 1, not np.int64(1)
        detail = (
            f"row {row} (counted from 0) is labelled {labels[0]!r} in {names[0]} "
            f"and {labels[1]!r} in {names[1]}"
        )
    raise InputError(
        f"{names[0]} and {names[1]} have different pandas indexes: {detail}. Align them first with "
        f"{names[1]}.loc[{names[0]}.index], or pass {names[1]}.to_numpy() if the order is right "
        "as it is."
    )


def _is_single(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0
    if is_foreign(value):
        return not tuple(value.shape)
    return isinstance(value, str | bytes) or not hasattr(value, "__len__")


def _is_pandas(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "index")


def _pandas_table(frame: Any) -> FrameTable | None:
    if hasattr(frame, "to_frame") and hasattr(frame, "name") and not hasattr(frame, "columns"):
        frame = frame.to_frame(name="x1" if frame.name is None else frame.name)
    if not hasattr(frame, "columns") or not hasattr(frame, "iloc"):
        return None
    names = tuple(str(label) for label in frame.columns)
    place = {name: number for number, name in enumerate(names)}

    def fetch(name: str) -> Column:
        return pandas_series(frame.iloc[:, place[name]], f"column {name!r}")

    return FrameTable(
        names,
        fetch,
        rows=len(frame),
        description=f"pandas DataFrame {len(frame)}×{len(names)}",
        # the order of pandas categories is the user's, whether or not they are "ordered"
        ordered=lambda name: hasattr(frame.iloc[:, place[name]], "cat"),
    )


def _polars_table(frame: Any) -> FrameTable | None:
    if hasattr(frame, "collect_schema") and hasattr(frame, "collect"):
        raise InputError(
            "data is a lazy query (polars LazyFrame) that has not run yet. "
            "Pass query.collect(), or the path of the file that it reads."
        )
    if hasattr(frame, "to_frame") and not hasattr(frame, "get_column"):
        frame = frame.to_frame(frame.name or "x1")
    if not hasattr(frame, "get_column"):
        return None
    return FrameTable(
        tuple(frame.columns),
        lambda name: polars_series(frame.get_column(name)),
        rows=frame.height,
        description=f"polars DataFrame {frame.height}×{frame.width}",
    )


def _arrow_table(data: Any) -> FrameTable | None:
    import pyarrow as pa

    if isinstance(data, pa.Array | pa.ChunkedArray):
        data = pa.table({"x1": data})
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if not isinstance(data, pa.Table):
        return None
    names = tuple(data.column_names)
    place = {name: number for number, name in enumerate(names)}
    return FrameTable(
        names,
        lambda name: data.column(place[name]),
        rows=data.num_rows,
        description=f"Arrow table {data.num_rows}×{data.num_columns}",
    )


def mapping_table(data: Mapping[Any, Any]) -> FrameTable:
    """Wrap a dict of columns, which must be equally long; single values make one row."""
    names = tuple(str(name) for name in data)
    if not names:
        raise InputError("data is an empty dict; give it one entry per column.")
    values = list(data.values())
    if all(_is_single(value) for value in values):
        values = [[value] for value in values]
    columns: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        columns[name] = series_column(value, place=f"column {name!r}")
        check_same_index(values[0], value, (f"data[{names[0]!r}]", f"data[{name!r}]"))
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        short = min(lengths, key=lambda name: lengths[name])
        long = max(lengths, key=lambda name: lengths[name])
        raise InputError(
            f"the columns of a dict must be equally long; {short!r} has {lengths[short]} values "
            f"and {long!r} has {lengths[long]}."
        )
    rows = lengths[names[0]]
    return FrameTable(
        names,
        columns.__getitem__,
        rows=rows,
        description=f"dict of columns {rows}×{len(names)}",
        ordered=lambda name: _is_pandas(data.get(name)) and hasattr(data[name], "cat"),
    )


def _structured_table(data: npt.NDArray[Any]) -> FrameTable:
    names = data.dtype.names or ()
    flat = data.reshape(-1)
    return FrameTable(
        tuple(names),
        lambda name: vector(flat[name], f"field {name!r}"),
        rows=len(flat),
        description=f"structured array {len(flat)}×{len(names)}",
    )


def _encoded(column: Column) -> Column:
    """Turn text into dictionary codes once, so that no pass hashes it again."""
    if isinstance(column, np.ndarray):
        return column
    from pyarrow import types

    if types.is_run_end_encoded(column.type):
        import pyarrow as pa
        from pyarrow import compute

        decoded = [compute.run_end_decode(chunk) for chunk in column.chunks]
        column = pa.chunked_array(decoded, type=column.type.value_type)
    if is_text(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries() if types.is_dictionary(column.type) else column


def _in_one_piece(column: Column) -> Column:
    """Turn a ChunkedArray of one chunk into a NumPy view where that needs no copy."""
    if isinstance(column, np.ndarray) or column.num_chunks != 1:
        return column
    from pyarrow import types

    if types.is_integer(column.type) or types.is_floating(column.type):
        return column.chunk(0).to_numpy(zero_copy_only=True)
    return column


def _field_of_array(name: str, values: npt.NDArray[Any]) -> Field:
    kind = values.dtype.kind
    if kind == "b":
        return Field(name, Kind.FLAG, "true or false")
    if kind in "fiu":
        return Field(name, Kind.NUMBER, "numbers")
    return Field(
        name,
        Kind.UNUSABLE,
        "complex numbers",
        "Pass the real and the imaginary part as columns of their own.",
    )
