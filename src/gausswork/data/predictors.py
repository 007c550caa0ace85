"""New data for a fit: read by the recipe of the fit, checked against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.arrays import infinite_value
from gausswork.data.kinds import Kind, listed, nearest, require_column
from gausswork.data.matrices import as_matrix
from gausswork.data.opening import as_table
from gausswork.data.recipe import CATEGORY, Recipe
from gausswork.data.tables import PORTION_ROWS, Table, floats_of_array, row_from_zero
from gausswork.errors import InputError


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
        return array_blocks(_positional(new, recipe), recipe)
    from gausswork.data.encode import predictor_blocks

    require_columns(table, recipe)
    return predictor_blocks(table, recipe)


def require_columns(table: Table, recipe: Recipe, *, target: bool = False) -> None:
    """Refuse data that lacks columns of the fit, naming all of them, or has others in their place.

    Parameters
    ----------
    table : the data.
    recipe : what the fit reads.
    target : whether the target is needed too.
    """
    _require_names(table, recipe, target)
    _check_kinds(table, recipe)


def _require_names(table: Table, recipe: Recipe, target: bool) -> None:
    needed = [column.name for column in recipe.columns]
    needed += recipe.target_columns if target else ()
    names = [name for name in needed if name not in table.names]
    if not names:
        return
    if len(names) == 1:
        remedy = f"The fit uses it: add it, or rename the column that holds it. {table.hint}"
        require_column(names[0], table.names, place=table.description, hint=remedy.rstrip())
    spare = [name for name in table.names if name not in needed]
    guesses = {name: nearest(name, spare) for name in names}
    meant = [f"{guess!r} for {name!r}" for name, guess in guesses.items() if guess is not None]
    asked = f"Did you mean {', '.join(meant[:8])}? " if meant else ""
    raise InputError(
        f"{table.description} lacks {len(names)} columns that the fit uses: {listed(names)}. "
        f"{asked}Its columns are {listed(table.names)}. Add those that are missing, or rename the "
        f"columns that hold them. {table.hint}".rstrip()
    )


def check_positional(recipe: Recipe) -> None:
    """Refuse data without column names for a fit that needs them."""
    if recipe.formula is not None:
        raise InputError(
            f"the fit uses the formula {recipe.formula.formula.text!r}: pass new data with named "
            "columns, such as a data frame or a dict of columns, not an array."
        )
    if recipe.categories:
        raise InputError(
            f"the fit uses the categories {listed(recipe.categories)}: pass new data with named "
            "columns, such as a data frame or a dict of columns, not an array."
        )


def check_columns(shape: tuple[int, ...], recipe: Recipe) -> None:
    """Refuse an array that has not as many columns as the fit."""
    if shape[1] != len(recipe.columns):
        one_row = ""
        if shape == (len(recipe.columns), 1):
            one_row = " For one row pass x.reshape(1, -1)."
        raise InputError(
            f"new data has {shape[1]} columns; the fit uses {len(recipe.columns)}: "
            f"{listed(column.name for column in recipe.columns)}.{one_row}"
        )


def _positional(new: Any, recipe: Recipe) -> npt.NDArray[Any]:
    """Check new data without column names: as many columns as the fit, all of them numbers."""
    check_positional(recipe)
    x = as_matrix(new, allow_empty=True)
    check_columns(x.shape, recipe)
    return x


def array_blocks(x: npt.NDArray[Any], recipe: Recipe) -> Iterator[npt.NDArray[np.float64]]:
    """Yield the rows of a matrix in blocks; a row with a gap is all NaN."""
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
