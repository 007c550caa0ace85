"""What a mini-batch descent has come to, in numbers and in words, beside the exact answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.data.sources import Source
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.solution import FULL_DIGITS
from gausswork.leastsquares.stochastic.result import MiniBatch
from gausswork.leastsquares.stochastic.run import Progress, Run, run
from gausswork.leastsquares.stochastic.steps import Array

if TYPE_CHECKING:
    from gausswork.leastsquares.descent.method import GradientDescent
    from gausswork.leastsquares.solution import Solution

_THERE = 0.1  # standard errors: nearer than this the difference means nothing
_PERFECT = 1e-20  # share of the squares of the target below which residuals are rounding
_MANY = 500  # columns beyond which condition numbers take longer than they are worth
_WORTH_SAYING = 10.0  # so many times better a condition makes standardising worth a remark


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
    source, solution, method, progress : as of :func:`gausswork.leastsquares.stochastic.run.run`.

    Returns
    -------
    descent, solution : the latter of the rows trained on, which are fewer where some are held out.
    """
    done = run(source, solution, method, progress=progress)
    solution = done.solution
    exact = _exact(done)
    history = done.history
    words = _Words(done, method, _distance(done))
    outcome = words.outcome()
    finding = words.finding(outcome)
    descent = Descent(
        names=(("intercept",) if solution.intercept else ()) + solution.moments.names,
        method=method,
        learning_rate=done.setting.rate,
        momentum=done.setting.momentum,
        epochs=len(history) - 1,
        outcome=outcome,
        reason=finding.sentence,
        recorded=np.arange(len(history)),
        path=history[:, 4:],
        loss=history[:, 0],
        coefficients=done.coefficients,
        exact=exact,
        digits=np.minimum(agreeing_digits(done.coefficients, exact), _known(done)),
        findings=(finding, *_other_findings(done)),
        held_out_loss=history[:, 1] if done.held_out_rows else None,
        least_squares=solution,
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
            distance=words.distance,
            resumed_at=done.resumed_at,
        ),
    )
    return descent, solution


def agreeing_digits(found: Array, exact: Array) -> Array:
    """Return in how many significant digits numbers agree with exact ones, 0 for undefined ones."""
    with np.errstate(all="ignore"):
        error = np.abs(found - exact) / np.abs(exact)
        error = np.where(found == exact, 0.0, error)
        digits = -np.log10(np.maximum(error, 10.0**-FULL_DIGITS))
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
    if variance * freedom <= _PERFECT * solution.total_sum_of_squares or solution.rank == 0:
        total = solution.total_sum_of_squares / solution.moments.total_weight[0]
        return 0.0 if excess <= _PERFECT * total else math.inf
    return math.sqrt(solution.moments.total_weight[0] * excess / solution.rank / variance)


def _known(done: Run) -> Array | float:
    """Return how many digits of the exact answer are correct."""
    if done.setting.frame.pull.any():
        return FULL_DIGITS
    return np.nan_to_num(done.solution.trusted_digits)


