"""Weights as NumPy arrays, by NumPy alone.

The numbers come from :mod:`gausswork.sampling`: they depend on seed and name, on nothing else, and
are the same on every machine. PyTorch has other generators: :func:`initialize` draws from the same
laws, and gets other numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork import sampling
from gausswork.errors import InputError
from gausswork.initialization.activations import activation as activation_of
from gausswork.initialization.fan import Fans, check_shape, fans
from gausswork.initialization.laws import Law
from gausswork.initialization.plans import check_seed
from gausswork.initialization.schemes import RECIPES, Scheme, scheme

Weights = npt.NDArray[Any]


def draw(
    name: str | Scheme,
    shape: Sequence[int],
    *,
    seed: int = 0,
    stream: str = "weight",
    transposed: bool = False,
    groups: int = 1,
    dtype: npt.DTypeLike = np.float64,
    **options: Any,
) -> Weights:
    """Return starting weights as a NumPy array.

    Parameters
    ----------
    name : of a scheme, such as ``"he"``, or a Scheme.
    shape : ``(out, in, *kernel)`` as PyTorch has it; ``(in, out, *kernel)`` if ``transposed``.
    seed, stream : what the numbers depend on; give every parameter its own name as stream.
    transposed, groups : of a convolution; see :func:`fans`.
    dtype : float64 or float32.
    **options : of the scheme, such as ``activation="relu"``, ``mode="fan_out"``, ``sd=0.02``.

    Raises
    ------
    InputError
        The scheme, an option, the shape or the dtype is not one that can be drawn.

    Examples
    --------
    >>> from gausswork.initialization import draw
    >>> w = draw("he", (256, 512), seed=1)
    >>> w.shape, round(float(w.std()), 3)    # √(2 / 512) = 0.0625
    ((256, 512), 0.062)
    """
    chosen, sizes, kind = scheme(name, **options), check_shape(shape), _checked_dtype(dtype)
    if chosen.name == "lsuv":
        raise InputError(
            "scheme 'lsuv' needs a batch: lsuv(weights, batch) for arrays, initialize(model, "
            "'lsuv', batch=…) for a network."
        )
    needs = RECIPES[chosen.name].needs_fans
    each = fans(sizes, transposed=transposed, groups=groups) if needs else None
    law = chosen.law(each)
    seed = check_seed(seed)
    if law.kind not in ("orthogonal", "identity", "sparse"):
        return _independent(law, sizes, seed, stream, kind)
    # A matrix of its own for each group, with outputs along the rows.
    rows = sizes[0] // groups
    result = np.empty(sizes, dtype=kind)
    for g in range(groups):
        place = result[g * rows : (g + 1) * rows]
        place = place.swapaxes(0, 1) if transposed else place
        name_of = stream if groups == 1 else f"{stream}/group {g}"
        place[...] = _matrix(law, place.shape, seed, name_of, kind)
    return result


def variance_scaling(
    shape: Sequence[int],
    *,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
    seed: int = 0,
    stream: str = "weight",
    transposed: bool = False,
    groups: int = 1,
    dtype: npt.DTypeLike = np.float64,
) -> Weights:
    """Return weights of variance ``scale`` / fan: the one function behind LeCun, Glorot and He.

    ===========  =====  =========  =========
    scheme       scale  mode       source
    ===========  =====  =========  =========
    LeCun        1      fan_in     LeCun et al. 1998
    Glorot       1      fan_avg    Glorot & Bengio 2010
    He           2      fan_in     He et al. 2015
    PyTorch      1/3    fan_in     kaiming_uniform with a = √5
    ===========  =====  =========  =========

    Parameters
    ----------
    shape, seed, stream, transposed, groups, dtype : as in :func:`draw`.
    scale : gain², the variance of a sum over the fan.
    mode : ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``, their mean.
    distribution : ``"normal"``, ``"uniform"`` or ``"truncated_normal"`` (cut at two sd, widened
        so that its variance is what it says).
    """
    if isinstance(scale, bool) or not math.isfinite(scale) or scale < 0.0:
        raise InputError(f"scale must be a number, zero or more; got {scale!r}. It is gain².")
    chosen = scheme("variance_scaling", gain=math.sqrt(scale), mode=mode, distribution=distribution)
    return draw(
        chosen, shape, seed=seed, stream=stream, transposed=transposed, groups=groups, dtype=dtype
    )


def sample(name: str | Scheme, of: Fans, count: int, *, seed: int = 0) -> Weights:
    """Return about so many weights of a layer with these fans, as one vector, to look at."""
    chosen = scheme(name)
    law = chosen.law(of)
    if law.kind in ("orthogonal", "identity", "sparse"):
        # As many of the rows and columns as there is time for; the law is that of the layer.
        side = math.isqrt(count)
        rows, columns = min(of.units, side), min(of.fan_in, side)
        w = draw(chosen, (rows, columns), seed=seed).ravel()
        shown: Weights = w if law.kind != "orthogonal" else w * (law.spread / w.std())
        return shown
    return _independent(law, (count,), seed, "weight", np.dtype(np.float64))


def lsuv(
    shapes: Sequence[Sequence[int]],
    batch: npt.ArrayLike,
    *,
    activation: str = "relu",
    seed: int = 0,
    tolerance: float = 0.02,
) -> list[Weights]:
    """Return the weights of a fully connected network whose layers pass a batch on at variance 1.

    Layer-sequential unit variance (Mishkin & Matas 2016): orthogonal weights, then each layer in
    turn is divided by the sd of what it makes of the batch.

    Parameters
    ----------
    shapes : (out, in) of each layer, from the inputs on.
    batch : (samples, in of the first layer).
    activation : between the layers.
    seed : the layers are named ``"0.weight"``, ``"1.weight"``, ….
    tolerance : of the variance.
    """
    x = np.asarray(batch, dtype=np.float64)
    phi = activation_of(activation)
    if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
        raise InputError(
            f"batch must be finite numbers of shape (samples, features), at least two samples; "
            f"got shape {x.shape}."
        )
    weights = []
    for i, shape in enumerate(shapes):
        w = draw("orthogonal", shape, seed=seed, stream=f"{i}.weight")
        if w.ndim != 2 or w.shape[1] != x.shape[1]:
            raise InputError(
                f"shapes: layer {i} has shape {tuple(shape)}, and its input has {x.shape[1]} "
                f"features: it must be (out, {x.shape[1]})."
            )
        out = x @ w.T
        for _ in range(10):
            variance = float(out.var())
            if variance <= 0.0 or abs(variance - 1.0) < tolerance:
                break
            w = w / math.sqrt(variance)
            out = x @ w.T
        weights.append(w)
        x = phi.function(out)
    return weights


def _independent(law: Law, sizes: tuple[int, ...], seed: int, stream: str, kind: Any) -> Weights:
    known: dict[str, Any] = {"seed": seed, "stream": stream, "dtype": kind}
    match law.kind:
        case "constant":
            return np.full(sizes, law.mean, dtype=kind)
        case "uniform":
            return np.asarray(sampling.uniform(sizes, low=law.low, high=law.high, **known))
        case "normal":
            return np.asarray(sampling.normal(sizes, mean=law.mean, sd=law.sd, **known))
        case "truncated":
            if law.sd == 0.0:
                return np.full(sizes, law.mean, dtype=kind)
            low, high = (law.low - law.mean) / law.sd, (law.high - law.mean) / law.sd
            drawn = sampling.truncated_normal(
                sizes, low=low, high=high, mean=law.mean, sd=law.sd, **known
            )
            return np.asarray(drawn)
        case _:
            whole = sampling.integers(
                sizes, low=int(law.low), high=int(law.high), seed=seed, stream=stream
            )
            return np.asarray(whole).astype(kind)


def _matrix(law: Law, sizes: tuple[int, ...], seed: int, stream: str, kind: Any) -> Weights:
    """Return one block of shape (out, in, *kernel)."""
    rows, columns = sizes[0], math.prod(sizes[1:])
    if law.kind == "identity":
        return law.gain * _diagonal(sizes, kind)
    if law.kind == "orthogonal":
        return (law.gain * _orthogonal(rows, columns, seed, stream)).reshape(sizes).astype(kind)
    values = np.array(
        sampling.normal((rows, columns), mean=0.0, sd=law.sd, seed=seed, stream=stream, dtype=kind)
    )
    order = np.asarray(sampling.uniform((rows, columns), seed=seed, stream=f"{stream}/zeros"))
    rank = order.argsort(axis=0).argsort(axis=0)
    values[rank < math.ceil(law.sparsity * rows)] = 0.0
    return values.reshape(sizes)


def _orthogonal(rows: int, columns: int, seed: int, stream: str) -> Weights:
    """Return orthonormal rows or columns, every orientation as likely as any other.

    The signs of R's diagonal are given to Q: without that QR favours some orientations (Mezzadri
    2007, "How to generate random matrices from the classical compact groups").
    """
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(np.asarray(sampling.normal(tall, seed=seed, stream=stream)))
    q = q * np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
    return q if rows >= columns else q.T


def _diagonal(sizes: tuple[int, ...], kind: Any) -> Weights:
    result = np.zeros(sizes, dtype=kind)
    centre = tuple(size // 2 for size in sizes[2:])
    for i in range(min(sizes[0], sizes[1])):
        result[(i, i, *centre)] = 1.0
    return result


def _checked_dtype(dtype: Any) -> Any:
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise InputError(f"dtype must be float64 or float32; got {kind}.")
    return kind
