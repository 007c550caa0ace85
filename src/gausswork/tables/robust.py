"""The table of robust standard errors, and the same as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gausswork import formatting as fmt
from gausswork.leastsquares.inference import check_level
from gausswork.plain import number, plain
from gausswork.tables.grid import Grid

if TYPE_CHECKING:
    from gausswork.leastsquares.robust.covariance import Robust

_TRUSTED = 10.0  # digits that robust errors have at least


def robust(result: Robust, *, level: float = 0.95) -> Grid:
    """Return the coefficients with their robust errors, and the ordinary ones beside them."""
    fit, level = result.fit, check_level(level)
    limits = result.confidence_intervals(level)
    errors, t_values, p_values = result.standard_errors, result.t_values, result.p_values
    rows = []
    for i, name in enumerate(result.names):
        value, error = float(fit.coefficients[i]), float(errors[i])
        trusted = float(fit.trusted_digits[i])
        low, high = map(float, limits[i])
        lower, upper = fmt.interval_limits(low, high, value, error, trusted)
        rows.append((
            fmt.visible(name), fmt.estimate(value, error, trusted),
            fmt.standard_error(error, _TRUSTED),
            fmt.standard_error(float(fit.standard_errors[i]), float(fit.standard_error_digits[i])),
            fmt.t_value(float(t_values[i])), fmt.p_value(float(p_values[i])), lower, upper,
        ))  # fmt: skip
    freedom = result.degrees_of_freedom
    notes = [
        ("errors", result.words),
        ("correction", result.correction),
        ("t", f"on {freedom:,} degree{'s' if freedom != 1 else ''} of freedom"),
    ]
    named = fmt.percent(level)
    return Grid(
        f"{fmt.visible(fit.target)}: {result.words}, {fit.rows:,} rows",
        ("term", "estimate", "robust error", "ordinary", "t", "p", f"lower {named}",
         f"upper {named}"),
        tuple(rows),
        tuple(notes),
        result.findings,
    )  # fmt: skip


def robust_document(result: Robust, *, level: float = 0.95) -> dict[str, Any]:
    """Return robust errors as plain data for JSON; undefined numbers are None."""
    limits = result.confidence_intervals(check_level(level))
    columns = {
        "estimate": result.coefficients,
        "standard_error": result.standard_errors,
        "t": result.t_values,
        "p": result.p_values,
        "lower": limits[:, 0],
        "upper": limits[:, 1],
    }
    return {
        "kind": result.kind,
        "correction": result.correction,
        "degrees_of_freedom": result.degrees_of_freedom,
        "clusters": [{"name": name, "count": count} for name, count in result.clusters],
        "kernel": result.kernel or None,
        "lags": result.lags if result.kind == "HAC" else None,
        "level": level,
        "terms": [
            {"name": name, **{key: _number(values[i]) for key, values in columns.items()}}
            for i, name in enumerate(result.names)
        ],
        "covariance": [[_number(v) for v in row] for row in result.covariance],
        "findings": [plain(finding.to_dict()) for finding in result.findings],
    }


def _number(value: Any) -> float | None:
    return number(float(value)) if not math.isnan(float(value)) else None
