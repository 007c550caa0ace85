"""The room of regression: points that are dragged, the line through them, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import gausswork as gw
from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.lab.fields import Fields
from gausswork.lab.pairs import MOST_POINTS, Opened, Pairs, pairs
from gausswork.leastsquares.checkup.examination import NothingToCheckError
from gausswork.leastsquares.prediction import Prediction
from gausswork.normal.bands import QuantilePoints, quantile_points
from gausswork.plain import plain
from gausswork.work import Equation

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

Array: TypeAlias = npt.NDArray[np.float64]

BANDS = ("none", "confidence", "prediction")
SQUARES = ("none", "fit", "mine")
START: Mapping[str, Any] = {
    "x": [6.0, 4.5, 5.5, 3.0, 8.0, 9.0, 3.5, 7.5, 2.5, 7.0, 4.0, 1.0, 6.5, 5.0, 8.5],
    "y": [78.0, 83.0, 73.0, 61.0, 84.0, 94.0, 51.0, 80.0, 67.0, 82.0, 64.0, 51.0, 81.0, 71.0, 92.0],
    "x_name": "hours of practice",
    "y_name": "score",
    "table": None,
    "x_column": None,
    "y_column": None,
    "band": "confidence",
    "level": 0.95,
    "mine": False,
    "my_points": None,
    "squares": "none",
}

GRID = 41  # points of the band
_ROOM = 0.15  # of the width, to either side of the points
_LEAST = 3  # residuals that a Q-Q plot needs
# Name on the screen -> Python that computes it, and the number itself.
NUMBERS: Mapping[str, tuple[str, Callable[[gw.Fit], Any]]] = {
    "rows": ("fit.rows", lambda fit: fit.rows),
    "intercept": ("float(fit.coefficients[0])", lambda fit: fit.coefficients[0]),
    "slope": ("float(fit.coefficients[1])", lambda fit: fit.coefficients[1]),
    "intercept_error": ("float(fit.standard_errors[0])", lambda fit: fit.standard_errors[0]),
    "slope_error": ("float(fit.standard_errors[1])", lambda fit: fit.standard_errors[1]),
    "p_value": ("float(fit.p_values[1])", lambda fit: fit.p_values[1]),
    "r_squared": ("fit.r_squared", lambda fit: fit.r_squared),
    "residual_sd": ("fit.residual_sd", lambda fit: fit.residual_sd),
    "degrees_of_freedom": ("fit.degrees_of_freedom", lambda fit: fit.degrees_of_freedom),
    "digits": ("float(np.nanmin(fit.trusted_digits))", lambda fit: np.nanmin(fit.trusted_digits)),
    "sum_of_squares": (
        "fit.solution.residual_sum_of_squares",
        lambda fit: fit.solution.residual_sum_of_squares,
    ),
}
# Name on the screen -> its column in the table of influence.
EACH = {
    "residuals": "residual",
    "fitted": "fitted",
    "leverage": "leverage",
    "standardized": "standardized",
    "cooks_distance": "cooks_distance",
}


@dataclass(frozen=True, slots=True)
class State:
    """The checked state of the room.

    Attributes
    ----------
    pairs : the points.
    band : what is drawn around the line, of ``BANDS``.
    level : of the band.
    mine : whether the visitor's own line is compared with that of least squares.
    my_points : x₁, y₁, x₂, y₂ that his line goes through; None to begin with a level one.
    squares : of which line the squares of the residuals are drawn, of ``SQUARES``.
    """

    pairs: Pairs
    band: str
    level: float
    mine: bool
    my_points: tuple[float, ...] | None
    squares: str


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A fit and a look at its rows.

    Attributes
    ----------
    fit : the line.
    rows : the rows that are drawn, and what each does to the line.
    checked : whether there were residuals for a check-up.
    x : (m,) where the rows stand.
    quantiles : their places in a Q-Q plot; None where that says nothing.
    findings : what is worth saying, of the fit and of the check-up.
    grid : (g,) where the band is drawn.
    equation : the normal equation behind the line.
    """

    fit: gw.Fit
    rows: gw.Influence
    checked: bool
    x: Array
    quantiles: QuantilePoints | None
    findings: tuple[Finding, ...]
    grid: Array
    equation: Equation


def read(state: Mapping[str, Any]) -> State:
    """Check a state.

    Raises
    ------
    InputError
        An entry is of another type or out of range.
    """
    f = Fields(state, START)
    return State(
        pairs=pairs(state, START),
        band=f.choice("band", BANDS),
        level=f.number("level", least=0.01, most=0.9999),
        mine=f.flag("mine"),
        my_points=_my_points(f, state),
        squares=f.choice("squares", SQUARES),
    )


