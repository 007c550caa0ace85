"""Intervals and tests with z: of a mean, a proportion, and of differences of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.normal.samples import read_sample
from gausswork.plain import plain

Array: TypeAlias = npt.NDArray[np.float64]

ALTERNATIVES = ("two-sided", "greater", "less")
_FEW = 30


@dataclass(frozen=True, slots=True)
class Inference:
    """An estimate with its interval and the test of one value.

    Attributes
    ----------
    what : what is estimated: ``"mean"``, ``"difference of means"``, ``"proportion"`` or
        ``"difference of proportions"``.
    estimate : from the sample.
    standard_error : of the estimate.
    lower, upper : the interval; one side is the end of the possible values where ``alternative``
        is one-sided.
    level : of the interval.
    null : the value tested.
    z : (estimate − null) / standard error under the null.
    p_value : of the test against ``alternative``.
    alternative : ``"two-sided"``, ``"greater"`` or ``"less"``.
    method : how the interval was made.
    findings : what is worth knowing, such as an interval that is not as sure as it says.
    """

    what: str
    estimate: float
    standard_error: float
    lower: float
    upper: float
    level: float
    null: float
    z: float
    p_value: float
    alternative: str
    method: str
    findings: tuple[Finding, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper limit."""
        return self.lower, self.upper

    def __str__(self) -> str:
        four = [fmt.significant(x, 5, strip=True) for x in (self.estimate, self.lower, self.upper)]
        p = fmt.p_value(self.p_value)
        lines = [
            f"{self.what} {four[0]}, {fmt.percent(self.level)} interval {four[1]} to {four[2]} "
            f"({self.method}); against {fmt.significant(self.null, 5, strip=True)}: z = "
            f"{fmt.t_value(self.z)}, p {p if p.startswith('<') else '= ' + p} ({self.alternative})"
        ]
        lines += [f"{f.severity} ({f.code}): {f}" for f in self.findings]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data for JSON."""
        names = ("what", "estimate", "standard_error", "lower", "upper", "level", "null", "z",
                 "p_value", "alternative", "method")  # fmt: skip
        data = {name: getattr(self, name) for name in names}
        data["findings"] = [finding.to_dict() for finding in self.findings]
        cleaned: dict[str, Any] = plain(data)
        return cleaned


@dataclass(frozen=True, slots=True)
class Summary:
    """What z needs of a sample: its mean, its standard deviation and its size.

    Attributes
    ----------
    mean : of the values.
    sd : of the values (divisor n − 1), or of the population where it is known.
    n : how many values.
    known : whether ``sd`` is that of the population.
    """

    mean: float
    sd: float
    n: int
    known: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise InputError(f"mean must be finite; got {self.mean}.")
        if not (math.isfinite(self.sd) and self.sd > 0.0):
            raise InputError(
                f"sd must be a positive number; got {self.sd}. Values that are all equal say "
                "nothing about how far their mean may be off."
            )
        if isinstance(self.n, bool) or not isinstance(self.n, int | np.integer) or self.n < 1:
            raise InputError(f"n must be a whole number, at least 1; got {self.n!r}.")


def z_mean(
    sample: Any,
    *,
    null: float = 0.0,
    sd: float | None = None,
    level: float = 0.95,
    alternative: str = "two-sided",
) -> Inference:
    """Return the interval of a mean, and the test whether it is ``null``.

    Parameters
    ----------
    sample : (n,) numbers, those without a value left out; or a :class:`Summary`.
    null : the value tested.
    sd : of the population, where it is known; by default that of the sample, and then a finding
        says what that costs where the values are few.
    level : of the interval.
    alternative : ``"two-sided"``, ``"greater"`` (the mean is greater than ``null``) or ``"less"``.

    Examples
    --------
    >>> print(z_mean(Summary(mean=70.4, sd=10.0, n=10_000), null=70.0))
    mean 70.4, 95 % interval 70.204 to 70.596 (z); against 70: z = 4.00, p = 6.3e-05 (two-sided)
    """
    one = _summary(sample, sd, "sample")
    error = one.sd / math.sqrt(one.n)
    return _inference(
        "mean", one.mean, error, null, level, alternative, "z", findings=_estimated(level, one)
    )


def z_mean_difference(
    first: Any,
    second: Any,
    *,
    null: float = 0.0,
    sds: tuple[float, float] | None = None,
    level: float = 0.95,
    alternative: str = "two-sided",
) -> Inference:
    """Return the interval of the mean of ``first`` minus that of ``second``, and its test.

    Parameters
    ----------
    first, second : independent samples, or :class:`Summary`.
    sds : of the populations, where they are known.
    null, level, alternative : as in :func:`z_mean`.

    Examples
    --------
    >>> sons, daughters = Summary(69.23, 2.63, 481), Summary(64.10, 2.36, 453)
    >>> print(z_mean_difference(sons, daughters))
    difference of means 5.13, 95 % interval 4.8099 to 5.4501 (z); against 0: z = 31.41, ...
    """
    known = (None, None) if sds is None else sds
    one, other = _summary(first, known[0], "first"), _summary(second, known[1], "second")
    error = math.hypot(one.sd / math.sqrt(one.n), other.sd / math.sqrt(other.n))
    return _inference(
        "difference of means", one.mean - other.mean, error, null, level, alternative, "z",
        findings=_estimated(level, one, other),
    )  # fmt: skip


def z_proportion(
    successes: Any,
    n: int | None = None,
    *,
    null: float = 0.5,
    level: float = 0.95,
    alternative: str = "two-sided",
    method: str = "wilson",
) -> Inference:
    """Return the interval of a proportion, and the test whether it is ``null``.

    Parameters
    ----------
    successes : how many of ``n``; or, without ``n``, a column of true and false, or 1 and 0.
    method : ``"wilson"`` inverts the test (Wilson 1927) and holds its level for any proportion;
        ``"wald"``, p ± z·√(p(1 − p)/n), is what many books have. It is there for comparison, with
        a finding that says how sure it really is.
    null, level, alternative : as in :func:`z_mean`; 0 < null < 1.

    Examples
    --------
    >>> z_proportion(0, 20).upper          # none in twenty is not never
    0.16...
    """
    if method not in ("wilson", "wald"):
        raise InputError(f"method must be 'wilson' or 'wald'; got {method!r}.")
    if not 0.0 < null < 1.0:
        raise InputError(f"null must lie in (0, 1); got {null:g}.")
    k, n = _counts(successes, n, "successes")
    share = k / n
    z = (share - null) / math.sqrt(null * (1.0 - null) / n)
    error = math.sqrt(share * (1.0 - share) / n)
    critical = _critical(level, alternative)
    findings: tuple[Finding, ...] = ()
    if method == "wald":
        lower, upper = share - critical * error, share + critical * error
        findings = (_wald(k, n, critical, level),)
    else:
        lower, upper = wilson(k, n, critical)
    lower, upper = _one_sided(lower, upper, alternative, (0.0, 1.0))
    return Inference(
        "proportion", share, error, lower, upper, level, null, z, _p(z, alternative), alternative,
        "Wilson" if method == "wilson" else "Wald", findings,
    )  # fmt: skip


def z_proportion_difference(
    first: tuple[int, int],
    second: tuple[int, int],
    *,
    level: float = 0.95,
    alternative: str = "two-sided",
) -> Inference:
    """Return the interval of the first proportion minus the second, and the test of equality.

    Parameters
    ----------
    first, second : (successes, n) of independent samples; or columns of true and false.
    level, alternative : as in :func:`z_mean`. The interval joins two Wilson intervals (Newcombe
        1998, his method 10); the test pools both samples.

    Examples
    --------
    >>> found = z_proportion_difference((56, 70), (48, 80))     # Newcombe's first example
    >>> round(found.lower, 4), round(found.upper, 4)
    (0.0524, 0.3339)
    """
    (k1, n1), (k2, n2) = _pair(first, "first"), _pair(second, "second")
    p1, p2 = k1 / n1, k2 / n2
    pooled = (k1 + k2) / (n1 + n2)
    error_null = math.sqrt(pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2))
    difference = p1 - p2
    z = difference / error_null if error_null > 0.0 else 0.0
    critical = _critical(level, alternative)
    (l1, u1), (l2, u2) = wilson(k1, n1, critical), wilson(k2, n2, critical)
    lower = difference - math.hypot(p1 - l1, u2 - p2)
    upper = difference + math.hypot(u1 - p1, p2 - l2)
    lower, upper = _one_sided(lower, upper, alternative, (-1.0, 1.0))
    error = math.sqrt(p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2)
    return Inference(
        "difference of proportions", difference, error, lower, upper, level, 0.0, z,
        _p(z, alternative), alternative, "Newcombe", (),
    )  # fmt: skip


def wilson(k: float, n: float, critical: float) -> tuple[float, float]:
    """Return the proportions that the z test would not reject; Wilson (1927)."""
    square = critical * critical
    middle = (k + 0.5 * square) / (n + square)
    half = critical / (n + square) * math.sqrt(k * (n - k) / n + 0.25 * square)
    lower = 0.0 if k == 0 else max(0.0, middle - half)
    upper = 1.0 if k == n else min(1.0, middle + half)
    return lower, upper


def wald_coverage(p: float, n: int, critical: float) -> float:
    """Return how often p̂ ± z·√(p̂(1 − p̂)/n) holds p, exactly: the sum over all outcomes."""
    from scipy.special import gammaln, xlog1py, xlogy

    spread = 12.0 * math.sqrt(n * p * (1.0 - p)) + 12.0
    k = np.arange(max(0.0, math.floor(n * p - spread)), min(n, math.ceil(n * p + spread)) + 1.0)
    log_weight = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    weight = np.exp(log_weight + xlogy(k, p) + xlog1py(n - k, -p))
    share = k / n
    inside = np.abs(share - p) <= critical * np.sqrt(share * (1.0 - share) / n)
    return float(weight[inside].sum())


def _wald(k: int, n: int, critical: float, level: float) -> Finding:
    # where it is worst nearby: at the middle of Wilson's interval, which is never 0 or 1
    lower, upper = wilson(k, n, critical)
    p = 0.5 * (lower + upper)
    coverage = wald_coverage(p, n, critical)
    return Finding(
        "wald-interval",
        Severity.CAUTION,
        f"The Wald interval is symmetric about the share that was seen, and too sure of it: of "
        f"100 samples of {n:,} from a population with the share {p:.3f}, "
        f"{100 * coverage:.0f} have an interval that holds it, where "
        f"{fmt.significant(100 * level, 4, strip=True)} are promised.",
        "Use method='wilson'.",
        {"coverage": coverage, "share": p},
    )


def _estimated(level: float, *samples: Summary) -> tuple[Finding, ...]:
    """Say what it costs to take the sample's sd for the population's."""
    few = [s for s in samples if not s.known and s.n < _FEW]
    if not few or not 0.0 < level < 1.0:
        return ()
    from scipy.special import stdtr

    n = min(s.n for s in few)
    critical = _critical(level, "two-sided")
    coverage = 2.0 * float(stdtr(n - 1, critical)) - 1.0 if n > 1 else 0.0
    return (
        Finding(
            "sd-from-few-values",
            Severity.CAUTION,
            f"The standard deviation is estimated from {n} values, and z does not know: such an "
            f"interval holds the mean of a bell in {100 * coverage:.1f} of 100 cases, where "
            f"{fmt.significant(100 * level, 4, strip=True)} are promised.",
            "Use Student's t, or give the population's sd where it is known.",
            {"n": n, "coverage": coverage},
        ),
    )


def _inference(
    what: str,
    estimate: float,
    error: float,
    null: float,
    level: float,
    alternative: str,
    method: str,
    *,
    findings: tuple[Finding, ...],
) -> Inference:
    if not math.isfinite(null):
        raise InputError(f"null must be finite; got {null}.")
    z = (estimate - null) / error
    half = _critical(level, alternative) * error
    lower, upper = _one_sided(estimate - half, estimate + half, alternative, (-math.inf, math.inf))
    return Inference(
        what, estimate, error, lower, upper, level, null, z, _p(z, alternative), alternative,
        method, findings,
    )  # fmt: skip


def _critical(level: float, alternative: str) -> float:
    from scipy.special import ndtri

    if not 0.0 < level < 1.0:
        meant = f" Did you mean {level / 100:g}?" if 1.0 <= level < 100.0 else ""
        raise InputError(f"level must lie in (0, 1); got {level:g}.{meant}")
    if alternative not in ALTERNATIVES:
        raise InputError(
            f"alternative must be one of {', '.join(ALTERNATIVES)}; got {alternative!r}."
        )
    return -float(ndtri((1.0 - level) / (2.0 if alternative == "two-sided" else 1.0)))


def _p(z: float, alternative: str) -> float:
    from scipy.special import ndtr

    if alternative == "two-sided":
        return min(1.0, 2.0 * float(ndtr(-abs(z))))
    return float(ndtr(-z if alternative == "greater" else z))


def _one_sided(
    lower: float, upper: float, alternative: str, ends: tuple[float, float]
) -> tuple[float, float]:
    if alternative == "greater":
        return lower, ends[1]
    return (ends[0], upper) if alternative == "less" else (lower, upper)


def _summary(given: Any, sd: float | None, name: str) -> Summary:
    if isinstance(given, Summary):
        return given if sd is None else Summary(given.mean, sd, given.n, known=True)
    read = read_sample(given, name=name, least=1 if sd is not None else 2)
    x = read.values
    middle = float(x[0])
    about = x - middle
    mean = float(about.mean())
    if sd is not None:
        return Summary(middle + mean, float(sd), len(x), known=True)
    about -= mean
    spread = math.sqrt(float(about @ about) / (len(x) - 1))
    if spread == 0.0:
        raise InputError(
            f"all {len(x):,} values of {name} are {middle:g}: they say nothing about how far their "
            "mean may be off. Give the population's sd, if it is known."
        )
    return Summary(middle + mean, spread, len(x))


def _counts(successes: Any, n: int | None, name: str) -> tuple[int, int]:
    if n is None:
        read = read_sample(successes, name=name)
        x = read.values
        if not np.all((x == 0.0) | (x == 1.0)):
            odd = x[(x != 0.0) & (x != 1.0)][0]
            raise InputError(
                f"{name} must be true and false, or 1 and 0; it holds {odd:g}. With counts, pass "
                "how many there are as n."
            )
        return int(x.sum()), len(x)
    for value, what in ((successes, name), (n, "n")):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InputError(f"{what} must be a whole number; got {value!r}.")
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"{name} must lie in 0…n with n at least 1; got {successes} of {n}.")
    return int(successes), int(n)


def _pair(given: Any, name: str) -> tuple[int, int]:
    if isinstance(given, tuple) and len(given) == 2:
        return _counts(given[0], given[1], name)
    return _counts(given, None, name)
