"""What opening gives: rows ready to be fitted, and how they were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gausswork.data.recipe import Recipe
from gausswork.data.sources import Source
from gausswork.findings import Finding


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
    intercept : whether a formula asks for an intercept; None where there is no formula.
    """

    source: Source
    recipe: Recipe | None
    findings: tuple[Finding, ...]
    description: str
    intercept: bool | None = None


def name_of(values: Any) -> str | None:
    """Return the name that a column brings along, if it has one."""
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else None
