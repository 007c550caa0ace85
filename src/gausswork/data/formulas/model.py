"""A formula that has met its data: from columns to the columns of the design, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from gausswork.data.formulas import polynomials, states
from gausswork.data.formulas.coding import Product, codings
from gausswork.data.formulas.expressions import Column, Expression, columns_in, evaluate
from gausswork.data.formulas.factors import (
    SUM,
    Arithmetic,
    Category,
    Factor,
    Formula,
    Plain,
    Polynomial,
    Scaled,
    factor_columns,
)
from gausswork.data.formulas.grammar import parse
from gausswork.data.formulas.polynomials import Orthogonal
from gausswork.data.formulas.states import Levels, Scaling, State
from gausswork.errors import InputError, ModelFileError

Vector = npt.NDArray[np.float64]

MOST_COLUMNS = 10_000  # a Gram matrix of that size takes 800 MB


@dataclass(frozen=True, slots=True)
class Piece:
    """Some columns of the design: a product of factors.

    Attributes
    ----------
    factors : in the order of the term.
    full : for each factor whether it is a category that keeps all its levels.
    names : of the columns; those of the first factor vary fastest, as in R.
    """

    factors: tuple[Factor, ...]
    full: tuple[bool, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormulaDesign:
    """How the columns of the data become the design that a formula describes.

    Attributes
    ----------
    formula : what was written.
    states : what each factor has learned from the rows of the fit.
    pieces : the columns of the design, in order.
    """

    formula: Formula
    states: Mapping[Factor, State]
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, formula: Formula, learned: Mapping[Factor, State]) -> FormulaDesign:
        """Lay out the columns of a formula whose factors have learned what they need."""
        terms = [
            (
                [f for f in term if not isinstance(learned.get(f), Levels)],
                [f for f in term if isinstance(learned.get(f), Levels)],
            )
            for term in formula.terms
        ]
        coded = codings(terms, intercept=formula.intercept)
        pieces: list[Piece] = []
        columns = 0
        for term, products in zip(formula.terms, coded, strict=True):
            for chosen in products:
                pieces.append(_piece(term, chosen, learned))
                columns += len(pieces[-1].names)
        return cls(formula, dict(learned), tuple(pieces))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the design."""
        return tuple(name for piece in self.pieces for name in piece.names)

    @property
    def low_of(self) -> tuple[int, ...]:
        """Which columns of the design come with a low word: powers from the second on."""
        return self._where(lambda factor: [k > 0 for k in range(factor.degree)])

    @property
    def powers(self) -> tuple[int, ...]:
        """Which columns of the design are powers of one column, the first power among them."""
        return self._where(lambda factor: [factor.degree > 1] * factor.degree)

    def _where(self, of_powers: Callable[[Polynomial], list[bool]]) -> tuple[int, ...]:
        """Return the columns with a factor among the powers that are marked."""
        marked: list[bool] = []
        for piece in self.pieces:
            parts = [
                of_powers(factor)
                if isinstance(factor, Polynomial) and factor.raw
                else [False] * len(_labels(factor, full, self.states))
                for factor, full in zip(piece.factors, piece.full, strict=True)
            ]
            marked += [any(chosen) for chosen in product(*reversed(parts))]
        return tuple(k for k, found in enumerate(marked) if found)

    @property
    def target(self) -> str:
        """The target as it was written: ``"log(y)"``."""
        return str(self.formula.target)

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns that the target is computed from."""
        return tuple(dict.fromkeys(columns_in(self.formula.target)))

    @property
    def transformed(self) -> bool:
        """Whether the target is more than a column."""
        return not isinstance(self.formula.target, Column)

    @property
    def references(self) -> dict[str, str]:
        """For each category that is coded against a level, that level."""
        found: dict[str, str] = {}
        for piece in self.pieces:
            for factor, full in zip(piece.factors, piece.full, strict=True):
                state = self.states.get(factor)
                if isinstance(state, Levels) and not full and not _by_sum(factor):
                    found[_name(factor)] = state.levels[state.reference]
        return found

    def response(self, columns: Mapping[str, Any], where: Callable[[int], str]) -> Vector:
        """Return the target, (m,); NaN where a column has no value.

        Raises
        ------
        InputError
            Arithmetic fails at a row, such as the logarithm of zero.
        """
        return _computed(self.formula.target, columns, where)

    def expand(
        self, columns: Mapping[str, Any], where: Callable[[int], str]
    ) -> tuple[list[Vector], list[Vector | None]]:
        """Return the design of some rows.

        Parameters
        ----------
        columns : (m,) vectors of floats, NaN where there is no value; for categories of text (m,)
            level numbers in the order of their levels.
        where : the place of a row, for messages.

        Returns
        -------
        values : p vectors (m,).
        lows : for each the low word that rounding took off, or None.

        Raises
        ------
        InputError
            Arithmetic fails at a row, or a category has a level that the fit has not seen.
        """
        made: dict[tuple[Factor, bool], list[tuple[Vector, Vector | None]]] = {}
        values: list[Vector] = []
        lows: list[Vector | None] = []
        for piece in self.pieces:
            parts = []
            for factor, full in zip(piece.factors, piece.full, strict=True):
                key = (factor, full)
                if key not in made:
                    made[key] = self._columns(factor, full, columns, where)
                parts.append(made[key])
            # The first factor varies fastest.
            for chosen in product(*reversed(parts)):
                value, low = chosen[-1]
                for other, other_low in reversed(chosen[:-1]):
                    value, low = _joined(value, low, other, other_low)
                values.append(value)
                lows.append(low)
        return values, lows

    def _columns(
        self, factor: Factor, full: bool, columns: Mapping[str, Any], where: Callable[[int], str]
    ) -> list[tuple[Vector, Vector | None]]:
        state = self.states.get(factor)
        if isinstance(state, Levels):
            codes = level_numbers(columns[factor_columns(factor)[0]], state, factor, where)
            return [(column, None) for column in _indicators(codes, state, factor, full)]
        if isinstance(factor, Plain):
            return [(np.asarray(columns[factor.column], dtype=np.float64), None)]
        assert not isinstance(factor, Category)  # its levels are learned
        x = _computed(factor.expression, columns, where)
        if isinstance(factor, Arithmetic):
            return [(x, None)]
        if isinstance(factor, Scaled):
            assert isinstance(state, Scaling)
            return [((x - state.centre) / state.spread, None)]
        if isinstance(state, Orthogonal):
            return [(column, None) for column in polynomials.orthogonal(x, state)]
        highs, some_lows = polynomials.powers(x, factor.degree)
        for k, column in enumerate(highs):
            _refuse_overflow(column, x, f"{factor.expression}^{k + 1}", where)
        return [(highs[0], None), *zip(highs[1:], some_lows[1:], strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain data for JSON."""
        return {
            "text": self.formula.text,
            "others": [f.column for t in self.formula.terms for f in t if isinstance(f, Plain)],
            "states": [
                {"factor": str(factor), **states.to_dict(state)}
                for factor, state in self.states.items()
            ],
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], levels: Mapping[str, tuple[str, ...]]
    ) -> FormulaDesign:
        """Rebuild a design: the formula is read again, its states are checked.

        Parameters
        ----------
        data : what :meth:`to_dict` wrote.
        levels : for each column that the formula reads its levels, empty for numbers.

        Raises
        ------
        ModelFileError
            The data is no such design.
        """
        text, others, listed = (data.get(key) for key in ("text", "others", "states"))
        if not isinstance(text, str) or not isinstance(listed, list):
            raise ModelFileError("recipe: the formula must be a text with a list of states.")
        if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
            raise ModelFileError("recipe: the columns of the formula must be a list of texts.")
        try:
            formula = parse(text, tuple(dict.fromkeys(others)))
        except InputError as error:
            raise ModelFileError(f"recipe: the formula cannot be read: {error}") from None
        named = {str(factor): factor for factor in formula.factors}
        learned: dict[Factor, State] = {}
        for entry in listed:
            name = entry.get("factor") if isinstance(entry, Mapping) else None
            if not isinstance(name, str) or name not in named:
                raise ModelFileError(f"recipe: a state belongs to no factor of {text!r}.")
            rest = {key: value for key, value in entry.items() if key != "factor"}
            learned[named[name]] = states.from_dict(rest, name)
        for factor in formula.factors:
            _require_state(factor, learned.get(factor), levels)
        return cls.of(formula, learned)


