"""Outliers by four rules, each with the false alarms that it raises in a bell-shaped sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gausswork import formatting as fmt
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.normal import false_alarms
from gausswork.normal.esd import Step, esd_steps
from gausswork.normal.ordered import scaled, unscaled
from gausswork.normal.samples import Sample, read_sample
from gausswork.plain import plain

Array: TypeAlias = npt.NDArray[np.float64]

METHODS = ("robust", "z", "tukey", "esd")
_LIMITS = {"robust": 3.5, "z": 3.0, "tukey": 1.5}
_RULES = {
    "robust": "the rule |x − median| > {:g} · 1.4826 · MAD",
    "z": "the rule |x − mean| > {:g} · sd",
    "tukey": "the rule beyond the quartiles by more than {:g} interquartile ranges",
    "esd": "the generalised ESD test of Rosner at level {:g}",
}
_LEAST = {"robust": 3, "z": 3, "tukey": 4, "esd": 5}
_CLEARLY = 1.25  # times the limit in robust sd: what z should not have missed
_ESD_SMALL = 15  # Rosner's critical values are good from here on


@dataclass(frozen=True, slots=True)
class Outliers:
    """The values that a rule calls outliers, and how many it would call so in a bell.

    Attributes
    ----------
    method : ``"robust"``, ``"z"``, ``"tukey"`` or ``"esd"``.
    rule : the rule in words.
    limit : of the scores; for ``"esd"`` the level of the test.
    index : (k,) positions of the outliers in the sample as it was given, ascending.
    values : (k,) the outliers.
    scores : (k,) how far out they are, signed: in sd, in robust sd, or in interquartile ranges
        beyond the quartile.
    lower, upper : values beyond these limits are outliers; for ``"esd"`` the range of the rest.
    expected : how many values the rule calls outliers, on average, in a sample of ``count`` from
        a bell.
    steps : for ``"esd"`` the table of the test, one entry for each value taken off.
    count : how many values were looked at.
    missing : entries without a value, left out.
    findings : what is worth knowing, such as outliers that hide one another.
    name : what the sample is called in sentences.
    """

    method: str
    rule: str
    limit: float
    index: npt.NDArray[np.intp]
    values: Array
    scores: Array
    lower: float
    upper: float
    expected: float
    steps: tuple[Step, ...]
    count: int
    missing: int
    findings: tuple[Finding, ...]
    name: str

    def __len__(self) -> int:
        return len(self.index)

    @property
    def verdict(self) -> str:
        """How many were found beside how many a bell would show anyway."""
        found = f"{len(self):,} of {self.count:,} values" if len(self) else "No value"
        is_are = "are outliers" if len(self) > 1 else "is an outlier"
        text = f"{found} {is_are} by {self.rule}."
        if self.method == "esd":
            return f"{text} Of 100 bell-shaped samples {100 * self.limit:g} have any."
        return (
            f"{text} Of {self.count:,} bell-shaped values {_about(self.expected)} "
            f"{'lie' if _about(self.expected) != '1' else 'lies'} there anyway."
        )

    def __str__(self) -> str:
        lines = fmt.wrap(
            f"{fmt.visible(self.name, limit=60)}: {self.verdict}", _WIDTH, further="    "
        )
        shown = np.argsort(-np.abs(self.scores), kind="stable")[:_SHOWN]
        if len(shown):
            lines += ["", "position        value    score"]
        for k in shown:
            value = fmt.significant(float(self.values[k]), 6, strip=True)
            lines.append(f"{self.index[k]:8d}  {value:>11}  {self.scores[k]:+7.2f}")
        if len(self) > _SHOWN:
            lines.append(f"… and {len(self) - _SHOWN:,} more")
        for finding in self.findings:
            said = f"{finding.severity} ({finding.code}): {fmt.visible(str(finding))}"
            lines += ["", *fmt.wrap(said, _WIDTH, further="    ")]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data for JSON."""
        names = ("name", "method", "rule", "limit", "count", "missing", "expected", "lower",
                 "upper", "index", "values", "scores", "verdict")  # fmt: skip
        data = {name: getattr(self, name) for name in names}
        data["steps"] = [step.to_dict() for step in self.steps]
        data["findings"] = [finding.to_dict() for finding in self.findings]
        cleaned: dict[str, Any] = plain(data)
        return cleaned


_SHOWN = 10
_WIDTH = 88


