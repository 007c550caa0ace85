"""What room "your data" draws: columns, the table of a fit, its check-up, all as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import InputError

if TYPE_CHECKING:
    from gausswork.findings import Finding
    from gausswork.lab.tables import Column, Table
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

MOST_COLUMNS = 200  # described; all can be chosen
MOST_POINTS = 1_200
_SKETCHED = 4_000_000  # numbers looked at for the sketches of all columns
_LEVELS = 6
_MOST_LEVELS = 12  # of a category that is proposed as a feature
_MOST_PROPOSED = 12
_ORDER = {"alarm": 0, "caution": 1, "note": 2}


def overview(table: Table) -> dict[str, Any]:
    """Return the columns and the proposal; computed once for each table."""
    return table.kept.get(
        "overview", lambda: {"columns": columns(table), "proposal": proposal(table)}
    )


def columns(table: Table) -> list[dict[str, Any]]:
    """Return each column with its kind, its gaps and a sketch of its values."""
    step = max(1, -(-table.rows * min(len(table.columns), MOST_COLUMNS) // _SKETCHED))
    found = []
    for column in table.columns[:MOST_COLUMNS]:
        said: dict[str, Any] = {
            "name": column.name,
            "kind": column.kind,
            "holds": column.holds,
            "missing": column.missing,
        }
        if column.kind == "number":
            said |= _numbers(table, column, step)
        elif column.kind in ("text", "flag"):
            said |= _levels(table, column)
        found.append(said)
    return found


def _numbers(table: Table, column: Column, step: int) -> dict[str, Any]:
    """Return mean, sd and histogram of a column; of every so many rows where there are many."""
    from gausswork.normal.bins import histogram_of

    values = table.numbers(column.name)[::step]
    known = values[np.isfinite(values)]
    if not len(known):
        return {"sketch": None, "said": "no number in it"}
    low, high = float(known.min()), float(known.max())
    if low == high:
        return {"sketch": None, "said": f"always {_text(low)}"}
    least, most = _apart(low, high)
    try:
        seen = histogram_of(known, name=column.name)
    except InputError as error:
        return {"sketch": None, "said": str(error)}
    return {
        "mean": _text(seen.mean),
        "sd": _text(seen.sd),
        "low": least,
        "high": most,
        "sketch": {"counts": seen.counts.tolist(), "below": seen.below, "above": seen.above},
        "sampled": step > 1,
    }


def _levels(table: Table, column: Column) -> dict[str, Any]:
    """Return the levels that occur most, and how many there are."""
    from pyarrow import compute, types

    values = table.data.column(column.name)
    if types.is_dictionary(values.type):
        values = values.unify_dictionaries().combine_chunks()
    counted = compute.value_counts(values.drop_null())
    pairs = sorted(
        zip(
            (str(value) for value in counted.field("values").to_pylist()),
            counted.field("counts").to_pylist(),
            strict=True,
        ),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return {
        "levels": [
            {"name": fmt.visible(name, limit=40), "count": count} for name, count in pairs[:_LEVELS]
        ],
        "different": len(pairs),
    }


def _text(value: float, digits: int = 4) -> str:
    return fmt.significant(value, digits, strip=True).replace("-", "−", 1)


def _apart(low: float, high: float) -> tuple[str, str]:
    """Return two different numbers with as many digits as tell them apart by what lies between."""
    for digits in range(4, 17):
        unit = 10.0 ** (1 - digits) * max(abs(low), abs(high))
        if high - low >= 10.0 * unit:
            break
    return _text(low, digits), _text(high, digits)


def proposal(table: Table) -> dict[str, Any]:
    """Return a target and features to begin with: the last number, and what may explain it."""
    full = [one for one in table.columns[:MOST_COLUMNS] if (one.missing or 0) * 2 <= table.rows]
    numbers = [one.name for one in full if one.kind == "number"]
    if not numbers:
        return {"target": "", "features": []}
    target = numbers[-1]
    features = [one.name for one in full if one.name != target and _may_explain(table, one)]
    return {"target": target, "features": features[:_MOST_PROPOSED]}


def _may_explain(table: Table, column: Column) -> bool:
    if column.kind == "text":
        return bool(2 <= _levels(table, column)["different"] <= _MOST_LEVELS)
    return column.kind in ("number", "flag")


def finding(one: Finding) -> dict[str, Any]:
    """Return a finding in words that a page can show."""
    return {
        "code": one.code,
        "severity": str(one.severity),
        "sentence": fmt.visible(one.sentence),
        "remedy": fmt.visible(one.remedy),
    }


def findings(made: Fit, seen: Checkup | None) -> list[dict[str, Any]]:
    """Return what fit and check-up have to say, the most serious first."""
    both = [*made.findings, *(() if seen is None else seen.findings)]
    return [finding(one) for one in sorted(both, key=lambda one: _ORDER[str(one.severity)])]


def said(made: Fit, found: list[dict[str, Any]]) -> str:
    """Return one sentence for those who hear the page."""
    worth = sum(one["severity"] != "note" for one in found)
    return (
        f"{fmt.visible(made.target)} fitted on {made.rows:,} rows, R² "
        f"{fmt.significant(made.r_squared, 3)}. {worth or 'No'} "
        f"finding{'' if worth == 1 else 's'} that need{'s' if worth == 1 else ''} a look."
    )


def number(value: float) -> float | str:
    """Return a number, or in words what is none."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return float(value)


