"""Figures of starting networks: what weights are drawn from, and what layers make of a batch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError, require
from gausswork.initialization import ridges
from gausswork.plots.style import (
    COLOURS,
    INK,
    LINES,
    MARKERS,
    axes_on,
    check_path,
    finish,
    given_axes,
    save,
    shown_name,
)

if TYPE_CHECKING:
    from gausswork.initialization.doctor import Diagnosis, LayerHealth

Array = npt.NDArray[np.float64]
Diagnoses = "Diagnosis | Mapping[str, Diagnosis]"

_BINS = 80
_RIDGE = 1.7  # height of a ridge in rows: a little over its neighbour
_MOST_RIDGES = 24
_MOST_SCHEMES = 6
_DRAWS = 40_000
_GRID = "#e4e4e4"


def layers(
    diagnosis: Diagnosis | Mapping[str, Diagnosis],
    *,
    of: str = "activations",
    log: bool = True,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw a histogram for each layer, the first layer on top.

    Parameters
    ----------
    diagnosis : what ``diagnose`` returns, or several by name to have them side by side.
    of : ``"activations"`` or ``"gradients"``, those of the loss by the outputs of the layers.
    log : whether the axis is the size of the numbers in powers of ten, which shows growth and
        decay of any degree; otherwise the numbers themselves. Zeros are counted beside the layer.
    ax : axes to draw on; as many as there are diagnoses. New ones by default.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes, or a list of them for several diagnoses.
    """
    if of not in ("activations", "gradients"):
        raise InputError(f"of must be 'activations' or 'gradients'; got {of!r}.")
    named, several = _named(diagnosis)
    if path is not None:
        check_path(path)
    rows = max(min(len(d.layers), _MOST_RIDGES) for d in named.values())
    axes = _axes(ax, len(named), path, height=1.6 + 0.34 * rows)
    values = [[ridges.values(layer, of) for layer in _thinned(d.layers)] for d in named.values()]
    reach = ridges.reach([v for column in values for v in column], log=log)
    for i, (name, found) in enumerate(named.items()):
        _ridges(axes[i], found, values[i], reach, of=of, log=log, colour=COLOURS[i % 6])
        axes[i].set_title(
            shown_name(name, 30) if several else f"{of}, layer by layer", loc="left", fontsize=10
        )
        # Layers of other networks have other names: written once where they are the same.
        if i and _names(found) == _names(next(iter(named.values()))):
            axes[i].set_yticklabels([])
    if path is not None:
        save(axes[0].figure, path)
    return axes if several else axes[0]


