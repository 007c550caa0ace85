"""The law of trusted digits, as a measurement: claimed digits beside true ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np

from gausswork.leastsquares.moments import accumulate
from gausswork.leastsquares.solution import NormalEquation, Solution
from gausswork.leastsquares.solve import least_squares, solve
from tests.laws.problems import Array, Problem, problem, weighted_problem
from tests.laws.rows import Rows
from tests.reference.exact import digits, exact_fit

CAP = 15.95  # the most that is ever claimed: the rounding to binary64 alone leaves 15.95


@dataclass(frozen=True, slots=True)
class Claims:
    """What an implementation returns and claims; NaN where it estimates nothing."""

    coefficients: Array
    coefficient_lows: Array
    trusted_digits: Array
    standard_errors: Array
    standard_error_digits: Array
    tier: int = 0
    passes: int = 0


Implementation: TypeAlias = Callable[[Problem], Claims]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One claimed number beside the truth."""

    seed: int
    setting: str
    way: str
    what: str
    position: int
    claimed: float
    true: float  # of the double-double value
    rounded: float  # of the binary64 value

    @property
    def violated(self) -> bool:
        """Whether more was claimed than is true."""
        return self.claimed > self.true or self.claimed > self.rounded + 0.31

    @property
    def gap(self) -> float:
        """How much truer it is than claimed."""
        return min(self.true, CAP) - self.claimed


def _claims(solution: Solution) -> Claims:
    return Claims(
        solution.coefficients,
        solution.coefficient_lows,
        solution.trusted_digits,
        solution.standard_errors,
        solution.standard_error_digits,
        solution.tier,
        solution.passes,
    )


def rows_of(problem: Problem) -> Rows:
    """Return the rows of a problem as a source."""
    return Rows(problem.x, problem.y, weight=problem.weights, weighting=problem.weighting)


def _replayed(digits_asked: float | None) -> Implementation:
    def run(problem: Problem) -> Claims:
        return _claims(
            least_squares(
                rows_of(problem),
                intercept=problem.intercept,
                method=NormalEquation(digits=digits_asked),
            )
        )

    return run


def _one_pass(tier: int) -> Implementation:
    def run(problem: Problem) -> Claims:
        moments = accumulate(rows_of(problem), tier=tier)
        return _claims(solve(moments, intercept=problem.intercept))

    return run


# Every way in which an answer comes about: refined or not, from each precision of the sums.
WAYS: dict[str, Implementation] = {
    "default": _replayed(None),
    "8 digits": _replayed(8.0),
    "one pass, tier 0": _one_pass(0),
    "one pass, tier 1": _one_pass(1),
    "one pass, tier 2": _one_pass(2),
}


def overconfident(honest: Implementation) -> Implementation:
    """Break an implementation: its bounds are ten thousand times too small."""

    def run(problem: Problem) -> Claims:
        claims = honest(problem)
        return Claims(
            claims.coefficients,
            claims.coefficient_lows,
            np.minimum(claims.trusted_digits + 4.0, CAP),
            claims.standard_errors,
            np.minimum(claims.standard_error_digits + 4.0, CAP),
        )

    return run


def textbook(problem: Problem) -> Claims:
    """Break it the classical way: inv(X'X) X'y in binary64, and ten digits claimed for it."""
    design = np.asarray(problem.x, np.float64)
    if problem.intercept:
        design = np.column_stack([np.ones(len(design)), design])
    try:
        inverse = np.linalg.inv(design.T @ design)
    except np.linalg.LinAlgError:
        inverse = np.full((design.shape[1],) * 2, 0.0)
    y = np.asarray(problem.y, np.float64)
    coefficients = inverse @ (design.T @ y)
    claimed = np.full(len(coefficients), 10.0)
    with np.errstate(all="ignore"):
        residuals = y - design @ coefficients
        s2 = (residuals @ residuals) / (len(y) - len(coefficients))
        errors = np.sqrt(np.maximum(s2 * np.diag(inverse), 0.0))
    return Claims(coefficients, 0.0 * coefficients, claimed, errors, claimed)


def judge(problem: Problem, way: str, implementation: Implementation) -> list[Judgement]:
    """Compare what is claimed for one problem with its exact solution.

    Columns that the implementation leaves out are left out of the truth, too.
    """
    claims = implementation(problem)
    estimated = np.isfinite(claims.coefficients)
    first = int(problem.intercept)
    columns = [j for j in range(problem.x.shape[1]) if estimated[j + first]]
    truth = exact_fit(
        problem.x[:, columns],
        problem.y,
        intercept=problem.intercept,
        weights=problem.weights,
        frequencies=problem.weighting == "frequency",
    )
    positions = [0] * first + [j + first for j in columns]
    out = []
    for position, exact in zip(positions, truth.coefficients, strict=True):
        claimed = float(claims.trusted_digits[position])
        high = float(claims.coefficients[position])
        pair = (high, float(claims.coefficient_lows[position]))
        if exact is None:  # an exact dependency, fitted all the same: no digit can be true
            true = rounded = 0.0
        else:
            true, rounded = digits(pair, exact, cap=40.0), digits(high, exact)
        out.append(_judgement(problem, way, "coefficient", position, claimed, true, rounded))
    for position, exact in zip(positions, truth.standard_errors, strict=True):
        if exact is None or truth.residual_sum_of_squares == 0:
            continue  # no standard error, or one that is zero: there are no digits of it
        claimed = float(np.nan_to_num(claims.standard_error_digits[position]))  # NaN: no claim
        true = digits(float(claims.standard_errors[position]), exact)
        out.append(_judgement(problem, way, "standard error", position, claimed, true + 0.31, true))
    return out


def _judgement(
    problem: Problem, way: str, what: str, position: int, claimed: float, *found: float
) -> Judgement:
    if not 0.0 <= claimed <= CAP:
        raise AssertionError(f"{what} {position} of seed {problem.seed} claims {claimed} digits")
    return Judgement(problem.seed, problem.setting, way, what, position, claimed, *found)


def survey(
    seeds: Iterable[int],
    ways: dict[str, Implementation] | None = None,
    *,
    most_rows: int = 200,
    weighted: bool = False,
) -> list[Judgement]:
    """Judge one problem for each seed, each in one of the ways, going through all of them."""
    ways = WAYS if ways is None else ways
    names = tuple(ways)
    out: list[Judgement] = []
    for seed in seeds:
        way = names[seed % len(names)]
        make = weighted_problem if weighted else problem
        out.extend(judge(make(seed, most_rows=most_rows), way, ways[way]))
    return out


def violations(judgements: Iterable[Judgement], what: str = "coefficient") -> list[Judgement]:
    """Return the numbers of which more digits were claimed than are true."""
    return [j for j in judgements if j.what == what and j.violated]


def median_gap(judgements: Iterable[Judgement], what: str = "coefficient") -> float:
    """Return by how many digits the typical claim is too modest."""
    gaps = [j.gap for j in judgements if j.what == what]
    return median(gaps) if gaps else math.nan
