"""What a mini-batch step does and how its rate changes: values, checked and written as text."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Array = npt.NDArray[np.float64]

OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam")
SCHEDULES = ("constant", "step", "inverse-time", "cosine")


@dataclass(frozen=True, slots=True)
class Optimizer:
    """How a gradient g becomes a step; as text ``"adam"`` or ``"adam:beta1=0.8,epsilon=1e-6"``.

    - ``sgd``: v ← momentum·v + g, θ ← θ − rate·v (Polyak 1964); with ``nesterov``
      θ ← θ − rate·(g + momentum·v) (Nesterov 1983, in the form of Sutskever et al. 2013).
      Momentum and Nesterov are options of the descent itself.
    - ``adagrad``: s ← s + g², θ ← θ − rate·g/(√s + ε) (Duchi, Hazan & Singer 2011).
    - ``rmsprop``: s ← decay·s + (1 − decay)·g², θ ← θ − rate·g/(√s + ε) (Tieleman & Hinton 2012).
    - ``adam``: first and second moments of g, both corrected for their start (Kingma & Ba 2015).

    Attributes
    ----------
    name : one of the above.
    beta1, beta2 : of ``adam``, in [0, 1).
    decay : of ``rmsprop``, in [0, 1).
    epsilon : ε above, positive; by default 1e-10 for ``adagrad``, else 1e-8.

    Raises
    ------
    InputError
        The name is unknown or a number is out of its range.
    """

    name: str = "sgd"
    beta1: float = 0.9
    beta2: float = 0.999
    decay: float = 0.99
    epsilon: float | None = None

    def __post_init__(self) -> None:
        _known(self.name, OPTIMIZERS, "optimizer")
        for name in ("beta1", "beta2", "decay"):
            value = _number(getattr(self, name), name)
            if not 0.0 <= value < 1.0:
                raise InputError(f"{name} must lie in [0, 1); got {value!r}. The usual is 0.9.")
            object.__setattr__(self, name, value)
        if self.epsilon is not None:
            epsilon = _number(self.epsilon, "epsilon")
            if not 0.0 < epsilon < math.inf:
                raise InputError(f"epsilon must be positive; got {epsilon!r}. The usual is 1e-8.")
            object.__setattr__(self, "epsilon", epsilon)

    def __str__(self) -> str:
        return _as_text(self, Optimizer(self.name))

    @property
    def floor(self) -> float:
        """ε: what is added to a root before it divides."""
        if self.epsilon is not None:
            return self.epsilon
        return 1e-10 if self.name == "adagrad" else 1e-8


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the rate changes; as text ``"cosine"`` or ``"step:every=10,factor=0.5"``.

    Time t counts epochs and passes in fractions, so a single long epoch has a schedule too.

    - ``constant``: rate.
    - ``step``: rate·factor^⌊t/every⌋.
    - ``inverse-time``: rate/(1 + decay·t) (Robbins & Monro 1951).
    - ``cosine``: from rate to floor·rate along half a cosine over all epochs (Loshchilov & Hutter
      2017).

    Attributes
    ----------
    name : one of the above.
    every, factor : of ``step``: epochs, positive, and a factor in (0, 1].
    decay : of ``inverse-time``, positive.
    floor : of ``cosine``: the share of the rate that is left at the end, in [0, 1].

    Raises
    ------
    InputError
        The name is unknown or a number is out of its range.
    """

    name: str = "constant"
    every: float = 10.0
    factor: float = 0.1
    decay: float = 1.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        _known(self.name, SCHEDULES, "schedule")
        said_of = {
            "every": "be a positive number of epochs",
            "factor": "lie in (0, 1]",
            "decay": "be positive",
            "floor": "lie in [0, 1]",
        }
        for name, said in said_of.items():
            value = _number(getattr(self, name), name)
            least, most = (0.0 if name == "floor" else 5e-324), (1.0 if "1]" in said else 1e308)
            if not least <= value <= most:
                default = Schedule.__dataclass_fields__[name].default
                raise InputError(
                    f"{name} of a schedule must {said}; got {value!r}. The usual is {default}."
                )
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return _as_text(self, Schedule(self.name))

    def rates(self, rate: float, epoch: int, steps: int, epochs: int) -> Array:
        """Return the rate of each step of an epoch, (steps,).

        Parameters
        ----------
        epoch : counted from 0.
        epochs : how many there will be; the end of the cosine.
        """
        if self.name == "constant":
            return np.full(steps, rate)
        time = epoch + np.arange(steps) / steps
        if self.name == "step":
            return np.asarray(rate * self.factor ** np.floor(time / self.every))
        if self.name == "inverse-time":
            return np.asarray(rate / (1.0 + self.decay * time))
        wave = 0.5 * (1.0 + np.cos(np.pi * time / epochs))
        return np.asarray(rate * (self.floor + (1.0 - self.floor) * wave))