class _Words:
    """The sentences about how a descent in mini-batches has ended."""

    def __init__(self, done: Run, method: GradientDescent, distance: float) -> None:
        self.done, self.method, self.distance = done, method, distance
        self.epochs = len(done.history) - 1

    def outcome(self) -> Outcome:
        """Return how it ended."""
        if self.done.end == "diverged":
            return Outcome.DIVERGED
        if self.distance <= _THERE:
            return Outcome.CONVERGED
        return Outcome.UNFINISHED if self.done.end == "epochs" else Outcome.STOPPED

    def finding(self, outcome: Outcome) -> Finding:
        """Say it, and what to do."""
        setting = self.done.setting
        evidence: dict[str, Any] = {
            "epochs": self.epochs,
            "steps": self.done.steps,
            "learning_rate": setting.rate,
            "learning_rate_limit": _number(setting.limit),
            "standard_errors_away": _number(self.distance),
        }
        if outcome is Outcome.DIVERGED:
            return Finding(
                "descent-diverged",
                Severity.ALARM,
                f"The descent diverged in epoch {self.epochs + 1}, at step "
                f"{self.done.steps - self.epochs * self.done.steps_an_epoch + 1:,}, and was "
                f"stopped: {self._cause()}. The coefficients are those of epoch {self.epochs} and "
                "mean nothing.",
                self._slower(),
                evidence,
            )
        if outcome is Outcome.CONVERGED:
            return Finding(
                "descent-converged",
                Severity.NOTE,
                f"The descent arrived: {self._after()}, the coefficients are {self._away()}, and "
                "the standard errors are those of least squares.",
                "",
                evidence,
            )
        rest = (
            f"{self._after()}, the coefficients are {self._away()}, and {self._excess()}. Standard "
            "errors belong to that solution and are left out."
        )
        if outcome is Outcome.STOPPED:
            return Finding(
                "descent-stopped",
                Severity.CAUTION,
                f"The descent stopped before it arrived: {rest}",
                self._nearer(),
                evidence,
            )
        return Finding(
            "descent-unfinished",
            Severity.CAUTION,
            f"The descent has not arrived: {rest}",
            self._nearer(),
            evidence,
        )

    def _after(self) -> str:
        done, steps = self.done, self.done.steps_an_epoch
        text = (
            f"after {_count(self.epochs, 'epoch')} of {_count(steps, 'step')} of "
            f"{_count(self.method.batch_size or done.rows, 'row')}"
        )
        if done.end == "held-out":
            text += (
                f", of which the last {self.method.patience} no longer lowered the held-out loss"
            )
        elif done.end == "tolerance":
            text += f", where no parameter moved by {self.method.tolerance:g} or more"
        if done.held_out_rows:
            text += f" (the parameters are those of epoch {done.best})"
        return text

    def _away(self) -> str:
        if self.distance == 0.0:
            return "the least-squares solution itself"
        if math.isinf(self.distance):
            return "on the way to a solution without residuals"
        return f"on average {self.distance:.2g} standard errors from the least-squares solution"

    def _excess(self) -> str:
        setting = self.done.setting
        excess = setting.bowl.excess(setting.frame.from_user(self.done.coefficients))
        if setting.bowl.least > 0.0:
            return f"their loss is {100.0 * excess / setting.bowl.least:.2g} % above the least"
        return f"their loss is {excess:.2g}, and the least is 0"

    def _cause(self) -> str:
        """Say why steps grew without end."""
        setting, method = self.done.setting, self.method
        if not setting.rule.linear:
            return (
                f"the steps of {method.optimizer} at the rate {setting.rate:.4g} have left the "
                "range of numbers"
            )
        if setting.rate >= setting.limit:
            return (
                f"the learning rate {setting.rate:.4g} is above {setting.limit:.4g}, beyond which "
                f"even full batches run away; what sets the limit is {setting.steep_column()}"
            )
        if setting.rate >= 0.8 * setting.batch_limit:
            return (
                f"the learning rate {setting.rate:.4g} is below the full-batch limit "
                f"{setting.limit:.4g}, but batches of {method.batch_size} are so noisy that only "
                f"about {setting.batch_limit:.2g} is safe"
            )
        return (
            f"the learning rate {setting.rate:.4g} is too large for the rows with the largest "
            "values, which lie far beyond those at the beginning of the data"
        )

    def _slower(self) -> str:
        limit = self.done.setting.batch_limit
        rate = f"at most {0.5 * limit:.2g}" if math.isfinite(limit) else "a tenth of it"
        standardise = (
            "" if self.method.standardize else " standardize=True puts the columns on one scale."
        )
        return f"Use learning_rate='auto' or {rate}.{standardise}"

    def _nearer(self) -> str:
        """Say what would bring a descent nearer to the solution."""
        if not self.method.standardize and len(self.done.setting.names) <= _MANY:
            here, there = self.done.setting.bowl.condition_numbers()
            if here > _WORTH_SAYING * there:
                return (
                    f"standardize=True: the condition number becomes {there:.3g} instead of "
                    f"{here:.3g}."
                )
        if self.method.averaging is False and str(self.method.schedule) == "constant":
            return (
                "More epochs; or averaging=True or schedule='inverse-time', which quieten the "
                "noise of the batches."
            )
        if self.done.end == "held-out":
            return "A longer patience=, or larger batches."
        return "More epochs, or larger batches."


def _other_findings(done: Run) -> Iterator[Finding]:
    if done.setting.rule.linear and done.setting.rate >= done.setting.limit:
        yield Finding(
            "rate-beyond-limit",
            Severity.ALARM,
            f"The learning rate {done.setting.rate:.6g} is above {done.setting.limit:.4g}, the "
            f"limit for this data, which {done.setting.steep_column()} sets.",
            "",
            {"learning_rate": done.setting.rate, "learning_rate_limit": done.setting.limit},
        )
    if done.held_out_rows:
        yield Finding(
            "rows-held-out",
            Severity.NOTE,
            f"{done.held_out_rows:,} rows were held out to judge by; the fit is of the "
            f"{done.rows:,} others, and so is the exact answer beside it.",
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


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
