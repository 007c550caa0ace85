"""A descent over all rows at once, computed from the moments: history, outcome, findings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.descent.method import MOST_EPOCHS, GradientDescent
from gausswork.leastsquares.descent.modes import Modes, modes
from gausswork.leastsquares.descent.outlook import Outlook, foreseen, outlook_findings
from gausswork.leastsquares.descent.quadratic import Quadratic
from gausswork.leastsquares.doubledouble import Array
from gausswork.leastsquares.solution import FULL_DIGITS, Solution

Integers = npt.NDArray[np.int64]

ALL_RECORDED = 10_000  # epochs up to which every one is recorded
_FIRST_RECORDED = 1000
_SELECTED = 1000  # epochs recorded of those after
_MOST_NUMBERS = 2**22  # in a path that is kept

SMALL_SHARE = 1e-3  # of a standard error: a distance that inference does not feel
_ARRIVED = 1e-10  # share of the size of a term, where there is no standard error
_OWN_WAY = 1e-3  # of the longest way: shorter ones are no measure of what remains
_WITHIN = 1e-6
_CLOSE = 1e-6


def descend(exact: Solution, method: GradientDescent) -> Descent:
    """Return the descent on the rows that a solution was made from.

    Parameters
    ----------
    exact : the least-squares solution, with its moments.
    method : full batch.

    Raises
    ------
    InputError
        The start has the wrong length, or the learning rate diverges and was not to be run.
    """
    here, loss, seen = foreseen(exact, method)
    check_start(method, loss.names)
    if here.diverges and method.beyond_limit == "refuse":
        raise InputError(
            f"learning_rate {here.warning()} {here.advice()} "
            "To see it diverge, set beyond_limit='run'."
        )
    # with flat directions the end depends on the start
    certified = not exact.dependencies and exact.ridge == method.ridge
    slopes = exact.coefficients[int(exact.intercept) :]
    penalty = method.ridge * float(slopes @ slopes)
    with np.errstate(over="ignore", invalid="ignore"):
        walk = modes(
            loss, seen, rate=here.learning_rate, rule=here.rule, start=method.start,
            limit=exact.coefficients if certified else None,
            floor=(exact.residual_sum_of_squares + penalty) / loss.weight if certified else None,
        )  # fmt: skip
        _check_loss_at(method, walk)
        epochs, stopped = method.epochs, False
        if here.diverges:
            epochs = walk.last_finite(epochs)
        if method.tolerance:
            found = walk.stopping_epoch(method.tolerance, epochs)
            stopped = found is not None
            epochs = epochs if found is None else found
        recorded = selected(epochs, len(loss.names))
        path, history = walk.evaluate(recorded)
        away = walk.distance([0, epochs])
        away[np.abs(away) <= walk.resolution] = 0.0
        # the difference itself says more where it is large: it needs no eigenvalue
        ends = path[[0, -1]] - walk.limit
        away = np.where(np.abs(ends) > _CLOSE * np.abs(walk.limit), ends, away)
    coefficients = path[-1]
    loose = _undetermined(loss, exact, method)
    digits = agreement(away[1], walk.limit, np.where(loose, 0.0, _trusted(exact, certified)))
    arrived = has_arrived(away[1], walk.limit, exact, loss)
    outcome = (
        Outcome.DIVERGED if here.diverges
        else Outcome.CONVERGED if arrived
        else Outcome.STOPPED if stopped
        else Outcome.UNFINISHED
    )  # fmt: skip
    said = _Words(method, here, walk, loss, away, epochs, stopped)
    finding = said.outcome(outcome)
    return Descent(
        names=loss.names,
        method=method,
        learning_rate=here.learning_rate,
        momentum=here.momentum,
        epochs=epochs,
        outcome=outcome,
        reason=finding.sentence,
        recorded=recorded,
        path=path,
        loss=history,
        coefficients=coefficients,
        exact=walk.limit,
        digits=digits,
        findings=(finding, *outlook_findings(here), *_flat_findings(here)),
        outlook=here,
        modes=walk,
        least_squares=exact,
    )


def check_start(method: GradientDescent, names: tuple[str, ...]) -> None:
    """Refuse a start of the wrong length."""
    if method.start is not None and len(method.start) != len(names):
        raise InputError(
            f"start has {len(method.start)} numbers, and there are {len(names)} parameters: "
            f"{', '.join(names[:8])}{', …' if len(names) > 8 else ''}. Give one for each."
        )


def _check_loss_at(method: GradientDescent, walk: Modes) -> None:
    """Refuse a start so far out that its loss is no number."""
    if method.start is not None and not np.isfinite(walk.evaluate([0])[1]).all():
        raise InputError(
            f"start holds numbers as large as {max(map(abs, method.start)):.3g}, and the squared "
            "errors there leave float64. Start nearer to the solution, or leave it out to start "
            "at 0."
        )


def selected(epochs: int, parameters: int) -> Integers:
    """Return the epochs to record: all up to 10,000, then a selection that grows sparser."""
    if epochs <= ALL_RECORDED and (epochs + 1) * parameters <= _MOST_NUMBERS:
        return np.arange(epochs + 1)
    first = min(_FIRST_RECORDED, max(16, _MOST_NUMBERS // (2 * parameters)))
    later = np.geomspace(first, epochs, _SELECTED + 1).round().astype(np.int64)
    return np.unique(np.concatenate((np.arange(first), later, [epochs])))


def agreement(distance: Array, exact: Array, trusted: Array) -> Array:
    """Return the significant digits in which coefficients agree with the exact ones, (k,).

    Parameters
    ----------
    trusted : (k,) digits of ``exact`` that are correct: there is no agreement beyond them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        # of a number that should be zero, no digit is right
        relative = np.where(distance == 0.0, 0.0, np.abs(distance / exact))
        digits = np.clip(-np.log10(relative), 0.0, FULL_DIGITS)
    return np.minimum(np.where(np.isnan(digits), 0.0, digits), trusted)


