"""The three samplers: what was drawn, over what theory says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.errors import require
from gausswork.normal.distribution import Normal
from gausswork.plots.style import COLOURS, INK, check_path, finish, given_axes, save

if TYPE_CHECKING:
    from gausswork.sampling.comparison import Comparison, Sampler

_TITLES = {
    "normal": "normal: torch.randn",
    "uniform": "uniform: torch.rand",
    "integers": "integers: torch.randint",
}


def samplers(
    comparison: Comparison | None = None,
    *,
    ax: Sequence[Any] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the histograms of normal, uniform and integers side by side, with theory as a line.

    Parameters
    ----------
    comparison : what :func:`gausswork.sampling.compare` returned; of 100,000 values by default.
    ax : three axes to draw on.
    path : file to write, .png, .pdf or .svg.

    Returns
    -------
    (3,) array of matplotlib.axes.Axes

    Raises
    ------
    InputError
        ``ax`` does not hold three axes, or the file cannot be written.
    """
    if path is not None:
        check_path(path)
    if comparison is None:
        from gausswork.sampling.comparison import compare

        comparison = compare()
    axes = _new(path) if ax is None else np.array(given_axes(ax, 3), dtype=object)
    for one, sampler, colour in zip(axes, comparison.samplers, COLOURS, strict=False):
        _draw(one, sampler, colour, comparison.size)
    axes[0].set_ylabel("share of the values, per unit")
    if path is not None:
        save(axes[0].figure, path)
    return axes


def _draw(ax: Any, sampler: Sampler, colour: str, size: int) -> None:
    """Draw one histogram as shares per unit of x, so that bars can be read against the density."""
    edges = np.array(sampler.edges)
    widths = np.diff(edges)
    whole = sampler.name == "integers"
    height = np.array(sampler.counts) / size / widths
    ax.bar(
        edges[:-1] if not whole else edges[:-1] + widths / 2,
        height,
        width=widths * (0.72 if whole else 0.92),
        align="center" if whole else "edge",
        color=colour,
        alpha=0.55,
        linewidth=0,
        label=f"{size:,} drawn",
    )
    if sampler.name == "normal":
        x = np.linspace(edges[0], edges[-1], 301)
        bell = Normal(sampler.theory_mean, sampler.theory_sd)
        ax.plot(x, bell.pdf(x), color=INK, linewidth=1.6, label="theory")
        ax.set_xticks(edges[::8])
    elif whole:
        expected = np.array(sampler.expected) / size / widths
        middle = edges[:-1] + widths / 2
        ax.plot(middle, expected, "D", color=INK, markersize=4, label="theory")
        if len(middle) <= 12:
            ax.set_xticks(middle)
    else:
        low, high = sampler.low, sampler.high
        top = 1.0 / (high - low)
        ax.plot([low, low, high, high], [0, top, top, 0], color=INK, linewidth=1.6, label="theory")
        ax.set_xlim(low - 0.15 * (high - low), high + 0.15 * (high - low))
    ax.set_ylim(0, max(height.max(), max(sampler.expected) / size / widths[0]) * 1.38)
    ax.set_title(_TITLES[sampler.name], fontsize=11)
    ax.set_xlabel("value")
    ax.text(
        0.03,
        0.97,
        f"mean {sampler.mean:.3f} (theory {sampler.theory_mean:.3g})\n"
        f"sd {sampler.sd:.3f} (theory {sampler.theory_sd:.3g})",
        transform=ax.transAxes,
        va="top",
        fontsize=8.5,
        color=INK,
    )
    ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.87), fontsize=8, frameon=False)
    finish(ax, grid="y")


def _new(path: str | os.PathLike[str] | None) -> Any:
    """Return three axes in a row."""
    size = (11.0, 3.7)
    if path is not None:
        figure = require("matplotlib.figure", purpose="Plots", extra="plots").Figure(
            figsize=size, layout="constrained"
        )
        return figure.subplots(1, 3)
    pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
    return pyplot.subplots(1, 3, figsize=size, layout="constrained")[1]
