"""The room of the bell curve: mean, sd and two limits, each in any of its languages.

A limit can be said as a value, as a z-score or as the share of the bell beyond it; both together by
the area that they hold. ``hold`` is the language in which the limits are given: they keep it while
the bell is moved, and the other languages follow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.fields import Fields
from gausswork.lab.own import OwnColumn, own_column
from gausswork.lab.pictures import bars, quantile_plot
from gausswork.lab.wire import refusal
from gausswork.normal import questions
from gausswork.normal.bands import QuantilePoints, quantile_points
from gausswork.normal.bins import Histogram, histogram_of

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables

Array: TypeAlias = npt.NDArray[np.float64]

EVENTS = ("between", "outside", "below", "above")
HOLDS = ("value", "z", "tail", "area")
SAMPLES = ("none", "drawn", "column")
START: Mapping[str, Any] = {
    "mean": 70.0,
    "sd": 10.0,
    "event": "between",
    "hold": "value",
    "a": 60.0,
    "b": 80.0,
    "area": 0.95,
    "rule": True,
    "log": False,
    "view": None,
    "sample": "none",
    "size": 10_000,
    "seed": 1,
    "column": None,
}

_LARGEST = 1e12  # of a mean or sd: far beyond anything measured, far below overflow
_LEAST_TAIL, _MOST_TAIL = 1e-300, 1.0 - 1e-15
_Z = 37.0  # beyond, tails are below the smallest numbers
_GRID = 241  # points of a curve
_REACH, _REACH_LOG = 4.5, 8.5  # sd to either side that are in view
_NEAR = 12.0  # sd to which the view follows a limit
_FLOOR = 1e-17  # of the peak: as far down as the logarithmic view goes at least
_POINTS = 500  # of the Q-Q plot


@dataclass(frozen=True, slots=True)
class State:
    """The checked state of the room.

    Attributes
    ----------
    mean, sd : of the bell.
    event : which part is meant, of ``EVENTS``.
    hold : language in which the limits are given, of ``HOLDS``.
    a, b : the limits in that language: values, z-scores, or the shares below a and above b.
    area : probability of the event, where ``hold`` is ``"area"``.
    rule : whether the page marks 1, 2 and 3 sd, with their shares.
    log : whether heights are drawn as powers of ten, so that far tails can be read.
    view : ends of the horizontal axis, or None to choose them.
    sample : what is drawn under the bell, of ``SAMPLES``.
    size, seed : of the values to draw.
    own : the column, where that is the sample.
    """

    mean: float
    sd: float
    event: str
    hold: str
    a: float
    b: float
    area: float
    rule: bool
    log: bool
    view: tuple[float, float] | None
    sample: str
    size: int
    seed: int
    own: OwnColumn


def read(state: Mapping[str, Any]) -> State:
    """Check a state.

    Raises
    ------
    InputError
        An entry is of another type or out of range.
    """
    f = Fields(state, START)
    mean = f.number("mean", least=-_LARGEST, most=_LARGEST)
    sd = f.number("sd", least=1e-12, most=_LARGEST)
    if sd < 1e-9 * abs(mean):
        raise InputError(
            f"sd {sd:g} is too small beside the mean {mean:g} for a picture: all numbers would "
            "look alike. Subtract something from them first."
        )
    event, hold = f.choice("event", EVENTS), f.choice("hold", HOLDS)
    a, b = _limits(f, hold, event)
    return State(
        mean=mean,
        sd=sd,
        event=event,
        hold=hold,
        a=a,
        b=b,
        area=f.number("area", least=_LEAST_TAIL, most=_MOST_TAIL),
        rule=f.flag("rule"),
        log=f.flag("log"),
        view=f.range("view"),
        sample=f.choice("sample", SAMPLES),
        size=f.whole("size", least=10, most=100_000),
        seed=f.whole("seed", least=0, most=2**53),
        own=own_column(f),
    )


def _limits(f: Fields, hold: str, event: str) -> tuple[float, float]:
    """Return the limits in the language in which they are held, the lower one first."""
    least, most = {
        "value": (-1e3 * _LARGEST, 1e3 * _LARGEST),
        "z": (-_Z, _Z),
        "tail": (_LEAST_TAIL, _MOST_TAIL),
        "area": (-math.inf, math.inf),  # not used
    }[hold]
    # what the event does not use may have stayed in another language
    a = f.number("a", least=least, most=most) if event != "below" else 0.0
    b = f.number("b", least=least, most=most) if event != "above" else 0.0
    if hold in ("value", "z") and event in ("between", "outside") and a > b:
        return b, a  # a limit that is dragged past the other one changes places with it
    return a, b


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the curve, its parts, the limits in every language, and the sample.

    A sample that cannot be used is ``trouble``; the bell is drawn all the same.

    Raises
    ------
    InputError
        The state cannot be used.
    """
    s = read(state)
    normal = gw.Normal(s.mean, s.sd)
    asked = _asked(s, normal)
    low, high = s.view or _view(s, normal, asked)
    shown, sample, trouble = _shown(normal, asked), None, None
    if s.sample != "none":
        try:
            sample, numbers = _sample(s, normal, asked, tables)
            shown |= numbers
        except InputError as error:
            trouble = refusal(error)
    top = _height(s, normal, normal.mean)
    return {
        "shown": shown,
        "said": f"P({asked.event}) is {questions.share(asked.probability)}. {asked.in_a_crowd}",
        "event": asked.event,
        "percent": questions.share(asked.probability),
        "sentence": asked.in_a_crowd,
        "holds": _holds(normal, asked),
        "view": [low, high],
        "heights": [top + math.log10(_FLOOR) if s.log else 0.0, top],
        "curve": _curve(s, normal, low, high),
        "parts": [_curve(s, normal, *part) for part in _parts(s.event, asked.ends, (low, high))],
        "shoulder": [normal.at(1.0), _height(s, normal, normal.at(1.0))],
        "intervals": [
            {"sds": i.sds, "lower": i.lower, "upper": i.upper, "share": i.probability}
            for i in normal.intervals()
        ],
        "sample": sample,
        "trouble": trouble,
    }


