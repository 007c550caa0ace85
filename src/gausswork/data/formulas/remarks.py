"""What is said aloud about a formula: how its categories are coded, what its signs mean."""

from __future__ import annotations

from collections.abc import Iterator

from gausswork.data.formulas.factors import SUM, Category
from gausswork.data.formulas.model import FormulaDesign
from gausswork.data.formulas.states import Levels
from gausswork.data.recipe import INTERCEPT, RENAMED_INTERCEPT
from gausswork.findings import Finding, Severity


def formula_findings(design: FormulaDesign) -> Iterator[Finding]:
    """Yield what a reader should know about a formula and its coding."""
    for factor, state in design.states.items():
        if isinstance(state, Levels):
            yield _coded(design, factor, state)
    for written in design.formula.lone_powers:
        yield Finding(
            "power-of-term",
            Severity.CAUTION,
            f"In a formula {written} is the term crossed with itself, which is the term alone: no "
            "square is fitted.",
            "For the square write I(x^2), for both poly(x, 2).",
            {"written": written},
        )
    if design.transformed:
        yield Finding(
            "target-transformed",
            Severity.NOTE,
            f"The target is {design.target}: coefficients, predictions and intervals are on that "
            "scale.",
            evidence={"target": design.target},
        )
    if RENAMED_INTERCEPT in design.names:
        yield Finding(
            "intercept-renamed",
            Severity.NOTE,
            f"The column {INTERCEPT!r} of the data is reported as {RENAMED_INTERCEPT!r}: the fit "
            "has an intercept of its own.",
            "If the column is all ones, leave it out: the intercept is added without it.",
            {"column": INTERCEPT, "name": RENAMED_INTERCEPT},
        )


def _coded(design: FormulaDesign, factor: object, state: Levels) -> Finding:
    """Say what the coefficients of a category compare."""
    uses = {
        full
        for piece in design.pieces
        for part, full in zip(piece.factors, piece.full, strict=True)
        if part == factor
    }
    count, reference = len(state.levels), state.levels[state.reference]
    if uses == {True}:
        meaning = "every level has a coefficient of its own"
    elif isinstance(factor, Category) and factor.contrast == SUM:
        meaning = (
            "each coefficient compares one level with the mean of all levels; that of "
            f"{state.levels[-1]!r} is minus their sum"
        )
    else:
        meaning = f"each coefficient compares one level with the reference level {reference!r}"
        if True in uses:
            meaning += "; in some interactions every level has one"
    return Finding(
        "category-coded",
        Severity.NOTE,
        f"{str(factor)!r} is a category with {count} level{'s' if count != 1 else ''}: {meaning}.",
        evidence={
            "column": str(factor),
            "levels": list(state.levels[:100]),
            "reference": reference,
            "count": count,
        },
    )
