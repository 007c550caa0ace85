"""What a check-up says in words: what was seen, whether it matters here, what to do.

A p-value says whether chance can do as much; with many rows everything is significant. So each
finding measures an effect first, and its severity follows from the effect: by how much standard
errors, predictions or coefficients are off. The limits are conventions and stand below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gausswork.findings import Finding, Severity
from gausswork.leastsquares.checkup.row_verdicts import collinear, outlying, single_rows
from gausswork.leastsquares.checkup.wording import count, number, or_one, p_text, percent

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

SEEN = 0.01  # p-value from which a test has seen something: a dozen of them are made
ERRORS_OFF = 1.15  # ratio of robust and usual standard errors that matters
ERRORS_WRONG = 2.0  # and that makes them useless
COVERAGE_OFF = 0.015  # of a 95 % band
ALIKE = 0.2  # autocorrelation that matters
CURVED = 0.02  # share of the residual squares that a curve explains
DRIFTING = 0.1  # mean recursive residual, in residual standard deviations
FEW = 30  # degrees of freedom below which tests see little


def findings_of(fit: Fit, seen: Checkup) -> tuple[Finding, ...]:
    """Return the findings of a check-up, the most serious first."""
    found = [
        *_unequal_spread(seen),
        *_neighbours(seen),
        *_curvature(seen),
        *_drift(seen),
        *_shape(seen),
        *single_rows(fit, seen),
        *outlying(seen),
        *collinear(fit, seen),
        *_limits(seen),
    ]
    order = [Severity.ALARM, Severity.CAUTION, Severity.NOTE]
    found.sort(key=lambda finding: order.index(finding.severity))
    if all(finding.severity is Severity.NOTE for finding in found):
        found.insert(
            0,
            Finding(
                "check-up-clear",
                Severity.NOTE,
                f"Nothing was seen in {count(seen.rows, 'row')} that would change what the fit "
                "says: its standard errors, tests and intervals can be read as they are.",
                "",
                {"rows": seen.rows},
            ),
        )
    return tuple(found)


def _unequal_spread(seen: Checkup) -> Iterator[Finding]:
    from scipy.special import chdtrc

    tests = {"Koenker": seen.koenker, "White": seen.white}
    name, test = min(tests.items(), key=lambda item: or_one(item[1].p_value))
    # A fit that passes close to each small group makes squared residuals alike within it: in groups
    # of m rows the statistic grows by m/(m − 1) = 1/(1 − mean leverage) though errors are equal.
    freedom = seen.degrees_of_freedom / seen.rows
    if not test.p_value < SEEN or not chdtrc(test.df, test.statistic * freedom) < SEEN:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = seen.robust_standard_errors / seen.standard_errors
    known = np.flatnonzero(np.isfinite(ratios) & (ratios > 0.0))
    if not len(known):
        return
    j = known[int(np.argmax(np.abs(np.log(ratios[known]))))]
    ratio, term = float(ratios[j]), seen.terms[j]
    factor = max(ratio, 1.0 / ratio)
    low, high = seen.spread.low_sd, seen.spread.high_sd
    along = ""
    if low > 0.0 and high > 0.0 and max(low, high) > 1.2 * min(low, high):
        where = "high" if high > low else "low"
        along = (
            f": where fitted values are {where} they scatter "
            f"{number(max(low, high) / min(low, high))} times as widely as at the other end"
        )
    said = (
        f"The residuals do not scatter equally everywhere{along} ({name}'s test: "
        f"{p_text(test.p_value)})"
    )
    evidence = {
        "test": name,
        "p": test.p_value,
        "term": term,
        "robust_over_usual_error": ratio,
        "low_sd": low,
        "high_sd": high,
    }
    if factor >= ERRORS_WRONG:
        yield Finding(
            "unequal-spread",
            Severity.ALARM,
            f"{said}. It matters here: the standard error of {term!r} should be {ratio:.2g} times "
            "as large, so its t, p and interval mislead.",
            _SPREAD_REMEDY,
            evidence,
        )
    elif factor >= ERRORS_OFF:
        yield Finding(
            "unequal-spread",
            Severity.CAUTION,
            f"{said}. It matters somewhat: the standard error of {term!r} should be {ratio:.2f} "
            "times as large.",
            _SPREAD_REMEDY,
            evidence,
        )
    else:
        yield Finding(
            "unequal-spread",
            Severity.NOTE,
            f"{said}. For the coefficients it does not matter: no standard error is off by more "
            f"than {percent(factor - 1.0)}. Prediction intervals are too wide where the scatter "
            "is small and too narrow where it is large.",
            "",
            evidence,
        )


_SPREAD_REMEDY = (
    "Use the robust standard errors (robust_standard_errors of the check-up). If the scatter grows "
    "with the fitted values, the logarithm of the target often mends it."
)


def _neighbours(seen: Checkup) -> Iterator[Finding]:
    godfrey, watson = seen.breusch_godfrey, seen.durbin_watson
    # Residuals of rows sorted into groups are correlated by the fit itself, by up to the mean
    # leverage; Durbin and Watson's moments count that in, the test of Breusch and Godfrey does not.
    by_fit = seen.lags * (1.0 - seen.degrees_of_freedom / seen.rows) ** 2
    godfrey_p = _shifted_p(godfrey.statistic, seen.lags, by_fit * seen.rows)
    if not min(or_one(godfrey_p), or_one(watson.p_value)) < SEEN:
        return
    rho = watson.autocorrelation
    share = godfrey.statistic / seen.rows if godfrey.statistic == godfrey.statistic else rho**2
    chance = seen.lags / seen.rows + by_fit  # what so many lags explain of nothing
    strong = max(abs(rho), math.sqrt(max(share - chance, 0.0)))
    evidence = {
        "autocorrelation": rho,
        "durbin_watson": watson.statistic,
        "durbin_watson_p": watson.p_value,
        "breusch_godfrey_p": godfrey.p_value,
        "lags": seen.lags,
        "explained_by_rows_before": share,
    }
    tests = f"Breusch–Godfrey over {seen.lags} rows: {p_text(godfrey.p_value)}"
    if abs(rho) >= 0.05:
        kind = "resemble" if rho > 0 else "contradict"
        said = f"Residuals {kind} those of the row before (correlation {rho:.2f}; {tests})"
    else:
        said = (
            f"Residuals follow those of up to {seen.lags} rows before, which explain "
            f"{percent(share)} of their squares ({tests})"
        )
    order = "This speaks of the order of the rows: it means something if that is time or place."
    if strong >= ALIKE:
        worth = ""
        if rho >= ALIKE:
            worth = (
                f" So {seen.rows:,} rows may tell no more than some "
                f"{seen.rows * (1.0 - rho) / (1.0 + rho):,.0f} independent ones, and standard "
                f"errors may be up to {math.sqrt((1.0 + rho) / (1.0 - rho)):.1f} times too small."
            )
        yield Finding(
            "alike-neighbours",
            Severity.CAUTION,
            f"{said}.{worth} {order}",
            "With rows in the order of time use standard errors that allow for it (Newey and "
            "West), or put the value before among the predictors. With rows that were sorted or "
            "grouped, look for the predictor that is missing.",
            evidence,
        )
    else:
        yield Finding(
            "alike-neighbours",
            Severity.NOTE,
            f"{said}: too weakly to move standard errors by much. {order}",
            "",
            evidence,
        )


def _shifted_p(statistic: float, df: float, shift: float) -> float:
    """P of a non-central χ² above a statistic, by Patnaik's (1949) scaled χ²."""
    from scipy.special import chdtrc

    if not df:  # too few rows for any
        return math.nan
    scale = (df + 2.0 * shift) / (df + shift)
    return float(chdtrc((df + shift) / scale, statistic / scale))


