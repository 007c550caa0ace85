"""Parquet and Arrow IPC files as one table, read with flat memory whatever their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gausswork.data.files import (
    DataFile,
    extra_columns,
    identity,
    missing_in_file,
    refuse_changed,
    refuse_rewritten,
)
from gausswork.data.kinds import Field, Kind, field_of, is_text, require_distinct
from gausswork.data.tables import PORTION_ROWS, Mark, Portion
from gausswork.errors import DataFileError

_BUFFER_BYTES = 1 << 18  # read ahead per column; without it a whole row group is held
_RELEASE = 3  # batches after which Arrow's allocator gives back what it hoards


@dataclass(frozen=True, slots=True)
class ColumnarFile:
    """One file of the table: its schema, and how many rows it has where its head tells."""

    file: DataFile
    schema: Any
    rows: int | None


class ColumnarTable:
    """Parquet files, or Arrow IPC files, with the same columns.

    Each file may store a number in its own way: integers here, decimals there.
    """

    replayable = True
    hint = ""

    def __init__(self, files: Sequence[DataFile], *, description: str) -> None:
        self.description = description
        self._files = [_opened(file) for file in files]
        first = self._files[0]
        self.names: tuple[str, ...] = tuple(first.schema.names)
        counts = [one.rows for one in self._files if one.rows is not None]
        self.rows = sum(counts) if len(counts) == len(files) else None
        self.bytes_total: int | None = sum(file.size for file in files)
        self.bytes_done: int | None = 0
        self.findings = extra_columns([(one.file.name, one.schema.names) for one in self._files])

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns from the schemas, once all files agree on them."""
        return {name: self._field(name) for name in names}

    def identity(self) -> list[list[Any]]:
        """Return what tells these files from others: see :func:`gausswork.data.files.identity`."""
        return [identity(one.file) for one in self._files]

    def read(self, kinds: Mapping[str, Kind], start: Mark = (0, 0, 0)) -> Iterator[Portion]:
        """Yield the rows in order, file after file, from ``start`` on."""
        done = sum(one.file.size for one in self._files[: start[0]])
        for number, one in enumerate(self._files[start[0] :], start[0]):
            refuse_changed(one.file)
            rows = start[1] if number == start[0] else 0
            for batch, share in _batches(one, list(kinds), rows):
                columns = [batch.column(name) for name in kinds]
                self.bytes_done = done + int(one.file.size * share)
                if len(batch):
                    where, mark = _places(one.file.name, rows), (number, rows, 0)
                    yield Portion(columns, len(batch), where, mark=mark)
                rows += len(batch)
            done += one.file.size
        self.bytes_done = done

    def _field(self, name: str) -> Field:
        found: Field | None = None
        place = self._files[0].file.name
        for one in self._files:
            if name not in one.schema.names:
                raise DataFileError(missing_in_file(name, one.file.name, self._files[0].file.name))
            here = field_of(name, one.schema.field(name).type)
            if found is None or found.kind is Kind.EMPTY:
                found, place = here, one.file.name
            elif here.kind not in (found.kind, Kind.EMPTY):
                raise DataFileError(
                    f"column {name!r} holds {here.holds} in {one.file.name} and {found.holds} in "
                    f"{place}. Make the files agree, or fit them apart."
                )
        assert found is not None  # there is at least one file
        return found


def _opened(file: DataFile) -> ColumnarFile:
    with _explained(file):
        if file.format == "ipc":
            import pyarrow as pa

            with file.opened() as raw, pa.ipc.open_file(raw) as reader:
                schema, rows = reader.schema, None
        else:
            from pyarrow import parquet

            with file.opened() as raw, parquet.ParquetFile(raw) as opened:
                schema, rows = opened.schema_arrow, opened.metadata.num_rows
    require_distinct(tuple(schema.names), place=file.name, error=DataFileError)
    return ColumnarFile(file, schema, rows)


def _batches(one: ColumnarFile, names: Sequence[str], start: int) -> Iterator[tuple[Any, float]]:
    """Yield (record batch, share of the file done) from row ``start`` on.

    Without names the rows still count.
    """
    read = _ipc_batches if one.file.format == "ipc" else _parquet_batches
    names = names or one.schema.names[:1]
    batches = read(one, names, start)
    damaged = None if one.file.format == "ipc" else _damaged_group(one, names)
    rows = start
    while True:
        with _explained(one.file, rows, damaged):
            item = next(batches, None)
        if item is None:
            return
        rows += len(item[0])
        yield item


