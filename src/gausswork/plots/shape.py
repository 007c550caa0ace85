"""Figures of shapes beside a bell: the Q-Q plot, the histogram, the central limit theorem."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.normal.bands import quantile_points
from gausswork.normal.bins import histogram_of
from gausswork.plots.style import COLOURS, Array, axes_on, check_path, finish, halo, new_grid, save
from gausswork.plots.style import shown_name as _shown

if TYPE_CHECKING:
    from gausswork.normal.limit import CentralLimit

_GREY = "#808080"  # seen on white and on black


def qq(
    sample: Any,
    *,
    ax: Any = None,
    level: float = 0.95,
    band: str = "simultaneous",
    detrend: bool = False,
    name: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw ordered values over where a bell would have them: on the line, if it is one.

    Parameters
    ----------
    sample : (n,) numbers; entries without a value are left out.
    ax : matplotlib axes to draw on; new ones by default.
    level, band : with ``"simultaneous"``, 95 of 100 bells stay in the band with all their points;
        with ``"pointwise"``, any one point of a bell is in it that often at least, and many a bell
        leaves it somewhere: a quarter of those with 200 values.
    detrend : draw the distance from the line instead, which shows more of large samples.
    name : what the values are, for the axis; by default the name that a column brings along.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if path is not None:
        check_path(path)
    name = _name_of(sample, name)
    points = quantile_points(sample, level=level, band=band)
    ax = axes_on(ax, path)
    line = points.mean + points.sd * points.score
    base = line if detrend else np.zeros_like(line)
    ax.fill_between(
        points.score, points.lower - base, points.upper - base,
        color=_GREY, alpha=0.28, linewidth=0, zorder=1,
        label=f"{fmt.percent(level)} band, {band}",
    )  # fmt: skip
    (drawn,) = ax.plot(
        points.score, line - base, color=COLOURS[1], linewidth=1.8, zorder=3,
        label="a bell with this mean and sd",
    )  # fmt: skip
    halo(drawn)
    value = points.value - base
    outside = (points.value < points.lower) | (points.value > points.upper)
    size = 18.0 if points.count <= 300 else 9.0
    ax.scatter(
        points.score[~outside], value[~outside], s=size, marker="o", color=COLOURS[0],
        alpha=0.75, linewidths=0, zorder=4,
    )  # fmt: skip
    if outside.any():
        # Outside the band: other marker, so that colour is not the only signal.
        ax.scatter(
            points.score[outside], value[outside], s=2.2 * size, marker="x", color=COLOURS[3],
            linewidths=1.2, zorder=5, label="outside the band",
        )  # fmt: skip
    ax.set_xlabel("where a bell has it, in standard deviations from the mean")
    ax.set_ylabel(f"{_shown(name, 40)}{' minus the line' if detrend else ''}")
    some = "" if len(points.score) == points.count else f", {len(points.score):,} of them drawn"
    inside = "all points in the band" if not points.outside else "points leave the band"
    ax.set_title(f"{points.count:,} values{some}: {inside}", loc="left", fontsize=10)
    ax.legend(loc="best" if detrend else "upper left", fontsize=9, framealpha=0.85)
    finish(ax)
    if path is not None:
        save(ax.figure, path)
    return ax


def histogram(
    sample: Any,
    *,
    ax: Any = None,
    bins: int | None = None,
    name: str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw how many values lie where, under the bell with their mean and standard deviation.

    Parameters
    ----------
    sample : (n,) numbers; entries without a value are left out.
    bins : how many; by default as many as the values bear (Freedman and Diaconis), and whole steps
        wide where the values are rounded. A few values far out do not stretch the axis: they are
        counted at its ends.
    ax, name, path : as in :func:`qq`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if path is not None:
        check_path(path)
    name = _name_of(sample, name)
    found = histogram_of(sample, bins=bins)
    ax = axes_on(ax, path)
    width = found.edges[1] - found.edges[0]
    ax.bar(
        found.edges[:-1], found.counts, width=width, align="edge", color=COLOURS[0], alpha=0.55,
        edgecolor=COLOURS[0], linewidth=0.6, zorder=2,
    )  # fmt: skip
    x, expected = _bell(found.edges, found.mean, found.sd, found.count)
    (curve,) = ax.plot(
        x, expected, color=COLOURS[1], linewidth=2.2, zorder=4,
        label=f"bell: mean {_of(found.mean)}, sd {_of(found.sd)}",
    )  # fmt: skip
    halo(curve)
    behind = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "alpha": 0.8}
    if found.below:
        ax.text(0.01, 0.04, f"← {found.below:,} farther out", transform=ax.transAxes, fontsize=9,
                zorder=6, bbox=behind)  # fmt: skip
    if found.above:
        ax.text(0.99, 0.04, f"{found.above:,} farther out →", transform=ax.transAxes, fontsize=9,
                ha="right", zorder=6, bbox=behind)  # fmt: skip
    ax.set_xlim(found.edges[0], found.edges[-1])
    ax.set_ylim(0.0, 1.12 * max(float(found.counts.max()), float(expected.max())))
    ax.set_xlabel(_shown(name, 60))
    ax.set_ylabel(f"values in a bin of {_of(width)}")
    ax.set_title(f"{found.count:,} values", loc="left", fontsize=10)
    ax.legend(loc="upper right", fontsize=9, framealpha=0.85)
    finish(ax, grid="y")
    if path is not None:
        save(ax.figure, path)
    return ax


def _bell(edges: Array, mean: float, sd: float, count: int) -> tuple[Array, Array]:
    """Return a fine grid, and how many values a bell has in a bin centred there."""
    from scipy.special import ndtr

    half = 0.5 * (edges[1] - edges[0])
    x = np.linspace(edges[0], edges[-1], 400)
    return x, count * (ndtr((x + half - mean) / sd) - ndtr((x - half - mean) / sd))


def _name_of(sample: Any, name: str | None) -> str:
    own = getattr(sample, "name", None)
    return name or (own if isinstance(own, str) and own else "value")


def _of(value: float) -> str:
    return fmt.significant(value, 4, strip=True) if math.isfinite(value) else "—"


def central_limit(
    found: CentralLimit, *, ax: Any = None, path: str | os.PathLike[str] | None = None
) -> Any:
    """Draw the means of :func:`gausswork.central_limit` under the normal that is predicted.

    Parameters
    ----------
    found : what :func:`gausswork.central_limit` returned.
    ax, path : as in :func:`qq`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if path is not None:
        check_path(path)
    ax = axes_on(ax, path)
    step = found.population.step / found.n
    counted = histogram_of(found.means, lattice=step or None)
    width = counted.edges[1] - counted.edges[0]
    ax.bar(
        counted.edges[:-1], counted.counts, width=width, align="edge", color=COLOURS[0],
        alpha=0.55, edgecolor=COLOURS[0], linewidth=0.6, zorder=2,
        label=f"{found.repeats:,} means of {found.n:,} draws",
    )  # fmt: skip
    x, expected = _bell(counted.edges, found.mean, found.sd, found.repeats)
    (curve,) = ax.plot(
        x, expected, color=COLOURS[1], linewidth=2.2, zorder=4,
        label=f"predicted: mean {_of(found.mean)}, sd {_of(found.sd)}",
    )  # fmt: skip
    halo(curve)
    ax.set_xlim(counted.edges[0], counted.edges[-1])
    ax.set_ylim(0.0, 1.25 * max(float(counted.counts.max()), float(expected.max())))
    ax.set_xlabel(f"mean of {found.n:,} draws from {_shown(found.population.name, 40)}")
    ax.set_ylabel(f"means in a bin of {_of(width)}")
    allowed = (
        f"; Berry–Esseen allows {100 * min(found.bound, 1.0):.2g}"
        if math.isfinite(found.bound)
        else ""
    )
    ax.set_title(
        f"off the prediction by up to {100 * found.distance:.2g} percentage points{allowed}",
        loc="left", fontsize=10,
    )  # fmt: skip
    ax.legend(loc="upper right", fontsize=9, framealpha=0.85)
    finish(ax, grid="y")
    if path is not None:
        save(ax.figure, path)
    return ax


def samples(columns: Mapping[str, Any], *, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw a row for each sample: its histogram, and its Q-Q plot beside it.

    Parameters
    ----------
    columns : name -> values, one at least.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    (rows, 2) array of matplotlib.axes.Axes
    """
    if not columns:
        raise InputError("columns is empty: pass one sample at least, as in {'height': values}.")
    if path is not None:
        check_path(path)
    figure, axes = new_grid(path, rows=len(columns), columns=2)
    for row, (name, values) in zip(axes, columns.items(), strict=True):
        histogram(values, ax=row[0], name=name)
        qq(values, ax=row[1], name=name)
    if path is not None:
        save(figure, path)
    return axes
