"""The estimates of a fit as points with intervals."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.leastsquares.inference import check_level
from gausswork.plots.style import COLOURS, axes_on, check_path, finish, ink, save, shown_name

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

_MOST_TERMS = 40


def coefficients(
    fit: Fit,
    *,
    ax: Any = None,
    level: float = 0.95,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the estimates with their confidence intervals, the intercept left out.

    Of more than forty terms those with the largest t are drawn, and the title says so.

    Parameters
    ----------
    fit, ax, level, path : as in :func:`fit`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    level = check_level(level)
    if path is not None:
        check_path(path)
    first = int(fit.solution.intercept)
    terms = np.arange(first, len(fit.names))
    if not len(terms):
        raise InputError("this fit has no term but the intercept, so there is nothing to compare.")
    left_out = len(terms) - _MOST_TERMS
    if left_out > 0:
        size = np.nan_to_num(np.abs(fit.t_values[terms]), nan=-1.0, posinf=np.inf)
        terms = np.sort(terms[np.argsort(-size, kind="stable")[:_MOST_TERMS]])
    ax = axes_on(ax, path, height=1.4 + 0.3 * len(terms))
    intervals = fit.confidence_intervals(level)
    ax.axvline(0.0, color="#999999", linewidth=1.0, zorder=1)
    rows = np.arange(len(terms))[::-1]
    for row, i in zip(rows, terms, strict=True):
        value, (lower, upper) = fit.coefficients[i], intervals[i]
        if np.isnan(value):
            ax.text(0.0, row, "  aliased: no coefficient", va="center", color=ink(ax), fontsize=9)
            continue
        # Filled: the interval leaves zero out. Open: zero is inside, or there is no interval.
        clear = lower > 0.0 or upper < 0.0
        if np.isfinite(lower) and np.isfinite(upper):
            ax.plot([lower, upper], [row, row], color=COLOURS[0], linewidth=2.0, zorder=2)
        ax.plot(
            [value], [row], marker="o", markersize=7, color=COLOURS[0], zorder=3,
            markerfacecolor=COLOURS[0] if clear else ax.get_facecolor(), markeredgewidth=1.5,
        )  # fmt: skip
    ax.set_yticks(rows, [shown_name(fit.names[i], 32) for i in terms])
    ax.set_ylim(-0.7, len(terms) - 0.3)
    ax.set_xlabel(
        f"coefficient with {fmt.percent(level)} interval: change of {shown_name(fit.target, 30)} "
        "per unit"
    )
    title = f"filled: the {fmt.percent(level)} interval leaves out zero"
    if left_out > 0:
        title = f"the {len(terms)} terms with the largest |t| of {len(terms) + left_out}; {title}"
    ax.set_title(title, loc="left", fontsize=10)
    finish(ax, grid="x")
    ax.tick_params(axis="y", length=0)
    if path is not None:
        save(ax.figure, path)
    return ax
