"""A fit drawn over its data: lines, level means, or observed against fitted values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError, require
from gausswork.leastsquares.inference import check_level, t_quantile
from gausswork.leastsquares.prediction import Prediction, predict, predict_interval
from gausswork.leastsquares.rows import spread_rows
from gausswork.plots.plane import draw_plane, new_space
from gausswork.plots.style import (
    COLOURS,
    LINES,
    MARKERS,
    MOST_POINTS,
    check_path,
    density,
    finish,
    given_axes,
    halo,
    ink,
    new_axes,
    save,
    shown_name,
)

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

_MOST_ROWS = 200_000  # as many are read for a density
_MOST_GROUPS = 6
_MOST_BANDS = 3  # of prediction: more would hide one another
_GRID = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """What a fit looks like from above: which picture shows it.

    Attributes
    ----------
    number : index of the only numeric predictor; None if there is none or more than one.
    category : name of the only category; None likewise.
    groups : (label, {design column: 0 or 1}) for each level, the reference first; one group
        without a label where there is no category.
    plane : indexes of the two numeric predictors, where there are no others.
    """

    number: int | None
    category: str | None
    groups: tuple[tuple[str, dict[int, float]], ...]
    plane: tuple[int, int] | None = None


def fit(
    fit: Fit,
    data: Any = None,
    *,
    ax: Any = None,
    level: float = 0.95,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw a fit over its data.

    One numeric predictor: the points, the line, a confidence band for the line and a prediction
    band for new points; with one category beside it, a line for each level. One category alone:
    the level means. Two numeric predictors alone: the plane with its bands and the points above and
    below it, in space; on flat axes its lines of equal height. Otherwise: observed against fitted
    values.

    Parameters
    ----------
    fit : what to draw.
    data : the data that was fitted (for arrays the pair ``(X, y)``), read once more for the
        points; by default the rows that the fit has kept. A fit that was loaded, or made from a
        stream, has none: without data lines and bands alone are drawn.
    ax : matplotlib axes to draw on; new ones by default.
    level : of both bands, in (0, 1).
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes
    """
    level = check_level(level)
    if path is not None:
        check_path(path)
    shape = _shape(fit)
    if ax is None:
        ax = new_axes(path) if shape.plane is None else new_space(path)
    else:
        ax = given_axes(ax, 1)[0]
    known = data is not None or fit.source is not None
    points = spread_rows(fit, data, _MOST_ROWS) if known else None
    if shape.number is not None:
        _lines(ax, fit, shape, points, level)
    elif shape.category is not None:
        _levels(ax, fit, shape, points, level)
    elif shape.plane is not None:
        draw_plane(ax, fit, shape.plane, points, level)
    elif points is not None:
        _observed(ax, fit, points, level)
    else:
        raise InputError(
            "a fit with so many predictors is drawn as observed against fitted values, "
            "which needs the rows. Draw it where they are: with fit.plot(data), or with "
            "gausswork fit DATA --plot FILE."
        )
    if not hasattr(ax, "get_zlim"):
        finish(ax)
    if path is not None:
        save(ax.figure, path)
    return ax


def is_plane(fit: Fit) -> bool:
    """Whether a fit is drawn as a plane in space."""
    return _shape(fit).plane is not None


def _interval(fit: Fit, x: Array, *, kind: str, level: float) -> Prediction:
    """Return predictions with their limits; NaN where the fit has no errors to draw them from."""
    if fit.solution.minimal and not fit.solution.ridge:
        return predict_interval(fit.solution, x, kind=kind, level=level)
    value = predict(fit.solution, x)
    nothing = np.full(len(x), np.nan)
    return Prediction(value, nothing, nothing)


def _shape(fit: Fit) -> Shape:
    """Decide on the picture from the design; aliased columns stand for nothing of their own."""
    if fit.design.formula is not None:
        return Shape(None, None, (("", {}),))
    at, numbers, categories = 0, [], []
    for column in fit.design.columns:
        width = len(column.names)
        if column.levels:
            categories.append((column, at))
        else:
            numbers.append(at)
        at += width
    if len(numbers) == 2 and not categories and not fit.solution.dependencies:
        return Shape(None, None, (("", {}),), (numbers[0], numbers[1]))
    if len(numbers) > 1 or len(categories) > 1:
        return Shape(None, None, (("", {}),))
    number = numbers[0] if numbers else None
    if not categories:
        return Shape(number, None, (("", {}),))
    column, start = categories[0]
    if len(column.levels) > _MOST_GROUPS:
        return Shape(None, None, (("", {}),))
    coded = range(start, start + len(column.levels) - 1)
    groups = tuple(
        (level, {j: float(j == start + i - 1) for j in coded})
        for i, level in enumerate(column.levels)
    )
    return Shape(number, column.name, groups)


