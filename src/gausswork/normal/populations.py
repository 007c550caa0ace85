"""Populations to draw from: known laws by name, a sample, or any function that draws."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.normal.samples import read_sample

Array: TypeAlias = npt.NDArray[np.float64]
Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], Array]

_TRIAL = 200_000  # draws from a function whose moments are not known


@dataclass(frozen=True, slots=True)
class Population:
    """What means are taken of.

    Attributes
    ----------
    name : how it is called.
    mean, sd : its own.
    third : E|x − mean|³ / sd³, at least 1; infinite where the tail is too heavy for it.
    skewness : E(x − mean)³ / sd³; NaN where it does not exist.
    step : distance between neighbouring values of a law on a lattice, 0 for others.
    draw : (rng, shape) -> values.
    known : whether the moments are exact; otherwise they are those of many draws.
    """

    name: str
    mean: float
    sd: float
    third: float
    skewness: float
    step: float
    draw: Draw
    known: bool


def population_of(given: Any, *, seed: int) -> Population:
    """Turn a name, a sample or a function into a population.

    Parameters
    ----------
    given : ``"uniform"``, ``"exponential"``, ``"normal"``, ``"bernoulli(0.5)"``, ``"dice"``,
        ``"poisson(1)"``, ``"lognormal(1)"``, ``"student(5)"``, ``"pareto(3)"``, with the number
        in brackets at will; an array to draw from with replacement; or a function of
        (``numpy.random.Generator``, size) that returns an array.
    seed : of the draws by which the moments of a function are measured.

    Raises
    ------
    InputError
        The name is not known, the sample cannot be used, or the law has no variance.
    """
    if isinstance(given, Population):
        return given
    if isinstance(given, str):
        return _named(given)
    if callable(given):
        return _measured(given, seed)
    return _of_sample(given)


def _named(text: str) -> Population:
    match = re.fullmatch(r"\s*([a-z]+)\s*(?:\(\s*([-+0-9.eE]+)\s*\))?\s*", text.lower())
    law = _LAWS.get(match.group(1)) if match else None
    if match is None or law is None:
        raise InputError(
            f"no population is called {text!r}. There are {', '.join(_LAWS)}, some with a number, "
            "as in 'bernoulli(0.1)'; or pass a sample, or a function of (rng, size)."
        )
    try:
        number = float(match.group(2)) if match.group(2) else None
    except ValueError:
        raise InputError(f"{match.group(2)!r} in {text!r} is not a number.") from None
    return law(number)


def _no_number(name: str, number: float | None) -> None:
    if number is not None:
        raise InputError(f"{name!r} takes no number; got {number:g}.")


def _uniform(number: float | None) -> Population:
    _no_number("uniform", number)
    # E|x − ½|³ = 1/32 and sd³ = 12^(−3/2)
    return Population(
        "uniform", 0.5, math.sqrt(1 / 12), 12**1.5 / 32, 0.0, 0.0, lambda r, s: r.random(s), True
    )


def _exponential(number: float | None) -> Population:
    _no_number("exponential", number)
    return Population(
        "exponential", 1.0, 1.0, 12.0 / math.e - 2.0, 2.0, 0.0,
        lambda r, s: r.exponential(size=s), True,
    )  # fmt: skip


def _normal(number: float | None) -> Population:
    _no_number("normal", number)
    return Population(
        "normal", 0.0, 1.0, 2.0 * math.sqrt(2.0 / math.pi), 0.0, 0.0,
        lambda r, s: r.standard_normal(s), True,
    )  # fmt: skip


def _bernoulli(number: float | None) -> Population:
    p = 0.5 if number is None else number
    if not 0.0 < p < 1.0:
        raise InputError(f"bernoulli(p) needs 0 < p < 1; got {p:g}.")
    q, sd = 1.0 - p, math.sqrt(p * (1.0 - p))
    return Population(
        f"bernoulli({p:g})", p, sd, (p * p + q * q) / sd, (q - p) / sd, 1.0,
        lambda r, s: (r.random(s) < p).astype(np.float64), True,
    )  # fmt: skip


def _dice(number: float | None) -> Population:
    _no_number("dice", number)
    faces = np.arange(1.0, 7.0)
    sd = float(faces.std())
    third = float((np.abs(faces - 3.5) ** 3).mean()) / sd**3
    return Population(
        "dice", 3.5, sd, third, 0.0, 1.0,
        lambda r, s: r.integers(1, 7, s).astype(np.float64), True,
    )  # fmt: skip


def _poisson(number: float | None) -> Population:
    rate = 1.0 if number is None else number
    if not 0.0 < rate <= 1e6:
        raise InputError(f"poisson(rate) needs 0 < rate <= 10⁶; got {rate:g}.")
    k = np.arange(0.0, rate + 40.0 * math.sqrt(rate) + 60.0)
    from scipy.special import gammaln

    weights = np.exp(k * math.log(rate) - rate - gammaln(k + 1.0))
    third = float(weights @ np.abs(k - rate) ** 3) / rate**1.5
    return Population(
        f"poisson({rate:g})", rate, math.sqrt(rate), third, 1.0 / math.sqrt(rate), 1.0,
        lambda r, s: r.poisson(rate, s).astype(np.float64), True,
    )  # fmt: skip


def _lognormal(number: float | None) -> Population:
    spread = 1.0 if number is None else number
    if not 0.0 < spread <= 3.0:
        raise InputError(f"lognormal(sd of the logarithm) needs 0 < sd <= 3; got {spread:g}.")
    from scipy.special import ndtr

    w = math.exp(spread**2)
    mean, sd = math.exp(spread**2 / 2.0), math.sqrt(w * (w - 1.0))
    skewness = (w + 2.0) * math.sqrt(w - 1.0)
    # E(x − m)³ of the part below the mean, from the partial moments of a log-normal
    cut = spread / 2.0
    parts = [
        math.exp(k * k * spread**2 / 2.0) * float(ndtr(cut - k * spread)) for k in (0, 1, 2, 3)
    ]
    below = parts[3] - 3 * mean * parts[2] + 3 * mean**2 * parts[1] - mean**3 * parts[0]
    return Population(
        f"lognormal({spread:g})", mean, sd, skewness - 2.0 * below / sd**3, skewness, 0.0,
        lambda r, s: r.lognormal(0.0, spread, s), True,
    )  # fmt: skip


def _student(number: float | None) -> Population:
    df = 5.0 if number is None else number
    if not df > 2.0:
        raise _without_variance(f"student({df:g})", df)
    third = math.inf
    if df > 3.0:
        # E|t|³ = ν^1.5·Γ(2)·Γ((ν − 3)/2) / (√π·Γ(ν/2))
        log_third = 1.5 * math.log(df) + math.lgamma((df - 3) / 2) - math.lgamma(df / 2)
        third = math.exp(log_third) / math.sqrt(math.pi) / (df / (df - 2.0)) ** 1.5
    return Population(
        f"student({df:g})", 0.0, math.sqrt(df / (df - 2.0)), third,
        0.0 if df > 3.0 else math.nan, 0.0, lambda r, s: r.standard_t(df, s), True,
    )  # fmt: skip


def _pareto(number: float | None) -> Population:
    a = 3.5 if number is None else number
    if not a > 2.0:
        raise _without_variance(f"pareto({a:g})", a)
    mean, sd = a / (a - 1.0), math.sqrt(a / (a - 2.0)) / (a - 1.0)
    third = skewness = math.inf
    if a > 3.0:
        skewness = 2.0 * (1.0 + a) / (a - 3.0) * math.sqrt((a - 2.0) / a)
        # ∫₁^m (m − x)³·a·x^(−a−1) dx, term by term
        terms = (mean**3, -3.0 * mean**2, 3.0 * mean, -1.0)
        below = sum(c * a * (mean ** (k - a) - 1.0) / (k - a) for k, c in enumerate(terms))
        third = skewness + 2.0 * below / sd**3
    return Population(
        f"pareto({a:g})", mean, sd, third, skewness if a > 3.0 else math.nan, 0.0,
        lambda r, s: 1.0 + r.pareto(a, s), True,
    )  # fmt: skip


def _cauchy(number: float | None) -> Population:
    _no_number("cauchy", number)
    raise InputError(
        "'cauchy' has neither a mean nor a variance, so there is no bell for its means to "
        "approach: the mean of a million draws is spread exactly as widely as one draw. Look at "
        "medians, or take a law with a variance, such as 'student(3)'."
    )


def _without_variance(name: str, tail: float) -> InputError:
    mean = "nor a mean " if tail <= 1.0 else ""
    return InputError(
        f"{name!r} has no variance {mean}(its tail falls like x^−{tail:g}), so the central limit "
        "theorem does not hold: single draws decide the mean, however many there are. Take more "
        "than 2 in brackets, or look at medians."
    )


_LAWS: dict[str, Callable[[float | None], Population]] = {
    "uniform": _uniform,
    "exponential": _exponential,
    "normal": _normal,
    "bernoulli": _bernoulli,
    "dice": _dice,
    "poisson": _poisson,
    "lognormal": _lognormal,
    "student": _student,
    "pareto": _pareto,
    "cauchy": _cauchy,
}


def _of_sample(given: Any) -> Population:
    read = read_sample(given, name="population", least=2)
    values = read.values.copy()
    own = getattr(given, "name", None)
    name = own if isinstance(own, str) and own else f"{len(values):,} values"
    mean, sd, third, skewness = _moments(values, name)
    from gausswork.normal.bins import common_step

    step = common_step(np.sort(values)) or 0.0

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return values[rng.integers(0, len(values), shape)]

    return Population(name, mean, sd, third, skewness, step, draw, True)


def _measured(function: Callable[..., Any], seed: int) -> Population:
    name = getattr(function, "__name__", "function")
    name = "your function" if name == "<lambda>" else name

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        try:
            drawn = np.asarray(function(rng, shape), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"population {name!r} must be a function of (rng, size) that returns numbers, such "
                f"as lambda rng, size: rng.gamma(2.0, size=size). It failed: {error}"
            ) from None
        if drawn.shape != shape:
            raise InputError(
                f"population {name!r} was asked for an array of shape {shape} and returned "
                f"{drawn.shape}. Pass its argument size on to the generator."
            )
        if not np.isfinite(drawn.sum()):
            raise InputError(f"population {name!r} returned a value that is not finite.")
        return drawn

    trial = draw(np.random.default_rng([seed, 1]), (_TRIAL,))
    tail = tail_index(trial)
    if tail < 1.9:
        raise InputError(
            f"population {name!r} seems to have no variance: its tail falls like x^−{tail:.1f}, "
            "and the central limit theorem needs a power beyond 2. Single draws decide the mean, "
            "however many there are; look at medians instead."
        )
    mean, sd, third, skewness = _moments(trial, name)
    return Population(
        name, mean, sd, third if tail > 3.0 else math.inf,
        skewness if tail > 3.0 else math.nan, 0.0, draw, False,
    )  # fmt: skip


def _moments(values: Array, name: str) -> tuple[float, float, float, float]:
    mean = float(values.mean())
    about = values - mean
    sd = math.sqrt(float((about * about).mean()))
    if sd == 0.0:
        raise InputError(f"population {name!r} is constant: its means are all the same.")
    about /= sd
    return mean, sd, float((np.abs(about) ** 3).mean()), float((about**3).mean())


def tail_index(values: Array) -> float:
    """Return the power by which the heavier tail falls; Hill (1975), of the farthest half per cent.

    Infinite where the tail is bounded or falls faster than any power, as far as can be seen.
    """
    about = np.sort(np.abs(values - np.median(values)))
    k = max(len(about) // 200, 10)
    far, limit = about[-k:], float(about[-k - 1])
    if limit <= 0.0:
        return math.inf
    mean_log = float(np.log(far / limit).mean())
    return math.inf if mean_log == 0.0 else 1.0 / mean_log
