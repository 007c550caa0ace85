"""The central limit theorem: how far the means of n draws are from the bell that it predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.normal.bins import Histogram
from gausswork.normal.populations import Population, population_of
from gausswork.normal.samples import check_seed
from gausswork.plain import plain

Array: TypeAlias = npt.NDArray[np.float64]

BERRY_ESSEEN = 0.4748  # Shevtsova (2011), the constant for independent draws of one law
_PORTION = 1 << 20  # draws at a time
_MOST = 2_000_000_000


@dataclass(frozen=True, slots=True)
class CentralLimit:
    """Means of n draws beside the normal that the central limit theorem predicts.

    Attributes
    ----------
    population : what was drawn from.
    n : draws to a mean.
    means : (repeats,) the means, in the order in which they were drawn.
    mean, sd : of the predicted normal: the population's mean, and its sd / √n.
    distance : the largest difference between the share of means below a point and the
        probability that the predicted normal gives it (Kolmogorov).
    noise : what this distance reaches in 5 of 100 cases if the means are exactly normal: it is
        the resolution that the number of repeats gives.
    bound : the distance of the law of the mean is never more than this: 0.4748·E|x − mean|³ /
        (sd³·√n), Berry (1941) and Esseen (1942); infinite without a third moment.
    expected : the distance of the law of the mean to the first order: of its skewness
        (Edgeworth) and of the steps of a lattice; NaN where there is no third moment.
    seed : by which the means were drawn.
    findings : what is worth knowing.
    """

    population: Population
    n: int
    means: Array
    mean: float
    sd: float
    distance: float
    noise: float
    bound: float
    expected: float
    seed: int
    findings: tuple[Finding, ...]

    @property
    def repeats(self) -> int:
        """How many means there are."""
        return len(self.means)

    @property
    def z(self) -> Array:
        """The means standardised by the prediction: (mean of draws − mean) / sd."""
        z: Array = (self.means - self.mean) / self.sd
        return z

    def histogram(self) -> Histogram:
        """Count the means in bins that the prediction decides, and more means leave where they are.

        The bins are a quarter of the predicted sd wide and reach six to either side. Of a law on a
        lattice they are whole steps wide, with edges half-way between values that a mean can have.
        """
        width, middle = 0.25 * self.sd, self.mean
        step = self.population.step / self.n
        if step:
            width = max(round(width / step), 1) * step
            # an edge half a step below some mean, and then the edge nearest to the middle
            edge = float(self.means[0]) - step / 2.0
            middle = edge + round((self.mean - edge) / width) * width
        reach = math.ceil(6.0 * self.sd / width)
        edges: Array = np.linspace(middle - reach * width, middle + reach * width, 2 * reach + 1)
        counts, _ = np.histogram(self.means, edges)
        several = self.repeats > 1
        return Histogram(
            edges=edges,
            counts=counts,
            below=int((self.means < edges[0]).sum()),
            above=int((self.means > edges[-1]).sum()),
            count=self.repeats,
            mean=float(self.means.mean()),
            sd=float(self.means.std(ddof=1)) if several else 0.0,
        )

    def draws(self, which: int = -1) -> Array:
        """Return the (n,) values of which one mean was taken, drawn once more.

        Parameters
        ----------
        which : index of the mean, the last one by default. The draws before it are repeated to get
            there, so it takes as long as they did.

        Raises
        ------
        InputError
            There is no such mean.
        """
        if isinstance(which, bool) or not isinstance(which, int | np.integer):
            raise InputError(f"which must be a whole number; got {which!r}. The last mean is −1.")
        if not -self.repeats <= which < self.repeats:
            raise InputError(
                f"which must lie in [0, {self.repeats:,}), the means that there are; got {which}. "
                "The last one is −1."
            )
        at = int(which) % self.repeats
        rng = np.random.default_rng([self.seed, 0])
        for start, size in _portions(self.n, self.repeats):
            parts = [self.population.draw(rng, (size, count)) for count in _parts(self.n)]
            if at < start + size:
                return np.concatenate([part[at - start] for part in parts])
        raise AssertionError("every mean lies in one of the portions")

    @property
    def verdict(self) -> str:
        """How far off, beside what the theorem and chance allow."""
        seen = f"{100 * self.distance:.2g}"
        beyond = self.distance > self.noise
        said = (
            f"Means of {self.n:,} draws from {fmt.visible(self.population.name, limit=60)}: the "
            f"share of means below a point is off the predicted normal (mean "
            f"{fmt.significant(self.mean, 4, strip=True)}, sd "
            f"{fmt.significant(self.sd, 4, strip=True)}) by up to {seen} percentage points"
        )
        if not beyond:
            said += (
                f"; {self.repeats:,} means of an exact bell are off by up to "
                f"{100 * self.noise:.2g} points in 95 of 100 cases, so no difference is seen"
            )
        if math.isfinite(self.bound):
            bound = min(1.0, self.bound)
            return f"{said}. The theorem allows {100 * bound:.2g} (Berry–Esseen)."
        return f"{said}. Without a third moment the theorem sets no limit (Berry–Esseen)."

    def __str__(self) -> str:
        lines = [self.verdict]
        lines += [f"{f.severity} ({f.code}): {f}" for f in self.findings]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return all but the means as plain data for JSON."""
        names = ("n", "repeats", "mean", "sd", "distance", "noise", "bound", "expected", "verdict")
        data = {name: getattr(self, name) for name in names}
        data["population"] = self.population.name
        data["findings"] = [finding.to_dict() for finding in self.findings]
        cleaned: dict[str, Any] = plain(data)
        return cleaned