def _lines(
    ax: Any, fit: Fit, shape: Shape, points: tuple[Array, Array] | None, level: float
) -> None:
    """Draw one line for each group over the numeric predictor."""
    number = shape.number
    assert number is not None
    crowded = len(shape.groups) > _MOST_BANDS
    everything = points is not None and len(points[1]) > MOST_POINTS
    if points is not None and everything:
        density(ax, points[0][:, number], points[1])
    handles: list[tuple[Any, str]] = []
    banded = False
    for g, (label, code) in enumerate(shape.groups):
        colour, marker = COLOURS[g], MARKERS[g]
        if everything and len(shape.groups) == 1:
            colour = COLOURS[1]  # orange stands out from the grey cells
        own = None if points is None else _of_group(points, code)
        if own is not None and not everything:
            ax.scatter(
                own[0][:, number], own[1], s=16, marker=marker, alpha=0.45, zorder=2,
                facecolors="none" if g % 2 else colour, edgecolors=colour, linewidths=0.8,
            )  # fmt: skip
        grid = _range(fit, number, own, points)
        x = np.zeros((len(grid), len(fit.moments.names)))
        x[:, number] = grid
        for j, value in code.items():
            x[:, j] = value
        mean = _interval(fit, x, kind="confidence", level=level)
        new = _interval(fit, x, kind="prediction", level=level)
        (line,) = ax.plot(
            grid, mean.value, color=colour, linestyle=LINES[g], linewidth=2.0, zorder=5
        )
        if everything:
            halo(line)
        _bands(ax, grid, mean, None if crowded else new, colour, LINES[g])
        # Over one value, or without a value, a line is a point or nothing.
        drawn = grid[0] < grid[-1] and bool(np.isfinite(mean.value).any())
        banded = banded or (drawn and bool(np.isfinite(mean.lower).any()))
        handles.append((line if drawn else None, label))
    _legend(
        ax, shape, handles, banded, level,
        marked=points is not None and not everything, crowded=crowded,
    )  # fmt: skip
    name = fit.moments.names[number]
    ax.set_xlabel(shown_name(name, 60))
    ax.set_ylabel(shown_name(fit.target, 60))
    ax.set_title(_caption(fit, points), loc="left", fontsize=10)


def _bands(
    ax: Any, grid: Array, mean: Prediction, new: Prediction | None, colour: str, style: Any
) -> None:
    if np.isnan(mean.lower).all():
        return
    ax.fill_between(grid, mean.lower, mean.upper, color=colour, alpha=0.28, linewidth=0, zorder=4)
    for limit in () if new is None else (new.lower, new.upper):
        ax.plot(grid, limit, color=colour, linestyle=style, linewidth=0.9, alpha=0.8, zorder=3)


