"""The compiled parser of CSV records: quicker than Arrow's, and declining whatever is unusual.

What it takes it reads as Arrow does, to the last bit; what it declines Arrow reads, or refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork._native import compiled
from gausswork.data.csv_errors import Chunk
from gausswork.data.csv_head import CsvHead
from gausswork.data.csv_types import MISSING
from gausswork.data.kinds import Kind

_POWERS = range(-342, 309)  # of ten that float64 knows, with nineteen digits before them
_HARD = 4096  # numbers of a chunk that may be left to exact arithmetic

_LETTERS = {Kind.NUMBER: b"n", Kind.FLAG: b"f", Kind.TEXT: b"t", Kind.EMPTY: b"t"}
_MARKS = "\n".join(MISSING[1:]).encode()

Parsed = tuple[int, list[Any]]


def parser() -> Any:
    """Return the compiled module, None where Arrow serves."""
    return compiled("_csv")


@cache
def powers_of_five() -> npt.NDArray[np.uint64]:
    """Return 5^k to 128 bits as pairs of words, high and low, for k from −342 to 308.

    Each is scaled by a power of two to lie in [2^127, 2^128) and cut; the reciprocals whose powers
    fit into 64 bits are rounded up, for then products that are whole come out whole (Lemire 2021).
    """
    words = []
    for power in _POWERS:
        five = 5 ** abs(power)
        if power < 0:
            scaled = (1 << (five.bit_length() + 127)) // five + (five < 2**64)
        else:
            shift = five.bit_length() - 128
            scaled = five >> shift if shift > 0 else five << -shift
        words.append((scaled >> 64, scaled & (2**64 - 1)))
    return np.array(words, dtype=np.uint64)


def parse(chunk: Chunk, head: CsvHead, kinds: Mapping[str, Kind], decimal: str) -> Parsed | None:
    """Parse the columns ``kinds`` of a chunk: (rows, one run of values per column).

    Returns
    -------
    None where the parser declines: where something is wrong with the chunk, or merely unusual.
    """
    native = parser()
    if native is None or head.newline != b"\n" or not kinds:
        return None
    letters = [_LETTERS[kinds[name]] if name in kinds else b"s" for name in head.names]
    texts = letters.count(b"t")
    numbers = len(kinds) - texts
    room = count_byte(chunk.data, ord("\n")) + 1
    values = np.empty((numbers, room))
    codes = np.empty((texts, room), dtype=np.int32)
    hard = np.empty((_HARD, 3), dtype=np.int64)
    found = native.parse(
        chunk.data, b"".join(letters), _MARKS, powers_of_five(), values, codes, hard,
        ord(head.separator), ord(decimal), room,
    )  # fmt: skip
    if found is None:
        return None
    rows, left, levels = found
    flat = values.reshape(-1)
    for start, length, index in hard[:left].tolist():
        text = chunk.data[start : start + length].decode("ascii")
        flat[index] = float(text.replace(decimal, "."))
        if not np.isfinite(flat[index]):
            return None
    columns: dict[str, Any] = {}
    number = text_number = 0
    for name, letter in zip(head.names, letters, strict=True):
        if letter == b"t":
            columns[name] = _categories(codes[text_number, :rows], levels[text_number])
            text_number += 1
        elif letter != b"s":
            column = values[number, :rows]
            columns[name] = _flags(column) if letter == b"f" else column
            number += 1
    return rows, [columns[name] for name in kinds]


def count_byte(data: bytes | bytearray, byte: int) -> int:
    """Count how often a byte occurs."""
    native = parser()
    if native is not None:
        return int(native.count(data, byte))
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == byte))


def _flags(values: npt.NDArray[np.float64]) -> Any:
    """Return ones, zeros and NaN as Arrow's true, false and no value."""
    import pyarrow as pa

    known = ~np.isnan(values)
    validity = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    bits = pa.py_buffer(np.packbits(values == 1.0, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [validity, bits])


def _categories(codes: npt.NDArray[np.int32], levels: list[str]) -> Any:
    """Return codes (-1: no value) with their levels as Arrow has them."""
    import pyarrow as pa

    known = codes >= 0
    validity = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [validity, pa.py_buffer(codes)])
    texts = [level.encode() for level in levels]  # pa.array(levels) would load pandas
    ends = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum([len(text) for text in texts], out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    names = pa.Array.from_buffers(pa.string(), len(texts), buffers)
    return pa.DictionaryArray.from_arrays(indices, names)
