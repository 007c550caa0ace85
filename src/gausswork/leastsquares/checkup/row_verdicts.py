"""What a check-up says of single rows, and of columns that overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.checkup.wording import count
from gausswork.leastsquares.inference import t_quantile

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.fit import Fit

INFLATED = (5.0, 10.0)  # variance inflation: worth a word, and a caution
INDEX = 30.0  # condition index, with two variance proportions above one half (Belsley 1991)
MOVED = 1.0  # standard errors that a single row moves a coefficient by
_EXACT = 1e6  # studentised residual: what is left without the row is rounding
_NAMED = 3  # rows and columns named in a sentence


def single_rows(fit: Fit, seen: Checkup) -> Iterator[Finding]:
    """Say which rows decide."""
    worst = seen.worst.rows
    if seen.worst.alone:
        alone = [seen.label(int(r)) for r in worst.row[worst.leverage >= 1.0 - 1e-9]][:_NAMED]
        which = f" (such as row {alone[0]})" if alone else ""
        yield Finding(
            "row-of-its-own",
            Severity.CAUTION,
            f"{count(seen.worst.alone, 'row')}{which} each determine a coefficient alone: the fit "
            "passes through them, whatever they hold, and nothing can check them.",
            "Look whether these values are right; join a level that has a single row to another.",
            {"rows": seen.worst.alone, "labels": alone},
        )
    if not len(worst) or seen.degrees_of_freedom < 2:  # what is left without a row is undefined
        return
    exact = np.flatnonzero(np.abs(worst.studentized) > _EXACT)
    if len(exact):
        yield _only_one_off(seen, exact)
        return
    size = np.nan_to_num(np.abs(worst.dfbetas))
    moved = size.max(axis=1, initial=0.0)
    by_chance = _moved_by_chance(fit.rows, len(worst.names))
    everywhere = (worst.cooks_distance > seen.worst.cook_limit) & (by_chance < MOVED)
    strong = np.flatnonzero((moved > max(MOVED, by_chance)) | everywhere)
    if not len(strong):
        return
    strong = strong[np.argsort(-moved[strong], kind="stable")]
    first = int(strong[0])
    j = int(np.argmax(size[first]))
    term = worst.names[j]
    at = fit.names.index(term)
    without = _without(fit, seen, first, j)
    rows = [seen.label(int(r)) for r in worst.row[strong]]
    others = rows[1:_NAMED]
    many = f" Rows {', '.join(others)} weigh much too." if len(others) > 1 else ""
    if len(others) == 1:
        many = f" Row {others[0]} weighs much too."
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


def _only_one_off(seen: Checkup, exact: npt.NDArray[np.intp]) -> Finding:
    """Say that all rows but one lie exactly where a fit has them."""
    rows = [seen.label(int(r)) for r in seen.worst.rows.row[exact]]
    return Finding(
        "influential-row",
        Severity.CAUTION,
        f"Without row {rows[0]} the others would be fitted perfectly: it alone makes all the "
        "residuals.",
        "Look at this row: is it right, and does it belong to what you ask?",
        {"rows": rows},
    )


def _moved_by_chance(n: int, k: int) -> float:
    """Return about what the strongest of n good rows moves one of k coefficients by.

    With few rows every fit hangs on single ones. The largest studentised residual that chance gives
    at the 5 % level, times what usual leverage makes of it: within a fifth of the simulated 95 %
    points for k from 2 to 21 and n from 8 to 500.
    """
    free = n - k
    if free < 2:
        return math.inf
    return 1.8 * t_quantile(1.0 - 0.05 / (n * k), free - 1) / math.sqrt(free)


def _without(fit: Fit, seen: Checkup, row: int, j: int) -> float:
    """Return a coefficient without a row, from the row's DFBETAS."""
    worst, at = seen.worst.rows, fit.names.index(seen.worst.rows.names[j])
    free = 1.0 - worst.leverage[row]
    # s without the row over s
    ratio = worst.standardized[row] / worst.studentized[row] if worst.studentized[row] else 1.0
    shift = worst.dfbetas[row, j] * ratio * fit.standard_errors[at]
    return float(fit.coefficients[at] - shift) if free > 0.0 else math.nan


def outlying(seen: Checkup) -> Iterator[Finding]:
    """Say which rows lie farther off than chance takes them."""
    worst = seen.worst.rows
    if not len(worst) or seen.degrees_of_freedom < 2:
        return
    from scipy.special import stdtr

    t = np.nan_to_num(np.abs(worst.studentized))
    if t.max(initial=0.0) > _EXACT:
        return  # that it is the only row off the fit says more
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
        + f". Beyond three standard deviations {'lies' if seen.worst.beyond_three == 1 else 'lie'} "
        f"{count(seen.worst.beyond_three, 'row')}, where {expected:,.1f} are expected.",
        "Look whether the value was recorded right. An outlier is a question to the data, not a "
        "reason to delete.",
        {"rows": rows[:20], "studentized": [float(v) for v in t[far][:20]]},
    )


def _other(number: int) -> str:
    # ten rows are kept of each measure: of more only so much is known
    return f"{'at least ' if number >= 9 else ''}{count(number, 'other row')}"


def _times(ratio: float) -> str:
    return fmt.significant(ratio, 3) if ratio >= 1000.0 else f"{ratio:.1f}"


def collinear(fit: Fit, seen: Checkup) -> Iterator[Finding]:
    """Say which columns can hardly be told apart."""
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
            f"{worst!r} is {_times(math.sqrt(value))} times what unrelated columns would give "
            f"(variance inflation {value:.4g}"
            + (f"; {count(many, 'other column')} above {INFLATED[0]:.0f}" if many else "")
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
    n = m.total_weight[0]
    mean = m.first_high[:-1] / n
    spread = np.sqrt(np.maximum(m.second_high.diagonal()[:-1] / n - mean**2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(mean + m.shift[:-1]) / spread
    distance[~np.isfinite(distance)] = 0.0
    if not len(distance) or distance.max() < INDEX:
        return None
    j = int(np.argmax(distance))
    return m.names[j], float(distance[j])
