"""Dask collections become partitions: arrays, data frames, lists of delayed frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.design import feature_names
from gausswork.data.distributed import is_distributed
from gausswork.data.distributed.parquet import parquet_parts
from gausswork.data.distributed.parquet_arrays import parquet_columns
from gausswork.data.distributed.partitions import Partitions, is_future
from gausswork.data.distributed.readers import ArrayReader, Beside, FrameReader
from gausswork.data.distributed.source import ClusterSource
from gausswork.data.distributed.table import ClusterTable
from gausswork.data.frames import frame_table
from gausswork.data.kinds import Field, Kind, listed, require_column
from gausswork.data.levels import Progress
from gausswork.data.matrices import default_names
from gausswork.data.opened import OpenedData, name_of
from gausswork.data.recipe import Predictor, Recipe
from gausswork.data.remarks import binary_target, name_findings
from gausswork.data.tabular import open_table
from gausswork.data.weights import ARGUMENTS, Weights
from gausswork.errors import InputError, require

_TOLD = (Kind.NUMBER, Kind.FLAG, Kind.TEXT)  # kinds that an empty frame can tell


def open_distributed(
    data: Any,
    target: str | None,
    features: Any,
    missing: str,
    y: Any,
    weights: Any,
    weighting: str,
    progress: Progress | None,
) -> OpenedData:
    """Open rows that lie on a cluster; see :func:`gausswork.data.open_data`."""
    require("dask", purpose="Dask collections", extra="dask")
    if is_array(data):
        return _open_arrays(data, target, features, missing, y, weights, weighting)
    table: Any = cluster_table(data)
    announce = y is None
    if y is not None:
        name = target or _name_of(y) or ("y" if "y" not in table.names else "target")
        table = _beside(table, name, y, "target")
        target = name
    if target is None:
        raise InputError(
            f"the target is missing: name the column to explain, as in target="
            f"{table.names[-1]!r}. The columns of the {table.description} are "
            f"{listed(table.names)}."
        )
    by = None
    if isinstance(weights, str | int | np.integer):
        require_column(str(weights), table.names, place=f"the {table.description}")
        by = Weights(str(weights), weighting)
    elif weights is not None:
        argument = ARGUMENTS[weighting]
        name = _name_of(weights) or argument
        while name in table.names:
            name += "_"
        table = _beside(table, name, weights, argument)
        by = Weights(name, weighting)
    return open_table(
        table, target, features, missing, announce=announce, weights=by, progress=progress
    )


def is_array(data: Any) -> bool:
    """Whether data is a dask array."""
    return type(data).__module__.startswith("dask.array")


def cluster_table(data: Any) -> ClusterTable:
    """Wrap a dask data frame, or delayed frames, as a table.

    Raises
    ------
    InputError
        The data is something else of dask's, such as a bag.
    """
    if hasattr(data, "open_table"):
        return data.open_table()  # type: ignore[no-any-return]
    if isinstance(data, list | tuple):
        wrong = [part for part in data if not _is_part(part)]
        if wrong:
            raise InputError(
                f"data is a list with a {type(wrong[0]).__name__} in it; every item must be a "
                "delayed frame, one a partition. Join data frames with dask.dataframe.concat, "
                "arrays with dask.array.concatenate."
            )
        return ClusterTable(Partitions(data, f"list of {len(data)} delayed frames"))
    if _is_part(data):
        return ClusterTable(Partitions([data], "delayed frame"))
    if hasattr(data, "to_frame") and not hasattr(data, "columns"):
        data = data.to_frame()
    if not hasattr(data, "_meta") or not hasattr(data, "to_delayed"):
        raise InputError(
            f"data is a dask {type(data).__name__}, which is neither an array nor a data frame. "
            "Turn it into one, as bag.to_dataframe() does, or pass a list of delayed frames."
        )
    return _frame(data)


def _is_part(data: Any) -> bool:
    module = type(data).__module__
    return module.startswith(("dask.delayed", "distributed"))


def _frame(data: Any) -> ClusterTable:
    whole = f"dask DataFrame ({data.npartitions} partitions)"
    labels = {str(label): label for label in data.columns}
    if len(labels) < len(data.columns):
        labels_seen = [str(label) for label in data.columns]
        twice = sorted({name for name in labels_seen if labels_seen.count(name) > 1})
        raise InputError(
            f"the {whole} has several columns with the same name: {listed(twice)}. Rename them so "
            "that each name occurs once."
        )

    def project(names: Sequence[str]) -> Partitions:
        frame = data[[labels[name] for name in names]]
        parts = parquet_parts(frame)
        if parts is not None:
            return Partitions(parts, whole, [part.rows or 0 for part in parts])
        return Partitions(frame.to_delayed, whole, lengths_told(frame), count=frame.npartitions)

    return ClusterTable(
        Partitions(data.to_delayed, whole, lengths_told(data), count=data.npartitions),
        project=project,
        fields=_fields_of(data._meta),
        names=tuple(labels),
    )


def lengths_told(data: Any) -> tuple[int, ...] | None:
    """Return the rows of each partition where the heads of Parquet files tell, else None.

    This is what ``len(data)`` goes by in dask. A pass that finds other lengths believes itself.
    """
    try:
        from dask.dataframe.dask_expr._expr import Lengths, Literal

        told = Lengths(data.expr).optimize()
        lengths = told.value if isinstance(told, Literal) else None
    except Exception:  # inner parts of dask, which may be elsewhere in another version
        return None
    if not isinstance(lengths, tuple) or len(lengths) != data.npartitions:
        return None
    whole = all(isinstance(length, int | np.integer) for length in lengths)
    return tuple(map(int, lengths)) if whole else None


def _fields_of(head: Any) -> Mapping[str, Field]:
    """Describe columns by an empty frame, those that it can describe."""
    table = frame_table(head)
    assert table is not None
    fields = table.fields(table.names)
    told = {name: field for name, field in fields.items() if field.kind in _TOLD}
    # objects may be anything: only their values tell
    objects = [str(label) for label in head.columns if head[label].dtype == object]
    return {name: field for name, field in told.items() if name not in objects}


def _beside(table: ClusterTable, name: str, values: Any, what: str) -> ClusterTable:
    """Add a column that lies beside the frame, partition by partition."""
    if name in table.names:
        raise InputError(
            f"the {what} {name!r} is also a column of X. Take it out of X, or rename it."
        )
    parts = _vector_parts(values, table.partitions.lengths, len(table.partitions), what)
    known = _fields_of(values._meta.to_frame(name)) if hasattr(values, "_meta") else {}
    if is_array(values):
        known = {name: Field(name, Kind.FLAG if values.dtype == bool else Kind.NUMBER, "numbers")}
    before = table

    def project(names: Sequence[str]) -> Partitions:
        inner = before._only([each for each in names if each != name])
        if name not in names:
            return inner
        both = [Beside(frame, {name: part}) for frame, part in zip(inner.parts, parts, strict=True)]
        return Partitions(both, inner.whole, inner.lengths)

    return ClusterTable(
        project([*before.names, name]),
        project=project,
        fields={**before._fields, **known},
        names=(*before.names, name),
    )


def _vector_parts(
    values: Any, lengths: Sequence[int] | None, partitions: int, what: str
) -> list[Any]:
    """Return the partitions of a vector, which must be those of the frame."""
    if not is_distributed(values) or not hasattr(values, "to_delayed"):
        raise InputError(
            f"the {what} must be partitioned like the data: a dask Series or array; got "
            f"{type(values).__name__}. Or make it a column of the frame and name it."
        )
    parts = list(np.ravel(values.to_delayed()))
    if len(parts) != partitions:
        raise InputError(
            f"the data has {partitions} partitions and the {what} has {len(parts)}. Repartition "
            "one like the other, or make it a column of the frame and name it."
        )
    return parts


def _open_arrays(
    x: Any, target: str | None, features: Any, missing: str, y: Any, weights: Any, weighting: str
) -> OpenedData:
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2:
        raise InputError(f"X must be rows by columns, (n, p); it is of shape {x.shape}.")
    p = x.shape[1]
    if y is None:
        raise InputError(
            "the target is missing: an array has no column names, so pass the target's values as "
            "the second argument, fit(X, y)."
        )
    if math.isnan(p):
        raise InputError(
            "X does not know how many columns it has. Call X.compute_chunk_sizes() first."
        )
    if x.numblocks[1] > 1:
        x = x.rechunk({1: -1})
    names = default_names(p) if features is None else tuple(feature_names(features) or ())
    if len(names) != p or len(set(names)) < p:
        raise InputError(
            f"features= names the columns of an array: it needs {p} different names; got "
            f"{listed(names)}. To use some columns only, pass x[:, [0, 2]]."
        )
    name = target or _name_of(y) or "y"
    if name in names:
        raise InputError(f"the target and a feature are both called {name!r}. Rename one of them.")
    y = _like(y, x, "y")
    columns = [x, y]
    recipe = Recipe(name, tuple(map(Predictor, names)))
    if weights is not None:
        argument = ARGUMENTS[weighting]
        if isinstance(weights, str):
            raise InputError(
                f"{argument} is {weights!r}, but an array has no column names. Pass the "
                f"{argument} themselves, as a dask array with the chunks of X."
            )
        recipe = replace(recipe, weights=Weights(_name_of(weights) or argument, weighting))
        columns.append(_like(weights, x, argument))
    lengths = None if _unknown(x) else tuple(x.chunks[0])
    whole = f"dask array {'?' if lengths is None else sum(lengths)}×{p}"
    starts = None
    if lengths is not None:
        starts = tuple(int(start) for start in np.cumsum([0, *lengths[:-1]]))
        if not sum(lengths):
            raise InputError(f"X has no rows (shape {x.shape}), so there is nothing to fit.")
    read = parquet_columns(columns, [recipe.names, *([each] for each in _beside_x(recipe))])
    if read is not None:
        blocks = x.numblocks[0] == len(read)
        frames = Partitions(
            read, whole if blocks else f"files of the {whole}", [one.part.rows or 0 for one in read]
        )
        source = ClusterSource(frames, FrameReader(recipe, missing, frames.whole), recipe)
    else:
        reader = ArrayReader(
            recipe.names, name, missing, whole, starts, weighting if weights is not None else None
        )
        source = ClusterSource(Partitions(_side_by_side(columns), whole, lengths), reader, recipe)
    findings = tuple(name_findings(recipe))
    if y.dtype == bool:
        findings = (*findings, binary_target(name))
    return OpenedData(source, recipe, findings, whole)


def _beside_x(recipe: Recipe) -> list[str]:
    """Return names for the target and the weights, which no predictor has."""
    return [recipe.target, *([recipe.weights.name] if recipe.weights is not None else [])]


def _side_by_side(columns: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the blocks of arrays that have the same chunks, block by block.

    One graph makes them all: what X and y have in common is computed once. Blocks that workers
    keep stay in it as futures, so that they are kept as long as the source is.
    """
    from dask.array.optimization import optimize
    from dask.core import flatten
    from dask.delayed import Delayed
    from dask.highlevelgraph import HighLevelGraph

    keys = [list(flatten(column.__dask_keys__())) for column in columns]
    merged = HighLevelGraph.merge(*(column.__dask_graph__() for column in columns))
    graph = dict(optimize(merged, [key for some in keys for key in some]))
    graph.update({key: node for key, node in merged.items() if is_future(node)})
    layers = HighLevelGraph.from_collections("gausswork-arrays", graph)
    return [
        tuple(Delayed(key, layers, layer="gausswork-arrays") for key in row)
        for row in zip(*keys, strict=True)
    ]


