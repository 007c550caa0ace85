"""What the factors of a formula learn from the rows of a fit and need again to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gausswork.data.formulas.polynomials import Orthogonal
from gausswork.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a category.

    Attributes
    ----------
    levels : as text, in the order of the column.
    values : the numbers that they are in a column of numbers; None in a column of text.
    reference : which of them the others are compared with.
    """

    levels: tuple[str, ...]
    values: tuple[float, ...] | None = None
    reference: int = 0


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is taken off a column, and what it is then divided by."""

    centre: float
    spread: float


State: TypeAlias = Levels | Scaling | Orthogonal


def to_dict(state: State) -> dict[str, Any]:
    """Return a state as plain data for JSON."""
    match state:
        case Levels(levels, values, reference):
            return {
                "levels": list(levels),
                "values": None if values is None else list(values),
                "reference": reference,
            }
        case Scaling(centre, spread):
            return {"centre": centre, "spread": spread}
        case Orthogonal(centres, norms):
            return {"centres": list(centres), "norms": list(norms)}


def from_dict(data: Any, what: str) -> State:
    """Rebuild a state, checking every part of it.

    Raises
    ------
    ModelFileError
        The data is no such state.
    """
    if not isinstance(data, Mapping):
        raise ModelFileError(f"recipe: the state of {what} must be an object.")
    match sorted(data):
        case ["levels", "reference", "values"]:
            levels, reference = data["levels"], data["reference"]
            if not isinstance(levels, list) or not all(isinstance(x, str) for x in levels):
                raise ModelFileError(f"recipe: the levels of {what} must be a list of texts.")
            if not levels or len(set(levels)) < len(levels):
                raise ModelFileError(f"recipe: the levels of {what} are empty or repeat.")
            if type(reference) is not int or not 0 <= reference < len(levels):
                raise ModelFileError(f"recipe: {what} has no such reference level.")
            values = data["values"]
            if values is None:
                return Levels(tuple(levels), None, reference)
            numbers = _numbers(values, what)
            if len(numbers) != len(levels) or len(set(numbers)) < len(numbers):
                raise ModelFileError(f"recipe: the levels of {what} and their values disagree.")
            return Levels(tuple(levels), numbers, reference)
        case ["centre", "spread"]:
            centre, spread = _numbers([data["centre"], data["spread"]], what)
            if spread == 0.0:
                raise ModelFileError(f"recipe: the spread of {what} is zero.")
            return Scaling(centre, spread)
        case ["centres", "norms"]:
            centres, norms = _numbers(data["centres"], what), _numbers(data["norms"], what)
            if len(norms) != len(centres) + 1 or not all(norm > 0 for norm in norms):
                raise ModelFileError(f"recipe: the polynomials of {what} are not complete.")
            return Orthogonal(centres, norms)
    raise ModelFileError(f"recipe: the state of {what} is of an unknown kind.")


def _numbers(values: Any, what: str) -> tuple[float, ...]:
    from math import isfinite

    def number(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ModelFileError(f"recipe: the numbers of {what} must be finite; got {value!r}.")
        return float(value)

    if not isinstance(values, list):
        raise ModelFileError(f"recipe: the numbers of {what} must be a list.")
    return tuple(number(value) for value in values)