def level_numbers(
    values: Any, state: Levels, factor: Factor, where: Callable[[int], str]
) -> npt.NDArray[np.int32]:
    """Return the level of each row as its number, (m,), -1 where there is no value."""
    if state.values is None:
        return np.asarray(values, dtype=np.int32)
    x = np.asarray(values, dtype=np.float64)
    order = np.argsort(state.values)
    ordered = np.asarray(state.values)[order]
    found = np.searchsorted(ordered, x).clip(max=len(ordered) - 1)
    missing = np.isnan(x)
    unseen = ~missing & (ordered[found] != x)
    if unseen.any():
        row = int(np.argmax(unseen))
        raise InputError(
            f"{factor} is {x[row]:g} at {where(row)}, a level that the fit has not seen. Known "
            f"levels: {', '.join(state.levels[:8])}{', …' if len(state.levels) > 8 else ''}. "
            "Leave such rows out, or fit again with data that has them."
        )
    return np.where(missing, -1, order[found]).astype(np.int32)


def _piece(
    term: Sequence[Factor], chosen: Product[Factor], learned: Mapping[Factor, State]
) -> Piece:
    """Lay out one product: its numeric factors, and the categories that the coding has chosen."""
    factors = tuple(
        factor for factor in term if factor in chosen or not isinstance(learned.get(factor), Levels)
    )
    full = tuple(chosen.get(factor, False) for factor in factors)
    count = 1
    labels = []
    for factor, keeps_all in zip(factors, full, strict=True):
        labels.append(_labels(factor, keeps_all, learned))
        count *= len(labels[-1])
    if count > MOST_COLUMNS:
        raise InputError(
            f"the term {':'.join(map(str, term))} takes {count} columns; {MOST_COLUMNS} is the "
            "most. Group rare levels, or leave the term out."
        )
    names = tuple(":".join(reversed(parts)) for parts in product(*reversed(labels)))
    return Piece(factors, full, names)