def _my_points(f: Fields, state: Mapping[str, Any]) -> tuple[float, ...] | None:
    if state.get("my_points") is None:
        return None
    ends = f.numbers("my_points", count=4)
    if ends[0] == ends[2]:
        raise InputError(
            "my_points stand above one another: the line through them is no function of x. "
            "Move one of them sideways."
        )
    return ends


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the line, its band, what each row does to it, the equation behind it, and words.

    Raises
    ------
    InputError
        The state is no state of this room, or its points cannot be fitted.
    """
    s = read(state)
    opened = s.pairs.open(tables)
    names = {"x_name": opened.x_name, "y_name": opened.y_name}
    if not opened.rows:
        headline, hint = "No points yet.", "Click into the plane, or press Enter on it, to add one."
        said = {"headline": headline, "hint": hint, "said": f"{headline} {hint}"}
        return {**names, **said, "shown": {"rows": 0}, "each": {}, "findings": []}
    live = opened.placed and state.get("live") is True
    seen = look(opened, check=not live)
    band = _band(s, seen)
    headline, hint = _words(s, opened, seen)
    shown = _shown(s, seen, band)
    found: dict[str, Any] = plain(
        {
            **names,
            "headline": headline,
            "hint": hint,
            "said": f"{headline} {hint}".strip(),
            "shown": shown,
            # a check-up takes longer than all else here, and is read when the hand is still
            "findings": None if live else [finding.to_dict() for finding in seen.findings],
            "left_out": seen.fit.tally.dropped,
            "points": None if opened.placed else {"x": seen.x, "y": seen.rows.observed},
            "grid": None if band is None else seen.grid,
            "each": {
                name: getattr(seen.rows, field) for name, field in EACH.items() if name not in shown
            },
            "qq": _qq(seen),
            "my_points": mine_of(s, seen) if s.mine else None,
            "mean_leverage": seen.fit.rank / seen.fit.rows,
            "terms": list(seen.equation.names),
        }
    )
    return found


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen.

    Raises
    ------
    InputError
        As :func:`answer`.
    """
    from gausswork.lab.rooms import regression_script

    s = read(state)
    return regression_script.script(s, s.pairs.open(tables))


def look(opened: Opened, *, check: bool = True) -> Seen:
    """Fit the points and look at them once more, with or without a check-up.

    Another band, level or line of one's own leaves all of it as it was.
    """
    return opened.remembered(f"seen {check}", lambda: _look(opened, check=check))


def _look(opened: Opened, *, check: bool) -> Seen:
    fit = opened.fit()
    findings, checked = fit.findings, False
    if check:
        try:
            checkup = fit.check()
        except NothingToCheckError:
            pass
        else:
            rows, findings, checked = checkup.sample, (*findings, *checkup.findings), True
    if not checked:
        rows = fit.influence()
    apart = step(fit.rows)
    if apart > 1:
        rows = rows.take(np.arange(0, len(rows), apart))
    x = opened.values()
    least, most = float(np.nanmin(x)), float(np.nanmax(x))
    return Seen(
        fit=fit,
        rows=rows,
        checked=checked,
        x=x[rows.row],
        quantiles=_quantiles(rows.standardized),
        findings=findings,
        grid=np.linspace(*_ends(least, most), GRID),
        equation=gw.normal_equation(fit),
    )


def _ends(least: float, most: float) -> tuple[float, float]:
    """Return where the line is drawn from and to: a bit beyond the points, at round numbers."""
    room = _ROOM * (most - least)
    if not 0.0 < room < math.inf:
        return least - room, most + room
    decimals = 3 - math.floor(math.log10(room))
    return round(least - room, decimals), round(most + room, decimals)


