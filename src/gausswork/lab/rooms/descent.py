"""The room of gradient descent: the valley of the loss, the path down, the limit of the rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import gausswork as gw
from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.lab.fields import Fields, number
from gausswork.lab.pairs import Opened, Pairs, pairs
from gausswork.leastsquares.rows import spread_rows
from gausswork.plain import plain

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

Array: TypeAlias = npt.NDArray[np.float64]

AUTO = "auto"
MOST_EPOCHS = 1000
MOST_OTHERS = 5
MOST_DRAWN = 1_000  # points
# The line of the dialogue that gausswork began with: y = 2x.
START: Mapping[str, Any] = {
    "x": [1.0, 2.0, 3.0, 4.0, 5.0],
    "y": [2.0, 4.0, 6.0, 8.0, 10.0],
    "x_name": "x",
    "y_name": "y",
    "table": None,
    "x_column": None,
    "y_column": None,
    "standardize": False,
    "start": [-10.0, 2.5],
    "start_standardized": False,
    "learning_rate": 0.07,
    "momentum": 0.0,
    "epochs": 100,
    "epoch": 100,
    "others": [0.005, 0.04, 0.087],
    "equal": False,
}

_SPAN = (1e-3, 4.0)  # of the slider, in limits of the learning rate
# Numbers on the screen that the outlook has under the same name
OUTLOOK = (
    "learning_rate",
    "learning_rate_limit",
    "overshoots_from",
    "best_learning_rate",
    "largest_eigenvalue",
    "smallest_eigenvalue",
    "condition_number",
    "factor",
)
_FAR = 1e290  # a start beyond has a loss that float64 cannot hold


@dataclass(frozen=True, slots=True)
class State:
    """The checked state of the room.

    Attributes
    ----------
    pairs : the points that the line is for.
    standardize : whether x is taken with mean 0 and sd 1.
    start : where the descent begins, on the surface.
    start_standardized : whether ``start`` is on the surface of the standardised x.
    learning_rate : or ``"auto"`` for the best constant one.
    momentum : 0 for none.
    epochs : steps that are taken.
    epoch : the step that is looked at.
    others : learning rates for comparison.
    equal : whether both axes have the same scale.
    """

    pairs: Pairs
    standardize: bool
    start: tuple[float, float]
    start_standardized: bool
    learning_rate: float | str
    momentum: float
    epochs: int
    epoch: int
    others: tuple[float, ...]
    equal: bool

    def method(self, rate: float | str, start: Array) -> gw.GradientDescent:
        """Return the descent at a rate."""
        return gw.GradientDescent(
            learning_rate=rate, epochs=self.epochs, start=start.tolist(), momentum=self.momentum,
            standardize=self.standardize, beyond_limit="run",
        )  # fmt: skip


def read(state: Mapping[str, Any]) -> State:
    """Check a state.

    Raises
    ------
    InputError
        An entry is of another type or out of range.
    """
    f = Fields(state, START)
    rate = state.get("learning_rate", START["learning_rate"])
    others = state.get("others", START["others"])
    if not isinstance(others, list | tuple) or len(others) > MOST_OTHERS:
        raise InputError(
            f"others must be a list of at most {MOST_OTHERS} learning rates; "
            f"got {str(others)[:40]!r}. Remove some."
        )
    b, w = f.numbers("start", count=2, least=-_FAR, most=_FAR)
    return State(
        pairs=pairs(state, START),
        standardize=f.flag("standardize"),
        start=(b, w),
        start_standardized=f.flag("start_standardized"),
        learning_rate=rate if rate == AUTO else _rate(rate, "learning_rate"),
        momentum=f.number("momentum", least=0.0, most=0.99),
        epochs=f.whole("epochs", least=1, most=MOST_EPOCHS),
        epoch=f.whole("epoch", least=0, most=MOST_EPOCHS),
        others=tuple(_rate(each, f"others[{i}]") for i, each in enumerate(others)),
        equal=f.flag("equal"),
    )


def _rate(value: Any, name: str) -> float:
    return number(value, name, least=1e-300, most=1e300)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A descent over its surface.

    Attributes
    ----------
    line : the exact line.
    surface : the loss over intercept and slope.
    start : (2,) where it begins, in the units of the data.
    descent : the walk.
    outlook : what was known of it before the first step.
    others : walks at the other rates; None where the hand moves on before they would be seen.
    """

    line: gw.Fit
    surface: gw.LossSurface
    start: Array
    descent: gw.Descent
    outlook: gw.Outlook
    others: tuple[gw.Descent, ...] | None


def _walk(s: State, opened: Opened, *, live: bool = False) -> Walk:
    if not opened.rows:
        raise InputError(
            "there are no points to fit a line to. Add some in the room of regression."
        )
    line = opened.fit()
    given = gw.loss_surface(line, standardize=s.start_standardized)
    surface = given
    if s.standardize != s.start_standardized:
        surface = gw.loss_surface(line, standardize=s.standardize)
    start = given.parameters(s.start)
    descent = _descent(opened, s.method(s.learning_rate, start))
    assert descent.outlook is not None
    methods = [s.method(rate, start) for rate in s.others]
    others = None
    if not live or all(map(opened.walked, methods)):
        others = tuple(_descent(opened, method) for method in methods)
    return Walk(line, surface, start, descent, descent.outlook, others)


