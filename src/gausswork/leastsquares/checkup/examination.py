"""The check-up of a fit: one more pass over the rows, whatever their number, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.weights import FREQUENCY
from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.checkup.auxiliary import Auxiliary, HypothesisTest
from gausswork.leastsquares.checkup.collinearity import Collinearity, collinearity
from gausswork.leastsquares.checkup.extremes import Extremes, Worst
from gausswork.leastsquares.checkup.geometry import Geometry, Rows
from gausswork.leastsquares.checkup.influence import (
    BATCH,
    Influence,
    estimated_names,
    joined,
    measured,
    placed_rows,
    row_norms,
)
from gausswork.leastsquares.checkup.serial import Differences, DurbinWatson, Recursion
from gausswork.leastsquares.rows import Witness, changed, original_rows, source_of

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

MOST_LAGS = 1000
_SAMPLE = 50_000  # rows kept for figures and for the shape of the residuals
_SAMPLE_NUMBERS = 4_000_000  # and at most so many numbers
_LEADING = 10  # rows kept of each measure of influence
_OTHER_SUM = 1e-6  # relative difference of a sum of squares that rounding does not explain
_OUTER = 0.43  # standard deviations about the mean that part normal values into thirds
_BAND = 1.959963984540054  # of 95 % of normal values


class NothingToCheckError(InputError):
    """The fit leaves no residuals that could be checked; the message says why."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How residuals behave along the fitted values and beside the bell.

    Attributes
    ----------
    low_sd, high_sd : root mean square of the residuals where fitted values are low and where they
        are high: more than 0.43 standard deviations from their mean, a third of normal values each.
    skewness, kurtosis : of the residuals: 0 and 3 for a bell.
    outside : share of residuals outside the 95 % band of normal errors; 0.05 is expected.
    """

    low_sd: float
    high_sd: float
    skewness: float
    kurtosis: float
    outside: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Checkup:
    """What a second look at the rows says about a fit. ``print(checkup)`` shows it in words.

    Attributes
    ----------
    target : what was fitted.
    rows, rank, degrees_of_freedom : of the fit.
    terms : names of all terms of the fit; ``estimated`` those with a coefficient.
    findings : what was seen, whether it matters here, and what to do: the most serious first.
    normality : comparison of the residuals (of the sample) with a bell; None where undefined.
    spread : how the residuals behave along the fitted values.
    breusch_pagan, koenker : tests for a spread that changes with the predictors; the second does
        not need normal errors.
    white, white_f : the same for any change with predictors, their squares and products.
    white_form : ``"products"``, or ``"fitted values"`` where products would be too many.
    durbin_watson : likeness of neighbouring rows.
    breusch_godfrey, breusch_godfrey_f : likeness over up to ``lags`` rows.
    reset : test for curvature: ŷ² and ŷ³ added.
    reset_share : share of the residual squares that these explain.
    harvey_collier : test for errors of one sign when rows are predicted from those before.
    recursive_mean : their mean in residual standard deviations.
    collinearity : variance inflation, condition indexes.
    worst : the rows that weigh most, and counts.
    press : Σ(e / (1 − h))²: squared errors of rows predicted from all others.
    predicted_r_squared : 1 − PRESS / TSS.
    robust_standard_errors : (k,) HC3 (MacKinnon & White 1985), valid when the spread changes; NaN
        where aliased.
    standard_errors : (k,) those of the fit, which hold when it does not.
    sample : evenly spread rows for figures; all of them up to 50,000.
    labels : what rows are called, by their number in the data; None for the number itself.
    """

    target: str
    rows: int
    rank: int
    degrees_of_freedom: int
    terms: tuple[str, ...]
    estimated: tuple[str, ...]
    findings: tuple[Finding, ...]
    normality: Any
    spread: Spread
    breusch_pagan: HypothesisTest
    koenker: HypothesisTest
    white: HypothesisTest
    white_f: HypothesisTest
    white_form: str
    durbin_watson: DurbinWatson
    breusch_godfrey: HypothesisTest
    breusch_godfrey_f: HypothesisTest
    lags: int
    reset: HypothesisTest
    reset_share: float
    harvey_collier: HypothesisTest
    recursive_mean: float
    collinearity: Collinearity
    worst: Worst
    press: float
    predicted_r_squared: float
    robust_standard_errors: Array
    standard_errors: Array
    sample: Influence
    labels: Sequence[Any] | None

    def label(self, row: int) -> str:
        """Return what a row is called: its label, or its number counted from 0."""
        return str(self.labels[row]) if self.labels is not None else str(row)

    def plot(self, *, path: Any = None) -> Any:
        """Draw the panel of four figures; see :func:`gausswork.plots.check`."""
        from gausswork import plots

        return plots.check(self, path=path)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it but the sample as plain data for JSON."""
        from gausswork import checkreport

        return checkreport.document(self)

    def _repr_html_(self) -> str:
        from gausswork import checkreport

        return checkreport.html_fragment(self)

    def __str__(self) -> str:
        from gausswork import checkreport

        return checkreport.printable(self)

    def __repr__(self) -> str:
        return f"Checkup(target={self.target!r}, rows={self.rows}, findings={len(self.findings)})"


