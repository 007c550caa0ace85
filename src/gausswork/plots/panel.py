"""The panel of a check-up: four figures of the residuals, with the rows that stand out named."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.errors import InputError, require
from gausswork.leastsquares.checkup import figures
from gausswork.plots.style import (
    COLOURS,
    MOST_POINTS,
    Array,
    cells,
    check_path,
    finish,
    given_axes,
    halo,
    ink,
    save,
    shown_name,
)

if TYPE_CHECKING:
    from gausswork.leastsquares.checkup.examination import Checkup
    from gausswork.leastsquares.checkup.influence import Influence

PANELS = ("residuals", "qq", "scale", "leverage")

_NAMED = 3  # rows with a label in each figure


def check(
    seen: Any,
    data: Any = None,
    *,
    panel: str | None = None,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the panel of a check-up, or one figure of it.

    Residuals over fitted values; a Q-Q plot with its band; scale and location; leverage with
    contours of Cook's distance. The rows that stand out are named; beyond 5,000 rows points become
    cells that say how many there are.

    Parameters
    ----------
    seen : a check-up, or a fit, which is then checked.
    data : what was fitted, for a fit that has not kept its rows.
    panel : ``"residuals"``, ``"qq"``, ``"scale"`` or ``"leverage"`` for one; by default all.
    ax : matplotlib axes to draw on: one, or four for the whole panel; new ones by default.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes, or a (2, 2) array of them
    """
    if path is not None:
        check_path(path)
    if panel is not None and panel not in PANELS:
        raise InputError(
            f"panel must be one of {', '.join(map(repr, PANELS))}, or None for all; got {panel!r}."
        )
    if hasattr(seen, "check"):
        seen = seen.check(data)
    wanted = PANELS if panel is None else (panel,)
    axes = _axes(ax, len(wanted), path)
    for name, one in zip(wanted, axes, strict=True):
        _DRAWN[name](one, seen)
    if path is not None:
        save(axes[0].figure, path)
    return np.array(axes, dtype=object).reshape(2, 2) if panel is None else axes[0]


def _axes(ax: Any, count: int, path: str | os.PathLike[str] | None) -> list[Any]:
    if ax is not None:
        return given_axes(ax, count, remedy="For one figure of the panel say panel='qq'.")
    size = (10.0, 8.0) if count > 1 else (7.0, 4.6)
    if path is not None:
        figure = require("matplotlib.figure", purpose="Plots", extra="plots").Figure(
            figsize=size, layout="constrained"
        )
    else:
        pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
        figure = pyplot.figure(figsize=size, layout="constrained")
    made = figure.subplots(2, 2) if count > 1 else figure.subplots()
    return list(np.ravel(np.asarray(made, dtype=object)))


def _residuals(ax: Any, seen: Checkup) -> None:
    rows = seen.sample
    _cloud(ax, rows.fitted, rows.residual)
    ax.axhline(0.0, color=ink(ax), linewidth=1.0, alpha=0.6, zorder=2)
    _trend(ax, rows.fitted, rows.residual, "mean of neighbours")
    _named(ax, seen, seen.worst.rows, "studentized", lambda w: (w.fitted, w.residual))
    ax.set_xlabel(f"fitted {shown_name(seen.target, 40)}")
    ax.set_ylabel("residual")
    ax.set_title("Is anything left to explain?", loc="left", fontsize=10)
    finish(ax)


def _qq(ax: Any, seen: Checkup) -> None:
    from gausswork.plots.shape import qq

    z = seen.sample.standardized
    known = z[~np.isnan(z)]
    qq(known, ax=ax, name="standardised residual")
    ax.set_title("Are the residuals bell-shaped?", loc="left", fontsize=10)
    for line in ax.get_legend().get_texts():
        line.set_fontsize(8)

    def at(worst: Influence) -> tuple[Array, Array]:
        return figures.scores(known, worst.standardized), worst.standardized

    _named(ax, seen, seen.worst.rows, "studentized", at, mark=False)


def _scale(ax: Any, seen: Checkup) -> None:
    rows = seen.sample
    size = np.sqrt(np.abs(rows.standardized))
    known = ~np.isnan(size)
    _cloud(ax, rows.fitted[known], size[known])
    _trend(ax, rows.fitted[known], size[known], "mean of neighbours")
    _named(
        ax, seen, seen.worst.rows, "studentized",
        lambda w: (w.fitted, np.sqrt(np.abs(w.standardized))),
    )  # fmt: skip
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(f"fitted {shown_name(seen.target, 40)}")
    ax.set_ylabel("√|standardised residual|")
    ax.set_title("Is the scatter the same everywhere?", loc="left", fontsize=10)
    finish(ax)


