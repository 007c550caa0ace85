"""More rows for sums and fits that are there: updated and merged, earlier rows never read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gausswork.data.arrays import ArraySource, ColumnsSource, KeptRows
from gausswork.data.kinds import listed
from gausswork.data.recipe import CATEGORY, Recipe
from gausswork.data.snapshots import one_snapshot
from gausswork.data.sources import Source, Tally
from gausswork.data.weights import ANALYTIC, ARGUMENTS, FREQUENCY, Weights
from gausswork.errors import GaussworkError, InputError, NotFiniteError
from gausswork.findings import Finding, Severity
from gausswork.leastsquares import merging
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.fitting import check_arguments
from gausswork.leastsquares.moments import Moments, Progress, accumulate
from gausswork.leastsquares.refit import fit_of
from gausswork.leastsquares.solve import finite_exponents
from gausswork.leastsquares.subsets import OF_THE_DATA

_TIER = 1  # of sums that are to last: errors of about 2⁻⁷³, at twice the price of the roughest
_ROUGH = 2.0**-60  # error constants above this are those of tier 0
_FINEST = 2.0**-80  # those below are of tier 2
_FURTHER = " and further rows"  # in the description of a fit
_SAME = 64.0  # error constants by which sums of the same rows may differ


@one_snapshot
def moments_of(
    data: Any,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    weights: Any = None,
    frequencies: Any = None,
    missing: str = "drop",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Moments:
    """Sum the rows of any data; see :meth:`gausswork.Moments.of`."""
    from gausswork.data import open_data

    check_arguments(True, features, weights, frequencies)
    opened = open_data(
        data, target, features=features, missing=missing,
        weights=weights if frequencies is None else frequencies,
        weighting=ANALYTIC if frequencies is None else FREQUENCY,
    )  # fmt: skip
    if opened.recipe is not None:
        _require_plain(opened.recipe)
    return summed(opened.source, threads=threads, progress=progress)[0]


def updated(
    moments: Moments,
    data: Any,
    target: Any = None,
    *,
    weights: Any = None,
    frequencies: Any = None,
    missing: str = "drop",
    threads: int | None = None,
) -> Moments:
    """Add further rows to moments; see :meth:`gausswork.Moments.update`."""
    from gausswork.data import open_data
    from gausswork.data.opening import is_source

    if isinstance(data, Moments):
        return moments.merge(data)
    given = weights is not None or frequencies is not None
    if moments.weighting is not None and not given and not is_source(data):
        raise InputError(
            f"the rows of these moments have {moments.weighting} weights: give those of the "
            f"further rows as {ARGUMENTS[moments.weighting]}=."
        )
    check_arguments(True, None, weights, frequencies)
    data, target = _with_target(data, target)
    own: dict[str, Any] = {}
    if not is_source(data):
        own = {"features": list(moments.names)}
    named = target is None or isinstance(target, str)
    opened = open_data(
        data, moments.target, missing=missing, y=None if named else target,
        weights=weights if frequencies is None else frequencies,
        weighting=ANALYTIC if frequencies is None else FREQUENCY, **own,
    )  # fmt: skip
    if opened.recipe is not None:
        _require_plain(opened.recipe)
    tier = 2 if moments.error < _FINEST else _TIER
    return moments.merge(summed(opened.source, tier=tier, threads=threads)[0])


def update(
    fit: Fit,
    data: Any,
    target: Any = None,
    *,
    weights: Any = None,
    missing: str = "drop",
    threads: int | None = None,
) -> Fit:
    """Add further rows to a fit; see :meth:`gausswork.Fit.update`."""
    if isinstance(data, Fit):
        return merge(fit, data)
    _require_sums(fit)
    if isinstance(data, Moments):
        return _refitted(fit, [_kept(fit), data], [fit.tally, Tally(data.rows, 0, {})], ())
    source, noticed = _opened(fit, data, target, weights, missing)
    tier = 2 if fit.moments.error < _FINEST else _TIER
    new, source = summed(source, tier=tier, threads=threads)
    return _refitted(fit, [_kept(fit), new], [fit.tally, source.tally], noticed)


def merge(fit: Fit, *others: Fit) -> Fit:
    """Fit the rows of several fits together; see :meth:`gausswork.Fit.merge`."""
    for other in others:
        if not isinstance(other, Fit):
            raise InputError(
                f"only fits merge with fits; got {type(other).__name__}. Rows are added with "
                "update()."
            )
        _require_same_recipe(fit, other)
    every = (fit, *others)
    for one in every:
        _require_sums(one)
    noticed = [f for other in others for f in other.findings if f.code in OF_THE_DATA]
    return _refitted(fit, [_kept(one) for one in every], [one.tally for one in every], noticed)


def summed(
    source: Source,
    *,
    tier: int = _TIER,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Moments, Source]:
    """Sum a source to the end: rows with gaps left out, scales chosen anew where they misled.

    Returns
    -------
    The moments, and the source that they are of: without the rows that have a gap.

    Raises
    ------
    InputError
        There are no rows, or a value is infinite.
    """
    try:
        return _summed(source, tier, threads, progress), source
    except NotFiniteError:
        if not hasattr(source, "without_missing"):
            raise
        source = source.without_missing()
        return _summed(source, tier, threads, progress), source


def _summed(source: Source, tier: int, threads: int | None, progress: Progress | None) -> Moments:
    moments = accumulate(source, tier=tier, threads=threads, progress=progress)
    if moments.finite:
        return moments
    exponents = finite_exponents(source)
    moments = accumulate(source, tier=tier, threads=threads, progress=progress, exponents=exponents)
    if not moments.finite:
        raise NotFiniteError(
            "the sums of this data are not finite: it holds values of too many orders of "
            "magnitude. Rescale, or leave those rows out."
        )
    return moments


def _refitted(
    fit: Fit,
    parts: list[Moments],
    tallies: list[Tally],
    noticed: Sequence[Finding],
) -> Fit:
    moments = parts[0].merge(*parts[1:])
    missing: dict[str, int] = {}
    for tally in tallies:
        for name, count in tally.missing.items():
            missing[name] = missing.get(name, 0) + count
    tally = Tally(sum(t.read for t in tallies), sum(t.dropped for t in tallies), missing)
    findings = [
        f
        for f in (*fit.findings, *noticed)
        if f.code in OF_THE_DATA and f.code != "updated-from-sums"
    ]
    said = list({_once(f): f for f in reversed(findings)}.values())[::-1]
    return fit_of(
        moments,
        fit.design,
        intercept=fit.solution.intercept,
        method=fit.method,
        tally=tally,
        description=f"{fit.description.removesuffix(_FURTHER)}{_FURTHER}",
        findings=[_from_sums(moments.rows), *_learned_early(fit), *said],
    )


def _once(finding: Finding) -> tuple[str, str]:
    """Return by what two findings are the same: of files that are written alike, one is enough."""
    if finding.code in ("separator-detected", "decimal-comma"):
        return finding.code, str(finding.evidence.get("separator", ""))
    return finding.code, finding.sentence


def _from_sums(rows: int) -> Finding:
    return Finding(
        "updated-from-sums",
        Severity.NOTE,
        f"This fit comes from the sums of its {rows:,} rows, which were added up at different "
        "times and are not read again: the digits are those that the sums hold.",
        "For a check-up, robust errors or plots, and where trusted digits are too few, fit all "
        "rows together.",
        {"rows": rows},
    )


def _learned_early(fit: Fit) -> list[Finding]:
    """Say which factors of a formula keep what they learned from the first rows."""
    if fit.design.formula is None or any(f.code == "learned-from-first-rows" for f in fit.findings):
        return []
    from gausswork.data.formulas.states import Levels

    factors = [
        str(factor)
        for factor, state in fit.design.formula.states.items()
        if not isinstance(state, Levels)
    ]
    if not factors:
        return []
    return [
        Finding(
            "learned-from-first-rows",
            Severity.NOTE,
            f"The means and scales in {', '.join(factors)} are those of the first {fit.rows:,} "
            "rows: predictions are those of a fit of all rows together, coefficients are in the "
            "units of the first rows.",
            "For the units of all rows fit them together.",
            {"factors": factors, "rows": fit.rows},
        )
    ]


def _require_sums(fit: Fit) -> None:
    from gausswork.leastsquares.descent.method import GradientDescent

    if isinstance(fit.method, GradientDescent) and fit.method.batch_size is not None:
        raise InputError(
            "a descent in mini-batches cannot take further rows: it needs all rows together. Fit "
            "them together, or fit by the normal equation and update that."
        )


def _require_plain(recipe: Recipe) -> None:
    if recipe.formula is not None:
        raise InputError(
            "moments are sums of columns of numbers, and a formula makes others of them. Fit it "
            "once, and add rows with fit.update(); fits of the same recipe merge with fit.merge()."
        )
    for column in recipe.columns:
        if column.kind == CATEGORY:
            raise InputError(
                f"column {column.name!r} holds text, and moments are sums of numbers. Name the "
                "columns of numbers with features=; or fit once, and add rows with fit.update(), "
                "which keeps the coding of categories."
            )


def _require_same_recipe(a: Fit, b: Fit) -> None:
    said = "These fits cannot be merged:"
    remedy = "Fit one part, and add the other with fit.update(), which reads it alike."
    if a.target != b.target or a.moments.names != b.moments.names:
        for name, levels in a.design.categories.items():
            others = b.design.categories.get(name)
            if others is not None and others != levels:
                raise InputError(
                    f"{said} category {name!r} has the levels {list(levels)} in one and "
                    f"{list(others)} in the other. {remedy}"
                )
        raise InputError(
            f"{said} they explain {a.target!r} by {list(a.moments.names)} and {b.target!r} by "
            f"{list(b.moments.names)}."
        )
    if a.solution.intercept != b.solution.intercept:
        raise InputError(f"{said} one has an intercept and the other has none.")
    ours, theirs = (replace(fit.design, weights=None).to_dict() for fit in (a, b))
    if ours != theirs:
        raise InputError(
            f"{said} their recipes differ in levels, or in means and scales that a formula has "
            f"learned. {remedy}"
        )


def _with_target(data: Any, target: Any) -> tuple[Any, Any]:
    """Take a pair (X, y) apart."""
    pair = target is None and isinstance(data, tuple) and len(data) == 2
    if pair and not any(isinstance(part, str) for part in data):
        return data[0], data[1]
    return data, target


def _opened(
    fit: Fit, data: Any, target: Any, weights: Any, missing: str
) -> tuple[Source, tuple[Finding, ...]]:
    """Open further rows the way that the fit read its own."""
    from gausswork.data.columns import series_column
    from gausswork.data.encode import EncodedSource
    from gausswork.data.frames import check_same_index
    from gausswork.data.opening import as_table, is_source, open_data
    from gausswork.data.predictors import require_columns
    from gausswork.data.tabular import source_by

    data, target = _with_target(data, target)
    if isinstance(target, str):
        if target not in (fit.target, *fit.design.target_columns):
            raise InputError(
                f"target is {target!r}, and the fit explains {fit.target!r}: further rows are read "
                "by its recipe, so leave the target out; an array brings its values, as in "
                "fit.update(X, y)."
            )
        target = None
    recipe = fit.design
    if is_source(data):
        if tuple(data.names) != recipe.names:
            raise InputError(
                f"the source has the predictors {list(data.names)}; the fit has "
                f"{list(recipe.names)}."
            )
        return data, ()
    plain = type(data) is np.ndarray and data.dtype.names is None
    table: Any = None if plain else as_table(data)
    kind = None if recipe.weights is None else recipe.weights.kind
    if kind is None and weights is not None:
        raise InputError(
            "the rows of the fit have no weights, so further ones cannot have some. Fit all rows "
            "together with weights."
        )
    if table is None:
        if recipe.formula is not None or recipe.categories:
            raise InputError(
                "the fit has categories or a formula: give further rows with named columns, such "
                "as a data frame or a dict of columns."
            )
        if target is None:
            raise InputError(
                "the target is missing: further rows in an array need theirs beside them, as in "
                "fit.update(X, y)."
            )
        if kind is not None and weights is None:
            raise InputError(
                f"the rows of the fit have {kind} weights: give those of the further rows as "
                "weights=."
            )
        shape: tuple[int, ...] = getattr(data, "shape", ())
        if len(shape) == 2 and shape[1] != len(recipe.columns):
            raise InputError(
                f"further rows have {shape[1]} columns; the fit uses {len(recipe.columns)}: "
                f"{listed([c.name for c in recipe.columns])}."
            )
        opened = open_data(
            data, fit.target, y=target, features=[c.name for c in recipe.columns], missing=missing,
            weights=weights, weighting=kind or ANALYTIC,
        )  # fmt: skip
        return opened.source, opened.findings
    if table.rows == 0:
        raise InputError(f"{table.description} has no rows, so there is nothing to add.")
    if target is not None:
        if not hasattr(table, "with_column") or recipe.formula is not None:
            raise InputError(
                f"the target of {table.description} must be one of its columns, called "
                f"{fit.target!r} as in the fit."
            )
        if fit.target in table.names:
            raise InputError(f"the target {fit.target!r} is a column of the data and given, too.")
        check_same_index(data, target, ("X", "y"))
        table = table.with_column(fit.target, series_column(target, place="the target"))
    if kind is not None:
        table, by = _weighed(data, table, recipe.weights, weights)
        recipe = replace(recipe, weights=by)
    require_columns(table, recipe, target=True)
    if recipe.formula is not None:
        return EncodedSource(table, recipe, missing), table.findings
    source, noticed = source_by(table, recipe, missing)
    return source, (*table.findings, *noticed)


def _weighed(data: Any, table: Any, by: Weights | None, values: Any) -> tuple[Any, Weights]:
    from gausswork.data.tabular import weighed

    assert by is not None
    if values is None and by.name not in table.names:
        raise InputError(
            f"{table.description} has no column {by.name!r}, which weighs the rows of the fit. Add "
            "it, or give the values as weights=."
        )
    table, found = weighed(data, table, by.name if values is None else values, by.kind)
    assert found is not None
    return table, found


def _kept(fit: Fit) -> Moments:
    """Return the sums of a fit; better ones where it had no need of them and still has its rows.

    Sums that rows can refine are rough ones. Rows in memory are summed once more before they are
    let go, unless they have changed since: then what was summed stands.
    """
    rough, source = fit.moments, fit.source
    if rough.error <= _ROUGH or not _in_memory(source):
        return rough
    assert source is not None
    try:
        better = accumulate(source, tier=_TIER, exponents=rough.exponents)
    except GaussworkError:
        return rough
    return better if better.finite and _same(rough, better) else rough


def _in_memory(source: Source | None) -> bool:
    from gausswork.data.encode import EncodedSource
    from gausswork.data.frames import FrameTable

    if isinstance(source, EncodedSource):
        return isinstance(source.table, FrameTable)
    return isinstance(source, ArraySource | ColumnsSource | KeptRows)


def _same(rough: Moments, better: Moments) -> bool:
    """Whether both are of the same rows, as far as the rough ones can tell."""
    if rough.rows != better.rows or rough.total_weight[0] != better.total_weight[0]:
        return False
    moved = merging.moved(better, rough.exponents, rough.shift)
    size = np.sqrt(np.maximum(rough.second_high.diagonal(), 0.0))
    bound = _SAME * rough.error
    tiny = np.finfo(np.float64).tiny
    apart = np.abs(moved.second_high - rough.second_high)
    first = np.abs(moved.first_high - rough.first_high)
    weight = np.sqrt(rough.total_weight[0])
    return bool(
        (apart <= bound * np.outer(size, size) + tiny).all()
        and (first <= bound * size * weight + tiny).all()
    )
