"""Arithmetic in a formula: a tree of known operations on columns, never code.

Only what :data:`FUNCTIONS` lists can be called. There are no attributes, no indexing, no names
other than columns, so a hostile formula can say nothing that this module does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float

    def __str__(self) -> str:
        whole = float(self.value).is_integer() and abs(self.value) < 1e15
        return str(int(self.value)) if whole else repr(self.value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Negative:
    """A sign before an expression."""

    operand: Expression

    def __str__(self) -> str:
        return f"-{_inner(self.operand, _RANK['^'])}"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions joined by a sign of :data:`OPERATIONS`."""

    sign: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        rank = _RANK[self.sign]
        # To the left a sign of the same rank needs no brackets, to the right it does; powers
        # are read the other way round.
        left, right = (rank + 1, rank) if self.sign == "^" else (rank, rank + 1)
        if rank == _RANK["<"]:  # a < b < c is no comparison
            left = rank + 1
        space = "" if self.sign == "^" else " "
        return f"{_inner(self.left, left)}{space}{self.sign}{space}{_inner(self.right, right)}"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of :data:`FUNCTIONS` of one expression."""

    function: str
    argument: Expression

    def __str__(self) -> str:
        return f"{self.function}({self.argument})"


Expression: TypeAlias = Number | Column | Negative | Operation | Call


def _compared(compare: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def flags(left: Any, right: Any) -> Any:
        # A missing value compares as neither true nor false.
        unknown = np.isnan(left) | np.isnan(right)
        return np.where(unknown, np.nan, compare(left, right).astype(np.float64))

    return flags


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "<": _compared(np.less),
    "<=": _compared(np.less_equal),
    ">": _compared(np.greater),
    ">=": _compared(np.greater_equal),
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
}
_RANK = dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 1) | {
    "+": 2, "-": 2, "*": 3, "/": 3, "^": 5,
}  # fmt: skip
_NEGATIVE_RANK = 4

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "arccos": np.arccos,
    "arcsin": np.arcsin,
    "arctan": np.arctan,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "round": np.round,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "tan": np.tan,
    "tanh": np.tanh,
}
# What R and Python call them.
ALIASES = {"acos": "arccos", "asin": "arcsin", "atan": "arctan", "ceiling": "ceil"}


def columns_in(expression: Expression) -> Iterator[str]:
    """Yield the names of the columns that an expression reads, repeated ones too."""
    match expression:
        case Column(name):
            yield name
        case Negative(operand):
            yield from columns_in(operand)
        case Operation(_, left, right):
            yield from columns_in(left)
            yield from columns_in(right)
        case Call(_, argument):
            yield from columns_in(argument)


def evaluate(expression: Expression, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return the values of an expression, (m,) float64; a number where it reads no column.

    Parameters
    ----------
    columns : (m,) vectors by name. What arithmetic cannot do becomes NaN or infinite here; the
        caller looks for it, because it knows the rows.
    """
    with np.errstate(all="ignore"):
        return _value(expression, columns)


def _value(expression: Expression, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    match expression:
        case Number(value):
            return value
        case Column(name):
            return np.asarray(columns[name], dtype=np.float64)
        case Negative(operand):
            return np.negative(_value(operand, columns))
        case Operation(sign, left, right):
            if sign == "^" and right == Number(2.0):
                return np.square(_value(left, columns))  # correctly rounded, as x * x is
            return OPERATIONS[sign](_value(left, columns), _value(right, columns))
        case Call(function, argument):
            return FUNCTIONS[function](_value(argument, columns))


def _inner(expression: Expression, rank: int) -> str:
    """Return a part of an expression, in brackets where it would be read otherwise."""
    own = 9
    if isinstance(expression, Operation):
        own = _RANK[expression.sign]
    elif isinstance(expression, Negative):
        own = _NEGATIVE_RANK
    return f"({expression})" if own < rank else str(expression)
