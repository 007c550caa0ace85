"""From sums that are at hand to a fit, without a look at the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gausswork.data.recipe import Recipe
from gausswork.data.sources import Source, Tally
from gausswork.errors import InputError, NotFiniteError
from gausswork.findings import Finding, distinct
from gausswork.leastsquares import inference
from gausswork.leastsquares.descent.history import Descent
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.overlap import overlap_findings
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import solve
from gausswork.leastsquares.weights import weight_findings


def fit_of(
    moments: Moments,
    recipe: Recipe,
    *,
    intercept: bool,
    method: NormalEquation | GradientDescent,
    tally: Tally,
    description: str,
    findings: Sequence[Finding] = (),
    source: Source | None = None,
) -> Fit:
    """Solve moments and make a fit of the solution.

    Parameters
    ----------
    recipe : how columns of data became those of the moments.
    findings : what is known besides.
    source : the rows, where a later pass may read them.

    Raises
    ------
    InputError
        The sums are not finite, hold no rows, or the method needs rows.
    """
    solution, descent = _solved(moments, recipe, intercept, method)
    return Fit(
        target=moments.target,
        solution=solution,
        design=recipe,
        tally=tally,
        description=description,
        method=method,
        findings=distinct(
            tuple(findings),
            weight_findings(moments, recipe, tally),
            descent.findings if descent is not None else (),
            solution.findings,
            inference.findings(solution),
            overlap_findings(solution, recipe),
        ),
        source=source if source is not None and source.replayable else None,
        descent=descent,
    )


def _solved(
    moments: Moments,
    recipe: Recipe,
    intercept: bool,
    method: NormalEquation | GradientDescent,
) -> tuple[Solution, Descent | None]:
    require_rows(moments)
    powers = () if recipe.formula is None else recipe.formula.powers
    if isinstance(method, NormalEquation):
        return solve(moments, intercept=intercept, method=method, powers=powers), None
    if method.batch_size is not None:
        raise InputError(
            "a descent in mini-batches needs the rows themselves, and here are only their sums. "
            "Fit all rows together, or leave batch_size out: full batch needs no more than sums."
        )
    from gausswork.leastsquares.descent.fitting import where_it_ended
    from gausswork.leastsquares.descent.full import descend

    exact = solve(
        moments, intercept=intercept, method=NormalEquation(ridge=method.ridge), powers=powers
    )
    with np.errstate(all="ignore"):
        descent = descend(exact, method)
    return where_it_ended(exact, descent), descent


def require_rows(moments: Moments) -> None:
    """Refuse sums that hold nothing to solve."""
    if moments.rows < 1:
        raise InputError("these moments hold no rows, so there is nothing to fit.")
    if not moments.finite:
        raise NotFiniteError(
            "these sums are not finite: the rows held values of too many orders of magnitude. "
            "Rescale the columns and sum them again."
        )
