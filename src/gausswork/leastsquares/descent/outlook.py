"""What is known before the first step: the limit of the rate, the best one, the epochs to come."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.descent.method import AUTO, GradientDescent
from gausswork.leastsquares.descent.modes import Spectrum, spectrum
from gausswork.leastsquares.descent.quadratic import Quadratic, quadratic
from gausswork.leastsquares.descent.rates import (
    best_momentum,
    best_pair,
    best_rate,
    worst_log_radius,
    worst_radius,
)
from gausswork.leastsquares.descent.response import Rule
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.solution import Solution
from gausswork.leastsquares.solve import solve

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

_SURE = 1e-7  # smaller shares of the largest eigenvalue LAPACK knows to few digits
_COUNTABLE = 1e12  # epochs; of more the power of ten says enough
_WORTH_SAYING = 4.0  # so many times fewer epochs make standardising worth a remark


class Behaviour(StrEnum):
    """What a learning rate makes of a descent."""

    CONVERGES = "converges"  # straight downhill in every direction
    OSCILLATES = "oscillates"  # it overshoots the floor of the valley, and arrives all the same
    DIVERGES = "diverges"  # every swing is as wide as the one before, or wider


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What the eigenvalues of H = (2/m) XᵀX tell before the first step.

    Attributes
    ----------
    learning_rate, momentum, nesterov, standardize : the descent looked at.
    factor : what one of its epochs multiplies the slowest part of the error by in the long run;
        1 or more diverges.
    smallest_eigenvalue, largest_eigenvalue : λmin of the directions that are not flat, and λmax.
    condition_number : λmax / λmin.
    learning_rate_limit : rates from here on diverge; 2/λmax without momentum.
    best_learning_rate, best_factor : the best constant rate with this momentum.
    best_pair, best_pair_factor : the best learning rate and momentum together.
    eigenvalues : (r,) all that are not zero, ascending.
    flat_directions : what the data does not determine, as equations between columns.
    alternative : the same with ``standardize`` the other way round, at its best rate; or None.
    """

    learning_rate: float
    momentum: float
    nesterov: bool
    standardize: bool
    factor: float
    smallest_eigenvalue: float
    largest_eigenvalue: float
    condition_number: float
    learning_rate_limit: float
    best_learning_rate: float
    best_factor: float
    best_pair: tuple[float, float]
    best_pair_factor: float
    eigenvalues: Array
    flat_directions: tuple[str, ...]
    alternative: Outlook | None = None

    @property
    def rule(self) -> Rule:
        """The update rule."""
        return Rule(self.momentum, self.nesterov)

    def factor_at(self, learning_rate: float) -> float:
        """Return what an epoch at another rate multiplies the slowest part of the error by."""
        return worst_radius(
            self.rule, learning_rate, self.smallest_eigenvalue, self.largest_eigenvalue
        )

    def epochs_per_digit(self, learning_rate: float | None = None) -> float:
        """Return how many epochs make the error ten times smaller; infinite where none do."""
        rate = self.learning_rate if learning_rate is None else learning_rate
        slowest = worst_log_radius(
            self.rule, rate, self.smallest_eigenvalue, self.largest_eigenvalue
        )
        return math.inf if slowest >= 0.0 else math.log(10.0) / -slowest

    @property
    def diverges(self) -> bool:
        """Whether the learning rate is at its limit or beyond."""
        return self.learning_rate >= self.learning_rate_limit

    @property
    def overshoots_from(self) -> float:
        """Beyond this rate steps overshoot the floor of the valley; 1/λmax without momentum."""
        return self.rule.overshoot / self.largest_eigenvalue

    @property
    def behaviour(self) -> Behaviour:
        """Whether the descent converges, oscillates on its way or diverges."""
        if self.diverges:
            return Behaviour.DIVERGES
        swings = self.learning_rate > self.overshoots_from
        return Behaviour.OSCILLATES if swings else Behaviour.CONVERGES

    @property
    def verdict(self) -> str:
        """One sentence: what the learning rate does, and how fast."""
        rate, limit = f"{self.learning_rate:.4g}", f"{self.learning_rate_limit:.4g}"
        behaviour = self.behaviour
        if behaviour is Behaviour.DIVERGES:
            side = "is beyond" if self.learning_rate > self.learning_rate_limit else "is at"
            return f"Diverges: {rate} {side} the limit {limit}, and {self.growth()}."
        pace = _every(self.epochs_per_digit())
        if behaviour is Behaviour.OSCILLATES:
            return (
                f"Oscillates and arrives: at {rate}, below the limit {limit}, steps overshoot the "
                f"floor of the valley, and the error becomes ten times smaller {pace}."
            )
        return (
            f"Converges: at {rate}, below the limit {limit}, every step goes downhill without "
            f"overshooting, and the error becomes ten times smaller {pace}."
        )

    def growth(self) -> str:
        """Say what every epoch at a rate that diverges does to the error."""
        if self.factor <= 1.0:
            return "the error never shrinks"
        shown = (f"{self.factor:.{digits}g}" for digits in range(3, 18))
        return f"every epoch multiplies the error by {next(text for text in shown if text != '1')}"

    def warning(self) -> str:
        """Say what a rate beyond the limit does, and what to do instead."""
        half = 0.5 * self.learning_rate_limit
        where = "above" if self.learning_rate > self.learning_rate_limit else "at the limit"
        text = (
            f"{self.learning_rate:.6g} is {where} {self.learning_rate_limit:.3g}: "
            f"{self.growth()}; use ≤ {half:.2g}"
        )
        other = self.alternative
        if other is not None and other.standardize:
            text += " or standardise"
            if self.learning_rate >= other.learning_rate_limit:
                text += f" and use ≤ {0.5 * other.learning_rate_limit:.2g}"
        return text + "."

    def advice(self) -> str:
        """Say which rate ``"auto"`` would take."""
        return f"learning_rate='auto' takes the best constant one, {self.best_learning_rate:.3g}."


