"""The bell curve: one or several, a shaded probability with its value, the sample under it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gausswork.errors import InputError, require
from gausswork.normal import estimation, inputs
from gausswork.normal.distribution import Normal
from gausswork.normal.questions import number, share
from gausswork.plots.style import (
    COLOURS,
    LINES,
    Array,
    axes_on,
    check_path,
    finish,
    save,
    shown_name,
)

_REACH = 4.0  # standard deviations to either side
_FARTHEST = 12.0  # to which the axis follows the ends of a shaded part
_GRID = 401
_RUG = 200  # values, each of which gets a tick of its own
_MOST_BINS = 80


def bell(
    normal: Normal | Iterable[Normal],
    *,
    between: tuple[float, float] | None = None,
    sample: Any = None,
    labels: Sequence[str] | None = None,
    name: str = "x",
    ax: Any = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draw the density of one or several normal distributions.

    A single one has a second axis on top, in standard deviations from its mean.

    Parameters
    ----------
    normal : what to draw: one Normal, an array of them, or several; at most six.
    between : ends of the part to shade, with its probability; ±``math.inf`` for a tail.
    sample : numbers to draw under the curve as a histogram of the same area.
    labels : one for each curve; mean and sd unless given.
    name : of the variable, with its unit.
    ax : matplotlib axes to draw on; new ones by default.
    path : a ``.png``, ``.pdf`` or ``.svg`` file to write as well.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        There is nothing to draw, an sd is 0 or not finite, or an argument cannot be used.

    Examples
    --------
    >>> ax = bell(Normal(70, 10), between=(60, 80))
    >>> ax.get_title(loc="left")
    'P(60 < x < 80) = 68.27 %'
    """
    if path is not None:
        check_path(path)
    curves = _curves(normal)
    named = _labels(curves, labels)
    values = None if sample is None else _sample(sample)
    ends = None if between is None else _ends(between)
    ax = axes_on(ax, path)
    x = _across(curves, ends, values)
    if values is not None:
        _histogram(ax, values)
    for k, (curve, label) in enumerate(zip(curves, named, strict=True)):
        shaded = ends is not None and not _shade(ax, curve, ends, x, k)
        if ends is not None:
            text = share(curve.between(*ends))
            label = f"{label}: {text}"
            if shaded and len(curves) == 1:
                _write_share(ax, curve, ends, x, text)
        ax.plot(x, curve.pdf(x), color=COLOURS[k], linestyle=LINES[k], linewidth=2.0, label=label,
                zorder=4)  # fmt: skip
    for end in () if ends is None else ends:
        if x[0] <= end <= x[-1]:
            ax.axvline(end, color=_ink(ax), linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(shown_name(name, 60))
    ax.set_ylabel(f"density, per unit of {shown_name(name, 40)}")
    finish(ax)
    ax.grid(color=_ink(ax), alpha=0.13, linewidth=0.7)
    _head(ax, curves, ends, name)
    if len(curves) == 1:
        _z_axis(ax, curves[0])
    if len(curves) > 1 or values is not None:
        # Above the highest point, where no curve passes.
        ax.set_ylim(top=ax.get_ylim()[1] * (1.06 + 0.075 * (len(curves) + (values is not None))))
        ax.legend(loc="upper right", fontsize=9, framealpha=0.85)
    if path is not None:
        save(ax.figure, path)
    return ax


def _curves(normal: Any) -> list[Normal]:
    if isinstance(normal, Normal):
        flat = [normal] if not normal.shape else [
            Normal(m, s)
            for m, s in zip(normal.mean.ravel().tolist(), normal.sd.ravel().tolist(), strict=True)
        ]  # fmt: skip
    else:
        flat = [c for item in _listed(normal) for c in _curves(item)]
    if not flat:
        raise InputError("there is no curve to draw: give a Normal, or several.")
    if len(flat) > len(COLOURS):
        raise InputError(
            f"at most {len(COLOURS)} curves can be told apart; got {len(flat)}. Draw fewer."
        )
    for curve in flat:
        if not (np.isfinite(curve.mean) and 0.0 < curve.sd < np.inf):
            raise InputError(
                f"a bell has a finite mean and a positive sd; got mean {curve.mean:g} and sd "
                f"{curve.sd:g}. There is no curve to draw for them."
            )
    return flat


def _listed(normal: Any) -> list[Any]:
    if isinstance(normal, Iterable) and not isinstance(normal, (str, bytes, np.ndarray)):
        return list(normal)
    raise inputs.NotANumberError(
        f"normal must be a Normal or several; got {type(normal).__name__}. "
        "Write Normal(mean, sd) around its numbers."
    )


def _labels(curves: list[Normal], labels: Sequence[str] | None) -> list[str]:
    if labels is None:
        return [f"mean {number(c.mean, 6)}, sd {number(c.sd, 6)}" for c in curves]
    named = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    if len(named) != len(curves):
        raise InputError(f"labels must be one for each curve: {len(curves)}; got {len(named)}.")
    return [shown_name(label, 40) for label in named]


def _sample(sample: Any) -> Array:
    values = estimation.finite(sample)
    if not len(values):
        raise InputError("sample is empty: give at least one number, or leave it out.")
    return values


def _ends(between: Any) -> tuple[float, float]:
    try:
        lower, upper = (float(inputs.real(end, "between")) for end in between)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"between must be a pair of numbers, such as (60, 80); got {between!r}."
        ) from None
    if not lower <= upper:
        raise InputError(f"between must be (smaller, larger); got ({lower:g}, {upper:g}).")
    return lower, upper


