"""Normal(mean, sd): the bell curve as an object, in the place of ``statistics.NormalDist``.

The numbers come from :mod:`gausswork.normal.functions`, :mod:`gausswork.normal.compare` and
:mod:`gausswork.normal.estimation`; the object keeps mean and sd and says what belongs to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from gausswork.normal import compare, estimation, functions, inputs

if TYPE_CHECKING:
    from gausswork.normal.estimation import NormalState

_NATIVE = functions.native
_NUMBERS = (float, int)
_EXACT = 2**53  # integers up to here are floats as they are


@dataclass(frozen=True, slots=True)
class Interval:
    """A central interval of a normal distribution.

    Attributes
    ----------
    lower, upper : its ends, in the units of the variable; arrays for an array of distributions.
    sds : half its width in standard deviations.
    probability : of lying in it.
    """

    lower: Any
    upper: Any
    sds: float
    probability: float


class Normal:
    """A normal distribution, or an array of them.

    It takes the place of ``statistics.NormalDist``: the same methods, operators, properties and
    ``repr``, the same errors (each a :class:`~gausswork.errors.InputError` too), and the numbers
    good to the last digits in the tails as well. Every method also takes arrays, and mean and sd
    may be arrays that broadcast; results then have the broadcast shape.

    A normal distribution never changes. ``mean`` and ``sd`` may be infinite or NaN: results are the
    limits, or NaN. With sd = 0 all probability sits on the mean: what ``NormalDist`` refuses for
    single numbers (``pdf``, ``cdf``, ``overlap``, ``zscore``) is refused, everything else is the
    limit.

    Parameters
    ----------
    mean : the centre, in the units of the variable.
    sd : the standard deviation, not the variance; 0 or more.
    mu, sigma : the same under the names of ``NormalDist``.

    Raises
    ------
    InputError
        An sd is negative, something is no number, or the shapes do not fit.

    Examples
    --------
    >>> scores = Normal(70, 10)
    >>> f"{scores.between(60, 80):.2%}"
    '68.27%'
    >>> print(scores / 10 + 1)
    Normal(mean=8.0, sd=1.0)
    """

    __slots__ = ("_mu", "_sigma")
    __array_ufunc__ = None  # array * Normal is asked of Normal
    _mu: Any
    _sigma: Any

    def __init__(
        self, mean: Any = 0.0, sd: Any = 1.0, *, mu: Any = None, sigma: Any = None
    ) -> None:
        if mu is not None or sigma is not None:
            mean = _one_name(mean, mu, 0.0, "mean", "mu")
            sd = _one_name(sd, sigma, 1.0, "sd", "sigma")
        if type(mean) is not float or type(sd) is not float or not sd >= 0.0:
            if (
                type(mean) in _NUMBERS
                and type(sd) in _NUMBERS
                and -_EXACT < mean < _EXACT > sd >= 0
            ):
                mean, sd = float(mean), float(sd)
            else:
                mean, sd = _together(mean, sd)
        _set_mean(self, mean)
        _set_sd(self, sd)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Normal.__slots__:
            raise AttributeError("a Normal never changes: make a new one instead")
        object.__setattr__(self, name, value)

    # ------------------------------------------------------------------ parameters

    @property
    def mean(self) -> Any:
        """The mean: a float, or an array of them."""
        return self._mu

    @property
    def median(self) -> Any:
        """The median, which is the mean."""
        return self._mu

    @property
    def mode(self) -> Any:
        """The place of the highest density, which is the mean."""
        return self._mu

    @property
    def sd(self) -> Any:
        """The standard deviation."""
        return self._sigma

    @property
    def stdev(self) -> Any:
        """The standard deviation, under the name of ``NormalDist``."""
        return self._sigma

    @property
    def variance(self) -> Any:
        """The square of the standard deviation."""
        return self._sigma * self._sigma

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an array of distributions; ``()`` for one."""
        return np.shape(self._mu)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("one normal distribution has no length; an array of them has")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Normal:
        if not self.shape:
            raise TypeError("one normal distribution cannot be indexed; an array of them can")
        return Normal(self._mu[key], self._sigma[key])

    def __iter__(self) -> Iterator[Normal]:
        return (self[i] for i in range(len(self)))

    # ------------------------------------------------------------------ density and tails

    def pdf(self, x: Any) -> Any:
        """Return the density at x, per unit of x.

        Raises
        ------
        InputError
            x is no number; or sd is 0 and x a single number, as ``NormalDist`` has it.
        """
        if _NATIVE is not None and type(x) in _NUMBERS and type(self._mu) is float:
            value = _NATIVE.pdf(x, self._mu, self._sigma)
            if value is not None:
                return value
        self._refuse_point("pdf", x)
        return functions.pdf(x, self._mu, self._sigma)

    def logpdf(self, x: Any) -> Any:
        """Return the natural logarithm of the density at x."""
        return functions.logpdf(x, self._mu, self._sigma)

    def cdf(self, x: Any) -> Any:
        """Return P(X ≤ x).

        Raises
        ------
        InputError
            As :meth:`pdf`.
        """
        if _NATIVE is not None and type(x) in _NUMBERS and type(self._mu) is float:
            value = _NATIVE.cdf(x, self._mu, self._sigma)
            if value is not None:
                return value
        self._refuse_point("cdf", x)
        return functions.cdf(x, self._mu, self._sigma)

    def logcdf(self, x: Any) -> Any:
        """Return log P(X ≤ x)."""
        return functions.logcdf(x, self._mu, self._sigma)

    def sf(self, x: Any) -> Any:
        """Return P(X > x), with all its digits where 1 − cdf has none left."""
        if _NATIVE is not None and type(x) in _NUMBERS and type(self._mu) is float:
            value = _NATIVE.sf(x, self._mu, self._sigma)
            if value is not None:
                return value
        return functions.sf(x, self._mu, self._sigma)

    def logsf(self, x: Any) -> Any:
        """Return log P(X > x)."""
        return functions.logsf(x, self._mu, self._sigma)

    def between(self, a: Any, b: Any) -> Any:
        """Return P(a < X < b), good to 1e-13 relative in far tails and for narrow intervals too.

        Raises
        ------
        InputError
            a is larger than b, or one of them is no number.
        """
        if _NATIVE is not None and type(a) in _NUMBERS and type(b) in _NUMBERS and a <= b:
            value = (
                _NATIVE.between(a, b, self._mu, self._sigma) if type(self._mu) is float else None
            )
            if value is not None:
                return value
        return functions.between(a, b, self._mu, self._sigma)

    def outside(self, a: Any, b: Any) -> Any:
        """Return P(X < a or X > b); errors as :meth:`between`."""
        return functions.outside(a, b, self._mu, self._sigma)

    # ------------------------------------------------------------------ quantiles

    def quantile(self, p: Any) -> Any:
        """Return x with P(X ≤ x) = p; −∞ at 0 and ∞ at 1.

        Raises
        ------
        InputError
            p lies outside [0, 1].
        """
        if _NATIVE is not None and type(p) is float and 0.0 < p < 1.0 and type(self._mu) is float:
            return _NATIVE.quantile(p, self._mu, self._sigma)
        return functions.quantile(p, self._mu, self._sigma)

    def isf(self, p: Any) -> Any:
        """Return x with P(X > x) = p: the upper quantile; errors as :meth:`quantile`."""
        return functions.isf(p, self._mu, self._sigma)

    def quantile_from_log(self, log_p: Any) -> Any:
        """Return x with log P(X ≤ x) = ``log_p``, which may be as low as −1e308.

        Raises
        ------
        InputError
            The logarithm is positive.
        """
        return functions.quantile_from_log(log_p, self._mu, self._sigma)

    def isf_from_log(self, log_p: Any) -> Any:
        """Return x with log P(X > x) = ``log_p``; errors as :meth:`quantile_from_log`."""
        return functions.isf_from_log(log_p, self._mu, self._sigma)

    def inv_cdf(self, p: Any) -> Any:
        """Return the quantile of p, refusing 0 and 1 as ``NormalDist`` does.

        Raises
        ------
        InputError
            p does not lie in (0, 1).
        """
        if type(p) is float and type(self._mu) is float and _NATIVE is not None:
            if p <= 0.0 or p >= 1.0:
                raise _open(p)
            return _NATIVE.quantile(p, self._mu, self._sigma)
        shares = inputs.real(p, "p")
        closed = (shares <= 0.0) | (shares >= 1.0)
        if closed.any():
            raise _open(float(shares[closed].flat[0]))
        return functions.quantile(p, self._mu, self._sigma)

    def quantiles(self, n: int = 4) -> list[Any]:
        """Return the n − 1 cuts between n parts of equal probability: quartiles for 4."""
        return [self.inv_cdf(i / n) for i in range(1, n)]

    def interval(self, level: float = 0.95) -> Interval:
        """Return the central interval that holds a share ``level`` of the probability.

        Raises
        ------
        InputError
            level does not lie in (0, 1).
        """
        level = inputs.level(level)
        sds = -functions.quantile((1.0 - level) / 2.0)
        return self._central(sds, level)

    def intervals(self, sds: Iterable[float] = (1.0, 2.0, 3.0)) -> tuple[Interval, ...]:
        """Return mean ± k·sd for each k with its probability: 68, 95 and 99.7 percent by default.

        Raises
        ------
        InputError
            A k is not positive.
        """
        found = []
        for k in inputs.real(list(sds), "sds").ravel().tolist():
            if not k > 0.0:
                raise inputs.DistributionError(f"sds must be positive; got {k:g}. Try (1, 2, 3).")
            found.append(self._central(k, functions.between(-k, k)))
        return tuple(found)

    def _central(self, sds: float, probability: float) -> Interval:
        return Interval(
            self._mu - sds * self._sigma, self._mu + sds * self._sigma, sds, probability
        )

    def zscore(self, x: Any) -> Any:
        """Return (x − mean)/sd: how many standard deviations x lies above the mean.

        Raises
        ------
        InputError
            x is no number, or an sd is 0.
        """
        return compare.zscore(x, self._mu, self._sigma)

    def at(self, z: Any) -> Any:
        """Return mean + z·sd, the value with this z-score: the way back from :meth:`zscore`.

        Raises
        ------
        InputError
            z is no number.
        """
        value = self._mu + inputs.real(z, "z") * self._sigma
        return float(value) if np.ndim(value) == 0 else value

    # ------------------------------------------------------------------ beside another

    def entropy(self) -> Any:
        """Return the differential entropy in nats: ½·log(2πe·sd²)."""
        return compare.entropy(self._sigma)

    def divergence(self, other: Normal) -> Any:
        """Return the Kullback–Leibler divergence of ``other`` from this one, in nats.

        The mean of log(own density / other density) over draws from this distribution: 0 for equal
        ones, never negative, not symmetric.

        Raises
        ------
        InputError
            other is no Normal, or an sd is 0.
        """
        self._refuse_points("divergence", other)
        return compare.divergence(self._mu, self._sigma, other._mu, other._sigma)

    def overlap(self, other: Normal) -> Any:
        """Return the area that the two densities share: 1 for equal ones, towards 0 far apart.

        Inman & Bradley (1989), "The overlapping coefficient as a measure of agreement between
        probability distributions", Communications in Statistics A 18. The area is summed from
        parts and never taken from 1, so a tiny one keeps its digits.

        Raises
        ------
        InputError
            other is no Normal, or an sd is 0.
        """
        self._refuse_points("overlap", other)
        return compare.overlap(self._mu, self._sigma, other._mu, other._sigma)

    def _refuse_point(self, what: str, x: Any) -> None:
        if type(self._sigma) is float and self._sigma == 0.0 and np.ndim(x) == 0:
            raise inputs.DistributionError(
                f"{what} is not defined where sd is 0: all probability sits on the mean "
                f"{self._mu:g}. Compare with the mean instead, or give an array for the limits."
            )

    def _refuse_points(self, what: str, other: Any) -> None:
        if not isinstance(other, Normal):
            raise inputs.NotANumberError(
                f"{what} needs another Normal; got {type(other).__name__}. "
                "Write Normal(mean, sd) around its numbers."
            )
        for sd in (self._sigma, other._sigma):
            if sd == 0.0 if type(sd) is float else (sd == 0.0).any():
                raise inputs.DistributionError(f"{what} is not defined where an sd is 0.")

    # ------------------------------------------------------------------ estimation

    @classmethod
    def from_samples(cls, data: Iterable[Any]) -> Self:
        """Return the normal with mean and sample sd (divisor n − 1) of the data.

        Raises
        ------
        InputError
            There are fewer than two numbers, or something else than finite numbers.
        """
        return cls(*estimation.from_samples(data))

    @classmethod
    def fit(cls, data: Any, *, ddof: int = 0) -> Self:
        """Fit by maximum likelihood: the mean, and the sd with divisor n − ``ddof``.

        Raises
        ------
        InputError
            There are too few numbers, or some are NaN or infinite.
        """
        return cls(*estimation.NormalState.of(data).parameters(ddof=ddof))

    @classmethod
    def fit_robust(cls, data: Any) -> Self:
        """Fit by median and MAD: up to half of the values may be anything.

        The sd is the median absolute deviation from the median, times 1.4826: for normal data it
        estimates the sd, with 37 % of the efficiency of the sample sd.

        Raises
        ------
        InputError
            As :meth:`fit`.
        """
        return cls(*estimation.robust(data))

    @classmethod
    def from_summaries(cls, n: Any, mean: Any, sd: Any, *, ddof: int = 1) -> Self:
        """Return the normal of all the data of which only n, mean and sd are known, group by group.

        Parameters
        ----------
        n, mean, sd : numbers, or one array entry a group.
        ddof : the sds have divisor n − ``ddof``, and so has the result.

        Raises
        ------
        InputError
            A count is no positive whole number, or too few in all.
        """
        state = estimation.from_summaries(n, mean, sd, ddof=ddof)
        return cls(*state.parameters(ddof=ddof))

    @classmethod
    def from_stream(cls, batches: Iterable[Any], *, ddof: int = 0) -> Self:
        """Fit to data that come batch by batch and are not kept; otherwise as :meth:`fit`."""
        state: NormalState = estimation.NormalState()
        for batch in batches:
            state = state.add(batch)
        return cls(*state.parameters(ddof=ddof))

    def samples(self, n: int, *, seed: Any = None) -> list[Any]:
        """Return a list of n draws, as ``NormalDist`` does, from the sampler of :meth:`draws`.

        Raises
        ------
        InputError
            n is no whole number or negative, or the seed cannot be used.
        """
        return estimation.samples(self._mu, self._sigma, n, seed)

    def draws(self, shape: int | tuple[int, ...], *, seed: Any = None) -> Any:
        """Return an array of independent draws from :func:`gausswork.sampling.normal`.

        Parameters
        ----------
        shape : of the array; the shape of an array of distributions follows it.
        seed : a whole number, a text, or a ``sampling.State``; the same draws for the same seed,
            on every machine. None takes a fresh one.

        Raises
        ------
        InputError
            The shape or the seed cannot be used, or mean and sd are not finite.
        """
        return estimation.draws(self._mu, self._sigma, shape, seed)

    # ------------------------------------------------------------------ algebra

    def __add__(self, other: Any) -> Normal:
        """Shift by a number; or the sum with an independent normal variable."""
        if isinstance(other, Normal):
            self._fitting(other._mu)
            return Normal(self._mu + other._mu, _hypot(self._sigma, other._sigma))
        return Normal(self._mu + self._operand(other), self._sigma)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Normal:
        """Shift by a number; or the difference to an independent normal variable."""
        if isinstance(other, Normal):
            self._fitting(other._mu)
            return Normal(self._mu - other._mu, _hypot(self._sigma, other._sigma))
        return Normal(self._mu - self._operand(other), self._sigma)

    def __rsub__(self, other: Any) -> Normal:
        return -self.__sub__(other)

    def __mul__(self, factor: Any) -> Normal:
        """Change the unit: both mean and sd are multiplied."""
        if isinstance(factor, Normal):
            return NotImplemented  # the product of two normal variables is not normal
        factor = self._operand(factor)
        return Normal(self._mu * factor, self._sigma * abs(factor))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Normal:
        if isinstance(divisor, Normal):
            return NotImplemented
        divisor = self._operand(divisor)
        if np.any(np.equal(divisor, 0.0)):
            raise ZeroDivisionError("a Normal cannot be divided by zero")
        return Normal(self._mu / divisor, self._sigma / abs(divisor))

    def __pos__(self) -> Normal:
        return Normal(self._mu, self._sigma)

    def __neg__(self) -> Normal:
        return Normal(-self._mu, self._sigma)

    def _operand(self, value: Any) -> Any:
        """Return the number or the array beside an operator."""
        if type(value) in _NUMBERS:
            return value
        array = inputs.real(value, "the other operand").astype(np.float64, copy=False)
        self._fitting(array)
        return array if array.ndim else float(array)

    def _fitting(self, other: Any) -> None:
        if type(self._mu) is not float and type(other) is not float:
            inputs.common_shape(self=self._mu, other=other)

    # ------------------------------------------------------------------ as a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Normal):
            return NotImplemented
        if type(self._mu) is float and type(other._mu) is float:
            return bool(self._mu == other._mu and self._sigma == other._sigma)
        return np.array_equal(self._mu, other._mu) and np.array_equal(self._sigma, other._sigma)

    def __hash__(self) -> int:
        if type(self._mu) is float:
            return hash((self._mu, self._sigma))
        # 0.0 turns a negative zero into zero: what is equal hashes alike.
        return hash((self.shape, (self._mu + 0.0).tobytes(), (self._sigma + 0.0).tobytes()))

    def __repr__(self) -> str:
        # As NormalDist shows itself: Normal stands in its place, doctests included.
        name = "NormalDist" if type(self) is Normal else type(self).__name__
        return f"{name}(mu={self._mu!r}, sigma={self._sigma!r})"

    def __str__(self) -> str:
        return f"{type(self).__name__}(mean={self._mu}, sd={self._sigma})"

    def __getstate__(self) -> tuple[Any, Any]:
        return self._mu, self._sigma

    def __setstate__(self, state: tuple[Any, Any]) -> None:
        for name, value in zip(Normal.__slots__, state, strict=True):
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)