def _levels(
    ax: Any, fit: Fit, shape: Shape, points: tuple[Array, Array] | None, level: float
) -> None:
    """Draw the mean of each level of the only category, with its interval, over the points."""
    for g, (_, code) in enumerate(shape.groups):
        colour = COLOURS[g]
        if points is not None:
            _, y = _of_group(points, code)
            y = y[:: max(1, -(-len(y) // MOST_POINTS))]
            # An even spread instead of a random one: the same figure every time.
            aside = ((np.arange(len(y)) * 0.6180339887498949) % 1.0 - 0.5) * 0.5
            ax.scatter(
                g + aside, y, s=14, marker=MARKERS[g], alpha=0.35, zorder=2,
                facecolors="none" if g % 2 else colour, edgecolors=colour, linewidths=0.8,
            )  # fmt: skip
        x = np.zeros((1, len(fit.moments.names)))
        for j, value in code.items():
            x[:, j] = value
        mean = _interval(fit, x, kind="confidence", level=level)
        if np.isfinite(mean.lower[0]):
            ax.plot([g, g], [mean.lower[0], mean.upper[0]], color=ink(ax), linewidth=3.0, zorder=4)
        ax.plot([g], mean.value, marker="o", color=ink(ax), markersize=8, zorder=5)
    ax.set_xticks(range(len(shape.groups)), [shown_name(label, 20) for label, _ in shape.groups])
    ax.set_xlim(-0.6, len(shape.groups) - 0.4)
    ax.set_xlabel(shown_name(shape.category or "", 60))
    ax.set_ylabel(shown_name(fit.target, 60))
    ax.set_title(
        f"dots: level means with {fmt.percent(level)} intervals; {_caption(fit, points)}",
        loc="left", fontsize=10,
    )  # fmt: skip


def _observed(ax: Any, fit: Fit, points: tuple[Array, Array], level: float) -> None:
    """Draw observed against fitted values with the line where they are equal."""
    from gausswork.leastsquares.prediction import predict

    fitted, y = predict(fit.solution, points[0]), points[1]
    if len(y) > MOST_POINTS:
        density(ax, fitted, y)
    else:
        ax.scatter(
            fitted, y, s=16, alpha=0.45, facecolors=COLOURS[0], edgecolors=COLOURS[0],
            linewidths=0.8, zorder=2,
        )  # fmt: skip
    ends = np.array([fitted.min(), fitted.max()])
    colour = COLOURS[1] if len(y) > MOST_POINTS else ink(ax)
    (line,) = ax.plot(ends, ends, color=colour, linewidth=1.8, zorder=5)
    if len(y) > MOST_POINTS:  # dots would be cut in two by an edge
        halo(line)
    handles, labels = [line], ["observed = fitted"]
    drawn = ends[0] < ends[1]  # one fitted value makes a point
    if drawn and _has_band(fit):
        # The leverage of an average row: rank / n.
        half = t_quantile(level, fit.degrees_of_freedom) * fit.residual_sd
        half *= float(np.sqrt(1.0 + fit.rank / fit.rows))
        for sign in (-1.0, 1.0):
            (edge,) = ax.plot(
                ends,
                ends + sign * half,
                color=colour,
                linewidth=1.1,
                linestyle=(0, (6, 2)),
                zorder=4,
            )
        handles.append(edge)
        labels.append(f"{fmt.percent(level)} prediction, at average leverage")
    if drawn:
        ax.legend(handles, labels, loc="upper left", fontsize=9, framealpha=0.9)
    ax.set_xlabel(f"fitted {shown_name(fit.target, 50)}")
    ax.set_ylabel(f"observed {shown_name(fit.target, 50)}")
    ax.set_title(_caption(fit, points), loc="left", fontsize=10)


def _legend(
    ax: Any,
    shape: Shape,
    lines: Sequence[tuple[Any, str]],
    bands: bool,
    level: float,
    *,
    marked: bool,
    crowded: bool,
) -> None:
    lines2d = require("matplotlib.lines", purpose="Plots", extra="plots")
    patches = require("matplotlib.patches", purpose="Plots", extra="plots")
    handles: list[Any] = []
    labels: list[str] = []
    for g, (line, label) in enumerate(lines):
        if line is None and not (marked and shape.category):
            continue  # neither a line nor a marker to explain
        colour = COLOURS[g] if line is None else line.get_color()
        handles.append(
            lines2d.Line2D(
                [],
                [],
                color=colour,
                linestyle="" if line is None else LINES[g],
                linewidth=2.0,
                marker=MARKERS[g] if marked else "",
                markersize=5,
                markerfacecolor="none" if g % 2 else colour,
            )
        )
        labels.append(
            shown_name(f"{shape.category} = {label}", 40) if shape.category else "fitted line"
        )
    if bands:
        colour = handles[0].get_color() if len(lines) == 1 else "#777777"
        handles.append(patches.Patch(color=colour, alpha=0.28, linewidth=0))
        labels.append(f"{fmt.percent(level)} confidence, of the line")
        if not crowded:
            handles.append(lines2d.Line2D([], [], color=colour, linewidth=0.9))
            labels.append(f"{fmt.percent(level)} prediction, of a new row")
    if not handles:
        return
    place: dict[str, Any] = {"loc": "best"}
    if crowded:  # beside the axes: there is no room among so many lines
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    ax.legend(handles, labels, fontsize=9, framealpha=0.9, handlelength=3.4, **place)


def _caption(fit: Fit, points: tuple[Array, Array] | None) -> str:
    shown = ""
    if points is not None and len(points[1]) < fit.rows:
        shown = f", {len(points[1]):,} of them drawn"
    share = fit.r_squared
    explained = "" if np.isnan(share) else f", R² = {share:.3f}"
    return f"{fit.rows:,} row{'s' if fit.rows != 1 else ''}{shown}{explained}"


def _has_band(fit: Fit) -> bool:
    return fit.degrees_of_freedom > 0


def _of_group(points: tuple[Array, Array], code: dict[int, float]) -> tuple[Array, Array]:
    x, y = points
    keep = np.ones(len(y), dtype=np.bool_)
    for j, value in code.items():
        keep &= x[:, j] == value
    return x[keep], y[keep]


def _range(
    fit: Fit,
    number: int,
    own: tuple[Array, Array] | None,
    points: tuple[Array, Array] | None,
) -> Array:
    """Return where to draw a line: over the data, or two standard deviations about the mean."""
    for rows in (own, points):
        if rows is not None and len(rows[1]):
            column = rows[0][:, number]
            return np.linspace(float(column.min()), float(column.max()), _GRID)
    m = fit.moments
    n, k = m.rows, number
    about = float(m.second_high[k, k]) / n - (float(m.first_high[k]) / n) ** 2
    sd = float(np.sqrt(max(about, 0.0)) / m.scale[k])
    middle = (float(m.first_high[k]) / n + float(m.shift[k])) / float(m.scale[k])
    return np.linspace(middle - 2 * sd, middle + 2 * sd, _GRID)
