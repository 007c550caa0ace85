"""Activation functions as numbers: the function, its slope, its bends, and the gain it asks for."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError

Array = npt.NDArray[np.float64]
Curve = Callable[[Array], npt.NDArray[Any]]

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_LEAKY_SLOPE = 0.01  # as in torch.nn.LeakyReLU


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation function.

    Attributes
    ----------
    name : as in ``torch.nn.functional``.
    function, slope : the function and its derivative, elementwise on float64 arrays.
    bends : places where the slope jumps; an integral over the function is split there.
    limits : the values that it approaches or stops at, where it has two; None without limits.
    rectifies : whether it is zero, or nearly so, on a whole half-line: such units can be dead.
    """

    name: str
    function: Curve
    slope: Curve
    bends: tuple[float, ...] = ()
    limits: tuple[float, float] | None = None
    rectifies: bool = False


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))  # no overflow at either end


def _bell(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _area(x: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(x), dtype=np.float64)


def _one(x: Array) -> Array:
    return np.ones_like(x)


def _between(x: Array, low: float, high: float) -> Array:
    return ((x > low) & (x < high)).astype(np.float64)


def _elu(x: Array) -> Array:
    return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))


def _elu_slope(x: Array) -> Array:
    return np.where(x > 0.0, 1.0, np.exp(np.minimum(x, 0.0)))


def _selu_slope(x: Array) -> Array:
    return _SELU_SCALE * np.where(x > 0.0, 1.0, _SELU_ALPHA * np.exp(np.minimum(x, 0.0)))


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def _mish_slope(x: Array) -> Array:
    t = np.tanh(_softplus(x))
    return t + x * (1.0 - t * t) * _sigmoid(x)


def _hardswish_slope(x: Array) -> Array:
    return np.where(x >= 3.0, 1.0, np.where(x <= -3.0, 0.0, (2.0 * x + 3.0) / 6.0))


@functools.cache
def _leaky(slope: float) -> Activation:
    return Activation(
        "leaky_relu",
        lambda x: np.where(x > 0.0, x, slope * x),
        lambda x: slope + (1.0 - slope) * (x > 0.0),
        (0.0,),
    )


_TABLE = {
    a.name: a
    for a in (
        Activation("linear", lambda x: x, _one),
        Activation("relu", lambda x: np.maximum(x, 0.0), lambda x: (x > 0.0) * 1.0, (0.0,),
                   rectifies=True),
        Activation("relu6", lambda x: np.clip(x, 0.0, 6.0), lambda x: _between(x, 0.0, 6.0),
                   (0.0, 6.0), rectifies=True),
        Activation("tanh", np.tanh, lambda x: 1.0 - np.tanh(x) ** 2, limits=(-1.0, 1.0)),
        Activation("sigmoid", _sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x), limits=(0.0, 1.0)),
        Activation("hardtanh", lambda x: np.clip(x, -1.0, 1.0), lambda x: _between(x, -1.0, 1.0),
                   (-1.0, 1.0), (-1.0, 1.0)),
        Activation("hardsigmoid", lambda x: np.clip(x / 6.0 + 0.5, 0.0, 1.0),
                   lambda x: _between(x, -3.0, 3.0) / 6.0, (-3.0, 3.0), (0.0, 1.0)),
        Activation("softsign", lambda x: x / (1.0 + np.abs(x)), lambda x: (1.0 + np.abs(x)) ** -2,
                   (0.0,), (-1.0, 1.0)),
        Activation("selu", lambda x: _SELU_SCALE * np.where(x > 0.0, x, _SELU_ALPHA * _elu(x)),
                   _selu_slope, (0.0,)),
        Activation("elu", _elu, _elu_slope, (0.0,)),
        Activation("gelu", lambda x: x * _area(x), lambda x: _area(x) + x * _bell(x)),
        Activation("silu", lambda x: x * _sigmoid(x),
                   lambda x: _sigmoid(x) * (1.0 + x * _sigmoid(-x))),
        Activation("mish", lambda x: x * np.tanh(_softplus(x)), _mish_slope),
        Activation("hardswish", lambda x: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0, _hardswish_slope,
                   (-3.0, 3.0)),
        Activation("softplus", _softplus, _sigmoid),
        _leaky(_LEAKY_SLOPE),
    )
}  # fmt: skip
_OTHER_NAMES = {
    "identity": "linear",
    "none": "linear",
    "swish": "silu",
    "leakyrelu": "leaky_relu",
    "leaky": "leaky_relu",
    "logistic": "sigmoid",
    **{f"conv{n}d": "linear" for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": "linear" for n in (1, 2, 3)},
}
# What torch.nn.init.calculate_gain returns; for all others the gain is computed.
_BY_CONVENTION = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}

ACTIVATIONS = tuple(_TABLE)


def activation(name: Any, *, negative_slope: float | None = None) -> Activation:
    """Return an activation function by its name in ``torch.nn.functional``.

    Parameters
    ----------
    name : such as ``"relu"``; :data:`ACTIVATIONS` lists them. An Activation is returned as it is.
    negative_slope : of ``"leaky_relu"``; 0.01 by default.

    Raises
    ------
    InputError
        The name is not known; the message names the nearest.
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str):
        raise InputError(
            f"activation must be a name such as 'relu' or 'tanh'; got {type(name).__name__}."
        )
    key = name.lower().replace("-", "_").strip()
    key = _OTHER_NAMES.get(key, key)
    if key not in _TABLE:
        raise InputError(
            f"activation {name!r} is not known.{nearest(key, [*_TABLE, *_OTHER_NAMES])} "
            f"Known are: {', '.join(_TABLE)}."
        )
    if negative_slope is None:
        return _TABLE[key]
    if key != "leaky_relu":
        raise InputError(
            f"negative_slope belongs to activation 'leaky_relu', not to {name!r}. Leave it out."
        )
    if not math.isfinite(negative_slope):
        raise InputError(f"negative_slope must be a finite number; got {negative_slope!r}.")
    return _leaky(float(negative_slope))


def gain(name: Any, *, negative_slope: float | None = None) -> float:
    """Return the factor on the sd of the weights that an activation asks for.

    The names that ``torch.nn.init.calculate_gain`` knows have its values (1 for linear and
    sigmoid, 5/3 for tanh, √2 for ReLU, √(2/(1+a²)) for leaky ReLU with slope a, 3/4 for SELU).
    For all others it is 1/√E[φ(z)²] with z standard normal: the factor that keeps the mean
    square of the signal, which is how He et al. (2015) found √2.

    Parameters
    ----------
    name : of an activation function, as in ``torch.nn.functional``.
    negative_slope : of ``"leaky_relu"``; 0.01 by default.
    """
    known = activation(name, negative_slope=negative_slope)
    if known.name in _BY_CONVENTION:
        return _BY_CONVENTION[known.name]
    if known.name == "leaky_relu":
        slope = _LEAKY_SLOPE if negative_slope is None else float(negative_slope)
        return math.sqrt(2.0 / (1.0 + slope * slope))
    from gausswork.initialization.theory import mean_square

    return 1.0 / math.sqrt(mean_square(known, 1.0))


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return " Did you mean 'x'?" for the known name nearest to ``name``, or nothing."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else ""