# Past __setattr__, and quicker than object.__setattr__.
_set_mean = Normal.__dict__["_mu"].__set__
_set_sd = Normal.__dict__["_sigma"].__set__


def _open(p: float) -> inputs.DistributionError:
    hint = f"Did you mean {p / 100.0:g}?" if 1.0 < p < 100.0 else "quantile() has the limits."
    return inputs.DistributionError(f"p must lie in (0, 1); got {p:g}. {hint}")


def _one_name(value: Any, other: Any, default: float, name: str, other_name: str) -> Any:
    """Take an argument under either of its names."""
    if other is None:
        return value
    if not (type(value) is float and value == default):
        raise inputs.DistributionError(
            f"give {name} or {other_name}, not both: they mean the same."
        )
    return other


def _together(mean: Any, sd: Any) -> tuple[Any, Any]:
    """Return two floats, or two arrays of one shape that nobody can write to."""
    m = inputs.real(mean, "mean").astype(np.float64, copy=False)
    s = inputs.spread(sd, "sd")
    if not m.ndim and not s.ndim:
        return float(m), float(s)
    shape = inputs.common_shape(mean=m, sd=s)
    own: list[npt.NDArray[np.float64]] = [np.array(np.broadcast_to(v, shape)) for v in (m, s)]
    for v in own:
        v.flags.writeable = False
    return own[0], own[1]


def _hypot(a: Any, b: Any) -> Any:
    return hypot(a, b) if type(a) is float and type(b) is float else np.hypot(a, b)
