"""Mean and sd from data: exact, by maximum likelihood, robust, from summaries, batch by batch."""

from __future__ import annotations

import hashlib
import secrets
import statistics
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

import numpy as np

from gausswork import sampling
from gausswork.errors import NotFiniteError
from gausswork.normal import inputs
from gausswork.normal.formulas import Array, two_sum

_STREAM = "normal"  # of the sampler: draws of an object are none of sampling.normal
MAD_TO_SD = 1.482602218505602  # 1/Φ⁻¹(3/4)


@dataclass(frozen=True, slots=True)
class NormalState:
    """What is kept of a stream of numbers: enough for their mean and sd, and to merge with others.

    Attributes
    ----------
    count : how many numbers.
    mean, mean_low : their mean in two words.
    sd : their standard deviation with divisor n: it neither overflows nor underflows where the
        numbers themselves do not, as sums of squares would.

    The update is that of Chan, Golub & LeVeque (1983). The mean is good to some units of 2^-53 of
    the largest number, the sd to some units of 2^-53 relative, however far from zero the data lie.

    Examples
    --------
    >>> state = NormalState().add([1.0, 2.0]).merge(NormalState.of([3.0, 4.0]))
    >>> state.count, state.mean
    (4, 2.5)
    """

    count: int = 0
    mean: float = 0.0
    mean_low: float = 0.0
    sd: float = 0.0

    @classmethod
    def of(cls, data: Any) -> NormalState:
        """Return the state of an array of any shape.

        Raises
        ------
        InputError
            Some are no finite numbers.
        """
        x = finite(data)
        if not x.size:
            return cls()
        up = int(np.frexp(np.max(np.abs(x)))[1])
        scaled = np.ldexp(x, -up)  # sums of numbers up to 1 do not overflow
        centre = float(np.mean(scaled))
        off = scaled - centre
        extra = float(np.mean(off))
        mean, low = two_sum(centre, extra)
        off -= extra
        size = float(np.max(np.abs(off)))
        sd = size * float(np.sqrt(np.mean((off / size) ** 2))) if size > 0.0 else 0.0
        return cls(
            x.size,
            float(np.ldexp(mean, up)),
            float(np.ldexp(low, up)),
            float(np.ldexp(sd, up)),
        )

    def add(self, batch: Any) -> NormalState:
        """Return the state with a batch more; errors as :meth:`of`."""
        return self.merge(NormalState.of(batch))

    def merge(self, other: NormalState) -> NormalState:
        """Return the state of both together."""
        if not self.count or not other.count:
            return self if self.count else other
        n = self.count + other.count
        share = other.count / n
        step = (other.mean - self.mean) + (other.mean_low - self.mean_low)
        if not np.isfinite(step):  # the two means lie on opposite ends of what float64 holds
            raise inputs.DistributionError(
                "these numbers reach over more than float64 holds. Divide them by 2 first."
            )
        mean, low = two_sum(self.mean, step * share)
        rest = self.count / n
        within = hypot(sqrt(rest) * self.sd, sqrt(share) * other.sd)
        sd = hypot(within, sqrt(rest * share) * abs(step))
        return NormalState(n, mean, low + self.mean_low, sd)

    def parameters(self, *, ddof: int = 0) -> tuple[float, float]:
        """Return mean and sd, with divisor count − ``ddof``.

        Raises
        ------
        InputError
            There are no more than ``ddof`` numbers.
        """
        if not (hasattr(ddof, "__index__") and ddof >= 0):
            raise inputs.DistributionError(
                f"ddof must be a whole number of at least 0; got {ddof!r}. Try 0 or 1."
            )
        if self.count <= ddof or not self.count:
            needed = max(ddof + 1, 1)
            raise inputs.DistributionError(
                f"a normal distribution needs at least {needed} "
                f"{'number' if needed == 1 else 'numbers'} with ddof={ddof}; got {self.count}."
            )
        return self.mean + self.mean_low, self.sd * sqrt(self.count / (self.count - ddof))


def finite(data: Any) -> Array:
    """Return data as a flat float64 array.

    Raises
    ------
    InputError
        Something is no number, NaN or infinite.
    """
    if not hasattr(data, "__array__") and not hasattr(data, "__len__") and np.iterable(data):
        data = list(data)
    x = inputs.real(data, "data").astype(np.float64, copy=False).reshape(-1)
    bad = int(np.count_nonzero(~np.isfinite(x)))
    if bad:
        raise NotFiniteError(
            f"data must be finite; {bad} of {x.size:,} values are NaN or infinite. "
            "Drop them first, with data[numpy.isfinite(data)]."
        )
    return x


