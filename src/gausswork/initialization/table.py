"""The schemes side by side, for a layer of given fans: what each draws from, and how it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.initialization.draws import sample
from gausswork.initialization.fan import Fans
from gausswork.initialization.schemes import RECIPES, Scheme, scheme
from gausswork.initialization.text import columns

_BLOCKS = " ▁▂▃▄▅▆▇█"
_CELLS = 25  # odd: one in the middle
_REACH = 3.2  # of the histogram, in sd of He's weights
_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """One scheme for a layer.

    Attributes
    ----------
    name : of the scheme.
    summary, source : in a few words, and who proposed it.
    drawn : the law in words.
    sd : of one weight.
    scaled_variance : fan_in · Var W; 2 keeps the size of signals through ReLU, 1 without it.
    histogram : of drawn weights, between ±3.2 sd of He's.
    options : what the scheme takes, with the defaults.
    """

    name: str
    summary: str
    source: str
    drawn: str
    sd: float
    scaled_variance: float
    histogram: str
    options: dict[str, object]


def table(
    fan_in: int = 512,
    fan_out: int = 512,
    names: Sequence[str] | None = None,
    *,
    activation: str | None = None,
    seed: int = 0,
) -> tuple[Line, ...]:
    """Return the schemes for a layer of these fans, all of them unless ``names`` chooses."""
    for name, value in (("fan_in", fan_in), ("fan_out", fan_out)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{name} must be a whole number from 1 on; got {value!r}.")
    chosen = [scheme(name) for name in (names or RECIPES)]
    if activation is not None:
        chosen = [scheme(s, activation=activation) if "activation" in s.options else s
                  for s in chosen]  # fmt: skip
    each = Fans(fan_in, fan_out, fan_out)
    return tuple(_line(s, each, seed) for s in chosen)


def _line(chosen: Scheme, each: Fans, seed: int) -> Line:
    law, recipe = chosen.law(each), RECIPES[chosen.name]
    weights = sample(chosen if chosen.name != "lsuv" else "orthogonal", each, _DRAWS, seed=seed)
    reach = _REACH * math.sqrt(2.0 / each.fan_in)
    counts = np.histogram(weights, bins=_CELLS, range=(-reach, reach))[0]
    largest = max(int(counts.max()), 1)
    bars = "".join(_BLOCKS[math.ceil(8 * count / largest)] for count in counts)
    return Line(
        name=chosen.name,
        summary=recipe.summary,
        source=recipe.source,
        drawn=law.text(),
        sd=law.spread,
        scaled_variance=each.fan_in * law.spread**2,
        histogram=bars,
        options=chosen.options,
    )


def text(lines: Sequence[Line], fan_in: int, fan_out: int) -> str:
    """Return the table as text."""
    rows = [(x.name, x.drawn, fmt.significant(x.scaled_variance, 3), x.histogram) for x in lines]
    reach = fmt.significant(_REACH * math.sqrt(2.0 / fan_in), 2)
    head = f"−{reach}{'0'.center(_CELLS - 2 * len(reach) - 1)}{reach}"
    shown = columns(("scheme", "weights", "n·Var W", head), rows, left="llrl")
    said = [f"Weights of a layer with fan_in {fan_in:,} and fan_out {fan_out:,}", "", *shown, ""]
    said += [
        "n·Var W: fan_in times the variance of a weight. Without activations 1 keeps the size of",
        "signals, with ReLU 2; PyTorch's default has 1/3. What lies beyond the edges is not shown.",
    ]
    if len(lines) <= 3:  # few enough to say all about them
        for x in lines:
            source = f" ({x.source})" if x.source else ""
            said += ["", f"{x.name}: {x.summary}{source}"]
            if x.options:
                takes = ", ".join(f"{key}={value!r}" for key, value in x.options.items())
                said.append(f"    options: {takes}")
    return "\n".join(said)
