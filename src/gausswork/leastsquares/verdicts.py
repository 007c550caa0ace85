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

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup import Checkup
    from gausswork.leastsquares.fit import Fit

SEEN = 0.01  # p-value from which a test has seen something: a dozen of them are made
ERRORS_OFF = 1.15  # ratio of robust and usual standard errors that matters
ERRORS_WRONG = 2.0  # and that makes them useless
COVERAGE_OFF = 0.015  # of a 95 % band
ALIKE = 0.2  # autocorrelation that matters
CURVED = 0.02  # share of the residual squares that a curve explains
DRIFTING = 0.1  # mean recursive residual, in residual standard deviations
INFLATED = (5.0, 10.0)  # variance inflation: worth a word, and a caution
INDEX = 30.0  # condition index, with two variance proportions above one half (Belsley 1991)
MOVED = 1.0  # standard errors that a single row moves a coefficient by
FEW = 30  # degrees of freedom below which tests see little
_NAMED = 3  # rows and columns named in a sentence


def findings_of(fit: Fit, seen: Checkup) -> tuple[Finding, ...]:
    """Return the findings of a check-up, the most serious first."""
    found = [
        *_unequal_spread(seen),
        *_neighbours(seen),
        *_curvature(seen),
        *_drift(seen),
        *_shape(seen),
        *_single_rows(fit, seen),
        *_outlying(seen),
        *_collinear(fit, seen),
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
                f"Nothing was seen in {_count(seen.rows, 'row')} that would change what the fit "
                "says: its standard errors, tests and intervals can be read as they are.",
                "",
                {"rows": seen.rows},
            ),
        )
    return tuple(found)


