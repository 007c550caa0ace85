"""CSV files as a table: cut at record ends, parsed side by side, delivered in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gausswork import processors
from gausswork.data import csv_compiled
from gausswork.data.csv_compiled import count_byte
from gausswork.data.csv_errors import Chunk, explain, place_of_row, unclosed
from gausswork.data.csv_head import CsvFile, CsvHead, opened, read_head, skip_bytes
from gausswork.data.csv_integers import beyond_text
from gausswork.data.csv_text import QUOTE, records_end
from gausswork.data.csv_types import (
    arrow_types,
    convert_options,
    huge,
    judge,
    parse_options,
    read_options,
    sniff_decimal,
)
from gausswork.data.files import (
    DataFile,
    extra_columns,
    identity,
    missing_in_file,
    refuse_changed,
    refuse_rewritten,
)
from gausswork.data.kinds import Field, Kind
from gausswork.data.tables import Mark, Portion
from gausswork.errors import DataFileError
from gausswork.findings import Finding, Severity

CHUNK_BYTES = 1 << 20  # parsed at a time by one thread
RECORD_LIMIT = 64 << 20  # a record longer than this is an unclosed quote


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Rows of a chunk, one run of values per column, and those that float64 may have rounded."""

    rows: int
    columns: list[Any]
    huge: dict[str, Any]


class CsvTable:
    """One CSV file, or several with the same columns.

    Types are judged once, by a sample of the first file that has rows; a later value that does
    not fit is an error that names file, line, column and value.
    """

    replayable = True
    rows: int | None = None

    def __init__(self, files: Sequence[DataFile], *, description: str) -> None:
        self.description = description
        self._files: list[CsvFile] = []
        self._sample: bytes = b""
        self._first: CsvFile | None = None
        for file in files:
            head, sample = read_head(file)
            with _explained(Chunk(sample, head.lines + 1, 0, 0), head, {}, "."):
                one = CsvFile(head, sniff_decimal(head, sample))
            self._files.append(one)
            if self._first is None and sample.strip():
                self._first, self._sample = one, sample
        if self._first is None:
            raise DataFileError(
                f"{description} has a header and no rows. Its columns are "
                f"{', '.join(self._files[0].head.names)}. Add the rows below the header, one per "
                "line, or write the file again."
            )
        self.names: tuple[str, ...] = self._files[0].head.names
        self.bytes_total: int | None = sum(file.size for file in files)
        self.bytes_done: int | None = 0
        named = [(one.head.file.name, one.head.names) for one in self._files]
        self.findings = (*_reading_findings(self._files), *extra_columns(named))
        self.hint = _hint(self._files[0].head)
        self._fields: dict[str, Field] = {}
        self.noticed: tuple[Finding, ...] = ()

    @property
    def separator(self) -> str:
        """What stands between the fields of the first file."""
        return self._files[0].head.separator.decode()

    @property
    def decimal(self) -> str:
        """What stands before the decimals of the first file: a point or a comma."""
        return self._files[0].decimal

    @property
    def conventions(self) -> list[tuple[str, str]]:
        """Separator and decimal sign of each file."""
        return [(one.head.separator.decode(), one.decimal) for one in self._files]

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        """Describe columns by the sample; every file must have them."""
        self.require(names)
        unknown = [name for name in names if name not in self._fields]
        if unknown and self._first is not None:
            head, decimal = self._first.head, self._first.decimal
            chunk = Chunk(self._sample, head.lines + 1, 0, 0)
            kinds = dict.fromkeys(unknown, Kind.TEXT)
            with _explained(chunk, head, kinds, decimal):
                where = _places(chunk, head)
                self._fields |= judge(head, self._sample, unknown, decimal, where)
        return {name: self._fields[name] for name in names}

    def require(self, names: Sequence[str]) -> None:
        """Refuse files that lack one of the columns."""
        for one in self._files:
            for name in names:
                if name not in one.head.names:
                    first = self._files[0].head.file.name
                    raise DataFileError(missing_in_file(name, one.head.file.name, first))

    def identity(self) -> list[list[Any]]:
        """Return what tells these files from others: see :func:`gausswork.data.files.identity`."""
        return [identity(one.head.file) for one in self._files]

    def read(self, kinds: Mapping[str, Kind], start: Mark | None = None) -> Iterator[Portion]:
        """Yield the rows in order, from ``start`` on.

        Several threads parse; memory holds a few chunks.
        """
        threads = processors.available()
        first = 0 if start is None else start[0]
        done = sum(one.head.file.size for one in self._files[:first])
        whole = [name for name in kinds if self._is_whole(name, kinds[name])]
        seen = {name: self._fields[name].seen for name in kinds if name in self._fields}
        found: dict[str, int] = {}  # one example per column is enough
        with ThreadPoolExecutor(threads, thread_name_prefix="gausswork-csv") as pool:
            for number, one in enumerate(self._files[first:], first):
                skip = start[1:] if start is not None and number == first else None
                tasks: deque[tuple[Chunk, Future[_Parsed]]] = deque()
                try:
                    for chunk in chunks(one.head, skip):
                        tasks.append((chunk, pool.submit(_parse, chunk, one, kinds, whole, seen)))
                        if len(tasks) > threads:
                            yield from self._deliver(number, tasks, done, found)
                    while tasks:
                        yield from self._deliver(number, tasks, done, found)
                except DataFileError:
                    refuse_changed(one.head.file)  # which explains whatever else is wrong with it
                    raise
                finally:
                    for _, task in tasks:
                        task.cancel()
                done += one.head.file.size
        self.bytes_done = done

    def _deliver(
        self,
        number: int,
        tasks: deque[tuple[Chunk, Future[_Parsed]]],
        done: int,
        found: dict[str, int],
    ) -> Iterator[Portion]:
        one = self._files[number]
        chunk, task = tasks.popleft()
        parsed = task.result()
        self.bytes_done = done + chunk.position
        if parsed.rows:
            beyond: dict[str, int] = {}
            for name, column in parsed.huge.items():
                if name not in found:
                    example = beyond_text(chunk, one, name, column)
                    beyond |= {} if example is None else {name: example}
            found.update(beyond)
            if chunk.last and chunk.start >= CHUNK_BYTES:
                self.noticed = (_no_final_break(one.head.file.name, chunk),)
            where, mark = _places(chunk, one.head), (number, chunk.start, chunk.line)
            yield Portion(parsed.columns, parsed.rows, where, beyond, mark)

    def _is_whole(self, name: str, kind: Kind) -> bool:
        return kind is Kind.NUMBER and name in self._fields and self._fields[name].whole