def _asked(s: State, normal: gw.Normal) -> questions.Answer:
    """Ask the bell for the event, with limits in whatever language they were given."""
    if s.event == "below":
        return questions.below(normal, _end(s, normal, "b"))
    if s.event == "above":
        return questions.above(normal, _end(s, normal, "a"))
    a, b = sorted((_end(s, normal, "a"), _end(s, normal, "b")))
    return (questions.between if s.event == "between" else questions.outside)(normal, a, b)


def _end(s: State, normal: gw.Normal, which: str) -> float:
    given = s.a if which == "a" else s.b
    if s.hold == "value":
        return given
    if s.hold == "z":
        return float(normal.at(given))
    if s.hold == "area" and s.event == "between":
        middle = normal.interval(s.area)
        return float(middle.lower if which == "a" else middle.upper)
    share, lower = tail(s, which)
    return float(normal.quantile(share) if lower else normal.isf(share))


def tail(s: State, which: str) -> tuple[float, bool]:
    """Return the share that a limit cuts off, and whether it is the lower one."""
    if s.hold == "tail":
        return (s.a, True) if which == "a" else (s.b, False)
    if s.event == "outside":
        return s.area / 2.0, which == "a"
    return s.area, s.event == "below"


def _shown(normal: gw.Normal, asked: questions.Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "mean": normal.mean,
        "sd": normal.sd,
        "area": asked.probability,
        "otherwise": asked.complement,
        "peak": normal.pdf(normal.mean),
    }
    a, b = asked.ends
    if math.isfinite(a):
        shown |= {"a": a, "z_a": asked.z[0], "below_a": normal.cdf(a)}
    if math.isfinite(b):
        shown |= {"b": b, "z_b": asked.z[1], "above_b": normal.sf(b)}
    return shown


