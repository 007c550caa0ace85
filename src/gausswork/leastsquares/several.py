"""Several targets at once: one pass over the rows, one factor, a fit for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.recipe import INTERCEPT
from gausswork.data.snapshots import one_snapshot
from gausswork.data.sources import Source, Tally
from gausswork.data.targets import TargetSource, open_targets
from gausswork.data.weights import ANALYTIC, FREQUENCY
from gausswork.errors import InputError, NotFiniteError
from gausswork.findings import distinct
from gausswork.leastsquares import inference
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.fitting import check_arguments, rows_and_bytes
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import solve_targets
from gausswork.leastsquares.weights import weight_findings


@one_snapshot
def fit_many(
    data: Any,
    targets: Any,
    *,
    features: str | Sequence[str] | None = None,
    weights: Any = None,
    frequencies: Any = None,
    intercept: bool = True,
    missing: str = "drop",
    method: NormalEquation | None = None,
    threads: int | None = None,
    progress: Callable[[int, int | None, int | None], None] | None = None,
) -> dict[str, Fit]:
    """Fit several targets on the same predictors and rows.

    The rows are read once for all sums, and the predictors factored once. What a target needs
    beyond that, such as a pass that brings its last digits, it gets by itself. A row with a gap in
    any target is left out of all fits.

    Parameters
    ----------
    data, features, weights, frequencies, intercept, missing, threads, progress : as in :func:`fit`.
    targets : names of the target columns, as a sequence or ``"a,b"``; or their (n, m) values.
    method : a :class:`NormalEquation`.

    Returns
    -------
    dict of str to Fit, in the order of the targets; values without names are y1, y2, ….

    Raises
    ------
    InputError
        An argument or the data cannot be used; the message says what to do.

    Examples
    --------
    >>> import gausswork as gw
    >>> data = {"x": [1, 2, 3, 4], "up": [2, 4, 6, 8], "down": [4, 3, 2, 1]}
    >>> fits = gw.fit_many(data, ["up", "down"])
    >>> {name: float(fit.coefficients[1]) for name, fit in fits.items()}
    {'up': 2.0, 'down': -1.0}
    """
    method = method if method is not None else NormalEquation()
    if not isinstance(method, NormalEquation):
        raise InputError(f"method must be a NormalEquation for several targets; got {method!r}.")
    intercept = check_arguments(intercept, features, weights, frequencies)
    opened = open_targets(
        data, targets, features=features, missing=missing, progress=progress,
        weights=weights if frequencies is None else frequencies,
        weighting=ANALYTIC if frequencies is None else FREQUENCY,
    )  # fmt: skip
    joint: Source = opened.source
    if intercept and INTERCEPT in joint.names:
        raise InputError(
            "a column is called 'intercept', and the fit adds an intercept of its own. Rename the "
            "column, leave it out, or fit without an intercept."
        )
    p = len(opened.recipe.names)
    try:
        solutions = _solutions(joint, p, intercept, method, threads, progress)
    except NotFiniteError:
        if not hasattr(joint, "without_missing"):
            raise
        joint = joint.without_missing()
        solutions = _solutions(joint, p, intercept, method, threads, progress)
    tally = Tally(joint.tally.read, joint.tally.dropped, dict(joint.tally.missing))
    fits = {}
    for number, (name, solution) in enumerate(zip(opened.targets, solutions, strict=True)):
        recipe = opened.recipe_for(name)
        fits[name] = Fit(
            target=name,
            solution=solution,
            design=recipe,
            tally=tally,
            description=opened.description,
            method=method,
            findings=distinct(
                opened.findings,
                weight_findings(solution.moments, recipe, tally),
                getattr(joint, "findings", ()),
                solution.findings,
                inference.findings(solution),
            ),
            source=TargetSource(joint, p, number) if joint.replayable else None,
        )
    return fits


def _solutions(
    joint: Source,
    predictors: int,
    intercept: bool,
    method: NormalEquation,
    threads: int | None,
    progress: Callable[[int, int | None, int | None], None] | None,
) -> list[Solution]:
    count = 1 + len(joint.names) - predictors
    return solve_targets(
        joint,
        [TargetSource(joint, predictors, number) for number in range(count)],
        lambda moments: [part_for(moments, predictors, number) for number in range(count)],
        intercept=intercept,
        method=method,
        threads=threads,
        progress=rows_and_bytes(joint, progress),
    )


def part_for(moments: Moments, predictors: int, number: int) -> Moments:
    """Return the moments of the predictors and one of the targets."""
    last = len(moments.names)
    of_target = last if number == 0 else predictors + number - 1
    at = np.array([*range(predictors), of_target])
    both = np.ix_(at, at)
    return replace(
        moments,
        names=moments.names[:predictors],
        target=(*moments.names, moments.target)[of_target],
        exponents=moments.exponents[at],
        shift=moments.shift[at],
        first_high=moments.first_high[at],
        first_low=moments.first_low[at],
        second_high=np.ascontiguousarray(moments.second_high[both]),
        second_low=np.ascontiguousarray(moments.second_low[both]),
    )
