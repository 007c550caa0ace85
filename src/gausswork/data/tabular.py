"""Tables of named columns become sources: which columns, and how they are encoded."""

from __future__ import annotations

from typing import Any

from gausswork.data.arrays import ColumnsSource
from gausswork.data.columns import series_column
from gausswork.data.design import plan
from gausswork.data.encode import EncodedSource, integer_findings
from gausswork.data.frames import check_same_index
from gausswork.data.levels import Progress
from gausswork.data.opening import OpenedData, name_of
from gausswork.data.tables import Table
from gausswork.errors import InputError


def open_table(
    table: Table,
    target: str,
    features: Any,
    missing: str,
    *,
    announce: bool = True,
    progress: Progress | None = None,
) -> OpenedData:
    """Open a table whose target is one of its columns.

    Parameters
    ----------
    features, missing, progress : as of :func:`gausswork.data.open_data`.
    announce : whether a choice of features is a finding even if nothing was left out.
    """
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
    findings = (*findings, *integer_findings(zip(names, plain, strict=True)))
    return OpenedData(source, recipe, findings, table.description)


def open_table_and_target(
    data: Any, table: Table, target: str | None, features: Any, missing: str, y: Any
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
    name = target or name_of(y)
    if name is None:
        name = "y" if "y" not in table.names else "target"
    if name in table.names:
        raise InputError(
            f"the target {name!r} is also a column of X. Take it out of X, or rename it."
        )
    whole = table.with_column(name, series_column(y, place=f"the target {name!r}"))
    return open_table(whole, name, features, missing, announce=False)