def _across(curves: list[Normal], ends: tuple[float, float] | None, values: Array | None) -> Array:
    """Return where to evaluate: every curve to both sides, the ends and the sample too."""
    low = min(c.mean - _REACH * c.sd for c in curves)
    high = max(c.mean + _REACH * c.sd for c in curves)
    widest = max(curves, key=lambda c: float(c.sd))
    most = _FARTHEST * widest.sd
    more = [e for e in ends or () if np.isfinite(e) and abs(e - widest.mean) <= most]
    if values is not None:
        more += [float(values.min()), float(values.max())]
    low, high = (
        min([low, *(e - 0.3 * widest.sd for e in more)]),
        max([high, *(e + 0.3 * widest.sd for e in more)]),
    )
    # Every curve's own region finely, however narrow it is beside the others.
    parts = [np.linspace(low, high, _GRID)]
    parts += [np.linspace(c.mean - _REACH * c.sd, c.mean + _REACH * c.sd, _GRID) for c in curves]
    inside = [e for e in ends or () if low <= e <= high]
    return np.unique(np.concatenate([*parts, np.array(inside)]))


def _histogram(ax: Any, values: Array) -> None:
    """Draw a sample as bars of total area 1; the rug when the values are few."""
    spread = float(np.subtract(*np.percentile(values, [75, 25])))
    reach = float(np.ptp(values))
    # Freedman & Diaconis (1981).
    width = 2.0 * spread / len(values) ** (1.0 / 3.0)
    bins = int(np.clip(np.ceil(reach / width), 5, _MOST_BINS)) if width > 0.0 else 10
    grey = _ink(ax)
    ax.hist(
        values, bins=bins, density=True, facecolor=grey, alpha=0.2, edgecolor=grey, linewidth=0.5,
        zorder=1, label=f"{len(values):,} {'value' if len(values) == 1 else 'values'}",
    )  # fmt: skip
    if len(values) <= _RUG:
        ax.plot(
            values, np.zeros(len(values)), "|", color=grey, markersize=12, alpha=0.6, zorder=5,
            transform=ax.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip


def _shade(ax: Any, curve: Normal, ends: tuple[float, float], x: Array, k: int) -> bool:
    """Fill the part between the ends; return whether there is none to be seen."""
    part = x[(x >= ends[0]) & (x <= ends[1])]
    if len(part) < 2:
        return True
    ax.fill_between(
        part, curve.pdf(part), color=COLOURS[k], alpha=0.3, linewidth=0, zorder=2,
        hatch=None if k == 0 else "/\\-+x"[k - 1] * 2,
    )  # fmt: skip
    return False


def _write_share(ax: Any, curve: Normal, ends: tuple[float, float], x: Array, text: str) -> None:
    """Write the value into the shaded part where there is room; the title has it anyway."""
    lower, upper = max(ends[0], float(x[0])), min(ends[1], float(x[-1]))
    inner = (max(lower, curve.mean - 2.2 * curve.sd), min(upper, curve.mean + 2.2 * curve.sd))
    if inner[1] - inner[0] < 1.2 * curve.sd:
        return
    middle = (inner[0] + inner[1]) / 2.0
    height = min(curve.pdf(inner[0] + 0.3 * curve.sd), curve.pdf(inner[1] - 0.3 * curve.sd))
    level = 0.5 * min(curve.pdf(middle), 2.0 * height)
    ax.text(middle, level, text, ha="center", va="center", fontsize=13, color=_ink(ax), zorder=6)


def _head(ax: Any, curves: list[Normal], ends: tuple[float, float] | None, name: str) -> None:
    if ends is None:
        title = "" if len(curves) > 1 else _labels(curves, None)[0]
    else:
        title = f"P({_event(ends, shown_name(name, 30))})"
        if len(curves) == 1:
            title += f" = {share(curves[0].between(*ends))}"
    ax.set_title(title, loc="left", fontsize=10)


def _event(ends: tuple[float, float], name: str) -> str:
    left = "" if ends[0] == -np.inf else f"{number(ends[0], 6)} < "
    right = "" if ends[1] == np.inf else f" < {number(ends[1], 6)}"
    if not left and not right:
        return f"−∞ < {name} < ∞"
    if not right:
        return f"{name} > {number(ends[0], 6)}"
    return f"{left}{name}{right}"


def _z_axis(ax: Any, curve: Normal) -> None:
    """Draw the axis in standard deviations on top."""
    top = ax.secondary_xaxis(
        "top",
        functions=(
            lambda x: (np.asarray(x) - curve.mean) / curve.sd,
            lambda z: curve.mean + curve.sd * np.asarray(z),
        ),
    )
    low, high = ((end - curve.mean) / curve.sd for end in ax.get_xlim())
    ticker = require("matplotlib.ticker", purpose="Plots", extra="plots")
    if high - low <= 24.0:
        top.xaxis.set_major_locator(ticker.MultipleLocator(1.0 if high - low <= 14.0 else 2.0))
    top.set_xlabel("z: standard deviations from the mean", fontsize=9)
    top.tick_params(labelsize=9)
    top.spines["top"].set_visible(False)


def _ink(ax: Any) -> Any:
    """Return the colour of the text on these axes, light or dark as the style has it."""
    return ax.xaxis.label.get_color()