def has_arrived(distance: Array, exact: Array, solution: Solution, loss: Quadratic) -> bool:
    """Whether inference cannot tell the coefficients from the least-squares solution."""
    if not np.isfinite(distance).all():
        return False
    size = np.maximum(np.abs(exact), loss.typical)
    errors = np.nan_to_num(solution.standard_errors)
    return bool((np.abs(distance) <= np.maximum(SMALL_SHARE * errors, _ARRIVED * size)).all())


def _undetermined(
    loss: Quadratic, exact: Solution, method: GradientDescent
) -> npt.NDArray[np.bool_]:
    """Return which parameters take part in a flat direction, (k,)."""
    if method.ridge or not exact.dependencies:
        return np.zeros(len(loss.names), dtype=np.bool_)
    part = {name for d in exact.dependencies for name in (d.column, *d.combination)}
    return np.array([name in part for name in loss.names])


def _trusted(exact: Solution, certified: bool) -> Array:
    if certified:
        return exact.trusted_digits
    # the end of a penalised or flat descent comes from the moments alone
    digits = -math.log10(exact.moments.error) - math.log10(max(exact.condition_number, 1.0))
    return np.full(len(exact.coefficients), min(max(digits - 2.0, 0.0), FULL_DIGITS))


def _flat_findings(here: Outlook) -> list[Finding]:
    if not here.flat_directions:
        return []
    several = len(here.flat_directions) > 1
    shown = "; ".join(here.flat_directions[:5])
    more = f"; and {len(here.flat_directions) - 5} more" if len(here.flat_directions) > 5 else ""
    return [
        Finding(
            "flat-direction",
            Severity.CAUTION,
            f"The loss is flat in {len(here.flat_directions)} direction{'s' if several else ''}: "
            f"{shown}{more}, in every row. No descent moves along "
            f"{'them' if several else 'it'}: where these coefficients end depends on the start, "
            "and predictions do not.",
            "Leave out columns that repeat others, or add a ridge.",
            {"directions": list(here.flat_directions)},
        )
    ]