def _leverage(ax: Any, seen: Checkup) -> None:
    rows, worst = seen.sample, seen.worst.rows
    known = ~np.isnan(rows.standardized)
    _cloud(ax, rows.leverage[known], rows.standardized[known])
    ax.axhline(0.0, color=ink(ax), linewidth=1.0, alpha=0.6, zorder=2)
    right = 1.08 * max(np.max(rows.leverage, initial=0.0), np.max(worst.leverage, initial=0.0))
    r = np.concatenate((rows.standardized[known], worst.standardized))
    bottom, top = np.nanmin(r, initial=-1.0), np.nanmax(r, initial=1.0)
    room = 0.12 * (top - bottom)
    ax.set_xlim(0.0, min(right, 1.0))
    ax.set_ylim(bottom - room, top + room)
    _contours(ax, seen.rank)
    mean = seen.rank / seen.rows
    ax.axvline(2.0 * mean, color="#808080", linewidth=1.0, linestyle=(0, (1, 2)), zorder=2)
    _named(ax, seen, worst, "cooks_distance", lambda w: (w.leverage, w.standardized))
    ax.set_xlabel("leverage (dotted: twice the average)")
    ax.set_ylabel("standardised residual")
    ax.set_title("Does a single row decide?", loc="left", fontsize=10)
    finish(ax)


_DRAWN: dict[str, Callable[[Any, Any], None]] = {
    "residuals": _residuals,
    "qq": _qq,
    "scale": _scale,
    "leverage": _leverage,
}


def _contours(ax: Any, rank: int) -> None:
    """Draw where Cook's distance is 0.5 and 1, as far as that lies in the figure."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    h = np.linspace(max(left, 1e-6), min(right, 1.0 - 1e-9), 400)
    for level in figures.CONTOURS:
        r = figures.cook_contour(h, level, rank)
        for sign in (1.0, -1.0):
            inside = (sign * r <= top) & (sign * r >= bottom)
            if not inside.any():
                continue
            ax.plot(
                h[inside], sign * r[inside], color=COLOURS[1], linewidth=1.2,
                linestyle=(0, (5, 2)), zorder=3, label=f"Cook's distance {level:g}",
            )  # fmt: skip
            ax.annotate(
                f"{level:g}", (h[inside][-1], sign * r[inside][-1]), fontsize=8,
                xytext=(-3, 4 * sign), textcoords="offset points",
                color=COLOURS[1], ha="right", va="bottom" if sign > 0 else "top",
            )  # fmt: skip
    handles = ax.get_legend_handles_labels()[0]
    if handles:
        ax.legend(handles[:1], ["Cook's distance"], loc="lower left", fontsize=8, framealpha=0.85)


def _cloud(ax: Any, x: Array, y: Array) -> None:
    """Draw points, or how many there are in cells; many points are one picture in a file."""
    if len(x) > MOST_POINTS:
        cells(ax, x, y)
        return
    ax.scatter(
        x, y, s=20.0 if len(x) <= 300 else 10.0, color=COLOURS[0], alpha=0.55, linewidths=0,
        zorder=3, rasterized=len(x) > 400,
    )  # fmt: skip


def _trend(ax: Any, x: Array, y: Array, label: str) -> None:
    """Draw the mean of y over groups of neighbouring x, where there are rows enough to have one."""
    found = figures.trend(x, y)
    if found is None:
        return
    (line,) = ax.plot(*found, color=COLOURS[1], linewidth=2.0, zorder=5, label=label)
    halo(line)


def _named(
    ax: Any,
    seen: Checkup,
    worst: Influence,
    measure: str,
    place: Callable[[Influence], tuple[Array, Array]],
    *,
    mark: bool = True,
) -> None:
    """Name the rows that lead in a measure, beside their points."""
    from gausswork.leastsquares.checkup.extremes import strength

    size = strength(worst, measure)
    leading = worst.take(np.argsort(-size, kind="stable")[:_NAMED])
    x, y = place(leading)
    known = np.isfinite(x) & np.isfinite(y)
    if mark:
        ax.scatter(
            x[known], y[known], s=46, facecolors="none", edgecolors=COLOURS[1], linewidths=1.3,
            zorder=6,
        )  # fmt: skip
    left, right = ax.get_xlim()
    for i in np.flatnonzero(known):
        beside = x[i] > 0.5 * (left + right)  # towards the middle, so that no name is cut off
        ax.annotate(
            shown_name(seen.label(int(leading.row[i])), 18), (x[i], y[i]),
            xytext=(-6 if beside else 6, 3 if y[i] >= 0 else -3), textcoords="offset points",
            ha="right" if beside else "left", va="bottom" if y[i] >= 0 else "top", fontsize=8,
            color=ink(ax), zorder=7, annotation_clip=True,
        )  # fmt: skip
