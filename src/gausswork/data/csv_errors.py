"""Where a CSV file goes wrong: the line, the column and the text, found once Arrow has refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gausswork.data.csv_head import CsvHead, not_utf8
from gausswork.data.csv_text import records, unclosed_quote
from gausswork.data.csv_types import FALSE, MISSING, TRUE, decorated
from gausswork.data.kinds import Kind
from gausswork.errors import DataFileError

_CODE = re.compile(r"\d")  # text with a digit in it may be a code: 12a, 1-3


@dataclass(frozen=True, slots=True)
class Chunk:
    """Complete records of a file.

    Attributes
    ----------
    data : their bytes.
    line : number of their first line in the file, from 1.
    start : uncompressed bytes of the file before them.
    position : bytes of the file read so far, compressed where the file is.
    last : whether the file ends with them, without a line break.
    """

    data: bytes | bytearray
    line: int
    start: int
    position: int
    last: bool = False


def explain(
    chunk: Chunk,
    head: CsvHead,
    kinds: Mapping[str, Kind],
    decimal: str,
    seen: Mapping[str, str],
    error: Exception,
) -> DataFileError:
    """Find what Arrow refused in a chunk and say it with line, column and text.

    ``seen`` says by which values a column was judged; new data for a fit is not judged.
    """
    file = head.file.name
    places = [(name, head.names.index(name), kind) for name, kind in kinds.items()]
    for offset, fields in records(chunk.data, head.separator, head.newline):
        line = chunk.line + offset
        if len(fields) != len(head.names):
            return unclosed(chunk, head) or _ragged(file, line, fields, head)
        for name, place, kind in places:
            try:
                text = fields[place].decode()
            except UnicodeDecodeError as wrong:
                return not_utf8(file, line, fields[place][wrong.start : wrong.start + 1])
            if not _fits(text, kind, decimal):
                return _misfit(f"{file}, line {line}, column {name!r}", text, kind, seen.get(name))
    return DataFileError(f"{file}, from line {chunk.line} on: {error}")


def place_of_row(chunk: Chunk, head: CsvHead, row: int) -> str:
    """Say where row ``row`` of a chunk lies: ``line 17 of heights.csv``."""
    for number, (offset, _) in enumerate(records(chunk.data, head.separator, head.newline)):
        if number == row:
            return f"line {chunk.line + offset} of {head.file.name}"
    return f"a line after {chunk.line} of {head.file.name}"


def unclosed(chunk: Chunk, head: CsvHead) -> DataFileError | None:
    """Return the error for a quoted field that does not end, or None when all do."""
    offset = unclosed_quote(chunk.data, head.separator, head.newline)
    if offset is None:
        return None
    return DataFileError(
        f'{head.file.name}, line {chunk.line + offset}: a quote (") opens a field there and none '
        "closes it. Close it, or double a quote that belongs to the text."
    )


def _fits(text: str, kind: Kind, decimal: str) -> bool:
    if text in MISSING or kind not in (Kind.NUMBER, Kind.FLAG):
        return True
    if kind is Kind.FLAG:
        return text in TRUE or text in FALSE
    # Python reads more than Arrow does: 1_000, digits of other scripts, a blank that breaks no line
    if "_" in text or not text.isascii() or (decimal == "," and "." in text):
        return False
    if text.strip() != text.strip(" \t"):
        return False
    try:
        float(text.replace(decimal, "."))
    except ValueError:
        return False
    return True


def _misfit(place: str, text: str, kind: Kind, seen: str | None) -> DataFileError:
    wanted, used = "a number", "numbers"
    if kind is Kind.FLAG:
        wanted, used = "true or false", "true and false"
    why = f", as {seen}." if seen else f"; the fit used {used} there."
    remedy = "If it stands for a missing value, leave the field empty or write NA"
    if kind is Kind.NUMBER and decorated(text):
        remedy = (
            "Write numbers with a decimal point and without thousands separators, currency or "
            "percent signs"
        )
    elif kind is Kind.NUMBER and seen and _CODE.search(text):
        remedy += (
            "; if the column holds codes rather than quantities, write each of them with a "
            "letter, such as s1, s2, or pass a data frame with that column as text"
        )
    otherwise = "do without this column" if seen else "leave the line out"
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return DataFileError(f"{place}: {shown!r} is not {wanted}{why} {remedy}; or {otherwise}.")


def _ragged(file: str, line: int, fields: list[bytes], head: CsvHead) -> DataFileError:
    remedy = (
        "The first line begins with '#': if it is a comment, delete it and others like it."
        if head.comment
        else "Put quotes around fields that contain the separator."
        if len(fields) > len(head.names)
        else "Add the fields that are missing, or the separators of empty ones."
    )
    return DataFileError(
        f"{file}, line {line}: {_fields(len(fields))} where the header names "
        f"{len(head.names)} columns (separated by {head.separator_name}). {remedy}"
    )


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
