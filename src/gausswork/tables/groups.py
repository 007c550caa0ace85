"""The fits of many groups as text, data frame and plain data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gausswork import formatting as fmt
from gausswork import plain
from gausswork.data.kinds import listed
from gausswork.errors import InputError, require
from gausswork.leastsquares.groups import Groups
from gausswork.tables.frames import LIBRARIES, library_of
from gausswork.tables.grid import Grid

MOST_SHOWN = 20  # groups in a printed table


def frame(groups: Groups, library: str | None = None) -> Any:
    """Return the coefficients as a data frame, one row a group and term."""
    if library is not None and library not in LIBRARIES:
        raise InputError(f"library must be one of {listed(LIBRARIES)}; got {library!r}.")
    name = library or library_of([groups.description])
    columns = groups.columns()
    if name == "pyarrow":
        return require("pyarrow", purpose="Arrow tables", extra="pyarrow").table(columns)
    return require(name, purpose="Data frames", extra=name).DataFrame(columns)


def document(groups: Groups) -> dict[str, Any]:
    """Return everything as plain data for JSON, undefined numbers as None."""
    found = []
    residual_sd, r_squared = groups.residual_sd.tolist(), groups.r_squared.tolist()
    for place, key in enumerate(groups.keys):
        labels = key if isinstance(key, tuple) and len(groups.by) > 1 else (key,)
        found.append(
            {
                "group": [_label(label) for label in labels],
                "rows": int(groups.rows[place]),
                "rank": int(groups.rank[place]),
                "degrees_of_freedom": int(groups.degrees_of_freedom[place]),
                "coefficients": _numbers(groups.coefficients[place]),
                "standard_errors": _numbers(groups.standard_errors[place]),
                "trusted_digits": _numbers(groups.trusted_digits[place]),
                "residual_sd": plain.number(residual_sd[place]),
                "r_squared": plain.number(r_squared[place]),
            }
        )
    return {
        "by": list(groups.by),
        "target": groups.target,
        "names": list(groups.names),
        "description": groups.description,
        "rows_read": groups.tally.read,
        "rows_dropped": groups.tally.dropped,
        "missing": dict(groups.tally.missing),
        "groups": found,
        "findings": [plain.plain(finding.to_dict()) for finding in groups.findings],
    }


def grid(groups: Groups, *, most: int | None = MOST_SHOWN) -> Grid:
    """Return a table of the coefficients, a row a group.

    Parameters
    ----------
    most : groups to show, None for all of them.
    """
    shown = len(groups) if most is None else min(most, len(groups))
    residual_sd, rows = groups.residual_sd.tolist(), []
    for place in range(shown):
        key, digits = groups.keys[place], groups.trusted_digits[place]
        known = digits[~np.isnan(digits)]
        rows.append(
            (
                ", ".join(map(str, key)) if isinstance(key, tuple) else str(key),
                f"{int(groups.rows[place]):,}",
                *(_shown(value) for value in groups.coefficients[place].tolist()),
                _shown(residual_sd[place]),
                str(math.floor(known.min())) if len(known) else "",
            )
        )
    notes = [
        ("digits", "correct significant digits of the worst estimate of the group, as arithmetic "
         "goes, by an error bound (a probabilistic one)"),
    ]  # fmt: skip
    if shown < len(groups):
        notes.insert(0, ("…", f"and {len(groups) - shown:,} groups more: to_frame() has them all"))
    if groups.tally.dropped:
        notes.append(("missing", f"{fmt.rows(groups.tally.dropped)} with a gap left out"))
    by = ", ".join(groups.by)
    return Grid(
        title=f"{groups.target}: least squares for each {by}, {len(groups):,} groups, "
        f"{fmt.rows(int(groups.rows.sum()))} of {groups.description}",
        heads=(by, "rows", *groups.names, "residual sd", "digits"),
        rows=tuple(rows),
        notes=tuple(notes),
        findings=groups.findings,
    )


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _label(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no word for it
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _numbers(values: Any) -> list[Any]:
    return [plain.number(value) for value in values.tolist()]