def outliers(
    sample: Any,
    *,
    method: str = "robust",
    limit: float | None = None,
    level: float = 0.05,
    most: int | None = None,
    name: str | None = None,
) -> Outliers:
    """Find outliers, and say how many the rule would find in a bell-shaped sample.

    Parameters
    ----------
    sample : (n,) numbers; NaN, None and masked entries are left out and counted.
    method : ``"robust"`` measures from the median in MADs, which outliers cannot stretch (Iglewicz
        & Hoaglin 1993); ``"z"`` from the mean in standard deviations; ``"tukey"`` from the
        quartiles in interquartile ranges; ``"esd"`` takes the farthest values off one by one and
        tests each against the rest (Rosner 1983), so that they do not hide one another.
    limit : beyond which a score makes an outlier: 3.5, 3 and 1.5 for the first three by default.
    level : for ``"esd"``: the share of samples from a bell in which anything at all is found.
    most : for ``"esd"``: how many outliers there may be, by default a tenth of the values but
        not more than 100.
    name : what to call the sample.

    Raises
    ------
    InputError
        The sample is no column of finite numbers, is too small or constant, or more than half of
        it is one value, so that MAD or interquartile range are zero.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.random.default_rng(0).normal(70, 10, size=10_000)
    >>> print(outliers(scores, method="z").verdict)
    25 of 10,000 values are outliers by the rule |x − mean| > 3 · sd. Of 10,000 bell-shaped ...
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    if name is None:
        own = getattr(sample, "name", None)
        name = own if isinstance(own, str) and own else "the sample"
    read = read_sample(sample, least=_LEAST[method])
    if method == "esd":
        if limit is not None:
            raise InputError("limit belongs to the other methods; the ESD test takes level=.")
        return _by_esd(read, level, most, name)
    if most is not None:
        raise InputError("most belongs to method='esd'; the other rules find as many as there are.")
    limit = _LIMITS[method] if limit is None else float(limit)
    if not (math.isfinite(limit) and limit > 0.0):
        raise InputError(f"limit must be a positive number; got {limit}.")
    scores, lower, upper = _SCORES[method](read.values, limit, name)
    chosen = np.flatnonzero(np.abs(scores) > limit if method != "tukey" else scores != 0.0)
    expected = _EXPECTED[method](len(read), limit)
    found = _result(read, chosen, method, limit, (lower, upper), expected, name, scores=scores)
    return found if method != "z" else _look_for_masking(found, read)


def _result(
    read: Sample,
    chosen: npt.NDArray[np.intp],
    method: str,
    limit: float,
    bounds: tuple[float, float],
    expected: float,
    name: str,
    *,
    scores: Array,
    steps: tuple[Step, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> Outliers:
    return Outliers(
        method=method,
        rule=_RULES[method].format(limit),
        limit=limit,
        index=read.place(chosen),
        values=read.values[chosen],
        scores=scores[chosen] if len(scores) == len(read) else scores,
        lower=bounds[0],
        upper=bounds[1],
        expected=expected,
        steps=steps,
        count=len(read),
        missing=read.missing,
        findings=findings,
        name=name,
    )


def _by_z(values: Array, limit: float, name: str) -> tuple[Array, float, float]:
    x, power = scaled(values, name=name)
    middle = float(np.median(x[: 1 << 16]))
    x -= middle
    shift = float(x.mean())
    x -= shift
    sd = _norm(x) / math.sqrt(len(x) - 1)
    x /= sd
    return x, *_bounds(middle + shift, sd, limit, power)


def _by_mad(values: Array, limit: float, name: str) -> tuple[Array, float, float]:
    x, power = scaled(values, name=name)
    middle = float(np.median(x))
    x -= middle
    robust = float(np.median(np.abs(x))) * false_alarms.MAD_TO_SD
    if robust == 0.0:
        raise InputError(_half_equal(name, unscaled(middle, power), "median absolute deviation"))
    x /= robust
    return x, *_bounds(middle, robust, limit, power)


def _by_fences(values: Array, limit: float, name: str) -> tuple[Array, float, float]:
    x, power = scaled(values, name=name)
    first, third = (float(q) for q in np.quantile(x, (0.25, 0.75)))
    width = third - first
    if width == 0.0:
        raise InputError(_half_equal(name, unscaled(first, power), "interquartile range"))
    lower, upper = first - limit * width, third + limit * width
    below, above = x < lower, x > upper
    scores = np.where(below, (x - first) / width, np.where(above, (x - third) / width, 0.0))
    return scores, unscaled(lower, power), unscaled(upper, power)


_SCORES = {"z": _by_z, "robust": _by_mad, "tukey": _by_fences}
_EXPECTED = {
    "z": false_alarms.of_z,
    "robust": false_alarms.of_robust_z,
    "tukey": false_alarms.of_fences,
}


def _by_esd(read: Sample, level: float, most: int | None, name: str) -> Outliers:
    if not 0.0 < level < 1.0:
        meant = f" Did you mean {level / 100:g}?" if 1.0 <= level < 100.0 else ""
        raise InputError(f"level must lie in (0, 1); got {level:g}.{meant}")
    n = len(read)
    if most is None:
        most = max(1, min(n // 10, 100))
    if not 1 <= most <= (n - 3) // 2:
        raise InputError(
            f"most must lie in 1…{(n - 3) // 2} for {n} values: the rest must be the majority; "
            f"got {most}."
        )
    x, _ = scaled(read.values, name=name)
    x -= np.median(x)
    steps = esd_steps(x, read.values, level, most)
    found = max((k for k, step in enumerate(steps, 1) if step.exceeds), default=0)
    removed = np.array([step.position for step in steps[:found]], dtype=np.intp)
    scores = np.array([step.score for step in steps[:found]])
    order = np.argsort(removed)
    rest = np.delete(read.values, removed) if found else read.values
    findings: tuple[Finding, ...] = ()
    if n < _ESD_SMALL:
        findings = (
            Finding(
                "esd-small-sample",
                Severity.NOTE,
                f"Rosner's critical values are approximate below 15 values; these are {n}.",
                "",
                {"count": n},
            ),
        )
    placed = tuple(step.at(int(read.place(np.array([step.position]))[0])) for step in steps)
    return _result(
        read, removed[order], "esd", level, (float(rest.min()), float(rest.max())), level, name,
        scores=scores[order], steps=placed, findings=findings,
    )  # fmt: skip


def _look_for_masking(found: Outliers, read: Sample) -> Outliers:
    """Say where outliers hide behind the standard deviation that they have enlarged."""
    n = found.count
    highest = (n - 1) / math.sqrt(n)
    if highest <= found.limit:
        finding = Finding(
            "z-cannot-exceed",
            Severity.CAUTION,
            f"Among {n} values no z-score can exceed {highest:.2f}, however far out a value lies: "
            f"the limit {found.limit:g} finds nothing.",
            "Use method='robust' or method='esd'.",
            {"count": n, "highest": highest},
        )
        return replace(found, findings=(finding,))
    clear = _CLEARLY * found.limit
    try:
        scores, _, _ = _by_mad(read.values, clear, found.name)
    except InputError:  # more than half of the values are equal
        return found
    scores[np.isin(np.arange(n) if read.positions is None else read.positions, found.index)] = 0.0
    hidden = int(np.count_nonzero(np.abs(scores) > clear))
    by_chance = false_alarms.of_robust_z(n, clear)
    if hidden <= by_chance + 3.0 * math.sqrt(by_chance):
        return found
    lie = "value lies" if hidden == 1 else "values lie"
    finding = Finding(
        "masked-outliers",
        Severity.CAUTION,
        f"Measured from the median in MADs {hidden:,} more {lie} beyond {clear:g}: outliers "
        "enlarge the standard deviation by which they are measured, and so hide one another.",
        "Use method='robust' or method='esd'.",
        {"hidden": hidden},
    )
    return replace(found, findings=(finding,))


def _bounds(middle: float, spread: float, limit: float, power: int) -> tuple[float, float]:
    return (
        unscaled(middle - limit * spread, power),
        unscaled(middle + limit * spread, power),
    )


def _norm(x: Array) -> float:
    """Return the root of the sum of squares, of values that may differ in size by 10¹⁵⁴."""
    largest = float(np.abs(x).max())
    with np.errstate(under="ignore"):
        return largest * math.sqrt(float(((x / largest) ** 2).sum()))


def _half_equal(name: str, value: float, what: str) -> str:
    return (
        f"half or more of the values of {name} are {value:g}, so that their {what} is 0 and every "
        "other value would be infinitely far out. Look at the others alone, or use method='z'."
    )


def _about(expected: float) -> str:
    """Return an expected number as people say it."""
    if expected >= 9.5:
        return f"{round(expected):,}"
    return fmt.significant(expected, 2, strip=True) if expected >= 1e-12 else "none"