def _curvature(seen: Checkup) -> Iterator[Finding]:
    if not seen.reset.p_value < SEEN:
        return
    share = seen.reset_share
    said = (
        f"A curve fits better than a straight relation: powers of the fitted values explain "
        f"{percent(share)} of what is left (RESET: {p_text(seen.reset.p_value)})"
    )
    evidence = {"share": share, "p": seen.reset.p_value}
    if share >= CURVED:
        yield Finding(
            "curved",
            Severity.CAUTION,
            f"{said}. Coefficients are averages over a slope that changes, and predictions are off "
            "at the ends.",
            "Look at residuals against each predictor; add its square or its logarithm, or a "
            "product of two predictors.",
            evidence,
        )
    else:
        yield Finding("curved", Severity.NOTE, f"{said}: next to nothing.", "", evidence)


def _drift(seen: Checkup) -> Iterator[Finding]:
    if not seen.harvey_collier.p_value < SEEN:
        return
    mean = seen.recursive_mean
    evidence = {"mean": mean, "p": seen.harvey_collier.p_value}
    said = (
        f"Rows lie {'above' if mean > 0 else 'below'} what the rows before them predict, by "
        f"{abs(mean):.2f} residual standard deviations on average (Harvey–Collier: "
        f"{p_text(seen.harvey_collier.p_value)})"
    )
    if abs(mean) >= DRIFTING:
        yield Finding(
            "drifting",
            Severity.CAUTION,
            f"{said}: the relation is curved, or it changes along the order of the rows.",
            "Look at the residuals in the order of the rows; add time, or what changed, as a "
            "predictor.",
            evidence,
        )
    else:
        yield Finding("drifting", Severity.NOTE, f"{said}: next to nothing.", "", evidence)