def chunks(head: CsvHead, begin: Sequence[int] | None = None) -> Iterator[Chunk]:
    """Cut the data of a file into runs of complete records of about ``CHUNK_BYTES``.

    Parameters
    ----------
    begin : uncompressed bytes to skip, and the number of the line that follows; by default the
        head of the file is skipped.
    """
    file = head.file
    refuse_changed(file)
    start, line = begin or (head.skip, head.lines + 1)
    rest = b""
    try:
        with opened(file) as (stream, raw):
            skip_bytes(stream, start, seek=stream is raw and not file.streams)
            while data := _filled(rest, stream):
                end = records_end(data, head.separator, head.newline)
                if end == 0 and len(data) > RECORD_LIMIT:
                    raise unclosed(Chunk(data, line, start, 0), head) or _endless(file.name, line)
                rest = bytes(data[end:])
                if end:
                    del data[end:]
                    yield Chunk(data, line, start, raw.tell())
                    line += count_byte(data, head.newline[0])
                    start += len(data)
            refuse_rewritten(file, raw)
    except OSError as error:
        raise DataFileError(
            f"{file.name} breaks off after line {line}: {error}. "
            "The file is damaged or incomplete: copy or compress it again."
        ) from None
    if rest:
        yield Chunk(rest, line, start, file.size, last=True)


def _filled(rest: bytes, stream: Any) -> bytearray | None:
    """Return what is left of the last block and the next one, in one piece; None at the end."""
    data = bytearray(len(rest) + CHUNK_BYTES)
    data[: len(rest)] = rest
    with memoryview(data) as view:
        read = stream.readinto(view[len(rest) :])
    if not read:
        return None
    del data[len(rest) + read :]
    return data