def _descent(opened: Opened, method: gw.GradientDescent) -> gw.Descent:
    found = opened.fit(method).descent
    assert found is not None
    return found


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the valley, the paths, and what the learning rates do, in words.

    Raises
    ------
    InputError
        The state is no state of this room, or its points cannot be fitted.
    """
    s = read(state)
    opened = s.pairs.open(tables)
    walk = _walk(s, opened, live=state.get("live") is True)
    here, surface = walk.outlook, walk.surface
    bounds = _bounds(walk)
    alternative = here.alternative
    found: dict[str, Any] = plain(
        {
            "x_name": opened.x_name,
            "y_name": opened.y_name,
            "points": None if opened.placed else _points(walk.line),
            "bounds": bounds,
            "solution": surface.solution,
            "flat": surface.flat,
            "contours": [surface.half_axes(level, bounds) for level in surface.levels(bounds)],
            "path": surface.place(walk.descent.path),
            "parameters": walk.descent.path if s.standardize else None,  # else the path itself
            "loss": walk.descent.loss,
            "excess": surface.excess(surface.place(walk.descent.path)),
            "gradient": surface.gradient(surface.place(walk.descent.path)),
            "behaviour": str(here.behaviour),
            "verdict": here.verdict,
            "reason": walk.descent.reason,
            "auto": s.learning_rate == AUTO,
            "slider": _slider(s, walk),
            "standardized": None
            if alternative is None
            else {
                "condition_number": alternative.condition_number,
                "learning_rate_limit": alternative.learning_rate_limit,
                "standardize": alternative.standardize,
            },
            "others": None
            if walk.others is None
            else [_other(surface, each) for each in walk.others],
            "remarks": [str(finding) for finding in walk.descent.findings],
            "headline": _headline(walk),
            "said": f"{here.verdict} {_headline(walk)}",
            "shown": _shown(s, walk),
        }
    )
    return found


def _points(line: gw.Fit) -> dict[str, Array]:
    """Return points to draw, some of them where they are many, evenly spread."""
    x, y = spread_rows(line, None, MOST_DRAWN)
    return {"x": x[:, 0], "y": y}


def _bounds(walk: Walk) -> tuple[float, float, float, float]:
    """Return the part of the plane to show; the same wherever the start is dragged within it."""
    surface = walk.surface
    origin = surface.place(np.zeros(2))
    bounds = surface.bounds(float(surface.loss(origin)))
    left, right, bottom, top = bounds
    x, y = surface.place(walk.start).tolist()
    if left <= x <= right and bottom <= y <= top:
        return bounds
    left, right, bottom, top = surface.bounds(float(surface.loss([x, y])))
    return min(left, x), max(right, x), min(bottom, y), max(top, y)  # a flat valley has no box


def _slider(s: State, walk: Walk) -> dict[str, float]:
    """Return the ends of the slider of rates and its marks."""
    here = walk.outlook
    limit = here.learning_rate_limit
    used = [here.learning_rate]
    return {
        "least": min(_SPAN[0] * limit, 0.5 * here.overshoots_from, *used),
        "most": max(_SPAN[1] * limit, *used),
        "limit": limit,
        "overshoots_from": here.overshoots_from,
        "best": here.best_learning_rate,
    }


def _other(surface: gw.LossSurface, walked: gw.Descent) -> dict[str, Any]:
    """Return a walk for comparison; its numbers are drawn, not read."""
    assert walked.outlook is not None
    path = surface.place(walked.path)
    return {
        "learning_rate": walked.learning_rate,
        "behaviour": str(walked.outlook.behaviour),
        "verdict": walked.outlook.verdict,
        "path": path,
        "loss": walked.loss,
        "excess": surface.excess(path),
    }


def _shown(s: State, walk: Walk) -> dict[str, Any]:
    """Return the numbers on the screen by name; what is undefined is not among them."""
    here, descent = walk.outlook, walk.descent
    epoch = min(s.epoch, descent.epochs)
    numbers = {
        "epoch": epoch,
        "epochs": descent.epochs,
        "intercept": descent.path[epoch, 0],
        "slope": descent.path[epoch, 1],
        "loss": descent.loss[epoch],
        "least_loss": walk.surface.least,
        "exact_intercept": descent.exact[0],
        "exact_slope": descent.exact[1],
        "learning_rate": here.learning_rate,
        "learning_rate_limit": here.learning_rate_limit,
        "overshoots_from": here.overshoots_from,
        "best_learning_rate": here.best_learning_rate,
        "largest_eigenvalue": here.largest_eigenvalue,
        "smallest_eigenvalue": here.smallest_eigenvalue,
        "condition_number": here.condition_number,
        "factor": here.factor,
        "epochs_per_digit": here.epochs_per_digit(),
        "other_rates": list(s.others),
    }
    if walk.others is not None:
        numbers["other_losses"] = [each.loss[min(s.epoch, each.epochs)] for each in walk.others]
    return {name: value for name, value in numbers.items() if np.isfinite(value).all()}


def _headline(walk: Walk) -> str:
    """Say how round the valley is, and what standardising makes of it."""
    here, other = walk.outlook, walk.outlook.alternative
    size = fmt.significant(here.condition_number, 3, strip=True)
    if here.flat_directions:
        return "The valley has no lowest point: all points have the same x, and any slope does."
    if here.standardize:
        was = "" if other is None else fmt.significant(other.condition_number, 3, strip=True)
        before = f", down from {was}" if was else ""
        return f"Standardised, the valley is round: condition number {size}{before}."
    if here.condition_number < 2.0:
        return f"The valley is nearly round, condition number {size}: steps go straight down."
    return f"Across the valley is {size} times as curved as along it: its condition number."


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen.

    Raises
    ------
    InputError
        As :func:`answer`.
    """
    from gausswork.lab.rooms import descent_script

    s = read(state)
    opened = s.pairs.open(tables)
    _walk(s, opened)  # what cannot be computed is refused here already
    return descent_script.script(s, opened)