@dataclass(slots=True)
class _Pass:
    """Sums over the rows that belong to no single test."""

    square: float = 0.0
    press: float = 0.0
    outside: int = 0
    powers: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    low: tuple[int, float] = (0, 0.0)
    high: tuple[int, float] = (0, 0.0)

    def see(self, g: Geometry, rows: Rows, part: Influence, band: float) -> None:
        e = rows.scaled / g.residual_sd
        self.square += float(e @ e)
        left_out = part.left_out_residual / g.residual_sd
        if rows.root_weight is not None:
            left_out = left_out * rows.root_weight
        self.press += float(np.nansum(np.square(left_out)))
        self.outside += int(np.count_nonzero(np.abs(e) > band))
        self.powers = tuple(
            total + float((e**power).sum()) for power, total in enumerate(self.powers, 1)
        )
        centre = np.sqrt(g.fitted_square / g.total_weight) * _OUTER
        f = (rows.fitted - g.target_mean) - g.target_mean_low
        for name, which in (("low", f < -centre), ("high", f > centre)):
            count, square = getattr(self, name)
            setattr(self, name, (count + int(which.sum()), square + float(e[which] @ e[which])))


def check(
    fit: Fit,
    data: Any = None,
    *,
    lags: int | None = None,
    labels: Sequence[Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Checkup:
    """Look at the rows of a fit once more; see :meth:`gausswork.Fit.check`."""
    from gausswork.leastsquares.checkup.verdicts import findings_of

    g = Geometry.of(fit.solution)
    lags = _lags(lags, g)
    source = source_of(fit, data)
    _refuse_undefined(fit)
    names = estimated_names(fit)
    auxiliary, differences = Auxiliary.of(g, lags), Differences.of(g)
    recursion, extremes = Recursion.of(g), Extremes.of(g, _LEADING)
    witness, sums = Witness.of(fit), _Pass()
    step = max(1, -(-g.rows // max(1, min(_SAMPLE, _SAMPLE_NUMBERS // (g.rank + 11)))))
    meat = np.zeros((g.rank, g.rank))
    samples: list[Influence] = []
    seen = 0
    for rows, y, number in placed_rows(fit, source, g, witness, _batch(g)):
        part = measured(g, names, y, rows, original_rows(source, number))
        extremes.see(part)
        sums.see(g, rows, part, _BAND)
        auxiliary.see(rows)
        differences.see(rows)
        recursion.see(rows)
        meat += _meat(g, rows, part)
        samples.append(part.take(np.arange(-seen % step, len(part), step)))
        seen += len(part)
        if progress is not None:
            progress(seen)
    witness.compare(fit)
    _compare_residuals(g, sums)
    worst = extremes.worst()
    _check_labels(labels, worst, fit)
    sample = joined(samples)
    pagan, koenker = auxiliary.breusch_pagan()
    white, white_f = auxiliary.white_test()
    godfrey, godfrey_f = auxiliary.breusch_godfrey()
    total = fit.solution.total_sum_of_squares
    press = sums.press * g.residual_sd**2
    found = Checkup(
        target=fit.target,
        rows=g.rows,
        rank=g.rank,
        degrees_of_freedom=g.degrees_of_freedom,
        terms=fit.names,
        estimated=names,
        findings=(),
        normality=_shape(sample.residual if fit.weighting is None else sample.standardized),
        spread=_spread(g, sums),
        breusch_pagan=pagan,
        koenker=koenker,
        white=white,
        white_f=white_f,
        white_form="products" if auxiliary.products else "fitted values",
        durbin_watson=differences.durbin_watson(),
        breusch_godfrey=godfrey,
        breusch_godfrey_f=godfrey_f,
        lags=lags,
        reset=auxiliary.reset(),
        reset_share=auxiliary.reset_share(),
        harvey_collier=recursion.harvey_collier(),
        recursive_mean=recursion.mean,
        collinearity=collinearity(fit),
        worst=worst,
        press=press,
        predicted_r_squared=1.0 - press / total if total > 0.0 else math.nan,
        robust_standard_errors=_robust(fit, g, meat),
        standard_errors=fit.standard_errors,
        sample=sample,
        labels=labels,
    )
    return _with_findings(found, findings_of(fit, found))


def _with_findings(found: Checkup, findings: tuple[Finding, ...]) -> Checkup:
    from dataclasses import replace

    return replace(found, findings=findings)


def _lags(lags: Any, g: Geometry) -> int:
    """Return how many rows back Breusch and Godfrey's test looks."""
    most = max(0, min(MOST_LAGS, g.degrees_of_freedom - 1))
    if lags is None:
        return min(10, g.rows // 5, most)
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or not 1 <= lags <= most:
        raise InputError(
            f"lags must be a whole number from 1 to {most} for this fit; got {lags!r}. It is how "
            "many rows back residuals are compared: 4 for quarters, 12 for months."
        )
    return int(lags)


def _refuse_undefined(fit: Fit) -> None:
    """Refuse a fit whose residuals say nothing."""
    if fit.weighting == FREQUENCY:
        raise NothingToCheckError(
            "rows that stand for several equal ones cannot be left out one by one, and have no "
            "order. For a check-up give every row by itself, without frequencies."
        )
    if getattr(fit.method, "ridge", 0.0) > 0.0:
        raise NothingToCheckError(
            "the coefficients are penalised (ridge), and leverage, tests and errors of a check-up "
            "are those of least squares. Check the fit without the penalty."
        )
    if not fit.solution.minimal:
        raise NothingToCheckError(
            "these coefficients are not those of least squares: the descent stopped before it "
            "arrived, and the check-up speaks of residuals at the minimum. Check the fit by "
            "NormalEquation(), or let the descent go on."
        )
    if fit.degrees_of_freedom < 1:
        raise NothingToCheckError(
            f"there are as many coefficients as rows ({fit.rows}), so no residual is left to look "
            "at. Fit fewer columns or more rows."
        )
    if math.isnan(fit.residual_sd):
        raise NothingToCheckError(
            "the residuals of this fit are not known: they are smaller than the sums of its "
            "stream can resolve. Fit from data that can be read again."
        )
    if fit.residual_sd == 0.0 or any(f.code == "perfect-fit" for f in fit.findings):
        raise NothingToCheckError(
            "the fit is perfect: no residual is larger than rounding, and there is nothing to "
            "check. Look whether the target was computed from the features."
        )


def _batch(g: Geometry) -> int:
    """Return rows to work on at once: their coordinates stay within some megabytes."""
    return max(256, min(BATCH, 2**21 // max(1, g.rank)))


def _compare_residuals(g: Geometry, sums: _Pass) -> None:
    square = sums.square * g.residual_sd**2
    if abs(square - g.residual_square) > _OTHER_SUM * g.residual_square:
        raise changed(
            f"the squared residuals add up to {square:.10g} now, and to {g.residual_square:.10g} "
            "in the fit"
        )


def _check_labels(labels: Sequence[Any] | None, worst: Worst, fit: Fit) -> None:
    if labels is None:
        return
    least = fit.tally.read or fit.rows
    if isinstance(labels, str) or not hasattr(labels, "__getitem__") or len(labels) < least:
        given = f"{len(labels)} of them" if hasattr(labels, "__len__") else repr(labels)
        raise InputError(
            f"labels must be a sequence with a label for each of the {least} rows of the data, "
            f"those left out for missing values too; got {given}."
        )


def _meat(g: Geometry, rows: Rows, part: Influence) -> Array:
    """Return Σ q·qᵀ·(e / (1 − h))² over some rows; rows of leverage one have no error to add."""
    left_out = np.nan_to_num(part.left_out_residual)
    if rows.root_weight is not None:
        left_out = left_out * rows.root_weight
    weighted = g.coordinates(rows) * left_out[:, None]
    k = weighted.shape[1]
    if not k:
        return np.zeros((0, 0))
    weighted = weighted / g.residual_sd
    found = default_backend().gram(weighted[:, :-1], weighted[:, -1], np.ones(k), np.zeros(k), 0)
    return np.asarray(found.second_high)


def _robust(fit: Fit, g: Geometry, meat: Array) -> Array:
    """Return HC3 standard errors of all terms; NaN where aliased."""
    errors = np.full(len(fit.names), np.nan)
    v = g.factor()
    values, vectors = np.linalg.eigh(meat)
    errors[~np.isnan(fit.coefficients)] = g.residual_sd * row_norms(
        (v @ vectors) * np.sqrt(np.maximum(values, 0.0))
    )
    return errors


def _spread(g: Geometry, sums: _Pass) -> Spread:
    n = g.rows
    mean = sums.powers[0] / n
    about = _central(mean, [total / n for total in sums.powers])
    sds = [
        g.residual_sd * math.sqrt(square / count) if count else math.nan
        for count, square in (sums.low, sums.high)
    ]
    flat = not about[2] > 0.0
    return Spread(
        low_sd=sds[0],
        high_sd=sds[1],
        skewness=math.nan if flat else about[3] / about[2] ** 1.5,
        kurtosis=math.nan if flat else about[4] / about[2] ** 2,
        outside=sums.outside / n,
    )


def _central(mean: float, raw: list[float]) -> dict[int, float]:
    """Return the moments about the mean from those about zero, which for residuals is near."""
    _, second, third, fourth = raw
    return {
        2: second - mean**2,
        3: third - 3.0 * mean * second + 2.0 * mean**3,
        4: fourth - 4.0 * mean * third + 6.0 * mean**2 * second - 3.0 * mean**4,
    }


def _shape(residuals: Array) -> Any:
    """Compare residuals with a bell; None of fewer than three, or of all alike."""
    from gausswork.normal.normality import normality

    residuals = residuals[np.isfinite(residuals)]
    if len(residuals) < 3 or not np.ptp(residuals) > 0.0:
        return None
    return normality(residuals, name="the residuals")
