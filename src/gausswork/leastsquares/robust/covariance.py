"""Standard errors that hold where rows differ in spread, cluster, or follow each other.

With scores s of the rows the covariance is F·M·Fᵀ, F·Fᵀ = (XᵀWX)⁻¹ and M a sum of products of
scores in orthonormal coordinates (Huber 1967; White 1980; Liang & Zeger 1986; Newey & West 1987):
one more pass over the rows in bounded memory, and well conditioned whatever the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gausswork.data.kinds import listed, nearest
from gausswork.errors import InputError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares.inference import check_level, t_quantile
from gausswork.leastsquares.robust import clusters as clustering
from gausswork.leastsquares.robust.lagged import LaggedSums, Window, window
from gausswork.leastsquares.robust.scores import Coordinates, coordinates_of, gram, scores
from gausswork.leastsquares.rows import source_of
from gausswork.leastsquares.wald import HypothesisTest, test_hypotheses

if TYPE_CHECKING:
    from gausswork.data.sources import Source
    from gausswork.leastsquares.fit import Fit

Array = npt.NDArray[np.float64]

# How a squared residual is lifted by its leverage (MacKinnon & White 1985): e² / (1 − h)^power.
_POWERS = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}
KINDS = (*_POWERS, "cluster", "HAC")

_FEW_CLUSTERS = 40  # below this, clustered errors are too small more often than not
_ONE = 1e-10  # rows of a leverage this near to one determine a coefficient by themselves
_NO_SPREAD = 1e-13  # of a clustered standard error relative to the ordinary one


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Robust:
    """Robust standard errors beside a fit, in the order of its terms.

    Attributes
    ----------
    fit : the fit, as it was.
    kind : ``"HC0"`` to ``"HC3"``, ``"cluster"`` or ``"HAC"``.
    correction : what the small-sample correction multiplies the covariance by, in words.
    degrees_of_freedom : of the t and F distributions that tests and intervals use.
    clusters : for each way of clustering its name and number of clusters.
    kernel, lags : of HAC errors; empty and 0.0 otherwise.
    factor : (k, m) with covariance = factor·factorᵀ; None where the covariance is not positive.
    covariance : (k, k) of the estimates; NaN for terms without a coefficient or an error.
    findings : what the reader should know about these errors.
    """

    fit: Fit
    kind: str
    correction: str
    degrees_of_freedom: int
    clusters: tuple[tuple[str, int], ...]
    kernel: str
    lags: float
    factor: Array | None
    covariance: Array
    findings: tuple[Finding, ...] = field(default=())

    def __post_init__(self) -> None:
        self.covariance.setflags(write=False)
        if self.factor is not None:
            self.factor.setflags(write=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the k terms."""
        return self.fit.names

    @property
    def coefficients(self) -> Array:
        """Estimates, (k,): those of the fit."""
        return self.fit.coefficients

    @property
    def standard_errors(self) -> Array:
        """Robust standard errors, (k,); NaN where there is none."""
        if self.factor is not None:
            return np.asarray(np.sqrt(np.einsum("ij,ij->i", self.factor, self.factor)))
        square = self.covariance.diagonal()
        return np.asarray(np.sqrt(np.where(square >= 0.0, square, np.nan)))

    @property
    def t_values(self) -> Array:
        """Estimate / standard error, (k,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.coefficients / self.standard_errors)

    @property
    def p_values(self) -> Array:
        """Two-sided p-values on ``degrees_of_freedom``, (k,)."""
        from scipy.special import stdtr

        lower = stdtr(float(self.degrees_of_freedom), -np.abs(self.t_values))
        return np.asarray(2.0 * lower)

    def confidence_intervals(self, level: float = 0.95) -> Array:
        """Return lower and upper limits of the coefficients, (k, 2)."""
        half = t_quantile(check_level(level), self.degrees_of_freedom) * self.standard_errors
        return np.column_stack((self.coefficients - half, self.coefficients + half))

    def test(self, hypotheses: str) -> HypothesisTest:
        """Test linear hypotheses with these errors; see :meth:`gausswork.Fit.test`."""
        if self.factor is None:
            raise InputError(
                f"{self.words} have no positive covariance here, and so no joint test. "
                "Cluster one way, or use another kernel."
            )
        return test_hypotheses(
            hypotheses, self.names, self.fit.solution, self.factor,
            denominator_df=self.degrees_of_freedom, errors=self.words,
        )  # fmt: skip

    @property
    def words(self) -> str:
        """Which errors these are, in words."""
        if self.kind == "cluster":
            by = " and by ".join(f"{name} ({count:,} clusters)" for name, count in self.clusters)
            return f"errors clustered by {by}"
        if self.kind == "HAC":
            return f"HAC errors ({self.kernel} kernel, {self.lags:g} lags)"
        return f"{self.kind} errors"

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """Return everything as plain data, undefined numbers as None."""
        from gausswork import tables

        return tables.robust_document(self, level=level)

    def _repr_html_(self) -> str:
        from gausswork import tables

        return tables.robust(self).html()

    def __str__(self) -> str:
        from gausswork import tables

        return tables.printable(tables.robust(self))

    def __repr__(self) -> str:
        return f"Robust(kind={self.kind!r}, target={self.fit.target!r}, terms={len(self.names)})"


def robust(
    fit: Fit,
    kind: str = "HC3",
    *,
    clusters: Any = None,
    lags: float | None = None,
    kernel: str = "bartlett",
    correction: bool | None = None,
    data: Any = None,
) -> Robust:
    """Return robust standard errors of a fit; see :meth:`gausswork.Fit.robust`."""
    name = _kind(kind)
    _require_errors(fit)
    if clusters is not None and name != "cluster":
        raise InputError(f"clusters= goes with kind 'cluster'; got kind {kind!r}.")
    if name != "HAC" and (lags is not None or kernel != "bartlett"):
        raise InputError(f"lags= and kernel= go with kind 'HAC'; got kind {kind!r}.")
    if correction is not None and not isinstance(correction, bool):
        raise InputError(f"correction must be True or False, or left out; got {correction!r}.")
    source = source_of(fit, data)
    if name == "cluster":
        return _clustered(fit, source, clusters, data, correction is not False)
    if name == "HAC":
        return _lagged(fit, source, kernel, lags, correction is True)
    if correction is not None:
        raise InputError(
            f"{name} names its correction: HC0 has none, HC1 is HC0 with n/(n − k). Leave "
            "correction= out."
        )
    return _white(fit, source, name)


def _kind(kind: Any) -> str:
    for name in KINDS:
        if isinstance(kind, str) and kind.lower() == name.lower():
            return name
    if isinstance(kind, str) and kind.lower() in ("clustered", "cr1"):
        return "cluster"
    if isinstance(kind, str) and kind.lower() in ("newey-west", "neweywest"):
        return "HAC"
    guess = nearest(str(kind), KINDS)
    meant = f" Did you mean {guess!r}?" if guess else ""
    raise InputError(f"kind must be one of {listed(KINDS)}; got {kind!r}.{meant}")


def _require_errors(fit: Fit) -> None:
    if fit.solution.ridge:
        raise InputError(
            "a ridge fit has no standard errors, robust ones neither: its coefficients are biased "
            "on purpose. Fit without ridge."
        )
    if not fit.solution.minimal:
        raise InputError(
            "these coefficients are not those of least squares, so their errors are not known. Let "
            "the descent go on, or fit by NormalEquation()."
        )
    if fit.degrees_of_freedom < 1:
        raise InputError(
            f"there are as many coefficients as rows ({fit.rows}), so no residual is left to take "
            "errors from. Fit fewer columns or more rows."
        )


def _white(fit: Fit, source: Source, kind: str) -> Robust:
    to = coordinates_of(fit, source)
    k = len(to.raw)
    meat, alone = np.zeros((k, k)), np.zeros((0, k))
    power = _POWERS[kind]
    for part in scores(fit, source, to):
        spread = part.residual**2 * (part.weight if to.frequencies else part.weight**2)
        free = 1.0 - part.leverage
        single = free <= _ONE
        alone = np.concatenate((alone, part.q[single]))
        if power:
            spread = np.where(single, 0.0, spread / np.where(single, 1.0, free) ** power)
        meat += gram(part.q, spread)
    n, rank = fit.rows, fit.rank
    words = {
        "HC0": "none",
        "HC1": "n/(n − k)",
        "HC2": "1/(1 − h) for each row",
        "HC3": "1/(1 − h)² for each row",
    }[kind]
    scale = n / (n - rank) if kind == "HC1" else 1.0
    findings, missing = _alone(to, alone, fit.names, kind)
    return _result(fit, to, meat * scale, kind, words, fit.degrees_of_freedom, findings, missing)


def _alone(
    to: Coordinates, alone: Array, names: tuple[str, ...], kind: str
) -> tuple[tuple[Finding, ...], npt.NDArray[np.bool_]]:
    """Say which coefficients are determined by a single row, whose residual says nothing."""
    missing = np.zeros(len(names), dtype=np.bool_)
    if not len(alone):
        return (), missing
    touched = np.abs(to.full(alone.T))
    size = np.sqrt(np.einsum("ij,ij->i", to.factor, to.factor))
    whole = np.full(len(names), np.inf)
    whole[to.terms] = size
    touching = np.asarray((touched > 1e-7 * whole[:, None]).any(axis=1))
    some = [name for name, is_touched in zip(names, touching, strict=True) if is_touched]
    corrected = _POWERS[kind] > 0  # the others count such a row as one without any scatter
    said = f"they have no {kind} error" if corrected else f"their {kind} errors are too small"
    rows = ("row has", "a single row") if len(alone) == 1 else ("rows have", "single rows")
    finding = Finding(
        "single-row-coefficient",
        Severity.ALARM,
        f"{len(alone):,} {rows[0]} leverage one: {listed(some)} rest on {rows[1]}, where the "
        f"residual is zero whatever the truth, so {said}.",
        "Leave those rows or terms out, or merge the level that occurs once with another.",
        {"terms": some, "rows": len(alone)},
    )
    return (finding,), touching if corrected else missing


def _clustered(fit: Fit, source: Source, given: Any, data: Any, corrected: bool) -> Robust:
    ways = clustering.clusterings_of(fit, given, data, source)
    if len(ways) == 2:
        ways = (*ways, clustering.both(*ways))
    to = coordinates_of(fit, source)
    k = len(to.raw)
    sums = [np.zeros((way.count, k)) for way in ways]
    shares = [np.zeros((way.count, k)) for way in ways[:2]]
    rows = [np.zeros(way.count, dtype=np.int64) for way in ways]
    seen = 0
    for part in scores(fit, source, to):
        s = part.q * (part.residual * part.weight)[:, None]
        square = np.square(np.einsum("ij,kj->ik", part.q, to.factor))
        square *= part.weight[:, None]
        for number, (way, total, count) in enumerate(zip(ways, sums, rows, strict=True)):
            numbers = np.arange(seen, seen + len(s)) if way.by_kept else part.number
            codes = way.codes[numbers]
            clustering.require_all(way, codes, numbers)
            groups_of = _Groups(codes)
            groups_of.add(s, total)
            groups_of.count(count)
            if number < 2:
                groups_of.add(square, shares[number])
        seen += len(s)
    groups = [int(np.count_nonzero(count)) for count in rows]
    for way, g in zip(ways, groups, strict=True):
        if g < 2:
            raise InputError(
                f"{way.name!r} has {g} cluster in the rows of the fit; clustered errors need at "
                "least two, and are only good with many."
            )
    meat, n = np.zeros((k, k)), fit.rows
    for number, (total, g) in enumerate(zip(sums, groups, strict=True)):
        scale = g / (g - 1) * (n - 1) / (n - fit.rank) if corrected else 1.0
        meat += (-scale if number == 2 else scale) * (total.T @ total)
    named = tuple((way.name, g) for way, g in zip(ways[:2], groups, strict=False))
    freedom = min(groups[:2]) - 1
    findings, missing = _separated(fit, to, sums[: min(2, len(sums))], shares, ways)
    findings = (*_few_clusters(named, fit.rank), *findings)
    words = "G/(G − 1) · (n − 1)/(n − k), G clusters" if corrected else "none"
    return _result(fit, to, meat, "cluster", words, freedom, findings, missing, clusters=named)


class _Groups:
    """Some rows sorted by their clusters, to be added up cluster by cluster."""

    def __init__(self, codes: npt.NDArray[np.int64]) -> None:
        self._order = np.argsort(codes, kind="stable")
        ordered = codes[self._order]
        self._starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        self._found = ordered[self._starts]

    def add(self, values: Array, to: Array) -> None:
        """Add the rows of values, (m, k), to the rows of their clusters, (G, k)."""
        if len(values):
            to[self._found] += np.add.reduceat(values[self._order], self._starts, axis=0)

    def count(self, to: npt.NDArray[np.int64]) -> None:
        """Add the number of rows of each cluster."""
        to[self._found] += np.diff(self._starts, append=len(self._order))


def _few_clusters(named: tuple[tuple[str, int], ...], rank: int) -> Iterator[Finding]:
    name, fewest = min(named, key=lambda pair: pair[1])
    if fewest <= rank:
        yield Finding(
            "fewer-clusters-than-coefficients",
            Severity.CAUTION,
            f"There are {fewest} clusters of {name!r} and {rank} coefficients: the errors are "
            f"those of {fewest} independent groups, and no more than {fewest - 1} hypotheses can "
            "be tested at once.",
            "Use fewer coefficients, or a finer clustering if that is honest.",
            {"clusters": fewest, "coefficients": rank},
        )
    elif fewest < _FEW_CLUSTERS:
        yield Finding(
            "few-clusters",
            Severity.CAUTION,
            f"There are only {fewest} clusters of {name!r}: clustered errors tend to be too small "
            f"below about {_FEW_CLUSTERS}. Tests use {fewest - 1} degrees of freedom.",
            "Read p-values near the threshold as undecided.",
            {"clusters": fewest},
        )


def _separated(
    fit: Fit,
    to: Coordinates,
    sums: list[Array],
    shares: list[Array],
    ways: tuple[clustering.Clustering, ...],
) -> tuple[tuple[Finding, ...], npt.NDArray[np.bool_]]:
    """Find terms that one cluster determines: of its own deviation no other tells anything.

    Parameters
    ----------
    sums : (G, k) sums of scores for each way of clustering.
    shares : (G, k) by which each cluster determines each coefficient, but for a factor.

    Returns
    -------
    What is said, and which terms have no error at all, because every cluster fits them exactly.
    """
    missing = np.zeros(len(fit.names), dtype=np.bool_)
    ordinary = np.full(len(fit.names), np.nan)
    size = np.sqrt(np.einsum("ij,ij->i", to.factor, to.factor))
    ordinary[to.terms] = size * math.sqrt(fit.solution.residual_sum_of_squares)
    alone, by = missing.copy(), []
    for total, share, way in zip(sums, shares, ways, strict=False):
        if np.count_nonzero(share.sum(axis=1)) > 2:
            # the effective number of clusters, as of Carter, Schnepel & Steigerwald (2017)
            one = np.zeros(len(fit.names), dtype=np.bool_)
            one[to.terms] = share.sum(axis=0) ** 2 < 2.0 * np.square(share).sum(axis=0)
            if one.any():
                by.append(way.name)
            alone |= one
        moved = to.full(total.T)
        error = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        # rounding of sums that are zero, in the size of what was added
        flat = (error <= max(_NO_SPREAD, 1e-15 * math.sqrt(fit.rows)) * ordinary) & (ordinary > 0.0)
        if flat.any():
            by.append(way.name)
        missing |= flat
    if not (missing | alone).any():
        return (), missing
    some = [name for name, it in zip(fit.names, missing | alone, strict=True) if it]
    by = list(dict.fromkeys(by))
    finding = Finding(
        "separated-by-clusters",
        Severity.ALARM,
        f"{listed(some)} {'rests' if len(some) == 1 else 'rest'} on a single cluster of "
        f"{listed(by)}: how far that cluster lies from others like it cannot be seen, so the "
        "clustered error is far too small"
        f"{', or zero and left out' if missing.any() else ''}.",
        "Do without tests of these terms, or cluster more finely if that is honest.",
        {"terms": some, "clusters": by},
    )
    return (finding,), missing


def _lagged(fit: Fit, source: Source, kernel: str, lags: float | None, corrected: bool) -> Robust:
    if fit.weighting == "frequency":
        raise InputError(
            "HAC errors need rows in the order of time, and rows with frequencies have none. Give "
            "each time its own row."
        )
    to = coordinates_of(fit, source)
    chosen = window(kernel, lags, fit.rows)
    sums = LaggedSums(chosen.weights, len(to.raw))
    for part in scores(fit, source, to):
        sums.add(part.q * (part.residual * part.weight)[:, None])
    n = fit.rows
    meat = sums.total * (n / (n - fit.rank) if corrected else 1.0)
    findings = tuple(_lag_findings(fit, chosen))
    words = "n/(n − k)" if corrected else "none"
    none = np.zeros(len(fit.names), dtype=np.bool_)
    return _result(
        fit, to, meat, "HAC", words, fit.degrees_of_freedom, findings, none,
        kernel=chosen.kernel, lags=chosen.lags,
    )  # fmt: skip


def _lag_findings(fit: Fit, chosen: Window) -> Iterator[Finding]:
    if chosen.chosen:
        yield Finding(
            "lags-chosen",
            Severity.NOTE,
            f"{chosen.lags:g} lags were chosen by the number of rows alone (Newey & West 1994).",
            "Give lags= where you know how long errors last.",
            {"lags": chosen.lags, "kernel": chosen.kernel},
        )
    if fit.tally.dropped:
        yield Finding(
            "gaps-in-time",
            Severity.CAUTION,
            f"{fit.tally.dropped:,} rows were left out for missing values, and the rows on both "
            "sides of such a gap count as neighbours.",
            "Fill the gaps, or read errors across them with care.",
            {"dropped": fit.tally.dropped},
        )


def _result(
    fit: Fit,
    to: Coordinates,
    meat: Array,
    kind: str,
    correction: str,
    freedom: int,
    findings: tuple[Finding, ...],
    missing: npt.NDArray[np.bool_],
    *,
    clusters: tuple[tuple[str, int], ...] = (),
    kernel: str = "",
    lags: float = 0.0,
) -> Robust:
    values, vectors = np.linalg.eigh(0.5 * (meat + meat.T))
    rounding = 1e-14 * float(np.abs(values).max(initial=0.0))
    values[np.abs(values) <= rounding] = 0.0  # fewer clusters than coefficients: not noise, zero
    factor: Array | None = None
    if not len(values) or values.min() >= 0.0:
        factor = to.full(vectors * np.sqrt(values))
        factor[missing] = np.nan
        covariance = factor @ factor.T
    else:
        half = to.full(vectors)
        covariance = (half * values) @ half.T
        covariance[missing] = covariance[:, missing] = np.nan
        findings = (*findings, _not_positive(fit.names, covariance))
    return Robust(
        fit=fit,
        kind=kind,
        correction=correction,
        degrees_of_freedom=freedom,
        clusters=clusters,
        kernel=kernel,
        lags=lags,
        factor=factor,
        covariance=covariance,
        findings=findings,
    )


def _not_positive(names: tuple[str, ...], covariance: Array) -> Finding:
    some = [n for n, v in zip(names, covariance.diagonal(), strict=True) if v < 0.0]
    which = f": {listed(some)} come out negative and have no error" if some else ""
    return Finding(
        "covariance-not-positive",
        Severity.ALARM,
        "These errors are differences of sums, and here the covariance is not positive"
        f"{which}. Joint tests are not defined.",
        "Cluster one way, or use the Bartlett kernel, which is always positive.",
        {"terms": some},
    )
