"""Gradient descent drawn: the loss by epoch, the path over the loss, what each rate would do."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.descending import words
from gausswork.errors import InputError, require
from gausswork.leastsquares.descent.full import remaining_share, remains
from gausswork.leastsquares.descent.history import Descent, Outcome
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.descent.outlook import Outlook, outlook
from gausswork.leastsquares.descent.quadratic import Quadratic, quadratic
from gausswork.leastsquares.doubledouble import Array
from gausswork.plots.style import (
    COLOURS,
    INK,
    LINES,
    axes_on,
    check_path,
    finish,
    halo,
    save,
    shown_name,
)

if TYPE_CHECKING:
    from gausswork.leastsquares.fit import Fit

_LONG = 10_000  # epochs from which on their axis is logarithmic
_LEAST_SHARE = 1e-30  # of the loss at the start: less is rounding, and nothing to look at
_CONTOURS = 12
_RUNAWAY = 30.0  # times the first distance: what a diverging path may take of the picture
_FIRST = 20  # epochs shown of a divergence that began at the solution
_NAME = 30
_RESTLESS = 8.0  # times the picture's size: longer paths are drawn thin


def loss(
    descent: Descent | Fit, *, ax: Any = None, path: str | os.PathLike[str] | None = None
) -> Any:
    """Draw how far the loss is above the least, after every epoch.

    Parameters
    ----------
    descent : a descent, or a fit made by one.
    ax : axes to draw on; by default new ones.
    path : file to write as well: .png, .pdf or .svg.

    Returns
    -------
    matplotlib.axes.Axes
    """
    descent = descent_of(descent)
    if path is not None:
        check_path(path)
    ax = axes_on(ax, path)
    logarithmic, said = (
        _above_the_least(ax, descent)
        if descent.held_out_loss is None
        else _beside_held_out(ax, descent)
    )
    if logarithmic:
        ax.set_yscale("log")
    if descent.epochs > _LONG:
        ax.set_xscale("symlog", linthresh=10)
    else:
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlim(left=0)
    ax.set_xlabel("epoch")
    target = f"{shown_name(target_of(descent), _NAME)}²" if target_of(descent) else "target²"
    ax.set_ylabel(f"mean squared error{said} ({target})")
    ax.set_title(_headline(descent), loc="left", fontsize=10)
    finish(ax)
    if path is not None:
        save(ax.figure, path)
    return ax


def _above_the_least(ax: Any, descent: Descent) -> tuple[bool, str]:
    """Draw the loss; return whether its axis is logarithmic, and what it is measured from."""
    least = least_loss(descent)
    excess = descent.loss - least
    floor = max(_LEAST_SHARE * abs(excess[0]), 2.0**-52 * least if descent.modes is None else 0.0)
    shown = excess > floor
    ax.plot(
        descent.recorded[shown], excess[shown], color=COLOURS[0], linewidth=2.0,
        marker="o" if len(descent.recorded) <= 60 else None, markersize=4,
        label="loss above the least",
    )  # fmt: skip
    return bool(shown.any()), f" above the least, {fmt.significant(least, 3)}"


def _beside_held_out(ax: Any, descent: Descent) -> tuple[bool, str]:
    """Draw both losses as they are, to be compared; return the same."""
    assert descent.held_out_loss is not None
    pairs = (descent.loss, "rows trained on"), (descent.held_out_loss, "rows held out")
    for k, (values, label) in enumerate(pairs):
        ax.plot(
            descent.recorded, values, color=COLOURS[k], linestyle=LINES[k], linewidth=2.0,
            marker="o" if len(descent.recorded) <= 60 else None, markersize=4, label=label,
        )  # fmt: skip
    best = descent.ended_at
    ax.plot(
        descent.recorded[best], descent.held_out_loss[best], "D", color=COLOURS[1], markersize=9,
        markerfacecolor="none", markeredgewidth=2.0, linestyle="none",
        label=f"epoch {descent.recorded[best]:,}: the result",
    )  # fmt: skip
    ax.legend(frameon=False)
    return min(descent.loss.min(), descent.held_out_loss.min()) > 0.0, ""


def path(
    descent: Descent | Fit,
    x: str | None = None,
    y: str | None = None,
    *,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the way of two parameters over the contours of the loss.

    The contours are those of the loss with the other parameters at the least-squares solution.

    Parameters
    ----------
    descent : a descent, or a fit made by one.
    x, y : names of the parameters; by default the two that move the predictions most.
    ax, path : as in :func:`loss`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    descent = descent_of(descent)
    if path is not None:
        check_path(path)
    view = view_of(descent, x, y)
    ax = axes_on(ax, path, height=5.4)
    draw_contours(ax, view)
    draw_way(ax, view, *view.way.T)
    _epochs_on(ax, view)
    draw_ends(ax, view)
    ax.set_title(_headline(descent), loc="left", fontsize=10)
    ax.legend(frameon=True, framealpha=0.9, edgecolor="none", loc="best")
    if path is not None:
        save(ax.figure, path)
    return ax


def rates(
    fit: Fit,
    method: GradientDescent | None = None,
    *,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw what each learning rate would do: converge, oscillate or diverge, and how fast.

    Parameters
    ----------
    fit : of the data, by any method.
    method : momentum and coordinates of the descent; by default those of the fit.
    ax, path : as in :func:`loss`.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if path is not None:
        check_path(path)
    here = outlook(fit, method)
    ax = axes_on(ax, path)
    views = [here] if here.alternative is None else [here, here.alternative]
    limits = [view.learning_rate_limit for view in views]
    low = min(1e-3 * here.learning_rate_limit, 0.5 * here.learning_rate)
    high = 3.0 * max([*limits, here.learning_rate])
    tallest = 1.0
    for i, view in enumerate(views):
        limit = view.learning_rate_limit
        within = np.geomspace(low, limit, 400)[:-1]
        near = limit - np.geomspace(1e-6, 0.5, 200) * limit  # it rises steeply there
        within = np.unique(np.concatenate((within, near, [view.best_learning_rate])))
        pace = np.array([view.epochs_per_digit(float(rate)) for rate in within])
        label = "standardised predictors" if view.standardize else "predictors as they are"
        ax.plot(
            within, np.maximum(pace, 0.2), color=COLOURS[i], linestyle=LINES[i],
            linewidth=2.2, label=label,
        )  # fmt: skip
        best = max(view.epochs_per_digit(view.best_learning_rate), 0.2)
        ax.plot([view.best_learning_rate], [best], marker="o", color=COLOURS[i], markersize=7)
        tallest = max(tallest, view.epochs_per_digit(low))
    _regions(ax, here, high)
    pace_here = here.epochs_per_digit()
    if math.isfinite(pace_here):
        ax.plot(
            [here.learning_rate], [max(pace_here, 0.2)], marker="D", markersize=8, color=INK,
            linestyle="none", zorder=5, label=f"{here.learning_rate:.3g}: the rate of this descent",
        )  # fmt: skip
    else:
        ax.axvline(
            here.learning_rate, color=INK, linestyle=LINES[1], linewidth=1.5,
            label=f"{here.learning_rate:.3g}: error × {here.factor:.3g} every epoch",
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(0.15, 4.0 * tallest)
    ax.set_xlabel("learning rate (logarithmic)")
    ax.set_ylabel("epochs until the error is ten times smaller")
    ax.set_title(
        f"condition number {here.condition_number:.3g}: rates below "
        f"{here.learning_rate_limit:.3g} converge, best is {here.best_learning_rate:.3g} (dot)",
        loc="left", fontsize=10,
    )  # fmt: skip
    ax.legend(frameon=False, loc="lower left")
    finish(ax)
    if path is not None:
        save(ax.figure, path)
    return ax


def _regions(ax: Any, here: Outlook, high: float) -> None:
    """Shade where the steepest direction is overshot, and where that grows."""
    limit, smooth = here.learning_rate_limit, 1.0 / here.largest_eigenvalue
    ax.axvspan(smooth, limit, color="#E69F00", alpha=0.13, linewidth=0)
    ax.axvspan(limit, high, color="#999999", alpha=0.25, linewidth=0)
    ax.axvline(limit, color=INK, linewidth=1.0)
    for left, right, text in (
        (None, smooth, "converges"),
        (smooth, limit, "oscillates"),
        (limit, high, _beyond(here)),
    ):
        at = math.sqrt(left * right) if left is not None else 0.3 * right
        ax.text(
            at, 0.97, text, transform=ax.get_xaxis_transform(), ha="center", va="top",
            color=INK, fontsize=9, rotation=90 if text == "oscillates" else 0,
        )  # fmt: skip


def _beyond(here: Outlook) -> str:
    other = here.alternative
    if other is None or other.learning_rate_limit <= here.learning_rate_limit:
        return "diverges"
    return "diverges unless standardised" if other.standardize else "diverges"


@dataclass(frozen=True, slots=True)
class View:
    """Two parameters of a descent, and the loss over their plane.

    Attributes
    ----------
    names : of the two.
    epochs : (h,) recorded epochs in view.
    way : (h, 2) where they were.
    solution : (2,) where they end.
    curvature : (2, 2) of the loss in their plane.
    bounds : left, right, bottom, top.
    """

    names: tuple[str, str]
    epochs: npt.NDArray[np.int64]
    way: Array
    solution: Array
    curvature: Array
    bounds: tuple[float, float, float, float]

    def excess(self, points: Array) -> Array:
        """Return the loss above the least at points (…, 2)."""
        away = points - self.solution
        return np.asarray(0.5 * np.einsum("...i,ij,...j->...", away, self.curvature, away))


def view_of(descent: Descent, x: str | None, y: str | None) -> View:
    """Choose two parameters and what part of their plane to show."""
    i, j = _chosen(descent, x, y)
    both = [i, j]
    way, solution = descent.path[:, both], descent.exact[both]
    first = np.abs(way[0] - solution)  # a parameter that starts at its goal sets no measure
    last = len(way)
    if descent.outcome is Outcome.DIVERGED:
        size = np.where(first > 0.0, _RUNAWAY * first, np.inf)
        far = np.flatnonzero((np.abs(way - solution) > size).any(axis=1))
        last = max(int(far[0]), 2) if len(far) else _FIRST
    way = way[:last]
    unit = np.where(first > 0.0, first, np.abs(way - solution).max(axis=0))
    unit = np.where(unit > 0.0, unit, 1.0)
    corners = np.vstack((way, solution))
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
    # the plane is to be seen around the path, however narrow the path is
    room = np.maximum(room, 0.25 * unit)
    low, high = low - 0.18 * room, high + 0.18 * room
    return View(
        names=(descent.names[i], descent.names[j]),
        epochs=descent.recorded[:last],
        way=way,
        solution=solution,
        curvature=_loss_of(descent).matrix[0][np.ix_(both, both)],
        bounds=(low[0], high[0], low[1], high[1]),
    )


def _chosen(descent: Descent, x: str | None, y: str | None) -> tuple[int, int]:
    names = descent.names
    if len(names) < 2:
        raise InputError(
            f"this descent has one parameter, {names[0]!r}, and a path needs two. "
            "Draw plots.loss, or fit with an intercept."
        )
    for given in (x, y):
        if given is not None and given not in names:
            raise InputError(
                f"the descent has no parameter {given!r}; it has {', '.join(names[:12])}."
            )
    if x is not None and x == y:
        raise InputError(f"x and y name the same parameter, {x!r}. Name two.")
    moved = np.abs(descent.path - descent.exact).max(axis=0) * _loss_of(descent).sizes
    order = [int(k) for k in np.argsort(-np.nan_to_num(moved, posinf=0.0), kind="stable")]
    taken = [names.index(given) for given in (x, y) if given is not None]
    free = iter([k for k in order if k not in taken])
    if x is None and y is None:
        first, second = sorted((next(free), next(free)))
        return first, second
    i = names.index(x) if x is not None else next(free)
    j = names.index(y) if y is not None else next(free)
    return i, j


def draw_contours(ax: Any, view: View) -> None:
    """Draw the loss over the plane of a view as nested ellipses, and set the axes up."""
    left, right, bottom, top = view.bounds
    corners = np.array([(a, b) for a in (left, right) for b in (bottom, top)])
    highest = float(view.excess(corners).max())
    levels = highest * 3.0 ** np.arange(0.0, -_CONTOURS, -1.0)
    shades = require("matplotlib", purpose="Plots", extra="plots").colormaps["Blues"]
    ax.set_facecolor((*shades(0.62)[:3], 0.6))
    for i, level in enumerate(levels):
        outline = _ellipse(view, level)
        if outline is None:
            break
        colour = shades(0.56 * (1.0 - i / _CONTOURS))
        ax.fill(*outline.T, facecolor="white", linewidth=0, zorder=0.9)
        ax.fill(*outline.T, facecolor=colour, alpha=0.6, linewidth=0, zorder=0.9)
        ax.plot(*outline.T, color="#5b7f9e", linewidth=0.6, alpha=0.8, zorder=1)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_xlabel(shown_name(view.names[0], _NAME))
    ax.set_ylabel(shown_name(view.names[1], _NAME))
    ax.spines[["top", "right"]].set_visible(False)


def _ellipse(view: View, level: float) -> Array | None:
    """Return the points where the loss is ``level`` above the least, (n, 2); None for none."""
    left, right, bottom, top = view.bounds
    size = np.array([right - left, top - bottom])
    values, vectors = np.linalg.eigh(view.curvature * size * size[:, None])
    if not level > 0.0 or not values[1] > 0.0:
        return None
    values = np.maximum(values, 1e-6 * values[1])  # a valley is long enough for any picture
    turn = np.linspace(0.0, 2.0 * np.pi, 721)
    circle = np.sqrt(2.0 * level / values)[:, None] * np.array([np.cos(turn), np.sin(turn)])
    return np.asarray(view.solution + (vectors @ circle).T * size)


def draw_ends(ax: Any, view: View) -> None:
    """Mark start, end and solution."""
    end = f"epoch {int(view.epochs[-1]):,}"
    for point, marker, colour, label in (
        (view.way[0], "s", INK, "start"),
        (view.way[-1], "o", COLOURS[1], end),
        (view.solution, "*", COLOURS[2], "least squares"),
    ):
        ax.plot(
            [point[0]], [point[1]], marker=marker, color=colour, linestyle="none", zorder=5,
            markersize=15 if marker == "*" else 8, markeredgecolor="white", label=label,
        )  # fmt: skip


def draw_way(ax: Any, view: View, x: Any, y: Any) -> Any:
    """Draw a path; thin where it goes to and fro so often that it would cover the picture."""
    left, right, bottom, top = view.bounds
    steps = np.diff(view.way, axis=0) / np.array([right - left, top - bottom])
    length = float(np.hypot(*steps.T).sum())
    (line,) = ax.plot(
        x, y, color=COLOURS[1], zorder=3,
        linewidth=1.8 if length < _RESTLESS else 0.8 if length < 5.0 * _RESTLESS else 0.3,
        alpha=1.0 if length < 5.0 * _RESTLESS else 0.5,
    )  # fmt: skip
    if length < _RESTLESS:
        halo(line)
    return line


def _epochs_on(ax: Any, view: View) -> None:
    """Mark some epochs on the path, never two at one place."""
    left, right, bottom, top = view.bounds
    size = np.array([right - left, top - bottom])
    placed = [view.way[0], view.way[-1], view.solution]
    marks = [m * 10**e for e in range(11) for m in (1, 2, 5)]
    for mark in marks:
        at = np.flatnonzero(view.epochs == mark)
        if not len(at):
            continue
        point = view.way[at[0]]
        if min(np.hypot(*((point - other) / size)) for other in placed) < 0.07:
            continue
        placed.append(point)
        ax.plot([point[0]], [point[1]], marker="o", markersize=4, color="white", zorder=4,
                markeredgecolor=COLOURS[1])  # fmt: skip
        text = ax.annotate(
            f"{mark:,}", point, xytext=(6, 5), textcoords="offset points", fontsize=9,
            color=INK, zorder=6,
        )  # fmt: skip
        halo(text)


def descent_of(given: Descent | Fit) -> Descent:
    """Return the descent of a fit, or the descent itself."""
    if isinstance(given, Descent):
        return given
    found = getattr(given, "descent", None)
    if not isinstance(found, Descent):
        raise InputError(
            "there is no gradient descent here: fit with method=gausswork.GradientDescent(...) and "
            "pass the fit or its descent."
        )
    return found


def target_of(descent: Descent) -> str:
    """Return the name of the target, as far as the descent knows it."""
    return descent.least_squares.moments.target if descent.least_squares is not None else ""


def least_loss(descent: Descent) -> float:
    """Return the loss at the solution, as far as it is known."""
    if descent.modes is not None:
        return descent.modes.floor
    exact = descent.least_squares
    if exact is None:
        return 0.0
    return exact.residual_sum_of_squares / _loss_of(descent).weight


def _loss_of(descent: Descent) -> Quadratic:
    """Return the loss over the parameters in the units of the data."""
    exact = descent.least_squares
    if exact is None:
        raise InputError("this descent does not know its data; fit again to draw it.")
    return quadratic(exact.moments, intercept=exact.intercept, ridge=descent.method.ridge)


def _headline(descent: Descent) -> str:
    text = f"{words.title(descent)}, learning rate {descent.learning_rate:.4g}"
    if descent.momentum:
        text += f", momentum {descent.momentum:.3g}"
    text += f"\n{descent.outcome} after {descent.epochs:,} epochs"
    away = np.stack((descent.path[0] - descent.exact, descent.distance))
    if descent.mini_batch is None and descent.outcome in (Outcome.UNFINISHED, Outcome.STOPPED):
        text += f": {remains(remaining_share(away, _loss_of(descent)))}"
    return text
