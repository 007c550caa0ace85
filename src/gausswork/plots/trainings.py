"""Training curves of a comparison of schemes, with bands over the seeds."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.plots.style import (
    COLOURS,
    LINES,
    MARKERS,
    check_path,
    finish,
    given_axes,
    ink,
    new_grid,
    save,
    shown_name,
)

if TYPE_CHECKING:
    from gausswork.initialization.comparison.result import Comparison, Trained

_PARTS = {"held": "held-out", "train": "training"}
_ROOM = 30.0  # times the loss of guessing: what lies above is cut off, or it would hide the rest
_GAP = 0.052  # between names, as a share of the height


def training(
    comparison: Comparison,
    *,
    of: str | None = None,
    level: float = 0.95,
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the curves of a comparison: mean over the networks of each scheme, with its band.

    Parameters
    ----------
    comparison : what ``gausswork.initialization.compare`` returns.
    of : one of ``"train_loss"``, ``"train_accuracy"``, ``"held_loss"``, ``"held_accuracy"``. By
        default the training loss and the accuracy on held-out rows are drawn side by side.
    level : of confidence of the bands, for the mean over the networks.
    ax : axes to draw on; two of them where two curves are drawn. New ones by default.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes, or a list of two.
    """
    part = "held" if len(comparison.held) else "train"
    wanted = ["train_loss", f"{part}_accuracy"] if of is None else [of]
    if of is not None and of.startswith("held") and part == "train":
        raise InputError(f"of={of!r}: nothing was held out. Compare with held_out=0.25 to have it.")
    bands = [[run.band(curve, level=level) for run in comparison.runs] for curve in wanted]
    if path is not None:
        check_path(path)
    axes = _axes(ax, len(wanted), path)
    for place, curve, found in zip(axes, wanted, bands, strict=True):
        _draw(place, comparison, curve, found, level)
    if path is not None:
        save(axes[0].figure, path)
    return axes[0] if of is not None else axes


def _axes(ax: Any, count: int, path: Any) -> list[Any]:
    if ax is None:
        return list(new_grid(path, rows=1, columns=count)[1][0])
    return given_axes(ax, count, remedy="Choose one curve with of='train_loss'.")


def _draw(ax: Any, found: Comparison, curve: str, bands: list[Any], level: float) -> None:
    loss = curve.endswith("loss")
    part, _, _ = curve.partition("_")
    guess = _guess(found, loss)
    epochs = np.arange(found.epochs + 1)
    ends = []
    for i, (run, (mean, low, high)) in enumerate(zip(found.runs, bands, strict=True)):
        colour, line = COLOURS[i % 6], LINES[i // 6 % len(LINES) if len(bands) > 6 else i % 6]
        ax.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
        shown = np.isfinite(mean)
        every = max(1, found.epochs // 8)
        ax.plot(
            epochs, mean, color=colour, linestyle=line, linewidth=1.7, marker=MARKERS[i % 6],
            markersize=4.0, markevery=(i % every, every),
        )  # fmt: skip
        if shown.any():
            last = int(np.flatnonzero(shown)[-1])
            ends.append((float(mean[last]), _name(run, len(found.seeds)), colour))
        else:
            ends.append((math.inf, _name(run, len(found.seeds)), colour))
    ax.axhline(guess, color=ink(ax), linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)
    ax.annotate(
        "guessing", (0.0, guess), (3, 3), textcoords="offset points", fontsize=8.5, color=ink(ax)
    )
    if loss:
        values = np.concatenate([m[np.isfinite(m) & (m > 0.0)] for m, _, _ in bands] or [[guess]])
        least = values.min() if values.size else guess
        most = min(values.max(), _ROOM * guess) if values.size else guess
        ax.set_yscale("log")
        ax.set_ylim(min(least, guess) / 1.3, max(most, guess) * 1.5)
    elif found.kind == "classification":
        ax.set_ylim(0.0, 1.02)
    else:
        ax.set_ylim(-0.1, 1.02)
    ax.set_xlim(0, found.epochs)
    noun = "loss" if loss else ("accuracy" if found.kind == "classification" else "R²")
    ax.set_xlabel(f"epoch of {found.steps} steps")
    ax.set_ylabel(f"{noun}, {_PARTS[part]} rows")
    title = f"{_PARTS[part]} {noun}: mean of {len(found.seeds)} networks"
    if len(found.seeds) > 1:
        title += f", {fmt.percent(level)} band"
    ax.set_title(title, loc="left", fontsize=10)
    ax.xaxis.get_major_locator().set_params(integer=True)
    finish(ax)
    _write_names(ax, ends, log=loss)


def _guess(found: Comparison, loss: bool) -> float:
    return found.chance_loss if loss else found.chance_accuracy


def _name(run: Trained, seeds: int) -> str:
    failed = seeds - run.learned
    return shown_name(run.name, 20) + (f" ({failed} failed)" if failed else "")


def _write_names(ax: Any, ends: list[tuple[float, str, str]], *, log: bool) -> None:
    """Write the name of each curve at its end, names apart from one another."""
    low, high = ax.get_ylim()
    places: list[float] = []
    ends = sorted(ends, key=lambda end: end[0])
    for value, _, _ in ends:
        inside = min(max(value, low), high)
        share = math.log(inside / low) / math.log(high / low) if log else 0.0
        at = share if log else (inside - low) / (high - low)
        places.append(max(at, places[-1] + _GAP) if places else at)
    if places and places[-1] > 1.0:  # pushed out at the top: down again, as far as they must
        places[-1] = 1.0
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - _GAP)
    for at, (_, name, colour) in zip(places, ends, strict=True):
        ax.annotate(
            name, (1.0, at), (7, 0), xycoords="axes fraction", textcoords="offset points",
            color=colour, fontsize=9, fontweight="bold", va="center", annotation_clip=False,
        )  # fmt: skip
