"""The room of the central limit theorem: means of n draws from any population beside the bell.

The population is a law by name, a bag that the visitor filled (so many tickets with each number),
or a column of the visitor's own table. Laws without a variance are shown too: their means do not
come together, and the library says why there is no bell to predict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import gausswork as gw
from gausswork.errors import InputError
from gausswork.lab.fields import Fields
from gausswork.lab.own import OwnColumn, own_column
from gausswork.lab.pictures import bars, quantile_plot
from gausswork.lab.wire import refusal
from gausswork.normal.bands import quantile_points
from gausswork.normal.bins import Histogram, histogram_of
from gausswork.normal.populations import population_of

if TYPE_CHECKING:
    from gausswork.lab.tables import Tables
    from gausswork.normal.populations import Population

Array: TypeAlias = npt.NDArray[np.float64]

# Law -> (least, most, usual) value of its parameter, or None where it has none.
LAWS: Mapping[str, tuple[float, float, float] | None] = {
    "normal": None,
    "uniform": None,
    "exponential": None,
    "dice": None,
    "bernoulli": (0.01, 0.99, 0.5),
    "poisson": (0.1, 20.0, 1.0),
    "lognormal": (0.1, 1.5, 1.0),
    "student": (1.0, 30.0, 5.0),
    "pareto": (1.0, 10.0, 3.5),
    "cauchy": None,
}
POPULATIONS = (*LAWS, "drawn", "column")
_TALLEST = 20  # tickets with one number
FEW = 3  # means, from which on their spread is compared with the prediction
BARS = 21  # values that tickets in the bag can have: 0 to 20
START: Mapping[str, Any] = {
    "population": "exponential",
    "parameter": None,
    "heights": [14, 11, 8, 6, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 3, 5, 8, 11, 15, 18],
    "column": None,
    "n": 10,
    "repeats": 1000,
    "seed": 1,
    "close": False,
}

# Laws of which the library predicts nothing where they have no variance: how to draw from them all
# the same, and the same as a line of Python.
LAWLESS: Mapping[str, tuple[Callable[..., Array], str]] = {
    "cauchy": (lambda rng, _, shape: rng.standard_cauchy(shape), "rng.standard_cauchy({shape})"),
    "student": (
        lambda rng, tail, shape: rng.standard_t(tail, shape),
        "rng.standard_t({tail!r}, {shape})",
    ),
    "pareto": (
        lambda rng, tail, shape: 1.0 + rng.pareto(tail, shape),
        "1.0 + rng.pareto({tail!r}, {shape})",
    ),
}
_TRIAL = 100_000  # draws from which the picture of a population is made
_WATCHED = 100  # draws of the latest mean that can be watched one by one
_MOST_DRAWS = 2_000_000  # at a time: with large n there are fewer means
_AGAIN = 1_000_000  # draws that may be repeated to watch the latest
_POINTS = 300  # of the Q-Q plot
_LONG = 5_000_000  # values of a column that are held a second time to draw from
_REACH = 4.5  # predicted sd to either side that are in view
_GRID = 201  # points of a curve


@dataclass(frozen=True, slots=True)
class State:
    """The checked state of the room.

    Attributes
    ----------
    population : of ``POPULATIONS``.
    parameter : of the law, in the range of ``LAWS``; None for a law without one.
    heights : (21,) tickets in the bag with the numbers 0 to 20.
    own : the column, where that is the population.
    n : draws to a mean, 1 to 1,000.
    repeats : how many means are asked for so far; 0 before the first.
    seed : of the draws.
    close : whether the means are seen close up, and not on the scale of the population.
    """

    population: str
    parameter: float | None
    heights: tuple[int, ...]
    own: OwnColumn
    n: int
    repeats: int
    seed: int
    close: bool

    @property
    def law(self) -> str:
        """The population as the library spells it."""
        return (
            self.population if self.parameter is None else f"{self.population}({self.parameter:g})"
        )

    @property
    def means(self) -> int:
        """How many means are drawn: those asked for, as far as two million draws go."""
        return min(self.repeats, _MOST_DRAWS // self.n)

    @property
    def lawless(self) -> bool:
        """Whether the population has no variance, so that there is no bell to predict."""
        tail = 0.0 if self.population == "cauchy" else self.parameter
        return self.population in LAWLESS and tail is not None and tail <= 2.0


def read(state: Mapping[str, Any]) -> State:
    """Check a state.

    Raises
    ------
    InputError
        An entry is of another type or out of range.
    """
    f = Fields(state, START)
    population = f.choice("population", POPULATIONS)
    limits = LAWS.get(population)
    heights = f.numbers("heights", count=BARS, least=0, most=_TALLEST)
    return State(
        population=population,
        parameter=_parameter(f, limits) if limits else None,
        heights=tuple(round(height) for height in heights),
        own=own_column(f),
        n=f.whole("n", least=1, most=1000),
        repeats=f.whole("repeats", least=0, most=10_000),
        seed=f.whole("seed", least=0, most=2**53),
        close=f.flag("close"),
    )


def _parameter(f: Fields, limits: tuple[float, float, float]) -> float:
    least, most, usual = limits
    given = f.optional("parameter", least=least, most=most)
    return usual if given is None else float(f"{given:g}")  # the digits that a law's name has


def answer(state: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """Return the population, the means, and the bell that the theorem predicts.

    A population that cannot be drawn from is ``trouble``, so that another can be chosen.

    Raises
    ------
    InputError
        The state cannot be used.
    """
    s = read(state)
    if s.lawless:
        return _without_a_bell(s)
    try:
        return _with_a_bell(s, tables)
    except InputError as error:
        empty = (-0.5, BARS - 0.5)
        nothing = dict.fromkeys(("population", "bell", "means", "latest", "qq", "no_bell"))
        told = {"shown": {}, "said": str(error), "law": "", "verdict": "", "findings": []}
        more = {"parameter": _described(s), "wide": empty, "close": empty}
        return {**nothing, **told, **more, "trouble": refusal(error)}


def _with_a_bell(s: State, tables: Tables) -> dict[str, Any]:
    # Before the first mean the prediction is there already: it needs no draw.
    found = gw.central_limit(drawn_from(s, tables), s.n, repeats=max(s.means, 1), seed=s.seed)
    population, predicted = found.population, gw.Normal(found.mean, found.sd)
    shown: dict[str, Any] = {
        "n": s.n,
        "population_mean": population.mean,
        "population_sd": population.sd,
        "predicted_mean": found.mean,
        "predicted_sd": found.sd,
    }
    means, drawn = None, _silhouette(s, population, tables)
    if s.means:
        means = bars(found.histogram())
        shown |= {"repeats": found.repeats}
    points = None
    if s.means >= FEW:
        seen = gw.Normal.from_samples(found.means)
        shown |= {"mean_of_means": seen.mean, "sd_of_means": seen.sd}
        shown |= {"distance": found.distance, "noise": found.noise}
        if s.n * s.means > 1 and found.means.min() < found.means.max():
            points = quantile_plot(quantile_points(found.means, most=_POINTS), predicted)
    close = (predicted.at(-_REACH), predicted.at(_REACH))
    wide = drawn.edges if s.population != "drawn" else (-0.5, BARS - 0.5)
    verdict = found.verdict if s.means >= FEW else ""
    return {
        "shown": shown,
        "said": verdict or f"The mean of {s.n:,} draws is predicted at {found.mean:.4g}.",
        "law": population.name,
        "parameter": _described(s),
        "population": bars(drawn),
        "wide": [float(wide[0]), float(wide[-1])],
        "close": list(close),
        "bell": _curve(predicted, *close),
        "means": means,
        "latest": _latest(s, found),
        "qq": points,
        "verdict": verdict,
        "findings": [finding.to_dict() for finding in found.findings],
        "no_bell": None,
        "trouble": None,
    }


def drawn_from(s: State, tables: Tables) -> Any:
    """Return what the library is to draw from."""
    if s.population == "drawn":
        if sum(height > 0 for height in s.heights) < 2:
            raise InputError(
                "the bag holds no two different numbers, so every mean is the same. Paint at "
                "least two bars."
            )
        return np.repeat(np.arange(BARS), s.heights)
    if s.population != "column":
        return s.law
    values = s.own.values(tables)
    if len(values) > _LONG:
        return values
    return s.own.remembered(tables, "population", lambda: population_of(values, seed=0))


def _curve(bell: gw.Normal, low: float, high: float) -> dict[str, list[float]]:
    x = np.linspace(low, high, _GRID)
    return {"x": x.tolist(), "y": bell.pdf(x).tolist()}


def _silhouette(s: State, population: Population, tables: Tables) -> Histogram:
    """Return what the population looks like: of a law, by many draws from it."""
    if s.population in LAWS:
        return _of_law(s.law)
    if s.population == "column":
        return s.own.remembered(tables, "silhouette", lambda: _pictured(population))
    return _pictured(population)


def _pictured(population: Population) -> Histogram:
    step = population.step or None
    return histogram_of(population.draw(np.random.default_rng(0), (_TRIAL,)), lattice=step)


@lru_cache(maxsize=64)
def _of_law(law: str) -> Histogram:
    return _pictured(gw.central_limit(law, 1, repeats=1).population)


def _latest(s: State, found: gw.CentralLimit) -> dict[str, Any] | None:
    """Return the latest mean and the draws that it is made of, where they can be watched."""
    if not s.means or s.n > _WATCHED or s.n * s.means > _AGAIN:
        return None
    return {"draws": found.draws().tolist(), "mean": float(found.means[-1])}


def _without_a_bell(s: State) -> dict[str, Any]:
    """Return means that do not come together, and the library's reason."""
    from scipy.stats import iqr

    draw = LAWLESS[s.population][0]
    shape = (max(s.means, 1), s.n)
    draws = draw(np.random.default_rng(s.seed), s.parameter, shape)
    means, medians = draws.mean(axis=1), np.median(draws, axis=1)
    silhouette = histogram_of(draw(np.random.default_rng(0), s.parameter, _TRIAL))
    shown: dict[str, Any] = {"n": s.n}
    if s.means:
        shown |= {"repeats": s.means}
    several = s.means >= FEW
    if several:
        shown["half_of_draws"] = float(iqr(draws))
        shown["half_of_means"], shown["half_of_medians"] = float(iqr(means)), float(iqr(medians))
    wide = [float(silhouette.edges[0]), float(silhouette.edges[-1])]
    watched = s.means and s.n <= _WATCHED
    return {
        "shown": shown,
        "said": reason(s),
        "law": s.law,
        "parameter": _described(s),
        "population": bars(silhouette),
        "wide": wide,
        "close": wide,
        "bell": None,
        "means": bars(histogram_of(means)) if several else None,
        "medians": bars(histogram_of(medians)) if several else None,
        "latest": {"draws": draws[-1].tolist(), "mean": float(means[-1])} if watched else None,
        "qq": None,
        "verdict": "",
        "findings": [],
        "no_bell": reason(s),
        "trouble": None,
    }


def _described(s: State) -> dict[str, float] | None:
    """Return the parameter of the law and its range, for a slider."""
    if s.parameter is None:
        return None
    least, most, _ = LAWS[s.population] or (0.0, 0.0, 0.0)
    return {"value": s.parameter, "least": least, "most": most}


def reason(s: State) -> str:
    """Return why the library predicts no bell for the law of a state."""
    try:
        gw.central_limit(s.law, s.n, repeats=1)
    except InputError as refused:
        return str(refused)
    raise AssertionError("the library predicts a bell for a law that is said to have none")


def script(state: Mapping[str, Any], tables: Tables) -> str:
    """Return Python that computes the numbers on the screen; errors as :func:`answer`."""
    from gausswork.lab.rooms import limit_script

    return limit_script.script(read(state), tables)
