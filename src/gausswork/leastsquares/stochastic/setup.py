"""Before the first step: coordinates, the loss, the rate and what it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gausswork.data.sources import Source
from gausswork.errors import InputError
from gausswork.leastsquares.kernels import columns_of
from gausswork.leastsquares.stochastic.loss import Bowl, Spread
from gausswork.leastsquares.stochastic.steps import Array, Frame, Rule, rule_of

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.solution import Solution
    from gausswork.leastsquares.stochastic.rules import Optimizer

_SAMPLE = 8192  # rows by which the spread of single rows is judged
_AUTO_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run of steps needs to know.

    Attributes
    ----------
    frame : the coordinates of the steps.
    spread : of the rows trained on, in those coordinates.
    bowl : their loss.
    start : (width,) parameters to begin with.
    rule, rate, momentum : as used; they tell what ``"auto"`` has chosen.
    limit : rate beyond which even the mean of the parameters runs away; infinite for optimizers
        that divide the gradient by its size.
    batch_limit : rate up to which the noise of batches is sure not to take over, estimated from the
        first rows.
    """

    names: tuple[str, ...]
    frame: Frame
    spread: Spread
    bowl: Bowl
    start: Array
    rule: Rule
    rate: float
    momentum: float
    limit: float
    batch_limit: float

    def steep_column(self) -> str:
        """Say which column makes the largest curvature."""
        j = self.bowl.steepest
        if j >= len(self.names):
            return "the intercept"
        mean, scale = self.spread.mean[j], self.frame.scale[j]
        mean, sd = mean / scale + self.frame.shift[j], self.spread.deviations[j] / scale
        return f"{self.names[j]!r} (mean {mean:.4g}, sd {sd:.4g})"


def prepare(
    source: Source, solution: Solution, method: GradientDescent, batch: int, rows: int
) -> Setting:
    """Choose coordinates and rate from the moments.

    Parameters
    ----------
    rows : rows to train on.

    Raises
    ------
    InputError
        The start has another length, or the rate is beyond its limit.
    """
    moments, intercept = solution.moments, solution.intercept
    raw = Spread.of(moments, intercept=intercept)
    frame = frame_of(raw, method, intercept=intercept)
    spread = raw.within(frame)
    exact = np.where(np.isnan(solution.coefficients), 0.0, solution.coefficients)
    best = frame.from_user(exact)
    least = solution.residual_sum_of_squares / raw.weight
    if method.ridge:
        best, least = _penalised(spread, frame)
    bowl = Bowl.of(spread, frame, best, least)
    start = frame.from_user(_start(method, len(exact)))
    momentum = _AUTO_MOMENTUM if isinstance(method.momentum, str) else float(method.momentum)
    optimizer: Optimizer = method.optimizer  # type: ignore[assignment]
    rule = rule_of(optimizer, momentum, method.nesterov)
    curvature = bowl.curvature
    limit = batch_limit = math.inf
    if rule.linear and curvature > 0.0:
        limit = _limit(curvature, rule)
        batch_limit = (1.0 - momentum) / _noise(source, frame, curvature, batch)
    rate = method.learning_rate
    if isinstance(rate, str):
        steps = method.epochs * -(-rows // batch)
        rate = _chosen_rate(rule, batch_limit, bowl, start, steps)
    setting = Setting(
        moments.names, frame, spread, bowl, start, rule, float(rate), momentum, limit, batch_limit
    )
    if rate >= limit and method.beyond_limit == "refuse":
        raise InputError(beyond(setting, method))
    return setting


def beyond(setting: Setting, method: GradientDescent) -> str:
    """Say why a rate is beyond the limit and what to do."""
    usual = 0.5 * setting.batch_limit
    standardise = "" if method.standardize else ", or standardize=True"
    return (
        f"learning_rate={setting.rate:.6g} is above {setting.limit:.4g}, the limit for this data: "
        f"the steps would grow without end. What sets the limit is {setting.steep_column()}. "
        f"Use learning_rate='auto' or at most {usual:.2g}{standardise}; "
        "beyond_limit='run' runs it all the same."
    )


def frame_of(raw: Spread, method: GradientDescent, *, intercept: bool) -> Frame:
    """Return the coordinates in which to descend: those of the data, or standardised predictors."""
    p = len(raw.mean) - 1
    sd = raw.deviations
    if not method.standardize:
        return Frame.of(p, intercept=intercept, pull=2.0 * method.ridge / raw.weight)
    scale = np.divide(1.0, sd, out=np.zeros(p), where=sd > 0.0)
    return Frame.of(
        p,
        intercept=intercept,
        shift=raw.mean[:p],
        scale=scale,
        pull=2.0 * method.ridge / raw.weight * scale * scale,
    )


def _penalised(spread: Spread, frame: Frame) -> tuple[Array, float]:
    """Return the lowest point of the loss with its ridge, and the loss there."""
    p = frame.predictors
    best = np.zeros(frame.width)
    ridge = np.diag(0.5 * frame.pull[:p])
    if p:
        best[:p] = np.linalg.lstsq(spread.second[:p, :p] + ridge, spread.second[:p, -1])[0]
    if frame.intercept:
        best[p] = spread.mean[-1] - spread.mean[:p] @ best[:p]
    penalty = float(best[:p] @ ridge @ best[:p])
    return best, spread.loss(best, frame) + penalty


def _start(method: GradientDescent, terms: int) -> Array:
    if method.start is None:
        return np.zeros(terms)
    if len(method.start) != terms:
        raise InputError(
            f"start must have {terms} numbers, one per term with the intercept first; got "
            f"{len(method.start)}. Leave it out to start at 0."
        )
    return np.asarray(method.start, dtype=np.float64)


def _limit(curvature: float, rule: Rule) -> float:
    """Return the largest rate at which the mean of the parameters does not run away."""
    momentum = rule.first if rule.code else 0.0
    if rule.code == 2:
        return 2.0 * (1.0 + momentum) / (1.0 + 2.0 * momentum) / curvature
    return 2.0 * (1.0 + momentum) / curvature


def _noise(source: Source, frame: Frame, curvature: float, batch: int) -> float:
    """Return how steep single batches make the loss; the inverse is a rate that stays calm.

    With A the mean of zzᵀ and Â its mean over a batch: ‖E[Â²]‖/‖A‖. The noise of single rows
    is E‖z‖⁴/E‖z‖², judged by the first rows (Bach & Moulines 2013).
    """
    first = next(iter(source.batches(_SAMPLE)))
    p = frame.predictors
    z = (columns_of(first.x, slice(None)) - frame.shift[:p]) * frame.scale[:p]
    with np.errstate(over="ignore", invalid="ignore"):
        square = (z * z).sum(axis=1) + (1.0 if frame.intercept else 0.0)
        if first.weight is not None:
            square *= first.weight / max(float(np.mean(first.weight)), 1e-300)
        row = float((square * square).mean() / max(float(square.mean()), 1e-300))
    row = max(row, 0.5 * curvature) if math.isfinite(row) else 0.5 * curvature
    return (row + (batch - 1) * 0.5 * curvature) / batch


def _chosen_rate(rule: Rule, batch_limit: float, bowl: Bowl, start: Array, steps: int) -> float:
    """Return a rate that converges: half of what noise allows, or steps that fit the way to go."""
    if rule.linear:
        return 0.5 * batch_limit if math.isfinite(batch_limit) else 1.0
    way = float(np.max(np.abs(bowl.best - start), initial=0.0)) or 1.0
    if rule.code == 3:
        return 0.5 * way
    return way * min(0.1, max(20.0 / steps, 1e-5))
