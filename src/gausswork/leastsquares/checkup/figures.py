"""What the four figures of a check-up show, as numbers: points, trends, band and contours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gausswork.leastsquares.checkup.influence import Influence, joined
from gausswork.normal.bands import QuantilePoints, quantile_points

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup

Array = npt.NDArray[np.float64]

CONTOURS = (0.5, 1.0)  # of Cook's distance
_BINS = 15  # places of a trend line
_LEAST_BIN = 12  # rows in each of them
_LEAST_VALUES = 3  # for a band around a bell


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """The four figures of a check-up.

    Attributes
    ----------
    rows : some rows, those that weigh most among them, in the order of the data; (m,) each.
    score : (m,) where a bell has a standardised residual of this rank; NaN where there is none.
    root : (m,) √|standardised residual|, for scale over location.
    trend : places and means of the residuals of neighbours along the fitted values; None where
        rows are too few.
    root_trend : the same of ``root``.
    quantiles : the Q-Q plot of the standardised residuals with its band; None where undefined.
    contours : level of Cook's distance → leverage and size of the standardised residual on it.
    mean_leverage : rank / rows.
    """

    rows: Influence
    score: Array
    root: Array
    trend: tuple[Array, Array] | None
    root_trend: tuple[Array, Array] | None
    quantiles: QuantilePoints | None
    contours: dict[float, tuple[Array, Array]]
    mean_leverage: float


def figures(seen: Checkup, *, most: int = 1_500) -> Figures:
    """Return the figures of a check-up with at most so many points, and the worst rows.

    Trends, scores and band are those of all rows that the check-up has kept.
    """
    whole, worst = seen.sample, seen.worst.rows
    size = np.sqrt(np.abs(whole.standardized))
    known = np.isfinite(whole.standardized)
    step = max(1, -(-len(whole) // most))
    thinned = whole.take(np.arange(0, len(whole), step))
    rest = worst.take(np.flatnonzero(~np.isin(worst.row, thinned.row)))
    rows = joined([thinned, rest])
    rows = rows.take(np.argsort(rows.row, kind="stable"))
    values = whole.standardized[known]
    defined = len(values) >= _LEAST_VALUES and bool(np.ptp(values) > 0.0)
    top = max(np.max(rows.leverage, initial=0.0), 2.0 * seen.rank / seen.rows)
    leverage = np.linspace(1e-6, min(1.08 * top, 1.0 - 1e-9), 200)
    return Figures(
        rows=rows,
        score=scores(values, rows.standardized),
        root=np.sqrt(np.abs(rows.standardized)),
        trend=trend(whole.fitted, whole.residual),
        root_trend=trend(whole.fitted[known], size[known]),
        quantiles=quantile_points(values) if defined else None,
        contours={
            level: (leverage, cook_contour(leverage, level, seen.rank)) for level in CONTOURS
        },
        mean_leverage=seen.rank / seen.rows,
    )


def trend(x: Array, y: Array) -> tuple[Array, Array] | None:
    """Return the mean of y over groups of neighbouring x, smoothed by the groups beside them.

    Parameters
    ----------
    x, y : (n,) finite numbers.

    Returns
    -------
    (g,) means of x, ascending, and (g,) of y; None where n is below 36 or x does not vary enough.
    """
    groups = min(_BINS, len(x) // _LEAST_BIN)
    if groups < 3 or not np.ptp(x) > 0.0:
        return None
    parts = np.array_split(np.argsort(x, kind="stable"), groups)
    centres = np.array([x[part].mean() for part in parts])
    means = np.array([y[part].mean() for part in parts])
    kept = np.append(True, np.diff(centres) > 0.0)
    if kept.sum() < 3:
        return None
    beside = np.pad(means, 1, mode="edge")
    means = 0.25 * (beside[:-2] + 2.0 * means + beside[2:])
    return centres[kept], means[kept]


def scores(sample: Array, values: Array) -> Array:
    """Return where a bell with mean 0 and sd 1 has values of their ranks in a sample (Blom 1958).

    Parameters
    ----------
    sample : (n,) finite numbers.
    values : (m,) numbers whose ranks among them are wanted; NaN gives NaN.
    """
    from scipy.special import ndtri

    order, n = np.sort(sample), len(sample)
    if not n:
        return np.full(len(values), np.nan)
    rank = np.searchsorted(order, values, side="left") + 1.0
    found: Array = ndtri((np.clip(rank, 1.0, n) - 0.375) / (n + 0.25))
    return np.where(np.isnan(values), np.nan, found)


def cook_contour(leverage: Array, level: float, rank: int) -> Array:
    """Return the size of the standardised residual at which Cook's distance has a level.

    From D = r² h / ((1 − h) k) (Cook 1977).

    Parameters
    ----------
    leverage : (m,) h, in (0, 1).
    rank : k, the number of coefficients.
    """
    found: Array = np.sqrt(level * max(rank, 1) * (1.0 - leverage) / leverage)
    return found
