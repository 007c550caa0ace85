"""What every figure shares: colours, axes, how it is finished and how it is written."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import files
from gausswork import formatting as fmt
from gausswork.errors import InputError, require

Array = npt.NDArray[np.float64]

MOST_POINTS = 5_000  # more are shown as a density

# Okabe & Ito (2008): told apart with any colour vision, and dark enough for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "^", "s", "D", "v", "P")
LINES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (1, 1)),
    (0, (9, 2)),
)
_FORMATS = (".png", ".pdf", ".svg")
INK = "#222222"


def check_path(path: str | os.PathLike[str]) -> None:
    """Refuse a figure that could not be drawn or written so, before any work is done."""
    require("matplotlib.figure", purpose="Plots", extra="plots")
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise InputError(
            f"a figure is written as {', '.join(_FORMATS)} by the ending of its name; got "
            f"{os.fspath(path)!r}. Call it {Path(path).stem or 'figure'}.png, for example."
        )


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure, in the format that the ending of the name says, complete or not at all."""
    check_path(path)
    with warnings.catch_warnings():
        # A letter that the font lacks becomes a box; the name is still in the table.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        with files.atomic(path) as temporary:
            figure.savefig(
                temporary, format=Path(path).suffix[1:].lower(), dpi=160, bbox_inches="tight"
            )


def new_axes(path: str | os.PathLike[str] | None, *, height: float = 4.6) -> Any:
    """Return fresh axes, ``height`` inches high; off screen if they are only to be written."""
    if path is not None:  # only to be written: no window, nothing for pyplot to remember
        figure = require("matplotlib.figure", purpose="Plots", extra="plots").Figure(
            figsize=(7.0, height), layout="constrained"
        )
        return figure.add_subplot()
    pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
    return pyplot.subplots(figsize=(7.0, height), layout="constrained")[1]


def axes_on(ax: Any, path: str | os.PathLike[str] | None, *, height: float = 4.6) -> Any:
    """Return the axes to draw on: those given, or else fresh ones."""
    return new_axes(path, height=height) if ax is None else given_axes(ax, 1)[0]


def given_axes(ax: Any, count: int, *, remedy: str = "") -> list[Any]:
    """Return the ``count`` axes that a caller has given, one or a sequence or array of them.

    Raises
    ------
    InputError
        They are not so many, or are not axes of matplotlib.
    """
    given = list(np.asarray(ax, dtype=object).ravel())
    needed = "matplotlib axes" if count == 1 else f"{count} matplotlib axes"
    for each in given:
        if not hasattr(each, "get_xlim"):
            raise InputError(
                f"ax must be {needed}; got {type(each).__name__} {each!r}. Make them by "
                "matplotlib.pyplot.subplots(), or leave ax out for a figure of its own."
            )
    if len(given) != count:
        raise InputError(f"ax must be {needed}; got {len(given)}. {remedy}".rstrip())
    return given


def new_grid(path: str | os.PathLike[str] | None, *, rows: int, columns: int) -> tuple[Any, Any]:
    """Return a figure and its (rows, columns) array of axes; off screen if only to be written."""
    size = (6.2 * columns, 4.0 * rows)
    if path is not None:
        figure = require("matplotlib.figure", purpose="Plots", extra="plots").Figure(
            figsize=size, layout="constrained"
        )
        return figure, figure.subplots(rows, columns, squeeze=False)
    pyplot = require("matplotlib.pyplot", purpose="Plots", extra="plots")
    figure, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    return figure, axes


def finish(ax: Any, *, grid: str = "both") -> None:
    """Take away what frames the data without need; draw a light grid under it."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="#808080", alpha=0.22, linewidth=0.7)  # on white and on black
    ax.set_axisbelow(True)


def halo(line: Any) -> None:
    """Set a line off from what lies under it by an edge in the colour of the background."""
    effects = require("matplotlib.patheffects", purpose="Plots", extra="plots")
    edge = "black" if is_dark(line.axes) else "white"
    line.set_path_effects([effects.Stroke(linewidth=4.0, foreground=edge), effects.Normal()])


def is_dark(ax: Any) -> bool:
    """Whether axes have a dark background; a transparent one is that of the figure."""
    for background in (ax.get_facecolor(), ax.figure.get_facecolor()):
        red, green, blue, opacity = background
        if opacity > 0.0:
            return bool(0.299 * red + 0.587 * green + 0.114 * blue < 0.5)
    return False


def ink(ax: Any) -> str:
    """Return the colour of text and thin lines that reads well on the background of axes."""
    return "#eeeeee" if is_dark(ax) else INK


def density(ax: Any, x: Array, y: Array) -> None:
    """Draw many points, two (m,) vectors, as the number of rows in hexagonal cells."""
    drawn = cells(ax, x, y)
    ax.figure.colorbar(drawn, ax=ax, label="rows in a cell (logarithmic)", pad=0.01)


def cells(ax: Any, x: Array, y: Array, *, size: int = 55) -> Any:
    """Draw the same without a scale beside it; return what was drawn."""
    colours = require("matplotlib.colors", purpose="Plots", extra="plots")
    # from a breath of blue to a deep one: few rows fade into the background, white or black
    blue = colours.to_rgb(COLOURS[0])
    fading = colours.LinearSegmentedColormap.from_list("rows", [(*blue, 0.12), (*blue, 1.0)])
    return ax.hexbin(x, y, gridsize=size, mincnt=1, cmap=fading, bins="log", linewidths=0, zorder=1)


def shown_name(name: str, limit: int) -> str:
    """Return a name as matplotlib shows it: no mathematics, nothing that hides it."""
    text = fmt.visible(name, limit=limit).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