def _parquet_batches(
    one: ColumnarFile, names: Sequence[str], start: int
) -> Iterator[tuple[Any, float]]:
    import pyarrow as pa
    from pyarrow import parquet

    # text arrives as dictionary codes: as they lie in the file, and cheap to count
    text = [name for name in names if is_text(one.schema.field(name).type)]
    options = {"buffer_size": _BUFFER_BYTES, "pre_buffer": False, "read_dictionary": text}
    with one.file.opened() as raw, parquet.ParquetFile(raw, **options) as opened:
        rows, group, about, unreleased, pool = 0, 0, opened.metadata, 0, pa.default_memory_pool()
        while group < about.num_row_groups and rows + about.row_group(group).num_rows <= start:
            rows += about.row_group(group).num_rows
            group += 1
        for batch in opened.iter_batches(
            batch_size=PORTION_ROWS,
            columns=list(names),
            row_groups=range(group, about.num_row_groups),
        ):
            before, rows = rows, rows + len(batch)
            if rows > start:
                part = batch.slice(start - before) if before < start else batch
                yield part, rows / max(1, one.rows or 1)
            del batch
            if (unreleased := unreleased + 1) == _RELEASE:
                unreleased = 0
                pool.release_unused()
        refuse_rewritten(one.file, raw)


def _ipc_batches(
    one: ColumnarFile, names: Sequence[str], start: int
) -> Iterator[tuple[Any, float]]:
    import pyarrow as pa

    wanted = [one.schema.get_field_index(name) for name in names]
    options = pa.ipc.IpcReadOptions(included_fields=wanted)
    rows = 0
    with (
        one.file.opened() as raw,
        pa.ipc.open_file(raw, options=options) as reader,
    ):
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            before, rows = rows, rows + len(batch)
            if rows > start or start == 0:
                part = batch.slice(start - before) if before < start else batch
                yield part, (number + 1) / reader.num_record_batches
        refuse_rewritten(one.file, raw)


def _places(name: str, start: int) -> Callable[[int], str]:
    return lambda row: f"row {start + row} (counted from 0) of {name}"


class _explained:  # noqa: N801 - used as a verb: with _explained(file)
    """Turn Arrow's errors into errors that name the file."""

    def __init__(
        self, file: DataFile, rows: int = 0, damaged: Callable[[int], str] | None = None
    ) -> None:
        self._file = file
        self._rows = rows
        self._damaged = damaged

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowException | OSError):
            if self._rows:
                refuse_changed(self._file)  # which explains whatever else is wrong with it
            where = f" after row {self._rows} of it" if self._rows else ""
            if self._damaged is not None:
                where = self._damaged(self._rows) or where
            said = " ".join(str(error).split()).rstrip(". ")
            raise DataFileError(
                f"{self._file.name} cannot be read as {self._file.format}{where}: {said}. "
                f"{_remedy(self._file, said)}"
            ) from error


def _remedy(file: DataFile, said: str) -> str:
    if "footer" in said or "Not an Arrow file" in said:  # both have their table of contents there
        return (
            f"Its end is missing after {file.size:,} bytes: it was cut off, or is still being "
            "written. Copy it again, or wait."
        )
    return "The file is damaged or incomplete: write it again."


def _damaged_group(one: ColumnarFile, names: Sequence[str]) -> Callable[[int], str]:
    """Return what finds the group of rows at fault once some rows have been read."""

    def find(rows: int) -> str:
        import pyarrow as pa
        from pyarrow import parquet

        first = 0
        try:
            with one.file.opened() as raw, parquet.ParquetFile(raw, pre_buffer=False) as opened:
                about = opened.metadata
                for group in range(about.num_row_groups):
                    count = about.row_group(group).num_rows
                    if first + count > rows:
                        try:
                            batches = opened.iter_batches(row_groups=[group], columns=list(names))
                            for _ in batches:
                                pass
                        except (pa.ArrowException, OSError):
                            return (
                                f" in group {group + 1} of its {about.num_row_groups} groups of "
                                f"rows (rows {first:,} to {first + count - 1:,}, counted from 0)"
                            )
                    first += count
                    if first > rows + 2 * PORTION_ROWS:
                        break
        except (pa.ArrowException, OSError):
            pass
        return ""

    return find
