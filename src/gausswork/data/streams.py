"""Tables that Arrow delivers in record batches: streams read once, datasets read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gausswork.data.kinds import Field, Kind, field_of, require_distinct
from gausswork.data.tables import PORTION_ROWS, Portion, row_from_zero
from gausswork.errors import DataFileError, InputError
from gausswork.findings import Finding


class StreamTable:
    """An Arrow stream, which can be read once: its rows are gone when they have been seen."""

    replayable = False
    rows: int | None = None
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(self, reader: Any, *, description: str) -> None:
        self.description = description
        self.names = tuple(reader.schema.names)
        require_distinct(self.names, place=description)
        self._reader = reader
        self._schema = reader.schema
        self._read = False

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns from the schema; no row is read."""
        return {name: field_of(name, self._schema.field(name).type) for name in names}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield the record batches of the stream, the first and only time."""
        if self._read:
            raise InputError(
                f"the {self.description} has been read already and cannot be read again. "
                "Keep its rows with pyarrow.table(stream), or open a new stream."
            )
        self._read = True
        rows = 0
        for batch in _batches(self._reader, self.description):
            yield Portion([batch.column(name) for name in kinds], len(batch), row_from_zero(rows))
            rows += len(batch)
        if rows == 0:
            # a reader that somebody else has used up ends at once, without any error
            raise InputError(
                f"the {self.description} gave no rows. Was it read before? A stream can be read "
                "only once: open a new one, or keep its rows with pyarrow.table(stream)."
            )


class RelationTable:
    """An object that hands out a fresh Arrow stream of the same rows each time it is asked."""

    replayable = True
    rows: int | None = None
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(self, open_stream: Callable[[], Any], *, description: str) -> None:
        self.description = description
        self._open = open_stream
        self._schema = open_stream().schema
        self.names = tuple(self._schema.names)
        require_distinct(self.names, place=description)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns from the schema."""
        return {name: field_of(name, self._schema.field(name).type) for name in names}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield the record batches of a fresh stream."""
        rows = 0
        for batch in _batches(self._open(), self.description):
            yield Portion([batch.column(name) for name in kinds], len(batch), row_from_zero(rows))
            rows += len(batch)


class DatasetTable:
    """A ``pyarrow.dataset.Dataset`` of the user's own, which can be read again."""

    replayable = True
    rows: int | None = None
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(self, dataset: Any, *, description: str) -> None:
        self.description = description
        self.names = tuple(dataset.schema.names)
        require_distinct(self.names, place=description)
        self._dataset = dataset

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns from the schema."""
        return {name: field_of(name, self._dataset.schema.field(name).type) for name in names}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        """Yield the rows in the order of the dataset; memory stays flat."""
        from pyarrow import compute

        columns = {name: compute.field(name) for name in kinds}
        done = 0
        with _reading(self.description):
            scanner = self._dataset.scanner(
                columns=columns, batch_size=PORTION_ROWS, **_scan_options(self._dataset)
            )
        for batch in _batches(scanner.to_batches(), self.description):
            yield Portion(batch.columns, len(batch), row_from_zero(done))
            done += len(batch)


def stream_table(data: Any) -> StreamTable | RelationTable | DatasetTable | None:
    """Wrap whatever offers the Arrow C stream interface; None when nothing of it does."""
    module = type(data).__module__.partition(".")[0]
    kind = f"{module}.{type(data).__name__}"
    if module == "pyarrow" and hasattr(data, "to_batches") and hasattr(data, "get_fragments"):
        return DatasetTable(data, description=f"Arrow dataset ({type(data).__name__})")
    if module == "pyarrow" and hasattr(data, "to_reader") and hasattr(data, "scan_batches"):
        return StreamTable(data.to_reader(), description="Arrow scanner")
    if not hasattr(data, "__arrow_c_stream__"):
        return None
    import pyarrow as pa

    description = f"Arrow stream ({kind})"
    if module in ("duckdb", "_duckdb") and hasattr(data, "project"):
        return RelationTable(
            lambda: pa.RecordBatchReader.from_stream(data), description="DuckDB relation"
        )
    try:
        reader = (
            data
            if isinstance(data, pa.RecordBatchReader)
            else pa.RecordBatchReader.from_stream(data)
        )
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"the {description} cannot be opened: {error}") from error
    return StreamTable(reader, description=description)


class _reading:  # noqa: N801 - used as a verb: with _reading(place)
    """Turn Arrow's errors while reading into errors that name what was read."""

    def __init__(self, place: str, rows: int = 0) -> None:
        self._place = place
        self._rows = rows

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowException | OSError):
            where = f" after {self._rows} rows" if self._rows else ""
            raise DataFileError(
                f"{self._place} cannot be read to its end{where}: {error}. "
                "The file or stream is damaged or incomplete: write it again."
            ) from error


def _batches(batches: Any, place: str) -> Iterator[Any]:
    iterator = iter(batches)
    rows = 0
    while True:
        with _reading(place, rows):
            batch = next(iterator, None)
        if batch is None:
            return
        rows += len(batch)
        if len(batch):
            yield batch


def _scan_options(dataset: Any) -> dict[str, Any]:
    from pyarrow import dataset as pads

    if isinstance(getattr(dataset, "format", None), pads.ParquetFileFormat):
        # with pre_buffer, its default, memory grows with the file (arrow#39808)
        options = pads.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        return {"fragment_scan_options": options, "batch_readahead": 2, "fragment_readahead": 1}
    return {}