_Value = TypeVar("_Value", Optimizer, Schedule)


def optimizer_of(given: Any) -> Optimizer:
    """Return the optimizer that a name, a text or a value stands for."""
    if isinstance(given, str) and given.strip().lower() in ("momentum", "nesterov"):
        option = "momentum=0.9" if "mom" in given.lower() else "momentum=0.9, nesterov=True"
        raise InputError(
            f"optimizer is {given!r}; it is 'sgd' with an option of the descent: give {option} "
            "and leave the optimizer as it is."
        )
    return _parsed(given, Optimizer, "optimizer")


def schedule_of(given: Any) -> Schedule:
    """Return the schedule that a name, a text or a value stands for."""
    return _parsed(given, Schedule, "schedule")


def _parsed(given: Any, kind: type[_Value], what: str) -> _Value:
    if isinstance(given, kind):
        return given
    if not isinstance(given, str):
        example = "adam" if kind is Optimizer else "cosine"
        raise InputError(
            f"{what} must be a name such as {example!r} or gausswork.{kind.__name__}(…); "
            f"got {given!r}."
        )
    name, _, rest = given.partition(":")
    name = name.strip().lower().replace("_", "-").replace(" ", "-")
    kind(name)  # an unknown name is the first thing to say
    numbers: dict[str, float] = {}
    options = [field.name for field in fields(kind)][1:]
    for part in rest.split(",") if rest.strip() else ():
        key, sign, text = (piece.strip() for piece in part.partition("="))
        if key not in options or not sign:
            raise InputError(
                f"{what} {given!r} cannot be read at {part.strip()!r}: write it as "
                f"'{name}:{options[0]}=0.5'; the options are {', '.join(options)}."
                f"{nearest(key, options)}"
            )
        try:
            numbers[key] = float(text)
        except ValueError:
            raise InputError(
                f"{what} {given!r}: {key} must be a number; got {text!r}. Give one, as in "
                f"'{name}:{key}=0.5'."
            ) from None
    return kind(name, **numbers)


def _known(name: Any, names: tuple[str, ...], what: str) -> None:
    if name not in names:
        listed = ", ".join(map(repr, names))
        raise InputError(
            f"{what} must be one of {listed}; got {name!r}.{nearest(str(name), names)}"
        )


def nearest(word: str, words: Any) -> str:
    """Return a question after the word that was meant, with a blank before it, or nothing."""
    import difflib

    found = difflib.get_close_matches(word.lower(), list(words), n=1, cutoff=0.4)
    return f" Did you mean {found[0]!r}?" if found else ""


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or value != value:
        raise InputError(f"{name} must be a number; got {value!r}. Give one such as 0.9.")
    return float(value)


def _as_text(value: Optimizer | Schedule, usual: Optimizer | Schedule) -> str:
    changed = [
        f"{field.name}={getattr(value, field.name)!r}"
        for field in fields(value)
        if getattr(value, field.name) != getattr(usual, field.name)
    ]
    return value.name + (":" + ",".join(changed) if changed else "")
