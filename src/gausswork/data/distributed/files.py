"""Files that the workers of a cluster read: Parquet by groups of rows, others file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gausswork.data.distributed.partitions import Partitions
from gausswork.data.distributed.table import ClusterTable
from gausswork.data.files import DataFile, PathLike, data_files, refuse_changed, table_of
from gausswork.data.frames import FrameTable
from gausswork.data.kinds import Field, Kind, field_of, is_text
from gausswork.data.partitions import partitioned
from gausswork.data.tables import Column, Portion, Table
from gausswork.errors import ClusterError, DataFileError
from gausswork.findings import Finding

_PART_ROWS = 1 << 18  # groups of rows are joined until they have about so many: four blocks


class FilesOnCluster:
    """Files to be read by the workers of a dask cluster, each by the same path.

    Attributes
    ----------
    data : a path, a pattern or a list of paths, as :func:`gausswork.fit` takes it.
    """

    distributed = True

    def __init__(self, data: PathLike | Sequence[PathLike]) -> None:
        self.data = data

    def open_table(self) -> ClusterTable:
        """Look at the files from here; the workers read them."""
        found, description = data_files(self.data)
        local = table_of(found, description=description)
        # of files elsewhere the path is no path of this machine
        files = [
            replace(file, path=file.path.absolute()) if type(file) is DataFile else file
            for file in found
        ]
        parts: list[Part] = []
        for file in files:
            parts += _parquet_parts(file) if file.format == "parquet" else [Part(file)]
        lengths = [part.rows for part in parts if part.rows is not None]
        known = lengths if len(lengths) == len(parts) else None
        return _FilesTable(Partitions(parts, local.description, known), local)


@dataclass(frozen=True)
class Part:
    """A file, or some groups of rows of a Parquet file.

    Attributes
    ----------
    file : which one.
    groups : numbers of the groups of rows; None for the whole file.
    start : number of the first row.
    rows : how many there are, None where only reading can tell.
    """

    file: DataFile
    groups: tuple[int, ...] | None = None
    start: int = 0
    rows: int | None = None

    def open_here(self, number: int) -> Table:
        """Open the part on a worker."""
        try:
            refuse_changed(self.file)
        except DataFileError as error:
            raise ClusterError(
                f"partition {number} (counted from 0) is {self.file.path} on a worker, and there: "
                f"{error} Every worker must reach the files by the same path."
            ) from None
        if self.groups is not None:
            groups = _Groups(self)
            return partitioned(groups, [self.file]) if self.file.partition else groups
        if self.file.format == "csv":
            from gausswork.data.csv_head import read_head

            head, sample = read_head(self.file)
            if not sample.strip():
                return FrameTable(head.names, _no_column, rows=0, description=self.file.name)
        return table_of([self.file], description=self.file.name)


def _no_column(name: str) -> Column:
    raise AssertionError(name)


class _FilesTable(ClusterTable):
    """Files, described here and read by workers."""

    def __init__(self, partitions: Partitions, local: Table) -> None:
        self._local = local
        self.findings: tuple[Finding, ...] = tuple(local.findings)
        self.hint = local.hint
        self.bytes_total = local.bytes_total
        super().__init__(partitions, names=local.names)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns by the heads of the files."""
        return self._local.fields(names)

    def judged(self, names: Sequence[str]) -> dict[str, Field]:
        """Tell the workers what the columns hold: the files are judged together, as here."""
        return self.fields(names)


class _Groups:
    """Some groups of rows of a Parquet file as a table that is read at once."""

    replayable = True
    bytes_total: int | None = None
    bytes_done: int | None = None
    findings: tuple[Finding, ...] = ()
    hint = ""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.rows: int | None = part.rows
        self.description = part.file.name
        with opened(part.file) as file_read:
            self._schema = file_read.schema_arrow
        self.names: tuple[str, ...] = tuple(self._schema.names)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        return {name: field_of(name, self._schema.field(name).type) for name in names}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        part = self._part
        text = [name for name in kinds if is_text(self._schema.field(name).type)]
        with opened(part.file, read_dictionary=text) as file_read:
            # the threads of the cluster are those that read
            table = file_read.read_row_groups(part.groups, columns=list(kinds), use_threads=False)
        columns = []
        for name in kinds:
            column = table.column(name)
            column = column.unify_dictionaries() if name in text else column
            columns.append(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())
        yield Portion(columns, table.num_rows, _places(part), mark=(0, 0, 0))


def _places(part: Part) -> Callable[[int], str]:
    return lambda row: f"row {part.start + row} (counted from 0) of {part.file.name}"


class opened:  # noqa: N801 - used as a verb: with opened(file)
    """A Parquet file; Arrow's errors become errors that name it."""

    def __init__(self, file: DataFile, **options: Any) -> None:
        self._file = file
        self._options = options

    def __enter__(self) -> Any:
        import pyarrow as pa
        from pyarrow import parquet

        self._raw = self._file.opened()
        try:
            self._parquet = parquet.ParquetFile(self._raw, pre_buffer=False, **self._options)
        except (pa.ArrowException, OSError) as error:
            self._raw.close()
            raise self._damaged(error) from error
        return self._parquet

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        self._parquet.close()
        self._raw.close()
        if isinstance(error, pa.ArrowException | OSError):
            raise self._damaged(error) from error

    def _damaged(self, error: BaseException) -> DataFileError:
        return DataFileError(
            f"{self._file.name} cannot be read as parquet: {error}. "
            "The file is damaged or incomplete: write it again."
        )


def _parquet_parts(file: DataFile) -> list[Part]:
    """Join neighbouring groups of rows to parts of a size that is worth a task."""
    with opened(file) as file_read:
        about = file_read.metadata
        sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
    parts: list[Part] = []
    groups: list[int] = []
    start = held = 0
    for group, rows in enumerate(sizes):
        if groups and held + rows > _PART_ROWS:
            parts.append(Part(file, tuple(groups), start, held))
            groups, start, held = [], start + held, 0
        groups.append(group)
        held += rows
    return [*parts, Part(file, tuple(groups), start, held)] if groups or not parts else parts
