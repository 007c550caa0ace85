"""Is it bell-shaped? How far from a bell, in which way, and whether chance can do that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.normal import describe
from gausswork.normal.calibration import tail_probability
from gausswork.normal.discrepancy import Discrepancies, discrepancies, jarque_bera, omnibus
from gausswork.normal.ordered import (
    Ties,
    can_be_spread,
    scaled,
    spread_ties,
    standardise,
    ties,
    unscaled,
)
from gausswork.normal.outlying import Outlying, outlying
from gausswork.normal.samples import check_seed, read_sample
from gausswork.normal.shape import Effect, Shape, shape_of
from gausswork.normal.shapiro import MOST, shapiro_wilk

Array: TypeAlias = npt.NDArray[np.float64]

LEAST = 3
_LEAST_DAGOSTINO = 8  # his transformation of the skewness has no value below
LEADING = 3000  # values, to which Shapiro–Wilk decides: its p-value is less exact from here on
_ENOUGH = 50  # with fewer values a test would miss all but gross departures


class Conclusion(StrEnum):
    """What can be said about the shape at the 5 % level."""

    BELL = "bell-shaped"  # nothing against it, and values enough to see a gross departure
    UNDECIDED = "undecided"  # nothing against it, but few values: little was tested
    NEARLY = "nearly bell-shaped"  # significantly off, by next to nothing
    OTHER = "not bell-shaped"


@dataclass(frozen=True, slots=True)
class NormalityTest:
    """One test of the hypothesis that the values are a sample from some normal.

    Attributes
    ----------
    name : whose test.
    statistic : as its authors define it.
    p_value : probability that a sample of n from a bell is at least as far from it; in 1,000
        samples from bells 50 have p ≤ 0.05, at any n.
    calibration : what the p-value rests on: ``"exact"``, ``"Royston"`` or ``"simulation"``.
    """

    name: str
    statistic: float
    p_value: float
    calibration: str


@dataclass(frozen=True, slots=True)
class Normality:
    """How a sample compares with a bell.

    Attributes
    ----------
    shape : effect sizes: how far from a bell and in which way.
    tests : test by name: ``"shapiro-wilk"`` (to 5,000 values), ``"shapiro-francia"`` (from
        3,001), ``"anderson-darling"``, ``"dagostino"`` (from 8 values), ``"jarque-bera"`` and
        ``"lilliefors"``.
    leading : name of the one test that decides. The others are there for comparison: taking the
        smallest of five p-values would give a bell away in some 10 of 100 samples instead of 5.
    mean, sd : of the values (divisor n − 1), in their unit.
    missing : how many entries had no value and were left out.
    spread : whether values rounded to steps were spread over their cells before testing.
    rest : where a few values stand apart, the same comparison without them; else None.
    findings : the same in words: departures first.
    name : what the sample is called in sentences.
    """

    shape: Shape
    tests: Mapping[str, NormalityTest]
    leading: str
    mean: float
    sd: float
    missing: int
    spread: bool
    rest: Normality | None
    findings: tuple[Finding, ...]
    name: str

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _rebuilt, ({**values, "tests": dict(self.tests)},)  # views are not pickled

    @property
    def count(self) -> int:
        """How many values were looked at."""
        return self.shape.count

    @property
    def p_value(self) -> float:
        """The p-value of the leading test."""
        return self.tests[self.leading].p_value

    @property
    def effect(self) -> Effect:
        """How far the shape is from a bell, whatever the number of values."""
        return self.shape.effect

    @property
    def conclusion(self) -> Conclusion:
        """What can be said at the 5 % level."""
        return conclusion_of(self.p_value, self.shape.effect, self.count)

    @property
    def verdict(self) -> str:
        """One or two sentences: the effect first, then the p-value."""
        return describe.verdict(self)

    def __str__(self) -> str:
        return describe.text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data for JSON."""
        return describe.as_dict(self)

    def _repr_html_(self) -> str:
        return describe.html(self)


def _rebuilt(values: dict[str, Any]) -> Normality:
    """Make a result of its unpickled parts."""
    return Normality(**{**values, "tests": MappingProxyType(values["tests"])})


def conclusion_of(p_value: float, effect: Effect, n: int) -> Conclusion:
    """Return what a p-value and an effect say together."""
    if p_value > 0.05:
        return Conclusion.BELL if n >= _ENOUGH else Conclusion.UNDECIDED
    return Conclusion.NEARLY if effect in (Effect.NONE, Effect.SLIGHT) else Conclusion.OTHER


