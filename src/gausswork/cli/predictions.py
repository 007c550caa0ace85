"""Predictions of a saved model for a file, written beside the columns of the file."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gausswork import files
from gausswork import formatting as fmt
from gausswork.cli.spared import spare_inputs
from gausswork.data.encode import predictor_blocks
from gausswork.data.files import is_path
from gausswork.data.kinds import Field, Kind
from gausswork.data.opening import as_table
from gausswork.data.predictors import open_predictors, require_columns
from gausswork.data.tables import PORTION_ROWS, Portion, Table, row_from_zero
from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.inference import check_level
from gausswork.leastsquares.models import load
from gausswork.leastsquares.prediction import (
    PredictedBlock,
    predicted_blocks,
    undetermined_sentence,
)

Progress = Callable[[int, int | None, int | None], None]

_FORMATS = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Convention:
    """How text files are written: what separates the fields, and what stands before decimals."""

    separator: str = ","
    decimal: str = "."

    @property
    def special(self) -> str:
        """The characters for which a field needs quotes."""
        return f'{self.separator}"\r\n'


@dataclass(frozen=True, slots=True)
class Counts:
    """What was written: rows in all, and those without a prediction."""

    fit: Fit
    rows: int
    missing: int
    undetermined: int

    def remarks(self) -> list[str]:
        """Say what the reader of the output must know."""
        said = []
        if self.missing:
            said.append(
                f"{fmt.share_has(self.missing, self.rows)} a missing value and no prediction"
            )
        if self.undetermined:
            said.append(undetermined_sentence(self.fit.solution, self.undetermined))
        return said


class Sink(Protocol):
    """Where tables of rows go."""

    def write(self, table: Any) -> None:
        """Append the rows of a ``pyarrow.Table``."""
        ...


def write(
    model: str,
    data: Any,
    output: str,
    *,
    kind: str | None,
    level: float,
    progress: Progress | None = None,
) -> Counts:
    """Predict the rows of a file or of a query and write them, all or nothing.

    Parameters
    ----------
    model : path of the saved fit.
    data : path, pattern or paths of the new rows, or a query.
    output : a .csv or .parquet file, or ``-`` for CSV on standard output.
    kind : ``"prediction"`` or ``"confidence"`` intervals, or None for values alone.
    level : of the intervals.
    """
    import pyarrow as pa

    check_level(level)
    columnar = Path(output).suffix.lower() == ".parquet"
    if output != "-":
        if Path(output).suffix.lower() not in _FORMATS:
            raise InputError(
                f"predictions are written as {' or '.join(_FORMATS)} by the ending of the name; "
                f"got {output!r}. Use - for CSV on standard output."
            )
        files.check_writable(output)
        for read in (model, data):
            spare_inputs(output, read, option="--output")
    fit = load(model)
    table = as_table(data)
    assert table is not None  # a path or a query always is one
    written = _convention(table)
    added = ["prediction"] if kind is None else ["prediction", "lower", "upper"]
    for name in added:
        if name in table.names:
            raise InputError(
                f"{table.description} has a column {name!r} already, and the predictions would "
                "be called so too. Rename it first."
            )
    rows = missing = undetermined = 0
    pairs: Iterator[tuple[PredictedBlock, list[Any]]]
    if is_path(data):
        as_they_are = not columnar and (written is not None or not _is_text(table))
        original = _portions(table, as_they_are=as_they_are)
        blocks = predicted_blocks(fit, open_predictors(data, fit.design), kind=kind, level=level)
        pairs = zip(blocks, _reblocked(original, rows=PORTION_ROWS), strict=True)
    else:
        pairs = _in_one_pass(table, fit, kind, level)
    with _sink(output, columnar, written or Convention()) as sink:
        for block, columns in pairs:
            values = [block.value] if kind is None else [block.value, block.lower, block.upper]
            whole = dict(zip(table.names, columns, strict=True))
            for name, value in zip(added, values, strict=True):
                whole[name] = _with_nulls(value)
            sink.write(pa.table(whole))
            rows += len(block.value)
            missing += block.missing
            undetermined += block.undetermined
            if progress is not None:
                progress(rows, table.bytes_done, table.bytes_total)
        if not rows:
            raise InputError(
                f"{table.description} has no rows, so there is nothing to predict and nothing "
                "was written. Give a file with at least one row."
            )
    return Counts(fit, rows, missing, undetermined)


def _is_text(table: Any) -> bool:
    return bool(getattr(table, "conventions", ()))


def _convention(table: Any) -> Convention | None:
    """Return how the files of a table are written; None where they differ or are no text."""
    seen = {Convention(*each) for each in getattr(table, "conventions", ())}
    return seen.pop() if len(seen) == 1 else None


def _in_one_pass(
    table: Table, fit: Fit, kind: str | None, level: float
) -> Iterator[tuple[PredictedBlock, list[Any]]]:
    """Yield predictions beside the rows they are of: a query may give its rows in any order."""
    require_columns(table, fit.design)
    start = 0
    for columns in _reblocked(_portions(table, as_they_are=False), rows=PORTION_ROWS):
        piece = _Piece(table, [column.combine_chunks() for column in columns], start)
        x = predictor_blocks(piece, fit.design)
        yield next(predicted_blocks(fit, x, kind=kind, level=level)), columns
        start += len(columns[0])


class _Piece:
    """Some rows of a table as a table of its own, whose errors name the rows of the whole."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(self, table: Table, columns: list[Any], start: int) -> None:
        self.description = table.description
        self.names = table.names
        self.rows = len(columns[0])
        self._table = table
        self._columns = dict(zip(table.names, columns, strict=True))
        self._start = start

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        return self._table.fields(names)

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        columns = [self._columns[name] for name in kinds]
        yield Portion(columns, self.rows, row_from_zero(self._start))


