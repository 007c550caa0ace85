"""The normal distribution as functions of arrays: any shape, any numeric dtype, broadcast.

Every function takes ``mean`` and ``sd`` (the standard deviation, not the variance), 0 and 1 unless
given, as numbers or arrays. The result has the broadcast shape: a float where everything is a
single number. It is float64; where the first argument is float32 it is float32, computed in float64
and rounded once.

Densities and tails are good to 5 units of 2^-53 relative from −37 to 37 standard deviations, at
every mean and sd; what is larger or smaller than any float64 becomes 0, 1 or infinity. NaN gives
NaN. Limits: at ±infinity; at sd = 0 a step at the mean (the density there is infinite); at
sd = infinity a tail of 1/2 and a density of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork._native import compiled
from gausswork.normal import formulas, inputs
from gausswork.normal.formulas import Array

native: ModuleType | None = compiled("_normal")  # None: plain NumPy serves, with the same accuracy

_CHUNK = 16_384  # numbers at a time in plain NumPy: what is computed on the way stays in the cache
_PDF, _CDF, _SF, _LOGPDF, _LOGCDF, _LOGSF, _QUANTILE, _ISF, _LOG_QUANTILE, _LOG_ISF = range(10)


def pdf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return the density at x, per unit of x.

    Raises
    ------
    InputError
        Something is no number, an sd is negative, or the shapes do not fit.
    """
    return _with_density(_PDF, x, mean, sd)


def logpdf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return the natural logarithm of the density; finite where the density itself underflows."""
    return _with_density(_LOGPDF, x, mean, sd)


def cdf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return P(X ≤ x)."""
    return _of_x(_CDF, x, mean, sd)


def sf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return P(X > x), the survival function: exact where 1 − cdf has no digit left."""
    return _of_x(_SF, x, mean, sd)


def logcdf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return log P(X ≤ x); finite where the probability underflows."""
    return _of_x(_LOGCDF, x, mean, sd)