def outlook(fit: Fit, method: GradientDescent | None = None) -> Outlook:
    """Return what a gradient descent on the data of a fit would meet, without a step.

    Parameters
    ----------
    fit : of the data, by any method.
    method : the descent; by default the one of the fit, else the best constant rate.

    Returns
    -------
    Outlook

    Examples
    --------
    >>> import gausswork as gw
    >>> fit = gw.fit({"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]}, target="y")
    >>> before = gw.outlook(fit, gw.GradientDescent(learning_rate=0.1))
    >>> round(before.learning_rate_limit, 4), round(before.factor, 2)
    (0.0845, 1.37)
    """
    if method is None:
        method = fit.method if isinstance(fit.method, GradientDescent) else GradientDescent()
    if not isinstance(method, GradientDescent):
        raise InputError(f"method must be a GradientDescent; got {method!r}.")
    known = fit.descent.least_squares if fit.descent is not None else None
    exact = known or fit.solution
    if exact.ridge and not method.ridge:  # which columns repeat others a ridge need not know
        exact = solve(exact.moments, intercept=exact.intercept)
    return foreseen(exact, method)[0]


def foreseen(exact: Solution, method: GradientDescent) -> tuple[Outlook, Quadratic, Spectrum]:
    """Return the outlook of a descent, and the loss and the spectrum that it was read from.

    Raises
    ------
    InputError
        There is nothing to descend: every column is zero.
    """
    loss, seen = loss_and_spectrum(exact, method, standardize=method.standardize)
    if not len(seen.values[0]):
        raise InputError(
            "there is nothing to descend: every column is zero. Give a column that varies, or "
            "fit with an intercept."
        )
    here = _read(exact, method, seen.values[0], method.standardize)
    best = replace(method, learning_rate=AUTO, standardize=not method.standardize)
    other = _eigenvalues(exact, best)
    if len(other):
        here = replace(here, alternative=_read(exact, best, other, best.standardize))
    return here, loss, seen


def _eigenvalues(exact: Solution, method: GradientDescent) -> Array:
    """Return the eigenvalues that are not zero, ascending: to float64 where that is enough."""
    if method.ridge or not exact.dependencies:
        loss = quadratic(
            exact.moments, intercept=exact.intercept, standardize=method.standardize,
            ridge=method.ridge,
        )  # fmt: skip
        values = np.linalg.eigvalsh(loss.matrix[0])
        if len(values) and values[0] > _SURE * values[-1]:
            return np.asarray(values, dtype=np.float64)
    return np.asarray(loss_and_spectrum(exact, method, standardize=method.standardize)[1].values[0])