def _labels(factor: Factor, full: bool, learned: Mapping[Factor, State]) -> list[str]:
    """Return the names of the columns of one factor."""
    state = learned.get(factor)
    name = _name(factor)
    if isinstance(state, Levels):
        if full:
            return [f"{name}[{level}]" for level in state.levels]
        if _by_sum(factor):
            return [f"{name}[S.{level}]" for level in state.levels[:-1]]
        compared = [level for k, level in enumerate(state.levels) if k != state.reference]
        return [f"{name}[{level}]" for level in compared]
    if isinstance(factor, Polynomial):
        return [f"{factor}[{k}]" for k in range(1, factor.degree + 1)]
    return [name]


def _name(factor: Factor) -> str:
    """Return the name of a factor in the names of its columns."""
    if isinstance(factor, Category):
        return f"C({factor.column})"
    return "intercept (column)" if str(factor) == "intercept" else str(factor)


def _by_sum(factor: Factor) -> bool:
    return isinstance(factor, Category) and factor.contrast == SUM


def _indicators(
    codes: npt.NDArray[np.int32], state: Levels, factor: Factor, full: bool
) -> Iterator[Vector]:
    count = len(state.levels)
    by_sum = _by_sum(factor) and not full
    left_out = None if full else count - 1 if by_sum else state.reference
    wanted = [number for number in range(count) if number != left_out]
    missing = codes < 0
    last = (codes == count - 1) if by_sum else None
    for number in wanted:
        column = (codes == number).astype(np.float64)
        if last is not None:
            column[last] = -1.0
        column[missing] = np.nan
        yield column


def _joined(
    a: Vector, a_low: Vector | None, b: Vector, b_low: Vector | None
) -> tuple[Vector, Vector | None]:
    """Return the product of two columns; with a low word where a factor has one."""
    if a_low is None and b_low is None:
        return a * b, None
    high, low = polynomials.product(
        a, np.zeros_like(a) if a_low is None else a_low,
        b, np.zeros_like(b) if b_low is None else b_low,
    )  # fmt: skip
    return high, low


def _computed(
    expression: Expression, columns: Mapping[str, Any], where: Callable[[int], str]
) -> Vector:
    """Evaluate an expression; refuse rows where arithmetic fails although there are values."""
    names = tuple(dict.fromkeys(columns_in(expression)))
    values: Vector = np.asarray(evaluate(expression, columns), dtype=np.float64)
    if np.isfinite(values).all():
        return values
    gaps = np.zeros(values.shape, dtype=np.bool_)
    for name in names:
        gaps |= np.isnan(np.asarray(columns[name], dtype=np.float64))
    failed = ~np.isfinite(values) & ~gaps
    if failed.any():
        row = int(np.argmax(failed))
        given = ", ".join(f"{name} = {float(columns[name][row])!r}" for name in names)
        raise InputError(
            f"{expression} is {_word(values[row])} at {where(row)}, where {given}. Leave such "
            "rows out, or choose a transformation that is defined for them."
        )
    values = values.copy()
    values[gaps] = np.nan  # NaN^0 is 1: a gap stays a gap
    return values


def _refuse_overflow(values: Vector, x: Vector, what: str, where: Callable[[int], str]) -> None:
    failed = ~np.isfinite(values) & ~np.isnan(x)
    if failed.any():
        row = int(np.argmax(failed))
        raise InputError(
            f"{what} is {_word(values[row])} at {where(row)}, where it is a power of "
            f"{float(x[row])!r}. Change the unit of the column, or lower the degree."
        )


def _word(value: float) -> str:
    return "not a number" if np.isnan(value) else "infinite"


def _require_state(
    factor: Factor, state: State | None, levels: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse a saved design whose factor lacks what it must have learned, or has another's."""
    known = [levels.get(name, ()) for name in factor_columns(factor)]
    match factor:
        case Plain() | Category() if known[0]:
            ok = isinstance(state, Levels) and state.values is None and state.levels == known[0]
        case Plain() | Arithmetic():
            ok = state is None and not any(known)
        case Category():
            ok = isinstance(state, Levels) and state.values is not None
        case Scaled():
            ok = isinstance(state, Scaling) and not any(known)
        case Polynomial(_, degree, raw):
            ok = (
                state is None
                if raw
                else isinstance(state, Orthogonal) and len(state.centres) == degree
            )
    if not ok:
        raise ModelFileError(f"recipe: what the formula has learned for {factor} does not fit it.")
