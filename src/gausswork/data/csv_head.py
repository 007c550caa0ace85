"""The head of a CSV file: encoding, separator, column names, where the data begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gausswork.data.csv_text import fields_of, records, records_end
from gausswork.data.files import DataFile
from gausswork.data.kinds import require_distinct
from gausswork.errors import DataFileError

SAMPLE_BYTES = 1 << 20  # how much of a file its types are judged by

_SEPARATORS = {b",": "commas", b";": "semicolons", b"\t": "tabs", b"|": "vertical bars"}
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
_NO_TABLES = {
    b"\x89PNG\r\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"%PDF-": "a PDF document",
}
_SNIFFED_RECORDS = 100
_PLAIN_NUMBER = re.compile(rb"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class CsvHead:
    """What the beginning of one CSV file tells.

    Attributes
    ----------
    file : the file.
    separator : the byte between fields.
    newline : the byte that ends a line.
    names : the column names, ``column3`` for a third column without one.
    unnamed : which of the names were made up here.
    skip : bytes before the first data record, uncompressed.
    lines : lines before the first data record.
    bare : whether the first line looks like data rather than names.
    """

    file: DataFile
    separator: bytes
    newline: bytes
    names: tuple[str, ...]
    unnamed: frozenset[str]
    skip: int
    lines: int
    bare: bool

    @property
    def comment(self) -> bool:
        """Whether the first line may be a comment rather than names."""
        return self.names[0].startswith("#")

    @property
    def separator_name(self) -> str:
        """The separator in words."""
        return _SEPARATORS[self.separator]

    @property
    def surprising(self) -> bool:
        """Whether the separator is another one than the ending of the file promises."""
        expected = b"\t" if _ending(self.file.name) in (".tsv", ".tab") else b","
        return self.separator != expected and len(self.names) > 1


@dataclass(frozen=True, slots=True)
class CsvFile:
    """One CSV file: its head and how its decimals are written."""

    head: CsvHead
    decimal: str


@contextmanager
def opened(file: DataFile) -> Iterator[tuple[Any, Any]]:
    """Open a file for reading: (stream of uncompressed bytes, raw file that knows its place)."""
    import pyarrow as pa

    with file.opened(in_order=True) as raw:
        if file.compression is None:
            yield raw, raw
        else:
            with pa.CompressedInputStream(raw, file.compression) as stream:
                yield stream, raw


def skip_bytes(stream: Any, count: int, *, seek: bool) -> None:
    """Move a stream that has just been opened past some of its bytes."""
    if seek:
        stream.seek(count)
        return
    while count:
        part = len(stream.read(min(count, SAMPLE_BYTES)))
        if not part:  # the file has become shorter: what follows finds its end
            return
        count -= part


def read_head(file: DataFile) -> tuple[CsvHead, bytes]:
    """Read the head of a CSV file and a sample of complete data records behind it."""
    sample = _first_bytes(file)
    _refuse_other_files(file, sample)
    _refuse_wide_text(file, sample)
    start = len(_BOM) if sample.startswith(_BOM) else 0
    newline = b"\n" if b"\n" in sample or b"\r" not in sample else b"\r"
    lines = 0
    while start < len(sample) and sample[start : start + 1] in (b"\r", b"\n"):
        lines += sample[start : start + 1] == newline
        start += 1
    body = sample[start:]
    if not body.strip():
        raise DataFileError(
            f"{file.name} holds nothing but blank lines. Write the file again, with a line of "
            "column names and then the rows."
        )
    separator = _sniff_separator(body, newline, _ending(file.name))
    length, header = _header(body, separator, newline)
    bare = all(_PLAIN_NUMBER.fullmatch(field) for field in header)
    names, unnamed = _names(header, file, lines, bare=bare)
    head = CsvHead(
        file=file,
        separator=separator,
        newline=newline,
        names=names,
        unnamed=unnamed,
        skip=start + length,
        lines=lines + body[:length].count(newline),
        bare=bare,
    )
    rest = body[length:]
    if len(sample) == SAMPLE_BYTES:  # the last record of the sample is probably cut
        rest = rest[: records_end(rest, separator, newline)]
    return head, rest


def _first_bytes(file: DataFile) -> bytes:
    parts: list[bytes] = []
    wanted = SAMPLE_BYTES
    try:
        with opened(file) as (stream, _):
            while wanted and (part := stream.read(wanted)):
                parts.append(part)
                wanted -= len(part)
    except OSError as error:
        raise DataFileError(
            f"{file.name} cannot be read: {error}. The file is damaged or incomplete."
        ) from None
    return b"".join(parts)


def _refuse_other_files(file: DataFile, sample: bytes) -> None:
    for start, what in _NO_TABLES.items():
        if sample.startswith(start):
            raise DataFileError(
                f"{file.name} is {what}, not a table. Give the numbers themselves, as a CSV or "
                "Parquet file."
            )


def _refuse_wide_text(file: DataFile, sample: bytes) -> None:
    first = sample[:1000]
    if b"\0" in first and not sample.startswith(_WIDE_BOMS) and 4 * first.count(0) < len(first):
        line = 1 + sample[: sample.index(0)].count(b"\n")
        raise DataFileError(
            f"{file.name}, line {line}: there is a NUL byte (0x00), which no text holds. The file "
            "is damaged, or it is no text: write it again, or take such bytes out with: "
            f"tr -d '\\000' < {file.name} > clean.csv"
        )
    if sample.startswith(_WIDE_BOMS) or b"\0" in sample[:1000]:
        what = "UTF-16 text" if sample.startswith(_WIDE_BOMS) else "binary data or UTF-16 text"
        raise DataFileError(
            f"{file.name} is {what}; CSV files are read as UTF-8. Save it as UTF-8, for example "
            f"with: iconv -f UTF-16 -t UTF-8 {file.name} > utf8.csv"
        )


def _sniff_separator(body: bytes, newline: bytes, ending: str) -> bytes:
    """Choose the separator by which the first records have equally many fields."""
    preferred = b"\t" if ending in (".tsv", ".tab") else b","
    best, best_score = preferred, (0.0, 0, False)
    head = body[:65_536]
    for separator in _SEPARATORS:
        counts = []
        for _, fields in records(head, separator, newline):
            counts.append(len(fields))
            if len(counts) == _SNIFFED_RECORDS:
                break
        if len(counts) > 2 and len(body) > len(head):
            counts.pop()  # perhaps cut
        if counts[0] < 2:
            continue
        agreeing = sum(count == counts[0] for count in counts) / len(counts)
        score = (agreeing, counts[0], separator == preferred)
        if score > best_score:
            best, best_score = separator, score
    return best


def _header(body: bytes, separator: bytes, newline: bytes) -> tuple[int, list[bytes]]:
    """Return the length of the first record, its line break included, and its fields."""
    end = body.find(newline)
    while end >= 0 and not records_end(body[: end + 1], separator, newline):
        end = body.find(newline, end + 1)  # a line break inside a quoted name
    length = len(body) if end < 0 else end + 1
    record = body[:length].rstrip(b"\r\n")
    return length, fields_of(record, separator)


def _names(
    header: list[bytes], file: DataFile, line: int, *, bare: bool
) -> tuple[tuple[str, ...], frozenset[str]]:
    names: list[str] = []
    unnamed: set[str] = set()
    for number, field in enumerate(header, start=1):
        try:
            name = field.decode().strip()
        except UnicodeDecodeError as error:
            raise not_utf8(file.name, line + 1, field[error.start : error.start + 1]) from None
        if not name:
            name = f"column{number}"
            unnamed.add(name)
        names.append(name)
    if bare and len(set(names)) < len(names):
        raise DataFileError(
            f"the first line of {file.name} holds numbers, some of them twice, where the names of "
            "the columns belong. Does the file lack a line of column names? Add one."
        )
    require_distinct(names, place=f"the header of {file.name}", error=DataFileError)
    return tuple(names), frozenset(unnamed)


def not_utf8(file: str, line: int, byte: bytes) -> DataFileError:
    """Build the error for text that is not UTF-8."""
    return DataFileError(
        f"{file}, line {line}: the byte 0x{byte.hex()} is not UTF-8 text. Save the file as UTF-8, "
        f"for example with: iconv -f WINDOWS-1252 -t UTF-8 {file} > utf8.csv"
    )


def _ending(name: str) -> str:
    lowered = name.lower()
    for compressed in (".gz", ".zst", ".bz2"):
        lowered = lowered.removesuffix(compressed)
    return lowered[lowered.rfind(".") :] if "." in lowered else ""
