"""From a descent to a fit: the coefficients where it ended, and of inference what still holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gausswork.data.sources import Source
from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.descent.full import descend
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.descent.quadratic import total_weight
from gausswork.leastsquares.kernels import TIERS
from gausswork.leastsquares.moments import Progress, accumulate
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import least_squares

if TYPE_CHECKING:
    from gausswork.leastsquares.checkpoint import Checkpoint

# called with the epochs done (also in fractions), those asked for, and the loss
OnEpoch: TypeAlias = Callable[[float, int, float], None]

# The descent says what is flat, and its coefficients do not fit perfectly even where the best do.
_SAID_OTHERWISE = frozenset({"dependent-column", "perfect-fit"})
_MOST_ERROR = 2e-12  # epochs times the error of the sums: what the iterates may be off by


def fit_by_descent(
    source: Source,
    *,
    intercept: bool,
    method: GradientDescent,
    threads: int | None,
    progress: Progress | None,
    on_epoch: OnEpoch | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Solution, Descent]:
    """Solve by least squares, then descend towards the solution.

    For full batch the sums are taken again with more digits where so many epochs would show their
    errors.

    Parameters
    ----------
    on_epoch : called by mini-batches as they go on.
    checkpoint : of the passes that sum; mini-batches keep a state of their own.
    """
    batches = method.batch_size is not None
    exact = least_squares(
        source, intercept=intercept, threads=threads, progress=progress, checkpoint=checkpoint,
        # mini-batches add the penalty themselves: some rows may be held out
        method=NormalEquation(ridge=0.0 if batches else method.ridge),
    )  # fmt: skip
    if method.batch_size is not None:
        return _in_batches(source, exact, method, on_epoch)
    moments, tier = exact.moments, exact.tier
    backend = default_backend()
    while source.replayable and moments.error * method.epochs > _MOST_ERROR and tier + 1 < TIERS:
        tier += 1
        if backend.gram_error[tier] * method.epochs > _MOST_ERROR and tier + 1 < TIERS:
            continue
        moments = accumulate(
            source, tier=tier, threads=threads, progress=progress, exponents=moments.exponents
        )
        exact = replace(exact, moments=moments, tier=tier)
    descent = descend(exact, method)
    return where_it_ended(exact, descent), descent


def _in_batches(
    source: Source, exact: Solution, method: GradientDescent, on_epoch: OnEpoch | None
) -> tuple[Solution, Descent]:
    from gausswork.leastsquares.stochastic import answer as stochastic_answer

    # the solution that comes back is that of the rows trained on, where some were held out
    descent, exact = stochastic_answer.descend(source, exact, method, progress=on_epoch)
    return where_it_ended(exact, descent), descent


def where_it_ended(exact: Solution, descent: Descent) -> Solution:
    """Return a solution with the coefficients of a descent and what is true of them.

    Parameters
    ----------
    exact : the least-squares solution of the same data.
    """
    theta = descent.coefficients
    arrived = descent.outcome is Outcome.CONVERGED and descent.method.ridge == exact.ridge
    nothing = np.full(len(theta), np.nan)
    first = int(exact.intercept)
    mean = exact.target_mean, exact.target_mean_low
    if exact.intercept:
        means = exact.predictor_means, exact.predictor_mean_lows
        mean = dd.add(dd.promote(theta[0]), dd.dot(dd.promote(theta[first:]), means))
    square = float(exact.residual_sum_of_squares)
    if not arrived or descent.mini_batch is not None:  # batches arrive near, not at, the least
        slopes = theta[first:]
        penalty = descent.method.ridge * float(slopes @ slopes)
        square = max(
            descent.loss[descent.ended_at] * float(total_weight(exact.moments)[0]) - penalty, 0.0
        )
    errors = exact.standard_errors if arrived else nothing
    if exact.dependencies:  # the errors of what is left when columns are left out are others
        part = {name for d in exact.dependencies for name in (d.column, *d.combination)}
        errors = np.where([name in part for name in descent.names], np.nan, errors)
    return replace(
        exact,
        coefficients=theta.copy(),
        coefficient_lows=np.zeros(len(theta)),
        standard_errors=errors,
        trusted_digits=descent.digits.copy(),
        standard_error_digits=np.where(np.isnan(errors), np.nan, exact.standard_error_digits),
        data_digits=exact.data_digits,
        target_mean=float(mean[0]),
        target_mean_low=float(mean[1]),
        residual_sum_of_squares=square,
        findings=tuple(f for f in exact.findings if f.code not in _SAID_OTHERWISE),
        minimal=arrived,
    )