def normality(sample: Any, *, name: str | None = None, seed: int = 0) -> Normality:
    """Compare a sample with a bell: how far, in which way, and whether chance can do that.

    Ten million values take some seconds and one sorted copy.

    Parameters
    ----------
    sample : (n,) numbers: an array, a list, a column of a frame. NaN, None and masked entries are
        left out and counted. At least 3 values, not all equal.
    name : what to call it; by default the name that a column brings along.
    seed : rounded values are spread over their cells at random before testing; the same seed gives
        the same p-values. Without ties that matter nothing is random.

    Raises
    ------
    InputError
        The sample is no column of finite numbers, has fewer than 3 values, or is constant.

    Examples
    --------
    >>> import numpy as np
    >>> waits = np.random.default_rng(1).exponential(size=500)
    >>> seen = normality(waits, name="waits")
    >>> print(seen.verdict)
    waits is not bell-shaped: strongly skewed to the right; slightly heavy tails. ...
    >>> seen.effect, seen.conclusion
    (<Effect.STRONG: 'strong'>, <Conclusion.OTHER: 'not bell-shaped'>)
    """
    if name is None:
        own = getattr(sample, "name", None)
        name = own if isinstance(own, str) and own else "the sample"
    seed = check_seed(seed)
    read = read_sample(sample, least=LEAST)
    x, power = scaled(np.sort(read.values), name=name, copy=False)
    coincide, far = ties(x), outlying(x)
    inner = None if far is None else x[far.low : len(x) - far.high].copy()
    whole = _compared(x, coincide, far, _Given(power, read.missing, name, seed))
    if inner is None or inner[0] == inner[-1]:
        return whole
    # once more without the values that stand apart: they hide the shape of the rest
    rest = _compared(inner, ties(inner), None, _Given(power, 0, f"the rest of {name}", seed))
    return replace(whole, rest=rest, findings=describe.findings_with_rest(whole.findings, rest))


@dataclass(frozen=True, slots=True)
class _Given:
    """What a comparison takes over from its sample; the values are x·2^power."""

    power: int
    missing: int
    name: str
    seed: int


def _compared(x: Array, raw: Ties, far: Outlying | None, given: _Given) -> Normality:
    """Compare sorted values, which are standardised in place."""
    mean, sd = standardise(x)
    coincide = raw.in_sd(mean, sd)
    spread = coincide.matter and can_be_spread(coincide, len(x))
    z = spread_ties(x, seed=given.seed) if spread else x
    found = discrepancies(z)
    shape = shape_of(z, found, coincide, far)
    tests = MappingProxyType(_tests(z, found))
    leading = next(iter(tests))
    mean, sd = unscaled(mean, given.power), unscaled(sd, given.power)
    p = tests[leading].p_value
    findings = describe.findings_of(shape, p, mean, sd, given.missing, spread)
    return Normality(
        shape, tests, leading, mean, sd, given.missing, spread, None, findings, given.name
    )


def _tests(z: Array, found: Discrepancies) -> dict[str, NormalityTest]:
    """Return the tests that exist at this n, the leading one first."""
    n = len(z)
    tests: dict[str, NormalityTest] = {}
    if n > LEADING:
        lack = max(float(found.francia), 0.0)
        tests["shapiro-francia"] = _simulated("Shapiro–Francia", "francia", lack, n, 1.0 - lack)
    if n <= MOST:
        w, p = shapiro_wilk(z)
        how = "exact" if n == 3 else "Royston"
        tests["shapiro-wilk"] = NormalityTest("Shapiro–Wilk", 1.0 - float(w), float(p), how)
    squared, distance = float(found.anderson), float(found.kolmogorov)
    tests["anderson-darling"] = _simulated("Anderson–Darling", "anderson", squared, n)
    tests.update(_moment_tests(found.skewness, found.kurtosis, n))
    tests["lilliefors"] = _simulated("Lilliefors", "lilliefors", distance, n)
    return tests


def _moment_tests(skewness: Array, kurtosis: Array, n: int) -> dict[str, NormalityTest]:
    tests = {}
    if n >= _LEAST_DAGOSTINO:
        k2 = float(omnibus(skewness, kurtosis, n))
        tests["dagostino"] = _simulated("D’Agostino–Pearson", "dagostino", k2, n)
    jb = float(jarque_bera(skewness, kurtosis, n))
    tests["jarque-bera"] = _simulated("Jarque–Bera", "jarque-bera", jb, n)
    return tests


def _simulated(
    title: str, table: str, statistic: float, n: int, shown: float | None = None
) -> NormalityTest:
    p = tail_probability(table, statistic, n)
    return NormalityTest(title, statistic if shown is None else shown, p, "simulation")


def normality_of_moments(
    n: int, skewness: float, excess_kurtosis: float
) -> Mapping[str, NormalityTest]:
    """Test for normality where only moments are known: of a stream, or of merged parts.

    Parameters
    ----------
    n : number of values, at least 3.
    skewness : m₃ / m₂^1.5, with moments divided by n.
    excess_kurtosis : m₄ / m₂² − 3.

    Returns
    -------
    the tests ``"dagostino"`` (from 8 values; it leads) and ``"jarque-bera"``, calibrated at any n.

    Raises
    ------
    InputError
        Fewer than 3 values, or moments that no sample has.

    Examples
    --------
    >>> tests = normality_of_moments(40, skewness=1.1, excess_kurtosis=1.0)
    >>> round(tests["dagostino"].p_value, 3), round(tests["jarque-bera"].p_value, 3)
    (0.013, 0.015)
    """
    if n < LEAST:
        raise InputError(f"n must be at least {LEAST}; got {n}.")
    if not (math.isfinite(skewness) and math.isfinite(excess_kurtosis)):
        raise InputError(
            f"skewness and excess_kurtosis must be finite; got {skewness} and {excess_kurtosis}. "
            "A constant has neither."
        )
    if excess_kurtosis < skewness**2 - 2.0 - 1e-9:
        raise InputError(
            f"no sample has skewness {skewness:g} and excess kurtosis {excess_kurtosis:g}: the "
            "excess is never below skewness² − 2. Is it the kurtosis without the 3 subtracted?"
        )
    return MappingProxyType(
        _moment_tests(np.float64(skewness), np.float64(excess_kurtosis + 3.0), n)  # type: ignore[arg-type]
    )
