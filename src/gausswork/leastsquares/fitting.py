"""fit, which makes a Fit of any data: arguments are read, rows are opened, sums are solved."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.data.distributed import attended
from gausswork.data.formulas.tokens import is_formula
from gausswork.data.recipe import Predictor, Recipe
from gausswork.data.snapshots import one_snapshot
from gausswork.data.sources import Source, Tally
from gausswork.data.weights import ANALYTIC, FREQUENCY
from gausswork.errors import InputError, NotFiniteError
from gausswork.findings import distinct
from gausswork.leastsquares import inference
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.moments import Moments, Progress
from gausswork.leastsquares.overlap import overlap_findings
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import least_squares
from gausswork.leastsquares.weights import weight_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gausswork.data.opened import OpenedData
    from gausswork.leastsquares.checkpoint import Checkpoint
    from gausswork.leastsquares.descent.history import Descent


@one_snapshot
@attended
def fit(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    weights: Any = None,
    frequencies: Any = None,
    intercept: bool = True,
    missing: str = "drop",
    method: NormalEquation | GradientDescent | None = None,
    threads: int | None = None,
    progress: Callable[[int, int | None, int | None], None] | None = None,
    on_epoch: Callable[[float, int, float], None] | None = None,
    state: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Fit:
    """Fit a linear regression by least squares.

    Parameters
    ----------
    data : an array of predictors (n, p), also of torch, CuPy or JAX, wherever it lies; a pandas,
        polars or Arrow table, anything that offers the Arrow stream interface, a path or glob of
        CSV or Parquet files, a :class:`Query` of a database, a dask array, a dask data frame, a
        list of delayed frames, a ``Source``, or :class:`Moments` of the rows.
    target : name of the target column; for an array the (n,) target values; or a formula such as
        ``"y ~ a + C(kind) + log(c)"``, which says target, features and intercept together.
    features : names of the predictor columns, as a sequence or ``"a,b"``; by default every other
        usable column.
    weights : analytic weights w, a column's name or (n,) values: the error of a row has the
        variance σ²/w. Rows of weight 0 are left out. As in R's ``lm(weights=)``; only ratios
        matter to coefficients and standard errors.
    frequencies : how many equal rows each row stands for, a column's name or (n,) whole numbers.
    intercept : whether to fit one; without it the line goes through the origin.
    missing : ``"drop"`` leaves out rows with a missing value and counts them, ``"error"`` refuses.
    method : :class:`NormalEquation` with the number of correct digits to ask for (by default 15 on
        small data and 8 on large), or a :class:`GradientDescent`.
    threads : at most so many; by default one a core.
    progress : called now and then with the rows done in the present pass, and the bytes done and
        in all (None in memory).
    on_epoch : called now and then by a descent in mini-batches with the epochs done (also in
        fractions), those asked for, and the loss after the last whole one.
    state : file in which to keep how far the fit has come, for files that take long to read. It is
        written every second or so and when the fit is interrupted, and removed when it is done.
    resume : whether to go on from ``state``, if it is there, to the same bits.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        An argument or the data cannot be used; the message says what to do.

    Examples
    --------
    >>> import gausswork as gw
    >>> fit = gw.fit({"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}, target="y")
    >>> [float(c) for c in fit.coefficients]
    [0.0, 2.0]
    """
    from gausswork.data import open_data

    method = method if method is not None else NormalEquation()
    if not isinstance(method, NormalEquation | GradientDescent):
        raise InputError(
            f"method must be a NormalEquation or a GradientDescent; got {method!r}. "
            "For all digits pass gausswork.NormalEquation(digits=15), for a descent "
            "gausswork.GradientDescent(learning_rate=0.01, epochs=1000)."
        )
    intercept = check_arguments(intercept, features, weights, frequencies)
    if isinstance(data, Moments):
        from gausswork.leastsquares import subsets

        if weights is not None or frequencies is not None:
            raise InputError("the data are moments, whose rows are weighed already: leave it out.")
        return subsets.fit_moments(
            data, target, features=features, intercept=intercept, method=method
        )
    _require_order(data, target)
    look: Any = data
    if isinstance(data, str | os.PathLike | list | tuple) and isinstance(method, NormalEquation):
        from gausswork.leastsquares.growing import first_look

        look = first_look(data, state, resume)

    def open_it(table: Any) -> OpenedData:
        return open_data(
            table, target, features=features, missing=missing, progress=progress,
            weights=weights if frequencies is None else frequencies,
            weighting=ANALYTIC if frequencies is None else FREQUENCY,
        )  # fmt: skip

    if look is data:
        opened = open_it(data)
    else:
        from gausswork.leastsquares.growing import opened_by

        opened = opened_by(open_it, look)
    if opened.intercept is not None:
        if not intercept:
            raise InputError(
                "intercept=False and a formula both speak of the intercept. Say it in the formula: "
                "it ends in - 1 where there is none."
            )
        intercept = opened.intercept
    if intercept and "intercept" in opened.source.names:
        raise InputError(
            "a predictor is called 'intercept', and the fit adds an intercept of its own. "
            "Rename the column, leave it out, or fit without an intercept."
        )
    source: Source = opened.source
    checkpoint = None
    if state is not None or resume:
        from gausswork.leastsquares.checkpoint import checkpoint_of

        checkpoint = checkpoint_of(source, state, resume)
    options: dict[str, Any] = {
        "intercept": intercept, "method": method, "threads": threads, "checkpoint": checkpoint,
    }  # fmt: skip
    descent: Descent | None = None
    try:
        promised = look is not data and getattr(source, "table", None) == look
        if promised:
            from gausswork.leastsquares.growing import solved_growing

            def solve(rows: Source, kept: Checkpoint) -> Solution:
                now = {**options, "checkpoint": kept}
                return least_squares(rows, progress=rows_and_bytes(rows, progress), **now)

            opened, solution, held = solved_growing(look, opened, open_it, checkpoint, solve)
            source, checkpoint = opened.source, held
        else:
            solution, descent = _solved(source, rows_and_bytes(source, progress), options, on_epoch)
    except NotFiniteError:
        if not hasattr(source, "without_missing"):
            raise
        source = source.without_missing()  # in memory no value is looked at before it is needed
        solution, descent = _solved(source, rows_and_bytes(source, progress), options, on_epoch)
    if isinstance(method, GradientDescent) and method.early_stopping:
        from gausswork.leastsquares.stochastic.run import trained_rows

        source = trained_rows(source, method)  # the rows held out are no part of the fit
    if checkpoint is not None:
        checkpoint.done()
    return Fit(
        target=source.target,
        solution=solution,
        design=opened.recipe or Recipe(source.target, tuple(map(Predictor, source.names))),
        tally=Tally(source.tally.read, source.tally.dropped, dict(source.tally.missing)),
        description=opened.description,
        method=method,
        findings=distinct(
            opened.findings,
            weight_findings(solution.moments, opened.recipe, source.tally),
            descent.findings if descent is not None else (),
            getattr(source, "findings", ()),
            solution.findings,
            inference.findings(solution),
            overlap_findings(solution, opened.recipe),
            checkpoint.findings() if checkpoint is not None else (),
        ),
        source=source if source.replayable else None,
        descent=descent,
    )


def check_arguments(intercept: Any, features: Any, weights: Any, frequencies: Any) -> bool:
    """Refuse arguments that contradict themselves or each other; return ``intercept``."""
    if not isinstance(intercept, bool | np.bool_):
        raise InputError(f"intercept must be True or False; got {intercept!r}.")
    if isinstance(features, str) and not features.replace(",", " ").strip():
        raise InputError(
            f"features names no column; got {features!r}. Name some, separated by commas as in "
            "'a,b', or leave it out to use every usable column."
        )
    if weights is not None and frequencies is not None:
        raise InputError(
            "weights and frequencies were both given. Give frequencies= where a row stands for "
            "several equal ones, weights= where rows are of different precision."
        )
    return bool(intercept)


def _solved(
    source: Source,
    progress: Progress | None,
    options: dict[str, Any],
    on_epoch: Callable[[float, int, float], None] | None,
) -> tuple[Solution, Descent | None]:
    """Solve by the method that the options name."""
    if isinstance(options["method"], NormalEquation):
        return least_squares(source, progress=progress, **options), None
    from gausswork.leastsquares.descent.fitting import fit_by_descent

    return fit_by_descent(source, progress=progress, on_epoch=on_epoch, **options)


def _require_order(data: Any, target: Any) -> None:
    """Refuse a formula in the place of the data, as other libraries order them."""
    if is_formula(data) and target is not None and not isinstance(target, str | os.PathLike):
        raise InputError(
            f"the data comes first, then the formula: fit(data, {data!r}). "
            f"Here {data!r} stands in the place of the data."
        )


def rows_and_bytes(
    source: Source, progress: Callable[[int, int | None, int | None], None] | None
) -> Progress | None:
    """Add to the rows that the engine counts the bytes that the source counts."""
    if progress is None:
        return None
    return lambda rows: progress(
        rows, getattr(source, "bytes_done", None), getattr(source, "bytes_total", None)
    )