def _holds(normal: gw.Normal, asked: questions.Answer) -> dict[str, Any]:
    """Return what a and b are in each language, as a state may hold them."""
    ends = [end if math.isfinite(end) else other for end, other in zip(
        asked.ends, asked.ends[::-1], strict=True)]  # fmt: skip
    tails = (normal.cdf(ends[0]), normal.sf(ends[1]))
    return {
        "value": ends,
        "z": [_within(normal.zscore(end), -_Z, _Z) for end in ends],
        "tail": [_within(tail, _LEAST_TAIL, _MOST_TAIL) for tail in tails],
        "area": _within(asked.probability, _LEAST_TAIL, _MOST_TAIL),
    }


def _within(value: float, least: float, most: float) -> float:
    return min(max(float(value), least), most)


def _view(s: State, normal: gw.Normal, asked: questions.Answer) -> tuple[float, float]:
    """Return the ends of the axis: the bell, and limits that are not too far from it."""
    reach = _REACH_LOG if s.log else _REACH
    near = [end for end, z in zip(asked.ends, asked.z, strict=True) if abs(z) < _NEAR]
    return min([normal.at(-reach), *near]), max([normal.at(reach), *near])


def _curve(s: State, normal: gw.Normal, low: float, high: float) -> dict[str, list[float]]:
    x = np.linspace(low, high, _GRID)
    return {"x": x.tolist(), "y": _height(s, normal, x)}


def _height(s: State, normal: gw.Normal, x: Any) -> Any:
    """Return the density, or the power of ten in it, which is what a logarithmic axis shows."""
    y = normal.logpdf(x) / math.log(10.0) if s.log else normal.pdf(x)
    return y.tolist() if isinstance(y, np.ndarray) else float(y)


def _parts(
    event: str, ends: tuple[float, float], view: tuple[float, float]
) -> list[tuple[float, float]]:
    """Return the parts of the axis that belong to the event, as far as they are in view."""
    (a, b), (low, high) = ends, view
    parts = [(a, b)] if event != "outside" else [(low, a), (b, high)]
    seen = [(max(left, low), min(right, high)) for left, right in parts]
    return [(left, right) for left, right in seen if left < right]


def _sample(
    s: State, normal: gw.Normal, asked: questions.Answer, tables: Tables
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sample under the bell, its Q-Q plot and verdict; and the numbers shown of it."""
    if s.sample == "drawn":
        values, name = _drawn(s), f"{s.size:,} values drawn"
        found, points, histogram = _judged(values, name)
    else:
        values, name = s.own.values(tables), s.own.name
        # a column stays as it is while the bell over it is moved
        found, points, histogram = s.own.remembered(tables, "bell", lambda: _judged(values, name))
    a, b = asked.ends
    outside = s.event == "outside"
    counted = (values < a) | (values > b) if outside else (values > a) & (values < b)
    numbers = {
        "count": found.count,
        "sample_mean": found.mean,
        "sample_sd": found.sd,
        "sample_share": float(counted.mean()),
        "p_value": found.p_value,
        "distance": found.shape.distance,
    }
    return {
        "name": name,
        "bars": bars(histogram),
        "qq": quantile_plot(points, gw.Normal(found.mean, found.sd)),
        "conclusion": str(found.conclusion),
        "verdict": found.verdict,
        "findings": [finding.to_dict() for finding in found.findings],
    }, numbers


def _judged(values: Array, name: str) -> tuple[gw.Normality, QuantilePoints, Histogram]:
    """Return what is said of values whatever bell stands over them."""
    found = gw.normality(values, name=name)
    return found, quantile_points(values, most=_POINTS), histogram_of(values)


def _drawn(s: State) -> Array:
    values: Array = gw.sampling.normal(s.size, seed=s.seed, mean=s.mean, sd=s.sd)
    return values


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen; errors as :func:`answer`."""
    from gausswork.lab.rooms import bell_script

    return bell_script.script(read(state), tables)