class _Words:
    """The sentences about how a descent has ended."""

    def __init__(
        self,
        method: GradientDescent,
        here: Outlook,
        walk: Modes,
        loss: Quadratic,
        away: Array,
        epochs: int,
        stopped: bool,
    ) -> None:
        self.method, self.here, self.walk, self.loss = method, here, walk, loss
        self.away, self.epochs, self.stopped = away, epochs, stopped

    def outcome(self, outcome: Outcome) -> Finding:
        after = f"after {self.epochs:,} epoch{'s' if self.epochs != 1 else ''}"
        evidence: dict[str, Any] = {
            "epochs": self.epochs,
            "learning_rate": self.here.learning_rate,
            "momentum": self.here.momentum,
            "distance": float(np.abs(self.away[1]).max()),
        }
        if outcome is Outcome.DIVERGED:
            cut = self.epochs < self.method.epochs
            return Finding(
                "descent-diverged",
                Severity.ALARM,
                f"The descent diverged: {self.here.growth()}"
                + (f", and after epoch {self.epochs:,} the numbers leave float64." if cut else "."),
                "The coefficients mean nothing: take a smaller learning rate.",
                evidence,
            )
        stop = (
            f", where no parameter moved by {self.method.tolerance:g} or more,"
            if self.stopped
            else ""
        )
        if outcome is Outcome.CONVERGED:
            return Finding(
                "descent-converged",
                Severity.NOTE,
                f"The descent arrived: {after}{stop} no coefficient is further from the "
                + (
                    "solution of the ridge than rounding."
                    if self.method.ridge
                    else "least-squares solution than a thousandth of its standard error, or than "
                    "rounding, and the standard errors are those of least squares."
                ),
                "",
                evidence,
            )
        share = remaining_share(self.away, self.loss)
        evidence["remaining"] = share
        within = self.walk.epochs_within(_WITHIN, MOST_EPOCHS)
        evidence["epochs_within_1e-6"] = within
        come = (
            f"not even {MOST_EPOCHS:,} epochs come within 1e-6"
            if within is None
            else f"{within:,} epochs come within 1e-6"
            if within > self.epochs
            else f"from epoch {within:,} on it is within 1e-6"
        )
        rest = (
            f"{remains(share)}; {come} of the least-squares solution. Standard errors belong to "
            "that solution and are left out."
        )
        if outcome is Outcome.STOPPED:
            return Finding(
                "descent-stopped",
                Severity.CAUTION,
                f"The tolerance stopped the descent before it arrived: {after}{stop} {rest}",
                self._faster(),
                evidence,
            )
        return Finding(
            "descent-unfinished",
            Severity.CAUTION,
            f"The descent has not arrived: {after} {rest}",
            self._faster(),
            evidence,
        )

    def _faster(self) -> str:
        """Say what would come sooner to where this descent goes."""
        ways = []
        here, other = self.here, self.here.alternative
        if here.epochs_per_digit(here.best_learning_rate) < 0.8 * here.epochs_per_digit():
            ways.append(f"a learning rate of {here.best_learning_rate:.3g}")
        if here.momentum == 0.0 and here.best_pair_factor < 0.9 * here.best_factor:
            ways.append(f"momentum {here.best_pair[1]:.3g} with {here.best_pair[0]:.3g}")
        best = here.epochs_per_digit(here.best_learning_rate)
        if other is not None and other.standardize and other.epochs_per_digit() < 0.5 * best:
            ways.append(f"standardize=True with {other.best_learning_rate:.3g}")
        if self.stopped:
            ways.append("a smaller tolerance")
        if not ways:
            return "Run more epochs."
        return f"Run more epochs, or take {', or '.join(ways)}."


def remaining_share(away: Array, loss: Quadratic) -> float:
    """Return the largest share of its way that a coefficient has still to go.

    Coefficients whose own way is short, measured by what it moves the predictions, do not count:
    where start and end are the same, any detour would be infinitely large a share.

    Parameters
    ----------
    away : (2, k) distance from the solution at the start and now.
    """
    ways = np.abs(away[0])
    moved = ways * loss.sizes
    counts = (moved > _OWN_WAY * moved.max(initial=0.0)) & (ways > 0.0)
    if not counts.any():
        return 0.0
    return float((np.abs(away[1])[counts] / ways[counts]).max())


def remains(share: float) -> str:
    """Say what share of the way remains: 0.0024 is ``0.24 % of the way remains for …``."""
    if share > 1.0:
        return f"a coefficient is {share:.3g} times as far from its goal as at the start"
    return f"{float(f'{100.0 * share:.2g}'):.10g} % of the way remains for the slowest coefficient"
