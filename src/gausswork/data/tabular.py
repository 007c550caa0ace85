"""Tables of named columns become sources: which columns, and how they are encoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from gausswork.data.arrays import ColumnsSource, check_column
from gausswork.data.columns import series_column
from gausswork.data.design import plan
from gausswork.data.encode import EncodedSource, integer_findings
from gausswork.data.formulas.tokens import is_formula
from gausswork.data.frames import check_same_index
from gausswork.data.kinds import require_column
from gausswork.data.levels import Progress
from gausswork.data.opened import OpenedData, name_of
from gausswork.data.recipe import Recipe
from gausswork.data.tables import Table
from gausswork.data.weights import ARGUMENTS, Weights
from gausswork.errors import InputError
from gausswork.findings import Finding


def open_table(
    table: Table,
    target: str,
    features: Any,
    missing: str,
    *,
    announce: bool = True,
    weights: Weights | None = None,
    progress: Progress | None = None,
) -> OpenedData:
    """Open a table whose target is one of its columns.

    Parameters
    ----------
    features, missing, progress : as of :func:`gausswork.data.open_data`.
    announce : whether a choice of features is a finding even if nothing was left out.
    weights : the column that weighs the rows.
    """
    if table.rows == 0:
        raise InputError(f"{table.description} has no rows, so there is nothing to fit.")
    if is_formula(target) and target not in table.names:
        return _open_formula(table, target, features, missing, weights, progress)
    recipe, findings = plan(
        table, target, features, weights=weights, announce=announce, progress=progress
    )
    source, noticed = source_by(table, recipe, missing)
    findings = (*table.findings, *findings, *noticed)
    return OpenedData(source, recipe, findings, table.description)


def source_by(
    table: Table, recipe: Recipe, missing: str
) -> tuple[EncodedSource | ColumnsSource, tuple[Finding, ...]]:
    """Return the rows of a table as a recipe reads them: where they lie, if they are plain."""
    if hasattr(table, "source"):  # rows on a cluster are read there
        return table.source(recipe, missing), ()
    plain, weights = None, recipe.weights
    names = [*(column.name for column in recipe.columns), recipe.target]
    if recipe.formula is None and not recipe.categories and hasattr(table, "plain"):
        plain = table.plain(names if weights is None else [*names, weights.name])
    if plain is None:
        return EncodedSource(table, recipe, missing), ()
    plain, weight = plain[: len(names)], (plain[-1] if weights is not None else None)
    if weights is not None:
        check_column(weight, weights.kind, name=weights.name)
    kind = weights.kind if weights is not None else None
    source = ColumnsSource(
        plain[:-1], plain[-1], recipe.names, recipe.target, missing, weight, kind, table
    )
    return source, integer_findings(zip(names, plain, strict=True))


def _open_formula(
    table: Table,
    text: str,
    features: Any,
    missing: str,
    weights: Weights | None,
    progress: Progress | None,
) -> OpenedData:
    from gausswork.data.formulas.learning import plan_formula

    if features is not None:
        raise InputError(
            f"features= and the formula {text!r} both say which columns to use. Leave one out."
        )
    recipe, intercept, findings = plan_formula(
        table, text, missing, weights=weights, progress=progress
    )
    source, _ = source_by(table, recipe, missing)
    return OpenedData(
        source, recipe, (*table.findings, *findings), table.description, intercept=intercept
    )


def open_table_and_target(
    data: Any,
    table: Table,
    target: str | None,
    features: Any,
    missing: str,
    y: Any,
    *,
    weights: Weights | None = None,
) -> OpenedData:
    """Open a table whose target ``y`` lies beside it; ``data`` is what the table was made of."""
    if not hasattr(table, "with_column"):
        raise InputError(
            f"the target of {table.description} must be one of its columns: name it, as in "
            f"target={table.names[-1]!r}. Values beside a file or stream cannot be matched to it."
        )
    check_same_index(data, y, ("X", "y"))
    if hasattr(y, "columns") and len(y.columns) == 1:  # a frame of one column
        y = y[next(iter(y.columns))]
    elif hasattr(y, "columns") and hasattr(y, "shape"):
        raise InputError(
            f"y must be one column of values; it is a data frame of {len(y.columns)} columns. Pass "
            "one of them, or use gausswork.fit_many for several targets."
        )
    name = target or name_of(y)
    if name is None:
        name = "y" if "y" not in table.names else "target"
    if name in table.names:
        raise InputError(
            f"the target {name!r} is also a column of X. Take it out of X, or rename it."
        )
    whole = table.with_column(name, series_column(y, place=f"the target {name!r}"))
    return open_table(whole, name, features, missing, announce=False, weights=weights)


def weighed(data: Any, table: Table, values: Any, kind: str) -> tuple[Table, Weights | None]:
    """Find the column of a table that weighs its rows; values beside the table become one.

    Parameters
    ----------
    data : what the table was made of.
    values : name of the column, or its values; None for no weights.
    kind : ``"analytic"`` or ``"frequency"``.
    """
    if values is None:
        return table, None
    argument = ARGUMENTS[kind]
    if isinstance(values, int | np.integer):
        values = str(values)  # pandas columns may be called 0, 1, 2
    if isinstance(values, str):
        require_column(values, table.names, place=table.description, hint=table.hint)
        return table, Weights(values, kind)
    if not hasattr(table, "with_column"):
        raise InputError(
            f"the {argument} of {table.description} must be one of its columns: name it, as in "
            f"{argument}='w'. Values beside a file or stream cannot be matched to it."
        )
    check_same_index(data, values, ("data", argument))
    if hasattr(values, "columns") and len(values.columns) == 1:  # a frame of one column
        values = values[next(iter(values.columns))]
    name = name_of(values) or argument
    while name in table.names:
        name += "_"
    whole = table.with_column(name, series_column(values, place=argument))
    return whole, Weights(name, kind)
