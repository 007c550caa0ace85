"""Fit, the result of a regression: what it knows, and what can be asked of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.recipe import Recipe
from gausswork.data.sources import Source, Tally
from gausswork.findings import Finding
from gausswork.leastsquares import inference
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.inference import FTest
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.solution import NormalEquation, Solution

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.checkup.influence import Influence
    from gausswork.leastsquares.descent.history import Descent
    from gausswork.leastsquares.prediction import Prediction
    from gausswork.leastsquares.robust.covariance import Robust
    from gausswork.leastsquares.wald import HypothesisTest

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit:
    """A fitted linear regression. Arrays are in the order of ``names``, the intercept first.

    ``print(fit)`` shows the table, ``fit.to_dict()`` everything as plain data.

    Attributes
    ----------
    target : name of the target.
    solution : coefficients, their precision, and what inference needs.
    design : how columns of data become predictors.
    tally : rows read and rows left out for missing values.
    description : what was fitted, in words: a file name, the shape of a frame.
    method : how.
    descent : the history of a gradient descent; None for the normal equation.
    findings : what the reader should know, in plain words.
    source : the rows, by reference, where they can be read again; None after :func:`load` and for
        a stream that has passed by. Not part of a saved, pickled or written-out fit.
    """

    target: str
    solution: Solution
    design: Recipe
    tally: Tally
    description: str
    method: NormalEquation | GradientDescent
    findings: tuple[Finding, ...]
    source: Source | None = None
    descent: Descent | None = None

    def __post_init__(self) -> None:
        s = self.solution
        for values in (
            s.coefficients, s.coefficient_lows, s.standard_errors, s.trusted_digits,
            s.standard_error_digits, s.data_digits, s.predictor_means, s.predictor_mean_lows,
            s.scales, s.inverse_root,
        ):  # fmt: skip
            values.setflags(write=False)  # a result does not change under its reader

    def __reduce__(self) -> tuple[Callable[[list[Any]], Fit], tuple[list[Any]]]:
        # the rows stay where they are: a pickled fit is as small as a saved one
        state = [None if f.name == "source" else getattr(self, f.name) for f in fields(self)]
        return _rebuilt, (state,)

    def __copy__(self) -> Fit:
        return self  # a result does not change

    def __deepcopy__(self, memo: dict[int, Any]) -> Fit:
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the k terms; the intercept, if any, first and called ``intercept``."""
        first = ("intercept",) if self.solution.intercept else ()
        return (*first, *self.moments.names)

    @property
    def moments(self) -> Moments:
        """The sums that were solved: they merge, and can be solved again."""
        return self.solution.moments

    @property
    def coefficients(self) -> Vector:
        """Estimates, (k,); NaN where a term is aliased."""
        return self.solution.coefficients

    @property
    def standard_errors(self) -> Vector:
        """Standard errors of the estimates, (k,)."""
        return self.solution.standard_errors

    @property
    def trusted_digits(self) -> Vector:
        """Significant digits of each estimate that arithmetic has got right, (k,)."""
        return self.solution.trusted_digits

    @property
    def standard_error_digits(self) -> Vector:
        """The same of the standard errors, (k,)."""
        return self.solution.standard_error_digits

    @property
    def data_digits(self) -> Vector:
        """Digits of each estimate that survive rounding of the inputs, (k,)."""
        return self.solution.data_digits

    @property
    def intercept(self) -> float:
        """The intercept; 0.0 through the origin."""
        return float(self.solution.coefficients[0]) if self.solution.intercept else 0.0

    @property
    def residual_sd(self) -> float:
        """Residual standard deviation √(RSS / degrees of freedom)."""
        return inference.residual_sd(self.solution)

    @property
    def r_squared(self) -> float:
        """1 − RSS / TSS; see :attr:`r_squared_definition`."""
        return inference.r_squared(self.solution)

    @property
    def r_squared_definition(self) -> str:
        """``"centred"``: TSS about the mean. ``"uncentred"``: about zero (no intercept)."""
        return inference.r_squared_definition(self.solution)

    @property
    def adjusted_r_squared(self) -> float:
        """R² with both sums of squares divided by their degrees of freedom."""
        return inference.adjusted_r_squared(self.solution)

    @property
    def weights(self) -> str | None:
        """Name of what weighs the rows, None without weights; :attr:`weighting` says how."""
        return self.design.weights.name if self.design.weights else None

    @property
    def weighting(self) -> str | None:
        """``"analytic"``, ``"frequency"``, or None without weights."""
        return self.moments.weighting

    @property
    def rows(self) -> int:
        """Number of rows fitted: those of positive weight, or the sum of frequencies."""
        return self.solution.rows

    @property
    def rank(self) -> int:
        """Number of coefficients estimated, the intercept among them."""
        return self.solution.rank

    @property
    def effective_rank(self) -> float:
        """Trace of the hat matrix: the rank, but for a ridge fit, whose coefficients are shrunk."""
        return self.solution.effective_rank

    @property
    def degrees_of_freedom(self) -> int:
        """Rows minus rank."""
        return self.solution.degrees_of_freedom

    @property
    def dropped(self) -> tuple[str, ...]:
        """Aliased terms: without a coefficient of their own."""
        return tuple(dependency.column for dependency in self.solution.dependencies)

    @property
    def references(self) -> dict[str, str]:
        """For each category the level that the others are compared with."""
        return self.design.references

    @property
    def covariance(self) -> Matrix:
        """Covariance of the estimates, (k, k)."""
        return inference.covariance(self.solution)

    @property
    def t_values(self) -> Vector:
        """Estimate / standard error, (k,)."""
        return inference.t_values(self.solution)

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values of the t tests, (k,)."""
        return inference.p_values(self.solution)

    @property
    def f_test(self) -> FTest:
        """Test of all predictors together against the mean alone (zero through the origin)."""
        return inference.f_test(self.solution)

    @property
    def log_likelihood(self) -> float:
        """Gaussian log-likelihood at its maximum."""
        return inference.log_likelihood(self.solution)

    @property
    def aic(self) -> float:
        """−2 log-likelihood + 2 (rank + 1), as in R."""
        return inference.aic(self.solution)

    @property
    def bic(self) -> float:
        """−2 log-likelihood + log(n) (rank + 1), as in R."""
        return inference.bic(self.solution)

    def confidence_intervals(self, level: float = 0.95) -> Matrix:
        """Return lower and upper limits of the coefficients, (k, 2)."""
        return inference.confidence_intervals(self.solution, level=level)

    def predict(
        self, new: Any = None, interval: str | float | None = None, level: float = 0.95
    ) -> Vector | Prediction:
        """Predict the target of new rows, with limits if ``interval`` asks for them.

        Parameters
        ----------
        new : rows of predictors in any form that :func:`fit` takes; left out, the rows that were
            fitted, which gives the fitted values.
        interval : ``"confidence"`` for the mean response, ``"prediction"`` for a new observation,
            or a level such as 0.95 for a prediction interval at that level.
        level : of the interval, in (0, 1).

        Returns
        -------
        (m,) values, or with an interval a named tuple ``(value, lower, upper)`` of such vectors;
        NaN in rows with a missing value. NumPy vectors, but for an array of another library:
        then float64 vectors of that, on its device.
        """
        from gausswork.leastsquares.prediction import predict_data

        return predict_data(self, new, interval=interval, level=level)

    def check(
        self,
        data: Any = None,
        *,
        lags: int | None = None,
        labels: Sequence[Any] | None = None,
    ) -> Checkup:
        """Look at the rows once more: whether the fit holds, and what would change it.

        Heteroscedasticity, likeness of neighbouring rows, curvature, shape of the residuals,
        collinearity and the rows that weigh most, each with what was seen, whether it matters here
        and what to do. Memory does not grow with the rows.

        Parameters
        ----------
        data : what was fitted; by default the rows that the fit has kept.
        lags : how many rows back Breusch and Godfrey's test looks; by default 10, or a fifth of the
            rows.
        labels : what the rows of the data are called, those left out for gaps too; by default their
            numbers, counted from 0.

        Raises
        ------
        InputError
            The fit has no rows of its own, the data has changed since, or no residual is left.
        """
        from gausswork.leastsquares.checkup.examination import check

        return check(self, data, lags=lags, labels=labels)

    def influence(self, data: Any = None) -> Influence:
        """Return leverage, studentised residuals, Cook's distance and kin of every row.

        For data that does not fit into memory, the same comes in batches from
        :func:`gausswork.leastsquares.checkup.influence.influence_batches`.

        Parameters
        ----------
        data : what was fitted; by default the rows that the fit has kept.
        """
        from gausswork.leastsquares.checkup.influence import influence_batches, joined

        return joined(list(influence_batches(self, data)))

    def robust(
        self,
        kind: str = "HC3",
        *,
        clusters: Any = None,
        lags: float | None = None,
        kernel: str = "bartlett",
        correction: bool | None = None,
        data: Any = None,
    ) -> Robust:
        """Return standard errors that hold where those of the fit may not; the fit stays as it is.

        Parameters
        ----------
        kind : ``"HC0"`` to ``"HC3"`` for rows of different spread (White 1980; MacKinnon & White
            1985), ``"cluster"`` for rows that belong together, ``"HAC"`` for rows that follow each
            other in time (Newey & West 1987).
        clusters : name of the column that says which rows belong together, or a value for each
            row; a list of two such clusters two ways (Cameron, Gelbach & Miller 2011).
        lags : how many rows apart errors may still be correlated, fewer than the rows; by default
            ⌊4·(n/100)^(2/9)⌋ or as the kernel has it (Newey & West 1994).
        kernel : how a lag j counts, by j/(lags + 1): ``"bartlett"``, ``"parzen"``,
            ``"quadratic-spectral"``, ``"tukey-hanning"`` or ``"truncated"``.
        correction : for clusters whether to multiply by G/(G − 1) · (n − 1)/(n − k) (default: yes),
            for HAC by n/(n − k) (default: no). HC0 to HC3 name theirs.
        data : what was fitted, where the fit does not have its rows.

        Returns
        -------
        Robust

        Raises
        ------
        InputError
            An argument does not go with the data; the message says which, and what to do.
        """
        from gausswork.leastsquares.robust.covariance import robust

        return robust(
            self, kind, clusters=clusters, lags=lags, kernel=kernel, correction=correction,
            data=data,
        )  # fmt: skip

    def test(self, hypotheses: str) -> HypothesisTest:
        """Test linear hypotheses about the coefficients together, by F and chi-square.

        Parameters
        ----------
        hypotheses : equations separated by commas, such as ``"a = b, 2*c - d = 1"``; an expression
            alone says that it is zero. Terms are named as in ``names``, those with spaces or signs
            in backticks.

        Raises
        ------
        InputError
            The text cannot be read (the message points at the character) or contradicts itself.

        Examples
        --------
        >>> import gausswork as gw
        >>> data = {"a": [1, 2, 3, 4, 5], "b": [2, 1, 2, 1, 1], "y": [1, 3, 2, 5, 4]}
        >>> test = gw.fit(data, "y").test("a = b")
        >>> round(test.statistic, 6), test.numerator_df, test.denominator_df
        (9.352657, 1, 2)
        """
        from gausswork.leastsquares.wald import test_fit

        return test_fit(self, hypotheses)

    def show_work(self, data: Any = None) -> str:
        """Return the normal equation with the numbers of this fit, step by step.

        Parameters
        ----------
        data : what was fitted, to show its first rows; by default the rows that the fit has kept.
        """
        from gausswork import work

        return work.show(self, data)

    def plot(
        self, data: Any = None, *, ax: Any = None, path: str | os.PathLike[str] | None = None
    ) -> Any:
        """Draw the fit over its data; return the axes. See :func:`gausswork.plots.fit`.

        Parameters
        ----------
        data : what was fitted; by default the rows that the fit has kept.
        """
        from gausswork import plots

        return plots.fit(self, data, ax=ax, path=path)

    def report(
        self, path: str | os.PathLike[str], data: Any = None, *, level: float = 0.95
    ) -> None:
        """Write an HTML report: one file that needs nothing else, to read, send or print.

        Equation, table with trusted digits, check-up with figures, findings with remedies, summary
        of the data, how to do it again. An older report of that name is replaced; any other file is
        left alone.

        Parameters
        ----------
        path : of the .html file.
        data : what was fitted; by default the rows that the fit has kept.
        level : of the intervals, in (0, 1).
        """
        from gausswork import htmlreport

        htmlreport.write(self, path, data, level=level)

    def update(
        self,
        data: Any,
        target: Any = None,
        *,
        weights: Any = None,
        missing: str = "drop",
        threads: int | None = None,
    ) -> Fit:
        """Return the fit of all rows so far and these, read by the recipe of this fit.

        The earlier rows are not read again: their sums are enough. So the trusted digits are those
        that the sums hold, some fifteen for columns that are not nearly dependent, and no pass can
        add to them. Categories keep their levels, formulas the means and scales that they learned
        from the first rows, weights their column. Nothing of the new rows is kept either.

        Parameters
        ----------
        data : further rows in any form that :func:`fit` takes, with the columns of this fit; or
            another fit of the same recipe.
        target : the (n,) values of the target where ``data`` is an array of predictors.
        weights : of the further rows, where they are not a column of ``data``.
        missing, threads : as of :func:`fit`.

        Raises
        ------
        InputError
            A column is missing, holds something else or a level that the fit has not seen, or the
            method needs all rows together (mini-batches).

        Examples
        --------
        >>> import gausswork as gw
        >>> fit = gw.fit({"x": [1, 2, 3], "y": [3, 5, 7]}, "y")
        >>> fit = fit.update({"x": [4, 5], "y": [9, 11]})
        >>> fit.rows, [float(c) for c in fit.coefficients]
        (5, [1.0, 2.0])
        """
        from gausswork.leastsquares import increments

        return increments.update(
            self, data, target, weights=weights, missing=missing, threads=threads
        )

    def merge(self, *others: Fit) -> Fit:
        """Return the fit of the rows of all these fits together, from their sums.

        Raises
        ------
        InputError
            Their recipes differ: other columns, levels, learned scales or weights.
        """
        from gausswork.leastsquares import increments

        return increments.merge(self, *others)

    def using(self, features: str | Sequence[str], *, intercept: bool | None = None) -> Fit:
        """Return the fit of some of the columns to the same rows, which are not read again.

        Parameters
        ----------
        features : names of columns, as a sequence or ``"a,b"``; of a formula its terms, such as
            ``["a", "log(b)", "a:b"]``. A category is kept with all of its levels.
        intercept : whether to fit one; by default as this fit does.

        Raises
        ------
        InputError
            The fit has no such column, or a formula would code fewer terms in other columns.

        Examples
        --------
        >>> import gausswork as gw
        >>> data = {"a": [1, 2, 3, 4, 5], "b": [2, 1, 2, 1, 1], "y": [1, 3, 2, 5, 4]}
        >>> fit = gw.fit(data, "y")
        >>> [round(float(c), 10) for c in fit.using("a").coefficients]
        [0.6, 0.8]
        """
        from gausswork.leastsquares import subsets

        return subsets.using(self, features, intercept=intercept)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fit as JSON; see :func:`load`. The file is complete or not there."""
        from gausswork.leastsquares import models

        models.save(self, path)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """Return everything that the fit knows as plain data, undefined numbers as None."""
        from gausswork import report

        return report.document(self, level=level)

    def _repr_html_(self) -> str:
        from gausswork import report

        return report.html_fragment(self)

    def __str__(self) -> str:
        from gausswork import report

        return report.printable(self)

    def __repr__(self) -> str:
        return f"Fit(target={self.target!r}, terms={len(self.names)}, rows={self.rows})"


def _rebuilt(state: list[Any]) -> Fit:
    """Make a fit of its unpickled fields."""
    made = object.__new__(Fit)
    for field, value in zip(fields(Fit), state, strict=True):
        object.__setattr__(made, field.name, value)
    return made
