"""What a mini-batch descent has come to, in numbers and in words, beside the exact answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gausswork.data.sources import Source
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.descent import Descent, Outcome
from gausswork.leastsquares.stochastic import Progress, Run, run
from gausswork.leastsquares.stochastic_result import MiniBatch
from gausswork.leastsquares.stochastic_setup import beyond
from gausswork.leastsquares.stochastic_steps import Array

if TYPE_CHECKING:
    from gausswork.leastsquares.gradient import GradientDescent
    from gausswork.leastsquares.solution import Solution

_THERE = 0.1  # standard errors: nearer than this the difference means nothing
_FAR = 1.0
_ILL = 100.0  # condition number of the loss beyond which standardising may pay
_ALL_DIGITS = 16.0


def descend(
    source: Source,
    solution: Solution,
    method: GradientDescent,
    *,
    progress: Progress | None = None,
) -> tuple[Descent, Solution]:
    """Descend in mini-batches and say how far it is from the exact answer.

    Parameters
    ----------
    source, solution, method, progress : as of :func:`gausswork.leastsquares.stochastic.run`.

    Returns
    -------
    descent, solution : the latter of the rows trained on, which are fewer where some are held out.
    """
    done = run(source, solution, method, progress=progress)
    solution = done.solution
    exact = _exact(done)
    coefficients = done.coefficients
    distance = _distance(done)
    history = done.history
    outcome = _outcome(done, distance)
    descent = Descent(
        names=(("intercept",) if solution.intercept else ()) + solution.moments.names,
        method=method,
        learning_rate=done.setting.rate,
        momentum=done.setting.momentum,
        epochs=len(history) - 1,
        outcome=outcome,
        reason=_reason(done, method, distance),
        recorded=np.arange(len(history)),
        path=history[:, 4:],
        loss=history[:, 0],
        coefficients=coefficients,
        exact=exact,
        digits=agreeing_digits(coefficients, exact),
        findings=tuple(_findings(done, method, distance)),
        held_out_loss=history[:, 1] if done.held_out_rows else None,
        mini_batch=MiniBatch(
            batch_size=method.batch_size or done.rows,
            rows=done.rows,
            steps=done.steps,
            optimizer=str(method.optimizer),
            schedule=str(method.schedule),
            rate=history[:, 2],
            gradient_norm=history[:, 3],
            shuffle=done.shuffle,
            held_out_rows=done.held_out_rows,
            best_epoch=done.best if done.held_out_rows else None,
            averaged_from=done.averaged_from,
            distance=distance,
            resumed_at=done.resumed_at,
        ),
    )
    return descent, solution


def agreeing_digits(found: Array, exact: Array) -> Array:
    """Return in how many significant digits numbers agree with exact ones, 0 for undefined ones."""
    with np.errstate(all="ignore"):
        error = np.abs(found - exact) / np.abs(exact)
        error = np.where(found == exact, 0.0, error)
        digits = -np.log10(np.maximum(error, 10.0**-_ALL_DIGITS))
    return np.where(np.isnan(digits), 0.0, np.maximum(digits, 0.0))


def _exact(done: Run) -> Array:
    """Return the lowest point of the loss: of the ridge loss where there is a ridge."""
    if not done.setting.frame.pull.any():
        return done.solution.coefficients
    return done.setting.frame.to_user(done.setting.bowl.best)


def _distance(done: Run) -> float:
    """Return the root mean square distance from the solution in standard errors."""
    setting, solution = done.setting, done.solution
    excess = setting.bowl.excess(setting.frame.from_user(done.coefficients))
    freedom = max(solution.degrees_of_freedom, 1)
    variance = solution.residual_sum_of_squares / freedom
    if excess == 0.0:
        return 0.0
    if variance <= 0.0 or solution.rank == 0:
        return math.inf
    return math.sqrt(solution.moments.total_weight[0] * excess / solution.rank / variance)


def _outcome(done: Run, distance: float) -> Outcome:
    if done.end == "diverged":
        return Outcome.DIVERGED
    if distance <= _THERE:
        return Outcome.CONVERGED
    return Outcome.UNFINISHED if done.end == "epochs" else Outcome.STOPPED


def _reason(done: Run, method: GradientDescent, distance: float) -> str:
    epochs = len(done.history) - 1
    away = _away(distance)
    if done.end == "diverged":
        step = done.steps - epochs * done.steps_an_epoch + 1
        return f"diverged in epoch {epochs + 1}, at step {step}: {_cause(done, method)}."
    if done.end == "held-out":
        return (
            f"stopped after epoch {epochs}: the held-out loss has not fallen for {method.patience} "
            f"epochs; the parameters are those of epoch {done.best}, {away}."
        )
    if done.end == "tolerance":
        return (
            f"stopped after epoch {epochs}, which moved no parameter by {method.tolerance:g} or "
            f"more, {away}."
        )
    of = f" The parameters are those of epoch {done.best}." if done.held_out_rows else ""
    return (
        f"{epochs:,} {'epoch' if epochs == 1 else 'epochs'} of {done.steps_an_epoch:,} steps: "
        f"{away}.{of}"
    )


def _away(distance: float) -> str:
    if distance == 0.0:
        return "at the least-squares solution"
    if math.isinf(distance):
        return "on the way to a solution without residuals"
    return f"on average {distance:.2g} standard errors from the least-squares solution"


def _cause(done: Run, method: GradientDescent) -> str:
    """Say why steps grew without end."""
    setting = done.setting
    if not setting.rule.linear:
        return (
            f"the steps of {method.optimizer} at the rate {setting.rate:.4g} have left the range "
            "of numbers"
        )
    if setting.rate >= setting.limit:
        return (
            f"the rate {setting.rate:.4g} is above {setting.limit:.4g}, beyond which even full "
            f"batches run away; what sets the limit is {setting.steep_column()}"
        )
    if setting.rate >= 0.8 * setting.batch_limit:
        return (
            f"the rate {setting.rate:.4g} is below the full-batch limit {setting.limit:.4g}, but "
            f"batches of {method.batch_size} are so noisy that only about "
            f"{setting.batch_limit:.2g} is safe"
        )
    return (
        f"the rate {setting.rate:.4g} is too large for the rows with the largest values, which lie "
        "far beyond those at the beginning of the data"
    )


def _findings(done: Run, method: GradientDescent, distance: float) -> Iterator[Finding]:
    setting = done.setting
    standardise = "" if method.standardize else " standardize=True puts the columns on one scale."
    if done.end == "diverged":
        yield Finding(
            "batches-diverged",
            Severity.ALARM,
            f"The descent has {_reason(done, method, distance)[:-1]}. The coefficients are those "
            f"of epoch {len(done.history) - 1} and of no use.",
            f"Use learning_rate='auto' or at most {_usual(setting.batch_limit)}.{standardise}",
            {"learning_rate": setting.rate, "limit": _number(setting.limit), "step": done.steps},
        )
        return
    if setting.rule.linear and setting.rate >= setting.limit:
        yield Finding(
            "rate-above-limit", Severity.CAUTION, beyond(setting, method), "",
            {"learning_rate": setting.rate, "limit": setting.limit},
        )  # fmt: skip
    if distance > _FAR:
        yield Finding(
            "far-from-solution",
            Severity.CAUTION,
            f"The coefficients are {_away(distance)}: {_excess(done)}.",
            _nearer(done, method),
            {"standard_errors": _number(distance)},
        )
    if done.held_out_rows:
        yield Finding(
            "rows-held-out",
            Severity.NOTE,
            f"{done.held_out_rows:,} rows were held out to judge by; the {done.rows:,} others were "
            "trained on, and the exact answer beside is theirs.",
            "",
            {"held_out": done.held_out_rows, "trained": done.rows},
        )
    if done.shuffle.startswith("within runs"):
        yield Finding(
            "shuffled-in-runs",
            Severity.CAUTION,
            f"Rows were shuffled {done.shuffle}.",
            "Allow more memory=, or let shuffle='disk' write a copy of the rows.",
            {"shuffle": done.shuffle},
        )


def _excess(done: Run) -> str:
    bowl = done.setting.bowl
    excess = bowl.excess(done.setting.frame.from_user(done.coefficients))
    if bowl.least > 0.0:
        return f"their loss is {100.0 * excess / bowl.least:.2g} % above the least"
    return f"their loss is {excess:.2g}, and the least is 0"


def _nearer(done: Run, method: GradientDescent) -> str:
    """Say what would bring a descent nearer to the solution."""
    p = done.setting.frame.predictors
    live = done.setting.bowl.half[: p + 1, : p + 1]
    values = np.linalg.eigvalsh(live[live.diagonal() > 0.0][:, live.diagonal() > 0.0])
    if not method.standardize and len(values) and values[-1] > _ILL * max(values[0], 0.0):
        return (
            "The columns differ in scale or lie far from 0, and one rate cannot suit all: "
            "standardize=True."
        )
    if not method.averaging and str(method.schedule) == "constant":
        return (
            "More epochs; or averaging=True or schedule='inverse-time', which quieten the noise of "
            "the batches."
        )
    return "More epochs."


def _usual(limit: float) -> str:
    return f"{0.5 * limit:.2g}" if math.isfinite(limit) else "a tenth of it"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