def _unequal_spread(seen: Checkup) -> Iterator[Finding]:
    tests = {"Koenker": seen.koenker, "White": seen.white}
    name, test = min(tests.items(), key=lambda item: _or_one(item[1].p_value))
    if not test.p_value < SEEN:
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
            f"{_number(max(low, high) / min(low, high))} times as widely as at the other end"
        )
    said = (
        f"The residuals do not scatter equally everywhere{along} ({name}'s test: "
        f"{_p(test.p_value)})"
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
            f"than {_percent(factor - 1.0)}. Prediction intervals are too wide where the scatter "
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
    if not min(_or_one(godfrey.p_value), _or_one(watson.p_value)) < SEEN:
        return
    rho = watson.autocorrelation
    share = godfrey.statistic / seen.rows if godfrey.statistic == godfrey.statistic else rho**2
    chance = seen.lags / seen.rows  # what so many lags explain of nothing
    strong = max(abs(rho), math.sqrt(max(share - chance, 0.0)))
    evidence = {
        "autocorrelation": rho,
        "durbin_watson": watson.statistic,
        "durbin_watson_p": watson.p_value,
        "breusch_godfrey_p": godfrey.p_value,
        "lags": seen.lags,
        "explained_by_rows_before": share,
    }
    tests = f"Breusch–Godfrey over {seen.lags} rows: {_p(godfrey.p_value)}"
    if abs(rho) >= 0.05:
        kind = "resemble" if rho > 0 else "contradict"
        said = f"Residuals {kind} those of the row before (correlation {rho:.2f}; {tests})"
    else:
        said = (
            f"Residuals follow those of up to {seen.lags} rows before, which explain "
            f"{_percent(share)} of their squares ({tests})"
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


def _curvature(seen: Checkup) -> Iterator[Finding]:
    if not seen.reset.p_value < SEEN:
        return
    share = seen.reset_share
    said = (
        f"A curve fits better than a straight relation: powers of the fitted values explain "
        f"{_percent(share)} of what is left (RESET: {_p(seen.reset.p_value)})"
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
        f"{_p(seen.harvey_collier.p_value)})"
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
        f"{seen.spread.kurtosis:.2f} where a bell has 0 and 3; {_p(normality.p_value)})"
    )
    chance = 2.0 * math.sqrt(0.05 * 0.95 / seen.rows)
    off = abs(outside - 0.05) > max(COVERAGE_OFF, chance)
    if free < FEW:
        yield Finding(
            "residuals-not-bell-shaped",
            Severity.CAUTION,
            f"{said}. With {_count(free, 'degree')} of freedom p-values and intervals lean on the "
            "bell.",
            "Look for single rows that do this; a logarithm of the target mends a long tail to the "
            "right.",
            evidence,
        )
    elif off or abs(seen.spread.skewness) > 1.0:
        yield Finding(
            "residuals-not-bell-shaped",
            Severity.CAUTION,
            f"{said}. It matters for prediction intervals: {_percent(outside)} of the residuals "
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
            f"{said}. It hardly matters: {_percent(outside)} of them lie outside the 95 % band, "
            f"and coefficients average over {seen.rows:,} rows.",
            "",
            evidence,
        )


def _single_rows(fit: Fit, seen: Checkup) -> Iterator[Finding]:
    worst = seen.worst.rows
    if seen.worst.alone:
        alone = [seen.label(int(r)) for r in worst.row[worst.leverage >= 1.0 - 1e-9]][:_NAMED]
        which = f" (such as row {alone[0]})" if alone else ""
        yield Finding(
            "row-of-its-own",
            Severity.CAUTION,
            f"{_count(seen.worst.alone, 'row')}{which} each determine a coefficient alone: the fit "
            "passes through them, whatever they hold, and nothing can check them.",
            "Look whether these values are right; join a level that has a single row to another.",
            {"rows": seen.worst.alone, "labels": alone},
        )
    if not len(worst):
        return
    size = np.nan_to_num(np.abs(worst.dfbetas))
    moved = size.max(axis=1, initial=0.0)
    strong = np.flatnonzero((moved > MOVED) | (worst.cooks_distance > seen.worst.cook_limit))
    if not len(strong):
        return
    strong = strong[np.argsort(-moved[strong], kind="stable")]
    first = int(strong[0])
    j = int(np.argmax(size[first]))
    term = worst.names[j]
    at = fit.names.index(term)
    without = _without(fit, seen, first, j)
    rows = [seen.label(int(r)) for r in worst.row[strong]]
    many = f" Rows {', '.join(rows[1:_NAMED])} weigh much too." if len(rows) > 1 else ""
    yield Finding(
        "influential-row",
        Severity.CAUTION,
        f"Row {rows[0]} alone moves {term!r} by {moved[first]:.1f} standard errors: without it the "
        f"coefficient would be {without:.4g} instead of {fit.coefficients[at]:.4g} (Cook's "
        f"distance {worst.cooks_distance[first]:.2g}).{many}",
        "Look at these rows: are they right, and do they belong to what you ask? If so keep them, "
        "and tell both results.",
        {
            "rows": rows[:20],
            "dfbetas": [float(v) for v in moved[strong][:20]],
            "term": term,
            "coefficient_without": without,
        },
    )


def _without(fit: Fit, seen: Checkup, row: int, j: int) -> float:
    """Return a coefficient without a row, from the row's DFBETAS."""
    worst, at = seen.worst.rows, fit.names.index(seen.worst.rows.names[j])
    free = 1.0 - worst.leverage[row]
    # s without the row over s
    ratio = worst.standardized[row] / worst.studentized[row] if worst.studentized[row] else 1.0
    shift = worst.dfbetas[row, j] * ratio * fit.standard_errors[at]
    return float(fit.coefficients[at] - shift) if free > 0.0 else math.nan


def _outlying(seen: Checkup) -> Iterator[Finding]:
    worst = seen.worst.rows
    if not len(worst) or seen.degrees_of_freedom < 2:
        return
    from scipy.special import stdtr

    t = np.nan_to_num(np.abs(worst.studentized))
    p = 2.0 * stdtr(float(seen.degrees_of_freedom - 1), -t) * seen.rows  # Bonferroni
    far = np.flatnonzero(p < 0.05)
    if not len(far):
        return
    far = far[np.argsort(-t[far], kind="stable")]
    rows = [seen.label(int(r)) for r in worst.row[far]]
    expected = seen.worst.expected_beyond_three
    yield Finding(
        "outlying-row",
        Severity.CAUTION if len(rows) <= max(3, seen.rows // 100) else Severity.NOTE,
        f"Row {rows[0]} lies {t[far[0]]:.1f} residual standard deviations off the fit, farther "
        f"than chance takes any of {seen.rows:,} bell-shaped errors"
        + (f"; so {'does' if len(rows) == 2 else 'do'} {_other(len(rows) - 1)}" if rows[1:] else "")
        + f". Beyond three standard deviations lie {seen.worst.beyond_three:,} rows, where "
        f"{expected:,.1f} are expected.",
        "Look whether the value was recorded right. An outlier is a question to the data, not a "
        "reason to delete.",
        {"rows": rows[:20], "studentized": [float(v) for v in t[far][:20]]},
    )


def _other(number: int) -> str:
    # ten rows are kept of each measure: of more only so much is known
    return f"{'at least ' if number >= 9 else ''}{_count(number, 'other row')}"


def _collinear(fit: Fit, seen: Checkup) -> Iterator[Finding]:
    known = seen.collinearity
    # for a category the geometric mean over its levels: single levels lean on the reference
    inflation = {
        name: float(value ** (1.0 / max(freedom, 1)))
        for name, value, freedom in zip(
            known.columns, known.generalized, known.generalized_df, strict=True
        )
        if math.isfinite(value) and value ** (1.0 / max(freedom, 1)) >= INFLATED[0]
    }
    groups = _together(seen)
    if inflation:
        worst = max(inflation, key=lambda name: inflation[name])
        value = inflation[worst]
        beside = next((group for group in groups if worst in group), [])
        others = [repr(name) for name in beside if name != worst][:_NAMED]
        if others:
            like = f"{worst!r} and {', '.join(others)} rise and fall together"
        else:
            like = f"{worst!r} is nearly a combination of other columns"
        many = len(inflation) - 1
        said = (
            f"{like}, so the data can hardly tell their effects apart: the standard error of "
            f"{worst!r} is {math.sqrt(value):.1f} times what unrelated columns would give "
            f"(variance inflation {value:.4g}"
            + (f"; {_count(many, 'other column')} above {INFLATED[0]:.0f}" if many else "")
            + ")"
        )
        evidence = {"variance_inflation": inflation, "together": groups}
        if value >= INFLATED[1]:
            yield Finding(
                "collinear-columns",
                Severity.CAUTION,
                f"{said}. Their joint effect and predictions are known well; single coefficients "
                "are not.",
                "Read them together, leave one out, or join them into one. For a column and its "
                "own square or product, subtract the mean first.",
                evidence,
            )
        else:
            yield Finding("collinear-columns", Severity.NOTE, f"{said}.", "", evidence)
    offset = _offset(fit, seen)
    if offset:
        yield Finding(
            "far-from-zero",
            Severity.NOTE,
            f"Column {offset[0]!r} lies {offset[1]:,.0f} standard deviations from zero, so the "
            "intercept speaks about a place far outside the data and is uncertain for that reason "
            "alone. Slopes and predictions do not suffer.",
            "To give the intercept a meaning, count the column from a value inside the data.",
            {"column": offset[0], "standard_deviations": offset[1]},
        )


def _together(seen: Checkup) -> list[list[str]]:
    """Return groups of columns that share a large condition index (Belsley 1991)."""
    known = seen.collinearity
    groups = []
    for index, shares in zip(known.condition_indexes, known.variance_proportions, strict=True):
        if index >= INDEX:
            group = [
                name
                for name, share in zip(known.terms, shares, strict=True)
                if share > 0.5 and name != "intercept"
            ]
            if len(group) > 1:
                groups.append(group)
    return groups


def _offset(fit: Fit, seen: Checkup) -> tuple[str, float] | None:
    """Return the column whose distance from zero makes the intercept uncertain, in its sd."""
    known = seen.collinearity
    if "intercept" not in known.terms or not len(known.condition_indexes):
        return None
    if known.condition_indexes[-1] < INDEX:
        return None
    m = fit.moments
    n = m.rows
    mean = m.first_high[:-1] / n
    spread = np.sqrt(np.maximum(m.second_high.diagonal()[:-1] / n - mean**2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(mean + m.shift[:-1]) / spread
    distance[~np.isfinite(distance)] = 0.0
    if not len(distance) or distance.max() < INDEX:
        return None
    j = int(np.argmax(distance))
    return m.names[j], float(distance[j])


def _limits(seen: Checkup) -> Iterator[Finding]:
    if seen.degrees_of_freedom < 10:
        yield Finding(
            "little-to-check",
            Severity.NOTE,
            f"With {_count(seen.degrees_of_freedom, 'degree')} of freedom only gross trouble "
            "shows: that nothing was seen proves little.",
            "",
            {"degrees_of_freedom": seen.degrees_of_freedom},
        )


def _or_one(p: float) -> float:
    return 1.0 if math.isnan(p) else p


def _p(value: float) -> str:
    if math.isnan(value):
        return "p not defined"
    return "p < 1e-16" if value < 1e-16 else f"p = {value:.2g}"


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 10.0 else f"{value:.0f}"


def _percent(share: float) -> str:
    value = 100.0 * share
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