def numbers(made: Fit) -> dict[str, Any]:
    """Return the numbers that the script computes again."""
    return {
        "rows": made.rows,
        "r_squared": number(made.r_squared),
        "residual_sd": number(made.residual_sd),
        "coefficients": [number(v) for v in made.coefficients.tolist()],
        "standard_errors": [number(v) for v in made.standard_errors.tolist()],
        "p_values": [number(v) for v in made.p_values.tolist()],
        "trusted_digits": [number(v) for v in made.trusted_digits.tolist()],
    }


def fit(made: Fit, level: float) -> dict[str, Any]:
    """Return the table of a fit as texts, with the equation and the notes below it."""
    from gausswork import htmlreport, report

    shown = report.table(made, level=level)
    return {
        "title": shown.title,
        "equation": htmlreport.equation(made),
        "heads": report.headings(shown),
        "rows": [list(row) for row in shown.rows],
        "left_out": list(shown.left_out),
        "notes": [list(note) for note in shown.notes],
        "digits": shown.digits,
        "target": fmt.visible(made.target),
        "dropped": made.tally.dropped,
        "read": made.tally.read or made.rows,
    }


def checkup(seen: Checkup) -> dict[str, Any]:
    """Return the tests in words and the four figures as points, trends, band and contours."""
    from gausswork import checkreport
    from gausswork.leastsquares.checkup.figures import figures

    drawn = figures(seen, most=MOST_POINTS)
    rows = drawn.rows
    quantiles = drawn.quantiles
    band = None
    if quantiles is not None:
        band = {name: _drawn(getattr(quantiles, name)) for name in ("score", "lower", "upper")} | {
            "mean": quantiles.mean,
            "sd": quantiles.sd,
            "outside": quantiles.outside,
        }
    return {
        "lines": [
            [line.question, line.name, line.statistic, line.p, line.effect]
            for line in checkreport.lines(seen)
        ],
        "order_note": checkreport.ORDER_NOTE,
        "worst": checkreport.row_table(seen),
        "points": {
            "row": rows.row.tolist(),
            "label": [fmt.visible(seen.label(int(row)), limit=24) for row in rows.row],
            "fitted": _drawn(rows.fitted),
            "observed": _drawn(rows.observed),
            "residual": _drawn(rows.residual),
            "standardized": _drawn(rows.standardized),
            "leverage": _drawn(rows.leverage),
            "cook": _drawn(rows.cooks_distance),
            "score": _drawn(drawn.score),
            "root": _drawn(drawn.root),
        },
        "all_rows": seen.rows,
        "trend": None if drawn.trend is None else [_drawn(part) for part in drawn.trend],
        "root_trend": None
        if drawn.root_trend is None
        else [_drawn(part) for part in drawn.root_trend],
        "band": band,
        "contours": [
            {"level": level, "leverage": _drawn(at), "size": _drawn(size)}
            for level, (at, size) in drawn.contours.items()
        ],
        "mean_leverage": drawn.mean_leverage,
        "predicted_r_squared": number(seen.predicted_r_squared),
    }


def _drawn(values: Any) -> list[float | None]:
    """Return numbers to draw: six digits are finer than any screen."""
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values.tolist()]
