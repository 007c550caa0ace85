"""CSV at the level of bytes: where records end, and what fields a record has.

Quotes follow RFC 4180 as Arrow reads it: a quote opens a quoted field only at the start of a
field, two quotes inside stand for one, and a line break inside quotes belongs to the field.
Only what vectorised search cannot settle is looked at byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

QUOTE = 0x22
RETURN = 0x0D


def ends_inside(line: bytes | bytearray, inside: bool, separator: bytes) -> bool:
    """Whether a line, begun inside a quoted field or not, ends inside one."""
    at = 0
    while True:
        if inside:
            at = line.find(b'"', at)
            if at < 0:
                return True
            if line[at + 1 : at + 2] == b'"':
                at += 2
                continue
            inside = False
        elif line[at : at + 1] == b'"':
            inside = True
            at += 1
            continue
        # what follows up to the separator is literal, quotes included
        at = line.find(separator, at)
        if at < 0:
            return False
        at += 1


def records_end(data: bytes | bytearray, separator: bytes, newline: bytes) -> int:
    """Return where the last complete record in ``data`` ends, 0 when there is none.

    ``data`` must begin at the start of a record.
    """
    last = data.rfind(newline)
    if last < 0 or data.find(b'"', 0, last) < 0:
        return last + 1
    values = np.frombuffer(data, dtype=np.uint8)[: last + 1]
    breaks = np.flatnonzero(values == newline[0])
    quoted, unusual = _lines_with_quotes(values, breaks, separator[0])
    inside = False
    end = 0  # one past the last line break known to be outside quotes
    line = -1
    while True:
        # outside quotes the usual lines leave the state as it is, inside only those without any
        candidates = quoted if inside else unusual
        place = int(np.searchsorted(candidates, line, side="right"))
        if place == len(candidates):
            return end if inside else last + 1
        line = int(candidates[place])
        start = int(breaks[line - 1]) + 1 if line else 0
        if not inside:
            end = start
        inside = ends_inside(data[start : int(breaks[line])], inside, separator)
        if not inside:
            end = int(breaks[line]) + 1


def _lines_with_quotes(
    values: npt.NDArray[np.uint8], breaks: npt.NDArray[np.intp], separator: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the numbers of the lines that have a quote, and of those where it may not balance.

    A line is usual if its quotes open and close by turns, each opening one at the start of a
    field, each closing one at the end of a field: begun outside quotes it then ends outside.
    """
    edge = np.zeros(256, dtype=bool)
    edge[[separator, values[breaks[0]], RETURN]] = True
    quotes = np.flatnonzero(values == QUOTE)
    before = np.searchsorted(quotes, breaks)
    counts = np.diff(before, prepend=0)
    odd = counts % 2 == 1
    if not odd.any():
        # turns do not start anew: every second quote of all opens. A quote in the very first
        # byte has the last byte before it, a line break, as it should be.
        opening, closing = values[quotes[::2] - 1], values[quotes[1::2] + 1]
        if edge[opening].all() and edge[closing].all():
            return np.flatnonzero(counts), np.empty(0, dtype=np.intp)
    line = np.repeat(np.arange(len(counts)), counts)
    turn = np.arange(len(quotes)) - (before - counts)[line]
    fits = edge[np.where(turn % 2, values[quotes + 1], values[quotes - 1])]
    misfits = np.bincount(line[~fits], minlength=len(counts))
    return np.flatnonzero(counts), np.flatnonzero(odd | (misfits > 0))


def records(
    data: bytes | bytearray, separator: bytes, newline: bytes
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield each record that is not blank as (number of its first line from 0, its fields)."""
    held: list[bytes] = []
    inside = False
    first = 0
    lines = bytes(data).split(newline)
    for number, line in enumerate(lines):
        if not held:
            first = number
        inside = ends_inside(line, inside, separator)
        held.append(line)
        if inside and number < len(lines) - 1:
            continue
        record = newline.join(held).removesuffix(b"\r")
        held, inside = [], False
        if record:
            yield first, fields_of(record, separator)


def fields_of(record: bytes, separator: bytes) -> list[bytes]:
    """Split one record into its fields, quotes taken away."""
    if b'"' not in record:
        return record.split(separator)
    fields: list[bytes] = []
    at = 0
    while True:
        text = b""
        if record[at : at + 1] == b'"':
            text, at = _quoted(record, at + 1)
        end = record.find(separator, at)
        if end < 0:
            fields.append(text + record[at:])
            return fields
        fields.append(text + record[at:end])
        at = end + 1


def _quoted(record: bytes, at: int) -> tuple[bytes, int]:
    """Read a quoted field from behind its opening quote: its text, and where it stopped."""
    parts: list[bytes] = []
    while True:
        end = record.find(b'"', at)
        if end < 0:
            return b"".join(parts) + record[at:], len(record)
        parts.append(record[at:end])
        if record[end + 1 : end + 2] != b'"':
            return b"".join(parts), end + 1
        parts.append(b'"')
        at = end + 2


def unclosed_quote(data: bytes | bytearray, separator: bytes, newline: bytes) -> int | None:
    """Return the number (from 0) of the line whose quoted field never closes, or None."""
    inside = False
    opened = 0
    for number, line in enumerate(bytes(data).split(newline)):
        now = ends_inside(line, inside, separator)
        if now and not inside:
            opened = number
        inside = now
    return opened if inside else None