def loss_and_spectrum(
    exact: Solution, method: GradientDescent, *, standardize: bool
) -> tuple[Quadratic, Spectrum]:
    """Return the loss in the coordinates of the loop, and its eigenvalues."""
    loss = quadratic(
        exact.moments,
        intercept=exact.intercept,
        standardize=standardize,
        ridge=method.ridge,
    )
    flat = () if method.ridge else exact.dependencies  # the penalty is flat nowhere
    return loss, spectrum(loss, loss.flat(flat))


def _read(exact: Solution, method: GradientDescent, seen: Array, standardize: bool) -> Outlook:
    least, largest = float(seen[0]), float(seen[-1])
    rate, momentum = constants(method, least, largest)
    rule = Rule(momentum, method.nesterov)
    best = best_rate(rule, least, largest)
    pair = best_pair(method.nesterov, least, largest)
    return Outlook(
        learning_rate=rate,
        momentum=momentum,
        nesterov=method.nesterov,
        standardize=standardize,
        factor=worst_radius(rule, rate, least, largest),
        smallest_eigenvalue=least,
        largest_eigenvalue=largest,
        condition_number=largest / least,
        learning_rate_limit=rule.limit / largest,
        best_learning_rate=best,
        best_factor=worst_radius(rule, best, least, largest),
        best_pair=pair,
        best_pair_factor=worst_radius(Rule(pair[1], method.nesterov), pair[0], least, largest),
        eigenvalues=seen,
        flat_directions=() if method.ridge else tuple(d.sentence() for d in exact.dependencies),
    )


def constants(method: GradientDescent, least: float, largest: float) -> tuple[float, float]:
    """Return the learning rate and the momentum to use, the best ones for ``"auto"``."""
    rate, momentum = method.learning_rate, method.momentum
    if momentum == AUTO:
        if rate == AUTO:
            return best_pair(method.nesterov, least, largest)
        return float(rate), best_momentum(method.nesterov, float(rate), least, largest)
    momentum = float(momentum)
    if rate == AUTO:
        return best_rate(Rule(momentum, method.nesterov), least, largest), momentum
    return float(rate), momentum


def outlook_findings(here: Outlook) -> list[Finding]:
    """Say what the eigenvalues foretell."""
    other = here.alternative
    evidence = {
        "learning_rate": here.learning_rate,
        "momentum": here.momentum,
        "factor": here.factor,
        "learning_rate_limit": here.learning_rate_limit,
        "best_learning_rate": here.best_learning_rate,
        "best_factor": here.best_factor,
        "smallest_eigenvalue": here.smallest_eigenvalue,
        "largest_eigenvalue": here.largest_eigenvalue,
        "condition_number": here.condition_number,
        "standardize": here.standardize,
    }
    if other is not None:
        key = "standardized" if other.standardize else "unstandardized"
        evidence[f"{key}_condition_number"] = other.condition_number
        evidence[f"{key}_learning_rate_limit"] = other.learning_rate_limit
    if here.diverges:
        return [
            Finding("rate-beyond-limit", Severity.ALARM, here.warning(), here.advice(), evidence)
        ]
    sentence = (
        f"The eigenvalues of the loss lie between {here.smallest_eigenvalue:.3g} and "
        f"{here.largest_eigenvalue:.3g} (condition number {here.condition_number:.3g}): learning "
        f"rates below {here.learning_rate_limit:.3g} converge. At {here.learning_rate:.3g} the "
        f"error becomes ten times smaller {_every(here.epochs_per_digit())}"
    )
    if here.factor > here.best_factor * (1.0 + 1e-9):
        sentence += (
            f", at the best rate ({here.best_learning_rate:.3g}) "
            f"{_every(here.epochs_per_digit(here.best_learning_rate))}"
        )
    sentence += "."
    remedy = ""
    if other is not None and other.standardize:
        best = other.epochs_per_digit()
        if here.epochs_per_digit() > _WORTH_SAYING * max(best, 1.0):
            remedy = (
                f"Standardised, the condition number is {other.condition_number:.3g} and the best "
                f"rate is {other.best_learning_rate:.3g}: ten times smaller {_every(best)}."
            )
    return [Finding("descent-outlook", Severity.NOTE, sentence, remedy, evidence)]


def _every(epochs: float) -> str:
    """Return ``every 81 epochs`` for how long something takes."""
    if math.isinf(epochs):
        return "never"
    if epochs > _COUNTABLE:
        return f"every {epochs:.1e} epochs"
    whole = max(1, math.ceil(epochs - 1e-9))
    return "every epoch" if whole == 1 else f"every {whole:,} epochs"