def _name_of(values: Any) -> str | None:
    """Return the name that a Series brings along; the name of a dask array is a code."""
    return None if is_array(values) else name_of(values)


def _unknown(array: Any) -> bool:
    return any(math.isnan(length) for length in array.chunks[0])


def _like(values: Any, x: Any, name: str) -> Any:
    """Return a vector in the chunks of X."""
    import dask.array as da

    if hasattr(values, "to_dask_array"):
        values = values.to_dask_array()
    if not is_array(values):
        if _unknown(x):
            raise InputError(
                f"the chunks of X have unknown lengths, so {name} must be a dask array with the "
                "same chunks. Or call X.compute_chunk_sizes() first."
            )
        values = da.from_array(np.asarray(values), chunks=-1)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"{name} must be one-dimensional; its shape is {values.shape}.")
    if _unknown(x) or _unknown(values):
        if values.numblocks[0] != x.numblocks[0]:
            raise InputError(
                f"X has {x.numblocks[0]} chunks and {name} has {values.numblocks[0]}, of unknown "
                "lengths. Make both from the same partitions, or call compute_chunk_sizes()."
            )
        return values
    if values.shape[0] != x.shape[0]:
        raise InputError(
            f"X has {x.shape[0]} rows and {name} has {values.shape[0]} value"
            f"{'' if values.shape[0] == 1 else 's'}; they must agree."
        )
    return values.rechunk((x.chunks[0],))