def _portions(table: Table, *, as_they_are: bool) -> Iterator[list[Any]]:
    """Yield the columns of a file as plain Arrow arrays, portion by portion.

    ``as_they_are`` keeps the numbers of a text file as they are written there: 67, not 67.0.
    """
    from pyarrow import types

    kinds = dict.fromkeys(table.names, Kind.TEXT)
    if not as_they_are:
        for name, field in table.fields(table.names).items():
            kinds[name] = Kind.TEXT if field.kind is Kind.UNUSABLE else field.kind
    portion: Any
    for portion in table.read(kinds):
        columns = [
            _with_nulls(column) if isinstance(column, np.ndarray) else column
            for column in portion.columns
        ]
        yield [
            column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
            for column in columns
        ]


def _reblocked(portions: Iterator[list[Any]], *, rows: int) -> Iterator[list[Any]]:
    """Cut and join portions into blocks of so many rows, as the predictors come."""
    import pyarrow as pa

    held: list[list[Any]] = []
    waiting = 0
    for portion in portions:
        start, length = 0, len(portion[0])
        while start < length:
            taken = min(rows - waiting, length - start)
            held.append([column.slice(start, taken) for column in portion])
            start, waiting = start + taken, waiting + taken
            if waiting == rows:
                yield [pa.chunked_array(parts) for parts in zip(*held, strict=True)]
                held, waiting = [], 0
    if held:
        yield [pa.chunked_array(parts) for parts in zip(*held, strict=True)]


def _with_nulls(values: Any) -> Any:
    """Return predictions as an Arrow array, null where there is none; ``pa.array`` loads pandas."""
    import pyarrow as pa

    known = np.packbits(~np.isnan(values), bitorder="little")
    buffers = [pa.py_buffer(known), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.float64(), len(values), buffers)


@contextlib.contextmanager
def _sink(output: str, columnar: bool, written: Convention) -> Iterator[Sink]:
    if output == "-":
        yield _Csv(getattr(sys.stdout, "buffer", sys.stdout), written)
        return
    with files.atomic(output) as path:
        if columnar:
            with contextlib.closing(_Parquet(path)) as sink:
                yield sink
        else:
            with path.open("wb") as stream:
                yield _Csv(stream, written)


class _Parquet:
    """A Parquet file that takes its schema from the first rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, table: Any) -> None:
        from pyarrow import parquet

        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _Csv:
    """CSV in UTF-8, written as its input is; quotes where needed, nothing for what is missing."""

    def __init__(self, stream: Any, written: Convention) -> None:
        self._stream = stream
        self._written = written
        self._headed = False

    def write(self, table: Any) -> None:
        from pyarrow import compute

        if not self._headed:
            self._headed = True
            heads = [_quoted(name, self._written.special) for name in table.column_names]
            self._stream.write(self._written.separator.join(heads).encode() + b"\n")
        texts = [_texts(name, table.column(name), self._written) for name in table.column_names]
        lines = compute.binary_join_element_wise(
            *texts, _scalar(self._written.separator), null_handling="replace", null_replacement=""
        )
        self._stream.write("\n".join(lines.to_pylist()).encode() + b"\n")


def _texts(name: str, column: Any, written: Convention) -> Any:
    """Return the values of a column as the text of CSV fields."""
    import pyarrow as pa
    from pyarrow import compute

    try:
        text = column.cast(pa.string())
    except pa.ArrowException:
        raise InputError(
            f"column {name!r} holds {column.type}, which CSV has no way to write. "
            "Write a .parquet file instead."
        ) from None
    if written.decimal != "." and pa.types.is_floating(column.type):
        text = compute.replace_substring(text, ".", written.decimal)
    elif pa.types.is_primitive(column.type):
        return text  # nothing in whole numbers and dates needs quotes
    if not any(_has_special(chunk, written.special) for chunk in text.chunks):
        return text
    special = compute.match_substring_regex(text, f"[{re.escape(written.special)}]")
    doubled = compute.replace_substring(text, '"', '""')
    mark = _scalar('"')
    quoted = compute.binary_join_element_wise(mark, doubled, mark, _scalar(""))
    return compute.if_else(special, quoted, text)


def _scalar(text: str) -> Any:
    """Return a text as an Arrow scalar; ``pa.scalar`` loads pandas where it is installed."""
    import pyarrow as pa

    data = text.encode()
    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int32))
    return pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(data)])[0]


def _has_special(chunk: Any, special: str) -> bool:
    """Whether any text of a chunk has one of these characters: a search through its bytes.

    A regular expression over every value takes longer than all the rest of writing.
    """
    start, data = chunk.buffers()[1:]
    if data is None or len(chunk) == 0:
        return False
    ends = np.frombuffer(start, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    content = bytes(memoryview(data)[ends[0] : ends[-1]])
    return any(mark in content for mark in (each.encode() for each in special))


def _quoted(name: str, special: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(c in name for c in special) else name
