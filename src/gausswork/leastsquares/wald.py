"""Tests of linear hypotheses: how far estimates are from them, in the metric of their errors.

With a covariance F·Fᵀ and hypotheses Rb = r the statistic is ‖T⁻ᵀ(Rb − r)‖² where RF = TᵀQᵀ (QR).
The covariance is never formed, so an ill-conditioned fit keeps its digits; Rb − r is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.hypotheses import Hypothesis, parse
from gausswork.leastsquares.inference import f_tail, residual_sd
from gausswork.leastsquares.robust.scores import raw_factor
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit
    from gausswork.leastsquares.solution import Solution

Array = npt.NDArray[np.float64]

_FLAT = 1e-10  # directions in which the covariance is smaller by this have no error to test with


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """A joint test of linear hypotheses.

    Attributes
    ----------
    hypotheses : the equations, as they were written.
    estimates, values : the left side of each as estimated, and what it is said to be.
    statistic : F, the Wald statistic over ``numerator_df``.
    numerator_df : number of equations that are independent of each other.
    denominator_df : degrees of freedom of the errors.
    p_value : of F.
    chi_square, chi_square_p : the Wald statistic, and its p-value were the errors known.
    errors : which standard errors were used, in words.
    findings : what there is to say about the test.
    """

    hypotheses: tuple[str, ...]
    estimates: tuple[float, ...]
    values: tuple[float, ...]
    statistic: float
    numerator_df: int
    denominator_df: float
    p_value: float
    chi_square: float
    chi_square_p: float
    errors: str
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, undefined numbers as None."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        said["findings"] = [finding.to_dict() for finding in self.findings]
        return {name: plain(value) for name, value in said.items()}

    def __str__(self) -> str:
        from gausswork import tables

        return tables.printable(tables.hypothesis_test(self))


def test_hypotheses(
    text: str,
    names: tuple[str, ...],
    solution: Solution,
    factor: Array,
    *,
    denominator_df: float,
    errors: str,
) -> HypothesisTest:
    """Test hypotheses about the coefficients of a solution.

    Parameters
    ----------
    text : equations, separated by commas; see :mod:`gausswork.leastsquares.hypotheses`.
    names : the k terms.
    factor : (k, m) F with covariance F·Fᵀ; NaN in the rows of terms without errors.
    denominator_df : degrees of freedom of the errors.
    errors : which errors these are, in words.

    Raises
    ------
    InputError
        The text cannot be read, contradicts itself, or asks about a term without an error.
    """
    asked = parse(text, names)
    for hypothesis in asked:
        _require_errors(hypothesis, names, factor, errors)
    independent, findings = _independent(asked)
    gaps, estimates = [], {}
    for hypothesis in asked:
        estimate = _exact(hypothesis, solution)
        estimates[hypothesis] = float(estimate + hypothesis.value)
        if any(hypothesis is one for one in independent):  # the same equation may be asked twice
            gaps.append(estimate)
    used = ~np.isnan(factor).any(axis=1)
    unit = np.array([_size(h) for h in independent])
    r = np.array([[float(w) for w in h.weights] for h in independent])[:, used]
    spread = (r / unit[:, None]) @ factor[used]  # (q, m)
    distance = np.array([float(gap) for gap in gaps]) / unit
    wald, df, flat = _wald(spread, distance)
    if flat:
        findings = (*findings, _flat_finding(flat))
    statistic = wald / df if df else math.nan
    p_value = f_tail(statistic, df, denominator_df) if df and denominator_df >= 1 else math.nan
    return HypothesisTest(
        hypotheses=tuple(h.text for h in asked),
        estimates=tuple(estimates[h] for h in asked),
        values=tuple(float(h.value) for h in asked),
        statistic=statistic,
        numerator_df=df,
        denominator_df=denominator_df,
        p_value=p_value,
        chi_square=wald,
        chi_square_p=_chi_tail(wald, df),
        errors=errors,
        findings=findings,
    )


def test_fit(fit: Fit, text: str) -> HypothesisTest:
    """Test hypotheses with the ordinary errors of a fit; see :meth:`gausswork.Fit.test`."""
    s = fit.solution
    if s.ridge or not s.minimal:
        raise InputError(
            "hypotheses are tested at the minimum of least squares; a ridge fit or an unfinished "
            "descent has no errors to test them with."
        )
    estimated = ~np.isnan(s.coefficients)
    kept = np.flatnonzero(estimated[int(s.intercept) :])
    factor = np.full((len(estimated), int(estimated.sum())), np.nan)
    factor[estimated] = raw_factor(s, kept) * residual_sd(s)
    return test_hypotheses(
        text, fit.names, s, factor, denominator_df=s.degrees_of_freedom, errors="ordinary errors"
    )


# their names begin with "test", and they are no tests of pytest
test_hypotheses.__test__ = False  # type: ignore[attr-defined]
test_fit.__test__ = False  # type: ignore[attr-defined]


def _chi_tail(statistic: float, df: int) -> float:
    if math.isnan(statistic) or not df:
        return math.nan
    from scipy.special import chdtrc

    return float(chdtrc(float(df), statistic))


def _wald(spread: Array, distance: Array) -> tuple[float, int, int]:
    """Return d'(AAᵀ)⁻¹d, the rank of A, and how many directions have no error."""
    if not np.isfinite(spread).all():
        return math.nan, len(distance), 0
    norms = np.sqrt(np.einsum("ij,ij->i", spread, spread))
    norms[norms == 0.0] = 1.0
    # singular values of rows of equal length: what is flat does not depend on units
    u, s, _ = np.linalg.svd(spread / norms[:, None], full_matrices=False)
    kept = s > _FLAT
    if not kept.any():
        return math.nan, 0, len(distance)
    scaled = (u.T @ (distance / norms))[kept] / s[kept]
    return float(scaled @ scaled), int(kept.sum()), int(len(distance) - kept.sum())