def logsf(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return log P(X > x); finite where the probability underflows."""
    return _of_x(_LOGSF, x, mean, sd)


def quantile(p: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return x with P(X ≤ x) = p; −∞ at 0 and ∞ at 1.

    Standardised, it is good to 10 units of 2^-53 for every p in float64. At another mean the sum
    mean + sd·z is rounded as any sum is.

    Raises
    ------
    InputError
        A p lies outside [0, 1]; otherwise as :func:`pdf`.
    """
    return _of_p(_QUANTILE, inputs.probability(p, "p"), mean, sd, p)


def isf(p: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return x with P(X > x) = p: the upper quantile, for any p in float64."""
    return _of_p(_ISF, inputs.probability(p, "p"), mean, sd, p)


def quantile_from_log(log_p: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return x with log P(X ≤ x) = ``log_p``, for any logarithm: −1e300 as well as −1e-300.

    Raises
    ------
    InputError
        A logarithm is positive; otherwise as :func:`pdf`.
    """
    return _of_p(_LOG_QUANTILE, inputs.log_probability(log_p, "log_p"), mean, sd, log_p)


def isf_from_log(log_p: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return x with log P(X > x) = ``log_p``; see :func:`quantile_from_log`."""
    return _of_p(_LOG_ISF, inputs.log_probability(log_p, "log_p"), mean, sd, log_p)


def between(a: Any, b: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return P(a < X < b): good to 1e-13 relative in far tails and for narrow intervals too.

    Raises
    ------
    InputError
        An a is larger than its b; otherwise as :func:`pdf`.
    """
    given = (a, b, mean, sd)
    *arrays, shape, dtype = _ends(*given)
    if native is not None and type(mean) is float and type(sd) is float:
        lower, upper = (np.array(np.broadcast_to(v, shape), np.float64) for v in arrays[:2])
        out = np.empty(shape)
        with np.errstate(all="ignore"):
            apart = bool((upper - lower < 1e300).all())  # infinite ends take the other way
        if apart and native.betweens(lower, upper, mean, sd, out):
            return _shaped(out, shape, dtype, given)

    def run(a: Array, b: Array, m: Array, s: Array) -> Array:
        point = s == 0.0
        s = np.where(point, 1.0, s)
        ends = formulas.standardize(a, m, s), formulas.standardize(b, m, s)
        width, _ = formulas.standardize(b, a, s)
        share = formulas.between(*ends, np.where(a == b, 0.0, width))
        return np.where(point, _inside(a, b, m), np.where(np.isnan(s + m), np.nan, share))

    return _shaped(_chunked(run, tuple(arrays), shape), shape, dtype, given)


def outside(a: Any, b: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    """Return P(X < a or X > b), the two tails together, each with its own digits.

    Raises
    ------
    InputError
        As :func:`between`.
    """
    given = (a, b, mean, sd)
    lower, upper, m, s, shape, dtype = _ends(*given)
    below = np.where(s == 0.0, lower > m, cdf(lower.astype(np.float64), m, s))
    both = np.asarray(below + sf(upper.astype(np.float64), m, s))
    return _shaped(both.ravel(), shape, dtype, given)


def _inside(a: Array, b: Array, m: Array) -> Array:
    inside = ((a < m) & (m < b)).astype(np.float64)
    return np.where(np.isnan(a + m) | np.isnan(b + m), np.nan, inside)


def _ends(a: Any, b: Any, mean: Any, sd: Any) -> tuple[Any, ...]:
    lower, upper = inputs.real(a, "a"), inputs.real(b, "b")
    mean, sd = inputs.real(mean, "mean").astype(np.float64, copy=False), inputs.spread(sd, "sd")
    single = lower.dtype == np.float32 and upper.dtype == np.float32
    shape = inputs.common_shape(a=lower, b=upper, mean=mean, sd=sd)
    crossed = np.broadcast_to(lower > upper, shape)
    if crossed.any():
        first, second = (np.broadcast_to(v, shape)[crossed].flat[0] for v in (lower, upper))
        raise inputs.DistributionError(
            f"a must not be larger than b; got a = {first:g}, b = {second:g}. Swap them."
        )
    return lower, upper, mean, sd, shape, np.float32 if single else np.float64


def _of_x(kind: int, given: Any, mean: Any, sd: Any) -> Any:
    """Evaluate a tail or its logarithm."""
    x = inputs.real(given, "x")
    if native is not None and type(mean) is float and type(sd) is float:
        out, values = np.empty(x.shape), np.ascontiguousarray(x, dtype=np.float64)
        done = (
            native.evaluate(kind, values, None, mean, sd, out)
            if kind <= _SF
            else native.logarithm(kind, values, mean, sd, out)
        )
        if done:
            return _shaped(out, x.shape, x.dtype, (given,))
    m, s = inputs.real(mean, "mean").astype(np.float64, copy=False), inputs.spread(sd, "sd")
    shape = inputs.common_shape(x=x, mean=m, sd=s)

    def run(x: Array, m: Array, s: Array) -> Array:
        high, low = _z(x, m, s)
        if native is None:
            return _NUMPY[kind](high, low)
        out = np.empty_like(high)
        if kind <= _SF:
            native.evaluate(kind, high, low, 0.0, 1.0, out)
        else:
            native.standard(kind, high, low, out)
        return out

    return _shaped(_chunked(run, (x, m, s), shape), shape, x.dtype, (given, mean, sd))


def _with_density(kind: int, given: Any, mean: Any, sd: Any) -> Any:
    """Evaluate the density or its logarithm."""
    x = inputs.real(given, "x")
    if native is not None and type(mean) is float and type(sd) is float and kind == _PDF:
        out = np.empty(x.shape)
        if native.evaluate(kind, np.ascontiguousarray(x, dtype=np.float64), None, mean, sd, out):
            return _shaped(out, x.shape, x.dtype, (given,))
    m, s = inputs.real(mean, "mean").astype(np.float64, copy=False), inputs.spread(sd, "sd")
    shape = inputs.common_shape(x=x, mean=m, sd=s)

    def run(x: Array, m: Array, s: Array) -> Array:
        high, low = _z(x, m, s)
        some = np.where(s == 0.0, 1.0, s)
        if kind == _PDF:
            values = formulas.pdf(high, low, some)
            peak = np.inf
        else:
            values = formulas.logpdf(high, low) - np.log(some)
            peak = np.inf
        return np.where((s == 0.0) & (x == m), peak, values)

    return _shaped(_chunked(run, (x, m, s), shape), shape, x.dtype, (given, mean, sd))


def _z(x: Array, m: Array, s: Array) -> formulas.Pair:
    """Standardise, with a step at the mean where sd is 0."""
    point = s == 0.0
    high, low = formulas.standardize(x, m, np.where(point, 1.0, s))
    if point.any():
        side = np.where(np.isnan(high), np.nan, np.where(x < m, -np.inf, np.inf))
        high, low = np.where(point, side, high), np.where(point, 0.0, low)
    return high, low


def _of_p(kind: int, p: npt.NDArray[Any], mean: Any, sd: Any, given: Any) -> Any:
    """Evaluate a quantile."""
    m, s = inputs.real(mean, "mean").astype(np.float64, copy=False), inputs.spread(sd, "sd")
    shape = inputs.common_shape(p=p, mean=m, sd=s)

    def run(p: Array) -> Array:
        if native is None:
            return _NUMPY[kind](p)
        out = np.empty_like(p)
        native.standard(kind, p, None, out)
        return out

    z = _chunked(run, (p,), p.shape).reshape(p.shape)
    with np.errstate(all="ignore"):
        # A point mass has one quantile, 0·∞ or not.
        x = np.where((s == 0.0) & ~np.isnan(z), m, m + s * z)
    return _shaped(np.asarray(x), shape, p.dtype, (given, mean, sd))


def _chunked(
    run: Callable[..., Array], arrays: tuple[npt.NDArray[Any], ...], shape: tuple[int, ...]
) -> Array:
    """Run over flat float64 pieces of arrays that are broadcast to ``shape``."""
    flat = [np.broadcast_to(v, shape).reshape(-1) for v in arrays]
    out = np.empty(len(flat[0]))
    with np.errstate(all="ignore"):  # limits are taken on purpose
        for at in range(0, len(out), _CHUNK):
            piece = slice(at, at + _CHUNK)
            out[piece] = run(*(np.ascontiguousarray(v[piece], dtype=np.float64) for v in flat))
    return out


def _shaped(
    values: npt.NDArray[Any], shape: tuple[int, ...], dtype: Any, given: tuple[Any, ...]
) -> Any:
    """Return an array of the shape and dtype, or a number where only numbers were given."""
    if not shape and not any(isinstance(v, np.ndarray) for v in given):
        single = values.reshape(())[()]
        return np.float32(single) if dtype == np.float32 else float(single)
    with np.errstate(over="ignore", under="ignore"):  # float32 has a smaller range
        return values.reshape(shape).astype(dtype, copy=False)


_NUMPY: dict[int, Callable[..., Array]] = {
    _CDF: formulas.cdf,
    _SF: formulas.sf,
    _LOGCDF: formulas.logcdf,
    _LOGSF: formulas.logsf,
    _QUANTILE: formulas.quantile,
    _ISF: formulas.isf,
    _LOG_QUANTILE: formulas.quantile_from_log,
    _LOG_ISF: formulas.isf_from_log,
}