def from_samples(data: Any) -> tuple[float, float]:
    """Return mean and sample sd; exact sums for anything but arrays, as ``statistics`` has them.

    Raises
    ------
    InputError
        There are fewer than two numbers, or something else than finite numbers.
    """
    if hasattr(data, "__array__"):
        return NormalState.of(data).parameters(ddof=1)
    values = list(data)
    finite(values)
    if len(values) < 2:
        raise inputs.DistributionError(
            f"from_samples needs at least two numbers for an sd; got {len(values)}."
        )
    found = statistics.NormalDist.from_samples(values)
    return found.mean, found.stdev


def robust(data: Any) -> tuple[float, float]:
    """Return the median, and the median absolute deviation from it times 1.4826.

    Raises
    ------
    InputError
        There is no number, or some are not finite.
    """
    x = finite(data)
    if not x.size:
        raise inputs.DistributionError("a normal distribution needs at least 1 number; got 0.")
    median = float(np.median(x))
    return median, MAD_TO_SD * float(np.median(np.abs(x - median)))


def from_summaries(n: Any, mean: Any, sd: Any, *, ddof: int) -> NormalState:
    """Return the state of groups of which n, mean and sd are known.

    Raises
    ------
    InputError
        A count is no whole number of at least 1, an sd is negative, or the shapes differ.
    """
    given = {
        "n": np.ravel(inputs.real(n, "n")),
        "mean": np.ravel(finite(mean)),
        "sd": np.ravel(inputs.spread(sd, "sd")),
    }
    inputs.common_shape(**given)
    counts, means, sds = np.broadcast_arrays(*given.values())
    state = NormalState()
    for count, m, s in zip(counts.tolist(), means.tolist(), sds.tolist(), strict=True):
        if not (count >= 1 and count == int(count)):
            raise inputs.DistributionError(
                f"n counts the values of a group: a whole number of at least 1; got {count:g}."
            )
        if count == 1:
            s = 0.0  # one value has no spread; programs write NaN or 0 for it
        if not np.isfinite(s):
            raise NotFiniteError(f"sd must be finite for a group of {count:g} values; got {s:g}.")
        own = s * sqrt(max(count - ddof, 0.0) / count)
        state = state.merge(NormalState(int(count), m, 0.0, own))
    return state


def draws(mean: Any, sd: Any, shape: Any, seed: Any) -> Any:
    """Return an array of draws: ``shape``, then the shape of an array of distributions.

    Raises
    ------
    InputError
        The shape or the seed cannot be used, or mean and sd are not finite.
    """
    size = shape if isinstance(shape, tuple) else (shape,)
    if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
        raise inputs.DistributionError(
            "draws need a finite mean and sd; this distribution has others."
        )
    if not np.ndim(mean):
        return sampling.normal(size, seed=_seed(seed), stream=_STREAM, mean=mean, sd=sd)
    z = sampling.normal((*size, *np.shape(mean)), seed=_seed(seed), stream=_STREAM)
    return mean + sd * z


def samples(mean: Any, sd: Any, n: Any, seed: Any) -> list[Any]:
    """Return n draws as a list: floats, or arrays for an array of distributions."""
    try:
        size = n.__index__()
    except AttributeError:
        raise inputs.NotANumberError(f"n counts draws: a whole number; got {n!r}.") from None
    if size < 0:
        raise inputs.DistributionError(f"n counts draws and cannot be negative; got {size}.")
    found = draws(mean, sd, size, seed)
    return found.tolist() if found.ndim == 1 else list(found)


def _seed(seed: Any) -> Any:
    """Return a seed of the sampler: numbers and states as they are, anything else by its hash."""
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, sampling.State) or (hasattr(seed, "__index__") and 0 <= seed < 2**64):
        return seed
    if isinstance(seed, (str, bytes, bytearray, int, float)):
        text = f"{type(seed).__name__}:{seed!r}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
    raise inputs.NotANumberError(
        f"seed must be a number, a text or None; got {type(seed).__name__}. Try seed=1."
    )
