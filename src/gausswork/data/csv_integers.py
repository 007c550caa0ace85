"""Integers of a CSV file that float64 has no room for: found by size, shown by their text."""

from __future__ import annotations

from typing import Any

import numpy as np

from gausswork.data.csv_errors import Chunk
from gausswork.data.csv_head import CsvFile
from gausswork.data.csv_types import read_sample
from gausswork.data.tables import EXACT_INTEGERS, as_floats


def beyond_text(chunk: Chunk, one: CsvFile, name: str, column: Any) -> int | None:
    """Return an integer beyond 2^53 of a column, one that was rounded if there is one.

    Its numbers are ``column``; their text is read from the chunk a second time. None where 2^53
    itself is the largest.
    """
    import pyarrow as pa

    text = read_sample(one.head, chunk.data, {name: pa.string()}, [name], one.decimal).column(0)
    values = as_floats(column)
    example: int | None = None
    for row in np.flatnonzero(np.abs(values) >= EXACT_INTEGERS).tolist():
        if np.isinf(values[row]):  # refused elsewhere, with its line
            continue
        try:
            written = int(text[row].as_py())
        except ValueError:  # 1e300 among whole numbers
            continue
        if written != int(values[row]):
            return written
        if example is None and abs(written) > EXACT_INTEGERS:
            example = written
    return example