def growth(
    diagnosis: Diagnosis | Mapping[str, Diagnosis],
    *,
    of: str = "gradients",
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw how signals or gradients grow or shrink over the depth, and what theory predicts.

    Each curve is relative to where it sets out: signals to the first layer, gradients to the last.
    Thin dotted lines are mean-field theory, where it applies.

    Parameters
    ----------
    diagnosis, path : as in :func:`layers`.
    of : ``"gradients"`` or ``"signals"``.
    ax : matplotlib axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if of not in ("signals", "gradients"):
        raise InputError(f"of must be 'signals' or 'gradients'; got {of!r}.")
    named, several = _named(diagnosis)
    if path is not None:
        check_path(path)
    ax = axes_on(ax, path)
    most = max(len(d.layers) for d in named.values())
    ends: list[tuple[float, float, str, str]] = []
    for i, (name, found) in enumerate(named.items()):
        measured, predicted = ridges.growth(found, of)
        colour = COLOURS[i % 6]
        x = np.arange(1, len(measured) + 1)
        ax.plot(
            x, measured, color=colour, linestyle=LINES[i % 6], linewidth=2.0,
            marker=MARKERS[i % 6], markersize=5, markevery=max(1, len(x) // 15), zorder=4,
        )  # fmt: skip
        ax.plot(x, predicted, color=INK, linestyle=(0, (1, 1.5)), linewidth=1.2, zorder=3)
        at = -1 if of == "signals" else 0
        if np.isfinite(measured[at]) and measured[at] > 0:
            ends.append((float(x[at]), float(measured[at]), name, colour))
    ax.set_yscale("log")
    low, high = ax.get_ylim()  # a decade at least: less looks like much
    ax.set_ylim(min(low, 0.3), max(high, 3.0))
    ax.axhline(1.0, color="#999999", linewidth=0.8, zorder=1)
    ax.set_xlabel("layer")
    towards = "the first layer" if of == "signals" else "the last layer"
    ax.set_ylabel(f"size of {of} relative to {towards}")
    room = 0.2 * most if several else 0.0  # for the names at the ends of the curves
    ax.set_xlim(0.5 - room * (of == "gradients"), most + 0.5 + room * (of == "signals"))
    step = max(1, -(-most // 8))
    ax.set_xticks(range(1, most + 1, step))
    if several:
        _name_curves(ax, ends, left=of == "gradients")
    finish(ax)
    ax.set_title("dotted: mean-field theory", loc="left", fontsize=10)
    if path is not None:
        save(ax.figure, path)
    return ax


def doctor(
    diagnosis: Diagnosis | Mapping[str, Diagnosis],
    *,
    path: str | os.PathLike[str] | None = None,
) -> list[Any]:
    """Draw a whole diagnosis: histograms of activations and gradients by layer, growth over depth.

    Parameters
    ----------
    diagnosis : what ``diagnose`` returns, or several by name, such as one for each scheme.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    named, _ = _named(diagnosis)
    if path is not None:
        check_path(path)
    columns = len(named)
    rows = max(min(len(d.layers), _MOST_RIDGES) for d in named.values())
    tall = 1.3 + 0.26 * rows
    wide = max(3.4 * columns, 9.0)
    figure = _figure(path, (wide, 2 * tall + 3.8))
    upper, middle, lower = figure.subfigures(3, 1, height_ratios=[tall, tall, 3.8])
    first = _row(upper, columns)
    layers(dict(named), of="activations", ax=first)
    second = _row(middle, columns)
    layers(dict(named), of="gradients", ax=second)
    third = list(np.atleast_1d(lower.subplots(1, 2)))
    growth(dict(named), of="signals", ax=third[0])
    growth(dict(named), of="gradients", ax=third[1])
    if columns == 1:
        first[0].set_title("activations, layer by layer", loc="left", fontsize=10)
        second[0].set_title("gradients, layer by layer", loc="left", fontsize=10)
    third[0].set_title("signals over depth (dotted: theory)", loc="left", fontsize=10)
    third[1].set_title("gradients over depth (dotted: theory)", loc="left", fontsize=10)
    if path is not None:
        save(figure, path)
    return [*first, *second, *third]


def schemes(
    fan_in: int,
    fan_out: int,
    names: Sequence[str] = ("default", "xavier_uniform", "kaiming_normal", "orthogonal"),
    *,
    activation: str | None = None,
    seed: int = 0,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw what schemes give for a layer of these fans: a histogram of drawn weights for each.

    Parameters
    ----------
    fan_in, fan_out : of the layer.
    names : of the schemes, top to bottom.
    activation : whose gain is used; by default each scheme's own.
    seed : of the weights drawn.
    ax, path : as in :func:`growth`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from gausswork.initialization.draws import sample
    from gausswork.initialization.fan import fans
    from gausswork.initialization.schemes import scheme

    if path is not None:
        check_path(path)
    chosen = [scheme(name) for name in names]
    if activation is not None:
        chosen = [scheme(s, activation=activation) if "activation" in s.options else s
                  for s in chosen]  # fmt: skip
    if not chosen:
        raise InputError("names: give at least one scheme, such as 'he'.")
    ax = axes_on(ax, path, height=1.5 + 0.75 * len(chosen))
    each = fans((fan_out, fan_in))
    laws = [s.law(each) for s in chosen]
    weights = [sample(s, each, _DRAWS, seed=seed) for s in chosen]
    spreads = sorted(law.spread for law in laws if law.spread > 0.0)
    unit = spreads[len(spreads) // 2] if spreads else 1.0
    reach = 3.6 * min(max(spreads, default=1.0), 4.0 * unit)
    edges = np.linspace(-reach, reach, 2 * _BINS + 1)
    for i, (law, w) in enumerate(zip(laws, weights, strict=True)):
        base = len(chosen) - 1 - i
        counts = np.histogram(w, bins=edges)[0].astype(float)
        height = 0.82 * counts / max(counts.max(), 1.0)
        ax.stairs(base + height, edges, baseline=base, fill=True, color=COLOURS[i % 6], alpha=0.45)
        ax.stairs(base + height, edges, baseline=base, color=COLOURS[i % 6], linewidth=1.2)
        beyond = float(np.mean(np.abs(w) > reach))
        note = f"{law.text()}; fan_in · Var W = {fmt.significant(fan_in * law.spread**2, 3)}"
        if beyond > 0.01:
            note += f"; {beyond:.0%} lie beyond"
        ax.text(
            reach, base + 0.93, note, ha="right", va="top", fontsize=8.5, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.8},
        )  # fmt: skip
    ax.set_yticks(range(len(chosen))[::-1], [shown_name(s.name, 24) for s in chosen], va="bottom")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.08, len(chosen))
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(f"weight, for fan_in {fan_in:,} and fan_out {fan_out:,}")
    finish(ax, grid="x")
    ax.spines["left"].set_visible(False)
    if path is not None:
        save(ax.figure, path)
    return ax


def _named(diagnosis: Any) -> tuple[dict[str, Diagnosis], bool]:
    if not isinstance(diagnosis, Mapping):
        return {"": diagnosis}, False
    if not 0 < len(diagnosis) <= _MOST_SCHEMES:
        raise InputError(
            f"between 1 and {_MOST_SCHEMES} diagnoses are drawn side by side; got "
            f"{len(diagnosis)}. Choose some of them."
        )
    return {str(name): found for name, found in diagnosis.items()}, True


def _figure(path: Any, size: tuple[float, float]) -> Any:
    if path is not None:
        module = require("matplotlib.figure", purpose="Plots", extra="plots")
        return module.Figure(figsize=size, layout="constrained")
    pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
    return pyplot.figure(figsize=size, layout="constrained")


def _row(figure: Any, columns: int) -> list[Any]:
    return list(np.atleast_1d(figure.subplots(1, columns, sharex=True)))


def _axes(ax: Any, count: int, path: Any, *, height: float) -> list[Any]:
    if ax is None:
        return _row(_figure(path, (max(3.4 * count, 5.5), height)), count)
    return given_axes(ax, count)


def _thinned(found: tuple[LayerHealth, ...]) -> list[LayerHealth]:
    """Return at most so many layers, evenly over the depth, the first and the last among them."""
    if len(found) <= _MOST_RIDGES:
        return list(found)
    return [found[i] for i in np.linspace(0, len(found) - 1, _MOST_RIDGES).round().astype(int)]


def _names(found: Diagnosis) -> list[str]:
    return [shown_name(layer.name, 18) for layer in _thinned(found.layers)]


def _ridges(
    ax: Any,
    found: Diagnosis,
    values: list[Array],
    reach: tuple[float, float],
    *,
    of: str,
    log: bool,
    colour: str,
) -> None:
    """Draw one histogram over another, the first layer on top."""
    shown = _thinned(found.layers)
    edges = ridges.edges(reach)
    for i, drawn in enumerate(values):
        base = len(shown) - 1 - i
        counts, zeros = ridges.counts(drawn, edges, log=log)
        # Equal areas would make a narrow layer tower over all: each is as high as it can be.
        height = _RIDGE * counts / counts.max() if counts.any() else 0.0 * counts
        # From top to bottom each ridge hides a part of the one above it.
        ax.stairs(base + height, edges, baseline=base, fill=True, facecolor=_light(colour),
                  zorder=2 + i)  # fmt: skip
        ax.stairs(base + height, edges, baseline=None, color=colour, linewidth=1.0, zorder=2 + i)
        if zeros > 0.005:
            # Where there is room: on the side away from the numbers.
            right = int(counts[: ridges.BINS // 2].sum() >= counts[ridges.BINS // 2 :].sum())
            ax.text(
                reach[right], base + 0.1, f"{zeros:.0%} zero", ha="right" if right else "left",
                va="bottom", fontsize=7.5, color=INK, zorder=90,
            )  # fmt: skip
    ax.set_yticks(range(len(shown))[::-1], _names(found), fontsize=8.5, va="bottom")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.15, len(shown) - 1 + _RIDGE + 0.1)
    ax.set_xlim(*reach)
    what = "activation" if of == "activations" else "gradient"
    if log:
        _decades(ax, reach)
        ax.set_xlabel(f"size of the {what}")
    else:
        ax.set_xlabel(what)
    finish(ax, grid="x")
    ax.spines["left"].set_visible(False)


def _light(colour: str) -> Any:
    """Return a lighter tone of a colour, opaque."""
    colors = require("matplotlib.colors", purpose="Plots", extra="plots")
    red, green, blue = colors.to_rgb(colour)
    return tuple(0.45 * part + 0.55 for part in (red, green, blue))


def _decades(ax: Any, reach: tuple[float, float]) -> None:
    """Label an axis of logarithms with powers of ten."""
    low, high = round(reach[0]), round(reach[1])
    step = max(1, -(-(high - low) // 5))
    ticks = [t for t in range(low, high + 1) if t % step == 0]
    ax.set_xticks(ticks, [rf"$10^{{{t}}}$" for t in ticks])


def _name_curves(ax: Any, ends: list[tuple[float, float, str, str]], *, left: bool) -> None:
    """Write the name of each curve where it ends, names apart from one another."""
    if not ends:
        return
    low, high = (math.log10(v) for v in ax.get_ylim())
    gap = (high - low) * 0.055
    placed: list[float] = []
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        at = math.log10(y)
        if placed and at - placed[-1] < gap:
            at = placed[-1] + gap
        placed.append(at)
        ax.annotate(
            shown_name(name, 24), (x, 10.0**at), (-8 if left else 8, 0),
            textcoords="offset points", color=colour, fontsize=9, fontweight="bold",
            va="center", ha="right" if left else "left", annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
