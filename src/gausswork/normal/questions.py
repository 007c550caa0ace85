"""Questions that a normal distribution answers, and the answers in numbers and words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from gausswork import formatting as fmt
from gausswork.normal import inputs
from gausswork.normal.distribution import Interval, Normal
from gausswork.plain import plain

_DIGITS = 12  # shown of a number; the object has them all
_CROWD = 10_000  # "of 10,000 values": where a percentage says little to many readers


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked of a normal distribution, and what is so.

    Attributes
    ----------
    normal : the distribution.
    event : the question as a formula, such as ``"60 < X < 80"``.
    probability : of the event.
    complement : of its opposite, with its own digits: not 1 − probability.
    ends : the ends of the event on the axis of the variable; ±∞ where there is none.
    z : the same ends in standard deviations from the mean.
    given : ``"ends"``, or ``"probability"`` where the end was asked for.
    """

    normal: Normal
    event: str
    probability: float
    complement: float
    ends: tuple[float, float]
    z: tuple[float, float]
    given: str = "ends"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; infinite numbers become None."""
        return {
            "mean": plain(self.normal.mean),
            "sd": plain(self.normal.sd),
            "event": self.event,
            "probability": self.probability,
            "complement": self.complement,
            "lower": plain(self.ends[0]),
            "upper": plain(self.ends[1]),
            "z_lower": plain(self.z[0]),
            "z_upper": plain(self.z[1]),
            "given": self.given,
        }

    @property
    def in_a_crowd(self) -> str:
        """The probability as a sentence: of so many values, so many do so."""
        p, rest = self.probability, self.complement
        if rest < 1e-300:
            return "Every value does so, as far as float64 can say."
        if p < 1e-300:
            return "No value does so, as far as float64 can say."
        if rest * _CROWD < 10:
            return f"All but about one value in {_rounded(1.0 / rest)} do so."
        if p * _CROWD < 10:
            return f"About one value in {_rounded(1.0 / p)} does so."
        return f"Of {_CROWD:,} values, about {round(p * _CROWD):,} do so."

    def __str__(self) -> str:
        places = [_place(z) for z in self.z if math.isfinite(z)]
        rows = [
            ("probability", f"{share(self.probability)}   ({number(self.probability)})"),
            ("otherwise", f"{share(self.complement)}   ({number(self.complement)})"),
            ("z", " to ".join(number(z) for z in self.z)),
        ]
        said = [f"P({self.event}) = {share(self.probability)}"]
        if self.given == "probability":
            end = self.ends[1]
            said = [f"the {share(self.probability)} quantile is {number(end)}"]
            rows.insert(0, ("x", number(end)))
        width = max(len(name) for name, _ in rows)
        lines = [f"{_name(self.normal)}: {said[0]}", ""]
        lines += [f"{name:<{width}}  {text}" for name, text in rows]
        lines += ["", self.in_a_crowd]
        if places:
            lines.append(f"The {'ends lie' if len(places) > 1 else 'end lies'} "
                         f"{' and '.join(places)}.")  # fmt: skip
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Overview:
    """The intervals and quartiles of a normal distribution."""

    normal: Normal
    intervals: tuple[Interval, ...]
    quartiles: tuple[float, ...]
    peak: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; infinite numbers become None."""
        return {
            "mean": plain(self.normal.mean),
            "sd": plain(self.normal.sd),
            "peak_density": plain(self.peak),
            "quartiles": plain(self.quartiles),
            "intervals": [
                {
                    "sds": part.sds,
                    "lower": plain(part.lower),
                    "upper": plain(part.upper),
                    "probability": part.probability if self.normal.sd > 0.0 else 1.0,
                }
                for part in self.intervals
            ],
        }

    def __str__(self) -> str:
        rows = [
            (f"within {part.sds:g} sd", f"{number(part.lower)} to {number(part.upper)}",
             share(part.probability if self.normal.sd > 0.0 else 1.0))  # all of it is on the mean
            for part in self.intervals
        ]  # fmt: skip
        rows.append(("quartiles", ", ".join(map(number, self.quartiles)), ""))
        rows.append(("highest density", f"{number(self.peak)} per unit, at the mean", ""))
        first, second = (max(len(row[k]) for row in rows) for k in (0, 1))
        lines = [_name(self.normal), ""]
        lines += [f"{a:<{first}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join(lines)


def between(normal: Normal, a: float, b: float) -> Answer:
    """Return the answer to a < X < b.

    Raises
    ------
    InputError
        a is larger than b, or one of them is no number.
    """
    _no_nan(a=a, b=b)
    p, rest = normal.between(a, b), normal.outside(a, b)
    if normal.sd == 0.0:
        p = float(a < normal.mean < b)
        rest = 1.0 - p
    return Answer(
        normal, f"{number(a)} < X < {number(b)}", p, rest,
        (float(a), float(b)), (_z(normal, a), _z(normal, b)),
    )  # fmt: skip


def outside(normal: Normal, a: float, b: float) -> Answer:
    """Return the answer to X < a or X > b; errors as :func:`between`."""
    inner = between(normal, a, b)
    event = f"X < {number(a)} or X > {number(b)}"
    return replace(inner, event=event, probability=inner.complement, complement=inner.probability)


def below(normal: Normal, x: float) -> Answer:
    """Return the answer to X < x; errors as :func:`between`."""
    _no_nan(x=x)
    p, rest = _below(normal, x)
    return Answer(
        normal, f"X < {number(x)}", p, rest, (-math.inf, float(x)), (-math.inf, _z(normal, x))
    )


def above(normal: Normal, x: float) -> Answer:
    """Return the answer to X > x; errors as :func:`between`."""
    _no_nan(x=x)
    rest, p = _below(normal, x)
    if normal.sd == 0.0:
        p = float(x < normal.mean)
        rest = 1.0 - p
    return Answer(
        normal, f"X > {number(x)}", p, rest, (float(x), math.inf), (_z(normal, x), math.inf)
    )


def quantile(normal: Normal, p: float) -> Answer:
    """Return the x below which a share p lies.

    Raises
    ------
    InputError
        p does not lie in (0, 1).
    """
    _no_nan(p=p)
    if not 0.0 < p < 1.0:
        hint = f" Did you mean {p / 100.0:g}?" if 1.0 < p < 100.0 else ""
        raise inputs.DistributionError(f"a quantile needs a share in (0, 1); got {p:g}.{hint}")
    x = normal.inv_cdf(p)
    z = Normal().inv_cdf(p)
    event = f"X < {number(x)}"
    return Answer(normal, event, p, 1.0 - p, (-math.inf, x), (-math.inf, z), "probability")


def overview(normal: Normal) -> Overview:
    """Return what one wants to know first."""
    quartiles = tuple(float(x) for x in normal.quantiles(4))
    peak = math.inf if normal.sd == 0.0 else normal.pdf(normal.mean)
    return Overview(normal, normal.intervals(), quartiles, peak)


def _below(normal: Normal, x: float) -> tuple[float, float]:
    if normal.sd == 0.0:  # a step: the mean itself is neither below nor above
        return float(x > normal.mean), float(x <= normal.mean)
    return normal.cdf(x), normal.sf(x)


def _no_nan(**given: float) -> None:
    for name, value in given.items():
        if math.isnan(float(inputs.real(value, name))):
            raise inputs.DistributionError(f"{name} must be a number; got NaN.")


def _z(normal: Normal, x: float) -> float:
    if normal.sd > 0.0:
        return float(normal.zscore(x))
    return 0.0 if x == normal.mean else math.copysign(math.inf, x - normal.mean)


def _place(z: float) -> str:
    if z == 0.0:
        return "on the mean"
    return f"{number(abs(z), 4)} sd {'above' if z > 0 else 'below'} the mean"


def _rounded(count: float) -> str:
    """Return a count with four significant digits, in words that one can read aloud."""
    return f"{float(f'{count:.4g}'):,.0f}" if count < 1e15 else number(count, 4)


def _name(normal: Normal) -> str:
    return f"Normal with mean {number(normal.mean)} and sd {number(normal.sd)}"


def number(value: float, digits: int = _DIGITS) -> str:
    """Return a number with the digits that matter here."""
    return fmt.significant(float(value), digits, strip=True).replace("−", "-")


def share(p: float) -> str:
    """Return a probability in percent, with enough places to tell it from 0 and from 100."""
    percent = p * 100.0
    if percent < 10.0:
        return f"{fmt.significant(percent, 4, strip=True)} %"
    places = 2
    while places < 13 and p < 1.0 and float(f"{percent:.{places}f}") == 100.0:
        places += 1
    return f"{percent:.{places + (places > 2)}f} %"
