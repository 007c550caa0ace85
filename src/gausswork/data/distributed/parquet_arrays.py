"""Dask arrays that only read columns of numbers from Parquet files: read by our own reader.

Such an array is a graph of tasks, and nothing else tells where its blocks come from. Here the tasks
of a block are followed back to the files, one after the other; wherever one does anything else than
read, take columns or join rows, the arrays are left to dask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gausswork.data.distributed.files import Part
from gausswork.data.distributed.parquet import is_plain, part_of
from gausswork.data.kinds import Field, Kind
from gausswork.data.tables import Portion, Table
from gausswork.errors import DataFileError

Piece = tuple[str, Sequence[int] | None]  # a file, and groups of rows of it


class _Rows(NamedTuple):
    """What the tasks of a block come to.

    Attributes
    ----------
    pieces : of files, one after the other.
    columns : of each of them; a name alone where there is one axis.
    array : whether it is an array, otherwise a data frame.
    """

    pieces: tuple[Piece, ...]
    columns: tuple[str, ...] | str
    array: bool = False


class _Otherwise(Exception):  # noqa: N818 - nothing is wrong
    """A task does something else."""


@dataclass(frozen=True)
class NamedPart:
    """Groups of rows of a Parquet file, whose columns go by other names.

    Attributes
    ----------
    part : where they are.
    columns : the name of each column, and that which it has in the file.
    """

    part: Part
    columns: tuple[tuple[str, str], ...]

    def open_here(self, number: int) -> Table:
        """Open the part on a worker."""
        return _Named(self.part.open_here(number), dict(self.columns))


class _Named:
    """A table some of whose columns go by other names."""

    def __init__(self, table: Table, columns: Mapping[str, str]) -> None:
        self._table = table
        self._columns = columns
        self.names = tuple(columns)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        there = self._table.fields(list({self._columns[name] for name in names}))
        return {name: replace(there[self._columns[name]], name=name) for name in names}

    def read(self, kinds: Mapping[str, Kind]) -> Iterator[Portion]:
        wanted = {self._columns[name]: kind for name, kind in kinds.items()}
        at = {name: number for number, name in enumerate(wanted)}
        for portion in self._table.read(wanted):
            columns = [portion.columns[at[self._columns[name]]] for name in kinds]
            yield replace(portion, columns=columns)


def parquet_columns(
    arrays: Sequence[Any], names: Sequence[Sequence[str]]
) -> list[NamedPart] | None:
    """Return the files that arrays of the same chunks are read from; None where dask must read.

    Parameters
    ----------
    arrays : matrices and vectors whose blocks lie side by side.
    names : of the columns of each.

    Raises
    ------
    DataFileError
        A file is not there any more, or damaged.
    """
    if not all(is_plain(array.dtype) for array in arrays):
        return None
    try:
        return _parts(arrays, names)
    except DataFileError:
        raise
    except Exception:  # inner parts of dask, which may be elsewhere in another version
        return None


def _parts(arrays: Sequence[Any], names: Sequence[Sequence[str]]) -> list[NamedPart]:
    from dask.core import flatten
    from dask.utils import ensure_dict

    labels: dict[str, str] = {}
    kinds: dict[str, Any] = {}
    pieces: list[list[Piece]] = []
    for array, some in zip(arrays, names, strict=True):
        graph = ensure_dict(array.__dask_graph__())
        blocks = [_followed(graph[key], graph) for key in flatten(array.__dask_keys__())]
        columns = blocks[0].columns
        if any((block.columns, block.array) != (columns, True) for block in blocks):
            raise _Otherwise
        pieces.append([piece for block in blocks for piece in block.pieces])
        columns = (columns,) if isinstance(columns, str) else columns
        if pieces[-1] != pieces[0] or not labels.keys().isdisjoint(some):
            raise _Otherwise  # other rows, or weights that go by the name of a column
        labels.update(zip(some, columns, strict=True))
        if any(kinds.setdefault(name, array.dtype) != array.dtype for name in columns):
            raise _Otherwise
    parts = [part_of(path, groups, kinds) for path, groups in pieces[0]]
    known = [part for part in parts if part is not None]
    rows, promised = sum(part.rows or 0 for part in known), sum(arrays[0].chunks[0])
    if len(known) < len(parts) or (not np.isnan(promised) and rows != promised):
        raise _Otherwise
    return [NamedPart(part, tuple(labels.items())) for part in known]


def _followed(node: Any, graph: Mapping[Any, Any]) -> _Rows:
    """Say what a task comes to."""
    kind = type(node).__name__
    if kind == "Alias":
        return _followed(graph[node.target], graph)
    if kind == "TaskRef":
        return _followed(graph[node.key], graph)
    if kind != "Task":
        raise _Otherwise
    call, given, named = node.func, node.args, dict(node.kwargs or {})
    if type(call).__name__ == "ParquetFunctionWrapper":
        (part,) = given
        return _read(call, part)
    does = (call.__module__.partition(".")[0], call.__name__)
    if does == ("dask", "_execute_subgraph"):
        inner, key, outer, *values = given
        return _followed(inner[key], {**inner, **dict(zip(outer, values, strict=True))})
    if does == ("dask", "apply_and_enforce") and named.pop("_func").__name__ == "values":
        (frame,) = given
        if set(named) - {"_meta"}:
            raise _Otherwise
        return _array(_followed(frame, graph))
    if named:
        raise _Otherwise
    if does == ("dask", "concat"):
        (frames,) = given
        return _joined([_followed(frame, graph) for frame in frames.args])
    if call.__name__ == "getitem" and does[0] in ("dask", "_operator"):
        whole, index = given
        return _taken(_followed(whole, graph), index)
    raise _Otherwise


def _read(call: Any, part: Mapping[str, Any]) -> _Rows:
    """Return what a task reads that does nothing out of the ordinary."""
    path, groups, folders = part["piece"]
    options = call.common_kwargs
    ordinary = (
        set(part) == {"piece"}
        and isinstance(path, str)
        and not folders
        and type(call.fs).__name__ == "LocalFileSystem"
        and call.engine.__name__ == "ArrowDatasetEngine"
        and call.dtype_backend is None
        and not (options.get("filters") or options.get("categories"))
        and not (options.get("partitions") or options.get("dtype_backend"))
        and not options.get("arrow_to_pandas")
        and all(isinstance(name, str) for name in call.columns)
    )
    if not ordinary:
        raise _Otherwise
    return _Rows(((path, None if groups is None else tuple(groups)),), tuple(call.columns))


def _array(frame: _Rows) -> _Rows:
    if frame.array:
        raise _Otherwise
    return frame._replace(array=True)


def _joined(frames: Sequence[_Rows]) -> _Rows:
    first = frames[0]
    if any((frame.columns, frame.array) != (first.columns, False) for frame in frames):
        raise _Otherwise
    return first._replace(pieces=tuple(piece for frame in frames for piece in frame.pieces))


def _taken(rows: _Rows, index: Any) -> _Rows:
    """Take columns, of a frame by name, of an array by number."""
    columns = rows.columns
    if isinstance(columns, str):
        raise _Otherwise
    if not rows.array:
        names = index if isinstance(index, list) else [index]
        if not all(name in columns for name in names):
            raise _Otherwise
        return rows._replace(columns=tuple(index) if isinstance(index, list) else index)
    every, some = index
    if every != slice(None) or not isinstance(some, slice | int | np.integer):
        raise _Otherwise
    return rows._replace(columns=columns[some])