def _flat_finding(count: int) -> Finding:
    return Finding(
        "singular-hypotheses",
        Severity.CAUTION,
        f"In {count} of the directions of these hypotheses the covariance has no spread, so the "
        "test is of the others only.",
        "With clustered errors, test no more hypotheses at once than there are clusters less one.",
        {"directions": count},
    )


def _exact(hypothesis: Hypothesis, solution: Solution) -> Fraction:
    """Return Σ weight·coefficient − value of the coefficients to all their digits."""
    total = -hypothesis.value
    for weight, high, low in zip(
        hypothesis.weights, solution.coefficients, solution.coefficient_lows, strict=True
    ):
        if weight:
            total += weight * (Fraction(float(high)) + Fraction(float(low)))
    return total


def _size(hypothesis: Hypothesis) -> float:
    return float(max(map(abs, hypothesis.weights)))


def _require_errors(
    hypothesis: Hypothesis, names: tuple[str, ...], factor: Array, errors: str
) -> None:
    for weight, name, row in zip(hypothesis.weights, names, factor, strict=True):
        if weight and np.isnan(row).any():
            raise InputError(
                f"{hypothesis.text!r} cannot be tested: {name!r} has no standard error ({errors}). "
                "Leave it out of the hypothesis."
            )


def _independent(asked: tuple[Hypothesis, ...]) -> tuple[list[Hypothesis], tuple[Finding, ...]]:
    """Return equations that do not follow from those before; refuse a contradiction."""
    kept: list[Hypothesis] = []
    rows: list[list[Fraction]] = []
    redundant: list[str] = []
    for hypothesis in asked:
        row = [*hypothesis.weights, hypothesis.value]
        for other in rows:
            at = next(j for j, weight in enumerate(other) if weight)
            if row[at]:
                factor = row[at] / other[at]
                row = [a - factor * b for a, b in zip(row, other, strict=True)]
        if any(row[:-1]):
            rows.append(row)
            kept.append(hypothesis)
        elif row[-1]:
            raise InputError(
                f"the hypotheses contradict each other: {hypothesis.text!r} cannot hold where the "
                "others do. Leave one of them out."
            )
        else:
            redundant.append(hypothesis.text)
    if not redundant:
        return kept, ()
    finding = Finding(
        "redundant-hypothesis",
        Severity.NOTE,
        f"{', '.join(map(repr, redundant))} follows from the other hypotheses and adds no degree "
        "of freedom.",
        evidence={"hypotheses": redundant},
    )
    return kept, (finding,)
