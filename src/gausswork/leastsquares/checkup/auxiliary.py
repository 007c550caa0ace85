"""Auxiliary regressions of a check-up: their sums, collected in one pass, and what they explain.

Breusch and Pagan's test, White's, Ramsey's RESET and Breusch and Godfrey's are regressions of the
residuals or of their squares. Like every regression they are a handful of sums, so that all of them
come from the same pass over the rows, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares import doubledouble as dd
from gausswork.leastsquares.backend import default_backend
from gausswork.leastsquares.checkup.geometry import Geometry, Rows

Array = npt.NDArray[np.float64]

WHITE_COLUMNS = 400  # more squares and products than these are not formed
WHITE_WORK = 1e11  # nor more multiplications than these

_DEPENDENT = 1e-10  # share of a column's squares below which the rest of it is rounding


class HypothesisTest(NamedTuple):
    """A test with its p-value; NaN where it is not defined.

    Attributes
    ----------
    statistic : F, t or chi-square distributed if there is nothing to find.
    df : degrees of freedom; of the numerator for an F test.
    denominator_df : of an F test; 0 otherwise.
    p_value : how often as much is seen where there is nothing to find.
    """

    statistic: float
    df: int
    denominator_df: int
    p_value: float


def chi_square(statistic: float, df: int) -> HypothesisTest:
    """Return a chi-square test; NaN without degrees of freedom."""
    from scipy.special import chdtrc

    if df < 1 or not np.isfinite(statistic):
        return HypothesisTest(float("nan"), df, 0, float("nan"))
    return HypothesisTest(statistic, df, 0, float(chdtrc(float(df), statistic)))


def variance_ratio(statistic: float, df: int, denominator_df: int) -> HypothesisTest:
    """Return an F test; NaN without degrees of freedom."""
    from scipy.special import fdtrc

    if df < 1 or denominator_df < 1 or not np.isfinite(statistic):
        return HypothesisTest(float("nan"), df, denominator_df, float("nan"))
    return HypothesisTest(
        statistic, df, denominator_df, float(fdtrc(df, denominator_df, statistic))
    )


class Explained(NamedTuple):
    """Sums of squares that remain of a response, by stages of regressors.

    Attributes
    ----------
    before, after : what the base leaves, and what base and added columns together leave.
    rank : number of added columns that are not combinations of others.
    """

    before: float
    after: float
    rank: int

    @property
    def share(self) -> float:
        """Share of what the base leaves that the added columns explain; NaN of nothing."""
        return 1.0 - self.after / self.before if self.before > 0.0 else float("nan")


@dataclass(slots=True)
class Gram:
    """Sums of products of q columns, blocks added in double-double."""

    high: Array
    low: Array

    @classmethod
    def of(cls, columns: int) -> Gram:
        """Return the sums of no rows."""
        return cls(np.zeros((columns, columns)), np.zeros((columns, columns)))

    def see(self, part: Array) -> None:
        """Add some rows, (m, q)."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = default_backend().gram(
                part[:, :-1], part[:, -1], np.ones(part.shape[1]), np.zeros(part.shape[1]), 0
            )
            self.high, self.low = dd.add(
                (self.high, self.low), (found.second_high, found.second_low)
            )

    def explained(
        self, response: int, base: range | list[int], added: range | list[int], doubt: float
    ) -> Explained:
        """Regress a column on others by sweeping them out, the largest remainder first.

        Parameters
        ----------
        response : the column to explain.
        base, added : columns swept out first, and then.
        doubt : relative noise of the columns: what is left of a column must exceed its square.
        """
        order = [*base, *added, response]
        size = np.sqrt(np.maximum(self.high.diagonal()[order], 0.0))
        unit = np.where(size > 0.0, size, 1.0)
        rest = self.high[np.ix_(order, order)] / unit[:, None] / unit
        least = max(_DEPENDENT, doubt**2)
        _swept(rest, np.arange(len(base)), least)
        before = float(rest[-1, -1]) * float(unit[-1]) ** 2
        rank = _swept(rest, np.arange(len(base), len(order) - 1), least)
        after = float(rest[-1, -1]) * float(unit[-1]) ** 2
        return Explained(max(before, 0.0), max(after, 0.0), rank)


def _swept(rest: Array, columns: npt.NDArray[np.intp], least: float) -> int:
    """Take columns out of a matrix of products, in place; return how many were independent."""
    left, rank = list(columns), 0
    while left:
        pivots = rest[left, left]
        best = int(np.argmax(pivots))
        if not pivots[best] > least:
            break
        j = left.pop(best)
        column = rest[:, j].copy()
        rest -= np.outer(column, column / column[j])
        rank += 1
    return rank


