"""Predictors that repeat one another to nearly all their digits: said with every fit.

The check-up says more about milder overlap. This is the case in which a plain table misleads: the
arithmetic holds, and the data say nothing about the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gausswork.data.formulas.factors import factor_columns
from gausswork.data.recipe import Recipe
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.solution import Solution

_INFLATED = 1e6  # variance inflation: a standard error a thousand times what it could be
_TELLING = 4.0  # |t| of a coefficient about which the data do say something
_NAMED = 3


def overlap_findings(solution: Solution, recipe: Recipe | None) -> tuple[Finding, ...]:
    """Say which predictors are nearly copies of others, where that leaves nothing to read.

    The variance inflation of predictor j is (R⁻¹)ⱼⱼ, with R the correlations of the predictors
    (Marquardt 1970); it is at most the square of the condition number. Powers and other terms of
    one column overlap by nature, and coefficients many standard errors from zero are told apart
    all the same: neither gets a word.
    """
    if not solution.condition_number**2 * 4.0 >= _INFLATED:  # scales are powers of two: up to 4
        return ()
    if solution.ridge or not solution.minimal:
        return ()
    return tuple(_found(solution, recipe))


def _found(solution: Solution, recipe: Recipe | None) -> Iterator[Finding]:
    from gausswork.leastsquares.backend import default_backend
    from gausswork.leastsquares.system import assemble

    first = int(solution.intercept)
    names = solution.moments.names
    with np.errstate(all="ignore"):
        system = assemble(solution.moments, intercept=solution.intercept, backend=default_backend())
        size = system.matrix[0].diagonal() * (solution.scales / system.scale) ** 2
        inverse = solution.inverse_root @ solution.inverse_root.T
        inflation = inverse.diagonal() * size
        t = np.abs(solution.coefficients / solution.standard_errors)[first:]
    high = [int(j) for j in np.argsort(-inflation, kind="stable") if inflation[j] >= _INFLATED]
    if not high or not t[high[0]] < _TELLING:
        return
    worst = high[0]
    width = np.sqrt(inverse.diagonal())
    alike = [j for j in high if abs(inverse[worst, j]) >= 0.9 * width[worst] * width[j]]
    sources = _sources(recipe, len(names))
    if sources and (
        set.intersection(*(sources[j] for j in high))
        or (len(alike) > 1 and set.intersection(*(sources[j] for j in alike)))
    ):
        return
    times = f"{math.sqrt(inflation[worst]):.3g}"
    others = [repr(names[j]) for j in alike if j != worst]
    if others:
        shown = ", ".join(others[:_NAMED]) + (" and others" if len(others) > _NAMED else "")
        like = f"{names[worst]!r} and {shown} rise and fall together to nearly all their digits"
    else:
        like = f"{names[worst]!r} is a combination of other columns to nearly all its digits"
    yield Finding(
        "collinear-columns",
        Severity.CAUTION,
        f"{like}, so the data cannot tell their effects apart: the standard error of "
        f"{names[worst]!r} is {times} times what unrelated columns would give. The coefficients "
        "are computed rightly and mean nothing alone; their joint effect and predictions hold.",
        "Leave one of them out.",
        {"variance_inflation": {names[j]: float(inflation[j]) for j in high}},
    )


def _sources(recipe: Recipe | None, predictors: int) -> list[set[str]]:
    """Return for each predictor the columns of the data that it is made of."""
    if recipe is None:
        return []
    if recipe.formula is None:
        found = [{column.name} for column in recipe.columns for _ in column.names]
    else:
        found = [
            {name for factor in piece.factors for name in factor_columns(factor)}
            for piece in recipe.formula.pieces
            for _ in piece.names
        ]
    return found if len(found) == predictors else []
