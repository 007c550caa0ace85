"""From named columns to a recipe: which ones a fit uses, how, and why the others not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from gausswork.data.kinds import Field, Kind, listed, require_column, require_distinct
from gausswork.data.levels import Levels, Progress, collect_levels
from gausswork.data.recipe import CATEGORY, FLAG, Predictor, Recipe
from gausswork.data.remarks import (
    MOST_LEVELS_UNASKED,
    announcement,
    binary_target,
    category_findings,
    mending_of,
    name_findings,
)
from gausswork.data.tables import Table
from gausswork.data.weights import ARGUMENTS, Weights
from gausswork.errors import InputError
from gausswork.findings import Finding

MOST_LEVELS = 10_000  # a Gram matrix of that size takes 800 MB

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


def feature_names(features: str | Sequence[Any] | None) -> list[str] | None:
    """Turn ``features=`` into a list of names; ``"a,b"`` is the same as ``["a", "b"]``."""
    if features is None:
        return None
    if isinstance(features, str):
        return [name.strip() for name in features.split(",") if name.strip()]
    # pandas columns may be called 0, 1, 2, or by tuples: their names here are "0", "1", "2"
    names = [str(name) if isinstance(name, int | np.integer | tuple) else name for name in features]
    for name in names:
        if not isinstance(name, str):
            raise InputError(
                f"features must be names of columns; got {name!r} of type "
                f"{type(name).__name__}. Pass a list such as ['a', 'b']."
            )
    return names


def plan(
    table: Table,
    target: str,
    features: str | Sequence[str] | None = None,
    *,
    weights: Weights | None = None,
    announce: bool = True,
    progress: Progress | None = None,
) -> tuple[Recipe, tuple[Finding, ...]]:
    """Decide which columns of a table become predictors, and say so.

    Parameters
    ----------
    table : the data.
    target : name of the target.
    features : names of the columns to use; None for every other usable column.
    weights : the column that weighs the rows; it is no predictor unless ``features`` names it.
    announce : whether a choice made here is a finding even if nothing was left out.
    progress : called during the pass that collects levels.

    Raises
    ------
    InputError
        A column is not there, or cannot be used as it is.
    """
    require_column(target, table.names, place=table.description, hint=table.hint)
    asked = _asked(table, target, features)
    aside = {target, weights.name if weights else target}
    names = asked if asked is not None else [name for name in table.names if name not in aside]
    fields = table.fields(list(dict.fromkeys([*names, target, *aside])))
    check_target(fields[target])
    if weights is not None:
        check_weights_field(fields[weights.name], weights, [target])
    if asked is None:
        chosen, left_out, findings = _choose(table, [fields[name] for name in names], progress)
    else:
        chosen, findings = _use(table, [fields[name] for name in names], progress)
        left_out = {}
    if asked is None and not chosen:
        reasons = "; ".join(f"{name!r} holds {why}" for name, why in left_out.items())
        mending = mending_of(fields[name] for name in left_out)
        raise InputError(
            f"{table.description} has no usable column beside the target {target!r}"
            f"{': ' + reasons if reasons else ''}. {mending}"
            "Name the columns to use with features=, or fit the mean alone with features=[]."
        )
    if asked is None and (announce or left_out):
        mending = mending_of(fields[name] for name in left_out)
        findings = [announcement(target, chosen, left_out, mending), *findings]
    recipe = Recipe(target, tuple(chosen), weights)
    require_distinct(recipe.names, place="the design (columns and levels together)")
    if fields[target].kind is Kind.FLAG:
        findings = [*findings, binary_target(target)]
    return recipe, (*findings, *name_findings(recipe))


def usable(
    table: Table, names: Sequence[str], target: str, *, progress: Progress | None = None
) -> tuple[list[Predictor], list[Finding]]:
    """Return the columns among ``names`` that a fit can use unasked, and what is said of that.

    Of the categories among them nothing is said: whoever uses them does.
    """
    fields = table.fields(names)
    chosen, left_out, _ = _choose(table, [fields[name] for name in names], progress)
    mending = mending_of(fields[name] for name in left_out)
    return chosen, [announcement(target, chosen, left_out, mending)]


def _asked(table: Table, target: str, features: str | Sequence[str] | None) -> list[str] | None:
    if isinstance(features, str) and features in table.names:
        names: list[str] | None = [features]  # a name that itself has a comma in it
    else:
        names = feature_names(features)
    if names is None:
        return None
    for name in names:
        require_column(name, table.names, place=table.description, hint=table.hint)
    if target in names:
        raise InputError(
            f"{target!r} is the target and cannot be a feature too. Take it out of features=."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"features= names {listed(twice)} more than once. Name each column once.")
    return names


def check_target(field: Field) -> None:
    """Refuse a target that does not hold numbers."""
    # EMPTY: perhaps only at first; a pass will tell
    if field.kind in (Kind.NUMBER, Kind.FLAG, Kind.EMPTY):
        return
    remedy = field.remedy or "Choose a column of numbers, or turn it into one."
    raise InputError(
        f"the target must be numbers; column {field.name!r} holds {field.holds}. {remedy}"
    )


def check_weights_field(field: Field, weights: Weights, targets: Sequence[str]) -> None:
    """Refuse weights that are the target, or no numbers."""
    argument = ARGUMENTS[weights.kind]
    if field.name in targets:
        raise InputError(f"{field.name!r} is the target and cannot be {argument}= too.")
    if field.kind not in (Kind.NUMBER, Kind.FLAG, Kind.EMPTY):
        remedy = field.remedy or "Choose a column of numbers, or turn it into one."
        raise InputError(
            f"{argument} must be numbers; column {field.name!r} holds {field.holds}. {remedy}"
        )


def _choose(
    table: Table, fields: Sequence[Field], progress: Progress | None
) -> tuple[list[Predictor], dict[str, str], list[Finding]]:
    """Take every usable column; return also why the others were left out."""
    left_out: dict[str, str] = {}
    open_fields: dict[str, Field] = {}
    for field in fields:
        if field.unnamed:
            left_out[field.name] = "values without a name in the header, such as row numbers"
        elif field.kind is Kind.UNUSABLE:
            left_out[field.name] = field.holds
        elif field.kind in (Kind.TEXT, Kind.EMPTY):
            if table.replayable:
                open_fields[field.name] = field
            else:
                left_out[field.name] = (
                    f"{field.holds}, whose levels cannot be collected from a stream that is read "
                    "only once"
                )
    found: dict[str, Levels] = {}
    if open_fields:
        found = collect_levels(table, open_fields, most=MOST_LEVELS_UNASKED, progress=progress)
    chosen: list[Predictor] = []
    findings: list[Finding] = []
    for field in fields:
        if field.name in left_out:
            continue
        if field.name not in found:
            chosen.append(_plain(field))
            continue
        levels = found[field.name]
        why = _why_not(field, levels)
        if why:
            left_out[field.name] = why
            continue
        chosen.append(_coded(field, levels))
        findings.extend(category_findings(chosen[-1], field, levels.seen))
    # in the order of the table, whatever the reason
    ordered = {field.name: left_out[field.name] for field in fields if field.name in left_out}
    return chosen, ordered, findings


def _use(
    table: Table, fields: Sequence[Field], progress: Progress | None
) -> tuple[list[Predictor], list[Finding]]:
    """Take the columns asked for, or say why one of them cannot be used."""
    open_fields: dict[str, Field] = {}
    for field in fields:
        if field.kind is Kind.UNUSABLE:
            raise InputError(
                f"column {field.name!r} cannot be a feature: it holds {field.holds}. {field.remedy}"
            )
        if field.kind in (Kind.TEXT, Kind.EMPTY):
            if not table.replayable:
                raise InputError(
                    f"column {field.name!r} holds {field.holds}, whose levels must be known before "
                    f"the first row is used, and the {table.description} can be read only once. "
                    "Keep its rows with pyarrow.table(stream) and pass that."
                )
            open_fields[field.name] = field
    found: dict[str, Levels] = {}
    if open_fields:
        found = collect_levels(table, open_fields, most=MOST_LEVELS, progress=progress)
    chosen: list[Predictor] = []
    findings: list[Finding] = []
    for field in fields:
        levels = found.get(field.name)
        if levels is None:
            chosen.append(_plain(field))
            continue
        if not levels.seen:
            raise InputError(
                f"column {field.name!r} has no value in any row. Leave it out of features=."
            )
        chosen.append(_coded(field, levels))
        if levels.too_many and chosen[-1].kind == CATEGORY:
            raise InputError(
                f"column {field.name!r} has more than {MOST_LEVELS} different values such as "
                f"{next(iter(levels.seen))!r}; each would be a coefficient of its own. "
                "Group them, or leave the column out of features=."
            )
        findings.extend(category_findings(chosen[-1], field, levels.seen))
    return chosen, findings


def _plain(field: Field) -> Predictor:
    return Predictor(field.name, FLAG) if field.kind is Kind.FLAG else Predictor(field.name)


def _coded(field: Field, levels: Levels) -> Predictor:
    if field.kind is Kind.EMPTY and _all_numbers(levels):
        return Predictor(field.name)  # a column of numbers that began with a long gap
    return Predictor(field.name, CATEGORY, levels.sorted())


def _all_numbers(levels: Levels) -> bool:
    return bool(levels.seen) and all(_NUMBER.fullmatch(level) for level in levels.seen)


def _why_not(field: Field, levels: Levels) -> str:
    """Say why a text column is not used unasked; empty when it is."""
    if not levels.seen:
        return "no values"
    if field.kind is Kind.EMPTY and _all_numbers(levels):
        return ""
    example = repr(next(iter(levels.seen)))
    holds = field.holds if field.kind is Kind.TEXT else "text"
    if "such as" not in holds and "text: " not in holds:
        holds = f"{holds} such as {example}"
    if levels.too_many:
        return f"{holds}, more than {MOST_LEVELS_UNASKED} different values"
    if len(levels.seen) == 1:
        return f"the same text {example} in every row"
    if len(levels.seen) == levels.values and levels.values > 2:
        if "text: " in holds:  # numbers but for some: what is amiss is said already
            return holds
        return f"{holds}, a different one in every row"
    return ""