def _parse(
    chunk: Chunk,
    one: CsvFile,
    kinds: Mapping[str, Kind],
    whole: Sequence[str],
    seen: Mapping[str, str],
) -> _Parsed:
    """Parse the columns ``kinds`` of a chunk.

    ``whole`` are those of whole numbers; ``seen`` is for errors, as in :func:`explain`.
    """
    import pyarrow as pa
    from pyarrow import csv

    if not chunk.data.strip(b"\r\n"):
        return _Parsed(0, [], {})
    if chunk.last and QUOTE in chunk.data and (error := unclosed(chunk, one.head)) is not None:
        raise error
    if (compiled := csv_compiled.parse(chunk, one.head, kinds, one.decimal)) is not None:
        named = dict(zip(kinds, compiled[1], strict=True))
        return _Parsed(*compiled, {name: named[name] for name in whole if huge(named[name])})
    # a column that is not asked for is still needed where there is no other: rows must count
    names = list(kinds) or [one.head.names[0]]
    types = arrow_types(kinds) or {names[0]: pa.string()}
    with _explained(chunk, one.head, kinds, one.decimal, seen):
        table = csv.read_csv(
            pa.BufferReader(chunk.data),
            read_options=read_options(one.head, len(chunk.data)),
            parse_options=parse_options(one.head),
            convert_options=convert_options(types, names, one.decimal),
        )
    columns = [column.combine_chunks() for column in table.columns] if kinds else []
    columns = [
        column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns
    ]
    named = dict(zip(kinds, columns, strict=True))
    suspects = {name: named[name] for name in whole if huge(named[name])}
    return _Parsed(table.num_rows, columns, suspects)


class _explained:  # noqa: N801 - used as a verb: with _explained(chunk, ...)
    """Turn Arrow's parse errors into errors with file, line, column and value."""

    def __init__(
        self,
        chunk: Chunk,
        head: CsvHead,
        kinds: Mapping[str, Kind],
        decimal: str,
        seen: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._context = (chunk, head, kinds, decimal, seen)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowException):
            raise explain(*self._context, error) from None


def _endless(file: str, line: int) -> DataFileError:
    return DataFileError(
        f"{file}, line {line}: the line has no end within {RECORD_LIMIT >> 20} MB. "
        "Is this a CSV file with one record per line?"
    )


def _places(chunk: Chunk, head: CsvHead) -> Callable[[int], str]:
    return lambda row: place_of_row(chunk, head, row)


def _reading_findings(files: Sequence[CsvFile]) -> Iterator[Finding]:
    """Say once how files are written, though there be thousands: of each way, the files."""
    ways: dict[str, list[CsvFile]] = {}
    for one in files:
        if one.head.surprising:
            ways.setdefault(one.head.separator_name, []).append(one)
    for way, alike in ways.items():
        first = alike[0].head
        yield Finding(
            "separator-detected",
            Severity.NOTE,
            f"{_named(alike)} {_verb('separate', alike)} {_their(alike)} fields by {way}, judged "
            f"by {_their(alike)} first lines.",
            evidence={"file": first.file.name, "separator": first.separator.decode()},
        )
    with_comma = [one for one in files if one.decimal == ","]
    if with_comma:
        yield Finding(
            "decimal-comma",
            Severity.NOTE,
            f"{_named(with_comma)} {_verb('write', with_comma)} {_their(with_comma)} numbers with "
            "a decimal comma: 1,5 is read as one and a half.",
            evidence={"file": with_comma[0].head.file.name},
        )


def _named(files: Sequence[CsvFile]) -> str:
    first, more = files[0].head.file.name, len(files) - 1
    if not more:
        return first
    return f"{first} and {more:,} more file{'' if more == 1 else 's'}"


def _verb(verb: str, files: Sequence[CsvFile]) -> str:
    return f"{verb}s" if len(files) == 1 else verb


def _their(files: Sequence[CsvFile]) -> str:
    return "its" if len(files) == 1 else "their"


def _no_final_break(name: str, chunk: Chunk) -> Finding:
    """Say that a large file ends within a line: what was cut off nobody can see."""
    line = chunk.line + count_byte(chunk.data, ord("\n"))
    end = bytes(chunk.data).rpartition(b"\n")[2].decode("utf-8", "replace")
    return Finding(
        "open-last-line",
        Severity.NOTE,
        f"{name} does not end with a line break: its last line, {line}, is "
        f"{end if len(end) <= 60 else f'…{end[-60:]}'!r} and was used as it is.",
        "If the file was cut off in copying or is still being written, get the whole of it.",
        {"file": name, "line": line},
    )


def _hint(head: CsvHead) -> str:
    if head.comment:
        name = head.file.name
        return (
            f"The first line of {name} begins with '#': comments are not skipped. Delete such "
            f"lines, for example with: grep -v '^#' {name} > plain.csv"
        )
    if head.bare:
        return (
            f"The first line of {head.file.name} holds numbers: does the file lack a line of "
            "column names? Add one."
        )
    if len(head.names) == 1 and len(head.names[0].split()) > 1:
        return (
            f"The first line of {head.file.name} has blanks between its words and no separator: "
            "separate the fields by commas, semicolons or tabs."
        )
    return ""
