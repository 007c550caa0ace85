"""The one way in: whatever holds the data becomes a source that the engine can read.

Arrays are opened here, by little code; what reads tables is imported when there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import ArraySource, check_column, check_missing
from gausswork.data.devices import is_foreign
from gausswork.data.distributed import is_distributed
from gausswork.data.kinds import listed
from gausswork.data.matrices import as_matrix, as_vector, default_names
from gausswork.data.opened import OpenedData, name_of
from gausswork.data.recipe import INTERCEPT, Predictor, Recipe
from gausswork.data.sources import Source, weighting_of
from gausswork.data.tables import Table
from gausswork.data.weights import ANALYTIC, ARGUMENTS, Weights
from gausswork.errors import InputError
from gausswork.findings import Finding

if TYPE_CHECKING:
    from gausswork.data.levels import Progress

_SOURCE_PARTS = ("names", "target", "replayable", "tally", "batches")


def open_data(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    missing: str = "drop",
    y: Any = None,
    weights: Any = None,
    weighting: str = ANALYTIC,
    progress: Progress | None = None,
) -> OpenedData:
    """Open data of any known kind for a fit.

    Parameters
    ----------
    data : (n, p) array; a pandas, polars or Arrow frame; a dict of columns; anything with an
        Arrow C stream; a path, a pattern or a list of paths of CSV, Parquet or Arrow files; a
        :class:`~gausswork.data.databases.query.Query` of a database; or a
        :class:`~gausswork.data.sources.Source`.
    target : name of the target column, or a formula such as ``"y ~ a + log(b)"``; or the
        target's values themselves, as ``y``.
    features : names of the columns to use, as a sequence or ``"a,b"``; None for every other
        usable column. For an array without column names they name its columns.
    missing : ``"drop"`` leaves out rows with a gap in a used column and counts them,
        ``"error"`` refuses them.
    y : (n,) values of the target, where they are not a column of ``data``.
    weights : name of the column that weighs the rows, or its (n,) values; None for no weights.
    weighting : what they mean, ``"analytic"`` or ``"frequency"``.
    progress : called with (rows, bytes done, bytes in all) while levels are collected.

    Raises
    ------
    InputError
        The data cannot be used; the message says which argument, which value, what to do.
    """
    check_missing(missing)
    if isinstance(target, int | np.integer):
        target = str(target)  # pandas columns may be called 0, 1, 2
    if isinstance(target, list | tuple):
        target = _named_target(data, target)
    if y is None and target is not None and not isinstance(target, str):
        target, y = None, target
    if target is not None and not isinstance(target, str):
        raise InputError("the target was given twice, as target= and as y=. Give one of them.")
    if is_foreign(data) or is_foreign(y) or is_foreign(weights):
        from gausswork.data.devices.library import name_of_library
        from gausswork.data.devices.opening import open_foreign, viewed

        views = viewed(data, y, weights)
        if views is None:
            return open_foreign(data, y, target, features, missing, weights, weighting)
        opened = open_data(
            views[0], target, features=features, missing=missing, y=views[1], weights=views[2],
            weighting=weighting, progress=progress,
        )  # fmt: skip
        if is_foreign(data) and opened.description.startswith("arrays "):
            of = f"{opened.description} ({name_of_library(data)})"
            return replace(opened, description=of)
        return opened
    if type(data) is np.ndarray and data.dtype.names is None:  # the quick way for the usual case
        return _open_arrays(data, target, features, missing, y, weights, weighting)
    if is_distributed(data):
        from gausswork.data.distributed.collections import open_distributed

        return open_distributed(data, target, features, missing, y, weights, weighting, progress)
    if is_source(data):
        return _open_source(data, target, features, y, weights, weighting)
    table = as_table(data)
    if table is None:
        return _open_arrays(data, target, features, missing, y, weights, weighting)
    from gausswork.data.tabular import open_table, open_table_and_target, weighed

    table, by = weighed(data, table, weights, weighting)
    if y is None:
        if target is None:
            raise InputError(
                f"the target is missing: name the column to explain, as in target="
                f"{table.names[-1] if table.names else 'y'!r}. The columns of "
                f"{table.description} are {listed(table.names)}."
            )
        return open_table(table, target, features, missing, weights=by, progress=progress)
    return open_table_and_target(data, table, target, features, missing, y, weights=by)


def _named_target(data: Any, target: Any) -> Any:
    """Return the name of a column of several levels; refuse a list of names, let values pass."""
    columns = getattr(data, "columns", ())
    if getattr(columns, "nlevels", 1) > 1 and isinstance(target, tuple) and target in columns:
        return str(target)
    if not target or not all(isinstance(name, str) for name in target):
        return target
    if len(target) > 1 and type(data) is np.ndarray and data.dtype.names is None:
        return target  # values that are text, which is said elsewhere
    if len(target) == 1:
        raise InputError(
            f"target must be the name of one column, not a list: pass target={target[0]!r}."
        )
    raise InputError(
        f"target names {len(target)} columns: {listed(target)}. A fit has one target: pass one of "
        f"the names, or use gausswork.fit_many(data, {list(target)!r}) for several at once."
    )


def as_table(data: Any) -> Table | None:
    """Wrap data that has named columns; None when it has none (arrays, lists)."""
    from gausswork.data.files import file_table, is_path
    from gausswork.data.firstlook import FirstLook
    from gausswork.data.frames import frame_table
    from gausswork.data.streams import stream_table

    if type(data).__module__.startswith("gausswork.data.databases."):
        from gausswork.data.databases.table import query_table

        return query_table(data)
    if isinstance(data, FirstLook):
        return data
    if is_path(data):
        _refuse_address(data)
        return file_table(data)
    if is_distributed(data):
        from gausswork.data.distributed.collections import cluster_table, is_array

        return None if is_array(data) else cluster_table(data)
    return frame_table(data) or stream_table(data)


def _refuse_address(data: Any) -> None:
    """Refuse the address of a database in the place of a file, without repeating it."""
    for path in [data] if isinstance(data, str) else data if isinstance(data, list) else []:
        if isinstance(path, str) and "://" in path:
            from gausswork.data.databases.address import names_database

            if names_database(path):
                raise InputError(
                    "this is the address of a database, not a file. Say which rows to read: "
                    "gw.Query('select …', address), on the command line --sql 'select …' --db "
                    "ADDRESS."
                )


def is_source(data: Any) -> bool:
    """Whether data is a source: has all parts of one, not merely columns of these names."""
    # looking up attributes of a frame would find columns of those names
    return not isinstance(data, Mapping | type) and all(
        hasattr(type(data), part) or part in getattr(data, "__dict__", ()) for part in _SOURCE_PARTS
    )


def _open_source(
    data: Any, target: str | None, features: Any, y: Any, weights: Any, weighting: str
) -> OpenedData:
    if weights is not None:
        raise InputError(
            f"data is a source that brings its own weights: leave {ARGUMENTS[weighting]}= out, "
            f"give its batches a weight, and it the attribute weighting = {weighting!r}."
        )
    if y is not None or features is not None:
        raise InputError(
            "data is a source that brings its own target and features: leave y= and features= out."
        )
    source = cast(Source, data)
    if target is not None and target != source.target:
        raise InputError(
            f"target is {target!r}, but the source says that its target is {source.target!r}."
        )
    recipe = getattr(data, "recipe", None)
    if not isinstance(recipe, Recipe):
        kind = weighting_of(source)
        by = None if kind is None else Weights(ARGUMENTS[kind], kind)
        recipe = Recipe(source.target, tuple(Predictor(name) for name in source.names), by)
    description = getattr(data, "description", None)
    return OpenedData(source, recipe, (), str(description or type(data).__name__))


def _open_arrays(
    data: Any,
    target: str | None,
    features: Any,
    missing: str,
    y: Any,
    weights: Any,
    weighting: str,
) -> OpenedData:
    x = as_matrix(data)
    if y is None:
        if target is None:
            raise InputError(
                "the target is missing: pass its values as the second argument, fit(X, y), or "
                "name a column, as in target='x1'."
            )
        from gausswork.data.frames import mapping_table
        from gausswork.data.tabular import open_table, weighed

        names = default_names(x.shape[1])
        if target not in names:
            raise InputError(
                f"the target is {target!r}, but an array has no column names. Pass the target's "
                f"{len(x)} values as the second argument, fit(X, y); or pass a data frame or a "
                "dict of columns; or name a column of the array, as in target='x1'."
            )
        columns = {name: x[:, number] for number, name in enumerate(names)}
        table, by = weighed(data, mapping_table(columns), weights, weighting)
        return open_table(table, target, features, missing, weights=by)
    name = target or name_of(y) or "y"
    names = array_names(x.shape[1], features)
    if name in names:
        raise InputError(f"the target and a feature are both called {name!r}. Rename one of them.")
    column = as_vector(y, rows=len(x), shape=x.shape)
    recipe = recipe_of(names, name)
    weight = None
    if weights is not None:
        weight, by = _array_weights(weights, weighting, x.shape)
        recipe = replace(recipe, weights=by)
    findings: tuple[Finding, ...] = ()
    if x.dtype.kind in "iu" or column.dtype.kind in "iu":
        findings = _integer_findings(x, column, names, name)
    if column.dtype.kind == "b":
        from gausswork.data.remarks import binary_target

        findings = (*findings, binary_target(name))
    if INTERCEPT in names:
        from gausswork.data.remarks import name_findings

        findings = (*findings, *name_findings(recipe))
    return OpenedData(
        ArraySource(x, column, recipe.names, name, missing, weight, weighting),
        recipe,
        findings,
        f"arrays {x.shape[0]}×{x.shape[1]}",
    )


def _array_weights(
    values: Any, kind: str, shape: tuple[int, ...]
) -> tuple[npt.NDArray[Any], Weights]:
    argument = ARGUMENTS[kind]
    if isinstance(values, str):
        raise InputError(
            f"{argument} is {values!r}, but an array has no column names. Pass the {shape[0]} "
            f"{argument} themselves, or a data frame or a dict of columns as data."
        )
    weight = as_vector(values, rows=shape[0], shape=shape, name=argument)
    check_column(weight, kind)
    return weight, Weights(name_of(values) or argument, kind)


@lru_cache(maxsize=64)
def recipe_of(names: tuple[str, ...], target: str) -> Recipe:
    """Return the recipe of columns that are used as they are."""
    return Recipe(target, tuple(map(Predictor, names)))


def _integer_findings(
    x: npt.NDArray[Any], y: npt.NDArray[Any], names: tuple[str, ...], target: str
) -> tuple[Finding, ...]:
    from gausswork.data.encode import integer_beyond, integer_findings

    columns = [] if integer_beyond(x) is None else list(zip(names, x.T, strict=True))
    return integer_findings([*columns, (target, y)])


def array_names(p: int, features: Any) -> tuple[str, ...]:
    """Return the names of the p columns of an array: those given, or x1, x2, …."""
    if features is None:
        return default_names(p)
    from gausswork.data.design import feature_names

    names = feature_names(features) or []
    if len(names) != p or len(set(names)) < len(names):
        raise InputError(
            f"features= names the columns of an array: it needs {p} different names; "
            f"got {listed(names)}. To use some columns only, pass x[:, [0, 2]]."
        )
    return tuple(names)