def central_limit(population: Any, n: int, *, repeats: int = 10_000, seed: int = 0) -> CentralLimit:
    """Take the mean of n draws, again and again, and compare with the predicted normal.

    Parameters
    ----------
    population : a name: ``"uniform"``, ``"exponential"``, ``"normal"``, ``"bernoulli(0.5)"``,
        ``"dice"``, ``"poisson(1)"``, ``"lognormal(1)"``, ``"student(5)"``, ``"pareto(3.5)"``; an
        array or a column, from which is drawn with replacement; or a function of
        (``numpy.random.Generator``, size) that returns an array of that size.
    n : draws to a mean.
    repeats : how many means.
    seed : the same seed gives the same means.

    Raises
    ------
    InputError
        There is no such population, or it has no variance, so that the theorem does not hold.

    Examples
    --------
    >>> few, many = (central_limit("exponential", n, repeats=20_000) for n in (2, 200))
    >>> round(few.distance, 3), round(few.expected, 3), round(few.bound, 2)
    (0.089, 0.094, 0.81)
    >>> many.distance < 0.02
    True
    """
    n, repeats, seed = _whole(n, "n"), _whole(repeats, "repeats"), check_seed(seed)
    if n * repeats > _MOST:
        raise InputError(
            f"{n:,} draws for each of {repeats:,} means are {n * repeats:.1e}; at most "
            f"{_MOST:.0e} are drawn. Ask for fewer repeats."
        )
    source = population_of(population, seed=seed)
    rng = np.random.default_rng([seed, 0])
    means = np.empty(repeats)
    for start, size in _portions(n, repeats):
        means[start : start + size] = _means(source, rng, size, n)
    mean, sd = source.mean, source.sd / math.sqrt(n)
    return CentralLimit(
        population=source,
        n=n,
        means=means,
        mean=mean,
        sd=sd,
        distance=_distance(means, mean, sd),
        noise=_kolmogorov_95(repeats),
        bound=BERRY_ESSEEN * source.third / math.sqrt(n),
        expected=_expected(source, n),
        seed=seed,
        findings=_findings(source, n),
    )


def _portions(n: int, repeats: int) -> Iterator[tuple[int, int]]:
    """Yield (first mean, how many) of what is drawn at a time."""
    rows = max(1, _PORTION // n)
    for start in range(0, repeats, rows):
        yield start, min(rows, repeats - start)


def _parts(n: int) -> Iterator[int]:
    """Yield how many draws of one mean are taken at a time."""
    for start in range(0, n, _PORTION):
        yield min(_PORTION, n - start)


def _means(source: Population, rng: np.random.Generator, size: int, n: int) -> Array:
    if n <= _PORTION:
        means: Array = source.draw(rng, (size, n)).mean(axis=1)
        return means
    total = np.zeros(size)
    for count in _parts(n):
        total += source.draw(rng, (size, count)).sum(axis=1)
    return total / n


def _distance(means: Array, mean: float, sd: float) -> float:
    """Return the Kolmogorov distance between the means and a normal, ties taken together."""
    from scipy.special import ndtr

    ordered = np.sort(means)
    m = len(ordered)
    values, first = np.unique(ordered, return_index=True)
    cdf = ndtr((values - mean) / sd)
    below = first / m
    upto = np.append(first[1:], m) / m
    return float(max((upto - cdf).max(), (cdf - below).max()))


def _kolmogorov_95(m: int) -> float:
    """Return the 95 % quantile of the Kolmogorov statistic, parameters known; Stephens (1970)."""
    return 1.3581 / (math.sqrt(m) + 0.12 + 0.11 / math.sqrt(m))


def _expected(source: Population, n: int) -> float:
    """Return the first-order distance: |skewness|/(6√n)·φ(0), and half a step's probability.

    The first Edgeworth term −γ(x² − 1)φ(x)/(6√n) is largest at 0, where the steps of a lattice,
    h·φ(x)/(sd·√n) high, are highest too. Esseen (1945).
    """
    if math.isnan(source.skewness) or not math.isfinite(source.third):
        return math.nan
    skew = abs(source.skewness) / 6.0
    return (skew + 0.5 * source.step / source.sd) * 0.3989422804014327 / math.sqrt(n)


def _findings(source: Population, n: int) -> tuple[Finding, ...]:
    found = []
    if not math.isfinite(source.third):
        found.append(
            Finding(
                "no-third-moment",
                Severity.CAUTION,
                f"{source.name} has a variance but no third moment: its means do become normal, "
                "slower than by 1/√n, and the farthest of them slowest.",
                "Take more draws to a mean, or a median.",
                {"population": source.name},
            )
        )
    if not source.known:
        found.append(
            Finding(
                "moments-estimated",
                Severity.NOTE,
                f"Mean and standard deviation of {source.name} are measured on 200,000 draws: the "
                "predicted normal is as uncertain as they are.",
                "",
                {"population": source.name},
            )
        )
    return tuple(found)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} must be a whole number, at least 1; got {value!r}.")
    return int(value)
