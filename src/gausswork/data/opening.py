"""The one way in: whatever holds the data becomes a source that the engine can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import ArraySource, ColumnsSource, check_missing, infinite_value
from gausswork.data.columns import series_column
from gausswork.data.design import feature_names, name_findings, plan
from gausswork.data.encode import (
    EncodedSource,
    integer_beyond,
    predictor_blocks,
    rounded_integers,
)
from gausswork.data.files import file_table, is_path
from gausswork.data.frames import check_same_index, frame_table, mapping_table
from gausswork.data.kinds import Kind, listed, require_column
from gausswork.data.levels import Progress
from gausswork.data.matrices import as_matrix, as_vector, default_names
from gausswork.data.recipe import CATEGORY, Predictor, Recipe
from gausswork.data.sources import Source
from gausswork.data.streams import stream_table
from gausswork.data.tables import PORTION_ROWS, Table, floats_of_array, row_from_zero
from gausswork.errors import InputError
from gausswork.findings import Finding

_SOURCE_PARTS = ("names", "target", "replayable", "tally", "batches")


@dataclass(frozen=True, slots=True)
class OpenedData:
    """Data ready to be fitted.

    Attributes
    ----------
    source : the rows.
    recipe : how columns became predictors, to read new data alike; None only where a source
        was given whose columns are its own affair.
    findings : what was decided on the way, such as the features chosen.
    description : what was opened: ``"galton-families.csv"``, ``"arrays 1000×10"``.
    """

    source: Source
    recipe: Recipe | None
    findings: tuple[Finding, ...]
    description: str


def open_data(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    missing: str = "drop",
    y: Any = None,
    progress: Progress | None = None,
) -> OpenedData:
    """Open data of any known kind for a fit.

    Parameters
    ----------
    data : (n, p) array; a pandas, polars or Arrow frame; a dict of columns; anything with an
        Arrow C stream; a path, a pattern or a list of paths of CSV, Parquet or Arrow files; or
        a :class:`~gausswork.data.sources.Source`.
    target : name of the target column; or the target's values themselves, as ``y``.
    features : names of the columns to use, as a sequence or ``"a,b"``; None for every other
        usable column. For an array without column names they name its columns.
    missing : ``"drop"`` leaves out rows with a gap in a used column and counts them,
        ``"error"`` refuses them.
    y : (n,) values of the target, where they are not a column of ``data``.
    progress : called with (rows, bytes done, bytes in all) while levels are collected.

    Raises
    ------
    InputError
        The data cannot be used; the message says which argument, which value, what to do.
    """
    check_missing(missing)
    if isinstance(target, int | np.integer):
        target = str(target)  # pandas columns may be called 0, 1, 2
    if y is None and target is not None and not isinstance(target, str):
        target, y = None, target
    if target is not None and not isinstance(target, str):
        raise InputError("the target was given twice, as target= and as y=. Give one of them.")
    if _is_source(data):
        return _open_source(data, target, features, y)
    if type(data) is np.ndarray and data.dtype.names is None:  # the quick way for the usual case
        return _open_arrays(data, target, features, missing, y)
    table = as_table(data)
    if table is None:
        return _open_arrays(data, target, features, missing, y)
    if y is None:
        if target is None:
            raise InputError(
                f"the target is missing: name the column to explain, as in target="
                f"{table.names[-1] if table.names else 'y'!r}. The columns of "
                f"{table.description} are {listed(table.names)}."
            )
        return _open_table(table, target, features, missing, progress=progress)
    return _open_table_and_target(data, table, target, features, missing, y)


def open_predictors(new: Any, recipe: Recipe) -> Iterator[npt.NDArray[np.float64]]:
    """Read new rows by the recipe of a fit.

    Parameters
    ----------
    new : data of any kind that :func:`open_data` takes. Arrays are taken by position: their
        columns must be those of the recipe, in order. A dict of single values is one row.
    recipe : the recipe of the fit.

    Returns
    -------
    Iterator of (m, p) float64 arrays in row order, 65,536 rows each except the last. A row
    without a value in some column is all NaN.

    Raises
    ------
    InputError
        A column is missing or of another kind, or a level was not seen by the fit.
    """
    table = None if type(new) is np.ndarray and new.dtype.names is None else as_table(new)
    if table is None:
        return _array_blocks(_positional(new, recipe), recipe)
    for column in recipe.columns:
        require_column(column.name, table.names, place=table.description, hint=table.hint)
    _check_kinds(table, recipe)
    return predictor_blocks(table, recipe)


def as_table(data: Any) -> Table | None:
    """Wrap data that has named columns; None when it has none (arrays, lists)."""
    if is_path(data):
        return file_table(data)
    return frame_table(data) or stream_table(data)


def _is_source(data: Any) -> bool:
    # looking up attributes of a frame would find columns of those names
    return not isinstance(data, Mapping | type) and all(
        hasattr(type(data), part) or part in getattr(data, "__dict__", ()) for part in _SOURCE_PARTS
    )


def _open_source(data: Any, target: str | None, features: Any, y: Any) -> OpenedData:
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
        recipe = Recipe(source.target, tuple(Predictor(name) for name in source.names))
    description = getattr(data, "description", None)
    return OpenedData(source, recipe, (), str(description or type(data).__name__))


def _open_arrays(data: Any, target: str | None, features: Any, missing: str, y: Any) -> OpenedData:
    x = as_matrix(data)
    if y is None:
        if target is None:
            raise InputError(
                "the target is missing: pass its values as the second argument, fit(X, y), or "
                "name a column, as in target='x1'."
            )
        names = default_names(x.shape[1])
        columns = {name: x[:, number] for number, name in enumerate(names)}
        return _open_table(mapping_table(columns), target, features, missing)
    name = target or _name_of(y) or "y"
    names = _array_names(x, features)
    if name in names:
        raise InputError(f"the target and a feature are both called {name!r}. Rename one of them.")
    column = as_vector(y, rows=len(x), shape=x.shape)
    findings: tuple[Finding, ...] = ()
    if integer_beyond(x) is not None:
        findings = _integer_findings(list(x.T), names)
    findings = (*findings, *_integer_findings([column], [name]))
    recipe = Recipe(name, tuple(Predictor(one) for one in names))
    return OpenedData(
        ArraySource(x, column, recipe.names, name, missing),
        recipe,
        (*findings, *name_findings(recipe)),
        f"arrays {x.shape[0]}×{x.shape[1]}",
    )


def _array_names(x: npt.NDArray[Any], features: Any) -> tuple[str, ...]:
    if features is None:
        return default_names(x.shape[1])
    names = feature_names(features) or []
    if len(names) != x.shape[1] or len(set(names)) < len(names):
        raise InputError(
            f"features= names the columns of an array: it needs {x.shape[1]} different names; "
            f"got {listed(names)}. To use some columns only, pass x[:, [0, 2]]."
        )
    return tuple(names)


def _name_of(values: Any) -> str | None:
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else None


def _open_table(
    table: Table,
    target: str,
    features: Any,
    missing: str,
    *,
    announce: bool = True,
    progress: Progress | None = None,
) -> OpenedData:
    if table.rows == 0:
        raise InputError(f"{table.description} has no rows, so there is nothing to fit.")
    recipe, findings = plan(table, target, features, announce=announce, progress=progress)
    findings = (*table.findings, *findings)
    plain = None
    if not recipe.categories and hasattr(table, "plain"):
        plain = table.plain([*(column.name for column in recipe.columns), target])
    if plain is None:
        return OpenedData(
            EncodedSource(table, recipe, missing), recipe, findings, table.description
        )
    names = [*(column.name for column in recipe.columns), target]
    source = ColumnsSource(plain[:-1], plain[-1], recipe.names, target, missing)
    findings = (*findings, *_integer_findings(plain, names))
    return OpenedData(source, recipe, findings, table.description)


def _open_table_and_target(
    data: Any, table: Table, target: str | None, features: Any, missing: str, y: Any
) -> OpenedData:
    if not hasattr(table, "with_column"):
        raise InputError(
            f"the target of {table.description} must be one of its columns: name it, as in "
            f"target={table.names[-1]!r}. Values beside a file or stream cannot be matched to it."
        )
    check_same_index(data, y, ("X", "y"))
    if hasattr(y, "columns") and len(y.columns) == 1:  # a frame of one column
        y = y[next(iter(y.columns))]
    name = target or _name_of(y)
    if name is None:
        name = "y" if "y" not in table.names else "target"
    if name in table.names:
        raise InputError(
            f"the target {name!r} is also a column of X. Take it out of X, or rename it."
        )
    whole = table.with_column(name, series_column(y, place=f"the target {name!r}"))
    return _open_table(whole, name, features, missing, announce=False)


def _integer_findings(columns: Sequence[Any], names: Sequence[str]) -> tuple[Finding, ...]:
    found = ((name, integer_beyond(column)) for name, column in zip(names, columns, strict=True))
    return tuple(rounded_integers(name, largest) for name, largest in found if largest is not None)


def _positional(new: Any, recipe: Recipe) -> npt.NDArray[Any]:
    """Check new data without column names: as many columns as the fit, all of them numbers."""
    if recipe.categories:
        raise InputError(
            f"the fit uses the categories {listed(recipe.categories)}: pass new data with named "
            "columns, such as a data frame or a dict of columns, not an array."
        )
    x = as_matrix(new, allow_empty=True)
    if x.shape[1] != len(recipe.columns):
        one_row = ""
        if x.shape == (len(recipe.columns), 1):
            one_row = " For one row pass x.reshape(1, -1)."
        raise InputError(
            f"new data has {x.shape[1]} columns; the fit uses {len(recipe.columns)}: "
            f"{listed(column.name for column in recipe.columns)}.{one_row}"
        )
    return x


def _array_blocks(x: npt.NDArray[Any], recipe: Recipe) -> Iterator[npt.NDArray[np.float64]]:
    for start in range(0, len(x), PORTION_ROWS):
        block: npt.NDArray[np.float64] = floats_of_array(x[start : start + PORTION_ROWS]).astype(
            np.float64, copy=False
        )
        if not np.isfinite(block).all():
            infinite = np.argwhere(np.isinf(block))
            if len(infinite):
                row, column = (int(place) for place in infinite[0])
                raise infinite_value(
                    recipe.columns[column].name,
                    float(block[row, column]),
                    row_from_zero(start)(row),
                )
            block = np.where(np.isnan(block).any(axis=1, keepdims=True), np.nan, block)
        yield block


def _check_kinds(table: Table, recipe: Recipe) -> None:
    """Refuse columns that hold something else than those of the fit did."""
    from gausswork.data.csv_table import CsvTable

    names = [column.name for column in recipe.columns]
    if isinstance(table, CsvTable):
        table.require(names)  # the recipe says the types; a value that does not fit is an error
        return
    fields = table.fields(names)
    for column in recipe.columns:
        field = fields[column.name]
        if field.kind is Kind.UNUSABLE:
            raise InputError(f"column {column.name!r} holds {field.holds}. {field.remedy}")
        if column.kind != CATEGORY and field.kind is Kind.TEXT:
            raise InputError(
                f"column {column.name!r} holds {field.holds}; the fit used numbers there. "
                "Convert it to numbers."
            )
