"""Columns of plain numbers in a dask data frame that reads Parquet files: read by our own reader.

What dask would read through pandas is the same numbers. Where anything is out of the ordinary,
filters, folders that are columns, other places than a disk, types that pandas would change, the
data frame is left to dask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gausswork.data.distributed.files import Part, opened
from gausswork.data.files import DataFile, found


def parquet_parts(frame: Any) -> list[Part] | None:
    """Return what the partitions of a data frame are made of, in order; None where dask must read.

    Parameters
    ----------
    frame : the columns used, and no others.

    Raises
    ------
    DataFileError
        A file is not there any more, or damaged.
    """
    if not all(is_plain(kind) for kind in frame.dtypes):
        return None
    try:
        pieces = _pieces(frame.expr)
    except Exception:  # inner parts of dask, which may be elsewhere in another version
        return None
    if pieces is None or len(pieces) != frame.npartitions:
        return None
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    parts = [part_of(path, groups, kinds) for path, groups in pieces]
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


def is_plain(kind: Any) -> bool:
    """Whether numbers are of a type that pandas reads as it is in the file."""
    return isinstance(kind, np.dtype) and kind.kind in "fiu" and kind.itemsize >= 4


def _pieces(expression: Any) -> list[tuple[str, Sequence[int] | None]] | None:
    """Return path and groups of rows of each partition, where the frame only reads files."""
    read = expression.optimize(fuse=False)
    while type(read).__name__ == "Projection":
        read = read.frame
    ordinary = (
        type(read).__name__ == "ReadParquetFSSpec"
        and not (read.filters or read._filtered or read.categories)
        and read.operand("engine") == "pyarrow"
        and read.operand("kwargs") in ({}, {"dtype_backend": None})
    )
    if not ordinary:
        return None
    pieces = []
    for part in read._plan["parts"]:
        path, groups, folders = part["piece"]
        if set(part) != {"piece"} or not isinstance(path, str) or folders:
            return None
        pieces.append((path, groups))
    return pieces


def part_of(path: str, groups: Sequence[int] | None, kinds: dict[Any, Any]) -> Part | None:
    """Look at a file; None where its columns are not of the types that dask promises."""
    (file, *others) = found(path)
    if others or type(file) is not DataFile or file.format != "parquet":
        return None
    with opened(file) as head:
        about, schema = head.metadata, head.schema_arrow
    for name, kind in kinds.items():
        if schema.names.count(name) != 1 or schema.field(name).type != _arrow_type(kind):
            return None
    sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
    chosen = tuple(range(len(sizes)) if groups is None else map(int, groups))
    start = sum(sizes[: chosen[0]]) if chosen else 0
    return Part(file, chosen, start, sum(sizes[group] for group in chosen))


def _arrow_type(kind: Any) -> Any:
    import pyarrow as pa

    return pa.from_numpy_dtype(kind)
