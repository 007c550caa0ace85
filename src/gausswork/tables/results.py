"""The tables of small results: a ridge path, a comparison of nested models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gausswork import formatting as fmt
from gausswork.data.kinds import listed
from gausswork.tables.grid import Grid

if TYPE_CHECKING:
    from gausswork.leastsquares.nested import Comparison
    from gausswork.leastsquares.ridge import RidgePath
    from gausswork.leastsquares.wald import HypothesisTest

_MOST_PENALTIES = 12
_MOST_TERMS = 5


def ridge_path(path: RidgePath) -> Grid:
    """Return some penalties of a path, the best among them, with their coefficients."""
    m, terms = len(path), path.names[:_MOST_TERMS]
    step = max(1, math.ceil(m / _MOST_PENALTIES))
    shown = sorted({*range(0, m, step), m - 1, path.best})
    rows = []
    for i in shown:
        values = [
            fmt.estimate(float(b), math.nan, min(float(d), 5.0))
            for b, d in zip(path.coefficients[i], path.trusted_digits[i], strict=True)
        ]
        mark = " ←" if i == path.best else ""
        rows.append((
            f"{path.penalties[i]:.4g}{mark}", f"{path.effective_rank[i]:.3f}",
            fmt.significant(float(path.gcv[i]), 5), *values[: len(terms)],
        ))  # fmt: skip
    notes = [
        ("gcv", f"generalised cross-validation, smallest at the penalty {path.best_penalty:.4g}"),
        ("free", "effective number of coefficients, the trace of the hat matrix"),
    ]
    if len(shown) < m:
        notes.append(("shown", f"{len(shown)} of {m} penalties"))
    if len(path.names) > len(terms):
        notes.append(("terms", f"the first {len(terms)} of {len(path.names)}"))
    return Grid(
        f"{fmt.visible(path.target)}: ridge path of {m} penalties, {path.rows:,} rows",
        ("penalty", "free", "gcv", *(fmt.visible(name, limit=20) for name in terms)),
        tuple(rows),
        tuple(notes),
    )


def comparison(result: Comparison) -> Grid:
    """Return nested models, one a row."""
    rows, notes = [], []
    for number, step in enumerate(result.steps, start=1):
        first = number == 1
        rows.append((
            f"model {number}", f"{step.degrees_of_freedom:,}",
            fmt.significant(step.residual_sum_of_squares, 6),
            "" if first else f"{step.df}",
            "" if first else fmt.significant(step.sum_of_squares, 6),
            "" if first else fmt.t_value(step.statistic),
            "" if first else fmt.p_value(step.p_value),
            fmt.criterion(step.aic), fmt.criterion(step.bic),
        ))  # fmt: skip
        if not first:
            notes.append((f"model {number}", f"adds {fmt.visible(listed(step.added))}"))
    notes.append(("F", "tests what a model adds, with the error variance of the last one"))
    return Grid(
        f"{fmt.visible(result.target)}: nested models of {result.rows:,} rows",
        ("", "df left", "RSS", "df", "SS", "F", "p", "AIC", "BIC"),
        tuple(rows),
        tuple(notes),
    )


def hypothesis_test(test: HypothesisTest) -> Grid:
    """Return the hypotheses, one a row, and what their joint test says."""
    rows = tuple(
        (fmt.visible(text), fmt.significant(estimate, 6), fmt.significant(value, 6, strip=True))
        for text, estimate, value in zip(test.hypotheses, test.estimates, test.values, strict=True)
    )
    df = f"{test.numerator_df:,} and {test.denominator_df:,}"
    notes = (
        ("F", f"{fmt.t_value(test.statistic)} on {df} degrees of freedom, {_p(test.p_value)}"),
        ("chi²", f"{fmt.t_value(test.chi_square)} on {test.numerator_df:,}, "
         f"{_p(test.chi_square_p)}"),
        ("errors", test.errors),
    )  # fmt: skip
    return Grid(
        "Joint test of linear hypotheses",
        ("hypothesis", "left side", "said to be"),
        rows,
        notes,
        test.findings,
    )


def _p(value: float) -> str:
    text = fmt.p_value(value)
    return f"p {text if text[0] in '<—' else f'= {text}'}"
