"""The draws: normals, uniforms, whole numbers, truncated normals, masks, permutations."""

from __future__ import annotations

import math
from typing import Any

from gausswork.errors import InputError
from gausswork.sampling import truncation
from gausswork.sampling.arguments import (
    FLOATS,
    INTEGERS,
    Shape,
    check_threads,
    finite,
    real,
    request,
    state,
)
from gausswork.sampling.backend import fill, filler
from gausswork.sampling.state import State, whole


def normal(
    shape: Shape | None = None,
    *,
    seed: int | State,
    stream: int | str = 0,
    offset: int = 0,
    mean: float = 0.0,
    sd: float = 1.0,
    dtype: Any = None,
    out: Any = None,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw from the normal distribution: ``mean + sd·z``, as ``torch.randn`` and ``normal_`` do.

    Values reach 6.76 sd in float32 and 8.57 sd in float64; see
    ``gausswork.sampling.arithmetic`` for the method and its error.

    Parameters
    ----------
    shape : int or tuple of ints; may be left out where ``out`` is given. ``()`` is one value.
    seed : whole number in [0, 2⁶⁴), or a :class:`State`, which brings stream and position along.
    stream : number in [0, 2⁶³) or a name; streams of one seed are independent.
    offset : index of the first value: ``normal(5, offset=3)`` is ``normal(8)[3:]``.
    mean, sd : finite numbers, sd (not variance) at least 0.
    dtype : float32 or float64; float64 unless given, or the type of ``out``, or torch's default.
    out : array or tensor to fill, of any strides and on any device.
    like : ``"torch"`` for a tensor with the same bits.
    threads : at most so many; by default all cores for long draws. The bits do not depend on it.

    Returns
    -------
    array (or tensor) of the shape; ``out`` where given.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    r = request(
        shape, seed, stream, offset, dtype, out, like, threads, allowed=FLOATS, default="float64"
    )
    mean, sd = _fitting("mean", finite("mean", mean), r), _fitting("sd", finite("sd", sd), r)
    if sd < 0:
        raise InputError(f"sd must not be negative; got {sd!r}. Did you mean {-sd!r}?")
    fill(filler().normal, r.values, r.seed, r.stream, r.offset, mean, sd, threads=r.threads)
    return r.done()


def uniform(
    shape: Shape | None = None,
    *,
    seed: int | State,
    stream: int | str = 0,
    offset: int = 0,
    low: float = 0.0,
    high: float = 1.0,
    dtype: Any = None,
    out: Any = None,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw uniformly from [low, high), as ``torch.rand`` and ``uniform_`` do.

    On [0, 1) values are multiples of 2⁻²⁴ in float32 and 2⁻⁵³ in float64: 0 can occur, 1 cannot.
    ``low + (high − low)·u`` never rounds up to high.

    Parameters
    ----------
    shape, seed, stream, offset : as in :func:`normal`.
    low, high : finite numbers, low < high; low is included, high is not.
    dtype, out, like, threads : as in :func:`normal`.

    Returns
    -------
    array (or tensor) of the shape; ``out`` where given.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    r = request(
        shape, seed, stream, offset, dtype, out, like, threads, allowed=FLOATS, default="float64"
    )
    low, high = finite("low", low), finite("high", high)
    if low >= high:
        hint = f" Did you mean low={high!r}, high={low!r}?" if low > high else " Give low < high."
        raise InputError(f"low must be below high; got low={low!r}, high={high!r}.{hint}")
    kind = r.values.dtype.type
    width = high - low
    if not math.isfinite(width) or not math.isfinite(_single(width, r)):
        raise InputError(
            f"high − low must be a finite {r.values.dtype}; got low={low!r}, high={high!r}. "
            "Draw from a narrower range and scale."
        )
    if not kind(low) < kind(high):
        raise InputError(
            f"no {r.values.dtype} number lies in [{low!r}, {high!r}). Take dtype='float64'."
        )
    fill(filler().uniform, r.values, r.seed, r.stream, r.offset, low, high, threads=r.threads)
    return r.done()


def integers(
    shape: Shape | None = None,
    *,
    high: int,
    low: int = 0,
    seed: int | State,
    stream: int | str = 0,
    offset: int = 0,
    dtype: Any = None,
    out: Any = None,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw whole numbers from low to high − 1, each as likely as any other, as ``torch.randint``.

    Without bias over any range, up to all 2⁶⁴ numbers of a type (Lemire's method; an index that is
    rejected draws again from counters of its own). Values do not depend on the type.

    Parameters
    ----------
    shape, seed, stream, offset : as in :func:`normal`.
    low, high : whole numbers, low < high; low is included, high is not.
    dtype : a whole-number type of 8 to 64 bits that holds the range; int64 unless given.
    out, like, threads : as in :func:`normal`.

    Returns
    -------
    array (or tensor) of the shape; ``out`` where given.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    low, high = whole("low", low), whole("high", high)
    default = "uint64" if high > 2**63 and low >= 0 else "int64"
    r = request(
        shape, seed, stream, offset, dtype, out, like, threads, allowed=INTEGERS, default=default
    )
    if low >= high:
        hint = f" Did you mean low={high}, high={low}?" if low > high else " Give low < high."
        raise InputError(f"low must be below high; got low={low}, high={high}.{hint}")
    bits = 8 * r.values.dtype.itemsize
    least = 0 if r.values.dtype.kind == "u" else -(2 ** (bits - 1))
    if low < least or high > least + 2**bits:
        raise InputError(
            f"whole numbers in [{low}, {high}) do not fit {r.values.dtype}, which holds "
            f"[{least}, {least + 2**bits}). Take a wider type, such as dtype='int64'."
        )
    fill(
        filler().integers, r.values, r.seed, r.stream, r.offset, low, high - low, threads=r.threads
    )
    return r.done()


def truncated_normal(
    shape: Shape | None = None,
    *,
    low: float = -2.0,
    high: float = 2.0,
    bounds: str = "sd",
    seed: int | State,
    stream: int | str = 0,
    offset: int = 0,
    mean: float = 0.0,
    sd: float = 1.0,
    dtype: Any = None,
    out: Any = None,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw from the normal distribution between two bounds, as ``torch.nn.init.trunc_normal_``.

    Exact rejection, however far out the bounds lie; see ``gausswork.sampling.truncation``.
    Note that the standard deviation of what is drawn is smaller than ``sd``: 0.8796·sd at ±2 sd.

    Parameters
    ----------
    shape, seed, stream, offset : as in :func:`normal`.
    low, high : the bounds, low < high; infinities leave a side open.
    bounds : ``"sd"``: low and high count standard deviations from the mean; ``"absolute"``:
        they are values, as in torch.
    mean, sd : of the normal before it is cut; sd above 0.
    dtype, out, like, threads : as in :func:`normal`.

    Returns
    -------
    array (or tensor) of the shape; ``out`` where given.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    r = request(
        shape, seed, stream, offset, dtype, out, like, threads, allowed=FLOATS, default="float64"
    )
    mean, sd = _fitting("mean", finite("mean", mean), r), _fitting("sd", finite("sd", sd), r)
    if sd <= 0:
        raise InputError(f"sd must be above 0; got {sd!r}. Give a standard deviation, such as 1.0.")
    low, high = real("low", low), real("high", high)
    if low >= high:
        hint = f" Did you mean low={high!r}, high={low!r}?" if low > high else " Give low < high."
        raise InputError(f"low must be below high; got low={low!r}, high={high!r}.{hint}")
    if bounds == "sd":
        lower, upper, limits = low, high, (mean + sd * low, mean + sd * high)
    elif bounds == "absolute":
        lower, upper, limits = (low - mean) / sd, (high - mean) / sd, (low, high)
    else:
        raise InputError(f"bounds must be 'sd' or 'absolute'; got {bounds!r}.")
    plan = truncation.plan(lower, upper, limits)
    least, most = truncation.inside(limits, r.values.dtype)
    if not least <= most or plan.lower == math.inf:
        raise InputError(
            f"no {r.values.dtype} number lies between the bounds {limits[0]!r} and {limits[1]!r}. "
            "Take wider bounds or dtype='float64'."
        )
    fill(
        filler().truncated, r.values, r.seed, r.stream, r.offset, plan, mean, sd, threads=r.threads
    )
    return r.done()


def bernoulli(
    shape: Shape | None = None,
    p: float = 0.5,
    *,
    seed: int | State,
    stream: int | str = 0,
    offset: int = 0,
    dtype: Any = None,
    out: Any = None,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw True with probability p, else False, as ``torch.bernoulli``: the mask of a dropout.

    The probability is exact to 2⁻⁹⁶, however small p is.

    Parameters
    ----------
    shape, seed, stream, offset : as in :func:`normal`.
    p : probability in [0, 1].
    dtype : bool unless given; a whole-number or float type gets 0 and 1.
    out, like, threads : as in :func:`normal`.

    Returns
    -------
    array (or tensor) of the shape; ``out`` where given.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    r = request(
        shape, seed, stream, offset, dtype, out, like, threads,
        allowed=("bool", *INTEGERS, *FLOATS), default="bool",
    )  # fmt: skip
    p = real("p", p)
    if not 0 <= p <= 1:
        hint = f" Did you mean {p / 100!r}?" if 1 < p <= 100 else ""
        raise InputError(f"p must lie in [0, 1]; got {p!r}.{hint}")
    fill(filler().bernoulli, r.values, r.seed, r.stream, r.offset, p, threads=r.threads)
    return r.done()


def permutation(
    n: int,
    *,
    seed: int | State,
    stream: int | str = 0,
    like: str | None = None,
    threads: int | None = None,
) -> Any:
    """Draw an order of 0, …, n − 1, each order as likely as any other, as ``torch.randperm``.

    Fisher and Yates with whole numbers without bias. The order depends on seed, stream and n alone;
    for the next one take another stream, such as ``stream=f"epoch {epoch}"``.

    Parameters
    ----------
    n : how many, from 0 on.
    seed, stream, like : as in :func:`normal`; the position of a :class:`State` must be 0.
    threads : accepted as everywhere; one does the work.

    Returns
    -------
    (n,) int64.

    Raises
    ------
    InputError
        An argument cannot be used; the message says why.
    """
    n = whole("n", n)
    if n < 0:
        raise InputError(f"n must be a whole number from 0 on; got {n}.")
    if state(seed, stream, 0).position:
        raise InputError(
            "a permutation has no position: it depends on seed, stream and n alone. "
            "Take state.child(...) for another one."
        )
    check_threads(threads)
    r = request(n, seed, stream, 0, None, None, like, None, allowed=("int64",), default="int64")
    filler().permutation(r.values, r.seed, r.stream)
    return r.done()


def _single(value: float, r: Any) -> float:
    """Return a number as the type drawn holds it: infinity where it is too large."""
    if r.values.dtype.itemsize == 4 and abs(value) > 3.4028235677973366e38:
        return math.inf
    return value


def _fitting(name: str, value: float, r: Any) -> float:
    if math.isinf(_single(value, r)):
        raise InputError(f"{name} does not fit float32; got {value!r}. Take dtype='float64'.")
    return value
