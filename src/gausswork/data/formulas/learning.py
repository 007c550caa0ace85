"""A formula meets a table: which columns it reads, and what its factors learn from the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from gausswork.data.design import check_weights_field, usable
from gausswork.data.formulas import polynomials
from gausswork.data.formulas.expressions import Column, columns_in
from gausswork.data.formulas.factors import (
    Arithmetic,
    Category,
    Factor,
    Formula,
    Plain,
    Polynomial,
    Scaled,
    factor_columns,
)
from gausswork.data.formulas.grammar import parse, target_columns
from gausswork.data.formulas.model import MOST_COLUMNS, FormulaDesign
from gausswork.data.formulas.remarks import formula_findings
from gausswork.data.formulas.states import Levels, Scaling, State
from gausswork.data.formulas.tokens import SIGN, complain, tokens_of
from gausswork.data.kinds import Field, Kind, listed, nearest
from gausswork.data.recipe import CATEGORY, FLAG, Predictor, Recipe
from gausswork.data.remarks import category_findings, name_findings
from gausswork.data.tables import Table
from gausswork.data.weights import Weights
from gausswork.errors import InputError
from gausswork.findings import Finding

if TYPE_CHECKING:
    from gausswork.data.levels import Levels as Counted
    from gausswork.data.levels import Progress

Vector = npt.NDArray[np.float64]
# Gives the complete rows of numeric columns, a portion at a time, once more at every call.
Rows = Callable[[], Iterable[Mapping[str, Vector]]]

_BLOCK = 65_536  # values that are added up before they join the others

_NUMERIC = (Kind.NUMBER, Kind.FLAG)


def plan_formula(
    table: Table,
    text: str,
    missing: str,
    *,
    weights: Weights | None = None,
    progress: Progress | None = None,
) -> tuple[Recipe, bool, tuple[Finding, ...]]:
    """Decide how a table becomes the design of a formula.

    Parameters
    ----------
    table : the data.
    text : the formula.
    missing : ``"drop"`` or ``"error"``, for the passes that learn.
    weights : the column that weighs the rows; ``.`` does not stand for it.
    progress : called during the pass that collects levels.

    Returns
    -------
    recipe : how the columns become the design.
    intercept : whether the formula has one.
    findings : what was decided on the way.

    Raises
    ------
    InputError
        The formula cannot be read, or the data cannot serve it.
    """
    from gausswork.data.levels import collect_levels

    targets = target_columns(text, table.names)
    aside = (*targets, weights.name) if weights is not None else targets
    others, findings = _others(table, text, aside, progress)
    formula = parse(text, others, names=table.names)
    for factor in formula.factors:
        both = set(factor_columns(factor)) & set(targets)
        if both:
            raise complain(
                text, text.index("~") + 1,
                f"{listed(sorted(both))} stands on both sides of ~; the target cannot explain "
                "itself.",
            )  # fmt: skip
    used = dict.fromkeys(name for factor in formula.factors for name in factor_columns(factor))
    fields = table.fields(list(dict.fromkeys([*used, *aside])))
    if weights is not None:
        check_weights_field(fields[weights.name], weights, targets)
    _check_target(formula, fields, targets)
    texts = {
        factor.column: fields[factor.column]
        for factor in formula.factors
        if isinstance(factor, Plain | Category) and fields[factor.column].kind not in _NUMERIC
    }
    _check_columns(formula, fields)
    if texts and not table.replayable:
        raise InputError(
            f"the formula uses {listed(texts)} as categories, whose levels must be known before "
            f"the first row is used, and the {table.description} can be read only once. Keep its "
            "rows with pyarrow.table(stream) and pass that."
        )
    counted = collect_levels(table, texts, most=MOST_COLUMNS, progress=progress) if texts else {}
    columns = tuple(_predictor(name, fields[name], counted) for name in used)
    if _is_plain(formula, columns):
        findings = [*findings, *_said_of_categories(columns, fields, counted)]
        recipe = Recipe(str(formula.target), columns, weights)
        return recipe, formula.intercept, (*findings, *name_findings(recipe))
    learned = _text_levels(formula, columns)
    asking = [factor for factor in formula.factors if _asks_for_numbers(factor, learned)]
    if asking:
        if not table.replayable:
            raise InputError(
                f"the formula needs passes over the rows for {listed(map(str, asking))}, and the "
                f"{table.description} can be read only once. Keep its rows with "
                "pyarrow.table(stream) and pass that."
            )
        rows = _rows(table, columns, targets, missing)
        learned |= {factor: _learn(factor, rows) for factor in asking}
    learned = {factor: learned[factor] for factor in formula.factors if factor in learned}
    design = FormulaDesign.of(formula, learned)
    recipe = Recipe(design.target, columns, weights, design)
    findings = [
        *findings,
        *_said_of_categories(columns, fields, counted, coded=False),
        *formula_findings(design),
    ]
    return recipe, formula.intercept, tuple(findings)


def _others(
    table: Table, text: str, aside: Sequence[str], progress: Progress | None
) -> tuple[tuple[str, ...], list[Finding]]:
    """Return what ``.`` stands for: every usable column but those of target and weights."""
    if not any(token.kind == SIGN and token.text == "." for token in tokens_of(text)):
        return (), []
    names = [name for name in table.names if name not in aside]
    chosen, findings = usable(table, names, str(aside[0]), progress=progress)
    return tuple(column.name for column in chosen), list(findings)


def _check_target(formula: Formula, fields: Mapping[str, Field], targets: Sequence[str]) -> None:
    for name in targets:
        field = fields[name]
        if field.kind not in (*_NUMERIC, Kind.EMPTY):
            remedy = field.remedy or "Choose a column of numbers, or turn it into one."
            raise complain(
                formula.text, 0,
                f"the target must be numbers; column {name!r} holds {field.holds}. {remedy}",
            )  # fmt: skip


def _check_columns(formula: Formula, fields: Mapping[str, Field]) -> None:
    for factor in formula.factors:
        for name in factor_columns(factor):
            field = fields[name]
            if field.kind is Kind.UNUSABLE:
                raise InputError(
                    f"column {name!r} cannot be used by {factor}: it holds {field.holds}. "
                    f"{field.remedy}"
                )
            if field.kind not in _NUMERIC and not isinstance(factor, Plain | Category):
                raise InputError(
                    f"{factor} computes with column {name!r}, which holds {field.holds}. "
                    f"Arithmetic needs numbers; a category is written C({name})."
                )


def _predictor(name: str, field: Field, counted: Mapping[str, Counted]) -> Predictor:
    if name not in counted:
        return Predictor(name, FLAG) if field.kind is Kind.FLAG else Predictor(name)
    levels = counted[name]
    if not levels.seen:
        raise InputError(f"column {name!r} has no value in any row. Leave it out of the formula.")
    if levels.too_many:
        raise InputError(
            f"column {name!r} has more than {MOST_COLUMNS} different values such as "
            f"{next(iter(levels.seen))!r}; each would be a coefficient of its own. Group them, or "
            "leave the column out of the formula."
        )
    return Predictor(name, CATEGORY, levels.sorted())


def _is_plain(formula: Formula, columns: Sequence[Predictor]) -> bool:
    """Whether naming the columns says the same as the formula."""
    if not isinstance(formula.target, Column):
        return False
    if not formula.intercept and any(column.kind == CATEGORY for column in columns):
        return False
    return all(len(term) == 1 and isinstance(term[0], Plain) for term in formula.terms)


def _said_of_categories(
    columns: Sequence[Predictor],
    fields: Mapping[str, Field],
    counted: Mapping[str, Counted],
    *,
    coded: bool = True,
) -> Iterator[Finding]:
    for column in columns:
        if column.kind == CATEGORY:
            for finding in category_findings(
                column, fields[column.name], counted[column.name].seen
            ):
                if coded or finding.code != "category-coded":
                    yield finding


def _text_levels(formula: Formula, columns: Sequence[Predictor]) -> dict[Factor, State]:
    """Return the levels of the factors that are categories of text."""
    known = {column.name: column.levels for column in columns if column.kind == CATEGORY}
    return {
        factor: Levels(levels, None, _reference(factor, levels))
        for factor in formula.factors
        if isinstance(factor, Plain | Category) and (levels := known.get(factor.column))
    }


def _reference(factor: Plain | Category, levels: tuple[str, ...]) -> int:
    """Return which level the others are compared with."""
    reference = factor.reference if isinstance(factor, Category) else None
    if reference is None:
        return 0
    if reference not in levels:
        guess = nearest(reference, levels)
        meant = f" Did you mean {guess!r}?" if guess is not None else ""
        raise InputError(
            f"{factor}: {factor.column!r} has no level {reference!r}.{meant} Its levels are "
            f"{listed(levels)}."
        )
    return levels.index(reference)


def _asks_for_numbers(factor: Factor, learned: Mapping[Factor, State]) -> bool:
    match factor:
        case Scaled():
            return True
        case Polynomial(_, _, raw):
            return not raw
        case Category():
            return factor not in learned
    return False


def _rows(table: Table, columns: Sequence[Predictor], targets: Sequence[str], missing: str) -> Rows:
    """Return the complete rows that the fit will use, as a function that reads them again."""
    from gausswork.data.encode import complete_rows

    reads = (*columns, *map(Predictor, targets))
    names = [column.name for column in reads]

    def rows() -> Iterator[Mapping[str, Vector]]:
        for piece, _ in complete_rows(table, reads, missing):
            yield dict(zip(names, cast(list[Vector], piece), strict=True))

    return rows


def _learn(factor: Factor, rows: Rows) -> State:
    from gausswork.data.formulas.expressions import evaluate

    assert not isinstance(factor, Plain | Arithmetic)
    if isinstance(factor, Category):
        return _number_levels(factor, rows)

    def values() -> Iterator[Vector]:
        for columns in rows():
            x = np.asarray(evaluate(factor.expression, columns), dtype=np.float64)
            if not np.isfinite(x).all():
                row = int(np.argmax(~np.isfinite(x)))
                given = ", ".join(
                    f"{name} = {float(columns[name][row])!r}"
                    for name in dict.fromkeys(columns_in(factor.expression))
                )
                raise InputError(
                    f"{factor.expression} is not finite where {given}. Leave such rows out, or "
                    "choose a transformation that is defined for them."
                )
            yield x

    def blocks() -> Iterator[Vector]:
        return _of_equal_length(values())

    if isinstance(factor, Polynomial):
        return polynomials.learn(blocks, factor.degree, str(factor))
    return _scaling(factor, blocks)


def _of_equal_length(pieces: Iterable[Vector]) -> Iterator[Vector]:
    """Divide consecutive values anew, so that sums come out the same however they were read."""
    held: list[Vector] = []
    lacks = _BLOCK
    for piece in pieces:
        rest = piece
        while len(rest) >= lacks:
            yield np.concatenate([*held, rest[:lacks]]) if held else rest[:lacks]
            held, rest, lacks = [], rest[lacks:], _BLOCK
        if len(rest):
            held.append(rest.copy())  # what gave it may use its memory again
            lacks -= len(rest)
    if held:
        yield np.concatenate(held)


def _number_levels(factor: Category, rows: Rows) -> Levels:
    found: Vector = np.empty(0)
    for columns in rows():
        found = np.union1d(found, np.asarray(columns[factor.column], dtype=np.float64))
        if len(found) > MOST_COLUMNS:
            raise InputError(
                f"{factor}: {factor.column!r} has more than {MOST_COLUMNS} different values; each "
                "would be a coefficient of its own. Group them, or use it as a number."
            )
    if not len(found):
        raise InputError(f"{factor}: no row is complete, so there are no levels.")
    texts = tuple(_number_text(value) for value in found.tolist())
    return Levels(texts, tuple(found.tolist()), _reference(factor, texts))


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _scaling(factor: Scaled, values: Callable[[], Iterable[Vector]]) -> Scaling:
    """Return mean and spread, by two passes: R's scale() divides by n − 1, standardize() by n."""
    total, count = polynomials.Sum(), 0
    for x in values():
        total.add(x)
        count += len(x)
    if not count:
        raise InputError(f"{factor}: no row is complete, so there is no mean.")
    mean = total.value / count
    if factor.function == "center":
        return Scaling(mean, 1.0)
    squares = polynomials.Sum()
    for x in values():
        squares.add((x - mean) ** 2)
    divisor = count - 1 if factor.function == "scale" else count
    spread = float(np.sqrt(squares.value / divisor)) if divisor else 0.0
    if not spread > 1e-14 * abs(mean):
        raise InputError(
            f"{factor} needs a column that varies; it is the same in every row. Leave it out."
        )
    return Scaling(mean, spread)
