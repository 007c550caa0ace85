"""Fits of some of the columns from the sums of all: one pass serves every subset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gausswork.data.design import feature_names
from gausswork.data.kinds import listed, nearest
from gausswork.data.recipe import INTERCEPT, Predictor, Recipe
from gausswork.data.sources import Tally
from gausswork.data.views import ColumnView
from gausswork.data.weights import ARGUMENTS, Weights
from gausswork.errors import InputError
from gausswork.findings import Finding
from gausswork.leastsquares.descent.method import GradientDescent
from gausswork.leastsquares.fit import Fit
from gausswork.leastsquares.moments import Moments
from gausswork.leastsquares.refit import fit_of
from gausswork.leastsquares.solution import NormalEquation

if TYPE_CHECKING:
    from gausswork.data.formulas.factors import Factor, Formula
    from gausswork.data.formulas.model import FormulaDesign

# Findings of how the data was read, which stay true of fewer columns or more rows.
OF_THE_DATA = frozenset(
    {
        "binary-target", "category-coded", "numbers-as-category", "levels-alike", "power-of-term",
        "target-transformed", "intercept-renamed", "integers-rounded", "separator-detected",
        "decimal-comma", "extra-columns", "updated-from-sums", "learned-from-first-rows",
    }
)  # fmt: skip


def using(fit: Fit, features: str | Sequence[str], *, intercept: bool | None = None) -> Fit:
    """Fit some of the columns; see :meth:`gausswork.Fit.using`."""
    wanted = _wanted(features)
    if intercept is None:
        intercept = fit.solution.intercept
    elif not isinstance(intercept, bool | np.bool_):
        raise InputError(f"intercept must be True, False or None; got {intercept!r}.")
    recipe = _fewer(fit.design, wanted, bool(intercept), fit.solution.intercept)
    at = [fit.moments.names.index(name) for name in recipe.names]
    return fit_of(
        part_of(fit.moments, [*at, len(fit.moments.names)]),
        recipe,
        intercept=bool(intercept),
        method=fit.method,
        tally=fit.tally,
        description=fit.description,
        findings=[f for f in fit.findings if f.code in OF_THE_DATA and _still(f, recipe)],
        source=None if fit.source is None else ColumnView(fit.source, at),
    )


def fit_moments(
    moments: Moments,
    target: Any = None,
    *,
    features: str | Sequence[str] | None = None,
    intercept: bool = True,
    method: NormalEquation | GradientDescent,
) -> Fit:
    """Fit from moments alone; see :func:`gausswork.fit`."""
    if target is not None and not isinstance(target, str):
        raise InputError(
            "the data are moments, which hold their target: name a column of them with target=, "
            "or leave it out."
        )
    if target is not None or features is not None:
        moments = moments_using(moments, features, target)
    if intercept and INTERCEPT in moments.names:
        raise InputError(
            "a column of these moments is called 'intercept', and the fit adds an intercept of its "
            "own. Fit without an intercept, or sum the rows again with the column renamed."
        )
    kind = moments.weighting
    by = None if kind is None else Weights(ARGUMENTS[kind], kind)
    return fit_of(
        moments,
        Recipe(moments.target, tuple(map(Predictor, moments.names)), by),
        intercept=bool(intercept),
        method=method,
        tally=Tally(moments.rows, 0, {}),
        description=f"moments of {moments.rows:,} rows",
    )


def moments_using(
    moments: Moments, features: str | Sequence[str] | None, target: str | None
) -> Moments:
    """Return the moments of some columns; see :meth:`gausswork.Moments.using`."""
    columns = (*moments.names, moments.target)
    if target is None:
        target = moments.target
    _require((target,), columns, "these moments")
    if features is None:
        names = [name for name in columns if name != target]
    else:
        names = _wanted(features)
        _require(names, columns, "these moments")
        if target in names:
            raise InputError(f"{target!r} is the target and cannot be a feature too.")
    return part_of(moments, [columns.index(name) for name in (*names, target)])


def part_of(moments: Moments, at: Sequence[int]) -> Moments:
    """Return the moments of some columns by number, the last one as the target."""
    columns = (*moments.names, moments.target)
    where = np.asarray(at, dtype=np.intp)
    both = np.ix_(where, where)
    return replace(
        moments,
        names=tuple(columns[j] for j in at[:-1]),
        target=columns[at[-1]],
        exponents=moments.exponents[where],
        shift=moments.shift[where],
        first_high=moments.first_high[where],
        first_low=moments.first_low[where],
        second_high=np.ascontiguousarray(moments.second_high[both]),
        second_low=np.ascontiguousarray(moments.second_low[both]),
    )


def _wanted(features: str | Sequence[str]) -> list[str]:
    names = feature_names(features) or []
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"features= names {listed(twice)} more than once. Name each column once.")
    return names


def _require(names: Sequence[str], known: Sequence[str], place: str) -> None:
    for name in names:
        if name in known:
            continue
        guess = nearest(name, list(known))
        meant = f" Did you mean {guess!r}?" if guess is not None else ""
        raise InputError(f"{place} have no column {name!r}.{meant} They have {listed(known)}.")


def _still(finding: Finding, recipe: Recipe) -> bool:
    """Whether a finding is about a column that is still there, or about none."""
    column = finding.evidence.get("column")
    known = {recipe.target, *(c.name for c in recipe.columns), *recipe.target_columns}
    return not isinstance(column, str) or column in known


def _fewer(recipe: Recipe, wanted: Sequence[str], intercept: bool, before: bool) -> Recipe:
    if recipe.formula is not None:
        return _fewer_terms(recipe, recipe.formula, wanted, intercept, before)
    columns = {column.name: column for column in recipe.columns}
    _require(wanted, tuple(columns), "the fit's predictors")
    return replace(recipe, columns=tuple(columns[name] for name in wanted))


def _fewer_terms(
    recipe: Recipe, design: FormulaDesign, wanted: Sequence[str], intercept: bool, before: bool
) -> Recipe:
    """Keep some terms of a formula, if the sums of all have the columns that they then take."""
    from gausswork.data.formulas.factors import factor_columns
    from gausswork.data.formulas.model import FormulaDesign

    formula = design.formula
    terms = {_bare(":".join(map(str, term))): term for term in formula.terms}
    _require([_bare(name) for name in wanted], tuple(terms), "the fit's terms")
    kept = tuple(terms[_bare(name)] for name in wanted)
    factors = {factor for term in kept for factor in term}
    smaller = FormulaDesign.of(
        _formula_of(formula, kept, intercept),
        {factor: state for factor, state in design.states.items() if factor in factors},
    )
    lacking = [name for name in smaller.names if name not in design.names]
    if lacking or (before != intercept and smaller.names and recipe.categories):
        raise InputError(
            f"with the terms {listed(wanted)} alone the categories are coded by other columns "
            f"{'(' + listed(lacking) + ') ' if lacking else ''}than those that were summed. Keep "
            "the terms that their interactions are made of, and the intercept as it was; or fit "
            "the smaller formula itself."
        )
    used = {name for factor in factors for name in factor_columns(factor)}
    return replace(
        recipe,
        columns=tuple(column for column in recipe.columns if column.name in used),
        formula=smaller,
    )


def _formula_of(
    formula: Formula, terms: tuple[tuple[Factor, ...], ...], intercept: bool
) -> Formula:
    """Write a formula of these terms, and make sure that it reads as it is meant."""
    from gausswork.data.formulas.grammar import parse

    parts = [":".join(map(_written, term)) for term in terms]
    right = " + ".join([*parts, *([] if intercept else ["0"])]) or "1"
    text = f"{formula.target} ~ {right}"
    found = parse(text)
    if set(found.terms) != set(terms) or found.intercept != intercept:
        raise InputError(
            f"the terms of {formula.text!r} cannot be written as a formula of their own. Fit the "
            "smaller formula itself."
        )
    return found


def _written(factor: Factor) -> str:
    from gausswork.data.formulas.factors import Plain

    if isinstance(factor, Plain) and not re.fullmatch(r"[^\W\d]\w*", factor.column):
        return f"Q({factor.column!r})"
    return str(factor)


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)