def step(rows: int) -> int:
    """Return how many rows one that is drawn stands for."""
    return max(1, -(-rows // MOST_POINTS))


def _quantiles(standardized: Array) -> QuantilePoints | None:
    if len(standardized) < _LEAST or np.isnan(standardized).any():
        return None
    try:
        return quantile_points(standardized)
    except InputError:  # residuals that are all alike have no shape
        return None


def _band(s: State, seen: Seen) -> Prediction | None:
    """Return the line over the grid with its limits; None where any slope does as well."""
    if seen.fit.dropped:
        return None
    at = {seen.fit.names[1]: seen.grid}
    if s.band == "none":
        line = seen.fit.predict(at)
        assert isinstance(line, np.ndarray)
        nothing = np.full(len(line), np.nan)
        return Prediction(line, nothing, nothing)
    found = seen.fit.predict(at, s.band, s.level)
    assert isinstance(found, Prediction)
    return found


def _shown(s: State, seen: Seen, band: Prediction | None) -> dict[str, Any]:
    """Return the numbers on the screen by name; what is undefined is not among them."""
    fit = seen.fit
    numbers: dict[str, Any] = {name: number(fit) for name, (_, number) in NUMBERS.items()}
    numbers["slope_lower"], numbers["slope_upper"] = fit.confidence_intervals(s.level)[1]
    numbers |= {name: getattr(seen.rows, field) for name, field in EACH.items()}
    numbers["qq_score"] = _scores(seen)
    if band is not None:
        numbers |= {"line": band.value, "band_lower": band.lower, "band_upper": band.upper}
    normal = seen.equation
    numbers |= {"XtX": normal.matrix, "Xty": normal.right, "L": normal.lower}
    numbers |= {"u": normal.forward, "theta": normal.back}
    numbers["left_over"] = normal.left_over(fit.coefficients[~np.isnan(fit.coefficients)])
    if s.mine:
        x1, y1, x2, y2 = mine_of(s, seen)
        line = gw.fit({"x": [x1, x2], "y": [y1, y2]}, target="y", features=["x"])
        mine = line.coefficients.tolist()
        numbers |= {"my_intercept": mine[0], "my_slope": mine[1]}
        numbers["my_sum_of_squares"] = gw.loss_surface(fit).sum_of_squares(mine)
    return {
        name: value
        for name, value in numbers.items()
        if value is not None and np.isfinite(value).all()
    }


def mine_of(s: State, seen: Seen) -> tuple[float, ...]:
    """Return two points on the visitor's line; at first it is level, as high as the points are."""
    if s.my_points is not None:
        return s.my_points
    height = float(np.mean(seen.rows.observed))
    left, right = float(seen.x.min()), float(seen.x.max())
    return (left, height, right if right > left else left + 1.0, height)


def _scores(seen: Seen) -> Array | None:
    """Return where a bell would have each residual, in the order of the rows."""
    if seen.quantiles is None:
        return None
    scores = np.empty(len(seen.rows))
    scores[np.argsort(seen.rows.standardized, kind="stable")] = seen.quantiles.score
    return scores


def _qq(seen: Seen) -> dict[str, Any] | None:
    """Return the band of the Q-Q plot, and the line that a bell would lie on."""
    points = seen.quantiles
    if points is None:
        return None
    some = np.unique(np.linspace(0, len(points.score) - 1, GRID).round().astype(np.intp))
    return {
        "score": points.score[some],
        "lower": points.lower[some],
        "upper": points.upper[some],
        "mean": points.mean,
        "sd": points.sd,
    }


def _words(s: State, opened: Opened, seen: Seen) -> tuple[str, str]:
    """Say what one sees, and what to do next where there is little."""
    fit, x, y = seen.fit, fmt.visible(opened.x_name), fmt.visible(opened.y_name)
    if fit.rows == 1:
        return "One point: every line through it fits perfectly.", "Add a second one."
    if fit.dropped:
        return (
            f"All points have the same {x}: one slope does as well as any other.",
            "Move a point to the left or to the right.",
        )
    slope = fit.coefficients[1]
    if fit.degrees_of_freedom == 0:
        return (
            "Two points: the line goes through both, and nothing is left to judge it by.",
            "Add a third one.",
        )
    if slope == 0.0:
        return f"The line is level: {y} does not change with {x}.", ""
    size = fmt.significant(abs(float(slope)), 3)
    change = f"When {x} goes up by 1, {y} goes {'up' if slope > 0 else 'down'} by {size}"
    lower, upper = fit.confidence_intervals(s.level)[1].tolist()
    if not seen.checked:
        return f"{change}: the line goes through every point.", "Nothing is left over to judge by."
    limits = f"{fmt.significant(lower, 3)} to {fmt.significant(upper, 3)}"
    between = f"{fmt.percent(s.level)} interval of the slope: {limits}"
    if lower <= 0.0 <= upper:
        return f"{change}, but the direction is not sure.", f"{between}, with 0 inside."
    explained = f"{100.0 * fit.r_squared:.0f} %"
    return f"{change}.", f"{between}. The line explains {explained} of the squares."
