"""The plane of a fit with two numeric predictors, in space or from above."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import require
from gausswork.leastsquares.prediction import predict, predict_interval
from gausswork.plots.style import COLOURS, Array, ink, shown_name

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

_GRID = 25
_MOST_POINTS = 500  # in space more points hide one another
_MOST_STEMS = 150


def new_space(path: str | os.PathLike[str] | None) -> Any:
    """Return fresh axes in space; off screen if they are only to be written."""
    require("mpl_toolkits.mplot3d", purpose="Plots", extra="plots")
    if path is not None:
        figure = require("matplotlib.figure", purpose="Plots", extra="plots").Figure(
            figsize=(7.4, 6.0), layout="constrained"
        )
    else:
        pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
        figure = pyplot.figure(figsize=(7.4, 6.0), layout="constrained")
    return figure.add_subplot(projection="3d")


def draw_plane(
    ax: Any, fit: Fit, numbers: tuple[int, int], points: tuple[Array, Array] | None, level: float
) -> None:
    """Draw the plane with its bands and the points, in space where ``ax`` has it."""
    ranges = [_range(fit, j, points) for j in numbers]
    first, second = np.meshgrid(*ranges, indexing="ij")
    x = np.zeros((first.size, len(fit.moments.names)))
    x[:, numbers[0]], x[:, numbers[1]] = first.ravel(), second.ravel()
    mean = predict_interval(fit.solution, x, kind="confidence", level=level)
    new = predict_interval(fit.solution, x, kind="prediction", level=level)
    height = mean.value.reshape(first.shape)
    names = [shown_name(fit.moments.names[j], 40) for j in numbers]
    if points is not None:
        points = _some(points)
    if hasattr(ax, "get_zlim"):
        _in_space(ax, fit, numbers, points, (first, second, height))
        banded = bool(np.isfinite(mean.lower).all())
        if banded:
            _bands_in_space(ax, first, second, mean, new)
        ax.set_zlabel(shown_name(fit.target, 40))
        said = f"plane with {fmt.percent(level)} bands: dark of the plane, light of new rows"
        ax.set_title(said if banded else "plane", loc="left", fontsize=10)
        ax.view_init(elev=22, azim=-60)
    else:
        _from_above(ax, fit, numbers, points, (first, second, height))
        half = float(np.median(0.5 * (new.upper - new.lower)))
        more = f"; a new row lies within ± {half:.3g} ({fmt.percent(level)})"
        said = f"lines of equal fitted {shown_name(fit.target, 30)}"
        ax.set_title(said + (more if np.isfinite(half) else ""), loc="left", fontsize=10)
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])


def _in_space(
    ax: Any,
    fit: Fit,
    numbers: tuple[int, int],
    points: tuple[Array, Array] | None,
    plane: tuple[Array, Array, Array],
) -> None:
    ax.plot_surface(*plane, color=COLOURS[0], alpha=0.35, linewidth=0, shade=False)
    ax.plot_wireframe(*plane, rcount=6, ccount=6, color=COLOURS[0], linewidth=0.7, alpha=0.8)
    if points is None:
        return
    x, y = points
    fitted = predict(fit.solution, x)
    a, b = x[:, numbers[0]], x[:, numbers[1]]
    for over, marker, filled in ((y >= fitted, "o", True), (y < fitted, "v", False)):
        ax.scatter(
            a[over], b[over], y[over], s=16, marker=marker, depthshade=False,
            facecolors=COLOURS[1] if filled else "none", edgecolors=COLOURS[1], linewidths=0.9,
            label="above the plane" if filled else "below the plane",
        )  # fmt: skip
    if len(y) <= _MOST_STEMS:
        for i in range(len(y)):
            ax.plot(
                [a[i], a[i]], [b[i], b[i]], [fitted[i], y[i]], color=COLOURS[1], linewidth=0.7,
                alpha=0.6,
            )  # fmt: skip
    ax.legend(loc="upper right", fontsize=8, framealpha=0.85)


def _bands_in_space(ax: Any, first: Array, second: Array, mean: Any, new: Any) -> None:
    for band, alpha in ((mean, 0.22), (new, 0.08)):
        for limit in (band.lower, band.upper):
            ax.plot_surface(
                first, second, limit.reshape(first.shape), color="#808080", alpha=alpha,
                linewidth=0, shade=False,
            )  # fmt: skip


def _from_above(
    ax: Any,
    fit: Fit,
    numbers: tuple[int, int],
    points: tuple[Array, Array] | None,
    plane: tuple[Array, Array, Array],
) -> None:
    drawn = ax.contour(*plane, levels=9, colors=COLOURS[0], linewidths=1.3)
    ax.clabel(drawn, fontsize=8)
    if points is None:
        return
    x, y = points
    over = y >= predict(fit.solution, x)
    for which, marker, label in ((over, "o", "above the plane"), (~over, "v", "below the plane")):
        ax.scatter(
            x[which, numbers[0]], x[which, numbers[1]], s=18, marker=marker, alpha=0.7,
            facecolors=COLOURS[1] if marker == "o" else "none", edgecolors=COLOURS[1],
            linewidths=0.9, label=label, zorder=4,
        )  # fmt: skip
    legend = ax.legend(loc="best", fontsize=9, framealpha=0.85)
    for text in legend.get_texts():
        text.set_color(ink(ax))


def _some(points: tuple[Array, Array]) -> tuple[Array, Array]:
    step = max(1, -(-len(points[1]) // _MOST_POINTS))
    return points[0][::step], points[1][::step]


def _range(fit: Fit, j: int, points: tuple[Array, Array] | None) -> Array:
    """Return where to draw: over the data, or two standard deviations about the mean."""
    if points is not None and len(points[1]):
        column = points[0][:, j]
        low, high = float(column.min()), float(column.max())
    else:
        m = fit.moments
        n = m.total_weight[0]
        mean = float(m.first_high[j]) / n
        sd = float(np.sqrt(max(float(m.second_high[j, j]) / n - mean**2, 0.0)))
        middle = (mean + float(m.shift[j])) / float(m.scale[j])
        low, high = middle - 2 * sd / float(m.scale[j]), middle + 2 * sd / float(m.scale[j])
    return np.linspace(low, high, _GRID) if low < high else np.linspace(low - 0.5, high + 0.5, 2)