@dataclass(slots=True)
class Auxiliary:
    """The sums of the auxiliary regressions, and the tests that they give.

    The columns of ``sums`` are those of the fit, the residual e/s, and what may explain it: f² and
    f³ of the standardised fitted values f, and e of up to L rows before; with weights each times
    the root of the weight. Those of ``scatter`` are 1, the coordinates of the predictors (r), f, f²
    and g = n·e²/RSS − 1: what explains the size of errors explains it without weights.

    Attributes
    ----------
    geometry : of the fit.
    lags : L, the rows before whose residuals are looked at.
    products : whether White's squares and products of all predictors are formed.
    sums, scatter : Gram matrices of these columns.
    white : of 1, the coordinates, their squares and products, and g.
    tail : (L,) the latest residuals, the last one last.
    """

    geometry: Geometry
    lags: int
    products: bool
    sums: Gram
    scatter: Gram
    white: Gram | None
    tail: Array

    @classmethod
    def of(cls, geometry: Geometry, lags: int) -> Auxiliary:
        """Return the sums of no rows."""
        r, n = len(geometry.kept), geometry.rows
        columns = r * (r + 1) // 2
        fits = columns <= WHITE_COLUMNS and n * float(columns + r) ** 2 <= WHITE_WORK
        products = columns > 0 and fits and columns + r + 1 < n
        white = Gram.of(2 + r + columns) if products else None
        sums, scatter = Gram.of(geometry.rank + 3 + lags), Gram.of(r + 4)
        return cls(geometry, lags, products, sums, scatter, white, np.zeros(lags))

    def see(self, rows: Rows) -> None:
        """Add some consecutive rows."""
        g, m = self.geometry, len(rows.residual)
        k, r = g.rank, len(g.kept)
        with np.errstate(over="ignore", invalid="ignore"):
            e = rows.scaled / g.residual_sd
            f = (rows.fitted - g.target_mean) - g.target_mean_low
            unit = np.sqrt(g.fitted_square / g.total_weight) if r else 0.0
            f = f / unit if unit > 0.0 else 0.0 * f
            power = f * f if rows.root_weight is None else f * f * rows.root_weight
            part = np.empty((m, k + 3 + self.lags))
            np.multiply(g.coordinates(rows), np.sqrt(g.rows), out=part[:, :k])
            part[:, k], part[:, k + 1], part[:, k + 2] = e, power, power * f
            series = np.concatenate((self.tail, e))
            for lag in range(1, self.lags + 1):
                part[:, k + 2 + lag] = series[self.lags - lag : self.lags - lag + m]
            self.tail = series[len(series) - self.lags :]
            self.sums.see(part)
            part = np.empty((m, r + 4))
            part[:, 0] = 1.0
            np.multiply(rows.unweighted(), np.sqrt(g.total_weight), out=part[:, 1 : r + 1])
            part[:, r + 1], part[:, r + 2] = f, f * f
            part[:, r + 3] = (g.rows / g.degrees_of_freedom) * e * e - 1.0
            self.scatter.see(part)
            if self.white is not None:
                i, j = np.triu_indices(r)
                w = part[:, 1 : r + 1]
                self.white.see(np.hstack((part[:, : r + 1], w[:, i] * w[:, j], part[:, [r + 3]])))

    @property
    def _doubt(self) -> float:
        return 16.0 * self.geometry.tolerance

    def breusch_pagan(self) -> tuple[HypothesisTest, HypothesisTest]:
        """Return Breusch and Pagan's (1979) test, and Koenker's (1981) studentised version.

        Of e² on the predictors: half the explained squares of n·e²/RSS, and n·R².
        """
        r, n = len(self.geometry.kept), self.geometry.rows
        found = self.scatter.explained(r + 3, [0], range(1, r + 1), self._doubt)
        return (
            chi_square(0.5 * (found.before - found.after), found.rank),
            chi_square(n * found.share, found.rank),
        )

    def white_test(self) -> tuple[HypothesisTest, HypothesisTest]:
        """Return White's (1980) test as n·R² and as F.

        Of e² on predictors, squares and products; where those are too many, on the fitted values
        and their squares (Wooldridge 2013, section 8.3).
        """
        r, n = len(self.geometry.kept), self.geometry.rows
        if self.white is not None:
            last = len(self.white.high) - 1
            # without an intercept the predictors are not among the products with one
            first = 1 if self.geometry.intercept else r + 1
            found = self.white.explained(last, [0], range(first, last), self._doubt)
        else:
            found = self.scatter.explained(r + 3, [0], [r + 1, r + 2], self._doubt)
        free = n - found.rank - 1
        ratio = float("nan")
        if found.rank and free > 0 and found.after > 0.0:
            ratio = (found.before - found.after) / found.rank / (found.after / free)
        return chi_square(n * found.share, found.rank), variance_ratio(ratio, found.rank, free)

    def breusch_godfrey(self) -> tuple[HypothesisTest, HypothesisTest]:
        """Return Breusch's (1978) and Godfrey's (1978) test as n·R² and as F.

        Of e on the terms of the fit and e of the L rows before, zero before the first.
        """
        k, n = self.geometry.rank, self.geometry.rows
        added = range(k + 3, k + 3 + self.lags)
        found = self.sums.explained(k, range(k), added, self._doubt)
        free = n - self.geometry.rank - found.rank
        return chi_square(n * found.share, found.rank), self._ratio(found, free)

    def reset(self) -> HypothesisTest:
        """Return Ramsey's (1969) RESET: whether ŷ² and ŷ³ explain what the fit leaves."""
        k = self.geometry.rank
        found = self.sums.explained(k, range(k), [k + 1, k + 2], self._doubt)
        return self._ratio(found, self.geometry.degrees_of_freedom - found.rank)

    def reset_share(self) -> float:
        """Return the share of the residual squares that ŷ² and ŷ³ explain."""
        k = self.geometry.rank
        return self.sums.explained(k, range(k), [k + 1, k + 2], self._doubt).share

    def _ratio(self, found: Explained, free: int) -> HypothesisTest:
        if not found.rank or free < 1 or not found.after > 0.0:
            return HypothesisTest(float("nan"), found.rank, max(free, 0), float("nan"))
        ratio = (found.before - found.after) / found.rank / (found.after / free)
        return variance_ratio(ratio, found.rank, free)