def _shape(seen: Checkup) -> Iterator[Finding]:
    normality = seen.normality
    if normality is None or not normality.p_value < SEEN:
        return
    outside, free = seen.spread.outside, seen.degrees_of_freedom
    evidence = {
        "p": normality.p_value,
        "skewness": seen.spread.skewness,
        "kurtosis": seen.spread.kurtosis,
        "outside_95_percent": outside,
    }
    said = (
        f"The residuals are not bell-shaped (skewness {seen.spread.skewness:.2f}, kurtosis "
        f"{seen.spread.kurtosis:.2f} where a bell has 0 and 3; {p_text(normality.p_value)})"
    )
    chance = 2.0 * math.sqrt(0.05 * 0.95 / seen.rows)
    off = abs(outside - 0.05) > max(COVERAGE_OFF, chance)
    if free < FEW:
        yield Finding(
            "residuals-not-bell-shaped",
            Severity.CAUTION,
            f"{said}. With {count(free, 'degree')} of freedom p-values and intervals lean on the "
            "bell.",
            "Look for single rows that do this; a logarithm of the target mends a long tail to the "
            "right.",
            evidence,
        )
    elif off or abs(seen.spread.skewness) > 1.0:
        yield Finding(
            "residuals-not-bell-shaped",
            Severity.CAUTION,
            f"{said}. It matters for prediction intervals: {percent(outside)} of the residuals "
            "lie outside the 95 % band. Coefficients and their intervals average over "
            f"{seen.rows:,} rows and hold.",
            "For predictions take quantiles of the residuals in place of the bell, or another "
            "scale of the target.",
            evidence,
        )
    else:
        yield Finding(
            "residuals-not-bell-shaped",
            Severity.NOTE,
            f"{said}. It hardly matters: {percent(outside)} of them lie outside the 95 % band, "
            f"and coefficients average over {seen.rows:,} rows.",
            "",
            evidence,
        )


def _limits(seen: Checkup) -> Iterator[Finding]:
    if seen.degrees_of_freedom < 10:
        yield Finding(
            "little-to-check",
            Severity.NOTE,
            f"With {count(seen.degrees_of_freedom, 'degree')} of freedom only gross trouble "
            "shows: that nothing was seen proves little.",
            "",
            {"degrees_of_freedom": seen.degrees_of_freedom},
        )
